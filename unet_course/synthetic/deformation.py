"""Random head shapes: smooth deformations of the average head."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from unet_course.synthetic.anatomy import HEAD_ORIGIN, HEAD_SHAPE, HEAD_SPACING, Head, sample_head


@dataclass(frozen=True)
class Warp:
    """Map from a patient's positions to the average head: free-form deformation, then affine.

    A free-form deformation moves a lattice of control points and interpolates between them with
    cubic B-splines (Rueckert 1999). It cannot fold while the sum over levels of largest move /
    lattice spacing stays below 0.40 (Choi and Lee 2000); `random_warp` keeps to that.
    """

    levels: tuple  # of (spacing in mm, moves in mm with shape (3, gz, gy, gx))
    matrix: np.ndarray  # (3, 3)
    centre: np.ndarray  # (3,) mm, the fixed point of rotation and scaling

    def __call__(self, z: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Template positions (3, len(z), len(y), len(x)) in mm of the grid those axes span."""
        # Sums in a fixed order: the last digit of BLAS matrix products depends on the threads.
        turn = self.matrix.astype(np.float32)
        where = np.empty((3, len(z), len(y), len(x)), np.float32)
        plane = (
            self.centre[:, None, None]
            + self.matrix[:, 1, None, None] * (y - self.centre[1])[:, None]
            + self.matrix[:, 2, None, None] * (x - self.centre[2])
        ).astype(np.float32)
        where[...] = plane[:, None]
        where += (turn[:, 0, None] * (z - self.centre[0]).astype(np.float32))[..., None, None]
        for spacing, moves in self.levels:
            first, weights = _spline(z, HEAD_ORIGIN[0], spacing, moves.shape[1])
            used = slice(first.min(), first.max() + 4)
            part = np.einsum("ij,jzyx->izyx", turn, moves[:, used])
            for axis, values, shape in ((3, x, (-1,)), (2, y, (-1, 1))):
                at, parts = _spline(values, HEAD_ORIGIN[axis - 1], spacing, moves.shape[axis])
                part = sum(np.take(part, at + k, axis) * parts[k].reshape(shape) for k in range(4))
            for k in range(len(z)):
                for step in range(4):
                    where[:, k] += weights[step, k] * part[:, first[k] - used.start + step]
        return where


def _spline(positions, origin, spacing, count) -> tuple[np.ndarray, np.ndarray]:
    """Cubic B-spline: first of four control points and their weights (4, n) at each position.

    Control point i is at `origin + spacing * (i - 1)`.
    """
    t = np.clip((np.asarray(positions, float) - origin) / spacing + 1, 1, count - 3.001)
    first = np.floor(t).astype(int) - 1
    u = t - np.floor(t)
    weights = [(1 - u) ** 3, 3 * u**3 - 6 * u**2 + 4, -3 * u**3 + 3 * u**2 + 3 * u + 1, u**3]
    return first, (np.stack(weights) / 6).astype(np.float32)


def random_warp(rng: Generator, head: Head, strength: float = 1.0, tilt: float = 1.0) -> Warp:
    """Draw a random head shape and position.

    Args:
        rng: the source of randomness.
        head: the head that is deformed: gyri move freely, skull and scalp stay smooth.
        strength: 1 for the usual variation of brains; above 1.1, where the deformation could fold,
            it raises ValueError.
        tilt: 1 for the usual variation of the head's position in the scanner.
    """
    if not 0 <= strength <= 1.1:
        raise ValueError(f"strength must lie between 0 and 1.1, got {strength}")
    extent = np.array(HEAD_SHAPE) * HEAD_SPACING
    levels = []
    # Largest moves relative to the spacing: 0.17 + 0.12 + 0.07 = 0.36.
    for spacing, share in ((40.0, 0.17), (18.0, 0.12), (9.0, 0.07)):
        lattice = tuple(np.ceil(extent / spacing).astype(int) + 4)
        moves = rng.uniform(-1, 1, (3, *lattice)).astype(np.float32)
        if spacing < 20:
            sides = zip(HEAD_ORIGIN, lattice, strict=True)
            knots = [first + spacing * (np.arange(n) - 1) for first, n in sides]
            at = np.stack(np.meshgrid(*knots, indexing="ij")).reshape(3, -1)
            outside = sample_head(head.distance, at, outside=60)
            moves *= np.clip(1 - outside / 12, 0.1, 1).reshape(lattice)
        levels.append((spacing, moves * np.float32(share * spacing * strength)))
    pitch, yaw, roll = np.deg2rad(rng.normal(0, [6, 3, 3]).clip(-14, 14)) * tilt
    matrix = _turn(0, 1, pitch) @ _turn(1, 2, yaw) @ _turn(0, 2, roll)
    size = np.exp(rng.normal([0, 0.03, -0.03], [0.03, 0.03, 0.035]))
    return Warp(tuple(levels), matrix @ np.diag(1 / size), np.array([0.0, -15.0, 0.0]))


def _turn(a: int, b: int, angle: float) -> np.ndarray:
    matrix = np.eye(3)
    matrix[[a, b], [a, b]] = np.cos(angle)
    matrix[a, b], matrix[b, a] = -np.sin(angle), np.sin(angle)
    return matrix
