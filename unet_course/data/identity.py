"""Scans of one patient under several ids, found by their voxels.

BraTS 2020, 2021, 2023 and the Decathlon's Task01 share patients under other names, and 61 of the 110
LGG patients are in BraTS 2020 as well. Found are scans whose voxels are equal once both are turned
alike; for copies that were processed again (resampled, rescaled) see the sets' tables of names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from unet_course.data.layouts import DataError

MISSED = "Copies that were processed again aren't found this way: see the sets' tables of names."


def scan_key(image: np.ndarray) -> str:
    """A key of one modality or slice that doesn't depend on its axes, type, padding or header.

    Equal are scans with the same values, as many in each plane: turned, flipped or with another
    affine they have the same key. "" where there is nothing to tell scans by: one value or none.

    >>> scan = np.array([[0, 0, 0], [0, 5, 2]])
    >>> scan_key(scan) == scan_key(scan.T[::-1].astype(float)), scan_key(scan // 5)
    (True, '')
    """
    inside = image != 0
    values = np.sort(image[inside].astype(np.float32))
    if not len(values) or values[0] == values[-1]:
        return ""
    planes = []
    for axis in range(image.ndim):
        counts = inside.sum(axis=tuple(i for i in range(image.ndim) if i != axis))
        there = np.flatnonzero(counts)
        counts = counts[there[0] : there[-1] + 1].tolist()
        planes.append(min(counts, counts[::-1]))  # the same from either end
    return hashlib.sha256(repr(sorted(planes)).encode() + values.tobytes()).hexdigest()


def same_scans(cases: Sequence) -> dict[str, str]:
    """Find cases, or LGG patients, that are the same scan as an earlier one: `{id: the earlier id}`.

    A scan that can't be read is nobody's copy: reading it for a lesson says what is wrong with it.
    """
    first: dict[str, str] = {}
    same = {}
    for case in cases:
        try:
            key = case.scan_key()
        except DataError:
            continue
        if key and first.setdefault(key, case.id) != case.id:
            same[case.id] = first[key]
    return same


def without_copies(cases: Sequence) -> tuple[list, str]:
    """Leave out all but the first of each scan; returns the others and a sentence, or "".

    Two ids of one scan are one patient, so the copy's other time points count as the original's:
    their `Case.patient` is that of the case that is kept.
    """
    same = same_scans(cases)
    if not same:
        return list(cases), ""
    patient = {case.id: getattr(case, "patient", case.id) for case in cases}
    one = {name: name for name in patient.values()}
    for copy, original in same.items():
        old, new = one[patient[copy]], one[patient[original]]
        one = {name: new if found == old else found for name, found in one.items()}
    kept = []
    for case in cases:
        if case.id not in same:
            other = one[patient[case.id]] != patient[case.id]
            kept.append(replace(case, person=one[patient[case.id]]) if other else case)
    told = ", ".join(f"{copy} (as {original})" for copy, original in same.items())
    return kept, f"Left out, the same scan under another id: {told}. {MISSED}"
