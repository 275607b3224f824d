"""The data generator of tutorial 004, "3D UNet for Brain Tumor Segmentation" (no author printed).

A re-implementation that gives the tutorial's numbers by the same work, so that lesson 09 can measure
it. It reads a case's five files anew for each batch, crops, rescales, rounds, smooths and sharpens
the scans, then rotates and flips image and mask slice by slice. The tutorial rotates with Keras' old
`ImageDataGenerator`, which calls SciPy; so does this module, and a test compares the two. One thing
differs: the files may be compressed.
"""

import numpy as np
from scipy import ndimage

from unet_course.data.brats import Case

ORDER = ("FLAIR", "T1", "T1ce", "T2")  # of the tutorial's code; its text names another order
CROP = (slice(6, -5), slice(8, -8), slice(8, -8))  # (155, 240, 240) → (144, 224, 224)


def smooth_and_sharpen(scan: np.ndarray) -> np.ndarray:
    """Rescale a scan (slices, side, side) to 0…1, round to thousandths, smooth and sharpen: float64.

    Smoothing and sharpening may leave 0…1 a little.
    """
    low, high = scan.min(), scan.max()
    scan = np.round((scan - low) / (high - low), 3)
    scan = ndimage.gaussian_filter(scan, sigma=(1, 1, 1))
    return scan - 0.3 * ndimage.laplace(scan)


def load(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Read a case from its files, crop it, and filter the scans.

    Returns:
        Images (144, 224, 224, 4) float64, channels in the order of `ORDER`; one-hot masks of the
        same shape and type, channels 0, 1, 2 and 4.
    """
    scans = [np.moveaxis(case.read_image(name).astype(float), 2, 0)[CROP] for name in ORDER]
    labels = np.moveaxis(case.read_labels().astype(float), 2, 0)
    labels[labels == 4] = 3
    masks = np.eye(4)[labels[CROP].astype(int)]
    return np.stack([smooth_and_sharpen(scan) for scan in scans], axis=-1), masks


def draw_change(state: np.random.RandomState) -> tuple[float, tuple[bool, bool]]:
    """Draw an angle from -20 to 20 degrees, and whether to flip the rows' and the columns' order."""
    angle = state.uniform(-20, 20)
    flip_columns, flip_rows = state.random_sample(2) < 0.5
    return angle, (bool(flip_rows), bool(flip_columns))


def rotate_and_flip(image: np.ndarray, angle: float, flips: tuple[bool, bool]) -> np.ndarray:
    """Rotate a slice (side, side, channels) about its middle with linear interpolation, then flip it.

    Shape and type stay: SciPy rounds the interpolated values where the slice holds integers.
    """
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    matrix = np.array([[cos, sin], [-sin, cos]])
    centre = (np.array(image.shape[:2]) - 1) / 2
    offset = centre - matrix @ centre
    channels = [
        ndimage.affine_transform(image[..., c], matrix, offset, order=1, mode="nearest")
        for c in range(image.shape[-1])
    ]
    return np.flip(np.stack(channels, axis=-1), [axis for axis in (0, 1) if flips[axis]])


def augment_batch(
    images: np.ndarray, masks: np.ndarray, state: np.random.RandomState, as_printed: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Rotate and flip all slices of a case alike, by one number from 1 to 99 drawn from `state`.

    Each slice seeds `state` anew with that number, so the next case's number follows from this
    one's, and the changes repeat in a cycle.

    Args:
        images, masks: (slices, side, side, channels), masks one-hot; overwritten.
        state: stands for NumPy's global generator, which the tutorial uses.
        as_printed: convert all masks to integers after each slice, as the tutorial's code does: the
            first slice is truncated to integers after its rotation, every other one holds integers
            before its own, so SciPy rounds it. False: convert once, at the end, so that every slice
            is truncated: less work, other masks.

    Returns:
        Images, and masks as integers.
    """
    seed = state.randint(1, 100)
    for k in range(len(images)):
        state.seed(seed)
        angle, flips = draw_change(state)
        images[k] = rotate_and_flip(images[k], angle, flips)
        masks[k] = rotate_and_flip(masks[k], angle, flips)
        if as_printed:
            masks = masks.astype(int)
    return images, masks.astype(int)


def batch(
    case: Case, state: np.random.RandomState, as_printed: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Make one batch as the tutorial does: a whole case with its mask, read and changed.

    Returns:
        Images and masks, (1, 144, 224, 224, 4) float32.
    """
    images, masks = augment_batch(*load(case), state, as_printed)
    return images[None].astype(np.float32), masks[None].astype(np.float32)
