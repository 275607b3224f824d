"""Who in a class has solved what: reads many students' progress files, makes a table and a CSV.

A student's file is the ``progress.json`` that `exercises.solved` keeps. How it got here is the
instructor's affair: copied into a folder for each student, as ``NAME.json``, or read in place from
the home folders of a hub.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import nbformat

from unet_course.commands import run_lesson
from unet_course.exercises.solved import FILE
from unet_course.runtime import existing_folder

# where the file lies below a student's home; not part of anybody's name
USUAL = [
    (".local", "share", "unet-course"),
    ("Library", "Application Support", "unet-course"),
    ("AppData", "Local", "unet-course"),
    ("MyDrive", "unet-course"),
    ("unet-course",),
]
LARGEST = 1_000_000  # bytes; a student with every exercise done has about 5000
COPY = re.compile(r"(.+?) ?\(\d+\)")  # what a browser calls the second file of a name


@dataclass(frozen=True)
class ClassProgress:
    """A class's progress.

    ``students`` has for each name ``{exercise: (solved, tries)}``, ``exercises`` the course's
    ``(lesson, exercise)`` in their order, ``passed_over`` a line for whatever wasn't counted.
    """

    students: dict[str, dict[str, tuple[bool, int]]]
    exercises: list[tuple[str, str]]
    passed_over: list[str]

    def solved(self, student: str, lesson: str | None = None) -> int:
        """Return how many exercises a student has solved, of one lesson or of all."""
        known = self.students[student]
        return sum(
            known.get(exercise, (False, 0))[0]
            for of, exercise in self.exercises
            if lesson in (None, of)
        )

    def text(self, untouched: bool = False) -> str:
        """Return the tables: students and lessons, then the exercises, then what was passed over.

        Args:
            untouched: show also the lessons that nobody has begun.
        """
        if self.students:
            begun = {name for known in self.students.values() for name in known}
            every = list(dict.fromkeys(of for of, _ in self.exercises))
            touched = {of for of, name in self.exercises if name in begun}
            lessons = [of for of in every if untouched or of in touched] or every
            parts = [self._by_student(lessons), self._by_exercise(lessons)]
            if hidden := [of for of in every if of not in lessons]:
                parts.append(f"Begun by nobody (--all shows them): {', '.join(hidden)}")
        else:
            parts = ["No progress file found."]
        if self.passed_over:
            parts.append("\n".join(["Not counted:", *(f"  {line}" for line in self.passed_over)]))
        return "\n\n".join(parts)

    def _by_student(self, lessons: list[str]) -> str:
        counts = {name: sum(lesson == name for lesson, _ in self.exercises) for name in lessons}
        rows = [["student", *lessons, "all"]]
        for student in self.students:
            solved = [self.solved(student, name) for name in lessons]
            row = [f"{n}/{counts[name]}" for n, name in zip(solved, lessons, strict=True)]
            rows.append([student, *row, f"{sum(solved)}/{sum(counts.values())}"])
        if len(lessons) == 1:  # "all" would say the same again
            rows = [row[:-1] for row in rows]
        return f"Exercises solved, by lesson ({_count(self.students)}):\n{_table(rows)}"

    def _by_exercise(self, lessons: list[str]) -> str:
        rows = [["lesson", "exercise", "solved", "tried"]]
        for lesson, exercise in self.exercises:
            if lesson in lessons:
                tried = [known[exercise] for known in self.students.values() if exercise in known]
                solved = sum(done for done, _ in tried)
                rows.append([lesson, exercise, str(solved), str(len(tried))])
        return f"By exercise, how many students solved and tried it:\n{_table(rows, texts=2)}"

    def csv(self) -> str:
        """Return a row a student; for each exercise 1 solved, 0 tried, empty not tried."""
        written = io.StringIO()
        table = csv.writer(written, lineterminator="\n")
        table.writerow(
            ["student", "solved", "tries", *(f"{of} {name}" for of, name in self.exercises)]
        )
        for student, known in self.students.items():
            cells = [int(known[name][0]) if name in known else "" for _, name in self.exercises]
            tries = sum(known[name][1] for _, name in self.exercises if name in known)
            table.writerow([student, self.solved(student), tries, *cells])
        return written.getvalue()


def collect(folders: Iterable[Path], only: Iterable[str] | None = None) -> ClassProgress:
    """Read the progress files below some folders.

    Counted are each ``progress.json`` at any depth, under the name of the student's folder, and
    each other ``NAME.json`` directly in a folder. Nothing that can't be read stops the rest.

    Args:
        folders: where to look.
        only: the lessons to count, each by any of its names; ``None`` counts all.

    Raises:
        NotADirectoryError: a folder isn't there, or is a file.
        LookupError: there is no such lesson.
    """
    roots = [existing_folder(folder, "Correct DIR.") for folder in folders]
    exercises = known_exercises()
    names = {exercise for _, exercise in exercises}
    if only:
        wanted = {run_lesson.find(lesson).name[:2] for lesson in only}
        exercises = [(of, name) for of, name in exercises if of in wanted]
    passed_over: list[str] = []
    found: list[tuple[Path, str, dict]] = []
    seen: set[Path] = set()
    for root in roots:
        for path in _files(root, passed_over):
            if path.resolve() in seen:  # a folder given twice, or within another
                continue
            seen.add(path.resolve())
            try:
                progress = _read(path)
            except ValueError as error:
                passed_over.append(f"{path}: {error}")
                continue
            strange = sorted(set(progress) - names)
            if strange:
                passed_over.append(f"{path}: not this course's exercises: {', '.join(strange)}")
            if set(progress) & names:
                found.append((root, _student(path, root), progress))
    students = _named(found)
    return ClassProgress(dict(sorted(students.items())), exercises, passed_over)


def known_exercises() -> list[tuple[str, str]]:
    """Return each exercise of the course as (lesson's number, its name), in order."""
    return [
        (path.name[:2], cell.id)
        for path in run_lesson.list_lessons()
        for cell in nbformat.read(path, as_version=4).cells
        if "exercise" in cell.metadata.get("tags", [])
    ]


def _files(root: Path, passed_over: list[str]) -> list[Path]:
    """Return what may be a student's file; note what lies about besides."""
    files = sorted(root.rglob(FILE))
    maybe = {*root.rglob(FILE.replace(".", "*.")), *root.glob("*.json")}
    copies = sorted(path for path in maybe if _original(path))
    passed_over += map(_copy, copies)
    for path in sorted(root.iterdir()):
        if path.is_dir():
            if not any(path in file.parents for file in [*files, *copies]):
                passed_over.append(f"{path}: no {FILE} in it")
        elif path.suffix == ".json":
            if path not in files and path not in copies:
                files.append(path)
        elif path.name != f"{FILE}.lock":
            passed_over.append(f"{path}: not a progress file")
    return files


def _original(path: Path) -> Path | None:
    """Return the file that ``path`` is a browser's second copy of, or ``None``.

    ``progress (1).json`` is one wherever it lies, ``anna (1).json`` beside ``anna.json``.
    """
    match = COPY.fullmatch(path.stem)
    original = match and path.with_name(f"{match[1]}.json")
    return original if original and (original.name == FILE or original.is_file()) else None


def _copy(path: Path) -> str:
    original = _original(path)
    if original.is_file():
        return f"{path}: a second {original.name}; keep the newer one, under that name"
    return f"{path}: whose? Name it after the student"


def _read(path: Path) -> dict[str, tuple[bool, int]]:
    """Return ``{exercise: (solved, tries)}``; a ValueError says why a file isn't one."""
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError("not a progress file (too large)")
        known = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"can't be read ({error.strerror})") from error
    except RecursionError as error:
        raise ValueError("not a progress file") from error
    except ValueError as error:
        if "progress" in str(error):
            raise
        raise ValueError("can't be read (it isn't JSON, or only part of it)") from error
    if not isinstance(known, dict):
        raise ValueError("not a progress file")
    if not known:
        raise ValueError("empty: no exercise in it, and the course writes no such file")
    progress = {}
    for name, entry in known.items():
        match entry:
            case {"done": bool(done), "tries": int(tries)}:
                progress[name] = (done, tries)
            case _:
                raise ValueError("not a progress file")
    return progress


def _student(path: Path, root: Path) -> str:
    if path.name != FILE:
        return path.stem
    parts = path.relative_to(root).parts[:-1]
    for usual in USUAL:
        if parts[-len(usual) :] == usual:
            parts = parts[: -len(usual)]
            break
    return "/".join(parts) or root.name


def _named(found: list[tuple[Path, str, dict]]) -> dict[str, dict]:
    """Return the students by name; a name that comes twice gets its folder before it."""
    names = [name for _, name, _ in found]
    students: dict[str, dict] = {}
    for root, name, progress in found:
        full = name if names.count(name) == 1 else f"{root.name}/{name}"
        while full in students:
            full += "'"
        students[full] = progress
    return students


def _table(rows: list[list[str]], texts: int = 1) -> str:
    """Return rows in columns, the first ``texts`` to the left and numbers to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i < texts else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _count(students: dict) -> str:
    return "1 student" if len(students) == 1 else f"{len(students)} students"
