"""What the tests read from the lessons: cells, exercises, and running a student's code."""

import ast
import contextlib
import linecache
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell

from unet_course.commands import lesson_parts

ROOT = Path(__file__).parents[1]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CHECK = re.compile(r"""exercises\.check\(\s*["']([\w-]+)["']\s*,\s*(\w+)\s*\)""")
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


@cache
def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def tags(cell) -> list[str]:
    return cell.metadata.get("tags", [])


def code_cells(path: Path) -> list:
    """The cells that hold code; nbval and Jupyter pass over empty ones."""
    return [c for c in read(path).cells if c.cell_type == "code" and c.source.strip()]


@dataclass(frozen=True)
class Exercise:
    lesson: Path
    index: int  # of the stub's cell
    name: str
    stub: str
    function: str
    solution: str

    def __repr__(self) -> str:
        return self.name


def exercises(path: Path) -> list[Exercise]:
    """The lesson's small functions, in order. Structure is asserted in test_notebooks.py."""
    cells = read(path).cells
    found = []
    for index, cell in enumerate(cells):
        if "exercise" not in tags(cell) or {"open-task", "quiz"} & set(tags(cell)):
            continue
        check = CHECK.search(cells[index + 1].source)
        solution = BLOCK.search(cells[index + 3].source)
        found.append(
            Exercise(
                path,
                index,
                cell.id,
                cell.source,
                check[2] if check else "",
                solution[1] if solution else "",
            )
        )
    return found


def open_tasks(path: Path) -> list[lesson_parts.OpenTask]:
    """The lesson's open tasks; a lesson without their parts raises."""
    return lesson_parts.find_open_tasks(read(path), path.name)


def with_open_tasks_solved(path: Path, folder: Path) -> Path:
    """The lesson, or a copy that ends in what its open tasks' solutions do and in their marks."""
    tasks = open_tasks(path)
    if not tasks:
        return path
    notebook = nbformat.read(path, as_version=4)
    for task in tasks:
        sources = [task.solution, f'exercises.grade("{task.name}")']
        if "exercises.conclude(" not in task.solution:
            sources.insert(1, notebook.cells[task.concludes].source)
        ignored = {"tags": ["nbval-ignore-output"]}
        notebook.cells += [new_code_cell(source, metadata=ignored) for source in sources]
    copy = folder / path.name
    copy.write_text(nbformat.writes(notebook), encoding="utf-8")
    return copy


def quizzes(path: Path) -> list[lesson_parts.Quiz]:
    """The lesson's quizzes that count: one, or none."""
    return lesson_parts.find_quizzes(read(path), path.name)


def run_as_cell(source: str, names: dict, filename: str) -> None:
    """Execute code the way a notebook does, its source kept where `inspect` looks for it."""
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    exec(compile(source, filename, "exec"), names)


def names_before(exercise: Exercise) -> dict:
    """What a student's code can use: the lesson's imports, and its functions and plain constants.

    Nothing is computed, so the sample needn't be read and no network be trained.
    """
    names: dict = {"__name__": "__main__"}
    for cell in read(exercise.lesson).cells[: exercise.index]:
        if cell.cell_type != "code" or "exercise" in tags(cell) or "%" in cell.source[:1]:
            continue
        text = re.sub(r"^(\s*)[%!].*$", r"\1pass", cell.source, flags=re.MULTILINE)
        for node in ast.parse(text).body:
            plain = (
                isinstance(node, ast.Assign)
                and all(isinstance(target, ast.Name) for target in node.targets)
                and _literal(node.value)
            )
            if plain or isinstance(
                node, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
            ):
                code = ast.unparse(node)
                with contextlib.suppress(NameError):  # a default that the lesson computes
                    run_as_cell(code, names, f"<{exercise.lesson.stem}: {cell.id} {node.lineno}>")
    return names


def _literal(node: ast.AST) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError):
        return False
    return True


def answer(exercise: Exercise, source: str):
    """The function that a student's source defines for an exercise."""
    names = names_before(exercise)
    run_as_cell(source, names, f"<cell {exercise.name} {hash(source)}>")
    return names[exercise.function]
