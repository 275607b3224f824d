"""Give synthetic cases the tumour contrast of real cases.

The brightness of a tumour's parts varies between patients by more than the sample's ranges cover.
If a few real cases are available for training, their brightness is the best guide: the sample
contributes many shapes and positions, the real cases the contrast. Synthetic images with varied
statistics help networks across scanners (Billot et al., 2023, draw theirs at random).

Healthy tissue enhances, too: choroid plexus, in the ventricles, is as bright on T1ce as a tumour's
rim. The sample's ventricles have none, so a network trained on it alone takes plexus for tumour.
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
        {label: (4,)} float32, in standard deviations of the brain, for those of the labels 1, 2 and
        4 that the case has; empty without tumour.

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
    """Copy each case with its tumour's parts moved towards the brightness of a case of `like`.

    The model case is drawn among those with enhancing tumour if the case has any, otherwise among
    those without (among all if there is none of its kind). Core, oedema and enhancing tumour move
    at least half of the way in all four modalities, with a random deviation of 0.2; texture is
    kept. A part that only one of the two cases has is unchanged. Outside the tumour, clumps in the
    ventricles become bright on T1ce (`plexus`); the rest is unchanged.

    Args:
        cases: prepared, with masks, without `asymmetry.with_asymmetry` (which comes after), with
            voxels of 2 mm.
        like: prepared, with masks: training cases, never those on which results are reported.
        seed: of all random draws.

    Returns:
        New cases with images in memory, in the order of `cases`. Labels are unchanged.

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
                f"{case.id} has {images.shape[-1]} channels: match its contrast before "
                "anything is added to its modalities"
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
    """Return what to add to a case so that clumps in its ventricles enhance like choroid plexus.

    The clumps are deep fluid (bright on T2, dark on FLAIR, more than eight voxels inside the brain)
    in which smooth noise is high, about a third of it. This includes fluid around deep vessels,
    which enhance, too.

    Args:
        images: (x, y, z, 4), z-scored, 0 outside the brain.
        labels: (x, y, z), above 0 in the tumour, which is left out.
        rng: the source of randomness.

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
