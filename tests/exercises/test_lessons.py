"""Every lesson's exercises: the stub ○, the solution ✓, each usual mistake ✗ with its hint.

Of open tasks the same is tried on evidence: each row of `MISTAKES` is a dictionary with what
`exercises.conclude` gets and the `prediction`, and `EVIDENCE` has some that must be ✓. Their solutions
are run behind the whole lesson, by tests/test_notebooks.py.
"""

import importlib.util
import subprocess
import sys
from pathlib import Path

import lesson_files
import pytest

from unet_course import exercises
from unet_course.exercises.choices import judge_choice

EXERCISES = [e for path in lesson_files.LESSONS for e in lesson_files.exercises(path)]
TASKS = {
    task.name: path.stem[:2]
    for path in lesson_files.LESSONS
    for task in lesson_files.open_tasks(path)
}
QUIZZES = {
    quiz.number: quiz for path in lesson_files.LESSONS for quiz in lesson_files.quizzes(path)
}
WITHOUT_OPEN_TASK = {"00", "01", "02"}


def _of_the_lessons_tests(what: str) -> dict[str, list]:
    found = {}
    for path in sorted(Path(__file__).parent.glob("test_lesson_*.py")):
        spec = importlib.util.spec_from_file_location(f"mistakes_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found |= getattr(module, what, {})
    return found


MISTAKES = _of_the_lessons_tests("MISTAKES")
EVIDENCE = _of_the_lessons_tests("EVIDENCE")


@pytest.mark.parametrize("exercise", EXERCISES, ids=str)
def test_a_stub_is_not_attempted_and_runs(exercise):
    verdict = exercises.judge(exercise.name, lesson_files.answer(exercise, exercise.stub))
    assert str(verdict).startswith("○ not attempted yet")


@pytest.mark.parametrize("exercise", EXERCISES, ids=str)
def test_the_solution_is_right(exercise):
    verdict = exercises.judge(exercise.name, lesson_files.answer(exercise, exercise.solution))
    assert verdict.mark == "✓", str(verdict)
    assert len(str(verdict).split()) >= 6, "✓ must come with a line that says why it matters"


@pytest.mark.parametrize(
    ("exercise", "source", "words"),
    [
        pytest.param(exercise, source, words, id=f"{exercise.name}-{number}")
        for exercise in EXERCISES
        for number, (source, words) in enumerate(MISTAKES.get(exercise.name, []))
    ],
)
def test_a_usual_mistake_gets_its_hint(exercise, source, words):
    verdict = exercises.judge(exercise.name, lesson_files.answer(exercise, source))
    assert verdict.mark == "✗"
    assert words and words in str(verdict)


@pytest.mark.parametrize("name", TASKS)
def test_an_open_tasks_evidence_is_judged(name):
    assert EVIDENCE[name] and len(MISTAKES[name]) >= 2
    for evidence in EVIDENCE[name]:
        verdict = exercises.judge_conclusion(name, evidence)
        assert verdict.mark == "✓" and len(str(verdict).split()) >= 6, str(verdict)
        untouched = {key: value if key == "prediction" else ... for key, value in evidence.items()}
        assert str(exercises.judge_conclusion(name, untouched)).startswith("○ not attempted yet")
        alone = {key: value for key, value in evidence.items() if key != "prediction"}
        assert "predict first" in str(exercises.judge_conclusion(name, alone))
    for evidence, words in MISTAKES[name]:
        verdict = exercises.judge_conclusion(name, evidence)
        assert verdict.mark == "✗" and words and words in str(verdict), str(verdict)
        assert "the check can't use" not in str(verdict), str(verdict)


def test_open_tasks_are_those_of_their_lessons_module():
    assert set(TASKS) == exercises.tasks()
    for name, number in TASKS.items():
        module = importlib.import_module(f"unet_course.exercises.lesson_{number}")
        assert name in module.OPEN_TASKS and name in module.CHECKS
    assert set(exercises.predictions()) <= set(TASKS)


@pytest.mark.parametrize("number", exercises.quizzes())
def test_a_quiz_says_why_each_choice_is_right_or_wrong(number):
    asked = exercises.quizzes()[number]
    assert len({question.right for question in asked.values()}) > 1, "always the same letter"
    for name, question in asked.items():
        assert list(question.why) == ["a", "b", "c"]
        assert len(set(question.why.values())) == 3 and min(map(len, question.why.values())) > 25
        for letter in question.why:
            verdict = judge_choice(asked, name, letter)
            assert verdict.mark == ("✓" if letter == question.right else "✗")
        assert judge_choice(asked, name, ...).mark == "○"


def test_quizzes_are_those_of_their_lessons_module():
    asked = {number: list(quiz.questions) for number, quiz in QUIZZES.items()}
    assert asked == {number: list(found) for number, found in exercises.quizzes().items()}


def test_every_lesson_has_its_open_task_and_its_quiz():
    lessons = {path.stem[:2] for path in lesson_files.LESSONS}
    assert set(TASKS.values()) == lessons - WITHOUT_OPEN_TASK
    assert set(QUIZZES) == lessons


def test_exercises_checks_and_mistakes_are_the_same_set():
    in_lessons = [*(exercise.name for exercise in EXERCISES), *TASKS]
    assert len(set(in_lessons)) == len(in_lessons)
    assert set(in_lessons) == set(exercises.checks())
    assert set(in_lessons) == {name for name, mistakes in MISTAKES.items() if mistakes}
    one_by_one = [
        len(importlib.import_module(f"unet_course.exercises.{name}").CHECKS)
        for name in exercises.lessons()
    ]
    assert sum(one_by_one) == len(exercises.checks()), "two lessons use the same name"


def test_each_lesson_has_its_own_checks():
    for exercise in EXERCISES:
        module = importlib.import_module(f"unet_course.exercises.lesson_{exercise.lesson.stem[:2]}")
        assert exercise.name in module.CHECKS


def test_the_checks_start_without_tensorflow():
    code = (
        "import sys; from unet_course import exercises; exercises.checks(); "
        "print([m for m in ('tensorflow', 'keras', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=lesson_files.ROOT
    )
    assert done.stdout.strip() == "[]", done.stderr
