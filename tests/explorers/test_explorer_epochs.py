"""The explorer of a training run: Dice as `metrics` has it, moved with and without a browser."""

import numpy as np
import pytest
from explorer import inside, move, shown, words

from unet_course.judging import metrics
from unet_course.showing import explorers
from unet_course.showing.plotting import PREDICTION, rgb

CODE = """
import numpy as np
from unet_course.showing import explorers
rows, columns = np.mgrid[:48, :48]
truth = np.stack([(rows - 20) ** 2 + (columns - 22 - 4 * s) ** 2 < 60 for s in range(3)])
predictions = np.stack([np.clip(0.12 * e * truth + 0.05 * (6 - e), 0, 1) for e in range(7)])
explorers.epochs(np.stack([columns * 5.0] * 3), truth, predictions, first=0, scale=5)
"""


def run(slices=3, epochs=4):
    rng = np.random.default_rng(0)
    truth = rng.random((slices, 24, 20)) < 0.2
    predictions = np.stack([np.clip(0.2 * e * truth + 0.1, 0, 1) for e in range(epochs)])
    predictions = np.clip(predictions + 0.3 * (rng.random(predictions.shape) - 0.5), 0, 1)
    return rng.random((slices, 24, 20, 3)), truth, predictions.astype(np.float32)


def test_dice_and_counts_are_those_of_metrics():
    images, truth, predictions = run()
    explorer = explorers.epochs(images, truth, predictions)
    for epoch in (4, 3):
        said = move(explorer, "Epoch", epoch)
        marked = predictions[epoch - 1, 0] >= np.float32(0.5)
        assert said.startswith(f"Epoch {epoch} of 4, slice 1: ")
        assert f"Dice {metrics.dice(truth[0], marked):.2f}" in said
        assert f"{marked.sum()} pixels marked, {truth[0].sum()} are tumour" in said
    assert "slice 3" in move(explorer, "Slice", "3")


def test_an_untrained_network_and_named_slices():
    images, truth, predictions = run()
    explorer = explorers.epochs(images, truth, predictions, first=0, names=["a 7", "b 9", "c 2"])
    assert words(explorer).startswith("untrained, slice a 7")
    assert "Epoch 3 of 3, slice a 7" in move(explorer, "Epoch", 3)


def test_the_prediction_is_filled_and_one_slice_needs_no_slider():
    images, truth = np.zeros((1, 16, 16)), np.zeros((1, 16, 16), bool)
    predictions = np.zeros((2, 1, 16, 16))
    predictions[1, 0, 4:12, 4:12] = 1
    explorer = explorers.epochs(images, truth, predictions, scale=2)
    assert [s.description for s in inside(explorer, "IntSlider", "SelectionSlider")] == ["Epoch"]
    left = np.s_[:32, :32]
    assert not (shown(explorer)[left] == rgb(PREDICTION)).all(-1).any()
    assert "Dice 0.00" in move(explorer, "Epoch", 2)
    assert (shown(explorer)[left] == rgb(PREDICTION)).all(-1).any()


@pytest.mark.parametrize(
    "change",
    [
        lambda i, t, p: (i, t, p[:, :2]),
        lambda i, t, p: (i[:2], t, p),
        lambda i, t, p: (i, t, p[:0]),
        lambda i, t, p: (i, t[0], p),
    ],
)
def test_what_does_not_fit_is_refused(change):
    with pytest.raises(ValueError):
        explorers.epochs(*change(*run()))
    with pytest.raises(ValueError):
        explorers.epochs(*run(), names=["one"])


def test_it_moves_in_a_browser(in_browser):
    explorer = in_browser(CODE)
    said = explorer.words
    explorer.press("ArrowRight")
    assert said.startswith("untrained") and explorer.words.startswith("Epoch 1 of 6")
    explorer.press("ArrowRight", handle=1)
    assert "slice 2" in explorer.words
    explorer.screenshot("epochs")
