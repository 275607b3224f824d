"""Left-right asymmetry maps as additional input channels.

A healthy brain is nearly symmetric, and a tumour hardly ever is. A coil that makes cortex brighter
than tumour does so on both sides. So the difference between a voxel and its mirror image can show a
faint tumour that its own brightness doesn't. Tustison et al. (2015) use such differences as
features.
"""

from dataclasses import replace
from functools import partial

import numpy as np
from scipy import ndimage

from unet_course.data.layouts import MODALITIES
from unet_course.data.prepared_cases import PreparedCase

__all__ = ["asymmetry", "midline", "with_asymmetry"]

CHANNELS = 2 * len(MODALITIES)  # of a case from `with_asymmetry`


def midline(brain: np.ndarray) -> float:
    """Find the mirror plane of a brain along the first axis, in voxels.

    Args:
        brain: (x, y, z), non-zero in the brain. The first axis runs from left to right or back, as
            in all BraTS layouts, and the head isn't turned much.

    Returns:
        Position of the plane, a multiple of 0.5, for which brain and mirrored brain overlap most.

    >>> midline(np.array([0, 1, 1, 1, 1, 0, 0]).reshape(-1, 1, 1))
    2.5
    """
    flat = (np.asarray(brain) != 0).reshape(len(brain), -1).astype(np.float32)
    shared = flat @ flat.T  # (x, x): brain voxels that two slices have in common
    sums = np.add.outer(np.arange(len(flat)), np.arange(len(flat)))
    return float(np.bincount(sums.ravel(), shared.ravel()).argmax()) / 2


def asymmetry(images: np.ndarray, width: float = 2.0) -> np.ndarray:
    """Compute each channel minus its mirror image across the brain's mirror plane, both smoothed.

    Smoothing is by a Gaussian within the brain, so that gyri, which differ between the halves, and
    an imperfect mirror plane have little effect.

    Args:
        images: (x, y, z, channels), all channels 0 outside the brain; left and right along x.
        width: standard deviation of the Gaussian, in voxels.

    Returns:
        (x, y, z, channels) float32; 0 outside the brain and where the mirror image is outside it.

    Raises:
        ValueError: images that aren't 4-D.

    >>> scan = np.ones((6, 4, 4, 1), np.float32)
    >>> float(np.abs(asymmetry(scan)).max())
    0.0
    """
    images = np.asarray(images, np.float32)
    if images.ndim != 4:
        raise ValueError(f"images must be (x, y, z, channels), they are {images.shape}")
    brain = (images != 0).any(axis=-1)
    places = np.arange(len(images))
    mirrored = np.round(2 * midline(brain)).astype(int) - places
    inside = (mirrored >= 0) & (mirrored < len(images))
    both = np.zeros_like(brain)
    both[inside] = brain[inside] & brain[mirrored[inside]]
    smoothed = partial(ndimage.gaussian_filter, sigma=width, mode="constant")
    weight = np.maximum(smoothed(brain.astype(np.float32)), 1e-6)
    result = np.zeros_like(images)
    for channel in range(images.shape[-1]):
        smooth = smoothed(images[..., channel]) / weight
        result[inside, ..., channel] = smooth[inside] - smooth[mirrored[inside]]
    result[~both] = 0
    return result


def with_asymmetry(case: PreparedCase, width: float = 2.0) -> PreparedCase:
    """Append the asymmetry maps to a case's modalities: images (x, y, z, 8), in memory.

    `asymmetry_patches.AsymmetryPatches` draws patches of it and changes intensities of the modalities
    only.

    Args:
        case: prepared, at any size of voxels.
        width: of the smoothing, in voxels, as in `asymmetry`.
    """
    images = np.asarray(case.images)
    maps = asymmetry(images, width).astype(images.dtype)
    return replace(case, images=np.concatenate([images, maps], axis=-1))
