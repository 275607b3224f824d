"""Overlap metrics for masks (Dice, IoU, precision, recall) with stated conventions for empty masks.

A case is what is judged as a whole: one slice, or all slices of a patient together. If both masks
are empty, the score is 1; if one of them is empty, 0 (the convention of the BraTS challenge). `TP`,
`FP`, `FN` and `TN` count the pixels that are tumour in both masks, in the prediction only, in the
truth only and in neither.

Distances are in `surfaces`, single lesions in `lesions`, probabilities in `calibration`. On which
metric suits which question, see Maier-Hein et al., "Metrics reloaded" (2024).
"""

from collections.abc import Callable, Collection, Iterable, Mapping

import numpy as np

from unet_course.judging.mask_checks import as_masks


def _counts(truth: np.ndarray, prediction: np.ndarray) -> dict[str, int]:
    truth, prediction = as_masks(truth, prediction)
    both, marked, there = (int(m.sum()) for m in (truth & prediction, prediction, truth))
    outside = truth.size - there - marked + both
    return {"TP": both, "FP": marked - both, "FN": there - both, "TN": outside}


def _scores(TP: int, FP: int, FN: int, TN: int) -> dict[str, float]:
    """All overlap scores from the four counts, with the conventions for 0/0."""
    empty = TP + FP + FN == 0

    def share(part: int, whole: int, without: float) -> float:
        return part / whole if whole else float(without)

    return {
        "dice": share(2 * TP, 2 * TP + FP + FN, 1),
        "iou": share(TP, TP + FP + FN, 1),
        "precision": share(TP, TP + FP, empty),
        "recall": share(TP, TP + FN, empty),
        "specificity": share(TN, TN + FP, 1),
        "accuracy": (TP + TN) / (TP + FP + FN + TN),
    }


def dice(truth: np.ndarray, prediction: np.ndarray) -> float:
    """Dice coefficient (Dice, 1945; Sørensen, 1948), 0 to 1: twice the overlap over both sizes.

    Args:
        truth, prediction: masks of one case, of the same shape, bool or 0 and 1.

    Returns:
        `2 |A ∩ B| / (|A| + |B|)`; 1 if both are empty, 0 if one is.

    Raises:
        ValueError: shapes that differ, or values other than 0 and 1.

    >>> dice(np.array([1, 1, 0, 0]), np.array([0, 1, 1, 0]))
    0.5
    >>> dice(np.zeros(4), np.zeros(4))
    1.0
    """
    return _scores(**_counts(truth, prediction))["dice"]


def iou(truth: np.ndarray, prediction: np.ndarray) -> float:
    """Intersection over union (Jaccard, 1912), 0 to 1; empty masks and errors as for `dice`.

    It equals Dice / (2 - Dice): never larger than Dice, and it ranks predictions alike.

    >>> round(iou(np.array([1, 1, 0, 0]), np.array([0, 1, 1, 0])), 3)
    0.333
    """
    return _scores(**_counts(truth, prediction))["iou"]


def precision(truth: np.ndarray, prediction: np.ndarray) -> float:
    """Precision (van Rijsbergen, 1979): share of the prediction that is tumour, TP / (TP + FP).

    Also called positive predictive value. 1 if both masks are empty, 0 if one is (other tools give
    NaN or 1 for an empty prediction), so that Dice is always the harmonic mean of precision and
    recall. Errors as for `dice`. One of two predicted pixels is tumour:

    >>> precision(np.array([1, 1, 1, 0]), np.array([0, 0, 1, 1]))
    0.5
    """
    return _scores(**_counts(truth, prediction))["precision"]


def recall(truth: np.ndarray, prediction: np.ndarray) -> float:
    """Recall (van Rijsbergen, 1979): share of the tumour that was predicted, TP / (TP + FN).

    Also called sensitivity or true positive rate. 1 if both masks are empty, 0 if one is, as in
    BraTS. Errors as for `dice`. One of three tumour pixels is predicted:

    >>> round(recall(np.array([1, 1, 1, 0]), np.array([0, 0, 1, 1])), 3)
    0.333
    """
    return _scores(**_counts(truth, prediction))["recall"]


def specificity(truth: np.ndarray, prediction: np.ndarray) -> float:
    """Specificity (Yerushalmy, 1947): share of healthy pixels left unmarked, TN / (TN + FP).

    Also called true negative rate. 1 if the truth has no healthy pixel. A small tumour in a large
    image makes it close to 1 for almost any prediction. Errors as for `dice`.
    Three of four healthy pixels are left unmarked:

    >>> specificity(np.array([1, 0, 0, 0, 0]), np.array([1, 1, 0, 0, 0]))
    0.75
    """
    return _scores(**_counts(truth, prediction))["specificity"]


def accuracy(truth: np.ndarray, prediction: np.ndarray) -> float:
    """Accuracy: share of pixels that agree, 0 to 1; high for "no tumour", as background counts too.

    Arguments and errors as for `dice`.

    >>> accuracy(np.array([1, 0, 0, 0]), np.zeros(4))
    0.75
    """
    return _scores(**_counts(truth, prediction))["accuracy"]


def pooled(cases: Iterable[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    """Scores pooled over cases: the counts are added up over all cases, then divided once.

    A case then has the weight of its tumour and prediction together, `|truth| + |prediction|`, and
    an empty case counts only through its false positives. The mean of the cases' scores is a
    different number: see `summary`.

    Args:
        cases: (truth, prediction) of each case, such as `zip(truths, predictions)`.

    Returns:
        `cases`, the sums `TP`, `FP`, `FN` and `TN` in pixels, and from these `dice`, `iou`,
        `precision`, `recall`, `specificity` and `accuracy`, with `dice`'s and their conventions.

    Raises:
        ValueError: no cases, something that isn't a pair, or what `dice` refuses.

    Dice 1 and 0 in two cases, 2·3 / (3 + 5) = 0.75 pooled:

    >>> large, small, missed = np.ones(3), np.array([1, 1, 0]), np.zeros(3)
    >>> pooled([(large, large), (small, missed)])["dice"]
    0.75
    """
    total, number = dict.fromkeys(("TP", "FP", "FN", "TN"), 0), 0
    for case in cases:
        if not isinstance(case, tuple | list) or len(case) != 2:
            raise ValueError("each case must be a pair (truth, prediction); try zip(...)")
        for name, count in _counts(*case).items():
            total[name] += count
        number += 1
    if not number:
        raise ValueError("no cases to pool")
    return {"cases": number, **total, **_scores(**total)}


def by_region(
    truth: np.ndarray,
    prediction: np.ndarray,
    regions: Mapping[str, int | Collection[int]],
    metric: Callable[[np.ndarray, np.ndarray], float] = dice,
) -> dict[str, float]:
    """Compute a metric for each region of a label map; regions may share labels (BraTS: WT, TC, ET).

    Args:
        truth, prediction: label maps of one case, of the same shape, whole numbers.
        regions: each region's label or labels.
        metric: takes two bool masks, such as `functools.partial(surfaces.hd95, spacing=(1, 1, 1))`.

    Raises:
        ValueError: shapes that differ, values that aren't whole numbers, or a region without a
            label.

    >>> truth, prediction = np.array([0, 1, 2, 4]), np.array([0, 1, 2, 2])
    >>> scores = by_region(truth, prediction, {"whole": (1, 2, 4), "core": (1, 4), "enhancing": 4})
    >>> {name: round(value, 3) for name, value in scores.items()}
    {'whole': 1.0, 'core': 0.667, 'enhancing': 0.0}
    """
    truth, prediction = np.asarray(truth), np.asarray(prediction)
    if truth.shape != prediction.shape:
        raise ValueError(f"truth {truth.shape} and prediction {prediction.shape} differ in shape")
    for name, labels in (("truth", truth), ("prediction", prediction)):
        if labels.dtype.kind not in "biu" and not (np.mod(labels, 1) == 0).all():
            raise ValueError(f"the {name} must hold labels, which are whole numbers")
    scores = {}
    for region, labels in regions.items():
        labels = np.atleast_1d(np.asarray(labels if np.isscalar(labels) else list(labels)))
        if not labels.size or labels.dtype.kind not in "iu":
            raise ValueError(f"region {region!r} needs at least one label, a whole number")
        scores[region] = metric(np.isin(truth, labels), np.isin(prediction, labels))
    return scores


def dice_by_patient(
    patients: np.ndarray, truth: np.ndarray, prediction: np.ndarray
) -> dict[str, float]:
    """Volumetric Dice by patient: all slices of a patient are one case.

    Args:
        patients: (slices,), the patient's id for each slice.
        truth, prediction: `(slices, *spatial)`, bool or 0 and 1.

    >>> masks = np.array([[1, 0], [0, 0], [0, 0]])
    >>> dice_by_patient(np.array(["a", "a", "b"]), masks, masks)
    {'a': 1.0, 'b': 1.0}
    """
    patients = np.asarray(patients)
    return {
        str(patient): dice(truth[patients == patient], prediction[patients == patient])
        for patient in dict.fromkeys(patients.tolist())
    }


def empty_cases(cases: np.ndarray, truth: np.ndarray) -> tuple[str, ...]:
    """Names of the cases without tumour, whose scores are 1 or 0 by convention; see `summary`.

    `cases` (slices,) names each slice's case, such as the patient; `truth` is `(slices, *spatial)`.

    >>> empty_cases(np.array(["a", "a", "b"]), np.array([[1, 0], [0, 0], [0, 0]]))
    ('b',)
    """
    cases, truth = np.asarray(cases), np.asarray(truth)
    names = dict.fromkeys(cases.tolist())
    return tuple(str(name) for name in names if not truth[cases == name].any())


def summary(scores: Mapping[str, float], empty: Collection[str] | None = None) -> dict[str, float]:
    """Mean, median, lowest and highest of scores by case.

    Args:
        scores: by case.
        empty: the cases whose truth is empty, as `empty_cases` gives them: a mean can include many
            that score 1 because there was nothing to find.

    Returns:
        `mean`, `median`, `lowest`, `highest`; with `empty` also `mean without empty` (NaN if all
        are empty) and `empty cases`.

    Raises:
        ValueError: no scores, or an empty case that has no score.

    >>> summary({"a": 0.5, "b": 0.9, "c": 1.0})
    {'mean': 0.8, 'median': 0.9, 'lowest': 0.5, 'highest': 1.0}
    >>> summary({"a": 0.5, "b": 0.9, "c": 1.0}, empty=["c"])["mean without empty"]
    0.7
    """
    values = np.array(list(scores.values()), float)
    if not len(values):
        raise ValueError("no scores to summarise")
    figures = {"mean": values.mean(), "median": np.median(values)}
    figures |= {"lowest": values.min(), "highest": values.max()}
    if empty is not None:
        if strangers := set(empty) - set(scores):
            raise ValueError(f"no scores for the empty cases {sorted(strangers)}")
        rest = [value for case, value in scores.items() if case not in set(empty)]
        figures["mean without empty"] = np.mean(rest) if rest else np.nan
        figures["empty cases"] = len(set(empty))
    return {name: round(float(value), 6) for name, value in figures.items()}
