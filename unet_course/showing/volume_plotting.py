"""Pictures of volumes: slices in radiological orientation, with labels and regions in colour.

In axial and coronal pictures the patient's left is on the right, as seen by somebody who faces the
patient; noses point up in axial pictures and to the left in sagittal ones. Arrays keep the axis
order of their file; only the picture is turned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from unet_course.data.layouts import LABELS
from unet_course.showing.plotting import PALETTE, as_rgb, draw_outline, legend_below, rgb

PLANES = ("axial", "coronal", "sagittal")
LABEL_COLOURS = {1: PALETTE["vermillion"], 2: PALETTE["sky"], 4: PALETTE["yellow"]}
REGION_COLOURS = {"WT": PALETTE["sky"], "TC": PALETTE["vermillion"], "ET": PALETTE["yellow"]}

# The directions in which a picture's rows (down) and columns (to the right) run.
_LEADS = {"axial": ("P", "L"), "coronal": ("I", "L"), "sagittal": ("I", "P")}


def _axis(direction: str, orientation: str) -> tuple[int, bool]:
    """The array's axis along a direction, and whether it runs in that direction or against it."""
    (pair,) = [pair for pair in ("LR", "PA", "SI") if direction in pair]
    for axis, code in enumerate(orientation):
        if code in pair:
            return axis, code == direction
    raise ValueError(f"orientation must be three letters such as 'LPS', it is {orientation!r}")


def _leads(plane: str) -> tuple[str, str]:
    if plane not in _LEADS:
        raise ValueError(f"no plane {plane!r}; there are {', '.join(PLANES)}")
    return _LEADS[plane]


def normal_axis(plane: str, orientation: str = "LPS") -> int:
    """Return the array's axis that is perpendicular to a plane; ValueError for an unknown one.

    >>> [normal_axis(plane) for plane in PLANES]
    [2, 1, 0]
    """
    flat = {_axis(direction, orientation)[0] for direction in _leads(plane)}
    return ({0, 1, 2} - flat).pop()


def cut(
    volume: np.ndarray, plane: str, index: int | None = None, orientation: str = "LPS"
) -> np.ndarray:
    """Cut one slice out of a volume and turn it into radiological orientation.

    Args:
        volume: (x, y, z) or (x, y, z, channels).
        index: along the array's own axis; None: the middle.
        orientation: the directions of the array's axes (`nifti.Nifti.orientation`).

    Returns:
        (rows, columns) or (rows, columns, channels), a view of the volume.

    Raises:
        ValueError: an unknown plane, an invalid orientation, or not 3 or 4 axes.
        IndexError: an index outside the volume.

    >>> volume = np.zeros((3, 4, 5))  # to the left, to the back, up
    >>> volume[0, 0, 4] = 1  # right, front, top
    >>> cut(volume, "axial", 4)[0].tolist(), cut(volume, "sagittal", 0)[0].tolist()
    ([1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0])
    """
    volume = np.asarray(volume)
    if volume.ndim not in (3, 4):
        raise ValueError(f"a volume is (x, y, z) or (x, y, z, channels), got {volume.shape}")
    (rows, down), (columns, right) = (_axis(d, orientation) for d in _leads(plane))
    normal = normal_axis(plane, orientation)
    if index is None:
        index = volume.shape[normal] // 2
    if not 0 <= index < volume.shape[normal]:
        raise IndexError(f"{plane} slices go from 0 to {volume.shape[normal] - 1}, got {index}")
    picture = volume.take(index, axis=normal)
    if rows > columns:
        picture = picture.swapaxes(0, 1)
    return picture[:: 1 if down else -1, :: 1 if right else -1]


def fullest(mask: np.ndarray, plane: str = "axial", orientation: str = "LPS") -> int:
    """Index of the slice that holds most of a mask (x, y, z); the middle one if the mask is empty."""
    normal = normal_axis(plane, orientation)
    counts = np.count_nonzero(mask, axis=tuple({0, 1, 2} - {normal}))
    return int(counts.argmax()) if counts.any() else len(counts) // 2


def fullest_voxel(mask: np.ndarray, orientation: str = "LPS") -> list[int]:
    """The voxel (x, y, z) in which the `fullest` slices of the three planes meet."""
    planes = sorted(PLANES, key=lambda plane: normal_axis(plane, orientation))
    return [fullest(mask, plane, orientation) for plane in planes]


def window(image: np.ndarray, low: float = 1, high: float = 99.5) -> tuple[float, float]:
    """The values to show as black and white: percentiles of the voxels that aren't 0."""
    inside = image[image != 0]
    if not inside.size:
        return 0.0, 1.0
    black, white = np.percentile(inside, (low, high))
    return float(black), float(white)


def grey(
    image: np.ndarray, low: float = 1, high: float = 99.5, limits: Sequence[float] | None = None
) -> np.ndarray:
    """Stretch values to shades of grey, `uint8`; background (exactly 0) stays black.

    Args:
        image: any shape, raw or z-scored. Give a whole volume, so that all its slices look alike.
        low, high: the percentiles to be shown as black and white (`window`).
        limits: two values to be shown so instead.
    """
    image = np.asarray(image)
    black, white = window(image, low, high) if limits is None else map(float, limits)
    values = image.astype(np.float32)
    values -= black
    values *= 255 / max(white - black, 1e-6)
    return np.where(image != 0, values.clip(0, 255), 0).astype(np.uint8)


def tint(
    picture: np.ndarray,
    labels: np.ndarray,
    colours: Mapping[int, str] = LABEL_COLOURS,
    strength: float = 0.55,
) -> np.ndarray:
    """Overlay labels on a picture as transparent colours: (rows, columns, 3) `uint8`.

    Args:
        picture: as `plotting.as_rgb` takes it.
        labels: (rows, columns), the picture's size, else ValueError.
        colours: by label; pixels of other labels are unchanged.
        strength: 0 shows only the picture, 1 only the colours.
    """
    result = as_rgb(picture)
    if result.shape[:2] != labels.shape:
        raise ValueError(f"the labels are {labels.shape}, the picture {result.shape[:2]}")
    for label, colour in colours.items():
        here = labels == label
        result[here] = (1 - strength) * result[here] + strength * np.array(rgb(colour))
    return result


def outline(
    picture: np.ndarray,
    regions: np.ndarray,
    colours: Mapping[str, str] = REGION_COLOURS,
    scale: int = 3,
) -> np.ndarray:
    """Outline regions in a picture: (scale · rows, scale · columns, 3) `uint8`.

    Args:
        picture: (rows, columns) or colours, as `plotting.as_rgb` takes it.
        regions: (rows, columns, n), non-zero inside, in the order of `colours`, else ValueError.
        scale: how many times as large; lines are two pixels of the large picture wide.
    """
    result = as_rgb(picture)
    expected = (*result.shape[:2], len(colours))
    if regions.shape != expected:
        raise ValueError(f"regions must be {expected}, they are {regions.shape}")
    result, regions = (x.repeat(scale, 0).repeat(scale, 1) for x in (result, regions))
    for i, colour in enumerate(colours.values()):
        draw_outline(result, regions[..., i], colour, 2)
    return result


def show_cut(ax, picture: np.ndarray, title: str = "", aspect: float = 1.0) -> None:
    """Draw a slice, as `as_rgb` takes it, into axes; `aspect` is a pixel's height over its width."""
    ax.imshow(as_rgb(picture), interpolation="nearest", aspect=aspect)
    ax.set_axis_off()
    if title:
        ax.set_title(title, fontsize=9)


def plane_through(
    image: np.ndarray,
    plane: str,
    at: Sequence[int],
    orientation: str = "LPS",
    spacing: Sequence[float] = (1, 1, 1),
) -> tuple[np.ndarray, int, tuple[int, int], float]:
    """Return the slice through a voxel, turned into radiological orientation.

    Args:
        image: (x, y, z) or (x, y, z, channels).
        plane: one of `PLANES`.
        at: the voxel (x, y, z).
        orientation: of the array's axes, as in `cut`.
        spacing: of the voxels in mm.

    Returns:
        The slice as `cut` gives it; its index along the array's axis; the voxel's row and column
        in it; a pixel's height over its width.
    """
    index = int(at[normal_axis(plane, orientation)])
    place, sizes = [], []
    for direction in _leads(plane):
        axis, along = _axis(direction, orientation)
        place.append(int(at[axis]) if along else image.shape[axis] - 1 - int(at[axis]))
        sizes.append(float(spacing[axis]))
    picture = cut(image, plane, index, orientation)
    return picture, index, (place[0], place[1]), sizes[0] / sizes[1]


def voxel_at(
    place: tuple[int, int],
    plane: str,
    at: Sequence[int],
    shape: Sequence[int],
    orientation: str = "LPS",
) -> list[int]:
    """Return the voxel (x, y, z) at a row and a column of the slice through a voxel, as `plane_through` has it.

    Args:
        place: row and column in the slice as it is drawn.
        plane: one of `PLANES`.
        at: any voxel of the slice.
        shape: of the volume, (x, y, z).
        orientation: of the volume's axes.

    >>> voxel_at((0, 2), "coronal", (1, 1, 1), (3, 4, 5))  # the top row, to the patient's left
    [2, 1, 4]
    """
    voxel = [int(i) for i in at]
    for number, direction in zip(place, _leads(plane), strict=True):
        axis, along = _axis(direction, orientation)
        voxel[axis] = int(number) if along else shape[axis] - 1 - int(number)
    return voxel


def colour_legend(fig, labels: bool = True) -> None:
    """Put a legend of the colours of labels, or of regions, below a figure."""
    from matplotlib.patches import Patch

    colours = REGION_COLOURS
    if labels:
        colours = {f"{label}: {LABELS[label]}": colour for label, colour in LABEL_COLOURS.items()}
    legend_below(fig, [Patch(color=colour, label=name) for name, colour in colours.items()])
