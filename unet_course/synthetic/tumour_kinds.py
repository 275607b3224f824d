"""Grow the kinds of tumour that synthetic BraTS cases show: rim, faint, diffuse."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import ndimage

from unet_course.synthetic import tumour_growth
from unet_course.synthetic.anatomy import Head, sample

KINDS = ("rim", "faint", "diffuse")


def grow_foci(
    rng: np.random.Generator,
    head: Head,
    kind: str,
    volume: float,
    seeds: Sequence[np.ndarray],
    where: np.ndarray,
) -> tumour_growth.Tumour:
    """Grow a tumour of one or more foci and make space for it in `where`, in place.

    Args:
        rng: the source of randomness.
        head: the anatomy.
        kind: "rim": a core that enhances, in wide oedema; "faint": the same shapes with at most
            specks of faint enhancement; "diffuse": a low-grade mass, a quarter to two thirds core.
        volume: of the whole tumour, cm³.
        seeds: template position of each focus in mm, the main one first.
        where: template position of each voxel, float32 (3, z, y, x).
    """
    volume *= 0.97  # the template is larger than the patient, and the mass effect widens the tumour
    shares = rng.uniform(0.05, 0.4, len(seeds) - 1)
    whole = None
    for share, place in zip((1 - shares.sum() / 2, *shares), seeds, strict=True):
        grade = "low" if kind == "diffuse" and rng.random() < 0.7 else "high"
        grown = tumour_growth.grow(rng, head, place, float(volume * share), grade=grade)
        if kind == "diffuse":
            grown = _diffuse(rng, grown)
        if kind != "rim":
            grown = _hardly_enhancing(rng, grown, specks=kind == "faint")
        tumour_growth.push_away(where, grown)
        whole = grown if whole is None else tumour_growth.together(whole, grown)
    return whole


def satellites(rng: np.random.Generator, head: Head, first: np.ndarray, foci: int) -> list:
    """Draw places of further foci: mostly in the same hemisphere as the first, some in the other."""
    places = [first]
    while len(places) < foci:
        places.append(in_white(rng, head, places[-1] + rng.normal(0, 26, (200, 3))))
    return places


def in_white(rng: np.random.Generator, head: Head, tries: np.ndarray) -> np.ndarray:
    """Return the first of `tries` (n, 3) that lies in white matter."""
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


def _hardly_enhancing(rng, tumour, specks: bool) -> tumour_growth.Tumour:
    """Turn what enhances into solid tumour, but for `specks` of the core in some cases."""
    oedema, solid, enhancing, cyst = tumour.parts
    core = solid + enhancing
    left = np.zeros_like(core)
    if specks and rng.random() < 0.5:
        left = np.clip(2 * (tumour.texture - rng.uniform(1.5, 2.6)), 0, 1) * core
    return replace(tumour, parts=np.stack([oedema, core - left, left, cyst]))


def _mm(shape) -> list[np.ndarray]:
    sides = [tumour_growth.SPACING * (np.arange(n) - n // 2) for n in shape]
    return np.meshgrid(*sides, indexing="ij", sparse=True)
