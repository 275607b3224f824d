"""How much of a slide a cell takes, and how a Markdown cell is divided among slides.

These are estimates, in lines of a slide's text: good enough to say what begins a new slide. What
they get wrong the page itself mends when it is shown (``deck/deck.js``).
"""

from __future__ import annotations

import base64
import math
import re
import struct
from dataclasses import dataclass, field

from nbformat import NotebookNode

ROOM = 21  # lines on a slide
WIDTH = 104  # characters in one
PIXELS = 32  # the height of a line; a slide is 1280 x 720
PICTURE_WIDTH, PICTURE_HEIGHT = 1216, 600  # what a figure alone may take of a slide
ENLARGED = 2  # times at most, so that a small figure doesn't become a blur
SHRUNK = 0.65  # a figure beside text may be made as small as this, of what it could be alone
BESIDE_CODE = 0.85  # and beside code: the picture matters more
CODE = 0.82  # a line of code, in lines of text
FOLDED = 1.1  # the line that stands for folded code
SPOKEN = 45  # words
LONG = 15  # lines of code
FENCE = re.compile(r"^```", re.MULTILINE)
HEADING = re.compile(r"^(#{1,3}) +(.+)", re.MULTILINE)
GOALS = "**You will be able to**"


@dataclass
class Part:
    """What a Markdown cell gives to a slide: its blocks, and those that are the speaker's."""

    heading: int = 0  # 1 to 3; 0: it has none of its own
    shown: list[str] = field(default_factory=list)
    spoken: list[str] = field(default_factory=list)

    @property
    def height(self) -> float:
        return sum(map(block_height, self.shown))


def parts(source: str) -> list[Part]:
    """Return a Markdown cell's parts: each but the first begins a slide, and so do headings.

    Prose that finds no room is spoken. A list, a table or code is what the audience came for: it
    goes on a further slide, with the line that announces it. A lesson's goals have their own.
    """
    found: list[Part] = []
    for block in blocks(source):
        level = heading(block)
        if level or not found or block.startswith(GOALS):
            found.append(Part(level))
        part = found[-1]
        if is_prose(block) and part.spoken:
            part.spoken.append(block)  # what follows from words that aren't there isn't either
        elif part.height + block_height(block) <= ROOM or all(map(heading, part.shown)):
            part.shown.append(block)
        elif is_prose(block):
            part.spoken.append(block)
        else:
            announced = len(part.shown) > 1 and part.shown[-1].endswith((":", "**"))
            found.append(Part(0, [part.shown.pop()] if announced else []))
            found[-1].shown.append(block)
    return found


def heading(source: str) -> int:
    """Return the level of the highest heading, 1 to 3, in Markdown, code left out; 0: none."""
    outside = FENCE.split(source)[::2]
    return min((len(h[1]) for text in outside for h in HEADING.finditer(text)), default=0)


def blocks(source: str) -> list[str]:
    """Return Markdown's paragraphs, lists, tables, formulas, code and folded blocks, in order."""
    found: list[str] = []
    inside = False
    for part in re.split(r"\n[ \t]*\n", source.strip()):
        if inside:
            found[-1] += f"\n\n{part}"
        else:
            found.append(part)
        whole = found[-1]
        inside = whole.count("<details>") > whole.count("</details>")
        inside = inside or len(FENCE.findall(whole)) % 2 == 1
    return found


def is_prose(block: str) -> bool:
    """Return whether one of `blocks` is a paragraph of text, which can be spoken."""
    return not (is_rows(block) or heading(block) or block.startswith(("```", "$$", "<details")))


def is_rows(block: str) -> bool:
    """Return whether one of `blocks` is a list or a table."""
    return re.match(r"([-*|] |\||\d+\. )", block) is not None


def block_height(block: str) -> float:
    """Return about how many lines of a slide one of `blocks` takes, the gap below it included."""
    if block.startswith("#"):
        return 2.0
    if block.startswith("<details"):
        return 1.3
    if block.startswith("```"):
        return CODE * _lines(block) + 0.5
    if block.startswith("$$"):
        return 2.5
    seen = re.sub(r"\]\([^)]*\)|</?\w[^>]*>", "", block)  # without addresses and tags
    rows = seen.splitlines() if is_rows(block) else [seen]
    if block.startswith("|"):  # smaller type; the second row is the line below the head
        return sum(math.ceil(len(row) / WIDTH * CODE) for row in rows) - 0.4
    return sum(math.ceil(len(row) / WIDTH) for row in rows) + 0.6


# --- code ----------------------------------------------------------------------------------------


def height(cell: NotebookNode) -> float:
    """Return about how many lines of a slide a cell needs at the least."""
    if cell.cell_type == "markdown":
        return sum(map(block_height, blocks(cell.source)))
    code = _code_height(cell) if shows_code(cell) else FOLDED
    return code + _output_height(cell, SHRUNK)


def shows_code(cell: NotebookNode) -> bool:
    """Return whether a slide has the cell's code open on it, not folded above its output."""
    if not cell.get("outputs"):
        return True
    return not is_long(cell) and _code_height(cell) + _output_height(cell, BESIDE_CODE) <= ROOM


def is_long(cell: NotebookNode) -> bool:
    """Return whether a cell has more code than a slide should show."""
    return _lines(cell.source) > LONG


def has_picture(cell: NotebookNode) -> bool:
    """Return whether a cell shows a figure."""
    return any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))


def _code_height(cell: NotebookNode) -> float:
    return CODE * _lines(cell.source) + 0.8


def _output_height(cell: NotebookNode, share: float) -> float:
    lines = 0.0
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if "image/png" in data:
            lines += share * _picture_height(data["image/png"]) / PIXELS + 0.4
        else:
            lines += CODE * _lines(output.get("text") or data.get("text/plain", "")) + 0.4
    return lines


def _picture_height(png: str) -> float:
    """Return how many pixels of a slide's height a PNG takes, as large as it can be shown."""
    try:
        width, height = struct.unpack(">II", base64.b64decode(png[:64])[16:24])
    except (ValueError, struct.error):
        return PICTURE_HEIGHT
    scale = min(ENLARGED, PICTURE_WIDTH / max(width, 1), PICTURE_HEIGHT / max(height, 1))
    return height * scale


def _lines(text: str) -> int:
    return len(text.strip("\n").splitlines())
