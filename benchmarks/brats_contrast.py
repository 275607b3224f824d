"""Are synthetic cases as bright, and as uneven, as real ones? By part of the tumour and modality.

Values are in standard deviations of the brain, at 2 mm, as a network sees them. For each kind of
case: the lowest, the median and the highest case's mean; then the median case's deviation within
the part. "Healthy" is brain more than 8 mm from tumour and more than 12 mm inside, without fluid.

    python benchmarks/brats_contrast.py --data FOLDER
"""

import argparse
from pathlib import Path

import growing_cases
import numpy as np
from scipy import ndimage

from unet_course.data import brats, prepared_cases
from unet_course.data.layouts import CORE, ENHANCING, MODALITIES, OEDEMA
from unet_course.synthetic import sample_data

PARTS = {"healthy": 0, "core": CORE, "oedema": OEDEMA, "enhancing": ENHANCING}
T2, FLAIR = 2, 3  # in MODALITIES
FEWEST = 25  # voxels of a part (0.2 ml) from which a case is counted


def measure(case) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Mean and deviation of each modality, by part, of a case at 2 mm."""
    images = np.asarray(case.images, np.float32)[..., : len(MODALITIES)]
    labels, brain = np.asarray(case.labels), (images != 0).any(axis=-1)
    fluid = (images[..., T2] > 1.5) & (images[..., FLAIR] < -0.7)
    healthy = ndimage.distance_transform_edt(labels == 0) > 4
    healthy &= (ndimage.distance_transform_edt(brain) > 6) & ~fluid
    masks = {name: healthy if name == "healthy" else labels == n for name, n in PARTS.items()}
    return {
        name: (images[mask].mean(axis=0), images[mask].std(axis=0))
        for name, mask in masks.items()
        if mask.sum() >= FEWEST
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", action="append", required=True, type=Path, metavar="DIR")
    parser.add_argument("--varied", type=int, default=24, help="cases of varied_case to measure")
    options = parser.parse_args()
    real = [case for folder in options.data for case in brats.find_cases(folder)]
    sample = brats.find_cases(sample_data.brats_root())
    sets = {
        "real": prepared_cases.prepare(real, factor=2),
        "sample": prepared_cases.prepare(sample, factor=2),
        "varied": (growing_cases.prepared(0, n, mirrored=False) for n in range(options.varied)),
    }
    print(f"{'part':10} {'cases':>13}" + "".join(f"{m:>26}" for m in MODALITIES))
    measured = {name: [measure(case) for case in cases] for name, cases in sets.items()}
    for part in PARTS:
        for name, found in measured.items():
            rows = [row[part] for row in found if part in row]
            means, spread = (np.array(values) for values in zip(*rows, strict=True))
            cells = [
                f"{low:5.1f} {middle:4.1f} {high:4.1f} ± {within:.2f}"
                for low, middle, high, within in zip(
                    means.min(0),
                    np.median(means, 0),
                    means.max(0),
                    np.median(spread, 0),
                    strict=True,
                )
            ]
            print(f"{part:10} {name:>9} {len(rows):3}" + "".join(f"{cell:>26}" for cell in cells))


if __name__ == "__main__":
    main()
