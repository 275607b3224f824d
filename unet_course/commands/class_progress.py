"""Who in a class has solved what: reads many students' progress files, makes tables and a CSV.

A student's file is the `progress.json` that `exercises.solved` keeps: copied into a folder for each
student, as `NAME.json`, or read in place from the home folders of a hub, as root. So nothing in it is
trusted: only regular files are read, at most `LARGEST` bytes, and no student's text reaches a terminal
or a spreadsheet as it is.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from unet_course.commands import run_lesson
from unet_course.commands.lesson_parts import names_in
from unet_course.commands.terminal import clean
from unet_course.exercises.solved import FILE, decode
from unet_course.runtime import existing_folder

# where the file lies below a student's home; not part of anybody's name
USUAL = (".local/share/unet-course", "Library/Application Support/unet-course")
USUAL += ("AppData/Local/unet-course", "MyDrive/unet-course", "unet-course")
LARGEST = 1_000_000  # bytes; a student with every exercise done has about 5000
COPY = re.compile(r"(.+?) ?\(\d+\)\.json")  # what a browser calls the second file of a name


@dataclass(frozen=True)
class ClassProgress:
    """A class's progress, and what wasn't counted."""

    table: pd.DataFrame  # a row a student, a column a (lesson, name): 1 solved, 0 tried, NaN
    tries: list[int]  # of each student
    passed_over: list[str]

    def text(self, untouched: bool = False) -> str:
        """Return the tables and what was passed over; `untouched`: lessons that nobody has begun."""
        table, parts = self.table, []
        every = list(table.columns.unique("lesson"))
        shown = [of for of in every if untouched or table[of].notna().any(axis=None)] or every
        if table.empty:
            parts.append(f"No progress file found: each student's {FILE}, or NAME.json.")
        else:
            parts.append(_tables(table[shown]))
            if hidden := [of for of in every if of not in shown]:
                parts.append(f"Begun by nobody (--all shows them): {', '.join(hidden)}")
        if self.passed_over:
            parts.append("\n  ".join(["Not counted:", *self.passed_over]))
        return "\n\n".join(parts)

    def csv(self) -> str:
        """Return a row a student; for each name 1 solved, 0 tried, empty not tried."""
        table = self.table.astype("Int64").set_axis([" ".join(c) for c in self.table], axis=1)
        table.insert(0, "solved", table.sum(axis=1))
        table.insert(1, "tries", self.tries)
        # a spreadsheet computes what begins like a formula
        table.index = table.index.astype(str).str.replace(r"^(?=[=+@-])", "'", regex=True)
        return table.to_csv(index_label="student", lineterminator="\n")


def _tables(table: pd.DataFrame) -> str:
    lessons = table.columns.get_level_values("lesson")
    solved = table.T.groupby("lesson").sum().T.astype(int)
    students = solved.astype(str) + [f"/{sum(lessons == of)}" for of in solved]
    if len(solved.columns) > 1:
        students["all"] = solved.sum(axis=1).astype(str) + f"/{len(lessons)}"
    counts = {"solved": table.sum().astype(int), "tried": table.notna().sum()}
    exercises = pd.DataFrame(counts).set_axis([f"{of} {name}" for of, name in table.columns])
    count = "1 student" if len(table) == 1 else f"{len(table)} students"
    return f"""Solved, by lesson ({count}):
{students.rename_axis(columns="student").to_string()}

By exercise, open task and question, how many students solved and tried it:
{exercises.rename_axis(columns="exercise").to_string()}"""


def collect(folders: Iterable[Path], only: Iterable[str] | None = None) -> ClassProgress:
    """Read the progress files below some folders.

    Counted are each `progress.json` at any depth, under the name of the student's folder, and each
    other `NAME.json` directly in a folder. Nothing that can't be read stops the rest. `only` are
    the lessons to count, each by any of its names; `None` counts all.

    Raises:
        NotADirectoryError: a folder isn't there.
        LookupError: there is no such lesson.
    """
    roots = [existing_folder(folder, "Correct DIR.") for folder in folders]
    lessons = [(path, run_lesson.read(path)) for path in run_lesson.list_lessons()]
    pairs = [(path.name[:2], name) for path, lesson in lessons for name in names_in(lesson)]
    columns = pd.MultiIndex.from_tuples(pairs, names=["lesson", "exercise"])
    known = set(columns.get_level_values("exercise"))
    if only:
        columns = columns[columns.isin({run_lesson.find(name).name[:2] for name in only}, "lesson")]
    passed_over: list[str] = []
    found: dict[Path, tuple[Path, str, dict]] = {}  # by file: one folder may lie within another
    for root, path in [(one, path) for one in roots for path in _files(one, passed_over)]:
        try:
            progress = _read(path)
        except ValueError as error:
            passed_over.append(f"{path}: {error}")
            continue
        if strange := sorted(set(progress) - known):
            passed_over.append(f"{path}: not this course's exercises: {', '.join(strange[:5])}")
        if len(strange) < len(progress):
            found.setdefault(path.resolve(), (root, _student(path, root), progress))
    names = [name for _, name, _ in found.values()]
    students: dict[str, dict[str, tuple[bool, int]]] = {}
    for root, name, progress in found.values():  # a name that comes twice gets its folder before it
        full = name if names.count(name) == 1 else f"{_name(root.name)}/{name}"
        while full in students:
            full += "'"
        students[full] = progress
    students = dict(sorted(students.items()))
    rows = [[p[e][0] if e in p else None for _, e in columns] for p in students.values()]
    tries = [sum(p[e][1] for _, e in columns if e in p) for p in students.values()]
    table = pd.DataFrame(rows, list(students), columns, dtype=float)
    return ClassProgress(table, tries, [_name(line)[:500] for line in passed_over])


def _files(root: Path, passed_over: list[str]) -> list[Path]:
    """Return what may be a student's file; note what else is there."""
    files, begun = [], set()

    def unread(error: OSError) -> None:
        passed_over.append(f"{error.filename}: can't be looked into ({error.strerror})")
        begun.update(Path(error.filename).relative_to(root).parts[:1])

    for here, folders, names in os.walk(root, onerror=unread):
        folders.sort()
        for name in sorted(names):
            path, copied = Path(here, name), COPY.fullmatch(name)
            of = copied and f"{copied[1]}.json"
            if copied and (of == FILE or path.with_name(of).is_file()):
                passed_over.append(f"{path}: a browser's second {of}: remove it or give it a name")
            elif name == FILE or (path.parent == root and name.endswith(".json")):
                files.append(path)
            elif path.parent == root and name != f"{FILE}.lock":
                passed_over.append(f"{path}: not a progress file")
            if FILE in (name, of):
                begun.update(path.relative_to(root).parts[:1])
    empty = (p for p in sorted(root.iterdir()) if p.is_dir() and p.name not in begun)
    passed_over += [f"{path}: no {FILE} in it" for path in empty]
    return files


def _read(path: Path) -> dict[str, tuple[bool, int]]:
    """Return `{exercise: (solved, tries)}`; a ValueError says why the file isn't one."""
    flags = getattr(os, "O_NONBLOCK", 0)  # a pipe's other end isn't waited for
    try:
        with open(path, "rb", opener=lambda name, mode: os.open(name, mode | flags)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ValueError("not a progress file (a pipe or a device)")
            data = file.read(LARGEST + 1) or b""  # nothing yet, in some of the system's own files
    except OSError as error:
        raise ValueError(f"can't be read ({error.strerror})") from error
    if len(data) > LARGEST:
        raise ValueError("not a progress file (too large)")
    try:
        text, damaged = decode(data)
        if damaged:
            raise ValueError(damaged)
        known = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError("can't be read (it isn't JSON, or only part of it)") from error
    if known == {}:
        raise ValueError("empty: no exercise in it, and the course writes no such file")
    progress = {}
    for name, entry in known.items() if isinstance(known, dict) else [("", None)]:
        match entry:
            case {"done": bool(done), "tries": int(tries)} if 0 <= tries < 10**6:
                progress[name] = (done, tries)
            case _:
                raise ValueError("not a progress file")
    return progress


def _student(path: Path, root: Path) -> str:
    """Return a student's name: the file's, or that of the folders above the usual place."""
    where = f"/{path.relative_to(root).parent.as_posix()}".removesuffix("/.")
    usual = next((place for place in USUAL if where.endswith(f"/{place}")), "")
    above = where.removesuffix(usual).strip("/") or root.name
    return _name(above if path.name == FILE else path.stem)[:60] or "?"


def _name(text: str) -> str:
    return clean(text).replace("\n", "").strip()
