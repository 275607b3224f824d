"""How many real patients does a network need, and does it work in a hospital that it hasn't seen?

Two experiments on real LGG patients, many short runs each:

- `transfer`: a network trained on synthetic patients for M minutes, then on 0, 1, 4 or 16 real ones
  for M minutes; compared with one trained from a random start on the same real patients for 2 · M
  minutes. All are tested on the same 16 other patients. A seed sets the random start and which of
  the remaining patients are drawn: the one is among the four, and these among the sixteen.
- `hospitals`: each hospital with five patients or more is left out in turn (smaller ones together)
  and tested on a network trained on synthetic patients, then on as many real ones of the others as
  there are without the largest hospital; compared with folds, in which patients of the tested one's
  hospital are trained on.

Minutes are processor time, so that a busy machine doesn't shorten a run. Complete runs are added to
the tables, and the same command continues an interrupted one; `unet_course.judging.published_tables`
reads them.

    python benchmarks/lgg_transfer.py --data FOLDER
"""

import argparse
import functools
import os
import sys
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import lgg_ablation
import lgg_dice
import numpy as np
import timed_training
from lgg_rows import FILTERS, RECIPE, plain

from unet_course import runtime
from unet_course.data import lgg
from unet_course.data import slices as slices_2d
from unet_course.judging import metrics, published_tables
from unet_course.network import losses
from unet_course.prediction import predict_slices
from unet_course.synthetic import sample_data
from unet_course.training import augment, slice_batches

COUNTS = (0, 1, 4, 16)
FOLDS = 4
FEWEST = 5  # hospitals with fewer patients are left out together
AGAIN = RECIPE.peak / 3  # peak rate when a trained network is trained further
FILES = {
    "transfer": published_tables.LGG_TRANSFER,
    "hospitals": published_tables.LGG_HOSPITALS,
}


@dataclass(frozen=True, kw_only=True)
class Run:
    """One network: what it is trained on, and whom it is tested on."""

    experiment: str
    row: str
    start: str  # "synthetic" or "random"
    fold: str  # whom it is tested on, in a word
    train: tuple[str, ...]
    test: tuple[str, ...]
    seed: int


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", required=True, type=Path, metavar="DIR", help="real LGG patients")
    parser.add_argument("--experiments", nargs="+", choices=FILES, default=list(FILES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], metavar="S")
    parser.add_argument("--minutes", type=float, default=0.1, help="M, in processor time")
    parser.add_argument(
        "--out", type=Path, default=None, metavar="DIR", help="folder of the tables"
    )
    parser.add_argument("--at-most", type=int, default=None, metavar="N", help="stop after N runs")
    parser.add_argument("--list", action="store_true", help="say which runs are left, and stop")
    options = parser.parse_args()
    if not options.data.is_dir():
        parser.error(f"--data {options.data}: no such folder")
    if options.minutes <= 0 or min(options.seeds) < 0:
        parser.error("--minutes must be positive, and no seed negative")
    if options.out and not options.out.is_dir():
        parser.error(f"--out {options.out}: no such folder")
    options.seeds = sorted(set(options.seeds))
    return options


# --- who is trained on, who is tested ------------------------------------------------------------


def transfer_runs(ids: list[str], seed: int) -> list[Run]:
    """The seven runs of a seed; `ids` sorted, so that neighbours are of one hospital."""
    test = tuple(id for i, id in enumerate(ids) if i % 9 in (0, 2, 4, 6))
    others = [id for id in ids if id not in test]
    drawn = np.random.default_rng(seed).permutation(others).tolist()
    runs = []
    for count in COUNTS:
        for start in ("synthetic", "random") if count else ("synthetic",):
            row = f"{start}-{count}"
            train = tuple(drawn[:count])
            about = {"row": row, "start": start, "fold": "others", "train": train, "test": test}
            runs.append(Run(experiment="transfer", seed=seed, **about))
    return runs


def hospital_runs(hospitals: dict[str, str], seed: int) -> list[Run]:
    """A run for each hospital left out and each fold; `hospitals` by id, sorted."""
    ids = list(hospitals)
    names = sorted(set(hospitals.values()))
    people = {name: [id for id in ids if hospitals[id] == name] for name in names}
    small = [name for name in names if len(people[name]) < FEWEST]
    groups = {name: people[name] for name in names if name not in small}
    if small:
        groups["+".join(small)] = [id for name in small for id in people[name]]
    size = len(ids) - max(map(len, groups.values()))
    tests = {f"without-{name}": part for name, part in groups.items()}
    tests |= {f"fold-{k}": ids[k::FOLDS] for k in range(FOLDS)}
    runs = []
    for number, (row, test) in enumerate(tests.items()):
        others = [id for id in ids if id not in test]
        train = np.random.default_rng((seed, number)).permutation(others).tolist()[:size]
        about = {"row": row, "start": "synthetic", "fold": row.partition("-")[2]}
        runs.append(
            Run(experiment="hospitals", train=tuple(train), test=tuple(test), seed=seed, **about)
        )
    return runs


# --- a run ---------------------------------------------------------------------------------------


@functools.cache
def network() -> keras.Model:
    """The network of all runs, compiled once: that takes as long as a run."""
    model = plain(RECIPE.side, FILTERS)
    model.compile(keras.optimizers.Adam(RECIPE.peak), losses.BCEDice(pool_batch=True))
    model.optimizer.build(model.trainable_variables)
    model.fit(batches_of(synthetic_slices(), 0).epoch(1), steps_per_epoch=2, verbose=0)
    return model


def batches_of(data: slices_2d.Slices, seed: int, augmentation=RECIPE.augmentation):
    return slice_batches.Batches(
        slices=data,
        batch_size=RECIPE.batch_size,
        steps=10_000_000,  # the clock ends it
        tumour_fraction=RECIPE.tumour_fraction,
        augment=augmentation,
        seed=seed,
    )


def train(
    data: slices_2d.Slices,
    minutes: float,
    seed: int,
    *,
    peak: float = RECIPE.peak,
    augmentation: augment.Augmentation = RECIPE.augmentation,
    weights: list[np.ndarray] | None = None,
) -> tuple[keras.Model, timed_training.TimedCosine]:
    """Train from a random start, or from `weights`, for the minutes of processor time."""
    model = network()
    if weights is None:
        keras.utils.set_random_seed(seed)
        weights = plain(RECIPE.side, FILTERS).get_weights()
    model.set_weights(weights)
    for variable in model.optimizer.variables:  # Adam forgets the run before
        variable.assign(keras.ops.zeros_like(variable))
    clock = timed_training.TimedCosine(minutes, peak, clock=timed_training.processor_seconds)
    batches = batches_of(data, seed, augmentation)
    model.fit(batches.epoch(0), verbose=0, shuffle=False, callbacks=[clock])
    return model, clock


@functools.cache
def synthetic_slices() -> slices_2d.Slices:
    patients = lgg.find_patients(sample_data.lgg_root())
    return slices_2d.load(patients, RECIPE.side, progress=False)


def pretrained(seed: int, minutes: float) -> list[np.ndarray]:
    """Weights of a network trained on the sample alone; kept in the cache for the seed's runs."""
    folder = runtime.training_dir() / "lgg_transfer"
    folder.mkdir(exist_ok=True)
    policy = keras.mixed_precision.dtype_policy().name
    file = folder / f"{policy}-{minutes:g}-{seed}.npz"
    if not file.exists():
        model, clock = train(synthetic_slices(), minutes, seed, augmentation=lgg_dice.STRONG)
        print(f"  on the sample, seed {seed}: {clock.steps} steps")
        making = file.with_suffix(".making.npz")
        np.savez(making, *model.get_weights())
        making.replace(file)
    with np.load(file) as saved:
        return [saved[name] for name in saved.files]


def do(run: Run, minutes: float, data: slices_2d.Slices, truths: dict) -> list[dict]:
    """Train and judge one network; the lines to add to the table."""
    real = data.of(run.train)
    again = {"peak": AGAIN, "seed": run.seed + 100}
    if run.start == "random":
        model, clock = train(real, 2 * minutes, run.seed)
    elif run.train:
        model, clock = train(real, minutes, weights=pretrained(run.seed, minutes), **again)
    else:
        again |= {"augmentation": lgg_dice.STRONG, "weights": pretrained(run.seed, minutes)}
        model, clock = train(synthetic_slices(), minutes, **again)
    about = {
        "row": run.row,
        "start": run.start,
        "trained_on": len(run.train),
        "seed": run.seed,
        "fold": run.fold,
    }
    cost = {
        "minutes": minutes,
        "minutes_used": round(clock.seconds / 60, 3),
        "steps": clock.steps,
        "date": date.today().isoformat(),
        "machine": lgg_ablation.machine(),
    }
    return [about | line | cost for line in judge(model, data.of(run.test), truths)]


def judge(model: keras.Model, data: slices_2d.Slices, truths: dict[str, np.ndarray]) -> list[dict]:
    """A line for each patient: Dice with test-time flips and largest component, and with neither."""
    raw = predict_slices.predict(model, data)
    flipped = (raw + predict_slices.predict(model, data, flips=((1,),))) / 2
    lines = []
    for patient in dict.fromkeys(data.patients.tolist()):
        rows, truth = data.patients == patient, truths[patient]
        masks = [
            predict_slices.full_size(found[rows], lgg_dice.FULL_SIDE)[..., 0] >= 0.5
            for found in (flipped, raw)
        ]
        dice = metrics.dice(truth, predict_slices.largest_component(masks[0]))
        line = {"dice": round(dice, 4), "dice_raw": round(metrics.dice(truth, masks[1]), 4)}
        lines.append({"patient": patient} | line | {"tumour_pixels": int(truth.sum())})
    return lines


def finished(file: Path, minutes: float) -> set[tuple[str, int]]:
    """(row, seed) of a table's runs; ends where they had other minutes, since a table has one length."""
    table = lgg_ablation.table_so_far(file)
    timed_training.refuse_other_lengths(file, table, minutes)
    return lgg_ablation.finished(table)


def main() -> None:
    sys.stdout.reconfigure(line_buffering=True)  # so that a long run can be watched through a pipe
    options = arguments()
    files = {name: options.out / file.name if options.out else file for name, file in FILES.items()}
    patients = lgg.find_patients(options.data)
    hospitals = {patient.id: patient.institution for patient in patients}
    queue = []
    for name in options.experiments:  # of each, a whole seed before the next
        for seed in options.seeds:
            if name == "transfer":
                queue += transfer_runs(list(hospitals), seed)
            else:
                queue += hospital_runs(hospitals, seed)
    done = {name: finished(files[name], options.minutes) for name in options.experiments}
    todo = [run for run in queue if (run.row, run.seed) not in done[run.experiment]]
    print(f"{len(queue)} runs, {len(todo)} are left")
    if options.list or not todo:
        for run in todo:
            print(f"  {run.experiment}: {run.row}, seed {run.seed}, {len(run.train)} patients")
        return
    if runtime.best_precision() != "float32":
        keras.mixed_precision.set_dtype_policy(runtime.best_precision())
    data = slices_2d.load(patients, RECIPE.side, progress=False)
    truths = {patient.id: patient.read_masks() for patient in patients}
    for run in todo[: options.at_most]:
        started = time.perf_counter()
        lines = do(run, options.minutes, data, truths)
        lgg_ablation.append(files[run.experiment], lines)
        print(
            f"{run.experiment}: {run.row}, seed {run.seed}: Dice "
            f"{np.mean([line['dice'] for line in lines]):.3f}, {lines[0]['steps']} steps, "
            f"{time.perf_counter() - started:.0f} s on the wall, "
            f"{runtime.peak_memory_gb():.2f} GB at most"
        )


if __name__ == "__main__":
    main()
