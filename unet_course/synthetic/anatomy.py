"""The average head from which synthetic patients are made: ICBM-152 brain, modelled skull and face.

The brain is the ICBM-152 2009a average (Fonov 2011); its grey- and white-matter maps come with
nilearn, so nothing is downloaded. Skull and scalp are layers at given distances from the brain;
orbits, nose, jaws and neck are ellipsoids and cylinders, since LGG slices show them, and aren't
correct in every detail.

Positions are in millimetres in the template's coordinates, with axes ordered (z up, y to the nose,
x to the right), so that an axial slice is `volume[k]`.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import ndimage

HEAD_SPACING = 2.0
HEAD_ORIGIN = np.array([-140.0, -134.0, -98.0])
HEAD_SHAPE = (130, 132, 99)
FACE_TISSUES = ("fat", "muscle", "marrow", "fluid", "mucosa", "vessel", "cord")


@dataclass(frozen=True)
class Head:
    """The average head: the brain on the 1 mm template grid, all else on the 2 mm head grid."""

    origin: np.ndarray  # (3,) mm, of the template grid
    grey: np.ndarray  # fractions in 0 to 1, float32, like the next two
    white: np.ndarray
    brain: np.ndarray
    distance: np.ndarray  # mm from the brain's hull, negative inside
    is_face: np.ndarray  # share of face and neck as opposed to the vault, lower levels only
    face: np.ndarray  # fractions of `FACE_TISSUES` there, lower levels only
    sinuses: np.ndarray  # the large veins inside the skull
    lean: np.ndarray  # change of `distance` per mm upwards
    mottle: np.ndarray  # smooth noise of unit variance


@lru_cache(maxsize=1)
def average_head() -> Head:
    """Load the templates, sharpen them and build the head (takes some seconds, then cached)."""
    from nilearn import datasets

    image = datasets.load_mni152_gm_template(resolution=1)
    origin = image.affine[:3, 3][::-1].copy()
    grey = _zyx(image)
    white = _zyx(datasets.load_mni152_wm_template(resolution=1))
    brain = _zyx(datasets.load_mni152_brain_mask(resolution=1))
    # Only the brain is needed; even starts keep the two grids' voxels aligned.
    box = ndimage.find_objects((brain > 0).astype(np.uint8))[0]
    box = tuple(slice(side.start // 2 * 2, side.stop) for side in box)
    origin += [side.start for side in box]
    grey, white, brain = (np.ascontiguousarray(v[box]) for v in (grey, white, brain))
    grey, white = _sharpen(grey, white, np.clip(brain - grey - white, 0, 1))
    distance = _hull_distance(brain, origin)
    is_face, face = _face(distance)
    noise = np.random.default_rng(2009).standard_normal(HEAD_SHAPE, np.float32)
    mottle = ndimage.gaussian_filter(noise, 2.5, mode="wrap")
    mottle /= mottle.std()
    lean = np.gradient(distance, HEAD_SPACING, axis=0)
    sinuses = _venous_sinuses(distance)
    return Head(origin, grey, white, brain, distance, is_face, face, sinuses, lean, mottle)


def _sharpen(grey, white, fluid) -> tuple[np.ndarray, np.ndarray]:
    """Reduce the blur that comes from averaging 152 brains."""
    # Narrow sulci are faint ridges of fluid in the average; a power above 1 favours the tissue that
    # most brains have at a voxel.
    ridge = fluid - ndimage.gaussian_filter(fluid, 2.0, truncate=2.5)
    fluid = np.clip(1.1 * fluid + 3.5 * np.clip(ridge - 0.01, 0, None), 0, 1)
    grey, white, fluid = grey * np.sqrt(grey), white * np.sqrt(white), fluid * np.sqrt(fluid)
    total = np.maximum(grey + white + fluid, 1e-3)
    return grey / total, white / total


def _zyx(image) -> np.ndarray:
    return np.ascontiguousarray(image.get_fdata(dtype=np.float32).transpose(2, 1, 0))


def head_axes() -> list[np.ndarray]:
    """Millimetre coordinates of the head grid, one array an axis (z, y, x)."""
    return [
        (first + HEAD_SPACING * np.arange(n)).astype(np.float32)
        for first, n in zip(HEAD_ORIGIN, HEAD_SHAPE, strict=True)
    ]


def _hull_distance(brain: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """Signed distance in mm from the brain's hull on the head grid, negative inside."""
    coarse = np.zeros(HEAD_SHAPE, bool)
    start = np.round((origin - HEAD_ORIGIN) / HEAD_SPACING).astype(int)
    part = brain[::2, ::2, ::2] > 0.5
    coarse[tuple(slice(s, s + n) for s, n in zip(start, part.shape, strict=True))] = part
    # Closing over 16 mm bridges sulci and the fissure, as the dura does.
    near = ndimage.distance_transform_edt(~coarse) <= 8
    hull = coarse | (ndimage.distance_transform_edt(near) > 8)
    signed = ndimage.distance_transform_edt(~hull) - ndimage.distance_transform_edt(hull)
    return ndimage.gaussian_filter(signed * HEAD_SPACING, 1.2).astype(np.float32)


def _ball(z, y, x, centre, radii) -> np.ndarray:
    """Approximate depth in an ellipsoid, mm: above 0 inside, the shortest radius at its centre."""
    parts = zip((z, y, x), centre, radii, strict=True)
    return (1 - np.sqrt(sum(((a - c) / r) ** 2 for a, c, r in parts))) * min(radii)


def _soft(inside: np.ndarray) -> np.ndarray:
    return np.clip(inside / HEAD_SPACING + 0.5, 0, 1)


def _face(distance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fractions of soft tissue below the skull; the rest to one is bone or air (dark)."""
    # No part of the face is above z = -8 mm.
    top = int((-8 - HEAD_ORIGIN[0]) / HEAD_SPACING)
    shape = (top, *HEAD_SHAPE[1:])
    axes = head_axes()
    z, y, x = np.meshgrid(axes[0][:top], *axes[1:], indexing="ij", sparse=True)
    distance = distance[:top]
    side = np.abs(x)
    # The skin's outline, level by level: half width, front, back.
    levels = [-140, -120, -100, -80, -60, -40, -20]
    wide = np.interp(z, levels, [56, 58, 63, 69, 74, 78, 80])
    front = np.interp(z, levels, [52, 82, 92, 92, 89, 85, 85])
    back = np.interp(z, levels, [-82, -82, -84, -90, -102, -112, -116])
    middle = 0.45 * front + 0.55 * back
    reach = np.where(y > middle, front - middle, middle - back)
    outline = ((side / wide) ** 2.3 + (np.abs(y - middle) / reach) ** 2.3) ** (1 / 2.3)
    skin = (1 - outline) * np.minimum(wide, reach)
    nose = _ball(z, y, x, (-62, 88, 0), (24, 24, 15))
    ear = _ball(z, y, side, (-38, -22, 82), (26, 14, 7))
    skin = np.maximum(np.maximum(skin, nose), ear)
    # Roof of the orbits in front, base of the occiput behind: below it the face begins.
    roof = np.interp(y, [-120, -60, -10, 40, 60, 90], [-62, -62, -46, -26, -19, -14])
    is_face = np.clip((roof - z) / 6 + 0.5, 0, 1) * np.clip(distance / 4 - 0.5, 0, 1)

    rng = np.random.default_rng(152)
    noise = [ndimage.gaussian_filter(rng.standard_normal(shape, np.float32), s) for s in (1.2, 2.2)]
    noise = [field / field.std() for field in noise]
    skin = skin + 0.6 * noise[1]
    face = np.zeros((len(FACE_TISSUES), *shape), np.float32)
    fat, muscle, marrow, fluid, mucosa, vessel, cord = face

    def put(target, fraction):
        """Replace a share of what is there by a structure."""
        face[...] *= 1 - np.asarray(fraction, np.float32)
        if target is not None:
            target += fraction

    def put_bone(depth, wall, share=1.0, where=1.0):
        """A dark shell, `wall` mm thick, around marrow."""
        put(None, _soft(depth) * where)
        put(marrow, _soft(depth - wall) * where * share)

    body = _soft(skin)
    put(muscle, body)
    # Muscles are bundles with fat between them, and a fat layer lies below the skin.
    put(fat, body * np.clip(1.2 - 3.2 * np.abs(noise[1] + 0.3 * noise[0]), 0, 0.8))
    put(fat, body * _soft(8.5 + 2.0 * noise[1] - skin) * _soft(skin - 1.5))
    put(None, _soft(6.5 + noise[1] - distance) * body)  # the skull's base
    put(marrow, _soft(2.5 - np.abs(distance - 4.5)) * np.clip(noise[1] - 0.2, 0, 1) * body)
    # Cheekbone, mandible, teeth.
    put_bone(_ball(z, y, side, (-46, 52, 52), (7, 16, 9)), 2.5, 0.9)
    put_bone(_ball(z, y, side, (-85, 8, 52), (26, 9, 5)), 2.5, 0.9)
    put_bone(_ball(z, y, side, (-52, 6, 54), (9, 8, 7)), 2.5, 0.9)
    jaw = 5 - np.abs(np.hypot(side / 0.85, y - 42) - 42) + 0 * z
    jaw = np.minimum(np.minimum(jaw, y - 30), np.minimum(-78 - z, z + 128))
    put_bone(jaw, 3, 0.8)
    put(None, _soft(_ball(z, y, x, (-84, 40, 0), (7, 38, 30))))  # palate and mouth
    put(muscle, _soft(_ball(z, y, x, (-98, 44, 0), (16, 32, 22))))  # tongue
    # Nose: cavity with turbinates, ethmoid cells, maxillary sinuses, throat.
    cavity = _ball(z, y, x, (-58, 60, 0), (24, 36, 15))
    put(None, _soft(cavity))
    put(mucosa, _soft(cavity) * _soft(2.2 - np.abs(side - 8 - 1.5 * noise[1])) * (z < -45))
    put(mucosa, _soft(cavity) * _soft(1.2 - side + 0 * z))
    put(mucosa, _soft(cavity) * np.clip(noise[0] - 0.3, 0, 0.8))
    sinus = _ball(z, y, side, (-62, 56, 28), (17, 18, 14))
    put(None, _soft(sinus + 2))
    put(mucosa, _soft(1.2 - np.abs(sinus - 0.5)) * 0.8)
    put(None, _soft(_ball(z, y, x, (-75, 14, 0), (26, 6, 11))))
    put(None, _soft(_ball(z, y, side, (-47, -32, 54), (17, 17, 13))))  # mastoid cells
    mastoid = _soft(_ball(z, y, side, (-47, -32, 54), (15, 14, 11)))
    put(mucosa, mastoid * np.clip(noise[0] - 1, 0, 0.5))
    put_bone(_ball(z, y, x, (-48, -4, 0), (18, 9, 14)), 2.5)  # clivus
    put(None, _soft(_ball(z, y, x, (-37, 14, 0), (9, 10, 12))))  # sphenoid sinus
    # Orbits: fat, four muscles and the optic nerve, then the globe with its lens.
    orbit = np.minimum(_ball(z, y, side, (-37, 46, 30), (18, 32, 19)), (side - 12) * 0.8)
    put(None, _soft(orbit + 2.5))
    put(fat, _soft(orbit))
    around = np.hypot(z + 37, side - 24 - 0.12 * (y - 20))
    put(muscle, _soft(1.8 - np.abs(around - 10.5)) * _soft(orbit) * (y < 58) * (noise[1] > -0.6))
    put(cord, _soft(2.2 - around) * _soft(orbit))
    globe = _ball(z, y, side, (-37, 61, 32), (12, 12.5, 12))
    put(muscle, _soft(globe + 1.5))
    put(fluid, _soft(globe))
    put(muscle, _soft(_ball(z, y, side, (-37, 70.5, 32), (4.5, 2.5, 4.5))))
    # Neck: vertebra, canal and cord; carotid and jugular next to the throat.
    bony = _ball(0 * z, y, x, (0, -32, 0), (30, 30, 26)) + 0 * z
    below = _soft(-70 - z) * np.ones(shape)
    put_bone(bony, 4, 0.6, below)
    put(muscle, _soft(_ball(0 * z, y, side, (0, -68, 22), (18, 18, 18)) + 0 * z) * below)
    canal = np.hypot(y + 46, x) + 0 * z
    put(fluid, _soft(11 - canal) * below)
    put(cord, _soft(6 - canal) * below)
    for ahead, aside in ((5, 34), (-6, 42)):
        put(vessel, _soft(4 - np.hypot(y - ahead, side - aside) + 0 * z) * _soft(-58 - z))
    face *= is_face * body
    return is_face.astype(np.float32), face


def _venous_sinuses(distance: np.ndarray) -> np.ndarray:
    z, y, x = np.meshgrid(*head_axes(), indexing="ij", sparse=True)
    side = np.abs(x)
    sagittal = _soft(4.5 - side) * _soft(3.5 - np.abs(distance - 3.5)) * ((y < 55) & (z > -25))
    transverse = _soft(4 - np.abs(z + 27 + 0.12 * (y + 90))) * _soft(3 - np.abs(distance - 3))
    return (0.9 * np.maximum(sagittal, transverse * (y < -45))).astype(np.float32)


def sample_head(volume, points, outside: float = 0.0) -> np.ndarray:
    """`sample` for a volume on the head grid."""
    return sample(volume, points, HEAD_ORIGIN, HEAD_SPACING, outside)


def sample(volume, points, origin, spacing: float = 1.0, outside: float = 0.0) -> np.ndarray:
    """Read `volume` at `points` (3, N) in mm, linearly; `outside` beyond its border."""
    origin = np.asarray(origin, np.float32)[:, None]
    values = np.empty(points.shape[1], np.float32)
    # In pieces, because SciPy copies the coordinates.
    for start in range(0, len(values), 2**18):
        piece = slice(start, start + 2**18)
        at = (points[:, piece] - origin) * np.float32(1 / spacing)
        ndimage.map_coordinates(volume, at, values[piece], order=1, cval=outside)
    return values
