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

from unet_course import runtime, storage
from unet_course.commands import run_lesson, slides
from unet_course.commands.output_files import FORMS, check_output_path, writing
from unet_course.commands.run_lesson import clean_outputs
from unet_course.commands.terminal import CellProgress

CHECK = re.compile(r"""exercises\.check\(\s*["']([\w-]+)["']\s*,\s*(\w+)\s*\)""")
CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)
LAUNCH = "](https://colab.research.google.com/"
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
POINTS = 1  # for each exercise; an instructor changes them in nbgrader
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
            run_lesson.write(notebook, out)


def find_exercises(notebook: NotebookNode, name: str) -> list[tuple[str, int, str, str]]:
    """Return a lesson's exercises: name, index of the stub's cell, the function's name, solution.

    Raises:
        ValueError: an exercise has no check behind it, or no solution before the next exercise.
    """
    found = []
    cells = notebook.cells
    stubs = [i for i, cell in enumerate(cells) if "exercise" in _tags(cell)]
    for index, end in zip(stubs, [*stubs, len(cells)][1:], strict=True):
        exercise = cells[index].id
        check = CHECK.search(cells[index + 1].source) if index + 1 < len(cells) else None
        if not check or check[1] != exercise:
            lacks = f'exercises.check("{exercise}", …)'
            raise ValueError(f"{name}: behind the exercise {exercise} stands no cell with {lacks}")
        folded = [c.source for c in cells[index:end] if "solution" in _tags(c)]
        solution = CODE.search(folded[0]) if folded else None
        if not solution:
            lacks = "has no cell tagged 'solution' with a ```python block (a handout has none)"
            raise ValueError(f"{name}: the exercise {exercise} {lacks}")
        found.append((exercise, index, check[2], solution[1].strip("\n")))
    return found


def _tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def read(lesson: Path) -> NotebookNode:
    """Return a lesson, cleaned, without its launch links: they open the lesson, not what is made."""
    notebook = clean_outputs(run_lesson.read(lesson))
    for cell in notebook.cells[:1]:
        parts = cell.source.split("\n\n")
        cell.source = "\n\n".join(part for part in parts if LAUNCH not in part)
    return notebook


def _without_solutions(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if "solution" not in _tags(cell)]


def handout(lesson: Path) -> NotebookNode:
    """Return the lesson without its solutions. Hints, pictures and saved outputs stay.

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
    """Fill in every solution and execute the lesson, as `unet-course run` does.

    The exercises solved here don't count as anybody's progress.

    Raises:
        ValueError: see `find_exercises`; or a solution didn't pass its check.
    """
    notebook = read(lesson)
    for _, index, _, solution in find_exercises(notebook, lesson.name):
        notebook.cells[index].source = solution
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
        check = CHECK.search(cell.source) if cell.cell_type == "code" else None
        said = "".join(output.get("text", "") for output in cell.get("outputs", []))
        if check and not said.startswith("✓"):
            raise ValueError(f"{lesson.name}: the solution of {check[1]} doesn't pass: {said}")
    return run_lesson.Run(clean_outputs(run.notebook), run.seconds, run.peak_gb)


def nbgrader(lesson: Path) -> NotebookNode:
    """Return the source version of an nbgrader assignment.

    A stub's cell is the solution, with nbgrader's markers round what a student writes. Its check is
    the test, worth `POINTS`: a hidden line behind it raises unless it is ✓. Tasks, tests and imports
    are locked. Each cell's `grade_id` is its id, so that none comes twice.

    Raises:
        ValueError: see `find_exercises`; or the lesson has no exercise.
    """
    notebook = read(lesson)
    exercises = find_exercises(notebook, lesson.name)
    if not exercises:
        raise ValueError(f"{lesson.name}: has no exercise, so there is nothing to grade")
    cells = notebook.cells
    for name, index, function, solution in exercises:
        stub, test = cells[index], cells[index + 1]
        if index and cells[index - 1].cell_type == "markdown":
            _set(cells[index - 1], locked=True)
        stub.source = with_markers(stub.source, solution)
        _set(stub, solution=True)
        test.source = (
            f"{test.source.rstrip()}\n### BEGIN HIDDEN TESTS\n"
            f'exercises.grade("{name}", {function})\n### END HIDDEN TESTS'
        )
        _set(test, grade=True, locked=True)
    for cell in cells:
        imports = re.match(r"(import|from) \w", cell.source)
        if cell.cell_type == "code" and imports and "nbgrader" not in cell.metadata:
            _set(cell, locked=True)
    notebook.cells = _without_solutions(notebook)
    return notebook


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
