"""Make one synthetic case like those of BraTS 2020: four skull-stripped volumes and labels."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy import ndimage

from unet_course.synthetic import contrasts, mr_physics, tumour_growth
from unet_course.synthetic.anatomy import Head, average_head, head_axes, sample, sample_head
from unet_course.synthetic.deformation import random_warp
from unet_course.synthetic.render import Scalp, paint

SHAPE = (240, 240, 155)  # x, y, z
# Voxel indices to mm, as in BraTS 2020's own headers: x runs to the left, y to the back, z up.
AFFINE = np.array([[-1.0, 0, 0, 0], [0, -1, 0, 239], [0, 0, 1, 0], [0, 0, 0, 1]])
MODALITIES = contrasts.MODALITIES
# The part of the volume, (z, y, x), that can hold any of a brain.
BOX = (slice(0, 150), slice(26, 226), slice(38, 202))

# Grades in a fixed cycle, so that any eight cases in a row include both, and two without label 4.
GRADES = ("high", "low", "high", "high", "high", "high", "low", "high")
FOCI = (1, 1, 1, 2, 1, 1, 1, 3)
# Quantiles of whole-tumour volume, cm³.
_VOLUMES = ([0, 0.05, 0.25, 0.5, 0.75, 0.95, 1], [12, 22, 52, 88, 135, 210, 250])


@dataclass(frozen=True)
class BratsPlan:
    """The random properties of case `number`, drawn before anything is computed."""

    number: int
    id: str
    grade: str  # "high", or "low": without enhancement, hence without label 4
    foci: int
    volume: float  # of the whole tumour, cm³
    site: int  # index into tumour_growth.SITES
    side: int  # 1: in the template's right half, -1: in the left


def brats_plan(seed: int, number: int) -> BratsPlan:
    """Draw the properties of case `number` (from 0), which depend on `seed` and `number` only.

    >>> plan = brats_plan(0, 1)
    >>> plan.id, plan.grade
    ('BraTS20_Synthetic_002', 'low')
    """
    rng = np.random.default_rng([seed, number, 3])
    # Sizes are spread evenly over their distribution by the golden ratio.
    share = (np.random.default_rng([seed, 3]).random() + number * 0.6180339887) % 1
    grade, foci = GRADES[number % len(GRADES)], FOCI[number % len(FOCI)]
    volume = float(np.interp(share, *_VOLUMES))
    site, side = tumour_growth.draw_site(rng), int(rng.choice([-1, 1]))
    name = f"BraTS20_Synthetic_{number + 1:03d}"
    return BratsPlan(number, name, grade, foci, volume, site, side)


def brats_case(seed: int, number: int) -> tuple[BratsPlan, np.ndarray, np.ndarray]:
    """Make the images and labels of one case.

    Returns:
        The plan, images `int16` (240, 240, 155, 4) in the order of `MODALITIES`, background
        exactly 0, and labels `uint8` (240, 240, 155) of 0, 1, 2 and 4. Axes as in `AFFINE`.
    """
    plan = brats_plan(seed, number)
    rng = np.random.default_rng([seed, number, 4])
    head = average_head()
    where = positions(rng, head)
    tumour = _tumour(rng, head, plan, where)
    shape, points = where.shape[1:], where.reshape(3, -1)
    distance = sample_head(head.distance, points, outside=60)
    near = np.flatnonzero(distance < 8)
    where = np.ascontiguousarray(points[:, near])[:, None]
    tables = contrasts.draw(rng)
    lines, parts = paint(
        where,
        head,
        tumour,
        tables,
        scalp=Scalp(rng.uniform(4, 7), rng.uniform(1.5, 5)),
        uneven=rng.uniform(0.02, 0.08),
        atrophy=float(np.exp(rng.normal(0.1, 0.35))),
        mottle=rng.uniform(0.01, 0.05),
    )
    sulci = details(rng, lines[:, 0], parts[:, 0], where[:, 0], near, shape, tables)
    labels = np.zeros(np.prod(shape), np.uint8)
    labels[near] = tumour_growth.labels(parts)[0]
    del where, points, parts
    distance[near] += np.float32(rng.uniform(0.5, 5)) * sulci
    masks = brain_masks(rng, distance.reshape(shape))
    images = np.zeros((len(lines), *SHAPE[::-1]), np.int16)
    isotropic = rng.random() < 0.2  # 1 mm throughout, in all four
    for image, line, mask in zip(images, lines, masks, strict=True):
        volume = np.zeros(np.prod(shape), np.float32)
        volume[near] = line[0]
        blurred = scan(rng, volume.reshape(shape), isotropic=isotropic)
        image[BOX] = np.where(mask, _to_numbers(rng, blurred, mask), 0)
    placed = np.zeros(SHAPE[::-1], np.uint8)
    placed[BOX] = np.where(np.any(masks, axis=0), labels.reshape(shape), 0)
    return plan, images.transpose(3, 2, 1, 0), placed.transpose(2, 1, 0)


def positions(rng: np.random.Generator, head: Head, step: int = 1) -> np.ndarray:
    """Template positions of the voxels of `BOX`, (3, z, y, x) in mm, float32.

    Voxels are `step` mm wide, each one at the centre of the block of 1 mm voxels that it replaces.
    """
    # BraTS brains are registered to the SRI-24 atlas, which is smaller than ICBM's.
    scale = np.array([0.90, 0.88, 0.95]) * np.exp(rng.normal(0, 0.012, 3))
    centre = np.array([62.0, 129.0, 119.5]) + rng.normal(0, [2, 2, 1])
    z, y, x = (
        (np.arange(side.start, side.stop, step) + (step - 1) / 2 - middle) / zoom
        for side, middle, zoom in zip(BOX, centre, scale, strict=True)
    )
    mirror = rng.choice([-1.0, 1.0])
    where = random_warp(rng, head, strength=rng.uniform(0.7, 1.1), tilt=0.5)(z, -15 - y, mirror * x)
    # Narrow or wide ventricles: the deep brain is shrunk or expanded around each of them.
    wide = rng.uniform(-0.3, 0.5)
    for side in (-1, 1):
        reach = rng.uniform(14, 22)
        lopsided = np.clip(wide + rng.normal(0, 0.06), -0.4, 0.55)
        tumour_growth.swell(where, (16.0, -14.0, 14.0 * side), lopsided * reach, reach)
    return where


def _tumour(rng, head, plan, where) -> tumour_growth.Tumour:
    """Grow the tumour's foci in the template and make room for them in `where`."""
    # The template is larger than the patient, and the mass effect widens the tumour too.
    volume = plan.volume * 0.97
    shares = rng.uniform(0.05, 0.4, plan.foci - 1)
    whole = None
    for share in (1 - shares.sum() / 2, *shares):
        if whole is None:
            place = first = tumour_growth.draw_seed(rng, head, plan.site, plan.side)
        else:  # satellites are mostly in the same hemisphere, some in the other
            tries = first + rng.normal(0, 26, (200, 3))
            white = sample(head.white, tries.T.astype(np.float32), head.origin)
            place = tries[int(np.argmax(white > 0.6))]
        grown = tumour_growth.grow(rng, head, place, float(volume * share), grade=plan.grade)
        tumour_growth.push_away(where, grown)
        whole = grown if whole is None else tumour_growth.together(whole, grown)
    return _diffuse(rng, whole) if plan.grade == "low" else whole


def _diffuse(rng, tumour: tumour_growth.Tumour) -> tumour_growth.Tumour:
    """A low-grade tumour as BraTS labels it: nothing enhances, and its margin counts as oedema."""
    oedema, solid, enhancing, cyst = tumour.parts
    whole = tumour.parts.sum(0)
    depth = ndimage.distance_transform_edt(whole > 0.5) * tumour_growth.SPACING
    width = rng.uniform(2, 7)  # mm
    core = np.clip((depth - width - 2 * tumour.texture) / 2, 0, 1).astype(np.float32)
    parts = [oedema + (1 - core) * (solid + enhancing + cyst), core * (solid + enhancing)]
    return replace(tumour, parts=np.stack([*parts, np.zeros_like(cyst), core * cyst]))


@lru_cache(maxsize=1)
def places() -> np.ndarray:
    """Ventricles, their surroundings and sulci, 0 to 1 on the head grid: (3, z, y, x)."""
    head = average_head()
    points = np.stack(np.meshgrid(*head_axes(), indexing="ij")).reshape(3, -1)
    volumes = (head.grey, head.white, head.brain)
    grey, white, brain = (sample(volume, points, head.origin) for volume in volumes)
    fluid = np.clip(brain - grey - white, 0, 1).reshape(head.distance.shape)
    deep = fluid * (head.distance < -22)
    caps = ndimage.gaussian_filter(deep, 2.0)
    sulci = ndimage.gaussian_filter(fluid * (head.distance >= -22), 0.7)
    return np.stack([deep, caps / caps.max(), np.clip(2 * sulci, 0, 1)])


def details(rng, images, parts, where, near, shape, tables, step: int = 1) -> np.ndarray:
    """Add vessels, bright caps of the ventricles and fine texture in place; return sulci's shares.

    `images` (4, n), `parts` (4, n) and `where` (3, n) are at the voxels `near` of a volume of
    `shape`, each `step` mm wide; so is what is returned, (n,).
    """
    deep, caps, sulci = (sample_head(v, where) for v in places())
    healthy = 1 - parts.sum(0)
    # In older people white matter around the ventricles is bright on T2 and FLAIR without tumour.
    caps *= (1 - deep) * healthy * np.float32(max(0, rng.normal(0.25, 0.35)))
    images[2] *= 1 + 0.6 * caps
    images[3] *= 1 + caps
    # Vessels are the lines on which two smooth random fields are both 0.
    fields = [mr_physics.clouds(rng, shape, 4.5 / step).ravel()[near] for _ in range(2)]
    width = np.float32(rng.uniform(0.12, 0.25))
    vessels = np.exp(-(fields[0] ** 2 + fields[1] ** 2) / width**2)
    vessels *= healthy * np.clip(0.12 + sulci + 0.6 * deep, 0, 1) * np.float32(rng.uniform(0.4, 1))
    images[0] += vessels * np.float32(rng.uniform(0, 0.5))
    images[1] += vessels * np.float32(tables[1]["vessel"])
    images[2] *= 1 - 0.5 * vessels
    grain = 0.5 * mr_physics.clouds(rng, shape, 1.5 / step)
    grain += mr_physics.clouds(rng, shape, 6.0 / step)
    grain = grain.ravel()[near] * (0.25 + (1 - healthy))
    for image, sign in zip(images, (-0.5, 0.6, 1, 1), strict=True):
        image *= 1 + grain * np.float32(sign * rng.uniform(0.02, 0.09))
    return sulci


def brain_masks(rng, distance: np.ndarray, step: int = 1) -> np.ndarray:
    """Brain masks of skull-stripping, (4, z, y, x) bool: one mask, or four that differ slightly."""
    shape = distance.shape
    edge = distance + rng.uniform(0.5, 1.8) * mr_physics.clouds(rng, shape, 6.0 / step)
    # In places some tissue around the brain is left.
    left = np.clip(mr_physics.clouds(rng, shape, 12.0 / step) - rng.uniform(1.4, 2.6), 0, 1)
    edge -= rng.uniform(3, 10) * left
    level = rng.uniform(-3.5, -0.3)
    if rng.random() < 0.5:
        return np.broadcast_to(_one_piece(edge < level), (4, *shape))
    masks = []
    for _ in range(4):
        mask = _one_piece(edge + 0.4 * mr_physics.clouds(rng, shape, 6.0 / step) < level)
        if rng.random() < 0.2:  # the scan doesn't cover the lowest slices
            mask[: int(rng.integers(1, 12)) // step] = False
        masks.append(mask)
    return np.stack(masks)


def _one_piece(mask: np.ndarray) -> np.ndarray:
    pieces, _ = ndimage.label(mask[::2, ::2, ::2])
    largest = pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:])
    near = ndimage.binary_dilation(largest, iterations=2)
    grown = near.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    return mask & grown[tuple(slice(n) for n in mask.shape)]


def scan(rng, volume: np.ndarray, isotropic: bool, step: int = 1) -> np.ndarray:
    """Blur, bias, slices and noise, for a volume of `step` mm in which white matter is 1."""
    volume = ndimage.gaussian_filter(volume, rng.uniform(0.3, 0.75) / step, truncate=3)
    volume *= mr_physics.bias_field(rng, volume.shape, abs(rng.normal(0, 0.2)))
    thickness = 1.0 if isotropic or rng.random() < 0.2 else rng.uniform(2.0, 6.5)
    axis, slope = int(rng.choice(3, p=[0.8, 0.1, 0.1])), tuple(rng.normal(0, 0.08, 2))
    # Thick slices have a better signal.
    sigma = rng.uniform(0.008, 0.04) * (1.0 if thickness < 1.5 else 0.8)
    sigma /= step  # noise of an average over a larger voxel
    return mr_physics.in_slices(rng, volume, axis, thickness / step, slope, sigma)


def _to_numbers(rng, scan: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Convert signal to a scanner's arbitrary units: white matter at 90 to 3000."""
    white = float(np.exp(rng.uniform(np.log(90), np.log(3000))))
    scan = np.power(np.clip(scan, 0, None), np.float32(rng.uniform(0.9, 1.1)))
    return np.clip(np.round(scan * np.float32(white)), 1, 32767).astype(np.int16)
