"""Three linked planes through a volume: one voxel, moved with mouse, keys or sliders."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets
import numpy as np

from unet_course.data.layouts import LABELS, MODALITIES, REGION_LABELS, REGIONS
from unet_course.showing import volume_plotting
from unet_course.showing.explorers.pointed import PointedPicture
from unet_course.showing.plotting import PALETTE, PREDICTION, TRUTH, as_rgb, draw_outline, rgb
from unet_course.showing.volume_plotting import LABEL_COLOURS, PLANES, REGION_COLOURS
from unet_course.showing.widget_parts import FILL, GAP, column, enlarged, png, row, swatch

WIDTH = 760  # of the picture, in pixels, about
RIM = 4  # voxels of air around the brain
HUNDREDTHS = 101  # the places of the threshold, 0.00 to 1.00


def planes(
    images: np.ndarray,
    labels: np.ndarray | None = None,
    probability: np.ndarray | None = None,
    *,
    orientation: str = "LPS",
    names: Sequence[str] = MODALITIES,
    at: Sequence[int] | None = None,
    affine: np.ndarray | None = None,
    threshold: float = 0.5,
):
    """Return an explorer of a volume: three planes through one voxel, with a cross-hair in each.

    A click or a drag in a plane moves the voxel, and so do the arrow keys once the picture has
    been clicked (page up and down: to the next plane), and three sliders.

    Args:
        images: (x, y, z) or (x, y, z, channels); a menu chooses the channel by its name.
        labels: (x, y, z), the expert's 0, 1, 2, 4: drawn as colours or as the outlines of regions.
        probability: (x, y, z, 3), a network's, 0 to 1, for WT, TC and ET: one of them is laid over
            the scan in orange, outlined where it reaches a threshold, which has a slider; the
            truth's outline is sky blue.
        orientation: where the arrays' axes lead.
        names: of the channels.
        at: the voxel to begin with; None: where each plane holds most of the labels (else of the
            probability), else the middle.
        affine: (4, 4), from voxels to millimetres: the voxel's place in mm is told as well.
        threshold: the first one, a multiple of 0.01.

    Returns:
        An `ipywidgets.VBox` of menus, a legend, the picture, the sliders, and a line that says in
        words what is at the voxel, and with a probability the region's Dice at the threshold.
        Voxels are drawn as squares: meant for spacings of about the same size.

    Raises:
        ValueError: images that aren't (x, y, z) or (x, y, z, channels), labels or a probability of
            another size, a probability outside 0 to 1, or fewer names than channels.
        IndexError: `at` outside the volume.
    """
    images = np.asarray(images)
    if images.ndim == 3:
        images, names = images[..., None], ("image",)
    _check(images, labels, probability, names)
    size = images.shape[:3]
    if at is None:
        marked = labels if labels is not None else probability
        mask = np.zeros(size, bool) if marked is None else np.asarray(marked) >= 0.5
        at = volume_plotting.fullest_voxel(mask.any(-1) if mask.ndim == 4 else mask, orientation)
    if len(at) != 3 or not all(0 <= int(i) < n for i, n in zip(at, size, strict=True)):
        raise IndexError(f"no voxel {tuple(at)} in a volume of {size}")

    names, box = list(names)[: images.shape[3]], _brain_box(images, at)
    choices = (["outlines of regions", "labels"] if labels is not None else []) + ["nothing"]
    if probability is not None:
        choices = [*REGIONS, *choices]
    menu = ipywidgets.Dropdown(options=names, value=names[-1], description="Scan")
    over = ipywidgets.Dropdown(options=choices, value=choices[0], description="Marked")
    sliders = []
    for axis, side in enumerate(box):
        slider = ipywidgets.IntSlider(int(at[axis]), min=side.start, max=side.stop - 1)
        slider.description = "xyz"[axis]
        slider.layout = ipywidgets.Layout(width="270px")
        slider.style = {"description_width": "initial"}
        sliders.append(slider)
    cut = ipywidgets.FloatSlider(threshold, min=0, max=1, step=0.01, description="Threshold")
    cut.style = {"description_width": "initial"}
    cut.layout = ipywidgets.Layout(width="400px", max_width="100%")
    controls = sliders if probability is None else [*sliders, cut]
    view = _View(images, labels, probability, orientation, box)

    def in_words() -> str:
        where = tuple(slider.value for slider in sliders)
        said = f"{menu.value} at x, y, z = {', '.join(map(str, where))}"
        if affine is not None:
            right, front, up = affine[:3, :3] @ where + affine[:3, 3]
            said += f" ({right:.0f}, {front:.0f}, {up:.0f} mm to the right, the front, up)"
        if labels is not None:
            number = int(labels[where])
            said += f"; label {number} ({LABELS.get(number, 'unknown')})"
        if probability is not None and over.value in REGIONS:
            region = REGIONS.index(over.value)
            said += f"; probability of {over.value} {float(probability[(*where, region)]):.2f}"
            said += view.score(region, cut.value)
        return said

    def picture() -> np.ndarray:
        where = [slider.value for slider in sliders]
        return view.picture(names.index(menu.value), over.value, where, cut.value)

    shown = PointedPicture(value=png(picture()), words=in_words())
    line = ipywidgets.Label(in_words())
    busy = []  # several sliders are moved at once: one new picture is enough

    def show(change=None) -> None:
        if busy:
            return
        shown.words = line.value = in_words()
        shown.value = png(picture())
        legend.value = _legend(over.value, labels is not None)

    def move(to: Sequence[int]) -> None:
        busy.append(True)
        for slider, value in zip(sliders, to, strict=True):
            slider.value = int(value)
        busy.clear()
        show()

    def point(change) -> None:
        *place, _ = change["new"]
        found = view.voxel(place, [slider.value for slider in sliders])
        if found is not None:
            move(found)
        shown.answered += 1

    def press(change) -> None:
        key, _ = change["new"]
        move(view.step(key, [slider.value for slider in sliders]))
        shown.answered += 1

    shown.observe(point, names="pointed")
    shown.observe(press, names="pressed")
    for control in (menu, over, *controls):
        control.observe(show, names="value")
    legend = ipywidgets.HTML(_legend(over.value, labels is not None))
    return column([row([menu, over]), legend, shown, row(controls), line])


class _View:
    """The planes as pictures, the box around the brain alone, and the voxel under a place in them."""

    def __init__(self, images, labels, probability, orientation: str, box: tuple[slice, ...]):
        self.images = images[box]
        self.scans: dict[int, np.ndarray] = {}
        # contiguous, so that a slice is taken in no time
        self.labels = None if labels is None else labels[box].copy()
        self.probability = None if probability is None else np.moveaxis(probability[box], -1, 0)
        if self.probability is not None:
            self.probability = self.probability.astype(np.float32, order="C")
        self.orientation = orientation
        self.start = [side.start for side in box]
        self.active = PLANES[0]  # in which the arrow keys move the voxel
        flat = [volume_plotting.cut(self.images, plane, 0, orientation) for plane in PLANES]
        self.sizes = [picture.shape[:2] for picture in flat]
        self.scale = max(1, round(WIDTH / sum(width for _, width in self.sizes)))
        self.limits: dict[int, tuple[float, float]] = {}
        self.counts: dict[int, np.ndarray] = {}

    def picture(self, channel: int, over: str, where: Sequence[int], threshold: float):
        """The three planes through a voxel, side by side: (height, width, 3) uint8."""
        if channel not in self.scans:
            self.scans[channel] = scan = self.images[..., channel].copy()
            step = max(1, round((scan.size / 3e5) ** (1 / 3)))  # a part of the voxels tells as well
            self.limits[channel] = volume_plotting.window(scan[::step, ::step, ::step])
        scan, at = self.scans[channel], self._inside(where)
        parts = []
        for plane in PLANES:
            flat, index, place, _ = volume_plotting.plane_through(scan, plane, at, self.orientation)
            flat = as_rgb(volume_plotting.grey(flat, limits=self.limits[channel]))
            parts.append(self._cross(self._marked(flat, over, plane, index, threshold), place))
        height = max(part.shape[0] for part in parts)
        parts = [np.pad(p, ((0, height - len(p)), (0, GAP), (0, 0))) for p in parts]
        return np.concatenate(parts, axis=1)[:, :-GAP]

    def _marked(self, flat: np.ndarray, over: str, plane: str, index: int, threshold: float):
        """A plane enlarged, with what is chosen drawn over it."""

        def cut(volume):
            return volume_plotting.cut(volume, plane, index, self.orientation)

        lines = []
        if over == "labels":
            flat = volume_plotting.tint(flat, cut(self.labels))
        elif over in REGIONS:
            chance = cut(self.probability[REGIONS.index(over)])
            share = (2 * FILL * chance)[..., None]
            flat = ((1 - share) * flat + share * np.array(rgb(PREDICTION))).astype(np.uint8)
            lines.append((chance >= np.float32(threshold), PREDICTION))
            if self.labels is not None:
                lines.append((np.isin(cut(self.labels), REGION_LABELS[over]), TRUTH))
        elif over != "nothing":
            for region in REGIONS:
                inside = np.isin(cut(self.labels), REGION_LABELS[region])
                lines.append((inside, REGION_COLOURS[region]))
        flat = enlarged(flat, self.scale)
        for inside, colour in lines:
            draw_outline(flat, enlarged(inside, self.scale), colour, min(self.scale, 2))
        return flat

    def _cross(self, flat: np.ndarray, place: tuple[int, int]) -> np.ndarray:
        """Dotted lines to the voxel, which itself stays free."""
        down, across = (self.scale * i + self.scale // 2 for i in place)
        rows, columns = (np.flatnonzero(np.arange(n) % 6 < 4) for n in flat.shape[:2])
        free = 4 * self.scale
        flat[rows[abs(rows - down) > free], across] = rgb(PALETTE["green"])
        flat[down, columns[abs(columns - across) > free]] = rgb(PALETTE["green"])
        return flat

    def voxel(self, place: Sequence[float], where: Sequence[int]) -> list[int] | None:
        """The voxel under a place in the picture, fractions of width and height; None between planes."""
        height = max(rows for rows, _ in self.sizes) * self.scale
        widths = [columns * self.scale for _, columns in self.sizes]
        across, down = place[0] * (sum(widths) + 2 * GAP), place[1] * height
        for plane, width, (rows, columns) in zip(PLANES, widths, self.sizes, strict=True):
            row, col = int(down // self.scale), int(across // self.scale)
            if 0 <= across < width and 0 <= row < rows and col < columns:
                self.active = plane
                return self._in_plane(plane, (row, col), where)
            across -= width + GAP
        return None

    def step(self, key: str, where: Sequence[int]) -> list[int]:
        """The voxel that a key leads to, in the plane that was clicked last."""
        at = self._inside(where)
        if key.startswith("Page"):
            axis = volume_plotting.normal_axis(self.active, self.orientation)
            at[axis] += 1 if key == "PageUp" else -1
            at[axis] = int(np.clip(at[axis], 0, self.images.shape[axis] - 1))
            return [i + start for i, start in zip(at, self.start, strict=True)]
        _, _, place, _ = volume_plotting.plane_through(
            self.images, self.active, at, self.orientation
        )
        rows, columns = self.sizes[PLANES.index(self.active)]
        down = {"ArrowDown": 1, "ArrowUp": -1}.get(key, 0)
        right = {"ArrowRight": 1, "ArrowLeft": -1}.get(key, 0)
        row = int(np.clip(place[0] + down, 0, rows - 1))
        return self._in_plane(
            self.active, (row, int(np.clip(place[1] + right, 0, columns - 1))), where
        )

    def _in_plane(self, plane: str, place: tuple[int, int], where: Sequence[int]) -> list[int]:
        at = self._inside(where)
        shape = self.images.shape[:3]
        at = volume_plotting.voxel_at(place, plane, at, shape, self.orientation)
        return [i + start for i, start in zip(at, self.start, strict=True)]

    def _inside(self, where: Sequence[int]) -> list[int]:
        """A voxel of the whole volume as one of the box."""
        return [int(i) - start for i, start in zip(where, self.start, strict=True)]

    def score(self, region: int, threshold: float) -> str:
        """A region's Dice at a threshold, over all of the volume, in words; nothing without labels."""
        if self.labels is None:
            return ""
        if region not in self.counts:  # by hundredths, so that a new threshold takes no time
            chance = self.probability[region].ravel()
            step = ((chance + 1e-6) * (HUNDREDTHS - 1)).astype(np.int16)
            truth = np.isin(self.labels, REGION_LABELS[REGIONS[region]]).ravel()
            both = [np.bincount(part, minlength=HUNDREDTHS) for part in (step[truth], step[~truth])]
            self.counts[region] = np.array(both)
        inside, outside = self.counts[region][:, round(threshold * (HUNDREDTHS - 1)) :].sum(axis=1)
        all_of_both = inside + outside + self.counts[region][0].sum()
        dice = 2 * inside / all_of_both if all_of_both else 1.0
        return f", the volume's Dice at {threshold:.2f}: {dice:.3f}"


def _check(images, labels, probability, names) -> None:
    if images.ndim != 4:
        raise ValueError(f"images must be (x, y, z) or (x, y, z, channels), got {images.shape}")
    if labels is not None and labels.shape != images.shape[:3]:
        raise ValueError(f"the labels are {labels.shape}, the images {images.shape[:3]}")
    if probability is not None:
        if probability.shape != (*images.shape[:3], len(REGIONS)):
            raise ValueError(
                f"the probability is {probability.shape}, the images {images.shape[:3]}"
            )
        low, high = float(probability.min()), float(probability.max())
        if not 0 <= low <= high <= 1:
            raise ValueError(f"a probability lies between 0 and 1, got {low:g} to {high:g}")
    if len(names) < images.shape[3]:
        raise ValueError(f"{images.shape[3]} channels, but {len(names)} names")


def _brain_box(images: np.ndarray, at: Sequence[int]) -> tuple[slice, ...]:
    """The box around all that isn't 0, a rim of air around it, and the voxel to begin with in it."""
    found = np.any(images != 0, axis=-1)
    box = []
    for axis, n in enumerate(found.shape):
        places = np.flatnonzero(found.any(axis=tuple({0, 1, 2} - {axis})))
        first, last = (places[0], places[-1]) if len(places) else (0, n - 1)
        first, last = min(first - RIM, at[axis]), max(last + RIM, at[axis])
        box.append(slice(max(0, int(first)), min(n, int(last) + 1)))
    return tuple(box)


def _legend(over: str, labelled: bool) -> str:
    """The names of the planes, and what the colours mean now, as HTML."""
    said = f"{' | '.join(PLANES)} (in the first two, the patient's left is on the right)<br>"
    said += swatch(f"background: {PALETTE['green']}", "the voxel")
    if over == "labels":
        for label, colour in LABEL_COLOURS.items():
            said += swatch(f"background: {colour}", f"{label}: {LABELS[label]}")
    elif over in REGIONS:
        said += swatch(f"background: {PREDICTION}", f"probability of {over}")
        if labelled:
            said += swatch(f"border: 2px solid {TRUTH}", f"{over}, the truth")
    elif over != "nothing":
        for region in REGIONS:
            said += swatch(f"border: 2px solid {REGION_COLOURS[region]}", region)
    return said
