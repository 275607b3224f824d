"""Overlap, counts and volume: hand-worked cases, properties, conventions for empty masks."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from unet_course.judging import mask_checks as mask_tools
from unet_course.judging import metrics

masks = arrays(bool, (4, 5))
SCORES = ("dice", "iou", "precision", "recall", "specificity", "accuracy")


@given(masks, masks)
def test_dice_and_iou_are_symmetric_bounded_and_tied_together(a, b):
    dice, iou = metrics.dice(a, b), metrics.iou(a, b)
    assert dice == metrics.dice(b, a) and iou == metrics.iou(b, a) and 0 <= iou <= dice <= 1
    assert dice == pytest.approx(2 * iou / (1 + iou))
    assert (dice == 1) == np.array_equal(a, b)


@given(masks, masks)
def test_precision_and_recall_mirror_each_other_and_make_up_dice(a, b):
    precision, recall = metrics.precision(a, b), metrics.recall(a, b)
    assert precision == metrics.recall(b, a) and 0 <= precision <= 1
    together = precision + recall
    assert metrics.dice(a, b) == pytest.approx(2 * precision * recall / together if together else 0)


@given(masks, masks)
def test_specificity_is_the_recall_of_the_healthy_rest(a, b):
    assume(not a.all())
    assert metrics.specificity(a, b) == metrics.recall(~a, ~b)


@given(masks, masks)
def test_each_score_is_what_counting_pixel_by_pixel_gives(a, b):
    pairs = list(zip(a.ravel().tolist(), b.ravel().tolist(), strict=True))
    tp, fp, fn, tn = (pairs.count(p) for p in [(1, 1), (0, 1), (1, 0), (0, 0)])
    assume(tp and tn)
    by_hand = (2 * tp / (2 * tp + fp + fn), tp / (tp + fp + fn), tp / (tp + fp), tp / (tp + fn),
               tn / (tn + fp), (tp + tn) / 20)  # fmt: skip
    for name, value in zip(SCORES, by_hand, strict=True):
        assert getattr(metrics, name)(a, b) == pytest.approx(value)


def test_a_case_by_hand():
    truth = np.array([1, 1, 1, 0, 0, 0, 0, 0, 0, 0])
    found = np.array([1, 0, 0, 1, 1, 1, 0, 0, 0, 0])  # TP 1, FP 3, FN 2, TN 4
    assert metrics.precision(truth, found) == 1 / 4
    assert metrics.recall(truth, found) == 1 / 3
    assert metrics.specificity(truth, found) == 4 / 7
    assert metrics.dice(truth, found) == 2 / 7 and metrics.iou(truth, found) == 1 / 6


def test_empty_masks_follow_the_convention():
    empty, full = np.zeros((3, 3)), np.ones((3, 3))
    for name in ("dice", "iou", "precision", "recall"):
        score = getattr(metrics, name)
        assert score(empty, empty) == 1, name
        assert score(empty, full) == score(full, empty) == 0, name
    assert metrics.specificity(empty, empty) == metrics.specificity(full, empty) == 1
    assert metrics.specificity(full, full) == 1 and metrics.specificity(empty, full) == 0


def test_no_tumour_anywhere_is_accurate_and_worthless():
    truth = np.zeros((10, 10))
    truth[0, 0] = 1
    assert metrics.accuracy(truth, np.zeros_like(truth)) == 0.99
    assert metrics.specificity(truth, np.zeros_like(truth)) == 1
    assert metrics.dice(truth, np.zeros_like(truth)) == 0


def test_a_patients_slices_are_one_case():
    truth = np.array([[1, 1], [1, 0], [0, 0]])
    found = np.array([[1, 1], [0, 0], [0, 1]])
    assert metrics.dice_by_patient(np.array(["a", "a", "a"]), truth, found) == {"a": 4 / 6}


@given(masks, masks)
def test_pooling_one_case_changes_nothing(a, b):
    found = metrics.pooled([(a, b)])
    assert found["cases"] == 1
    assert {name: found[name] for name in SCORES} == {
        name: getattr(metrics, name)(a, b) for name in SCORES
    }


@given(arrays(bool, (3, 2, 4)), arrays(bool, (3, 2, 4)))
def test_pooling_slices_is_judging_the_volume(a, b):
    found = metrics.pooled(zip(a, b, strict=True))
    assert found["dice"] == metrics.dice(a, b) and found["cases"] == 3
    assert found["TP"] + found["FP"] + found["FN"] + found["TN"] == a.size


def test_pooling_lets_the_large_case_speak():
    large, small = np.ones(98), np.ones(2)
    cases = [(large, large), (small, 0 * small)]
    assert np.mean([metrics.dice(*case) for case in cases]) == 0.5
    found = metrics.pooled(iter(cases))
    assert found["recall"] == 0.98 and found["precision"] == 1
    assert found["dice"] == pytest.approx(2 * 98 / (98 + 100))


REGIONS = {"whole": (1, 2, 4), "core": (1, 4), "enhancing": 4}


def test_regions_share_labels_and_keep_the_convention():
    truth, found = np.array([[1, 2, 2, 0]]), np.array([[1, 1, 2, 0]])
    assert metrics.by_region(truth, found, REGIONS) == {
        "whole": 1, "core": 2 / 3, "enhancing": 1,
    }  # fmt: skip
    assert metrics.by_region(truth, found, REGIONS, metrics.precision)["core"] == 0.5
    assert metrics.by_region(truth, 4 * (found > 0), REGIONS)["enhancing"] == 0
    assert metrics.by_region(truth.astype(float), found, {"oedema": {2}}) == {"oedema": 2 / 3}


def test_the_mean_without_empty_cases_stands_beside_the_mean():
    who = np.array(["a", "b", "b", "c"])
    truth = np.array([[1, 1], [0, 0], [0, 0], [0, 0]])
    found = np.array([[1, 0], [0, 0], [0, 0], [0, 1]])
    empty = metrics.empty_cases(who, truth)
    assert empty == ("b", "c")
    scores = metrics.dice_by_patient(who, truth, found)
    judged = metrics.summary(scores, empty)
    assert judged["mean"] == pytest.approx((2 / 3 + 1 + 0) / 3, abs=1e-6)
    assert judged["mean without empty"] == pytest.approx(2 / 3, abs=1e-6)
    assert judged["empty cases"] == 2
    assert metrics.summary(scores, ())["mean without empty"] == judged["mean"]
    assert np.isnan(metrics.summary({"b": 1.0}, ["b"])["mean without empty"])
    assert set(metrics.summary(scores)) == {"mean", "median", "lowest", "highest"}


@given(st.dictionaries(st.text(max_size=3), st.floats(0, 1), min_size=1))
def test_a_summary_is_in_order(scores):
    found = metrics.summary(scores)
    assert found["lowest"] <= found["median"] <= found["highest"]
    assert found["lowest"] - 1e-6 <= found["mean"] <= found["highest"] + 1e-6


PAIR = np.zeros((2, 3)), np.zeros((2, 3))
CUBE = np.zeros((2, 2, 2))


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize(("truth", "found", "words"), [
    (np.zeros(3), np.zeros(4), "differ in shape"),
    (np.zeros(3), np.full(3, 0.5), "prediction .* threshold"),
    (np.full(3, 255), np.zeros(3), "truth .* divide"),
    (np.zeros(3), np.array([0, 1, np.nan]), "0 and 1 only"),
    (np.zeros((0, 3)), np.zeros((0, 3)), "no pixels"),
])  # fmt: skip
def test_what_is_no_mask_is_refused(score, truth, found, words):
    with pytest.raises(ValueError, match=words):
        getattr(metrics, score)(truth, found)


@pytest.mark.parametrize(("call", "words"), [
    (lambda: metrics.summary({}), "no scores"),
    (lambda: metrics.summary({"a": 1.0}, ["b"]), "'b'"),
    (lambda: metrics.pooled([]), "no cases"),
    (lambda: metrics.pooled(np.zeros((2, 2, 4))), "pair"),
    (lambda: metrics.pooled([PAIR, (np.zeros(3), np.zeros(4))]), "differ in shape"),
    (lambda: metrics.by_region(np.zeros(3), np.zeros(4), REGIONS), "differ in shape"),
    (lambda: metrics.by_region(np.full(3, 0.5), np.zeros(3), REGIONS), "whole numbers"),
    (lambda: metrics.by_region(*PAIR, {"core": ()}), "'core' needs"),
    (lambda: metrics.by_region(*PAIR, {"core": (0.5,)}), "'core' needs"),
])  # fmt: skip
def test_bad_arguments_are_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("spacing", [
    (1,), (1, 1, 1), 1, None, "ab", (1, 0), (1, -2), (1, np.nan), (1, np.inf), ((1, 1),),
])  # fmt: skip
def test_a_spacing_is_a_positive_number_for_each_axis(spacing):
    with pytest.raises(ValueError, match="spacing must be"):
        mask_tools.check_spacing(spacing, 2)


def test_a_bounding_box_holds_the_mask_and_stays_inside():
    for where in product(range(4), range(5)):
        mask = np.zeros((4, 5))
        mask[where] = 1
        assert mask[mask_tools.bounding_box(mask)].shape == (1, 1)
    with pytest.raises(ValueError, match="empty"):
        mask_tools.bounding_box(np.zeros((4, 5)))
