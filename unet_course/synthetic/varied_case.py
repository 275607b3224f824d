"""Synthetic BraTS cases of wider variety, on a grid of 2 mm: quick enough to be made while training.

Lessons show the cases of `brats_case`, whose tumours are easier to see than real ones. These cases
are for training. Their ranges span what was measured in real cases (`benchmarks/README.md`):
tumours that hardly enhance, oedema that fades outwards, uneven healthy tissue, plexus that
enhances, bright spots in white matter that aren't tumour, tissue that is brighter near the coil.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy import ndimage

from unet_course.synthetic import brats_case, contrasts, mr_physics, tumour_growth
from unet_course.synthetic.anatomy import Head, average_head, head_axes, sample, sample_head
from unet_course.synthetic.render import paint

STEP = 2  # mm, side of a voxel
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
    where = brats_case.positions(rng, head, STEP)
    tumour = _tumour(rng, head, variety, kind, where)
    shape, points = where.shape[1:], where.reshape(3, -1)
    distance = sample_head(head.distance, points, outside=60)
    near = np.flatnonzero(distance < 8)
    where = np.ascontiguousarray(points[:, near])[:, None]
    tables = contrasts.draw_varied(rng, kind)
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
    _fade_oedema(rng, variety, images, parts, near, shape, tables)
    _vary_healthy(rng, variety, images, parts, where, distance[near])
    sulci = brats_case.details(rng, images, parts, where, near, shape, tables, STEP)
    labels = np.zeros(np.prod(shape), np.uint8)
    labels[near] = tumour_growth.labels(parts)
    distance[near] += np.float32(rng.uniform(0.5, 5)) * sulci
    masks = brats_case.brain_masks(rng, distance.reshape(shape), STEP)
    isotropic, volumes = rng.random() < 0.2, []
    for image, mask in zip(images, masks, strict=True):
        volume = np.zeros(np.prod(shape), np.float32)
        volume[near] = image
        scan = brats_case.scan(rng, volume.reshape(shape), isotropic, STEP)
        scan = np.power(np.clip(scan, 1e-3, None), np.float32(rng.uniform(0.9, 1.1)))
        volumes.append(np.where(mask, scan, 0))
    labels = np.where(np.any(masks, axis=0), labels.reshape(shape), 0)
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


def _tumour(rng, head, variety, kind, where) -> tumour_growth.Tumour:
    """Grow a tumour of this kind and make room for it in `where`."""
    volume = 0.97 * float(np.interp(rng.random(), *_VOLUMES))
    foci = 1 + int(rng.choice(3, p=np.array(variety.foci) / sum(variety.foci)))
    place, whole = _seed(rng, head, variety), None
    shares = rng.uniform(0.05, 0.4, foci - 1)
    for share in (1 - shares.sum() / 2, *shares):
        if whole is not None:
            place = _in_white(rng, head, place + rng.normal(0, 26, (200, 3)))
        grade = "low" if kind == "diffuse" and rng.random() < 0.7 else "high"
        grown = tumour_growth.grow(rng, head, place, float(volume * share), grade=grade)
        if kind == "diffuse":
            grown = _diffuse(rng, grown)
        if kind != "rim":
            grown = _hardly_enhancing(rng, grown)
        tumour_growth.push_away(where, grown)
        whole = grown if whole is None else tumour_growth.together(whole, grown)
    return whole


def _seed(rng, head, variety) -> np.ndarray:
    how = rng.choice(3, p=np.array(variety.sites) / sum(variety.sites))
    if how == 0:
        site, side = tumour_growth.draw_site(rng), int(rng.choice([-1, 1]))
        return tumour_growth.draw_seed(rng, head, site, side)
    tries = rng.uniform((-45, -95, -62), (70, 62, 62), (3000, 3))
    if how == 2:  # just below the cortex
        depth = -sample_head(head.distance, tries.T.astype(np.float32), outside=60)
        tries = tries[(depth > 5) & (depth < 14)]
    return _in_white(rng, head, tries)


def _in_white(rng, head, tries) -> np.ndarray:
    white = sample(head.white, tries.T.astype(np.float32), head.origin)
    return tries[int(np.argmax(white > 0.6))]


def _diffuse(rng, tumour) -> tumour_growth.Tumour:
    """Redraw the core: a quarter to two thirds of the tumour, often off its centre."""
    whole = tumour.parts.sum(0)
    inside = whole > 0.5
    depth = ndimage.distance_transform_edt(inside) * tumour_growth.SPACING
    lean = rng.normal(0, 0.35, 3)
    depth += sum(a * b for a, b in zip(lean, _mm(whole.shape), strict=True))
    depth += rng.uniform(1, 3) * tumour.texture
    within = depth[inside]
    level = np.quantile(within, 1 - rng.uniform(0.25, 0.67)) if within.size else 0.0
    core = np.clip((depth - level) / rng.uniform(1.5, 6) + 0.5, 0, 1).astype(np.float32)
    cyst = core * np.clip(1.5 * tumour.parts[3], 0, 1)
    parts = [(1 - core) * whole, core * whole - cyst, np.zeros_like(core), cyst]
    return replace(tumour, parts=np.clip(np.stack(parts), 0, None).astype(np.float32))


def _hardly_enhancing(rng, tumour) -> tumour_growth.Tumour:
    """Turn what enhances into solid tumour, but for specks of the core in some cases."""
    oedema, solid, enhancing, cyst = tumour.parts
    core = solid + enhancing
    specks = np.zeros_like(core)
    if rng.random() < 0.5:
        specks = np.clip(2 * (tumour.texture - rng.uniform(1.5, 2.6)), 0, 1) * core
    return replace(tumour, parts=np.stack([oedema, core - specks, specks, cyst]))


def _mm(shape) -> list[np.ndarray]:
    sides = [tumour_growth.SPACING * (np.arange(n) - n // 2) for n in shape]
    return np.meshgrid(*sides, indexing="ij", sparse=True)


def _fade_oedema(rng, variety, images, parts, near, shape, tables) -> None:
    """Let oedema's contrast fall with the distance from the core, and vary, in place."""
    core = np.zeros(np.prod(shape), np.float32)
    core[near] = parts[1:].sum(0)
    close = ndimage.gaussian_filter(core.reshape(shape), rng.uniform(3, 7)).ravel()[near]
    left = np.float32(rng.uniform(*variety.fade))
    left = left + (1 - left) * np.clip(close / 0.35, 0, 1)
    left *= 1 + np.float32(rng.uniform(0, 0.2)) * mr_physics.clouds(rng, shape, 2.5).ravel()[near]
    lost = parts[0] * (1 - np.clip(left, 0.2, 1.2))
    for image, table in zip(images, tables, strict=True):
        image *= 1 + lost * np.float32(1 / table["oedema"] - 1)


@lru_cache(maxsize=1)
def _homes() -> np.ndarray:
    """Where plexus is, and white matter that ages, 0 to 1 on the head grid: (2, z, y, x)."""
    head, deep = average_head(), brats_case.places()[0]
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
