"""Make one synthetic case like those of BraTS 2020: four skull-stripped volumes and labels."""

from dataclasses import dataclass

import numpy as np

from unet_course.synthetic import brain_volumes, contrasts, tumour_growth, tumour_kinds
from unet_course.synthetic.anatomy import average_head
from unet_course.synthetic.brain_volumes import BOX, Variety

SHAPE = (240, 240, 155)  # x, y, z
# Voxel indices to mm, as in BraTS 2020's own headers: x runs to the left, y to the back, z up.
AFFINE = np.array([[-1.0, 0, 0, 0], [0, -1, 0, 239], [0, 0, 1, 0], [0, 0, 0, 1]])
MODALITIES = contrasts.MODALITIES

# Kinds in a fixed cycle, so that any eight cases in a row include two without label 4.
KINDS = ("rim", "diffuse", "rim", "rim", "rim", "rim", "diffuse", "rim")
FOCI = (1, 1, 1, 2, 1, 1, 1, 3)
# Quantiles of whole-tumour volume, cm³.
_VOLUMES = ([0, 0.05, 0.25, 0.5, 0.75, 0.95, 1], [12, 22, 52, 88, 135, 210, 250])


@dataclass(frozen=True)
class BratsPlan:
    """The random properties of case `number`, drawn before anything is computed."""

    number: int
    id: str
    kind: str  # "rim", or "diffuse": without enhancement, hence without label 4
    foci: int
    volume: float  # of the whole tumour, cm³
    site: int  # index into tumour_growth.SITES
    side: int  # 1: in the template's right half, -1: in the left


def brats_plan(seed: int, number: int) -> BratsPlan:
    """Draw the properties of case `number` (from 0), which depend on `seed` and `number` only.

    >>> plan = brats_plan(0, 1)
    >>> plan.id, plan.kind
    ('BraTS20_Synthetic_002', 'diffuse')
    """
    rng = np.random.default_rng([seed, number, 3])
    # Sizes are spread evenly over their distribution by the golden ratio.
    share = (np.random.default_rng([seed, 3]).random() + number * 0.6180339887) % 1
    kind, foci = KINDS[number % len(KINDS)], FOCI[number % len(FOCI)]
    volume = float(np.interp(share, *_VOLUMES))
    site, side = tumour_growth.draw_site(rng), int(rng.choice([-1, 1]))
    name = f"BraTS20_Synthetic_{number + 1:03d}"
    return BratsPlan(number, name, kind, foci, volume, site, side)


def brats_case(seed: int, number: int) -> tuple[BratsPlan, np.ndarray, np.ndarray]:
    """Make the images and labels of one case.

    Returns:
        The plan, images `int16` (240, 240, 155, 4) in the order of `MODALITIES`, background
        exactly 0, and labels `uint8` (240, 240, 155) of 0, 1, 2 and 4. Axes as in `AFFINE`.
    """
    plan = brats_plan(seed, number)
    rng = np.random.default_rng([seed, number, 4])
    head = average_head()
    where = brain_volumes.positions(rng, head)
    first = tumour_growth.draw_seed(rng, head, plan.site, plan.side)
    seeds = tumour_kinds.satellites(rng, head, first, plan.foci)
    tumour = tumour_kinds.grow_foci(rng, head, plan.kind, plan.volume, seeds, where)
    volumes, labels = brain_volumes.render(rng, head, tumour, where, plan.kind, Variety())
    images = np.zeros((len(volumes), *SHAPE[::-1]), np.int16)
    for image, volume in zip(images, volumes, strict=True):
        image[BOX] = _to_numbers(rng, volume)
    placed = np.zeros(SHAPE[::-1], np.uint8)
    placed[BOX] = labels
    return plan, images.transpose(3, 2, 1, 0), placed.transpose(2, 1, 0)


def _to_numbers(rng, volume: np.ndarray) -> np.ndarray:
    """Convert signal to a scanner's arbitrary units: white matter at 90 to 3000, background 0."""
    white = np.float32(np.exp(rng.uniform(np.log(90), np.log(3000))))
    return np.where(volume > 0, np.clip(np.round(volume * white), 1, 32767), 0).astype(np.int16)
