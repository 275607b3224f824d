"""Exports through the command: handout, solutions, nbgrader's source, slides."""

import json
import re

import nbformat
import pytest
from lesson_files import LESSONS
from lesson_files import exercises as exercises_of
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from unet_course import exercises, runtime
from unet_course.commands import cli, export_lesson, run_lesson, slides
from unet_course.commands.explorer_pictures import SENTENCE
from unet_course.exercises import grade, judge
from unet_course.exercises.choices import Question

STUB = "def to_mask(probabilities, threshold=0.5):\n    return ..."
RIGHT = (
    "def to_mask(probabilities, threshold=0.5):\n"
    "    return (probabilities >= threshold).astype(np.uint8)"
)
PNG = (  # 1 x 1
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def folded(title, text):
    return f"<details><summary>{title}</summary>\n\n{text}\n\n</details>"


def tiny(right=RIGHT):
    """A lesson with one of lesson 01's exercises, as a lesson is saved."""
    figure = new_output(
        "display_data", {"image/png": PNG}, metadata={"image/png": {"alt": "A dot, all alone."}}
    )
    said = new_output("stream", name="stdout", text="○ not attempted yet")
    cells = [
        new_markdown_cell(
            "# 05 Small\n\n[Colab](https://colab.research.google.com/x)\n\nA mask with $p_c \\geq \\frac{1}{2}$ & <more>.",
            id="title",
        ),
        new_code_cell("import numpy as np\n\nfrom unet_course import exercises", id="imports"),
        new_markdown_cell("## 1. A picture\n\n$$x^2$$", id="section"),
        new_code_cell("x = 1\n" * 30 + "show(x)", id="picture", outputs=[figure]),
        new_markdown_cell("word " * 60, id="spoken"),
        new_markdown_cell("### Exercise: A mask\n\nCut it.", id="a-task"),
        new_code_cell(STUB, id="threshold-a-map", metadata={"tags": ["exercise"]}),
        new_code_cell('exercises.check("threshold-a-map", to_mask)', id="a-check", outputs=[said]),
        new_markdown_cell(folded("Hint", "Compare."), id="a-hint"),
        new_markdown_cell(
            folded("Solution", f"```python\n{right}\n```"),
            id="a-solution",
            metadata={"tags": ["solution"]},
        ),
        new_markdown_cell("## What to take away\n\nA mask.", id="recap"),
    ]
    return run_lesson.clean_outputs(new_notebook(cells=cells))


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A folder with the tiny lesson as its lesson 05."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNET_COURSE_USER", str(tmp_path / "user"))
    (tmp_path / "notebooks").mkdir()
    run_lesson.write(tiny(), tmp_path / "notebooks" / "05_small.ipynb")
    return tmp_path


def change(course, edit):
    path = course / "notebooks" / "05_small.ipynb"
    notebook = nbformat.read(path, as_version=4)
    edit({cell.id: cell for cell in notebook.cells}, notebook)
    run_lesson.write(notebook, path)


def export(form, out):
    code = cli.main(["export", "5", "--to", form, "--out", str(out)])
    return code, (out.read_text(encoding="utf-8") if out.is_file() else None)


def cells_of(text):
    return {cell.id: cell for cell in nbformat.reads(text, as_version=4).cells}


def files(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if "user" not in p.parts)


# --- handout and solutions ----------------------------------------------------------------------


def test_the_handout_leaves_solutions_out(course, capsys):
    out = course / "handout.ipynb"
    code, text = export("handout", out)
    assert code == 0 and capsys.readouterr().out == f"{out}\n"
    assert "Hint" in text and "Solution" not in text and "not attempted" in text
    assert "[Colab]" not in text, "that opens the lesson with its solutions"


@pytest.mark.parametrize(("form", "suffix"), [("handout", ".ipynb"), ("slides", ".html")])
def test_links_to_the_courses_pages_lead_to_the_repository(course, form, suffix):
    link = "\n\nSee the [glossary](../docs/glossary.md)."
    change(course, lambda cells, _: cells["title"].update(source=cells["title"].source + link))
    _, text = export(form, course / f"made{suffix}")
    assert re.search(r"https://github\.com/[\w.-]+/[\w.-]+/blob/HEAD/docs/glossary\.md", text)
    assert "../docs" not in text


def test_a_solution_without_its_tag_is_not_handed_out(course, capsys):
    change(course, lambda cells, _: cells["a-solution"].metadata.pop("tags"))
    assert export("handout", course / "h.ipynb") == (1, None)
    assert "a-solution holds a solution but not the tag" in capsys.readouterr().err


@pytest.mark.parametrize("ending", ["ipynb", "html"])
def test_solutions_are_filled_in_and_run(course, ending):
    code, text = export("solutions", course / f"solved.{ending}")
    assert code == 1 and text is None, "the picture's cell calls what isn't there"
    change(course, lambda cells, _: cells["picture"].update(source="print(6 * 7)"))
    code, text = export("solutions", course / f"solved.{ending}")
    assert code == 0 and "42" in text and "✓ threshold-a-map" in text
    assert not (course / "user" / "progress.json").exists(), "nobody solved these"
    if ending == "ipynb":
        cells = cells_of(text)
        assert cells["threshold-a-map"].source == RIGHT and "a-solution" not in cells
        assert cells["a-check"].outputs[0].text.startswith("✓")
        assert [c.execution_count for c in cells.values() if c.cell_type == "code"] == [1, 2, 3, 4]


def test_a_solution_that_does_not_pass_is_told(course, capsys):
    run_lesson.write(tiny(RIGHT.replace(">=", "<")), course / "notebooks" / "05_small.ipynb")
    change(course, lambda cells, _: cells["picture"].update(source="1"))
    before = files(course)
    assert export("solutions", course / "s.ipynb") == (1, None)
    err = capsys.readouterr().err
    assert "the solution of threshold-a-map doesn't pass: ✗" in err and files(course) == before


# --- arguments ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "name", "words"),
    [
        ("handout", "x.html", "ends in .ipynb"),
        ("slides", "x.ipynb", "ends in .html"),
        ("nbgrader", "x.html", "ends in .ipynb"),
        ("solutions", "x.pdf", "ends in .ipynb or .html"),
        ("slides", "nope/x.html", "no such folder"),
        ("nbgrader", "notebooks/05_small.ipynb", "is the lesson itself"),
    ],
)
def test_a_wrong_name_is_one_message(course, capsys, form, name, words):
    before = files(course)
    assert cli.main(["export", "5", "--to", form, "--out", name]) == 1
    err = capsys.readouterr().err
    assert err.startswith("unet-course: ") and words in err and "Traceback" not in err
    assert files(course) == before


CELL = {"cell_type": "code", "id": "a", "metadata": {}, "source": "1", "outputs": []}
DAMAGED = {
    "conflict": "<<<<<<< HEAD",
    "empty": "",
    "object": "{}",
    "list": "[1]",
    "no cells": {"cells": None},
    "no source": {"cells": [{**CELL, "source": None}]},
    "no tags": {"cells": [{**CELL, "metadata": {"tags": None}}]},
    "no outputs": {"cells": [{**CELL, "outputs": None}]},
    "no cell": {"cells": [None]},
    "cells by name": {"cells": {"a": CELL}},
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_notebook_is_one_line_that_names_it(course, capsys, damage):
    text = DAMAGED[damage]
    if isinstance(text, dict):
        text = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, **text})
    (course / "mine.ipynb").write_text(text, encoding="utf-8")
    for form, out in (("handout", "x.ipynb"), ("slides", "x.html")):
        assert cli.main(["export", "mine.ipynb", "--to", form, "--out", out]) == 1
        err = capsys.readouterr().err
        assert err.count("\n") == 1 and "mine.ipynb: is not a notebook" in err
    (course / "mine.ipynb").write_bytes(b"\xff\xfe")
    assert cli.main(["run", "mine.ipynb"]) == 1
    assert "mine.ipynb: is not a notebook" in capsys.readouterr().err


def test_odd_notes_of_an_extension_stop_no_export(course, capsys):
    shown = {
        "output_type": "display_data",
        "data": {"image/png": PNG},
        "metadata": {"image/png": 3},
    }
    odd = [
        {"slideshow": 3},
        {"slideshow": {"slide_type": ["x"]}},
        {"slideshow": {"slide_type": "x"}},
    ]
    cells = [
        {**CELL, "id": f"c{i}", "metadata": one, "outputs": [shown]} for i, one in enumerate(odd)
    ]
    for cell in cells:
        cell["execution_count"] = None
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"unet_course": []}, "cells": cells}
    (course / "mine.ipynb").write_text(json.dumps(content), encoding="utf-8")
    for form, out in (("handout", "x.ipynb"), ("slides", "x.html")):
        assert cli.main(["export", "mine.ipynb", "--to", form, "--out", out]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("form", ["solutions", "nbgrader"])
def test_an_exercise_without_its_parts_is_told(course, capsys, form):
    whole = (course / "notebooks" / "05_small.ipynb").read_bytes()
    change(course, lambda cells, _: cells["a-solution"].metadata.pop("tags"))
    assert export(form, course / "x.ipynb") == (1, None)
    assert "threshold-a-map has no cell tagged 'solution'" in capsys.readouterr().err
    (course / "notebooks" / "05_small.ipynb").write_bytes(whole)
    change(course, lambda cells, _: cells["a-check"].update(source="1"))
    assert export(form, course / "x.ipynb") == (1, None)
    assert "behind the exercise threshold-a-map stands no cell" in capsys.readouterr().err


def test_help_says_what_each_option_does(capsys):
    for command in ("export", "progress"):
        with pytest.raises(SystemExit):
            cli.main([command, "--help"])
    said = " ".join(capsys.readouterr().out.split())
    for words in ("nbgrader generate_assignment takes", "S opens the", "slides: .html", "a row a"):
        assert words in said


# --- nbgrader -----------------------------------------------------------------------------------


def test_the_nbgrader_version(course):
    code, text = export("nbgrader", course / "source.ipynb")
    cells = cells_of(text)
    assert code == 0 and "a-solution" not in cells and "Hint" in text
    about = {name: cell.metadata.get("nbgrader", {}) for name, cell in cells.items()}
    assert {name: about[name]["locked"] for name in about if about[name]} == {
        "imports": True,
        "a-task": True,
        "threshold-a-map": False,
        "a-check": True,
    }
    assert about["threshold-a-map"]["solution"] and not about["threshold-a-map"]["grade"]
    assert about["a-check"]["grade"] and about["a-check"]["points"] == export_lesson.POINTS
    assert all(about[name]["grade_id"] == name for name in about if about[name])
    assert cells["threshold-a-map"].source.count("### BEGIN SOLUTION") == 1
    assert "### BEGIN HIDDEN TESTS\nexercises.grade(" in cells["a-check"].source


def test_a_lesson_without_exercises_has_nothing_to_grade(course, capsys):
    change(course, lambda _, notebook: notebook.cells.__delitem__(slice(5, 10)))
    assert export("nbgrader", course / "x.ipynb") == (1, None)
    assert "has no exercise" in capsys.readouterr().err


EXERCISES = [exercise for lesson in LESSONS for exercise in exercises_of(lesson)]


@pytest.mark.parametrize("exercise", EXERCISES, ids=repr)
def test_every_exercise_can_be_marked(exercise):
    source = export_lesson.with_markers(exercise.stub, exercise.solution)
    given = export_lesson.as_released(source)
    assert "raise NotImplementedError()" in given and "SOLUTION" not in given
    compile(source, "solution", "exec")
    compile(given, "released", "exec")
    kept = [line.lstrip("# ").rstrip() for line in given.splitlines()]  # as code or as a comment
    for line in exercise.stub.splitlines():
        line = line.strip()
        assert line.lstrip("# ") in kept or line in ("...", "return ..."), line


def test_an_untouched_answer_is_blank_and_gets_nothing():
    names = {}
    exec(export_lesson.as_released(export_lesson.with_markers(STUB, RIGHT)), names)
    # defined by exec, it has no source to read; a class of students has
    import linecache

    text = export_lesson.as_released(export_lesson.with_markers(STUB, RIGHT))
    linecache.cache["<released>"] = (len(text), None, text.splitlines(keepends=True), "<released>")
    exec(compile(text, "<released>", "exec"), names)
    verdict = judge("threshold-a-map", names["to_mask"])
    assert str(verdict) == "○ not attempted yet (it still raises NotImplementedError)"
    with pytest.raises(AssertionError, match="○"):
        grade("threshold-a-map", names["to_mask"])


def test_grade_is_silent_when_right_and_keeps_no_progress(user, capsys):
    grade("threshold-a-map", lambda p, threshold=0.5: (p >= threshold).astype("uint8"))
    with pytest.raises(AssertionError, match="✗ threshold-a-map"):
        grade("threshold-a-map", lambda p, threshold=0.5: (p > threshold).astype("uint8"))
    assert capsys.readouterr().out == "" and list(user.iterdir()) == []


# --- open tasks and quizzes -----------------------------------------------------------------------

COURSE = """import numpy as np

from unet_course import exercises
from unet_course.exercises.choices import Question

exercises.checks = lambda: {"deeper": lambda e: f"it is {e['field']}."}
exercises.tasks = lambda: {"deeper"}
exercises.quizzes = lambda: {"05": {"q1": Question("b", {"a": "No.", "b": "Yes."})}}"""
ASK = 'exercises.predict("deeper", ...)\nfield = ...'
DO = 'exercises.predict("deeper", 44)\nfield = 6 * 7 + 2'
CONCLUDE = 'exercises.conclude("deeper", field=field)'
ASKED = "## Quiz\n\n**1.** Is it so?\n\n- **a.** No.\n- **b.** Yes.\n\n"


def with_a_task(apart=True):
    """A lesson with an open task and a quiz; `apart`: a cell of its own concludes."""
    cells = [
        new_markdown_cell("# 05 Small", id="title"),
        new_code_cell(COURSE, id="imports"),
        new_markdown_cell("### Open task: Deeper\n\nWhat does depth 3 see?", id="d-task"),
        new_code_cell(ASK if apart else f"{ASK}\n{CONCLUDE}", id="deeper",
                      metadata={"tags": ["exercise", "open-task"]}),
        *([new_code_cell(CONCLUDE, id="deeper-check")] if apart else []),
        new_markdown_cell(folded("Hint", "Count."), id="d-hint"),
        new_markdown_cell(
            folded("Solution", f"It sees 44.\n\n```python\n{DO if apart else DO + chr(10) + CONCLUDE}\n```"),
            id="d-solution", metadata={"tags": ["solution"]}),
        new_markdown_cell(ASKED + folded("Answer", "**b.** Since it is."), id="quiz"),
        new_code_cell('exercises.quiz("05", q1=...)  # "a" or "b"', id="quiz-05",
                      metadata={"tags": ["exercise", "quiz"]}),
    ]  # fmt: skip
    return run_lesson.clean_outputs(new_notebook(cells=cells))


@pytest.fixture
def answers(monkeypatch):
    known = {"05": {"q1": Question("b", {"a": "No.", "b": "Yes."})}}
    monkeypatch.setattr(exercises, "quizzes", lambda: known)


@pytest.mark.parametrize("apart", [True, False])
def test_an_open_task_and_a_quiz_are_handed_out_without_answers(course, apart):
    run_lesson.write(with_a_task(apart), course / "notebooks" / "05_small.ipynb")
    _, text = export("handout", course / "h.ipynb")
    assert "Count." in text and "It sees 44" not in text and "Since it is" not in text
    assert "- **b.** Yes." in text


@pytest.mark.parametrize("apart", [True, False])
def test_open_tasks_and_quizzes_are_solved_in_solutions(course, answers, capsys, apart):
    run_lesson.write(with_a_task(apart), course / "notebooks" / "05_small.ipynb")
    code, text = export("solutions", course / "s.ipynb")
    cells = cells_of(text)
    said = "".join(o.text for cell in cells.values() for o in cell.get("outputs", []))
    assert code == 0 and said == (
        "Your prediction: 44. It is recorded.\n✓ deeper: it is 44.\n✓ q1 (b): Yes.\n"
    )
    wrong = {
        "deeper": ("d-solution", ", 44)", ", ...)"),
        "quiz-05": ("imports", '"b", {', '"a", {'),
    }
    for name, (cell, a, b) in wrong.items():
        run_lesson.write(with_a_task(apart), course / "notebooks" / "05_small.ipynb")
        change(course, lambda cells, _, c=cell, a=a, b=b: cells[c].update(
            source=cells[c].source.replace(a, b)))  # fmt: skip
        assert export("solutions", course / "x.ipynb") == (1, None)
        assert f"the solution of {name} doesn't pass" in capsys.readouterr().err


@pytest.mark.parametrize("apart", [True, False])
def test_open_tasks_and_quizzes_are_marked_by_nbgrader(course, answers, apart):
    run_lesson.write(with_a_task(apart), course / "notebooks" / "05_small.ipynb")
    _, text = export("nbgrader", course / "source.ipynb")
    cells = cells_of(text)
    assert cells["deeper"].source.startswith(ASK) and "nbgrader" not in cells["deeper"].metadata
    marks = {n: c.source for n, c in cells.items() if c.metadata.get("nbgrader", {}).get("grade")}
    test = "deeper-check" if apart else "deeper-marked"
    assert list(marks) == [test, "quiz-05-q1-marked"]
    hidden = '### BEGIN HIDDEN TESTS\nexercises.grade("{}")\n### END HIDDEN TESTS'
    assert marks[test].endswith(hidden.format("deeper"))
    assert marks["quiz-05-q1-marked"].endswith(hidden.format("05-q1"))
    assert "Since it is" not in text and "It sees 44" not in text


def test_an_open_task_and_a_quiz_lacking_a_part_are_told(course, answers, capsys):
    for cell, source, words in (
        (
            "deeper-check",
            "1",
            "neither the open task deeper nor the next cell has exercises.conclude",
        ),
        ("d-solution", "no code", "the open task deeper has no cell tagged 'solution'"),
        ("quiz-05", "1", "the quiz quiz-05 has no exercises.quiz("),
        ("quiz-05", 'exercises.quiz("05", q7=...)', "quiz of lesson 05: no answer to q7"),
    ):
        run_lesson.write(with_a_task(), course / "notebooks" / "05_small.ipynb")
        change(course, lambda cells, _, c=cell, s=source: cells[c].update(source=s))
        assert export("nbgrader", course / "x.ipynb") == (1, None)
        assert words in capsys.readouterr().err


def test_an_open_task_and_a_quiz_are_put_to_the_audience():
    found = arranged(*with_a_task().cells[2:])
    shown = [text for text, _ in found[1:]]
    assert shown[0].startswith("### Open task: Deeper\n\nWhat does depth 3 see?")
    assert "what do you predict, and why?" in shown[0]
    assert "It sees 44" in found[1][1] and "exercises" not in "".join(shown)
    assert shown[1].startswith("## Quiz") and "- **b.** Yes." in shown[1]
    assert shown[2:] == ["## Quiz: answers\n\n**1.** **b.** Since it is."]


# --- slides -------------------------------------------------------------------------------------


def arranged(*cells, guide=""):
    """Each slide's visible text, and what is spoken at it; a cell of code is its source."""
    cells = [c if hasattr(c, "source") else new_markdown_cell(c) for c in cells]
    found = []
    for cell in slides._arrange([new_markdown_cell("# 05 Title"), *cells], guide):
        kind = slides.slide_type(cell)
        if kind in ("slide", "subslide"):
            found.append([[], []])
        found[-1][kind == "notes"].append(cell.source)
    return [("\n".join(shown), "\n".join(spoken)) for shown, spoken in found]


def typed(cell, kind):
    cell.metadata["slideshow"] = {"slide_type": kind}
    return cell


WORDS = "word " * 50


def test_a_cell_without_a_slide_type_gets_one_that_suits():
    cells = ["## A", "### B", f"{WORDS}\n\n## C", WORDS, folded("Hint", "So.")]
    kinds = [slides.slide_type(new_markdown_cell(cell)) for cell in cells]
    assert kinds == ["slide", "subslide", "-", "-", "notes"]
    assert slides.slide_type(new_code_cell("x")) == "-"
    for source in ("import numpy", 'exercises.check("a", f)', "x = 1\n" * 20):
        assert slides.slide_type(new_code_cell(source)) == "skip"
    stub = new_code_cell("x = 1\n" * 20, metadata={"tags": ["exercise"]})
    assert slides.slide_type(stub) == "-"
    assert slides.slide_type(typed(new_code_cell("x"), "skip")) == "skip"


def test_each_heading_begins_a_slide_that_shows_it():
    code = typed(new_code_cell("x = 1"), "subslide")
    stub = new_code_cell("def f(): ...", metadata={"tags": ["exercise"]})
    found = arranged("## 1. A", "Text.\n\n```\n# no heading\n\n```\n\n### Two\n\nMore.", code,
                     "### Exercise: F\n\nWrite.", stub, code)  # fmt: skip
    heads = [shown.split("\n")[0] for shown, _ in found]
    assert heads == ["# 05 Title", "## 1. A", "### Two", "## Two", "### Exercise: F", "## Two"]
    assert "Text." in found[1][0] and "# no heading" in found[1][0]


def test_prose_beyond_a_slide_is_spoken_and_lists_are_shown():
    rest = f"{WORDS}2.\n\n- point\n\n{WORDS}3."
    found = arranged(f"## A\n\n{WORDS}1.\n\n{rest}\n\n**You will be able to**\n\n- see")
    assert "1." in found[1][0] and "- point" in found[1][0] and "2." not in found[1][0]
    assert "2." in found[1][1] and "3." in found[1][1]
    assert found[2][0].startswith("## A\n**You will be able to**")
    task = arranged(f"### Exercise: A\n\n{WORDS}1.\n\n{WORDS}2.")[1]
    assert "2." in task[0] and not task[1], "a task is shown whole"


def test_a_figure_has_the_slide_to_itself_but_for_one_sentence():
    figure = new_code_cell("f()", outputs=[new_output("display_data", {"image/png": PNG})])
    found = arranged(
        "## A\n\nSee the **U. Its** arms, e.g. the left one, of 0.5 m. It is high.\n\nSpoken 1.",
        figure,
        "Spoken 2. Spoken 3.",
        "- a list",
        figure,
        "Shown 2. Spoken 4.",
        typed(new_markdown_cell("Spoken 5. Spoken 6."), "subslide"),
        "## Quiz\n\n**1.** Why? Because?\n\n**2.** How?",
    )
    shown = [text for text, _ in found]
    first = "## A\nSee the **U. Its** arms, e.g. the left one, of 0.5 m.\nf()"
    assert shown[1].replace("\n\n", "\n") == first
    assert shown[2] == "## A\n- a list\nf()\nShown 2."
    assert "Because?" in shown[3] and "How?" in shown[3] and len(shown) == 4
    spoken = "\n".join(text for _, text in found)
    assert all(f"Spoken {number}." in spoken for number in range(1, 7)) and "It is high." in spoken


@pytest.mark.parametrize("module", ["widgets", "explorers"])
def test_a_widget_has_a_stand_in_and_long_code_is_folded(module):
    text = {"text/plain": SENTENCE}
    source = f"{module}.browser(scan)"
    widget = new_code_cell(source, outputs=[new_output("display_data", text)])
    figure = new_code_cell("f()", outputs=[new_output("display_data", text | {"image/png": PNG})])
    long = new_code_cell("x = 1\n" * 20, outputs=[new_output("stream", text="x")])
    short = new_code_cell("x = 1", outputs=[new_output("stream", text="x")])
    stand_in, title, *shown = slides._arrange([widget, figure, long, short], "")
    assert title.source.startswith("##"), "a figure after other code has a slide of its own"
    assert stand_in.cell_type == "markdown" and "`browser`" in stand_in.source
    assert [cell.metadata["folded"] for cell in shown] == [True, True, False]


def test_the_guide_is_spoken_where_a_clone_has_it(course):
    assert slides._guide_to(course / "notebooks" / "05_small.ipynb") == ""
    pages = course / "docs" / "instructors"
    pages.mkdir(parents=True)
    text = "# All\n\n## 04 Other\n\nNo.\n\n## 05 Small\n\n**Draw.** A dot.\n\n- Section 1: why?\n  So.\n- Not lesson 03, section 1.\n"
    (pages / "lessons_2d.md").write_text(text, encoding="utf-8")
    _, page = export("slides", course / "s.html")
    notes = re.findall(r'(?s)<aside class="notes">.*?</aside>', page)
    assert "A dot." in notes[0] and "No." not in notes[0]
    assert "why?" in notes[1] and "So." in notes[1] and "lesson 03" not in notes[1]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_every_heading_of_a_lesson_is_seen_and_every_formula_drawn(lesson):
    from xml.etree import ElementTree

    cells = export_lesson.read(lesson).cells
    made = slides._arrange(cells, "")
    begun = [c for c in made if slides.slide_type(c) in ("slide", "subslide")]
    assert all(re.match("#{1,3} ", cell.source) for cell in begun)
    shown = "\n\n".join(c.source for c in made if slides.slide_type(c) != "notes")
    for cell in cells:
        if cell.cell_type == "markdown" and slides.slide_type(cell) != "notes":
            heads = re.findall("^###? .+", cell.source, re.MULTILINE)
            assert all(head in shown for head in heads), cell.id
            for block, inline in re.findall(r"(?s)\$\$(.+?)\$\$|\$([^$\n]+)\$", cell.source):
                found = slides.mathml(block or inline, "block" if block else "inline")
                ElementTree.fromstring(found)
                assert "\\" not in found, f"{cell.id}: {found}"


def test_saving_a_lesson_keeps_its_slide_types(course, monkeypatch):
    monkeypatch.setattr(runtime, "seconds_per_step", lambda *_, **__: 0.25)
    change(course, lambda cells, _: cells["picture"].update(source="1"))
    change(course, lambda cells, _: typed(cells["spoken"], "fragment"))
    assert cli.main(["run", "5", "--save"]) == 0
    cells = cells_of((course / "notebooks" / "05_small.ipynb").read_text(encoding="utf-8"))
    assert [name for name in cells if cells[name].metadata.get("slideshow")] == ["spoken"]


def test_slides_are_one_page_that_asks_for_nothing(course, capsys):
    out = course / "slides.html"
    for name, kind in (("imports", "skip"), ("a-check", "skip"), ("spoken", "notes")):
        change(course, lambda cells, _, name=name, kind=kind: typed(cells[name], kind))
    status, page = export("slides", out)
    assert status == 0 and capsys.readouterr().out == f"{out}\n"
    body = re.sub(r"(?s)<(script|style)>.*?</\1>", "", page)
    assert "<title>05 Small</title>" in body and body.count("<section") == 7  # 3 slides, 4 in them
    assert body.count("<math") == 2 and "MathJax" not in page and "<mfrac>" in body
    assert 'alt="A dot, all alone."' in body
    assert body.index('<details class="folded">') < body.index("show") < body.index("A dot, all")
    assert "google.colab" not in body and "not attempted" not in body
    notes = "".join(re.findall(r'(?s)<aside class="notes">.*?</aside>', body))
    assert "word word" in notes and "<details open" in notes and "astype" in notes
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', body)
    styles = re.sub(r"(?s)<script>.*?</script>", "", page)
    assert not re.search(r"url\((?!data:)", styles) and "<script src" not in page
    assert "Reveal.initialize" in page and "RevealNotes" in page


def test_slides_with_nothing_to_show(course, capsys):
    def hide(cells, notebook):
        for cell in notebook.cells:
            typed(cell, "notes")

    change(course, hide)
    assert export("slides", course / "s.html") == (1, None)
    assert "no slide is left" in capsys.readouterr().err


def test_a_formula_that_cannot_be_read_is_told(course, capsys, monkeypatch):
    from latex2mathml import converter

    def fail(*_, **__):
        raise IndexError

    monkeypatch.setattr(converter, "convert", fail)
    assert export("slides", course / "s.html") == (1, None)
    assert "can't be turned into MathML" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["sphinx_revealjs", "latex2mathml"])
def test_without_its_packages_it_says_how_to_get_them(course, capsys, monkeypatch, name):
    real = slides.importlib.util.find_spec
    monkeypatch.setattr(
        slides.importlib.util, "find_spec", lambda n, *a: None if n == name else real(n, *a)
    )
    assert export("slides", course / "s.html") == (1, None)
    assert 'pip install "unet-course[slides]"' in capsys.readouterr().err
