"""How well does a 3-D U-Net segment BraTS cases after M minutes on this machine?

Trains from a random start on synthetic cases, which all cases of --data but those that --test lists
join later on (`real_from` of `brats_recipes.py`), and evaluates the listed ones at their files' own
1 mm: Dice and HD95 of the regions WT, TC and ET. Nothing is chosen on the listed cases: network,
schedule, threshold and clean-up are fixed in advance (`benchmarks/README.md` says on which cases).
All training is inside the minutes, and so is making synthetic cases on the way (with `--set every=0`
the sample's own cases are made before, outside them). Preparing, compiling, choosing the network's width by this machine's speed, and evaluation are
outside, and their seconds are printed.

    python benchmarks/brats_dice.py --data FOLDER --test cases.txt --minutes 15

With --judge FILE.keras nothing is trained: that network is evaluated.
"""

import argparse
import functools
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import asymmetry
import asymmetry_patches
import growing_cases
import keras
import timed_training
from brats_judging import judge, show
from brats_recipes import RECIPES, Recipe
from lgg_dice import CLOCKS, compiled
from settings import setting_of

from unet_course import runtime, storage
from unet_course.data import brats, identity, prepared_cases
from unet_course.data.layouts import MODALITIES, REGIONS
from unet_course.network import fast_conv3d, losses, unet
from unet_course.prediction import export
from unet_course.synthetic import sample_data
from unet_course.training import patch_batches

# A wider network must still see this many, or a narrower one learns more in the same time.
ENOUGH_PATCHES = 5000


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", action="append", required=True, type=Path, metavar="DIR")
    parser.add_argument("--test", required=True, type=Path, metavar="FILE")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--minutes", type=float)
    what.add_argument(
        "--judge", type=Path, metavar="FILE.keras", help="train nothing, evaluate this"
    )
    parser.add_argument("--train-on", choices=("real", "sample", "both"), default="both")
    parser.add_argument(
        "--synthetic", type=int, default=24, help="sample cases to make, if every=0"
    )
    parser.add_argument("--recipe", choices=RECIPES, default="course")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=setting_of(Recipe, words=["normalization"]),
        metavar="NAME=VALUE",
        help="change one thing in the recipe: depth=4, foreground=0.8, keep_largest=False, …",
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
    if options.judge and not options.judge.is_file():
        parser.error(f"--judge {options.judge}: no such file")
    if options.judge and (options.save or options.json):
        parser.error("--judge trains nothing: leave out --save and --json")
    if options.minutes is not None and options.minutes <= 0:
        parser.error("--minutes must be positive")
    if options.synthetic < 1:
        parser.error("--synthetic must be 1 or more")
    for folder in options.data:
        if not folder.is_dir():
            parser.error(f"--data {folder}: no such folder")
    if not options.test.is_file():
        parser.error(f"--test {options.test}: no such file")
    if options.json and not options.json.absolute().parent.is_dir():
        parser.error(f"--json {options.json}: its folder doesn't exist")
    return options


def tested(options: argparse.Namespace) -> tuple[list, list]:
    """The cases that --test lists, and the others. A listed case that is missing is an error."""
    cases = {case.id: case for folder in options.data for case in brats.find_cases(folder)}
    lines = options.test.read_text(encoding="utf-8-sig").splitlines()
    listed = [line.strip() for line in lines if line.strip()]
    absent = sorted(set(listed) - set(cases))
    if absent or not listed:
        sys.exit(f"{options.test}: not among the cases of --data: {', '.join(absent) or 'any'}")
    test = [cases[name] for name in dict.fromkeys(listed)]
    without = [case.id for case in test if case.mask is None]
    if without:
        sys.exit(f"{options.test}: these cases have no mask: {', '.join(without)}")
    return test, [case for id, case in cases.items() if id not in listed]


def sides(options: argparse.Namespace, grow: bool = False):
    """Real cases to train on, sample cases to train on (none if they `grow`), and cases to test on.

    No case trains whose patient, or whose scan under another id, is tested on.
    """
    test, others = tested(options)
    patients, same = {case.patient for case in test}, identity.same_scans([*test, *others])
    tested_too = [case.id for case in others if case.patient in patients or case.id in same]
    if tested_too:
        print(f"not trained on, as the patient or the scan is tested: {', '.join(tested_too)}")
        others = [case for case in others if case.id not in tested_too]
    real, sample = [], []
    if options.train_on in ("real", "both"):
        real = [case for case in others if case.mask is not None]
    if options.train_on in ("sample", "both") and not grow:
        root = sample_data.brats_root(seed=options.seed, cases=options.synthetic)
        sample = brats.find_cases(root)
    if not real and not sample and not grow:
        sys.exit("no cases are left to train on: list fewer in --test, or add a --data folder")
    return real, sample, test


def ready(cases: list, factor: int, mirrored: bool) -> list[prepared_cases.PreparedCase]:
    """Prepare the cases, with asymmetry maps if `mirrored`."""
    found = prepared_cases.prepare(cases, factor=factor) if cases else []
    return [asymmetry.with_asymmetry(case) for case in found] if mirrored else found


def mixed(real: list, sample: list, share: float) -> list:
    """All cases, the real ones repeated until about `share` of the list is real."""
    if not real or not sample:
        return real or sample
    times = max(1, round(share / (1 - share) * len(sample) / len(real))) if share < 1 else 1
    return real * times + sample


def build(
    recipe: Recipe, filters: int, fast: bool | None = None, compiled: bool | None = None
) -> keras.Model:
    """The network; `fast_conv3d` and compiled steps by default where there is no graphics card."""
    on_processor = not runtime.gpus()  # a graphics card has fast 3-D convolutions of its own
    model = unet.unet(
        (*recipe.size, asymmetry.CHANNELS if recipe.asymmetry else len(MODALITIES)),
        classes=len(REGIONS),
        head="sigmoid",
        filters=filters,
        depth=recipe.depth,
        patch=recipe.patch,
        fine=recipe.fine,
        normalization=recipe.normalization,
        deep_supervision=recipe.deep_supervision,
    )
    fast = on_processor if fast is None else fast
    if compiled is None:
        compiled = True if on_processor else "auto"
    if fast:
        model = fast_conv3d.use_fast_convolutions(model)
    averaged = {"use_ema": True, "ema_momentum": recipe.average} if recipe.average else {}
    model.compile(
        keras.optimizers.AdamW(recipe.peak, weight_decay=1e-4, **averaged),
        losses.BCEDice(pool_batch=True),
        jit_compile=compiled,
    )
    return model


def batches_of(
    recipe: Recipe, real: list, sample: list, seed: int, grow: bool, share: Callable[[], float]
):
    """Training batches: from all cases; or from new ones made on the way, and real ones later on.

    `share` returns the share of the minutes that is over: from `real_from` on, real cases join.
    """
    options = dict(
        size=recipe.size,
        batch_size=recipe.batch_size,
        steps=10_000_000,  # the clock ends it
        foreground=recipe.foreground,
        augment=recipe.augmentation,
        seed=seed,
    )
    kind = asymmetry_patches.AsymmetryPatches if recipe.asymmetry else patch_batches.Patches
    if not grow:
        return kind(cases=mixed(real, sample, recipe.real), **options)

    def patches(new):
        joined = real if share() >= recipe.real_from else []
        return kind(cases=mixed(joined, new, recipe.real), **options)

    return growing_cases.GrowingPatches(
        patches,
        lambda number: growing_cases.prepared(seed, number, mirrored=recipe.asymmetry),
        pool=recipe.pool,
        every=recipe.every,
    )


def train(recipe: Recipe, timed: timed_training.TimedCosine, batches, seed: int, callbacks=()):
    """Train for the minutes of `timed`; returns the model, and the seconds spent compiling."""
    started = time.perf_counter()
    model, minutes = None, timed.minutes
    for filters in recipe.filters:
        candidate, seconds = compiled(
            functools.partial(build, recipe, filters), batches.epoch(1), seed, 4, clock=timed.clock
        )
        seen = minutes * 60 / seconds * recipe.batch_size
        print(
            f"  {filters} filters: {seconds:.3f} s a step, {seen:,.0f} patches in {minutes:g} min"
        )
        if model is None or seen >= ENOUGH_PATCHES:
            model = candidate
        if seen < ENOUGH_PATCHES:
            break
    compiling = time.perf_counter() - started
    model.fit(batches.epoch(0), verbose=0, shuffle=False, callbacks=[timed, *callbacks])
    return model, compiling


def main() -> None:
    sys.stdout.reconfigure(line_buffering=True)  # so that a long run can be watched through a pipe
    options = arguments()
    recipe = replace(RECIPES[options.recipe], **dict(options.set))
    # compiled steps gain nothing from bfloat16 on a processor that has it (benchmarks/README.md)
    precision = runtime.best_precision() if runtime.gpus() else "float32"
    keras.mixed_precision.set_dtype_policy(precision)
    print(f"precision: {precision}")
    if options.judge:
        test, _ = tested(options)
        model = keras.saving.load_model(options.judge, compile=False, safe_mode=True)
        mirrored = model.input_shape[-1] == asymmetry.CHANNELS
        show(judge(recipe, model, ready(test, recipe.factor, mirrored)))
        return
    started = time.perf_counter()
    grow = recipe.every > 0 and options.train_on != "real"
    real, sample, test = sides(options, grow)
    made = "ever new" if grow else f"{len(sample)}"
    print(f"{len(real)} real and {made} sample cases to train on, {len(test)} to test")
    real, sample, test = (ready(c, recipe.factor, recipe.asymmetry) for c in (real, sample, test))
    reading = time.perf_counter() - started
    timed = timed_training.TimedCosine(options.minutes, recipe.peak, clock=CLOCKS[options.clock])
    batches = batches_of(recipe, real, sample, options.seed, grow, timed.share)
    model, compiling = train(recipe, timed, batches, options.seed)
    minutes = timed.seconds / 60
    started = time.perf_counter()
    scores = judge(recipe, model, test)
    judging = time.perf_counter() - started

    mean, median = show(scores)
    memory = runtime.peak_memory_gb()
    print(
        f"\n{model.count_params():,} parameters, {timed.steps} steps of {recipe.batch_size} in "
        f"{minutes:.2f} min; outside them: preparing {reading:.0f} s, compiling {compiling:.0f} s, "
        f"judging {judging:.0f} s; peak memory {memory:.2f} GB"
    )
    if options.save:
        export.in_float32(model).save(options.save)  # with one prediction, and Keras' own layers
    if options.json:
        result = {
            "minutes": round(minutes, 3),
            "steps": timed.steps,
            "parameters": model.count_params(),
            "peak_memory_gb": round(memory, 3),
            "patients": scores,
            "mean": mean,
            "median": median,
        }
        storage.write_text(options.json.absolute(), json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
