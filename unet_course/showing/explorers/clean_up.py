"""A prediction cleaned up piece by piece, with the Dice and HD95 that follow."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets
import numpy as np

from unet_course.judging.pieces import find_pieces
from unet_course.showing import volume_plotting
from unet_course.showing.plotting import PALETTE, PREDICTION, TRUTH, as_rgb, draw_outline, rgb
from unet_course.showing.volume_plotting import PLANES
from unet_course.showing.widget_parts import (
    enlarged,
    fill,
    following,
    side_by_side,
    swatch,
    wide,
)

REMOVED, SMALLEST = "#BBBBBB", PALETTE["purple"]


def clean_up(
    scan: np.ndarray,
    truth: np.ndarray,
    prediction: np.ndarray,
    spacing: Sequence[float],
    *,
    orientation: str = "LPS",
    scale: int = 3,
):
    """Return an explorer of clean-up: a slider says how many of the largest pieces are kept.

    The pictures look through the whole volume from three sides, so that no piece is out of sight:
    what is kept in orange, its smallest piece in purple, what was removed as grey outlines, the
    truth as a sky blue outline.

    Args:
        scan: (x, y, z), the brain behind it, such as FLAIR; exactly 0 outside.
        truth, prediction: (x, y, z) masks of one region.
        spacing: of the voxels in mm; they are drawn as cubes.
        orientation: where the arrays' axes lead.
        scale: how many times as large to draw.

    Returns:
        An `ipywidgets.VBox` of a legend, the picture, the slider, and a line with Dice, HD95 and
        the smallest piece that is kept.

    Raises:
        ValueError: arrays of different shapes.
    """
    truth, prediction = np.asarray(truth) > 0, np.asarray(prediction) > 0
    if not scan.shape == truth.shape == prediction.shape:
        shapes = f"{scan.shape}, {truth.shape} and {prediction.shape}"
        raise ValueError(f"scan, truth and prediction must be alike, they are {shapes}")
    pieces = find_pieces(truth, prediction, spacing)
    voxel, count = float(np.prod(spacing)), len(pieces)
    views = [_View(scan, truth, pieces.rank, plane, orientation, scale) for plane in PLANES]
    slider = wide(ipywidgets.IntSlider(count, min=0, max=count or 1, description="Pieces kept"))
    slider.disabled = not count

    def in_words() -> str:
        kept = slider.value
        said = f"{kept} of {count} pieces kept: Dice {pieces.dice[kept]:.3f}, "
        said += f"HD95 {pieces.hd95[kept]:.1f} mm"
        if kept:
            away = pieces.away[kept - 1]
            where = f"{away:.0f} mm from the tumour" if away else "touching the tumour"
            where = where if np.isfinite(away) else "where no tumour is"
            said += f". The smallest of them: {voxel * pieces.voxels[kept - 1]:,.0f} mm³, {where}"
        return said

    def picture() -> np.ndarray:
        return side_by_side([view.picture(slider.value) for view in views])

    legend = f"{' | '.join(PLANES)}, looking through the brain<br>"
    legend += swatch(f"background: {PREDICTION}", "kept")
    legend += swatch(f"background: {SMALLEST}", "the smallest kept")
    legend += swatch(f"border: 2px solid {REMOVED}", "removed")
    legend += swatch(f"border: 2px solid {TRUTH}", "truth")
    return following(lambda: (picture(), in_words()), [slider], [slider], legend)


class _View:
    """The volume looked through along one axis: the brain as a mean, pieces and truth as shadows."""

    def __init__(self, scan, truth, rank, plane: str, orientation: str, scale: int):
        along = volume_plotting.normal_axis(plane, orientation)

        def flat(volume: np.ndarray) -> np.ndarray:
            """A projection, turned as `cut` turns a slice."""
            return volume_plotting.cut(np.expand_dims(volume, along), plane, 0, orientation)

        far = np.iinfo(rank.dtype).max
        mean = flat(np.asarray(scan, np.float32).mean(axis=along))
        self.brain = enlarged(as_rgb(volume_plotting.grey(mean) // 4 * 3), scale)
        self.truth = enlarged(flat(truth.any(axis=along)), scale)
        # a piece's shadow is in sight where it is the largest on the line of sight
        self.first = flat(np.where(rank > 0, rank, far).min(axis=along))
        self.rank, self.along, self.turn, self.scale = rank, along, flat, scale

    def picture(self, kept: int) -> np.ndarray:
        picture = self.brain.copy()
        here = enlarged(self.first <= kept, self.scale)
        fill(picture, here, PREDICTION, 0.65)
        removed = enlarged(self.turn((self.rank > kept).any(axis=self.along)), self.scale)
        draw_outline(picture, removed, REMOVED, 2)
        if kept > 1:
            smallest = self.turn((self.rank == kept).any(axis=self.along))
            picture[enlarged(smallest, self.scale)] = rgb(SMALLEST)
        draw_outline(picture, self.truth, TRUTH, 2)
        return picture
