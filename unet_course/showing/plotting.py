"""Figures for the lessons: small, static, in colours that colour-blind readers can tell apart.

Nothing here changes Matplotlib's global state.
"""

from __future__ import annotations

import io

import numpy as np
from scipy import ndimage

# Okabe and Ito (2008), "Color universal design": distinct with any common colour blindness
PALETTE = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "purple": "#CC79A7",
    "grey": "#808080",
}
TRUTH = PALETTE["sky"]  # the expert's mask
PREDICTION = PALETTE["orange"]  # the network's mask
CYCLE = [PALETTE[name] for name in ("blue", "orange", "green", "vermillion", "purple", "sky")]


def show(fig, alt: str, dpi: int = 100) -> None:
    """Display a figure as a PNG with its alternative text, then close it.

    Args:
        fig: a Matplotlib figure; its diagrams lose their frame at the top and at the right.
        alt: one or two sentences that say what the figure shows (its finding, not its chart
            type), for readers who can't see it; ValueError for a word or two.
        dpi: dots per inch of the stored picture.
    """
    import matplotlib.pyplot as plt
    from IPython.display import Image, display

    if not isinstance(alt, str) or len(alt.split()) < 4:
        raise ValueError(f"alt text must say in a sentence what the figure shows, got {alt!r}")
    for ax in fig.axes:
        colorbar = ax.get_label().startswith("<colorbar")
        if ax.name == "rectilinear" and not ax.images and not colorbar:
            ax.spines[["top", "right"]].set_visible(False)
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=dpi, bbox_inches="tight", facecolor="white")
    # closed before it is displayed: the notebook's own hook would show it a second time
    plt.close(fig)
    display(Image(_small(buffer)), metadata={"image/png": {"alt": " ".join(alt.split())}})


def _small(png: io.BytesIO, limit: int = 250_000) -> bytes:
    """Return the picture, in 256 colours if it is large: noise in full colour compresses badly."""
    from PIL import Image

    if len(png.getvalue()) <= limit:
        return png.getvalue()
    smaller = io.BytesIO()
    few = Image.open(png).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    few.save(smaller, format="png", optimize=True)
    return min(smaller.getvalue(), png.getvalue(), key=len)


# --- slices -------------------------------------------------------------------------------------


def as_rgb(image: np.ndarray) -> np.ndarray:
    """Return a slice as an RGB picture: `(height, width, 3)` `uint8`.

    Args:
        image: `(height, width)`, or `(height, width, channels)`: three channels are taken as
            colours; of any other number the second is shown (FLAIR in LGG), or the only one.
            `uint8` is not changed; other types are stretched between their finite extremes.

    >>> as_rgb(np.array([[0.0, 0.5, 1.0]]))[0, :, 0].tolist()
    [0, 127, 255]
    """
    image = np.asarray(image)
    if image.ndim == 3 and image.shape[-1] != 3:
        image = image[..., min(1, image.shape[-1] - 1)]
    if image.ndim not in (2, 3):
        raise ValueError(f"a slice is (height, width) or (height, width, channels): {image.shape}")
    if image.dtype != np.uint8:
        values = image.astype(float)
        finite = values[np.isfinite(values)]
        low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
        values = np.nan_to_num(values, nan=low, posinf=high, neginf=low)
        image = ((values - low) / ((high - low) or 1.0) * 255).astype(np.uint8)
    return image.copy() if image.ndim == 3 else np.repeat(image[..., None], 3, axis=-1)


def rgb(colour: str) -> list[int]:
    """Return `#rrggbb` as three numbers from 0 to 255.

    >>> rgb("#0072b2")
    [0, 114, 178]
    """
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def draw_outline(picture: np.ndarray, mask: np.ndarray, colour: str, width: int = 1) -> None:
    """Draw a mask's outline, in place: its pixels that are at most `width` from the outside.

    Args:
        picture: `(height, width, 3)` `uint8`.
        mask: `(height, width)`, values above 0 are inside.
        colour: such as `"#56B4E9"`.
    """
    inside = np.asarray(mask) > 0
    picture[inside & ~ndimage.binary_erosion(inside, iterations=width)] = rgb(colour)


def overlay(ax, image, truth=None, prediction=None, *, title: str = "", width: float = 1.5) -> None:
    """Draw a slice into axes, with the truth as an outline and the prediction as a filled outline.

    Args:
        ax: Matplotlib axes.
        image: a slice, as `as_rgb` takes it.
        truth, prediction: `(height, width)` masks, sky blue over orange.
        width: of the outlines, in points.

    Raises:
        ValueError: a mask's size isn't the slice's.
    """
    from matplotlib.colors import to_rgb

    picture = as_rgb(image)
    ax.imshow(picture, interpolation="nearest")
    for mask, colour, filled in ((prediction, PREDICTION, True), (truth, TRUTH, False)):
        if mask is None:
            continue
        mask = np.asarray(mask)
        if mask.shape != picture.shape[:2]:
            raise ValueError(f"the mask is {mask.shape}, the slice {picture.shape[:2]}")
        inside = mask > 0
        if not inside.any():
            continue
        if filled:
            layer = np.zeros((*mask.shape, 4))
            layer[inside] = (*to_rgb(colour), 0.35)
            ax.imshow(layer, interpolation="nearest")
        # padded, so that a mask that touches the border is closed there
        edges = np.arange(-1, mask.shape[1] + 1), np.arange(-1, mask.shape[0] + 1)
        closed = np.pad(inside, 1).astype(float)
        ax.contour(*edges, closed, [0.5], colors=[colour], linewidths=width)
    ax.set_xlim(-0.5, picture.shape[1] - 0.5)
    ax.set_ylim(picture.shape[0] - 0.5, -0.5)
    ax.set_axis_off()
    if title:
        ax.set_title(title, fontsize=9)


def slices_grid(
    images, truths=None, predictions=None, titles=None, *, columns: int = 4, size: float = 2.2
):
    """Return a figure with a grid of slices, their masks, and a legend.

    Args:
        images: slices, each as `as_rgb` takes it.
        truths, predictions, titles: as many masks `(height, width)` and texts, or `None`.
        size: inches per slice; the figure is at most 10 inches wide.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    count = len(images)
    if count == 0:
        raise ValueError("there is no slice to show")
    for name, given in (("truths", truths), ("predictions", predictions), ("titles", titles)):
        if given is not None and len(given) != count:
            raise ValueError(f"{count} images, but {len(given)} {name}")
    columns = min(columns, count)
    rows = -(-count // columns)
    size = min(size, 10 / columns)
    fig = Figure(figsize=(columns * size, rows * (size + (0.3 if titles is not None else 0))))
    axes = fig.subplots(rows, columns, squeeze=False).ravel()
    for index, ax in enumerate(axes):
        ax.set_axis_off()
        if index < count:
            truth, prediction = (m if m is None else m[index] for m in (truths, predictions))
            title = "" if titles is None else str(titles[index])
            overlay(ax, images[index], truth, prediction, title=title)
    fig.tight_layout(pad=0.4)
    handles = []
    if truths is not None:
        handles.append(Patch(facecolor="none", edgecolor=TRUTH, linewidth=1.5, label="truth"))
    if predictions is not None:
        handles.append(Patch(color=PREDICTION, alpha=0.7, label="prediction"))
    if handles:
        legend_below(fig, handles)
    return fig


def legend_below(fig, handles: list) -> None:
    """Put a legend in one row below a figure."""
    place = {"loc": "upper center", "bbox_to_anchor": (0.5, 0), "ncols": len(handles)}
    fig.legend(handles=handles, **place, fontsize=9, frameon=False)


# --- numbers ------------------------------------------------------------------------------------


def curves(history: dict, *, title: str = ""):
    """Return a figure of training curves: losses on the left, other values on the right.

    Args:
        history: lists with one value per epoch, by name, such as `loss`, `val_loss` and
            `val_dice`. A name and the same name with `val_` in front share a colour; the line of
            the validation is dashed.
    """
    from matplotlib.figure import Figure

    known = {name: list(values) for name, values in dict(history).items() if len(values)}
    if not known:
        raise ValueError("the history is empty: nothing was trained")
    losses = [name for name in known if "loss" in name]
    groups = [names for names in (losses, [n for n in known if n not in losses]) if names]
    fig = Figure(figsize=(4.6 * len(groups), 3))
    for ax, names in zip(fig.subplots(1, len(groups), squeeze=False)[0], groups, strict=True):
        bases = list(dict.fromkeys(name.removeprefix("val_") for name in names))
        for name in names:
            values = known[name]
            ax.plot(
                range(1, len(values) + 1),
                values,
                color=CYCLE[bases.index(name.removeprefix("val_")) % len(CYCLE)],
                linestyle="--" if name.startswith("val_") else "-",
                marker="o" if len(values) < 25 else None,
                markersize=3,
                label=name.replace("val_", "validation ").replace("_", " "),
            )
        ax.set_xlabel("epoch")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.grid(alpha=0.3)
        ax.legend(fontsize=8)
    if title:
        fig.suptitle(title, fontsize=11)
    fig.tight_layout()
    return fig


def patient_dice(dice, *, reference: float | None = None, label: str = "", title: str = ""):
    """Return a figure with one bar per patient, worst first, and the mean as a line.

    Args:
        dice: Dice by patient: a dict or a pandas Series.
        reference, label: the mean of another system, drawn as a dotted line, and its name.
    """
    from matplotlib.figure import Figure

    values = {str(name): float(value) for name, value in dict(dice).items()}
    if not values:
        raise ValueError("there is no patient to show")
    order = sorted(values, key=lambda name: (np.nan_to_num(values[name], nan=-1.0), name))
    heights = [values[name] for name in order]
    mean = float(np.nanmean(heights)) if not np.isnan(heights).all() else float("nan")
    fig = Figure(figsize=(8, 0.6 + 0.24 * max(len(order), 4)))
    ax = fig.subplots()
    ax.barh(range(len(order)), heights, color=PREDICTION, height=0.7)
    for row, height in enumerate(heights):
        text = "no value" if np.isnan(height) else f"{height:.2f}"
        ax.text(0.01, row, text, va="center", fontsize=8)  # at the foot, clear of the mean's line
    ax.axvline(mean, color=PALETTE["black"], linewidth=1.2, label=f"mean {mean:.2f}")
    if reference is not None:
        name = f"{label or 'reference'} {reference:.2f}"
        ax.axvline(reference, color=PALETTE["purple"], linestyle=":", linewidth=1.6, label=name)
    ax.set_yticks(range(len(order)), order, fontsize=8)
    ax.set_ylim(len(order) - 0.4, -0.6)
    ax.set_xlim(0, 1.08)
    ax.set_xlabel("Dice")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), fontsize=8, ncols=2, frameon=False)
    if title:
        ax.set_title(title, fontsize=11, loc="left")
    fig.tight_layout()
    return fig
