"""Lesson 12's exercises and open task: the usual mistakes, and the words of the hint for each."""

import functools

from unet_course.exercises import lesson_12 as task


def patch(
    condition="math.prod(size) * bytes_per_voxel > budget",
    key="size[axis] / median[axis]",
    pick="max",
    none="            return None\n",
    longer="side > shortest",
    back="size",
) -> str:
    return (
        "def shrink_patch(median, bytes_per_voxel, budget, step=16, shortest=32):\n"
        "    size = [step * math.ceil(side / step) for side in median]\n"
        f"    while {condition}:\n"
        f"        longer = [axis for axis, side in enumerate(size) if {longer}]\n"
        "        if not longer:\n"
        f"{none}"
        f"        size[{pick}(longer, key=lambda axis: {key})] -= step\n"
        f"    return {back}"
    )


def area(order="np.argsort(unsure)", errors="np.asarray(errors)", counts="", back="means.mean()"):
    counts = counts or "np.arange(1, len(errors) + 1)"
    return (
        "def area_under(errors, unsure):\n"
        f"    order = {order}\n"
        f"    means = np.cumsum({errors}[order]) / {counts}\n"
        f"    return {back}"
    )


def reach(k="math.ceil((n + 1) * level - 1e-9)", back="np.sort(scores)[k - 1]", few="math.inf"):
    return (
        "def radius(scores, level):\n"
        "    n = len(scores)\n"
        f"    k = {k}\n"
        f"    return float({back}) if k <= n else {few}"
    )


@functools.cache
def evidence(measure="folds", **changes) -> dict:
    """What a student finds with a measure, some of it changed."""
    deciding, judging = task.halves()
    column = task.MEASURES[measure]
    handed = task.fewest_to_hand_over(deciding, column)
    ordered = deciding[column].sort_values()
    threshold = float(ordered.iloc[len(ordered) - handed - 1])
    looked = judging[column] > threshold
    rest = float(judging.dice[~looked].mean())
    found = {
        "measure": measure,
        "threshold": threshold,
        "handed": int(looked.sum()),
        "rest": rest,
        "kept": "yes" if rest >= task.TARGET else "no",
        "prediction": 0.8,
    }
    return found | changes


def with_changes(**changes) -> dict:
    return evidence() | changes


def opposite() -> str:
    return "no" if evidence()["kept"] == "yes" else "yes"


EVIDENCE = {
    "whom-to-look-at": [evidence(measure) for measure in task.MEASURES]
    + [with_changes(prediction="better than now")]
}
MISTAKES = {
    "shrink-patch": [
        (patch(key="size[axis]"), "compared with the"),
        (patch(pick="min"), "max, not min"),
        (patch(condition="math.prod(size) * bytes_per_voxel >= budget"), "equal counts as fitting"),
        (patch(longer="side > 0"), "nothing left to shorten"),
        (patch(back="None"), "gives None"),
        (patch(condition="False"), "doesn't fit yet"),
        (patch(none="            return size\n"), "return None"),
    ],
    "risk-coverage-area": [
        (area(order="np.argsort(unsure)[::-1]"), "surest come first"),
        (area(order="np.arange(len(errors))"), "in the order of `unsure`"),
        (area(order="np.argsort(errors)"), "nobody knows beforehand"),
        (area(errors="np.asarray(unsure)"), "Average the errors"),
        (area(back="means[-1]"), "mean error of all"),
        (area(counts="1"), "Divide each sum"),
    ],
    "conformal-radius": [
        (reach(back="scores[k - 1]"), "Sort the scores first"),
        (reach(back="np.sort(scores)[min(k, n - 1)]"), "one place too far"),
        (reach(k="math.ceil(n * level - 1e-9)"), "The new case is one more"),
        (reach(back="np.quantile(scores, level)"), "interpolates"),
        (reach(few="max(scores)"), "return math.inf"),
    ],
    "whom-to-look-at": [
        (with_changes(measure="volume"), "Choose one of"),
        (with_changes(threshold="high"), "must be a number"),
        (with_changes(threshold=2.0), "lower the threshold"),
        (with_changes(threshold=evidence()["threshold"] / 2), "Raise the threshold"),
        (with_changes(rest=evidence()["rest"] + 0.05), "that `deciding` gave you"),
        (with_changes(kept=opposite()), "promise was kept"),
    ],
}
