"""Tables in the lessons' pages."""

import numpy as np
import pandas as pd
import pytest

from unet_course.showing import tables

FRAME = pd.DataFrame(
    {"Dice": [0.9, 0.1234, np.nan], "HD95": [3.0, 40.06, 7.0], "slices": [1200, 3, 4]},
    index=["a", "b<", "c"],
)


@pytest.fixture
def shown(monkeypatch):
    def of(*args, **options):
        found = []
        monkeypatch.setattr("IPython.display.display", lambda data, raw: found.append(data))
        tables.show(*args, **options)
        return found[0]

    return of


def test_numbers_are_rounded_and_the_worst_is_marked(shown):
    data = shown(FRAME, worst={"Dice": "lowest", "HD95": "highest"}, digits={"HD95": 1})
    assert data["text/plain"].split() == (
        [
            "Dice",
            "HD95",
            "slices",
            "a",
            "0.90",
            "3.0",
            "1,200",
            "b<",
            "0.12",
            "▼",
            "40.1",
            "▲",
            "3",
            "c",
            "–",
            "7.0",
            "4",
        ]
    )
    assert "<b>0.12 ▼</b>" in data["text/html"] and "<th>b&lt;</th>" in data["text/html"]


def test_nothing_is_marked_where_all_are_alike(shown):
    alike = pd.DataFrame({"Dice": [0.5, 0.5]})
    assert "▼" not in shown(alike, worst={"Dice": "lowest"})["text/html"]


def test_a_caption_stands_above(shown):
    data = shown(FRAME, caption="By case & region")
    assert data["text/plain"].startswith("By case & region\n")
    assert "<caption>By case &amp; region</caption>" in data["text/html"]


def test_a_column_that_is_not_there_is_named(shown):
    with pytest.raises(ValueError, match="'dice'"):
        shown(FRAME, worst={"dice": "lowest"})
