"""Normalisation of a case's arrays: crop to the brain, z-score, other voxels, half the resolution."""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from unet_course.data.brats import Case
from unet_course.data.layouts import DataError

LABELS = (0, 1, 2, 4)
CENTRES = 4000  # places a label that a patch can be drawn around; drawn from all, evenly


def find_brain(
    images: np.ndarray, case: Case | None = None
) -> tuple[tuple[slice, slice, slice], np.ndarray]:
    """Find the brain: where any modality isn't 0.

    Args:
        images: (x, y, z, modalities), 0 outside the brain.
        case: named where something is wrong.

    Returns:
        The smallest box that holds it, a slice an axis, and the brain in that box, bool.

    Raises:
        DataError: there is no brain: all voxels are 0.
    """
    brain = images[..., 0] != 0
    for channel in range(1, images.shape[-1]):
        brain |= images[..., channel] != 0
    boxes = ndimage.find_objects(brain.view(np.uint8))
    if not boxes:
        where = case.folder if case else "the scan"
        cure = "Look at its files in a viewer: were they masked, or written, with nothing in them?"
        raise DataError(where, "no brain in it, all voxels are 0", cure)
    return boxes[0], np.ascontiguousarray(brain[boxes[0]])


def z_score(
    images: np.ndarray, case: Case | None = None
) -> tuple[np.ndarray, tuple[slice, slice, slice], np.ndarray]:
    """Crop a scan to the brain, and give each modality mean 0 and deviation 1 within it.

    Args:
        images: (x, y, z, modalities), 0 outside the brain.
        case: named where something is wrong.

    Returns:
        images (cropped, modalities) float32, 0 outside the brain; box and brain as `find_brain`
        gives them.

    Raises:
        DataError: there is no brain: all voxels are 0.

    >>> scan = np.zeros((6, 6, 6, 1), np.int16)
    >>> scan[2, 1:5, 3, 0] = [10, 20, 20, 30]
    >>> values, box, _ = z_score(scan)
    >>> box, [round(float(value), 2) for value in values[0, :, 0, 0]]
    ((slice(2, 3, None), slice(1, 5, None), slice(3, 4, None)), [-1.41, 0.0, 0.0, 1.41])
    """
    box, brain = find_brain(images, case)
    result = np.zeros((*brain.shape, images.shape[-1]), np.float32)
    for channel in range(images.shape[-1]):
        values = images[(*box, channel)][brain].astype(np.float32)
        mean, deviation = values.mean(dtype=np.float64), values.std(dtype=np.float64)
        values -= np.float32(mean)
        values /= np.float32(max(deviation, 1e-6))
        result[brain, channel] = values
    return result, box, brain


def resample(array: np.ndarray, shape: Sequence[int], order: int = 1) -> np.ndarray:
    """Other voxels over the same box.

    Args:
        array: (x, y, z), of any type.
        shape: how many voxels along each axis there will be.
        order: 1 interpolates linearly, 0 takes the nearest voxel.

    Returns:
        `(*shape)`, in the type of `array`; the array itself where it has that shape.

    >>> resample(np.array([[[0.0, 4.0]]]), (1, 1, 4)).tolist()
    [[[0.0, 1.0, 3.0, 4.0]]]
    """
    if array.shape == tuple(shape):
        return array
    if order == 0:
        pairs = zip(array.shape, shape, strict=True)
        nearest = [((2 * np.arange(new) + 1) * old) // (2 * new) for old, new in pairs]
        return array[np.ix_(*nearest)]
    zoom = [new / old for old, new in zip(array.shape, shape, strict=True)]
    values = array.astype(np.float32, copy=False)
    values = ndimage.zoom(values, zoom, order=1, mode="nearest", grid_mode=True)
    return values.astype(array.dtype, copy=False)


def resample_labels(labels: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Labels at other voxels: each label's own mask is interpolated, the one with most wins.

    A tie is broken at random, by the voxel's place, as in `shrink_labels`.

    Args:
        labels: (x, y, z), of `LABELS`.
        shape: how many voxels along each axis there will be.

    Returns:
        `(*shape)` uint8; the labels themselves where they have that shape.

    >>> resample_labels(np.array([[[4, 4, 2, 2, 2]]]), (1, 1, 10)).tolist()
    [[[4, 4, 4, 4, 2, 2, 2, 2, 2, 2]]]
    """
    if labels.shape == tuple(shape):
        return labels
    rng = np.random.default_rng(0)
    most, result = np.zeros(shape, np.float32), np.zeros(shape, np.uint8)
    for label in LABELS:
        share = resample((labels == label).astype(np.float32), shape)
        share += 1e-4 * rng.random(share.shape, np.float32)
        result[share > most] = label
        np.maximum(most, share, out=most)
    return result


def _blocks(array: np.ndarray, factor: int) -> np.ndarray:
    """(x, y, z, …) as (x', factor, y', factor, z', factor, …), filled up with 0 at the far ends."""
    short = [(0, -n % factor) for n in array.shape[:3]] + [(0, 0)] * (array.ndim - 3)
    array = np.pad(array, short)
    x, y, z = (n // factor for n in array.shape[:3])
    return array.reshape(x, factor, y, factor, z, factor, *array.shape[3:])


def shrink(array: np.ndarray, factor: int) -> np.ndarray:
    """The mean of each block, (x, y, z, channels) float32."""
    blocks = _blocks(array.astype(np.float32, copy=False), factor)
    return blocks.mean(axis=(1, 3, 5), dtype=np.float32)


def shrink_labels(labels: np.ndarray, factor: int) -> np.ndarray:
    """The most frequent label of each block; a tie is broken at random, by the block's place.

    So no label is preferred, and a flat surface keeps its volume on average. The seed is fixed: the
    same array gives the same result. A rim or a thread that fills less than half of its blocks
    becomes smaller or vanishes.

    Args:
        labels: (x, y, z), of `LABELS`.
        factor: voxels along each axis that become one; at the far ends blocks are filled up with 0.

    Returns:
        (x / factor, y / factor, z / factor), rounded up, uint8.

    >>> shrink_labels(np.array([[[4, 4], [4, 2]], [[4, 2], [0, 0]]]), 2).tolist()
    [[[4]]]
    """
    blocks = _blocks(labels, factor)
    counts = np.stack([(blocks == label).sum(axis=(1, 3, 5)) for label in LABELS])
    # a random number below 1 decides between equal counts and can't overturn unequal ones
    order = counts + np.random.default_rng(0).random(counts.shape)
    return np.array(LABELS, np.uint8)[order.argmax(axis=0)]


def centres_of(labels: np.ndarray | None, brain: np.ndarray) -> np.ndarray:
    """Rows (label, x, y, z) int16: at most `CENTRES` places of each label, and of the brain."""
    rng = np.random.default_rng(0)
    masks = {0: brain}
    if labels is not None:
        masks |= {label: labels == label for label in LABELS if label}
    rows = []
    for label, mask in masks.items():
        places = np.flatnonzero(mask)
        if len(places) > CENTRES:
            places = np.sort(rng.choice(places, CENTRES, replace=False))
        where = np.stack(np.unravel_index(places, brain.shape), axis=1)
        rows.append(np.column_stack([np.full(len(where), label), where]))
    return np.concatenate(rows).astype(np.int16)
