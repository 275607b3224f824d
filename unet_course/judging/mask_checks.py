"""Input checks shared by the metrics, and the bounding box of a mask."""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage


def as_masks(truth: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Check that two arrays are masks of the same shape, and return them as bool.

    Raises ValueError for shapes that differ, no pixels at all, or values other than 0 and 1.
    """
    truth, prediction = np.asarray(truth), np.asarray(prediction)
    if truth.shape != prediction.shape:
        raise ValueError(f"truth {truth.shape} and prediction {prediction.shape} differ in shape")
    if not truth.size:
        raise ValueError(f"masks of shape {truth.shape} have no pixels to judge")
    for name, mask in (("truth", truth), ("prediction", prediction)):
        if mask.dtype != bool and not ((mask == 0) | (mask == 1)).all():
            raise ValueError(
                f"the {name} must hold 0 and 1 only; threshold probabilities first, and divide a "
                "0/255 mask by 255"
            )
    return truth.astype(bool), prediction.astype(bool)


def check_spacing(spacing: Sequence[float], axes: int) -> tuple[float, ...]:
    """Check a spacing in mm, one number per axis, and return it as floats.

    Raises ValueError unless there is one positive, finite number for each of `axes` axes.
    """
    try:
        numbers = np.asarray(spacing, float)
    except (TypeError, ValueError):
        numbers = np.array(np.nan)
    if numbers.shape != (axes,):
        raise ValueError(f"spacing must be {axes} numbers in mm, one for each axis; got {spacing}")
    if not (np.isfinite(numbers) & (numbers > 0)).all():
        raise ValueError(f"spacing must be positive, in mm; got {spacing}")
    return tuple(numbers.tolist())


def bounding_box(mask: np.ndarray) -> tuple[slice, ...]:
    """Smallest box that holds all of a mask, as slices. Raises ValueError for an empty mask.

    >>> bounding_box(np.array([[0, 0, 0, 0], [0, 1, 1, 0]]))
    (slice(1, 2, None), slice(1, 3, None))
    """
    boxes = ndimage.find_objects(np.asarray(mask, bool).view(np.uint8))
    if not boxes:
        raise ValueError("an empty mask has no bounding box")
    return boxes[0]
