"""docs/tutorials_audited.md: its code runs after lesson 03's cells and prints the tables above it."""

import re

import pytest
from lesson_files import BLOCK, ROOT
from nbformat.v4 import new_code_cell

from unet_course.commands import run_lesson

PAGE = ROOT / "docs" / "tutorials_audited.md"
FIGURE = re.compile(r"(?<![\d.])\d\.\d{2,3}(?!\d)")


@pytest.fixture(scope="module")
def said(tmp_path_factory) -> list[str]:
    """What each block of the page prints."""
    lesson = run_lesson.find("03")
    run_lesson.make_sample(lesson)
    notebook = run_lesson.read(lesson)
    notebook.cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    notebook.cells += [new_code_cell(block) for block in blocks]
    environment = {"UNET_COURSE_USER": str(tmp_path_factory.mktemp("user"))}
    done = run_lesson.execute(lesson, environment=environment, notebook=notebook).notebook
    return [
        "".join(o.get("text", "") or o.data.get("text/plain", "") for o in cell.outputs)
        for cell in done.cells[-len(blocks) :]
    ]


def test_each_tables_figures_are_printed_in_their_order(said):
    """By the block below it; a network's may differ a little by processor."""
    tables = BLOCK.split(PAGE.read_text(encoding="utf-8"))[0::2]  # what stands before each block
    for text, printed in zip(tables, said, strict=False):
        rows = [line for line in text.splitlines() if line.startswith("|")]
        # the mean over patients is printed by another block
        wanted = FIGURE.findall("\n".join(row for row in rows if "mean over" not in row))
        assert wanted
        numbers = iter(float(number) for number in FIGURE.findall(printed))
        for figure in map(float, wanted):
            assert any(abs(figure - number) <= 0.02 for number in numbers), (figure, printed)
    assert len(said) == 4
