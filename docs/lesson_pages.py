"""What a page of the site shows of a lesson, without a change to the notebook.

Lessons are copied beside the other pages, where Sphinx finds them and where links between them hold.
The figures get the alt text that `plotting.show` saved with them, a widget's place says what stands
there in Jupyter, and a term printed in bold links to the glossary.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from docutils import nodes
from sphinx.util.nodes import make_refnode

FOLDER = "notebooks"
WIDGET = re.compile(r"\w*Box\(children=")
STAND_IN = (
    "<p class='widget-place'>Here stands a browser that is moved with the mouse or the keyboard, "
    "while the notebook runs in Jupyter, on Colab or on Binder (the rocket above).</p>"
)


# --- before Sphinx reads -------------------------------------------------------------------------


def copy_lessons(source: Path, target: Path) -> list[Path]:
    """Copy ``NN_name.ipynb`` from one folder to another, and return the copies in order.

    A copy that wouldn't change is left alone, so that Sphinx doesn't build it again; one whose
    lesson is gone is removed.
    """
    target.mkdir(exist_ok=True)
    copies = []
    for path in sorted(source.glob("[0-9][0-9]_*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        _prepare(notebook)
        _write(target / path.name, json.dumps(notebook, ensure_ascii=False).encode("utf-8"))
        copies.append(target / path.name)
    for old in set(target.glob("*.ipynb")) - set(copies):
        old.unlink()
    return copies


def _prepare(notebook: dict) -> None:
    # lines that begin with % are no Python
    notebook["metadata"].setdefault("language_info", {})["pygments_lexer"] = "ipython3"
    for output in _outputs(notebook):
        data = output.get("data", {})
        if WIDGET.match("".join(data.get("text/plain", ""))):
            output["data"] = {"text/html": STAND_IN}


def _write(path: Path, content: bytes) -> None:
    if not path.is_file() or path.read_bytes() != content:
        path.write_bytes(content)


def _outputs(notebook: dict) -> list[dict]:
    return [output for cell in notebook["cells"] for output in cell.get("outputs", [])]


def _alt_texts(notebook: dict) -> list[str]:
    """Return what the notebook's figures show, in order."""
    return [
        output.get("metadata", {}).get("image/png", {}).get("alt", "")
        for output in _outputs(notebook)
        if "image/png" in output.get("data", {})
    ]


def link(lesson: Path) -> str:
    """Return Markdown that links to a lesson's page by its number."""
    return f"[lesson\N{NO-BREAK SPACE}{lesson.name[:2]}]({FOLDER}/{lesson.name})"


def menu(docs: Path, caption: str, folders: tuple[str, ...]) -> str:
    """Return a part of the menu with the folders' pages, index or README first; none, if none."""
    pages = [page.relative_to(docs) for name in folders for page in (docs / name).glob("*.md")]
    pages.sort(key=lambda p: (folders.index(p.parts[0]), p.stem not in ("index", "README"), p))
    if not pages:
        return ""
    entries = "\n".join(page.with_suffix("").as_posix() for page in pages)
    return f"```{{toctree}}\n:caption: {caption}\n:hidden:\n\n{entries}\n```"


# --- after it has read ---------------------------------------------------------------------------


def describe_figures(app, doctree) -> None:
    """Give the figures of a lesson's cells the alt text that is saved with them."""
    docname = app.env.docname
    if not docname.startswith(f"{FOLDER}/"):
        return
    path = Path(app.env.doc2path(docname))
    alts = _alt_texts(json.loads(path.read_text(encoding="utf-8")))
    images = [
        image
        for cell in doctree.findall(nodes.container)
        if "cell_output" in cell["classes"]
        for image in cell.findall(nodes.image)
    ]
    if len(images) != len(alts):
        raise ValueError(f"{path.name}: {len(alts)} figures are saved, {len(images)} are shown")
    for image, alt in zip(images, alts, strict=True):
        image["alt"] = alt


def link_terms(app, doctree, docname: str) -> None:
    """Make a lesson's bold words links where they are terms of the glossary."""
    if not docname.startswith(f"{FOLDER}/"):
        return
    terms = {
        name.lower(): (page, anchor)
        for name, _, kind, page, anchor, _ in app.env.domains["std"].get_objects()
        if kind == "term"
    }
    for strong in list(doctree.findall(nodes.strong)):
        place = terms.get(strong.astext().strip(" .:").lower())
        if place and not isinstance(strong.parent, nodes.reference):
            page, anchor = place
            reference = make_refnode(app.builder, docname, page, anchor, strong.deepcopy())
            reference["classes"].append("term")
            strong.replace_self(reference)


def setup(app) -> dict:
    app.connect("doctree-read", describe_figures)
    app.connect("doctree-resolved", link_terms)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
