"""The rule that says which of a lesson's cells are slides, which are spoken, which are left out.

It goes by a cell's kind and by how much room is left on the slide, so that every lesson follows it
and nobody sets the metadata by hand (``slideshow.slide_type``, which JupyterLab and nbconvert
know):

- ``slide``: a Markdown cell with a ``#`` or ``##`` heading, the lesson's title and its sections;
- ``subslide``, below it: a ``###`` heading, an exercise's task, and whatever would overflow the
  slide, pictures mostly;
- ``notes``, which the speaker alone sees: hints, solutions, and prose of more than `SPOKEN` words;
- ``skip``: installing, imports, checks, widgets (a page has no kernel), and code of more than
  `LONG` lines that prints and draws nothing;
- none: all else goes on on the slide before.

Code of more than `LONG` lines, or that leaves its own output no room, is there by its output alone.
"""

from __future__ import annotations

import base64
import math
import re
import struct

from nbformat import NotebookNode

ROOM = 20  # lines on a slide
WIDTH = 104  # characters in one
PIXELS = 32  # the height of a line; a slide is 1280 x 720
PICTURE_WIDTH, PICTURE_HEIGHT = 1180, 560  # what a figure may take of a slide
CODE = 0.72  # a line of code, in lines of text
SPOKEN = 45  # words
LONG = 16  # lines of code
FENCE = re.compile(r"^```", re.MULTILINE)
SECTION = re.compile(r"^##? .", re.MULTILINE)


def mark(notebook: NotebookNode) -> None:
    """Set each cell's slide type by the rule, whatever it was before; nothing else is changed."""
    for cell, kind in zip(notebook.cells, slide_types(notebook), strict=True):
        if kind is None:
            cell.metadata.pop("slideshow", None)
        else:
            cell.metadata["slideshow"] = NotebookNode(slide_type=kind)


def marked(notebook: NotebookNode) -> bool:
    """Return whether any cell has a slide type, by the rule or by somebody's own choice."""
    return any(cell.metadata.get("slideshow") for cell in notebook.cells)


def slide_types(notebook: NotebookNode) -> list[str | None]:
    """Return each cell's slide type: slide, subslide, notes, skip, or None where it goes on."""
    kinds: list[str | None] = []
    used = 0.0
    for index, cell in enumerate(notebook.cells):
        after_stub = index > 0 and "exercise" in _tags(notebook.cells[index - 1])
        kind = _kind(cell, after_stub)
        if kind == "fits":
            kind = None if used + height(cell) <= ROOM else "subslide"
        kinds.append(kind)
        if kind in ("slide", "subslide"):
            used = min(height(cell), ROOM)
        elif kind is None:
            used += height(cell)
    return kinds


def _kind(cell: NotebookNode, after_stub: bool) -> str | None:
    """Return the cell's type, with "fits" where the room on the slide decides."""
    if cell.cell_type == "markdown":
        if has_section(cell.source):
            return "slide"
        if "solution" in _tags(cell) or cell.source.startswith("<details>"):
            return "notes"
        if cell.source.startswith("### "):
            return "subslide"
        return "notes" if len(cell.source.split()) > SPOKEN else "fits"
    if cell.cell_type != "code":
        return "skip"
    if "exercise" in _tags(cell):
        return None  # the stub stays with its task
    if after_stub or "google.colab" in cell.source or _is_widget(cell):
        return "skip"
    if not cell.outputs and (_begins_with_import(cell.source) or _is_long(cell)):
        return "skip"
    return "fits"


def has_section(source: str) -> bool:
    """Return whether a ``#`` or ``##`` heading stands in Markdown, code blocks left out."""
    return any(SECTION.search(part) for part in FENCE.split(source)[::2])


def shows_code(cell: NotebookNode) -> bool:
    """Return whether a slide has the cell's code on it, not its output alone."""
    if not cell.get("outputs"):
        return True
    return not _is_long(cell) and _code_height(cell) + _output_height(cell) <= ROOM


def height(cell: NotebookNode) -> float:
    """Return about how many lines of a slide a cell takes."""
    if cell.cell_type == "markdown":
        return sum(block_height(block) for block in blocks(cell.source))
    return (_code_height(cell) if shows_code(cell) else 0.0) + _output_height(cell)


def _code_height(cell: NotebookNode) -> float:
    return CODE * _lines(cell.source) + 0.5


def _output_height(cell: NotebookNode) -> float:
    lines = 0.0
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if "image/png" in data:
            lines += _picture_height(data["image/png"]) / PIXELS + 0.5
        else:
            lines += CODE * _lines(output.get("text") or data.get("text/plain", "")) + 0.5
    return lines


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


def block_height(block: str) -> float:
    """Return about how many lines of a slide one of `blocks` takes, the gap below it included."""
    if block.startswith("#"):
        return 2.2
    if block.startswith("<details"):
        return 1.3
    if block.startswith("```"):
        return CODE * _lines(block) + 0.5
    if block.startswith("$$"):
        return 2.5
    seen = re.sub(r"\]\([^)]*\)|</?\w[^>]*>", "", block)  # without addresses and tags
    rows = seen.splitlines() if is_rows(block) else [seen]
    return sum(math.ceil(len(row) / WIDTH) for row in rows) + 0.6


def is_rows(block: str) -> bool:
    """Return whether one of `blocks` is a list or a table."""
    return re.match(r"([-*|]|\d+\.) ?", block) is not None


def _picture_height(png: str) -> float:
    """Return how many pixels of a slide a PNG takes: never enlarged, made smaller where it must."""
    try:
        width, height = struct.unpack(">II", base64.b64decode(png[:64])[16:24])
    except (ValueError, struct.error):
        return PICTURE_HEIGHT
    scale = min(1.0, PICTURE_WIDTH / max(width, 1), PICTURE_HEIGHT / max(height, 1))
    return height * scale


def _lines(text: str) -> int:
    return len(text.strip("\n").splitlines())


def _is_long(cell: NotebookNode) -> bool:
    return _lines(cell.source) > LONG


def _is_widget(cell: NotebookNode) -> bool:
    """Return whether a cell shows a widget: its view, or the text that a saved lesson keeps."""
    shown = [output.get("data", {}) for output in cell.outputs]
    return any(
        "application/vnd.jupyter.widget-view+json" in data
        or re.match(r"[A-Z]\w*\(.*\b(children|value)=", data.get("text/plain", ""))
        for data in shown
        if "image/png" not in data
    )


def _begins_with_import(source: str) -> bool:
    return re.match(r"(import|from) \w", source.lstrip()) is not None


def _tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])
