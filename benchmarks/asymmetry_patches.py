"""Patches of cases with asymmetry maps, whose intensities are augmented in the modalities alone."""

from dataclasses import dataclass

import asymmetry
import numpy as np

from unet_course.data.layouts import MODALITIES
from unet_course.training.patch_batches import Patches


@dataclass(frozen=True, kw_only=True, eq=False)
class AsymmetryPatches(Patches):
    """`Patches` of cases with asymmetry (`asymmetry.with_asymmetry`), eight channels.

    `augment` changes the intensities of the modalities only; the asymmetry maps are scaled by at
    most its `contrast`.

    Raises:
        ValueError: as `Patches`, or cases without asymmetry.
    """

    def __post_init__(self):
        super().__post_init__()
        if self.cases[0].images.shape[-1] != asymmetry.CHANNELS:
            raise ValueError("these cases have no asymmetry: use asymmetry.with_asymmetry")

    def recolour(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if not self.augment:
            return image
        own, maps = np.split(image, [len(MODALITIES)], axis=-1)
        amount = self.augment.contrast
        own = self.augment.recolour(own, rng)
        gain = 1 + rng.uniform(-amount, amount, maps.shape[-1])
        return np.concatenate([own, maps * gain.astype(np.float32)], axis=-1)
