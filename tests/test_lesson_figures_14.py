"""Lesson 14's drawings: every part is drawn at its length, every run has its curve."""

import pytest

from unet_course.showing.lesson_figures import lesson_14


def test_the_step_ends_in_the_same_update_in_both_processes():
    (ax,) = lesson_14.draw_step().axes
    words = [text.get_text().replace("\n", " ") for text in ax.texts]
    assert words.count("the same update") == 2 and words.count("mean of both gradients") == 1


def test_bars_are_as_long_as_their_times():
    rows = {
        "one": {"drawing": 5, "waiting": 0, "computing": 100},
        "two": {"drawing": 10, "waiting": 30, "computing": 60},
    }
    (ax,) = lesson_14.draw_times(rows).axes
    lengths = [bar.get_width() for bar in ax.patches]
    assert lengths == [5, 0, 100, 10, 30, 60]
    starts = [bar.get_x() for bar in ax.patches]
    assert starts == pytest.approx([0, 5, 5, 0, 10, 40])
    assert [label.get_text() for label in ax.get_yticklabels()] == list(rows)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(lesson_14.COLOURS)


def test_each_run_has_its_curve_and_its_name():
    curves = {"a": ([24, 48], [1.2, 1.0]), "b": ([24, 48], [1.3, 1.1])}
    (ax,) = lesson_14.draw_losses(curves).axes
    assert [line.get_label() for line in ax.lines] == ["a", "b"]
    assert [list(line.get_ydata()) for line in ax.lines] == [[1.2, 1.0], [1.3, 1.1]]
