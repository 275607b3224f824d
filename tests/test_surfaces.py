"""Surface distances: by hand, against brute force over points, and as properties in millimetres."""

import time

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist

from unet_course.judging import metrics, surfaces

shapes = st.sampled_from([(5, 6), (1, 7), (4, 3, 5)])
pairs = shapes.flatmap(lambda shape: st.tuples(arrays(bool, shape), arrays(bool, shape)))
mm = st.floats(0.25, 4)


def spacings(axes: int):
    return st.tuples(*[mm] * axes)


def by_brute_force(truth, prediction, spacing):
    """Every surface pixel against every other, with nothing of what `surfaces` uses."""
    points = []
    for mask in (truth, prediction):
        padded = np.pad(mask, 1)
        faces = np.zeros(padded.shape, int)
        for axis in range(mask.ndim):
            for way in (-1, 1):
                faces += ~np.roll(padded, way, axis)
        edge = (padded & (faces > 0))[(slice(1, -1),) * mask.ndim]
        points.append(np.argwhere(edge) * np.array(spacing))
    distances = cdist(*points)
    return distances.min(axis=1), distances.min(axis=0)


@given(pairs, st.data())
def test_distances_agree_with_brute_force(pair, data):
    assume(pair[0].any() and pair[1].any())
    spacing = data.draw(spacings(pair[0].ndim))
    expected = by_brute_force(*pair, spacing)
    for got, wanted in zip(surfaces.surface_distances(*pair, spacing), expected, strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-9)
    worst = max(np.percentile(distances, 95) for distances in expected)
    assert surfaces.hd95(*pair, spacing) == pytest.approx(worst)
    tolerance = data.draw(mm)
    together = np.concatenate(expected)
    assume((np.abs(together - tolerance) > 1e-6).all())
    within = np.mean(together < tolerance)
    assert surfaces.surface_dice(*pair, tolerance, spacing) == pytest.approx(within)


@given(pairs, st.data())
def test_both_are_symmetric_and_bounded(pair, data):
    truth, prediction = pair
    spacing = data.draw(spacings(truth.ndim))
    distance = surfaces.hd95(truth, prediction, spacing)
    diagonal = np.sqrt(np.sum((np.array(truth.shape) * spacing) ** 2))
    assert distance == surfaces.hd95(prediction, truth, spacing)
    assert 0 <= distance <= diagonal * (1 + 1e-9)
    score = surfaces.surface_dice(truth, prediction, 1.0, spacing)
    assert score == surfaces.surface_dice(prediction, truth, 1.0, spacing) and 0 <= score <= 1
    assert surfaces.hd95(truth, truth, spacing) == 0
    assert surfaces.surface_dice(truth, truth, 0, spacing) == 1


@given(pairs, mm)
def test_hd95_scales_with_the_spacing(pair, factor):
    ones = (1.0,) * pair[0].ndim
    scaled = surfaces.hd95(*pair, tuple(factor * one for one in ones))
    assert scaled == pytest.approx(factor * surfaces.hd95(*pair, ones))


@given(pairs, st.lists(mm, min_size=2, max_size=5))
def test_surface_dice_grows_with_the_tolerance(pair, tolerances):
    ones = (1.0,) * pair[0].ndim
    scores = [surfaces.surface_dice(*pair, tolerance, ones) for tolerance in sorted(tolerances)]
    assert scores == sorted(scores)
    if pair[0].any() and pair[1].any():
        assert surfaces.surface_dice(*pair, 100, ones) == 1


@pytest.mark.parametrize("axes", [2, 3])
@given(steps=st.integers(0, 5), step=mm, data=st.data())
def test_a_box_moved_by_k_voxels_is_off_by_k_spacings(axes, steps, step, data):
    axis = data.draw(st.integers(0, axes - 1))
    spacing = tuple(step if other == axis else 1.0 for other in range(axes))
    box = np.zeros((16,) * axes, bool)
    box[(slice(2, 9),) * axes] = True
    moved = np.roll(box, steps, axis)
    assert surfaces.hd95(box, moved, spacing) == pytest.approx(steps * step)
    assert surfaces.surface_dice(box, moved, steps * step, spacing) == 1


def test_the_larger_of_two_percentiles_by_hand():
    """20 pixels in a row, and the same with one more 40 mm away: 0 one way; 95 % of the other.

    Sorted, the 21 distances are 20 zeros and one 40: place 0.95 · 20 = 19 holds a zero. With two
    such pixels of 22, place 0.95 · 21 = 19.95 lies 0.95 of the way from 0 to the first, 30.
    """
    row, one_more = np.zeros((1, 61), bool), np.zeros((1, 61), bool)
    row[0, :20] = one_more[0, :20] = True
    one_more[0, 59] = True
    assert surfaces.hd95(row, one_more, (1, 1)) == 0
    two_more = one_more.copy()
    two_more[0, 49] = True
    assert surfaces.hd95(row, two_more, (1, 1)) == pytest.approx(0.95 * 30)
    assert surfaces.hd95(two_more, row, (1, 1)) == pytest.approx(0.95 * 30)


def test_only_the_edge_counts_and_the_image_s_border_is_one():
    full, hollow = np.ones((5, 5), bool), np.ones((5, 5), bool)
    hollow[2, 2] = False
    outer, inner = surfaces.surface_distances(full, hollow, (1, 1))
    assert len(outer) == 16 and not outer.any()
    assert sorted(inner.tolist()) == [0.0] * 16 + [1.0] * 4


def test_a_known_pair_tells_the_definition_from_its_neighbours():
    """One percentile of both directions together, as medpy has it, would say 1.2; ours is 2.05."""
    truth, prediction = np.zeros((1, 40), bool), np.zeros((1, 40), bool)
    truth[0, :20] = prediction[0, :17] = True
    distances = np.concatenate(surfaces.surface_distances(truth, prediction, (1, 1)))
    assert np.percentile(distances, 95) == pytest.approx(1.2)
    assert surfaces.hd95(truth, prediction, (1, 1)) == pytest.approx(2.05)


@pytest.mark.parametrize(("shape", "spacing", "diagonal"), [
    ((30, 40), (1, 1), 50), ((30, 40), (2, 0.5), np.hypot(60, 20)),
    ((2, 3, 6), (1, 1, 1), 7), ((240, 240, 155), (1, 1, 1), 373.13),
])  # fmt: skip
def test_empty_masks_follow_the_convention(shape, spacing, diagonal):
    empty, some = np.zeros(shape, bool), np.zeros(shape, bool)
    some[(0,) * len(shape)] = True
    assert surfaces.hd95(empty, empty, spacing) == 0
    assert surfaces.hd95(some, empty, spacing) == pytest.approx(diagonal, abs=0.01)
    assert surfaces.hd95(empty, some, spacing) == pytest.approx(diagonal, abs=0.01)
    assert surfaces.surface_dice(empty, empty, 1, spacing) == 1
    assert surfaces.surface_dice(some, empty, 1e4, spacing) == 0
    assert surfaces.surface_dice(empty, some, 1e4, spacing) == 0
    with pytest.raises(ValueError, match="no surface"):
        surfaces.surface_distances(some, empty, spacing)


def test_rounding_doesn_t_push_a_distance_over_the_tolerance():
    truth, prediction = np.array([[1, 0, 0, 0]]), np.array([[0, 0, 0, 1]])
    for step in np.arange(1, 200) / 100:
        assert surfaces.surface_dice(truth, prediction, 3 * step, (1, step)) == 1
        assert surfaces.surface_dice(truth, prediction, 2.99 * step, (1, step)) == 0


def test_regions_can_be_judged_by_distance():
    truth, prediction = np.array([[0, 1, 2, 4]]), np.array([[0, 1, 2, 2]])
    regions = {"whole": (1, 2, 4), "core": (1, 4), "enhancing": 4, "none": 7}
    found = metrics.by_region(truth, prediction, regions, lambda a, b: surfaces.hd95(a, b, (1, 3)))
    assert found["whole"] == found["none"] == 0
    assert found["enhancing"] == pytest.approx(np.hypot(1, 12))
    assert found["core"] == pytest.approx(0.95 * 6)


def test_a_whole_volume_takes_seconds():
    truth = np.zeros((240, 240, 155), bool)
    truth[60:120, 70:140, 40:90] = True
    prediction = np.roll(truth, (3, -2, 4), (0, 1, 2))
    start = time.process_time()
    assert surfaces.hd95(truth, prediction, (1, 1, 1)) == 4
    assert time.process_time() - start < 5


@pytest.mark.parametrize("metric", [
    surfaces.surface_distances, surfaces.hd95, lambda a, b, s: surfaces.surface_dice(a, b, 1.0, s),
])  # fmt: skip
@pytest.mark.parametrize(("truth", "prediction", "spacing", "words"), [
    (np.ones((2, 3)), np.ones((3, 2)), (1, 1), "differ in shape"),
    (np.ones((2, 3)), np.full((2, 3), 0.5), (1, 1), "threshold"),
    (np.full((2, 3), 255), np.ones((2, 3)), (1, 1), "divide"),
    (np.ones(3), np.ones(3), (1,), "2-D or 3-D"),
    (np.ones((1, 2, 2, 1)), np.ones((1, 2, 2, 1)), (1, 1, 1, 1), "2-D or 3-D"),
    (np.ones((2, 3)), np.ones((2, 3)), (1, 1, 1), "2 numbers"),
    (np.ones((2, 3)), np.ones((2, 3)), 1.0, "2 numbers"),
    (np.ones((2, 3)), np.ones((2, 3)), (1, 0), "positive"),
    (np.ones((2, 3)), np.ones((2, 3)), (1, -1), "positive"),
])  # fmt: skip
def test_bad_arguments_are_refused(metric, truth, prediction, spacing, words):
    with pytest.raises(ValueError, match=words):
        metric(truth, prediction, spacing)


@pytest.mark.parametrize("tolerance", [-1, np.nan, np.inf, (1, 2)])
def test_a_tolerance_is_a_number_of_mm(tolerance):
    with pytest.raises(ValueError, match="tolerance"):
        surfaces.surface_dice(np.ones((2, 3)), np.ones((2, 3)), tolerance, (1, 1))
