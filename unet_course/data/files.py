"""Open what lies in somebody's folder with care: pipes, loops, rights, and who must restore it."""

from __future__ import annotations

import errno
import os
import stat
import warnings
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from unet_course import runtime
from unet_course.data.layouts import DataError, plain

ONE_GRID = "All files of a case lie on one grid."
RESAMPLE = (
    "Was it resampled, cropped or turned, or is it another scan's or time point's? Resample it to the "
    "others' grid (SimpleITK, ANTs; masks by nearest neighbours)."
)


def restore(path: Path | str, command: str) -> str:
    """The cure for a damaged file; `command` fetches its set again: "data lgg" or "data brats"."""
    if runtime.cache_dir() in Path(os.path.abspath(path)).parents:
        return "It belongs to the course's own sample: `unet-course data sample` makes it again."
    return (
        f"If it came with a data set, unpack it from its archive again (`unet-course {command}`). If "
        "it is your own, write it again: the program that made it may have been stopped half-way."
    )


def instead(path: Path | str, cure: str, command: str) -> str:
    """The cure for a whole file that isn't as it should be: what one does with a file of one's own."""
    if runtime.cache_dir() in Path(os.path.abspath(path)).parents:
        return restore(path, command)
    return (
        f"{cure} If a data set came with it, unpack the set's own again (`unet-course {command}`)."
    )


def size_of(path: Path | str, command: str, largest: int | None = None) -> int:
    """The size in bytes of a file; DataError: missing, empty, no regular file, or too large."""
    try:
        facts = os.stat(path)
    except OSError as error:
        raise unopened(path, error, command) from error
    if stat.S_ISDIR(facts.st_mode):
        cure = "If the file lies inside it, move it out under this name. Else remove the folder."
        raise DataError(path, "a folder where a file should be", f"{cure} {restore(path, command)}")
    if not stat.S_ISREG(facts.st_mode):
        kind = "a named pipe" if stat.S_ISFIFO(facts.st_mode) else "a device or socket"
        raise DataError(path, f"{kind} where a file should be", "Remove it, or name another file.")
    if facts.st_size == 0:
        raise DataError(path, "the file is empty", restore(path, command))
    if largest and facts.st_size > largest:
        what = f"has {facts.st_size:,} bytes, where {largest:,} are plenty"
        raise DataError(path, what, f"Something else was saved here. {restore(path, command)}")
    return facts.st_size


def unopened(path: Path | str, error: OSError, command: str) -> DataError:
    """The `DataError` for a file or folder that the system refuses to open."""
    if isinstance(error, PermissionError):
        return DataError(
            path,
            "may not be read: permission denied",
            "Give yourself the right to read it (Linux and macOS: chmod -R u+rX FOLDER; "
            "Windows: Properties, Security).",
        )
    if isinstance(error, FileNotFoundError):
        if os.path.islink(path):
            return DataError(path, "a link that leads nowhere", "Correct or remove the link.")
        return DataError(path, "no such file", restore(path, command))
    if error.errno == errno.ELOOP:
        return DataError(path, "a link that leads back to itself", "Correct or remove the link.")
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return DataError(path, "can't be opened: too many files are open", "Close some programs.")
    reason = error.strerror or type(error).__name__
    return DataError(path, f"can't be read: {reason}", restore(path, command))


def kind_of(start: bytes, kinds: dict[bytes, str]) -> str:
    """What a foreign file is, by its first bytes: one of `kinds`, text or something else."""
    for magic, name in kinds.items():
        if start.startswith(magic):
            return name
    if all(32 <= byte < 127 or byte in (9, 10, 13) for byte in start):
        return f"text (it begins with {start.decode('ascii')!r})"
    return "something else"


def walk(
    folder: Path | str, is_wanted: Callable[[str, bool], object], key: Callable | None = None
) -> Iterator[tuple[Path, dict[str, bool] | OSError]]:
    """Yield every folder under one, itself included, with its `list_folder` or the error.

    Linked folders are followed, each real folder once, so that a link that leads back up ends.
    Hidden folders and `__MACOSX` are passed over; order is by name. `is_wanted`, of a name and
    whether it is a folder, says what is looked into; a file or a dead link is yielded with its error.
    """
    pending, seen = [Path(folder)], set()
    while pending:
        here = pending.pop()
        real = os.path.realpath(here)
        if real in seen:
            continue
        seen.add(real)
        try:
            inside = list_folder(here)
        except OSError as error:
            yield here, error
            continue
        yield here, inside
        names = [
            name
            for name, is_folder in inside.items()
            if name != "__MACOSX" and is_wanted(name, is_folder)
        ]
        names.sort(key=key, reverse=True)  # popped from the end, so smallest name first
        pending += [here / name for name in names]


def list_folder(folder: Path | str) -> dict[str, bool]:
    """Names in a folder, each with whether it is a folder itself; hidden ones are left out.

    An entry that can't be looked at, such as a link that loops, is no folder. Raises OSError where
    the folder itself can't be listed.
    """
    found = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            try:
                found[entry.name] = entry.is_dir()
            except OSError:
                found[entry.name] = False
    return found


def warn_left_out(folder: Path | str, why: str, faults: Collection[str], depth: int = 1) -> None:
    """Warn of what a search leaves out, at most ten by name, and say what reads every file.

    Args:
        folder: that was searched.
        why: of all of them, such as `"incomplete"`.
        faults: each with its own reason.
        depth: how many calls lie between here and the caller that is to be named.
    """
    shown = [*faults][:10]
    more = [f"and {len(faults) - len(shown)} more"] if len(faults) > len(shown) else []
    text = f"left out, {why}: {'; '.join(shown + more)}. Run: unet-course data check {folder}"
    warnings.warn(plain(text), stacklevel=depth + 2)
