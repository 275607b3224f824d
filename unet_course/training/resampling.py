"""Resampling for augmentation: smooth random displacement fields, linear and nearest sampling.

Written in NumPy: SciPy's `map_coordinates` gives the same values and takes several times as long
(`benchmarks/augment_speed.py` measures it).
"""

from functools import lru_cache

import numpy as np


def smooth_field(
    shape: tuple[int, ...], grid: int, strength: float, rng: np.random.Generator
) -> np.ndarray:
    """Draw a smooth random field: normal values on a coarse grid, cubic B-splines between them.

    The free-form deformation of Rueckert et al. (1999).

    Args:
        shape: of the field, two or three axes.
        grid: cells of the coarse grid along each axis.
        strength: standard deviation of the values at the grid's points, in the field's unit.
        rng: draws the values.

    Returns:
        `(*shape)` float32.
    """
    field = rng.normal(0, strength, [grid + 3] * len(shape)).astype(np.float32)
    if len(shape) == 3:  # each step takes the first axis off and puts the new one last
        for length in shape:
            field = np.tensordot(field, _spline_weights(length, grid), (0, 1))
        return field
    for axis, length in enumerate(shape):
        # (length, grid + 3) against axis `axis`; the new axis lands first, and is put back
        field = np.moveaxis(np.tensordot(_spline_weights(length, grid), field, (1, axis)), 0, axis)
    return field


@lru_cache(maxsize=64)
def _spline_weights(length: int, grid: int) -> np.ndarray:
    """Return cubic B-spline weights, (length, grid + 3): row i says what each grid point adds at i."""
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
    """Sample an array at fractional places by linear interpolation, along any number of axes.

    Args:
        values: `(*spatial, channels)`, floating point.
        where: `(axes, *new spatial)`, places in pixels; one outside gets the nearest edge's value.

    Returns:
        `(*new spatial, channels)`, in the type of `values`.

    >>> sample_linear(np.array([[0.0], [10.0]]), np.array([[0.0, 0.25, 5.0]])).ravel()
    array([ 0. ,  2.5, 10. ])
    """
    shape = values.shape[:-1]
    if len(shape) == 3:
        return _trilinear(values, where)
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


def _trilinear(values: np.ndarray, where: np.ndarray, slab: int = 16384) -> np.ndarray:
    """Do `sample_linear` along three axes, in slabs of voxels that fit into the processor's cache.

    The same sums in the same order; three times as fast on a patch of 64³ voxels and 4 channels.
    """
    *shape, channels = values.shape
    flat = np.ascontiguousarray(values).reshape(-1, channels)
    strides = (shape[1] * shape[2], shape[2], 1)
    x, y, z = (s if n > 1 else 0 for s, n in zip(strides, shape, strict=True))
    places = where.reshape(3, -1)
    result = np.empty((places.shape[1], channels), values.dtype)
    spare = np.empty((3, min(slab, len(result)), channels), values.dtype)
    for start in range(0, len(result), slab):
        out = result[start : start + slab]
        base = np.zeros(len(out), np.intp)
        fractions = []
        for place, length, stride in zip(
            places[:, start : start + slab], shape, strides, strict=True
        ):
            place = np.clip(place, 0, length - 1)
            cell = np.minimum(place.astype(np.int32), max(length - 2, 0))
            base += cell.astype(np.intp) * stride
            # one for each channel: broadcasting over a last axis of 4 would take longer
            fraction = np.repeat((place - cell).astype(values.dtype), channels)
            fractions.append(fraction.reshape(-1, channels))

        def line(offset: int, into: np.ndarray, base=base, fractions=fractions) -> np.ndarray:
            """Interpolate between the two neighbours along the last axis."""
            far = spare[2, : len(base)]
            flat[offset:].take(base, axis=0, out=into, mode="clip")
            flat[offset + z :].take(base, axis=0, out=far, mode="clip")
            return _between(into, far, fractions[2])

        second, third = spare[0, : len(out)], spare[1, : len(out)]
        _between(line(0, out), line(y, second), fractions[1])
        _between(line(x, second), line(x + y, third), fractions[1])
        _between(out, second, fractions[0])
    return result.reshape(*where.shape[1:], channels)


def _between(low: np.ndarray, high: np.ndarray, fraction: np.ndarray) -> np.ndarray:
    """Write low + (high - low) · fraction into `low`; `high` is overwritten."""
    high -= low
    high *= fraction
    low += high
    return low


def sample_nearest(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Sample an array at the nearest pixel, so that labels stay labels.

    Arguments and result as those of `sample_linear`, but `values` may be of any type.

    >>> sample_nearest(np.array([[0], [4]]), np.array([[0.4, 0.6, 5.0]])).ravel().tolist()
    [0, 4, 4]
    """
    index = np.zeros(where.shape[1:], np.int64)
    for axis, length in enumerate(values.shape[:-1]):
        index = index * length + np.clip(np.rint(where[axis]).astype(np.int64), 0, length - 1)
    return values.reshape(-1, values.shape[-1]).take(index, axis=0)
