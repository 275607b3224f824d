"""What a data-parallel run is asked for, which part of a batch is whose, and what it wrote."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from unet_course import storage

IMAGES, MASKS = "images.npy", "masks.npy"  # one copy a machine, memory-mapped by its processes


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training run; all processes read the same.

    Attributes:
        name: of its folder, in which its checkpoint and each process's record are kept.
        batch: patches in a step, over all processes together.
        rate: the learning rate. With `warmup` it is reached after that many epochs, in equal rises
            that begin at `rate_before`.
        epochs, steps: an epoch has `steps` steps.
        filters, depth: of the network, `unet.unet` with `patch=2`.
        slow: seconds by which each process is late with every batch, an entry a process. An
            experiment; `()` is none.
    """

    name: str
    batch: int = 4
    rate: float = 3e-3
    rate_before: float = 0.0
    warmup: int = 0
    epochs: int = 3
    steps: int = 6
    filters: int = 8
    depth: int = 2
    seed: int = 14
    slow: tuple[float, ...] = ()

    def __post_init__(self):
        for what in ("batch", "epochs", "steps", "filters", "depth"):
            if getattr(self, what) < 1:
                raise ValueError(f"{what} must be 1 or more, it is {getattr(self, what)}")
        if not 0 <= self.warmup <= self.epochs:
            raise ValueError(f"warmup must be 0 to {self.epochs} epochs, it is {self.warmup}")

    def rate_of(self, epoch: int) -> float:
        """The learning rate of an epoch, from 0.

        >>> run = Run(name="large", rate=0.006, rate_before=0.003, warmup=2)
        >>> [round(run.rate_of(epoch), 4) for epoch in range(4)]
        [0.003, 0.0045, 0.006, 0.006]
        """
        done = min(1.0, epoch / self.warmup) if self.warmup else 1.0
        return self.rate_before + done * (self.rate - self.rate_before)


def write(folder: Path, images: np.ndarray, masks: np.ndarray, runs: Sequence[Run]) -> None:
    """Write what the processes read: patches `(n, *size, channels)`, masks, and the runs in order."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / IMAGES, np.asarray(images, np.float16))
    np.save(folder / MASKS, np.asarray(masks, np.uint8))
    write_runs(folder, runs)


def write_runs(folder: Path, runs: Sequence[Run]) -> None:
    """Replace the list of runs in a folder that has patches already."""
    names = [run.name for run in runs]
    if len(set(names)) < len(names):
        raise ValueError(f"two runs have one name: {names}")
    text = json.dumps([asdict(run) for run in runs], indent=1)
    storage.write_text(folder / "runs.json", text)


def read_runs(folder: Path) -> list[Run]:
    """The runs that `write` or `write_runs` put into the folder, in order."""
    entries = json.loads(storage.read_text(folder / "runs.json"))
    return [Run(**entry | {"slow": tuple(entry["slow"])}) for entry in entries]


def share(batch: Sequence[int], rank: int, world: int) -> Sequence[int]:
    """The part of a batch that is process `rank`'s, of `world`: each entry is exactly one's.

    Raises:
        ValueError: the batch can't be divided evenly. Then the mean of the processes' gradients
            isn't that of the batch.

    >>> share([7, 3, 9, 4], rank=0, world=2), share([7, 3, 9, 4], rank=1, world=2)
    ([7, 3], [9, 4])
    """
    if len(batch) % world:
        raise ValueError(f"a batch of {len(batch)} can't be divided among {world} processes")
    size = len(batch) // world
    return batch[rank * size : (rank + 1) * size]


def batch_of(run: Run, patches: int, epoch: int, step: int) -> np.ndarray:
    """The numbers of the patches in one step's batch, (batch,); the same in every process.

    An epoch walks through a shuffled list of all patches, as often as its steps need.
    """
    rng = np.random.default_rng((run.seed, epoch))
    needed = run.steps * run.batch
    order = np.concatenate([rng.permutation(patches) for _ in range(-(-needed // patches))])
    return order[step * run.batch : (step + 1) * run.batch]


def read_records(folder: Path, name: str) -> list[dict]:
    """What each process of a run wrote about its epochs, by rank; `[]` where none did.

    A record has `loss`, `seconds`, `drawing`, `waiting` and `computing`, a list with an entry an
    epoch each, `rank`, `world` and `checksum`, that of the weights at the end.
    """
    files = sorted((folder / name).glob("rank-*.json"), key=lambda file: int(file.stem[5:]))
    return [json.loads(storage.read_text(file)) for file in files]
