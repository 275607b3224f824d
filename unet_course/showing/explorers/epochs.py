"""A network's predictions over the epochs of a training run: a slider that shows it learn."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets
import numpy as np
from PIL import Image, ImageDraw

from unet_course.showing.plotting import PALETTE, PREDICTION, TRUTH, as_rgb, draw_outline
from unet_course.showing.widget_parts import (
    drawn,
    enlarged,
    fill,
    following,
    row,
    side_by_side,
    swatch,
    wide,
)


def epochs(
    images: np.ndarray,
    truth: np.ndarray,
    predictions: np.ndarray | Sequence[np.ndarray],
    *,
    first: int = 1,
    threshold: float = 0.5,
    scale: int = 2,
    names: Sequence[str] | None = None,
):
    """Return an explorer of a training run: the same slices, predicted after each epoch.

    Left the slice with the truth and the prediction, in the middle the probabilities, right the Dice
    of the slice shown over the epochs, with a line at the epoch shown.

    Args:
        images: slices, `(slices, height, width)` or `(slices, height, width, channels)`, as
            `plotting.as_rgb` takes them.
        truth: masks, `(slices, height, width)`, above 0 inside.
        predictions: probabilities (or masks) by epoch, `(epochs, slices, height, width)`.
        first: number of the first prediction's epoch; 0 if that is the untrained network's.
        threshold: from which probability on a pixel is marked.
        scale: how many times as large to draw.
        names: what to call each slice; None: its number.

    Returns:
        An `ipywidgets.VBox` of a legend, the picture, a slider for the epoch, one for the slice if
        there are several, and a line with the slice's Dice and pixels.

    Raises:
        ValueError: shapes that don't fit, or no epoch.
    """
    images, truth = np.asarray(images), np.asarray(truth) > 0
    predictions = np.asarray(predictions, np.float32)
    if truth.ndim != 3 or images.shape[:3] != truth.shape or predictions.shape[1:] != truth.shape:
        shapes = f"images {images.shape}, truth {truth.shape}, predictions {predictions.shape}"
        raise ValueError(
            f"expected (slices, height, width), by epoch for predictions; got {shapes}"
        )
    if not len(predictions):
        raise ValueError("there is no prediction to show")
    names = [str(i + 1) for i in range(len(truth))] if names is None else [str(n) for n in names]
    if len(names) != len(truth):
        raise ValueError(f"{len(truth)} slices, but {len(names)} names")
    marked = predictions >= np.float32(threshold)
    both = (marked & truth).sum(axis=(2, 3))
    sizes = marked.sum(axis=(2, 3)) + truth.sum(axis=(1, 2))
    dice = np.where(sizes > 0, 2 * both / np.maximum(sizes, 1), 1.0)  # (epochs, slices)
    curves = _Curves(dice, first, height=truth.shape[1] * scale)

    epoch = wide(ipywidgets.IntSlider(first, min=first, max=first + len(dice) - 1))
    epoch.description = "Epoch"
    which = wide(ipywidgets.SelectionSlider(options=names, description="Slice"))
    sliders = [epoch, which] if len(truth) > 1 else [epoch]

    def place() -> tuple[int, int]:
        return epoch.value - first, names.index(which.value)

    def picture() -> np.ndarray:
        now, at = place()
        slice_ = enlarged(as_rgb(images[at]), scale)
        inside = enlarged(marked[now, at], scale)
        fill(slice_, inside, PREDICTION)
        draw_outline(slice_, inside, PREDICTION, scale)
        chances = np.clip(255 * predictions[now, at], 0, 255).round().astype(np.uint8)
        chances = enlarged(as_rgb(chances), scale)
        for panel in (slice_, chances):
            draw_outline(panel, enlarged(truth[at], scale), TRUTH, scale)
        return side_by_side([slice_, chances, curves.picture(now, at)])

    def in_words() -> str:
        now, at = place()
        when = "untrained" if epoch.value == 0 else f"Epoch {epoch.value} of {epoch.max}"
        return (
            f"{when}, slice {names[at]}: Dice {dice[now, at]:.2f}; {marked[now, at].sum():,} pixels "
            f"marked, {truth[at].sum():,} are tumour, {both[now, at]:,} of them marked"
        )

    legend = swatch(f"border: 2px solid {TRUTH}", "truth")
    legend += swatch(f"background: {PREDICTION}", "prediction | probabilities, white is 1 | ")
    legend += "Dice of this slice by epoch"
    return following(lambda: (picture(), in_words()), sliders, [row(sliders)], legend)


class _Curves:
    """Dice over the epochs: axes that are drawn once, with the curve and the epoch painted in."""

    def __init__(self, dice: np.ndarray, first: int, height: int):
        from matplotlib.figure import Figure

        figure = Figure(figsize=(2.6, max(height, 150) / 100), dpi=100, layout="constrained")
        ax = figure.subplots()
        numbers = np.arange(first, first + len(dice))
        ax.set(xlabel="epoch", ylabel="Dice", ylim=(-0.03, 1.03))
        ax.set_xlim(first - 0.3, numbers[-1] + 0.3)
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.spines[["top", "right"]].set_visible(False)
        self.axes = drawn(figure)
        high = len(self.axes)
        place = ax.transData.transform
        self.points = [
            [(x, high - y) for x, y in place(np.column_stack([numbers, curve]))] for curve in dice.T
        ]
        box = ax.get_window_extent()
        self.rows = high - box.y1, high - box.y0

    def picture(self, now: int, at: int) -> np.ndarray:
        """The diagram of slice `at`, with a line at epoch `now`: (height, width, 3) uint8."""
        canvas = Image.fromarray(self.axes)
        pen, points = ImageDraw.Draw(canvas), self.points[at]
        x, y = points[now]
        top, bottom = self.rows
        pen.line((x, top, x, bottom), fill=PALETTE["vermillion"], width=2)
        pen.line(points, fill=PALETTE["blue"], width=2)
        for x_, y_ in points:
            pen.ellipse((x_ - 2, y_ - 2, x_ + 2, y_ + 2), fill=PALETTE["blue"])
        pen.ellipse((x - 5, y - 5, x + 5, y + 5), outline=PALETTE["vermillion"], width=2)
        return np.asarray(canvas)
