"""Lesson 03's drawings: each draws what it is given."""

import numpy as np
import pytest
from matplotlib.text import Text

from unet_course.showing.lesson_figures import lesson_03

GRID = np.linspace(0.1, 0.9, 5)
MASK = np.zeros((64, 64), np.uint8)
MASK[20:30, 12:24] = 1


def drawn(fig):
    """Draw a figure, and return all that is written in it."""
    fig.canvas.draw()
    return [text.get_text() for text in fig.findobj(Text) if text.get_text()]


def test_one_pixel_has_losses_and_slopes():
    fig = lesson_03.one_pixel(GRID, {"counting": (GRID, 0 * GRID), "BCE": (2 * GRID, -GRID)})
    assert {"counting", "BCE", "loss", "slope"} <= set(drawn(fig))
    assert np.array_equal(fig.axes[1].lines[1].get_ydata(), -GRID)


def test_pull_shares_fill_each_bar():
    fig = lesson_03.pull_shares({"start": 0.9, "later": 0.5})
    assert {"start", "later", "background", "tumour"} <= set(drawn(fig))
    widths = [round(bar.get_width(), 3) for bar in fig.axes[0].patches]
    assert widths == [0.9, 0.5, 0.1, 0.5]


def test_pulls_put_tumour_on_the_left():
    fig = lesson_03.pulls(GRID, {name: (GRID, 2 * GRID) for name in lesson_03.LOSS_STYLES})
    assert {"a tumour pixel", *lesson_03.LOSS_STYLES} <= set(drawn(fig))
    assert np.array_equal(fig.axes[0].lines[0].get_ydata(), 2 * GRID)


def test_pulls_compared_have_the_simpler_in_grey():
    curves = {"BCE": (GRID, GRID), "focal": (GRID, 3 * GRID), "Jaccard": (GRID, GRID)}
    fig = lesson_03.pulls_compared(GRID, curves, {"focal": "BCE", "Jaccard": "BCE"})
    assert {"focal  (grey: BCE)", "tumour pixel", "background pixel"} <= set(drawn(fig))
    assert np.array_equal(fig.axes[0].lines[1].get_ydata(), 3 * GRID)


def test_steps_have_the_truth_on_the_right():
    maps = {"BCE": {0: MASK * 0.5, 5: MASK * 0.9}, "soft Dice": {0: MASK * 0.5, 5: MASK * 0.8}}
    fig = lesson_03.steps(maps, MASK, side=32)
    assert {"start", "step 5", "truth", "BCE"} <= set(drawn(fig))
    assert len(fig.axes) == 6
    assert fig.axes[2].images[0].get_array().sum() == MASK.sum()


def test_two_scores_and_smoothing():
    scores = {"BCE": np.array([[0.1, 0.2], [0.9, 0.0]]), "soft Dice": np.ones((2, 2))}
    fig = lesson_03.two_scores(np.array([0, 10]), scores)
    assert {"accuracy, cut at 0.5", "Dice, cut at 0.5", "BCE"} <= set(drawn(fig))
    assert fig.axes[1].lines[0].get_ydata().tolist() == [0.2, 0.0]
    fig = lesson_03.smoothing()
    assert {"An empty slice", "no smoothing", "smoothing 100"} <= set(drawn(fig))
    assert set(fig.axes[0].lines[0].get_ydata()) == {1.0}  # without it, 1 whatever is claimed


def test_pooled_or_mean_has_both_methods():
    fig = lesson_03.pooled_or_mean([10, 100], {"A": ([0, 1], 0.5, 0.9), "B": ([0.8, 0.8], 0.8, 1)})
    assert {"A", "B", "pooled", "mean over patients"} <= set(drawn(fig))


def test_an_island_lies_far_from_the_tumour():
    head = np.zeros((64, 64))
    head[2:62, 2:62] = 100
    island = lesson_03.with_island(MASK, head, 21)
    added = (island == 1) & (MASK == 0)
    assert added.sum() == 21 and (island[MASK == 1] == 1).all()
    assert np.abs(np.argwhere(added) - (25, 18)).max(axis=1).min() > 8
    fig = lesson_03.two_predictions(head, MASK, {"short": MASK, "with an island": island})
    assert {"short", "with an island", "truth", "prediction"} <= set(drawn(fig))


def test_the_board_has_a_line_at_what_was_reported():
    pairs = {"accuracy": [(0.9, 0.95)], "soft": [(0.98, 0.99)], "ours": [(0.0, 0.8)]}
    fig = lesson_03.board(pairs, {"soft": 0.981})
    assert {"nothing", "the network", "0.981, as reported", *pairs} <= set(drawn(fig))
    (line,) = fig.axes[0].collections
    assert line.get_segments()[0].tolist() == [[0.981, 0.5], [0.981, 1.5]]
    crosses = [x for line in fig.axes[0].lines[:3] for x in line.get_xdata()]
    assert crosses == [0.9, 0.98, 0.0]
    with pytest.raises(ValueError, match="hard"):
        lesson_03.board(pairs, {"hard": 0.981})
