"""Is a tumour more distinct from the rest of the brain, or from its mirror image?

For T2 and FLAIR of each case at 2 mm: how often a voxel of the tumour is brighter than one of the
rest of the brain (the area under the ROC curve), by its own z-score, by the z-score smoothed, and
by its difference from its mirror image, equally smoothed.

    python benchmarks/brats_asymmetry.py --data FOLDER
"""

import argparse
import sys
from pathlib import Path

import asymmetry
import numpy as np
from scipy import ndimage, stats

from unet_course.data import brats, prepared_cases
from unet_course.data.layouts import MODALITIES


def area(values: np.ndarray, tumour: np.ndarray) -> float:
    """Area under the ROC curve, 0.5 for chance; (voxels,) each."""
    inside, outside = values[tumour], values[~tumour]
    wins = stats.mannwhitneyu(inside, outside, method="asymptotic").statistic
    return float(wins / (len(inside) * len(outside)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", required=True, type=Path, metavar="DIR")
    folder = parser.parse_args().data
    if not folder.is_dir():
        parser.error(f"--data {folder}: no such folder")
    cases = [case for case in brats.find_cases(folder) if case.mask is not None]
    if not cases:
        sys.exit(f"{folder}: no BraTS case with a mask in it")
    print(
        f"{'':24}{'T2: own':>9}{'smooth':>8}{'mirror':>8}{'FLAIR: own':>12}{'smooth':>8}{'mirror':>8}"
    )
    for case in prepared_cases.prepare(cases, factor=2):
        images = np.asarray(case.images, np.float32)
        brain = (images != 0).any(axis=-1)
        tumour = case.labels[brain] > 0
        weight = np.maximum(ndimage.gaussian_filter(brain.astype(np.float32), 2), 1e-6)
        maps = asymmetry.asymmetry(images)
        row = []
        for channel in map(MODALITIES.index, ("T2", "FLAIR")):
            own = images[..., channel]
            smooth = ndimage.gaussian_filter(own, 2) / weight
            for values in (own, smooth, maps[..., channel]):
                row.append(area(values[brain], tumour))
        print(f"{case.id:24}" + "{:9.2f}{:8.2f}{:8.2f}{:12.2f}{:8.2f}{:8.2f}".format(*row))


if __name__ == "__main__":
    main()
