"""Drawings of lesson 01: the street scene, masks with their scores, and one pixel's learning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from unet_course.showing import plotting
from unet_course.showing.plotting import PALETTE

# none of the colours that mean truth, prediction or a part of a tumour everywhere else
CLASS_COLOURS = (PALETTE["purple"], PALETTE["green"], PALETTE["grey"], "#DDDDDD")
PERSON_COLOURS = (PALETTE["black"], PALETTE["purple"], PALETTE["green"], PALETTE["blue"])


def _in_colour(labels: np.ndarray, colours: Sequence[str]) -> np.ndarray:
    """Return (rows, columns, 3): the colour of each label."""
    return np.array([plotting.rgb(colour) for colour in colours], np.uint8)[labels]


def _row(count: int, width: float, height: float):
    from matplotlib.figure import Figure

    fig = Figure(figsize=(width, height), layout="constrained")
    return fig, fig.subplots(1, count)


def _show(ax, picture, title: str, **options):
    ax.set_title(title, fontsize=10)
    ax.axis("off")
    return ax.imshow(picture, **options)


def _probability_bar(fig, shown, axes):
    """Add a colour bar under all panels, so that they keep one size."""
    bar = fig.colorbar(
        shown, ax=list(axes), location="bottom", shrink=0.3, aspect=30, anchor=(0, 0.5)
    )
    bar.set_label("probability", fontsize=9)
    bar.ax.tick_params(labelsize=9)


def four_questions(image: np.ndarray, labels: np.ndarray, people: np.ndarray, boxes: Sequence):
    """Return a figure of four answers to one picture: a word, boxes, classes, instances.

    Args:
        image: (rows, columns, 3) `uint8`.
        labels: (rows, columns), 0 to 3.
        people: (rows, columns), 0 where nobody is, else the pedestrian's number, up to 3.
        boxes: pairs of slices, rows and columns, as `scipy.ndimage.find_objects` gives them.
    """
    from matplotlib.patches import Rectangle

    fig, axes = _row(4, 10, 2.3)
    _show(axes[0], image, "1. “There is a pedestrian”")
    _show(axes[1], image, "2. A box for each")
    for rows, columns in boxes:
        corner = (columns.start - 0.5, rows.start - 0.5)
        size = (columns.stop - columns.start, rows.stop - rows.start)
        axes[1].add_patch(Rectangle(corner, *size, fill=False, ec=PALETTE["yellow"], lw=1.8))
    _show(axes[2], _in_colour(labels, CLASS_COLOURS), "3. A class for each pixel")
    _show(axes[3], _in_colour(people, PERSON_COLOURS), "4. Which pedestrian")
    return fig


def threshold_masks(probability: np.ndarray, thresholds: Sequence[float]):
    """Return a figure of a probability map (rows, columns) and the mask at each threshold."""
    fig, axes = _row(1 + len(thresholds), 10, 2.5)
    shown = _show(
        axes[0], probability, "Probability of “pedestrian”", cmap="viridis", vmin=0, vmax=1
    )
    _probability_bar(fig, shown, axes)
    for ax, threshold in zip(axes[1:], thresholds, strict=True):
        _show(ax, probability >= threshold, f"Mask at threshold {threshold}", cmap="gray")
    return fig


def class_maps(probabilities: np.ndarray, names: Sequence[str], cross: tuple[int, int]):
    """Return a figure of each class's probabilities, and the class with the largest.

    Args:
        probabilities: (rows, columns, 4).
        names: of the four classes.
        cross: row and column of the pixel to mark.
    """
    fig, axes = _row(5, 10, 2.4)
    for channel, name in enumerate(names):
        shown = _show(
            axes[channel], probabilities[..., channel], name, cmap="viridis", vmin=0, vmax=1
        )
    _probability_bar(fig, shown, axes)
    _show(axes[4], _in_colour(probabilities.argmax(-1), CLASS_COLOURS), "largest of the four")
    axes[4].plot(cross[1], cross[0], "+", color="black", ms=9)
    return fig


def picture_row(pictures: Mapping[str, np.ndarray]):
    """Return a figure of pictures in a row, by title; those of one channel are drawn in grey."""
    fig, axes = _row(len(pictures), 3 * len(pictures), 3.2)
    for ax, (title, picture) in zip(axes, pictures.items(), strict=True):
        _show(ax, picture, title, cmap="gray")
    return fig


def scores_by_shift(shifts: np.ndarray, dices: Sequence[float], ious: Sequence[float]):
    """Return a figure of Dice and IoU of a square and the same square moved sideways."""
    from matplotlib.figure import Figure

    fig = Figure(figsize=(6, 2.8), layout="constrained")
    ax = fig.subplots()
    ax.plot(shifts, dices, "o-", color=PALETTE["blue"], ms=4, label="Dice")
    ax.plot(shifts, ious, "s-", color=PALETTE["green"], ms=4, label="IoU")
    ax.set(xlabel="shift of the square (pixels)", ylabel="score (0 to 1)")
    ax.legend(frameon=False)
    return fig


def predictions_on_a_slice(image: np.ndarray, truth: np.ndarray, predictions: Mapping):
    """Return a figure of one slice with several predictions, by title."""
    return plotting.slices_grid(
        [image] * len(predictions),
        [truth] * len(predictions),
        list(predictions.values()),
        list(predictions),
        columns=len(predictions),
        size=3.2,
    )


def way_down(weights, biases, losses, loss):
    """Return a figure of a training with two parameters: the losses, and the steps on the loss.

    Args:
        weights, biases, losses: before the first step and after each.
        loss: function of a weight and a bias.
    """
    grid_w = np.linspace(-1, weights.max() + 1, 60)
    grid_b = np.linspace(biases.min() - 1, 1.5, 60)
    landscape = np.array([[loss(w, b) for w in grid_w] for b in grid_b])
    levels = np.geomspace(landscape.min(), landscape.max(), 16)  # closer together in the valley
    fig, axes = _row(2, 9, 3.3)
    axes[0].plot(losses, color=PALETTE["blue"])
    axes[0].set(xlabel="step", ylabel="loss (BCE)", ylim=(0, None))
    axes[0].set_title("The loss falls", fontsize=10)
    shown = axes[1].contourf(
        grid_w, grid_b, landscape.clip(levels[0], levels[-1]), levels, norm="log"
    )
    axes[1].plot(weights, biases, ".-", color="white", ms=3, lw=1)
    axes[1].plot(weights[-1], biases[-1], "*", color="white", ms=13, mec="black")
    axes[1].text(weights[-1] - 0.2, biases[-1] - 0.5, "stopped here", color="white", ha="right")
    axes[1].set(xlabel="weight w", ylabel="bias b")
    axes[1].set_title("The steps on the loss", fontsize=10)
    fig.colorbar(shown, ax=axes[1], label="loss (BCE)", format="%.2f")
    return fig


def brightness_and_probability(greys: np.ndarray, y: np.ndarray, probabilities, threshold: float):
    """Return a figure of two histograms of grey values, and the probability learnt for each value.

    Args:
        greys: (pixels,), 0 to 255.
        y: (pixels,), 1 for tumour, 0 for not.
        probabilities: of tumour, for each of the grey values 0 to 255.
        threshold: grey value at which the probability is one half.
    """
    from matplotlib.figure import Figure

    fig = Figure(figsize=(7.5, 3.2), layout="constrained")
    ax = fig.subplots()
    bins = np.arange(0, 257, 4)
    ax.hist(greys[y == 0], bins, color=PALETTE["grey"], alpha=0.7, label="not tumour")
    ax.hist(greys[y == 1], bins, color=plotting.TRUTH, alpha=0.8, label="tumour")
    ax.set(xlabel="grey value in FLAIR (0 to 255)", ylabel="pixels")
    right = ax.twinx()
    right.plot(
        range(256), probabilities, color=plotting.PREDICTION, lw=2, label="probability (right axis)"
    )
    right.axvline(threshold, color="black", ls="--", lw=1, label="learnt threshold")
    right.set(ylabel="probability of tumour", ylim=(0, 1.02))
    handles = [*ax.get_legend_handles_labels()[0], *right.get_legend_handles_labels()[0]]
    right.legend(handles=handles, frameon=False, loc="center right", fontsize=9)
    return fig
