"""What does a training step of the 3-D network cost, by precision, convolutions and compiling?

The network of `brats_dice.py` on random numbers. Seconds of processor time, shared out over the
cores: the median of several steps after compiling. Each way has a process of its own.

    python benchmarks/brats_steps.py
"""

import argparse
import itertools
import os
import subprocess
import sys
import time
from dataclasses import replace

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import brats_dice
import keras
import numpy as np
import tensorflow as tf
from brats_recipes import RECIPES
from timed_training import processor_seconds

PRECISIONS = ("float32", "mixed_bfloat16")
# Name: whether `fast_conv3d` replaces the framework's 3-D convolutions, and whether XLA compiles.
WAYS = {
    "fast_conv3d, compiled": (True, True),
    "fast_conv3d": (True, False),
    "TensorFlow's own": (False, False),
}


def step_seconds(precision: str, way: str, side: int, filters: int, steps: int) -> float:
    """Median over the steps."""
    keras.mixed_precision.set_dtype_policy(precision)
    fast, compiled = WAYS[way]
    recipe = replace(RECIPES["course"], size=(side,) * 3)
    model = brats_dice.build(recipe, filters, fast=fast, compiled=compiled)
    rng = np.random.default_rng(0)
    images = rng.normal(size=(1, *model.input_shape[1:])).astype(np.float32)
    masks = (rng.random((1, *model.output_shape[1:])) < 0.2).astype(np.uint8)
    batch = tf.data.Dataset.from_tensors((images, masks)).repeat()
    model.fit(batch, steps_per_epoch=2, verbose=0, shuffle=False)
    spent = []

    class Clock(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            self.started = processor_seconds()

        def on_train_batch_end(self, batch, logs=None):
            spent.append(processor_seconds() - self.started)

    model.fit(batch, steps_per_epoch=steps, verbose=0, shuffle=False, callbacks=[Clock()])
    return float(np.median(spent))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--sides", nargs="+", type=int, default=[48, 64], metavar="VOXELS")
    parser.add_argument("--filters", nargs="+", type=int, default=[12, 16], metavar="F")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--one", nargs=2, metavar=("PRECISION", "WAY"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    sizes = list(itertools.product(options.sides, options.filters))
    if options.one:
        for side, filters in sizes:
            print(f"{step_seconds(*options.one, side, filters, options.steps):.3f}", flush=True)
        return
    head = "".join(f"{f'{side}³, {filters} filters':>18}" for side, filters in sizes)
    print(f"{'seconds a step':40}{head}")
    for precision, way in itertools.product(PRECISIONS, WAYS):
        command = [sys.executable, __file__, "--one", precision, way, "--steps", str(options.steps)]
        command += ["--sides", *map(str, options.sides), "--filters", *map(str, options.filters)]
        started = time.perf_counter()
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode:
            sys.exit(f"{precision}, {way}: {run.stderr.strip().splitlines()[-1]}")
        cells = "".join(f"{seconds:>18}" for seconds in run.stdout.split())
        print(f"{f'{precision}, {way}':40}{cells}   ({time.perf_counter() - started:.0f} s)")


if __name__ == "__main__":
    main()
