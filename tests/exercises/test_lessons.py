"""Every lesson's exercises: the stub ○, the solution ✓, each usual mistake ✗ with its hint."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import lesson_files
import pytest

from unet_course import exercises

EXERCISES = [e for path in lesson_files.LESSONS for e in lesson_files.exercises(path)]


def _mistakes() -> dict[str, list[tuple[str, str]]]:
    found = {}
    for path in sorted(Path(__file__).parent.glob("test_lesson_*.py")):
        spec = importlib.util.spec_from_file_location(f"mistakes_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found |= module.MISTAKES
    return found


MISTAKES = _mistakes()


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


def test_exercises_checks_and_mistakes_are_the_same_set():
    in_lessons = [exercise.name for exercise in EXERCISES]
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
