"""Make one synthetic patient like those of Kaggle's LGG set: anatomy, tumour and scan."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from unet_course.synthetic import mr_physics, tumour_growth
from unet_course.synthetic.anatomy import average_head
from unet_course.synthetic.deformation import random_warp
from unet_course.synthetic.mr_physics import Sequence
from unet_course.synthetic.render import Scalp, paint

INSTITUTIONS = ("CS", "DU", "FG", "HT", "EZ")
_MISSING = {5: ("pre-contrast", "post-contrast"), 7: ("post-contrast",)}
# Quantiles of whole-tumour volume, cm³.
_VOLUMES = ([0, 0.05, 0.25, 0.5, 0.75, 0.95, 1], [6, 10, 24, 52, 100, 200, 280])


@dataclass(frozen=True)
class LggPlan:
    """The random properties of patient `number`, drawn before anything is computed."""

    number: int
    id: str
    institution: str
    slices: int
    missing: tuple[str, ...]  # channels filled with FLAIR
    tinted: bool  # pre-contrast background is not black
    clinical: bool  # its row in data.csv has clinical data
    partial: bool  # FLAIR and post-contrast stop before the lowest slices
    volume: float  # of the tumour, cm³
    site: int  # index into tumour_growth.SITES
    side: int  # 1: in the right half of the picture, -1: in the left


def lgg_plan(seed: int, number: int) -> LggPlan:
    """Draw the properties of patient `number` (from 0), which depend on `seed` and `number` only.

    >>> lgg_plan(0, 5).missing
    ('pre-contrast', 'post-contrast')
    """
    rng = np.random.default_rng([seed, number, 0])
    institution = "DUHTFGHTDUCSHTFGDUHTDUFGHTCSDUEZ"[2 * (number % 16) :][:2]
    ranges = {"CS": (20, 24), "DU": (33, 52), "FG": (27, 60), "HT": (20, 32), "EZ": (22, 26)}
    slices = int(rng.integers(*ranges[institution], endpoint=True))
    if number % 12 == 6:
        slices = int(rng.integers(68, 81))
    year, month, day = rng.integers(1993, 2006), rng.integers(1, 13), rng.integers(1, 29)
    # Sizes are spread evenly over their distribution by the golden ratio.
    share = (np.random.default_rng([seed]).random() + number * 0.6180339887) % 1
    # Quirks recur in a fixed cycle, so that every set of 16 patients or more has each of them.
    return LggPlan(
        number=number,
        id=f"SYN_{institution}_{number + 1:04d}_{year}{month:02d}{day:02d}",
        institution=institution,
        slices=slices,
        missing=_MISSING.get(number % 12, ()),
        tinted=number % 12 == 2,
        clinical=number % 24 != 13,
        partial=number % 4 == 1,
        volume=float(np.interp(share, *_VOLUMES)),
        site=tumour_growth.draw_site(rng),
        side=int(rng.choice([-1, 1])),
    )


def lgg_patient(seed: int, number: int) -> tuple[LggPlan, np.ndarray, np.ndarray]:
    """Make the images and masks of one patient.

    Returns:
        The plan, images `uint8` (slices, 256, 256, 3) with channels pre-contrast, FLAIR and
        post-contrast, and masks `uint8` (slices, 256, 256) of 0 and 255. Slices run from the
        neck up, noses point up.
    """
    plan = lgg_plan(seed, number)
    rng = np.random.default_rng([seed, number, 1])
    head = average_head()
    mirror = int(rng.choice([-1, 1]))
    place = tumour_growth.draw_seed(rng, head, plan.site, plan.side * mirror)
    tumour = tumour_growth.grow(rng, head, place, plan.volume)
    where, thickness, framed = _slices(rng, plan, mirror)
    tumour_growth.push_away(where, tumour)
    tissues, sequences = mr_physics.jitter_tissues(rng), _sequences(rng)
    signals = [mr_physics.signal(sequence, tissues) for sequence in sequences]
    for table in signals:
        # Fat saturation, magnetisation transfer and inflow, which the equations don't include.
        for name in table:
            table[name] *= float(np.exp(rng.normal(0, 0.05)))
        table["fat"] *= float(rng.uniform(0.5, 1.1))
    flair = signals[1]
    brain = (flair["grey"] + flair["white"]) / 2
    for name in ("oedema", "solid", "enhancing"):  # the tumour stays visible
        flair[name] = float(np.clip(flair[name], 1.12 * brain, 1.95 * brain))
    scalp = Scalp(rng.uniform(4, 7), rng.uniform(1.5, 5), tuple(rng.uniform(0, 6.3, 2).tolist()))
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
    pairs = zip(images, sequences, strict=True)
    channels = [_scan(rng, _frame(image, framed), sequence) for image, sequence in pairs]
    _quirks(rng, plan, channels, outside)
    return plan, np.stack(channels, axis=-1), np.where(mask, 255, 0).astype(np.uint8)


def _radius(where: np.ndarray) -> np.ndarray:
    """Distance from the head's axis, 1 at 100 mm: a surface coil is most sensitive near itself."""
    return np.hypot(where[1] + 15, where[2]) / np.float32(100)


def _frame(values: np.ndarray, framed: np.ndarray) -> np.ndarray:
    """Put values (slices, n) back into whole slices (slices, 256, 256), 0 elsewhere."""
    whole = np.zeros((len(values), *framed.shape), values.dtype)
    whole[:, framed] = values
    return whole


def _slices(rng, plan, mirror) -> tuple[np.ndarray, float, np.ndarray]:
    """Template positions of the pixels, (3, slices, n) in mm; slice thickness in mm; a pixel mask.

    Only the n pixels of a slice that can show part of the head are kept.
    """
    length = np.interp(rng.random(), [0, 0.25, 0.5, 0.75, 0.9, 1], [160, 180, 194, 204, 230, 258])
    zoom = length / 174  # pixels a mm: an average head is 174 mm long where it was measured
    thick = plan.slices <= 32
    cover = rng.uniform(140, 180) if thick else rng.uniform(165, 198)
    gap = cover / plan.slices
    top = rng.uniform(84, 94) if thick else rng.uniform(90, 104)  # mm
    z = (top - gap * np.arange(plan.slices)[::-1]).astype(np.float32)
    pixels = np.arange(256) - 127.5
    y = -15 - (pixels + rng.normal(-4, 5)) / zoom
    x = mirror * (pixels + rng.normal(0, 2)) / zoom
    framed = ((y[:, None] + 6) / 128) ** 2 + (x / 98) ** 2 < 1
    where = random_warp(rng, average_head())(z, y, x)
    return where.reshape(3, plan.slices, -1)[:, :, framed.ravel()], 0.85 * gap, framed


def _sequences(rng) -> list[Sequence]:
    """Timings of T1, FLAIR and T1 with contrast."""
    if rng.random() < 0.15:  # inversion-prepared T1: strong contrast of grey and white matter
        t1 = Sequence(rng.uniform(1800, 2300), rng.uniform(3, 12), rng.uniform(750, 1000))
    else:
        t1 = Sequence(rng.uniform(380, 800), rng.uniform(8, 18))
    flair = Sequence(rng.uniform(8000, 11000), rng.uniform(95, 145), rng.uniform(2200, 2700))
    return [t1, flair, replace(t1, contrast=True)]


def _scan(rng, image, sequence) -> np.ndarray:
    """Add blur, bias field and noise, and convert signal (brain: about 1) to 0 to 255."""
    blur = rng.uniform(0.3, 0.8 if sequence.ti else 0.65)
    image = ndimage.gaussian_filter(image, (0, blur, blur), truncate=3)
    image *= mr_physics.bias_field(rng, image.shape, abs(rng.normal(0, 0.18)))
    image *= np.exp(rng.normal(0, 0.02, (len(image), 1, 1))).astype(np.float32)
    sigma = rng.uniform(0.015, 0.06)
    image = mr_physics.add_noise(rng, image, sigma, grain=rng.uniform(0.3, 0.8))
    image -= np.float32(sigma * rng.uniform(0.8, 2.0))
    np.clip(image, 0, None, out=image)
    bright = np.float32(np.exp(rng.normal(np.log(58), 0.25)))
    image = np.power(image, np.float32(rng.uniform(0.9, 1.25)), out=image) * bright
    return np.clip(np.round(image, out=image), 0, 255, out=image).astype(np.uint8)


def _quirks(rng, plan, channels, outside) -> None:
    """Add the real set's quirks: sequences missing or cut off early, a tinted background."""
    if plan.partial:
        rows = int(rng.integers(60, 256))
        for channel in channels[1:]:
            channel[0] = 0
            if len(channel) > 30:
                channel[1, rows:] = 0
    if plan.tinted:
        haze = np.clip(channels[0], 0, 6) // 2 + np.uint8(rng.integers(58, 76))
        channels[0] = np.where(outside, haze, channels[0])
    # Registration leaves sequences shifted by up to a pixel.
    for c in (0, 2):
        channels[c] = np.roll(channels[c], rng.integers(-1, 2, 2), (1, 2))
    if "pre-contrast" in plan.missing:
        channels[0] = channels[1]
    if "post-contrast" in plan.missing:
        channels[2] = channels[1]
