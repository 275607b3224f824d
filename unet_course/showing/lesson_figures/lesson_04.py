"""Drawings of lesson 04: numbers in pictures, coarse grids, upsampling, the U, receptive fields.

Every function takes arrays or a model and returns a Matplotlib figure for `plotting.show`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np

from unet_course.showing import plotting

MARK = plotting.PALETTE["vermillion"]  # what the text points at
TENSOR, SKIP = "#cccccc", plotting.PALETTE["green"]


def clearest_left_border(image: np.ndarray, mask: np.ndarray) -> tuple[int, int]:
    """Return the (row, column) on a mask's left border where the image brightens most.

    Args:
        image: (rows, columns), brightness.
        mask: (rows, columns), 0 and 1; its left border are the pixels with no mask to their left.
    """
    from scipy import signal

    step = np.repeat([[-1] * 4 + [0] + [1] * 4], 9, axis=0)  # right of a pixel minus left of it
    contrast = signal.correlate2d(image, step, mode="same")
    border = (mask == 1) & (np.roll(mask, 1, axis=1) == 0)
    row, column = np.unravel_index(np.where(border, contrast, -np.inf).argmax(), mask.shape)
    return int(row), int(column)


def draw_numbers(ax, values: np.ndarray, title: str, low: float, high: float) -> None:
    """Draw a small array as a picture from `low` (black) to `high`, its numbers written in."""
    ax.imshow(values, cmap="gray", vmin=low, vmax=high)
    for (row, column), value in np.ndenumerate(values):
        ink = "black" if value > (low + high) / 2 else "white"
        ax.text(column, row, f"{value:.0f}", ha="center", va="center", color=ink, fontsize=9)
    ax.set_title(title, fontsize=10)
    ax.set(xticks=[], yticks=[])


def patch_in_slice(image: np.ndarray, patch: np.ndarray, top: int, left: int):
    """Return a figure of a slice with a square patch marked, and the patch as numbers."""
    fig, axes = plt.subplots(1, 2, figsize=(8.5, 4), layout="constrained")
    axes[0].imshow(image, cmap="gray")
    axes[0].add_patch(plt.Rectangle((left, top), *patch.shape[::-1], fill=False, ec=MARK, lw=2))
    axes[0].set_title("FLAIR, and where the patch is", fontsize=10)
    axes[0].axis("off")
    draw_numbers(axes[1], patch, "the patch", 0, 100)
    return fig


def one_place(nine: np.ndarray, kernel: np.ndarray, everywhere: np.ndarray):
    """Return a figure of a convolution in numbers: at one place, and at all of them."""
    products = nine * kernel
    fig, axes = plt.subplots(1, 4, figsize=(10, 2.9), layout="constrained")
    draw_numbers(axes[0], nine, "nine pixels", 0, 100)
    draw_numbers(axes[1], kernel, "× the kernel", -1, 1)
    draw_numbers(axes[2], products, f"= nine products, sum {products.sum():.0f}", -100, 100)
    draw_numbers(axes[3], everywhere, f"the sums at all {everywhere.size} places", -80, 80)
    middle = np.array(everywhere.shape) // 2 - 0.5
    axes[3].add_patch(plt.Rectangle(middle[::-1], 1, 1, fill=False, ec=MARK, lw=2))
    return fig


def feature_maps(maps: Mapping[str, np.ndarray]):
    """Return a figure of feature maps in a row: grey is 0 in those that have negative values."""
    fig, axes = plt.subplots(1, len(maps), figsize=(2.5 * len(maps), 2.9), layout="constrained")
    for ax, (name, values) in zip(axes, maps.items(), strict=True):
        reach = 1 if values.max() < 1.5 else 2
        ax.imshow(values, cmap="gray", vmin=0 if values.min() >= 0 else -reach, vmax=reach)
        ax.set_title(name, fontsize=10)
        ax.axis("off")
    return fig


def coarser_grids(
    pooled: Sequence[np.ndarray],
    images: Mapping[str, np.ndarray],
    truths: Mapping[str, np.ndarray],
    known: Mapping[str, Sequence[np.ndarray]],
    dice: Mapping[str, Sequence[float]],
):
    """Return a figure of a slice pooled step by step, and below what each grid knows of masks.

    Args:
        pooled: the slice at each step, the first in full.
        images, truths: by the row's name, a slice and its mask.
        known, dice: by the row's name, the mask that each step's grid can still draw, and its Dice.
    """
    fig, axes = plt.subplots(
        1 + len(truths), len(pooled), figsize=(9, 5.9), layout="constrained", squeeze=False
    )
    for ax, values in zip(axes[0], pooled, strict=True):
        ax.imshow(values, cmap="gray", vmin=0, vmax=1)
        ax.set_title(f"{values.shape[0]} × {values.shape[1]}", fontsize=10)
    for row, name in zip(axes[1:], truths, strict=True):
        rows, columns = np.nonzero(truths[name])
        middle = rows.mean(), columns.mean()
        reach = 8 + max(np.ptp(rows), np.ptp(columns)) / 2
        for ax, mask, score in zip(row, known[name], dice[name], strict=True):
            ax.imshow(images[name], cmap="gray")
            ax.contour(truths[name], [0.5], colors=plotting.TRUTH, linewidths=1.8)
            if mask.any():
                ax.contour(mask, [0.5], colors=MARK, linewidths=1.5)
            ax.set_title(f"Dice {score:.3f}", fontsize=10)
            ax.set(
                xlim=(middle[1] - reach, middle[1] + reach),
                ylim=(middle[0] + reach, middle[0] - reach),
            )
    for ax, name in zip(axes[:, 0], ("max-pooled", *truths), strict=True):
        ax.text(-0.06, 0.5, name, rotation=90, ha="right", va="center", transform=ax.transAxes)
    lines = [plt.Line2D([], [], color=colour) for colour in (plotting.TRUTH, MARK)]
    names = ["the truth's outline", "what the grid knows of it"]
    fig.legend(lines, names, loc="outside lower center", ncols=2, fontsize=10, frameon=False)
    for ax in axes.flat:
        ax.axis("off")
    return fig


def enlarged(before: np.ndarray, after: Mapping[str, np.ndarray]):
    """Return a figure of a patch and its enlargements, all at one scale: a pixel is a pixel."""
    ratios = [before.shape[1] / next(iter(after.values())).shape[1]] + [1] * len(after)
    size = (10, 10 / sum(ratios) + 0.4)  # high enough for square panels, so that the widths decide
    fig, axes = plt.subplots(
        1, 1 + len(after), figsize=size, layout="constrained", width_ratios=ratios
    )
    for ax, (name, values) in zip(axes, {"before": before, **after}.items(), strict=True):
        ax.imshow(values, cmap="gray", vmin=0, vmax=1)
        ax.set_title(f"{name}\n{values.shape[0]} × {values.shape[1]}", fontsize=9)
        ax.axis("off")
    return fig


def u_shape(model):
    """Return a figure of a U-Net, read from its layers.

    A box is a tensor, as high as its side and as wide as (the root of) its channels; the number
    under it are the channels. A box after a skip connection is green where the channels came
    across. Black arrows are pooling and upsampling.

    Args:
        model: a 2-D `keras.Model` of `blocks.conv_block`, max pooling, upsampling and
            concatenation, as lesson 04 and `unet.unet` build it.
    """
    fig, ax = plt.subplots(figsize=(10, 4.6), layout="constrained")
    side, place, last, step, before = model.input_shape[1], 0.0, None, None, {}
    arrow = {"arrowstyle": "-|>", "lw": 1.2, "shrinkA": 1, "shrinkB": 1}
    across = {"color": SKIP, "connectionstyle": "arc,angleA=90,angleB=90,armA=14,armB=14,rad=4"}
    for layer in model.layers:
        kind, (_, here, _, channels) = type(layer).__name__, layer.output.shape
        level = np.log2(side / here)
        if kind == "MaxPooling2D":
            before[level - 1], step = last, "down"
            continue
        if kind in ("Conv2DTranspose", "LinearUpsampling", "UpSampling2D"):
            step, fresh = "up", channels
            continue
        drawn = kind in ("InputLayer", "Activation", "Concatenate") or layer is model.layers[-1]
        if not drawn:
            continue  # a convolution or a normalisation: its activation is drawn
        high, wide, middle = 1.5 * 0.72**level, 0.1 + 0.05 * np.sqrt(channels), -1.75 * level
        place += 0.25 if step else 0.5
        share = fresh / channels if kind == "Concatenate" else 1
        bottom, top = middle - high / 2, middle + high / 2
        ax.add_patch(plt.Rectangle((place, bottom), wide * share, high, fc=TENSOR, ec="black"))
        if share < 1:  # next to the enlarged channels those that came over the skip connection
            corner, size = (place + wide * share, bottom), (wide * (1 - share), high)
            ax.add_patch(plt.Rectangle(corner, *size, fc=SKIP, ec="black"))
            x, y, tall, _ = before[level]
            end = (place + wide * 0.75, top)
            ax.annotate("", end, (x, y + tall / 2), arrowprops=arrow | across)
        if step == "down":
            start = (last[0] + last[3] / 2, last[1] - last[2] / 4)
            ax.annotate("", (place + wide / 2, top), start, arrowprops=arrow)
        elif step == "up":
            start = (last[0], last[1] + last[2] / 2)
            ax.annotate("", (place, middle - high / 4), start, arrowprops=arrow)
        ax.text(place + wide / 2, bottom - 0.07, channels, ha="center", va="top", fontsize=9)
        if kind == "InputLayer" or step == "down":
            size = {"ha": "right", "va": "center", "fontsize": 10, "weight": "bold"}
            ax.text(place - 0.1, middle, f"{here}²", **size)
        place, last, step = place + wide, (place + wide / 2, middle, high, wide), None
    ax.set(xlim=(-0.6, place + 0.2), ylim=(-1.75 * np.log2(side / _coarsest(model)) - 0.8, 1.3))
    ax.axis("off")
    return fig


def _coarsest(model) -> int:
    return min(layer.output.shape[1] for layer in model.layers)


def probabilities(image: np.ndarray, maps: Mapping[str, np.ndarray], truth=None, scale=True):
    """Return a figure of a slice and of probabilities for it, each with colours of its own.

    Args:
        image: (rows, columns).
        maps: (rows, columns) by title; the colours run from the 0.5th to the 99.5th percentile.
        truth: (rows, columns) mask, outlined in the slice; or None.
        scale: whether the colours' values are shown.
    """
    width = (3.3 if scale else 2.8) * (1 + len(maps))
    fig, axes = plt.subplots(1, 1 + len(maps), figsize=(width, 3.3), layout="constrained")
    axes[0].imshow(image, cmap="gray")
    axes[0].set_title("the slice" if truth is None else "the slice, the truth in blue", fontsize=10)
    if truth is not None:
        axes[0].contour(truth, [0.5], colors=plotting.TRUTH, linewidths=1.5)
    for ax, (name, values) in zip(axes[1:], maps.items(), strict=True):
        low, high = np.percentile(values, (0.5, 99.5))
        shown = ax.imshow(values, cmap="viridis", vmin=low, vmax=high)
        if scale:
            bar = fig.colorbar(shown, ax=ax, shrink=0.8, format="%.3f")
            bar.ax.tick_params(labelsize=9)
        ax.set_title(name if scale else f"{name}\n(dark: low, yellow: high)", fontsize=10)
    for ax in axes:
        ax.axis("off")
    return fig


def receptive_fields(
    image: np.ndarray, widths: Sequence[int], influence: np.ndarray, side: int, pixel: int
):
    """Return a figure of receptive fields as boxes on a slice, and of a measured influence.

    Args:
        image: (rows, columns).
        widths: sides of the fields, in pixels, from the finest level to the coarsest.
        influence: (rows, columns), each input pixel's share in one value of the output.
        side: of the square that holds nine tenths of it, drawn as a box.
        pixel: row and column of that value.
    """
    fig, axes = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained")
    axes[0].imshow(image, cmap="gray")
    colours = plt.get_cmap("plasma")(np.linspace(0.35, 0.95, len(widths)))
    for width, colour in zip(widths, colours, strict=True):
        corner = (pixel - width / 2, pixel - width / 2)
        box = plt.Rectangle(corner, width, width, fill=False, ec=colour, lw=2, label=f"{width}")
        axes[0].add_patch(box)
    fig.legend(
        title="side in pixels",
        loc="outside lower left",
        ncols=len(widths),
        fontsize=9,
        frameon=False,
    )
    axes[0].set_title(f"fields of the {len(widths)} levels", fontsize=10)
    seen = np.where(influence > 0, np.maximum(influence, 1e-8), np.nan)
    shown = axes[1].imshow(seen, cmap="viridis", norm="log")
    corner = (pixel - side / 2, pixel - side / 2)
    axes[1].add_patch(plt.Rectangle(corner, side, side, fill=False, ec="white", lw=1.5))
    axes[1].set_title(f"measured: influence on pixel {pixel}", fontsize=10)
    fig.colorbar(
        shown, ax=axes[1], shrink=0.85, label="share of the influence (1e-8 or less: dark)"
    )
    for ax in axes:
        ax.set(xticks=[], yticks=[])
    return fig
