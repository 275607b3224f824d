"""Lesson 07's wrong copies: three of eight are wrong, and the lesson's measurements tell which."""

import numpy as np
import pandas as pd

from unet_course.data import brats
from unet_course.exercises import wrong_copies


def median(image, mask):
    return np.median(image[mask]) if mask.any() else np.nan


def test_each_fault_shows_in_its_measurement_and_the_other_five_are_right():
    cases = {case.id: case for case in brats.sample_cases()}
    rows = {}
    for name, copy in wrong_copies.read_copies():
        t1ce, flair, labels = copy.images[..., 1], copy.images[..., 3], copy.labels
        rows[name] = {
            "ml": np.count_nonzero(labels) * abs(np.linalg.det(copy.affine[:3, :3])) / 1000,
            "4 over 1": median(t1ce, labels == 4) / median(t1ce, labels == 1),
            "2 over healthy": median(flair, labels == 2)
            / median(flair, (flair != 0) & (labels == 0)),
        }
        same = np.array_equal(labels, cases[name].read_labels())
        same &= np.array_equal(copy.affine, cases[name].read_affine())
        assert same == (wrong_copies.number_of(name) not in wrong_copies.PLANTED.values())
    table = pd.DataFrame(rows).T
    assert list(table.index) == list(cases)
    wrong = table["ml"] < 1, table["4 over 1"] < 0.8, table["2 over healthy"] < 1.1
    found = [wrong_copies.number_of(name) for rows in wrong for name in table.index[rows]]
    assert found == [wrong_copies.PLANTED[name] for name in ("units", "swapped", "flipped")]


def test_a_case_may_be_named_in_short():
    assert [wrong_copies.number_of(given) for given in ("BraTS20_Synthetic_007", "007", 7)] == [
        7
    ] * 3
    assert [wrong_copies.number_of(given) for given in (None, "", 0.07, "none")] == [None] * 4
