"""Tables of training runs that take too long for a lesson; `benchmarks/` made them.

A run is one `row` (what was changed) with one `seed`, trained on the cases outside a `fold` and
judged on those inside it. Each line is one case of one run. `minutes` is the processor time that a
run was given, shared out over the cores; `date`, `machine` and `command` say how to repeat it.
"""

from pathlib import Path

import pandas as pd

from unet_course import runtime

LGG_ABLATION = runtime.PACKAGE / "judging" / "tables" / "lgg_ablation.csv"
BRATS_2D_3D = LGG_ABLATION.with_name("brats_2d_3d.csv")
LGG_FOLDS = LGG_ABLATION.with_name("lgg_folds.csv")
LGG_TRANSFER = LGG_ABLATION.with_name("lgg_transfer.csv")
LGG_HOSPITALS = LGG_ABLATION.with_name("lgg_hospitals.csv")


def lgg_ablation(path: Path | str = LGG_ABLATION) -> pd.DataFrame:
    """2-D networks on real LGG patients, one thing changed in each row (`benchmarks/lgg_ablation.py`).

    `dice` is a patient's, at 256 × 256 pixels, with test-time flips and the largest component;
    `dice_flips`, `dice_largest` with one of both, `dice_raw` with neither. `tumour_slices` is the
    Dice over slices that truly hold tumour; `false_slices` counts healthy slices with a predicted
    pixel, of `healthy_slices` (`_raw`: without flips and component); `tumour_pixels` is the truth's.
    """
    return pd.read_csv(path).round(6)


def brats_2d_3d(path: Path | str = BRATS_2D_3D) -> pd.DataFrame:
    """2-D and 3-D networks on real BraTS cases, at full size (`benchmarks/brats_2d_3d.py`).

    `WT`, `TC`, `ET` are Dice: 1 where a region is empty in truth and prediction, 0 where in one of
    them; `_largest`: only the whole tumour's largest component kept. `WT_hd95` and so on are HD95 in
    mm, the volume's diagonal where one of both is empty; `WT_mm3` and so on the truth's volume.
    """
    return pd.read_csv(path).round(6)


def compare(table: pd.DataFrame, base: str = "bce-dice", score: str = "dice") -> pd.DataFrame:
    """Rows of an ablation compared with one of them, seed by seed, since folds differ in difficulty.

    Returns:
        Index `row`; `mean`, `lowest` and `highest` of the runs' means over patients; `difference`,
        the mean of row minus base over the seeds that both have.

    >>> runs = pd.DataFrame({"row": ["a", "b", "a", "b"], "seed": [0, 0, 1, 1],
    ...                      "dice": [0.5, 0.75, 0.25, 0.75]})
    >>> compare(runs, base="a").loc["b"].to_dict()
    {'mean': 0.75, 'lowest': 0.75, 'highest': 0.75, 'difference': 0.375}
    """
    runs = table.groupby(["row", "seed"], sort=False)[score].mean().unstack("seed")
    summary = runs.agg(["mean", "min", "max"], axis=1).set_axis(
        ["mean", "lowest", "highest"], axis=1
    )
    return summary.assign(difference=(runs - runs.loc[base]).mean(axis=1))
