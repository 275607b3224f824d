"""The instructors' pages: a section for each lesson, and minutes that add up."""

import importlib.util
import re
import sys
import tomllib

import pytest
from lesson_files import LESSONS, ROOT, open_tasks, read

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
    heads = re.findall(r"^\*\*([\w ]+?)\.?\*\*", text, re.MULTILINE)
    assert [head for head in heads if head in HEADS] == HEADS
    if open_tasks(lesson):
        assert "Open task" in heads, "say how to use the open task in class"
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


@pytest.mark.parametrize("page", tool.PAGES, ids=lambda page: page.stem)
def test_the_tables_of_minutes_are_the_lessons(page):
    text = page.read_text(encoding="utf-8")
    assert tool.renewed(page) == text, "write it: python tools/lesson_minutes.py"


@every_lesson
def test_the_minutes_promised_are_those_counted(lesson):
    """Within a tenth, without what can wait; and no lesson takes more than 100 minutes."""
    counted, promised = tool.counted(lesson), tool.of(lesson)
    assert tool.waiting(lesson) <= counted.keys()
    needed = sum(counted.values()) - sum(counted[section] for section in tool.waiting(lesson))
    assert abs(promised.full - needed) <= needed / 10, f"promised {promised.full}, {needed:.0f}"
    assert promised.full <= 100 and needed <= 100


def blocks() -> list[tuple[str, list[dict[str, str]], dict[str, str]]]:
    """Each plan's days or weeks: name, rows by their columns' heads, and the row with the sum."""
    found, rows, head = [], [], []
    for line in formats().split(tool.END)[1].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line[:1] == "|" else []
        if "part" in cells:
            head = cells
        elif cells and "---" not in line:
            row = dict(zip(head, cells, strict=True))
            if row["part"].startswith("**"):
                found.append((row["part"].strip("*"), rows, row))
                rows = []
            else:
                rows.append(row)
    assert not rows
    return found


BLOCKS = blocks()
every_block = pytest.mark.parametrize(
    ("rows", "end"), [b[1:] for b in BLOCKS], ids=[b[0] for b in BLOCKS]
)


def minutes(row, *columns) -> int:
    return sum(int(row[name].strip("*")) for name in columns if row.get(name))


def test_there_are_three_formats_and_the_third_goes_on():
    weeks = [f"week {n}" for n in range(1, 9)]
    assert [name for name, *_ in BLOCKS] == ["half a day", "day 1", "day 2", *weeks]


@every_block
def test_a_formats_minutes_are_the_lessons_and_add_up(rows, end):
    known = {one.lesson: one for one in tool.every()}
    for column in ("minutes", "in class", "at home"):
        assert minutes(end, column) == sum(minutes(row, column) for row in rows), column
    taken = {}
    for row in rows:
        hows, sums = taken.setdefault(row["part"], ([], []))
        hows.append(row["how"])
        sums.append((minutes(row, "minutes", "in class"), minutes(row, "at home")))
    for part in taken.keys() & known.keys():
        hows, sums = taken[part]
        here, home = (sum(one) for one in zip(*sums, strict=True))
        if hows == ["short"]:
            assert here == known[part].short, part
            assert "at home" not in end or here + home == known[part].full, part
        elif hows[0] in ("whole", "begin"):
            assert here + home == known[part].full, part
        else:
            assert here < known[part].full, part
    talk = sum(minutes(row, "minutes", "in class") for row in rows if row["part"] == "talk")
    work = sum(
        minutes(row, "minutes", "in class")
        for row in rows
        if row["part"] in known and not row["how"].startswith("you show")
    )
    assert 4 * talk >= work, "a minute of talk to four of work"


@every_block
def test_a_formats_clock_goes_on_and_nobody_sits_too_long(rows, end):
    if "from" not in end:
        assert minutes(end, "in class") == 180 and any(row["part"] == "break" for row in rows)
        return
    times = [int(row["from"][:2]) * 60 + int(row["from"][3:]) for row in [*rows, end]]
    sat = 0
    for row, start, stop in zip(rows, times, times[1:], strict=False):
        assert stop - start == minutes(row, "minutes"), row
        sat = 0 if row["part"] in ("break", "lunch") else sat + stop - start
        assert sat <= 105 or row["part"] == "slack", row


def test_python_and_the_commands_are_told_alike():
    """The range is pyproject's; a page with commands says once how they are typed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    first, last = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", project["requires-python"]).groups()
    hub = ROOT / "docs" / "hub" / "workshop_hub.md"
    for page in (hub, PAGES / "the_day_before.md"):
        told = re.findall(r"3\.\d+ to 3\.\d+|3\.\d+ or newer", page.read_text(encoding="utf-8"))
        assert set(told) == {f"3.{first} to 3.{int(last) - 1}"}, page
    for page in (hub, PAGES / "the_day_before.md", PAGES / "formats.md"):
        assert "\n*Commands*: " in page.read_text(encoding="utf-8").split("\n## ")[0], page


@every_lesson
def test_a_lessons_time_is_read_as_it_is_meant(lesson):
    one = tool.of(lesson)
    assert 10 <= one.full <= 120
    assert one.exercises is None or one.exercises < one.full / 2
    assert one.short is None or one.short < one.full
