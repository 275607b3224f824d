"""How "3D UNet for Brain Tumor Segmentation" (no author printed) feeds its network, step by step.

That tutorial's generator in our own words, so that it can be measured and its results looked at:
the same numbers come out, by the same work. It reads a case's five files anew each time, crops,
rescales, rounds, smooths and sharpens the scans, then turns and flips image and mask slice by slice.
Its turning is that of Keras' old `ImageDataGenerator`, which Keras 3 keeps among its legacy code;
beneath, both are SciPy. What is different: the axis that comes first is the last of the file, as
there, but the files may be packed.
"""

import numpy as np
from scipy import ndimage

from unet_course.data.brats import Case

ORDER = ("FLAIR", "T1", "T1ce", "T2")  # of its code; its prose has another
CROP = (slice(6, -5), slice(8, -8), slice(8, -8))  # (155, 240, 240) → (144, 224, 224)


def smooth_and_sharpen(scan: np.ndarray) -> np.ndarray:
    """Rescale a cropped scan to 0…1, round to thousandths, smooth, sharpen; float64, same shape."""
    low, high = scan.min(), scan.max()
    scan = np.round((scan - low) / (high - low), 3)
    scan = ndimage.gaussian_filter(scan, sigma=(1, 1, 1))
    return scan - 0.3 * ndimage.laplace(scan)


def load(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Read a case: images (144, 224, 224, 4) float64 and masks, the same shape, one-hot float64."""
    scans = [np.moveaxis(case.read_image(name).astype(float), 2, 0)[CROP] for name in ORDER]
    labels = np.moveaxis(case.read_labels().astype(float), 2, 0)
    labels[labels == 4] = 3
    masks = np.eye(4)[labels[CROP].astype(int)]
    return np.stack([smooth_and_sharpen(scan) for scan in scans], axis=-1), masks


def rotate_and_flip(image: np.ndarray, angle: float, flips: tuple[bool, bool]) -> np.ndarray:
    """Turn a slice (side, side, channels) by degrees about its middle, then flip along its axes.

    Values between pixels are interpolated. SciPy rounds them where the slice holds integers.
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
    """Turn and flip all slices of a case alike, by one number from 1 to 99 drawn from `state`.

    Each slice seeds `state` anew with that number, so the next case's number follows from this
    one's: the changes go round in a ring.

    Args:
        images, masks: (slices, side, side, channels); the images are overwritten.
        state: stands for NumPy's global generator, which the tutorial uses.
        as_printed: convert all masks to integers after each slice, as the tutorial prints it: the
            first slice is cut down to integers after its turn, every other one is of integers
            already when its turn comes, and SciPy rounds it. False: convert once, at the end, so
            that every slice is cut down: less work, other masks.
    """
    seed = state.randint(1, 100)
    for k in range(len(images)):
        state.seed(seed)
        angle = state.uniform(-20, 20)
        across, down = state.random_sample(2) < 0.5
        images[k] = rotate_and_flip(images[k], angle, (down, across))
        masks[k] = rotate_and_flip(masks[k], angle, (down, across))
        if as_printed:
            masks = masks.astype(int)
    return images, masks.astype(int)


def batch(
    case: Case, state: np.random.RandomState, as_printed: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """One batch of the tutorial's, a case: images and masks, (1, 144, 224, 224, 4) float32."""
    images, masks = augment_batch(*load(case), state, as_printed)
    return images[None].astype(np.float32), masks[None].astype(np.float32)
