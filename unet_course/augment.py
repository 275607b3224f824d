"""Random changes to images and masks together, in 2-D and 3-D.

Three families, as one patient may differ from the next: *affine* (flip, turn, scale, shift) and
*elastic* changes move tissue, so the mask moves with the image, through the same field, and keeps
its labels (nearest neighbour); *intensity* changes (contrast, brightness, gamma, bias field,
noise) are the scanner's, so the mask stays. All the moves of one case are combined into a single
resampling, since each resampling blurs. Plain NumPy: SciPy's `map_coordinates` gives the same
values and takes several times as long (`benchmarks/augment_speed.py` measures it).
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """What may happen to a case; call it with a batch and a random generator.

    Args:
        flips: spatial axes that are flipped in half of the cases. `(1,)` swaps left and right
            in an axial slice.
        rotation: largest angle, in degrees, in each plane of `planes`.
        planes: pairs of spatial axes to turn in; None: all of them.
        scale: largest relative change of size; 0.1 gives 0.9 to 1.1.
        shift: largest shift, as a share of the side.
        elastic: standard deviation of the elastic displacement, in pixels, at the points of a
            coarse grid; cubic B-splines between them keep it smooth (Rueckert et al., 1999).
        elastic_grid: points of that grid per axis; keep `elastic` under a third of the points'
            distance, or tissue folds over itself.
        contrast, brightness: largest relative change of contrast, and of brightness as a share
            of the image's range, drawn per channel.
        gamma: largest change of the exponent, on a logarithmic scale.
        bias_field: standard deviation of the logarithm of a smooth multiplicative field
            (van Leemput et al., 1999, model the receive coil so).
        noise: largest standard deviation of Gaussian noise, as a share of the image's range.
        missing: how often a sequence is taken away: in three of ten such cases the last channel
            is replaced by the channel `stand_in`, else all the others are. LGG's files do so for
            a sequence that wasn't taken; 10 of its 110 patients lack one or two.
        stand_in: the channel that replaces missing ones; FLAIR in LGG's files.
        probability: how often the moves, and how often each intensity change, happen.

    Raises:
        ValueError: a negative amount, or a probability outside 0 to 1.
    """

    flips: tuple[int, ...] = (1,)
    rotation: float = 15.0
    planes: tuple[tuple[int, int], ...] | None = None
    scale: float = 0.15
    shift: float = 0.06
    elastic: float = 2.0
    elastic_grid: int = 6
    contrast: float = 0.25
    brightness: float = 0.1
    gamma: float = 0.25
    bias_field: float = 0.15
    noise: float = 0.04
    missing: float = 0.0
    stand_in: int = 1
    probability: float = 0.7

    def __post_init__(self):
        for name in ("rotation", "scale", "shift", "elastic", "contrast", "brightness", "gamma"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, it is {getattr(self, name)}")
        for name in ("bias_field", "noise"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, it is {getattr(self, name)}")
        for name in ("probability", "missing"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie between 0 and 1, it is {getattr(self, name)}")

    def __call__(
        self, images: np.ndarray, masks: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Augment a batch.

        Args:
            images: (batch, *spatial, channels), floating point.
            masks: (batch, *spatial, channels), any type; it keeps its type and its values.
            rng: the only source of randomness, so that a seed repeats the batch.

        Returns:
            New arrays of the same shapes; the arguments stay as they are.

        Raises:
            ValueError: images and masks differ in their spatial shape.
        """
        if images.shape[:-1] != masks.shape[:-1]:
            raise ValueError(
                f"images {images.shape} and masks {masks.shape} must agree but in the channels"
            )
        if not np.issubdtype(images.dtype, np.floating):
            raise ValueError(f"images must be floating point, they are {images.dtype}")
        new_images, new_masks = np.empty_like(images), np.empty_like(masks)
        for i in range(len(images)):
            image, mask = self.move(images[i], masks[i], rng)
            new_images[i] = self.recolour(image, rng)
            new_masks[i] = mask
        return new_images, new_masks

    def move(
        self, image: np.ndarray, mask: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Flip, and warp through one field; (*spatial, channels) each."""
        for axis in self.flips:
            if rng.random() < 0.5:
                image, mask = np.flip(image, axis), np.flip(mask, axis)
        if rng.random() >= self.probability:
            return image, mask
        where = self.field(image.shape[:-1], rng)
        return sample_linear(image, where), sample_nearest(mask, where)

    def field(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Where each pixel's value comes from: (axes, *shape), in pixels, affine then elastic."""
        rank = len(shape)
        matrix = np.eye(rank)
        for a, b in self.planes or combinations(range(rank), 2):
            angle = np.deg2rad(rng.uniform(-self.rotation, self.rotation))
            turn = np.eye(rank)
            turn[[a, b], [a, b]] = np.cos(angle)
            turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
            matrix = matrix @ turn
        matrix = matrix / (1 + rng.uniform(-self.scale, self.scale))
        offset = rng.uniform(-self.shift, self.shift, rank) * np.array(shape)
        centre = (np.array(shape) - 1) / 2
        axes = [np.arange(n, dtype=np.float32) - c for n, c in zip(shape, centre, strict=True)]
        where = np.empty((rank, *shape), np.float32)
        for a in range(rank):
            where[a] = centre[a] + offset[a]
            for b in range(rank):
                along = [1] * rank
                along[b] = -1
                where[a] += np.float32(matrix[a, b]) * axes[b].reshape(along)
        if self.elastic:
            for a in range(rank):
                where[a] += smooth_field(shape, self.elastic_grid, self.elastic, rng)
        return where

    def recolour(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Take sequences away, change contrast, brightness, gamma, bias field and noise.

        (*spatial, channels) in and out.
        """
        image = np.array(image)
        *shape, channels = image.shape
        if rng.random() < self.missing:
            lost = slice(-1, None) if rng.random() < 0.3 else slice(None)
            image[..., lost] = image[..., self.stand_in, None]
        low, high = float(image.min()), float(image.max())
        span = max(high - low, 1e-6)

        def happens(amount: float) -> bool:
            return amount > 0 and rng.random() < self.probability

        if happens(self.gamma):
            power = np.exp(rng.uniform(-self.gamma, self.gamma))
            image = low + span * np.power((image - low) / span, np.float32(power))
        if happens(self.bias_field):
            field = smooth_field(tuple(shape), 4, self.bias_field, rng)
            image = low + (image - low) * np.exp(field)[..., None]
        if happens(self.contrast):
            gain = 1 + rng.uniform(-self.contrast, self.contrast, channels)
            image = low + (image - low) * gain.astype(image.dtype)
        if happens(self.brightness):
            offset = span * rng.uniform(-self.brightness, self.brightness, channels)
            image = image + offset.astype(image.dtype)
        if happens(self.noise):
            strength = span * rng.uniform(0, self.noise)
            image = image + strength * rng.standard_normal(image.shape, dtype=np.float32)
        return image


def smooth_field(
    shape: tuple[int, ...], grid: int, strength: float, rng: np.random.Generator
) -> np.ndarray:
    """A smooth random field of `shape`: normal values on a coarse grid, B-splines between.

    `strength` is the standard deviation at the grid's points before smoothing.
    """
    field = rng.normal(0, strength, [grid + 3] * len(shape)).astype(np.float32)
    for axis, length in enumerate(shape):
        # (length, grid + 3) against axis `axis`; the new axis lands first, and is put back
        field = np.moveaxis(np.tensordot(_spline_weights(length, grid), field, (1, axis)), 0, axis)
    return field


@lru_cache(maxsize=64)
def _spline_weights(length: int, grid: int) -> np.ndarray:
    """Cubic B-spline weights, (length, grid + 3): row i says what each grid point adds at i."""
    place = np.linspace(0, grid, length, endpoint=False)
    cell = np.floor(place).astype(int)
    t = place - cell
    weights = np.zeros((length, grid + 3), np.float32)
    rows = np.arange(length)
    basis = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)
    for k, values in enumerate(basis):
        weights[rows, cell + k] = values / 6
    return weights


def sample_linear(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Values at fractional places, by (bi-, tri-)linear interpolation, in any number of axes.

    Args:
        values: (*spatial, channels).
        where: (axes, *new spatial), in pixels; a place outside takes the nearest edge's value.

    Returns:
        (*new spatial, channels), in the type of `values`.

    >>> sample_linear(np.array([[0.0], [10.0]]), np.array([[0.0, 0.25, 5.0]])).ravel()
    array([ 0. ,  2.5, 10. ])
    """
    shape = values.shape[:-1]
    flat = values.reshape(-1, values.shape[-1])
    base = np.zeros(where.shape[1:], np.int64)
    strides = np.cumprod([1, *shape[:0:-1]])[::-1]  # how far the next pixel lies, per axis
    fractions, steps = [], []
    for axis, (length, stride) in enumerate(zip(shape, strides, strict=True)):
        place = np.clip(where[axis], 0, length - 1)
        cell = np.minimum(place.astype(np.int64), max(length - 2, 0))
        base += cell * stride
        fractions.append((place - cell).astype(values.dtype)[..., None])
        steps.append(stride if length > 1 else 0)

    def between(axis: int, index: np.ndarray) -> np.ndarray:
        if axis == len(shape):
            return flat.take(index, axis=0)
        low = between(axis + 1, index)
        high = between(axis + 1, index + steps[axis])
        high -= low
        high *= fractions[axis]
        high += low
        return high

    return between(0, base)


def sample_nearest(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Values at the nearest pixel, so that labels stay labels; arguments as `sample_linear`."""
    shape = values.shape[:-1]
    index = np.zeros(where.shape[1:], np.int64)
    for axis, length in enumerate(shape):
        index = index * length + np.clip(np.rint(where[axis]).astype(np.int64), 0, length - 1)
    return values.reshape(-1, values.shape[-1]).take(index, axis=0)
