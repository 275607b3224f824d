"""The rule that says which of a lesson's cells are slides, which are spoken, which are left out.

It goes by a cell's kind and by how much room is left on the slide (`slide_room`), so that every
lesson follows it and nobody sets the metadata by hand (``slideshow.slide_type``, which JupyterLab
and nbconvert know):

- ``slide``: a Markdown cell with a ``#`` or ``##`` heading, the lesson's title and its sections;
- ``subslide``, below it: one with a ``###`` heading, an exercise's task, and whatever would
  overflow the slide, pictures mostly;
- ``notes``, which the speaker alone sees: hints, solutions, and prose of more than `SPOKEN` words;
- ``skip``: installing, imports, checks, switches for viewers, and code of more than `LONG` lines
  that prints and draws nothing;
- none: all else goes on on the slide before.

What the slides then show of a cell (its code folded, its section's title repeated) is `slide_cells`.
"""

from __future__ import annotations

import re

from nbformat import NotebookNode

from unet_course.commands.slides import space
from unet_course.commands.slides.space import ROOM, SPOKEN

AGAIN = 1.5  # lines for the title that is repeated on a slide without its own
STAND_IN = 1.6  # lines for what stands in a widget's place


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
        after_stub = index > 0 and is_exercise(notebook.cells[index - 1])
        kind = _kind(cell, after_stub)
        if kind == "fits":
            kind = None if used + _height(cell) <= ROOM else "subslide"
        kinds.append(kind)
        if kind in ("slide", "subslide"):
            has_own = cell.cell_type == "markdown" and space.heading(cell.source)
            used = _height(cell) + (0 if has_own else AGAIN)
        elif kind is None:
            used += _height(cell)
        if after_stub:
            used = ROOM  # an exercise's slide is its own
    return kinds


def _height(cell: NotebookNode) -> float:
    if is_widget(cell):
        return STAND_IN
    if cell.cell_type == "markdown":
        return space.parts(cell.source)[-1].height  # of what is on the last of its slides
    return space.height(cell)


def _kind(cell: NotebookNode, after_stub: bool) -> str | None:
    """Return the cell's type, with "fits" where the room on the slide decides."""
    if cell.cell_type == "markdown":
        level = space.heading(cell.source)
        if level in (1, 2):
            return "slide"
        if "solution" in _tags(cell) or cell.source.startswith("<details>"):
            return "notes"
        if level:
            return "subslide"
        return "notes" if len(cell.source.split()) > SPOKEN else "fits"
    if cell.cell_type != "code":
        return "skip"
    if is_exercise(cell):
        return None  # the stub stays with its task
    if after_stub or "google.colab" in cell.source:
        return "skip"
    bare = _begins_with_import(cell.source) or "widgets." in cell.source or space.is_long(cell)
    return "skip" if not cell.outputs and bare else "fits"


def is_exercise(cell: NotebookNode) -> bool:
    """Return whether a cell is an exercise's stub."""
    return "exercise" in _tags(cell)


def is_widget(cell: NotebookNode) -> bool:
    """Return whether a cell shows a widget: its view, or the text that a saved lesson keeps."""
    shown = [output.get("data", {}) for output in cell.get("outputs", [])]
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
