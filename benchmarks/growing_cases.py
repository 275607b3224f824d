"""Synthetic cases that are made while a network trains, so that it sees ever new ones.

A fixed folder of cases is learnt by heart within minutes. Here patches come from a few cases at a
time, and every few steps the oldest of them gives way to a new one.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock

import numpy as np
import tensorflow as tf
from asymmetry import with_asymmetry
from scipy import ndimage

from unet_course.data.brats import Case
from unet_course.data.layouts import BRATS
from unet_course.data.normalise import centres_of, z_score
from unet_course.data.prepared_cases import PreparedCase
from unet_course.synthetic import brain_volumes, brats_case, varied_case
from unet_course.training import tf_dataset
from unet_course.training.patch_batches import Patches

__all__ = ["GrowingPatches", "prepared"]


def prepared(
    seed: int, number: int, variety: brain_volumes.Variety | None = None, mirrored: bool = True
) -> PreparedCase:
    """Make case `number` ready for training at 2 mm, in memory, with asymmetry maps if `mirrored`.

    Its values are those that `prepared_cases.prepare(…, factor=2)` gives real cases: there, z-scores
    are taken at 1 mm, so that averages over blocks have a deviation of about 0.92, and blocks at
    the brain's border are averages with the background's zeros.
    """
    kind, images, labels = varied_case.varied_case(seed, number, variety)
    full_shape = images.shape[:3]
    images, box, brain = z_score(images)
    images *= 0.92
    images[brain & ~ndimage.binary_erosion(brain)] *= 0.6
    labels = np.ascontiguousarray(labels[box])
    case = PreparedCase(
        source=Case(f"varied_{seed}_{number}_{kind}", Path(), BRATS["BraTS 2020"], (), None),
        images=images.astype(np.float16),
        labels=labels,
        centres=centres_of(labels, brain),
        box=box,
        full_shape=full_shape,
        full_affine=brats_case.AFFINE @ np.diag([2.0, 2.0, 2.0, 1.0]),
    )
    return with_asymmetry(case) if mirrored else case


class GrowingPatches:
    """Batches as those of `Patches`, from cases numbered 0, 1, … that are made on the way.

    Step s draws from the `pool` cases that begin with number s // `every`.

    Args:
        patches: makes `Patches` of a list of synthetic cases (and of real ones, if it adds any).
        make: makes synthetic case `number`.
        pool: synthetic cases at a time.
        every: steps after which the oldest one is replaced.
    """

    def __init__(
        self,
        patches: Callable[[Sequence[PreparedCase]], Patches],
        make: Callable[[int], PreparedCase],
        *,
        pool: int = 16,
        every: int = 30,
    ):
        self.patches, self.make = patches, make
        self.pool, self.every = pool, every
        self._lock, self._made, self._windows = Lock(), {}, {}

    def batch(self, epoch: int, step: int) -> tuple[np.ndarray, np.ndarray]:
        """One batch, as `Patches.batch`."""
        with self._lock:  # two batches are made at a time
            patches = self._window(step // self.every)
        return patches.batch(epoch, step)

    def epoch(self, number: int) -> tf.data.Dataset:
        """Endless batches, made while the network trains."""
        shapes = tuple(array.shape for array in self.batch(number, 0))
        return tf_dataset.dataset(lambda i: self.batch(number, i), 10**9, shapes, at_once=2)

    def _window(self, first: int) -> Patches:
        """Patches of the cases from number `first` on; those long before are forgotten."""
        if first not in self._windows:
            numbers = range(first, first + self.pool)
            self._made = {n: self._made.get(n) or self.make(n) for n in numbers}
            self._windows = {k: v for k, v in self._windows.items() if abs(k - first) < 2}
            self._windows[first] = self.patches(list(self._made.values()))
        return self._windows[first]
