"""Post-processing for BraTS: from probabilities to labels, clean-up, and NIfTI files.

All steps after the first work on labels, so tumour core stays inside whole tumour, and enhancing
tumour inside the core, whatever is removed.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import nibabel
import numpy as np
from scipy import ndimage

from unet_course.data import nifti
from unet_course.data.brats import Case, labels_of
from unet_course.data.layouts import CORE, ENHANCING, REGIONS, VOLUME_ENDINGS
from unet_course.judging.mask_checks import bounding_box, check_spacing
from unet_course.judging.metrics import dice

MINIMA = (0, 10, 20, 50, 100, 200, 300, 400, 500, 750, 1000)  # mm³, candidates of `choose_minimum`


def largest_component(
    mask: np.ndarray,
    connectivity: int | None = None,
    share: float = 1.0,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Keep the largest connected component of a mask; an empty mask stays empty.

    A patient of the LGG set usually has one tumour, so smaller components are mostly false alarms.
    Of two equally large components the first is kept.

    Args:
        mask: bool or 0 and 1, any number of axes: all slices of a patient together.
        connectivity: 1: pixels are neighbours if they share a face; up to the number of axes, the
            default: also if they share a corner.
        share: below 1, components with at least this share of the largest one's pixels are kept,
            too: of two nearly equal ones, size alone doesn't tell which is the false alarm.
        weights: weight of each pixel, 0 or more, in the mask's shape. None: 1 each. With
            probabilities as weights, a small but certain component can win over a larger one.

    Returns:
        The mask, of the same shape and type.

    Raises:
        ValueError: a share outside 0 (excluded) to 1, or weights of another shape or below 0.

    >>> largest_component(np.array([1, 0, 1, 1]))
    array([0, 0, 1, 1])
    >>> largest_component(np.array([1, 0, 1, 1]), weights=np.array([0.9, 0, 0.4, 0.4]))
    array([1, 0, 0, 0])
    """
    if not 0 < share <= 1:
        raise ValueError(f"share must be above 0 and at most 1, it is {share}")
    mask = np.asarray(mask)
    if weights is not None:
        weights = np.asarray(weights)
        if weights.shape != mask.shape:
            raise ValueError(f"weights must be {mask.shape}, as the mask is; got {weights.shape}")
        if not (weights >= 0).all():
            raise ValueError("weights must be 0 or more")
    if not mask.any():
        return mask.copy()
    box = bounding_box(mask)  # counting makes copies of 8 bytes a voxel
    touching = ndimage.generate_binary_structure(mask.ndim, connectivity or mask.ndim)
    pieces, count = ndimage.label(mask[box], touching)
    if count < 2:
        return mask.copy()
    sizes = np.bincount(pieces.ravel(), None if weights is None else weights[box].ravel())
    sizes[0] = -1  # the background isn't a piece
    kept = sizes >= share * sizes.max() if share < 1 else np.arange(count + 1) == sizes.argmax()
    kept[0] = False
    result = np.zeros_like(mask)
    result[box] = np.where(kept[pieces], mask[box], result[box])
    return result


def largest_tumour(
    labels: np.ndarray,
    connectivity: int | None = None,
    share: float = 1.0,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Keep the largest component of the whole tumour, with the core and enhancing tumour in it.

    BraTS cases usually have one tumour; a tumour with two foci loses the smaller one. Labels
    (x, y, z), 0, 1, 2, 4, in and out; the other arguments as in `largest_component`.

    >>> largest_tumour(np.array([[[2, 4, 0, 4]]]))
    array([[[2, 4, 0, 0]]])
    """
    labels = np.asarray(labels)
    kept = largest_component(labels != 0, connectivity, share, weights)
    return np.where(kept, labels, labels.dtype.type(0))


def drop_small(
    prediction: np.ndarray, minimum: float, spacing: Sequence[float] = (1.0, 1.0, 1.0)
) -> np.ndarray:
    """Turn all enhancing tumour of a case into core if there is less than `minimum` of it.

    About a tenth of BraTS cases have no enhancing tumour. A few voxels predicted there give a Dice
    of 0, none would give 1, while a large region loses little by the rule (Isensee et al., "No
    new-net", 2018, and "nnU-Net for brain tumor segmentation", 2020). The rule looks at the case's
    whole enhancing volume, not at each component. Choose `minimum` on validation cases, with
    `choose_minimum`.

    Args:
        prediction: labels (x, y, z), or regions (x, y, z, 3) as `brats.regions` has them, of one case.
        minimum: in mm³, 0 or more; a volume equal to it is kept, so 0 changes nothing.
        spacing: of the voxels in mm; BraTS has 1 mm throughout.

    Returns:
        A copy in which, if the rule applies, label 4 has become 1, or the region ET is empty; WT
        and TC are unchanged.

    Raises:
        ValueError: another number of axes, a minimum below 0, or an invalid spacing.

    >>> drop_small(np.array([[[2, 1, 4, 4]]]), minimum=3)
    array([[[2, 1, 1, 1]]])
    """
    enhancing = _enhancing(prediction)
    _at_least_0(minimum)
    changed = np.array(prediction)
    if enhancing.sum() * _voxel_volume(spacing) < minimum:
        if changed.ndim == 4:
            changed[..., REGIONS.index("ET")] = 0
        else:
            changed[enhancing] = CORE
    return changed


class ChosenMinimum(NamedTuple):
    """Result of `choose_minimum`: the minimum in mm³, and the mean Dice of ET by candidate."""

    minimum: float
    dice: dict[float, float]


def choose_minimum(
    truths: Iterable[np.ndarray],
    predictions: Iterable[np.ndarray],
    candidates: Collection[float] = MINIMA,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
) -> ChosenMinimum:
    """Choose the minimum of `drop_small`: the candidate with the best mean Dice of ET over the cases.

    Give it cases on which the network wasn't trained and for which no result is reported
    afterwards. Of equally good candidates (within 1e-9) the smallest is taken, as it changes least.
    Dice is that of `metrics.dice`: 1 if truth and prediction are both empty.

    Args:
        truths, predictions: labels or regions of each case, as `drop_small` takes them, in the
            same order. They may be generators: one case is in memory at a time.
        candidates: in mm³, 0 or more; 0 leaves the prediction unchanged.
        spacing: of the voxels in mm, the same in all cases.

    Raises:
        ValueError: no cases, unequal numbers of truths and predictions, no candidates, and what
            `drop_small` refuses.

    A false alarm of 2 mm³ in one case, 3 of 4 mm³ found in another:

    >>> truths = np.array([[[[1, 1, 1, 1]]], [[[4, 4, 4, 4]]]])
    >>> predictions = np.array([[[[1, 1, 4, 4]]], [[[4, 4, 4, 1]]]])
    >>> choose_minimum(truths, predictions, candidates=(0, 2, 3, 4)).minimum
    3
    """
    candidates = sorted(set(candidates))
    if not candidates:
        raise ValueError("no candidates to choose from")
    _at_least_0(candidates[0])
    voxel, scores = _voxel_volume(spacing), []
    for truth, prediction in zip(truths, predictions, strict=True):
        truth, prediction = _enhancing(truth), _enhancing(prediction)
        volume = prediction.sum() * voxel
        kept, dropped = dice(truth, prediction), float(not truth.any())
        scores.append([dropped if volume < minimum else kept for minimum in candidates])
    if not scores:
        raise ValueError("no cases to choose from")
    means = np.mean(scores, axis=0)
    best = int(np.argmax(means >= means.max() - 1e-9))
    return ChosenMinimum(candidates[best], dict(zip(candidates, means.tolist(), strict=True)))


def labels_from(
    probabilities: np.ndarray,
    threshold: float | Sequence[float] = 0.5,
    *,
    largest: bool = True,
    share: float = 1.0,
    weights: np.ndarray | None = None,
    minimum: float = 0.0,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
) -> np.ndarray:
    """Turn the regions' probabilities of a case into labels, and clean them up.

    The steps are: threshold; labels, with the innermost region deciding (`brats.labels_of`);
    `largest_tumour`; `drop_small`. In this order, enhancing tumour in removed components doesn't
    count towards the minimum.

    Args:
        probabilities: (x, y, z, 3) of WT, TC and ET, or masks of them.
        threshold: probability from which a voxel belongs to a region; one number, or one for each
            region.
        largest: keep only the largest component; `share` and `weights` as in `largest_component`.
        minimum, spacing: as in `drop_small`.

    Returns:
        uint8 (x, y, z), 0, 1, 2, 4; all 0 if nothing reaches the threshold.

    Raises:
        ValueError: another shape, and what `drop_small` refuses.

    >>> probabilities = np.zeros((1, 1, 5, 3))
    >>> probabilities[0, 0] = [[0.9, 0.1, 0], [0.9, 0.8, 0.6], [0.9, 0.8, 0], [0, 0, 0], [0.7, 0, 0]]
    >>> labels_from(probabilities)
    array([[[2, 4, 1, 0, 0]]], dtype=uint8)
    >>> labels_from(probabilities, minimum=2)
    array([[[2, 1, 1, 0, 0]]], dtype=uint8)
    """
    probabilities = np.asarray(probabilities)
    if probabilities.ndim != 4 or probabilities.shape[-1] != len(REGIONS):
        expected = f"(x, y, z, {len(REGIONS)}) for {', '.join(REGIONS)}"
        raise ValueError(f"probabilities must be {expected}; got {probabilities.shape}")
    # region by region: a float16 against three thresholds at once would become a whole float64
    levels = np.broadcast_to(threshold, len(REGIONS)).tolist()
    above = [probabilities[..., i] >= level for i, level in enumerate(levels)]
    labels = labels_of(np.stack(above, axis=-1))
    if largest:
        labels = largest_tumour(labels, share=share, weights=weights)
    return drop_small(labels, minimum, spacing)


def write_prediction(case: Case, labels: np.ndarray, path: Path | str) -> Path:
    """Write labels as a NIfTI mask in the space of the case's images.

    Affine, units and codes are those of the case's first image; the label numbers are those of its
    layout (enhancing tumour is 3 in BraTS 2023 and MSD Task01); the type is uint8. The file is
    written under a temporary name and renamed when complete, so that an interrupted run leaves an
    existing file as it was.

    Args:
        labels: (x, y, z) in the course's numbers 0, 1, 2, 4, at the full size of the case's files
            (`PreparedCase.restore` brings a cropped volume back to it).
        path: a name that ends in .nii or .nii.gz; its folder is made if necessary. Returned.

    Raises:
        ValueError: another ending, another shape than the case's, or other labels.
        DataError: the case's first image can't be read.
    """
    path = Path(path)
    ending = next((e for e in reversed(VOLUME_ENDINGS) if path.name.endswith(e)), None)
    if ending is None:
        raise ValueError(f"{path}: the name must end in {' or '.join(VOLUME_ENDINGS)}")
    header = nifti.read_header(case.images[0]).copy()
    labels = np.asarray(labels)
    shape = header.get_data_shape()[:3]
    if labels.shape != shape:
        raise ValueError(
            f"labels of {case.id} must be {shape}, as its files are; got {labels.shape}"
        )
    affine = header.get_best_affine()
    header.extensions.clear()  # notes from the image's own processing
    header["cal_min"] = header["cal_max"] = 0  # display range of the image, meaningless for labels
    header.set_data_dtype(np.uint8)
    image = nibabel.Nifti1Image(case.layout.to_disk(labels), affine, header)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".writing-", suffix=ending, dir=path.parent)
    os.close(handle)
    try:
        nibabel.save(image, temporary)
        os.chmod(temporary, 0o644)  # mkstemp makes files that only their owner can read
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)
    return path


def _enhancing(given: np.ndarray) -> np.ndarray:
    """Mask of ET, bool (x, y, z), from labels or regions."""
    given = np.asarray(given)
    if given.ndim == 3:
        return given == ENHANCING
    if given.ndim == 4 and given.shape[-1] == len(REGIONS):
        return given[..., REGIONS.index("ET")] != 0
    expected = f"labels are (x, y, z) and regions (x, y, z, {len(REGIONS)})"
    raise ValueError(f"{expected}; got {given.shape}")


def _voxel_volume(spacing: Sequence[float]) -> float:
    """In mm³."""
    return float(np.prod(check_spacing(spacing, 3)))


def _at_least_0(minimum: float) -> None:
    if not minimum >= 0:
        raise ValueError(f"the minimum must be 0 mm³ or more, it is {minimum}")
