"""Training by the clock: equal minutes for every recipe that is compared."""

import os
import time
from collections.abc import Callable

import keras
import numpy as np


def processor_seconds() -> float:
    """Processor time of this process in seconds, shared out over the machine's cores.

    What a clock on the wall would show if the process kept every core busy and had them alone.
    """
    return time.process_time() / (os.cpu_count() or 1)


class TimedCosine(keras.callbacks.Callback):
    """`warmup_cosine` by the clock: the rate follows the minutes used, and training stops at the end.

    For comparisons at equal minutes, where the number of steps isn't known beforehand.

    Args:
        minutes: of training, counted from the first batch that this callback sees.
        peak, warmup, floor: as in `warmup_cosine`.
        clock: gives seconds. With `processor_seconds` a machine that is busy with
            something else doesn't shorten the training.
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
        """Share of the minutes that is used up, 0 to 1 and beyond."""
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
