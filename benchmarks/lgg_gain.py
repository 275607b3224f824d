"""Is the course's LGG recipe better than a plain U-Net, over all patients and with an interval?

Five folds: fold k is tested on every fifth patient from the k-th, sorted by id, and trained on the
others, so each patient is tested once with each seed. All recipes get the same minutes of processor
time, so that a busy machine doesn't shorten a run. Complete runs are added to --out, and the same
command continues an interrupted one.

    python benchmarks/lgg_gain.py --data FOLDER --out gain.csv
"""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import lgg_dice
import numpy as np
import pandas as pd
import timed_training

from unet_course import runtime, storage
from unet_course.data import lgg
from unet_course.data import slices as slices_2d
from unet_course.judging import confidence

FOLDS = 5
COURSE = lgg_dice.RECIPES["course"]
RECIPES = {
    "plain": lgg_dice.RECIPES["plain"],
    "course": COURSE,
    "one-size": replace(COURSE, late_side=0),
    "averaged": replace(COURSE, average=0.99),
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", required=True, type=Path, metavar="DIR")
    parser.add_argument("--out", required=True, type=Path, metavar="CSV")
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, default=["plain", "course"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1], metavar="S")
    parser.add_argument("--minutes", type=float, default=1, help="processor time of a run")
    options = parser.parse_args()
    if not options.data.is_dir():
        parser.error(f"--data {options.data}: no such folder")
    if not options.out.absolute().parent.is_dir():
        parser.error(f"--out {options.out}: its folder doesn't exist")
    if options.minutes <= 0:
        parser.error("--minutes must be positive")
    return options


def run(name: str, seed: int, fold: int, minutes: float, patients: list[lgg.Patient]) -> list[dict]:
    """Train one network, and judge it on the fold: a line for each patient."""
    recipe, test = RECIPES[name], patients[fold::FOLDS]
    tested = {patient.id for patient in test}
    others = [p for p in patients if p.id not in tested]
    data = [slices_2d.load(others, side, progress=False) for side in lgg_dice.sizes(recipe)]
    model, clock, _ = lgg_dice.train(recipe, minutes, data, seed, "processor")
    about = {"recipe": name, "seed": seed, "fold": fold, "minutes": minutes, "steps": clock.steps}
    scores = lgg_dice.judge(recipe, model, test)
    keras.utils.clear_session()
    return [about | {"patient": patient, "dice": dice} for patient, dice in scores.items()]


def so_far(out: Path) -> pd.DataFrame:
    """The complete runs of earlier commands."""
    columns = ["recipe", "seed", "fold", "minutes"]
    return pd.read_csv(out) if out.exists() else pd.DataFrame(columns=columns)


def show(table: pd.DataFrame, recipes: list[str]) -> None:
    """Mean Dice by seed, and the paired gain over the first recipe, patient by patient."""
    first, *others = recipes
    by_patient = table.groupby(["recipe", "patient"]).dice.mean().unstack("recipe")
    for name in recipes:
        seeds = table[table.recipe == name].groupby("seed").dice.mean()
        by_seed = ", ".join(f"{mean:.3f}" for mean in seeds)
        print(f"{name:9} mean {by_patient[name].mean():.3f}, median {by_patient[name].median():.3f}"
              f" (seeds: {by_seed})")  # fmt: skip
    for name in others:
        gain = (by_patient[name] - by_patient[first]).to_numpy()
        low, high = confidence.interval(gain)
        better = int(np.sum(gain > 0))
        print(f"{name} minus {first}: {gain.mean():+.3f}, 95 % {low:+.3f} to {high:+.3f}, "
              f"better in {better} of {len(gain)} patients")  # fmt: skip


def main() -> None:
    sys.stdout.reconfigure(line_buffering=True)  # so that a long run can be watched through a pipe
    options = arguments()
    patients = lgg.find_patients(options.data)
    if len(patients) < 2 * FOLDS:
        sys.exit(f"{options.data}: {len(patients)} LGG patients, {2 * FOLDS} are needed")
    timed_training.refuse_other_lengths(options.out, so_far(options.out), options.minutes)
    keras.mixed_precision.set_dtype_policy(runtime.best_precision())
    print(f"{len(patients)} patients, precision {runtime.best_precision()}")
    queue = [(n, s, f) for s in options.seeds for f in range(FOLDS) for n in options.recipes]
    for number, (name, seed, fold) in enumerate(queue, 1):
        table = so_far(options.out)
        done = set(zip(table["recipe"], table["seed"], table["fold"], strict=True))
        if (name, seed, fold) in done:
            continue
        lines = pd.DataFrame(run(name, seed, fold, options.minutes, patients))
        table = pd.concat([table, lines]) if len(table) else lines
        storage.write_text(options.out.absolute(), table.to_csv(index=False, lineterminator="\n"))
        print(f"[{number}/{len(queue)}] {name}, seed {seed}, fold {fold}: {lines.dice.mean():.3f}, "
              f"{lines.steps[0]} steps")  # fmt: skip
    table = so_far(options.out)
    kept = table.recipe.isin(options.recipes) & table.seed.isin(options.seeds)
    show(table[kept], options.recipes)


if __name__ == "__main__":
    main()
