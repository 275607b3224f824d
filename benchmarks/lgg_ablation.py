"""Ablation on LGG: many short runs that differ in the loss, optimiser, network or sampling.

Each run trains one network from a random start and is evaluated on patients that it never saw. Seed
s trains on the patients outside fold s and judges fold s: every fourth patient from the s-th,
sorted by id. A row differs from `bce-dice` in one thing. Minutes are processor time, so that a busy
machine doesn't shorten a run. Complete runs are added to the table, and the same command continues
an interrupted one; and `unet_course.judging.published_tables` reads the table.

    python benchmarks/lgg_ablation.py --data FOLDER
"""

import argparse
import contextlib
import gc
import logging
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # two processes share a GPU

import keras
import lgg_dice
import numpy as np
import pandas as pd
import timed_training
from lgg_rows import RECIPE, ROWS, Row, filters_of

from unet_course import runtime, storage
from unet_course.data import lgg
from unet_course.data import slices as slices_2d
from unet_course.judging import metrics, published_tables
from unet_course.prediction import predict_slices
from unet_course.training import slice_batches

FOLDS = 4
RUNS_A_PROCESS = 8
SCORES_DIGITS = 4


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of real LGG patients")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), metavar="NAME")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], metavar="S")
    parser.add_argument("--minutes", type=float, default=0.6, help="processor time of a run")
    parser.add_argument("--out", type=Path, default=published_tables.LGG_ABLATION, metavar="CSV")
    parser.add_argument("--list", action="store_true", help="say which runs there are, and stop")
    options = parser.parse_args()
    options.rows, options.seeds = list(dict.fromkeys(options.rows)), sorted(set(options.seeds))
    if options.list:
        return options
    if options.data is None:
        parser.error("--data DIR is needed, a folder of real LGG patients")
    if not options.data.is_dir():
        parser.error(f"--data {options.data}: no such folder")
    if options.minutes <= 0:
        parser.error("--minutes must be positive")
    if min(options.seeds) < 0:
        parser.error("--seeds must not be negative")
    if options.out == published_tables.LGG_ABLATION:
        options.out.parent.mkdir(exist_ok=True)
    elif not options.out.absolute().parent.is_dir():
        parser.error(f"--out {options.out}: its folder doesn't exist")
    return options


# --- the table --------------------------------------------------------------------------------


def table_so_far(out: Path, case: str = "patient") -> pd.DataFrame:
    """What earlier commands left; a file that isn't such a table ends this one."""
    columns = ["row", "seed", "fold", case, "minutes", "machine"]
    if not out.exists():
        return pd.DataFrame(columns=columns)
    try:
        table = published_tables.lgg_ablation(out)
        table[columns]  # else a KeyError names what is missing
    except (OSError, ValueError, KeyError) as error:
        sys.exit(
            f"{out}: can't be read as a table of runs ({error}). Move it away, and run this again."
        )
    return table


def finished(table: pd.DataFrame) -> set[tuple[str, int]]:
    return set(zip(table["row"], table["seed"], strict=True))


def append(out: Path, lines: list[dict], case: str = "patient") -> None:
    """Add a complete run; the file is replaced at once, so it never holds part of a run."""
    table = table_so_far(out, case)  # read again: another command may have added to it
    if (lines[0]["row"], lines[0]["seed"]) in finished(table):
        return
    new = pd.DataFrame(lines)
    table = pd.concat([table, new], ignore_index=True) if len(table) else new
    storage.write_text(out.absolute(), table.to_csv(index=False, lineterminator="\n"))


def check_fits(table: pd.DataFrame, options: argparse.Namespace, patients: list) -> None:
    """Runs of other lengths, or on other patients, can't stand in one table."""
    timed_training.refuse_other_lengths(options.out, table, options.minutes)
    for fold, part in table.groupby("fold"):
        if set(part["patient"]) != {p.id for p in patients[int(fold) :: FOLDS]}:
            sys.exit(
                f"{options.out} holds other patients in fold {fold} than {options.data}: point "
                "--data at the patients it was made with, or give another --out"
            )
    others = sorted(set(table["machine"]) - {machine()})
    if others:
        print(f"note: {options.out.name} holds runs of another machine, too: {'; '.join(others)}")


def machine() -> str:
    precision = keras.mixed_precision.dtype_policy().name
    gpus = "".join(f", {name}" for name in runtime.gpus())
    return f"{runtime.processor()}, {os.cpu_count()} cores{gpus}, {precision}"


# --- a run ------------------------------------------------------------------------------------


def train(row: Row, minutes: float, data: slices_2d.Slices, seed: int):
    """Train for the minutes of processor time; returns the model and the clock."""
    batches = slice_batches.Batches(
        slices=data,
        batch_size=RECIPE.batch_size,
        steps=10_000_000,  # the clock ends it
        tumour_fraction=row.tumour_fraction,
        augment=row.augmentation,
        seed=seed + row.other_start,
    )
    filters = filters_of(row.network)

    def make() -> keras.Model:
        model = row.network(row.side, filters)
        model.compile(row.optimizer(), row.loss())
        return model

    model, _ = lgg_dice.compiled(make, batches.epoch(1), seed + row.other_start, steps=1)
    clock = timed_training.TimedCosine(minutes, row.peak, clock=timed_training.processor_seconds)
    model.fit(batches.epoch(0), verbose=0, shuffle=False, callbacks=[clock])
    return model, clock, filters


def judge(model: keras.Model, data: slices_2d.Slices, truths: dict[str, np.ndarray]) -> list[dict]:
    """A line for each patient; the columns are explained in `published_tables.lgg_ablation`."""
    straight = predict_slices.predict(model, data)
    mirrored = predict_slices.predict(model, data, flips=((1,),))
    if not np.isfinite(straight).all():
        print("  this network's predictions aren't finite: they count as empty")
    lines = []
    for patient in dict.fromkeys(data.patients.tolist()):
        rows, truth = data.patients == patient, truths[patient]
        raw, flips = (
            predict_slices.full_size(found[rows], lgg_dice.FULL_SIDE)[..., 0] >= 0.5
            for found in (straight, (straight + mirrored) / 2)
        )
        largest, final = (
            predict_slices.largest_component(raw),
            predict_slices.largest_component(flips),
        )
        ill = truth.any(axis=(1, 2))
        scores = {
            "dice": metrics.dice(truth, final),
            "dice_flips": metrics.dice(truth, flips),
            "dice_largest": metrics.dice(truth, largest),
            "dice_raw": metrics.dice(truth, raw),
            "tumour_slices": metrics.dice(truth[ill], final[ill]),
            "tumour_slices_raw": metrics.dice(truth[ill], raw[ill]),
        }
        lines.append(
            {"patient": patient}
            | {name: round(score, SCORES_DIGITS) for name, score in scores.items()}
            | {
                "false_slices": int(final[~ill].any(axis=(1, 2)).sum()),
                "false_slices_raw": int(raw[~ill].any(axis=(1, 2)).sum()),
                "healthy_slices": int((~ill).sum()),
                "tumour_pixels": int(truth.sum()),
            }
        )
    return lines


def run(
    name: str, seed: int, minutes: float, data: dict[int, slices_2d.Slices], truths: dict
) -> list[dict]:
    """Train and judge one network; the lines to add to the table."""
    row, fold = ROWS[name], seed % FOLDS
    slices = data[row.side]
    people = list(truths)
    inside = people[fold::FOLDS]
    outside = slices.of(set(people) - set(inside))
    model, clock, filters = train(row, minutes, outside, seed)
    about = {
        "row": name,
        "group": row.group,
        "what": row.what,
        "seed": seed,
        "fold": fold,
    }
    cost = {
        "minutes": minutes,
        "minutes_used": round(clock.seconds / 60, 3),
        "steps": clock.steps,
        "parameters": model.count_params(),
        "filters": filters,
        "date": date.today().isoformat(),
        "machine": machine(),
        "command": f"python benchmarks/lgg_ablation.py --data FOLDER --rows {name} "
        f"--seeds {seed} --minutes {minutes:g}",
    }
    return [about | line | cost for line in judge(model, slices.of(inside), truths)]


# --- runs one after the other ------------------------------------------------------------------


def serve(connection) -> None:
    """Do the runs requested through a connection, in a separate process.

    First come (minutes, slices by side, masks by patient, precision), then (row, seed) by (row,
    seed).
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process decides when to stop
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # many networks mean many tracings
    with contextlib.suppress(EOFError, ConnectionError):  # the parent process has ended
        *share, policy = connection.recv()
        keras.mixed_precision.set_dtype_policy(policy)
        while True:
            connection.send(run(*connection.recv(), *share))
            keras.utils.clear_session()
            gc.collect()


def runs(todo: list[tuple[str, int]], *share) -> Iterator[list[dict]]:
    """The lines of each run. `share` goes to the process that does them; see `serve`.

    TensorFlow keeps about 40 MB of each network until its process ends (gradients registered under
    new names), so a new process takes over every few runs.
    """
    context = multiprocessing.get_context("spawn")
    for first in range(0, len(todo), RUNS_A_PROCESS):
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs,), daemon=True)
        process.start()
        theirs.close()  # so that the end of the process is detected
        pair = todo[first]
        try:
            # not as arguments of the process: if it ended at its start, this one would hang
            ours.send(share)
            for pair in todo[first : first + RUNS_A_PROCESS]:
                ours.send(pair)
                yield ours.recv()
        except (EOFError, ConnectionError):
            process.join()
            sys.exit(f"{pair[0]}, seed {pair[1]}: its process ended with {process.exitcode}")
        finally:
            process.terminate()
            process.join()


def time_left(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"


def main() -> None:
    sys.stdout.reconfigure(line_buffering=True)  # so that a long run can be watched through a pipe
    options = arguments()
    table = table_so_far(options.out)
    done = finished(table)
    # all rows of a seed before the next seed, so that an interrupted queue is balanced
    queue = [(row, seed) for seed in options.seeds for row in options.rows]
    if options.list:
        for name in options.rows:
            seeds = [seed for row, seed in sorted(done) if row == name]
            print(f"{name:19} {ROWS[name].group:10} {ROWS[name].what}; seeds done: {seeds}")
        return
    todo = [pair for pair in queue if pair not in done]
    print(f"{len(queue)} runs of {options.minutes:g} min; {len(queue) - len(todo)} are done")
    if runtime.best_precision() != "float32":
        keras.mixed_precision.set_dtype_policy(runtime.best_precision())
    patients = lgg.find_patients(options.data)
    if len(patients) < FOLDS:
        sys.exit(f"{options.data}: {len(patients)} complete LGG patients, {FOLDS} are needed")
    check_fits(table, options, patients)
    if not todo:
        return
    try:
        sides = {ROWS[name].side for name, _ in todo}
        data = {
            side: slices_2d.load(patients, side, progress=sys.stderr.isatty()) for side in sides
        }
        truths = {patient.id: patient.read_masks() for patient in patients}
    except lgg.DataError as error:
        sys.exit(str(error))
    print(f"{len(patients)} patients, on {machine()}")
    policy = keras.mixed_precision.dtype_policy().name
    share = (options.minutes, data, truths, policy)
    started = begun = time.perf_counter()
    try:
        for number, lines in enumerate(runs(todo, *share), 1):
            append(options.out, lines)
            now = time.perf_counter()
            left = (now - started) / number * (len(todo) - number)
            print(
                f"[{number}/{len(todo)}] {lines[0]['row']}, seed {lines[0]['seed']}: "
                f"Dice {np.mean([line['dice'] for line in lines]):.3f} "
                f"(raw {np.mean([line['dice_raw'] for line in lines]):.3f}), "
                f"{lines[0]['steps']} steps, {lines[0]['parameters']:,} parameters, "
                f"{(now - begun) / 60:.1f} min on the wall, "
                f"{runtime.peak_memory_gb():.2f} GB at most; about {time_left(left)} left"
            )
            begun = now
    except KeyboardInterrupt:
        print(f"Interrupted; whole runs are kept in {options.out}, the same command goes on.")
        sys.exit(130)


if __name__ == "__main__":
    main()
