"""The slice browser and the volume explorer: sliders under a picture, in a running notebook.

Made from what ipywidgets 7 (Colab) and 8 share. The pictures are PNGs made without pyplot, so that
no figure is left open. A saved page can't run it: a lesson puts a static figure beside it.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np

from unet_course.data.layouts import LABELS, MODALITIES
from unet_course.showing import volume_plotting
from unet_course.showing.plotting import PALETTE, PREDICTION, TRUTH, as_rgb, draw_outline
from unet_course.showing.volume_plotting import LABEL_COLOURS, PLANES

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
        An ``ipywidgets.VBox`` of a menu and a box, the picture (axial, coronal, sagittal) and
        three sliders. Voxels are drawn as squares: meant for spacings of about the same size.

    Raises:
        ValueError: images that aren't (x, y, z) or (x, y, z, channels), labels or a prediction of
            another size, or fewer names than channels.
        IndexError: ``at`` outside the volume.
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

    def picture() -> bytes:
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
            cross = [int(PALETTE["green"][i : i + 2], 16) for i in (1, 3, 5)]
            flat[row, ::3] = flat[::3, column] = cross
            parts.append(flat)
        height = max(part.shape[0] for part in parts)
        parts = [np.pad(p, ((0, height - len(p)), (0, GAP), (0, 0))) for p in parts]
        return _png(np.concatenate(parts, axis=1))

    image = ipywidgets.Image(value=picture(), format="png")

    def show(change) -> None:
        image.value = picture()

    for control in (menu, box, *sliders):
        control.observe(show, names="value")
    return ipywidgets.VBox(
        [ipywidgets.HBox([menu, box]), image, ipywidgets.HBox(sliders)],
    )


def volume_viewer(case, modality: str = "FLAIR", mask=None, height: int = 400):
    """Return NiiVue, a 3-D viewer in the page, with a case's files; it needs ipyniivue.

    Never save a notebook with it shown: it puts 5 MB of program into the file.

    Args:
        case: a `brats.Case`.
        modality: one of `layouts.MODALITIES`.
        mask: path of a NIfTI file to show instead of the case's own mask, such as a prediction; in
            the numbers of the case's layout.
        height: in pixels.

    Raises:
        ModuleNotFoundError: ipyniivue isn't installed; the message says how to.
        ValueError: no such modality.
    """
    try:
        from ipyniivue import NiiVue, Volume
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "the 3-D viewer needs ipyniivue: pip install ipyniivue, then restart the kernel"
        ) from error
    if modality not in MODALITIES:
        raise ValueError(f"no modality {modality!r}; there are {', '.join(MODALITIES)}")
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
                **{
                    letter: [int(colours[n][i : i + 2], 16) for n in order]
                    for letter, i in (("R", 1), ("G", 3), ("B", 5))
                },
                "A": [255 if n else 0 for n in order],
                "I": order,
                "labels": [LABELS[case.layout.labels[n]] for n in order],
            }
        )
        shown.append(layer)
    viewer = NiiVue(height=height)
    viewer.load_volumes(shown)
    return viewer
