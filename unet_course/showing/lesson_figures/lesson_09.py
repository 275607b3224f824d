"""Drawings of lesson 09: a generator's time, its labels and its rings; patches; who waits for whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, Patch

from unet_course.showing import volume_plotting
from unet_course.showing.plotting import PALETTE

BLUE, PURPLE, GREEN, GREY, SKY = (
    PALETTE[name] for name in ("blue", "purple", "green", "grey", "sky")
)


def draw_stages(shares: Mapping[str, float]) -> Figure:
    """Draw one bar of the time that a batch takes, by what is done in it; shares add up to 1."""
    fig = Figure(figsize=(9, 1.6), layout="constrained")
    ax = fig.subplots()
    left = 0.0
    for (name, share), colour in zip(shares.items(), (GREY, BLUE, GREEN, PURPLE), strict=True):
        ax.barh(0, share, left=left, color=colour, label=name)
        left += share
    ax.set(yticks=[], xlim=(0, 1), xlabel="share of the processor's time for one batch")
    ax.xaxis.set_major_formatter("{x:.0%}")
    ax.spines["left"].set_visible(False)
    ax.legend(ncols=4, fontsize=9, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1))
    return fig


def draw_label_maps(
    maps: Mapping[str, np.ndarray], orientation: str, no_class: int, side: int = 84
) -> Figure:
    """Draw label maps of one slice next to each other, each cut to a square round its tumour.

    Args:
        maps: by title, (x, y) labels 0, 1, 2, 4, and `no_class` where a voxel has lost its label.
        orientation: where the axes x, y, z of the file lead, such as "LPS".
        no_class: drawn white.
        side: voxels of the square.
    """
    colours = volume_plotting.LABEL_COLOURS | {no_class: "#FFFFFF"}
    fig = Figure(figsize=(10, 3), layout="constrained")
    for ax, (title, labels) in zip(fig.subplots(1, len(maps)), maps.items(), strict=True):
        flat = volume_plotting.cut(labels[..., None], "axial", 0, orientation)
        rows, columns = np.nonzero(np.isin(flat, [1, 2, 4]))
        middle = (rows.min() + rows.max()) // 2, (columns.min() + columns.max()) // 2
        window = tuple(slice(max(at - side // 2, 0), at + side // 2) for at in middle)
        grey = np.full((*flat.shape, 3), 60, np.uint8)
        volume_plotting.show_cut(ax, volume_plotting.tint(grey, flat, colours, 1)[window], title)
    handles = [
        Patch(fc=colour, ec="black", label="no class" if label == no_class else f"label {label}")
        for label, colour in colours.items()
    ]
    fig.legend(
        handles=handles,
        ncols=4,
        fontsize=9,
        frameon=False,
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
    )
    return fig


def draw_rings(rings: Sequence[Sequence[int]], following: Mapping[int, int]) -> Figure:
    """Draw rings of numbers, and how many others run into each of a ring's numbers.

    Args:
        rings: numbers in their order; the last is followed by the first.
        following: by number, the one that follows it.
    """
    entered_at = Counter(_first_in_a_ring(number, rings, following) for number in following)
    fig = Figure(figsize=(9.5, 5.2))
    axes = fig.subplots(1, len(rings), width_ratios=[1 + 0.08 * len(ring) for ring in rings])
    for ax, ring in zip(np.atleast_1d(axes), rings, strict=True):
        radius = 1 if len(ring) > 3 else 0.5
        angles = np.pi / 2 - 2 * np.pi * np.arange(len(ring)) / len(ring)
        places = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        for number, place, after in zip(ring, places, np.roll(places, -1, axis=0), strict=True):
            ax.add_patch(_arrow(place, after, GREEN, 2.5, 17))
            ax.add_patch(Circle(place, 0.13, fc="white", ec=GREEN, lw=2, zorder=3))
            ax.text(*place, number, ha="center", va="center", fontsize=12, weight="bold", zorder=4)
            others = entered_at[number] - 1  # without itself
            if others:
                outside = place * (1 + 0.42 / radius)
                ax.add_patch(_arrow(outside, place, GREY, 1.2, 17))
                ax.text(
                    *(place * (1 + 0.52 / radius)),
                    f"{others} more",
                    ha="center",
                    va="center",
                    fontsize=10,
                )
        ax.set(xlim=(-1.7, 1.7), ylim=(-1.7, 1.8), aspect="equal")
        ax.set_title(f"a ring of {len(ring)}", fontsize=11)
        ax.set_axis_off()
    fig.subplots_adjust(0, 0, 1, 0.95, 0, 0)
    return fig


def _first_in_a_ring(number: int, rings: Sequence[Sequence[int]], following: Mapping) -> int:
    while not any(number in ring for ring in rings):
        number = following[number]
    return number


def _arrow(start, end, colour: str, width: float, shrink: float) -> FancyArrowPatch:
    return FancyArrowPatch(
        tuple(start),
        tuple(end),
        arrowstyle="-|>",
        mutation_scale=14,
        color=colour,
        lw=width,
        shrinkA=shrink if width > 2 else 2,
        shrinkB=shrink,
        connectionstyle="arc3,rad=-0.12" if width > 2 else "arc3",
    )


def draw_tumour_shares(shares: Mapping[str, np.ndarray]) -> Figure:
    """Draw histograms of the share of a patch's voxels that are tumour, by how patches are cut."""
    fig = Figure(figsize=(7.5, 2.8), layout="constrained")
    ax = fig.subplots()
    bins = np.linspace(0, 0.8, 33)
    for (name, values), colour in zip(shares.items(), (GREY, BLUE), strict=True):
        ax.hist(np.clip(values, 0, 0.8), bins, color=colour, alpha=0.65, label=name)
    ax.set(xlabel="share of a patch's voxels that are tumour", ylabel="patches", xlim=(0, None))
    ax.xaxis.set_major_formatter("{x:.0%}")
    ax.legend(frameon=False)
    return fig


def draw_augmented(
    patches: Mapping[str, tuple[np.ndarray, np.ndarray]],
    channels: Mapping[str, int],
    orientation: str,
) -> Figure:
    """Draw the middle cut of patches, a column each; the lower row has the labels in colour.

    Args:
        patches: by title: image (x, y, z, channels) and labels (x, y, z); the first one's grey
            values say what is black and white in all of them.
        channels: by name, two channels to show: one a row.
        orientation: where the axes x, y, z lead, such as "LPS".
    """
    fig = Figure(figsize=(10, 4.3), layout="constrained")
    axes = fig.subplots(len(channels), len(patches))
    limits = volume_plotting.window(next(iter(patches.values()))[0])
    for column, (title, (image, labels)) in enumerate(patches.items()):
        for row, (name, channel) in enumerate(channels.items()):
            cut = volume_plotting.cut(image[..., channel], "axial", None, orientation)
            picture = volume_plotting.grey(cut, limits=limits)
            if row:
                flat = volume_plotting.cut(labels, "axial", None, orientation)
                picture = volume_plotting.tint(picture, flat, strength=0.4)
            volume_plotting.show_cut(axes[row, column], picture, "" if row else title)
            if not column:
                axes[row, 0].text(
                    -0.05,
                    0.5,
                    name,
                    rotation=90,
                    ha="right",
                    va="center",
                    transform=axes[row, 0].transAxes,
                )
    volume_plotting.colour_legend(fig)
    return fig


def draw_waiting(runs: Mapping[str, Mapping[str, np.ndarray]], steps: Sequence[int]) -> Figure:
    """Draw timelines: when a trainer works and when it waits for a batch.

    Args:
        runs: by trainer and then by how it gets its batches: (steps, 3) times when a batch was
            asked for, came, and was done.
        steps: how many steps to draw, a number for each trainer.
    """
    fig = Figure(figsize=(9, 3.6), layout="constrained")
    axes = fig.subplots(len(runs), 1)
    for ax, (trainer, lines), count in zip(axes, runs.items(), steps, strict=True):
        training = np.median([np.median(times[:, 2] - times[:, 1]) for times in lines.values()])
        longest = 0.0
        for row, times in enumerate(lines.values()):
            part = (times[2 : 2 + count] - times[2, 0]) / training  # the first two fill the line
            longest = max(longest, part[-1, 2])
            waits = [(asked, came - asked) for asked, came, _ in part]
            works = [(came, done - came) for _, came, done in part]
            ax.broken_barh(waits, (row - 0.35, 0.7), color=GREY, edgecolor="white")
            ax.broken_barh(works, (row - 0.35, 0.7), color=BLUE, edgecolor="white")
        ax.set(yticks=range(len(lines)), xlim=(0, longest))
        ax.set_yticklabels(list(lines), fontsize=9)
        ax.set_title(trainer, fontsize=10, loc="left")
        ax.invert_yaxis()
    axes[-1].set_xlabel("time, in training steps of this trainer")
    handles = [
        Patch(color=BLUE, label="trains"),
        Patch(color=GREY, label="waits for a batch"),
    ]
    fig.legend(
        handles=handles,
        ncols=2,
        fontsize=9,
        frameon=False,
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
    )
    return fig
