"""The painting explorer: strokes become pixels, and scores are those of `metrics` and `surfaces`."""

import numpy as np
import pytest
from explorer import inside, move, shown, words

from unet_course.judging import metrics, surfaces
from unet_course.showing import explorers
from unet_course.showing.explorers.paint import SECOND
from unet_course.showing.plotting import TRUTH, rgb

CODE = """
import numpy as np
from unet_course.showing import explorers
rows, columns = np.mgrid[:64, :64]
tumour = (rows - 30) ** 2 + (columns - 30) ** 2 < 150
explorers.paint(60 + 90 * tumour, tumour, np.roll(tumour, 2, 1), spacing=(2, 2), scale=4)
"""


def case():
    truth = np.zeros((40, 50), bool)
    truth[10:20, 10:30] = True
    return np.full((40, 50), 90, np.uint8), truth, np.roll(truth, 2, axis=1)


def board(explorer):
    (found,) = inside(explorer, "DrawingBoard")
    return found


def draw(explorer, *points):
    """A stroke as the browser sends it; returns which pixels changed in the picture."""
    before, one = shown(explorer), board(explorer)
    one.stroke = {"n": one.stroke["n"] + 1, "points": [list(point) for point in points]}
    return (shown(explorer) != before).any(-1)


def disc(shape, column, row, radius):
    rows, columns = np.indices(shape)
    return (rows - row) ** 2 + (columns - column) ** 2 < radius**2


def test_a_stroke_paints_a_disc_at_each_place_on_its_way():
    image, truth, _ = case()
    explorer = explorers.paint(image, truth, scale=1)
    move(explorer, "Brush (pixels)", 3, changes=False)
    painted = draw(explorer, (20, 20), (26, 20))
    expected = np.zeros(truth.shape, bool)
    for column in range(20, 27):
        expected |= disc(truth.shape, column, 20, 3)
    assert (painted == expected).all()
    assert f"{expected.sum()} pixels painted" in words(explorer)
    move(explorer, "Erase", True, changes=False)
    assert (draw(explorer, (20, 20)) == disc(truth.shape, 20, 20, 3)).all()


def test_a_stroke_over_the_border_paints_what_is_inside():
    image, truth, _ = case()
    explorer = explorers.paint(image, truth, scale=1)
    assert (draw(explorer, (-1, -1)) == disc(truth.shape, -1, -1, 4)).all()
    assert not draw(explorer, (-20, 300)).any()


def test_scores_are_those_of_the_package():
    image, truth, second = case()
    explorer = explorers.paint(image, truth, second, spacing=(2, 3), scale=1)
    own = draw(explorer, (12, 14), (28, 14))
    table = explorer.children[-2].value
    for mask, other in ((own, truth), (own, second), (truth, second)):
        for value in (
            f"{metrics.dice(mask, other):.2f}",
            f"{metrics.iou(mask, other):.2f}",
            f"{surfaces.hd95(mask, other, spacing=(2, 3)):.0f}",
        ):
            assert f">{value}</td>" in table
    assert f"Dice: {metrics.dice(own, truth):.2f} against the expert" in words(explorer)
    assert "HD95" not in explorers.paint(image, truth, second).children[-2].value
    assert "second" not in explorers.paint(image, truth).children[-2].value


def test_outlines_are_hidden_until_asked_for_and_painting_starts_again():
    image, truth, second = case()
    explorer = explorers.paint(image, truth, second, scale=1)
    assert (shown(explorer) == 90).all(), "the answer isn't given away"
    assert "outlines of the expert and the second rater" in move(
        explorer, "Show the outlines", True
    )
    picture = shown(explorer)
    assert (picture == rgb(TRUTH)).all(-1).any() and (picture == rgb(SECOND)).all(-1).any()
    draw(explorer, (20, 20))
    move(explorer, "Start again", None)
    assert words(explorer).startswith("0 pixels")
    assert "–" in explorers.paint(image, truth, spacing=(1, 1)).children[-2].value


@pytest.mark.parametrize("wrong", [np.zeros((40, 50)), np.ones((4, 5))])
def test_masks_that_do_not_fit_are_refused(wrong):
    image, truth, _ = case()
    with pytest.raises(ValueError, match="the expert"):
        explorers.paint(image, wrong)
    with pytest.raises(ValueError, match="the second rater"):
        explorers.paint(image, truth, wrong)


POINTER = """([kind, x, y]) => {
  const board = document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden) .drawing-board canvas');
  const box = board.getBoundingClientRect();
  board.dispatchEvent(new PointerEvent(kind, {
    clientX: box.left + x, clientY: box.top + y, pointerId: 7, pointerType: 'touch', bubbles: true,
  }));
}"""


def test_mouse_finger_and_keys_paint_in_a_browser(in_browser):
    explorer = in_browser(CODE)
    canvas = explorer.area.locator(".drawing-board canvas")
    canvas.wait_for(timeout=60_000)
    assert explorer.words.startswith("0 pixels painted")
    box = canvas.bounding_box()
    with explorer.changes():  # the mouse
        explorer.page.mouse.move(box["x"] + 90, box["y"] + 120)
        explorer.page.mouse.down()
        explorer.page.mouse.move(box["x"] + 150, box["y"] + 120, steps=8)
        explorer.page.mouse.up()
    with explorer.changes():  # a finger
        for kind, x in (("pointerdown", 120), ("pointermove", 130), ("pointerup", 130)):
            explorer.page.evaluate(POINTER, [kind, x, 150])
    with explorer.changes():  # the keys: away from what is painted, brush down
        canvas.focus()
        for _ in range(6):
            explorer.page.keyboard.press("ArrowUp")
        explorer.page.keyboard.press(" ")
        explorer.page.keyboard.press("ArrowRight")
        explorer.page.keyboard.press(" ")
    assert "Space" in canvas.get_attribute("aria-label")
    with explorer.changes(words=False):
        explorer.area.get_by_text("Show the outlines").click()
    explorer.screenshot("paint")
