"""Train with progress, validation, checkpoints and resumption.

An epoch is the unit of safety: after each one everything that the next depends on (weights,
optimiser, the patience's count, the history) is written to a folder, under a new name first, so
that a run killed at any moment goes on from its last whole epoch and ends with the weights that
an unbroken run ends with.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

import keras
import numpy as np
import tensorflow as tf

from unet_course import memory, runtime
from unet_course.training import tf_dataset
from unet_course.training.progress_bar import Bar


class Epochs(Protocol):
    """What `fit` needs of its batches; `slices.Batches` has it."""

    steps: int

    def epoch(self, number: int) -> tf.data.Dataset:
        """The dataset of this epoch, the same at every call."""


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


def warmup_cosine(
    peak: float, steps: int, warmup: float = 0.05, floor: float = 0.01
) -> keras.optimizers.schedules.LearningRateSchedule:
    """A learning rate that rises in a straight line, then falls along a cosine.

    Warm-up: Goyal et al. (2017); cosine: Loshchilov and Hutter (2017).

    Args:
        peak: the highest rate.
        steps: training steps in all: epochs times batches an epoch.
        warmup: share of the steps that rise.
        floor: where it ends, as a share of `peak`.

    >>> rate = warmup_cosine(1e-3, steps=100, warmup=0.1)
    >>> [round(float(rate(step)) * 1e3, 3) for step in (0, 5, 10, 55, 100)]
    [0.0, 0.5, 1.0, 0.505, 0.01]
    """
    rising = max(1, round(steps * warmup))
    return keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - rising), alpha=floor, warmup_target=peak, warmup_steps=rising
    )


def fit(
    model: keras.Model,
    batches: Epochs,
    *,
    epochs: int,
    validate: Callable[[keras.Model], Mapping[str, float]] | None = None,
    monitor: str = "dice",
    patience: int | None = None,
    folder: Path | str | None = None,
    progress: bool = True,
) -> dict[str, list[float]]:
    """Train a compiled model; afterwards it holds the weights of its best epoch.

    Args:
        model: compiled.
        batches: `batches.epoch(i)` is epoch i's dataset, `batches.steps` its length.
        epochs: how many at most.
        validate: called after each epoch; returns numbers such as `{"dice": 0.8}`. Without it
            the last epoch's weights stay.
        monitor: which of those numbers decides which epoch is the best; higher is better.
        patience: stop after this many epochs without a better one; None: never.
        folder: where the state is kept after each epoch. If it holds one already, training goes
            on from there. None: nothing is kept.
        progress: show a bar.

    Returns:
        The history, a list with an entry an epoch under "loss", "seconds" and each of
        validation's numbers.

    Raises:
        TrainingError: the loss became NaN or infinite (the last epoch's state stays), the
            folder's state belongs to another network, or `monitor` isn't among the numbers.

    Killed, or stopped with Ctrl-C, call it again with the same folder: at most one epoch is done
    twice, and the result is the same (under `runtime.repeatable` to the bit).
    """
    if epochs < 1:
        raise ValueError(f"epochs must be at least 1, it is {epochs}")
    if patience is not None and validate is None:
        raise ValueError("patience needs validate: what should get better otherwise?")
    if not model.optimizer.built:
        # variables made while TensorFlow traces the step would make it trace it twice
        model.optimizer.build(model.trainable_variables)
    store = _Store(Path(folder), model) if folder else None
    state = store.load(model) if store else State(_fingerprint(model))
    best_weights = store.best_weights if store else None
    bar = Bar(epochs, batches.steps, progress)
    try:
        while state.epoch < epochs and not state.stopped_early:
            started = time.perf_counter()
            numbers = {"loss": _one_epoch(model, batches, state.epoch, bar)}
            if validate:
                numbers |= {name: float(value) for name, value in validate(model).items()}
                if monitor not in numbers:
                    raise TrainingError(
                        f"validation gave {', '.join(numbers)}, but not {monitor!r}: set monitor"
                    )
            numbers["seconds"] = time.perf_counter() - started
            for name, value in numbers.items():
                state.history.setdefault(name, []).append(value)
            state.epoch += 1
            if not validate or state.best is None or numbers[monitor] > state.best:
                state.best, state.best_epoch = numbers.get(monitor), state.epoch
                best_weights = model.get_weights()
            late = patience is not None and state.epoch - state.best_epoch >= patience
            state.stopped_early = late
            if store:
                store.save(model, state)
            bar.epoch_done(state.epoch, numbers)
    except KeyboardInterrupt:
        kept = f"{state.epoch} are kept in {folder}, call fit again to go on" if store else "none"
        bar.say(f"Interrupted in epoch {state.epoch + 1} of {epochs}; whole epochs: {kept}.")
        raise
    finally:
        bar.close()
    if best_weights is not None:
        model.set_weights(best_weights)
    return state.history


def _one_epoch(model: keras.Model, batches: Epochs, number: int, bar: Bar) -> float:
    """Train on one epoch; returns its mean loss, or raises TrainingError where it isn't finite."""
    guard = _Guard(bar, number)
    data = tf_dataset.without_autotuning(batches.epoch(number))
    fitted = model.fit(data, verbose=0, shuffle=False, callbacks=[guard])
    if guard.broke is not None:
        raise TrainingError(
            f"the loss became {guard.broke[1]} in epoch {number + 1}, step {guard.broke[0] + 1}: "
            "lower the learning rate, or look for NaN in the data"
        )
    return float(fitted.history["loss"][-1])


class _Guard(keras.callbacks.Callback):
    """Stops at the first loss that isn't finite, and moves the bar."""

    def __init__(self, bar: Bar, epoch: int):
        super().__init__()
        self.bar, self.epoch, self.broke = bar, epoch, None

    def on_train_batch_end(self, batch, logs=None):
        loss = logs["loss"]
        if not np.isfinite(loss):
            self.broke = (batch, loss)
            self.model.stop_training = True
        self.bar.step(self.epoch, batch, loss)


def _fingerprint(model: keras.Model) -> dict:
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


class _Store:
    """A run's folder: `state.json`, and the weights of the epochs that it names."""

    def __init__(self, folder: Path, model: keras.Model):
        self.folder = folder
        self.fingerprint = _fingerprint(model)
        self.best_weights: list[np.ndarray] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def _weights(self, epoch: int) -> Path:
        return self.folder / f"epoch-{epoch:04d}.weights.h5"

    def load(self, model: keras.Model) -> State:
        file = self.folder / "state.json"
        if not file.exists():
            return State(self.fingerprint)
        try:
            state = State(**json.loads(file.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise TrainingError(
                f"{file} can't be read ({error}): delete the folder to start afresh"
            ) from error
        if state.fingerprint != self.fingerprint:
            raise TrainingError(
                f"{self.folder} holds the state of another network, optimiser, learning rate or "
                "loss: choose another folder, or delete it to start afresh"
            )
        if state.epoch:
            try:
                model.load_weights(self._weights(state.best_epoch))
                self.best_weights = model.get_weights()
                model.load_weights(self._weights(state.epoch))
                for variable, seed in zip(_seed_states(model), state.seeds, strict=True):
                    variable.assign(seed)
            except (OSError, ValueError) as error:
                raise TrainingError(
                    f"the weights in {self.folder} can't be read ({error}): delete the folder to "
                    "start afresh"
                ) from error
        return state

    def save(self, model: keras.Model, state: State) -> None:
        """Weights first, then the state that names them, then what it no longer names goes."""
        target = self._weights(state.epoch)
        temporary = self.folder / f"writing-{os.getpid()}.weights.h5"
        model.save_weights(temporary)
        os.replace(temporary, target)
        state.seeds = [np.asarray(variable).tolist() for variable in _seed_states(model)]
        runtime.write_text(self.folder / "state.json", json.dumps(asdict(state), indent=1))
        needed = {target, self._weights(state.best_epoch)}
        for old in self.folder.glob("*.weights.h5"):
            if old not in needed:
                old.unlink()


def load_or_train(name: str, train: Callable[[], keras.Model]) -> keras.Model:
    """The model saved under `name` in `runtime.training_dir`; trained by `train()` and saved if none.

    Lessons hand a trained network on in this way. A file that can't be read, or that another
    version of Keras wrote, is replaced. Loading uses `safe_mode`, so a file can't run code. What is
    returned was loaded in either case: what training held in memory is given back.

    Args:
        name: a file name without ending; let it say what the weights depend on.
        train: builds, trains and returns the model.
    """
    folder = runtime.training_dir() / "models"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.keras"
    if file.exists():
        try:
            return keras.saving.load_model(file, compile=False, safe_mode=True)
        except (OSError, ValueError, TypeError, KeyError) as error:
            print(f"{file.name} can't be loaded ({type(error).__name__}): training it again.")
    model = train()
    temporary = folder / f".{name}-{os.getpid()}.keras"
    try:
        model.save(temporary)
        os.replace(temporary, file)
    finally:
        temporary.unlink(missing_ok=True)
    del model
    memory.give_back()
    return keras.saving.load_model(file, compile=False, safe_mode=True)
