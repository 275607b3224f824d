"""Which thresholds and clean-up suit a network of `brats_dice.py`? Decided on synthetic cases.

Each case is predicted once, and every rule is applied to the same probabilities, at 2 mm. The cases
are held out by their seed, and more varied than those of training: every tumour away from the usual
sites, several foci more often, oedema that fades more, and more of what isn't tumour.

    python benchmarks/brats_rules.py --network FILE.keras

With --data FOLDER real cases are judged instead. Of several networks a case has the mean.
"""

import argparse
import os
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import asymmetry
import brats_dice
import brats_judging
import growing_cases
import keras
import numpy as np
from brats_recipes import RECIPES

from unet_course.data import brats
from unet_course.data.layouts import REGIONS
from unet_course.judging import confidence, metrics
from unet_course.synthetic.brain_volumes import Variety

SEED = 7001  # of the held-out cases
UNSEEN = Variety(
    kinds=(("rim", 1.0), ("faint", 1.0), ("diffuse", 1.0)),
    foci=(0.65, 0.25, 0.1),
    sites=(0.0, 0.5, 0.5),
    fade=(0.35, 0.9),
    uneven=(0.04, 0.12),
    coil=(0.0, 0.5),
    plexus=(0.4, 1.0),
    spots=0.7,
)
# What each rule changes in the reference; settings as in `brats_recipes.Recipe`.
REFERENCE = dict(
    threshold=(0.5, 0.5, 0.5),
    keep_largest=False,
    drop_small=0.0,
    core=0.0,
    flips=((),),  # one view, and little overlap, to save time
    overlap=0.25,
)
# rank components by how far WT is above the threshold, or by how certain WT and TC are
SURE = dict(keep_largest=True, certain=(0.5,))
CERTAIN = dict(keep_largest=True, certain=(0.8, 0.8))
RULES = {
    "threshold 0.5, nothing else": {},
    "the surest component alone": SURE,
    **{f"components from {s:g} of the surest": SURE | {"share": s} for s in (0.5, 0.25, 0.1, 0.05)},
    "the most certain component alone": CERTAIN,
    **{f"from {s:g} of the most certain": CERTAIN | {"share": s} for s in (0.6, 0.5, 0.4, 0.25)},
    "the largest component alone": dict(keep_largest=True),
    **{f"threshold {t:g}": dict(threshold=(t, t, t)) for t in (0.3, 0.4, 0.6)},
    **{f"at least {c:g} core": dict(core=c) for c in (0.2, 0.3, 0.4)},
    **{f"no ET below {v:g} mm³": dict(drop_small=v) for v in (100.0, 200.0, 500.0)},
}


def nested(dice: np.ndarray) -> np.ndarray:
    """Scores of the rule that is best, in WT and TC, on all cases but the one that it is scored on.

    Args:
        dice: (cases, rules, regions).

    Returns:
        (cases, regions).
    """
    total = dice[:, :, :2].sum(axis=2)
    best = (total.sum(axis=0) - total).argmax(axis=1)  # of the sums over all other cases
    return dice[np.arange(len(dice)), best]


def scores(recipes: dict, network: keras.Model, case) -> np.ndarray:
    """Dice of the regions by rule, (rules, 3), on the case's own grid."""
    found = brats_judging.predicted(next(iter(recipes.values())), network, case)
    truth = case.regions()
    rows = []
    for recipe in recipes.values():
        answer = brats.regions(brats_judging.cleaned(recipe, found, case.spacing))
        rows.append([metrics.dice(truth[..., i], answer[..., i]) for i in range(len(REGIONS))])
    return np.array(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--network", nargs="+", type=Path, required=True, metavar="FILE.keras")
    parser.add_argument("--cases", type=int, default=24)
    parser.add_argument("--data", action="append", default=[], type=Path, metavar="DIR")
    options = parser.parse_args()
    networks = [keras.saving.load_model(f, compile=False, safe_mode=True) for f in options.network]
    mirrored = networks[0].input_shape[-1] == asymmetry.CHANNELS
    if options.data:
        found = [case for folder in options.data for case in brats.find_cases(folder)]
        cases = brats_dice.ready(found, 2, mirrored)
    else:
        cases = (growing_cases.prepared(SEED, n, UNSEEN, mirrored) for n in range(options.cases))
    base = replace(RECIPES["course"], **REFERENCE)
    recipes = {name: replace(base, **change) for name, change in RULES.items()}
    rows = []
    for case in cases:
        rows.append(np.mean([scores(recipes, network, case) for network in networks], axis=0))
        print(f"{case.id:28}" + "".join(f"{dice:7.3f}" for dice in rows[-1][0]), flush=True)
    dice = np.array(rows)  # (cases, rules, regions)
    print(f"\n{'rule':36}" + "".join(f"{r + ', gain, 95 %':>28}" for r in REGIONS))
    for i, name in enumerate(RULES):
        cells = []
        for k in range(len(REGIONS)):
            gain = dice[:, i, k] - dice[:, 0, k]
            low, high = confidence.interval(gain, draws=10_000)
            cells.append(f"{dice[:, i, k].mean():.3f} {gain.mean():+.3f} ({low:+.3f} {high:+.3f})")
        print(f"{name:36}" + "".join(f"{cell:>30}" for cell in cells))
    chosen = "".join(f"{mean:>30.3f}" for mean in nested(dice).mean(axis=0))
    print(f"{'chosen on all the other cases':36}{chosen}")


if __name__ == "__main__":
    main()
