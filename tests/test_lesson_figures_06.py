"""Lesson 06's drawings: each draws what it is given."""

import numpy as np
import pandas as pd
import pytest

from unet_course.judging import calibration
from unet_course.showing.lesson_figures import lesson_06


def drawn(fig):
    fig.canvas.draw()
    return fig.axes


def test_bootstrap_and_sizes_has_a_mark_for_each_patient():
    patients = list("abcd")
    dice = pd.Series([0.2, 0.9, 0.8, 0.7], patients)
    sizes = pd.Series([10, 1000, 200, 30], patients)
    hospitals = pd.Series(["X", "Y", "X", "Z"], patients)
    left, right = drawn(
        lesson_06.bootstrap_and_sizes([0.5, 0.6, 0.7], (0.5, 0.7), dice, sizes, hospitals)
    )
    assert [line.get_xdata()[0] for line in left.lines] == [0.5, 0.7]
    assert sum(len(line.get_xdata()) for line in right.lines) == 4
    assert [text.get_text() for text in right.get_legend().get_texts()] == ["X", "Y", "Z"]


def test_threshold_curves_marks_the_highest_point():
    curve = pd.Series([0.4, 0.8, 0.6], [0.25, 0.5, 0.75])
    (ax,) = drawn(lesson_06.threshold_curves({"one": curve, "two": curve - 0.1}))
    assert ax.lines[1].get_xdata()[0] == 0.5 and ax.lines[1].get_ydata()[0] == 0.8


def test_reliability_draws_curve_and_counts():
    rng = np.random.default_rng(0)
    probability = rng.random(1000)
    curve = calibration.reliability(rng.random(1000) < probability, probability)
    left, right = drawn(lesson_06.reliability(curve))
    np.testing.assert_array_equal(left.lines[1].get_ydata(), curve.observed)
    assert sum(bar.get_height() for bar in right.patches) == 1000


def test_roc_curves_draws_each_line_and_the_cut():
    line = np.array([0, 0.1, 1]), np.array([0, 0.9, 1])
    (ax,) = drawn(lesson_06.roc_curves({"a": line, "b": line}, (0.1, 0.9)))
    assert len(ax.lines) == 4 and ax.lines[-1].get_xdata()[0] == 0.1


@pytest.mark.parametrize("verdict", lesson_06.VERDICT_COLOURS)
def test_run_differences_has_a_dot_for_each_run(verdict):
    difference = pd.DataFrame({0: [0.1, 0.2], 1: [0.3, np.nan]}, index=["a", "b"])
    names = pd.Series({"a": "A", "b": "B"})
    verdicts = pd.Series({"a": verdict, "b": "better"})
    (ax,) = drawn(lesson_06.run_differences(difference, verdicts, names, 0.05))
    assert list(ax.lines[1].get_xdata()) == [0.1, 0.3] and list(ax.lines[2].get_xdata()) == [0.2]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["A", "B"]


def test_three_networks_has_the_blocks_of_each():
    axes = drawn(lesson_06.three_networks())
    assert [len([line for line in ax.lines if line.get_marker() == "o"]) for ax in axes] == [
        7,
        7,
        10,
    ]
