"""Finds a lesson's exercises, open tasks and quiz among its cells, with their solutions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nbformat import NotebookNode

from unet_course import exercises

CHECK = re.compile(r"""exercises\.check\(\s*["']([\w-]+)["']\s*,\s*(\w+)\s*\)""")
CONCLUDE = re.compile(r"""exercises\.conclude\(\s*["']([\w-]+)["']""")
QUIZ = re.compile(r"""exercises\.quiz\(\s*["'](\d\d)["'](.*?)\)""", re.DOTALL)
CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)
ANSWER = re.compile(r"\n*<details><summary>Answer</summary>\n+(.*?)\n+</details>", re.DOTALL)


@dataclass(frozen=True)
class Exercise:
    """A small function: its name, the index of the stub's cell, the function's name, the solution."""

    name: str
    index: int
    function: str
    solution: str


@dataclass(frozen=True)
class OpenTask:
    """An open task: its name, the index of its cell and of the one that concludes, the solution.

    The two indices are equal where the task's own cell ends in `exercises.conclude`.
    """

    name: str
    index: int
    concludes: int
    solution: str


@dataclass(frozen=True)
class Quiz:
    """A quiz: the lesson's number, the index of its code cell, the questions' names."""

    number: str
    index: int
    questions: tuple[str, ...]

    def right(self) -> dict[str, str]:
        """Return each question's right choice.

        Raises:
            ValueError: the course has no such question.
        """
        known = exercises.quizzes().get(self.number, {})
        if unknown := [name for name in self.questions if name not in known]:
            raise ValueError(f"quiz of lesson {self.number}: no answer to {', '.join(unknown)}")
        return {name: known[name].right for name in self.questions}


def tags(cell: NotebookNode) -> list[str]:
    """Return a cell's tags."""
    return cell.metadata.get("tags", [])


def find_exercises(notebook: NotebookNode, name: str) -> list[Exercise]:
    """Return a lesson's exercises.

    Raises:
        ValueError: an exercise has no check behind it, or no solution before the next exercise.
    """
    found = []
    cells = notebook.cells
    for index, end in _stubs(cells):
        if {"open-task", "quiz"} & set(tags(cells[index])):
            continue
        exercise = cells[index].id
        check = CHECK.search(cells[index + 1].source) if index + 1 < len(cells) else None
        if not check or check[1] != exercise:
            lacks = f'exercises.check("{exercise}", …)'
            raise ValueError(f"{name}: behind the exercise {exercise} stands no cell with {lacks}")
        solution = _solution(cells[index:end], f"{name}: the exercise {exercise}")
        found.append(Exercise(exercise, index, check[2], solution))
    return found


def find_open_tasks(notebook: NotebookNode, name: str) -> list[OpenTask]:
    """Return a lesson's open tasks.

    Raises:
        ValueError: neither an open task's cell nor the next one concludes it, or it has no solution.
    """
    found = []
    cells = notebook.cells
    for index, end in _stubs(cells):
        if "open-task" not in tags(cells[index]):
            continue
        task = cells[index].id
        ends = [
            i for i in (index, index + 1) if i < end and task in CONCLUDE.findall(cells[i].source)
        ]
        if not ends:
            lacks = f'exercises.conclude("{task}", …)'
            raise ValueError(f"{name}: neither the open task {task} nor the next cell has {lacks}")
        solution = _solution(cells[index:end], f"{name}: the open task {task}")
        found.append(OpenTask(task, index, ends[0], solution))
    return found


def find_quizzes(notebook: NotebookNode, name: str) -> list[Quiz]:
    """Return the quizzes that count, one for each cell with the tag `quiz`.

    Raises:
        ValueError: such a cell asks nothing.
    """
    found = []
    for index, cell in enumerate(notebook.cells):
        if "quiz" in tags(cell):
            asked = QUIZ.search(cell.source)
            names = _asked(asked[2]) if asked else ()
            if not names:
                raise ValueError(f'{name}: the quiz {cell.id} has no exercises.quiz("NN", q1=…)')
            found.append(Quiz(asked[1], index, names))
    return found


def names_in(notebook: NotebookNode) -> list[str]:
    """Return what a lesson's students have in their progress files, in the lesson's order."""
    names = []
    for cell in notebook.cells:
        if "quiz" in tags(cell):
            asked = QUIZ.search(cell.source)
            names += [f"{asked[1]}-{name}" for name in _asked(asked[2])] if asked else []
        elif "exercise" in tags(cell):
            names.append(cell.id)
    return names


def _asked(arguments: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\b(q\d+) *=", arguments))


def without_answers(source: str) -> str:
    """Return a quiz's text without its folded answers."""
    return ANSWER.sub("", source) if re.match(r"##+ +Quiz\b", source) else source


def _stubs(cells: list[NotebookNode]) -> list[tuple[int, int]]:
    """Return the indices of all answer cells, each with that of the next, or the end."""
    stubs = [i for i, cell in enumerate(cells) if "exercise" in tags(cell)]
    return list(zip(stubs, [*stubs, len(cells)][1:], strict=True))


def _solution(cells: list[NotebookNode], what: str) -> str:
    folded = [cell.source for cell in cells if "solution" in tags(cell)]
    solution = CODE.search(folded[0]) if folded else None
    if not solution:
        lacks = "has no cell tagged 'solution' with a ```python block (a handout has none)"
        raise ValueError(f"{what} {lacks}")
    return solution[1].strip("\n")
