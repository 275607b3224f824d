"""The copier's explorer: which slice is copied, whose it is, and what Dice that gives."""

import numpy as np
import pytest
from explorer import move, shown, words

from unet_course.judging import metrics
from unet_course.showing import explorers

CODE = """
import numpy as np
from unet_course.showing import explorers
masks = np.zeros((6, 96, 96), bool)
for k in range(6):
    masks[k, 20 + 5 * k : 50 + 5 * k, 30:60] = k != 4
explorers.copier(
    lambda k, bar: 4 if bar else k + 1,
    [0, 1, 2],
    picture=lambda k: np.where(masks[k], 180, 60).astype(np.uint8),
    masks=masks,
    names=[f"patient {k % 4 % 3} slice {k}" for k in range(6)],
    owner=[0, 0, 0, 0, 1, 1],
    scale=2,
)
"""


def case():
    masks = np.zeros((4, 30, 30), np.uint8)
    masks[0, 5:15, 5:15] = masks[1, 7:17, 5:15] = masks[2, 20:25, 20:25] = 1
    options = {
        "picture": lambda k: np.full((30, 30), 40 * k, np.uint8),
        "masks": masks,
        "names": ["A 1", "A 2", "B 1", "C 9"],
        "owner": ["A", "A", "B", "C"],
    }
    return masks, options


def test_it_says_which_slice_is_copied_and_its_dice():
    masks, options = case()
    asked = []

    def nearest(at, bar):
        asked.append((at, bar))
        return 2 if bar else 1

    explorer = explorers.copier(nearest, [0, 2], **options)
    dice = metrics.dice(masks[0], masks[1])
    assert words(explorer) == f"A 1 copies A 2 (the same patient): its mask, Dice {dice:.2f}"
    said = move(explorer, "Bar the own patient", True)
    assert said == "A 1 copies B 1 (another patient): its mask, Dice 0.00"
    move(explorer, "Test slice", 2)
    assert asked == [(0, False), (0, True), (2, True)]


def test_both_panels_have_the_truth_of_the_test_slice():
    _, options = case()
    picture = shown(explorers.copier(lambda at, bar: 3, [2, 0], start=1, **options))
    assert picture.shape == (30, 30 + 8 + 30, 3)
    left, right = picture[:, :30], picture[:, 38:]
    assert ((left != 0).any(-1) == (right != 120).any(-1)).all()
    assert "which is empty" in words(explorers.copier(lambda at, bar: 3, [0], **options))


def test_without_a_test_slice_there_is_nothing_to_choose():
    with pytest.raises(ValueError, match="no test slice"):
        explorers.copier(lambda at, bar: 0, [], **case()[1])


def test_it_moves_in_a_browser(in_browser):
    explorer = in_browser(CODE)
    explorer.press("ArrowRight")
    with explorer.changes():
        explorer.area.get_by_text("Bar the own patient").click()
    assert "another patient" in explorer.words
    explorer.screenshot("copier")
