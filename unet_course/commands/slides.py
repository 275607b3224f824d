"""A lesson as slides: one HTML page that a browser shows with no network at all.

nbconvert makes the slides from the cells' slide types, which authors set by hand (in JupyterLab: the
property inspector, *Slide Type*). `_arrange` does the rest; fitting is the browser's (`deck/deck.js`).
nbconvert's own page loads reveal.js and MathJax from elsewhere; this one carries reveal.js, as the
package `sphinx-revealjs` brings it, and turns formulas into MathML, which browsers draw themselves.
"""

from __future__ import annotations

import functools
import importlib.util
import itertools
import re
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from unet_course import runtime
from unet_course.commands import explorer_pictures
from unet_course.commands.terminal import as_text, how_to_install

DECK = runtime.PACKAGE / "commands" / "deck"
NEEDED = f"slides need two more packages: {how_to_install('unet-course[slides]')}"
TYPES = ("slide", "subslide", "fragment", "notes", "skip", "-")
WORDS = 80  # of prose on a slide; what goes beyond is the speaker's
LONG = 16  # lines of code and print; beyond that the code is folded above its output
BLOCK = re.compile(r"(?ms)^```.*?^```|^<details>.*?^</details>|(?:^[^\n]*\S[^\n]*\n?)+")
HEADING = re.compile(r"(#{1,3}) +(.+)")
GOALS = "**You will be able to**"


def to_slides(notebook: NotebookNode, lesson: Path) -> str:
    """Return a lesson's slides as one HTML page, made from its saved outputs.

    Raises:
        ModuleNotFoundError: a package for slides isn't installed.
        ValueError: a formula can't be read, or no cell is for the audience.
    """
    styles, scripts = _reveal()
    if importlib.util.find_spec("latex2mathml") is None:
        raise ModuleNotFoundError(NEEDED, name="latex2mathml")
    title = (
        re.search(r"^# (.+)", notebook.cells[0].source, re.MULTILINE) if notebook.cells else None
    )
    explorer_pictures.in_pictures(notebook, lesson.stem)
    notebook.cells = _arrange(notebook.cells, _guide_to(lesson))
    if all(slide_type(cell) == "notes" for cell in notebook.cells):
        raise ValueError(f"{lesson.name}: each of its cells is 'notes' or 'skip': no slide is left")
    own = [(DECK / name).read_text(encoding="utf-8") for name in ("deck.css", "deck.js")]
    resources = {
        "metadata": {"name": title[1].strip() if title else lesson.stem},
        "deck": {"styles": [*styles, own[0]], "scripts": [*scripts, own[1]]},
    }
    return _exporter().from_notebook_node(notebook, resources=resources)[0]


def slide_type(cell: NotebookNode) -> str:
    """Return a cell's slide type; where it has none, one that suits its kind.

    Headings begin slides, hints and solutions are notes, imports, checks, the cells of open tasks
    and quizzes and long code that gives nothing are left out, all else goes on on the slide before
    ("-").
    """
    if (own := cell.metadata.get("slideshow", {}).get("slide_type")) in TYPES:
        return own
    if cell.cell_type != "markdown":
        bare = re.match(r"(import|from) \w", cell.source) or cell.source.count("\n") >= LONG
        own = cell.metadata.get("tags", [])
        quiet = bare and not cell.get("outputs") and "exercise" not in own
        checks = re.match(r"exercises\.(check|conclude|quiz)\(", cell.source)
        return "skip" if quiet or checks or {"open-task", "quiz"} & set(own) else "-"
    if level := _heading(cell.source)[0]:
        return "slide" if level < 3 else "subslide"
    return "notes" if cell.source.startswith("<details") else "-"


def _arrange(cells: list[NotebookNode], guide: str) -> list[NotebookNode]:
    """Return the cells that slides and notes are made of.

    Each heading begins a slide, and a slide without its own shows its section's again. What the
    instructors' guide says is spoken at the lesson's title and at the section that it names.
    """
    made: list[NotebookNode] = []
    title, busy, drawn, said = "", False, False, False  # what the slide holds: code, figure, prose
    seen = [cell for cell in cells if slide_type(cell) != "skip"]
    shown_after = [c for c in seen if slide_type(c) != "notes"]
    before_figure = {id(a) for a, b in itertools.pairwise(shown_after) if _figure(b)}

    def again() -> None:
        nonlocal busy, drawn, said
        made.append(_markdown(f"## {title}", "subslide", "again"))
        busy = drawn = said = False

    for cell in seen:
        kind = slide_type(cell)
        if kind == "notes":
            made.append(_markdown(cell.source.replace("<details>", "<details open>"), "notes"))
            continue
        if cell.cell_type == "code":
            if kind in ("slide", "subslide") or (busy and _figure(cell)):
                again()
                kind = "-"
            busy, drawn = True, drawn or _figure(cell)
            made.append(_code(cell, kind))
            continue
        parts = _parts(cell.source)
        for number, part in enumerate(parts, start=1):
            level, own = _heading(part[0])
            if level:
                title = title if own.startswith(("Exercise", "Open task")) else own
                kind = "slide" if level < 3 else "subslide"
                busy = drawn = said = False
            elif (
                kind in ("slide", "subslide")
                or part[0].startswith(GOALS)
                or (drawn and not all(map(_prose, part)))
            ):
                again()
                kind = "-"
            beside_figure = drawn or (number == len(parts) and id(cell) in before_figure)
            part, answers = _answers_apart(part)
            # a figure has the slide to itself, but for one sentence
            shown, spoken = _shared_out(part, int(not said) if beside_figure else len(part))
            if shown:
                made.append(_markdown(shown, kind))
                kind = "-"
            said = said or any(map(_prose, part))
            about = _guided(guide, own, level)
            made += [_markdown(text, "notes") for text in (spoken, about) if text]
            made += [_markdown(text, "subslide") for text in [answers] if text]
    return _without_lone_prose(made)


def _without_lone_prose(cells: list[NotebookNode]) -> list[NotebookNode]:
    """Return the cells without slides that go on and hold but a sentence: it is spoken before."""
    begins = [i for i, c in enumerate(cells) if slide_type(c) in ("slide", "subslide")]
    made = cells[: begins[0]] if begins else cells
    for start, end in itertools.pairwise([*begins, len(cells)]):
        slide = cells[start:end]
        shown = [cell for cell in slide[1:] if slide_type(cell) != "notes"]
        prose = (c.cell_type == "markdown" and not re.search("\n|^▸", c.source) for c in shown)
        if "again" in slide[0].metadata.get("tags", []) and all(prose) and made:
            slide = [_markdown(cell.source, "notes") for cell in slide[1:]]
        made += slide
    return made


def _heading(block: str) -> tuple[int, str]:
    """Return the level (1 to 3) and the words of the heading that a block is; else 0 and nothing."""
    found = HEADING.match(block)
    return (len(found[1]), found[2].strip()) if found else (0, "")


def _markdown(source: str, kind: str, *tags: str) -> NotebookNode:
    return new_markdown_cell(source, metadata={"slideshow": {"slide_type": kind}, "tags": [*tags]})


def _parts(source: str) -> list[list[str]]:
    """Return a Markdown cell's blocks; each heading, and the lesson's goals, begin a list."""
    parts: list[list[str]] = []
    for block in (found[0].strip() for found in BLOCK.finditer(source)):
        if not parts or _heading(block)[0] or block.startswith(GOALS):
            parts.append([])
        parts[-1].append(block)
    return parts


def _answers_apart(part: list[str]) -> tuple[list[str], str]:
    """Return a slide's blocks, and the slide that follows a quiz: its folded answers, numbered.

    An open task is put to the audience before its cell is run.
    """
    if part[0].startswith("### Open task"):
        return [*part, "*A question to all of you: what do you predict, and why?*"], ""
    if not re.match("#+ Quiz", part[0]):
        return part, ""
    asked, answers = [], []
    for block in part:
        answer = re.fullmatch(r"(?s)<details><summary>Answer</summary>\s*(.*?)\s*</details>", block)
        if answer:
            numbers = re.findall(r"(?m)^\*\*\d+\.\*\*", "\n".join(asked))
            answers.append(" ".join([*numbers[-1:], answer[1]]))
        else:
            asked.append(block)
    heading = f"{part[0].splitlines()[0]}: answers"
    return asked, "\n\n".join([heading, *answers]) if answers else ""


def _prose(block: str) -> bool:
    return not re.match(r"[-*|] |\||\d+\. |#|```|\$\$|<details|\*\*You", block)


def _shared_out(blocks: list[str], sentences: int) -> tuple[str, str]:
    """Return what of a slide's blocks is shown and what is spoken.

    Shown are the first sentences of the first paragraphs, as many as asked for and `WORDS` words in
    all, and whatever isn't prose; of an exercise's task and of a quiz everything.
    """
    if re.match("#+ (Exercise|Open task|Quiz)", blocks[0]):
        return "\n\n".join(blocks), ""
    shown, spoken, words = [], [], 0
    for block in blocks:
        if not _prose(block):
            shown.append(block)
            continue
        first, rest = _first_sentence(block)
        words += len(first.split())
        if sentences > 0 and (words <= WORDS or not any(map(_prose, shown))):
            shown.append(first)
            spoken += [rest] if rest else []
            sentences -= 1
        else:
            spoken.append(block)
    return "\n\n".join(shown), "\n\n".join(spoken)


def _first_sentence(paragraph: str) -> tuple[str, str]:
    """Return a paragraph's first sentence and the rest; bold text, code and formulas stay whole."""
    for end in re.finditer(r"(?<=[.!?])\*{0,2}\s+(?=[A-Z`*_\[$])", paragraph):
        first = paragraph[: end.end()].strip()
        if not any(first.count(mark) % 2 for mark in ("**", "`", "$")):
            return first, paragraph[end.end() :]
    return paragraph, ""


def _figure(cell: NotebookNode) -> bool:
    return any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))


def _code(cell: NotebookNode, kind: str) -> NotebookNode:
    """Return a code cell with `folded` in its metadata; an explorer without a picture by its name."""
    figure = _figure(cell)
    printed = "\n".join(map(as_text, cell.outputs))
    if printed == explorer_pictures.SENTENCE:
        name = re.search(r"(?:widgets|explorers)\.(\w+)\(", cell.source)
        called = f", `{name[1]}`" if name else ""
        return _markdown(f"▸ *In Jupyter a widget to try out stands here{called}.*", kind)
    lines = cell.source.count("\n") + printed.count("\n")
    folded = bool(cell.outputs) and (figure or lines >= LONG)
    about = {**cell.metadata, "slideshow": {"slide_type": kind}, "folded": folded}
    return NotebookNode(cell, metadata=NotebookNode(about))


def _guide_to(lesson: Path) -> str:
    """Return a lesson's part of the instructors' guide, where a clone has it; else nothing."""
    pages = (lesson.resolve().parent.parent / "docs" / "instructors").glob("lessons_*.md")
    texts = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    found = re.search(rf"(?ms)^## {lesson.name[:2]} [^\n]*(.*?)(?=^## |\Z)", texts)
    return found[1].strip() if found else ""


def _guided(guide: str, heading: str, level: int) -> str:
    """Return what the guide says at a heading: all of it at the lesson's title."""
    number = re.match(r"\d+", heading)
    if level != 2 or not number:
        return guide if level == 1 else ""
    here = re.compile(rf"(?i)\bsection {number[0]}\b")
    items = re.findall(r"(?m)^- .+\n?(?:  .+\n?)*", guide)
    return "".join(i for i in items if here.search(i) and not re.search(r"lesson \d", i))


def _reveal() -> tuple[list[str], list[str]]:
    """Return reveal.js' styles and scripts as they may stand inside a page."""
    package = importlib.util.find_spec("sphinx_revealjs")  # looked up, not imported
    root = Path(package.submodule_search_locations[0]) if package else DECK
    texts = []
    for name in ("dist/reset.css", "dist/reveal.css", "dist/reveal.js", "notes/notes.js"):
        file = next(root.rglob(name), None)  # wherever its version keeps it
        if file is None:
            raise ModuleNotFoundError(NEEDED, name="sphinx_revealjs")
        text = re.sub(r"(?m)^//# sourceMappingURL=.*$", "", file.read_text(encoding="utf-8"))
        # in a string, which is where they stand, "<\/script" is the same and ends no element
        texts.append(re.sub(r"<(/script|!--)", r"<\\\1", text))
    return texts[:2], texts[2:]


def _exporter():
    from nbconvert import SlidesExporter
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    class MathML(IPythonRenderer):
        block_math = staticmethod(functools.partial(mathml, display="block"))
        inline_math = staticmethod(functools.partial(mathml, display="inline"))

    def markdown2html(source: str) -> str:
        renderer = MathML(escape=False, exclude_anchor_links=True)
        return MarkdownWithMath(renderer=renderer).render(source)

    bare = {"exclude_input_prompt": True, "exclude_output_prompt": True}
    template = {"template_name": DECK.name, "extra_template_basedirs": [str(DECK.parent)]}
    return SlidesExporter(filters={"markdown2html": markdown2html}, **bare, **template)


def mathml(formula: str, display: str) -> str:
    """Return a TeX formula as MathML; a ValueError names one that can't be read."""
    from latex2mathml import converter

    known = formula.strip().replace("{aligned}", "{align*}")  # which means the same, and it knows
    try:
        return converter.convert(known, display=display)
    except Exception as error:  # its own errors have no class in common
        raise ValueError(f"the formula {formula.strip()!r} can't be turned into MathML") from error
