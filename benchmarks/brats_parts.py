"""What does each part of the BraTS recipe bring? Decided on synthetic cases that are held out.

Every row changes one thing in the course's recipe and trains on synthetic cases alone, with 12
filters, in equal minutes of processor time. It is judged on the held-out cases of `brats_rules.py`,
whose kinds training hasn't seen, with the recipe's own thresholds and clean-up, at 2 mm. With
--data FOLDER real cases are judged, too: to confirm, not to choose. Complete rows are added to
--out, and the same command continues an interrupted one.

    python benchmarks/brats_parts.py --out parts.csv
"""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import brats_dice
import growing_cases
import keras
import pandas as pd
import timed_training
from brats_recipes import RECIPES, Recipe
from brats_rules import SEED, UNSEEN, scores

from unet_course import storage
from unet_course.data import brats
from unet_course.data.layouts import REGIONS
from unet_course.judging import confidence

COURSE = replace(RECIPES["course"], filters=(12,))
# Name: what it changes in the recipe, and its seed.
ROWS: dict[str, tuple[dict, int]] = {
    "course": ({}, 0),
    "again": ({}, 1),  # another random start and other cases: what chance does
    "no-asymmetry": (dict(asymmetry=False), 0),
    "patches-64": (dict(size=(64, 64, 64)), 0),
    "averaged": (dict(average=0.99), 0),
    "averaged-again": (dict(average=0.99), 1),
    "deep-supervision": (dict(deep_supervision=True), 0),
    "no-fine": (dict(fine=0), 0),
    "rate-1e-3": (dict(peak=1e-3), 0),
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--out", required=True, type=Path, metavar="CSV")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--minutes", type=float, default=4, help="processor time of a row")
    parser.add_argument("--cases", type=int, default=24, help="held-out synthetic cases")
    parser.add_argument("--data", action="append", default=[], type=Path, metavar="DIR")
    options = parser.parse_args()
    if not options.out.absolute().parent.is_dir():
        parser.error(f"--out {options.out}: its folder doesn't exist")
    if options.minutes <= 0 or options.cases < 1:
        parser.error("--minutes must be positive, and --cases 1 or more")
    for folder in options.data:
        if not folder.is_dir():
            parser.error(f"--data {folder}: no such folder")
    return options


class LastWeights(keras.callbacks.Callback):
    """The weights after the last step, which Keras then replaces by their moving average, if it has one."""

    def on_epoch_end(self, epoch, logs=None):
        self.weights = self.model.get_weights()


def train(recipe: Recipe, minutes: float, seed: int) -> tuple[keras.Model, int, list]:
    """A network trained on ever new synthetic cases, the steps that it made, and its last weights."""
    timed = timed_training.TimedCosine(minutes, recipe.peak, clock=timed_training.processor_seconds)
    batches = brats_dice.batches_of(recipe, [], [], seed, grow=True, share=timed.share)
    last = LastWeights()
    model, _ = brats_dice.train(recipe, timed, batches, seed, [last])
    return model, timed.steps, last.weights


def judged(recipe: Recipe, model: keras.Model, options: argparse.Namespace) -> list[dict]:
    """Dice of each region: a line for each held-out case, and for each real one."""
    kinds = {
        "held out": (
            growing_cases.prepared(SEED, number, UNSEEN, recipe.asymmetry)
            for number in range(options.cases)
        )
    }
    if options.data:
        real = [case for folder in options.data for case in brats.find_cases(folder)]
        kinds["real"] = brats_dice.ready(real, recipe.factor, recipe.asymmetry)
    return [
        {"kind": kind, "case": case.id}
        | dict(zip(REGIONS, scores({"": recipe}, model, case)[0], strict=True))
        for kind, cases in kinds.items()
        for case in cases
    ]


def so_far(out: Path) -> pd.DataFrame:
    """The complete rows of earlier commands."""
    return pd.read_csv(out) if out.exists() else pd.DataFrame(columns=["row", "minutes"])


def show(table: pd.DataFrame) -> None:
    """Means, and each row's difference from the first one, case by case, with a 95 % interval."""
    width = max(14, *(len(name) + 2 for name in table.row.unique()))
    for kind, part in table.groupby("kind", sort=False):
        print(f"\n{part.case.nunique()} cases, {kind}")
        for region in REGIONS:
            by_row = part.pivot(index="case", columns="row", values=region)
            for name in part.row.unique():
                line = f"  {region}  {name:{width}}{by_row[name].mean():.3f}"
                if name != "course" and "course" in by_row:
                    gain = (by_row[name] - by_row["course"]).to_numpy()
                    low, high = confidence.interval(gain)
                    line += f"  {gain.mean():+.3f} ({low:+.3f} to {high:+.3f})"
                print(line)


def main() -> None:
    sys.stdout.reconfigure(line_buffering=True)  # so that a long run can be watched through a pipe
    options = arguments()
    timed_training.refuse_other_lengths(options.out, so_far(options.out), options.minutes)
    for name in options.rows:
        table = so_far(options.out)
        if name in set(table["row"]):
            continue
        change, seed = ROWS[name]
        recipe = replace(COURSE, **change)
        model, steps, last = train(recipe, options.minutes, seed)
        about = {"row": name, "seed": seed, "minutes": options.minutes, "steps": steps}
        lines = [about | line for line in judged(recipe, model, options)]
        if recipe.average:  # the same run without it
            model.set_weights(last)
            about["row"] = f"{name}, last weights"
            lines += [about | line for line in judged(recipe, model, options)]
        lines = pd.DataFrame(lines)
        keras.utils.clear_session()
        table = pd.concat([table, lines]) if len(table) else lines
        storage.write_text(options.out.absolute(), table.to_csv(index=False, lineterminator="\n"))
        means = lines.groupby(["row", "kind"], sort=False)[list(REGIONS)].mean().round(3)
        print(f"{name}, {steps} steps\n{means}")
    show(so_far(options.out))


if __name__ == "__main__":
    main()
