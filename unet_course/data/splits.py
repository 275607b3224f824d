"""Splits that keep every patient on one side.

Neighbouring slices of one brain are nearly the same picture, so a random split of slices tests on
what was trained on. These functions split patients, alike in tumour size and hospital.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unet_course.data.layouts import BRATS, LGG


@dataclass(frozen=True)
class Split:
    """Patients' ids, sorted: what is trained on, what choices are made on, what is judged on."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


class LeakError(ValueError):
    """A patient stands on two sides of a split."""


def patient_of(one) -> str:
    """The patient whom an id, a `brats.Case` or an `lgg.Patient` belongs to.

    >>> patient_of("BraTS-GLI-00005-101"), patient_of("TCGA_CS_4941_19960909"), patient_of("p7")
    ('BraTS-GLI-00005', 'TCGA_CS_4941', 'p7')
    """
    id = str(getattr(one, "patient", None) or getattr(one, "id", one))
    if match := LGG.patient.fullmatch(id):
        return match["id"]
    return next((found for b in BRATS.values() if (found := b.patient_of(id)) != id), id)


def assert_no_leak(*sides: Sequence[str]) -> None:
    """Raise `LeakError`, naming the patients, if an id stands on more than one side.

    Slices may be passed too, as the patient's id repeated for every slice, and cases: time points
    and dates of one patient are one patient.

    >>> assert_no_leak(["a", "b"], ["b", "c"])
    Traceback (most recent call last):
    unet_course.data.splits.LeakError: on more than one side: b. Split by patient, not by slice.
    """
    seen, twice = set(), set()
    for side in sides:
        ids = {patient_of(patient) for patient in side}
        twice |= seen & ids
        seen |= ids
    if twice:
        names = ", ".join(sorted(twice))
        raise LeakError(f"on more than one side: {names}. Split by patient, not by slice.")


def _dealing_order(
    patients: Sequence[str],
    volumes: Mapping[str, float] | None,
    institutions: Mapping[str, str] | None,
    seed: int,
) -> list[str]:
    """The patients ordered so that every stretch of neighbours is alike: by hospital, then size.

    Within a hospital sizes run up, in the next one down; ties and the hospitals' order are random.
    """
    if not all(isinstance(patient, str) for patient in patients):
        raise ValueError("patients are given by id: sorted({case.patient for case in cases})")
    if len({patient_of(patient) for patient in patients}) != len(patients):
        raise ValueError(
            "the same patient is listed twice: pass each id once, and patients, not their time points"
        )
    rng = np.random.default_rng(seed)
    shuffled = [patients[i] for i in rng.permutation(len(patients))]
    hospitals = list(dict.fromkeys(institutions[p] if institutions else "" for p in shuffled))
    ordered = []
    for turn, hospital in enumerate(hospitals):
        group = [p for p in shuffled if not institutions or institutions[p] == hospital]
        if volumes:
            group.sort(key=lambda p: volumes[p], reverse=turn % 2 == 1)
        ordered += group
    return ordered


def split_patients(
    patients: Sequence[str],
    *,
    volumes: Mapping[str, float] | None = None,
    institutions: Mapping[str, str] | None = None,
    fractions: tuple[float, float, float] = (0.6, 0.2, 0.2),
    seed: int = 0,
) -> Split:
    """Split patients into train, validation and test, alike in tumour volume and institution.

    Every stretch of like patients is dealt out in proportion to `fractions` (stratified
    systematic sampling; Cochran, 1977), so groups of any size work, a hospital with one patient too.

    Args:
        patients: ids, each once; at least three.
        volumes, institutions: tumour volume (in any one unit) and institution by id. None: not
            looked at.
        fractions: shares of train, validation and test; they sum to 1.
        seed: another one gives another split; the same gives the same again.

    Raises:
        ValueError: an id twice, fewer than three patients, or fractions that don't sum to 1.

    >>> split = split_patients([f"p{i}" for i in range(10)])
    >>> len(split.train), len(split.validation), len(split.test)
    (6, 2, 2)
    """
    if len(patients) < 3:
        raise ValueError(f"a split needs at least 3 patients, there are {len(patients)}")
    if len(fractions) != 3 or min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6:
        raise ValueError(f"fractions must be three shares that sum to 1, not {fractions}")
    order = _dealing_order(patients, volumes, institutions, seed)
    goal = np.array(fractions)
    sizes = _whole_sizes(goal, len(order))
    sides: tuple[list[str], list[str], list[str]] = ([], [], [])
    for i, patient in enumerate(order, start=1):
        # the side furthest behind its share, and not full, gets the next patient
        behind = [
            goal[s] * i - len(sides[s]) if len(sides[s]) < sizes[s] else -np.inf for s in range(3)
        ]
        sides[int(np.argmax(behind))].append(patient)
    return Split(*(tuple(sorted(side)) for side in sides))


def _whole_sizes(goal: np.ndarray, count: int) -> list[int]:
    """Whole numbers near `goal * count` that sum to `count`; no side that is wanted stays empty."""
    sizes = np.floor(goal * count + 1e-9).astype(int)
    sizes[(goal > 0) & (sizes == 0)] = 1
    while sizes.sum() < count:
        sizes[int(np.argmax(goal * count - sizes))] += 1
    while sizes.sum() > count:
        sizes[int(np.argmax(sizes))] -= 1
    return sizes.tolist()


def folds(
    patients: Sequence[str],
    k: int = 5,
    *,
    volumes: Mapping[str, float] | None = None,
    institutions: Mapping[str, str] | None = None,
    seed: int = 0,
) -> list[Split]:
    """Cut patients into `k` folds; each is the test side once, the next one the validation side.

    The folds differ in size by one at most, and are alike in tumour volume and institution.
    Raises ValueError where `k` is under 3 or above the number of patients.

    >>> five = folds([f"p{i}" for i in range(12)], k=4)
    >>> [len(split.test) for split in five]
    [3, 3, 3, 3]
    """
    if not 3 <= k <= len(patients):
        raise ValueError(f"k must lie between 3 and the {len(patients)} patients, not {k}")
    order = _dealing_order(patients, volumes, institutions, seed)
    parts = [tuple(sorted(order[i::k])) for i in range(k)]
    splits = []
    for test, validation in zip(parts, parts[1:] + parts[:1], strict=True):
        train = sorted(set(order) - {*test, *validation})
        splits.append(Split(tuple(train), validation, test))
    return splits
