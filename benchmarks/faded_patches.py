"""Patches of cases with asymmetry maps, in some of which the tumour is made fainter."""

from dataclasses import dataclass

import asymmetry
import numpy as np

from unet_course.data.layouts import MODALITIES
from unet_course.training.patch_batches import Patches


@dataclass(frozen=True, kw_only=True, eq=False)
class FadedPatches(Patches):
    """`Patches` of cases with asymmetry (`asymmetry.with_asymmetry`), eight channels.

    `augment` changes the intensities of the modalities only; the asymmetry maps are scaled by at
    most its `contrast`.

    Args:
        fade: share of the patches whose tumour is made fainter, by up to four fifths of its
            difference from the other half (`asymmetry.fade`).

    Raises:
        ValueError: as `Patches`, a share outside 0 to 1, or cases without asymmetry.
    """

    fade: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        if not 0 <= self.fade <= 1:
            raise ValueError(f"fade must lie in 0 to 1, it is {self.fade}")
        if self.cases[0].images.shape[-1] != asymmetry.CHANNELS:
            raise ValueError("these cases have no asymmetry: use asymmetry.with_asymmetry")

    def recolour(
        self, image: np.ndarray, labels: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        if self.fade and rng.random() < self.fade:
            image = asymmetry.fade(image, labels, rng.uniform(0, 0.8))
        if not self.augment:
            return image
        own, maps = np.split(image, [len(MODALITIES)], axis=-1)
        amount = self.augment.contrast
        own = self.augment.recolour(own, rng)
        gain = 1 + rng.uniform(-amount, amount, maps.shape[-1])
        return np.concatenate([own, maps * gain.astype(np.float32)], axis=-1)
