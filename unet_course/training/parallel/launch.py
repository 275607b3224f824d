"""Start the processes of a data-parallel run on this machine, watch them, and leave none behind."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

WORKER = "unet_course.training.parallel.worker"
PATIENCE = 60  # seconds that the others have to end once one has failed


class ParallelError(RuntimeError):
    """A process of the run failed or took too long; the message has each one's last lines."""


def launcher(name: str) -> str:
    """The text of a file that starts the worker elsewhere: one_box.sh, slurm.sbatch or job.yaml."""
    return (Path(__file__).parent / "launchers" / name).read_text(encoding="utf-8")


def free_port() -> int:
    """A port of this machine's own address, 127.0.0.1, at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Processes:
    """The processes of one run, each on a core of its own; a context manager that ends them all.

    Args:
        folder: what they train; see `settings.write`.
        world: how many there are.
        started: how many of them are really started; the others never come. An experiment.
        to_come: seconds that the processes wait for each other at the start.

    A process ends as well when the one that started it ends, however that ends.
    """

    def __init__(
        self, folder: Path | str, world: int, started: int | None = None, to_come: int = 300
    ):
        self.world, self.to_come = world, to_come
        self.running: list[subprocess.Popen] = []
        self.ended: dict[int, float] = {}  # rank: seconds after the start, or after `kill`
        self.folder = Path(folder)
        coordinator = f"127.0.0.1:{free_port()}"
        self._began = time.perf_counter()
        try:
            for rank in range(world if started is None else started):
                self.running.append(self._start(rank, coordinator))
        except BaseException:
            self.close()
            raise

    def _start(self, rank: int, coordinator: str) -> subprocess.Popen:
        env = os.environ | {
            "RANK": str(rank),
            "WORLD_SIZE": str(self.world),
            "COORDINATOR": coordinator,
            "SECONDS_TO_COME": str(self.to_come),
            # the same network is compiled once, not in each run
            "JAX_COMPILATION_CACHE_DIR": str(self.folder / "compiled"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            # half the seconds of a short run; its steps take as long as with all optimisations
            "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} --xla_backend_optimization_level=1",
            "KERAS_BACKEND": "jax",
            "JAX_PLATFORMS": "cpu",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        # one process, one core, as one process has one graphics card elsewhere
        command = [sys.executable, "-m", WORKER, str(self.folder), "--tethered", "--one-core"]
        with self._log(rank).open("wb") as log:
            return subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, env=env
            )

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """End every process that still runs, and wait until it has ended."""
        for process in self.running:
            if process.poll() is None:
                process.kill()
        for process in self.running:
            process.wait()
            if process.stdin:
                process.stdin.close()

    def kill(self, rank: int) -> None:
        """End one process without any warning, as a machine that loses its power does."""
        self.running[rank].kill()
        self.running[rank].wait()
        self._began = time.perf_counter()

    def poll(self) -> list[int | None]:
        """The exit status of each process, by rank; None while it runs."""
        found = [process.poll() for process in self.running]
        for rank, status in enumerate(found):
            if status is not None:
                self.ended.setdefault(rank, time.perf_counter() - self._began)
        return found

    def wait(self, timeout: float, until: Callable[[], bool] | None = None) -> list[int | None]:
        """Wait until all have ended, or `until()` is true; returns what `poll` does.

        Once one has failed, the others have `PATIENCE` seconds to notice; then they are ended.

        Raises:
            ParallelError: that takes more than `timeout` seconds. All are ended.
        """
        failed_at = None
        deadline = time.perf_counter() + timeout
        while True:
            found = self.poll()
            if None not in found or (until and until()):
                return found
            now = time.perf_counter()
            if any(found) and failed_at is None:
                failed_at = now
            if failed_at is not None and now - failed_at > PATIENCE:
                self.close()
                return self.poll()
            if now > deadline:
                self.close()
                raise ParallelError(f"not done after {timeout:.0f} s\n{self.last_lines()}")
            time.sleep(0.05)

    def log(self, rank: int) -> str:
        """What a process has printed so far."""
        return self._log(rank).read_text(encoding="utf-8", errors="replace")

    def _log(self, rank: int) -> Path:
        return self.folder / f"rank-{rank}.log"

    def last_lines(self, number: int = 3) -> str:
        """The last lines that each process printed."""
        lines = []
        for rank in range(len(self.running)):
            lines += [f"[{rank}] {line}" for line in self.log(rank).splitlines()[-number:]]
        return "\n".join(lines)


def train(folder: Path | str, world: int, timeout: float = 1800) -> float:
    """Train the folder's runs with `world` processes; returns the seconds that it took.

    Raises:
        ParallelError: a process failed, or it takes more than `timeout` seconds.
    """
    began = time.perf_counter()
    with Processes(folder, world) as processes:
        if any(processes.wait(timeout)):
            raise ParallelError(f"a process failed\n{processes.last_lines()}")
    return time.perf_counter() - began
