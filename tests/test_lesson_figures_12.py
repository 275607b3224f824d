"""Lesson 12's drawings: each draws what it is given."""

import numpy as np
import pandas as pd

from unet_course.showing.lesson_figures import lesson_12


def drawn(fig):
    fig.canvas.draw()
    return fig.axes


def test_patches_has_a_panel_for_each_budget():
    plans = {gb: {"size": [32 * gb, 48, 32], "network": {"filters": 32}} for gb in (1, 2)}
    one, two = drawn(lesson_12.patches([100, 90, 80], plans))
    assert one.patches[1].get_height() == 32 and two.patches[1].get_height() == 64
    assert "2 GB" in two.get_title() and "64 × 48 × 32" in two.get_title()


def test_uncertainty_maps_has_the_slice_and_each_map():
    image, mask = np.zeros((16, 16)), np.zeros((16, 16), bool)
    mask[4:9, 4:9] = True
    maps = {"folds": np.full((16, 16), 0.3), "flips": np.zeros((16, 16))}
    axes = drawn(lesson_12.uncertainty_maps(image, mask, ~mask, maps))
    assert [ax.get_title() for ax in axes[1:3]] == ["folds", "flips"]
    assert axes[1].images[0].get_clim() == (0, 0.5)


def test_risk_coverage_draws_each_curve_to_its_end():
    curves = {name: np.array([0.1, 0.2]) for name in ("entropy", "folds", "chance")}
    fewer = {name: curves[name] for name in ("folds", "chance")}
    left, right = drawn(lesson_12.risk_coverage({"a": curves, "b": fewer}))
    assert len(left.lines) == 3 and len(right.lines) == 2
    assert left.lines[1].get_color() == right.lines[0].get_color() != left.lines[0].get_color()
    assert left.lines[0].get_ydata()[-1] == 0.2 and left.lines[0].get_xdata()[-1] == 1


def test_volume_intervals_tells_those_that_hold():
    table = pd.DataFrame(
        {"truth": [5, 1, 9], "low": [4, 2, 8], "high": [6, 3, 10], "held": [True, False, True]}
    )
    (ax,) = drawn(lesson_12.volume_intervals(table))
    held, missed = ax.collections[:2]
    assert len(held.get_segments()) == 2 and len(missed.get_segments()) == 1
    assert list(ax.lines[0].get_ydata()) == [1, 5, 9]


def test_choosing_has_two_marks_for_each_number_of_patients():
    table = pd.DataFrame({"promised": [0.03, 0.01], "on others": [0.0, 0.005]}, index=[6, 12])
    (ax,) = drawn(lesson_12.choosing(table))
    assert [list(line.get_ydata()) for line in ax.lines] == [[0.03, 0.01], [0.0, 0.005]]
