"""Uncertainty of a case: what several masks disagree on, risk–coverage curves, conformal intervals.

A measure of uncertainty is useful if it ranks the cases by their error; `risk_coverage` measures that.
`conformal_radius` turns errors on some cases into an interval for others.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from unet_course.judging.mask_checks import as_masks
from unet_course.judging.metrics import dice


def mean_entropy(probability: np.ndarray) -> float:
    """Mean entropy of the predicted pixels in bits, 0 (sure) to 1 (0.5 everywhere).

    Predicted are those of 0.5 and above; where there are none it is 1: a network that finds nothing
    in a patient known to have a tumour has nothing to be sure of.

    Args:
        probability: of one case, any shape, 0 to 1.

    >>> round(mean_entropy(np.array([0.0, 0.5, 1.0])), 3)
    0.5
    """
    p = np.asarray(probability, float)
    p = np.clip(p[p >= 0.5], 1e-7, 1 - 1e-7)
    if not p.size:
        return 1.0
    return float(-(p * np.log2(p) + (1 - p) * np.log2(1 - p)).mean())


def disagreement(masks: Sequence[np.ndarray]) -> float:
    """1 minus the mean Dice of all pairs of masks of one case (Roy et al., 2019).

    The masks come from the members of an ensemble, from flips or from passes with dropout. Where all
    are empty it is 1, as in `mean_entropy`; where only some are, the pairs' Dice are 0 or 1 as ever.

    Raises:
        ValueError: fewer than two masks, or masks of different shapes.

    >>> one, other = np.array([1, 1, 0]), np.array([1, 0, 0])
    >>> round(disagreement([one, one, other]), 3)  # Dice of the pairs: 1, 2/3, 2/3
    0.222
    """
    if len(masks) < 2:
        raise ValueError(f"a disagreement needs two masks at least, not {len(masks)}")
    if not any(np.any(mask) for mask in masks):
        return 1.0
    pairs = [dice(*as_masks(one, other)) for i, one in enumerate(masks) for other in masks[i + 1 :]]
    return float(1 - np.mean(pairs))


def risk_coverage(errors: Iterable[float], unsure: Iterable[float]) -> np.ndarray:
    """Mean error of the cases that remain while the most unsure are handed to a human.

    Args:
        errors: one per case, such as 1 − Dice.
        unsure: one per case, larger for less sure; ties are broken by the order given.

    Returns:
        (cases,): entry k is the mean error of the k + 1 surest. The last is the mean of all. The mean
        of the entries is the area under the risk–coverage curve (Geifman and El-Yaniv, 2017): small
        where the sure cases have small errors.

    Raises:
        ValueError: none, different numbers of both, or values that aren't finite.

    >>> risk_coverage([0.1, 0.5, 0.3], unsure=[1, 3, 2]).round(3).tolist()
    [0.1, 0.2, 0.3]
    """
    errors, unsure = (np.asarray(list(values), float) for values in (errors, unsure))
    if errors.shape != unsure.shape or not errors.size:
        raise ValueError(f"{errors.size} errors and {unsure.size} uncertainties: one each per case")
    if not (np.isfinite(errors).all() and np.isfinite(unsure).all()):
        raise ValueError("errors and uncertainties must be finite")
    sorted_errors = errors[np.argsort(unsure, kind="stable")]
    return np.cumsum(sorted_errors) / np.arange(1, errors.size + 1)


def conformal_radius(scores: Iterable[float], level: float = 0.9) -> float:
    """Split conformal prediction: how far off a new case is at most, with probability `level`.

    The ⌈(n + 1) · level⌉-th smallest of n scores (Vovk et al., 2005; Angelopoulos and Bates, 2021).
    The promise holds on average over calibration sets, for a new case of the same kind as these, that
    neither trained nor chose the network.

    Args:
        scores: of n calibration cases, larger for a worse prediction, such as the absolute
            difference of truth and prediction.
        level: of the interval.

    Returns:
        The radius; infinite where n is too small for the level (n < level / (1 − level)).

    Raises:
        ValueError: no scores, or a level outside 0 to 1.

    >>> conformal_radius([3, 1, 2, 4, 5, 6, 7, 8, 9], level=0.9)
    9.0
    >>> conformal_radius([3, 1, 2], level=0.9)
    inf
    """
    scores = np.sort(np.asarray(list(scores), float))
    if not scores.size or np.isnan(scores).any():
        raise ValueError("a radius needs calibration scores, none of them NaN")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, it is {level}")
    # the small number keeps 10 · 0.9 from becoming 10
    rank = math.ceil((scores.size + 1) * level - 1e-9)
    return float(scores[rank - 1]) if rank <= scores.size else math.inf
