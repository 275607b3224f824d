"""Drawings of lesson 06: intervals, thresholds, reliability, ROC curves, an ablation, three networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from unet_course.showing.plotting import CYCLE, PALETTE

VERDICT_COLOURS = {
    "better": PALETTE["green"],
    "worse": PALETTE["vermillion"],
    "within the spread": PALETTE["grey"],
    "not in every run": PALETTE["purple"],
}


def bootstrap_and_sizes(
    means: Sequence[float],
    limits: tuple[float, float],
    dice: pd.Series,
    sizes: pd.Series,
    hospitals: pd.Series,
) -> Figure:
    """Left, a histogram of the bootstrap's means; right, each patient's Dice over its tumour's size.

    Args:
        means: mean Dice of each draw.
        limits: two means, marked by lines.
        dice, sizes, hospitals: by patient; sizes in pixels.
    """
    fig = Figure(figsize=(9, 3), layout="constrained")
    left, right = fig.subplots(1, 2, width_ratios=(1, 1.3))
    left.hist(means, bins=40, color=PALETTE["grey"])
    for limit in limits:
        left.axvline(limit, color="black", lw=1)
    left.set(xlabel="mean Dice of patients drawn again", ylabel="draws")
    names = sorted(hospitals.unique())
    for name, marker, colour in zip(names, "osv^DPX*<>", CYCLE * 2, strict=False):
        own = hospitals.index[hospitals == name]
        right.semilogx(sizes[own], dice[own], marker, color=colour, label=name, ms=6, alpha=0.8)
    right.set(xlabel="tumour, pixels in all slices (log scale)", ylabel="Dice", ylim=(-0.03, 1.03))
    right.legend(
        title="hospital", frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5)
    )
    return fig


def threshold_curves(curves: Mapping[str, pd.Series]) -> Figure:
    """Mean Dice over the threshold, a line for each group of patients, its highest point marked.

    Args:
        curves: by the group's name, mean Dice with the thresholds as index.
    """
    fig = Figure(figsize=(7.5, 3), layout="constrained")
    ax = fig.subplots()
    for (name, mean), colour in zip(curves.items(), ("blue", "vermillion"), strict=False):
        ax.plot(mean.index, mean, color=PALETTE[colour], label=name)
        ax.plot(mean.idxmax(), mean.max(), "o", color=PALETTE[colour])
    ax.axvline(0.5, color="black", lw=1, ls=":")
    ax.set(xlabel="threshold (a dot where a curve is highest)", ylabel="mean Dice")
    ax.legend(frameon=False)
    return fig


def reliability(curve) -> Figure:
    """Left, the share that is tumour over the probability; right, how many pixels each bin holds.

    Args:
        curve: as `calibration.reliability` returns it.
    """
    fig = Figure(figsize=(8.5, 3.1), layout="constrained")
    left, right = fig.subplots(1, 2)
    left.plot([0, 1], [0, 1], color=PALETTE["grey"], ls=":", label="perfectly calibrated")
    left.plot(curve.confidence, curve.observed, "o-", color=PALETTE["blue"], label="network")
    left.set(xlabel="predicted probability", ylabel="share that is tumour")
    left.legend(frameon=False)
    right.bar(curve.centre, curve.count, width=0.09, color=PALETTE["blue"], log=True)
    right.set(xlabel="predicted probability", ylabel="pixels (log scale)")
    return fig


def roc_curves(
    lines: Mapping[str, tuple[np.ndarray, np.ndarray]], cut: tuple[float, float]
) -> Figure:
    """ROC curves, the diagonal that guessing gives, and one chosen cut.

    Args:
        lines: by name, the shares of healthy and of tumour slices that pass at each cut.
        cut: these two shares at the chosen cut.
    """
    fig = Figure(figsize=(5.4, 3.8), layout="constrained")
    ax = fig.subplots()
    ax.plot([0, 1], [0, 1], color=PALETTE["grey"], ls=":", label="guessing")
    for (name, line), colour in zip(lines.items(), ("blue", "orange"), strict=False):
        ax.plot(*line, color=PALETTE[colour], label=name)
    ax.plot(*cut, "o", color="black", label="the chosen cut")
    ax.set(xlabel="share of healthy slices that pass", ylabel="share of tumour slices that pass")
    ax.legend(frameon=False, fontsize=9, loc="lower right")
    return fig


def run_differences(
    difference: pd.DataFrame, verdicts: pd.Series, names: pd.Series, noise: float
) -> Figure:
    """A line for each changed row, a dot for each run's difference from the base, the noise in grey.

    Args:
        difference: rows × runs, mean Dice minus the base's.
        verdicts: by row, one of `VERDICT_COLOURS`.
        names: by row, what was changed.
        noise: half the width of the grey band.
    """
    fig = Figure(figsize=(9, 0.9 + 0.3 * len(difference)), layout="constrained")
    ax = fig.subplots()
    ax.axvspan(-noise, noise, color="0.9", label="noise")
    ax.axvline(0, color="black", lw=1)
    for place, (row, values) in enumerate(difference.iterrows()):
        colour = VERDICT_COLOURS[verdicts[row]]
        ax.plot(values.dropna(), [place] * values.count(), "o", color=colour, ms=6)
    for name, colour in VERDICT_COLOURS.items():
        if (verdicts == name).any():
            ax.plot([], [], "o", color=colour, label=name)
    ax.set_yticks(range(len(difference)), names[difference.index], fontsize=9)
    ax.invert_yaxis()
    ax.set_xlabel("mean Dice minus the base's on the same fold")
    fig.legend(frameon=False, fontsize=9, loc="outside upper center", ncols=5)
    ax.grid(axis="x", alpha=0.3)
    return fig


def three_networks() -> Figure:
    """U-Net, attention U-Net and U-Net++: blocks as circles, gates as squares, paths as arrows."""
    down = [((level, level), (level + 1, level + 1)) for level in range(3)]
    up = [((level + 1, 5 - level), (level, 6 - level)) for level in range(3)]
    across = [((level, level), (level, 6 - level)) for level in range(3)]
    plain = [(level, level) for level in range(4)] + [(level, 6 - level) for level in range(3)]
    gates = [(1, 4), (2, 3)]
    to_gates = [((3, 3), (2, 3)), ((2, 4), (1, 4))]
    nested = [(level, level + 2 * step) for level in range(4) for step in range(4 - level)]
    rising = [
        ((level + 1, column - 1), (level, column)) for level, column in nested if column > level
    ]
    rows = [
        ((level, first), (level, last))
        for level, first in nested
        for other, last in nested
        if other == level and last > first
    ]
    fig = Figure(figsize=(10, 2.7), layout="constrained")
    axes = fig.subplots(1, 3)
    _draw_network(axes[0], "U-Net", plain, down + up + across)
    _draw_network(axes[1], "attention U-Net", plain, down + up + across + to_gates, gates)
    _draw_network(axes[2], "U-Net++", nested, down + rising + rows)
    return fig


def _draw_network(ax, title, blocks, paths, gates=()) -> None:
    """Blocks at (level, column), and the paths between them."""
    for (level, column), (to_level, to_column) in paths:
        flat = level == to_level
        hidden = any(row == level and column < place < to_column for row, place in blocks)
        ax.annotate(
            "",
            (to_column, -to_level),
            (column, -level),
            arrowprops={
                "arrowstyle": "-|>",
                "color": "0.5" if flat else "black",
                "shrinkA": 9,
                "shrinkB": 9,
                "connectionstyle": "arc3,rad=-0.28" if hidden else "arc3,rad=0",
            },
        )
    for level, column in blocks:
        ax.plot(column, -level, "o", ms=17, color=PALETTE["grey"], mec="black")
    for level, column in gates:
        ax.plot(column, -level, "s", ms=14, color=PALETTE["green"], mec="black")
        ax.text(column, -level, "α", ha="center", va="center", fontsize=10, color="white")
    ax.set(xlim=(-0.6, 6.6), ylim=(-3.5, 0.8))
    ax.set_title(title, fontsize=11)
    ax.axis("off")
