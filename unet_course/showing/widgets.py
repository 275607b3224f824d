"""Slice browser and 3-D viewer: pictures with sliders, in a running notebook.

Made from what ipywidgets 7 (Colab) and 8 share. The pictures are PNGs made without pyplot, so that
no figure is left open. A saved page can't run them: a lesson puts a static figure next to them.
"""

from __future__ import annotations

import html
import importlib.util
import os
import sys
from collections.abc import Mapping

import ipywidgets
import nibabel
import numpy as np
from IPython.display import Pretty

from unet_course import runtime
from unet_course.data.layouts import LABELS, MODALITIES
from unet_course.showing.plotting import PREDICTION, TRUTH, as_rgb, draw_outline, rgb
from unet_course.showing.volume_plotting import LABEL_COLOURS
from unet_course.showing.widget_parts import enlarged, fill, following, side_by_side, swatch, wide

VIEWER = "ipyniivue>=2.4,<3"  # as in the extra `viewer`


def slice_browser(
    images: np.ndarray,
    masks: np.ndarray | None = None,
    prediction: np.ndarray | None = None,
    *,
    start: int | None = None,
    first: int = 1,
    scale: int = 2,
    panels: Mapping[str, np.ndarray] | None = None,
):
    """Return a widget that steps through slices; the arrow keys move the slider that has focus.

    Args:
        images: slices, `(slices, height, width)` or `(slices, height, width, channels)`, shown as
            `plotting.as_rgb` says.
        masks, prediction: `(slices, height, width)`: truth, outlined in sky blue; filled in orange.
        start: number of the slice to show first; `None`: the one with most truth (else most
            prediction), else the middle one.
        first: number of the first slice; the files of LGG begin with 1.
        scale: how many times as large to draw, 1 to 4.
        panels: more stacks of slices to show side by side, by name, in the shapes of `images`;
            masks and prediction are drawn in each.

    Returns:
        An `ipywidgets.VBox` of a legend, the picture, a slider, and a line that says in words
        which slice is shown and how much of it is marked. The line stands in for the alternative
        text that ipywidgets' pictures can't have (8.1: a tooltip breaks them).

    Raises:
        ValueError: the stacks differ in slices, height or width, or hold no slice; no slice of the
            number `start`; another `scale`.
    """
    stacks = {"": np.asarray(images), **{k: np.asarray(v) for k, v in (panels or {}).items()}}
    layers = {"truth": masks, "prediction": prediction}
    layers = {name: np.asarray(mask) for name, mask in layers.items() if mask is not None}
    count = _checked(stacks, layers)
    if start is None:
        start = first + _fullest(layers, count)
    last = first + count - 1
    if not first <= start <= last:
        raise ValueError(f"start must be {first} to {last}, got {start}")
    if scale not in (1, 2, 3, 4):
        raise ValueError(f"scale must be 1, 2, 3 or 4, got {scale}")

    slider = wide(ipywidgets.IntSlider(value=start, min=first, max=last, description="Slice"))

    def look() -> tuple[np.ndarray, str]:
        at = slider.value - first
        marked = {name: mask[at] for name, mask in layers.items()}
        picture = _side_by_side([stack[at] for stack in stacks.values()], marked, scale)
        shares = [f"{name} {np.mean(mask > 0):.1%}" for name, mask in marked.items()]
        said = f"Slice {slider.value} ({first} to {last})."
        return picture, f"{said} Share of its pixels: {', '.join(shares)}" if shares else said

    looks = {"truth": f"border: 2px solid {TRUTH}", "prediction": f"background: {PREDICTION}"}
    named = [swatch(looks[name], name) for name in layers]
    if len(stacks) > 1:
        named.insert(0, html.escape(" | ".join(name or "images" for name in stacks)))
    return following(look, [slider], [slider], " ".join(named))


def _checked(stacks: Mapping[str, np.ndarray], layers: Mapping[str, np.ndarray]) -> int:
    """Check the arguments of `slice_browser`, and return the number of slices."""
    sizes = {}
    for name, stack in stacks.items():
        sizes[name or "images"] = stack.shape[:3]
        if stack.ndim not in (3, 4):
            expected = "(slices, height, width) or (…, channels)"
            raise ValueError(f"{name or 'images'} must be {expected}, got shape {stack.shape}")
    sizes |= {name: mask.shape for name, mask in layers.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"all must have the same slices, height and width, got {sizes}")
    if not len(stacks[""]):
        raise ValueError("there is no slice to show")
    return len(stacks[""])


def _fullest(layers: Mapping[str, np.ndarray], count: int) -> int:
    for mask in layers.values():
        area = np.count_nonzero(mask, axis=(1, 2))
        if area.any():
            return int(area.argmax())
    return count // 2


def _side_by_side(slices, layers: Mapping[str, np.ndarray], scale: int) -> np.ndarray:
    """Return the slices next to each other, masks drawn: (height, width, 3) uint8."""
    large = {name: enlarged(mask, scale) for name, mask in layers.items()}
    parts = []
    for one in slices:
        picture = enlarged(as_rgb(one), scale)
        if "prediction" in large:
            inside = large["prediction"] > 0
            fill(picture, inside, PREDICTION)
            draw_outline(picture, inside, PREDICTION, scale)
        if "truth" in large:
            draw_outline(picture, large["truth"], TRUTH, scale)
        parts.append(picture)
    return side_by_side(parts)


# --- volumes ------------------------------------------------------------------------------------


def volume_viewer(case, modality: str = "FLAIR", mask=None, height: int = 400):
    """Return NiiVue, a 3-D viewer in the page, with a case's files; it needs ipyniivue.

    Three planes, turned as everywhere in this course (the patient's left on the right, noses to
    the left), the cross in the middle of the tumour, and next to them the volume in 3-D, which
    turns with the mouse. Where a notebook keeps its widgets' state (Colab does, JupyterLab and
    Notebook 7 don't unless told), it grows by 5 MB of program.

    Args:
        case: a `brats.Case`.
        modality: one of `layouts.MODALITIES`, else ValueError.
        mask: path of a NIfTI file to show instead of the case's own mask, such as a prediction; in
            the numbers of the case's layout.
        height: in pixels.

    Returns:
        The viewer; one line of text where there is no page to show it in (`unet-course run`,
        nbval), and where ipyniivue isn't installed one that says how to install it.
    """
    if modality not in MODALITIES:
        raise ValueError(f"no modality {modality!r}; there are {', '.join(MODALITIES)}")
    if "PYTEST_CURRENT_TEST" in os.environ:  # `unet-course run` sets it as well
        return Pretty("NiiVue shows the case here, in a notebook that is open in a browser.")
    try:
        from ipyniivue import NiiVue, ShowRender, Volume
    except ModuleNotFoundError:
        return Pretty(_how_to_install_the_viewer())
    channel = MODALITIES.index(modality)
    frames = case.layout.channels
    path, frame = (case.images[0], frames[channel]) if frames else (case.images[channel], 0)
    shown = [Volume(path=path, frame_4d=frame, colormap="gray")]
    mask = case.mask if mask is None else mask
    if mask is not None:
        layer = Volume(path=mask, opacity=0.5)
        numbers = {ours: theirs for theirs, ours in case.layout.labels.items()}
        colours = {numbers[label]: LABEL_COLOURS.get(label, "#000000") for label in LABELS}
        order = sorted(colours)
        table = {c: [rgb(colours[n])[i] for n in order] for i, c in enumerate("RGB")}
        table |= {"A": [255 if n else 0 for n in order], "I": order}
        table["labels"] = [LABELS[case.layout.labels[n]] for n in order]
        layer.set_colormap_label(table)
        shown.append(layer)
    viewer = NiiVue(height=height)
    viewer.load_volumes(shown)
    viewer.set_radiological_convention(True)
    viewer.opts.sagittal_nose_left = True
    viewer.opts.multiplanar_show_render = ShowRender.ALWAYS
    if mask is not None:
        viewer.scene.crosshair_pos = _middle_of_mask(mask)
    return viewer


def _how_to_install_the_viewer() -> str:
    how = f"in a terminal, in the course's folder: {runtime.how_to_install(VIEWER)}"
    if "google.colab" in sys.modules or importlib.util.find_spec("pip") is not None:
        how = f'in a cell of this notebook: %pip install "{VIEWER}"'
    return f"The 3-D viewer needs the package ipyniivue. Install it {how}. Then restart the kernel."


def _middle_of_mask(path) -> list[float]:
    """Return the marked voxel nearest to a mask's centre of mass, as fractions of its box.

    They run to the patient's right, front and top, as NiiVue's do; 0.5 each for an empty mask.
    """
    image = nibabel.as_closest_canonical(nibabel.load(path))
    places = np.argwhere(np.asanyarray(image.dataobj) > 0)
    if not len(places):
        return [0.5, 0.5, 0.5]
    distances = ((places - places.mean(axis=0)) ** 2).sum(axis=1)
    return ((places[distances.argmin()] + 0.5) / image.shape[:3]).tolist()
