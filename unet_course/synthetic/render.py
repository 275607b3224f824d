"""Render noise-free MR images of a head on any grid of points: tissue fractions times signals.

LGG slices and BraTS volumes are made by this same code.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from unet_course.synthetic import tumour_growth
from unet_course.synthetic.anatomy import FACE_TISSUES, HEAD_SPACING, Head, sample, sample_head


@dataclass(frozen=True)
class Scalp:
    """Thickness in mm of the skull and of the fat below the skin; phases of its variation."""

    skull: float = 7.0
    fat: float = 5.0
    phase: tuple[float, float] = (0.0, 0.0)


def paint(
    where: np.ndarray,
    head: Head,
    tumour: tumour_growth.Tumour | None,
    signals: list[dict[str, float]],
    *,
    thickness: float = 1.0,
    scalp: Scalp | None = None,
    uneven: float = 0.08,
    atrophy: float = 1.0,
    mottle: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Render noise-free images of a head, one per sequence, and the fractions of tumour in them.

    Args:
        where: template position of each voxel in mm, float32 (3, z, y, x).
        head, tumour: the anatomy, and the tumour or None.
        signals: for each sequence the signal of each tissue (`mr_physics.signal`).
        thickness: slice thickness in mm, over which tissues are averaged.
        scalp: skull and fat around the brain.
        uneven: relative variation of the tumour's signal, 0 to about 0.2.
        atrophy: above 1 widens sulci and ventricles.
        mottle: relative variation of healthy tissue; opposite in T1 and T2.

    Returns:
        Images (len(signals), z, y, x) float32, and the fractions of `tumour_growth.PARTS`
        (4, z, y, x) float32.
    """
    shape = where.shape[1:]
    points = where.reshape(3, -1)
    images = np.zeros((len(signals), points.shape[1]), np.float32)
    parts = np.zeros((4, points.shape[1]), np.float32)
    distance = sample_head(head.distance, points, outside=60)
    _paint_outside(images, points, distance, head, signals, thickness, scalp or Scalp())
    inside = np.flatnonzero(distance < 5)
    at = points[:, inside]
    grey, white, brain = (
        sample(_average(volume, thickness), at, head.origin)
        for volume in (head.grey, head.white, head.brain)
    )
    if atrophy != 1:
        total = grey + white + atrophy * np.clip(brain - grey - white, 0, None)
        share = np.divide(brain, total, where=total > 1e-3, out=np.zeros_like(total))
        grey, white = grey * share, white * share
    fluid = np.clip(brain - grey - white, 0, 1)
    falx = _falx(at) * fluid
    fluid -= falx
    mixture = {"grey": grey, "white": white, "csf": fluid, "dura": falx}
    if tumour is not None:
        texture = _paint_tumour(parts, inside, at, brain, tumour, thickness)
        whole = parts[:, inside].sum(0)
        mixture = {name: part * (1 - whole) for name, part in mixture.items()}
        mixture |= dict(zip(tumour_growth.PARTS, parts[:, inside], strict=True))
    if mottle:
        clouds = sample_head(head.mottle, at)
    for image, table in zip(images, signals, strict=True):
        inner = sum(part * np.float32(table[name]) for name, part in mixture.items())
        if tumour is not None:
            inner *= 1 + np.float32(uneven) * whole * texture
        if mottle:
            sign = 1 if table["grey"] > table["white"] else -0.5
            inner *= 1 + np.float32(sign * mottle) * clouds
        image[inside] = image[inside] * (1 - brain) + inner
    return images.reshape(-1, *shape), parts.reshape(4, *shape)


def _average(volume: np.ndarray, thickness: float) -> np.ndarray:
    """Moving average of `volume` along z over `thickness` voxels, rounded."""
    width = round(thickness)
    return ndimage.uniform_filter1d(volume, width, axis=0) if width > 1 else volume


def _falx(at: np.ndarray) -> np.ndarray:
    """The dural fold between the hemispheres: a thin sheet at x = 0 above the corpus callosum."""
    z, y, x = at
    above = (z > 34) | ((y > 42) & (z > -12)) | ((y < -62) & (z > -5))
    return np.exp(-((x / 1.3) ** 2)) * above


def _paint_tumour(parts, inside, at, brain, tumour, thickness) -> np.ndarray:
    """Write the tumour's fractions into `parts` and return its texture, both at `at`."""
    spacing = tumour_growth.SPACING
    extent = np.array(tumour.parts.shape[1:]) * spacing
    low = tumour.origin[:, None]
    near = np.flatnonzero(np.all((at >= low) & (at <= low + extent[:, None]), axis=0))
    at = at[:, near]
    for row, volume in zip(parts, tumour.parts, strict=True):
        if volume.any():
            volume = _average(volume, thickness / spacing)
            row[inside[near]] = brain[near] * sample(volume, at, tumour.origin, spacing)
    texture = np.zeros(len(inside), np.float32)
    texture[near] = sample(tumour.texture, at, tumour.origin, spacing)
    return texture


def _paint_outside(images, points, distance, head, signals, thickness, scalp) -> None:
    """Skull and scalp as layers of distance; face and neck from their fractions."""
    z = points[0]
    low = np.flatnonzero((z < -8) & (distance > 0))
    is_face = np.zeros(points.shape[1], np.float32)
    is_face[low] = sample_head(head.is_face, points[:, low])
    face = low[is_face[low] > 0.01]
    shell = np.flatnonzero((distance > -thickness) & (distance < 28) & (is_face < 0.99))
    at = points[:, shell]
    stretch = 1 + 0.15 * np.sin(at[1] / 38 + scalp.phase[0])
    stretch = stretch + 0.1 * np.sin(at[0] / 30 + at[2] / 45 + scalp.phase[1])
    steps = [distance[shell]]
    if thickness > 2:  # within a thick slice the layers are oblique
        lean = sample_head(head.lean, at) * np.float32(thickness / 3)
        steps += [steps[0] - lean, steps[0] + lean]
    vessel = sample_head(head.sinuses, at)
    compact = 0.32 * scalp.skull
    edges = np.cumsum([1.6, 0.8, compact, scalp.skull - 2 * compact, compact, scalp.fat, 1.3])
    layers = ["csf", "dura", "bone", "marrow", "bone", "fat", "skin", None]
    fine = np.arange(-10, 60, 0.125, dtype=np.float32)
    rows = [np.clip((step / stretch + 10) * 8, 0, len(fine) - 1).astype(np.int32) for step in steps]
    for image, table in zip(images, signals, strict=True):
        values = np.array([table[name] if name else 0.0 for name in layers], np.float32)
        curve = ndimage.gaussian_filter1d(values[np.searchsorted(edges, fine)], 4.0)
        vault = sum(curve[row] for row in rows) / np.float32(len(rows))
        vault = vault * (1 - vessel) + vessel * table["vessel"]
        image[shell] = vault * (1 - is_face[shell])
        tissues = zip(FACE_TISSUES, head.face, strict=True)
        volume = sum(np.float32(table[name]) * fraction for name, fraction in tissues)
        volume = ndimage.uniform_filter1d(volume, max(1, round(thickness / HEAD_SPACING)), axis=0)
        image[face] += sample_head(volume, points[:, face])
