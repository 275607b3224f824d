"""2-D batches: patients' files → arrays in memory → `tf.data` batches.

Slices are read once, rescaled per patient and shrunk to the network's size; a batch is then drawn
by numbers (seed, epoch, step) alone, so an epoch can be repeated exactly, also after a crash.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from unet_course import feeding
from unet_course.lgg import Patient

CHUNK = 64  # slices resized at a time: all at once would take several times their memory
Augment = Callable[[np.ndarray, np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]]


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

        With `neighbours=1` the slices below and above stand before and behind each slice's own
        channels ("2.5-D"); at a patient's ends the end slice is repeated.
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

    Scanners have no common unit of brightness, so a patient is compared with himself.

    Args:
        images: (slices, rows, columns, channels) of one patient, uint8.

    Returns:
        The same shape, uint8; a constant channel becomes 0.
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


def resize(images: np.ndarray, side: int) -> np.ndarray:
    """Resize (slices, rows, columns, channels) to (slices, side, side, channels), float32.

    Linear, and averaging over all the pixels that fall into a new one when shrinking.
    """
    if images.shape[1] == images.shape[2] == side:
        return images.astype(np.float32)
    chunks = (images[i : i + CHUNK] for i in range(0, max(len(images), 1), CHUNK))
    size = (side, side)
    return np.concatenate(
        [keras.ops.image.resize(c.astype(np.float32), size, antialias=True) for c in chunks]
    )


def load(patients: Sequence[Patient], side: int = 128, progress: bool = True) -> Slices:
    """Read patients, rescale, and resize their slices to `side` × `side` pixels.

    A mask's pixel is tumour where at least half of its area is. Takes side² · 4 bytes a slice.

    Raises:
        ValueError: no patients.
        lgg.DataError: a file is missing or damaged; the message names it.
    """
    if not patients:
        raise ValueError("no patients to load")
    images, masks, ids, numbers = [], [], [], []
    bar = tqdm(patients, desc="Reading patients", unit="patient", disable=not progress, leave=False)
    for patient in bar:
        image, mask = patient.read()
        images.append(resize(rescale(image), side).round().astype(np.uint8))
        masks.append((resize(mask[..., None], side) >= 0.5).astype(np.uint8))
        ids += [patient.id] * len(image)
        numbers += patient.numbers
    return Slices(np.concatenate(images), np.concatenate(masks), np.array(ids), np.array(numbers))


@dataclass(frozen=True, kw_only=True, eq=False)
class Batches:
    """Endless, repeatable training batches: `batches.epoch(3)` is always the same dataset.

    Args:
        slices: what is drawn from.
        batch_size: slices a batch.
        steps: batches an epoch; None: as many as it takes to draw as many slices as there are.
        tumour_fraction: share of each batch that is drawn from slices with tumour. A third of
            LGG's slices hold any, so drawing evenly spends most of the time on empty ones.
        augment: called with (images, masks, random generator); see `augment.Augmentation`.
        neighbours: as in `Slices.inputs`.
        seed: the only source of randomness.

    Raises:
        ValueError: no slices, no tumour slices to draw from, or a fraction outside 0 to 1.
    """

    slices: Slices
    batch_size: int = 16
    steps: int | None = None
    tumour_fraction: float = 0.75
    augment: Augment | None = None
    neighbours: int = 0
    seed: int = 0

    def __post_init__(self):
        if not len(self.slices):
            raise ValueError("no slices to draw batches from")
        if not 0 <= self.tumour_fraction <= 1:
            raise ValueError(f"tumour_fraction must lie in 0 to 1, it is {self.tumour_fraction}")
        if self.tumour_fraction and not self.slices.has_tumour.any():
            raise ValueError("no slice holds tumour: set tumour_fraction=0, or add patients")
        if self.steps is None:
            object.__setattr__(self, "steps", max(1, len(self.slices) // self.batch_size))
        tumour = self.slices.has_tumour
        object.__setattr__(self, "_ill", np.flatnonzero(tumour))
        object.__setattr__(self, "_healthy", np.flatnonzero(~tumour))

    def batch(self, epoch: int, step: int) -> tuple[np.ndarray, np.ndarray]:
        """One batch: images (batch, side, side, channels) and masks (batch, side, side, 1)."""
        rng = np.random.default_rng((self.seed, epoch, step))
        # a share that isn't whole is rounded up or down at random, so that it is right on average
        ill = int(self.tumour_fraction * self.batch_size + rng.random())
        if not len(self._healthy):
            ill = self.batch_size
        index = np.concatenate(
            [rng.choice(self._ill, ill), rng.choice(self._healthy, self.batch_size - ill)]
            if ill < self.batch_size
            else [rng.choice(self._ill, ill)]
        )
        rng.shuffle(index)
        images = self.slices.inputs(index, self.neighbours)
        masks = self.slices.masks[index]
        if self.augment:
            images, masks = self.augment(images, masks, rng)
        return images, masks.astype(np.float32)

    def epoch(self, number: int) -> tf.data.Dataset:
        """Epoch `number` as a dataset of (images, masks); prepared while the network trains."""
        side, channels = self.slices.images.shape[1], self.slices.images.shape[-1]
        channels *= 2 * self.neighbours + 1
        return feeding.dataset(
            lambda step: self.batch(number, step),
            self.steps,
            ((self.batch_size, side, side, channels), (self.batch_size, side, side, 1)),
        )
