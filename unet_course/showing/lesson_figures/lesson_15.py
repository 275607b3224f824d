"""Drawings of lesson 15: what weights become, what runs where, recent patients next to usual ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from unet_course.showing.plotting import PALETTE


def losses_by_patient(losses: pd.DataFrame) -> Figure:
    """How much Dice each patient loses with smaller weights, a panel for each kind.

    Args:
        losses: index patients, a column for each kind of weights; negative is a gain.
    """
    kinds = list(losses.columns)
    fig = Figure(figsize=(4.2 * len(kinds), 2.9), layout="constrained")
    axes = np.atleast_1d(fig.subplots(1, len(kinds), sharey=True))
    for ax, kind in zip(axes, kinds, strict=True):
        values = losses[kind].sort_values().to_numpy()
        colours = [PALETTE["vermillion"] if v > 0 else PALETTE["blue"] for v in values]
        ax.bar(range(len(values)), values, color=colours)
        ax.axhline(0, color="black", lw=0.8)
        ax.set(title=kind, xlabel="patients")
        ax.set_xticks([])
    axes[0].set_ylabel("loss in Dice")
    return fig


def what_runs_where(steps: Sequence[str], files: Mapping[str, str]) -> Figure:
    """The demo page: the steps in the visitor's browser, and the files that a web server hands out.

    Args:
        steps: what happens in the browser, in order.
        files: what the server hands out, with its size.
    """
    fig = Figure(figsize=(10, 3.4), layout="constrained")
    ax = fig.subplots()
    ax.set(xlim=(0, 10), ylim=(0, 3.4))
    ax.axis("off")
    style = {"boxstyle": "round,pad=0.02,rounding_size=0.08"}
    ax.add_patch(FancyBboxPatch((0.1, 0.2), 2.2, 3.0, fc="#f0f0f0", ec=PALETTE["grey"], **style))
    ax.text(1.2, 2.95, "web server", ha="center", weight="bold")
    for row, (name, size) in enumerate(files.items()):
        ax.text(0.25, 2.5 - 0.5 * row, f"{name}\n{size}", va="center", fontsize=9)
    ax.add_patch(FancyBboxPatch((3.3, 0.2), 6.6, 3.0, fc="#eaf4fb", ec=PALETTE["blue"], **style))
    ax.text(6.6, 2.95, "the visitor's browser", ha="center", weight="bold")
    columns = (len(steps) + 1) // 2
    width = 6.4 / columns
    centres = []
    for number, step in enumerate(steps):
        row, column = divmod(number, columns)
        x, y = 3.4 + column * width, 1.75 - 1.35 * row
        box = FancyBboxPatch((x + 0.06, y), width - 0.24, 0.95, fc="white", ec="black", **style)
        ax.add_patch(box)
        ax.text(x + width / 2 - 0.06, y + 0.48, step, ha="center", va="center", fontsize=9)
        centres.append((x, y + 0.48))
    for number in range(1, len(steps)):
        if number % columns:
            x, y = centres[number]
            ends = (x - 0.17, y), (x + 0.05, y)
            ax.add_patch(FancyArrowPatch(*ends, arrowstyle="->", mutation_scale=12))
    ax.add_patch(
        FancyArrowPatch((2.4, 1.9), (3.25, 1.9), arrowstyle="-|>", mutation_scale=18, lw=2)
    )
    ax.text(2.83, 2.1, "once", ha="center", fontsize=9)
    ax.text(2.83, 1.05, "nothing\ncomes back", ha="center", fontsize=9, color=PALETTE["vermillion"])
    return fig


def usual_and_recent(values: Mapping[str, pd.Series], limits: tuple[float, float]) -> Figure:
    """A strip of dots for each group of patients, and the usual range as a band.

    Args:
        values: by the group's name, one number for each patient.
        limits: of the usual range.
    """
    fig = Figure(figsize=(7.5, 0.6 + 0.55 * len(values)), layout="constrained")
    ax = fig.subplots()
    ax.axvspan(*limits, color=PALETTE["sky"], alpha=0.3, lw=0)
    for row, (_, numbers) in enumerate(values.items()):
        numbers = np.asarray(numbers, float)
        usual = (numbers >= limits[0]) & (numbers <= limits[1])
        ax.plot(numbers[usual], np.full(usual.sum(), row), "o", color=PALETTE["blue"], alpha=0.7)
        ax.plot(
            numbers[~usual], np.full((~usual).sum(), row), "X", color=PALETTE["vermillion"], ms=8
        )
    ax.set_yticks(range(len(values)), list(values))
    ax.set(ylim=(len(values) - 0.5, -0.5))
    ax.set(xlabel="mean brightness of FLAIR, one mark a patient (band: the usual range)")
    return fig
