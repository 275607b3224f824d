"""Shaded 3-D pictures of a tumour in its brain: the first surface along each line of sight.

Lesson 11 writes it by hand. The slope of the depth says how a surface is tilted, and a tilted
surface is darker, as if the light came from the viewer (Horn, "Shape from shading", 1970, solves
the opposite problem: the shape from the shading).
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from unet_course.data.layouts import REGION_LABELS
from unet_course.showing.plotting import rgb
from unet_course.showing.volume_plotting import REGION_COLOURS, cut, normal_axis

SMOOTH = 1.2  # voxels; hides the steps between voxels
# the plane that is flat in the picture, and the end of its normal that is nearer to the viewer
VIEWS = {"front": ("coronal", "A"), "left": ("sagittal", "L"), "above": ("axial", "S")}
BRAIN = ("#9a9a9a", 1.0)  # colour, opacity
REGIONS_SHOWN = {"WT": 0.75, "TC": 0.7}  # opacity: the inner one shines through the outer


def relief(mask: np.ndarray, axis: int, from_end: bool = False) -> np.ndarray:
    """Shade the first surface of a mask along an axis.

    Args:
        mask: (x, y, z), 0 or 1.
        axis: to look along, from its beginning, or `from_end`.

    Returns:
        Array of the other two axes in their order: 1 where the surface faces the viewer, towards 0
        where it is seen from the side, NaN where there is no surface.

    >>> distance = np.sqrt(((np.indices((21, 21, 21)) - 10) ** 2).sum(axis=0))
    >>> light = relief(distance < 8, axis=2)
    >>> bool(light[10, 10] > 0.99), bool(light[10, 15] < 0.9), bool(np.isnan(light[0, 0]))
    (True, True, True)
    """
    smooth = ndimage.gaussian_filter(np.asarray(mask, np.float32), SMOOTH)
    smooth = np.moveaxis(smooth, axis, 0)[:: -1 if from_end else 1]
    inside = smooth > 0.5
    first = inside.argmax(axis=0)
    # where between two voxels the surface is: without it the picture would have terraces
    here = np.take_along_axis(smooth, first[None], 0)[0]
    before = np.take_along_axis(smooth, np.maximum(first - 1, 0)[None], 0)[0]
    depth = first - (here - 0.5) / np.maximum(here - before, 1e-3)
    depth = np.where(inside.any(axis=0), depth, np.nan)
    rows, columns = np.gradient(depth)
    return 1 / np.sqrt(
        1 + rows**2 + columns**2
    )  # cosine of the angle between the surface's normal and the view


def tumour_view(
    brain: np.ndarray, labels: np.ndarray, view: str = "left", orientation: str = "LPS"
) -> np.ndarray:
    """Draw a brain as if it were glass, and in it whole tumour and core, each in its colour.

    Args:
        brain: (x, y, z) mask, with cubic voxels; 2 mm are fine enough.
        labels: (x, y, z) of 0, 1, 2, 4.
        view: "front", "left" or "above": where the viewer stands.
        orientation: of the arrays' axes, as `nibabel.aff2axcodes` gives it.

    Returns:
        (rows, columns, 3), 0 to 1; white outside the brain. The head is upright; from
        above its nose points up and the patient's left is on the left.

    Raises:
        ValueError: no such view, an orientation that isn't one, arrays of two sizes.
    """
    if view not in VIEWS:
        raise ValueError(f"no view {view!r}; there are {', '.join(VIEWS)}")
    if brain.shape != labels.shape:
        raise ValueError(f"the brain is {brain.shape}, the labels are {labels.shape}")
    plane, near = VIEWS[view]
    axis = normal_axis(plane, orientation)
    layers = [(brain != 0, *BRAIN)]
    for region, opacity in REGIONS_SHOWN.items():
        layers.append((np.isin(labels, REGION_LABELS[region]), REGION_COLOURS[region], opacity))
    picture = None
    for mask, colour, opacity in layers:
        light = relief(np.pad(mask, 1), axis, from_end=orientation[axis] == near)
        # `cut` turns a flat picture as it turns a cut of the volume
        light = cut(np.expand_dims(light, axis), plane, 0, orientation)[..., None]
        if picture is None:
            picture = np.ones((*light.shape[:2], 3))
        lit = (0.25 + 0.75 * np.nan_to_num(light)) * np.array(rgb(colour)) / 255
        picture = np.where(np.isfinite(light), (1 - opacity) * picture + opacity * lit, picture)
    # `cut` turns axial pictures as seen from the feet
    return picture[:, ::-1] if view == "above" else picture
