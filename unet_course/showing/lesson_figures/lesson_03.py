"""Drawings of lesson 03: losses and their pulls, smoothing, pooled Dice, distance, the audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from scipy import ndimage

from unet_course.showing import plotting

LOSS_STYLES = {  # one colour and one kind of line for a loss throughout the lesson
    "BCE": ("blue", "-"),
    "weighted BCE, 10": ("green", "--"),
    "soft Dice": ("vermillion", "-"),
    "BCE + Dice": ("purple", "-."),
}
FLOOR, CEILING = 0.003, 30  # of the axes for pulls


def one_pixel(score: np.ndarray, curves: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """Draw losses of one pixel over its score, and their slopes.

    Args:
        score: (points,).
        curves: loss and slope at each score, by the loss's name; the first is drawn in grey.
    """
    fig = Figure(figsize=(8.5, 2.8), layout="constrained")
    axes = fig.subplots(1, 2)
    titles = "The loss of one tumour pixel", "Its slope (the pull goes against it)"
    for k, title in enumerate(titles):
        for (name, pair), colour in zip(curves.items(), ("grey", "blue", "green"), strict=False):
            axes[k].plot(score, pair[k], color=plotting.PALETTE[colour], label=name)
        axes[k].set_title(title, fontsize=10)
        axes[k].set(xlabel="score $s$", ylabel=("loss", "slope")[k])
        axes[k].legend(frameon=False, fontsize=9)
    return fig


def pull_shares(shares: Mapping[str, float]) -> Figure:
    """Draw a bar for each situation: how much of the pull the background does, and the tumour.

    Args:
        shares: the background's share of the pull, 0 to 1, by situation.
    """
    fig = Figure(figsize=(8.5, 0.8 + 0.4 * len(shares)), layout="constrained")
    ax = fig.subplots()
    values = np.array(list(shares.values()))
    places = np.arange(len(shares))
    ax.barh(places, values, color=plotting.PALETTE["grey"], label="background")
    ax.barh(places, 1 - values, left=values, color=plotting.TRUTH, label="tumour")
    ax.set_yticks(places, list(shares))
    ax.invert_yaxis()
    ax.set(xlabel="share of the pull", xlim=(0, 1))
    ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return fig


def pulls(grid: np.ndarray, curves: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """Draw how hard losses pull at a tumour pixel, left, and at a background pixel, right.

    Args:
        grid: the pixel's probability, (points,).
        curves: the pull at a background pixel and at a tumour pixel, by a name of `LOSS_STYLES`.
    """
    fig = Figure(figsize=(8.5, 3.2), layout="constrained")
    axes = fig.subplots(1, 2, sharey=True)
    for ax, kind, title in zip(axes, (1, 0), ("a tumour pixel", "a background pixel"), strict=True):
        for name, pair in curves.items():
            colour, line = LOSS_STYLES[name]
            ax.semilogy(grid, pair[kind], line, color=plotting.PALETTE[colour], label=name)
        ax.set_title(title, fontsize=10)
        ax.set(xlabel="the pixel's probability now", ylim=(FLOOR, CEILING))
    axes[0].set_ylabel("pull (log scale)")
    axes[1].legend(frameon=False, fontsize=9, loc="lower center")
    return fig


def pulls_compared(
    grid: np.ndarray,
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]],
    simpler: Mapping[str, str],
) -> Figure:
    """Draw the pulls of further losses, each with those of a simpler one in grey.

    Args:
        grid, curves: as for `pulls`, the simpler losses' curves among them.
        simpler: each further loss and the name of the one to compare it with.
    """
    fig = Figure(figsize=(8.5, 5.4), layout="constrained")
    axes = fig.subplots(2, -(-len(simpler) // 2), sharex=True, sharey=True, squeeze=False)
    for ax, (name, other) in zip(axes.ravel(), simpler.items(), strict=True):
        for kind, style in ((1, "-"), (0, "--")):
            ax.semilogy(grid, curves[other][kind], style, color=plotting.PALETTE["grey"], lw=1.2)
            ax.semilogy(grid, curves[name][kind], style, color=plotting.PALETTE["vermillion"])
        ax.set_title(f"{name}  (grey: {other})", fontsize=10)
        ax.set_ylim(FLOOR, CEILING)
    for ax in axes[-1]:
        ax.set_xlabel("the pixel's probability now")
    for ax in axes[:, 0]:
        ax.set_ylabel("pull (log scale)")
    axes[0, 0].plot([], [], "-", color="black", label="tumour pixel")
    axes[0, 0].plot([], [], "--", color="black", label="background pixel")
    axes[0, 0].legend(frameon=False, fontsize=9, loc="lower center")
    return fig


def steps(
    maps: Mapping[str, Mapping[int, np.ndarray]], truth: np.ndarray, side: int = 56
) -> Figure:
    """Draw probability maps around a tumour: a row for each loss, a column for each step.

    Args:
        maps: (rows, columns) probabilities by loss and by step; the truth is added on the right.
        truth: (rows, columns), 0 and 1.
        side: of the square around the tumour's middle that is shown, in pixels.
    """
    middle = [int(where.mean()) for where in np.nonzero(truth)]
    corner = (
        int(np.clip(m - side // 2, 0, n - side)) for m, n in zip(middle, truth.shape, strict=True)
    )
    crop = tuple(slice(start, start + side) for start in corner)
    columns = len(next(iter(maps.values()))) + 1
    fig = Figure(figsize=(1.6 * columns, 1.55 * len(maps) + 0.3), layout="constrained")
    axes = fig.subplots(len(maps), columns, squeeze=False)
    for line, (name, by_step) in zip(axes, maps.items(), strict=True):
        for ax, picture in zip(line, [*by_step.values(), truth], strict=True):
            ax.imshow(picture[crop], cmap="gray", vmin=0, vmax=1)
            ax.set(xticks=[], yticks=[])
        line[0].set_ylabel(name.replace(", ", ",\n").replace(" + ", "\n+ "), fontsize=10)
    titles = ["start" if not step else f"step {step}" for step in next(iter(maps.values()))]
    for ax, title in zip(axes[0], [*titles, "truth"], strict=True):
        ax.set_title(title, fontsize=10)
    return fig


def two_scores(marks: np.ndarray, scores: Mapping[str, np.ndarray]) -> Figure:
    """Draw accuracy, left, and Dice, right, over the steps of training with several losses.

    Args:
        marks: the steps at which the scores were taken, (marks,).
        scores: (marks, 2), accuracy and Dice, by a name of `LOSS_STYLES`.
    """
    fig = Figure(figsize=(8.5, 2.9), layout="constrained")
    axes = fig.subplots(1, 2)
    for column, (ax, title) in enumerate(zip(axes, ("accuracy", "Dice"), strict=True)):
        for name, values in scores.items():
            colour, line = LOSS_STYLES[name]
            ax.plot(marks, values[:, column], line, color=plotting.PALETTE[colour], label=name)
        ax.set_xscale("symlog", linthresh=1)
        ax.set_xticks((0, 1, 10, 100), (0, 1, 10, 100))
        ax.set_title(f"{title}, cut at 0.5", fontsize=10)
        ax.set(xlabel="step (log scale from 1 on)", ylabel=title, ylim=(-0.02, 1.02))
    axes[1].legend(frameon=False, fontsize=9, loc="upper left")
    return fig


def smoothing(amounts: Sequence[float] = (0, 1, 100)) -> Figure:
    """Draw what smoothing does to the Dice loss of an empty slice, and to a missed tumour's Dice.

    Args:
        amounts: of smoothing, added above and below the fraction's line.
    """
    fig = Figure(figsize=(8.5, 2.8), layout="constrained")
    axes = fig.subplots(1, 2)
    claimed, missed = np.linspace(1e-6, 40, 801), np.arange(1, 201)
    for smooth, colour in zip(amounts, ("grey", "vermillion", "blue"), strict=True):
        label = f"smoothing {smooth}" if smooth else "no smoothing"
        style = {"color": plotting.PALETTE[colour], "label": label}
        axes[0].plot(claimed, 1 - smooth / (claimed + smooth), **style)
        axes[1].plot(missed, smooth / (missed + smooth), **style)
    axes[0].set_title("An empty slice", fontsize=10)
    axes[0].set(xlabel="sum of the probabilities claimed (pixels)", ylabel="Dice loss")
    axes[1].set_title("A missed tumour", fontsize=10)
    axes[1].set(xlabel="pixels of tumour, all missed", ylabel="Dice with smoothing")
    for ax in axes:
        ax.set_ylim(-0.03, 1.05)
    axes[0].legend(frameon=False, fontsize=9)
    return fig


def pooled_or_mean(
    sizes: Sequence[int], methods: Mapping[str, tuple[Sequence[float], float, float]]
) -> Figure:
    """Draw each patient's Dice over the tumour's size, with lines at the mean and at pooled Dice.

    Args:
        sizes: tumour pixels of each patient.
        methods: Dice of each patient, their mean, and pooled Dice, by the method's name.
    """
    fig = Figure(figsize=(8.5, 3.1), layout="constrained")
    ax = fig.subplots()
    styles = (("vermillion", "s"), ("blue", "o"))
    for (name, (dices, mean, pooled)), (colour, marker) in zip(
        methods.items(), styles, strict=True
    ):
        colour = plotting.PALETTE[colour]
        ax.plot(sizes, dices, marker, color=colour, label=name)
        ax.axhline(mean, color=colour, lw=1)
        ax.axhline(pooled, color=colour, lw=1, ls=":")
    ax.plot([], [], color="black", lw=1, label="mean over patients")
    ax.plot([], [], color="black", lw=1, ls=":", label="pooled")
    ax.set(xscale="log", ylabel="Dice")
    ax.set_xlabel("tumour of the patient, pixels in all slices (log scale)")
    ax.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    return fig


def with_island(mask: np.ndarray, picture: np.ndarray, pixels: int) -> np.ndarray:
    """Return the mask with a round false alarm added, as far from it as the head allows.

    Args:
        mask: (rows, columns), 0 and 1.
        picture: (rows, columns), FLAIR; the head is what is above 20 in it.
        pixels: of the false alarm.
    """
    head = ndimage.binary_fill_holes(picture > 20)
    brain = ndimage.binary_erosion(head, iterations=18) & (mask == 0)  # well inside the skull
    distance = np.where(brain, ndimage.distance_transform_edt(mask == 0), 0)
    centre = np.reshape(np.unravel_index(distance.argmax(), mask.shape), (2, 1, 1))
    radius = np.hypot(*(np.indices(mask.shape) - centre))
    radius[mask == 1] = np.inf
    nearest = np.argsort(radius, axis=None, kind="stable")[:pixels]
    island = mask.copy()
    island[np.unravel_index(nearest, mask.shape)] = 1
    return island


def two_predictions(
    picture: np.ndarray, truth: np.ndarray, predictions: Mapping[str, np.ndarray]
) -> Figure:
    """Draw a slice with the truth's outline and, side by side, predictions by their titles."""
    fig = Figure(figsize=(4 * len(predictions), 4.6), layout="constrained")
    axes = fig.subplots(1, len(predictions))
    for ax, (title, prediction) in zip(axes, predictions.items(), strict=True):
        plotting.overlay(ax, picture, truth, prediction)
        ax.set_title(title, fontsize=10)
    handles = [
        Patch(fc="none", ec=plotting.TRUTH, lw=1.5, label="truth"),
        Patch(color=plotting.PREDICTION, alpha=0.7, label="prediction"),
    ]
    fig.legend(handles=handles, loc="outside lower center", ncols=2, fontsize=10, frameon=False)
    return fig


def board(
    pairs: Mapping[str, Sequence[tuple[float, float]]], reported: Mapping[str, float]
) -> Figure:
    """Draw what each metric gives to an empty prediction, and to a network, case by case.

    Args:
        pairs: (empty prediction's score, network's score) of each case, by the metric's name.
        reported: published scores by the metric's name, drawn as lines through its row.
    """
    fig = Figure(figsize=(8.5, 0.62 * len(pairs) + 0.8), layout="constrained")
    ax = fig.subplots()
    for column, (label, marker, colour, shift) in enumerate(
        (("nothing", "x", "vermillion", -0.14), ("the network", "o", "blue", 0.14))
    ):
        for place, cases in enumerate(pairs.values()):
            ax.plot(
                [case[column] for case in cases],
                np.full(len(cases), place + shift),
                marker,
                color=plotting.PALETTE[colour],
                label=label if place == 0 else None,
                ms=7,
                mfc="none",
            )
    for name, value in reported.items():
        row = list(pairs).index(name)
        ax.vlines(value, row - 0.5, row + 0.5, color="black", lw=1, ls=":")
        words = f"{value}, as reported"
        ax.text(value - 0.05, row, words, ha="right", va="center", fontsize=9)
    ax.set_yticks(range(len(pairs)), list(pairs), fontsize=9)
    ax.set(xlabel="score", xlim=(-0.03, 1.03), ylim=(len(pairs) - 0.5, -0.5))
    ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    ax.grid(axis="y", alpha=0.2)
    return fig
