"""The copier of lesson 02: pick a test slice, and see whose mask it takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets
import numpy as np

from unet_course.judging import metrics
from unet_course.showing.plotting import PREDICTION, TRUTH, as_rgb, draw_outline
from unet_course.showing.widget_parts import (
    enlarged,
    fill,
    following,
    row,
    side_by_side,
    swatch,
    wide,
)


def copier(
    nearest: Callable[[int, bool], int],
    test: Sequence[int],
    *,
    picture: Callable[[int], np.ndarray],
    masks: np.ndarray,
    names: Sequence[str],
    owner: Sequence[str],
    start: int = 0,
    scale: int = 1,
):
    """Return an explorer of a segmenter that copies: a test slice, and the slice that it copies.

    Left the test slice, right the training slice that looks most like it; over both the truth of
    the test slice as an outline, and the copied mask as a fill.

    Args:
        nearest: called with a slice and whether its own patient is barred, returns the training
            slice that looks most like it.
        test: the slices to choose from.
        picture: called with a slice, returns its picture, as `plotting.as_rgb` takes it.
        masks: `(slices, height, width)`, above 0 inside.
        names: what each slice is called.
        owner: each slice's patient.
        start: place in `test` of the slice shown first.
        scale: how many times as large to draw.

    Returns:
        An `ipywidgets.VBox` of a legend, the picture, a slider and a box, and a line that says
        which slice was copied, and with what Dice.

    Raises:
        ValueError: there is no test slice.
    """
    test = [int(one) for one in test]
    if not test:
        raise ValueError("there is no test slice to choose")
    slider = wide(ipywidgets.IntSlider(start + 1, min=1, max=len(test), description="Test slice"))
    bar = ipywidgets.Checkbox(description="Bar the own patient", indent=False)
    bar.layout = {"width": "auto"}

    def panel(at: int, truth: np.ndarray, copied: np.ndarray) -> np.ndarray:
        flat = as_rgb(picture(at))
        fill(flat, copied, PREDICTION)
        large = enlarged(flat, scale)
        draw_outline(large, enlarged(truth, scale), TRUTH, max(scale, 2))
        return large

    def look() -> tuple[np.ndarray, str]:
        at = test[slider.value - 1]
        source = int(nearest(at, bar.value))
        truth, copied = np.asarray(masks[at]) > 0, np.asarray(masks[source]) > 0
        whose = "the same patient" if owner[at] == owner[source] else "another patient"
        mask = "its mask" if copied.any() else "its mask, which is empty"
        said = f"{names[at]} copies {names[source]} ({whose}): {mask}, Dice "
        panels = [panel(one, truth, copied) for one in (at, source)]
        return side_by_side(panels), f"{said}{metrics.dice(truth, copied):.2f}"

    legend = "left the test slice, right the slice that is copied"
    legend += swatch(f"border: 2px solid {TRUTH}", "truth of the test slice")
    legend += swatch(f"background: {PREDICTION}", "copied mask")
    return following(look, [slider, bar], [row([slider, bar])], legend)
