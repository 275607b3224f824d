"""What stands in an explorer's place on a page, on slides and in a handout."""

import base64
import io
import json

import numpy as np
import pytest
from lesson_files import LESSONS
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from unet_course.commands import cli, explorer_pictures, export_lesson, run_lesson
from unet_course.commands.explorer_pictures import SENTENCE, in_pictures, in_words

TEXT = "VBox(children=(HTML(value='<span>truth</span>'), Image(value=b'…')))"
SOURCE = "print('two raters')\nexplorers.threshold(p, truth)"
STEM = "05_small"


def notebook():
    shown = new_output("execute_result", {"text/plain": TEXT}, execution_count=1)
    outputs = [new_output("stream", text="two raters\n"), shown]
    cells = [
        new_markdown_cell("# 05 Small\n\nText.", id="title"),
        new_markdown_cell("## 1. Look\n\nMove it.", id="section"),
        new_code_cell(SOURCE, id="explorer", outputs=outputs, execution_count=1),
        new_code_cell("1", id="other", outputs=[new_output("display_data", {"text/plain": "1"})]),
    ]
    return run_lesson.clean_outputs(new_notebook(cells=cells))


@pytest.fixture
def docs(tmp_path, monkeypatch):
    """A clone's pictures: three frames of 8 rows and 6 columns, the second is the one at the start."""
    folder = tmp_path / "docs"
    (folder / "_static" / "sliders").mkdir(parents=True)
    strip = np.repeat(np.uint8([40, 120, 200]), 8)[:, None, None] * np.ones((1, 6, 3), np.uint8)
    place = folder / "_static" / "sliders" / f"{STEM}-explorer.webp"
    Image.fromarray(strip).save(place, lossless=True)
    said = ["At 0.1.", "At 0.5: <Dice> 0.8.", "At 0.9."]
    slider = {"name": "Threshold", "first": 0, "said": said, "start": 1}
    one = {"cell": SOURCE, "size": [6, 8], "frames": 3, "legend": ["<b>truth</b>"]}
    record = {f"{STEM}-explorer": one | {"sliders": [slider]}}
    (folder / "sliders.json").write_text(json.dumps(record), encoding="utf-8")
    monkeypatch.setattr(explorer_pictures, "DOCS", folder)
    return folder


def test_the_first_frame_is_shown_with_its_words(docs):
    printed, picture, words = in_pictures(notebook(), STEM).cells[2].outputs
    assert printed.text == "two raters\n"
    decoded = base64.b64decode(picture.data["image/png"])
    assert (np.array(Image.open(io.BytesIO(decoded))) == 120).all()
    assert picture.metadata["image/png"]["alt"] == "At 0.5: <Dice> 0.8."
    assert "<b>truth</b>" in words.data["text/html"] and "&lt;Dice&gt;" in words.data["text/html"]
    assert "the course's own data" in words.data["text/plain"]


def test_without_its_own_picture_there_is_a_sentence(docs, tmp_path, monkeypatch):
    changed = notebook()
    changed.cells[2].source += "  # by a student"
    for given in (in_pictures(changed, STEM), in_pictures(notebook(), "06_other")):
        assert [o.get("data", {}).get("text/plain") for o in given.cells[2].outputs] == [
            None,
            SENTENCE,
        ]
    monkeypatch.setattr(explorer_pictures, "DOCS", tmp_path / "wheel")
    assert in_pictures(notebook(), STEM) == in_words(notebook()) != notebook()
    assert in_words(notebook()).cells[3] == notebook().cells[3], "what is no explorer stays"


def test_pages_slides_and_handouts_hold_no_programmers_text(docs, tmp_path):
    (tmp_path / "notebooks").mkdir()
    lesson = tmp_path / "notebooks" / f"{STEM}.ipynb"
    run_lesson.write(notebook(), lesson)
    made = {
        name: tmp_path / name for name in ("page.html", "slides.html", "hand.ipynb", "run.ipynb")
    }
    run = run_lesson.Run(notebook(), 1, 1)
    run_lesson.write_run(run, made["page.html"], lesson)
    run_lesson.write_run(run, made["run.ipynb"], lesson)
    for form, name in (("slides", "slides.html"), ("handout", "hand.ipynb")):
        assert export_lesson.export(str(lesson), form, made[name]) == 0
    texts = {name: path.read_text(encoding="utf-8") for name, path in made.items()}
    for name, text in texts.items():
        assert "VBox(" not in text, name
        assert (SENTENCE in text) == name.endswith("ipynb"), name
        if name.endswith("html"):
            assert 'alt="At 0.5: &lt;Dice&gt; 0.8."' in text, name
    assert "explorers.threshold" in texts["hand.ipynb"], "its cell is still live"


def test_a_saved_lesson_keeps_the_text_that_is_compared(tmp_path):
    path = tmp_path / f"{STEM}.ipynb"
    run_lesson.write(run_lesson.clean_outputs(notebook()), path)
    assert TEXT.partition("<")[0] in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_each_explorer_of_a_lesson_has_its_picture_in_a_clone(lesson):
    before = export_lesson.read(lesson)
    explorers = [
        cell.id
        for cell in before.cells
        for output in cell.get("outputs", [])
        if "Box(children=" in output.get("data", {}).get("text/plain", "")
    ]
    after = in_pictures(before, lesson.stem)
    pictured = [
        cell.id
        for cell in after.cells
        for output in cell.get("outputs", [])
        if "An explorer, pictured" in output.get("data", {}).get("text/plain", "")
    ]
    assert pictured == explorers, f"python tools/site_sliders.py {lesson.name[:2]}"


def test_the_command_writes_them(docs, tmp_path, monkeypatch):
    """An explorer that is run: its page has the picture, where a clone has one of this cell."""
    source = "import ipywidgets\nipywidgets.VBox([ipywidgets.Label('x')])"
    (tmp_path / "notebooks").mkdir()
    lesson = tmp_path / "notebooks" / f"{STEM}.ipynb"
    run_lesson.write(
        run_lesson.clean_outputs(new_notebook(cells=[new_code_cell(source, id="explorer")])), lesson
    )
    monkeypatch.chdir(tmp_path)
    record = json.loads((docs / "sliders.json").read_text(encoding="utf-8"))
    record[f"{STEM}-explorer"]["cell"] = source
    (docs / "sliders.json").write_text(json.dumps(record), encoding="utf-8")
    assert cli.main(["run", "5", "--out", "page.html"]) == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert 'alt="At 0.5: &lt;Dice&gt; 0.8."' in page and "VBox(children" not in page
