"""Each lesion counts alike: Dice, HD95 and detection lesion by lesion, as BraTS 2023 has them.

Over a whole volume one large lesion hides ten small ones that were missed. The definition is that
of the challenge's own code (Saluja, BraTS-2023-Metrics, 2023; used in Moawad et al., "BraTS-METS
2023", 2023), here with the settings for glioma (GLI); for metastases (MET) they are `dilation=1`
and `threshold=2`, for meningioma (MEN) `dilation=1`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from unet_course.judging.mask_checks import as_masks, bounding_box, check_spacing
from unet_course.judging.metrics import dice
from unet_course.judging.surfaces import hd95

TOUCHING = np.ones((3, 3, 3))  # 26 neighbours: by a face, an edge or a corner
SPREAD = ndimage.generate_binary_structure(3, 2)  # 18: what BraTS dilates with, step by step


class Lesion(NamedTuple):
    """A lesion of the truth that counts: its volume in mm³, Dice, HD95 in mm, and if it was hit."""

    volume: float
    dice: float
    hd95: float
    detected: bool


class Lesionwise(NamedTuple):
    """What `lesionwise` finds: the two scores, the counts, and each lesion that counts."""

    dice: float
    hd95: float
    true_positives: int
    false_negatives: int
    false_positives: int
    too_small: int
    lesions: tuple[Lesion, ...]


def lesionwise(
    truth: np.ndarray,
    prediction: np.ndarray,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    *,
    dilation: int = 3,
    threshold: float = 50.0,
    penalty: float = 374.0,
) -> Lesionwise:
    """Lesion-wise Dice, HD95 and detection of one region in one case (BraTS 2023, GLI).

    1. The truth is dilated by `dilation` steps (18 neighbours each); pieces of it that then hang
       together by 26 neighbours are one lesion. Scores are against the truth as it was.
    2. The prediction's pieces are its 26-connected components, not dilated. Each belongs to every
       lesion whose dilation it touches: it may serve two, and it needn't touch the lesion itself.
    3. A lesion with at least one piece is detected (true positive); its Dice and HD95 are those
       of all its pieces together, far ends included. One without is missed (false negative):
       Dice 0, HD95 `penalty`.
    4. Lesions of at most `threshold` mm³ don't count, and their pieces are no false positives.
    5. A piece that belongs to no lesion is a false positive, however small it is: it adds a Dice
       of 0 and an HD95 of `penalty`. Both scores are means over lesions and false positives.

    BraTS takes HD95 from `surface-distance`, ours is `surfaces.hd95` (it says what differs); all
    else agrees.

    Args:
        truth, prediction: (x, y, z), masks of one region, bool or 0 and 1.
        spacing: of the voxels in mm; BraTS has 1 mm throughout.
        dilation: steps, in voxels, 0 or more.
        threshold: in mm³.
        penalty: in mm; BraTS: the diagonal of its volumes, rounded up.

    Returns:
        `dice` (0 to 1) and `hd95` (mm), the counts `true_positives`, `false_negatives` and
        `false_positives`, how many lesions were `too_small`, and `lesions`. Where no lesion counts
        and nothing is false, Dice is 1 and HD95 0; where none counts and something is, 0 and
        `penalty`.

    Raises:
        ValueError: what `metrics.dice` refuses, masks that aren't 3-D, spacing that isn't three
            positive numbers, or a setting below 0.

    Two lesions of 64 mm³, one found exactly, one missed, and one false alarm: (1 + 0 + 0) / 3 and
    (0 + 374 + 374) / 3 mm, where Dice over the volume is 0.66:

    >>> truth, prediction = np.zeros((40, 40, 12)), np.zeros((40, 40, 12))
    >>> truth[4:8, 4:8, 4:8] = prediction[4:8, 4:8, 4:8] = 1
    >>> truth[24:28, 4:8, 4:8] = prediction[30, 30, 6] = 1
    >>> found = lesionwise(truth, prediction)
    >>> round(found.dice, 3), round(found.hd95, 1), round(dice(truth, prediction), 2)
    (0.333, 249.3, 0.66)
    >>> found.true_positives, found.false_negatives, found.false_positives
    (1, 1, 1)
    """
    truth, prediction = as_masks(truth, prediction)
    if truth.ndim != 3:
        raise ValueError(f"lesions are counted in volumes, which are 3-D; got {truth.shape}")
    spacing = check_spacing(spacing, 3)
    if dilation != int(dilation) or min(dilation, threshold, penalty) < 0:
        raise ValueError(
            "dilation must be a whole number and none of dilation, threshold and penalty below 0; "
            f"got {dilation}, {threshold}, {penalty}"
        )
    if not (truth | prediction).any():
        return Lesionwise(1.0, 0.0, 0, 0, 0, 0, ())
    # the rest doesn't matter: what dilation would join outside the box, it joins inside as well
    box = bounding_box(truth | prediction)
    truth, prediction = truth[box], prediction[box]
    reach = ndimage.binary_dilation(truth, SPREAD, int(dilation)) if dilation else truth
    reach, lesions = ndimage.label(reach, TOUCHING)
    pieces, number = ndimage.label(prediction, TOUCHING)

    touched = (reach > 0) & (pieces > 0)
    pairs = np.unique(np.stack([reach[touched], pieces[touched]]), axis=1)
    judged, too_small = [], 0
    for lesion in range(1, lesions + 1):
        of_lesion = truth & (reach == lesion)
        volume = float(of_lesion.sum() * np.prod(spacing))
        if volume <= threshold:
            too_small += 1
            continue
        hits = pairs[1, pairs[0] == lesion]
        if not len(hits):
            judged.append(Lesion(volume, 0.0, float(penalty), False))
            continue
        found = np.isin(pieces, hits)
        near = bounding_box(of_lesion | found)
        here, there = of_lesion[near], found[near]
        judged.append(Lesion(volume, dice(here, there), hd95(here, there, spacing), True))

    false = number - len(np.unique(pairs[1]))
    detected = sum(lesion.detected for lesion in judged)
    counts = (detected, len(judged) - detected, false, too_small)
    if not judged and not false:
        return Lesionwise(1.0, 0.0, *counts, ())
    rows = len(judged) + false
    mean_dice = sum(lesion.dice for lesion in judged) / rows
    mean_hd95 = (sum(lesion.hd95 for lesion in judged) + false * penalty) / rows
    return Lesionwise(float(mean_dice), float(mean_hd95), *counts, tuple(judged))
