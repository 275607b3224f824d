"""Write the table of the lessons' minutes into the instructors' page on formats.

    python tools/lesson_minutes.py

Reading and exercises are what a lesson's first cell says; the seconds are those that its run took
when it was saved. Run it after a lesson was added or saved again; a test compares.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "instructors" / "formats.md"
BEGIN, END = "<!-- lesson_minutes.py writes from here -->", "<!-- to here -->"


@dataclass(frozen=True)
class Minutes:
    """A lesson's time: all of it, of that exercises, on a short first read; seconds of its run."""

    lesson: str
    full: int
    exercises: int | None
    short: int | None
    seconds: int | None


def of(path: Path) -> Minutes:
    """Return what a lesson says of its time.

    Raises:
        ValueError: its first cell has no paragraph "**Time** … minutes".
    """
    notebook = json.loads(path.read_text(encoding="utf-8"))
    first = "".join(notebook["cells"][0]["source"])
    told = re.search(r"\*\*Time\*\*(.*)", first)
    full = told and re.search(r"(\d+) minutes", told[1])
    if not full:
        raise ValueError(f"{path.name}: its first cell doesn't say **Time** … minutes")
    exercises = re.search(r"of which (\d+) are for", told[1])
    short = re.search(r"about (\d+) (?:without|if)", told[1])
    return Minutes(
        path.name[:2],
        int(full[1]),
        int(exercises[1]) if exercises else None,
        int(short[1]) if short else None,
        notebook["metadata"].get("unet_course", {}).get("seconds"),
    )


def every() -> list[Minutes]:
    return [of(path) for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))]


def table(minutes: list[Minutes]) -> str:
    """Return the Markdown table."""
    lines = ["| lesson | minutes | of these, exercises | short | the page runs in |"]
    lines += ["|---|---|---|---|---|"]
    for one in minutes:
        exercises = one.exercises or "–"
        seconds = f"{one.seconds} s" if one.seconds else "not measured"
        short = one.short or "–"
        lines.append(f"| {one.lesson} | {one.full} | {exercises} | {short} | {seconds} |")
    return "\n".join(lines)


def renewed(text: str) -> str:
    """Return the page's text with the table as it should be."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n\n{table(every())}\n\n{END}{rest.split(END)[1]}"


def main() -> int:
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
    print(PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
