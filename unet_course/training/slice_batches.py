"""2-D training batches: LGG slices in memory, augmented, as `tf.data` datasets.

A batch depends only on the numbers (seed, epoch, step), so an epoch can be repeated exactly, also
after a crash.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from unet_course import runtime
from unet_course.data.slices import Slices
from unet_course.training import tf_dataset

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

Augment = Callable[[np.ndarray, np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Batches:
    """Endless, repeatable training batches: `batches.epoch(3)` is always the same dataset.

    Args:
        steps: batches per epoch; None: as many as hold about as many slices as there are.
        tumour_fraction: share of each batch that is drawn from slices with tumour. Only a third of
            the LGG slices have any, so drawing evenly spends most of the time on empty ones.
        augment: called with (images, masks, random generator); see `augment.Augmentation`.
        neighbours: as in `Slices.inputs`.

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
        rng = np.random.default_rng((runtime.shifted(self.seed), epoch, step))
        # a number that isn't whole is rounded up or down at random, so that it is right on average
        ill = int(self.tumour_fraction * self.batch_size + rng.random())
        if not len(self._healthy):
            ill = self.batch_size
        index = rng.choice(self._ill, ill)
        if ill < self.batch_size:
            index = np.append(index, rng.choice(self._healthy, self.batch_size - ill))
        rng.shuffle(index)
        images = self.slices.inputs(index, self.neighbours)
        masks = self.slices.masks[index]
        if self.augment:
            images, masks = self.augment(images, masks, rng)
        return images, masks.astype(np.float32)

    def epoch(self, number: int) -> tf.data.Dataset | keras.utils.PyDataset:
        """Epoch `number` as a dataset of (images, masks); made while the network trains."""
        *side, channels = self.slices.images.shape[1:]
        place = (self.batch_size, *side)
        shapes = ((*place, channels * (2 * self.neighbours + 1)), (*place, 1))
        return tf_dataset.dataset(lambda step: self.batch(number, step), self.steps, shapes)
