"""The pooled Dice of tutorial 004 for predictions that find no tumour, on BraTS cases.

"3D UNet for Brain Tumor Segmentation" pools the soft Dice over all four classes, background
included, after cropping (155, 240, 240) to (144, 224, 224). This computes it for two predictions
that find nothing: hard, background everywhere; and soft, at each voxel the case's own share of each
class, as predicted by a network that has learnt how rare tumour is and nothing else.

    python benchmarks/brats_nothing.py --data FOLDER
"""

import argparse
import re
import sys
from pathlib import Path

import nibabel as nib
import numpy as np

SMOOTH = 1e-6
MASK = re.compile(
    r"segm?\.nii(\.gz)?$", re.IGNORECASE
)  # the mask of BraTS20_Training_355 ends in Segm


def pooled_dice(truth: np.ndarray, prediction: np.ndarray) -> float:
    """Dice pooled over all voxels and classes; both (slices, rows, columns, classes)."""
    overlap = (truth * prediction).sum()
    return float((2 * overlap + SMOOTH) / (truth.sum() + prediction.sum() + SMOOTH))


def nothing(path: Path) -> tuple[float, float]:
    """Pooled Dice of the hard and the soft empty prediction, for one mask of labels 0, 1, 2, 4."""
    labels = np.moveaxis(np.asarray(nib.load(path).dataobj), 2, 0)  # slices first
    labels = labels[6:-5, 8:-8, 8:-8]
    labels = np.where(labels == 4, 3, labels).astype(int)
    truth = np.eye(4)[labels]
    hard = np.zeros_like(truth)
    hard[..., 0] = 1
    soft = np.broadcast_to(truth.mean(axis=(0, 1, 2)), truth.shape)
    return pooled_dice(truth, hard), pooled_dice(truth, soft)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    options = parser.parse_args()
    masks = sorted(p for p in options.data.rglob("*.nii*") if MASK.search(p.name))
    if not masks:
        sys.exit(f"{options.data}: no BraTS masks (….seg.nii or ….seg.nii.gz) in it")
    print(f"{'case':<24}{'hard':>7}{'soft':>7}")
    for path in masks:
        hard, soft = nothing(path)
        print(f"{path.parent.name:<24}{hard:>7.4f}{soft:>7.4f}")


if __name__ == "__main__":
    main()
