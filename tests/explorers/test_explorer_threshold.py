"""The threshold explorer: counts and Dice as `metrics` has them, moved with and without a browser."""

import re

import numpy as np
import pytest
from explorer import inside, move, shown, words

from unet_course.judging import metrics
from unet_course.showing import explorers
from unet_course.showing.plotting import PREDICTION, TRUTH, rgb

CODE = """
import numpy as np
from unet_course.showing import explorers
rows, columns = np.mgrid[:64, :64]
probability = np.exp(-((rows - 30) ** 2 + (columns - 34) ** 2) / 200)
explorers.threshold(probability, (rows - 30) ** 2 + (columns - 30) ** 2 < 100, probability, scale=4)
"""


def case(slices=()):
    rng = np.random.default_rng(0)
    probability = rng.integers(0, 101, (*slices, 40, 30)) / 100  # many at a threshold exactly
    return probability, rng.random((*slices, 40, 30)) < 0.1 + 0.5 * probability


@pytest.mark.parametrize("slices", [(), (5,)])
def test_counts_and_dice_are_those_of_metrics(slices):
    probability, truth = case(slices)
    explorer = explorers.threshold(probability, truth)
    for value in (0.2, 0.55, 0.99):
        said = move(explorer, "Threshold", value)
        marked = probability.astype(np.float32) >= np.float32(value)
        assert f"Dice {metrics.dice(truth, marked):.3f}" in said
        assert f"accuracy {metrics.accuracy(truth, marked):.1%}" in said
        counts = {
            name: int(n.replace(",", "")) for name, n in re.findall(r"(T.|F.) ([\d,]+)", said)
        }
        expected = {"TP": truth & marked, "FP": ~truth & marked}
        expected |= {"FN": truth & ~marked, "TN": ~truth & ~marked}
        assert counts == {name: int(mask.sum()) for name, mask in expected.items()}


def test_a_stack_has_a_slider_for_the_slice_and_starts_at_the_fullest():
    probability, truth = case((5,))
    truth[:] = False
    truth[3, 5:9, 5:9] = True
    explorer = explorers.threshold(probability, truth)
    assert "slice 4" in words(explorer)
    before = words(explorer)
    said = move(explorer, "Slice", 2)
    assert said == before.replace("slice 4", "slice 2"), "the whole patient is scored"


def test_each_kind_of_pixel_has_its_colour():
    probability, truth = np.zeros((8, 8)), np.zeros((8, 8), bool)
    probability[2, 2], probability[4, 4] = 0.9, 0.9
    truth[2, 2] = truth[6, 6] = True
    picture = shown(explorers.threshold(probability, truth, scale=1))
    right = picture[:, -8:].astype(float)
    grey = 0.4 * 128
    for (row, column), colour in (((4, 4), PREDICTION), ((6, 6), TRUTH)):
        expected = grey + 0.6 * np.array(rgb(colour))
        np.testing.assert_allclose(right[row, column], expected, atol=1)
    assert (right[0, 0] == 128).all() and not np.allclose(right[2, 2], right[4, 4])


def test_the_sliders_are_those_that_are_used():
    assert len(inside(explorers.threshold(*case()), "FloatSlider", "IntSlider")) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        (np.zeros((4, 4)), np.zeros((4, 5))),
        (np.zeros(4), np.zeros(4)),
        (np.full((4, 4), 1.1), np.zeros((4, 4))),
        (np.full((4, 4), np.nan), np.zeros((4, 4))),
        (np.zeros((4, 4)), np.zeros((4, 4)), np.zeros((5, 4))),
    ],
)
def test_what_does_not_fit_is_refused(arguments):
    with pytest.raises(ValueError):
        explorers.threshold(*arguments)


def test_nothing_in_truth_and_prediction_is_a_dice_of_one():
    assert "Dice 1.000" in words(explorers.threshold(np.zeros((4, 4)), np.zeros((4, 4))))


def test_it_moves_in_a_browser(in_browser):
    explorer = in_browser(CODE)
    said = explorer.words
    explorer.press("ArrowRight")
    assert said.startswith("Threshold 0.50") and explorer.words.startswith("Threshold 0.51")
    explorer.screenshot("threshold")
