"""Repeat one run of the ablation and evaluate it at several thresholds.

It shows whether a network with a Dice of 0 has learnt nothing or only stays below the threshold.

Prints the largest probability that the network gives anywhere in the fold's patients, and its mean
Dice (flips, largest component) at each threshold. Writes nothing.

    python benchmarks/lgg_thresholds.py --data FOLDER --row bce --seed 2
"""

import argparse
from pathlib import Path

import lgg_ablation  # first: it sets TensorFlow's log level
import lgg_dice
import numpy as np

from unet_course.data import lgg
from unet_course.data import slices as slices_2d
from unet_course.judging import metrics
from unet_course.prediction import predict_slices

THRESHOLDS = (0.5, 0.4, 0.3, 0.2, 0.1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--row", choices=lgg_ablation.ROWS, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--minutes", type=float, default=0.6, help="processor time")
    options = parser.parse_args()
    row = lgg_ablation.ROWS[options.row]
    patients = lgg.find_patients(options.data)
    if len(patients) < lgg_ablation.FOLDS:
        parser.error(f"--data {options.data}: {len(patients)} complete LGG patients, 4 are needed")
    data = slices_2d.load(patients, row.side)
    inside = patients[options.seed % lgg_ablation.FOLDS :: lgg_ablation.FOLDS]
    fold = data.of(patient.id for patient in inside)
    outside = data.of({patient.id for patient in patients} - {patient.id for patient in inside})
    model, clock, _ = lgg_ablation.train(row, options.minutes, outside, options.seed)
    found = predict_slices.predict(model, fold, flips=((), (1,)))
    print(f"{options.row}, seed {options.seed}: {clock.steps} steps")
    print(f"largest probability: {found.max():.2f}")
    for threshold in THRESHOLDS:
        scores = []
        for patient in inside:
            full = predict_slices.full_size(found[fold.patients == patient.id], lgg_dice.FULL_SIDE)
            mask = predict_slices.largest_component(full[..., 0] >= threshold)
            scores.append(metrics.dice(patient.read_masks(), mask))
        print(f"threshold {threshold}: mean Dice {np.mean(scores):.3f}")


if __name__ == "__main__":
    main()
