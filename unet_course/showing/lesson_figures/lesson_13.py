"""Drawings of lesson 13: a scan on its way to the network, two outlines, transfer, hospitals, a profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from unet_course.showing.plotting import (
    CYCLE,
    PALETTE,
    PREDICTION,
    TRUTH,
    legend_below,
    overlay,
)

HANDS = {"wide": PALETTE["vermillion"], "tight": PALETTE["green"]}
STARTS = {"synthetic": PALETTE["blue"], "random": PALETTE["orange"]}


def cuts(panels: Mapping[str, tuple[np.ndarray, float]]) -> Figure:
    """Cuts side by side, each stretched to its true proportions.

    Args:
        panels: by title, a cut (rows, columns) and the height of its pixels divided by their width.
    """
    fig = Figure(figsize=(10, 3.2), layout="constrained")
    axes = fig.subplots(1, len(panels), squeeze=False)[0]
    for ax, (title, (cut, aspect)) in zip(axes, panels.items(), strict=True):
        top = np.percentile(cut[cut > 0], 99) if (cut > 0).any() else 1
        ax.imshow(cut, cmap="gray", vmin=0, vmax=top, aspect=aspect, interpolation="nearest")
        ax.set_title(title, fontsize=9)
        ax.set_axis_off()
    return fig


def outlines(
    images: Sequence[np.ndarray],
    masks: Sequence[Mapping[str, np.ndarray]],
    titles: Sequence[str],
    rim: int = 14,
) -> Figure:
    """Two hands' outlines around tumours, each picture zoomed to its tumour.

    Args:
        images: a slice each, as `plotting.as_rgb` takes it.
        masks: for each picture, by a name of `HANDS`, (rows, columns).
        titles: one for each picture.
        rim: pixels around the tumour that are shown, at least.
    """
    fig = Figure(figsize=(3.3 * len(images), 3.6))
    axes = fig.subplots(1, len(images), squeeze=False)[0]
    for ax, image, hands, title in zip(axes, images, masks, titles, strict=True):
        there = np.argwhere(np.any(list(hands.values()), axis=0))
        middle, half = there.mean(axis=0), np.ptp(there, axis=0).max() / 2 + rim
        overlay(ax, image, title=title)
        for name, mask in hands.items():
            ax.contour(mask.astype(float), [0.5], colors=[HANDS[name]], linewidths=1.6)
        ax.set_xlim(middle[1] - half, middle[1] + half)
        ax.set_ylim(middle[0] + half, middle[0] - half)
    fig.tight_layout(pad=0.4)
    legend_below(
        fig,
        [Patch(facecolor="none", edgecolor=c, lw=1.6, label=f"{n} hand") for n, c in HANDS.items()],
    )
    return fig


def agreement_by_size(table: pd.DataFrame) -> Figure:
    """Left, Dice of two hands over tumour size; right, surface Dice.

    Args:
        table: a row for each patient, columns `pixels`, `Dice` and `surface Dice`.
    """
    fig = Figure(figsize=(9, 3), layout="constrained")
    for ax, column in zip(fig.subplots(1, 2, sharey=True), ("Dice", "surface Dice"), strict=True):
        ax.semilogx(table.pixels, table[column], "o", color=PALETTE["purple"], ms=6, alpha=0.8)
        ax.set(xlabel="tumour, pixels in all slices (log scale)", ylabel=column, ylim=(0.4, 1))
        ax.tick_params(labelleft=True)
    return fig


def ceiling(hands: pd.Series, network: pd.Series) -> Figure:
    """For each patient, the network's Dice with one hand over the other hand's Dice with it."""
    fig = Figure(figsize=(4.6, 4.2), layout="constrained")
    ax = fig.subplots()
    low = min(hands.min(), network.min()) - 0.04
    ax.plot([low, 1], [low, 1], color=PALETTE["grey"], ls=":", label="equal")
    ax.plot(
        hands, network.loc[hands.index], "o", color=PREDICTION, ms=7, mec=TRUTH, label="patient"
    )
    ax.set(xlabel="the other hand's Dice with this one", ylabel="the network's Dice with this one")
    ax.set(xlim=(low, 1), ylim=(low, 1))
    ax.legend(frameon=False, loc="upper left")
    return fig


def transfer(runs: pd.DataFrame) -> Figure:
    """Mean Dice of each run over the number of real patients, a line through each start's means.

    Args:
        runs: a row for each run, columns `start` (a key of `STARTS`), `trained_on`, `dice`.
    """
    fig = Figure(figsize=(7.5, 3.6), layout="constrained")
    ax = fig.subplots()
    counts = sorted(runs.trained_on.unique())
    place = {count: i for i, count in enumerate(counts)}
    for (name, colour), marker, aside in zip(STARTS.items(), "os", (-0.04, 0.04), strict=True):
        own = runs[runs.start == name]
        mean = own.groupby("trained_on").dice.mean()
        ax.plot([place[c] + aside for c in mean.index], mean, color=colour, lw=1.5)
        label = f"{name} patients first" if name == "synthetic" else "random start"
        ax.plot(
            own.trained_on.map(place) + aside, own.dice, marker, color=colour, ms=7, label=label
        )
    ax.set_xticks(range(len(counts)), counts)
    ax.set(xlabel="real patients trained on", ylabel="mean Dice on the test patients", ylim=(0, 1))
    ax.legend(frameon=False, loc="lower right")
    return fig


def hospitals(table: pd.DataFrame) -> Figure:
    """Each patient's Dice without and with their own hospital in the training, hospital by hospital.

    Args:
        table: a row for each patient, columns `hospital`, `without` and `with`.
    """
    names = sorted(table.hospital.unique())
    fig = Figure(figsize=(8.5, 3.4), layout="constrained")
    ax = fig.subplots()
    for number, name in enumerate(names):
        own = table[table.hospital == name]
        at = number + np.array([-0.18, 0.18])
        for pair in own[["without", "with"]].to_numpy():
            ax.plot(at, pair, color="0.8", lw=1)
        for x, column, colour in zip(at, ("without", "with"), CYCLE[:2], strict=True):
            label = f"{column} their own hospital" if number == 0 else None
            ax.plot([x] * len(own), own[column], "o", color=colour, ms=5, label=label)
            ax.plot([x - 0.12, x + 0.12], [own[column].mean()] * 2, color="black", lw=2)
    ax.set_xticks(range(len(names)), [f"{n} ({(table.hospital == n).sum()})" for n in names])
    ax.set(ylabel="Dice", ylim=(-0.03, 1.03), xlabel="hospital (patients); black: the mean")
    fig.legend(frameon=False, loc="outside upper center", ncols=2)
    return fig


def power(curves: pd.DataFrame, wanted: float = 0.8) -> Figure:
    """How often a test finds a difference, over the number of test patients.

    Args:
        curves: index number of patients, a column for each difference, shares from 0 to 1.
        wanted: a dotted line at this share.
    """
    fig = Figure(figsize=(7, 3.2), layout="constrained")
    ax = fig.subplots()
    for (name, shares), colour, marker in zip(curves.items(), CYCLE, "osv^DP", strict=False):
        ax.plot(range(len(shares)), shares, marker + "-", color=colour, label=name)
    ax.axhline(wanted, color="black", lw=1, ls=":")
    ax.set_xticks(range(len(curves)), curves.index)
    ax.set(xlabel="test patients", ylabel="share of studies that find it", ylim=(0, 1.03))
    ax.legend(title="true difference", frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return fig


def profile(volume: np.ndarray, spacing: float) -> Figure:
    """The middle cut from the side through a stack of slices, and the outline of the head in it.

    Args:
        volume: (slices, rows, columns) uint8, slices from the neck up, noses up.
        spacing: distance between slices divided by a pixel's side.
    """
    inside = volume > 25  # a tenth of the brightest: the air is darker
    middle = int(np.median(np.argwhere(inside)[:, 2]))
    cut, head = volume[::-1, :, middle], inside[::-1].any(axis=2)
    fig = Figure(figsize=(8, 3.6), layout="constrained")
    left, right = fig.subplots(1, 2)
    for ax, picture, title in (
        (left, cut, "the middle cut, seen from the side"),
        (right, head, "the head's outline"),
    ):
        ax.imshow(picture, cmap="gray", aspect=spacing, interpolation="bilinear")
        ax.set_title(title, fontsize=9)
        ax.set_axis_off()
    return fig
