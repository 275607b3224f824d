"""Slice browser, volume explorer and 3-D viewer: pictures with sliders, in a running notebook.

Made from what ipywidgets 7 (Colab) and 8 share. The pictures are PNGs made without pyplot, so that
no figure is left open. A saved page can't run them: a lesson puts a static figure next to them.
"""

from __future__ import annotations

import html
import importlib.util
import io
import sys
from collections.abc import Mapping, Sequence

import numpy as np

from unet_course.data.layouts import LABELS, MODALITIES
from unet_course.showing import volume_plotting
from unet_course.showing.plotting import PALETTE, PREDICTION, TRUTH, as_rgb, draw_outline, rgb
from unet_course.showing.volume_plotting import LABEL_COLOURS, PLANES

GAP = 8  # pixels of white between panels
FILL = 0.35  # opacity of a prediction, as in `plotting.overlay`
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
        images: slices, `(slices, height, width)` or `(slices, height, width, channels)`; three
            channels are shown as colours, of any other number the second (FLAIR in LGG).
        masks: truth, `(slices, height, width)`, drawn as a sky-blue outline.
        prediction: the same shape, filled and outlined in orange.
        start: number of the slice to show first; `None`: the one with most truth (else most
            prediction), else the middle one.
        first: number of the first slice; the others are counted up from it. The files of LGG
            begin with 1.
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
    import ipywidgets

    stacks = {"": np.asarray(images), **{k: np.asarray(v) for k, v in (panels or {}).items()}}
    layers = {
        name: np.asarray(mask)
        for name, mask in (("truth", masks), ("prediction", prediction))
        if mask is not None
    }
    count = _checked(stacks, layers)
    if start is None:
        start = first + _fullest(layers, count)
    if not first <= start < first + count:
        raise ValueError(f"start must be {first} to {first + count - 1}, got {start}")
    if scale not in (1, 2, 3, 4):
        raise ValueError(f"scale must be 1, 2, 3 or 4, got {scale}")

    def picture(number: int) -> bytes:
        marked = {name: mask[number - first] for name, mask in layers.items()}
        return _png(
            _side_by_side([stack[number - first] for stack in stacks.values()], marked, scale)
        )

    def in_words(number: int) -> str:
        shares = [
            f"{name} {np.mean(mask[number - first] > 0):.1%}" for name, mask in layers.items()
        ]
        said = f"Slice {number} ({first} to {first + count - 1})."
        return f"{said} Share of its pixels: {', '.join(shares)}" if shares else said

    width = stacks[""].shape[2]
    width = len(stacks) * (width * scale + GAP) - GAP
    image = ipywidgets.Image(value=picture(start), format="png", layout=_natural_size(width))
    slider = ipywidgets.IntSlider(
        value=start,
        min=first,
        max=first + count - 1,
        description="Slice",
        layout=ipywidgets.Layout(width="400px", max_width="100%"),
    )
    line = ipywidgets.Label(in_words(start))

    def show(change) -> None:
        image.value = picture(change["new"])
        line.value = in_words(change["new"])

    slider.observe(show, names="value")
    names = " | ".join(name or "images" for name in stacks) if len(stacks) > 1 else ""
    legend = _legend([*layers], names)
    return _column([legend, image, slider, line] if legend else [image, slider, line])


def _natural_size(width: int):
    """Return the layout that keeps a picture at its own size, or the page's width if that is less.

    Without it a box stretches its pictures to the page's width.
    """
    import ipywidgets

    return ipywidgets.Layout(width=f"{width}px", max_width="100%", height="auto")


def _column(children: list):
    import ipywidgets

    return ipywidgets.VBox(children, layout=ipywidgets.Layout(align_items="flex-start"))


def _legend(layers: Sequence[str], names: str = ""):
    """Return a line that names panels and colours, or None where there is nothing to name."""
    import ipywidgets

    looks = {"truth": f"border: 2px solid {TRUTH}", "prediction": f"background: {PREDICTION}"}
    parts = [html.escape(names)] if names else []
    parts += [_swatch(looks[name], name) for name in layers]
    return ipywidgets.HTML(" ".join(parts)) if parts else None


def _swatch(style: str, name: str) -> str:
    """Return a small coloured box and its name, as HTML."""
    box = f"display: inline-block; width: 14px; height: 10px; margin: 0 4px 0 12px; {style}"
    return f'<span style="{box}"></span>{html.escape(name)}'


def _checked(stacks: Mapping[str, np.ndarray], layers: Mapping[str, np.ndarray]) -> int:
    sizes = {}
    for name, stack in stacks.items():
        if stack.ndim not in (3, 4):
            raise ValueError(
                f"{name or 'images'} must be (slices, height, width) or (…, channels), "
                f"got shape {stack.shape}"
            )
        sizes[name or "images"] = stack.shape[:3]
    sizes |= {name: mask.shape for name, mask in layers.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"all must have the same slices, height and width, got {sizes}")
    count = stacks[""].shape[0]
    if count == 0:
        raise ValueError("there is no slice to show")
    return count


def _fullest(layers: Mapping[str, np.ndarray], count: int) -> int:
    for mask in layers.values():
        area = np.count_nonzero(mask, axis=(1, 2))
        if area.any():
            return int(area.argmax())
    return count // 2


def _side_by_side(slices, layers: Mapping[str, np.ndarray], scale: int) -> np.ndarray:
    """Return the slices next to each other, masks drawn: (height, width, 3) uint8."""
    large = {name: mask.repeat(scale, 0).repeat(scale, 1) for name, mask in layers.items()}
    parts = []
    for one in slices:
        picture = as_rgb(one).repeat(scale, 0).repeat(scale, 1)
        if "prediction" in large:
            inside = large["prediction"] > 0
            picture[inside] = (1 - FILL) * picture[inside] + FILL * np.array(rgb(PREDICTION))
            draw_outline(picture, inside, PREDICTION, scale)
        if "truth" in large:
            draw_outline(picture, large["truth"], TRUTH, scale)
        parts += [picture, np.full((picture.shape[0], GAP, 3), 255, np.uint8)]
    return np.concatenate(parts[:-1], axis=1)


def _png(picture: np.ndarray) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="png")
    return buffer.getvalue()


# --- volumes ------------------------------------------------------------------------------------


def volume_explorer(
    images: np.ndarray,
    labels: np.ndarray | None = None,
    prediction: np.ndarray | None = None,
    *,
    orientation: str = "LPS",
    names: Sequence[str] = MODALITIES,
    at: Sequence[int] | None = None,
):
    """Return a widget that shows three planes through one voxel, with a slider an axis.

    Args:
        images: (x, y, z) or (x, y, z, channels); a menu chooses the channel.
        labels: (x, y, z): 0, 1, 2, 4, laid over the pictures in colour; a box switches them off.
        prediction: (x, y, z), drawn as an orange outline round all that isn't 0.
        orientation: where the array's axes lead.
        names: of the channels.
        at: the voxel to begin with; None: where each plane holds most of the labels (else of the
            prediction), else the middle.

    Returns:
        An `ipywidgets.VBox` of a menu and a box, the names of the planes with the colours, the
        picture, three sliders, and a line that says in words what is shown at the voxel. Voxels
        are drawn as squares: meant for spacings of about the same size.

    Raises:
        ValueError: images that aren't (x, y, z) or (x, y, z, channels), labels or a prediction of
            another size, or fewer names than channels.
        IndexError: `at` outside the volume.
    """
    import ipywidgets

    images = np.asarray(images)
    if images.ndim == 3:
        images, names = images[..., None], ("image",)
    if images.ndim != 4:
        raise ValueError(f"images must be (x, y, z) or (x, y, z, channels), got {images.shape}")
    for name, given in (("labels", labels), ("prediction", prediction)):
        if given is not None and given.shape != images.shape[:3]:
            raise ValueError(f"the {name} are {given.shape}, the images {images.shape[:3]}")
    if len(names) < images.shape[3]:
        raise ValueError(f"{images.shape[3]} channels, but {len(names)} names")
    if at is None:
        marked = labels if labels is not None else prediction
        mask = np.zeros(images.shape[:3], bool) if marked is None else marked != 0
        axes = {volume_plotting.normal_axis(plane, orientation): plane for plane in PLANES}
        at = [volume_plotting.fullest(mask, axes[axis], orientation) for axis in range(3)]
    if not all(0 <= int(i) < n for i, n in zip(at, images.shape, strict=False)):
        raise IndexError(f"no voxel {tuple(at)} in a volume of {images.shape[:3]}")

    names = list(names)[: images.shape[3]]
    limits: dict[int, tuple[float, float]] = {}
    menu = ipywidgets.Dropdown(options=names, value=names[-1], description="Channel")
    box = ipywidgets.Checkbox(value=True, description="Colours", disabled=labels is None)
    sliders = [
        ipywidgets.IntSlider(value=int(at[axis]), min=0, max=n - 1, description="xyz"[axis])
        for axis, n in enumerate(images.shape[:3])
    ]

    def picture() -> np.ndarray:
        channel = names.index(menu.value)
        if channel not in limits:
            limits[channel] = volume_plotting.window(images[..., channel])
        where = [slider.value for slider in sliders]
        parts = []
        for plane in PLANES:
            flat, index, (row, column), _ = volume_plotting.plane_through(
                images[..., channel], plane, where, orientation
            )
            flat = as_rgb(volume_plotting.grey(flat, limits=limits[channel]))
            if labels is not None and box.value:
                over = volume_plotting.cut(labels, plane, index, orientation)
                flat = volume_plotting.tint(flat, over)
            if prediction is not None:
                over = volume_plotting.cut(prediction, plane, index, orientation)
                draw_outline(flat, over, PREDICTION)
            flat[row, ::3] = flat[::3, column] = rgb(PALETTE["green"])
            parts.append(flat)
        height = max(part.shape[0] for part in parts)
        parts = [np.pad(p, ((0, height - len(p)), (0, GAP), (0, 0))) for p in parts]
        return np.concatenate(parts, axis=1)

    def in_words() -> str:
        where = tuple(slider.value for slider in sliders)
        said = f"{menu.value} at x, y, z = {', '.join(map(str, where))}"
        for name, given in (("label", labels), ("prediction", prediction)):
            if given is not None:
                number = int(given[where])
                said += f"; {name} {number} ({LABELS.get(number, 'unknown')})"
        return said

    first = picture()
    image = ipywidgets.Image(value=_png(first), format="png", layout=_natural_size(first.shape[1]))
    line = ipywidgets.Label(in_words())

    def show(change) -> None:
        image.value = _png(picture())
        line.value = in_words()

    for control in (menu, box, *sliders):
        control.observe(show, names="value")
    return _column(
        [
            ipywidgets.HBox([menu, box]),
            ipywidgets.HTML(_planes_and_colours(labels is not None, prediction is not None)),
            image,
            ipywidgets.HBox(sliders),
            line,
        ]
    )


def _planes_and_colours(labels: bool, prediction: bool) -> str:
    """Return the line above the explorer's picture, as HTML."""
    said = f"{' | '.join(PLANES)} (in the first two, the patient's left is on the right)<br>"
    said += _swatch(f"background: {PALETTE['green']}", "the voxel")
    if labels:
        for label, colour in LABEL_COLOURS.items():
            said += _swatch(f"background: {colour}", f"{label}: {LABELS[label]}")
    if prediction:
        said += _swatch(f"border: 2px solid {PREDICTION}", "prediction")
    return said


def volume_viewer(case, modality: str = "FLAIR", mask=None, height: int = 400):
    """Return NiiVue, a 3-D viewer in the page, with a case's files; it needs ipyniivue.

    Three planes, turned as everywhere in this course (the patient's left on the right, noses to
    the left), the cross in the middle of the tumour, and next to them the volume in 3-D, which
    turns with the mouse.

    Never save a notebook with it shown: it puts 5 MB of program into the file.

    Args:
        case: a `brats.Case`.
        modality: one of `layouts.MODALITIES`.
        mask: path of a NIfTI file to show instead of the case's own mask, such as a prediction; in
            the numbers of the case's layout.
        height: in pixels.

    Returns:
        The viewer; where ipyniivue isn't installed, one line of text that says how to install it.

    Raises:
        ValueError: no such modality.
    """
    if modality not in MODALITIES:
        raise ValueError(f"no modality {modality!r}; there are {', '.join(MODALITIES)}")
    try:
        from ipyniivue import NiiVue, ShowRender, Volume
    except ModuleNotFoundError:
        from IPython.display import Pretty

        return Pretty(_how_to_install_the_viewer())
    channel = MODALITIES.index(modality)
    channels = case.layout.channels
    mask = case.mask if mask is None else mask
    shown = [
        Volume(
            path=case.images[0 if channels else channel],
            frame_4d=channels[channel] if channels else 0,
            colormap="gray",
        )
    ]
    if mask is not None:
        layer = Volume(path=mask, opacity=0.5)
        numbers = {ours: theirs for theirs, ours in case.layout.labels.items()}
        colours = {numbers[label]: LABEL_COLOURS.get(label, "#000000") for label in LABELS}
        order = sorted(colours)
        layer.set_colormap_label(
            {
                **{letter: [rgb(colours[n])[i] for n in order] for i, letter in enumerate("RGB")},
                "A": [255 if n else 0 for n in order],
                "I": order,
                "labels": [LABELS[case.layout.labels[n]] for n in order],
            }
        )
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
    """Return the one line that is shown where ipyniivue is missing."""
    how = f'in a terminal, in the course\'s folder: uv pip install "{VIEWER}"'
    if "google.colab" in sys.modules or importlib.util.find_spec("pip") is not None:
        how = f'in a cell of this notebook: %pip install "{VIEWER}"'
    return f"The 3-D viewer needs the package ipyniivue. Install it {how}. Then restart the kernel."


def _middle_of_mask(path) -> list[float]:
    """Return the marked voxel nearest to a mask's centre of mass, as fractions of its box.

    NiiVue's fractions run to the patient's right, front and top, whatever the file's axes do; 0.5
    each where the mask is empty.
    """
    import nibabel

    image = nibabel.as_closest_canonical(nibabel.load(path))
    places = np.argwhere(np.asanyarray(image.dataobj) > 0)
    if not len(places):
        return [0.5, 0.5, 0.5]
    distances = ((places - places.mean(axis=0)) ** 2).sum(axis=1)
    middle = places[distances.argmin()]
    return [float(fraction) for fraction in (middle + 0.5) / image.shape[:3]]
