"""The checks of lesson 12: a patch that fits, risk–coverage area, conformal radius, whom to look at."""

import math

import numpy as np

from unet_course.exercises import verdict
from unet_course.exercises.choices import Question
from unet_course.exercises.verdict import Wrong
from unet_course.judging import published_tables, uncertainty

TARGET = 0.50  # the mean Dice that the patients whom nobody looks at must reach
MEASURES = {
    "entropy": "unsure_entropy",
    "flips": "unsure_flips",
    "dropout": "unsure_dropout",
    "folds": "unsure_folds",
}


def _shrink(median, bytes_per_voxel, budget, step=16, shortest=32, pick=max, relative=True):
    size = [step * math.ceil(side / step) for side in median]
    while math.prod(size) * bytes_per_voxel > budget:
        longer = [axis for axis, side in enumerate(size) if side > shortest]
        if not longer:
            return None
        scale = median if relative else [1] * len(size)
        size[pick(longer, key=lambda axis: size[axis] / scale[axis])] -= step
    return size


def shrink_patch(answer):
    cases = [
        ((138, 174, 141), 4000.0, 1e9),
        ((240, 90, 150), 2500.0, 1e9),
        ((155, 64, 64), 5000.0, 1e9),  # a side that is as short as it may be
        ((256, 256), 9000.0, 1e8),
        ((50, 60, 70), 10.0, 1e9),  # fits as it is
        ((64, 96), 1000.0, 96 * 64 * 1000.0),  # exactly the budget
    ]
    for median, per_voxel, budget in cases:
        got = answer(median, per_voxel, budget)
        right = _shrink(median, per_voxel, budget)
        given = f"a median of {median}, {per_voxel:g} bytes a voxel and {budget:g} bytes"
        sides = verdict.describe(got)
        try:
            got = [int(side) for side in got]
        except TypeError:
            raise Wrong(
                f"{given}: expected the sides {right}, you gave {sides}", "Return the list `size`."
            ) from None
        if got == right:
            continue
        hint = "Take the step from the longest side compared with the median's, then ask again."
        if got == _shrink(median, per_voxel, budget, relative=False):
            hint = (
                "You shorten the longest side in voxels; the rule says longest *compared with the "
                "median*: size[axis] / median[axis]."
            )
        elif got == _shrink(median, per_voxel, budget, pick=min):
            hint = "You shorten the side that is shortest compared with the median: max, not min."
        elif math.prod(got) * per_voxel > budget:
            hint = "That doesn't fit yet: go on while the patch takes more than the budget."
        elif min(got) < 32:
            hint = "No side may fall below `shortest`: only those in `longer` may be shortened."
        elif math.prod(got) < math.prod(right):
            hint = "That is smaller than needed: stop as soon as it fits, equal counts as fitting."
        raise Wrong(f"{given}: expected {right}, you gave {got}", hint)
    if answer((64, 64, 64), 1e6, 1e9) is not None:
        raise Wrong(
            "where even 32 × 32 × 32 doesn't fit you gave a patch",
            "Where `longer` is empty there is nothing left to shorten: return None.",
        )
    return (
        "A rule on paper is a plan that anybody can repeat: the same data set and the same memory "
        "give the same network, and nobody had to be an expert."
    )


def risk_coverage_area(answer):
    rng = np.random.default_rng(12)
    cases = [
        (np.array([0.1, 0.5, 0.3, 0.9]), np.array([0.2, 0.9, 0.1, 0.4])),
        (rng.uniform(0.05, 0.9, 9), rng.uniform(3, 8, 9)),
        (np.array([0.4]), np.array([2.0])),
    ]
    for errors, unsure in cases:
        right = uncertainty.risk_coverage(errors, unsure).mean()
        backwards = uncertainty.risk_coverage(errors, -unsure).mean()
        best = uncertainty.risk_coverage(errors, errors).mean()
        counts = np.arange(1, len(errors) + 1)
        unsorted = (np.cumsum(errors) / counts).mean()
        by_measure = (np.cumsum(np.sort(unsure)) / counts).mean()
        got = answer(list(errors), list(unsure)) if len(errors) == 1 else answer(errors, unsure)
        verdict.close(
            got,
            right,
            f"{len(errors)} patients: the area",
            mistakes=[
                (backwards, "You keep the most unsure first. Sort so that the surest come first."),
                (unsorted, "The errors must be put in the order of `unsure`: np.argsort(unsure)."),
                (best, "You sort by the errors, which nobody knows beforehand: sort by `unsure`."),
                (
                    by_measure,
                    "That averages the uncertainties. Average the errors, sorted by them.",
                ),
                (errors.mean(), "That is the mean error of all. Average over all numbers kept."),
                (
                    np.cumsum(errors[np.argsort(unsure)]).mean(),
                    "Divide each sum by how many patients it holds, 1, 2, 3 and so on.",
                ),
            ],
            hint="Sort by `unsure`, take the mean of the first k for each k, and the mean of these.",
        )
    return (
        "One number for the whole curve: an uncertainty that sorts patients well has a small area, "
        "one that says nothing has the mean error."
    )


def conformal_radius(answer):
    scores = np.array([5.0, 1.0, 9.0, 2.0, 7.0, 12.0, 8.0, 4.0, 6.0, 10.0, 3.0, 11.0])
    long = np.random.default_rng(12).permutation(np.arange(1.0, 60.0))
    for values, level in ((scores, 0.8), (long, 0.9), (long, 0.5), (scores[:9], 0.9)):
        right, n = uncertainty.conformal_radius(values, level), len(values)
        ordered = np.sort(values)
        verdict.close(
            answer(values, level),
            right,
            f"{n} scores and a level of {level}:",
            mistakes=[
                (values[math.ceil((n + 1) * level - 1e-9) - 1], "Sort the scores first."),
                (
                    ordered[min(math.ceil((n + 1) * level - 1e-9), n - 1)],
                    "That is one place too far: the k-th smallest stands at index k - 1.",
                ),
                (
                    ordered[math.ceil(n * level - 1e-9) - 1],
                    "That is the quantile of the n scores. The new case is one more: (n + 1) · level.",
                ),
                (
                    np.quantile(values, level),
                    "np.quantile interpolates between scores; take the k-th smallest itself.",
                ),
                (ordered[::-1][math.ceil((n + 1) * level - 1e-9) - 1], "Sort upwards."),
            ],
            hint="k = ceil((n + 1) · level); return the k-th smallest score.",
        )
    for few, level in ((scores[:6], 0.9), (scores[:3], 0.8)):
        got = answer(few, level)
        if not (isinstance(got, float | int | np.floating) and math.isinf(got) and got > 0):
            raise Wrong(
                f"{len(few)} scores and a level of {level}: expected infinity, you gave "
                f"{verdict.describe(got)}",
                "k is larger than n here: no score is large enough, so return math.inf.",
            )
    return (
        "The + 1 is the new patient: without it an interval from few patients holds less often than "
        "it says, and from six it can't promise 90 % at all."
    )


def halves():
    """The real patients of the table: the first half decides, the second judges."""
    table = published_tables.lgg_folds()
    table = table[table["set"] == "real"]
    return table[table["outer"] == 0], table[table["outer"] == 1]


def fewest_to_hand_over(table, measure: str) -> int:
    """How many of the most unsure must be looked at so that the rest reaches TARGET."""
    order = np.argsort(table[measure].to_numpy(), kind="stable")
    dice = table["dice"].to_numpy()[order]
    for handed in range(len(dice)):
        if dice[: len(dice) - handed].mean() >= TARGET:
            return handed
    return len(dice)


def whom_to_look_at(evidence):
    deciding, judging = halves()
    name = evidence["measure"]
    if name not in MEASURES:
        raise Wrong(
            f"`measure` is {verdict.describe(name)}", f"Choose one of {', '.join(MEASURES)}."
        )
    column = MEASURES[name]
    threshold = _number(evidence["threshold"], "threshold")
    handed, rest = _number(evidence["handed"], "handed"), _number(evidence["rest"], "rest")
    expected = fewest_to_hand_over(deciding, column)
    got = int((deciding[column] > threshold).sum())
    kept = deciding[~(deciding[column] > threshold)]["dice"]
    if got > expected:
        raise Wrong(
            f"with this threshold {got} of the deciding patients are looked at; {expected} are enough",
            "Raise the threshold as far as the rest's mean allows.",
        )
    if not len(kept) or kept.mean() < TARGET:
        mean = f"{kept.mean():.3f}" if len(kept) else "nothing"
        raise Wrong(
            f"with this threshold {got} of the {len(deciding)} deciding patients are looked at, and "
            f"the rest has {mean}",
            f"It must be at least {TARGET:.2f}: lower the threshold, so that more are looked at.",
        )
    looked = judging[column] > threshold
    true_rest = judging[~looked]["dice"].mean()
    if int(handed) != int(looked.sum()) or abs(rest - true_rest) > 0.002:
        hint = "Count and average in `judging`, with the threshold that `deciding` gave you."
        if int(handed) == got:
            hint = (
                "Those are the deciding half's numbers: they chose, so the other half must judge."
            )
        raise Wrong(
            f"in `judging` this threshold hands over {int(looked.sum())} and leaves "
            f"{true_rest:.3f}; you gave {verdict.describe(evidence['handed'])} and {rest:.3f}",
            hint,
        )
    kept_promise = bool(true_rest >= TARGET)
    if evidence["kept"] not in ("yes", "no") or (evidence["kept"] == "yes") != kept_promise:
        raise Wrong(
            f"the rest of `judging` has {true_rest:.3f} and the target is {TARGET:.2f}; you say that "
            f"the promise was kept: {verdict.describe(evidence['kept'])}",
            'Say "yes" where the rest reaches the target, "no" where it doesn\'t.',
        )
    return _story(evidence["prediction"], true_rest, int(handed), len(judging), kept_promise)


def _story(prediction, rest: float, handed: int, count: int, kept: bool) -> str:
    kind = isinstance(prediction, int | float) and not isinstance(prediction, bool)
    came = ""
    if kind:
        close = abs(float(prediction) - rest) <= 0.02
        came = f" You expected {float(prediction):.2f}: {'close' if close else 'not so'}."
    promise = "held" if kept else "did not hold"
    return (
        f"A threshold from one half, judged on the other: {handed} of {count} are looked at, the "
        f"rest has {rest:.3f}, and the promise {promise}.{came} What is chosen on few patients is "
        "a promise with a spread: ask for a margin, or for more patients."
    )


def _number(value, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise Wrong(
            f"`{name}` must be a number; you gave {verdict.describe(value)}",
            "Compute it from the table, and pass the number.",
        ) from None


CHECKS = {
    "shrink-patch": shrink_patch,
    "risk-coverage-area": risk_coverage_area,
    "conformal-radius": conformal_radius,
    "whom-to-look-at": whom_to_look_at,
}
OPEN_TASKS = {"whom-to-look-at"}
QUIZ = {
    "q1": Question(
        "b",
        {
            "a": "A plan is a starting point that needs no expert, not a proof: nnU-Net itself "
            "compares two or three plans by cross-validation.",
            "b": "The rules know sizes, spacings and memory. They know nothing of what fails on "
            "these patients.",
            "c": "Other memory gives another patch and batch, but the rules are the same: you can "
            "say beforehand what comes out.",
        },
    ),
    "q2": Question(
        "c",
        {
            "a": "Dice isn't the point here: the same predictions can come with a good or a useless "
            "ranking.",
            "b": "An area of 0 would need patients without any error, and a random order has the "
            "mean error as its area.",
            "c": "A measure that orders patients at random keeps the mean error whatever share is "
            "kept.",
        },
    ),
    "q3": Question(
        "a",
        {
            "a": "The promise is for patients of the same kind as those calibrated on, and a "
            "hospital with another scanner has another kind.",
            "b": "More calibration patients make the promise steadier, but only for their own kind.",
            "c": "The interval is made of the errors on the calibration patients. It doesn't know "
            "that the new ones are harder.",
        },
    ),
}
