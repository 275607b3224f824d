"""What a peer needs besides its library: the task's folder, a clock, and where its results go.

It runs in each peer's own environment and imports NumPy alone.

A task is a folder that `prepare.py` writes: `task.json` (kind, ids to train and to test on, spacing),
`cases/ID/images.npy` in the files' own units, channels last, and `cases/ID/masks.npy` of those to train on.
A peer writes `ID.npy` for each case to test on and `about.json` to its output folder, all or nothing.
"""

import argparse
import json
import math
import os
import resource
import shutil
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np


def processor_seconds() -> float:
    """Processor time of this process, shared out over the cores: `timed_training.processor_seconds`."""
    return time.process_time() / (os.cpu_count() or 1)


CLOCKS = {"wall": time.perf_counter, "processor": processor_seconds}


def arguments(what: str) -> argparse.Namespace:
    """The options that all peers have."""
    parser = argparse.ArgumentParser(description=what.split("\n")[0])
    parser.add_argument("task", type=Path, metavar="TASK", help="the folder that prepare.py wrote")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder for the results")
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rate", type=float, help="another learning rate than the recipe's")
    options = parser.parse_args()
    if options.minutes <= 0:
        parser.error("--minutes must be positive")
    if not (options.task / "task.json").is_file():
        parser.error(f"{options.task}: no task.json in it; compare.py or prepare.py writes one")
    return options


class Task:
    """A folder written by `prepare.py`."""

    def __init__(self, folder: Path, *kinds: str):
        about = json.loads((folder / "task.json").read_text(encoding="utf-8"))
        self.folder, self.kind = folder, about["kind"]
        self.train, self.test = about["train"], about["test"]
        if self.kind not in kinds:
            sys.exit(f"{folder} is a task of {self.kind}; this peer has {', '.join(kinds)}")

    def images(self, id: str) -> np.ndarray:
        """(slices, 256, 256, 3) uint8 of LGG, (x, y, z, 4) of BraTS: T1, T1ce, T2, FLAIR."""
        return np.load(self.folder / "cases" / id / "images.npy")

    def masks(self, id: str) -> np.ndarray:
        """(slices, 256, 256) of LGG, (x, y, z, 3) of BraTS: WT, TC, ET; uint8, 0 and 1."""
        return np.load(self.folder / "cases" / id / "masks.npy")


class Clock:
    """Training time. `share` goes from 0 to 1 over the minutes; `tick` counts a step."""

    def __init__(self, minutes: float, kind: str):
        self._read, self.budget = CLOCKS[kind], 60 * minutes
        self._started, self.steps = 0.0, 0

    def start(self) -> None:
        """Start the minutes, after what is outside them: reading, preparing, compiling."""
        self._started = self._read()

    @property
    def seconds(self) -> float:
        return self._read() - self._started

    @property
    def share(self) -> float:
        return min(1.0, self.seconds / self.budget)

    def tick(self) -> bool:
        """Count a step and say whether there is time for another."""
        self.steps += 1
        return self.share < 1

    def cosine(self) -> float:
        """What is left of the learning rate in a cosine schedule over the minutes: 1 to 0."""
        return 0.5 * (1 + math.cos(math.pi * self.share))

    def facts(self) -> dict:
        """Steps and seconds for `about.json`; call it at the end of the training."""
        return {"steps": self.steps, "seconds": round(self.seconds, 1)}


def brain_box(images: np.ndarray) -> tuple[slice, ...]:
    """The box outside of which all channels are 0."""
    found = []
    inside = images.any(-1)
    for axis in range(inside.ndim):
        there = np.flatnonzero(inside.any(tuple(i for i in range(inside.ndim) if i != axis)))
        found.append(slice(int(there[0]), int(there[-1]) + 1))
    return tuple(found)


def finish(
    out: Path, task: Task, predict: Callable[[str], np.ndarray], about: dict, *packages: str
) -> None:
    """Predict each case to test on and write the results; the folder appears once all are there."""
    part = out.with_name(out.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    started = time.perf_counter()
    for id in task.test:
        np.save(part / f"{id}.npy", predict(id).astype(np.uint8))
    about = about | {"predicting": round(time.perf_counter() - started, 1)}
    about["versions"] = {name: version(name) for name in packages}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    about["peak_memory_gb"] = round(peak * (1 if sys.platform == "darwin" else 1024) / 1e9, 2)
    (part / "about.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    part.rename(out)
    print(json.dumps(about))
