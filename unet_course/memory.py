"""Peak memory of a process and of all processes that it started."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import sys
import threading
from pathlib import Path

import psutil


def peak_memory_gb() -> float:
    """Return the sum of the peaks of this process and of its living children, in GB (10⁹)."""
    me = psutil.Process()
    total = 0
    for process in [me, *me.children(recursive=True)]:
        # it may end between being listed and being asked
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            total += _peak_bytes(process)
    return total / 1e9


def _peak_bytes(process: psutil.Process) -> int:
    now = process.memory_info()
    if hasattr(now, "peak_wset"):  # Windows
        return now.peak_wset
    status = Path(f"/proc/{process.pid}/status")
    if status.exists():  # Linux
        for line in status.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    if process.pid == os.getpid() and sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return now.rss


def give_back() -> None:
    """Collect garbage, and return freed memory to the system where the C library can (Linux)."""
    gc.collect()
    if sys.platform == "linux":
        # glibc keeps freed memory for later; other C libraries have no such call
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim:
            trim(0)


class MemoryWatch:
    """Watch the memory of a process and its descendants; `peak_gb` is the highest sum seen.

    A page shared by several processes is counted once on Linux, elsewhere in each. Samples are taken
    every `every` seconds. With `own=False` only the descendants count, not the process itself.

    >>> with MemoryWatch(every=0.01) as watch:
    ...     block = bytearray(50_000_000)
    >>> watch.peak_gb > 0.05
    True
    """

    def __init__(self, pid: int | None = None, every: float = 0.5, own: bool = True):
        self.process, self.own, self.every = psutil.Process(pid), own, every
        self.peak_gb = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._sample()
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.is_set():
            self._sample()
            self._stop.wait(self.every)

    def _sample(self) -> None:
        try:
            family = self.process.children(recursive=True)
        except psutil.NoSuchProcess:
            return
        if self.own:
            family.append(self.process)
        private, shares, files = 0, 0, 0
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied, OSError):
                held, share, whole = _held_bytes(process)
                private, shares, files = private + held, shares + share, max(files, whole)
        # other programs that use the same libraries make the shares smaller; together these
        # processes hold at least what the largest of them has mapped
        self.peak_gb = max(self.peak_gb, (private + max(shares, files)) / 1e9)


def _held_bytes(process: psutil.Process) -> tuple[int, int, int]:
    """Return the bytes of its own, its share of mapped files' pages, and those pages whole."""
    rollup = Path(f"/proc/{process.pid}/smaps_rollup")
    try:
        lines = rollup.read_text(encoding="utf-8").splitlines()[1:]
        sizes = {line.partition(":")[0]: int(line.split()[1]) * 1024 for line in lines}
        share = sizes["Pss_File"]
        # on Linux `shared` is the resident pages of files
        return sizes["Pss"] - share, share, process.memory_info().shared
    except (OSError, LookupError, ValueError):
        return process.memory_info().rss, 0, 0
