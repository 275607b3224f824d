"""Write the lessons' minutes into README, the instructors' page on formats, and the hub's page.

    python tools/lesson_minutes.py

Reading and exercises are what a lesson's first cell says; the seconds are those that its run took
when it was saved, on `CORES` cores. Run it after a lesson was added or saved again; tests compare.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
FORMATS = ROOT / "docs" / "instructors" / "formats.md"
HUB = ROOT / "docs" / "hub" / "workshop_hub.md"
BEGIN, END = "<!-- lesson_minutes.py writes from here -->", "<!-- to here -->"
CORES = 2  # of the machine on which lessons are saved
TRAIN = ("05", "06", "10")  # the lessons whose runs are mostly training
WORDS_A_MINUTE, LINES_A_MINUTE = 160, 25  # text is read, code is skimmed
PACE = {  # minutes for each of these in a cell of code
    r"plotting\.show\(": 1,
    r"tables\.show\(": 0.5,
    r"(?:explorers|widgets)\.\w+\(": 3,
    r"exercises\.check\(": 3.5,
    r"exercises\.conclude\(": 9,
    r"exercises\.quiz\(": 4,
}
STUDENTS, SERVERS = 30, (8, 16, 32)  # for the hub's table: a class, and servers' cores


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


def counted(path: Path) -> dict[int | str, float]:
    """Return a lesson's minutes by section (0: before the first), from what there is to do in it.

    `PACE` was set by what readers of 03, 05, 07 and 11 needed. Folded hints and solutions and the
    references aren't counted.
    """
    found: dict[int | str, float] = {0: 0.0}
    section: int | str = 0
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            for head in re.findall(r"^## (.*)", text, re.MULTILINE):
                number = re.match(r"(\d+)\. ", head)
                section = int(number[1]) if number else head
            if section == "References":
                continue
            text = re.sub(r"<details>.*?</details>|\[<kbd>[^\n]*", "", text, flags=re.DOTALL)
            minutes = len(re.findall(r"\w[\w’'-]*", text)) / WORDS_A_MINUTE
        elif "google.colab" in text:  # the first cell, which only Colab needs
            continue
        else:
            lines = sum(1 for line in text.splitlines() if line.strip())
            minutes = lines / LINES_A_MINUTE + sum(
                each * len(re.findall(pattern, text)) for pattern, each in PACE.items()
            )
        found[section] = found.get(section, 0.0) + minutes
    return found


def waiting(path: Path) -> set[int]:
    """Return the sections that a lesson's first cell says can wait."""
    first = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
    told = re.search(r"[Ss]ections? ([^.;:]*?can wait)", first)
    return {int(number) for number in re.findall(r"\d+", told[1])} if told else set()


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


def hub_table(minutes: list[Minutes]) -> str:
    """Return the Markdown table of what a class of 30 that trains asks of a server's cores."""
    heads = ["lesson", "its page alone", f"{STUDENTS} × {CORES} × that"]
    heads += [f"all at once, {cores} cores" for cores in SERVERS]
    heads += ["spread over", "cores busy"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for one in minutes:
        if one.lesson in TRAIN and one.seconds:
            work = STUDENTS * CORES * one.seconds
            cells = [one.lesson, f"{one.seconds} s", f"{work} s"]
            cells += [f"{work / cores / 60:.0f} min" for cores in SERVERS]
            cells += [f"{one.full} min", f"{work / (one.full * 60):.1f}"]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


TABLES = {FORMATS: table, HUB: hub_table}
PAGES = (README, *TABLES)


def renewed(page: Path) -> str:
    """Return the page's text with its table as it should be.

    Raises:
        ValueError: the page hasn't both markers; in README a lesson's row isn't there.
    """
    text = page.read_text(encoding="utf-8")
    if page == README:
        return with_minutes(text)
    if BEGIN not in text or END not in text:
        raise ValueError(f"{page}: the table's place isn't marked; add {BEGIN} and {END}")
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n\n{TABLES[page](every())}\n\n{END}{rest.split(END)[1]}"


def with_minutes(text: str) -> str:
    """Return README with the minutes in its table of lessons as they should be."""
    for one in every():
        row = re.compile(rf"^(\| {one.lesson} \| \[.* \|) \d+ (\| [^|]* \|)$", re.MULTILINE)
        if not row.search(text):
            raise ValueError(f"{README}: there is no row '| {one.lesson} | … | minutes |'; add it")
        text = row.sub(rf"\1 {one.full} \2", text)
    return text


def main() -> int:
    try:
        for page in PAGES:
            page.write_text(renewed(page), encoding="utf-8", newline="\n")
            print(page)
    except (OSError, ValueError) as error:
        print(f"lesson_minutes.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
