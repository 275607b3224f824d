"""One synthetic patient as arrays: anatomy, tumour and scanner put together.

`paint` gives the images of any grid of points in a head, so that LGG slices and whole volumes come
from the same code; `lgg_patient` draws a patient in the manner of Kaggle's LGG set.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from unet_course import scanner, tumours
from unet_course.anatomy import (
    FACE_TISSUES,
    HEAD_ORIGIN,
    HEAD_SPACING,
    Head,
    average_head,
    random_warp,
    sample,
)

INSTITUTIONS = ("CS", "DU", "FG", "HT", "EZ")


@dataclass(frozen=True)
class Scalp:
    """Thickness of skull and of the fat below the skin, in mm, and how unevenly they are laid."""

    skull: float = 7.0
    fat: float = 5.0
    phase: tuple[float, float] = (0.0, 0.0)


def paint(
    where: np.ndarray,
    head: Head,
    tumour: tumours.Tumour | None,
    signals: list[dict[str, float]],
    *,
    thickness: float = 1.0,
    scalp: Scalp | None = None,
    uneven: float = 0.08,
    atrophy: float = 1.0,
    mottle: float = 0.0,
    skull: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Noise-free images of a head, one a sequence, and what is tumour in them.

    Args:
        where: template position of each voxel in mm, float32 (3, z, y, x).
        head: the anatomy.
        tumour: the tumour, or None for a healthy head.
        signals: for each sequence the signal of each tissue (`scanner.signal`).
        thickness: slice thickness in mm, over which tissues are averaged.
        scalp: what lies around the brain.
        uneven: how uneven the tumour's signal is, 0 to about 0.2.
        atrophy: above 1 widens sulci and ventricles.
        mottle: how uneven healthy tissue is; what is bright on T2 is dark on T1.
        skull: without it the image is 0 outside the brain.

    Returns:
        Images (len(signals), z, y, x) float32, and the fractions of `tumours.PARTS`
        (4, z, y, x) float32.
    """
    shape = where.shape[1:]
    points = where.reshape(3, -1)
    images = np.zeros((len(signals), points.shape[1]), np.float32)
    parts = np.zeros((4, points.shape[1]), np.float32)
    distance = sample(head.distance, points, HEAD_ORIGIN, HEAD_SPACING, outside=60)
    if skull:
        _paint_outside(images, points, distance, head, signals, thickness, scalp or Scalp())
    inside = np.flatnonzero(distance < 5)
    at = points[:, inside]
    thick = max(1, round(thickness))
    grey, white, brain = (
        sample(ndimage.uniform_filter1d(v, thick, axis=0) if thick > 1 else v, at, head.origin)
        for v in (head.grey, head.white, head.brain)
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
        mixture |= dict(zip(tumours.PARTS, parts[:, inside], strict=True))
    if mottle:
        clouds = sample(head.mottle, at, HEAD_ORIGIN, HEAD_SPACING)
    for image, table in zip(images, signals, strict=True):
        inner = sum(part * np.float32(table[name]) for name, part in mixture.items())
        if tumour is not None:
            inner *= 1 + np.float32(uneven) * whole * texture
        if mottle:
            sign = 1 if table["grey"] > table["white"] else -0.5
            inner *= 1 + np.float32(sign * mottle) * clouds
        image[inside] = image[inside] * (1 - brain) + inner
    return images.reshape(-1, *shape), parts.reshape(4, *shape)


def _falx(at: np.ndarray) -> np.ndarray:
    """The dural fold between the hemispheres: a thin sheet at x = 0 above the corpus callosum."""
    z, y, x = at
    above = (z > 34) | ((y > 42) & (z > -12)) | ((y < -62) & (z > -5))
    return np.exp(-((x / 1.3) ** 2)) * above


def _paint_tumour(parts, inside, at, brain, tumour, thickness) -> np.ndarray:
    extent = np.array(tumour.parts.shape[1:]) * tumours.SPACING
    low = tumour.origin[:, None]
    near = np.flatnonzero(np.all((at >= low) & (at <= low + extent[:, None]), axis=0))
    thick = max(1, round(thickness / tumours.SPACING))
    for row, volume in zip(parts, tumour.parts, strict=True):
        if not volume.any():
            continue
        volume = ndimage.uniform_filter1d(volume, thick, axis=0) if thick > 1 else volume
        row[inside[near]] = brain[near] * sample(
            volume, at[:, near], tumour.origin, tumours.SPACING
        )
    texture = np.zeros(len(inside), np.float32)
    texture[near] = sample(tumour.texture, at[:, near], tumour.origin, tumours.SPACING)
    return texture


def _paint_outside(images, points, distance, head, signals, thickness, scalp) -> None:
    """Skull and scalp as layers of distance; face and neck from their fractions."""
    z = points[0]
    low = np.flatnonzero((z < -8) & (distance > 0))
    is_face = np.zeros(points.shape[1], np.float32)
    is_face[low] = sample(head.is_face, points[:, low], HEAD_ORIGIN, HEAD_SPACING)
    face = low[is_face[low] > 0.01]
    shell = np.flatnonzero((distance > -thickness) & (distance < 28) & (is_face < 0.99))
    at = points[:, shell]
    stretch = (
        1
        + 0.15 * np.sin(at[1] / 38 + scalp.phase[0])
        + 0.1 * np.sin(at[0] / 30 + at[2] / 45 + scalp.phase[1])
    )
    steps = [distance[shell]]
    if thickness > 2:  # within a thick slice the layers lean outwards
        lean = sample(head.lean, at, HEAD_ORIGIN, HEAD_SPACING) * np.float32(thickness / 3)
        steps += [steps[0] - lean, steps[0] + lean]
    vessel = sample(head.sinuses, at, HEAD_ORIGIN, HEAD_SPACING)
    edges, layers = _layers(scalp)
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
        thick = max(1, round(thickness / HEAD_SPACING))
        volume = ndimage.uniform_filter1d(volume, thick, axis=0)
        image[face] += sample(volume, points[:, face], HEAD_ORIGIN, HEAD_SPACING)


def _layers(scalp: Scalp) -> tuple[np.ndarray, list]:
    table = 0.32 * scalp.skull
    edges = np.cumsum([1.6, 0.8, table, scalp.skull - 2 * table, table, scalp.fat, 1.3])
    return edges, ["csf", "dura", "bone", "marrow", "bone", "fat", "skin", None]


@dataclass(frozen=True)
class LggPlan:
    """What is drawn for patient ``number`` before anything is computed."""

    number: int
    id: str
    institution: str
    slices: int
    missing: tuple[str, ...]  # channels filled with FLAIR
    tinted: bool  # pre-contrast background is not black
    clinical: bool  # has a row in data.csv
    partial: bool  # FLAIR and post-contrast stop before the lowest slices
    volume: float  # of the tumour, cm³
    site: int  # index into tumours.SITES
    side: int  # 1: in the right half of the picture, -1: in the left

    @property
    def location(self) -> int:
        """The lobe's code in data.csv."""
        return tumours.SITES[self.site][3]

    @property
    def laterality(self) -> int:
        """data.csv's code, 1 left and 3 right: pictures show the patient as seen from the feet."""
        return 1 if self.side > 0 else 3


def lgg_plan(seed: int, number: int) -> LggPlan:
    """Draw patient ``number`` (from 0). It depends on ``seed`` and ``number`` only.

    >>> lgg_plan(0, 5).missing
    ('pre-contrast', 'post-contrast')
    """
    rng = np.random.default_rng([seed, number, 0])
    institution = "DUHTFGHTDUCSHTFGDUHTDUFGHTCSDUEZ"[2 * (number % 16) :][:2]
    # Quirks come at fixed turns, so that every set of 16 patients or more has each of them.
    missing = {5: ("pre-contrast", "post-contrast"), 7: ("post-contrast",)}.get(number % 12, ())
    ranges = {"CS": (20, 24), "DU": (33, 52), "FG": (27, 60), "HT": (20, 32), "EZ": (22, 26)}
    low, high = ranges[institution]
    slices = int(rng.integers(low, high + 1))
    if number % 12 == 6:
        slices = int(rng.integers(68, 81))
    year, month, day = rng.integers(1993, 2006), rng.integers(1, 13), rng.integers(1, 29)
    # Sizes are spread evenly over their distribution by the golden ratio.
    share = (np.random.default_rng([seed]).random() + number * 0.6180339887) % 1
    volume = float(np.interp(share, *_VOLUMES))
    return LggPlan(
        number,
        f"SYN_{institution}_{number + 1:04d}_{year}{month:02d}{day:02d}",
        institution,
        slices,
        missing,
        number % 12 == 2,
        number % 24 != 13,
        number % 4 == 1,
        volume,
        tumours.draw_site(rng),
        int(rng.choice([-1, 1])),
    )


# Quantiles of whole-tumour volume, cm³.
_VOLUMES = ([0, 0.05, 0.25, 0.5, 0.75, 0.95, 1], [6, 10, 24, 52, 100, 200, 280])


def lgg_patient(seed: int, number: int) -> tuple[LggPlan, np.ndarray, np.ndarray]:
    """Make one patient.

    Returns:
        The plan, images ``uint8`` (slices, 256, 256, 3) with channels pre-contrast, FLAIR and
        post-contrast, and masks ``uint8`` (slices, 256, 256) of 0 and 255. Slices run from the
        neck up, noses point up.
    """
    plan = lgg_plan(seed, number)
    rng = np.random.default_rng([seed, number, 1])
    head = average_head()
    mirror = int(rng.choice([-1, 1]))
    place = tumours.draw_seed(rng, head, plan.site, plan.side * mirror)
    tumour = tumours.grow(rng, head, place, plan.volume)
    where, thickness, framed = _slices(rng, plan, mirror)
    tumours.push_away(where, tumour)
    tissues = scanner.jitter_tissues(rng)
    sequences = _sequences(rng)
    signals = [scanner.signal(sequence, tissues) for sequence in sequences]
    for table in signals:
        # Fat saturation, magnetisation transfer, inflow: what the equations leave out.
        for name in table:
            table[name] *= float(np.exp(rng.normal(0, 0.05)))
        table["fat"] *= float(rng.uniform(0.5, 1.1))
    _keep_visible(signals[1])
    scalp = Scalp(
        rng.uniform(4, 7), rng.uniform(1.5, 5), (rng.uniform(0, 6.3), rng.uniform(0, 6.3))
    )
    images, parts = paint(
        where,
        head,
        tumour,
        signals,
        thickness=thickness,
        scalp=scalp,
        uneven=rng.uniform(0.03, 0.15),
        atrophy=float(np.exp(rng.normal(0.3, 0.4))),
        mottle=rng.uniform(0.02, 0.09),
    )
    coil = 1 + rng.uniform(0, 0.6) * _radius(where) ** 2
    mask = parts.sum(0) >= 0.5
    central = (_radius(where) < 0.45) & (where[0] > -10) & ~mask
    level = [float(np.median(image[central & (image > 0)])) for image in images]
    mask = _frame(mask, framed)
    outside = _frame(images[0], framed) < 0.01
    images = [image * coil / np.float32(value) for image, value in zip(images, level, strict=True)]
    del where, parts
    channels = []
    for image, sequence in zip(images, sequences, strict=True):
        channels.append(_scan(rng, _frame(image, framed), sequence))
    _quirks(rng, plan, channels, outside)
    return plan, np.stack(channels, axis=-1), np.where(mask, 255, 0).astype(np.uint8)


def _keep_visible(flair: dict) -> None:
    """Tumours were drawn where FLAIR is brighter: 1.2 to 2.1 times the brain around, in place."""
    brain = (flair["grey"] + flair["white"]) / 2
    for name in ("oedema", "solid", "enhancing"):
        flair[name] = float(np.clip(flair[name], 1.2 * brain, 2.1 * brain))


def _radius(where: np.ndarray) -> np.ndarray:
    """Distance from the head's axis, 1 at 100 mm: a surface coil sees best what is near it."""
    return np.hypot(where[1] + 15, where[2]) / np.float32(100)


def _frame(values: np.ndarray, framed: np.ndarray) -> np.ndarray:
    """Put values (slices, n) back into whole slices (slices, 256, 256), 0 elsewhere."""
    whole = np.zeros((len(values), *framed.shape), values.dtype)
    whole[:, framed] = values
    return whole


def _slices(rng, plan, mirror) -> tuple[np.ndarray, float, np.ndarray]:
    """Where pixels lie in the template, (3, slices, n) mm; slice thickness in mm; which pixels.

    Only the n pixels of a slice that can show any of the head are kept.
    """
    length = np.interp(rng.random(), [0, 0.25, 0.5, 0.75, 0.9, 1], [160, 180, 194, 204, 230, 258])
    zoom = length / 168  # pixels a mm: an average head is 168 mm long where it was measured
    thick = plan.slices <= 32
    cover = rng.uniform(140, 180) if thick else rng.uniform(165, 198)
    gap = cover / plan.slices
    top = rng.uniform(84, 94) if thick else rng.uniform(90, 104)
    z = (top - gap * np.arange(plan.slices)[::-1]).astype(np.float32)
    pixels = np.arange(256) - 127.5
    y = -15 - (pixels + rng.normal(-4, 5)) / zoom
    x = mirror * (pixels + rng.normal(0, 2)) / zoom
    framed = ((y[:, None] + 6) / 128) ** 2 + (x / 98) ** 2 < 1
    where = random_warp(rng, average_head())(z, y, x)
    return where.reshape(3, plan.slices, -1)[:, :, framed.ravel()], 0.85 * gap, framed


def _sequences(rng) -> list[scanner.Sequence]:
    if rng.random() < 0.15:  # inversion-prepared T1: strong contrast of grey and white matter
        t1 = scanner.Sequence(rng.uniform(1800, 2300), rng.uniform(3, 12), rng.uniform(750, 1000))
    else:
        t1 = scanner.Sequence(rng.uniform(380, 800), rng.uniform(8, 18))
    flair = scanner.Sequence(
        rng.uniform(8000, 11000), rng.uniform(95, 145), rng.uniform(2200, 2700)
    )
    return [t1, flair, replace(t1, contrast=True)]


def _scan(rng, image, sequence) -> np.ndarray:
    """Blur, bias, noise and the window that turns signal (brain: about 1) into 0 to 255."""
    image = scanner.blur(image, rng.uniform(0.3, 0.8 if sequence.ti else 0.65))
    image *= scanner.bias_field(rng, image.shape, abs(rng.normal(0, 0.18)))
    image *= np.exp(rng.normal(0, 0.02, (len(image), 1, 1))).astype(np.float32)
    sigma = rng.uniform(0.015, 0.06)
    image = scanner.add_noise(rng, image, sigma, grain=rng.uniform(0.3, 0.8))
    image -= np.float32(sigma * rng.uniform(0.8, 2.0))
    np.clip(image, 0, None, out=image)
    bright = np.exp(rng.normal(np.log(58), 0.25))
    np.power(image, np.float32(rng.uniform(0.9, 1.25)), out=image)
    image *= np.float32(bright)
    return np.clip(np.round(image, out=image), 0, 255, out=image).astype(np.uint8)


def _quirks(rng, plan, channels, outside) -> None:
    """What the real set has too: sequences that are missing or stop early, a tinted background."""
    if plan.partial:
        rows = int(rng.integers(60, 256))
        for channel in channels[1:]:
            channel[0] = 0
            if len(channel) > 30:
                channel[1, rows:] = 0
    if plan.tinted:
        haze = np.clip(channels[0], 0, 6) // 2 + np.uint8(rng.integers(58, 76))
        channels[0] = np.where(outside, haze, channels[0])
    # Registration leaves sequences a pixel apart.
    for c in (0, 2):
        channels[c] = np.roll(channels[c], rng.integers(-1, 2, 2), (1, 2))
    if "pre-contrast" in plan.missing:
        channels[0] = channels[1]
    if "post-contrast" in plan.missing:
        channels[2] = channels[1]
