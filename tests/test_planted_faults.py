"""Lesson 05's three runs: each has its fault and no other, and a shift is measured."""

from types import SimpleNamespace

import numpy as np
import pytest

from unet_course.data.slices import Slices
from unet_course.training import planted_faults


def patients(count=8, side=16, slices=4):
    """Bright squares on grey, one a slice, which is the tumour."""
    rng = np.random.default_rng(3)
    images = rng.integers(40, 90, (count * slices, side, side, 3)).astype(np.uint8)
    masks = np.zeros((count * slices, side, side, 1), np.uint8)
    for at in range(len(masks)):
        if at % slices:  # the first slice of each patient is healthy
            row, column = rng.integers(2, side - 9, 2)
            masks[at, row : row + 4, column : column + 4] = 1
    images[masks[..., 0] > 0] = 220
    ids = [f"P{number}" for number in range(count)]
    numbers = np.tile(np.arange(slices), count)
    return Slices(images, masks, np.repeat(ids, slices), numbers), ids


def test_each_run_has_its_own_fault_and_all_start_alike():
    slices, ids = patients()
    runs = planted_faults.three_runs(slices, ids, epochs=2, steps=3)
    assert {letter: run.planted for letter, run in runs.items()} == planted_faults.FAULTS
    assert sorted(planted_faults.FAULTS.values()) == ["masks", "patients", "rate"]
    for run in runs.values():
        assert len(run.loss) == len(run.validation) == len(run.others) == 2
        assert run.probability.shape == run.masks.shape == (8, 16, 16, 1)
        assert run.planted not in repr(run), "who prints a run shouldn't read its fault"
    # validation is every fourth from the second on
    np.testing.assert_array_equal(runs["A"].masks, slices.of([ids[1], ids[5]]).masks)


def test_masks_are_moved_without_coming_in_on_the_other_side():
    masks = np.zeros((1, 4, 8, 1), np.uint8)
    masks[0, 1, [2, 6]] = 1
    right = planted_faults.moved(masks, 3)
    assert np.argwhere(right[0, ..., 0]).tolist() == [[1, 5]]
    left = planted_faults.moved(masks, -3)
    assert np.argwhere(left[0, ..., 0]).tolist() == [[1, 3]]
    np.testing.assert_array_equal(planted_faults.moved(masks, 0), masks)


@pytest.mark.parametrize("shift", [(0, 6), (-2, 3), (4, -5), (0, 0)])
def test_a_shift_is_measured(shift):
    masks = np.zeros((3, 32, 32, 1), np.uint8)
    masks[0, 12:18, 11:16] = masks[2, 14:17, 14:20] = 1
    run = SimpleNamespace(masks=masks, probability=np.roll(masks, shift, axis=(1, 2)) * 0.9)
    assert planted_faults.best_shift(run) == shift


def test_an_empty_prediction_has_no_shift():
    masks = np.ones((1, 8, 8, 1), np.uint8)
    run = SimpleNamespace(masks=masks, probability=np.zeros(masks.shape))
    assert planted_faults.best_shift(run) == (0, 0)


def test_too_few_patients_are_refused():
    slices, ids = patients(count=5)
    with pytest.raises(ValueError, match="six are needed"):
        planted_faults.three_runs(slices, ids)
