"""What stands in an explorer's place where none can run: on a page, on slides, in a handout.

The site's pictures of them (`tools/site_sliders.py` takes them) are in a clone, not in the wheel.
"""

from __future__ import annotations

import base64
import html
import io
import json
import re
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_output

from unet_course import runtime

DOCS = runtime.PACKAGE.parent / "docs"
WIDGET = re.compile(r"[A-Z]\w*\(.*\b(children|value)=", re.DOTALL)
SENTENCE = "An explorer: run this cell in a notebook to use it."


def in_words(notebook: NotebookNode) -> NotebookNode:
    """Put a sentence in the place of each explorer's text, `VBox(children=…`, and return it all."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" not in data and WIDGET.match(data.get("text/plain", "")):
                data["text/plain"] = SENTENCE
    return notebook


def in_pictures(notebook: NotebookNode, stem: str) -> NotebookNode:
    """Put a picture in each explorer's place, and what it says; where there is none, a sentence.

    Args:
        notebook: it is changed.
        stem: of the lesson's file name. A cell that was changed since its picture was taken has none.
    """
    record = DOCS / "sliders.json"
    known = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    for cell in in_words(notebook).cells:
        one = known.get(f"{stem}-{cell.get('id')}", {})
        strip = DOCS / "_static" / "sliders" / f"{stem}-{cell.get('id')}.webp"
        if one.get("cell") != cell.source or not strip.is_file():
            continue
        for i, output in reversed([*enumerate(cell.outputs)]):
            if output.get("data", {}).get("text/plain") == SENTENCE:
                cell.outputs[i : i + 1] = _shown(one, strip)
    return notebook


def _shown(one: dict, strip: Path) -> list[NotebookNode]:
    """Return two outputs: the frame with which an explorer starts; its legend and its words."""
    from PIL import Image

    slider = one["sliders"][0]
    said = slider["said"][slider["start"]]
    width, height = one["size"]
    top = height * (slider["first"] + slider["start"])
    file = io.BytesIO()
    Image.open(strip).crop((0, top, width, top + height)).save(file, "png")
    picture = {"image/png": base64.b64encode(file.getvalue()).decode()}
    words = (
        f"{said} (An explorer, pictured with the course's own data; it can be used in a notebook.)"
    )
    about = f"<p>{' '.join(one['legend'])}</p><p><em>{html.escape(words)}</em></p>"
    return [
        new_output("display_data", picture, metadata={"image/png": {"alt": said}}),
        new_output("display_data", {"text/html": about, "text/plain": words}),
    ]
