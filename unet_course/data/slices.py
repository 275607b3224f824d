"""LGG slices in memory: read once, rescaled per patient, shrunk to the network's input size."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
from tqdm import tqdm

from unet_course.data.lgg import Patient

CHUNK = 64  # slices resized at a time: all at once would take several times their memory


@dataclass(frozen=True, eq=False)
class Slices:
    """Slices of some patients, patient after patient, from the neck up.

    Attributes:
        images: (slices, side, side, channels) uint8, rescaled per patient and channel.
        masks: (slices, side, side, 1) uint8, 0 and 1.
        patients: (slices,) ids.
        numbers: (slices,) the slice's number in its file name.
    """

    images: np.ndarray
    masks: np.ndarray
    patients: np.ndarray
    numbers: np.ndarray

    def __len__(self) -> int:
        return len(self.images)

    @property
    def has_tumour(self) -> np.ndarray:
        """(slices,) bool: whether the slice's mask holds any tumour."""
        return self.masks.any(axis=(1, 2, 3))

    def of(self, patients: Iterable[str]) -> "Slices":
        """The slices of these patients only, in the order in which they stand here."""
        keep = np.isin(self.patients, list(patients))
        return Slices(self.images[keep], self.masks[keep], self.patients[keep], self.numbers[keep])

    def inputs(self, index: Sequence[int] | np.ndarray, neighbours: int = 0) -> np.ndarray:
        """What the network sees: (len(index), side, side, channels · (2 · neighbours + 1)), 0 to 1.

        With `neighbours=1` the channels are those of the slice below, the slice and the one above
        ("2.5-D"); at a patient's ends the end slice is repeated.
        """
        index = np.asarray(index)
        stack = []
        for step in range(-neighbours, neighbours + 1):
            other = np.clip(index + step, 0, len(self) - 1)
            for _ in range(abs(step)):  # walk back to the patient's own slices
                other = np.where(
                    self.patients[other] == self.patients[index], other, other - np.sign(step)
                )
            stack.append(self.images[other])
        return np.concatenate(stack, axis=-1).astype(np.float32) / 255


def rescale(images: np.ndarray, low: float = 1.0, high: float = 99.5) -> np.ndarray:
    """Stretch each channel of a patient from its percentiles `low`…`high` to 0…255.

    Scanners have no common unit of brightness, so each patient is scaled by its own values: uint8
    (slices, rows, columns, channels), in and out; a constant channel becomes 0. Raises ValueError
    for another type.
    """
    if images.dtype != np.uint8:
        raise ValueError(f"images must be uint8, they are {images.dtype}")
    stretched = np.empty_like(images)
    for channel in range(images.shape[-1]):
        values = images[..., channel]
        bottom, top = np.percentile(values[:, ::2, ::2], (low, high))
        # 256 values are stretched, not each pixel: six times as fast
        levels = np.clip((np.arange(256) - bottom) / max(top - bottom, 1e-6), 0, 1)
        stretched[..., channel] = (levels * 255 * (top > bottom)).round().astype(np.uint8)[values]
    return stretched


def resize(images: np.ndarray, side: int | tuple[int, int]) -> np.ndarray:
    """Resize (slices, rows, columns, channels) to `side` rows and columns, or to (rows, columns); float32.

    Linear, and when shrinking smoothed first by a filter twice as wide as a new pixel. So masks
    take `resize_masks`.
    """
    size = tuple(np.broadcast_to(side, 2).tolist())
    if images.shape[1:3] == size:
        return images.astype(np.float32)
    chunks = (images[i : i + CHUNK] for i in range(0, max(len(images), 1), CHUNK))
    return np.concatenate(
        [keras.ops.image.resize(c.astype(np.float32), size, antialias=True) for c in chunks]
    )


def resize_masks(masks: np.ndarray, side: int) -> np.ndarray:
    """Resize masks; a new pixel is tumour where at least half of its area was.

    From (slices, rows, columns, 1), 0 and 1 or bool, to (slices, side, side, 1), uint8. Areas are
    counted in whole numbers, so that exactly half is no matter of rounding.

    >>> three_of_four = np.array([[1, 1], [1, 0]])[None, ..., None]
    >>> resize_masks(three_of_four, 1).item(), resize_masks(1 - three_of_four, 1).item()
    (1, 0)
    """
    _, rows, columns, _ = masks.shape
    if rows == columns == side:
        return masks.astype(np.uint8)
    small = np.zeros((len(masks), side, side, 1), np.uint8)
    for i in np.flatnonzero(masks.any(axis=(1, 2, 3))):  # most slices are empty and stay so
        area = _sums(_sums(masks[i, ..., 0], side).T, side).T
        small[i, ..., 0] = 2 * area >= rows * columns  # half of what a new pixel covers
    return small


def _sums(values: np.ndarray, side: int) -> np.ndarray:
    """Sum (rows, columns) over `side` equal stretches: (side, columns), in 1 / side of a row."""
    rows = len(values)
    values = np.pad(values.astype(np.int64), ((0, 1), (0, 0)))
    before = np.cumsum(values, axis=0) - values  # the sum of all rows before this one
    row, part = np.divmod(np.arange(side + 1) * rows, side)  # where the stretches end
    return np.diff(side * before[row] + part[:, None] * values[row], axis=0)


def load(patients: Sequence[Patient], side: int = 128, progress: bool = True) -> Slices:
    """Read patients, rescale, and resize their slices to `side` × `side` pixels.

    Takes side² · 4 bytes a slice. Raises ValueError where there are no patients, DataError where a
    file is missing or damaged.
    """
    if not patients:
        raise ValueError("no patients to load")
    images, masks, ids, numbers = [], [], [], []
    bar = tqdm(patients, desc="Reading patients", unit="patient", disable=not progress, leave=False)
    for patient in bar:
        image, mask = patient.read()
        images.append(resize(rescale(image), side).round().astype(np.uint8))
        masks.append(resize_masks(mask[..., None], side))
        ids += [patient.id] * len(image)
        numbers += patient.numbers
    return Slices(np.concatenate(images), np.concatenate(masks), np.array(ids), np.array(numbers))
