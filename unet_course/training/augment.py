"""Random changes to images and masks together, in 2-D and 3-D.

Affine (flip, turn, scale, shift, shear) and elastic changes move tissue, so the mask moves with the
image, through the same field, and keeps its labels (nearest neighbour); intensity changes
(contrast, brightness, gamma, bias field, noise) are the scanner's, so the mask stays. All the moves
of one case are combined into a single resampling, since each resampling blurs.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from unet_course.training.resampling import sample_linear, sample_nearest, smooth_field

__all__ = ["VOLUMES", "Augmentation", "sample_linear", "sample_nearest", "smooth_field"]


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
        shear: largest slope of a shear in each plane of `planes`, along one of its two axes, drawn
            at random: at 0.1 each line of pixels moves by up to a tenth of its distance from the
            middle. Areas and volumes stay.
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
            is replaced by the channel `stand_in`, else all the others are. LGG's files do so, with
            FLAIR, for a sequence that wasn't taken; 10 of its 110 patients lack one or two.
        probability: how often the moves, and how often each intensity change, happen.
        zscored: the images have mean 0 and standard deviation 1 in the brain, and exactly 0
            outside, where they stay so. Then `brightness` and `noise` are in standard deviations
            (a z-scored image's range depends on its brightest vessel), and gamma keeps each
            channel's mean and deviation (Isensee et al., 2021), as z-scoring would afterwards.

    Raises:
        ValueError: a negative amount, or a probability outside 0 to 1.
    """

    flips: tuple[int, ...] = (1,)
    rotation: float = 15.0
    planes: tuple[tuple[int, int], ...] | None = None
    scale: float = 0.15
    shift: float = 0.06
    shear: float = 0.0
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
    zscored: bool = False

    def __post_init__(self):
        moves = ("rotation", "scale", "shift", "shear", "elastic")
        for name in (*moves, "contrast", "brightness", "gamma", "bias_field", "noise"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, it is {getattr(self, name)}")
        for name in ("probability", "missing"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie between 0 and 1, it is {getattr(self, name)}")

    def __call__(
        self, images: np.ndarray, masks: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Augment a batch, into new arrays; a generator of the same seed repeats it.

        Args:
            images: `(batch, *spatial, channels)`, floating point, else ValueError.
            masks: `(batch, *spatial, channels)`, any type; it keeps its type and its values. A
                ValueError is raised where its spatial shape isn't the images'.
        """
        if images.shape[:-1] != masks.shape[:-1]:
            shapes = f"images {images.shape} and masks {masks.shape}"
            raise ValueError(f"{shapes} must agree but in the channels")
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
        """Flip, and warp through one field; `(*spatial, channels)` each."""
        flips, where = self.plan(image.shape[:-1], rng)
        image, mask = np.flip(image, flips), np.flip(mask, flips)
        if where is None:
            return image, mask
        return sample_linear(image, where), sample_nearest(mask, where)

    def plan(
        self, shape: tuple[int, ...], rng: np.random.Generator
    ) -> tuple[tuple[int, ...], np.ndarray | None]:
        """Draw what `move` does: the axes to flip, then the field to warp by, None for no warp."""
        flips = tuple(axis for axis in self.flips if rng.random() < 0.5)
        return flips, self.field(shape, rng) if rng.random() < self.probability else None

    def field(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Draw where each pixel's value comes from: `(axes, *shape)`, in pixels, affine then elastic."""
        rank = len(shape)
        matrix = np.eye(rank)
        planes = tuple(self.planes or combinations(range(rank), 2))
        for a, b in planes:
            angle = np.deg2rad(rng.uniform(-self.rotation, self.rotation))
            turn = np.eye(rank)
            turn[[a, b], [a, b]] = np.cos(angle)
            turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
            matrix = matrix @ turn
        matrix = matrix / (1 + rng.uniform(-self.scale, self.scale))
        offset = rng.uniform(-self.shift, self.shift, rank) * np.array(shape)
        if self.shear:  # nothing is drawn without it, so that a seed gives what it always gave
            for plane in planes:
                a, b = plane if rng.random() < 0.5 else reversed(plane)
                lean = np.eye(rank)
                lean[a, b] = rng.uniform(-self.shear, self.shear)
                matrix = matrix @ lean
        centre = (np.array(shape) - 1) / 2
        # the 2-D lessons' saved outputs depend on the last digit; a volume can do without it
        kind = np.float64 if rank == 2 else np.float32
        axes = [np.arange(n, dtype=kind) - kind(c) for n, c in zip(shape, centre, strict=True)]
        where = np.empty((rank, *shape), np.float32)
        for a in range(rank):
            place = np.float32(centre[a] + offset[a])
            for b, along in enumerate(np.ix_(*axes)):  # grows by an axis at a time
                part = np.float32(matrix[a, b]) * along
                place = (place + part).astype(np.float32, copy=False)
            where[a] = place
        if self.elastic:
            for a in range(rank):
                where[a] += smooth_field(shape, self.elastic_grid, self.elastic, rng)
        return where

    def recolour(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Take sequences away, and change intensities: `(*spatial, channels)` in and out."""
        image = np.array(image)
        *shape, channels = image.shape
        if rng.random() < self.missing:
            lost = slice(-1, None) if rng.random() < 0.3 else slice(None)
            image[..., lost] = image[..., self.stand_in, None]
        if self.zscored:
            return self._recolour_zscored(image, rng)
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

    def _recolour_zscored(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The same changes in units of z-scores, in place; background, all channels 0, stays."""
        *_, length, channels = image.shape
        happens = {
            name: getattr(self, name) > 0 and rng.random() < self.probability
            for name in ("gamma", "bias_field", "contrast", "brightness", "noise")
        }
        if not any(happens.values()):
            return image
        # NumPy is slow along a last axis of 4, so rows of (last axis × channels) are changed
        rows = image.reshape(-1, length * channels)
        signal = np.logical_or.reduce([image[..., c] != 0 for c in range(channels)])
        background = np.flatnonzero(~signal)

        def wide(values: np.ndarray) -> np.ndarray:
            return np.tile(np.asarray(values, image.dtype), length)

        def narrow(reduce: np.ufunc, values: np.ndarray) -> np.ndarray:
            return reduce.reduce(reduce.reduce(values, axis=0).reshape(length, channels), axis=0)

        def clear() -> None:
            rows.reshape(-1, channels)[background] = 0

        inside = max(image.size // channels - len(background), 1)
        if happens["gamma"] or happens["bias_field"]:
            # the darkest voxel stands for no signal at all
            low = narrow(np.minimum, rows)
        if happens["gamma"]:
            power = np.exp(rng.uniform(-self.gamma, self.gamma, channels))
            span = np.maximum(narrow(np.maximum, rows) - low, 1e-6)
            before = _mean_and_deviation(narrow, rows, inside)
            rows -= wide(low)
            rows /= wide(span)
            np.power(rows, wide(power), out=rows)
            clear()
            mean, deviation = _mean_and_deviation(narrow, rows, inside)
            gain = before[1] / np.maximum(deviation, 1e-6)
            rows *= wide(gain)
            rows += wide(before[0] - gain * mean)
            low = before[0] - gain * mean
        if happens["bias_field"]:
            field = np.exp(smooth_field(image.shape[:-1], 4, self.bias_field, rng))
            rows -= wide(low)
            rows *= np.repeat(field, channels).reshape(rows.shape)
            rows += wide(low)
        if happens["contrast"]:
            rows *= wide(1 + rng.uniform(-self.contrast, self.contrast, channels))
        if happens["brightness"]:
            rows += wide(rng.uniform(-self.brightness, self.brightness, channels))
        if happens["noise"]:
            noise = rng.standard_normal(rows.shape, dtype=np.float32)
            noise *= np.float32(rng.uniform(0, self.noise))
            rows += noise
        clear()
        return image


def _mean_and_deviation(narrow, rows: np.ndarray, inside: int) -> tuple[np.ndarray, np.ndarray]:
    """Each channel's, over the `inside` voxels that aren't background, which adds nothing."""
    mean = narrow(np.add, rows) / inside
    return mean, np.sqrt(np.maximum(narrow(np.add, rows * rows) / inside - mean**2, 0))


# Each change in three patches of ten, about as often as nnU-Net has it (Isensee et al., 2021)
VOLUMES = Augmentation(
    flips=(0, 1, 2),
    rotation=15.0,
    scale=0.15,
    shift=0.0,  # a patch is cut out at random anyway
    elastic=2.0,
    contrast=0.2,
    brightness=0.2,
    gamma=0.3,
    bias_field=0.15,
    noise=0.1,
    probability=0.3,
    zscored=True,
)
