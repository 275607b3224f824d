"""3-D training batches: patches from prepared cases, augmented, as `tf.data` datasets.

A patch depends only on the numbers (seed, epoch, step), as in `slice_batches`. A rotated or
deformed patch is sampled directly from the volume, so that its corners hold real tissue and not
padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from unet_course.data import brats
from unet_course.data.layouts import LABELS, REGIONS
from unet_course.data.prepared_cases import PreparedCase
from unet_course.training import tf_dataset
from unet_course.training.augment import Augmentation
from unet_course.training.resampling import sample_linear, sample_nearest

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

# row = label, columns = regions; the float32 that the losses take
_REGIONS_OF = np.zeros((max(LABELS) + 1, len(REGIONS)), np.float32)
_REGIONS_OF[list(LABELS)] = brats.regions(np.array(list(LABELS)))


@dataclass(frozen=True, kw_only=True, eq=False)
class Patches:
    """Endless, repeatable training batches: `patches.epoch(3)` is always the same dataset.

    Args:
        cases: the cases to draw from, each equally often.
        size: voxels along x, y and z.
        steps: batches per epoch; None: as many as hold about as many voxels as all cases together.
        foreground: share of the patches that are drawn around a tumour voxel: first a case with
            tumour is drawn, then one of its labels (each equally often, so that a small enhancing
            rim is seen as often as a large oedema), then a voxel of that label. The others are
            drawn around any voxel of the brain.
        augment: `augment.VOLUMES` or a variant of it; None: no augmentation.

    A patch that would reach beyond the cropped volume is moved inwards, so that its centre may
    differ from the voxel that it was drawn around. If the volume is smaller than the patch, or a
    rotated patch reaches beyond it, the rest is background, 0.

    Raises:
        ValueError: no cases, a case without mask, no tumour to draw, a size, batch size or number
            of steps below 1, a share outside 0 to 1, or cases with different numbers of channels.
    """

    cases: Sequence[PreparedCase]
    size: tuple[int, int, int] = (64, 64, 64)
    batch_size: int = 2
    steps: int | None = None
    foreground: float = 0.67
    augment: Augmentation | None = None
    seed: int = 0

    def __post_init__(self):
        if not self.cases:
            raise ValueError("no cases to draw patches from")
        first = self.cases[0]
        for case in self.cases:
            if case.labels is None:
                raise ValueError(f"{case.id} has no mask, so it can't be trained on")
            channels = case.images.shape[-1]
            if channels != first.images.shape[-1]:
                raise ValueError(
                    f"{case.id} has {channels} channels, {first.id} has "
                    f"{first.images.shape[-1]}: prepare all cases alike"
                )
        if len(self.size) != 3 or min(self.size) < 1:
            raise ValueError(f"size must be three numbers of 1 or more, it is {self.size}")
        for name, number in (("batch_size", self.batch_size), ("steps", self.steps)):
            if number is not None and number < 1:
                raise ValueError(f"{name} must be 1 or more, it is {number}")
        if not 0 <= self.foreground <= 1:
            raise ValueError(f"foreground must lie in 0 to 1, it is {self.foreground}")
        places = [_by_label(case.centres) for case in self.cases]
        ill = [i for i, labels in enumerate(places) if len(labels) > 1]
        if self.foreground and not ill:
            raise ValueError("no case holds tumour: set foreground=0, or add cases")
        object.__setattr__(self, "_places", places)
        object.__setattr__(self, "_ill", ill)
        if self.steps is None:
            voxels = sum(case.images[..., 0].size for case in self.cases)
            steps = round(voxels / (self.batch_size * np.prod(self.size)))
            object.__setattr__(self, "steps", max(1, steps))

    def batch(self, epoch: int, step: int) -> tuple[np.ndarray, np.ndarray]:
        """One batch: images `(batch, *size, channels)`, masks `(batch, *size, 3)` of WT, TC, ET."""
        rng = np.random.default_rng((self.seed, epoch, step))
        images = np.empty((self.batch_size, *self.size, self.cases[0].images.shape[-1]), np.float32)
        masks = np.empty((self.batch_size, *self.size, len(REGIONS)), np.float32)
        for i in range(self.batch_size):
            images[i], labels = self.cut(*self.place(rng), rng)
            masks[i] = _REGIONS_OF.take(labels, axis=0)
        return images, masks

    def place(self, rng: np.random.Generator) -> tuple[PreparedCase, np.ndarray]:
        """Draw a case and the voxel in it around which a patch is cut."""
        if rng.random() < self.foreground:
            number = self._ill[rng.integers(len(self._ill))]
            labels = [label for label in self._places[number] if label]
            label = labels[rng.integers(len(labels))]
        else:
            number, label = int(rng.integers(len(self.cases))), 0
        places = self._places[number][label]
        return self.cases[number], places[rng.integers(len(places))]

    def cut(
        self, case: PreparedCase, centre: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Cut the patch around a voxel, augmented: float32 `(*size, channels)` and labels uint8 `(*size)`."""
        size = np.array(self.size)
        free = np.array(case.images.shape[:3]) - size
        # a volume smaller than the patch is centred in it
        corner = np.where(free < 0, free // 2, np.clip(centre - size // 2, 0, np.maximum(free, 0)))
        flips, where = self.augment.plan(self.size, rng) if self.augment else ((), None)
        if where is None:
            image = np.flip(_window(case.images, corner, size), flips).astype(np.float32)
            labels = np.flip(_window(case.labels, corner, size), flips)
        else:
            for axis in flips:
                np.subtract(size[axis] - 1, where[axis], out=where[axis], casting="unsafe")
            low = np.floor(where.min(axis=(1, 2, 3))).astype(int)
            high = np.floor(where.max(axis=(1, 2, 3))).astype(int) + 2
            where -= low.astype(np.float32)[:, None, None, None]
            region = _window(case.images, corner + low, high - low).astype(np.float32)
            image = sample_linear(region, where)
            region = _window(case.labels, corner + low, high - low)
            labels = sample_nearest(region[..., None], where)[..., 0]
        return self.recolour(image, rng), labels

    def recolour(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Change a patch's intensities, if `augment` is given: `(*size, channels)` in and out."""
        return self.augment.recolour(image, rng) if self.augment else image

    def epoch(self, number: int) -> tf.data.Dataset | keras.utils.PyDataset:
        """Epoch `number` as a dataset of (images, masks), made while the network trains."""
        channels = self.cases[0].images.shape[-1]
        patches = (self.batch_size, *self.size)
        shapes = ((*patches, channels), (*patches, len(REGIONS)))
        return tf_dataset.dataset(lambda i: self.batch(number, i), self.steps, shapes, at_once=2)


def _by_label(centres: np.ndarray) -> dict[int, np.ndarray]:
    """Voxels (n, 3) by label, for the labels that occur."""
    by_label = {
        int(label): centres[centres[:, 0] == label, 1:] for label in np.unique(centres[:, 0])
    }
    return {label: places.astype(int) for label, places in by_label.items()}


def _window(volume: np.ndarray, corner: np.ndarray, size: np.ndarray) -> np.ndarray:
    """The part of a volume that begins at `corner`, `(*size, …)`; 0 outside the volume."""
    start = np.clip(corner, 0, volume.shape[:3])
    stop = np.clip(corner + size, start, volume.shape[:3])
    inside = volume[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))]
    if inside.shape[:3] == tuple(size):
        return inside
    window = np.zeros((*size, *volume.shape[3:]), volume.dtype)
    begin = start - corner
    window[tuple(slice(a, a + n) for a, n in zip(begin, inside.shape[:3], strict=True))] = inside
    return window
