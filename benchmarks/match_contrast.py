"""Sample cases in real cases' contrast: the same tumour, painted as another scanner shows it.

How bright a tumour's parts are differs between patients by more than a list of ranges foresees.
Where a few real cases are there to train on, their own brightness is the best list that there is:
the sample gives many shapes and places, the real cases the paint. Synthetic images that take on the
statistics of real ones help networks across scanners (Billot et al., 2023, draw theirs at random).

Healthy brains enhance, too: choroid plexus, in the ventricles, is as bright on T1ce as a tumour's
rim. The sample's ventricles have none, so a network that knows nothing else calls it tumour.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import ndimage

from unet_course.data.layouts import CORE, ENHANCING, MODALITIES, OEDEMA
from unet_course.data.prepared_cases import PreparedCase

__all__ = ["brightness", "match_contrast", "plexus"]

PARTS = (CORE, OEDEMA, ENHANCING)
T1, T1CE, T2, FLAIR = range(len(MODALITIES))
EDGE = 0.7  # voxels, standard deviation of the soft border between parts


def brightness(case: PreparedCase) -> dict[int, np.ndarray]:
    """Mean of each modality in each part of a case's tumour.

    Args:
        case: prepared, with a mask.

    Returns:
        {label: (4,)} float32, in deviations of the brain, for those of the labels 1, 2 and 4 that
        the case has; empty without tumour.

    Raises:
        ValueError: the case has no mask.
    """
    if case.labels is None:
        raise ValueError(f"{case.id} has no mask, so its tumour's brightness isn't known")
    images, labels = np.asarray(case.images)[..., : len(MODALITIES)], np.asarray(case.labels)
    return {
        part: images[labels == part].mean(axis=0, dtype=np.float32)
        for part in PARTS
        if (labels == part).any()
    }


def match_contrast(
    cases: Sequence[PreparedCase], like: Sequence[PreparedCase], seed: int = 0
) -> list[PreparedCase]:
    """Each case once more, its tumour's parts moved towards the brightness of a case of `like`.

    Which one is drawn among those that enhance if the case does, among the others if it doesn't
    (among all if there is none of its kind). Core, oedema and enhancing tumour go half of the way
    or more in all four modalities, give or take 0.2 deviations; texture stays. A part that only one
    of the two cases has stays as it is. Outside the tumour clumps in the ventricles become bright
    on T1ce (`plexus`), and all else stays.

    Args:
        cases: prepared, with masks, without `symmetry.with_asymmetry` (which comes after). Made
            for voxels of 2 mm.
        like: prepared, with masks: cases to train on, never those that are judged.
        seed: which draws.

    Returns:
        New cases with images in memory, in the order of `cases`. Labels and places are the same.

    Raises:
        ValueError: a case without a mask or with other channels than the four modalities, or no
            case of `like` with a tumour.
    """
    styles = [style for style in map(brightness, like) if style]
    if not styles:
        raise ValueError("no case with a tumour to take brightness from")
    rng = np.random.default_rng(seed)
    found = []
    for case in cases:
        images, own = np.array(case.images, np.float32), brightness(case)
        if images.shape[-1] != len(MODALITIES):
            raise ValueError(
                f"{case.id} has {images.shape[-1]} channels: restyle it before anything is "
                "added to its modalities"
            )
        alike = [style for style in styles if (ENHANCING in style) == (ENHANCING in own)]
        style = (alike or styles)[rng.integers(len(alike or styles))]
        labels, brain = np.asarray(case.labels), (images != 0).any(axis=-1)
        images += plexus(images, labels, rng)
        for part in PARTS:
            if part in own and part in style:
                where = ndimage.gaussian_filter((labels == part).astype(np.float32), EDGE) * brain
                aim = style[part] - own[part] + rng.normal(0, 0.2, len(MODALITIES))
                images += where[..., None] * (rng.uniform(0.5, 1) * aim).astype(np.float32)
        found.append(replace(case, images=images.astype(case.images.dtype)))
    return found


def plexus(images: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What to add to a case so that clumps in its ventricles enhance, as choroid plexus does.

    Deep fluid (bright on T2, dark on FLAIR, more than eight voxels inside the brain) in about a
    third of which smooth noise is high; that takes in fluid around deep vessels, which enhance too.

    Args:
        images: (x, y, z, 4), z-scored, 0 outside the brain.
        labels: (x, y, z), above 0 in the tumour, which is left out.
        rng: where the randomness comes from.

    Returns:
        (x, y, z, 4) float32, 0 in most places.
    """
    brain = (images != 0).any(axis=-1)
    fluid = (images[..., T2] > 1) & (images[..., FLAIR] < -1) & (labels == 0)
    fluid &= ndimage.distance_transform_edt(brain) > 8
    noise = ndimage.gaussian_filter(rng.standard_normal(fluid.shape, dtype=np.float32), 1.5)
    clumps = np.clip(2 * noise / noise.std() - 1, 0, 1)
    clumps *= ndimage.gaussian_filter(fluid.astype(np.float32), EDGE) * brain
    by = rng.uniform((0, 2, -1, 0.5), (1, 6, 0, 2.5))  # T1, T1ce, T2, FLAIR
    return clumps[..., None] * by.astype(np.float32)
