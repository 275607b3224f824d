"""Names of the files that `run` and `export` write, checked before minutes are spent on making them."""

from __future__ import annotations

from pathlib import Path

# the forms a lesson is exported to, and the endings that each takes
FORMS = {
    "handout": (".ipynb",),
    "solutions": (".ipynb", ".html"),
    "slides": (".html",),
    "nbgrader": (".ipynb",),
}


def check_output_path(path: Path, endings: tuple[str, ...], lesson: Path | None = None) -> None:
    """Refuse an output file's name.

    Raises:
        ValueError, OSError: its ending is another, its folder isn't there, it is a folder, or it
            is the lesson itself.
    """
    if path.suffix not in endings:
        option = "--out" if lesson else "--csv"
        raise ValueError(f"{path}: {option} takes a name that ends in {' or '.join(endings)}")
    check_parent(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path}: is a folder; name a file")
    if lesson and path.resolve() == lesson.resolve():
        raise ValueError(f"{path}: is the lesson itself; name another file")


def check_output_folder(folder: Path, form: str) -> None:
    """Refuse the name of a folder for all lessons.

    Raises:
        ValueError, OSError: it is the name of a file, or the folder around it isn't there.
    """
    if folder.suffix in FORMS[form] and not folder.is_dir():
        raise ValueError(f"{folder}: all lessons go into a folder; name one with --out")
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder}: is a file; name a folder for all lessons")
    check_parent(folder)


def check_parent(path: Path) -> None:
    """Raise FileNotFoundError unless the folder around a path is there."""
    if not path.resolve().parent.is_dir():
        raise FileNotFoundError(f"{path.resolve().parent}: no such folder; make it first")
