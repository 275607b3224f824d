"""The explorer of augmentation: mask and image together or apart, moved with and without a browser."""

import re

import numpy as np
import pytest
from explorer import control, inside, move, shown, words

from unet_course.showing import explorers
from unet_course.showing.explorers.augmentation import FLIP, KNOBS, TOGETHER
from unet_course.showing.volume_plotting import LABEL_COLOURS
from unet_course.training.augment import Augmentation

CODE = """
import numpy as np
from unet_course.showing import explorers
from unet_course.training import augment
rows, columns = np.mgrid[:96, :96]
picture = np.exp(-((rows - 40) ** 2 + (columns - 60) ** 2) / 900)
explorers.augmentation(picture, picture > 0.7, make=augment.Augmentation)
"""


def slice_and_mask():
    rows, columns = np.mgrid[:64, :64]
    picture = np.exp(-((rows - 25) ** 2 + (columns - 40) ** 2) / 300)
    return picture.astype(np.float32), picture > 0.6


def dice_in(said: str) -> float:
    return float(re.search(r"Dice with the rightly moved mask ([\d.]+)", said)[1])


def test_image_and_mask_move_together_unless_they_are_let_apart():
    explorer = explorers.augmentation(*slice_and_mask(), make=Augmentation)
    assert dice_in(words(explorer)) == 1
    assert dice_in(move(explorer, "Draw", 7)) == 1
    apart = dice_in(move(explorer, TOGETHER, False))
    assert apart < 0.95
    assert dice_in(move(explorer, TOGETHER, True)) == 1


def test_every_knob_changes_the_picture():
    explorer = explorers.augmentation(*slice_and_mask(), make=Augmentation)
    for said, largest, *_ in KNOBS.values():
        move(explorer, said, largest)
    move(explorer, FLIP, True)
    assert "mirrored" in words(explorer)


def test_without_any_change_the_slice_stays():
    explorer = explorers.augmentation(*slice_and_mask(), make=Augmentation)
    for said, *_ in KNOBS.values():
        control(explorer, said).value = 0
    picture = shown(explorer)
    half = (picture.shape[1] - 8) // 2
    difference = np.abs(picture[:, :half].astype(int) - picture[:, half + 8 :])
    assert difference.max() <= 1


def test_labels_keep_their_colours_and_channels_can_be_z_scored():
    picture, mask = slice_and_mask()
    labels = np.where(picture > 0.8, 4, 2 * mask)
    two = np.stack([picture, picture - 0.5], axis=-1)
    explorer = explorers.augmentation(two, labels, make=Augmentation, channel=1, zscored=True)
    colours = {tuple(c) for c in shown(explorer).reshape(-1, 3)}
    for label in (2, 4):
        assert tuple(int(LABEL_COLOURS[label][i : i + 2], 16) for i in (1, 3, 5)) in colours
    assert len(inside(explorer, "IntSlider", "FloatSlider")) == 1 + len(KNOBS)


def test_what_is_outside_of_a_z_scored_brain_stays_black():
    picture, mask = slice_and_mask()
    scan = np.where(picture > 0.05, 3 * picture - 1, 0)
    explorer = explorers.augmentation(scan, mask, make=Augmentation, zscored=True, scale=1)
    before, after = shown(explorer)[:, :64], shown(explorer)[:, 72:]
    assert (before[scan == 0] == 0).all() and (scan == 0).any() and before.max() > 200
    assert (after[-1] == 0).all(), "nothing but background reaches the lowest row"


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError):
        explorers.augmentation(np.zeros((4, 4)), np.zeros((4, 5)), make=Augmentation)


def test_it_moves_in_a_browser(in_browser):
    explorer = in_browser(CODE)
    said = explorer.words
    explorer.press("ArrowRight")
    assert said.startswith("Draw 1") and explorer.words.startswith("Draw 2")
    with explorer.changes():
        explorer.area.locator("input[type=checkbox]").nth(1).click()
    assert dice_in(explorer.words) < 1
    explorer.screenshot("augmentation")
