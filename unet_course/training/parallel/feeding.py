"""A process's share of each batch, and where a step's time goes: drawing, waiting, computing."""

from __future__ import annotations

import time

import keras
import numpy as np

from unet_course.training.parallel import settings


class Clock(keras.callbacks.Callback):
    """Adds up an epoch's seconds, apart from its first step, which may be compiled."""

    def __init__(self):
        super().__init__()
        self.totals = {"drawing": 0.0, "waiting": 0.0, "computing": 0.0}
        self.counting, self.ready = False, 0.0

    def add(self, what: str, seconds: float) -> None:
        """Count seconds under `what`, unless this is the epoch's first step."""
        if self.counting:
            self.totals[what] += seconds

    def on_train_batch_end(self, batch, logs=None):
        float(logs["loss"])  # JAX computes in the background: this is where the step is done
        self.add("computing", time.perf_counter() - self.ready)
        self.counting = True

    def seconds(self) -> dict[str, float]:
        """The parts, and their sum as `seconds`."""
        return self.totals | {"seconds": sum(self.totals.values())}


class Shares(keras.utils.PyDataset):
    """One epoch's batches, of each the part that is this process's."""

    def __init__(self, run, images, masks, epoch, rank, world, clock):
        super().__init__()
        self.run, self.images, self.masks = run, images, masks
        self.epoch, self.rank, self.world, self.clock = epoch, rank, world, clock

    def __len__(self):
        return self.run.steps

    def __getitem__(self, step):
        began = time.perf_counter()
        batch = settings.batch_of(self.run, len(self.images), self.epoch, step)
        mine = np.sort(settings.share(batch, self.rank, self.world))
        images = self.images[mine].astype(np.float32)
        masks = self.masks[mine].astype(np.float32)
        if self.run.slow:
            time.sleep(self.run.slow[self.rank])
        drawn = time.perf_counter()
        if self.world > 1:
            # without this line they would wait within the step, where it can't be told apart
            from jax.experimental import multihost_utils

            multihost_utils.sync_global_devices("batch")
        self.clock.ready = time.perf_counter()
        self.clock.add("drawing", drawn - began)
        self.clock.add("waiting", self.clock.ready - drawn)
        return images, masks
