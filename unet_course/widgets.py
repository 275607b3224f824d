"""The slice browser: a slider under a picture, for use in a running notebook.

Made from what ipywidgets 7 (Colab) and 8 share. The pictures are PNGs made without pyplot, so that
no figure is left open. A saved page can't run it: a lesson puts a static figure beside it.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np

from unet_course.plotting import PREDICTION, TRUTH, as_rgb, draw_outline

GAP = 8  # pixels of white between panels


def slice_browser(
    images: np.ndarray,
    masks: np.ndarray | None = None,
    prediction: np.ndarray | None = None,
    *,
    start: int | None = None,
    scale: int = 2,
    panels: Mapping[str, np.ndarray] | None = None,
):
    """Return a widget that steps through slices; the arrow keys move the slider that has focus.

    Args:
        images: slices, ``(slices, height, width)`` or ``(slices, height, width, channels)``; three
            channels are shown as colours, of any other number the second (FLAIR in LGG).
        masks: truth, ``(slices, height, width)``, drawn as a sky-blue outline.
        prediction: the same shape, drawn as an orange outline.
        start: first slice to show, counted from 0; ``None``: the one with most truth (else most
            prediction), else the middle one.
        scale: how many times as large to draw, 1 to 4.
        panels: more stacks of slices to show side by side, by name, in the shapes of ``images``;
            the outlines are drawn in each.

    Returns:
        An ``ipywidgets.VBox`` of a line of text, the picture and the slider.

    Raises:
        ValueError: the stacks differ in slices, height or width, or hold no slice.
    """
    import ipywidgets

    stacks = {"": np.asarray(images), **{k: np.asarray(v) for k, v in (panels or {}).items()}}
    outlines = [
        (np.asarray(mask), colour)
        for mask, colour in ((masks, TRUTH), (prediction, PREDICTION))
        if mask is not None
    ]
    count = _checked(stacks, outlines)
    if start is None:
        start = _fullest(outlines, count)
    if not 0 <= start < count:
        raise ValueError(f"start must be 0 to {count - 1}, got {start}")
    if scale not in (1, 2, 3, 4):
        raise ValueError(f"scale must be 1, 2, 3 or 4, got {scale}")

    def picture(number: int) -> bytes:
        return _png(
            _side_by_side([stack[number] for stack in stacks.values()], outlines, number, scale)
        )

    legend = [
        name
        for name, mask in (("truth: sky blue", masks), ("prediction: orange", prediction))
        if mask is not None
    ]
    names = " | ".join(name for name in stacks if name)
    label = ipywidgets.Label("; ".join(filter(None, [names, *legend])))
    image = ipywidgets.Image(value=picture(start), format="png")
    slider = ipywidgets.IntSlider(
        value=start,
        min=0,
        max=count - 1,
        description="Slice",
        layout=ipywidgets.Layout(width="400px"),
    )

    def show(change) -> None:
        image.value = picture(change["new"])

    slider.observe(show, names="value")
    children = [image, slider] if not label.value else [label, image, slider]
    return ipywidgets.VBox(children)


def _checked(stacks: Mapping[str, np.ndarray], outlines) -> int:
    sizes = {}
    for name, stack in stacks.items():
        if stack.ndim not in (3, 4):
            raise ValueError(
                f"{name or 'images'} must be (slices, height, width) or (…, channels), "
                f"got shape {stack.shape}"
            )
        sizes[name or "images"] = stack.shape[:3]
    for (mask, _), name in zip(outlines, ("first mask", "second mask"), strict=False):
        sizes[name] = mask.shape
    if len(set(sizes.values())) > 1:
        raise ValueError(f"all must have the same slices, height and width, got {sizes}")
    count = stacks[""].shape[0]
    if count == 0:
        raise ValueError("there is no slice to show")
    return count


def _fullest(outlines, count: int) -> int:
    for mask, _ in outlines:
        area = np.count_nonzero(mask, axis=(1, 2))
        if area.any():
            return int(area.argmax())
    return count // 2


def _side_by_side(slices, outlines, number: int, scale: int) -> np.ndarray:
    """Return the slices beside each other, outlines drawn: (height, width, 3) uint8."""
    parts = []
    for one in slices:
        large = as_rgb(one).repeat(scale, 0).repeat(scale, 1)
        for mask, colour in outlines:
            draw_outline(large, mask[number].repeat(scale, 0).repeat(scale, 1), colour, scale)
        parts += [large, np.full((large.shape[0], GAP, 3), 255, np.uint8)]
    return np.concatenate(parts[:-1], axis=1)


def _png(picture: np.ndarray) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="png")
    return buffer.getvalue()
