"""Drawings of lesson 10: how far a weight moves, training curves, test slices with their outlines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke

from unet_course.data.layouts import MODALITIES, REGIONS
from unet_course.data.prepared_cases import PreparedCase
from unet_course.showing.plotting import CYCLE, PALETTE
from unet_course.showing.volume_plotting import (
    REGION_COLOURS,
    colour_legend,
    cut,
    fullest,
    grey,
    outline,
    show_cut,
)

# yellow is faint on white: a black edge carries it
EDGED = [Stroke(linewidth=3.4, foreground="black"), Normal()]


def distances_moved(distances: Mapping[str, Sequence[float]]) -> Figure:
    """How far a weight is from its start after each step, a line for each kind of gradient.

    Args:
        distances: by the gradient's name, the distance after steps 1, 2, …, in units of the rate.
    """
    fig = Figure(figsize=(7, 3), layout="constrained")
    ax = fig.subplots()
    for i, (name, values) in enumerate(distances.items()):
        # the first two lines lie on each other
        style = {"lw": 6, "alpha": 0.4} if i == 0 else {"lw": 1.8}
        ax.plot(np.arange(1, len(values) + 1), values, color=CYCLE[i], label=name, **style)
    ax.set(xlabel="step", ylabel="distance from the start, in rates")
    ax.legend(title="gradient", fontsize=9, title_fontsize=9, frameon=False)
    ax.grid(alpha=0.3)
    return fig


def training_curves(history: Mapping[str, Sequence[float]], kept: int) -> Figure:
    """Left the training loss; right the validation Dice of each region and their mean.

    Args:
        history: "loss", "dice" (the mean) and each region, one value an epoch.
        kept: the epoch that is kept, from 1; a grey band marks it.
    """
    fig = Figure(figsize=(9, 3.1), layout="constrained")
    left, right = fig.subplots(1, 2)
    epochs = np.arange(1, len(history["loss"]) + 1)
    left.plot(epochs, history["loss"], marker="o", ms=4, color=PALETTE["black"])
    left.set(xlabel="epoch", ylabel="training loss")
    right.axvspan(kept - 0.15, kept + 0.15, color=PALETTE["grey"], alpha=0.3, lw=0, label="kept")
    for region in REGIONS:
        edge = {"path_effects": EDGED, "markeredgecolor": "black"} if region == "ET" else {}
        style = {"marker": "o", "ms": 4, "lw": 1.8} | edge
        right.plot(epochs, history[region], color=REGION_COLOURS[region], label=region, **style)
    right.plot(epochs, history["dice"], color="black", ls="--", label="mean")
    right.set(xlabel="epoch", ylabel="validation Dice", ylim=(-0.03, 1.03))
    right.legend(fontsize=9, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    for ax in (left, right):
        ax.set_xticks(epochs)
        ax.grid(alpha=0.3)
    return fig


def slices_with_outlines(
    cases: Sequence[PreparedCase], predictions: Mapping[str, np.ndarray], orientation: str = "LPS"
) -> Figure:
    """A row for each case: the axial slice with most tumour in FLAIR and T1ce, truth, prediction.

    Args:
        cases: each with a mask.
        predictions: by case id, (x, y, z, 3) masks of WT, TC and ET.
        orientation: of the cases' axes.
    """
    fig = Figure(figsize=(9, 2.6 * len(cases)), layout="constrained")
    axes = fig.subplots(len(cases), 4, squeeze=False)
    for row, case in zip(axes, cases, strict=True):
        regions = case.regions()
        index = fullest(regions[..., 0], "axial", orientation)
        flair, t1ce, truth, prediction = (
            cut(volume, "axial", index, orientation)
            for volume in (
                grey(case.images[..., MODALITIES.index("FLAIR")]),
                grey(case.images[..., MODALITIES.index("T1ce")]),
                regions,
                predictions[case.id],
            )
        )
        pictures = {
            f"case …{case.id[-3:]}: FLAIR": flair,
            "T1ce": t1ce,
            "truth": outline(flair, truth),
            "prediction": outline(flair, prediction),
        }
        for ax, (title, picture) in zip(row, pictures.items(), strict=True):
            show_cut(ax, picture, title)
    colour_legend(fig, labels=False)
    return fig
