"""The lessons' pages on the site, made without changing the notebooks.

Lessons are copied next to the other pages, so that Sphinx finds them, and links to other files of the
repository are adapted. Figures get the alt text that `plotting.show` saved with them, a widget is
replaced by sliders over the pictures that `tools/site_sliders.py` took of it, and a term in bold links
to the glossary.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

from docutils import nodes
from sphinx.util.nodes import make_refnode

FOLDER = "notebooks"
WIDGET = re.compile(r"\w*Box\(children=")
# what a lesson links to in the repository, and where that is on the site
MOVED = {"](../docs/": "](../", "](../benchmarks/README.md": "](../benchmarks.md"}
# the demo's page isn't one of Sphinx', and on the site itself it is next door
DEMO = re.compile(r"\[([^]]+)\]\(https://[^)\s]+/demo/index\.html\)")
HERE = Path(__file__).resolve().parent
SLIDERS = json.loads((HERE / "sliders.json").read_text(encoding="utf-8"))


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
        _prepare(notebook, path.stem)
        _write(target / path.name, json.dumps(notebook, ensure_ascii=False).encode("utf-8"))
        copies.append(target / path.name)
    for old in set(target.glob("*.ipynb")) - set(copies):
        old.unlink()
    return copies


def _prepare(notebook: dict, name: str) -> None:
    # lines that begin with % aren't Python
    notebook["metadata"].setdefault("language_info", {})["pygments_lexer"] = "ipython3"
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            source = "".join(cell["source"])
            for old, new in MOVED.items():
                source = source.replace(old, new)
            cell["source"] = DEMO.sub(r'<a href="../demo/index.html">\1</a>', source)
        for output in cell.get("outputs", []):
            if WIDGET.match("".join(output.get("data", {}).get("text/plain", ""))):
                output["data"] = {"text/html": sliders(f"{name}-{cell['id']}")}


def sliders(name: str) -> str:
    """Return a widget's pictures with sliders, as HTML; `sliders.js` moves them.

    Without scripts and in print it is the picture with which the widget starts, and what it says.
    """
    known = SLIDERS[name]
    (width, height), frames = known["size"], known["frames"]
    start = known["sliders"][0]
    place = 100 * (start["first"] + start["start"]) / max(frames - 1, 1)
    said = html.escape(start["said"][start["start"]])
    rows = "".join(
        f"<label hidden>{html.escape(one['name'])} <input type='range' min='0' "
        f"max='{len(one['said']) - 1}' value='{one['start']}' data-first='{one['first']}' "
        f"data-said='{html.escape(json.dumps(one['said'], ensure_ascii=False))}'></label>"
        for one in known["sliders"]
        if frames > 1  # else a single picture, of a widget to be drawn on
    )
    return (
        f"<figure class='slider-pictures' data-frames='{frames}'>"
        f"<div>{'<br>'.join(known['legend'])}</div>"
        f"<img src='../_static/sliders/{name}.webp' alt='{said}' width='{width}' height='{height}' "
        f"style='aspect-ratio: {width} / {height}; object-position: 0 {place:.4f}%'>"
        f"<div>{rows}</div><figcaption>{said}</figcaption></figure>"
    )


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


def terms_by_lesson(glossary: Path, lessons: list[Path]) -> str:
    """Return a Markdown table of the lessons, each with the terms that it introduces, linked."""
    rows = {path.name[:2]: [] for path in lessons}
    for entry in re.split(
        r"\n\n|^:::.*\n", glossary.read_text(encoding="utf-8"), flags=re.MULTILINE
    ):
        first = re.search(r"{{ lesson(\d\d) }}", entry)
        if first and first[1] in rows:
            rows[first[1]].append(f"{{term}}`{entry.partition(chr(10))[0]}`")
    table = "\n".join(f"| {link(path)} | {', '.join(rows[path.name[:2]])} |" for path in lessons)
    return f"| lesson | terms |\n|---|---|\n{table}"


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


def leave_commands_plain(app, doctree) -> None:
    """Keep blocks without a language, commands and what they print, from being coloured as Python."""
    if not app.env.docname.startswith("reference/"):
        for block in doctree.findall(nodes.literal_block):
            if block.get("language", "default") == "default":
                block["language"] = "text"


def link_terms(app, doctree, docname: str) -> None:
    """Turn a lesson's bold words into links if they are terms of the glossary.

    So is a word in italics, if nothing before it on the page links to that term.
    """
    if not docname.startswith(f"{FOLDER}/"):
        return
    terms = {
        name.lower(): (page, anchor)
        for name, _, kind, page, anchor, _ in app.env.domains["std"].get_objects()
        if kind == "term"
    }
    linked = set()
    for node in list(doctree.findall(lambda n: isinstance(n, nodes.strong | nodes.emphasis))):
        place = terms.get(node.astext().strip(" .:").lower())
        stressed_only = isinstance(node, nodes.emphasis) and place in linked
        if place and not stressed_only and not isinstance(node.parent, nodes.reference):
            linked.add(place)
            reference = make_refnode(app.builder, docname, *place, node.deepcopy())
            reference["classes"].append("term")
            node.replace_self(reference)


def setup(app) -> dict:
    app.connect("doctree-read", describe_figures)
    app.connect("doctree-read", leave_commands_plain)
    app.connect("doctree-resolved", link_terms)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
