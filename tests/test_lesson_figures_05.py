"""Lesson 05's drawings: each draws what it is given."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.text import Text

from unet_course.showing.lesson_figures import lesson_05


def drawn(fig) -> set[str]:
    """Draw a figure, and return all that is written in it."""
    fig.canvas.draw()
    return {text.get_text() for text in fig.findobj(Text) if text.get_text()}


def square(side=24):
    mask = np.zeros((side, side), np.uint8)
    mask[8:14, 6:15] = 1
    return mask


@pytest.mark.parametrize("predicted", [False, True])
def test_rows_of_slices_name_each_row_once(predicted):
    rows = {"affine": [np.zeros((24, 24))] * 3, "elastic": [np.ones((24, 24))] * 3}
    masks = {name: [square()] * 3 for name in rows}
    titles = {name: [f"{name} {n}" for n in range(3)] for name in rows}
    fig = lesson_05.rows_of_slices(rows, masks, masks if predicted else None, titles)
    texts = [text.get_text() for text in fig.findobj(Text)]
    assert texts.count("affine") == texts.count("elastic") == 1 and "elastic 2" in texts
    assert len(fig.axes) == 6 and ("prediction" in drawn(fig)) == predicted
    without = lesson_05.rows_of_slices(rows, masks)
    assert "affine 0" not in drawn(without)


def test_masks_are_enlarged_to_the_first_one():
    fig = lesson_05.enlarged_masks({"nearest": square(), "mixed": square() * 0.5}, margin=2)
    assert {"nearest", "mixed"} <= drawn(fig)
    for ax in fig.axes:
        assert ax.get_xlim() == (4, 16) and ax.get_ylim() == (15, 6)


def test_the_loss_by_rate_has_both_lines():
    fig = lesson_05.loss_by_rate(np.array([0.1, 1, 10]), [1.0, 0.5, 2.0], before=1.1)
    assert {"after one step", "before", "learning rate"} <= drawn(fig)
    assert fig.axes[0].lines[0].get_ydata().tolist() == [1.0, 0.5, 2.0]


def test_curves_of_runs_are_running_means_and_sgd_is_dashed():
    fig = lesson_05.losses_by_step({"SGD": [4, 2, 0, 2], "Adam": [1, 1, 1, 1]}, width=2)
    assert {"SGD", "Adam", "loss, mean of 2 steps"} <= drawn(fig)
    sgd, adam = fig.axes[0].lines
    assert sgd.get_ydata().tolist() == [3, 1, 1] and sgd.get_xdata().tolist() == [2, 3, 4]
    assert sgd.get_linestyle() == "--" and adam.get_linestyle() == "-"


def test_learning_rates_over_steps():
    fig = lesson_05.learning_rates({"one": [0, 1, 0.5], "anew": [0, 1, 0]}, steps_an_epoch=2)
    assert {"one", "anew", "step (an epoch has 2)"} <= drawn(fig)
    assert len(fig.axes[0].lines) == 2


def test_the_best_epoch_is_ringed():
    fig = lesson_05.loss_and_dice({"loss": [1.0, 0.6, 0.5], "dice": [0.2, 0.7, 0.6]})
    assert {"training loss", "epoch", "kept: the best epoch"} <= drawn(fig)
    ring = fig.axes[1].lines[1]
    assert ring.get_xdata().tolist() == [2] and ring.get_ydata().tolist() == [0.7]


def test_each_run_has_its_curves_and_slices_of_different_places():
    masks = np.zeros((40, 16, 16, 1), np.uint8)
    masks[4:12, 4:9, 4:9] = masks[24:30, 3:12, 3:12] = 1
    run = SimpleNamespace(
        loss=[1.0, 0.4],
        validation=[0.2, 0.5],
        others=[0.1, 0.3],
        images=np.zeros((40, 16, 16, 3), np.uint8),
        masks=masks,
        probability=masks.astype(np.float32),
    )
    fig = lesson_05.three_runs({"A": run, "B": run}, count=2)
    assert len(fig.axes) == 8
    assert [list(line.get_ydata()) for line in fig.axes[1].lines] == [[0.2, 0.5], [0.1, 0.3]]
    assert fig.axes[0].get_ylim()[1] > 1 and "run A" in fig.axes[0].get_title("left")
    first, second = lesson_05._far_apart(masks, 2)
    assert first in range(24, 30) and second in range(4, 12)
    plt.close(fig)
