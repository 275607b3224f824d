"""Lesion-wise scores: BraTS' rules of 2023 and 2024 one by one, and told again voxel by voxel."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from unet_course.judging import metrics, surfaces
from unet_course.judging.lesions import RULES, Lesion, lesionwise

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
    assert found.dice == 1 and found.hd95 == 0 and found[2:] == (0, 0, 0, 0, (), (1, 1), 0)


def test_a_missed_lesion_and_a_false_one_cost_all_there_is():
    one = volume(cube(4))
    assert lesionwise(one, NOTHING)[:5] == (0, 374, 0, 1, 0)
    assert lesionwise(NOTHING, one)[:5] == (0, 374, 0, 0, 1)
    assert lesionwise(one, NOTHING, penalty=100).hd95 == 100
    assert lesionwise(one, one)[:5] == (1, 0, 1, 0, 0)
    assert lesionwise(one, one).lesions == (Lesion(64.0, 1.0, 0.0, True, (1.0, 1.0)),)


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
    assert lesion[:4] == (64 * 6.0, 0.5, 4.0, True)


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


def told_voxel_by_voxel(truth, prediction, dilation, threshold, rule):
    """The challenge's rules with Python sets, and nothing of what `lesions` uses."""
    shape = truth.shape
    truth, prediction = ({tuple(v) for v in np.argwhere(m).tolist()} for m in (truth, prediction))
    reach = truth
    for _ in range(dilation):
        reach = grown(reach, STEPS_18, shape)
    pieces, rows, used = components(prediction), [], []
    if rule == "2024":
        dilated = prediction
        for _ in range(dilation):
            dilated = grown(dilated, STEPS_18, shape)
        joined = [prediction & zone for zone in components(dilated)]
        pieces = [piece for piece in joined if len(piece) > threshold]
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
    st.sampled_from(list(RULES)),
)
def test_the_rules_told_voxel_by_voxel_agree(truth, prediction, dilation, threshold, rule):
    found = lesionwise(truth, prediction, rule=rule, dilation=dilation, threshold=threshold)
    expected = told_voxel_by_voxel(truth, prediction, dilation, threshold, rule)
    assert (found.dice, *found[2:5]) == (pytest.approx(expected[0]), *expected[1:])
    assert 0 <= found.dice <= 1 and 0 <= found.hd95 <= 374
    assert found.true_positives + found.false_negatives == len(found.lesions)


def test_where_in_the_volume_it_lies_does_not_matter():
    truth, prediction = volume(cube(4), cube(20)), volume(cube(5), cube(30, y=20))
    wide = np.pad(truth, 9), np.pad(prediction, 9)
    assert lesionwise(*wide) == lesionwise(truth, prediction)
    edge = truth[4:, 4:, 4:], prediction[4:, 4:, 4:]
    assert lesionwise(*edge) == lesionwise(truth, prediction)


# --- the rule of 2024 -----------------------------------------------------------------------------


def test_three_stray_voxels_cost_by_the_rule_of_2023_alone():
    """Lesson 11's example: two lesions found, three voxels far off: 2 / (2 + 3), and 2 / 2."""
    truth = volume(cube(4), cube(24))
    strays = [cube(x, y=y, z=8, side=1) for x, y in ((12, 30), (22, 30), (32, 30))]
    prediction = truth | volume(*strays)
    old, new = (lesionwise(truth, prediction, rule=rule) for rule in RULES)
    assert (old.dice, old.hd95) == (0.4, 3 * 374 / 5) and old[2:5] == (2, 0, 3)
    assert (new.dice, new.hd95) == (1, 0) and new[2:5] == (2, 0, 0)
    assert (old.removed, new.removed) == (0, 3)


@pytest.mark.parametrize(("region", "limit"), [("ET", 10), ("WT", 20), ("TC", 20), ("RC", 20)])
def test_2024_counts_from_ten_or_twenty(region, limit):
    """Lesions and pieces alike: at most the limit is nothing, a voxel more is something."""
    at_most, more = (volume(((4, 4 + n), (4, 5), (4, 5))) for n in (limit, limit + 1))
    options = {"rule": "2024", "region": region}
    assert lesionwise(at_most, NOTHING, **options)[:6] == (1, 0, 0, 0, 0, 1)
    assert lesionwise(more, NOTHING, **options)[:6] == (0, 337, 0, 1, 0, 0)
    assert lesionwise(NOTHING, at_most, **options)[:5] == (1, 0, 0, 0, 0)
    assert lesionwise(NOTHING, more, **options)[:5] == (0, 337, 0, 0, 1)
    # a volume in mm³, not voxels
    assert lesionwise(NOTHING, at_most, (1, 1, 2), **options).false_positives == 1
    assert lesionwise(more, NOTHING, region=region).too_small == 1  # 2023: 50 for each region


def test_2024_joins_pieces_before_it_measures_them():
    """Two pieces of 8 mm³, six voxels apart, are one of 16: too large for ET's 10; seven apart, none."""
    near, far = (volume(cube(4, side=2), cube(6 + gap, side=2)) for gap in (6, 7))
    et = {"rule": "2024", "region": "ET"}
    assert lesionwise(NOTHING, near, **et)[4] == 1 and lesionwise(NOTHING, near, **et).removed == 0
    assert lesionwise(NOTHING, far, **et)[4] == 0 and lesionwise(NOTHING, far, **et).removed == 2
    assert lesionwise(NOTHING, near).false_positives == 2  # 2023 joins nothing


def test_2024_gives_a_lesion_the_far_half_of_a_joined_piece():
    """A cube found, and another of 64 five voxels on: 2023 (1 + 0) / 2; 2024 2 · 64 / (64 + 128)."""
    truth, prediction = volume(cube(4)), volume(cube(4), cube(13))
    old, new = (lesionwise(truth, prediction, rule=rule) for rule in RULES)
    assert old.dice == 0.5 and old[2:5] == (1, 0, 1)
    assert new.dice == pytest.approx(2 / 3) and new[2:5] == (1, 0, 0)


def test_2024_misses_a_lesion_whose_only_piece_is_removed():
    truth, prediction = volume(cube(4)), volume(cube(4, side=2))  # 8 of 64 mm³
    assert lesionwise(truth, prediction).true_positives == 1
    assert lesionwise(truth, prediction, rule="2024")[2:5] == (0, 1, 0)


def test_surface_dice_is_the_mean_of_both_shares_over_lesions_and_false_pieces():
    """A bar of 30 (all surface), found a voxel to the side; 30 of 30 within 1 mm, none within 0.5."""
    truth, moved = volume(((2, 32), (4, 5), (4, 5))), volume(((2, 32), (5, 6), (4, 5)))
    found = lesionwise(truth, moved, rule="2024")
    assert found.surface_dice == (0, 1) and found.lesions[0].surface_dice == (0, 1)
    both = lesionwise(truth, moved | volume(((2, 32), (30, 31), (4, 5))), rule="2024")
    assert both.surface_dice == (0, 0.5)
    # 30 of the truth's 30 voxels are at 0, 30 of the prediction's 60: (1 + 0.5) / 2, pooled 60 / 90
    longer = truth | volume(((2, 32), (9, 10), (4, 5)))
    assert lesionwise(truth, longer, rule="2024").surface_dice == (0.75, 0.75)
    assert surfaces.surface_dice(truth, longer, 0.5, (1, 1, 1)) == pytest.approx(2 / 3)


@pytest.mark.parametrize(("call", "words"), [
    (lambda: lesionwise(NOTHING, NOTHING, rule="2022"), "no rule"),
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
