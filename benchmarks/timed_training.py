"""Training for a given time, so that recipes are compared in equal minutes."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pandas as pd


def processor_seconds() -> float:
    """Processor time of this process in seconds, divided by the machine's number of cores.

    It is the elapsed time of a process that keeps all cores busy and has them to itself.
    """
    return time.process_time() / (os.cpu_count() or 1)


def refuse_other_lengths(file: Path, table: pd.DataFrame, minutes: float) -> None:
    """End the program where the table in `file` has runs of other minutes: a table has one length."""
    if other := sorted(set(table["minutes"]) - {minutes}):
        lengths = ", ".join(f"{length:g}" for length in other)
        sys.exit(
            f"{file}: its runs had {lengths} minutes, not {minutes:g}, and lengths aren't mixed in a "
            f"table. Give --minutes {other[0]:g}, or another --out, or move this file away."
        )


class TimedCosine(keras.callbacks.Callback):
    """Warm-up and cosine schedule by time: the rate follows the minutes, and training stops at the end.

    For comparisons in equal minutes, where the number of steps isn't known beforehand.

    Args:
        minutes: of training, from the first batch that this callback sees.
        peak, warmup, floor: as in `loop.warmup_cosine`.
        clock: returns seconds. With `processor_seconds` other programs don't shorten the training.
    """

    def __init__(
        self,
        minutes: float,
        peak: float,
        warmup: float = 0.04,
        floor: float = 0.01,
        clock: Callable[[], float] = time.perf_counter,
    ):
        super().__init__()
        self.clock = clock
        if minutes <= 0:
            raise ValueError(f"minutes must be positive, it is {minutes}")
        self.minutes, self.peak, self.warmup, self.floor = minutes, peak, warmup, floor
        self.started: float | None = None
        self.seconds = 0.0
        self.steps = 0

    def share(self) -> float:
        """Share of the minutes that has been used, 0 to 1 and above."""
        return self.seconds / (60 * self.minutes)

    def on_train_batch_begin(self, batch, logs=None):
        if self.started is None:
            self.started = self.clock()
        self.seconds = self.clock() - self.started
        share = min(1.0, self.share())
        if share < self.warmup:
            rate = self.peak * (0.02 + 0.98 * share / self.warmup)
        else:
            fall = (share - self.warmup) / (1 - self.warmup)
            rate = self.peak * (self.floor + (1 - self.floor) * 0.5 * (1 + np.cos(np.pi * fall)))
        self.model.optimizer.learning_rate.assign(rate)

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        self.seconds = self.clock() - self.started
        if self.share() >= 1:
            self.model.stop_training = True


class Until(keras.callbacks.Callback):
    """Stops a training when this share of the minutes of `timed` is over, so that another goes on."""

    def __init__(self, timed: TimedCosine, share: float):
        super().__init__()
        self.timed, self.until = timed, share

    def on_train_batch_end(self, batch, logs=None):
        if self.timed.share() >= self.until:
            self.model.stop_training = True
