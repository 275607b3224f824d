"""The lessons' pages on the site, made without changing the notebooks.

Lessons are copied next to the other pages, so that Sphinx finds them, and links to other files of the
repository are adapted. Figures get the alt text that `plotting.show` saved with them, a widget is
replaced by a note, and a term in bold links to the glossary.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from docutils import nodes
from sphinx.util.nodes import make_refnode

FOLDER = "notebooks"
WIDGET = re.compile(r"\w*Box\(children=")
# what a lesson links to in the repository, and where that is on the site
MOVED = {"](../docs/": "](../", "](../benchmarks/README.md": "](../benchmarks.md"}
STAND_IN = (
    "<p class='widget-place'>In Jupyter, on Colab and on Binder (the rocket above) there is a widget "
    "here, to be used with the mouse or the keyboard.</p>"
)


# --- before Sphinx reads -------------------------------------------------------------------------


def copy_lessons(source: Path, target: Path) -> list[Path]:
    """Copy `NN_name.ipynb` from one folder to another, and return the copies in order.

    A copy that wouldn't change isn't written, so that Sphinx doesn't build it again; a copy of a
    removed lesson is deleted.
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
    # lines that begin with % aren't Python
    notebook["metadata"].setdefault("language_info", {})["pygments_lexer"] = "ipython3"
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            source = "".join(cell["source"])
            for old, new in MOVED.items():
                source = source.replace(old, new)
            cell["source"] = source
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
    """Return the alt texts of the notebook's figures, in order."""
    return [
        output.get("metadata", {}).get("image/png", {}).get("alt", "")
        for output in _outputs(notebook)
        if "image/png" in output.get("data", {})
    ]


def link(lesson: Path) -> str:
    """Return Markdown that links to a lesson's page by its number."""
    return f"[lesson\N{NO-BREAK SPACE}{lesson.name[:2]}]({FOLDER}/{lesson.name})"


def menu(docs: Path, caption: str, folders: tuple[str, ...]) -> str:
    """Return a part of the menu with the folders' pages, index or README first; "" without pages."""
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
    """Turn bold words of a lesson into links if they are terms of the glossary."""
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
