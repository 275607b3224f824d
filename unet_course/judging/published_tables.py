"""Results of runs too long for a lesson: tables that the package carries, made by `benchmarks/`.

`lgg_ablation` is 2-D networks on real LGG patients, each trained from a random start with one
thing changed, and judged on patients that it never saw. `benchmarks/lgg_ablation.py` writes it.
`brats_2d_3d` is 2-D beside 3-D networks on real BraTS cases, from `benchmarks/brats_2d_3d.py`.
"""

from pathlib import Path

import pandas as pd

from unet_course import runtime
from unet_course.data.layouts import REGIONS, DataError

LGG_ABLATION = runtime.PACKAGE / "tables" / "lgg_ablation.csv"
BRATS_2D_3D = LGG_ABLATION.with_name("brats_2d_3d.csv")

SCORES = ("dice", "dice_flips", "dice_largest", "dice_raw", "tumour_slices", "tumour_slices_raw")
COUNTS = (
    "false_slices", "false_slices_raw", "healthy_slices", "tumour_pixels",
    "steps", "parameters", "filters", "seed", "fold",
)  # fmt: skip
COLUMNS = (
    "row", "group", "what", "seed", "fold", "patient",
    *SCORES, "false_slices", "false_slices_raw", "healthy_slices", "tumour_pixels",
    "minutes", "minutes_used", "steps", "parameters", "filters", "date", "machine", "command",
)  # fmt: skip

BRATS_SCORES = tuple(f"{region}{what}" for region in REGIONS for what in ("", "_largest"))
BRATS_DISTANCES = tuple(f"{region}_hd95" for region in REGIONS)
BRATS_COUNTS = (
    *(f"{region}_mm3" for region in REGIONS), "axes", "seed", "fold",
    "steps", "parameters", "filters",
)  # fmt: skip
BRATS_COLUMNS = (
    "row", "axes", "what", "seed", "fold", "case",
    *BRATS_SCORES, *BRATS_DISTANCES, *(f"{region}_mm3" for region in REGIONS),
    "minutes", "minutes_used", "steps", "parameters", "filters", "date", "machine", "command",
)  # fmt: skip


def lgg_ablation(path: Path | str | None = None) -> pd.DataFrame:
    """The ablation on real LGG patients: a line for each run and each patient it was judged on.

    A run is one `row` (what was changed) with one `seed`; it was trained on the patients outside
    `fold` and judged on those inside, at 256 × 256 pixels, all slices of a patient as one case.

    - `dice`: with test-time flips, and the largest component kept; `dice_flips` with the flips
      alone, `dice_largest` with the component alone, `dice_raw` with neither.
    - `tumour_slices`: Dice over the slices that truly hold tumour alone; `false_slices`: healthy
      slices with a predicted pixel, of `healthy_slices`; with `_raw`: without flips and component.
    - `tumour_pixels`: the true tumour's.
    - `minutes`: what a run was given, of processor time shared out over the cores
      (`training.processor_seconds`); `minutes_used`, `steps`, `parameters`, `filters`: what came
      of it; `date`, `machine`, `command`: how to get it again.

    Args:
        path: another table of the same kind; None: the package's.

    Raises:
        DataError: there is no such table, or it is damaged; the message names file and cure.
    """
    script = "benchmarks/lgg_ablation.py"
    path = Path(path or LGG_ABLATION)
    table = _read(path, COLUMNS, script)
    _check_numbers(table, path, script, SCORES, ("minutes", "minutes_used"), COUNTS)
    _check_runs(table, path, script, "patient")
    return table


def brats_2d_3d(path: Path | str | None = None) -> pd.DataFrame:
    """2-D beside 3-D on real BraTS cases: a line for each run and each case it was judged on.

    A run is one `row` (`axes` 2 or 3; `-again` from another random start) with one `seed`; it was
    trained on the cases outside `fold` and judged on those inside, at full size.

    - `WT`, `TC`, `ET`: Dice of the region, 1 where it is empty in truth and prediction, 0 where it
      is in one; with `_largest`: after the whole tumour's largest component alone was kept.
    - `WT_hd95` and so on: HD95 in mm; the volume's diagonal where one of both is empty.
    - `WT_mm3` and so on: the true region's volume.
    - `minutes` and the others: as in `lgg_ablation`.

    Args:
        path: another table of the same kind; None: the package's.

    Raises:
        DataError: there is no such table, or it is damaged; the message names file and cure.
    """
    script = "benchmarks/brats_2d_3d.py"
    path = Path(path or BRATS_2D_3D)
    table = _read(path, BRATS_COLUMNS, script)
    numbers = (*BRATS_DISTANCES, "minutes", "minutes_used")
    _check_numbers(table, path, script, BRATS_SCORES, numbers, BRATS_COUNTS)
    _check_runs(table, path, script, "case")
    return table


def _cure(script: str) -> str:
    return f"Restore it, or move it away and run {script} again."


def _read(path: Path, columns: tuple[str, ...], script: str) -> pd.DataFrame:
    """The table as it stands in the file, with all its columns."""
    try:
        table = pd.read_csv(path, encoding="utf-8")
    except FileNotFoundError as error:
        raise DataError(path, "no such table", f"Make it with {script} --data FOLDER.") from error
    except (OSError, ValueError) as error:  # pandas' and the decoder's errors are ValueErrors
        what = error.strerror if isinstance(error, OSError) else str(error).splitlines()[0]
        raise DataError(path, f"can't be read as a table: {what}", _cure(script)) from error
    absent = [name for name in columns if name not in table]
    if absent:
        raise DataError(path, f"lacks the columns {', '.join(absent)}", _cure(script))
    return table


def _check_numbers(table, path, script, scores, others, counts) -> None:
    """Numbers of 0 or more; scores at most 1, counts whole. They are made float or int in place."""
    for name in (*scores, *counts, *others):
        numbers = pd.to_numeric(table[name], errors="coerce")
        wrong = numbers.isna() | (numbers < 0) | (numbers > 1 if name in scores else False)
        if name in counts:
            wrong |= numbers % 1 != 0
        if wrong.any():
            line = int(wrong.to_numpy().argmax())
            what = f"line {line + 2} has {table[name].iloc[line]!r} in column {name}"
            raise DataError(path, what, _cure(script))
        # pandas reads a decimal to the last bit but one: written again it should look the same
        table[name] = numbers.round(6) if name not in counts else numbers.astype(int)


def _check_runs(table, path, script, case: str) -> None:
    """Each case once a run, and the same cases in all runs of a fold."""
    double = table.duplicated(["row", "seed", case])
    if double.any():
        what = f"line {int(double.to_numpy().argmax()) + 2} is there twice"
        raise DataError(path, what, _cure(script))
    for fold, part in table.groupby("fold"):
        people = part.groupby(["row", "seed"])[case].agg(frozenset)
        if people.nunique() > 1:
            row, seed = people.index[people.map(len).argmin()]
            what = f"{row}, seed {seed}, hasn't the same {case}s as the others of fold {fold}"
            raise DataError(path, what, _cure(script))


def compare(table: pd.DataFrame, base: str = "bce-dice", score: str = "dice") -> pd.DataFrame:
    """Rows of an ablation beside one of them, seed by seed.

    Each seed has a fold of its own, and some folds are harder than others, so runs are compared
    with the base's run of the same seed before anything is averaged.

    Args:
        table: as `lgg_ablation` gives it.
        base: the row that the others are compared with.
        score: the column, averaged over a run's patients.

    Returns:
        Index `row`; `runs`; `mean`, `lowest` and `highest` of the runs' means; `difference`,
        `difference_lowest` and `difference_highest` of row minus base over the seeds that both
        have (NaN where there are none). Where the last two have different signs, or lie within
        what a repetition of the base shows, the seeds don't agree that anything changed.

    Raises:
        ValueError: no such row or column.

    >>> runs = pd.DataFrame({"row": ["a", "b", "a", "b"], "seed": [0, 0, 1, 1],
    ...                      "dice": [0.5, 0.75, 0.25, 0.75]})
    >>> compare(runs, base="a").loc["b"].to_dict()
    {'runs': 2.0, 'mean': 0.75, 'lowest': 0.75, 'highest': 0.75,
     'difference': 0.375, 'difference_lowest': 0.25, 'difference_highest': 0.5}
    """
    if score not in table:
        raise ValueError(f"no column {score!r} in the table; it has {', '.join(table)}")
    order = list(dict.fromkeys(table["row"]))
    if base not in order:
        raise ValueError(f"no row {base!r} in the table; it has {', '.join(order)}")
    runs = table.groupby(["row", "seed"])[score].mean().unstack("seed").loc[order]
    beside = runs - runs.loc[base]
    columns = {"runs": runs.count(axis=1)}
    columns |= {"mean": runs.mean(axis=1), "lowest": runs.min(axis=1), "highest": runs.max(axis=1)}
    columns |= {"difference": beside.mean(axis=1)}
    columns |= {"difference_lowest": beside.min(axis=1), "difference_highest": beside.max(axis=1)}
    return pd.DataFrame(columns)
