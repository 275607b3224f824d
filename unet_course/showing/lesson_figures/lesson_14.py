"""Drawings of lesson 14: one step in two processes, where its time goes, losses by patches seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from unet_course.showing.plotting import PALETTE

COLOURS = {"drawing": PALETTE["sky"], "waiting": PALETTE["orange"], "computing": PALETTE["blue"]}


def draw_step() -> Figure:
    """Draw a step of data-parallel training: two processes, each from its share to the same update."""
    fig = Figure(figsize=(10, 3.2), layout="constrained")
    ax = fig.subplots()
    ax.set(xlim=(0, 10), ylim=(0, 4))
    ax.axis("off")
    columns = [(1.9, "its 4 patches"), (4.0, "gradient\nof its loss"), (8.2, "the same\nupdate")]
    for row, rank in ((2.9, 0), (1.1, 1)):
        ax.text(0.05, row, f"process {rank}", va="center", fontsize=11, weight="bold")
        for x, text in columns:
            _box(ax, x, row, text, PALETTE["blue"])
        _arrow(ax, (2.65, row), (3.25, row))
        _arrow(ax, (4.75, row), (5.4, 2.0 + 0.3 * np.sign(row - 2)))
        _arrow(ax, (6.85, 2.0 + 0.3 * np.sign(row - 2)), (7.45, row))
    _box(ax, 6.1, 2.0, "mean of both\ngradients", PALETTE["orange"])
    ax.text(6.1, 0.95, "the only thing that\nis exchanged", ha="center", va="center", fontsize=9)
    return fig


def _box(ax, x: float, y: float, text: str, colour: str) -> None:
    box = FancyBboxPatch(
        (x - 0.7, y - 0.45), 1.4, 0.9, boxstyle="round,pad=0.04", fc="white", ec=colour, lw=2
    )
    ax.add_patch(box)
    ax.text(x, y, text, ha="center", va="center", fontsize=10)


def _arrow(ax, start: tuple[float, float], end: tuple[float, float]) -> None:
    ax.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=14, color="black"))


def draw_times(rows: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw a bar for each process: the milliseconds of a step by what is done in them.

    Args:
        rows: by the process's name, milliseconds under "drawing", "waiting" and "computing".
    """
    fig = Figure(figsize=(9, 0.8 + 0.5 * len(rows)), layout="constrained")
    ax = fig.subplots()
    for number, times in enumerate(rows.values()):
        left = 0.0
        for part, colour in COLOURS.items():
            label = part if number == 0 else None
            ax.barh(number, times[part], left=left, color=colour, height=0.6, label=label)
            left += times[part]
    ax.set(yticks=range(len(rows)), yticklabels=list(rows), xlabel="milliseconds of a step")
    ax.invert_yaxis()
    ax.legend(ncols=3, fontsize=9, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1))
    return fig


def draw_losses(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> Figure:
    """Draw training losses over the patches seen.

    Args:
        curves: by the run's name, (patches seen, losses), an entry an epoch each.
    """
    styles = zip(
        curves.items(), ("blue", "orange", "green"), ("-", "--", "-."), "os^", strict=False
    )
    fig = Figure(figsize=(7, 3.4), layout="constrained")
    ax = fig.subplots()
    for (name, (patches, losses)), colour, line, marker in styles:
        ax.plot(patches, losses, line, color=PALETTE[colour], marker=marker, label=name)
    ax.set(xlabel="patches seen", ylabel="training loss, mean of an epoch")
    ax.legend(frameon=False)
    return fig
