"""Speed of the patch pipeline compared with tutorial 004's generator, and time lost by waiting.

    python benchmarks/patch_feeding.py --data FOLDER

One run measures, on the BraTS cases in FOLDER (without --data: the sample's):

- the generator of "3D UNet for Brain Tumor Segmentation" (no author printed), as printed and with
  one of its faults corrected (it converts all masks again after each slice);
- ours, with the lessons' augmentation: preparing the cases once, counted in full, and then ten
  epochs of as many voxels as the tutorial's generator delivers in its ten;
- the share of the training time that is spent waiting in `next()`.

Prints ratios, in which the machine's own speed cancels out, by the clock and by processor time:
ours uses two threads, the tutorial's one (it asks Keras for six workers, which doesn't help on two
busy cores).
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from unet_course import runtime
from unet_course.data import brats, prepared_cases
from unet_course.network import fast_conv3d, losses, unet
from unet_course.training import augment, patch_batches, tutorial_004_generator

SIZE, BATCH, EPOCHS = (64, 64, 64), 2, 10


class Clock:
    """Elapsed time and processor time in seconds since it was made."""

    def __init__(self):
        self.wall, self.processor = time.perf_counter(), time.process_time()

    def seconds(self) -> np.ndarray:
        return np.array([time.perf_counter() - self.wall, time.process_time() - self.processor])


def tutorials(cases: list[brats.Case], as_printed: bool) -> tuple[int, np.ndarray]:
    """Voxels and seconds of one epoch of the tutorial's generator."""
    state = np.random.RandomState(0)
    voxels, clock = 0, Clock()
    for case in cases:
        images, _ = tutorial_004_generator.batch(case, state, as_printed)
        voxels += images[..., 0].size
    return voxels, clock.seconds()


def prepare(cases: list[brats.Case]) -> tuple[list[prepared_cases.PreparedCase], np.ndarray]:
    """Prepare the cases from scratch; returns them and the seconds that it took."""
    clock = Clock()
    found = prepared_cases.prepare(cases)
    return found, clock.seconds()


def deliver(batches: patch_batches.Patches, steps: int) -> np.ndarray:
    """Seconds for `steps` batches without any training."""
    feed = patch_batches.Patches(
        cases=batches.cases, size=SIZE, batch_size=BATCH, steps=steps, augment=batches.augment
    )
    for _ in feed.epoch(0).take(4):
        pass  # the first batches start threads and read the disk
    clock = Clock()
    for _ in feed.epoch(1):
        pass
    return clock.seconds()


def waiting(batches: patch_batches.Patches, filters: int, epochs: int) -> tuple[float, float]:
    """Share of the time in `next()`, and milliseconds a step, of training after a first epoch."""
    model = unet.unet(
        (*SIZE, 4),
        classes=3,
        filters=filters,
        depth=3,
        head="sigmoid",
        normalization="instance",
    )
    if not runtime.gpus():  # as in the lessons; a slower step would hide waiting
        model = fast_conv3d.use_fast_convolutions(model)
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=losses.BCEDice())
    waited = total = 0.0
    for epoch in range(1 + epochs):
        started = time.perf_counter()
        feed, in_next = iter(batches.epoch(epoch)), 0.0
        for _ in range(batches.steps):
            asked = time.perf_counter()
            images, masks = next(feed)
            in_next += time.perf_counter() - asked
            model.train_on_batch(images, masks)
        if epoch:  # the first one traces the step
            waited += in_next
            total += time.perf_counter() - started
    return waited / total, 1000 * total / (epochs * batches.steps)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, metavar="DIR")
    parser.add_argument("--cases", type=int, metavar="N", help="use the first N only")
    parser.add_argument("--steps", type=int, default=20, help="training steps an epoch")
    parser.add_argument("--epochs", type=int, default=2, help="epochs of training")
    parser.add_argument("--filters", type=int, nargs="+", default=[8, 16])
    options = parser.parse_args()
    cases = brats.find_cases(options.data) if options.data else brats.sample_cases()
    cases = cases[: options.cases]
    if not cases:
        parser.error(f"no BraTS case in {options.data}")
    precision = runtime.best_precision()
    keras.config.set_dtype_policy(precision)
    print(f"{len(cases)} cases, {os.cpu_count()} cores, {precision}\n")

    print(f"{'feeding, ten epochs':<44}{'clock':>12}{'processor':>12}")
    ratios = {}
    with tempfile.TemporaryDirectory(prefix="patch-feeding-") as folder:
        os.environ[runtime.CACHE_VARIABLE] = folder  # so that preparing is done, and timed, anew
        theirs = {}
        for name, as_printed in (("as printed", True), ("masks converted once", False)):
            voxels, seconds = tutorials(cases, as_printed)
            theirs[name] = EPOCHS * voxels / (EPOCHS * seconds)
            line("tutorial, " + name, theirs[name])
        found, preparing = prepare(cases)
        steps = round(voxels / (BATCH * np.prod(SIZE)))  # as many voxels as the tutorial's epoch
        delivered = steps * BATCH * np.prod(SIZE)
        for name, change in (("augmented", augment.VOLUMES), ("not augmented", None)):
            batches = patch_batches.Patches(
                cases=found, size=SIZE, batch_size=BATCH, steps=options.steps, augment=change
            )
            seconds = deliver(batches, steps)
            ours = EPOCHS * delivered / (preparing + EPOCHS * seconds)
            line(f"ours, {name}, with preparing", ours)
            line(f"ours, {name}, without", delivered / seconds)
            ratios[name] = {their: ours / theirs[their] for their in theirs}
        print("(million voxels a second; preparing once, "
              f"{preparing[0] / len(cases):.1f} s a case on the clock)\n")  # fmt: skip
        for name, against in ratios.items():
            for their, (wall, processor) in against.items():
                print(f"ours, {name}, compared with the tutorial, {their}: "
                      f"{wall:.1f} times the voxels a second, {processor:.1f} per processor second")  # fmt: skip
        print()
        augmented = patch_batches.Patches(
            cases=found, size=SIZE, batch_size=BATCH, steps=options.steps, augment=augment.VOLUMES
        )
        for filters in options.filters:
            share, step = waiting(augmented, filters, options.epochs)
            print(
                f"training waits {share:.1%} of its time ({filters} filters, {step:.0f} ms a step)"
            )
        del found, augmented, batches  # Windows deletes no file that is mapped


def line(name: str, rate: np.ndarray) -> None:
    print(f"{name:<44}{rate[0] / 1e6:>12.2f}{rate[1] / 1e6:>12.2f}", flush=True)


if __name__ == "__main__":
    main()
