"""What a run keeps in its folder after each epoch, so that it can go on: weights and state.

Everything is written under a temporary name first and has a checksum, so that damage is noticed.
"""

import contextlib
import json
import math
import os
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import keras
import numpy as np
from filelock import Timeout

from unet_course import storage

AFRESH = "delete the folder to start afresh"


class TrainingError(RuntimeError):
    """Training can't go on; the message says why and what to do."""


@dataclass
class State:
    """What a resumed run must know beside the weights; kept as `state.json`."""

    fingerprint: dict
    epoch: int = 0
    best_epoch: int = 0
    best: float | None = None
    stopped_early: bool = False
    history: dict[str, list[float]] = field(default_factory=dict)
    seeds: list[list[int]] = field(default_factory=list)
    checksums: dict[str, int] = field(default_factory=dict)  # of the weights' files

    def expect_sound(self) -> None:
        """Raise ValueError where a value is none that a run writes."""
        sound = {
            "fingerprint": isinstance(self.fingerprint, dict),
            "epoch": type(self.epoch) is int and self.epoch >= 0,
            "best_epoch": type(self.best_epoch) is int,
            "best": self.best is None or (_is_number(self.best) and math.isfinite(self.best)),
            "stopped_early": isinstance(self.stopped_early, bool),
            "history": isinstance(self.history, dict)
            and all(isinstance(v, list) and all(map(_is_number, v)) for v in self.history.values()),
            "seeds": isinstance(self.seeds, list),
            "checksums": isinstance(self.checksums, dict),
        }
        if all(sound.values()):
            sound["best_epoch"] = min(self.epoch, 1) <= self.best_epoch <= self.epoch
            sound["history"] = len(self.history.get("loss", ())) == self.epoch
        if wrong := [name for name, right in sound.items() if not right]:
            raise ValueError(f"no run writes such a value of {', '.join(wrong)}")


def _is_number(value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@contextlib.contextmanager
def alone_in(folder: Path | None) -> Iterator[None]:
    """Hold a run's folder for this run, or raise TrainingError: another holds it, or no right."""
    if folder is None:
        yield
        return
    with contextlib.ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            held.enter_context(storage.locked(folder / ".lock", timeout=0))
        except Timeout as error:
            raise TrainingError(
                f"another run is training in {folder}: wait for it, stop it, or choose another folder"
            ) from error
        except OSError as error:
            raise TrainingError(f"{folder} can't be written: {storage.cure_for(error)}") from error
        yield


def fingerprint_of(model: keras.Model) -> dict:
    """What must be as it was for a resumed run to end where an unbroken one does; plain JSON."""
    optimizer = keras.saving.serialize_keras_object(model.optimizer)
    optimizer["config"].pop("name")  # Keras numbers the second Adam of a session
    return {
        "shapes": [list(weight.shape) for weight in model.weights],
        "optimizer": json.loads(json.dumps(optimizer, default=str)),
        "loss": getattr(model.loss, "name", str(model.loss)),
    }


def _seed_states(model: keras.Model) -> list:
    """Where dropout's random numbers stand; Keras saves these with no weights file."""
    return [v for v in model.variables if v.name == "seed_generator_state"]


class Store:
    """A run's folder: `state.json`, and the weights of the epochs that it names."""

    def __init__(self, folder: Path, model: keras.Model):
        self.folder = folder
        self.fingerprint = fingerprint_of(model)
        self.best_weights: list[np.ndarray] | None = None
        for left in [*folder.glob("writing-*.weights.h5"), *folder.glob(".state.json.*.tmp")]:
            with contextlib.suppress(OSError):  # by a run that was killed: this one is alone here
                left.unlink()

    def _weights(self, epoch: int) -> Path:
        return self.folder / f"epoch-{epoch:04d}.weights.h5"

    def _kept(self) -> list[Path]:
        """The weights in the folder that a run wrote; others' files are left alone."""
        return sorted(self.folder.glob("epoch-[0-9][0-9][0-9][0-9]*.weights.h5"))

    def load(self, model: keras.Model) -> State:
        """The state in the folder, with its last epoch's weights in the model; or a new one.

        Raises:
            TrainingError: it is damaged, or belongs to another network.
        """
        file = self.folder / "state.json"
        if not os.path.lexists(file):
            # of a run that was killed before its first state there may be a first epoch's weights
            if later := [path.name for path in self._kept() if path != self._weights(1)]:
                what = f"{file} is gone, though {', '.join(later)} is there"
                raise TrainingError(f"{what}: {AFRESH}, or choose another")
            return State(self.fingerprint)
        try:
            facts = json.loads(storage.read_text(file))
            if not isinstance(facts, dict) or facts.pop("checksum", None) != _checksum_of(facts):
                raise ValueError("its checksum differs")
            state = State(**facts)
            state.expect_sound()
        except (OSError, ValueError, TypeError, ArithmeticError, RecursionError) as error:
            raise TrainingError(f"{file} can't be read ({error}): {AFRESH}") from error
        if state.fingerprint != self.fingerprint:
            other = "the state of another network, optimiser, learning rate or loss"
            raise TrainingError(f"{self.folder} holds {other}: choose another folder, or {AFRESH}")
        if state.epoch:
            best, last = self._weights(state.best_epoch), self._weights(state.epoch)
            for path in (best, last):
                try:
                    damaged = storage.checksum(path) != state.checksums.get(path.name)
                except OSError as error:
                    what = f"{path} can't be read ({error.strerror})"
                    raise TrainingError(f"{what}: {AFRESH}") from error
                if damaged:
                    raise TrainingError(f"{path} was damaged since it was written: {AFRESH}")
            try:
                model.load_weights(best)
                self.best_weights = model.get_weights()
                model.load_weights(last)
                for variable, seed in zip(_seed_states(model), state.seeds, strict=True):
                    variable.assign(seed)
            except Exception as error:  # h5py and Keras raise whatever they trip over
                what = f"the weights in {self.folder} can't be read ({error})"
                raise TrainingError(f"{what}: {AFRESH}") from error
        return state

    def save(self, model: keras.Model, state: State) -> None:
        """Write weights, then the state that names them, then delete what it no longer names.

        Raises:
            TrainingError: it can't be written; the last epoch that was kept stays.
        """
        target = self._weights(state.epoch)
        temporary = self.folder / f"writing-{os.getpid()}.weights.h5"
        try:
            # h5py can't be stopped half-way without harm, so room is looked for first
            storage.expect_room(self.folder, 1.1 * bytes_of(model) + 2**18)
            model.save_weights(temporary)
            checksum = storage.checksum(temporary)
            os.replace(temporary, target)
            best = self._weights(state.best_epoch).name
            kept = {name: value for name, value in state.checksums.items() if name == best}
            state.checksums = kept | {target.name: checksum}
            state.seeds = [np.asarray(variable).tolist() for variable in _seed_states(model)]
            facts = asdict(state)
            text = json.dumps({**facts, "checksum": _checksum_of(facts)}, indent=1)
            storage.write_text(self.folder / "state.json", text)
        except (OSError, RuntimeError) as error:  # h5py raises RuntimeErrors of its own
            temporary.unlink(missing_ok=True)
            raise TrainingError(
                f"epoch {state.epoch} can't be kept in {self.folder}: {storage.cure_for(error)} Then "
                "call fit again: it goes on from the last epoch that was kept."
            ) from error
        for old in self._kept():
            if old.name not in state.checksums:
                with contextlib.suppress(OSError):
                    old.unlink()


def _checksum_of(facts: dict) -> int:
    return zlib.crc32(json.dumps(facts, sort_keys=True).encode())


def bytes_of(model: keras.Model) -> int:
    """Bytes of the model's and its optimizer's variables."""
    optimizer = getattr(model, "optimizer", None)
    variables = [*model.variables, *(optimizer.variables if optimizer else [])]
    return sum(np.asarray(v).nbytes for v in variables)
