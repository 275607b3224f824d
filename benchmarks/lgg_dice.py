"""How well does a 2-D U-Net segment LGG patients after M minutes on this machine?

Trains from a random start on all patients of --data but those that --test lists, and evaluates the
listed ones by volumetric Dice at 256 × 256 pixels. Nothing is chosen on the listed patients:
network, schedule, threshold and clean-up are fixed in advance (`benchmarks/README.md` says on which
patients). Real patients' slices are larger in the last minutes (`late_side`). All training is
inside the minutes; reading, making sample patients, compiling, choosing the network's width by this
machine's speed, and evaluation are outside, and their seconds are printed.

    python benchmarks/lgg_dice.py --data FOLDER --test patients.txt --minutes 15
"""

import argparse
import functools
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import timed_training
from settings import setting_of

from unet_course import runtime, storage
from unet_course.data import lgg
from unet_course.data import slices as slices_2d
from unet_course.judging import metrics
from unet_course.network import losses, unet
from unet_course.prediction import export, predict_slices
from unet_course.synthetic import sample_data
from unet_course.training import augment, slice_batches

FULL_SIDE = 256


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that is fixed before training."""

    side: int
    patch: int
    late_side: int = 0  # pixels a side from `late_from` of the minutes on; 0: `side` throughout
    late_from: float = 0.7
    fine: int = 0  # channels of a last step at full resolution
    filters: tuple[int, ...]  # candidates; the widest one fast enough on this machine is taken
    depth: int
    batch_size: int
    peak: float
    tumour_fraction: float
    pool_batch: bool
    average: float = 0.0  # momentum of the moving average of the weights that is evaluated; 0: none
    neighbours: int = 0
    flips: tuple[tuple[int, ...], ...] = ((),)
    keep_largest: bool = False
    augmentation: augment.Augmentation


GENTLE = augment.Augmentation(
    rotation=10, scale=0.1, shift=0.05, probability=1.0,
    elastic=0, contrast=0, brightness=0, gamma=0, bias_field=0, noise=0,
)  # fmt: skip

WITHOUT_SEQUENCES = replace(GENTLE, missing=0.2)

# for training on synthetic patients alone: real scanners differ more than the sample's
STRONG = augment.Augmentation(
    rotation=15, scale=0.2, shift=0.08, elastic=2, probability=0.7,
    contrast=0.35, brightness=0.12, gamma=0.5, bias_field=0.25, noise=0.05, missing=0.2,
)  # fmt: skip

RECIPES = {
    # the baseline: a plain U-Net
    "plain": Recipe(
        side=128,
        patch=1,
        filters=(16,),
        depth=4,
        batch_size=16,
        peak=1e-3,
        tumour_fraction=0.75,
        pool_batch=False,
        augmentation=GENTLE,
    ),
    "course": Recipe(
        side=128,
        late_side=192,
        patch=2,
        filters=(16, 24, 32),
        depth=3,
        batch_size=16,
        peak=3e-3,
        tumour_fraction=0.75,
        pool_batch=True,
        flips=((), (1,)),
        keep_largest=True,
        augmentation=WITHOUT_SEQUENCES,
    ),
}
CLOCKS = {"wall": time.perf_counter, "processor": timed_training.processor_seconds}
ENOUGH_SLICES = 40_000  # a wider network must still see this many, or a narrower one learns more


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", action="append", required=True, type=Path, metavar="DIR")
    parser.add_argument("--test", required=True, type=Path, metavar="FILE")
    parser.add_argument("--minutes", required=True, type=float)
    parser.add_argument("--train-on", choices=("real", "sample", "both"), default="real")
    parser.add_argument("--synthetic", type=int, default=144, help="sample patients to make")
    parser.add_argument("--recipe", choices=RECIPES, default="course")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=setting_of(Recipe),
        metavar="NAME=VALUE",
        help="change one thing in the recipe: side=96, batch_size=8, keep_largest=False, …",
    )
    parser.add_argument(
        "--clock",
        choices=CLOCKS,
        default="wall",
        help="what a minute is; processor: of this process on all cores, whatever else runs",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, metavar="OUT")
    parser.add_argument("--save", type=Path, metavar="FILE.keras", help="keep the network")
    options = parser.parse_args()
    if options.minutes <= 0:
        parser.error("--minutes must be positive")
    for folder in options.data:
        if not folder.is_dir():
            parser.error(f"--data {folder}: no such folder")
    if not options.test.is_file():
        parser.error(f"--test {options.test}: no such file")
    if options.json and not options.json.absolute().parent.is_dir():
        parser.error(f"--json {options.json}: its folder doesn't exist")
    return options


def sides(options: argparse.Namespace) -> tuple[list[lgg.Patient], list[lgg.Patient]]:
    """The patients to train and to test on; a listed patient that is missing is an error."""
    patients = {p.folder.name: p for folder in options.data for p in lgg.find_patients(folder)}
    lines = options.test.read_text(encoding="utf-8-sig").splitlines()
    listed = [line.strip() for line in lines if line.strip()]
    absent = sorted(set(listed) - set(patients))
    if absent or not listed:
        sys.exit(f"{options.test}: not among the patients of --data: {', '.join(absent) or 'any'}")
    test = [patients[name] for name in dict.fromkeys(listed)]
    tested = {patient.id for patient in test}
    train = [p for p in patients.values() if p.id not in tested]
    if options.train_on == "sample":
        train = []
    if options.train_on in ("sample", "both"):
        root = sample_data.lgg_root(seed=options.seed, patients=options.synthetic)
        train += lgg.find_patients(root)
    if not train:
        sys.exit("no patients are left to train on: list fewer in --test, or add a --data folder")
    return train, test


def build(recipe: Recipe, filters: int) -> keras.Model:
    channels = 3 * (2 * recipe.neighbours + 1)
    model = unet.unet(
        (recipe.side, recipe.side, channels),
        filters=filters,
        depth=recipe.depth,
        patch=recipe.patch,
        fine=recipe.fine,
    )
    averaged = {"use_ema": True, "ema_momentum": recipe.average} if recipe.average else {}
    optimizer = keras.optimizers.Adam(recipe.peak, **averaged)  # `fit` ends with the averages
    model.compile(optimizer, losses.BCEDice(pool_batch=recipe.pool_batch))
    return model


def compiled(
    make: Callable[[], keras.Model],
    dataset,
    seed: int,
    steps: int = 12,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[keras.Model, float]:
    """A network whose training step is compiled but which has learnt nothing, and seconds per step.

    `make` returns it, compiled in Keras' sense; `seed` sets its random start; `steps` are timed.
    """
    keras.utils.set_random_seed(seed)
    model = make()
    model.optimizer.build(model.trainable_variables)
    variables = [*model.variables, *model.optimizer.variables]
    start = [keras.ops.convert_to_numpy(v) for v in variables]
    model.fit(dataset, steps_per_epoch=2, verbose=0, shuffle=False)
    timed = timed_training.TimedCosine(1.0, 1e-3, clock=clock)
    model.fit(dataset, steps_per_epoch=steps, verbose=0, shuffle=False, callbacks=[timed])
    seconds = timed.seconds / timed.steps
    for variable, value in zip(variables, start, strict=True):
        variable.assign(value)
    return model, seconds


def sizes(recipe: Recipe) -> list[int]:
    """Pixels a side, in the order in which they are trained on; the last one's network predicts."""
    return [recipe.side, recipe.late_side] if recipe.late_side else [recipe.side]


def train(
    recipe: Recipe, minutes: float, data: list[slices_2d.Slices], seed: int, clock: str = "wall"
):
    """Train for the minutes; returns the model, its clock, and the seconds spent compiling.

    `data` are the training slices at each of `sizes`. A U-Net's weights fit any size, so the second
    network, at the larger one, goes on from those of the first.
    """
    seconds_of = CLOCKS[clock]
    batches, *later = [
        slice_batches.Batches(
            slices=slices,
            batch_size=recipe.batch_size,
            steps=10_000_000,  # the clock ends it
            tumour_fraction=recipe.tumour_fraction,
            augment=recipe.augmentation,
            neighbours=recipe.neighbours,
            seed=seed,
        )
        for slices in data
    ]
    started = time.perf_counter()
    model = None
    for filters in recipe.filters:
        candidate, seconds = compiled(
            functools.partial(build, recipe, filters), batches.epoch(1), seed, clock=seconds_of
        )
        seen = minutes * 60 / seconds * recipe.batch_size
        print(f"  {filters} filters: {seconds:.3f} s a step, {seen:,.0f} slices in {minutes:g} min")
        if model is None or seen >= ENOUGH_SLICES:
            model, width = candidate, filters
        if seen < ENOUGH_SLICES:
            break
    timed = timed_training.TimedCosine(minutes, recipe.peak, clock=seconds_of)
    if later:
        large = replace(recipe, side=recipe.late_side)
        larger, _ = compiled(
            functools.partial(build, large, width), later[0].epoch(1), seed, clock=seconds_of
        )
    compiling = time.perf_counter() - started
    if later:
        until = timed_training.Until(timed, recipe.late_from)
        model.fit(batches.epoch(0), verbose=0, shuffle=False, callbacks=[timed, until])
        larger.set_weights(model.get_weights())
        model, batches = larger, later[0]
    model.fit(batches.epoch(0), verbose=0, shuffle=False, callbacks=[timed])
    return model, timed, compiling


def judge(recipe: Recipe, model: keras.Model, patients: list[lgg.Patient]) -> dict[str, float]:
    """Volumetric Dice by patient (folder name) at the files' own size."""
    scores = {}
    for patient in patients:
        data = slices_2d.load([patient], sizes(recipe)[-1], progress=False)
        found = predict_slices.predict(
            model, data, neighbours=recipe.neighbours, flips=recipe.flips
        )
        mask = predict_slices.full_size(found, FULL_SIDE)[..., 0] >= 0.5
        if recipe.keep_largest:
            mask = predict_slices.largest_component(mask)
        scores[patient.folder.name] = metrics.dice(patient.read_masks(), mask)
    return scores


def main() -> None:
    sys.stdout.reconfigure(line_buffering=True)  # so that a long run can be watched through a pipe
    options = arguments()
    recipe = RECIPES[options.recipe]
    if options.recipe == "course" and options.train_on == "sample":
        # the larger size was tried on real patients alone
        recipe = replace(recipe, augmentation=STRONG, late_side=0)
    recipe = replace(recipe, **dict(options.set))
    if runtime.best_precision() == "float32":
        print("precision: float32")
    else:
        keras.mixed_precision.set_dtype_policy(runtime.best_precision())
        print(f"precision: {runtime.best_precision()}")
    started = time.perf_counter()
    patients, test = sides(options)
    print(f"{len(patients)} patients to train on ({options.train_on}), {len(test)} to test")
    data = [slices_2d.load(patients, side) for side in sizes(recipe)]
    reading = time.perf_counter() - started
    model, clock, compiling = train(recipe, options.minutes, data, options.seed, options.clock)
    minutes = clock.seconds / 60
    started = time.perf_counter()
    scores = judge(recipe, model, test)
    judging = time.perf_counter() - started

    width = max(map(len, scores))
    print(f"\n{'patient':{width}}  Dice")
    for name, score in scores.items():
        print(f"{name:{width}}  {score:.3f}")
    mean, median = float(np.mean(list(scores.values()))), float(np.median(list(scores.values())))
    print(f"{'mean':{width}}  {mean:.3f}\n{'median':{width}}  {median:.3f}")
    memory = runtime.peak_memory_gb()
    print(
        f"\n{model.count_params():,} parameters, {clock.steps} steps of {recipe.batch_size} in "
        f"{minutes:.2f} min; outside them: reading {reading:.0f} s, compiling {compiling:.0f} s, "
        f"judging {judging:.0f} s; peak memory {memory:.2f} GB"
    )
    if options.save:
        # float32 whatever it was trained in, so that it predicts the same on every machine
        export.in_float32(model).save(options.save)
    if options.json:
        result = {
            "minutes": round(minutes, 3),
            "steps": clock.steps,
            "parameters": model.count_params(),
            "peak_memory_gb": round(memory, 3),
            "patients": {name: {"tumour": score} for name, score in scores.items()},
            "mean": {"tumour": mean},
            "median": {"tumour": median},
        }
        storage.write_text(options.json.absolute(), json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
