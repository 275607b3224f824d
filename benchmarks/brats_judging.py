"""Evaluate a network of `brats_dice.py`: probabilities, labels, and scores by case."""

import keras
import numpy as np
from brats_recipes import Recipe
from core_rule import enlarge_core

from unet_course.data import brats, prepared_cases
from unet_course.data.layouts import REGIONS
from unet_course.judging import metrics, surfaces
from unet_course.prediction import postprocess, sliding_window


def predicted(recipe: Recipe, model: keras.Model, case: prepared_cases.PreparedCase) -> np.ndarray:
    """Probabilities of WT, TC and ET, (x, y, z, 3), on the case's own grid."""
    return sliding_window.predict(
        model, case.images, overlap=recipe.overlap, flips=recipe.flips, dtype=np.float32
    )


def certainty(recipe: Recipe, found: np.ndarray) -> np.ndarray | None:
    """What lies above the recipe's levels of WT, TC, …, summed at each voxel; None: rank by size."""
    if not recipe.certain:
        return None
    weights = np.zeros(found.shape[:3], np.float32)
    for region, level in enumerate(recipe.certain):
        weights += np.maximum(found[..., region] - level, 0)
    return weights


def cleaned(recipe: Recipe, found: np.ndarray, spacing) -> np.ndarray:
    """Labels from probabilities, by the recipe's thresholds and rules."""
    labels = postprocess.labels_from(
        found,
        recipe.threshold,
        largest=recipe.keep_largest,
        share=recipe.share,
        weights=certainty(recipe, found),
        minimum=recipe.drop_small,
        spacing=spacing,
    )
    return enlarge_core(labels, found[..., 1], recipe.core, spacing=spacing)


def scores_of(recipe: Recipe, model: keras.Model, case: prepared_cases.PreparedCase) -> dict:
    """Dice and HD95 (mm) of each region in a case, at the files' own size."""
    spacing = np.array(case.spacing) / case.factor
    found = case.restore(predicted(recipe, model, case), order=1)
    labels = cleaned(recipe, found, spacing)
    del found  # 107 MB
    truth, answer = brats.regions(case.source.read_labels()), brats.regions(labels)
    row: dict = {"hd95": {}}
    for i, region in enumerate(REGIONS):
        row[region] = metrics.dice(truth[..., i], answer[..., i])
        row["hd95"][region] = surfaces.hd95(truth[..., i], answer[..., i], spacing)
    return row


def judge(
    recipe: Recipe, model: keras.Model, cases: list[prepared_cases.PreparedCase]
) -> dict[str, dict]:
    """`scores_of` each case, by its id."""
    return {case.id: scores_of(recipe, model, case) for case in cases}


def over_cases(scores: dict[str, dict], how) -> dict:
    """Mean or median (`how`) of each score over the cases."""
    rows = list(scores.values())
    found = {region: float(how([row[region] for row in rows])) for region in REGIONS}
    found["hd95"] = {
        region: float(how([row["hd95"][region] for row in rows])) for region in REGIONS
    }
    return found


def show(scores: dict[str, dict]) -> tuple[dict, dict]:
    """Print the table; returns mean and median."""
    mean, median = over_cases(scores, np.mean), over_cases(scores, np.median)
    width = max(map(len, scores))
    print(f"\n{'case':{width}}  " + "".join(f"{r:>7}" for r in REGIONS) + "   HD95 in mm")
    for name, row in {**scores, "mean": mean, "median": median}.items():
        dice = "".join(f"{row[region]:7.3f}" for region in REGIONS)
        distance = "".join(f"{row['hd95'][region]:7.1f}" for region in REGIONS)
        print(f"{name:{width}}  {dice}   {distance}")
    return mean, median
