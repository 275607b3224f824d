"""Five folds, their ensemble and four measures of uncertainty, patient by patient, on LGG.

Two outer folds: the real patients outside an outer fold are dealt into five inner folds, and five
networks are trained, each without one of them (nested cross-validation). So each patient is judged by
an ensemble of five networks that never saw it, and choices can be made on the inner folds alone. Then
the shipped network, which was trained on synthetic patients alone, predicts the same real patients and
as many synthetic ones that it hasn't seen: one kind that it knows and one that it doesn't.

Minutes are processor time. Trained networks are kept in the course's cache and the tables are written
after each part, so the same command continues an interrupted run.
`unet_course.judging.published_tables` says what the tables' columns are.

    python benchmarks/lgg_folds.py --data FOLDER
"""

import argparse
import functools
import gc
import itertools
import json
import os
import sys
import time
import zlib
from datetime import date
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import lgg_dice
import numpy as np
import pandas as pd
import tensorflow as tf
import timed_training

from unet_course import runtime, storage
from unet_course.data import fingerprint, lgg
from unet_course.data import slices as slices_2d
from unet_course.judging import metrics, published_tables, uncertainty
from unet_course.network import losses
from unet_course.prediction import postprocess, predict_slices
from unet_course.synthetic import sample_data
from unet_course.training import loop, plan, slice_batches

OUTER, INNER = 2, 5
SYNTHETIC = 36  # patients, of a seed that no shipped network was trained on
DROPOUT, PASSES = 0.1, 8
PEAK = 3e-3
# what is changed in the plan by hand, since its network would learn nothing in a minute
SIDE, BATCH = 96, 8
SMALLER = {"filters": 16, "depth": 3, "patch": 2, "dropout": DROPOUT}
RULES = list(itertools.product((0.3, 0.4, 0.5, 0.6, 0.7), (False, True), (False, True)))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--minutes", type=float, default=0.25, help="processor time of a network")
    parser.add_argument("--out", type=Path, default=published_tables.LGG_FOLDS, metavar="CSV")
    options = parser.parse_args()
    if not options.data.is_dir():
        parser.error(f"--data {options.data}: no such folder")
    if options.minutes <= 0:
        parser.error("--minutes must be positive")
    return options


def changed_plan(patients: list[lgg.Patient]) -> dict:
    """The plan for these patients at 2 GB, with the network that a minute can train."""
    drawn = plan.make_plan(fingerprint.of_slices(patients, progress=False), memory_gb=2)
    network = drawn["network"] | SMALLER
    return drawn | {"size": [SIDE, SIDE], "batch_size": BATCH, "network": network}


@functools.cache
def compiled(text: str) -> keras.Model:
    """The network of a plan (as JSON), compiled; one for all folds, since compiling takes seconds."""
    model = plan.build_network(json.loads(text))
    model.compile(keras.optimizers.Adam(PEAK), losses.BCEDice(pool_batch=True))
    model.optimizer.build(model.trainable_variables)
    return model


def train(drawn: dict, minutes: float, data: slices_2d.Slices, seed: int) -> keras.Model:
    """A network of a plan, trained from a random start for the minutes of processor time."""
    batches = slice_batches.Batches(
        slices=data,
        batch_size=drawn["batch_size"],
        steps=10_000_000,  # the clock ends it
        augment=lgg_dice.WITHOUT_SEQUENCES,
        seed=seed,
    )
    model = compiled(json.dumps(drawn))
    model.fit(batches.epoch(1), steps_per_epoch=2, verbose=0, shuffle=False)  # compiles
    keras.utils.set_random_seed(seed)
    model.set_weights(plan.build_network(drawn).get_weights())
    for variable in model.optimizer.variables:
        variable.assign(keras.ops.zeros_like(variable))
    clock = timed_training.TimedCosine(minutes, PEAK, clock=timed_training.processor_seconds)
    model.fit(batches.epoch(0), verbose=0, shuffle=False, callbacks=[clock])
    print(f"  seed {seed}: {clock.steps} steps on {len(set(data.patients))} patients")
    return keras.Model(model.inputs, model.outputs)


def five(name: str, drawn: dict, minutes: float, data: slices_2d.Slices, people: list[str]):
    """(network, patients it hasn't seen) of each fold: trained, or found where it was kept."""
    for fold in range(INNER):
        held = people[fold::INNER]
        seen = data.of(set(people) - set(held))
        seed = zlib.crc32(f"{name} {fold}".encode()) % 10_000
        started = time.perf_counter()
        network = loop.load_or_train(
            f"lgg-folds-{name}-{fold}-{minutes:g}",
            lambda seen=seen, seed=seed: train(drawn, minutes, seen, seed),
        )
        print(f"  {name}, fold {fold}: {time.perf_counter() - started:.0f} s", flush=True)
        yield network, held


def with_dropout(network: keras.Model, data: slices_2d.Slices) -> np.ndarray:
    """(passes, slices, side, side, 1) bool and the mean probability: dropout stays on."""
    keras.utils.set_random_seed(0)
    step = tf.function(lambda images: network(images, training=True))
    masks, total = [], 0
    for _ in range(PASSES):
        parts = [
            np.asarray(step(tf.constant(data.inputs(np.arange(i, min(i + 16, len(data)))))))
            for i in range(0, len(data), 16)
        ]
        found = np.concatenate(parts)
        masks.append(found >= 0.5)
        total = total + found
    return np.stack(masks), total / PASSES


def by_rule(straight: np.ndarray, flipped: np.ndarray, truth: np.ndarray) -> list[float]:
    """Dice of a patient under each of RULES: threshold, with the mirror image, largest piece."""
    scores = []
    for threshold, mirrored, largest in RULES:
        mask = (flipped if mirrored else straight)[..., 0] >= threshold
        mask = postprocess.largest_component(mask) if largest else mask
        scores.append(metrics.dice(truth[..., 0], mask))
    return scores


def rule_name(rule: tuple) -> str:
    threshold, mirrored, largest = rule
    return f"{threshold}{'+flip' if mirrored else ''}{'+largest' if largest else ''}"


def judge(members: list, data: slices_2d.Slices) -> tuple[list[dict], list[list[float]]]:
    """A line for each patient, and its members' mean Dice under each rule."""
    straight = [predict_slices.predict(member, data) for member in members]
    mirrored = [predict_slices.predict(member, data, flips=((1,),)) for member in members]
    flipped = [(one + other) / 2 for one, other in zip(straight, mirrored, strict=True)]
    passes, dropout = with_dropout(members[0], data)
    lines, rules = [], []
    for patient in dict.fromkeys(data.patients.tolist()):
        rows = data.patients == patient
        truth = data.masks[rows]
        single = [found[rows] >= 0.5 for found in straight]
        mean = np.mean([found[rows] for found in straight], axis=0)
        both = np.mean([found[rows] for found in flipped], axis=0)
        line = {"patient": patient, "tumour_pixels": int(truth.sum())}
        for number, mask in enumerate(single, 1):
            line[f"dice_{number}"] = metrics.dice(truth, mask)
        line |= {
            "dice_flips": metrics.dice(truth, flipped[0][rows] >= 0.5),
            "dice_dropout": metrics.dice(truth, dropout[rows] >= 0.5),
            "dice": metrics.dice(truth, mean >= 0.5),
            "dice_ensemble_flips": metrics.dice(truth, both >= 0.5),
        }
        for number, mask in enumerate(single, 1):
            line[f"pixels_{number}"] = int(mask.sum())
        line["pixels"] = int((mean >= 0.5).sum())
        line |= {
            "unsure_entropy": uncertainty.mean_entropy(straight[0][rows]),
            "unsure_flips": uncertainty.disagreement([single[0], mirrored[0][rows] >= 0.5]),
            "unsure_dropout": uncertainty.disagreement(list(passes[:, rows])),
            "unsure_folds": uncertainty.disagreement(single),
        }
        lines.append({name: round(v, 4) if isinstance(v, float) else v for name, v in line.items()})
        pairs = zip(straight, flipped, strict=True)
        rules.append(np.mean([by_rule(s[rows], f[rows], truth) for s, f in pairs], axis=0))
    return lines, rules


def before(options: argparse.Namespace) -> tuple[list[dict], list[list]]:
    """What an earlier command left in the tables."""
    rules_file = options.out.with_name(f"{options.out.stem}_rules.csv")
    if not (options.out.exists() and rules_file.exists()):
        return [], []
    lines = pd.read_csv(options.out)
    if set(lines["minutes"]) != {options.minutes}:
        sys.exit(f"{options.out} holds runs of other minutes: move it away, or give another --out")
    return lines.to_dict("records"), pd.read_csv(rules_file).to_numpy(dtype=object).tolist()


def write(options: argparse.Namespace, lines: list[dict], choices: list[list]) -> None:
    """Both tables, whole, after each part of the run."""
    cost = {"minutes": options.minutes, "date": date.today().isoformat()}
    cost["machine"] = f"{runtime.processor()}, {os.cpu_count()} cores, {runtime.best_precision()}"
    text = pd.DataFrame([line | (cost | line) for line in lines]).to_csv(
        index=False, lineterminator="\n"
    )
    storage.write_text(options.out.absolute(), text)
    names = [rule_name(rule) for rule in RULES]
    frame = pd.DataFrame(choices, columns=["outer", "side", "patient", *names])
    rules_file = options.out.with_name(f"{options.out.stem}_rules.csv")
    storage.write_text(rules_file.absolute(), frame.to_csv(index=False, lineterminator="\n"))
    for name, dice in pd.DataFrame(lines).groupby("set")["dice"]:
        print(f"{name}: {len(dice)} patients, mean Dice {dice.mean():.3f}")


def real_part(options: argparse.Namespace, real: list, data: slices_2d.Slices, outer: int):
    """(lines, choices) of one outer fold of the real patients."""
    drawn = changed_plan(real)
    ids = [patient.id for patient in real]
    outside = ids[outer::OUTER]
    people = [id for id in ids if id not in outside]
    members, choices = [], []
    for member, held in five(f"real-{outer}", drawn, options.minutes, data, people):
        members.append(member)
        part = data.of(held)
        straight = predict_slices.predict(member, part)
        flipped = (straight + predict_slices.predict(member, part, flips=((1,),))) / 2
        for patient in held:
            rows = part.patients == patient
            scores = by_rule(straight[rows], flipped[rows], part.masks[rows])
            choices.append([outer, "inner", patient, *np.round(scores, 4)])
    found, rules = judge(members, data.of(outside))
    for line, scores in zip(found, rules, strict=True):
        choices.append([outer, "outer", line["patient"], *np.round(scores, 4)])
    return [{"set": "real", "outer": outer} | line for line in found], choices


def shipped_part(patients: list[lgg.Patient]) -> list[dict]:
    """Lines of the shipped network, with its mirror image and at its own 128 × 128 pixels."""
    file = runtime.PACKAGE / "weights" / "lgg_sample.keras"
    network = keras.saving.load_model(file, compile=False, safe_mode=True)
    lines = []
    for patient in patients:
        data = slices_2d.load([patient], network.input_shape[1], progress=False)
        straight = predict_slices.predict(network, data)
        mirrored = predict_slices.predict(network, data, flips=((1,),))
        mask, single = (straight + mirrored) / 2 >= 0.5, straight >= 0.5
        line = {
            "patient": patient.id,
            "tumour_pixels": int(data.masks.sum()),
            "dice": metrics.dice(data.masks, mask),
            "pixels": int(mask.sum()),
            "unsure_entropy": uncertainty.mean_entropy(straight),
            "unsure_flips": uncertainty.disagreement([single, mirrored >= 0.5]),
        }
        lines.append({name: round(v, 4) if isinstance(v, float) else v for name, v in line.items()})
    return lines


def main() -> None:
    sys.stdout.reconfigure(line_buffering=True)  # so that a long run can be watched through a pipe
    options = arguments()
    real = lgg.find_patients(options.data)
    if len(real) < OUTER * INNER:
        sys.exit(f"{options.data}: {len(real)} patients, {OUTER * INNER} at least are needed")
    keras.mixed_precision.set_dtype_policy(runtime.best_precision())
    started = time.perf_counter()
    data = slices_2d.load(real, SIDE, progress=False)
    lines, choices = before(options)
    done = {(line["set"], line["outer"]) for line in lines}
    for outer in range(OUTER):
        if ("real", outer) not in done:
            found, scores = real_part(options, real, data, outer)
            lines, choices = lines + found, choices + scores
            write(options, lines, choices)
            gc.collect()
    keras.mixed_precision.set_dtype_policy("float32")
    synthetic = lgg.find_patients(sample_data.lgg_root(seed=2, patients=SYNTHETIC))
    for name, patients in {"shipped, real": real, "shipped, synthetic": synthetic}.items():
        if (name, -1) not in done:
            lines += [{"set": name, "outer": -1} | line for line in shipped_part(patients)]
            write(options, lines, choices)
    print(
        f"{(time.perf_counter() - started) / 60:.1f} min on the wall, "
        f"{time.process_time() / 60:.1f} min of processor time, "
        f"{runtime.peak_memory_gb():.2f} GB at most"
    )


if __name__ == "__main__":
    main()
