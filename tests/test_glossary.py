"""The glossary: each term is marked in the lesson that introduces it, so that the site links it."""

import re

import pytest
from lesson_files import LESSONS, ROOT, read

ENTRIES = [
    entry
    for block in re.findall(
        r":::\{glossary\}\n(.*?)\n:::",
        (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"),
        re.DOTALL,
    )
    for entry in block.split("\n\n")
]


def names(entry: str) -> list[str]:
    """The term and its other names, which stand at the line's beginning."""
    return [line for line in entry.splitlines() if not line.startswith(" ")]


def marked(lesson) -> set[str]:
    """What a lesson's Markdown has in bold or italics, as `docs/lesson_pages.py` reads it."""
    text = "\n\n".join(c.source for c in read(lesson).cells if c.cell_type == "markdown")
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    found = re.findall(r"\*\*(.+?)\*\*|(?<!\*)\*([^*\n]+?)\*(?!\*)", text)
    return {(bold or italics).replace("`", "").strip(" .:").lower() for bold, italics in found}


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_marks_the_terms_that_it_introduces(lesson):
    own = [e for e in ENTRIES if re.findall(r"{{ lesson(\d\d) }}", e)[:1] == [lesson.name[:2]]]
    assert own, "no term of the glossary names this lesson first"
    known = marked(lesson)
    missing = [names(e)[0] for e in own if not known & {name.lower() for name in names(e)}]
    assert missing == [], "put its first use in bold, or in italics, where it is explained"


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lessons_first_cell_links_to_the_glossary(lesson):
    assert "[glossary](../docs/glossary.md)" in read(lesson).cells[0].source
