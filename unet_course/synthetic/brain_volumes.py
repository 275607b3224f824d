"""Render and scan a skull-stripped head with a tumour: the four BraTS volumes and their labels.

What varies from case to case spans what was measured in real cases (`benchmarks/README.md`):
oedema that fades outwards, uneven healthy tissue, plexus that enhances, bright spots in white
matter that aren't tumour, tissue that is brighter near the coil.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import ndimage

from unet_course.synthetic import contrasts, mr_physics, tumour_growth
from unet_course.synthetic.anatomy import Head, average_head, head_axes, sample, sample_head
from unet_course.synthetic.deformation import random_warp
from unet_course.synthetic.render import paint

# The part of the volume, (z, y, x), that can hold any of a brain.
BOX = (slice(0, 150), slice(26, 226), slice(38, 202))

Range = tuple[float, float]


@dataclass(frozen=True)
class Variety:
    """Shares of cases and ranges of strengths from which `varied_case` draws.

    Attributes:
        kinds: weight of each kind of tumour. "rim": a core that enhances, in wide oedema; "faint":
            the same shapes with at most specks of faint enhancement; "diffuse": a low-grade mass,
            a quarter to two thirds of it core.
        foci: weights of one, two and three foci.
        sites: weights of the usual sites, of anywhere in white matter, and of just below the cortex.
        fade: contrast that is left of oedema at its outer border, as a share.
        uneven: relative variation of healthy tissue's signal on T2 and FLAIR.
        coil: logarithm of the brightening at the brain's surface; below 0 there is none.
        plexus: share of enhancing plexus in the ventricles' places for it.
        spots: share of cases with bright spots in white matter that aren't tumour.
    """

    kinds: tuple[tuple[str, float], ...] = (("rim", 0.45), ("faint", 0.25), ("diffuse", 0.3))
    foci: tuple[float, float, float] = (0.82, 0.12, 0.06)
    sites: tuple[float, float, float] = (0.5, 0.25, 0.25)
    fade: Range = (0.5, 1.0)
    uneven: Range = (0.02, 0.08)
    coil: Range = (-0.2, 0.35)
    plexus: Range = (0.0, 1.0)
    spots: float = 0.4


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


def render(
    rng: np.random.Generator,
    head: Head,
    tumour: tumour_growth.Tumour,
    where: np.ndarray,
    kind: str,
    variety: Variety,
    step: int = 1,
) -> tuple[list[np.ndarray], np.ndarray]:
    """Make the four volumes, 0 outside the brain and white matter at about 1, and their labels.

    Args:
        rng: the source of randomness.
        head, tumour: the anatomy.
        where: template position of each voxel, float32 (3, z, y, x), as `positions` gives them.
        kind: of tumour, for its contrasts.
        variety: ranges of what varies beside the tumour.
        step: mm, side of a voxel.

    Returns:
        Volumes float32 (z, y, x) in the order of `contrasts.MODALITIES`, and labels `uint8`.
    """
    shape, points = where.shape[1:], where.reshape(3, -1)
    distance = sample_head(head.distance, points, outside=60)
    near = np.flatnonzero(distance < 8)
    where = np.ascontiguousarray(points[:, near])[:, None]
    del points
    tables = contrasts.draw(rng, kind)
    images, parts = paint(
        where,
        head,
        tumour,
        tables,
        uneven=rng.uniform(0.02, 0.12),
        atrophy=float(np.exp(rng.normal(0.1, 0.35))),
        mottle=rng.uniform(0.01, 0.05),
    )
    images, parts, where = images[:, 0], parts[:, 0], where[:, 0]
    _fade_oedema(rng, variety, images, parts, near, shape, tables, step)
    _vary_healthy(rng, variety, images, parts, where, distance[near])
    sulci = _details(rng, images, parts, where, near, shape, tables, step)
    labels = np.zeros(np.prod(shape), np.uint8)
    labels[near] = tumour_growth.labels(parts)
    del parts, where
    distance[near] += np.float32(rng.uniform(0.5, 5)) * sulci
    masks = _brain_masks(rng, distance.reshape(shape), step)
    isotropic, volumes = rng.random() < 0.2, []  # 1 mm throughout, in all four
    for image, mask in zip(images, masks, strict=True):
        volume = np.zeros(np.prod(shape), np.float32)
        volume[near] = image
        scan = _scan(rng, volume.reshape(shape), isotropic, step)
        scan = np.power(np.clip(scan, 1e-3, None), np.float32(rng.uniform(0.9, 1.1)))
        volumes.append(np.where(mask, scan, 0))
    return volumes, np.where(np.any(masks, axis=0), labels.reshape(shape), 0)


def _fade_oedema(rng, variety, images, parts, near, shape, tables, step) -> None:
    """Let oedema's contrast fall with the distance from the core, and vary, in place."""
    core = np.zeros(np.prod(shape), np.float32)
    core[near] = parts[1:].sum(0)
    close = ndimage.gaussian_filter(core.reshape(shape), 2 * rng.uniform(3, 7) / step).ravel()[near]
    left = np.float32(rng.uniform(*variety.fade))
    left = left + (1 - left) * np.clip(close / 0.35, 0, 1)
    left *= (
        1
        + np.float32(rng.uniform(0, 0.2)) * mr_physics.clouds(rng, shape, 5.0 / step).ravel()[near]
    )
    lost = parts[0] * (1 - np.clip(left, 0.2, 1.2))
    for image, table in zip(images, tables, strict=True):
        image *= 1 + lost * np.float32(1 / table["oedema"] - 1)


@lru_cache(maxsize=1)
def _homes() -> np.ndarray:
    """Where plexus is, and white matter that ages, 0 to 1 on the head grid: (2, z, y, x)."""
    head, deep = average_head(), _places()[0]
    z, y, x = np.meshgrid(*head_axes(), indexing="ij", sparse=True)
    glomus = ((z - 12) / 10) ** 2 + ((y + 40) / 11) ** 2 + ((np.abs(x) - 23) / 10) ** 2
    floor = ((z - 17) / 9) ** 2 + ((y + 17) / 20) ** 2 + ((np.abs(x) - 9) / 9) ** 2
    plexus = np.clip(1.5 * ndimage.gaussian_filter(deep, 0.7), 0, 1)
    plexus = plexus * np.clip(np.exp(-glomus) + 0.6 * np.exp(-floor), 0, 1)
    points = np.stack(np.meshgrid(*head_axes(), indexing="ij")).reshape(3, -1)
    white = sample(head.white, points, head.origin).reshape(head.distance.shape)
    return np.stack([plexus, white * (head.distance < -12)]).astype(np.float32)


def _vary_healthy(rng, variety, images, parts, where, distance) -> None:
    """Add what healthy brains show and a network may take for tumour, in place."""
    healthy = 1 - parts.sum(0)
    plexus, white = (sample_head(home, where) for home in _homes())
    # Tissue varies alike in both halves, at two scales, more alike on T2 and FLAIR than on T1.
    fields = [_symmetric(rng, where, scale) for scale in (rng.uniform(8, 16), rng.uniform(3, 6))]
    for image, sign in zip(images, (-0.4, rng.uniform(-0.6, 0.6), 1, 1), strict=True):
        change = sum(sign * rng.uniform(*variety.uneven) * f for f in fields)
        own = rng.uniform(0, 0.04) * _symmetric(rng, where, 10.0)
        image *= 1 + healthy * np.clip(change + own, -0.3, 0.3).astype(np.float32)
    if rng.random() < variety.spots:
        spots = np.clip(_symmetric(rng, where, rng.uniform(2, 4)) - rng.uniform(1.4, 2.4), 0, 1)
        spots = (spots * white * healthy).astype(np.float32)
        for channel, size in ((0, -0.15), (2, 0.5), (3, 0.7)):
            images[channel] *= 1 + spots * np.float32(size * rng.uniform(0.6, 1.4))
    clumps = plexus * healthy * np.clip(_symmetric(rng, where, 6.0) + rng.uniform(-0.5, 1), 0, 1)
    clumps = (clumps * rng.uniform(*variety.plexus)).astype(np.float32)
    aims = rng.uniform((0.7, 1.2, 1.2, 0.8), (0.95, 3.0, 2.0, 1.6))  # T1, T1ce, T2, FLAIR
    for image, aim in zip(images, aims, strict=True):
        image += clumps * (np.float32(aim) - image)
    coil, reach = max(0.0, rng.uniform(*variety.coil)), rng.uniform(8, 25)
    rise = np.exp(np.minimum(distance, 0) / np.float32(reach))
    for image in images:
        image *= np.exp(np.float32(max(0.0, coil + rng.normal(0, 0.06))) * rise)


def _symmetric(rng, where, scale: float) -> np.ndarray:
    """Smooth noise of unit variance and `scale` mm at `where` (3, n), mostly alike in both halves."""
    block = mr_physics.noise_block(3.0)
    points = where * np.float32(3.0 / scale)
    points[2] = np.abs(points[2])
    points += rng.uniform(0, len(block), (3, 1)).astype(np.float32)
    return ndimage.map_coordinates(block, points, order=1, mode="grid-wrap")


@lru_cache(maxsize=1)
def _places() -> np.ndarray:
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


def _details(rng, images, parts, where, near, shape, tables, step: int) -> np.ndarray:
    """Add vessels, bright caps of the ventricles and fine texture in place; return sulci's shares.

    `images` (4, n), `parts` (4, n) and `where` (3, n) are at the voxels `near` of a volume of
    `shape`, each `step` mm wide; so is what is returned, (n,).
    """
    deep, caps, sulci = (sample_head(v, where) for v in _places())
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


def _brain_masks(rng, distance: np.ndarray, step: int) -> np.ndarray:
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


def _scan(rng, volume: np.ndarray, isotropic: bool, step: int) -> np.ndarray:
    """Blur, bias, slices and noise, for a volume of `step` mm in which white matter is 1."""
    volume = ndimage.gaussian_filter(volume, rng.uniform(0.3, 0.75) / step, truncate=3)
    volume *= mr_physics.bias_field(rng, volume.shape, abs(rng.normal(0, 0.2)))
    thickness = 1.0 if isotropic or rng.random() < 0.2 else rng.uniform(2.0, 6.5)
    axis, slope = int(rng.choice(3, p=[0.8, 0.1, 0.1])), tuple(rng.normal(0, 0.08, 2))
    # Thick slices have a better signal.
    sigma = rng.uniform(0.008, 0.04) * (1.0 if thickness < 1.5 else 0.8)
    sigma /= step  # noise of an average over a larger voxel
    return mr_physics.in_slices(rng, volume, axis, thickness / step, slope, sigma)
