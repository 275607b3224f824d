"""2-D against 3-D: two networks on the same BraTS cases, with equal parameters and minutes.

Both are the course's U-Net with the same loss, optimiser, rate, sampling and augmentation, trained
on the same cases at 2 mm. One takes blocks of 40×40×40 voxels, the other whole axial slices of
80×96, eight at a time, about as many voxels; their numbers of parameters are equal within 6 %. Seed
s trains on the cases outside fold s and tests on fold s, every third case from the s-th, at full
size (1 mm). The rows `-again` change only the random start.

Minutes are processor time, shared out over the cores, feeding included, so that a busy machine
doesn't shorten a run. Equal minutes are only as fair as the code that fills them, so both sides are
fast: TensorFlow's 3-D convolutions train slowly on processors, so the 3-D rows use
`fast_conv3d.use_fast_convolutions`, the same network with the same numbers in a third to a half of
the time (2-D gains nothing from it); the 2-D network has a number of filters that is fast on
processors; and NumPy's matrix products stay on one core, since 2-D draws many small patches, and
waiting threads would be counted.

Complete runs are added to the table, and the same command continues an interrupted one;
`unet_course.judging.published_tables` reads it.

    python benchmarks/brats_2d_3d.py --data FOLDER
"""

import argparse
import dataclasses
import gc
import os
import sys
import time
from datetime import date
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy comes; see above

import keras
import lgg_ablation
import lgg_dice
import numpy as np
import pandas as pd
import tensorflow as tf
import timed_training

from unet_course import runtime
from unet_course.data import brats, nifti, prepared_cases
from unet_course.data.layouts import REGIONS
from unet_course.judging import metrics, published_tables, surfaces
from unet_course.network import fast_conv3d, losses, unet
from unet_course.prediction import postprocess, sliding_window
from unet_course.training import augment, patch_batches

FACTOR = 2  # voxels of 2 mm
BLOCK = (40, 40, 40)  # 64,000 voxels a step
SLICE, SLICES = (80, 96), 8  # 61,440 voxels a step
FILTERS = {2: 28, 3: 16}  # 365,011 and 346,947 parameters
NETWORK = {"classes": 3, "head": "sigmoid", "depth": 2, "patch": 2, "normalization": "instance"}
PEAK = 2e-3
FOLDS = 3


@dataclasses.dataclass(frozen=True)
class Row:
    axes: int
    what: str
    other_start: int = 0  # added to the seed of weights and batches, never to the fold


ROWS = {
    "2d": Row(2, "2-D U-Net on axial slices"),
    "3d": Row(3, "3-D U-Net on blocks"),
    "2d-again": Row(2, "2-D from another random start", 100),
    "3d-again": Row(3, "3-D from another random start", 100),
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="BraTS cases")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), metavar="NAME")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], metavar="S")
    parser.add_argument("--minutes", type=float, default=1.0, help="processor time of a run")
    parser.add_argument("--out", type=Path, default=published_tables.BRATS_2D_3D, metavar="CSV")
    options = parser.parse_args()
    options.rows, options.seeds = list(dict.fromkeys(options.rows)), sorted(set(options.seeds))
    if not options.data.is_dir():
        parser.error(f"--data {options.data}: no such folder")
    if options.minutes <= 0:
        parser.error("--minutes must be positive")
    if min(options.seeds) < 0:
        parser.error("--seeds must not be negative")
    if options.out == published_tables.BRATS_2D_3D:
        options.out.parent.mkdir(exist_ok=True)
    elif not options.out.absolute().parent.is_dir():
        parser.error(f"--out {options.out}: its folder doesn't exist")
    return options


# --- the table --------------------------------------------------------------------------------


def check_fits(table: pd.DataFrame, options: argparse.Namespace, cases: list) -> None:
    """Runs of other lengths, or on other cases, can't stand in one table."""
    minutes = sorted(set(table["minutes"]) - {options.minutes})
    if minutes:
        sys.exit(
            f"{options.out} holds runs of {minutes[0]:g} minutes, not {options.minutes:g}: give "
            f"--minutes {minutes[0]:g}, or another --out"
        )
    for fold, part in table.groupby("fold"):
        if set(part["case"]) != {case.id for case in cases[int(fold) :: FOLDS]}:
            sys.exit(
                f"{options.out} holds other cases in fold {fold} than {options.data}: point "
                "--data at the cases it was made with, or give another --out"
            )


# --- a run ------------------------------------------------------------------------------------


def build(axes: int) -> keras.Model:
    sides = BLOCK if axes == 3 else SLICE
    model = unet.unet((*sides, 4), filters=FILTERS[axes], **NETWORK)
    return fast_conv3d.use_fast_convolutions(model) if axes == 3 else model


def batches(
    axes: int, cases: list[prepared_cases.PreparedCase], seed: int, epoch: int
) -> tf.data.Dataset:
    """Blocks, or slices: blocks of height 1, drawn and changed in the same way."""
    size, count = (BLOCK, 1) if axes == 3 else ((*SLICE, 1), SLICES)
    drawn = patch_batches.Patches(
        cases=cases,
        size=size,
        batch_size=count,
        steps=10_000_000,  # the clock ends it
        augment=augment.VOLUMES,
        seed=seed,
    ).epoch(epoch)
    if axes == 3:
        return drawn
    return drawn.map(lambda image, mask: (image[..., 0, :], mask[..., 0, :]))


def train(row: Row, minutes: float, cases: list[prepared_cases.PreparedCase], seed: int):
    """Train for the minutes of processor time; returns the model and the clock."""
    start = seed + row.other_start

    def make() -> keras.Model:
        model = build(row.axes)
        model.compile(keras.optimizers.Adam(PEAK), losses.BCEDice(pool_batch=True))
        return model

    model, _ = lgg_dice.compiled(make, batches(row.axes, cases, start, 1), start, steps=1)
    clock = timed_training.TimedCosine(minutes, PEAK, clock=timed_training.processor_seconds)
    data = batches(row.axes, cases, start, 0)
    model.fit(data, verbose=0, shuffle=False, callbacks=[clock])
    return model, clock


def predict(model: keras.Model, case: prepared_cases.PreparedCase) -> np.ndarray:
    """Probabilities (x, y, z, 3) at 2 mm: by sliding window, or slice by slice."""
    if len(model.input_shape) == 5:
        return sliding_window.predict(model, case.images, skip_empty=True)
    width, height, slices, _ = case.images.shape
    left, front = (SLICE[0] - width) // 2, (SLICE[1] - height) // 2
    place = np.s_[:, left : left + width, front : front + height]
    found = np.zeros((slices, width, height, 3), np.float16)
    for first in range(0, slices, SLICES):
        batch = np.zeros((SLICES, *SLICE, 4), np.float32)
        part = np.moveaxis(case.images[:, :, first : first + SLICES], 2, 0)
        batch[place][: len(part)] = part
        found[first : first + len(part)] = model.predict_on_batch(batch)[place][: len(part)]
    return np.moveaxis(found, 0, 2)


def judge(model: keras.Model, case: prepared_cases.PreparedCase) -> dict:
    """The scores of a case at full size; the columns are explained in `published_tables.brats_2d_3d`."""
    truth, spacing = brats.regions(case.source.read_labels()), nifti.spacing_of(case.full_affine)
    probabilities = case.restore(predict(model, case), order=1)
    raw, clean = (
        brats.regions(postprocess.labels_from(probabilities, largest=largest))
        for largest in (False, True)
    )
    line = {"case": case.id}
    for i, region in enumerate(REGIONS):
        one = truth[..., i], raw[..., i]
        line[region] = round(metrics.dice(*one), 4)
        line[f"{region}_largest"] = round(metrics.dice(truth[..., i], clean[..., i]), 4)
        line[f"{region}_hd95"] = round(surfaces.hd95(*one, spacing), 2)
        line[f"{region}_mm3"] = int(truth[..., i].sum() * np.prod(spacing))
    return line


def run(
    name: str, seed: int, minutes: float, cases: list[prepared_cases.PreparedCase]
) -> list[dict]:
    """Train and judge one network; the lines to add to the table."""
    row, fold = ROWS[name], seed % FOLDS
    inside = cases[fold::FOLDS]
    outside = [case for case in cases if case not in inside]
    model, clock = train(row, minutes, outside, seed)
    about = {
        "row": name,
        "axes": row.axes,
        "what": row.what,
        "seed": seed,
        "fold": fold,
    }
    cost = {
        "minutes": minutes,
        "minutes_used": round(clock.seconds / 60, 3),
        "steps": clock.steps,
        "parameters": model.count_params(),
        "filters": FILTERS[row.axes],
        "date": date.today().isoformat(),
        "machine": lgg_ablation.machine(),
        "command": f"python benchmarks/brats_2d_3d.py --data FOLDER --rows {name} "
        f"--seeds {seed} --minutes {minutes:g}",
    }
    return [about | judge(model, case) | cost for case in inside]


def main() -> None:
    sys.stdout.reconfigure(line_buffering=True)  # a long run is watched through a pipe, too
    options = arguments()
    table = lgg_ablation.table_so_far(options.out, "case")
    done = lgg_ablation.finished(table)
    # all rows of a seed before the next seed, so that an interrupted queue is balanced
    queue = [(row, seed) for seed in options.seeds for row in options.rows]
    todo = [pair for pair in queue if pair not in done]
    print(f"{len(queue)} runs of {options.minutes:g} min; {len(queue) - len(todo)} are done")
    if runtime.best_precision() != "float32":
        keras.mixed_precision.set_dtype_policy(runtime.best_precision())
    found = brats.find_cases(options.data)
    if len(found) < FOLDS:
        sys.exit(f"{options.data}: {len(found)} complete BraTS cases, {FOLDS} are needed")
    check_fits(table, options, found)
    if not todo:
        return
    try:
        cases = prepared_cases.prepare(found, factor=FACTOR, progress=sys.stderr.isatty())
    except brats.DataError as error:
        sys.exit(str(error))
    for case in cases:
        if any(n > side for n, side in zip(case.images.shape[:2], SLICE, strict=True)):
            sys.exit(f"{case.id}: a brain larger than a slice of {SLICE} at {FACTOR} mm")
    print(f"{len(cases)} cases, on {lgg_ablation.machine()}")
    begun = time.perf_counter()
    try:
        for number, (name, seed) in enumerate(todo, 1):
            lines = run(name, seed, options.minutes, cases)
            lgg_ablation.append(options.out, lines, "case")
            keras.utils.clear_session()
            gc.collect()
            now = time.perf_counter()
            print(
                f"[{number}/{len(todo)}] {name}, seed {seed}: "
                + ", ".join(f"{r} {np.mean([line[r] for line in lines]):.3f}" for r in REGIONS)
                + f", {lines[0]['steps']} steps, {lines[0]['parameters']:,} parameters, "
                f"{(now - begun) / 60:.1f} min on the wall, {runtime.peak_memory_gb():.2f} GB"
            )
            begun = now
    except KeyboardInterrupt:
        print(f"Interrupted; whole runs are kept in {options.out}, the same command goes on.")
        sys.exit(130)


if __name__ == "__main__":
    main()
