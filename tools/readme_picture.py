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

from unet_course.showing.plotting import PREDICTION, TRUTH
from unet_course.showing.volume_plotting import LABEL_COLOURS

ROOT = Path(__file__).resolve().parents[1]
LESSON = ROOT / "notebooks" / "00_start_here.ipynb"
PICTURE = ROOT / "docs" / "_static" / "at_the_end.png"
SIDE, GAP = 304, 20  # pixels of a panel's side, and between two
NAMES = ("a slice", "truth", "prediction", "truth, in 3-D", "prediction, in 3-D")
LEGENDS = {  # by the panel under which it begins: colour, filled or not, text
    1: ((TRUTH, False, "truth"), (PREDICTION, True, "prediction")),
    3: ((LABEL_COLOURS[2], True, "swelling"), (LABEL_COLOURS[1], True, "core of the tumour")),
}


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


def picture() -> Image.Image:
    """Return the five panels in a row, each with its name below, and what the colours mean."""
    slices, views = figure("answer"), figure("whole-brain")  # 1 × 3 and 2 × 3 panels
    width, height = views.width // 3, views.height // 2
    panels = [
        slices.crop((i * slices.width // 3, 0, (i + 1) * slices.width // 3, slices.height))
        for i in range(3)
    ]
    panels += [views.crop((width, y, 2 * width, y + height)) for y in (0, height)]
    whole = Image.new("RGB", (5 * SIDE + 4 * GAP, SIDE + 90), "white")
    draw = ImageDraw.Draw(whole)
    file = font_manager.findfont("DejaVu Sans")
    large, small = (ImageFont.truetype(file, size, layout_engine=0) for size in (24, 22))
    for i, (panel, name) in enumerate(zip(map(tallest, panels), NAMES, strict=True)):
        scale = SIDE / max(panel.size)
        size = [round(side * scale) for side in panel.size]
        left = i * (SIDE + GAP)
        place = (left + (SIDE - size[0]) // 2, (SIDE - size[1]) // 2)
        whole.paste(panel.resize(size, Image.Resampling.LANCZOS), place)
        draw.text((left + SIDE // 2, SIDE + 22), name, "black", large, anchor="mm")
        x = left
        for colour, filled, text in LEGENDS.get(i, ()):
            box = (x, SIDE + 56, x + 30, SIDE + 78)
            draw.rectangle(box, fill=colour if filled else "white", outline=colour, width=4)
            draw.text((x + 40, SIDE + 67), text, "black", small, anchor="lm")
            x += 70 + round(draw.textlength(text, small))
    return whole


def main() -> int:
    picture().save(PICTURE, optimize=True)
    print(PICTURE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
