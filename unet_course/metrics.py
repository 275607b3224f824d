"""How good is a mask? Overlap per case, with the convention for empty masks stated.

A *case* is whatever is judged at once: one slice, or all slices of a patient together. Where both
masks are empty there is nothing to find and nothing was claimed, so the score is 1; where one is
empty it is 0 (the convention of the BraTS challenge).
"""

from collections.abc import Mapping

import numpy as np


def _pair(truth: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    truth, prediction = np.asarray(truth), np.asarray(prediction)
    if truth.shape != prediction.shape:
        raise ValueError(f"truth {truth.shape} and prediction {prediction.shape} differ in shape")
    for name, mask in (("truth", truth), ("prediction", prediction)):
        if mask.dtype != bool and not np.isin(mask, (0, 1)).all():
            raise ValueError(
                f"the {name} must hold 0 and 1 only; threshold probabilities first, and divide a "
                "0/255 mask by 255"
            )
    return truth.astype(bool), prediction.astype(bool)


def dice(truth: np.ndarray, prediction: np.ndarray) -> float:
    """Twice the overlap over the sum of both sizes (Dice, 1945; Sørensen, 1948), 0 to 1.

    Args:
        truth, prediction: masks of one case, of the same shape, bool or 0 and 1.

    Returns:
        2 |A ∩ B| / (|A| + |B|); 1 where both are empty, 0 where one is.

    Raises:
        ValueError: other shapes, or values other than 0 and 1.

    >>> dice(np.array([1, 1, 0, 0]), np.array([0, 1, 1, 0]))
    0.5
    >>> dice(np.zeros(4), np.zeros(4))
    1.0
    """
    truth, prediction = _pair(truth, prediction)
    total = truth.sum() + prediction.sum()
    return float(2 * (truth & prediction).sum() / total) if total else 1.0


def iou(truth: np.ndarray, prediction: np.ndarray) -> float:
    """Overlap over union (Jaccard, 1912), 0 to 1; empty masks and errors as for `dice`.

    It is Dice / (2 - Dice): never larger, and in the same order.

    >>> round(iou(np.array([1, 1, 0, 0]), np.array([0, 1, 1, 0])), 3)
    0.333
    """
    truth, prediction = _pair(truth, prediction)
    union = (truth | prediction).sum()
    return float((truth & prediction).sum() / union) if union else 1.0


def accuracy(truth: np.ndarray, prediction: np.ndarray) -> float:
    """Share of pixels that agree, 0 to 1. Background counts too, so "no tumour" scores high.

    >>> accuracy(np.array([1, 0, 0, 0]), np.zeros(4))
    0.75
    """
    truth, prediction = _pair(truth, prediction)
    return float((truth == prediction).mean())


def dice_by_patient(
    patients: np.ndarray, truth: np.ndarray, prediction: np.ndarray
) -> dict[str, float]:
    """Volumetric Dice: all slices of a patient are one case.

    Args:
        patients: (slices,), the patient's id of each slice.
        truth, prediction: (slices, *spatial), bool or 0 and 1.

    Returns:
        Dice by patient, in the order in which the ids first appear.

    >>> masks = np.array([[1, 0], [0, 0], [0, 0]])
    >>> dice_by_patient(np.array(["a", "a", "b"]), masks, masks)
    {'a': 1.0, 'b': 1.0}
    """
    patients = np.asarray(patients)
    return {
        str(patient): dice(truth[patients == patient], prediction[patients == patient])
        for patient in dict.fromkeys(patients.tolist())
    }


def summary(scores: Mapping[str, float]) -> dict[str, float]:
    """Mean, median, lowest and highest of scores by patient.

    >>> summary({"a": 0.5, "b": 0.9, "c": 1.0})
    {'mean': 0.8, 'median': 0.9, 'lowest': 0.5, 'highest': 1.0}
    """
    values = np.array(list(scores.values()), float)
    if not len(values):
        raise ValueError("no scores to sum up")
    found = {"mean": values.mean(), "median": np.median(values)}
    found |= {"lowest": values.min(), "highest": values.max()}
    return {name: round(float(value), 6) for name, value in found.items()}
