"""MR physics: signal equations, bias field, noise and thick slices.

Signal follows the spin-echo and inversion-recovery equations (Bernstein 2004) for tissue values
T1 and T2 in ms and proton density PD between 0 and 1, near 1.5 T literature values. Contrast
between tissues is jittered from patient to patient, in the spirit of domain randomisation
(Billot 2023), within what real scanners show.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.random import Generator
from scipy import ndimage

# T1 ms, T2 ms, PD
TISSUES = {
    "grey": (1100, 92, 0.84),
    "white": (720, 80, 0.75),
    "csf": (4500, 2200, 1.0),
    "fat": (280, 110, 0.95),
    "muscle": (1000, 42, 0.80),
    "marrow": (420, 60, 0.60),
    "bone": (500, 12, 0.06),
    "skin": (600, 50, 0.60),
    "dura": (900, 50, 0.50),
    "fluid": (4000, 1600, 1.0),
    "mucosa": (1300, 115, 0.90),
    "vessel": (1500, 60, 0.22),  # flow removes most of the signal
    "cord": (850, 80, 0.72),
    "oedema": (1250, 140, 0.90),
    "solid": (1350, 150, 0.92),
    "enhancing": (1250, 120, 0.88),
    "cyst": (2100, 300, 0.96),
}
# T1 in ms after gadolinium; PD is higher where inflowing blood adds signal.
ENHANCED = {
    "vessel": (300, 0.80),
    "mucosa": (420, 0.90),
    "enhancing": (400, 0.88),
    "dura": (500, 0.55),
    "muscle": (850, 0.80),
}


@dataclass(frozen=True)
class Sequence:
    """Timings in ms. `ti` above 0 makes it an inversion recovery; `contrast` is gadolinium."""

    tr: float
    te: float
    ti: float = 0.0
    contrast: bool = False


T1 = Sequence(tr=600, te=12)
T1CE = Sequence(tr=600, te=12, contrast=True)
T2 = Sequence(tr=4500, te=100)
FLAIR = Sequence(tr=9000, te=125, ti=2500)


def signal(sequence: Sequence, tissues: dict | None = None) -> dict[str, float]:
    """Relative signal of each tissue, 0 to 1.

    >>> t1, flair = signal(T1), signal(FLAIR)
    >>> t1["white"] > t1["grey"] > t1["csf"], flair["grey"] > flair["white"] > flair["csf"]
    (True, True)
    """
    signals = {}
    for name, (t1, t2, pd) in (tissues or TISSUES).items():
        if sequence.contrast and name in ENHANCED:
            t1, pd = ENHANCED[name]
        if sequence.ti:
            # a magnitude image doesn't show the sign of magnetisation that hasn't recovered yet
            along = np.abs(1 - 2 * np.exp(-sequence.ti / t1) + np.exp(-sequence.tr / t1))
        else:
            along = 1 - np.exp(-sequence.tr / t1)
        signals[name] = float(pd * along * np.exp(-sequence.te / t2))
    return signals


def jitter_tissues(rng: Generator) -> dict:
    """Return `TISSUES` with slightly different values, as between patients and field strengths."""
    spread = {"oedema": 0.12, "solid": 0.14, "enhancing": 0.12, "cyst": 0.3}
    jittered = {}
    for name, (t1, t2, pd) in TISSUES.items():
        by = np.exp(rng.normal(0, spread.get(name, 0.07), 2))
        jittered[name] = (t1 * by[0], t2 * by[1], min(1.0, pd * np.exp(rng.normal(0, 0.04))))
    return jittered


def bias_field(rng: Generator, shape: tuple, strength: float) -> np.ndarray:
    """Smooth multiplicative bias field around 1 (float32); its logarithm is at most `strength`.

    A sum of products of three low-order polynomials along each axis, which is cheap at any size.
    """
    axes = [np.linspace(-1, 1, n, dtype=np.float32) for n in shape]
    bases = [np.stack([np.ones_like(a), a, a**2 - 1 / 3]) for a in axes]
    weights = rng.uniform(-1, 1, (3, 3, 3)).astype(np.float32)
    weights *= np.float32(0.5) ** np.indices((3, 3, 3)).sum(0)
    weights[0, 0, 0] = 0
    log = np.einsum("zyk,kx->zyx", np.einsum("ijk,iz,jy->zyk", weights, *bases[:2]), bases[2])
    return np.exp(log * np.float32(strength / max(float(np.abs(log).max()), 1e-6)))


def add_noise(rng: Generator, image: np.ndarray, sigma: float, grain: float = 0.0) -> np.ndarray:
    """Add Rician noise (Gudbjartsson 1995): the magnitude of a complex signal with Gaussian noise.

    Args:
        rng: the source of randomness.
        image: float32 (slices, rows, columns).
        sigma: standard deviation of the noise in either part, in units of the image.
        grain: blur of the noise in pixels, as after interpolation to another grid.
    """
    # Drawing noise takes longer than everything else: six slices are reused with random shifts.
    bank = rng.standard_normal((6, *image.shape[1:]), dtype=np.float32)
    if grain > 0:
        bank = ndimage.gaussian_filter(bank, (0, grain, grain), mode="wrap")
        bank /= bank.std()
    bank *= np.float32(sigma)
    noisy = np.empty_like(image)
    for k, clean in enumerate(image):
        first, second = rng.choice(len(bank), 2, replace=False)
        shifts = rng.integers(0, image.shape[1:])
        real = np.roll(bank[first], shifts, (0, 1))
        real += clean
        np.hypot(real, bank[second], out=noisy[k])
    return noisy


BANK = 112  # voxels along each side of a block of noise


def clouds(rng: Generator, shape: tuple, scale: float) -> np.ndarray:
    """Smooth noise of unit variance over a volume of `shape`, float32, blurred by `scale` voxels.

    It is a random crop, turned and mirrored at random, of one block that repeats after 112 voxels:
    drawing and smoothing new noise would take longer than everything else.
    """
    block = noise_block(round(scale, 1)).transpose(rng.permutation(3))
    for axis, n in enumerate(shape):
        index = rng.integers(BANK) + rng.choice([-1, 1]) * np.arange(n)
        block = np.take(block, index % BANK, axis)
    return block


@lru_cache(maxsize=12)  # two grids, 1 and 2 mm
def noise_block(scale: float) -> np.ndarray:
    block = np.random.default_rng(1981).standard_normal((BANK, BANK, BANK), dtype=np.float32)
    block = ndimage.gaussian_filter(block, scale, mode="wrap")
    return block / block.std()


def in_slices(
    rng: Generator, image: np.ndarray, axis: int, thickness: float, slope: tuple, sigma: float
) -> np.ndarray:
    """Simulate a scan in thick slices that is interpolated back to the original grid.

    Each slice is an average over its thickness, with its own noise and brightness. Between slices,
    values are interpolated by cubic convolution (Keys 1981).

    Args:
        rng: the source of randomness.
        image: float32 (z, y, x).
        axis: the axis along which slices are stacked.
        thickness: in voxels; up to 1.5 the image keeps its slices and only noise is added.
        slope: the slices' tilt (the head's before registration), voxels along `axis` per voxel
            along each of the other two.
        sigma: standard deviation of the noise (Rician) in units of the image.
    """
    if thickness <= 1.5:
        return _rician(rng, image, sigma, 0.5)
    blurred = ndimage.gaussian_filter1d(image, 0.36 * thickness, axis, truncate=2.5)
    blurred = np.moveaxis(blurred, axis, 0)
    n, rows, columns = blurred.shape
    tilt = slope[0] * (np.arange(rows) - rows / 2)[:, None]
    tilt = (tilt + slope[1] * (np.arange(columns) - columns / 2)).astype(np.float32)
    margin = float(np.abs(tilt).max()) + 2 * thickness
    first = np.float32(rng.uniform(0, 1) * thickness - margin)
    count = int(np.ceil((n + 2 * margin) / thickness)) + 1
    steps = np.arange(count, dtype=np.float32)[:, None, None] * np.float32(thickness)
    slices = _along(blurred, first + steps + tilt, cubic=False)
    slices *= np.exp(rng.normal(0, 0.012, (count, 1, 1))).astype(np.float32)
    back = np.arange(n, dtype=np.float32)[:, None, None] - first - tilt
    back *= np.float32(1 / thickness)
    restored = _along(_rician(rng, slices, sigma, 0.6), back, cubic=True)
    return np.ascontiguousarray(np.moveaxis(restored, 0, axis))


def _along(volume: np.ndarray, at: np.ndarray, *, cubic: bool) -> np.ndarray:
    """Interpolate `volume` along its first axis at positions `at` (positions, rows, columns)."""
    low = np.floor(at)
    t = at - low
    low = low.astype(np.intp)
    if cubic:
        weights = (
            ((-0.5 * t + 1) * t - 0.5) * t,
            (1.5 * t - 2.5) * t * t + 1,
            ((-1.5 * t + 2) * t + 0.5) * t,
            (0.5 * t - 0.5) * t * t,
        )
    else:
        weights = (1 - t, t)
    values = np.zeros(at.shape, np.float32)
    for step, weight in enumerate(weights, start=-1 if cubic else 0):
        index = np.clip(low + step, 0, len(volume) - 1)
        values += weight * np.take_along_axis(volume, index, 0)
    return values


def _rician(rng, image, sigma, grain) -> np.ndarray:
    real = clouds(rng, image.shape, grain) * np.float32(sigma)
    real += image
    return np.hypot(real, clouds(rng, image.shape, grain) * np.float32(sigma))
