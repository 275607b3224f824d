"""Keep what is solved and predicted in the student's own folder, safe when two notebooks write.

Each exercise, open task and question has an entry: whether it is done, and how often it was tried. An
open task's has the first prediction, too, and the last change of mind, each as a JSON text.
"""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from unet_course import runtime, storage

FILE = "progress.json"
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
LARGEST = 1_000_000  # bytes; with every exercise solved it has about 5000
PREDICTIONS = ("prediction", "changed_to")
# an entry; a prediction's text may hold braces
ENTRY = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:\s*(\{[^{}]*\}|\{(?:[^{}"]|"(?:[^"\\]|\\.)*")*\})')


def record(name: str, done: bool) -> str | None:
    """Count a try at an exercise; once done it stays done. Return the trouble, if any, in words.

    What the file holds and can't be read is kept in a copy next to it before anything is written.
    """
    return _change(name, lambda e: e.update(done=e["done"] or done, tries=e["tries"] + 1))


def record_prediction(name: str, value: object) -> tuple[object, str | None]:
    """Keep a prediction, or, if there is one, this one as a change of mind.

    Args:
        name: the open task's.
        value: anything that JSON holds.

    Returns:
        The first prediction, None if this one can't be kept, and the trouble, if any, in words.
    """
    first = [None]

    def keep(entry: dict) -> None:
        first[0] = json.loads(entry.setdefault("prediction", json.dumps(value)))
        if first[0] != value:
            entry["changed_to"] = json.dumps(value)

    trouble = _change(name, keep)
    return first[0], trouble


def read_prediction(name: str) -> object | None:
    """Return an open task's first prediction, or None."""
    kept = read().get(name, {}).get("prediction")
    return None if kept is None else json.loads(kept)


def _change(name: str, change: Callable[[dict], None]) -> str | None:
    """Change an exercise's entry. Return the trouble, if any, in words."""
    try:
        folder = runtime.user_dir()
        with _locked(folder):
            known, damaged = load(folder / FILE)
            kept = _keep_copy(folder / FILE) if damaged else None
            change(known.setdefault(name, {"done": False, "tries": 0}))
            storage.write_text(folder / FILE, json.dumps(known, indent=1, sort_keys=True) + "\n")
    except Timeout:
        return f"another notebook has held {FILE} for five seconds"
    except OSError as error:
        return storage.cure_for(error).removesuffix(".")
    if kept:
        return (
            f"{FILE} was damaged ({damaged}): {len(known) - 1} exercises could be read and are kept; "
            f"the file as it was is {kept.name} in {folder}"
        )
    return None


def read() -> dict[str, dict]:
    """Return `{name: {"done": bool, "tries": int}}`; empty when nothing was tried yet.

    A predicted open task's entry has a `prediction`, and perhaps a `changed_to`. Of a damaged file, what can be read.
    """
    try:
        return load(runtime.user_dir() / FILE)[0]
    except OSError:
        return {}


def load(path: Path) -> tuple[dict[str, dict], str]:
    """Read a progress file: the entries that can be read, and what is wrong with the rest, or "".

    Raises:
        OSError: there is a file, and it can't be read; without a file the result is empty.
    """
    try:
        with open(path, "rb", opener=_no_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return {}, "it is no file"
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        return {}, ""
    if len(data) > LARGEST:
        return {}, "it is far too large"
    text, damaged = decode(data)
    try:
        found = json.loads(text)
        if not isinstance(found, dict):
            found, damaged = {}, "it holds something else"
    except (ValueError, RecursionError):
        found, damaged = dict(_salvaged(text)), "it isn't JSON, or only part of it"
    known = {}
    for name, entry in found.items():
        try:
            tries = int(entry["tries"])
            if not 0 <= tries < 10**6 or not isinstance(entry["done"], bool):
                raise ValueError
            known[str(name)] = {"done": entry["done"], "tries": tries}
            for part in set(PREDICTIONS) & set(entry):
                json.loads(entry[part])
                known[str(name)][part] = entry[part]
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            damaged = damaged or f"the entry {str(name)[:40]!r}"
    return known, damaged


def decode(data: bytes) -> tuple[str, str]:
    """Return a file's text, in whichever encoding an editor has saved it, and what is wrong, or ""."""
    try:
        return data.decode("utf-16" if data[:2] in UTF_16 else "utf-8-sig"), ""
    except UnicodeDecodeError:
        return data.decode("utf-8", errors="replace"), "it isn't UTF-8"


def _salvaged(text: str) -> Iterator[tuple[str, dict]]:
    """The entries of a text that is no JSON as a whole."""
    for match in ENTRY.finditer(text):
        with contextlib.suppress(ValueError):
            yield json.loads(f'"{match[1]}"'), json.loads(match[2])


def _keep_copy(path: Path) -> Path:
    """Move a damaged file to a name of its own, `progress.damaged-1.json`, -2, …"""
    number = 1
    while (copy := path.with_name(f"progress.damaged-{number}.json")).exists():
        number += 1
    storage.replace(path, copy)
    return copy


def _no_waiting(path: str, flags: int) -> int:
    """Open without waiting for the other end of a named pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; on a file system without locks go on without one."""
    lock = FileLock(str(folder / f"{FILE}.lock"), timeout=5)
    try:
        lock.acquire()
    except NotImplementedError:
        pass
    except OSError as error:
        if isinstance(error, Timeout) or not storage.lacks_locks(error):
            raise
    try:
        yield
    finally:
        lock.release()
