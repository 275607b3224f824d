"""The instructors' pages: a section for each lesson, and minutes that add up."""

import importlib.util
import re
import sys

import pytest
from lesson_files import LESSONS, ROOT, read

PAGES = ROOT / "docs" / "instructors"
HEADS = ["Aim", "Misconceptions", "Draw", "Ask", "When late"]
every_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)


def load_tool():
    path = ROOT / "tools" / "lesson_minutes.py"
    spec = importlib.util.spec_from_file_location("lesson_minutes", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


tool = load_tool()


def sections() -> dict[str, str]:
    """Each ``## NN title`` of the pages on lessons, with its text."""
    text = "\n".join(p.read_text(encoding="utf-8") for p in sorted(PAGES.glob("lessons_*.md")))
    parts = re.split(r"^## (?=\d\d )", text, flags=re.MULTILINE)[1:]
    return {part.partition("\n")[0]: part for part in parts}


def formats() -> str:
    return (PAGES / "formats.md").read_text(encoding="utf-8")


@every_lesson
def test_each_lesson_has_its_section(lesson):
    title = read(lesson).cells[0].source.partition("\n")[0].removeprefix("# ")
    found = sections()
    assert title in found, f"docs/instructors: no section ## {title}"
    text = found[title]
    assert re.findall(r"^\*\*([\w ]+?)\.?\*\*", text, re.MULTILINE)[: len(HEADS)] == HEADS
    part = text.split("**Misconceptions**")[1].split("**Draw.**")[0]
    assert len(re.findall(r"^- \*", part, re.MULTILINE)) == 3
    # a section that it says to skip, and each that it speaks of, is one of the lesson's
    numbers = {
        int(n) for c in read(lesson).cells for n in re.findall(r"^## (\d+)\. ", c.source, re.M)
    }
    late = text.split("**When late.**")[1].replace("lesson 01's sections 3 and 4", "")
    late = re.sub(r"lesson \d\d, section \d+", "", late)
    for first, second in re.findall(r"[Ss]ections? (\d+)(?:(?:, \d+)* and (\d+))?", late):
        assert {int(n) for n in (first, second) if n} <= numbers


def test_no_section_without_a_lesson():
    titles = {read(lesson).cells[0].source.partition("\n")[0][2:] for lesson in LESSONS}
    assert set(sections()) == titles


def test_the_table_of_minutes_is_the_lessons():
    assert tool.renewed(formats()) == formats(), "write it: python tools/lesson_minutes.py"


def test_the_formats_minutes_are_the_lessons_and_add_up():
    known = {one.lesson: one for one in tool.every()}
    lines = [line for line in formats().splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    rows = [row for row in rows if len(row) == 3]  # the lessons' own table has more columns
    total, sums = 0, 0
    for part, how, minutes in rows:
        if part.startswith("**"):
            assert minutes == f"**{total}**", f"{part}: {total}"
            total, sums = 0, sums + 1
        elif minutes.isdecimal():
            total += int(minutes)
            lesson = known.get(part)
            if how == "whole":
                assert int(minutes) == lesson.full, part
            elif how == "short":
                assert int(minutes) == lesson.short, part
            elif lesson:
                assert int(minutes) < lesson.full, part
    assert sums == 9 and total == 0


@every_lesson
def test_a_lessons_time_is_read_as_it_is_meant(lesson):
    one = tool.of(lesson)
    assert 10 <= one.full <= 120
    assert one.exercises is None or one.exercises < one.full / 2
    assert one.short is None or one.short < one.full
