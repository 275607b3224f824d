"""The self-checks of exercises, open tasks and quizzes: each prints a verdict and never raises.

`○` not attempted yet, `✗` what went wrong on which input, `✓` why it matters. So "Run All" goes
through a fresh notebook. Three kinds:

- an exercise, a small function: `exercises.check("dice-by-hand", dice_by_hand)`
- an open task, in which the student predicts, runs something, and concludes:
  `exercises.predict("name", value)`, `exercises.conclude("name", run=…, why=…)`
- a quiz, questions with choices: `exercises.quiz("03", q1="a", q2="c", q3="b")`

What they are judged by stands in `lesson_NN.py` beside this file. Its dictionary `CHECKS` has a
function for each exercise's name, which takes the answer, and for each open task's name, which
takes the evidence; both return the line behind `✓` or raise `verdict.Wrong`. The set `OPEN_TASKS`
says which of these names are open tasks; `QUIZ` has the lesson's questions.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping

from unet_course.exercises import open_tasks, solved, source
from unet_course.exercises.choices import Question, judge_choice, lesson_number
from unet_course.exercises.run_check import run_check
from unet_course.exercises.verdict import BLANK, RIGHT, WRONG, Verdict, describe

_choices: dict[str, object] = {}  # what this session's quizzes were given: "03-q1" → a choice


def check(name: str, answer: Callable) -> None:
    """Judge an answer to the exercise `name`, print the verdict, remember a `✓`. Never raises.

    Only the student's own "Stop" (KeyboardInterrupt) passes through.
    """
    _tell(name, judge(name, answer), known=name in checks() and name not in tasks())


def predict(name: str, value: object) -> None:
    """Record what the student expects of the open task `name`, and print it. Never raises.

    The first prediction counts; another one is kept as a change of mind. What isn't among the
    choices that a lesson's `PREDICTIONS` offers isn't recorded.

    Args:
        name: the open task's.
        value: a number, a text, or a list or dictionary of them; `...` is no prediction yet.
    """
    print(
        _unknown_task(name)
        or open_tasks.not_offered(value, predictions().get(name, ()))
        or open_tasks.predict(name, value)
    )


def conclude(name: str, **evidence: object) -> None:
    """Judge what the student's run of the open task `name` gave, and print it. Never raises.

    Args:
        name: the open task's.
        **evidence: what the task asks for. Where a value is or holds `...`, the verdict is ○.
    """
    verdict = _unknown_task(name) or open_tasks.conclude(name, checks()[name], evidence)
    _tell(name, verdict, known=name in tasks())


def quiz(lesson: str, **choices: object) -> None:
    """Judge the choices in a lesson's quiz, and print a line for each question. Never raises.

    Args:
        lesson: the lesson's number, `"03"`.
        **choices: `q1="a"` and so on; `...` is not answered yet.
    """
    number = lesson_number(lesson)
    asked = quizzes().get(number)
    if not asked:
        print(f"{WRONG} lesson {lesson!r} has no quiz{_near(number, quizzes())}")
        return
    for name in dict.fromkeys([*asked, *choices]):
        choice = choices.get(name, ...)
        verdict = judge_choice(asked, name, choice)
        _choices[f"{number}-{name}"] = choice
        known = name in asked and str(choice).strip().lower() in asked[name].why
        _tell(f"{number}-{name}", verdict, known)


def holds(claim: str, condition: object, otherwise: str = "") -> None:
    """Print a finding as a sentence that the code has checked: ✓ and the claim, or ✗.

    Args:
        claim: a sentence that is true if `condition` is.
        condition: what a comparison gave; anything that is true or false.
        otherwise: the sentence for ✗, where the page can say what happened instead.

    >>> holds("The loss fell to less than half.", 0.2 < 0.9 / 2)
    ✓ The loss fell to less than half.
    >>> holds("Flips helped.", 0.8 > 0.9, "Flips didn't help in this run.")
    ✗ Flips didn't help in this run.
    >>> holds("Flips helped.", False)
    ✗ Not so in this run: Flips helped.
    """
    if condition:
        print(f"{RIGHT} {claim}")
    else:
        print(f"{WRONG} {otherwise or f'Not so in this run: {claim}'}")


def grade(name: str, answer: Callable | None = None) -> None:
    """Judge an answer for an autograder: silent when it is right, and nobody's progress changes.

    Args:
        name: of an exercise, an open task (`conclude` was called for it in this session), or a
            question (`"03-q1"`; `quiz` was called in this session).
        answer: the exercise's function.

    Raises:
        AssertionError: the verdict is ○ or ✗; the message is what `check` prints.
    """
    number, _, question = str(name).rpartition("-")
    if question in quizzes().get(number, {}):
        verdict = judge_choice(quizzes()[number], question, _choices.get(name, ...))
    elif name in tasks():
        if name not in open_tasks.concluded:
            raise AssertionError(f"{BLANK} not attempted yet (exercises.conclude wasn't run)")
        # what this session predicted: the file may hold another student's
        prediction = open_tasks.predicted.get(name)
        verdict = judge_conclusion(name, {**open_tasks.concluded[name], "prediction": prediction})
    else:
        verdict = judge(name, answer if answer is not None else ...)
    if verdict.mark != RIGHT:
        raise AssertionError(str(verdict))


def judge(name: str, answer: Callable) -> Verdict:
    """Return the verdict that `check` prints."""
    found = checks().get(name)
    if found is None:
        return Verdict(WRONG, f"there is no exercise called {name!r}{_near(name, checks())}")
    if name in tasks():
        return Verdict(WRONG, f"{name} is an open task: its cell calls exercises.conclude")
    if answer is ...:
        return Verdict(BLANK, "not attempted yet")
    if not callable(answer):
        return Verdict(
            WRONG,
            f"{name}: the check takes your function, it was given {describe(answer)}",
            "Write the function's name alone, without brackets behind it.",
        )
    lines, idle = source.placeholders(answer)
    if lines:
        # a `...` that does nothing may have been left above right code
        if idle and (verdict := run_check(name, found, answer)).mark == RIGHT:
            return verdict
        where = f"line {lines[0]}" if len(lines) == 1 else f"lines {', '.join(map(str, lines))}"
        return Verdict(BLANK, f"not attempted yet (a ... is left in {where})")
    if source.not_implemented(answer):
        return Verdict(BLANK, "not attempted yet (it still raises NotImplementedError)")
    return run_check(name, found, answer)


def judge_conclusion(name: str, evidence: Mapping[str, object]) -> Verdict:
    """Return the verdict on an open task's evidence, `evidence["prediction"]` included."""
    return _unknown_task(name) or open_tasks.judge(name, checks()[name], evidence)


def _unknown_task(name: str) -> Verdict | None:
    if name in tasks():
        return None
    if name in checks():
        return Verdict(WRONG, f"{name} is an exercise: its cell calls exercises.check")
    return Verdict(WRONG, f"there is no open task called {name!r}{_near(name, tasks())}")


def _near(name: object, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(name), names, 1)
    return f"; did you mean {near[0]!r}?" if near else "."


def _tell(name: str, verdict: Verdict, known: bool) -> None:
    """Print a verdict, and count the try."""
    print(verdict)
    if verdict.mark != BLANK and known:
        trouble = solved.record(name, verdict.mark == RIGHT)
        if trouble:
            print(f"  (Progress wasn't saved: {trouble})")


@functools.cache
def checks() -> dict[str, Callable]:
    """Return the check of every exercise and open task by its name, lesson after lesson."""
    found: dict[str, Callable] = {}
    for lesson in lessons():
        found.update(_module(lesson).CHECKS)
    return found


@functools.cache
def tasks() -> set[str]:
    """Return the names of all open tasks."""
    return {name for lesson in lessons() for name in getattr(_module(lesson), "OPEN_TASKS", ())}


@functools.cache
def predictions() -> dict[str, tuple]:
    """Return what may be predicted, by the names of those open tasks that offer a choice."""
    found: dict[str, tuple] = {}
    for lesson in lessons():
        found.update(getattr(_module(lesson), "PREDICTIONS", {}))
    return found


@functools.cache
def quizzes() -> dict[str, dict[str, Question]]:
    """Return each lesson's questions by their names: `{"03": {"q1": Question(…), …}, …}`."""
    found = {lesson[-2:]: getattr(_module(lesson), "QUIZ", None) for lesson in lessons()}
    return {number: questions for number, questions in found.items() if questions}


def questions() -> list[str]:
    """Return the names that the questions of all quizzes have in progress files: `"03-q1"`."""
    return [f"{number}-{name}" for number, asked in quizzes().items() for name in asked]


def lessons() -> list[str]:
    """Return the names of the modules that hold a lesson's checks, such as `"lesson_01"`."""
    names = (module.name for module in pkgutil.iter_modules(__path__))
    return sorted(name for name in names if name.startswith("lesson_"))


def _module(lesson: str):
    return importlib.import_module(f"{__name__}.{lesson}")
