"""Lesson 15's drawings: each draws what it is given."""

import pandas as pd

from unet_course.showing.lesson_figures import lesson_15


def drawn(fig):
    fig.canvas.draw()
    return fig.axes


def test_losses_by_patient_sorts_them_in_each_panel():
    losses = pd.DataFrame({"float16": [0.0, 0.001, -0.001], "int8": [0.02, -0.01, 0.03]})
    left, right = drawn(lesson_15.losses_by_patient(losses))
    assert left.get_title() == "float16"
    assert [bar.get_height() for bar in right.patches] == [-0.01, 0.02, 0.03]


def test_what_runs_where_names_all_steps_and_files():
    (ax,) = drawn(lesson_15.what_runs_where(["read", "turn", "look", "save"], {"page": "1 MB"}))
    said = " ".join(text.get_text() for text in ax.texts)
    assert all(word in said for word in ("read", "turn", "look", "save", "page\n1 MB"))
    assert len([p for p in ax.patches if p.get_facecolor()[:3] == (1, 1, 1)]) == 4


def test_usual_and_recent_marks_those_outside():
    values = {"as accepted": pd.Series([1.0, 2.0]), "new": pd.Series([0.0, 5.0])}
    (ax,) = drawn(lesson_15.usual_and_recent(values, (0.5, 3)))
    assert [len(line.get_xdata()) for line in ax.lines] == [2, 0, 0, 2]
