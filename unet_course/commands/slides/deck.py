"""A lesson as slides: one HTML page that a browser shows with no network at all.

nbconvert makes the sections from the cells' slide types (`slide_types`). Its own page loads
reveal.js, MathJax and more from elsewhere; this one carries reveal.js, as the package
``sphinx-revealjs`` brings it, and turns formulas into MathML, which browsers draw by themselves.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from unet_course import runtime
from unet_course.commands import export_lesson, run_lesson
from unet_course.commands.slides import cell_types, layout

DECK = runtime.PACKAGE / "deck"
NEEDED = 'slides need two more packages: pip install "unet-course[slides]"'


def to_slides(lesson: Path) -> str:
    """Return a lesson's slides as one HTML page, made from its saved outputs.

    A lesson without slide types gets them by the rule; those that it has are taken as they are. A
    Markdown cell that holds more than a slide is divided: each heading begins a new slide, and of
    a slide's prose what doesn't fit becomes the speaker's notes (`slide_cells`). What the
    instructors' guide says of the lesson is there too, where the lesson lies in a clone.

    Raises:
        ModuleNotFoundError: ``sphinx-revealjs`` or ``latex2mathml`` isn't installed.
        ValueError: it isn't a notebook, a formula can't be read, or no cell is for the audience.
    """
    styles, scripts = _reveal()
    if importlib.util.find_spec("latex2mathml") is None:
        raise ModuleNotFoundError(NEEDED, name="latex2mathml")
    notebook = export_lesson.read(lesson)
    if not cell_types.marked(notebook):
        cell_types.mark(notebook)
    name = _title(notebook, lesson.stem)
    notebook.cells = layout.laid_out(notebook, layout.guide_to(lesson))
    if all(layout.kind(cell) == "notes" for cell in notebook.cells):
        raise ValueError(f"{lesson.name}: each of its cells is 'notes' or 'skip': no slide is left")
    own = {"styles": _text(DECK / "deck.css"), "scripts": _text(DECK / "deck.js")}
    resources = {
        "metadata": {"name": name},
        "deck": {"styles": [*styles, own["styles"]], "scripts": [*scripts, own["scripts"]]},
    }
    page, _ = _exporter().from_notebook_node(notebook, resources=resources)
    return page


def mark_file(lesson: Path) -> bool:
    """Set the slide types of a lesson's file by the rule; return whether that changed anything.

    Nothing but that metadata changes, not a byte.

    Raises:
        ValueError: the file isn't laid out as nbformat writes it, so more than that would change.
    """
    text = lesson.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    if nbformat.writes(notebook).rstrip("\n") + "\n" != text:
        raise ValueError(
            f"{lesson}: is laid out otherwise than nbformat writes it, so that more than its slide "
            "types would change. Save it first: unet-course run LESSON --save"
        )
    cell_types.mark(notebook)
    if nbformat.writes(notebook).rstrip("\n") + "\n" == text:
        return False
    run_lesson.write(notebook, lesson)
    return True


def _title(notebook: NotebookNode, otherwise: str) -> str:
    found = re.search(r"^# (.+)", notebook.cells[0].source, re.MULTILINE)
    return found[1].strip() if found else otherwise


# --- the page ------------------------------------------------------------------------------------


def _reveal() -> tuple[list[str], list[str]]:
    """Return reveal.js' styles and scripts as they may stand inside a page."""
    package = importlib.util.find_spec("sphinx_revealjs")  # looked up, not imported
    if package is None:
        raise ModuleNotFoundError(NEEDED, name="sphinx_revealjs")
    root = Path(package.submodule_search_locations[0]) / "_static" / "revealjs"
    styles = [_text(root / "dist" / name) for name in ("reset.css", "reveal.css")]
    scripts = [_text(root / name) for name in ("dist/reveal.js", "plugin/notes/notes.js")]
    # in a string, which is where they stand, "<\/script" is the same and ends no element
    scripts = [re.sub(r"<(/script|!--)", r"<\\\1", script) for script in scripts]
    return styles, [re.sub(r"(?m)^//# sourceMappingURL=.*$", "", script) for script in scripts]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _exporter():
    from jinja2 import pass_context
    from nbconvert import SlidesExporter
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    class MathML(IPythonRenderer):
        def block_math(self, body: str) -> str:
            return mathml(body, "block")

        def inline_math(self, body: str) -> str:
            return mathml(body, "inline")

    class Deck(SlidesExporter):
        @pass_context
        def markdown2html(self, context, source: str) -> str:
            renderer = MathML(escape=False, exclude_anchor_links=True)
            return MarkdownWithMath(renderer=renderer).render(source)

    return Deck(
        template_name=DECK.name,
        extra_template_basedirs=[str(DECK.parent)],
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )


def mathml(formula: str, display: str) -> str:
    """Return a TeX formula as MathML.

    >>> mathml("p", "inline").endswith('<mi>p</mi></mrow></math>')
    True

    Raises:
        ValueError: the formula can't be read.
    """
    from latex2mathml import converter

    try:
        return converter.convert(formula.strip(), display=display)
    except Exception as error:  # its own errors have no class in common
        raise ValueError(f"the formula {formula.strip()!r} can't be turned into MathML") from error


# --- the step for maintainers --------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    """Set the slide types of the lessons that are named, or of all: CONTRIBUTING, "Slides"."""
    parser = argparse.ArgumentParser(
        prog="python -m unet_course.commands.slides.deck",
        description="Set the lessons' slide types by the rule (unet_course/commands/slides/cell_types.py).",
    )
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help="05, 5, train_2d; none: all")
    try:
        chosen = [run_lesson.find(name) for name in parser.parse_args(arguments).lessons]
        for lesson in chosen or run_lesson.list_lessons():
            print(f"{lesson.name}: {'set' if mark_file(lesson) else 'as it was'}")
    except (OSError, LookupError, ValueError) as error:
        print(f"unet_course.commands.slides.deck: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
