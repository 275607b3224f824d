"""Scans of one patient under several ids, found by their voxels.

BraTS 2020, 2021, 2023 and the Decathlon's Task01 share patients under other names, and 61 of the 110
LGG patients are in BraTS 2020 as well. Found are scans whose voxels are equal once both are turned
alike; for copies that were processed again (resampled, rescaled) see the sets' tables of names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from unet_course.data import nifti
from unet_course.data.layouts import DataError

MISSED = "Copies that were processed again aren't found this way: see the sets' tables of names."


def scan_key(image: np.ndarray, affine: np.ndarray) -> str:
    """A key of one modality, (x, y, z), that doesn't depend on its axes' directions or padding."""
    turned, _, _ = nifti.turn(image, affine)
    inside = np.argwhere(turned)
    if len(inside):
        turned = turned[tuple(map(slice, inside.min(axis=0), inside.max(axis=0) + 1))]
    values = np.ascontiguousarray(turned, np.float32)
    return hashlib.sha256(repr(values.shape).encode() + values.tobytes()).hexdigest()


def same_scans(cases: Sequence) -> dict[str, str]:
    """Find cases whose FLAIR is the same scan as an earlier case's: `{id: the earlier one's id}`.

    A FLAIR that can't be read is nobody's copy: reading it for a lesson says what is wrong with it.
    """
    first: dict[str, str] = {}
    same = {}
    for case in cases:
        try:
            key = scan_key(case.read_image("FLAIR"), case.read_affine())
        except DataError:
            continue
        if first.setdefault(key, case.id) != case.id:
            same[case.id] = first[key]
    return same


def without_copies(cases: Sequence) -> tuple[list, str]:
    """Leave out all but the first of each scan; returns the others and a sentence, or ""."""
    same = same_scans(cases)
    if not same:
        return list(cases), ""
    told = ", ".join(f"{copy} (as {original})" for copy, original in same.items())
    kept = [case for case in cases if case.id not in same]
    return kept, f"Left out, the same scan under another id: {told}. {MISSED}"
