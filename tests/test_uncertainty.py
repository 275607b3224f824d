"""Uncertainty of cases: entropy, disagreement, risk–coverage, conformal radii."""

import math

import numpy as np
import pytest

from unet_course.judging import uncertainty


def test_entropy_is_that_of_the_predicted_pixels():
    assert uncertainty.mean_entropy(np.array([0.5, 0.5, 0.1])) == pytest.approx(1)
    assert uncertainty.mean_entropy(np.array([1.0, 1.0, 0.4])) == pytest.approx(0, abs=1e-4)
    assert uncertainty.mean_entropy(np.zeros((2, 3))) == 1.0


def test_masks_that_agree_and_masks_that_dont():
    mask, other = np.array([1, 1, 0, 0]), np.array([0, 0, 1, 1])
    assert uncertainty.disagreement([mask, mask, mask]) == 0
    assert uncertainty.disagreement([mask, other]) == 1
    assert uncertainty.disagreement([mask, mask, np.zeros(4)]) == pytest.approx(2 / 3)
    assert uncertainty.disagreement([np.zeros(4), np.zeros(4)]) == 1
    with pytest.raises(ValueError, match="two masks at least"):
        uncertainty.disagreement([mask])


def test_a_perfect_order_beats_chance_and_the_reverse_is_the_worst():
    errors = np.random.default_rng(0).random(50)
    best, worst = (uncertainty.risk_coverage(errors, s * errors).mean() for s in (1, -1))
    constant = uncertainty.risk_coverage(errors, np.zeros(50))
    assert best < errors.mean() < worst
    assert constant[-1] == pytest.approx(errors.mean())


@pytest.mark.parametrize(
    ("errors", "unsure", "words"),
    [([], [], "one each"), ([0.1], [1, 2], "one each"), ([0.1], [math.nan], "finite")],
)
def test_risk_coverage_refuses(errors, unsure, words):
    with pytest.raises(ValueError, match=words):
        uncertainty.risk_coverage(errors, unsure)


@pytest.mark.parametrize(("count", "level"), [(9, 0.9), (30, 0.9), (19, 0.8), (50, 0.5)])
def test_the_radius_holds_as_often_as_it_says(count, level):
    rng = np.random.default_rng(count)
    held = [
        rng.random() <= uncertainty.conformal_radius(rng.random(count), level) for _ in range(4000)
    ]
    assert level - 0.02 <= np.mean(held) <= level + 1 / (count + 1) + 0.02


def test_too_few_promise_nothing_and_levels_are_checked():
    assert uncertainty.conformal_radius(range(8), 0.9) == math.inf
    assert uncertainty.conformal_radius(range(9), 0.9) == 8
    for level in (0, 1, 2):
        with pytest.raises(ValueError, match="level"):
            uncertainty.conformal_radius([1, 2], level)
    with pytest.raises(ValueError, match="calibration"):
        uncertainty.conformal_radius([], 0.9)
