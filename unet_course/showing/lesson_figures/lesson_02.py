"""Drawings of lesson 02: a stack in two orders, sequences, strips of slices, brightness, splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from unet_course.showing import plotting

STRIP_KINDS = {  # what `patient_strips` takes, and how it is drawn
    1: ("no tumour", "lightgrey"),
    2: ("tumour", plotting.TRUTH),
    3: ("nearly black", "black"),
}


def tumour_through_stack(orders: Mapping[str, Sequence[int]]) -> Figure:
    """Draw the tumour pixels of each slice, from the first of the stack to the last.

    Args:
        orders: tumour pixels slice by slice, by the name of the order that the slices are in.
    """
    fig = Figure(figsize=(8.5, 2.5), layout="constrained")
    axes = fig.subplots(1, len(orders), sharey=True, squeeze=False)[0]
    for ax, (name, pixels) in zip(axes, orders.items(), strict=True):
        ax.plot(pixels, ".-", color=plotting.TRUTH)
        ax.set_title(name, fontsize=10)
        ax.set_xlabel("place in the stack")
    axes[0].set_ylabel("tumour pixels")
    return fig


def three_sequences(
    image: np.ndarray, mask: np.ndarray, names: Sequence[str], white: float, flair: int
) -> Figure:
    """Draw a slice's channels in grey, and the mask's outline over FLAIR.

    Args:
        image: (rows, columns, channels).
        mask: (rows, columns), 0 and 1.
        names: of the channels.
        white: the value that is shown as white.
        flair: the number of FLAIR's channel.
    """
    fig = Figure(figsize=(9, 2.7), layout="constrained")
    axes = fig.subplots(1, len(names) + 1)
    for channel, name in enumerate(names):
        axes[channel].imshow(image[..., channel], cmap="gray", vmin=0, vmax=white)
        axes[channel].set_title(f"channel {channel}: {name}", fontsize=9.5)
        axes[channel].set_axis_off()
    plotting.overlay(axes[-1], np.minimum(image[..., flair], white), mask)
    axes[-1].set_title("mask over FLAIR", fontsize=9.5)
    return fig


def coloured_slices(pictures: Sequence[np.ndarray], titles: Sequence[str]) -> Figure:
    """Draw slices with their three channels as red, green and blue, six in a row.

    Args:
        pictures: (rows, columns, 3) `uint8` each.
        titles: one for each.
    """
    rows = -(-len(pictures) // 6)
    fig = Figure(figsize=(8.5, 1.9 * rows), layout="constrained")
    axes = fig.subplots(rows, 6, squeeze=False).ravel()
    for ax in axes:
        ax.set_axis_off()
    for ax, picture, title in zip(axes, pictures, titles, strict=False):
        ax.imshow(picture, interpolation="nearest")
        ax.set_title(title, fontsize=9)
    return fig


def patient_strips(kinds: np.ndarray, institutions: Sequence[str]) -> Figure:
    """Draw a strip for each patient, from the first slice on the left to the last on the right.

    Args:
        kinds: (patients, places in the stack): 0 no slice there, else a key of `STRIP_KINDS`.
        institutions: of each patient; those of one institution stand together.
    """
    colours = ["white", *(colour for _, colour in STRIP_KINDS.values())]
    fig = Figure(figsize=(8.5, min(0.11 * len(kinds) + 1.2, 7)), layout="constrained")
    ax = fig.subplots()
    ax.imshow(kinds, cmap=ListedColormap(colours), vmin=0, vmax=3, aspect="auto")
    ax.spines[["top", "right"]].set_visible(False)
    for row in range(1, len(kinds)):
        ax.axhline(row - 0.5, color="white", lw=1)
    names, first, count = np.unique(institutions, return_index=True, return_counts=True)
    ax.set_yticks(first + (count - 1) / 2, names)
    ax.set(xlabel="place in the stack", ylabel="patients, by hospital")
    for name, colour in STRIP_KINDS.values():
        ax.plot([], [], "s", color=colour, label=name)
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, fontsize=9, frameon=False)
    return fig


def brightness(
    pictures: Sequence[np.ndarray], titles: Sequence[str], levels: Mapping[str, Sequence[float]]
) -> Figure:
    """Draw FLAIR slices on one grey scale, and a dot for each patient's brightness by hospital.

    Args:
        pictures: (rows, columns) each, drawn from black at 0 to white at 160.
        titles: one for each.
        levels: the patients' median FLAIR in mid-brain, by hospital.
    """
    fig = Figure(figsize=(9, 2.6), layout="constrained")
    axes = fig.subplots(1, len(pictures) + 1, width_ratios=[1] * len(pictures) + [1.8])
    for ax, picture, title in zip(axes, pictures, titles, strict=False):
        ax.imshow(picture, cmap="gray", vmin=0, vmax=160)
        ax.set_title(title, fontsize=9)
        ax.set_axis_off()
    for place, dots in enumerate(levels.values()):
        color = plotting.PALETTE["blue"]
        axes[-1].plot([place] * len(dots), dots, "o", ms=5, alpha=0.6, color=color)
    axes[-1].set_xticks(range(len(levels)), list(levels))
    axes[-1].set(xlabel="hospital", ylabel="median FLAIR in mid-brain", ylim=(0, None))
    return fig


def split_by_size(sides: Mapping[str, Sequence[tuple[float, str]]]) -> Figure:
    """Draw each patient as a dot over the tumour's size, a row for each side of a split.

    Args:
        sides: tumour pixels and hospital of each patient, by the side's name.
    """
    hospitals = sorted({hospital for patients in sides.values() for _, hospital in patients})
    fig = Figure(figsize=(8.5, 2.4), layout="constrained")
    ax = fig.subplots()
    styles = zip(plotting.CYCLE, "osD^vP", hospitals, strict=False)
    for k, (colour, marker, hospital) in enumerate(styles):
        for row, patients in enumerate(sides.values()):
            sizes = [size for size, where in patients if where == hospital]
            heights = [row + 0.06 * (k - 2)] * len(sizes)  # a little apart: no dot hides another
            label = hospital if row == 0 else None
            ax.plot(sizes, heights, marker, color=colour, alpha=0.8, label=label)
    ax.set(xscale="log", xlabel="tumour pixels of a patient (log scale)", ylim=(2.5, -0.5))
    ax.set_yticks(range(len(sides)), list(sides))
    ax.legend(
        title="hospital", fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False
    )
    return fig


def copies(
    pictures: Sequence[np.ndarray],
    truth: np.ndarray,
    predictions: Sequence[np.ndarray | None],
    titles: Sequence[str],
    dices: Mapping[str, Sequence[float]],
) -> Figure:
    """Draw what a copier copies for one test slice, and a histogram of the Dice of all.

    Args:
        pictures: (rows, columns): the test slice and the slices that were copied from.
        truth: (rows, columns): the test slice's mask, outlined in each picture.
        predictions: the copied masks, None for the test slice itself.
        titles: one for each picture.
        dices: Dice of each tumour slice, by the name of the way to copy.
    """
    fig = Figure(figsize=(9, 5.6), layout="constrained")
    above, below = fig.subfigures(2, 1, height_ratios=[1.25, 1])
    for ax, *one in zip(
        above.subplots(1, len(pictures)), pictures, predictions, titles, strict=True
    ):
        picture, prediction, title = one
        plotting.overlay(ax, picture, truth, prediction)
        ax.set_title(title, fontsize=9.5)
    ax = below.subplots()
    bins = np.linspace(0, 1, 11)
    styles = (("vermillion", "-"), ("black", "--"), ("blue", "-"))
    for (name, values), (colour, line) in zip(dices.items(), styles, strict=False):
        shares = np.histogram(values, bins)[0] / max(len(values), 1)
        ax.stairs(shares, bins, lw=2, ls=line, color=plotting.PALETTE[colour], label=name)
    ax.set(xlabel="Dice of a tumour slice", ylabel="share of slices", xlim=(0, 1))
    ax.legend(fontsize=9, frameon=False, loc="upper center")
    ax.spines[["top", "right"]].set_visible(False)
    return fig
