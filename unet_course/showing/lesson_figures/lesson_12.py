"""Drawings of lesson 12: patches of plans, uncertainty maps, risk–coverage, intervals, choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from unet_course.showing.plotting import CYCLE, PALETTE, draw_outline


def patches(shape: Sequence[int], plans: Mapping[float, dict]) -> Figure:
    """The first two sides of each plan's patch, inside those of the median case.

    Args:
        shape: the median case's, in voxels.
        plans: by the budget in GB.
    """
    fig = Figure(figsize=(1.9 * len(plans), 2.6), layout="constrained")
    axes = np.atleast_1d(fig.subplots(1, len(plans)))
    for ax, (gb, plan) in zip(axes, plans.items(), strict=True):
        size = plan["size"]
        ax.add_patch(Rectangle((0, 0), shape[1], shape[0], fill=False, ec="black", lw=1.2))
        corner = [(whole - side) / 2 for whole, side in zip(shape, size, strict=True)]
        box = {"fc": PALETTE["sky"], "ec": PALETTE["blue"]}
        ax.add_patch(Rectangle((corner[1], corner[0]), size[1], size[0], **box))
        margin = 0.1 * max(shape[:2])
        ax.set(xlim=(-margin, shape[1] + margin), ylim=(shape[0] + margin, -margin), aspect=1)
        ax.axis("off")
        sides = " × ".join(map(str, size))
        ax.set_title(f"{gb:g} GB\n{sides}\n{plan['network']['filters']} filters", fontsize=10)
    return fig


def uncertainty_maps(
    image: np.ndarray, truth: np.ndarray, mask: np.ndarray, maps: Mapping[str, np.ndarray]
) -> Figure:
    """A slice with both outlines, then a map of the spread for each source of uncertainty.

    Args:
        image: (rows, columns), FLAIR, 0 to 1.
        truth, mask: (rows, columns) bool; the truth is outlined in blue, the prediction in orange.
        maps: by name, (rows, columns), standard deviations of the probability.
    """
    fig = Figure(figsize=(2.7 * (len(maps) + 1), 3.0), layout="constrained")
    first, *rest = fig.subplots(1, len(maps) + 1)
    picture = np.repeat((255 * np.clip(image, 0, 1)).astype(np.uint8)[..., None], 3, axis=-1)
    draw_outline(picture, truth, PALETTE["blue"])
    draw_outline(picture, mask, PALETTE["orange"])
    first.imshow(picture)
    first.set_title("truth blue, prediction orange", fontsize=10)
    for ax, (name, values) in zip(rest, maps.items(), strict=True):
        shown = ax.imshow(values, cmap="magma", vmin=0, vmax=0.5)
        ax.set_title(name, fontsize=10)
    for ax in (first, *rest):
        ax.axis("off")
    fig.colorbar(shown, ax=rest, label="standard deviation", shrink=0.7)
    return fig


def risk_coverage(panels: Mapping[str, Mapping[str, np.ndarray]]) -> Figure:
    """A panel for each set of patients: mean error of those kept, over the share kept.

    Args:
        panels: by title, curves by name; "best possible" and "chance" are drawn in grey. The first panel
            has all names; a name has one colour in all panels.
    """
    fig = Figure(figsize=(max(6.5, 3.4 * len(panels)), 3.6), layout="constrained")
    axes = np.atleast_1d(fig.subplots(1, len(panels)))
    names = [
        name for name in next(iter(panels.values())) if name not in ("best possible", "chance")
    ]
    colours = dict(zip(names, CYCLE, strict=False))
    for ax, (title, curves) in zip(axes, panels.items(), strict=True):
        for name, curve in curves.items():
            kept = np.arange(1, len(curve) + 1) / len(curve)
            if name in ("best possible", "chance"):
                line = ":" if name == "chance" else "--"
                ax.plot(kept, curve, line, color=PALETTE["grey"], lw=1.5, label=name)
            else:
                ax.plot(kept, curve, color=colours[name], lw=1.8, label=name)
        ax.set(title=title, xlabel="share that nobody looks at", xlim=(0, 1), ylim=(0, None))
    axes[0].set(ylabel="their mean of 1 − Dice")
    fig.legend(
        *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False
    )
    return fig


def volume_intervals(table: pd.DataFrame) -> Figure:
    """Each patient's true volume, and the interval that was predicted for it.

    Args:
        table: columns `truth`, `low`, `high`, `held` (whether the interval holds the truth).
    """
    table = table.sort_values("truth").reset_index(drop=True)
    fig = Figure(figsize=(8.5, 3.2), layout="constrained")
    ax = fig.subplots()
    for held, colour, name in (
        (True, PALETTE["blue"], "holds the truth"),
        (False, PALETTE["vermillion"], "doesn't"),
    ):
        part = table[table.held == held]
        ax.vlines(part.index, part.low, part.high, color=colour, lw=3, alpha=0.6, label=name)
    ax.plot(table.index, table.truth, "k_", ms=8, mew=2, label="truth")
    ax.set(xlabel="patients, by the size of their tumour", ylabel="tumour, pixels", ylim=(0, None))
    ax.set_xticks([])
    ax.legend(frameon=False, ncols=3, loc="upper left")
    return fig


def choosing(table: pd.DataFrame) -> Figure:
    """The mean Dice that a choice promises, and the one that other patients get.

    Args:
        table: index: how many patients chose; columns `promised` and `on others`, mean Dice.
    """
    fig = Figure(figsize=(6.5, 3.0), layout="constrained")
    ax = fig.subplots()
    places = np.arange(len(table))
    ax.vlines(places, table["on others"], table["promised"], color=PALETTE["grey"], lw=2)
    ax.plot(places, table["promised"], "o", color=PALETTE["orange"], ms=9, label="promised")
    ax.plot(places, table["on others"], "s", color=PALETTE["blue"], ms=9, label="on others")
    ax.set_xticks(places, [f"{count} patients chose" for count in table.index])
    ax.set(ylabel="mean Dice", xlim=(-0.5, len(table) - 0.5))
    ax.legend(frameon=False)
    return fig
