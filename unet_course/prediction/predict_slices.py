"""Prediction of LGG slices: probabilities, test-time flips, largest component, full size."""

from collections.abc import Sequence

import keras
import numpy as np

from unet_course.data.slices import Slices, resize
from unet_course.judging.metrics import dice_by_patient
from unet_course.prediction.postprocess import largest_component


def predict(
    model: keras.Model,
    slices: Slices,
    *,
    neighbours: int = 0,
    flips: Sequence[Sequence[int]] = ((),),
    batch_size: int = 16,
) -> np.ndarray:
    """Predict the tumour probability of each pixel.

    Args:
        model: (batch, side, side, channels) → (batch, side, side, 1).
        neighbours: as in the network's training; see `Slices.inputs`.
        flips: test-time augmentation: the network sees each slice flipped along each of these
            sets of axes (0 rows, 1 columns), the predictions are flipped back and averaged.
            `((), (1,))` adds the mirror image.
        batch_size: slices that the network gets at once; it changes time and memory only.

    Returns:
        (slices, side, side, 1) float32, 0 to 1.
    """
    probability = np.empty((*slices.masks.shape[:3], 1), np.float32)
    for start in range(0, len(slices), batch_size):
        index = np.arange(start, min(start + batch_size, len(slices)))
        images = slices.inputs(index, neighbours)
        total = 0
        for axes in flips:
            axes = tuple(axis + 1 for axis in axes)
            output = model.predict_on_batch(np.flip(images, axes) if axes else images)
            total = total + np.flip(np.asarray(output), axes)
        probability[index] = total / len(flips)
    return probability


def keep_largest(patients: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Keep each patient's `largest_component`: masks (slices, side, side, 1), patients (slices,)."""
    kept = masks.copy()
    for patient in np.unique(patients):
        rows = patients == patient
        kept[rows, ..., 0] = largest_component(masks[rows, ..., 0])
    return kept


def patient_dice(
    model: keras.Model,
    slices: Slices,
    *,
    neighbours: int = 0,
    flips: Sequence[Sequence[int]] = ((),),
    threshold: float = 0.5,
) -> dict[str, float]:
    """Predict, and compute Dice by patient at the resolution of `slices` (`metrics.dice_by_patient`)."""
    probabilities = predict(model, slices, neighbours=neighbours, flips=flips)
    return dice_by_patient(slices.patients, slices.masks, probabilities >= threshold)


def full_size(probabilities: np.ndarray, side: int | tuple[int, int] = 256) -> np.ndarray:
    """Resize probabilities (slices, s, s, 1) to the files' size, float32; `side` as in `slices.resize`."""
    return resize(probabilities, side)
