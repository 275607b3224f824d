"""Splits: nobody on two sides, nobody lost, sides alike, the same seed the same split."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unet_course.data import splits


@st.composite
def cohorts(draw):
    count = draw(st.integers(3, 60))
    ids = [f"p{i:02d}" for i in range(count)]
    volumes = {p: draw(st.floats(0, 1e3)) for p in ids}
    hospitals = {p: draw(st.sampled_from(["A", "B", "C", "D"])) for p in ids}
    return ids, volumes, hospitals, draw(st.integers(0, 5))


@given(cohorts())
def test_a_split_keeps_everybody_once_and_its_sizes(cohort):
    ids, volumes, hospitals, seed = cohort
    split = splits.split_patients(ids, volumes=volumes, institutions=hospitals, seed=seed)
    splits.assert_no_leak(split.train, split.validation, split.test)
    assert sorted(split.train + split.validation + split.test) == ids
    for side, share in zip(
        (split.train, split.validation, split.test), (0.6, 0.2, 0.2), strict=True
    ):
        assert side and abs(len(side) - share * len(ids)) < 1 + (len(ids) < 6)
    again = splits.split_patients(ids, volumes=volumes, institutions=hospitals, seed=seed)
    assert again == split


@given(cohorts(), st.integers(3, 6))
def test_folds_test_everybody_once_and_differ_by_one_at_most(cohort, k):
    ids, volumes, hospitals, seed = cohort
    k = min(k, len(ids))
    found = splits.folds(ids, k, volumes=volumes, institutions=hospitals, seed=seed)
    assert sorted(p for split in found for p in split.test) == ids
    sizes = [len(split.test) for split in found]
    assert max(sizes) - min(sizes) <= 1
    for split in found:
        splits.assert_no_leak(split.train, split.validation, split.test)
        assert len(split.train + split.validation + split.test) == len(ids)


def test_sides_are_alike_in_volume_and_institution():
    ids = [f"p{i:02d}" for i in range(40)]
    volumes = {p: float(i * i) for i, p in enumerate(ids)}
    hospitals = {p: "AB"[i % 2] for i, p in enumerate(ids)}
    for split in splits.folds(ids, 4, volumes=volumes, institutions=hospitals):
        assert sum(hospitals[p] == "A" for p in split.test) == 5
        ranks = sorted(ids.index(p) for p in split.test)
        assert ranks[0] < 10 and ranks[-1] >= 30
        assert abs(sum(ranks) / 10 - 19.5) < 3


def test_a_leak_is_named():
    with pytest.raises(splits.LeakError, match=r"more than one side: p1, p2\. Split by patient"):
        splits.assert_no_leak(["p1", "p2", "p2"], ["p2"], ["p1", "p3"])


@pytest.mark.parametrize(("call", "words"), [
    (lambda: splits.split_patients(["a", "b"]), "at least 3"),
    (lambda: splits.split_patients(["a", "b", "c"], fractions=(0.5, 0.2, 0.2)), "sum to 1"),
    (lambda: splits.split_patients(["a", "a", "b"]), "listed twice"),
    (lambda: splits.folds(["a", "b", "c"], 2), "between 3 and"),
])  # fmt: skip
def test_splits_that_cannot_be_made_say_why(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_time_points_and_dates_of_one_patient_are_one_patient():
    """Whether ids, cases or slices are passed: a second visit is no second patient."""
    visits = ["BraTS-GLI-00005-000", "BraTS-GLI-00006-000", "BraTS-GLI-00005-100"]
    with pytest.raises(splits.LeakError, match="more than one side: BraTS-GLI-00005"):
        splits.assert_no_leak(visits[:2], visits[2:])
    with pytest.raises(splits.LeakError, match="TCGA_CS_4941"):
        splits.assert_no_leak(["TCGA_CS_4941_19960909"], np.array(["TCGA_CS_4941_20010101"]))
    for deal in (splits.split_patients, lambda ids: splits.folds(ids, 3)):
        with pytest.raises(ValueError, match="not their time points"):
            deal(visits)
    cases = [SimpleNamespace(id=visit, patient=visit[:15]) for visit in visits]
    with pytest.raises(splits.LeakError, match="more than one side: BraTS-GLI-00005"):
        splits.assert_no_leak(cases[:2], cases[2:])
    with pytest.raises(ValueError, match="given by id"):
        splits.split_patients(cases)
