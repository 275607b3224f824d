"""Drawings of lesson 05: augmented slices, learning rates, loss curves, slices of patients.

Every function takes arrays and returns a Matplotlib figure for `plotting.show`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Patch

from unet_course.showing import plotting


def rows_of_slices(
    images: Mapping[str, Sequence[np.ndarray]],
    truths: Mapping[str, Sequence[np.ndarray]],
    predictions: Mapping[str, Sequence[np.ndarray]] | None = None,
    titles: Mapping[str, Sequence[str]] | None = None,
):
    """Return a figure with a row of slices for each name, which is written once, at the left.

    Args:
        images: (rows, columns) each, by the row's name; as many in every row.
        truths: masks, outlined in sky blue.
        predictions: masks, filled in orange; or None.
        titles: a short text above each slice; or None.
    """
    count = len(next(iter(images.values())))
    height = 1.8 if titles is None else 2.05
    fig, axes = plt.subplots(
        len(images),
        count,
        figsize=(0.4 + 1.8 * count, 0.4 + height * len(images)),
        layout="constrained",
        squeeze=False,
    )
    for row, name in zip(axes, images, strict=True):
        for column, ax in enumerate(row):
            plotting.overlay(
                ax,
                images[name][column],
                truths[name][column],
                None if predictions is None else predictions[name][column],
                title="" if titles is None else titles[name][column],
            )
        place = {"transform": row[0].transAxes, "rotation": 90, "ha": "right", "va": "center"}
        row[0].text(-0.05, 0.5, name, fontsize=10, **place)
    handles = [Patch(fc="none", ec=plotting.TRUTH, lw=1.5, label="truth")]
    if predictions is not None:
        handles.append(Patch(color=plotting.PREDICTION, alpha=0.7, label="prediction"))
    legend = {"loc": "outside lower center", "ncols": 2, "fontsize": 10, "frameon": False}
    fig.legend(handles=handles, **legend)
    return fig


def enlarged_masks(masks: Mapping[str, np.ndarray], margin: int = 3):
    """Return a figure of masks, black 0 and white 1, enlarged to where the first one is."""
    rows, columns = np.nonzero(next(iter(masks.values())))
    fig, axes = plt.subplots(1, len(masks), figsize=(2.8 * len(masks), 3), layout="constrained")
    for ax, (name, mask) in zip(axes, masks.items(), strict=True):
        ax.imshow(mask, cmap="gray", vmin=0, vmax=1)
        ax.set_xlim(columns.min() - margin, columns.max() + margin)
        ax.set_ylim(rows.max() + margin, rows.min() - margin)
        ax.set_title(name, fontsize=10)
        ax.axis("off")
    return fig


def loss_by_rate(rates: np.ndarray, losses: Sequence[float], before: float):
    """Return a figure of the loss after one step, by its learning rate, and of the loss before."""
    fig, ax = plt.subplots(figsize=(6.5, 3), layout="constrained")
    blue, black = plotting.PALETTE["blue"], plotting.PALETTE["black"]
    ax.semilogx(rates, losses, marker="o", color=blue, label="after one step")
    ax.axhline(before, color=black, ls=":", label="before")
    ax.set_xlabel("learning rate")
    ax.set_ylabel("loss on the same batch")
    ax.legend(fontsize=9, frameon=False)
    ax.grid(alpha=0.3)
    return fig


def losses_by_step(runs: Mapping[str, Sequence[float]], width: int = 10):
    """Return a figure of several runs' losses, each point the mean of the last `width` steps.

    A run whose name begins with SGD is dashed, so that the optimisers differ without colour too.
    """
    fig, ax = plt.subplots(figsize=(8.5, 3.2), layout="constrained")
    for (name, values), colour in zip(runs.items(), plotting.CYCLE, strict=False):
        smooth = np.convolve(values, np.ones(width) / width, mode="valid")
        style = "--" if name.startswith("SGD") else "-"
        ax.plot(np.arange(width, len(values) + 1), smooth, color=colour, ls=style, label=name)
    ax.set_xlabel("step")
    ax.set_ylabel(f"loss, mean of {width} steps")
    ax.legend(fontsize=9, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    ax.grid(alpha=0.3)
    return fig


def learning_rates(schedules: Mapping[str, Sequence[float]], steps_an_epoch: int):
    """Return a figure of learning rates over the steps of a run, as shares of the full rate."""
    fig, ax = plt.subplots(figsize=(7.5, 3.2), layout="constrained")
    styles = (("-", 1.8, "blue"), ("--", 1.2, "vermillion"))
    for (name, values), (style, width, colour) in zip(schedules.items(), styles, strict=True):
        ax.plot(values, ls=style, lw=width, color=plotting.PALETTE[colour], label=name)
    ax.set_xlabel(f"step (an epoch has {steps_an_epoch})")
    ax.set_ylabel("share of the full rate")
    fig.legend(loc="outside upper center", ncols=2, fontsize=10, frameon=False)
    ax.grid(alpha=0.3)
    return fig


def loss_and_dice(history: Mapping[str, Sequence[float]]):
    """Return a figure of a run: training loss on the left, validation Dice on the right.

    Args:
        history: "loss" and "dice", a value an epoch.
    """
    fig, axes = plt.subplots(1, 2, figsize=(8.5, 3), layout="constrained")
    labels = {"loss": "training loss", "dice": "validation Dice, mean of patients"}
    for ax, (name, label) in zip(axes, labels.items(), strict=True):
        values = history[name]
        epochs = range(1, len(values) + 1)
        ax.plot(epochs, values, marker="o", ms=4, color=plotting.PALETTE["blue"])
        ax.set_xlabel("epoch")
        ax.set_ylabel(label)
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.grid(alpha=0.3)
    best = int(np.argmax(history["dice"]))
    ring = {"ms": 12, "mfc": "none", "mec": plotting.PALETTE["vermillion"], "mew": 1.8}
    axes[1].plot([best + 1], [history["dice"][best]], "o", label="kept: the best epoch", **ring)
    axes[1].legend(fontsize=9, frameon=False, loc="lower right")
    return fig


def three_runs(runs: Mapping[str, object], count: int = 3):
    """Return a figure with a row for each run: its loss, its Dice by epoch, and slices it predicted.

    Args:
        runs: by letter, what `planted_faults.three_runs` returns. Losses above 2 are cut off.
        count: of slices; those with the most tumour, each of another patient where they differ.
    """
    fig, axes = plt.subplots(
        len(runs),
        2 + count,
        figsize=(11.5, 2.3 * len(runs)),
        layout="constrained",
        width_ratios=(1.25, 1.25, *(1,) * count),
        squeeze=False,
    )
    # a loss that has exploded would press all others flat
    highest = min(1.05 * max(max(run.loss) for run in runs.values()), 2)
    for row, (letter, run) in zip(axes, runs.items(), strict=True):
        epochs = range(1, len(run.loss) + 1)
        row[0].plot(epochs, run.loss, "o-", ms=3, color=plotting.PALETTE["black"])
        row[0].set(ylim=(0, highest), ylabel="training loss")
        for name, colour, style in (("validation", "blue", "o-"), ("others", "purple", "s--")):
            values = getattr(run, name)
            row[1].plot(epochs, values, style, ms=3, color=plotting.PALETTE[colour], label=name)
        row[1].set(ylim=(-0.03, 1.03), ylabel="mean Dice")
        for ax in row[:2]:
            ax.xaxis.get_major_locator().set_params(integer=True)
            ax.grid(alpha=0.3)
        row[0].set_title(f"run {letter}", loc="left", fontsize=11, weight="bold")
        for ax, place in zip(row[2:], _far_apart(run.masks, count), strict=True):
            predicted = run.probability[place, ..., 0] >= 0.5
            plotting.overlay(ax, run.images[place, ..., 1], run.masks[place, ..., 0], predicted)
            ax.set_title(f"validation, slice {place}", fontsize=9)
    axes[0, 1].legend(fontsize=8, frameon=False, loc="upper left")
    for ax in axes[-1, :2]:
        ax.set_xlabel("epoch")
    handles = [Patch(fc="none", ec=plotting.TRUTH, lw=1.5, label="truth")]
    handles.append(Patch(color=plotting.PREDICTION, alpha=0.7, label="prediction"))
    fig.legend(handles=handles, loc="outside lower right", ncols=2, fontsize=10, frameon=False)
    return fig


def _far_apart(masks: np.ndarray, count: int) -> list[int]:
    """The slices with the most tumour that are at least eight slices apart."""
    chosen: list[int] = []
    for place in np.argsort(-masks.sum(axis=(1, 2, 3)).astype(int), kind="stable"):
        if all(abs(int(place) - other) >= 8 for other in chosen):
            chosen.append(int(place))
    return (chosen + list(range(count)))[:count]
