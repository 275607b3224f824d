"""Put README's picture together from figures that lesson 00 has saved.

    python tools/readme_picture.py

A slice, its tumour and a network's prediction; next to them, in 3-D, a whole brain's tumour and
another network's prediction. All of it is the course's own synthetic patients. Run it after the
lesson was saved again; a test compares.
"""

from __future__ import annotations

import base64
import io
import json
import sys
from pathlib import Path

import numpy as np
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

ROOT = Path(__file__).resolve().parents[1]
LESSON = ROOT / "notebooks" / "00_start_here.ipynb"
PICTURE = ROOT / "docs" / "_static" / "at_the_end.png"
WIDTH, HEIGHT, GAP = 1600, 306, 8  # pixels; the height of the panels
LABELS = "a slice", "with the truth", "with the prediction", "truth in 3-D", "prediction in 3-D"
FONT = 24  # pixels


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


def tallest(panel: Image.Image) -> Image.Image:
    """Return a panel without its title and margins: the tallest stretch that isn't all white."""
    for axis in (1, 0):  # rows first, then columns of what is left
        ink = (np.asarray(panel).min(axis=2) < 250).any(axis=axis)
        edges = np.flatnonzero(np.diff(np.r_[False, ink, False]))
        start, stop = max(edges.reshape(-1, 2), key=np.ptp)
        panel = panel.crop(
            (0, start, panel.width, stop) if axis else (start, 0, stop, panel.height)
        )
    return panel


def panel(part: Image.Image) -> Image.Image:
    """Return what is drawn in a part of a figure, without its title: the largest piece, on white."""
    pieces, count = ndimage.label(np.asarray(part).min(axis=2) < 250)
    sizes = ndimage.sum_labels(np.ones_like(pieces), pieces, range(1, count + 1))
    rows, columns = ndimage.find_objects(pieces)[int(np.argmax(sizes))]
    return part.crop((columns.start, rows.start, columns.stop, rows.stop))


def thirds(whole: Image.Image) -> list[Image.Image]:
    return [
        whole.crop((whole.width * k // 3, 0, whole.width * (k + 1) // 3, whole.height))
        for k in range(3)
    ]


def picture() -> Image.Image:
    """Return the panels side by side, each with its label below, all labels on one line."""
    views = figure("whole-brain")  # 2 rows, truth and prediction: a cut, from the left, from above
    half = views.height // 2
    rows = [views.crop((0, y, views.width, y + half)) for y in (0, half)]
    panels = [panel(one) for one in (*thirds(figure("answer")), *(thirds(row)[1] for row in rows))]
    free = WIDTH - GAP * (len(panels) - 1) - 3 * HEIGHT  # three squares, and two brains
    sides = [(HEIGHT, HEIGHT)] * 3
    sides += [(free // 2, round(one.height * (free // 2) / one.width)) for one in panels[3:]]
    whole = Image.new("RGB", (WIDTH, HEIGHT + 2 * FONT), "white")
    draw = ImageDraw.Draw(whole)
    font = ImageFont.truetype(font_manager.findfont("DejaVu Sans"), FONT)
    left = 0
    for one, size, label in zip(panels, sides, LABELS, strict=True):
        whole.paste(one.resize(size, Image.Resampling.LANCZOS), (left, (HEIGHT - size[1]) // 2))
        draw.text((left + size[0] / 2, HEIGHT + 1.4 * FONT), label, "black", font, "ms")
        left += size[0] + GAP
    return whole


def main() -> int:
    picture().save(PICTURE, optimize=True)
    print(PICTURE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
