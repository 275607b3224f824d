"""Surface distances in mm: HD95 and surface Dice, with their definitions and what libraries do.

A mask's surface here is its pixels that touch a pixel outside by a face (4 neighbours in 2-D, 6
in 3-D; what lies beyond the image is outside). Distances are measured between centres of surface
pixels, each to the nearest of the other mask's. Libraries define both differently, so their figures
can't be compared; each function says which library does what.
"""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from unet_course.judging.mask_checks import as_masks, bounding_box, check_spacing


def surface_distances(
    truth: np.ndarray, prediction: np.ndarray, spacing: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """For each surface pixel of one mask, how far the nearest one of the other is, in mm.

    Args:
        truth, prediction: masks of one case, of the same shape, 2-D or 3-D, bool or 0 and 1.
        spacing: of neighbouring pixels in mm, in the order of the axes.

    Returns:
        (surface pixels of the truth,) and (surface pixels of the prediction,).

    Raises:
        ValueError: what `metrics.dice` refuses, masks that aren't 2-D or 3-D, a mask that is
            empty, or a spacing that isn't one positive number for each axis.

    >>> truth, prediction = np.array([[1, 0, 0, 0]]), np.array([[0, 1, 0, 1]])
    >>> surface_distances(truth, prediction, spacing=(1, 2))
    (array([2.]), array([2., 6.]))
    """
    truth, prediction, spacing = _checked(truth, prediction, spacing)
    if not truth.any() or not prediction.any():
        raise ValueError("an empty mask has no surface to measure from")
    box = bounding_box(truth | prediction)  # everything that matters lies in there
    there, marked = (m[box] & ~ndimage.binary_erosion(m[box]) for m in (truth, prediction))
    return _nearest(there, marked, spacing), _nearest(marked, there, spacing)


def _nearest(points: np.ndarray, others: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    # indices alone: distances everywhere take twice the time and two and a half times the memory
    nearest = ndimage.distance_transform_edt(
        ~others, sampling=spacing, return_distances=False, return_indices=True
    )
    here = np.nonzero(points)
    steps = [(there[here] - at) * mm for there, at, mm in zip(nearest, here, spacing, strict=True)]
    return np.sqrt(sum(step**2 for step in steps))


def _checked(truth, prediction, spacing) -> tuple[np.ndarray, np.ndarray, tuple[float, ...]]:
    truth, prediction = as_masks(truth, prediction)
    if truth.ndim not in (2, 3):
        raise ValueError(f"masks must be 2-D or 3-D; got shape {truth.shape}")
    return truth, prediction, check_spacing(spacing, truth.ndim)


def hd95(
    truth: np.ndarray,
    prediction: np.ndarray,
    spacing: Sequence[float],
    *,
    distances: tuple[np.ndarray, np.ndarray] | None = None,
) -> float:
    """95 % Hausdorff distance in mm: 95 % of the surface is at most this far from the other one.

    The 95th percentile (interpolated linearly) of the distances from the truth's surface to the
    prediction's, the same the other way round, and of these two the larger (Huttenlocher et al.,
    1993, with Maier-Hein et al., 2024, for the percentile), as in MONAI 1.6. `medpy` 0.5 takes one
    percentile of both directions together, mostly smaller. `surface-distance` 0.1 (Nikolov et al.,
    2021; the BraTS 2023 code uses it) weighs surface pieces between the pixels by their area and
    doesn't interpolate: mostly within a pixel of ours, several where small pieces are scattered.

    Args:
        truth, prediction, spacing: as for `surface_distances`.
        distances: what `surface_distances` gave for them, where it is at hand; neither mask empty.

    Returns:
        mm; 0 where both masks are empty. Where one is empty there is no distance, and the image's
        diagonal in mm is returned, the worst there can be (BraTS 2023: 373.1 mm, rounded up to 374).

    Raises:
        ValueError: as `surface_distances`, but empty masks are fine.

    Squares of 3 × 3 pixels, one moved by 2 pixels of 1.5 mm:

    >>> truth, prediction = np.zeros((8, 8)), np.zeros((8, 8))
    >>> truth[2:5, 1:4], prediction[2:5, 3:6] = 1, 1
    >>> hd95(truth, prediction, spacing=(1, 1.5))
    3.0
    >>> hd95(truth, np.zeros((8, 8)), spacing=(0.75, 1))  # 6 mm by 8 mm
    10.0
    """
    truth, prediction, spacing = _checked(truth, prediction, spacing)
    empty = not truth.any(), not prediction.any()
    if all(empty):
        return 0.0
    if any(empty):
        return float(np.hypot.reduce(np.multiply(truth.shape, spacing)))
    both_ways = distances or surface_distances(truth, prediction, spacing)
    return float(max(np.percentile(one_way, 95) for one_way in both_ways))


def surface_dice(
    truth: np.ndarray, prediction: np.ndarray, tolerance: float, spacing: Sequence[float]
) -> float:
    """Normalised surface Dice (NSD): the share of both surfaces within a tolerance, 0 to 1.

    Surface pixels of either mask that are at most `tolerance` away from the other's surface, over
    all surface pixels of both (Nikolov et al., 2021). Nikolov's `surface-distance` weighs surface
    pieces between the pixels by their area; here, and in MONAI 1.6 by default, each surface pixel
    counts alike. MONAI gives NaN where both masks are empty. nnU-Net, and BraTS 2024 after it, takes
    each surface's own share and the mean of the two.

    Args:
        truth, prediction, spacing: as for `surface_distances`.
        tolerance: in mm, 0 or more; a distance equal to it counts as within. It is what two experts
            differ by, or what does no harm.

    Returns:
        0 to 1; 1 where both masks are empty, 0 where one is.

    Raises:
        ValueError: as `surface_distances`, but empty masks are fine; a tolerance below 0.

    Of 1 + 2 surface pixels, 1 + 1 have the other surface within 2 mm:

    >>> truth, prediction = np.array([[1, 0, 0, 0]]), np.array([[0, 1, 0, 1]])
    >>> round(surface_dice(truth, prediction, tolerance=2, spacing=(1, 2)), 3)
    0.667
    """
    truth, prediction, spacing = _checked(truth, prediction, spacing)
    if not (np.isscalar(tolerance) and np.isfinite(tolerance) and tolerance >= 0):
        raise ValueError(f"the tolerance must be a number of mm, 0 or more; got {tolerance}")
    empty = not truth.any(), not prediction.any()
    if any(empty):
        return float(all(empty))
    distances = np.concatenate(surface_distances(truth, prediction, spacing))
    # the transform takes a root: three times 0.1 mm mustn't come out as more than 0.3 mm
    return float((distances <= tolerance * (1 + 1e-9)).mean())
