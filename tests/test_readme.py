"""README: its picture and figures are what the lessons and the benchmarks say, its links lead on."""

import importlib.util
import re

import numpy as np
import pytest
from lesson_files import LESSONS, ROOT, read
from PIL import Image

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
FIGURE = re.compile(r"\d+\.\d+")


def anchor(heading: str) -> str:
    """A heading's address, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def told(lesson) -> str:
    """A lesson's prose and what its cells print."""
    cells = read(lesson).cells
    prose = [cell.source for cell in cells if cell.cell_type == "markdown"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    printed = [o.get("text", "") + o.get("data", {}).get("text/plain", "") for o in outputs]
    return "\n".join(prose + printed)


def points() -> list[str]:
    """The section "What makes this course different", point by point."""
    part = TEXT.split("## What makes this course different")[1].split("\n## ")[0]
    return [" ".join(point.split()) for point in re.split(r"^- ", part, flags=re.MULTILINE)[1:]]


def test_the_picture_is_the_lessons():
    spec = importlib.util.spec_from_file_location("picture", ROOT / "tools" / "readme_picture.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    saved = np.asarray(Image.open(tool.PICTURE).convert("RGB"), dtype=int)
    made = np.asarray(tool.picture(), dtype=int)
    assert saved.shape == made.shape
    assert np.abs(saved - made).max() <= 8, "run python tools/readme_picture.py"


def test_links_lead_somewhere():
    for path, _, place in re.findall(r"\]\((?!https?:)([^)#]+)(#([^)]+))?\)", TEXT):
        assert (ROOT / path).is_file(), path
        if place:
            lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
            headings = [line.lstrip("# ") for line in lines if line.startswith("#")]
            assert place in map(anchor, headings), f"{path}#{place}"


@pytest.mark.parametrize("point", points(), ids=lambda point: point[2:32])
def test_figures_stand_where_the_links_lead(point):
    sources = []
    for path in re.findall(r"\]\((?!https?:)([^)#]+)", point):
        one = ROOT / path
        sources.append(told(one) if one.suffix == ".ipynb" else one.read_text(encoding="utf-8"))
    figures = FIGURE.findall(re.sub(r"\]\([^)]*\)", "", point))
    assert sources or not figures
    for figure in figures:
        assert figure in "\n".join(sources), f"{figure} isn't there: {point}"


def test_it_counts_the_exercises():
    exercises = [
        cell
        for lesson in LESSONS
        for cell in read(lesson).cells
        if "exercise" in (tags := cell.metadata.get("tags", []))
        and not {"open-task", "quiz"} & set(tags)
    ]
    assert f"**{len(exercises)} exercises" in TEXT


def test_it_lists_every_lesson_by_its_title():
    rows = re.findall(r"^\| (\d\d) \| \[([^]]+)\]\(notebooks/([^)]+)\) \|", TEXT, re.MULTILINE)
    titles = [read(path).cells[0].source.partition("\n")[0] for path in LESSONS]
    assert [f"# {number} {title}" for number, title, _ in rows] == titles
    assert [name for *_, name in rows] == [path.name for path in LESSONS]
