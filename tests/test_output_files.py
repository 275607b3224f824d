"""All lessons exported into a folder: every form, its files' names, and what can't be written."""

import os

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from test_exports import tiny

from unet_course import runtime
from unet_course.commands import cli, output_files, run_lesson


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Two lessons: 05 with an exercise, 06 without one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNET_COURSE_USER", str(tmp_path / "user"))
    (tmp_path / "notebooks").mkdir()
    notebook = tiny()
    for cell in notebook.cells:
        if cell.id == "picture":
            cell.source = "6 * 7"
    run_lesson.write(notebook, tmp_path / "notebooks" / "05_small.ipynb")
    cells = [new_markdown_cell("# 06 Bare\n\nWords."), new_code_cell("print('bare')")]
    plain = run_lesson.clean_outputs(new_notebook(cells=cells))
    run_lesson.write(plain, tmp_path / "notebooks" / "06_bare.ipynb")
    return tmp_path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("form", ["handout", "solutions", "slides"])
def test_all_lessons_go_into_a_folder(course, capsys, form):
    out = course / "out"
    assert cli.main(["export", "all", "--to", form, "--out", str(out)]) == 0
    ending = "html" if form == "slides" else "ipynb"
    made = [f"05_small-{form}.{ending}", f"06_bare-{form}.{ending}"]
    assert names(out) == made
    said = capsys.readouterr().out.splitlines()
    assert said == [f"{n}/2 {out / name}" for n, name in enumerate(made, start=1)]
    if form == "solutions":
        cells = nbformat.read(out / made[0], as_version=4).cells
        assert any("✓" in str(cell.get("outputs")) for cell in cells)


def test_what_is_exported_beside_the_lessons_is_no_lesson(course):
    """A student's handout lies in the course's folder, and 05 is still the lesson."""
    out = course / "notebooks"
    for form in ("handout", "nbgrader"):
        cli.main(["export", "all", "--to", form, "--out", str(out)])
    assert len(names(out)) == 5  # 06 has nothing to grade
    assert [path.name for path in run_lesson.list_lessons()] == ["05_small.ipynb", "06_bare.ipynb"]


def test_a_lesson_that_cannot_be_written_stops_no_other(course, capsys):
    out = course / "out"
    (course / "notebooks" / "04_cut.ipynb").write_text("{half of", encoding="utf-8")
    assert cli.main(["export", "all", "--to", "nbgrader", "--out", str(out)]) == 1
    assert names(out) == ["05_small-nbgrader.ipynb"]
    said = capsys.readouterr()
    assert said.out == f"2/3 {out / '05_small-nbgrader.ipynb'}\n"
    assert "04_cut.ipynb: is not a notebook" in said.err and "06_bare.ipynb: has no ex" in said.err
    assert f"{out}: 2 of 3 lessons not written" in said.err and "Traceback" not in said.err


def test_a_cell_that_fails_is_named_and_the_next_lesson_is_run(course, capsys):
    path = course / "notebooks" / "05_small.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[3].source = "1 / 0"
    run_lesson.write(notebook, path)
    out = course / "out"
    assert cli.main(["export", "all", "--to", "solutions", "--out", str(out)]) == 1
    assert names(out) == ["06_bare-solutions.ipynb"]
    err = capsys.readouterr().err
    assert "05_small.ipynb: code cell 2 failed" in err and "1 of 2 lessons not written" in err


def test_a_file_is_replaced_whole_or_not_at_all(course, monkeypatch, capsys):
    out = course / "out"
    assert cli.main(["export", "all", "--to", "handout", "--out", str(out)]) == 0
    before = (out / "05_small-handout.ipynb").read_bytes()
    assert cli.main(["export", "all", "--to", "handout", "--out", str(out)]) == 0  # once more
    assert (out / "05_small-handout.ipynb").read_bytes() == before

    def full(*_):
        raise OSError(28, "No space left on device", "05_small-handout.ipynb")

    monkeypatch.setattr(runtime.os, "replace", full)
    capsys.readouterr()
    assert cli.main(["export", "all", "--to", "handout", "--out", str(out)]) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert (out / "05_small-handout.ipynb").read_bytes() == before and len(names(out)) == 2


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("all.ipynb", "all lessons go into a folder; name one with --out"),
        ("notes.txt", "is a file; name a folder for all lessons"),
        (os.path.join("nope", "out"), "no such folder; make it first"),
    ],
)
def test_a_wrong_folder_is_one_message(course, capsys, out, words):
    (course / "notes.txt").write_text("mine", encoding="utf-8")
    before = sorted(course.rglob("*"))
    assert cli.main(["export", "all", "--to", "handout", "--out", out]) == 1
    err = capsys.readouterr().err
    assert err.startswith("unet-course: ") and words in err and "Traceback" not in err
    assert sorted(course.rglob("*")) == before


def test_every_form_has_an_ending():
    assert all(
        ends and all(end.startswith(".") for end in ends) for ends in output_files.FORMS.values()
    )
