"""Tumour growth along white matter in the average head, with core, enhancing rim and oedema.

Growth is the reaction-diffusion model of gliomas, du/dt = div(D grad u) + rho u (1 - u), with D
larger in white than in grey matter and zero in fluid (Swanson 2000; Konukoglu 2010). Only the
shape matters here, so time and D are in steps and voxels, and growth stops at a given volume.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from unet_course.synthetic.anatomy import Head, sample

SPACING = 2.0
PARTS = ("oedema", "solid", "enhancing", "cyst")


@dataclass(frozen=True)
class Tumour:
    """A tumour in a box of 2 mm voxels: its parts, its texture and its mass effect."""

    origin: np.ndarray  # (3,) mm
    parts: np.ndarray  # (4, z, y, x) float32: fractions of `PARTS`; their sum is the whole tumour
    texture: np.ndarray  # (z, y, x): smooth noise of unit variance, for uneven signal
    centre: np.ndarray  # (3,) mm, of the mass effect
    push: tuple[float, float]  # its size and its reach in mm


# Sites of low-grade gliomas: (z, y, |x|) in mm, spread in mm, share of patients, and the lobe's
# code in data.csv (1 cerebellum, 2 frontal, 4 occipital, 5 parietal, 6 temporal).
SITES = (
    ((28, 33, 28), 18, 0.39, 2),
    ((50, 8, 26), 14, 0.14, 2),
    ((-14, -12, 44), 16, 0.19, 6),
    ((2, 2, 38), 12, 0.08, 6),
    ((42, -45, 30), 18, 0.14, 5),
    ((8, -78, 24), 14, 0.03, 4),
    ((-38, -62, 20), 12, 0.02, 1),
)


def draw_site(rng: np.random.Generator) -> int:
    """Draw an index into `SITES`, weighted by how often gliomas are found there."""
    shares = np.array([share for _, _, share, _ in SITES])
    return int(rng.choice(len(SITES), p=shares / shares.sum()))


def draw_seed(rng: np.random.Generator, head: Head, site: int, side: int) -> np.ndarray:
    """Draw a position in white matter (z, y, x in mm) near a site; `side` is the sign of x."""
    centre, spread, *_ = SITES[site]
    tries = rng.normal(centre, spread, (400, 3))
    tries[:, 2] = side * np.abs(tries[:, 2])
    white = sample(head.white, tries.T.astype(np.float32), head.origin)
    good = np.flatnonzero(white > 0.6)
    return tries[good[0] if len(good) else int(np.argmax(white))]


def grow(
    rng: np.random.Generator, head: Head, seed: np.ndarray, volume: float, *, grade: str = "low"
) -> Tumour:
    """Grow one tumour.

    Args:
        rng, head: randomness and anatomy.
        seed: its starting point (z, y, x) in mm.
        volume: volume of the whole tumour in cm³; less if barriers stop its growth.
        grade: "low" (a mass that seldom enhances, sometimes with a cyst, with little or no oedema)
            or "high" (necrotic core, enhancing rim or patches, wide oedema).

    Returns:
        The tumour, its fractions nested: cyst within solid within oedema.

    Raises:
        ValueError: another grade, or a volume of 0 or below.
    """
    if grade not in ("low", "high"):
        raise ValueError(f"grade must be 'low' or 'high', got {grade!r}")
    if not volume > 0:
        raise ValueError(f"volume must be above 0 cm³, got {volume}")
    radius = (volume * 1000 * 0.75 / np.pi) ** (1 / 3)  # mm, of a ball of that volume
    half = int(np.ceil((1.8 * radius + 12) / SPACING))
    shape = (2 * half + 1,) * 3
    origin = seed - half * SPACING
    axes = [first + SPACING * np.arange(n) for first, n in zip(origin, shape, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij")).astype(np.float32).reshape(3, -1)
    grey, white, brain = (
        sample(volume, points, head.origin).reshape(shape)
        for volume in (head.grey, head.white, head.brain)
    )
    noise = _noise(rng, shape, (1.5, 3.5, 6.0))
    density = _spread(rng, grey, white, noise[2], volume, (2, 15) if grade == "low" else (6, 40))

    # Raters draw closed outlines: fissures inside the mass belong to it, ventricles don't.
    filled = ndimage.grey_closing(density, size=3)
    density = np.where(brain > 0.9, np.maximum(density, filled), density)
    density = ndimage.gaussian_filter(density, 0.7)
    level = np.sort(density, axis=None)[-min(int(volume * 1000 / SPACING**3), density.size // 2)]
    level = float(np.clip(level, 0.08, 0.6))
    # Signed distance (mm), bent by noise and by fingers that reach along white matter.
    inside = density > level
    depth = ndimage.distance_transform_edt(inside) * SPACING
    outline = depth - ndimage.distance_transform_edt(~inside) * SPACING
    ragged = rng.uniform(0.3, 1.5) * min(1.0, radius / 18)
    outline += ragged * (1.2 * noise[0] + 2.4 * noise[1] + 2.5 * noise[2])
    fingers = rng.uniform(0, 10) if grade == "low" else rng.uniform(4, 22)
    outline += fingers * min(1.0, radius / 18) * (white - 0.55)
    outline = np.where(grey + white > 0.35, outline, outline - 4)
    whole = _ramp(outline, rng.uniform(0.8, 3.0)) * np.clip(2 * brain - 1, 0, 1)
    if grade == "low":
        depth = depth / max(float(depth.max()), 4.0)
        solid, enhancing, cyst = _low_grade(rng, noise, depth)
    else:
        pieces, count = ndimage.label(whole > 0.05)  # all but the largest are dropped
        if count > 1:
            whole = np.where(pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:]), whole, 0)
        solid, enhancing, cyst = _high_grade(rng, noise, whole, radius)
    oedema = np.clip(1 - solid - cyst - enhancing, 0, 1)
    parts = np.stack([oedema, solid, enhancing, cyst]) * whole
    inside = np.argwhere(whole > 0.5)
    centre = inside.mean(0) * SPACING + origin if len(inside) else seed
    reach = float(0.9 * radius)
    push = float(reach * rng.uniform(0.02, 0.28) * (0.6 if grade == "low" else 1.2))
    texture = (0.6 * noise[0] + 0.8 * noise[1]).astype(np.float32)
    return Tumour(origin, parts.astype(np.float32), texture, centre, (push, reach))


def _low_grade(rng, noise, depth) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Solid, enhancing and cystic fractions; `depth` runs from 0 at the surface to 1."""
    bent = depth + 0.08 * noise[1]
    infiltrating = rng.random() < 0.45
    solid = _ramp(bent - (rng.uniform(0.15, 0.5) if infiltrating else -0.5), 0.08)
    cyst = enhancing = np.zeros(depth.shape)
    if rng.random() < 0.22:
        inside = bent - rng.uniform(0.35, 0.7) + rng.uniform(0.02, 0.12) * noise[1]
        cyst = _ramp(inside, 0.04)
    elif rng.random() < 0.3:
        cyst = _ramp(noise[0] - rng.uniform(1.0, 1.8), 0.3) * _ramp(bent - 0.2, 0.1)
    if rng.random() < 0.3:
        patchy = _ramp(noise[1] - rng.uniform(0.3, 1.3), 0.3)
        enhancing = patchy * _ramp(bent - rng.uniform(0.2, 0.5), 0.1)
    cyst = cyst * solid
    enhancing = enhancing * solid * (1 - cyst)
    return np.clip(solid - cyst - enhancing, 0, 1), enhancing, cyst


def _high_grade(rng, noise, whole, radius) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Solid, enhancing and cystic fractions of a core that lies off centre in its oedema.

    The core is an ellipsoid deformed by noise. It enhances along its rim (complete or broken,
    around necrosis), in patches, or throughout with holes.
    """
    away, stretch = rng.normal(0, 0.2, 3) * radius, np.exp(rng.normal(0, 0.2, 3))
    axes = [SPACING * (np.arange(n) - n // 2) for n in whole.shape]
    grid = np.meshgrid(*axes, indexing="ij", sparse=True)
    sides = zip(grid, away, stretch, strict=True)
    distance = np.sqrt(sum(((a - b) / c) ** 2 for a, b, c in sides))
    ragged = rng.uniform(0.5, 1.6) * min(1.0, radius / 20)
    distance += ragged * (1.2 * noise[0] + 2.0 * noise[1] + 3.0 * noise[2])
    within = distance[whole > 0.5]
    kind = rng.choice(["rim", "patches", "solid"], p=[0.6, 0.2, 0.2])
    share = rng.uniform(0.08, 0.7) if kind == "rim" else rng.uniform(0.05, 0.3)
    inner = (np.quantile(within, share) if within.size else 0.0) - distance  # mm inside the core
    core = _ramp(inner, 1.0)
    if kind == "rim":
        thick = np.clip(rng.uniform(2.0, 6.0) * (1 + rng.uniform(0.1, 0.5) * noise[1]), 1.0, None)
        hollow = _ramp(inner - thick, 1.0)
        enhancing = (1 - hollow) * np.clip(rng.uniform(0.8, 1.4) + 0.5 * noise[1], 0, 1)
        cyst = hollow * np.clip(rng.uniform(0.6, 1.1) + 0.5 * noise[0], 0, 1)
    elif kind == "patches":
        enhancing = _ramp(noise[1] - rng.uniform(-0.2, 1.0), 0.3)
        cyst = _ramp(noise[0] - rng.uniform(0.8, 1.6), 0.3) * (1 - enhancing)
    else:
        cyst = _ramp(noise[0] - rng.uniform(0.6, 1.6), 0.3)
        enhancing = (1 - cyst) * np.clip(1.2 + 0.4 * noise[1], 0, 1)
    enhancing, cyst = enhancing * core, cyst * core
    return np.clip(core - enhancing - cyst, 0, 1), enhancing, cyst


def together(first: Tumour, second: Tumour) -> Tumour:
    """Combine two foci, with the mass effect of the first; the second moves by up to 1 mm."""
    apart = np.round((second.origin - first.origin) / SPACING).astype(int)
    low = np.minimum(0, apart)
    shapes = np.array(first.parts.shape[1:]), np.array(second.parts.shape[1:])
    shape = np.maximum(shapes[0], apart + shapes[1]) - low
    parts, texture = np.zeros((4, *shape), np.float32), np.zeros(shape, np.float32)
    for tumour, start in ((first, -low), (second, apart - low)):
        box = tuple(slice(s, s + n) for s, n in zip(start, tumour.texture.shape, strict=True))
        free = 1 - parts[:, *box].sum(0)
        parts[:, *box] += free * tumour.parts
        texture[box] += free * tumour.texture
    return Tumour(first.origin + SPACING * low, parts, texture, first.centre, first.push)


def labels(parts: np.ndarray) -> np.ndarray:
    """Convert fractions `parts` (4, ...) to labels 0, 1 (core), 2 (oedema), 4 (enhancing), uint8.

    They are those of BraTS 2020. A voxel is tumour if its fractions sum to at least one half.

    >>> parts = [[0.1, 0.9, 0.1, 0.0], [0.1, 0.1, 0.2, 0.4], [0, 0, 0.6, 0], [0, 0, 0, 0.5]]
    >>> labels(np.array(parts))
    array([0, 2, 4, 1], dtype=uint8)
    """
    oedema, solid, enhancing, cyst = parts
    largest = np.argmax(np.stack([oedema, solid + cyst, enhancing]), axis=0)
    numbers = np.array([2, 1, 4], np.uint8)[largest]
    return np.where(parts.sum(0) >= 0.5, numbers, 0).astype(np.uint8)


def push_away(where: np.ndarray, tumour: Tumour) -> None:
    """Apply the tumour's mass effect to template positions `where` (3, ...) in mm, in place."""
    swell(where, tumour.centre, *tumour.push)


def swell(where: np.ndarray, centre: np.ndarray, push: float, reach: float) -> None:
    """Push tissue away from `centre`, in place; with a negative `push` towards it.

    A point at distance r from the centre shows what lay at r - push * (r / reach) *
    exp((1 - (r / reach)²) / 2). With push between -1 and 0.6 reach the deformation doesn't fold.
    """
    shape = (3,) + (1,) * (where.ndim - 1)
    offset = where - np.asarray(centre).astype(np.float32).reshape(shape)
    squared = np.einsum("i...,i...->...", offset, offset) / np.float32(reach**2)
    offset *= np.float32(push / reach) * np.exp((1 - squared) / 2)
    where -= offset


def _noise(rng: np.random.Generator, shape: tuple, scales: tuple) -> np.ndarray:
    """Smooth noise of unit variance, one field per scale (voxels)."""
    drawn = ((scale, rng.standard_normal(shape, dtype=np.float32)) for scale in scales)
    fields = [ndimage.gaussian_filter(field, scale) for scale, field in drawn]
    return np.stack([field / field.std() for field in fields])


def _ramp(values: np.ndarray, width: float) -> np.ndarray:
    """Soft step: 0 below zero, 1 above, with a linear edge of `width` to both sides."""
    return np.clip(values / (2 * width) + 0.5, 0, 1)


def _spread(rng, grey, white, noise, volume, favours) -> np.ndarray:
    """Density 0 to 1 after growth to about `volume` cm³, by explicit steps."""
    favour = np.exp(rng.uniform(*np.log(favours)))  # D in white matter / D in grey
    tissue = np.clip(white + grey, 0, 1)
    spread = (white + grey / favour) * np.exp(0.4 * noise)
    spread = np.where(tissue > 0.4, np.minimum(spread, 1), 0).astype(np.float32)
    # Flow between neighbours is limited by the smaller D of the two; nothing crosses fluid.
    gates = [np.minimum(_at(spread, a, 1), _at(spread, a, -1)) * np.float32(0.16) for a in range(3)]
    rate = np.float32(rng.uniform(0.1, 0.3)) * (tissue > 0.4) * np.exp(0.3 * noise)
    density = np.zeros_like(spread)
    density[tuple(slice(n // 2 - 1, n // 2 + 2) for n in density.shape)] = 0.8
    enough = volume * 1000 / SPACING**3  # voxels
    for step in range(160):
        change = rate * density * (1 - density)
        for axis, gate in enumerate(gates):
            flow = gate * (_at(density, axis, 1) - _at(density, axis, -1))
            _at(change, axis, -1)[...] += flow
            _at(change, axis, 1)[...] -= flow
        density += change
        if step % 5 == 4 and np.count_nonzero(density > 0.25) >= enough:
            break
    return np.clip(density, 0, 1)


def _at(volume: np.ndarray, axis: int, side: int) -> np.ndarray:
    """All but the first (`side` 1) or the last (-1) layer along `axis`, as a view."""
    index = [slice(None)] * volume.ndim
    index[axis] = slice(1, None) if side == 1 else slice(None, -1)
    return volume[tuple(index)]
