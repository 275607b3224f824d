"""Calibration: reliability diagram and expected calibration error.

A network is calibrated if eight in ten of the pixels to which it gives 0.8 are tumour. A good Dice,
which judges the mask after a threshold, doesn't imply it.
"""

from typing import NamedTuple

import numpy as np


class Reliability(NamedTuple):
    """The reliability curve, each (bins,): see `reliability`."""

    centre: np.ndarray
    confidence: np.ndarray
    observed: np.ndarray
    count: np.ndarray


def reliability(truth: np.ndarray, probability: np.ndarray, bins: int = 10) -> Reliability:
    """Reliability curve: predicted probability against observed frequency, in bins.

    The reliability diagram (DeGroot & Fienberg, 1983; Niculescu-Mizil & Caruana, 2005) for one
    class: pixels are sorted by their probability of tumour into bins of equal width, on a border
    into the upper one. If calibration is perfect, `observed` equals `confidence` in each bin. Easy
    background can be left out, as in `reliability(truth[brain], probability[brain])`.

    Args:
        truth: 0 and 1 or bool, any shape.
        probability: predicted probability of 1, of the same shape, 0 to 1.

    Returns:
        `centre` of each bin, mean `confidence` and `observed` frequency of tumour in it (NaN in an
        empty bin), all 0 to 1, and `count` of its pixels.

    Raises:
        ValueError: other shapes, no pixels, a truth other than 0 and 1, probabilities outside 0
            to 1 or NaN, or fewer than one bin.

    >>> curve = reliability(np.array([0, 0, 1, 1]), np.array([0.1, 0.3, 0.7, 0.9]), bins=2)
    >>> [array.round(2).tolist() for array in curve]
    [[0.25, 0.75], [0.2, 0.8], [0.0, 1.0], [2, 2]]
    """
    truth, probability = np.asarray(truth), np.asarray(probability)
    if truth.shape != probability.shape:
        raise ValueError(f"truth {truth.shape} and probability {probability.shape} differ in shape")
    if not truth.size:
        raise ValueError(f"arrays of shape {truth.shape} have no pixels to judge")
    if truth.dtype != bool and not ((truth == 0) | (truth == 1)).all():
        raise ValueError("the truth must hold 0 and 1 only; divide a 0/255 mask by 255")
    if not ((probability >= 0) & (probability <= 1)).all():
        raise ValueError("probabilities must be 0 to 1; logits need a sigmoid first")
    if bins != int(bins) or bins < 1:
        raise ValueError(f"bins must be a whole number, at least 1; got {bins}")
    bins = int(bins)
    truth, probability = truth.ravel().astype(float), probability.ravel().astype(float)
    lines = np.arange(1, bins) / bins  # not linspace: its 0.3 is a little more than 0.3
    place = np.searchsorted(lines, probability, side="right")
    count = np.bincount(place, minlength=bins)
    some = np.where(count > 0, count, np.nan)  # dividing by it leaves NaN in empty bins
    confidence = np.bincount(place, weights=probability, minlength=bins) / some
    observed = np.bincount(place, weights=truth, minlength=bins) / some
    return Reliability((np.arange(bins) + 0.5) / bins, confidence, observed, count)


def expected_calibration_error(truth: np.ndarray, probability: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error: mean gap between probability and frequency, 0 to 1.

    `Σ count / all · |observed - confidence|` over the bins of `reliability` (Naeini et al., 2015;
    Guo et al., 2017). Guo bins by the probability of the chosen class, from 0.5 up; here it is that
    of tumour, from 0 up, so that errors on the two sides of 0.5 can't cancel. As almost every
    pixel is easy background, the value for whole scans is small for any network.

    Arguments and errors as for `reliability`. Two pixels each at 0.2 and 0.8 on average, of which
    none and all are tumour, give 0.5 · 0.2 + 0.5 · 0.2:

    >>> truth, probability = np.array([0, 0, 1, 1]), np.array([0.1, 0.3, 0.7, 0.9])
    >>> round(expected_calibration_error(truth, probability, bins=2), 3)
    0.2
    """
    curve = reliability(truth, probability, bins)
    gap = np.abs(curve.observed - curve.confidence)
    return float(np.nansum(gap * curve.count) / curve.count.sum())
