"""What smaller weights in an ONNX file cost: size and Dice by patient, compared with Keras.

    python benchmarks/onnx_weights.py --data FOLDER [--cases N]

The two networks that the package ships (trained on synthetic patients only) are written as ONNX with
weights in float32, float16 and int8, and predict all real patients in FOLDER as lesson 00 does: LGG
slices at 128 × 128 with mirror image and largest component, BraTS cases at 2 mm with a mirror image.
Dice in 2-D by patient, in 3-D of the whole tumour by case.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from unet_course import runtime
from unet_course.data import brats, lgg, prepared_cases, slices
from unet_course.judging import metrics
from unet_course.prediction import export, predict_slices, sliding_window


def lgg_dice(network, patients: list) -> dict[str, float]:
    """Dice of each patient, read and predicted one at a time."""
    scores = {}
    for patient in patients:
        data = slices.load([patient], 128, progress=False)
        probability = predict_slices.predict(network, data, flips=((), (1,)))
        masks = predict_slices.keep_largest(data.patients, (probability >= 0.5).astype(np.uint8))
        scores |= metrics.dice_by_patient(data.patients, data.masks, masks)
    return scores


def brats_dice(network, cases: list) -> dict[str, float]:
    """Dice of the whole tumour of each case, at 2 mm."""
    scores = {}
    for case in cases:
        (volume,) = prepared_cases.prepare([case], factor=2, progress=False)
        masks = sliding_window.predict(
            network, volume.images, flips=((), (0,)), threshold=0.5, skip_empty=True
        )
        scores[case.id] = metrics.dice(volume.regions()[..., 0], masks[..., 0])
    return scores


def compare(name: str, dice: Callable, patients: list) -> pd.DataFrame:
    """A row for Keras and for each kind of weights."""
    file = runtime.PACKAGE / "weights" / f"{name}.keras"
    model = keras.saving.load_model(file, compile=False, safe_mode=True)
    expected = dice(model, patients)
    rows = {"Keras": {"MB": file.stat().st_size / 1e6, "mean Dice": np.mean([*expected.values()])}}
    with tempfile.TemporaryDirectory() as folder:
        for weights in export.WEIGHTS:
            out = Path(folder) / f"{weights}.onnx"
            difference = export.to_onnx(model, out, weights)
            network = export.OnnxNetwork(out)
            scores = dice(network, patients)
            changes = [abs(scores[id] - expected[id]) for id in expected]
            rows[weights] = {
                "MB": out.stat().st_size / 1e6,
                "mean Dice": np.mean([*scores.values()]),
                "largest change of a patient": max(changes),
                "largest difference, random input": difference,
            }
            print(f"{name} {weights}: done", flush=True)
    return pd.DataFrame.from_dict(rows, orient="index")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of real patients")
    parser.add_argument("--cases", type=int, help="so many patients and cases at most")
    options = parser.parse_args()
    with runtime.quiet():
        keras.ops.ones(1)
    found = {"lgg_sample": (lgg_dice, lgg.find_patients(options.data))}
    found["brats_sample"] = (brats_dice, brats.find_cases(options.data))
    for name, (dice, patients) in found.items():
        if patients:
            table = compare(name, dice, patients[: options.cases])
            print(f"\n{name}, {len(patients[: options.cases])} real patients")
            print(table.to_string(float_format="{:.5g}".format, na_rep="-"))


if __name__ == "__main__":
    main()
