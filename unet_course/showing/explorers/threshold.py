"""A threshold slider over a probability map, with the confusion counts and Dice that follow."""

from __future__ import annotations

import ipywidgets
import numpy as np

from unet_course.showing.plotting import PALETTE, PREDICTION, TRUTH, as_rgb, draw_outline
from unet_course.showing.widget_parts import (
    enlarged,
    fill,
    following,
    row,
    side_by_side,
    swatch,
    wide,
)

FOUND = PALETTE["green"]  # tumour that is marked


def threshold(
    probability: np.ndarray,
    truth: np.ndarray,
    images: np.ndarray | None = None,
    *,
    start: float = 0.5,
    scale: int = 2,
):
    """Return an explorer of a threshold: which pixels it marks, and what score that gives.

    Left the probabilities, black for 0 and white for 1, with the outline of what is marked; right
    the slice, each pixel coloured by whether truth and prediction agree. A pixel at or above the
    threshold is marked.

    Args:
        probability: 0 to 1, one slice `(height, width)` or all of a patient's,
            `(slices, height, width)`; those get a slider for the slice, and are scored together.
        truth: the expert's mask in the same shape, above 0 inside.
        images: the slices themselves, in the same shape or with channels behind it, as
            `plotting.as_rgb` takes them; without them the second panel is grey where nothing is.
        start: the threshold shown first.
        scale: how many times as large to draw.

    Returns:
        An `ipywidgets.VBox` of a legend, the picture, the sliders, and a line with the threshold,
        Dice, accuracy and the four counts.

    Raises:
        ValueError: shapes that don't fit, or probabilities outside 0 to 1.
    """
    probability, truth = np.asarray(probability, np.float32), np.asarray(truth) > 0
    if probability.ndim not in (2, 3) or probability.shape != truth.shape:
        raise ValueError(f"probability {probability.shape} and truth {truth.shape} must be alike")
    if not ((probability >= 0) & (probability <= 1)).all():
        raise ValueError("probabilities must be from 0 to 1")
    if images is None:
        images = np.full(probability.shape, 128, np.uint8)
    images = np.asarray(images)
    if images.shape[: probability.ndim] != probability.shape:
        raise ValueError(f"images {images.shape} don't fit the probability {probability.shape}")
    alone = probability.ndim == 2
    if alone:
        probability, truth, images = probability[None], truth[None], images[None]
    # sorted once, so that a count takes no time however many slices there are
    inside, outside = np.sort(probability[truth]), np.sort(probability[~truth])
    fullest = int(truth.sum((1, 2)).argmax())

    cut = wide(ipywidgets.FloatSlider(start, min=0.01, max=0.99, step=0.01))
    cut.description = "Threshold"
    level = ipywidgets.IntSlider(fullest + 1, min=1, max=len(truth), description="Slice")
    sliders = [cut] if alone else [cut, wide(level)]

    def picture() -> np.ndarray:
        at = level.value - 1
        there, marked = truth[at], probability[at] >= np.float32(cut.value)
        chances = enlarged(as_rgb((255 * probability[at]).round().astype(np.uint8)), scale)
        draw_outline(chances, enlarged(marked, scale), PREDICTION, scale)
        judged = as_rgb(images[at])
        for where, colour in (
            (there & marked, FOUND),
            (~there & marked, PREDICTION),
            (there & ~marked, TRUTH),
        ):
            fill(judged, where, colour, 0.6)
        return side_by_side([chances, enlarged(judged, scale)])

    def in_words() -> str:
        missed = int(np.searchsorted(inside, np.float32(cut.value)))
        left = int(np.searchsorted(outside, np.float32(cut.value)))
        found, wrong = len(inside) - missed, len(outside) - left
        marked = 2 * found + wrong + missed
        dice = 2 * found / marked if marked else 1.0
        accuracy = (found + left) / truth.size
        of = "" if alone else f", slice {level.value}"
        return (
            f"Threshold {cut.value:.2f}{of}: Dice {dice:.3f}, accuracy {accuracy:.1%}; "
            f"TP {found:,}, FP {wrong:,}, FN {missed:,}, TN {left:,} pixels"
        )

    legend = swatch(f"border: 2px solid {PREDICTION}", "marked | ")
    legend += swatch(f"background: {FOUND}", "found (TP)")
    legend += swatch(f"background: {PREDICTION}", "marked wrongly (FP)")
    legend += swatch(f"background: {TRUTH}", "missed (FN)")
    return following(lambda: (picture(), in_words()), sliders, [row(sliders)], legend)
