"""A lesson in the forms that an instructor hands out: without solutions, with them, for nbgrader."""

from __future__ import annotations

import ast
import contextlib
import difflib
import re
import sys
import tempfile
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from unet_course import runtime, storage
from unet_course.commands import explorer_pictures, run_lesson, slides
from unet_course.commands.lesson_parts import (
    CHECK,
    CONCLUDE,
    find_exercises,
    find_open_tasks,
    find_quizzes,
    tags,
    without_answers,
)
from unet_course.commands.opening import own_copies
from unet_course.commands.output_files import FORMS, check_output_path, writing
from unet_course.commands.run_lesson import clean_outputs
from unet_course.commands.terminal import CellProgress

LAUNCH = "](https://colab.research.google.com/"
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
POINTS = 1  # for each exercise, open task and question; an instructor changes them in nbgrader
SCHEMA = 3  # of nbgrader's metadata, since its version 0.6


def export(lesson: str, form: str, out: Path) -> int:
    """Write a lesson, or with `"all"` every lesson, in another form; return the exit status.

    Of all lessons, one that can't be written is told and stops no other.
    """
    if lesson != "all":
        path = run_lesson.find(lesson)
        check_output_path(out, FORMS[form], path)
        _write(path, form, out)
        print(out)
        return 0
    if out.suffix in FORMS[form] and not out.is_dir():
        raise ValueError(f"{out}: all lessons go into a folder; name one with --out")
    check_output_path(out, ())
    every = run_lesson.list_lessons()
    out.mkdir(exist_ok=True)
    missing = []
    for count, path in enumerate(every, start=1):
        # a hyphen, so that the file isn't taken for the lesson when it lies in the same folder
        file = out / f"{path.stem}-{form}{FORMS[form][0]}"
        try:
            _write(path, form, file)
            print(f"{count}/{len(every)} {file}", flush=True)
        except (RuntimeError, ValueError) as error:
            print(f"unet-course: {error}", file=sys.stderr)
            missing.append(path.stem)
    if missing:
        what = f"{len(missing)} of {len(every)} lessons not written, for the reasons above"
        print(f"unet-course: {out}: {what}: {', '.join(missing)}", file=sys.stderr)
    return int(bool(missing))


def _write(lesson: Path, form: str, out: Path) -> None:
    if form == "slides":
        page = slides.to_slides(read(lesson), lesson)
        with writing(out):
            storage.write_text(out, page)
    elif form == "solutions":
        run = solutions(lesson)
        with writing(out):
            run_lesson.write_run(run, out, lesson)
    else:
        notebook = handout(lesson) if form == "handout" else nbgrader(lesson)
        with writing(out):
            run_lesson.write(explorer_pictures.in_words(notebook), out)


def read(lesson: Path) -> NotebookNode:
    """Return a lesson, cleaned, without its launch links: they open the lesson, not what is made.

    Links to the course's pages lead to the repository, since an export may lie anywhere.
    """
    notebook = clean_outputs(run_lesson.read(lesson))
    for cell in notebook.cells[:1]:
        parts = cell.source.split("\n\n")
        cell.source = "\n\n".join(part for part in parts if LAUNCH not in part)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = own_copies.with_addresses(cell.source)
    return notebook


def _without_solutions(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the cells but for solutions; a quiz that counts loses its folded answers."""
    if any("quiz" in tags(cell) for cell in notebook.cells):
        for cell in notebook.cells:
            cell.source = without_answers(cell.source)
    return [cell for cell in notebook.cells if "solution" not in tags(cell)]


def handout(lesson: Path) -> NotebookNode:
    """Return the lesson without solutions and a quiz's answers. Hints and saved outputs stay.

    Raises:
        ValueError: a cell shows a solution but hasn't got the tag `solution`.
    """
    notebook = read(lesson)
    notebook.cells = _without_solutions(notebook)
    for cell in notebook.cells:
        if re.search(r"<summary>\s*solution", cell.source, re.IGNORECASE):
            what = f"cell {cell.id} holds a solution but not the tag 'solution'; add the tag"
            raise ValueError(f"{lesson.name}: {what}")
    return notebook


def solutions(lesson: Path) -> run_lesson.Run:
    """Fill in every solution and right choice, and execute the lesson, as `unet-course run` does.

    What is solved here doesn't count as anybody's progress.

    Raises:
        ValueError: see `lesson_parts`; or a solution didn't pass its check.
    """
    notebook = read(lesson)
    for part in [*find_exercises(notebook, lesson.name), *find_open_tasks(notebook, lesson.name)]:
        notebook.cells[part.index].source = part.solution
    for quiz in find_quizzes(notebook, lesson.name):
        cell = notebook.cells[quiz.index]
        for name, right in quiz.right().items():
            cell.source = re.sub(rf"\b{name} *= *\.\.\.", f'{name}="{right}"', cell.source)
    notebook.cells = _without_solutions(notebook)
    data = runtime.data_folder()
    if not data:
        run_lesson.make_sample(lesson)
    with (
        contextlib.closing(CellProgress(lesson.stem, texts=False)) as show,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as nobody,
    ):
        run = run_lesson.execute(lesson, data, show, {runtime.USER_VARIABLE: nobody}, notebook)
    for cell in run.notebook.cells:
        said = "".join(output.get("text", "") for output in cell.get("outputs", []))
        if cell.cell_type == "code" and (trouble := _not_passed(cell, said)):
            what = f"the solution of {trouble} doesn't pass: {said}"
            raise ValueError(f"{lesson.name}: {what}")
    return run_lesson.Run(clean_outputs(run.notebook), run.seconds, run.peak_gb)


def _not_passed(cell: NotebookNode, said: str) -> str:
    """Return the name of what a solved lesson's cell should have passed and didn't, or ""."""
    if "quiz" in tags(cell):
        return "" if said and not re.search("[✗○]", said) else cell.id
    names = [m[1] for m in (CHECK.search(cell.source), CONCLUDE.search(cell.source)) if m]
    passed = [name for name in names if re.search(rf"^✓ {name}:", said, re.MULTILINE)]
    return next((name for name in names if name not in passed), "")


def nbgrader(lesson: Path) -> NotebookNode:
    """Return the source version of an nbgrader assignment.

    A stub's cell is the solution, with nbgrader's markers round what a student writes. Its check is
    the test, worth `POINTS`: a hidden line behind it raises unless it is ✓. Tasks, tests and imports
    are locked. Each cell's `grade_id` is its id, so that none comes twice.

    An open task's cell and the quiz's are released as they stand, `...` and all: nbgrader's own stub
    would stop a run there. They are judged by what `exercises.conclude` and `exercises.quiz` were
    given in the run, each question in a cell of its own.

    Raises:
        ValueError: see `lesson_parts`; or the lesson has no exercise, open task or quiz.
    """
    notebook = read(lesson)
    cells = notebook.cells
    exercises = find_exercises(notebook, lesson.name)
    tasks, quizzes = find_open_tasks(notebook, lesson.name), find_quizzes(notebook, lesson.name)
    if not exercises + tasks + quizzes:
        raise ValueError(f"{lesson.name}: has no exercise, so there is nothing to grade")
    added: dict[str, list[NotebookNode]] = {}  # behind the cell of an id
    for part in exercises + tasks:
        if part.index and cells[part.index - 1].cell_type == "markdown":
            _set(cells[part.index - 1], locked=True)
    for one in exercises:
        stub, test = cells[one.index], cells[one.index + 1]
        stub.source = with_markers(stub.source, one.solution)
        _set(stub, solution=True)
        _grade(test, f'"{one.name}", {one.function}')
    for task in tasks:
        stub, test = cells[task.index], cells[task.concludes]
        stub.outputs, stub.execution_count = [], None
        if test is stub:
            test = new_code_cell("# The open task is marked here.", id=f"{task.name}-marked")
            added[stub.id] = [test]
        _grade(test, f'"{task.name}"')
    for quiz in quizzes:
        cell = cells[quiz.index]
        cell.outputs, cell.execution_count = [], None
        for name in quiz.right():
            test = new_code_cell(f"# {name} is marked here.", id=f"{cell.id}-{name}-marked")
            _grade(test, f'"{quiz.number}-{name}"')
            added.setdefault(cell.id, []).append(test)
    for cell in cells:
        imports = re.match(r"(import|from) \w", cell.source)
        if cell.cell_type == "code" and imports and "nbgrader" not in cell.metadata:
            _set(cell, locked=True)
    notebook.cells = _without_solutions(notebook)
    notebook.cells = [one for cell in notebook.cells for one in (cell, *added.get(cell.id, []))]
    return notebook


def _grade(test: NotebookNode, arguments: str) -> None:
    """Make a cell the test that is worth `POINTS`, with the hidden line that decides."""
    lines = [test.source.rstrip(), "### BEGIN HIDDEN TESTS"]
    test.source = "\n".join([*lines, f"exercises.grade({arguments})", "### END HIDDEN TESTS"])
    _set(test, grade=True, locked=True)


def _set(cell: NotebookNode, *, grade=False, solution=False, locked=False) -> None:
    about = {"schema_version": SCHEMA, "grade_id": cell.id, "cell_type": cell.cell_type}
    about |= {"grade": grade, "solution": solution, "locked": locked, "task": False}
    cell.metadata["nbgrader"] = NotebookNode(about | ({"points": POINTS} if grade else {}))
    if cell.cell_type == "code":
        cell.outputs, cell.execution_count = [], None


def with_markers(stub: str, solution: str) -> str:
    """Return the solution with nbgrader's markers round what the stub leaves to the student.

    Lines that the stub gives stay outside the markers, so that a student gets them. What it left
    open, such as a name to be given a value, becomes a comment above them.

    >>> print(with_markers("def half(x):\\n    y = ...\\n    return y",
    ...                    "def half(x):\\n    y = x / 2\\n    return y"))
    def half(x):
        # y = ...
        ### BEGIN SOLUTION
        y = x / 2
        ### END SOLUTION
        return y
    """
    given, full = stub.rstrip().splitlines(), solution.rstrip().splitlines()
    # where two lines differ in a comment alone, they are the same
    bare = [[re.sub(r"\s+#.*$", "", line) for line in lines] for lines in (given, full)]
    lines: list[str] = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, *bare, autojunk=False).get_opcodes():
        lines += given[a:b] if kind == "equal" else _region(given[a:b], full[c:d])
    marked = "\n".join(lines)
    try:
        ast.parse(marked)
        ast.parse(as_released(marked))
    except SyntaxError:  # then everything below the signature
        marked = "\n".join([full[0], *_region(given[1:], full[1:])])
    return marked


def _region(opened: list[str], written: list[str]) -> list[str]:
    depths = [_indent(line) for line in opened]
    if depths == [_indent(line) for line in written] and len(set(depths)) > 1:
        # line by line as the stub has it: a region for each depth, so that an `if` keeps its body
        cut = next(i for i, depth in enumerate(depths) if depth != depths[0])
        return _region(opened[:cut], written[:cut]) + _region(opened[cut:], written[cut:])
    indent = min((_indent(line) for line in written or opened if line.strip()), default="", key=len)
    frame = [line for line in opened if not re.fullmatch(r"\s*(return )?\.\.\.|\s*", line)]
    comments = [f"{indent}# {line.removeprefix(indent)}" for line in frame]
    return [*comments, indent + BEGIN, *written, indent + END] if written else comments


def _indent(line: str) -> str:
    return re.match(r" *", line)[0]


def as_released(source: str) -> str:
    """Return a solution's cell as nbgrader hands it to students."""
    stub = r"\1# YOUR CODE HERE\n\1raise NotImplementedError()"
    return re.sub(rf"^( *){BEGIN}\n.*?^ *{END}$", stub, source, flags=re.MULTILINE | re.DOTALL)
