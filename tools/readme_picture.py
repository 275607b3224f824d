"""Put README's picture together from figures that lesson 00 has saved.

    python tools/readme_picture.py

A slice, its tumour and the network's answer; beside them, in 3-D, a whole brain's tumour and
another network's answer. All of it is the course's own synthetic patients. Run it after the lesson
was saved again; a test compares.
"""

from __future__ import annotations

import base64
import io
import json
import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
LESSON = ROOT / "notebooks" / "00_start_here.ipynb"
PICTURE = ROOT / "docs" / "_static" / "at_the_end.png"
HEIGHT = 300  # pixels


def figure(cell: str) -> Image.Image:
    """Return the figure that a cell of lesson 00 has saved.

    Raises:
        ValueError: there is no such cell, or it holds no figure.
    """
    notebook = json.loads(LESSON.read_text(encoding="utf-8"))
    for one in notebook["cells"]:
        for output in one.get("outputs", []):
            if one["id"] == cell and "image/png" in output.get("data", {}):
                png = base64.b64decode("".join(output["data"]["image/png"]))
                return Image.open(io.BytesIO(png)).convert("RGB")
    raise ValueError(f"{LESSON}: cell {cell!r} holds no figure; save the lesson")


def picture() -> Image.Image:
    """Return the panels side by side, all `HEIGHT` pixels high."""
    views = figure("whole-brain")  # 2 rows, truth and answer: a cut, from the left, from above
    width, height = views.width // 3, views.height // 2
    from_left = [views.crop((width, y, 2 * width, y + height)) for y in (0, height)]
    scaled = [
        one.resize((round(one.width * HEIGHT / one.height), HEIGHT), Image.Resampling.LANCZOS)
        for one in (figure("answer"), *from_left)
    ]
    whole = Image.new("RGB", (sum(one.width for one in scaled), HEIGHT), "white")
    left = 0
    for one in scaled:
        whole.paste(one, (left, 0))
        left += one.width
    return whole


def main() -> int:
    picture().save(PICTURE, optimize=True)
    print(PICTURE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
