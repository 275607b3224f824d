"""Losses and metrics: hand-worked cases, bounds, conventions for empty masks, both ranks."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from unet_course import losses, metrics

masks = arrays(bool, (4, 5))


@given(masks, masks)
def test_dice_and_iou_are_symmetric_bounded_and_tied_together(a, b):
    dice, iou = metrics.dice(a, b), metrics.iou(a, b)
    assert dice == metrics.dice(b, a) and 0 <= iou <= dice <= 1
    assert dice == pytest.approx(2 * iou / (1 + iou))
    assert (dice == 1) == np.array_equal(a, b)


def test_empty_masks_follow_the_convention():
    empty, full = np.zeros((3, 3)), np.ones((3, 3))
    assert metrics.dice(empty, empty) == metrics.iou(empty, empty) == 1
    assert metrics.dice(empty, full) == metrics.dice(full, empty) == metrics.iou(full, empty) == 0


def test_no_tumour_anywhere_is_accurate_and_worthless():
    truth = np.zeros((10, 10))
    truth[0, 0] = 1
    assert metrics.accuracy(truth, np.zeros_like(truth)) == 0.99
    assert metrics.dice(truth, np.zeros_like(truth)) == 0


def test_a_patients_slices_are_one_case():
    truth = np.array([[1, 1], [1, 0], [0, 0]])
    found = np.array([[1, 1], [0, 0], [0, 1]])
    assert metrics.dice_by_patient(np.array(["a", "a", "a"]), truth, found) == {"a": 4 / 6}


@pytest.mark.parametrize(("call", "words"), [
    (lambda: metrics.dice(np.zeros(3), np.zeros(4)), "differ in shape"),
    (lambda: metrics.dice(np.zeros(3), np.full(3, 0.5)), "threshold"),
    (lambda: metrics.dice(np.full(3, 255), np.zeros(3)), "divide"),
    (lambda: metrics.summary({}), "no scores"),
])  # fmt: skip
def test_what_is_no_mask_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def batch(values, shape=(2, 2, 1)):
    return np.array(values, np.float32).reshape(-1, *shape)


def test_soft_dice_is_per_case_unless_pooled():
    truth = batch([[1, 1, 1, 1], [1, 0, 0, 0]])
    found = batch([[1, 1, 1, 1], [0, 1, 0, 0]])
    assert float(losses.SoftDice(smooth=0)(truth, found)) == pytest.approx(0.5)
    assert float(losses.SoftDice(smooth=0, pool_batch=True)(truth, found)) == pytest.approx(0.2)


def test_smoothing_stands_above_and_below():
    nothing = batch([[0, 0, 0, 0]])
    assert float(losses.SoftDice(smooth=1)(nothing, nothing)) == 0
    one = batch([[1, 0, 0, 0]])
    assert float(losses.SoftDice(smooth=1)(nothing, one)) == pytest.approx(0.5)


def test_soft_dice_averages_classes_rather_than_adding_them_up():
    truth = batch([[1, 1, 1, 0, 1, 0, 1, 0]], (2, 2, 2))
    found = batch([[1, 0, 1, 0, 1, 0, 1, 0]], (2, 2, 2))  # class 0 right, class 1 missed
    assert float(losses.SoftDice(smooth=0)(truth, found)) == pytest.approx(0.5)


@pytest.mark.parametrize("shape", [(2, 4, 4, 1), (2, 4, 4, 4, 2)])
@pytest.mark.parametrize(
    "loss", [losses.SoftDice(), losses.BCEDice(), losses.BCEDice(pool_batch=True)]
)
def test_losses_fall_from_wrong_to_right_and_survive_bfloat16(loss, shape):
    truth = (np.random.default_rng(0).random(shape) > 0.5).astype(np.float32)
    right, half, wrong = (float(loss(truth, p)) for p in (truth, 0.5 + 0 * truth, 1 - truth))
    assert right < 1e-3 < half < wrong
    low = keras.ops.cast(0.5 + 0 * truth, "bfloat16")
    assert float(loss(truth, low)) == pytest.approx(half, rel=1e-2)


@pytest.mark.parametrize("loss", [losses.SoftDice(), losses.BCEDice(dice_weight=0.5)])
def test_gradients_agree_with_finite_differences(loss):
    import tensorflow as tf

    rng = np.random.default_rng(0)
    truth = (rng.random((1, 3, 3, 1)) > 0.5).astype(np.float32)
    found = tf.Variable(rng.uniform(0.2, 0.8, truth.shape).astype(np.float32))
    with tf.GradientTape() as tape:
        value = loss(truth, found)
    gradient = tape.gradient(value, found).numpy()
    for index in np.ndindex(truth.shape):
        step = np.zeros_like(truth)
        step[index] = 1e-2
        rise = float(loss(truth, found + step)) - float(loss(truth, found - step))
        assert gradient[index] == pytest.approx(rise / 2e-2, abs=2e-3)


@pytest.mark.parametrize("loss", [losses.SoftDice(2.0, True), losses.BCEDice(0.5, 2.0, True)])
def test_losses_are_saved_with_their_settings(loss):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert type(again) is type(loss) and again.get_config() == loss.get_config()
