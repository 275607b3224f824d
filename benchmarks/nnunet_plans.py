"""nnU-Net's plans for LGG slices and BraTS volumes, and ours for the same patients: one small table.

nnU-Net's planner runs in an environment of its own, outside the project; nothing is trained:

    uv venv NNUNET --python 3.11
    uv pip install --python NNUNET/bin/python nnunetv2
    python benchmarks/nnunet_plans.py --data FOLDER --nnunet NNUNET/bin

The patients are written in nnU-Net's layout to a temporary folder (BraTS' label 4 as 3). nnU-Net plans
for 8 GB of a graphics card unless told otherwise; both are asked for 8 and for 2 GB. The two count memory
in different ways: nnU-Net by a network's feature maps compared with a reference that was measured on a
card, ours as `training.plan` says.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pandas as pd
from nnunet_layout import write_brats, write_lgg

from unet_course import storage
from unet_course.data import brats, fingerprint, lgg
from unet_course.judging import published_tables
from unet_course.training import plan

BUDGETS = (2, 8)  # GB
PLANS = "nnUNetPlans"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--nnunet", type=Path, required=True, metavar="DIR", help="its bin folder")
    parser.add_argument("--out", type=Path, default=published_tables.NNUNET_PLANS, metavar="CSV")
    return parser.parse_args()


def nnunet_plans(home: Path, number: int, bin_folder: Path) -> dict[int, dict]:
    """nnU-Net's plans of a raw data set, by GB."""
    folders = {f"nnUNet_{name}": str(home / name) for name in ("raw", "preprocessed", "results")}
    environment = os.environ | folders
    extract = [bin_folder / "nnUNetv2_extract_fingerprint", "-d", str(number), "-np", "1"]
    subprocess.run(extract, env=environment, check=True)
    drawn = {}
    for budget in BUDGETS:
        command = [bin_folder / "nnUNetv2_plan_experiment", "-d", str(number)]
        command += ["-gpu_memory_target", str(budget), "-overwrite_plans_name", f"{PLANS}{budget}"]
        subprocess.run(command, env=environment, check=True)
        (file,) = (home / "preprocessed").glob(f"Dataset{number:03}_*/{PLANS}{budget}.json")
        drawn[budget] = json.loads(file.read_text(encoding="utf-8"))
    return drawn


def lines_of(name: str, drawn: dict[int, dict]) -> list[dict]:
    """A line for each configuration that nnU-Net plans."""
    lines = []
    for budget, plans in drawn.items():
        for configuration, found in plans["configurations"].items():
            if "architecture" not in found or not found.get("batch_size"):
                continue
            network = found["architecture"]["arch_kwargs"]
            lines.append(
                {
                    "set": name,
                    "by": "nnU-Net",
                    "gb": budget,
                    "configuration": configuration,
                    "spacing": _times(found["spacing"]),
                    "patch": _times(found["patch_size"]),
                    "batch": found["batch_size"],
                    "levels": network["n_stages"],
                    "filters": network["features_per_stage"][0],
                    "most_filters": max(network["features_per_stage"]),
                    "normalisation": ", ".join(sorted(set(found["normalization_schemes"]))),
                }
            )
    return lines


def our_lines(name: str, found: dict) -> list[dict]:
    """A line for each of our plans."""
    lines = []
    for budget in BUDGETS:
        drawn = plan.make_plan(found, budget)
        network = drawn["network"]
        lines.append(
            {
                "set": name,
                "by": "this course",
                "gb": budget,
                "configuration": "3d" if found["axes"] == 3 else "2d",
                "spacing": _times(drawn["spacing"] or []),
                "patch": _times(drawn["size"]),
                "batch": drawn["batch_size"],
                "levels": network["depth"] + 1,
                "filters": network["filters"],
                "most_filters": network["filters"] * 2 ** network["depth"],
                "normalisation": drawn["normalisation"],
            }
        )
    return lines


def _times(sides) -> str:
    return " × ".join(f"{side:g}" for side in sides)


def main() -> None:
    options = arguments()
    patients, cases = lgg.find_patients(options.data), brats.find_cases(options.data)
    if not patients or not cases:
        sys.exit(f"{options.data}: LGG patients and BraTS cases are needed, both")
    lines = []
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        write_brats(home / "raw" / "Dataset001_BraTS", cases)
        lines += lines_of("BraTS", nnunet_plans(home, 1, options.nnunet))
        lines += our_lines("BraTS", fingerprint.of_volumes(cases))
        write_lgg(home / "raw" / "Dataset002_LGG", patients)
        lines += lines_of("LGG", nnunet_plans(home, 2, options.nnunet))
        lines += our_lines("LGG", fingerprint.of_slices(patients))
    table = pd.DataFrame(lines)
    storage.write_text(options.out.absolute(), table.to_csv(index=False, lineterminator="\n"))
    print(table.to_string())


if __name__ == "__main__":
    main()
