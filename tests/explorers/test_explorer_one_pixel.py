"""The explorer of one pixel: its losses are the package's, and its slopes those of a tape."""

import numpy as np
import pytest
from explorer import move, words

from unet_course.showing import explorers
from unet_course.showing.explorers.one_pixel import IN, OUT, PIXELS, losses_of_one_pixel

CODE = """
from unet_course.showing import explorers
explorers.one_pixel()
"""


@pytest.mark.parametrize("tumour", [True, False])
@pytest.mark.parametrize("logit", [-4.0, -0.5, 3.0])
def test_losses_and_slopes_are_those_that_are_trained_with(tumour, logit):
    import keras
    import tensorflow as tf

    from unet_course.network import losses

    others, side = 1000, 128
    truth, start = np.zeros(PIXELS, np.float32), np.full(PIXELS, OUT)
    truth[:others], start[:others] = 1, IN
    truth[-1] = tumour
    fixed = tf.constant(np.log(start / (1 - start)).reshape(1, side, side, 1), tf.float64)
    truth = truth.reshape(1, side, side, 1).astype(float)
    last = np.zeros(fixed.shape)
    last[0, -1, -1, 0] = 1
    package = {
        "BCE": keras.losses.BinaryCrossentropy(dtype="float64"),
        "weighted BCE": losses.WeightedBCE(positive_weight=10.0, dtype="float64"),
        "focal": keras.losses.BinaryFocalCrossentropy(gamma=2.0, dtype="float64"),
        "soft Dice": losses.SoftDice(dtype="float64"),
        "BCE + Dice": losses.BCEDice(dtype="float64"),
    }

    def value_of(loss, logit):
        with tf.GradientTape() as tape:
            s = tf.constant(logit, tf.float64)
            tape.watch(s)
            value = loss(truth, tf.sigmoid(fixed * (1 - last) + s * last)) * PIXELS
        return float(value), float(tape.gradient(value, s))

    ours = losses_of_one_pixel(logit, tumour, others)
    nudged = losses_of_one_pixel(logit + 1e-4, tumour, others)
    for name, loss in package.items():
        value, slope = value_of(loss, logit)
        right, _ = value_of(loss, 16.0 if tumour else -16.0)
        assert value - right == pytest.approx(float(ours[name]), rel=0.02, abs=0.01), name
        nudge = float(nudged[name] - ours[name]) / 1e-4
        assert nudge == pytest.approx(slope, rel=0.01, abs=0.002), name


def test_words_follow_logit_kind_and_size():
    explorer = explorers.one_pixel(logit=0.0)
    assert words(explorer).startswith(
        "tumour pixel, logit 0.0, p 0.500, 1000 others. Pull: BCE 0.50"
    )
    assert "BCE 0.98, weighted BCE 9.82" in move(explorer, "Logit", -4.0)
    few = move(explorer, "Other tumour pixels", 100)
    many = move(explorer, "Other tumour pixels", 5000)
    dice = [float(said.split("soft Dice ")[1].split(",")[0]) for said in (few, many)]
    assert dice[0] > 2 * dice[1], "where tumour is rare, Dice pulls harder at it"
    assert "background pixel" in move(explorer, "The pixel is", "background")


def test_it_moves_in_a_browser(in_browser):
    explorer = in_browser(CODE)
    explorer.press("ArrowRight")
    assert "logit -2.9" in explorer.words
    with explorer.changes():
        explorer.area.locator("button", has_text="background").click()
    explorer.press("ArrowLeft", handle=1)
    explorer.screenshot("one_pixel")
