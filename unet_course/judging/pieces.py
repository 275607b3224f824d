"""A prediction's separate pieces, and the Dice and HD95 of its largest ones alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from unet_course.judging.mask_checks import as_masks, bounding_box, check_spacing


@dataclass(frozen=True, eq=False)
class Pieces:
    """The pieces of a prediction, the largest first, and what keeping only some of them gives.

    Attributes:
        rank: in the prediction's shape, 1 in the largest piece, 2 in the next, 0 outside.
        voxels: (n,) of each piece, falling.
        away: (n,) the least distance in mm from each piece to the truth; 0 where they overlap,
            infinite where the truth is empty.
        dice, hd95: (n + 1,) of the k largest pieces, for k from 0 to n; HD95 in mm.
    """

    rank: np.ndarray
    voxels: np.ndarray
    away: np.ndarray
    dice: np.ndarray
    hd95: np.ndarray

    def __len__(self) -> int:
        return len(self.voxels)


def find_pieces(truth: np.ndarray, prediction: np.ndarray, spacing: Sequence[float]) -> Pieces:
    """Take a prediction apart, and score its k largest pieces for every k.

    Voxels that share a face, an edge or a corner are one piece. Dice and HD95 are those of
    `metrics.dice` and `surfaces.hd95`, their conventions for empty masks included; they are worked
    out from each piece's own distances, so that all n + 1 take little longer than one.

    Args:
        truth, prediction: (x, y, z) masks of one case, bool or 0 and 1.
        spacing: of the voxels in mm.

    Raises:
        ValueError: masks of different shapes or not of three axes, or an invalid spacing.

    >>> truth, prediction = np.zeros((1, 1, 9), bool), np.zeros((1, 1, 9), bool)
    >>> truth[..., 1:4] = prediction[..., 2:4] = prediction[..., 8] = True
    >>> found = find_pieces(truth, prediction, (1, 1, 2))
    >>> found.voxels.tolist(), found.away.tolist(), found.dice.round(2).tolist()
    ([2, 1], [0.0, 10.0], [0.0, 0.8, 0.67])
    """
    truth, prediction = as_masks(truth, prediction)
    if truth.ndim != 3:
        raise ValueError(f"masks must be (x, y, z), got {truth.shape}")
    mm = np.array(check_spacing(spacing, 3))
    rank, count = ndimage.label(prediction, np.ones((3, 3, 3)))
    sizes = np.bincount(rank.ravel(), minlength=count + 1)[1:]
    order = np.argsort(-sizes, kind="stable")
    new = np.zeros(count + 1, np.int32)
    new[order + 1] = np.arange(1, count + 1)
    rank, voxels = new[rank], sizes[order]

    inside = np.bincount(rank[truth], minlength=count + 1)[1:]
    marked, common = np.append(0, voxels.cumsum()), np.append(0, inside.cumsum())
    both = marked + truth.sum()
    dice = np.divide(2 * common, both, out=np.ones(count + 1), where=both > 0)

    diagonal = float(np.linalg.norm(np.array(truth.shape) * mm))
    if not truth.any():
        nowhere = np.full(count, np.inf)
        return Pieces(rank, voxels, nowhere, dice, np.append(0.0, np.full(count, diagonal)))
    edge = _surface(truth) * mm
    own, hd95, away = cKDTree(edge), [diagonal], np.zeros(count)
    nearest, there = np.full(len(edge), np.inf), np.zeros(0)
    for i, box in enumerate(ndimage.find_objects(rank)):
        corner = [side.start for side in box]
        points = (_surface(rank[box] == i + 1) + corner) * mm
        distances = own.query(points)[0]
        away[i] = 0 if inside[i] else distances.min()
        there = np.append(there, distances)
        nearest = np.minimum(nearest, cKDTree(points).query(edge)[0])
        hd95.append(max(np.percentile(nearest, 95), np.percentile(there, 95)))
    return Pieces(rank, voxels, away, dice, np.array(hd95))


def _surface(mask: np.ndarray) -> np.ndarray:
    """Places of the voxels that touch the outside by a face: (n, 3)."""
    box = bounding_box(mask)
    edge = mask[box] & ~ndimage.binary_erosion(mask[box])
    return np.argwhere(edge) + [side.start for side in box]
