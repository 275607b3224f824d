"""A data set's fingerprint: sizes, spacings, intensities and class shares, as a plain dict.

What a plan for a network is made from (`training.plan`), after Isensee et al. ("nnU-Net", 2021). It
holds numbers of the whole set and nothing of a single patient, and goes into a JSON file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from unet_course import storage
from unet_course.data import brats, lgg, nifti, own_folder
from unet_course.data.layouts import BRATS, REGIONS
from unet_course.data.normalise import find_brain

FORMAT = 1  # raise it when what stands in a fingerprint changes
KEYS = {"format", "set", "axes", "cases", "patients", "channels", "shape", "spacing"}
KEYS |= {"intensities", "classes"}


def of_folder(folder: Path | str, progress: bool = True) -> list[dict]:
    """Fingerprints of what a folder holds: LGG slices, BraTS volumes, or both.

    Every file is read, about two seconds a case.

    Raises:
        ValueError: there is neither, or the channels aren't the same in all of one kind.
        DataError: a file is damaged; it is named with the cure.
    """
    patients, cases = lgg.find_patients(folder), brats.find_cases(folder)
    if not patients and not cases:
        raise ValueError(
            f"{folder} holds no complete LGG patient or BraTS case: `unet-course data check` says why"
        )
    found = [of_slices(patients, progress)] if patients else []
    return found + ([of_volumes(cases, progress)] if cases else [])


def of_volumes(cases: Sequence[brats.Case], progress: bool = True) -> dict:
    """Fingerprint of BraTS cases, turned to one orientation (LPS) and cropped to the brain.

    Returns:
        A dict that JSON takes: `set`, `axes` (3), `cases`, `patients`, `channels`, and

        - `shape` in voxels and `spacing` in mm, each with `smallest`, `median` and `largest` along
          the three axes;
        - `intensities` by channel, in the tumour as in nnU-Net (None without any): `median`, `low` and `high` (0.5th and
          99.5th percentile), medians over the cases; `spread`, the largest median of a case over the
          smallest, which shows whether the numbers of two scans can be compared at all;
        - `classes` by region: `share` of the cropped volume (median over the cases that have a mask)
          and in how many of them it is `missing`.

    Raises:
        ValueError: no cases, or not all have the same channels.
        DataError: a file is damaged, or there is no brain in it.
    """
    rows = [_volume(case) for case in _bar(cases, "case", progress)]
    channels, layout = _channels(cases), cases[0].layout.name
    return {
        **_head("BraTS" if layout in BRATS else layout, 3, cases, channels),
        "shape": _range([row["shape"] for row in rows], whole=True),
        "spacing": _range([row["spacing"] for row in rows]),
        "intensities": _intensities(channels, [row["percentiles"] for row in rows]),
        "classes": _classes(REGIONS, [row["shares"] for row in rows if row["shares"] is not None]),
    }


def of_slices(patients: Sequence[lgg.Patient], progress: bool = True) -> dict:
    """Fingerprint of LGG patients' slices: as `of_volumes` with `axes` 2.

    `shape` is a slice's, `spacing` is None, since TIFF files carry none, `slices` is how many there
    are in all. A channel that repeats FLAIR because it wasn't taken is counted like the others.

    Raises:
        ValueError: no patients, or not all have the same channels.
        DataError: a file is damaged.
    """
    rows = [_patient(patient) for patient in _bar(patients, "patient", progress)]
    channels = _channels(patients)
    own = isinstance(patients[0], own_folder.OwnPatient)
    return {
        **_head(own_folder.TABLE if own else "LGG", 2, patients, channels),
        "slices": sum(len(patient.numbers) for patient in patients),
        "shape": _range([row["shape"] for row in rows], whole=True),
        "spacing": None,
        "intensities": _intensities(channels, [row["percentiles"] for row in rows]),
        "classes": _classes(("tumour",), [row["shares"] for row in rows]),
    }


def write(fingerprint: dict, file: Path | str) -> None:
    """Write a fingerprint as JSON, whole or not at all. Raises OSError."""
    storage.write_text(Path(file), json.dumps(fingerprint, indent=1) + "\n")


def read(file: Path | str) -> dict:
    """Read what `write` wrote.

    Raises:
        ValueError: it is damaged or of another version; the message says so.
        FileNotFoundError: there is no such file.
    """
    again = "make it again with `unet-course plan FOLDER --fingerprint FILE`"
    return storage.read_facts(Path(file), "a fingerprint", FORMAT, KEYS, again)


# --- a case -------------------------------------------------------------------------------------


def _volume(case: brats.Case) -> dict:
    volume = case.read()
    images, affine, _ = nifti.turn(volume.images, volume.affine)
    box, _ = find_brain(images, case)
    images, row = images[box], {"spacing": nifti.spacing_of(affine)}
    row |= {"shape": images.shape[:3], "shares": None, "percentiles": None}
    if volume.labels is not None:
        regions = brats.regions(nifti.turn(volume.labels, volume.affine)[0][box])
        row["shares"] = regions.mean(axis=(0, 1, 2), dtype=float)
        row["percentiles"] = _percentiles(images, regions[..., 0] > 0)
    return row


def _patient(patient: lgg.Patient) -> dict:
    images, masks = patient.read()
    return {
        "shape": images.shape[1:3],
        "percentiles": _percentiles(images, masks > 0),
        "shares": [masks.mean(dtype=float)],
    }


def _percentiles(images: np.ndarray, tumour: np.ndarray) -> np.ndarray | None:
    """(channels, 3): low, median and high of each channel in the tumour; None without one."""
    if not tumour.any():
        return None
    return np.percentile(images[tumour].astype(np.float32), (0.5, 50, 99.5), axis=0).T


# --- the set ------------------------------------------------------------------------------------


def _bar(items: Sequence, unit: str, progress: bool):
    if not items:
        raise ValueError(f"no {unit}s to take a fingerprint of")
    return tqdm(items, "Reading", unit=unit, leave=False, disable=not progress or None)


def _channels(cases: Sequence) -> Sequence[str]:
    first = cases[0]
    for case in cases:
        if case.channels != first.channels:
            names = [f"{one.id} has {', '.join(one.channels)}" for one in (first, case)]
            raise ValueError(f"one fingerprint is of one kind of images: {'; '.join(names)}")
    return first.channels


def _head(name: str, axes: int, cases: Sequence, channels: Sequence[str]) -> dict:
    ids = {getattr(case, "patient", case.id) for case in cases}
    facts = {"format": FORMAT, "set": name, "axes": axes, "cases": len(cases)}
    return {**facts, "patients": len(ids), "channels": list(channels)}


def _range(rows: list, whole: bool = False) -> dict:
    names: dict[str, Callable] = {"smallest": np.min, "median": np.median, "largest": np.max}
    found = {name: take(np.array(rows, float), axis=0) for name, take in names.items()}
    digits = 0 if whole else 4
    return {
        name: [int(n) if whole else float(n) for n in np.round(values, digits)]
        for name, values in found.items()
    }


def _intensities(channels: Sequence[str], rows: list[np.ndarray | None]) -> dict | None:
    found, rows = {}, [row for row in rows if row is not None]
    if not rows:
        return None
    for channel, values in zip(channels, np.stack(rows, axis=1), strict=True):
        low, median, high = (round(float(value), 2) for value in np.median(values, axis=0))
        medians = values[:, 1]
        spread = float(medians.max() / medians.min()) if medians.min() > 0 else None
        numbers = {"median": median, "low": low, "high": high}
        found[channel] = {**numbers, "spread": None if spread is None else round(spread, 2)}
    return found


def _classes(names: Sequence[str], rows: list) -> dict:
    if not rows:  # no case has a mask
        return {name: {"share": None, "missing": 0} for name in names}
    shares = np.array(rows, float)
    return {
        name: {"share": float(f"{np.median(of):.3g}"), "missing": int((of == 0).sum())}
        for name, of in zip(names, shares.T, strict=True)
    }
