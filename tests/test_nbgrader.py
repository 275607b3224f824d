"""The nbgrader export against nbgrader itself: generate, a student's answers, autograde, scores.

nbgrader stands in a dependency group of its own; without it these tests are skipped:

    uv run --isolated --group grading pytest tests/test_nbgrader.py
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys

import nbformat
import pytest
from lesson_files import LESSONS
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from unet_course import exercises
from unet_course.commands import cli, run_lesson
from unet_course.exercises.choices import Question

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("nbgrader") is None,
    reason="NOT RUN, nbgrader isn't here: "
    "uv run --isolated --group grading pytest tests/test_nbgrader.py",
)
SETTINGS = ["--Execute.timeout=300", "--Execute.iopub_timeout=300"]  # 4 s: too few when it's busy
ANSWERS = {
    "threshold-a-map": "return (probabilities >= threshold).astype(np.uint8)",  # right
    "softmax-over-channels": "return np.exp(scores) / np.exp(scores).sum()",  # the usual mistake
}


# in a process of its own: nbgrader imports setuptools, which refuses where distutils is there already
GRADES = """
import json, sys
from nbgrader.api import Gradebook
with Gradebook(f"sqlite:///{sys.argv[1]}") as book:
    found = book.find_submission_notebook(sys.argv[2], "masks", sys.argv[3])
    print(json.dumps({grade.name: (grade.score, grade.max_score) for grade in found.grades}))
"""


def grades(course, notebook, student="anna"):
    command = [sys.executable, "-c", GRADES, str(course / "gradebook.db"), notebook, student]
    done = subprocess.run(command, capture_output=True, text=True, cwd=course)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def nbgrader(course, *arguments):
    home = course / "home"  # neither the user's nbgrader settings nor their progress matter
    env = run_lesson.kernel_environment() | {
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home),
        "IPYTHONDIR": str(home),
        "UNET_COURSE_USER": str(home),
    }
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "nbgrader",
            *arguments,
            *SETTINGS,
            f"--CourseDirectory.root={course}",
        ],
        cwd=course,
        env=env | {"PATH": os.path.dirname(sys.executable) + os.pathsep + env.get("PATH", "")},
        capture_output=True,
        text=True,
        timeout=500,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-4000:]
    return said


@pytest.fixture
def course(tmp_path):
    """An nbgrader course with the first half of lesson 01, three exercises, as its source."""
    lesson = next((path for path in LESSONS if path.name.startswith("01_")), None)
    notebook = nbformat.read(lesson, as_version=4)
    first_patient = next(i for i, c in enumerate(notebook.cells) if c.source.startswith("## 5."))
    notebook.cells = notebook.cells[:first_patient]
    half = tmp_path / lesson.name
    run_lesson.write(notebook, half)
    root = tmp_path / "course"
    (root / "home").mkdir(parents=True)
    source = root / "source" / "masks"
    source.mkdir(parents=True)
    out = source / lesson.name
    assert cli.main(["export", str(half), "--to", "nbgrader", "--out", str(out)]) == 0
    return root


def test_a_round_trip(course):
    nbgrader(course, "generate_assignment", "masks")
    (release,) = (course / "release" / "masks").glob("*.ipynb")
    notebook = nbformat.read(release, as_version=4)
    cells = {cell.id: cell for cell in notebook.cells}
    text = release.read_text(encoding="utf-8")
    assert "SOLUTION" not in text and "exercises.grade" not in text and "Hint" in text
    assert cells["threshold-a-map"].source.endswith("raise NotImplementedError()")
    assert cells["threshold-a-map-check"].metadata.get("editable") is False

    for name, line in ANSWERS.items():
        head = cells[name].source.splitlines()[0]
        cells[name].source = f"{head}\n    {line}"
    # somebody who makes the test shorter gets no points for that
    cells["one-hot-labels-check"].source = "pass"
    folder = course / "submitted" / "anna" / "masks"
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / release.name)
    nbgrader(course, "autograde", "masks", "--create")

    scores = grades(course, release.stem)
    assert scores == {
        "threshold-a-map-check": [1, 1],
        "softmax-over-channels-check": [0, 1],
        "one-hot-labels-check": [0, 1],
    }
    graded = course / "autograded" / "anna" / "masks" / release.name
    said = graded.read_text(encoding="utf-8")
    assert "AssertionError" in said and "it still raises NotImplementedError" in said
    shutil.rmtree(course / "autograded")


def test_the_solutions_themselves_get_all_points(course):
    nbgrader(course, "generate_assignment", "masks")
    (source,) = (course / "source" / "masks").glob("*.ipynb")
    folder = course / "submitted" / "bo" / "masks"
    folder.mkdir(parents=True)
    shutil.copy(source, folder / source.name)
    nbgrader(course, "autograde", "masks", "--create")
    scores = nbgrader(course, "export", f"--to={course / 'grades.csv'}")
    rows = (course / "grades.csv").read_text(encoding="utf-8").splitlines()
    assert scores is not None and len(rows) == 2
    row = dict(zip(rows[0].split(","), rows[1].split(","), strict=True))
    assert (float(row["score"]), float(row["max_score"])) == (3, 3)


# --- open tasks and quizzes -----------------------------------------------------------------------

REGISTER = """import numpy as np

from unet_course import exercises
from unet_course.exercises import verdict
from unet_course.exercises.choices import Question


def check(evidence):
    verdict.equal(evidence["field"], 44)
    return f"you had predicted {evidence['prediction']}."


exercises.checks = lambda: {"deeper": check}
exercises.tasks = lambda: {"deeper"}
exercises.quizzes = lambda: {"05": {"q1": Question("b", {"a": "No.", "b": "Yes."}),
                                    "q2": Question("a", {"a": "Yes.", "b": "No."})}}"""
ASK = 'exercises.predict("deeper", ...)\nfield = ...'
QUIZ = 'exercises.quiz("05", q1=..., q2=...)'


@pytest.mark.parametrize("apart", [True, False])
def test_open_tasks_and_quizzes_are_graded(tmp_path, monkeypatch, apart):
    """Three students of one grader, whose progress file the first one fills."""
    conclude = 'exercises.conclude("deeper", field=field)'
    answer, quiz = {"tags": ["exercise", "open-task"]}, {"tags": ["exercise", "quiz"]}
    solution = "<details><summary>Solution</summary>\n\n```python\nfield = 44\n```\n\n</details>"
    cells = [
        new_markdown_cell("# 05 Small", id="title"),
        new_code_cell(REGISTER, id="imports"),
        new_markdown_cell("### Open task: Deeper", id="task"),
        new_code_cell(ASK if apart else f"{ASK}\n{conclude}", id="deeper", metadata=answer),
        *([new_code_cell(conclude, id="deeper-check")] if apart else []),
        new_markdown_cell(solution, id="solution", metadata={"tags": ["solution"]}),
        new_code_cell(QUIZ, id="quiz-05", metadata=quiz),
    ]
    lesson = tmp_path / "05_small.ipynb"
    run_lesson.write(run_lesson.clean_outputs(new_notebook(cells=cells)), lesson)
    known = {"q1": Question("b", {"a": "No.", "b": "Yes."})} | {
        "q2": Question("a", {"a": "Yes.", "b": "No."})
    }
    monkeypatch.setattr(exercises, "quizzes", lambda: {"05": known})
    course = tmp_path / "course"
    source = course / "source" / "masks" / lesson.name
    source.parent.mkdir(parents=True)
    (course / "home").mkdir()
    assert cli.main(["export", str(lesson), "--to", "nbgrader", "--out", str(source)]) == 0
    nbgrader(course, "generate_assignment", "masks")
    (release,) = (course / "release" / "masks").glob("*.ipynb")
    assert "exercises.grade" not in release.read_text(encoding="utf-8")
    students = {
        "anna": (
            'exercises.predict("deeper", 18)\nfield = 44',
            'exercises.quiz("05", q1="b", q2="a")',
        ),
        "bo": ("field = 44", 'exercises.quiz("05", q1="b", q2="b")'),
        "cleo": (ASK, QUIZ),
    }
    for name, (task, choices) in students.items():
        notebook = nbformat.read(release, as_version=4)
        by_id = {cell.id: cell for cell in notebook.cells}
        by_id["deeper"].source = task if apart else f"{task}\n{conclude}"
        by_id["quiz-05"].source = choices
        folder = course / "submitted" / name / "masks"
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / release.name)
    nbgrader(course, "autograde", "masks", "--create")
    test = "deeper-check" if apart else "deeper-marked"
    points = {
        name: [row[0] for row in grades(course, release.stem, name).values()] for name in students
    }
    assert list(grades(course, release.stem)) == [test, "quiz-05-q1-marked", "quiz-05-q2-marked"]
    assert points == {"anna": [1, 1, 1], "bo": [0, 1, 0], "cleo": [0, 0, 0]}
    said = (course / "autograded" / "bo" / "masks" / release.name).read_text(encoding="utf-8")
    assert "predict first" in said, "anna's prediction isn't bo's"
