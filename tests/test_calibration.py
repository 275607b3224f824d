"""Calibration: by hand, against formulas pixel by pixel, empty bins, what isn't a probability."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from unet_course.judging import calibration
from unet_course.judging.calibration import expected_calibration_error, reliability

truths = arrays(bool, 12)
probabilities = arrays(float, 12, elements=st.integers(0, 40).map(lambda n: n / 40))


def pixel_by_pixel(truth, probability, bins):
    """[(confidence, observed, count)] by going through the pixels once for each bin."""
    rows = []
    for b in range(bins):
        last = b == bins - 1
        inside = [
            (p, t)
            for p, t in zip(probability.tolist(), truth.tolist(), strict=True)
            if b / bins <= p and (p < (b + 1) / bins or last)
        ]
        count = len(inside)
        means = [sum(column) / count for column in zip(*inside, strict=True)] or [np.nan] * 2
        rows.append((*means, count))
    return rows


@given(truths, probabilities, st.integers(1, 12))
def test_the_curve_is_what_going_through_the_pixels_gives(truth, probability, bins):
    curve = reliability(truth, probability, bins)
    rows = np.array(pixel_by_pixel(truth, probability, bins))
    np.testing.assert_allclose(np.array(curve[1:]).T, rows, atol=1e-12)
    gaps = [abs(seen - said) * count / 12 for said, seen, count in rows.tolist() if count]
    error = expected_calibration_error(truth, probability, bins)
    assert error == pytest.approx(sum(gaps)) and 0 <= error <= 1


@given(truths, probabilities)
def test_one_bin_compares_two_means_and_more_bins_never_hide_more(truth, probability):
    one = expected_calibration_error(truth, probability, bins=1)
    assert one == pytest.approx(abs(truth.mean() - probability.mean()))
    five, ten = (expected_calibration_error(truth, probability, bins) for bins in (5, 10))
    assert one <= five + 1e-12 and five <= ten + 1e-12


@given(truths, probabilities, st.integers(1, 6))
def test_never_below_guo_s_with_bins_that_match(truth, probability, bins):
    """Guo et al. bin the chosen class's probability, which is never under one half."""
    sure = np.maximum(probability, 1 - probability)
    right = (probability >= 0.5) == truth
    place = np.minimum((sure - 0.5) * 2 * bins, bins - 1).astype(int)
    cells = [place == b for b in range(bins)]
    guo = sum(abs((right[cell].astype(float) - sure[cell]).sum()) for cell in cells) / 12
    edges = np.isclose((probability * 2 * bins) % 1, 0) | np.isclose(
        (probability * 2 * bins) % 1, 1
    )
    if not edges.any():  # on a line between two bins the two sort differently
        assert expected_calibration_error(truth, probability, 2 * bins) >= guo - 1e-12


def test_what_is_said_and_comes_true_is_calibrated():
    probability = np.repeat([0.25, 0.75], 4)
    truth = np.array([1, 0, 0, 0, 1, 1, 1, 0])
    assert expected_calibration_error(truth, probability) == 0
    assert expected_calibration_error(1 - truth, probability) == pytest.approx(0.5)


def test_certain_and_wrong_is_the_worst_there_is():
    assert expected_calibration_error(np.array([0, 1]), np.array([1.0, 0.0])) == 1
    assert expected_calibration_error(np.array([0, 1]), np.array([0.0, 1.0])) == 0


def test_pixels_weigh_alike_not_bins():
    """Nine pixels 0.1 off and one 0.8 off: 0.9 · 0.1 + 0.1 · 0.8."""
    truth, probability = np.zeros(10), np.array([0.1] * 9 + [0.8])
    assert expected_calibration_error(truth, probability, 5) == pytest.approx(0.17)


def test_empty_bins_are_nan_and_weigh_nothing():
    curve = reliability(np.array([0, 1]), np.array([0.05, 1.0]), bins=10)
    assert curve.count.tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    for values in (curve.confidence, curve.observed):
        assert np.isnan(values[1:-1]).all() and np.isfinite(values[[0, -1]]).all()
    assert curve.centre.tolist() == pytest.approx([0.05 + 0.1 * n for n in range(10)])
    error = expected_calibration_error(np.array([0, 1]), np.array([0.05, 1.0]))
    assert error == pytest.approx(0.025)


def test_a_line_between_bins_belongs_to_the_upper_one():
    probability = np.arange(11) / 10
    assert reliability(np.zeros(11), probability).count.tolist() == [1] * 9 + [2]


def test_masks_of_any_shape_and_precision():
    rng = np.random.default_rng(0)
    probability = rng.random((3, 8, 8, 1)).astype(np.float32)
    truth = (rng.random(probability.shape) < probability).astype(np.uint8)
    flat = reliability(truth.ravel(), probability.ravel())
    for one, other in zip(reliability(truth, probability), flat, strict=True):
        np.testing.assert_array_equal(one, other)
    assert expected_calibration_error(truth, probability) < 0.15
    assert isinstance(flat, calibration.Reliability)


@pytest.mark.parametrize("call", [reliability, expected_calibration_error])
@pytest.mark.parametrize(("truth", "probability", "bins", "words"), [
    (np.zeros(3), np.zeros(4), 10, "differ in shape"),
    (np.zeros(0), np.zeros(0), 10, "no pixels"),
    (np.full(3, 255), np.zeros(3), 10, "0 and 1 only"),
    (np.full(3, 0.5), np.zeros(3), 10, "0 and 1 only"),
    (np.zeros(3), np.array([0, 0.5, 1.01]), 10, "logits"),
    (np.zeros(3), np.array([-0.1, 0.5, 1]), 10, "logits"),
    (np.zeros(3), np.array([0, np.nan, 1]), 10, "0 to 1"),
    (np.zeros(3), np.zeros(3), 0, "bins"),
    (np.zeros(3), np.zeros(3), 2.5, "bins"),
])  # fmt: skip
def test_bad_arguments_are_refused(call, truth, probability, bins, words):
    with pytest.raises(ValueError, match=words):
        call(truth, probability, bins)
