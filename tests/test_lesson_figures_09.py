"""Lesson 09's drawings: each draws what it is given."""

import numpy as np
import pytest

from unet_course.showing import plotting
from unet_course.showing.lesson_figures import lesson_09


def texts(fig) -> list[str]:
    return [text.get_text() for ax in fig.axes for text in ax.texts]


def test_rings_count_what_runs_into_them():
    # 1 → 2 → 3 → 2, 4 → 1, 5 → 5: of 1 and 4 both enter the first ring at 2
    following = {1: 2, 2: 3, 3: 2, 4: 1, 5: 5}
    fig = lesson_09.draw_rings([[2, 3], [5]], following)
    assert texts(fig) == ["2", "2 more", "3", "5"]
    assert [ax.get_title() for ax in fig.axes] == ["a ring of 2", "a ring of 1"]


def test_timelines_are_in_training_steps():
    times = np.array([[0, 1, 3], [3, 4, 6], [6, 7, 9], [9, 10, 12]], float)  # waits 1, trains 2
    lines = {"in line": times, "prefetched": times}
    fig = lesson_09.draw_waiting({"a": lines, "b": lines}, steps=(2, 2))
    assert [ax.get_xlim() for ax in fig.axes] == [(0, 3), (0, 3)]


def drawings() -> dict:
    rng = np.random.default_rng(0)
    labels = np.zeros((40, 40), np.uint8)
    labels[10:20, 10:20] = 4
    labels[19, 19] = 9
    patch = (rng.random((8, 8, 8, 4)), np.ones((8, 8, 8), np.uint8))
    shares = {"anywhere": rng.random(50), "around tumour": rng.random(50)}
    return {
        "stages": lambda: lesson_09.draw_stages(
            dict(zip("abcd", (0.1, 0.2, 0.3, 0.4), strict=True))
        ),
        "labels": lambda: lesson_09.draw_label_maps({"a": labels, "b": labels}, "LPS", 9),
        "shares": lambda: lesson_09.draw_tumour_shares(shares),
        "augmented": lambda: lesson_09.draw_augmented(
            {"as it is": patch, "1": patch}, {"FLAIR": 3, "T1ce": 1}, "LPS"
        ),
    }


@pytest.mark.parametrize("name", drawings())
def test_it_draws(name):
    fig = drawings()[name]()
    assert fig.axes
    plotting.show(fig, alt="A drawing of the lesson, for the test.")
