"""Write files whole or not at all, and say what to do where there is no room or no right."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import stat
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


LARGEST_TEXT = 2**24  # bytes of a file that the course keeps its own facts in


def expect_file(path: Path, largest: int | None = None) -> None:
    """Raise OSError unless this is a regular file, no pipe or device, of at most so many bytes."""
    facts = os.stat(path)
    if not stat.S_ISREG(facts.st_mode):
        raise OSError(errno.EINVAL, "no regular file", str(path))
    if largest is not None and facts.st_size > largest:
        raise OSError(errno.EINVAL, f"has {facts.st_size:,} bytes, far too many", str(path))


def read_text(path: Path) -> str:
    """Read a small text file of the course's own. Raises OSError (what isn't one), ValueError."""
    expect_file(path, LARGEST_TEXT)
    return path.read_text(encoding="utf-8")


def read_facts(path: Path, what: str, version: int, keys: set[str], cure: str) -> dict:
    """Read a JSON file of facts, such as a plan, whose entry `format` is its version.

    Raises:
        ValueError: it isn't `what`, of this version and with these keys; the message ends in `cure`.
        OSError: there is no such file, or it isn't one that holds text.
    """
    try:
        found = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} isn't JSON ({error}): {cure}") from error
    if not isinstance(found, dict) or found.get("format") != version or not found.keys() >= keys:
        raise ValueError(f"{path} isn't {what} of this version: {cure}")
    return found


def checksum(path: Path) -> int:
    """CRC-32 of a regular file, read a piece at a time. Raises OSError."""
    expect_file(path)
    found = 0
    with open(path, "rb") as file:
        while block := file.read(2**20):
            found = zlib.crc32(block, found)
    return found


def write_text(path: Path, text: str) -> None:
    """Write a text file so that a reader sees the old or the new content, never half of one."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        # mkstemp makes the file private; keep what the replaced one allowed
        with contextlib.suppress(PermissionError):  # a mounted drive that knows no modes
            os.chmod(name, path.stat().st_mode & 0o777 if path.exists() else 0o644)
        replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def remove(path: Path) -> None:
    """Remove a folder, a file or a link, whichever it is; what a link leads to stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def replace(source: Path | str, target: Path | str, tries: int = 20) -> None:
    """`os.replace`, tried again for a second where Windows refuses as somebody reads the target."""
    for left in reversed(range(tries if os.name == "nt" else 1)):
        try:
            os.replace(source, target)
            return
        except PermissionError:
            if not left:
                raise
            time.sleep(0.05)


def expect_room(folder: Path, needed: float) -> None:
    """Raise OSError unless the disk of a folder has room for so many bytes."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        what = f"{needed / 1e6:,.1f} MB are needed, {free / 1e6:,.1f} MB are free"
        raise OSError(errno.ENOSPC, what, str(folder))


def is_full(error: BaseException) -> bool:
    """Whether an error, of the system, NumPy or h5py, says that there is no room."""
    said = str(error)
    return (
        getattr(error, "errno", None) in FULL
        or "requested and" in said  # NumPy: "196608 requested and 171808 written"
        or f"errno = {errno.ENOSPC}" in said
        or "No space left" in said
    )


@contextlib.contextmanager
def locked(path: Path, timeout: float = -1) -> Iterator[None]:
    """Hold a lock file; where the file system has no locks (`lacks_locks`), go on without.

    Raises filelock's Timeout where another holds it, OSError where it can't be written.
    """
    lock = FileLock(path, timeout=timeout)
    try:
        lock.acquire()
    except Timeout:
        raise
    except NotImplementedError:
        pass
    except OSError as error:
        if not lacks_locks(error):
            raise
    try:
        yield
    finally:
        lock.release()


def lacks_locks(error: OSError) -> bool:
    """Whether the file system has no locks, as some network drives."""
    return error.errno in {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


def cure_for(error: BaseException) -> str:
    """What went wrong in writing, and what to do, as a sentence."""
    if is_full(error):
        detail = error.strerror if getattr(error, "errno", None) in FULL else str(error)
        return f"the disk is full ({detail}). Free some room."
    if isinstance(error, PermissionError):
        return "it may not be written (permission denied). Choose a folder of your own."
    if getattr(error, "errno", None) == errno.EROFS:
        return "it lies on a read-only file system. Choose another folder."
    if getattr(error, "errno", None) in {errno.EIO, getattr(errno, "ESTALE", errno.EIO)}:
        return f"the disk or network drive fails ({error.strerror}). Choose another folder."
    return f"{error}."
