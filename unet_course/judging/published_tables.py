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
LGG_FOLD_RULES = LGG_ABLATION.with_name("lgg_folds_rules.csv")
NNUNET_PLANS = LGG_ABLATION.with_name("nnunet_plans.csv")
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


def lgg_transfer(path: Path | str = LGG_TRANSFER) -> pd.DataFrame:
    """Networks trained on few real LGG patients, with synthetic ones first or without.

    `start` is "synthetic" (the sample for `minutes`, then the real patients for as long) or "random"
    (the real ones for twice as long), `trained_on` the number of real patients, with 0 the sample for
    the whole time. All are tested on the same patients. `dice` is a patient's, as in `lgg_ablation`.
    """
    return pd.read_csv(path).round(6)


def lgg_hospitals(path: Path | str = LGG_HOSPITALS) -> pd.DataFrame:
    """Networks tested on one hospital's LGG patients, that hospital left out or not.

    A `row` "without-…" was trained on none of the hospital that it is tested on, a "fold-…" on some
    patients of each tested one's hospital as a rule; both on as many. `dice` as in `lgg_transfer`.
    """
    return pd.read_csv(path).round(6)


def lgg_folds(path: Path | str = LGG_FOLDS) -> pd.DataFrame:
    """Ensembles of five folds, and measures of uncertainty, by patient (`benchmarks/lgg_folds.py`).

    `set` is "real" (trained on other real LGG patients; `outer` is the half that was kept back), or
    "shipped, real" and "shipped, synthetic" (lesson 00's network, which was trained on other synthetic
    patients). No network has seen the patient. Threshold 0.5, no clean-up, at the networks' own size.

    `dice` and `pixels` are those of the ensemble's mask, or of the shipped network's with its mirror
    image; `tumour_pixels` the truth's; `dice_1` to `dice_5` and `pixels_1` to `pixels_5` the members';
    `dice_flips` and `dice_dropout` the first member's with its mirror image and with the mean of eight
    passes with dropout. `unsure_…` are `uncertainty.mean_entropy` of one network, and
    `uncertainty.disagreement` of its two flips, of its eight passes, and of the five members.
    """
    return pd.read_csv(path).round(6)


def lgg_fold_rules(path: Path | str = LGG_FOLD_RULES) -> pd.DataFrame:
    """Dice of real LGG patients by clean-up rule, for choosing and judging (`benchmarks/lgg_folds.py`).

    A column for each rule: a threshold, "+flip" with the mean of both flips, "+largest" with the largest
    component alone. `side` "inner": by the member of `outer`'s ensemble that hasn't seen the patient, for
    choosing; "outer": the mean of all five members' Dice, for judging.
    """
    return pd.read_csv(path).round(6)


def nnunet_plans(path: Path | str = NNUNET_PLANS) -> pd.DataFrame:
    """nnU-Net's plans and the course's for the same patients (`benchmarks/nnunet_plans.py`)."""
    return pd.read_csv(path)


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
