"""Augmentation with its knobs: image and mask moved together, or by two different fields."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets
import numpy as np

from unet_course.judging import metrics
from unet_course.showing.plotting import TRUTH, as_rgb, draw_outline
from unet_course.showing.volume_plotting import LABEL_COLOURS, window
from unet_course.showing.widget_parts import (
    enlarged,
    following,
    row,
    side_by_side,
    swatch,
    wide,
)

# name, largest value, at the start, step: what the knobs are, by the argument that they set
KNOBS = {
    "rotation": ("Rotation (degrees)", 45.0, 15.0, 5.0),
    "scale": ("Size (share)", 0.4, 0.15, 0.05),
    "shear": ("Shear (slope)", 0.5, 0.0, 0.05),
    "elastic": ("Elastic (pixels)", 6.0, 2.0, 0.5),
    "gamma": ("Gamma (log)", 1.0, 0.25, 0.05),
    "bias_field": ("Shading", 0.6, 0.15, 0.05),
    "noise": ("Noise (share)", 0.2, 0.04, 0.02),
}
DRAWS = 20
FLIP, TOGETHER = "Mirror image", "Mask moves with the image"


def augmentation(
    picture: np.ndarray,
    mask: np.ndarray,
    *,
    make: Callable,
    channel: int = -1,
    zscored: bool = False,
    scale: int = 3,
):
    """Return an explorer of augmentation: a slice as it is, and as one draw changes it.

    Each knob is the largest change that may be drawn; what is drawn within it stays the same until
    the slider "Draw" moves. Everything that can happen does, which in training it needn't.

    Args:
        picture: a slice, `(height, width)` or `(height, width, channels)`, floating point or `uint8`.
        mask: `(height, width)`: 0 and 1, outlined in sky blue, or labels, each in its colour.
        make: makes what augments from its knobs: `augment.Augmentation`.
        channel: which one to show.
        zscored: the picture is z-scored, 0 outside the brain.
        scale: how many times as large to draw.

    Returns:
        An `ipywidgets.VBox` of a legend, the picture, the controls, and a line that says what was
        drawn and how much of the mask is where it should be.

    Raises:
        ValueError: a mask of another size.
    """
    picture, mask = np.asarray(picture), np.asarray(mask)
    if picture.ndim == 2:
        picture = picture[..., None]
    if picture.ndim != 3 or picture.shape[:2] != mask.shape:
        raise ValueError(f"the slice is {picture.shape}, the mask {mask.shape}")
    if not np.issubdtype(picture.dtype, np.floating):
        picture = picture.astype(np.float32) / 255
    labels = mask.max() > 1
    low, high = window(picture[..., channel], 0.5) if zscored else (0.0, 1.0)

    sliders = {}
    for name, (said, largest, start, step) in KNOBS.items():
        slider = ipywidgets.FloatSlider(start, min=0, max=largest, step=step, description=said)
        sliders[name] = wide(slider)
    draw = wide(ipywidgets.IntSlider(1, min=1, max=DRAWS, description="Draw"))
    flip = ipywidgets.Checkbox(value=False, description=FLIP)
    together = ipywidgets.Checkbox(value=True, description=TOGETHER)
    for box in (flip, together):
        box.style = {"description_width": "initial"}

    def augmented() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The new picture, the mask moved like it, and the mask as it is shown."""
        knobs = {name: slider.value for name, slider in sliders.items()}
        changes = make(
            **knobs, flips=(), shift=0, contrast=0, brightness=0, probability=1, zscored=zscored
        )
        image_, mask_ = picture, mask[..., None]
        if flip.value:
            image_, mask_ = image_[:, ::-1], mask_[:, ::-1]
        moved, right = changes.move(image_, mask_, np.random.default_rng(draw.value))
        shown_mask = right
        if not together.value:
            other = np.random.default_rng(draw.value + 1000)
            shown_mask = changes.move(image_, mask_, other)[1]
        moved = changes.recolour(moved, np.random.default_rng(draw.value))
        return moved, right[..., 0], shown_mask[..., 0]

    def panel(slice_: np.ndarray, drawn_mask: np.ndarray) -> np.ndarray:
        grey = (slice_[..., channel] - low) / max(high - low, 1e-6)
        if zscored:
            grey[slice_[..., channel] == 0] = 0  # which isn't the darkest value
        flat = enlarged(as_rgb((255 * np.clip(grey, 0, 1)).astype(np.uint8)), scale)
        large = enlarged(drawn_mask, scale)
        for label in np.unique(drawn_mask[drawn_mask > 0]):
            colour = LABEL_COLOURS.get(int(label), TRUTH) if labels else TRUTH
            draw_outline(flat, large == label, colour, 2)
        return flat

    def look() -> tuple[np.ndarray, str]:
        moved, right, drawn_mask = augmented()
        dice = metrics.dice(right > 0, drawn_mask > 0)
        knobs = [f"{k.split('_')[0]} {s.value:g}" for k, s in sliders.items()]
        mirror = ", mirrored" if flip.value else ""
        said = f"Draw {draw.value}{mirror}, {', '.join(knobs)}: "
        said += f"Dice with the rightly moved mask {dice:.2f}"
        return side_by_side([panel(picture, mask), panel(moved, drawn_mask)]), said

    legend = "the slice as it is | augmented"
    colours = LABEL_COLOURS.items() if labels else [("mask", TRUTH)]
    for name, colour in colours:
        legend += swatch(f"border: 2px solid {colour}", str(name))
    knobs, boxes = [draw, *sliders.values()], [flip, together]
    return following(look, [*knobs, *boxes], [row(knobs), row(boxes)], legend)
