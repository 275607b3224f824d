"""Intervals and verdicts: against the textbook's formula, and at the edges."""

import numpy as np
import pytest

from unet_course.judging import confidence


def test_the_interval_is_as_wide_as_theory_says():
    values = np.random.default_rng(1).normal(0.7, 0.1, 200)
    low, high = confidence.interval(values)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert high - low == pytest.approx(2 * half, rel=0.06)
    assert (low + high) / 2 == pytest.approx(values.mean(), abs=0.1 * half)


def test_a_lower_level_is_narrower_and_a_seed_repeats():
    values = [0.1, 0.5, 0.9, 0.8, 0.7, 0.3]
    low, high = confidence.interval(values)
    inner = confidence.interval(values, level=0.5)
    assert low < inner[0] < inner[1] < high
    assert confidence.interval(values) == (low, high) != confidence.interval(values, seed=1)


def test_it_covers_the_true_mean_about_as_often_as_it_says():
    rng = np.random.default_rng(2)
    samples = rng.normal(0, 1, (200, 40))
    hits = [low < 0 < high for low, high in (confidence.interval(s, draws=500) for s in samples)]
    assert 0.88 <= np.mean(hits) <= 0.99


@pytest.mark.parametrize(("size", "expected"), [(3, 0.75), (8, 0.89)])
def test_for_few_values_it_is_as_narrow_as_it_says(size, expected):
    samples = np.random.default_rng(3).normal(0, 1, (1500, size))
    hits = [low <= 0 <= high for low, high in (confidence.interval(s, draws=400) for s in samples)]
    assert np.mean(hits) == pytest.approx(expected, abs=0.035)


@pytest.mark.parametrize(
    ("values", "options"),
    [([0.5], {}), ([0.5, np.nan], {}), ([0.1, 0.2], {"level": 1.0}), ([0.1, 0.2], {"level": 0})],
)
def test_bad_values_are_refused(values, options):
    with pytest.raises(ValueError):
        confidence.interval(values, **options)


@pytest.mark.parametrize(
    ("differences", "noise", "expected"),
    [
        ([0.05, 0.03, 0.04], 0.02, "better"),
        ([-0.05, -0.03, -0.04], 0.02, "worse"),
        ([0.02, 0.01, 0.02], 0.02, "within the spread"),  # as large as the noise isn't larger
        ([0.02, -0.01, -0.02], 0.02, "within the spread"),
        ([0.0, 0.0], 0.0, "within the spread"),
        ([0.05, 0.03, 0.02], 0.02, "not in every run"),
        ([-0.05, -0.03, -0.02], 0.02, "not in every run"),
        ([0.01, 0.0, -0.7], 0.02, "not in every run"),  # one run collapsed
        ([0.05, 0.03, -0.04], 0.02, "not in every run"),
        ([0.3, 0.3, -0.3], 0.0, "not in every run"),
    ],
)
def test_verdicts(differences, noise, expected):
    assert confidence.verdict(differences, noise) == expected
    assert expected in confidence.VERDICTS


@pytest.mark.parametrize(("differences", "noise"), [([], 0.1), ([np.nan], 0.1), ([0.1], -0.1)])
def test_no_verdict_without_numbers(differences, noise):
    with pytest.raises(ValueError):
        confidence.verdict(differences, noise)
