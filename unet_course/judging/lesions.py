"""Lesion-wise scores as BraTS defines them: Dice, HD95 and surface Dice of each lesion, then the mean.

Over a whole volume one large lesion hides small ones that were missed. BraTS has scored lesions by
two rules, both taken here from the challenge's own public code for glioma (GLI):

- "2023": Saluja, BraTS-2023-Metrics (2023), described in Moawad et al., "BraTS-METS 2023" (2023).
- "2024": Saluja, BraTS-2024-Metrics, `metrics_GLI.py` (2024), for gliomas after treatment (de Verdier
  et al., "BraTS 2024", 2024). A public copy for 2025 keeps the rule, with surface Dice at 2 mm.

Scores by different rules can't be compared.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from unet_course.judging.mask_checks import as_masks, bounding_box, check_spacing
from unet_course.judging.metrics import dice
from unet_course.judging.surfaces import hd95, surface_distances

TOUCHING = np.ones((3, 3, 3))  # 26 neighbours: by a face, an edge or a corner
STEP = ndimage.generate_binary_structure(3, 2)  # 18 neighbours: one step of BraTS' dilation
TOLERANCES = (0.5, 1.0)  # mm, of the surface Dice that the code of 2024 reports


class Rule(NamedTuple):
    """One year's settings; volumes in mm³, the penalty in mm."""

    threshold: float  # lesions of at most this volume don't count
    threshold_et: float  # the same for the enhancing tumour
    prunes: bool  # predicted pieces are joined by dilation, and small ones removed
    penalty: float  # HD95 of a missed lesion and of a false piece


# the penalties: the diagonals of 240 × 240 × 155 voxels of 1 mm (373.1, rounded up) and of
# 182 × 218 × 182
RULES = {
    "2023": Rule(threshold=50.0, threshold_et=50.0, prunes=False, penalty=374.0),
    "2024": Rule(threshold=20.0, threshold_et=10.0, prunes=True, penalty=337.0),
}


class Lesion(NamedTuple):
    """A true lesion that counts: volume in mm³, scores, and whether any piece detected it."""

    volume: float
    dice: float
    hd95: float
    detected: bool
    surface_dice: tuple[float, float]  # for 0.5 and 1 mm (`TOLERANCES`)


class Lesionwise(NamedTuple):
    """What `lesionwise` returns: mean scores, counts, and each lesion that counts."""

    dice: float
    hd95: float
    true_positives: int
    false_negatives: int
    false_positives: int
    too_small: int  # true lesions that don't count
    lesions: tuple[Lesion, ...]
    surface_dice: tuple[float, float]
    removed: int  # predicted pieces that were removed as too small: never any by the rule of 2023


def lesionwise(
    truth: np.ndarray,
    prediction: np.ndarray,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    *,
    rule: str = "2023",
    region: str = "WT",
    dilation: int = 3,
    threshold: float | None = None,
    penalty: float | None = None,
) -> Lesionwise:
    """Lesion-wise Dice, HD95, surface Dice and detection of one region in one case (BraTS, GLI).

    1. The truth is dilated by `dilation` steps (18 neighbours each). Pieces of it whose dilations
       are connected (26 neighbours) are one lesion. Scores are against the truth as it was.
    2. The prediction's pieces are its 26-connected components. By the rule of 2023 each is a
       piece of its own, however small. By that of 2024 they are joined by dilation as the
       truth's are, and what has at most `threshold` mm³ when joined is removed.
    3. A piece belongs to every lesion whose dilation it touches. A lesion with a piece or more is
       detected (true positive) and scored with all its pieces together. A lesion without one is
       missed (false negative): Dice 0, surface Dice 0, HD95 `penalty`.
    4. Lesions of at most `threshold` mm³ don't count, and their pieces are no false positives.
    5. A piece that belongs to no lesion is a false positive: Dice 0, surface Dice 0, HD95
       `penalty`. The scores are means over the lesions that count and the false positives.

    Differences from the challenge's code: HD95 is `surfaces.hd95`, not `surface-distance`. The code
    of 2024 also joins pieces of ET that touch the same piece of another tissue, so ours may count
    more pieces of ET; it joins and matches NETC and RC by 5 steps (`dilation=5`), and counts voxels,
    not mm³: the same at 1 mm. Its regions NETC, SNFH and RC (core without enhancement,
    surrounding FLAIR hyperintensity, resection cavity) take the thresholds of WT.

    Args:
        truth, prediction: (x, y, z), masks of one region, bool or 0 and 1.
        spacing: of the voxels in mm; BraTS has 1 mm throughout.
        region: its name; "ET" has a threshold of its own in 2024.
        dilation: steps, in voxels, 0 or more. 3 for glioma; the code of 2023 has 1 for metastases
            and meningioma.
        threshold: in mm³; None: the rule's for this region.
        penalty: in mm; None: the rule's, the diagonal of its volumes.

    Returns:
        Scores and counts (`Lesionwise`). Where no lesion counts and none is false, Dice and surface
        Dice are 1 and HD95 is 0; where none counts and something is false, 0 and `penalty`.

    Raises:
        ValueError: what `metrics.dice` refuses, masks that aren't 3-D, spacing that isn't three
            positive numbers, another rule, or a setting below 0.

    Two lesions of 64 mm³, one found exactly, one missed, and a false voxel. 2023: (1 + 0 + 0) / 3 and
    (0 + 374 + 374) / 3 mm. 2024: the voxel is removed, (1 + 0) / 2 and (0 + 337) / 2 mm:

    >>> truth, prediction = np.zeros((40, 40, 12)), np.zeros((40, 40, 12))
    >>> truth[4:8, 4:8, 4:8] = prediction[4:8, 4:8, 4:8] = 1
    >>> truth[24:28, 4:8, 4:8] = prediction[30, 30, 6] = 1
    >>> for rule in RULES:
    ...     scores = lesionwise(truth, prediction, rule=rule)
    ...     print(round(scores.dice, 3), round(scores.hd95, 1), *scores[2:5], scores.removed)
    0.333 249.3 1 1 1 0
    0.5 168.5 1 1 0 1
    """
    truth, prediction = as_masks(truth, prediction)
    if truth.ndim != 3:
        raise ValueError(f"lesions are counted in volumes, which are 3-D; got {truth.shape}")
    spacing = check_spacing(spacing, 3)
    if rule not in RULES:
        raise ValueError(f"no rule {rule!r}; there are {', '.join(RULES)}")
    settings = RULES[rule]
    if threshold is None:
        threshold = settings.threshold_et if region == "ET" else settings.threshold
    if penalty is None:
        penalty = settings.penalty
    if dilation != int(dilation) or min(dilation, threshold, penalty) < 0:
        raise ValueError(
            "dilation must be a whole number and none of dilation, threshold and penalty below 0; "
            f"got {dilation}, {threshold}, {penalty}"
        )
    if not (truth | prediction).any():
        return Lesionwise(1.0, 0.0, 0, 0, 0, 0, (), (1.0, 1.0), 0)
    # the rest doesn't matter: what dilation would join outside the box, it joins inside as well
    box = bounding_box(truth | prediction)
    truth, prediction = truth[box], prediction[box]
    voxel = float(np.prod(spacing))
    reach, lesions = _joined(truth, int(dilation))
    if settings.prunes:
        pieces, number = _joined(prediction, int(dilation))
        pieces[~prediction] = 0
        sizes = np.bincount(pieces.ravel(), minlength=number + 1) * voxel
        small = sizes <= threshold
        pieces[small[pieces]] = 0
        removed = int(small[1:].sum())
    else:
        pieces, number = ndimage.label(prediction, TOUCHING)
        removed = 0

    touched = (reach > 0) & (pieces > 0)
    pairs = np.unique(np.stack([reach[touched], pieces[touched]]), axis=1)
    judged, too_small = [], 0
    for lesion in range(1, lesions + 1):
        of_lesion = truth & (reach == lesion)
        volume = float(of_lesion.sum() * voxel)
        if volume <= threshold:
            too_small += 1
            continue
        hits = pairs[1, pairs[0] == lesion]
        if len(hits):
            judged.append(_scored(volume, of_lesion, np.isin(pieces, hits), spacing))
        else:
            judged.append(Lesion(volume, 0.0, float(penalty), False, (0.0, 0.0)))

    false = number - removed - len(np.unique(pairs[1]))
    detected = sum(lesion.detected for lesion in judged)
    counts = (detected, len(judged) - detected, false, too_small)
    if not judged and not false:
        return Lesionwise(1.0, 0.0, *counts, (), (1.0, 1.0), removed)
    rows = len(judged) + false
    mean_dice = sum(lesion.dice for lesion in judged) / rows
    mean_hd95 = (sum(lesion.hd95 for lesion in judged) + false * penalty) / rows
    nsd = tuple(float(sum(each.surface_dice[i] for each in judged) / rows) for i in (0, 1))
    return Lesionwise(float(mean_dice), float(mean_hd95), *counts, tuple(judged), nsd, removed)


def _joined(mask: np.ndarray, dilation: int) -> tuple[np.ndarray, int]:
    """The dilated mask's components, numbered from 1, and how many there are."""
    if dilation:
        mask = ndimage.binary_dilation(mask, STEP, dilation)
    return ndimage.label(mask, TOUCHING)


def _scored(volume: float, truth: np.ndarray, prediction: np.ndarray, spacing) -> Lesion:
    near = bounding_box(truth | prediction)
    truth, prediction = truth[near], prediction[near]
    both_ways = surface_distances(truth, prediction, spacing)
    # as the code of 2024 has it, which took it from nnU-Net: each surface's own share, then the mean
    # of the two; `surfaces.surface_dice` puts all surface voxels together
    nsd = tuple(
        float(np.mean([(distances <= limit * (1 + 1e-9)).mean() for distances in both_ways]))
        for limit in TOLERANCES
    )
    far = hd95(truth, prediction, spacing, distances=both_ways)
    return Lesion(volume, dice(truth, prediction), far, True, nsd)
