"""Names of the files that `run` and `export` write, checked before minutes are spent on making them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from unet_course import storage

# the forms a lesson is exported to, and the endings that each takes
FORMS = {"handout": (".ipynb",), "solutions": (".ipynb", ".html")}
FORMS |= {"slides": (".html",), "nbgrader": (".ipynb",)}


def check_output_path(path: Path, endings: tuple[str, ...], lesson: Path | None = None) -> None:
    """Refuse an output file's name, or with `endings` empty a folder's; the error says why."""
    if endings and path.suffix not in endings:
        option = "--csv" if endings == (".csv",) else "--out"
        raise ValueError(f"{path}: {option} takes a name that ends in {' or '.join(endings)}")
    if not path.resolve().parent.is_dir():
        raise FileNotFoundError(f"{path.resolve().parent}: no such folder; make it first")
    if endings and path.is_dir():
        raise IsADirectoryError(f"{path}: is a folder; name a file")
    if not endings and path.exists() and not path.is_dir():
        raise NotADirectoryError(f"{path}: is a file; name a folder for all lessons")
    if lesson and path.resolve() == lesson.resolve():
        raise ValueError(f"{path}: is the lesson itself; name another file")


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say which file it was that couldn't be written, and what to do."""
    try:
        yield
    except OSError as error:
        raise OSError(f"{path}: {storage.cure_for(error)}") from error
