"""The student's own copies of the lessons: made, renewed where untouched, never written over.

They are in `my_lessons` next to the clone's `notebooks` (git ignores it), else in the user's data
folder. When a lesson changes in the course, a copy that nobody has touched is renewed; one that was
changed, or only run, stays, and the new lesson is put next to it under another name. A copy that
can't be opened any more is put aside, a new one made, and what can be read of it kept as a notebook.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import itertools
import json
import os
from pathlib import Path

from unet_course import runtime, storage
from unet_course.commands import output_files, run_lesson
from unet_course.commands.opening import notebook_files, python_path

COPIES = "my_lessons"
MANIFEST = ".unet-course.json"  # by a copy's name the digest of the lesson it was made from


def student_folder(originals: bool = False) -> tuple[Path, list[str]]:
    """Return the folder of the student's copies, made or renewed, and what to tell about it.

    With `originals` that of the lessons themselves; a LookupError where there is no clone.
    """
    origin = run_lesson.folder()
    if originals and runtime.PACKAGE in origin.parents:
        raise LookupError("--originals: they are in a clone of the course; change to its folder")
    if originals:
        return origin, []
    target = origin.parent / COPIES
    # an installed package, somebody else's clone, or a folder that root has made in it
    if runtime.PACKAGE in origin.parents or not _writable(target):
        target = runtime.user_dir() / COPIES
    if not _writable(target):
        cure = f"Set {runtime.USER_VARIABLE} to a folder that you may write to"
        raise PermissionError(f"{target}: your copies of the lessons can't be made there. {cure}.")
    hiding = [
        f"{target / name} would be imported in place of the module {name}: rename that file or folder"
        for name in python_path.hidden_by(str(target))
    ]
    if (target / "matplotlibrc").is_file():  # Matplotlib looks there first
        hiding.append(f"{target / 'matplotlibrc'} changes the lessons' figures: move it elsewhere")
    return target, [*_copy_all(origin, target), *hiding]


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def _copy_all(origin: Path, target: Path) -> list[str]:
    manifest = target / MANIFEST
    try:
        known = json.loads(manifest.read_text(encoding="utf-8"))
        known = known if isinstance(known, dict) else {}
    except (OSError, ValueError):
        known = {}
    told, made, before_all = [], 0, dict(known)
    for source in run_lesson.list_lessons(origin):
        mine, before = target / source.name, len(told)
        try:
            made += _copy(source, mine, known, told)
        except OSError as error:
            if storage.is_full(error):
                raise OSError(f"{target}: {storage.cure_for(error)}") from error
            told[before:] = [f"{mine}: {storage.cure_for(error)}"]
    if known != before_all:
        with output_files.writing(manifest):
            storage.write_text(manifest, json.dumps(known, indent=1, sort_keys=True) + "\n")
    if not run_lesson.list_lessons(target):
        raise OSError("\n".join(told))
    if made:
        told.insert(0, f"Lessons copied from the course, for you to write in: {made}")
    return told


def _copy(source: Path, mine: Path, known: dict, told: list[str]) -> bool:
    """Make or renew one copy; return whether it was written."""
    text = source.read_text(encoding="utf-8")
    if runtime.PACKAGE in source.parents:  # no clone, so the pages it links to aren't there
        text = with_addresses(text)
    new, now = _digest(text.encode()), None
    if mine.exists() or mine.is_symlink():
        if not mine.is_file():
            raise OSError("it is no regular file, so the lesson isn't copied")
        now = _digest(mine.read_bytes().replace(b"\r\n", b"\n"))
    if now not in (None, new, known.get(mine.name)) and (fault := _set_aside_if_damaged(mine)):
        told.append(fault)
        now = None
    written = now is None or (now == known.get(mine.name) and now != new)
    if written:
        storage.write_text(mine, text)
    elif new not in (now, known.get(mine.name)):
        beside = _free_name(mine, "-new{}.ipynb", text)
        storage.write_text(beside, text)
        kept = "has changed in the course. Yours stays as it is; the new one is next to it"
        told.append(f"{mine.name} {kept}: {beside.name}")
    known[mine.name] = new
    return written


def _set_aside_if_damaged(mine: Path) -> str:
    """Rename a copy that JupyterLab can't open; return what to tell, or nothing if it is sound."""
    try:
        said = mine.read_bytes()
        json.loads(said.decode("utf-8"))  # as JupyterLab reads it
        notebook_files.parse(notebook_files.read_text(mine))
        return ""
    except ValueError as error:
        fault = str(error).partition("\n")[0][:100]
    try:
        text = notebook_files.read_text(mine)
    except ValueError:
        text = said.decode("utf-8", errors="replace")
    try:
        rescued, what = notebook_files.parse(text), "all of it"
    except ValueError:
        rescued, what = notebook_files.rescue(text), "what can be read of it"
    aside = _free_name(mine, "-damaged{}.txt")
    storage.replace(mine, aside)
    kept = f"{mine.name} can't be opened ({fault}): it is kept as {aside.name}, a new copy is made"
    if rescued is None:
        return kept
    beside = _free_name(mine, "-rescued{}.ipynb")
    run_lesson.write(rescued, beside)
    return f"{kept}, and {what} is in {beside.name}"


def _free_name(mine: Path, ending: str, text: str | None = None) -> Path:
    """Return the first name that nobody has, or under which the same text is kept already."""
    for number in itertools.count():
        path = mine.with_name(mine.stem + ending.format(number or ""))
        if not path.exists() or (text is not None and path.read_bytes() == text.encode()):
            return path
    raise AssertionError


def with_addresses(text: str) -> str:
    """Return a lesson's text with its links to the course's other pages as the repository's."""
    about = importlib.metadata.metadata("unet-course").get_all("Project-URL", [])
    address = next(line.split(", ")[1] for line in about if line.startswith("Repository, "))
    return text.replace("](../", f"]({address}/blob/HEAD/")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
