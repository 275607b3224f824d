"""Train with progress, validation, checkpoints and resumption.

After each epoch everything that the next depends on is written to a folder: a run that is killed
goes on from its last whole epoch, and ends with the weights that an unbroken run ends with.
"""

from __future__ import annotations

import contextlib
import os
import time
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import keras
import numpy as np

from unet_course import memory, runtime, storage
from unet_course.training import tf_dataset
from unet_course.training.checkpoints import (
    State,
    Store,
    TrainingError,
    alone_in,
    bytes_of,
    fingerprint_of,
)
from unet_course.training.progress_bar import Bar

if TYPE_CHECKING:
    import tensorflow as tf

LARGEST_MODEL = 2**30  # bytes of a kept network, packed or not

__all__ = ["Epochs", "TrainingError", "fit", "load_or_train", "warmup_cosine"]


class Epochs(Protocol):
    """What `fit` needs of its batches; `slice_batches.Batches` and `patch_batches.Patches` have it."""

    steps: int

    def epoch(self, number: int) -> tf.data.Dataset | keras.utils.PyDataset:
        """The dataset of this epoch, the same at every call."""


def warmup_cosine(
    peak: float, steps: int, warmup: float = 0.05, floor: float = 0.01
) -> keras.optimizers.schedules.LearningRateSchedule:
    """A learning rate that rises in a straight line, then falls along a cosine.

    Warm-up: Goyal et al. (2017); cosine: Loshchilov and Hutter (2017).

    Args:
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
        batches: `batches.epoch(i)` is epoch i's dataset, `batches.steps` its length.
        epochs: how many at most.
        validate: called after each epoch; returns numbers such as `{"dice": 0.8}`. Without it
            the last epoch's weights stay.
        monitor: which of those numbers decides which epoch is the best; higher is better, and one
            that isn't finite never is.
        patience: stop after this many epochs without a better one; None: never.
        folder: where the state is kept after each epoch. If it holds one already, training goes
            on from there. None: nothing is kept.

    Returns:
        The history, a list with an entry an epoch under "loss", "seconds" and each of
        validation's numbers.

    Raises:
        TrainingError: the network isn't compiled; the loss or a weight became NaN or infinite (the
            last epoch's state stays); no epoch had a finite `monitor`, or there is none; the
            folder's state is damaged, belongs to another network, or another run is using it;
            there is no room to keep the state.

    Killed, or stopped with Ctrl-C, call it again with the same folder: at most one epoch is done
    twice, and the result is the same (under `runtime.repeatable` to the bit).
    """
    if epochs < 1:
        raise ValueError(f"epochs must be at least 1, it is {epochs}")
    if patience is not None and validate is None:
        raise ValueError("patience needs validate: what should get better otherwise?")
    if not getattr(model, "optimizer", None):
        raise TrainingError(
            "the network isn't compiled: call network.compile(optimizer, loss) first "
            "(load_or_train returns networks without optimiser and loss)"
        )
    if not model.optimizer.built:
        # variables made while TensorFlow traces the step would make it trace it twice
        model.optimizer.build(model.trainable_variables)
    folder = Path(folder) if folder else None
    with alone_in(folder):
        store = Store(folder, model) if folder else None
        state = store.load(model) if store else State(fingerprint_of(model))
        bar = Bar(epochs, batches.steps, progress)
        try:
            checks = (validate, monitor, patience)
            best_weights = _epochs(model, batches, state, store, bar, epochs, *checks)
        except KeyboardInterrupt:
            kept = f"{state.epoch} are kept in {folder}, call fit again to go on"
            kept = kept if store else "none"
            bar.say(f"Interrupted in epoch {state.epoch + 1} of {epochs}; whole epochs: {kept}.")
            raise
        finally:
            bar.close()
    if validate and state.best is None:
        values = ", ".join(f"{value:g}" for value in state.history[monitor][:5])
        raise TrainingError(
            f"{monitor!r} wasn't finite in any epoch ({values}), so none is the best: validate on "
            "cases for which it is defined"
        )
    if best_weights is not None:
        model.set_weights(best_weights)
    return state.history


def _epochs(model, batches, state, store, bar, epochs, validate, monitor, patience):
    """Train from the state's epoch on; returns the best epoch's weights, or None if none counted."""
    best_weights = store.best_weights if store else None
    while state.epoch < epochs and not state.stopped_early:
        started = time.perf_counter()
        numbers = {"loss": _one_epoch(model, batches, state.epoch, bar)}
        if validate:
            numbers |= _numbers_of(validate(model))
            if monitor not in numbers:
                given = ", ".join(numbers)
                raise TrainingError(f"validation gave {given}, but not {monitor!r}: set monitor")
        numbers["seconds"] = time.perf_counter() - started
        for name, value in numbers.items():
            state.history.setdefault(name, []).append(value)
        state.epoch += 1
        score = numbers[monitor] if validate else None
        better = not validate or (np.isfinite(score) and (state.best is None or score > state.best))
        if better:
            state.best, state.best_epoch = score, state.epoch
            # copies: JAX writes the next step's weights into the memory of these
            best_weights = [np.array(weight) for weight in model.get_weights()]
        elif not state.best_epoch:
            state.best_epoch = state.epoch  # its weights are kept until a score counts
        waited = state.epoch - state.best_epoch
        state.stopped_early = patience is not None and waited >= patience
        if store:
            store.save(model, state)
        bar.epoch_done(state.epoch, state.history)
    return best_weights


def _numbers_of(validated: Mapping[str, float]) -> dict[str, float]:
    try:
        return {str(name): float(value) for name, value in validated.items()}
    except (AttributeError, TypeError, ValueError) as error:
        what = f"validate must return a number by name, such as {{'dice': 0.8}}, not {validated!r}"
        raise TrainingError(what) from error


def _one_epoch(model: keras.Model, batches: Epochs, number: int, bar: Bar) -> float:
    """Train on one epoch; returns its mean loss, or raises TrainingError where it isn't finite."""
    if batches.steps < 1:
        raise TrainingError("there is no batch to train on (steps is 0)")
    guard = _Guard(bar, number)
    data = tf_dataset.without_autotuning(batches.epoch(number))
    fitted = model.fit(data, verbose=0, shuffle=False, callbacks=[guard])
    if guard.broke is not None:
        step, loss = guard.broke
        where = f"the loss became {loss} in epoch {number + 1}, step {step + 1}"
        raise TrainingError(f"{where}: lower the learning rate, or look for NaN in the data")
    # a NaN in a picture may be hidden from the loss, by ReLU for instance, but not from the weights
    broken = [weight.path for weight in model.weights if not np.isfinite(np.asarray(weight)).all()]
    if broken:
        raise TrainingError(
            f"weights became NaN or infinite in epoch {number + 1} ({len(broken)}, such as "
            f"{broken[0]}), while the loss stayed finite: look for NaN in the images and masks"
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


def _expect_whole(file: Path) -> None:
    """Raise unless it is a ZIP of sound members, of `LARGEST_MODEL` bytes in all at most."""
    storage.expect_file(file, LARGEST_MODEL)
    with zipfile.ZipFile(file) as packed:
        if sum(info.file_size for info in packed.infolist()) > LARGEST_MODEL:
            raise ValueError("it unpacks to too much")
        if (
            bad := packed.testzip()
        ):  # a piece at a time: a member that lies about its size fills nothing
            raise ValueError(f"{bad} is damaged")


def load_or_train(name: str, train: Callable[[], keras.Model]) -> keras.Model:
    """The model saved under `name` in `runtime.training_dir`; trained by `train()` and saved if none.

    A file that is damaged, or that another version of Keras wrote, is replaced. Loading uses
    `safe_mode`, so a file can't run code. What is returned was loaded in either case: what training
    held in memory is given back. Where there is no room to save it, the trained model itself is
    returned, with a warning. Let the name say what the weights depend on.
    """
    folder = runtime.training_dir() / "models"
    file = folder / f"{name}.keras"
    if os.path.lexists(file):
        try:
            _expect_whole(file)
            return keras.saving.load_model(file, compile=False, safe_mode=True)
        except Exception as error:  # damage may trip over anything, and none of it ends a lesson
            print(f"{file.name} can't be loaded ({type(error).__name__}): training it again.")
    model = train()
    temporary = folder / f".{name}-{os.getpid()}.keras"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        storage.expect_room(folder, 1.1 * bytes_of(model) + 2**20)
        model.save(temporary)
        storage.replace(temporary, file)
    except (OSError, RuntimeError) as error:  # h5py raises RuntimeErrors of its own
        warnings.warn(
            f"the trained network can't be kept in {folder}, so the next run trains it again: "
            f"{storage.cure_for(error)}",
            stacklevel=2,
        )
        return model
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    del model
    memory.give_back()
    return keras.saving.load_model(file, compile=False, safe_mode=True)
