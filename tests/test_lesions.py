"""Lesion-wise scores: BraTS 2023's rules one by one, and against the rules told voxel by voxel."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from unet_course.judging import metrics, surfaces
from unet_course.judging.lesions import Lesion, lesionwise

SHAPE = (40, 40, 12)


def volume(*boxes, shape=SHAPE):
    """Zeros with boxes of ones, each ((x, x), (y, y), (z, z))."""
    mask = np.zeros(shape, bool)
    for box in boxes:
        mask[tuple(slice(*ends) for ends in box)] = True
    return mask


def cube(x, y=4, z=4, side=4):
    return (x, x + side), (y, y + side), (z, z + side)


NOTHING = volume()


def test_no_lesion_in_either_is_right():
    found = lesionwise(NOTHING, NOTHING)
    assert found.dice == 1 and found.hd95 == 0 and found[2:] == (0, 0, 0, 0, ())


def test_a_missed_lesion_and_a_false_one_cost_all_there_is():
    one = volume(cube(4))
    assert lesionwise(one, NOTHING)[:5] == (0, 374, 0, 1, 0)
    assert lesionwise(NOTHING, one)[:5] == (0, 374, 0, 0, 1)
    assert lesionwise(one, NOTHING, penalty=100).hd95 == 100
    assert lesionwise(one, one)[:5] == (1, 0, 1, 0, 0)
    assert lesionwise(one, one).lesions == (Lesion(64.0, 1.0, 0.0, True),)


def test_each_lesion_counts_alike_whatever_its_size():
    """Large and exact, small and missed, and a false voxel: (1 + 0 + 0) / 3, where Dice is 0.98."""
    large, small = ((2, 20), (2, 20), (2, 10)), cube(28)
    found = lesionwise(volume(large, small), volume(large, cube(30, y=30, side=1)))
    assert found.dice == pytest.approx(1 / 3) and found.hd95 == pytest.approx(2 * 374 / 3)
    assert (found.true_positives, found.false_negatives, found.false_positives) == (1, 1, 1)
    assert metrics.dice(volume(large, small), volume(large)) > 0.98


def test_small_lesions_do_not_count_and_their_pieces_are_not_false():
    small, fifty = volume(cube(4, side=3)), volume(((4, 9), (4, 9), (4, 6)))  # 27 and 50 voxels
    for truth in (small, fifty):
        for prediction in (truth, NOTHING):
            found = lesionwise(truth, prediction)
            assert found[:6] == (1, 0, 0, 0, 0, 1)
    more = fifty | volume(cube(9, side=1))
    assert lesionwise(more, NOTHING).false_negatives == 1
    assert lesionwise(small, NOTHING, threshold=26).false_negatives == 1
    # the threshold is a volume, so the same voxels count when they are larger
    assert lesionwise(small, NOTHING, spacing=(1, 1, 2)).false_negatives == 1


def test_false_positives_count_however_small_they_are():
    truth = volume(cube(4))
    found = lesionwise(truth, truth | volume(cube(30, side=1)))
    assert found.dice == 0.5 and found.hd95 == 187 and found.false_positives == 1


@pytest.mark.parametrize(("gap", "lesions"), [(1, 1), (5, 1), (6, 1), (7, 2), (12, 2)])
def test_what_the_dilation_joins_is_one_lesion(gap, lesions):
    """Three steps from either side bridge six voxels."""
    truth = volume(cube(4), cube(8 + gap))
    found = lesionwise(truth, truth)
    assert found.true_positives == lesions and found.dice == 1
    assert [lesion.volume for lesion in found.lesions] == [128 / lesions] * lesions
    assert len(lesionwise(truth, truth, dilation=0).lesions) == 2


def test_pieces_that_touch_by_a_corner_are_one():
    pieces = volume(cube(20, side=2), cube(22, y=6, z=6, side=2))
    assert lesionwise(NOTHING, pieces).false_positives == 1
    apart = volume(cube(20, side=2), cube(23, y=6, z=6, side=2))
    assert lesionwise(NOTHING, apart).false_positives == 2


@pytest.mark.parametrize(("gap", "detected"), [(0, 1), (2, 1), (3, 0)])
def test_a_piece_within_the_dilation_detects_without_overlap(gap, detected):
    found = lesionwise(volume(cube(4)), volume(cube(8 + gap)))
    assert found.true_positives == detected and found.dice == 0
    assert (found.false_negatives, found.false_positives) == (1 - detected, 1 - detected)
    assert found.hd95 == (4 + gap if detected else 374)


def test_the_dilation_does_not_reach_round_two_corners():
    """18 neighbours: a step goes along one or two axes; three steps don't get to (3, 3, 3)."""
    truth = volume(cube(4))
    assert lesionwise(truth, volume(cube(10, y=10, z=10, side=1))).true_positives == 0
    assert lesionwise(truth, volume(cube(10, y=10, z=7, side=1))).true_positives == 1


def test_one_piece_may_serve_two_lesions():
    """Two cubes of 64 within one bar of 20 × 4 × 4: Dice 128 / 384 for each."""
    found = lesionwise(volume(cube(4), cube(20)), volume(((4, 24), (4, 8), (4, 8))))
    assert found[2:5] == (2, 0, 0)
    assert found.dice == pytest.approx(2 * 64 / (64 + 320))


def test_all_of_a_lesion_s_pieces_are_judged_together():
    """A lesion of 16 × 4 × 4 found as its two ends: Dice 2 · 128 / (256 + 128)."""
    found = lesionwise(volume(((4, 20), (4, 8), (4, 8))), volume(cube(4), cube(16)))
    assert found[2:5] == (1, 0, 0) and found.dice == pytest.approx(2 / 3)


def test_hd95_and_volume_are_in_millimetres():
    truth, prediction = volume(cube(4)), volume(cube(6))
    (lesion,) = lesionwise(truth, prediction, spacing=(2, 1, 3)).lesions
    assert lesion == Lesion(64 * 6.0, 0.5, 4.0, True)


def test_one_lesion_and_one_piece_is_the_plain_score():
    truth, prediction = volume(cube(4)), volume(cube(5, y=5))
    found = lesionwise(truth, prediction)
    assert found.dice == metrics.dice(truth, prediction)
    assert found.hd95 == surfaces.hd95(truth, prediction, (1, 1, 1))


STEPS_26 = [step for step in product((-1, 0, 1), repeat=3) if any(step)]
STEPS_18 = [step for step in STEPS_26 if sum(map(abs, step)) < 3]


def grown(voxels, steps, shape):
    near = {tuple(np.add(v, step).tolist()) for v in voxels for step in steps} | voxels
    return {v for v in near if all(0 <= at < length for at, length in zip(v, shape, strict=True))}


def components(voxels):
    left, found = set(voxels), []
    while left:
        piece, front = set(), {left.pop()}
        while front:
            piece |= front
            front = {tuple(np.add(v, s).tolist()) for v in front for s in STEPS_26} & left
            left -= front
        found.append(piece)
    return found


def told_voxel_by_voxel(truth, prediction, dilation, threshold):
    """The challenge's rules with Python sets, and nothing of what `lesions` uses."""
    shape = truth.shape
    truth, prediction = ({tuple(v) for v in np.argwhere(m).tolist()} for m in (truth, prediction))
    reach = truth
    for _ in range(dilation):
        reach = grown(reach, STEPS_18, shape)
    pieces, rows, used = components(prediction), [], []
    for zone in components(reach):
        lesion = truth & zone
        hits = [piece for piece in pieces if piece & zone]
        used += hits
        if len(lesion) <= threshold:
            continue
        together = set().union(*hits)
        rows.append((2 * len(lesion & together) / (len(lesion) + len(together)), bool(hits)))
    false = sum(piece not in used for piece in pieces)
    count = len(rows) + false
    dice = sum(score for score, _ in rows) / count if count else 1
    hits = sum(hit for _, hit in rows)
    return dice, hits, len(rows) - hits, false


@settings(deadline=None, max_examples=60)
@given(
    arrays(bool, (3, 5, 9), elements=st.sampled_from([False] * 7 + [True])),
    arrays(bool, (3, 5, 9), elements=st.sampled_from([False] * 7 + [True])),
    st.integers(0, 2),
    st.integers(0, 4),
)
def test_the_rules_told_voxel_by_voxel_agree(truth, prediction, dilation, threshold):
    found = lesionwise(truth, prediction, dilation=dilation, threshold=threshold)
    expected = told_voxel_by_voxel(truth, prediction, dilation, threshold)
    assert (found.dice, *found[2:5]) == (pytest.approx(expected[0]), *expected[1:])
    assert 0 <= found.dice <= 1 and 0 <= found.hd95 <= 374
    assert found.true_positives + found.false_negatives == len(found.lesions)


def test_where_in_the_volume_it_lies_does_not_matter():
    truth, prediction = volume(cube(4), cube(20)), volume(cube(5), cube(30, y=20))
    wide = np.pad(truth, 9), np.pad(prediction, 9)
    assert lesionwise(*wide) == lesionwise(truth, prediction)
    edge = truth[4:, 4:, 4:], prediction[4:, 4:, 4:]
    assert lesionwise(*edge) == lesionwise(truth, prediction)


@pytest.mark.parametrize(("call", "words"), [
    (lambda: lesionwise(NOTHING, NOTHING[1:]), "differ in shape"),
    (lambda: lesionwise(NOTHING, NOTHING + 0.5), "threshold"),
    (lambda: lesionwise(255 * volume(cube(4)), NOTHING), "divide"),
    (lambda: lesionwise(NOTHING[0], NOTHING[0]), "3-D"),
    (lambda: lesionwise(NOTHING, NOTHING, (1, 1)), "3 numbers"),
    (lambda: lesionwise(NOTHING, NOTHING, (1, 1, 0)), "positive"),
    (lambda: lesionwise(NOTHING, NOTHING, dilation=1.5), "whole number"),
    (lambda: lesionwise(NOTHING, NOTHING, dilation=-1), "below 0"),
    (lambda: lesionwise(NOTHING, NOTHING, threshold=-1), "below 0"),
    (lambda: lesionwise(NOTHING, NOTHING, penalty=-1), "below 0"),
])  # fmt: skip
def test_bad_arguments_are_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
