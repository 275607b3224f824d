"""Synthetic BraTS cases on a grid of 2 mm: quick enough to be made while a network trains.

They are made as those of `brats_case`, which lessons show, but of all kinds and at all places.
"""

from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy import ndimage

from unet_course.synthetic import brain_volumes, tumour_growth, tumour_kinds
from unet_course.synthetic.anatomy import Head, average_head, sample_head
from unet_course.synthetic.brain_volumes import Variety

STEP = 2  # mm, side of a voxel
# Quantiles of whole-tumour volume, cm³.
_VOLUMES = ([0, 0.05, 0.25, 0.5, 0.75, 0.95, 1], [8, 18, 42, 80, 130, 220, 270])


def varied_case(
    seed: int, number: int, variety: Variety | None = None
) -> tuple[str, np.ndarray, np.ndarray]:
    """Make the images and labels of one case, which depend on the arguments only (about 1.5 s).

    Returns:
        The kind of tumour, images float32 (82, 100, 75, 4) in the order of
        `contrasts.MODALITIES`, 0 outside the brain and white matter at about 1, and labels `uint8`
        (82, 100, 75) of 0, 1, 2 and 4. Axes as in `brats_case`, voxels of 2 mm.
    """
    variety = variety or Variety()
    rng = np.random.default_rng([seed, number, 5])
    names, weights = zip(*variety.kinds, strict=True)
    kind = str(rng.choice(names, p=np.array(weights) / sum(weights)))
    head = _coarse_head()
    where = brain_volumes.positions(rng, head, STEP)
    volume = float(np.interp(rng.random(), *_VOLUMES))
    foci = 1 + int(rng.choice(3, p=np.array(variety.foci) / sum(variety.foci)))
    seeds = tumour_kinds.satellites(rng, head, _seed(rng, head, variety), foci)
    tumour = tumour_kinds.grow_foci(rng, head, kind, volume, seeds, where)
    volumes, labels = brain_volumes.render(rng, head, tumour, where, kind, variety, STEP)
    return kind, np.stack(volumes).transpose(3, 2, 1, 0), labels.transpose(2, 1, 0)


@lru_cache(maxsize=1)
def _coarse_head() -> Head:
    """The average head, its tissues averaged over voxels of 2 mm."""
    head = average_head()
    blurred = {
        name: ndimage.gaussian_filter(getattr(head, name), STEP / 12**0.5)
        for name in ("grey", "white", "brain")
    }
    return replace(head, **blurred)


def _seed(rng, head, variety) -> np.ndarray:
    how = rng.choice(3, p=np.array(variety.sites) / sum(variety.sites))
    if how == 0:
        site, side = tumour_growth.draw_site(rng), int(rng.choice([-1, 1]))
        return tumour_growth.draw_seed(rng, head, site, side)
    tries = rng.uniform((-45, -95, -62), (70, 62, 62), (3000, 3))
    if how == 2:  # just below the cortex
        depth = -sample_head(head.distance, tries.T.astype(np.float32), outside=60)
        tries = tries[(depth > 5) & (depth < 14)]
    return tumour_kinds.in_white(rng, head, tries)
