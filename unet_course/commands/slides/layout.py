"""From a lesson's cells to what stands on its slides and in the speaker's notes.

The cells' slide types are taken as they are. What a slide's cell holds is divided, shortened, given
a title; what belongs together is put together.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from unet_course.commands.slides import cell_types, space

AGAIN = "again"  # the tag of a title that is repeated, which deck.css makes small
LEADS = re.compile(r":$|^[^.]*\b([Bb]elow|[Hh]ere (is|are)|[Nn]ext)\b")
GUIDE = Path("docs") / "instructors"
ITEM = re.compile(r"^- .+\n?(?:  .+\n?)*", re.MULTILINE)


def kind(cell: NotebookNode) -> str | None:
    """Return a cell's slide type; None: it goes on on the slide before."""
    return cell.metadata.get("slideshow", {}).get("slide_type")


def laid_out(notebook: NotebookNode, guide: str = "") -> list[NotebookNode]:
    """Return the cells of the slides and notes that a marked lesson makes, in order.

    Each slide has a heading: its own, or its section's once more. ``guide`` is what an instructor
    should know about the lesson (`guide_to`): it is spoken at the title, and what it says about one
    section at that section's heading.
    """
    cells: list[NotebookNode] = []
    held: list[NotebookNode] = []  # spoken behind an exercise, about the slide to come
    section = title = ""
    exercise = False
    for cell in notebook.cells:
        for piece in _pieces(cell):
            if kind(piece) == "skip":
                continue
            if kind(piece) == "notes":
                about_next = exercise and not _is_folded(cell)
                (held if about_next else cells).append(piece)
                continue
            level, own = _heading(piece)
            if exercise and not cell_types.is_exercise(cell):
                exercise, title = False, section
            if level:
                title, section = own, own if level < 3 else section
                cells += held
                held = []
            elif kind(piece) in ("slide", "subslide"):
                lead = _taken_along(cells, piece)
                if title:
                    cells.append(_markdown(f"## {title}", kind(piece), AGAIN))
                    piece.metadata.pop("slideshow")
                cells += lead
            cells.append(piece)
            if level in (1, 2):
                cells += _guided(guide, own, level)
            if not level:
                cells += held
                held = []
            exercise = exercise or cell_types.is_exercise(cell)
    return cells + held


def guide_to(lesson: Path) -> str:
    """Return a lesson's part of the instructors' guide, where a clone has it; else nothing."""
    number = lesson.name[:2]
    for page in sorted((lesson.resolve().parent.parent / GUIDE).glob("lessons_*.md")):
        for part in re.split(r"(?m)^## ", page.read_text(encoding="utf-8"))[1:]:
            name, _, text = part.partition("\n")
            if name.startswith(f"{number} "):
                return text.strip()
    return ""


def _guided(guide: str, heading: str, level: int) -> list[NotebookNode]:
    """Return as notes what the guide says at a heading."""
    if level == 1:
        said = guide
    else:
        number = re.match(r"(\d+)\. ", heading)
        here = re.compile(rf"\bsection {number[1]}\b", re.IGNORECASE) if number else None
        items = [item for item in ITEM.findall(guide) if not re.search(r"lesson \d", item)]
        said = "".join(item for item in items if here and here.search(item))
    return [_markdown(said, "notes")] if said else []


# --- Markdown --------------------------------------------------------------------------------------


def _pieces(cell: NotebookNode) -> list[NotebookNode]:
    """Return a cell as what it puts on slides and into notes."""
    if cell.cell_type == "code":
        return [_code(cell)]
    if cell.cell_type != "markdown":
        return [cell]
    if kind(cell) == "notes":  # folded hints and solutions are open for the speaker
        return [_markdown(cell.source.replace("<details>", "<details open>"), "notes")]
    if kind(cell) not in ("slide", "subslide"):
        return [cell]
    parts = space.parts(cell.source)
    begin = next((n for n, part in enumerate(parts) if part.heading), 0)
    pieces = []
    if begin:  # what stands above the first heading is still about the slide before
        before = "\n\n".join(block for p in parts[:begin] for block in (*p.shown, *p.spoken))
        spoken = len(before.split()) > space.SPOKEN
        pieces.append(_markdown(before, "notes" if spoken else None))
    for number, part in enumerate(parts[begin:]):
        by_level = "slide" if part.heading in (1, 2) else "subslide"
        pieces.append(_markdown("\n\n".join(part.shown), by_level if number else kind(cell)))
        if part.spoken:
            pieces.append(_markdown("\n\n".join(part.spoken), "notes"))
    return pieces


def _markdown(source: str, slide_type: str | None, tag: str | None = None) -> NotebookNode:
    cell = new_markdown_cell(source)
    if slide_type:
        cell.metadata["slideshow"] = NotebookNode(slide_type=slide_type)
    if tag:
        cell.metadata["tags"] = [tag]
    return cell


def _heading(cell: NotebookNode) -> tuple[int, str]:
    """Return the level and the words of the heading that a cell begins with; 0: it has none."""
    found = space.HEADING.match(cell.source) if cell.cell_type == "markdown" else None
    return (len(found[1]), found[2].strip()) if found else (0, "")


def _is_folded(cell: NotebookNode) -> bool:
    return cell.source.startswith("<details")


def _taken_along(cells: list[NotebookNode], piece: NotebookNode) -> list[NotebookNode]:
    """Take off the slide before the short paragraph that leads to a code cell's slide, if it fits.

    Under a heading that is the last of several; a paragraph by itself has to say so (`LEADS`), for
    it may as well be about what stands above it.
    """
    last = cells[-1] if cells else None
    if piece.cell_type != "code" or last is None or last.cell_type != "markdown":
        return []
    *before, block = space.blocks(last.source)
    alone = not before and kind(last) is None and LEADS.search(block)
    if kind(last) == "notes" or not (alone or (before and not space.heading(before[-1]))):
        return []
    needed = cell_types.AGAIN + space.block_height(block) + space.height(piece)
    if not space.is_prose(block) or len(block.split()) > space.SPOKEN or needed > space.ROOM:
        return []
    if before:
        last.source = "\n\n".join(before)
    else:
        cells.pop()
    return [_markdown(block, None)]


# --- code ------------------------------------------------------------------------------------------


def _code(cell: NotebookNode) -> NotebookNode:
    """Return a code cell as a slide shows it: a widget by its name, long code folded."""
    if cell_types.is_widget(cell) and kind(cell) != "skip":
        name = re.search(r"widgets\.(\w+)", cell.source)
        called = f", `{name[1]}`" if name else ""
        text = f"▸ *In Jupyter a widget to try out stands here{called}.*"
        return _markdown(text, kind(cell))
    new = NotebookNode(cell, metadata=NotebookNode(cell.metadata))
    new.metadata["folded"] = not space.shows_code(cell)
    new.source = without_alt(cell.source)
    return new


def without_alt(source: str) -> str:
    """Return code with each figure's alt text shortened to an ellipsis: the picture is there.

    >>> without_alt('plotting.show(fig, alt="A dot, " "all alone.")')
    'plotting.show(fig, alt="…")'
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:  # a line that only IPython understands
        return source
    lines = source.encode().splitlines(keepends=True)  # ast counts in bytes
    starts = [sum(map(len, lines[:n])) for n in range(len(lines))]
    text = source.encode()
    values = [
        word.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "plotting.show"
        for word in node.keywords
        if word.arg == "alt"
    ]
    for value in sorted(values, key=lambda v: -v.lineno):  # from below, so that places hold
        begin = starts[value.lineno - 1] + value.col_offset
        end = starts[value.end_lineno - 1] + value.end_col_offset
        text = text[:begin] + '"…"'.encode() + text[end:]
    return text.decode()
