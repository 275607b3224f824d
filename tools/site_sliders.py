"""Photograph the lessons' widgets and explorers for the site, where no kernel runs.

    python tools/site_sliders.py [LESSON …]

Runs a lesson up to its last widget and moves each slider through its range, `STEPS` places for all
of a widget's sliders together, and sets its boxes and choices; one to be drawn on is taken once,
its outlines shown. What the picture shows goes, one below the other, into `docs/_static/sliders/`, and what the widget says
of it in words into `docs/sliders.json`; `docs/lesson_pages.py` makes sliders of that.
Run it after the lesson was saved again with other pictures; a test compares the widgets' cells.
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import os
import re
import sys
import tempfile
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "_static" / "sliders"
RECORD = ROOT / "docs" / "sliders.json"
WIDGET = re.compile(r"^(widgets\.slice_browser|explorers\.\w+)\(", re.MULTILINE)
SLIDERS = ("IntSlider", "FloatSlider", "SelectionSlider")
CHOICES = ("Checkbox", "ToggleButtons")  # become short sliders, after the others
PICTURES_OF = ("Image", "DrawingBoard", "PointedPicture")  # widgets whose `value` is a PNG
STEPS = 72  # pictures of a widget, at most: sliders with more places are moved in larger steps
WIDTH = 640  # pixels; wider pictures are shrunk
HEIGHT = 16_383  # of a WebP file, at most


def widget_cells(notebook) -> list:
    """Return the code cells that show a widget with sliders."""
    return [c for c in notebook.cells if c.cell_type == "code" and WIDGET.search(c.source)]


def name(lesson: Path, cell) -> str:
    return f"{lesson.stem}-{cell.id}"


def values(slider) -> list:
    """Return the places of a slider or a choice, in order; its start is one of them."""
    if type(slider).__name__ == "Checkbox":
        return [False, True]
    if type(slider).__name__ in ("SelectionSlider", "ToggleButtons"):
        # options are values, or pairs of name and value
        return [one[1] if isinstance(one, tuple) else one for one in slider.options]
    steps = round((slider.max - slider.min) / slider.step)
    places = [slider.min + i * slider.step for i in range(steps + 1)]
    if type(slider).__name__ == "FloatSlider":
        nearest = min(range(len(places)), key=lambda i: abs(places[i] - slider.value))
        places[nearest] = slider.value  # 0.1 + 0.2 isn't quite 0.3
    return places


def film(widget, name: str, cell: str) -> None:
    """Move a widget's sliders one after the other, and write what is seen and said.

    Args:
        widget: a box with one picture, sliders, and as its last child the line of words.
        name: of the picture's file, and of the entry in the record.
        cell: the code that shows the widget, by which a test knows whether the pictures are its.
    """
    from PIL import Image

    from unet_course.synthetic.sample_data import VERSION

    def children(box, kinds):
        inner = [c for child in getattr(box, "children", ()) for c in children(child, kinds)]
        return [box, *inner] if type(box).__name__ in kinds else inner

    (shown,), line = children(widget, PICTURES_OF), widget.children[-1]
    frames, sliders, moved = [], [], children(widget, SLIDERS)
    drawing, most = children(widget, ("DrawingBoard",)), STEPS // max(len(moved), 1)
    moved += [c for c in children(widget, CHOICES) if not c.disabled]

    def take(entry):
        entry["said"].append(line.value)
        frames.append(Image.open(io.BytesIO(shown.value)).convert("RGB"))

    for slider in () if drawing else moved:
        places, start = values(slider), slider.value
        at = min(range(len(places)), key=lambda i: (places[i] != start, i))
        step = -(-len(places) // most)
        entry = {"name": slider.description, "first": len(frames), "said": [], "start": at // step}
        for value in places[at % step :: step]:  # the start is among them
            slider.value = value
            take(entry)
        slider.value = start
        sliders.append(entry)
    if drawing or not moved:
        boxes = [c for c in children(widget, ("Checkbox",)) if c.description.startswith("Show")]
        for box in boxes:
            box.value = True
        sliders.append({"name": "", "first": 0, "said": [], "start": 0})
        take(sliders[0])
        for box in boxes:
            box.value = False
    scale = min(1, WIDTH / frames[0].width, HEIGHT // len(frames) / frames[0].height)
    size = [int(side * scale) for side in frames[0].size]
    strip = Image.new("RGB", (size[0], size[1] * len(frames)))
    for index, frame in enumerate(frames):
        strip.paste(frame.resize(size, Image.Resampling.LANCZOS), (0, index * size[1]))
    PICTURES.mkdir(exist_ok=True)
    strip.save(PICTURES / f"{name}.webp", quality=72, method=6)
    legend = [one.value for one in children(widget, ("HTML",))]
    record = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.is_file() else {}
    of = {"cell": cell, "sample": VERSION, "size": size, "frames": len(frames), "legend": legend}
    record[name] = of | {"sliders": sliders}
    text = json.dumps(dict(sorted(record.items())), indent=1, ensure_ascii=False)
    RECORD.write_text(text + "\n", encoding="utf-8")


def photograph(lesson: Path) -> None:
    """Run a lesson up to its last widget, each of its widgets filmed where it is shown.

    Raises:
        PermissionError: real patients are pointed at; their pictures must never be published.
    """
    from unet_course import runtime
    from unet_course.commands import run_lesson

    if os.environ.get(runtime.DATA_VARIABLE):
        raise PermissionError(f"{runtime.DATA_VARIABLE} points at real patients: unset it")

    notebook = nbformat.read(lesson, as_version=4)
    cells = widget_cells(notebook)
    notebook.cells = notebook.cells[: notebook.cells.index(cells[-1]) + 1]
    for cell in cells:
        tree = ast.parse(cell.source)
        last = cell.source.splitlines()[tree.body[-1].lineno - 1 :]
        before = cell.source.splitlines()[: tree.body[-1].lineno - 1]
        tool = (
            f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import site_sliders"
        )
        filmed = f"site_sliders.film(_widget, {name(lesson, cell)!r}, {cell.source!r})"
        cell.source = "\n".join([*before, "_widget = (", *last, ")", tool, filmed])
    run_lesson.make_sample(lesson)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as nobody:
        # not the folder of patients that a user has chosen
        own = {runtime.USER_VARIABLE: nobody, runtime.SEED_VARIABLE: "0"}
        run_lesson.execute(lesson, environment=own, notebook=notebook)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help="00, 02, … (all)")
    wanted = parser.parse_args(arguments).lessons
    for lesson in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        shows_some = widget_cells(nbformat.read(lesson, as_version=4))
        if shows_some and (not wanted or lesson.name[:2] in wanted):
            photograph(lesson)
            print(lesson.stem)
    return 0


if __name__ == "__main__":
    sys.exit(main())
