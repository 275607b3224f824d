"""The checks of lesson 11: where windows start, Dice of regions, the small-ET rule, the shares."""

import numpy as np

from unet_course.exercises import verdict
from unet_course.exercises.verdict import Wrong


def window_starts(answer):
    for length, patch, step, why in (
        (70, 32, 16, None),
        (64, 32, 16, "the last window ends exactly where the axis does"),
        (33, 32, 16, "one voxel more than the patch"),
        (32, 32, 8, "as long as the patch"),
        (20, 32, 16, "shorter than the patch"),
        (100, 40, 40, "windows side by side"),
    ):
        _starts(answer(length, patch, step), length, patch, step, why)
    return (
        "The same few lines stand in every sliding window. A voxel that no window covers has a "
        "weight of 0, and its answer is 0/0."
    )


def _starts(got, length: int, patch: int, step: int, why: str | None) -> None:
    given = f"a length of {length}, a patch of {patch} and a step of {step}"
    given += f" ({why})" if why else ""
    last = max(length - patch, 0)
    expected = sorted({*range(0, last, step), last})
    if got is None:
        raise Wrong(f"for {given} you gave None", verdict.FORGOTTEN_RETURN)
    try:
        found = [int(start) for start in got]
        whole = all(float(start) == int(start) for start in got)
    except (TypeError, ValueError):
        found, whole = [], False
    if not whole or not found:
        raise Wrong(
            f"for {given} you gave {verdict.describe(got)}",
            "Return a list of whole numbers; there is always one window at least.",
        )
    if found == expected:
        return
    said = f"for {given} you gave {found}, expected {expected}"
    if min(found) < 0:
        raise Wrong(
            said,
            "A start can't be negative: where the axis is shorter than the patch, the one window "
            "starts at 0 (and the volume is padded).",
        )
    if max(found) > last:
        raise Wrong(
            said,
            "The last window sticks out: it starts at length - patch at most, and ends with the "
            "axis.",
        )
    if len(set(found)) < len(found):
        raise Wrong(said, "A start comes twice: that window would be asked twice, for nothing.")
    if max(found) < last:
        raise Wrong(
            said,
            f"Voxels {max(found) + patch} to {length - 1} aren't covered by any window: one more, "
            "moved back so that it ends with the axis.",
        )
    if sorted(found) == expected:
        raise Wrong(said, "The starts should rise.")
    raise Wrong(said, "range(0, last, step) and then last, where last is length - patch.")


def region_dice(answer):
    truth, prediction = np.array([0, 1, 2, 4, 2, 0, 1]), np.array([0, 4, 2, 4, 0, 2, 1])
    _regions(answer, truth, prediction, "labels [0, 1, 2, 4, 2, 0, 1] and [0, 4, 2, 4, 0, 2, 1]")
    shape = (2, 3, 2)
    rng = np.random.default_rng(11)
    volumes = rng.choice([0, 1, 2, 4], (2, *shape))
    _regions(answer, *volumes, "two small volumes")
    without = np.array([[0, 1, 2, 2]])
    _regions(answer, without, np.array([[0, 1, 1, 2]]), "labels without a 4 in either")
    _regions(answer, without, np.array([[0, 4, 1, 2]]), "a truth without a 4, and one predicted")
    _regions(answer, np.array([[0, 4, 1, 2]]), without, "a 4 in the truth that isn't predicted")
    _regions(answer, without * 0, without * 0, "two empty masks")
    return (
        "Three numbers instead of one. A case without label 4 is worth 1 or 0 in ET, by "
        "convention: say so beside your mean."
    )


def _dices(truth, prediction, groups, empty=1.0) -> list[float]:
    found = []
    for labels in groups:
        a, b = np.isin(truth, labels), np.isin(prediction, labels)
        both = a.sum() + b.sum()
        found.append(2 * float((a & b).sum()) / float(both) if both else empty)
    return found


def _regions(answer, truth, prediction, given) -> None:
    got = answer(truth.copy(), prediction.copy())
    if isinstance(got, dict):
        got = list(got.values())
    if got is not None and np.size(got) == 0:
        raise Wrong(
            f"for {given} you gave an empty list", "Append a number to `result` for each region."
        )
    regions = ([1, 2, 4], [1, 4], [4])
    right = _dices(truth, prediction, regions)
    verdict.close(
        got,
        right,
        given,
        mistakes=[
            (
                _dices(truth, prediction, ([1], [2], [4])),
                "Those are the labels one by one: WT is 1, 2 and 4 together, TC 1 and 4.",
            ),
            (
                _dices(truth, prediction, ([1, 2, 4], [1], [4])),
                "TC is labels 1 and 4: enhancing tumour is core, too.",
            ),
            (
                _dices(truth, prediction, regions, empty=0.0),
                "Where a region is empty in both, nothing was to be found and nothing was claimed: "
                "Dice 1.",
            ),
            (
                _dices(truth, prediction, regions, empty=float("nan")),
                "0/0 is nan: ask for the empty case first, and give it a 1.",
            ),
            (
                [d / 2 for d in right],
                "Half of what it should be: Dice has *twice* the overlap above the line.",
            ),
            (
                [d / (2 - d) for d in right],
                "Those are IoUs: Dice divides by the sum of both sizes, not by the union.",
            ),
        ],
        hint="Twice the overlap over the sum of both sizes; 1 where that sum is 0.",
    )


def small_et(answer):
    few = np.array([[0, 2, 1, 4], [4, 2, 0, 0]])
    _rule(answer, few, 3, 1.0, "two voxels of label 4, a minimum of 3 mm³, voxels of 1 mm³")
    apart = np.array([4, 0, 0, 4, 4, 0, 4])
    _rule(answer, apart, 3, 1.0, "four voxels of label 4 in three pieces, a minimum of 3 mm³")
    _rule(answer, few, 2, 1.0, "exactly as much label 4 as the minimum: 2 mm³")
    _rule(answer, few, 3, 2.0, "two voxels of label 4 of 2 mm³ each, a minimum of 3 mm³")
    _rule(answer, few, 1, 0.25, "two voxels of label 4 of 0.25 mm³ each, a minimum of 1 mm³")
    _rule(answer, np.array([0, 1, 2]), 50, 1.0, "labels without a 4")
    return (
        "The rule changes ET alone: TC and WT keep every voxel. It is a bet on cases without "
        "enhancing tumour, so its minimum is chosen where the stakes aren't counted."
    )


def _rule(answer, labels, minimum, voxel, given) -> None:
    before = labels.copy()
    volume = (labels == 4).sum() * voxel
    drop = np.where(labels == 4, 1, labels)
    right = drop if volume < minimum else labels
    got = answer(labels.copy(), minimum, voxel)
    verdict.shape(got, labels.shape, given)
    mistakes = []
    if volume < minimum:
        mistakes = [
            (
                np.where(labels == 4, 0, labels),
                "Label 4 became background, and TC and WT lost it too: it becomes label 1.",
            ),
            (
                np.where(labels == 4, 2, labels),
                "Label 2 is oedema, outside the core: what was 4 becomes 1.",
            ),
            (before, "There is less than the minimum, so label 4 should become label 1."),
        ]
        if voxel != 1:
            mistakes[-1] = (before, "The minimum is in mm³: multiply voxels by voxel_mm3.")
    elif volume == minimum:
        mistakes = [(drop, "*Less* than the minimum goes; as much as the minimum stays.")]
    elif voxel != 1:
        mistakes = [(drop, "The minimum is in mm³: multiply voxels by voxel_mm3.")]
    else:
        mistakes = [(drop, "There is more than the minimum, so nothing should change.")]
    if labels.ndim == 1 and volume >= minimum:
        hint = "All of the case's label 4 counts together, not piece by piece."
        mistakes.insert(0, (np.array([1, 0, 0, 4, 4, 0, 1]), hint))
        mistakes.insert(1, (drop, hint))
    verdict.equal(got, right, given, mistakes=mistakes)
    handed_in = labels.copy()  # and past `judge`, which hands in a copy that nobody sees again
    getattr(answer, "function", answer)(handed_in, minimum, voxel)
    if not np.array_equal(handed_in, labels):
        raise Wrong(
            f"for {given} you return the right labels, and those that came in are changed, too",
            "Your function changed the array that came in. Change a copy: labels.copy(), or what "
            "np.where gives.",
        )


def shares(answer):
    for labels, given in (
        (np.array([[0, 0, 0, 4]]), "labels [[0, 0, 0, 4]]"),
        (np.array([0, 0, 0, 0, 0, 1, 2, 2, 4, 0]), "ten voxels: six 0, one 1, two 2, one 4"),
        (np.zeros((2, 3, 4), np.uint8), "a volume without tumour"),
        (np.array([[1, 2], [4, 4]], np.uint8), "a volume without background"),
    ):
        counts = np.array([(labels == label).sum() for label in (0, 1, 2, 4)])
        share = counts / labels.size
        right = (share[0], (share**2).sum())
        got = answer(labels.copy())
        if got is None:
            raise Wrong(f"for {given} you gave None", verdict.FORGOTTEN_RETURN)
        if np.size(got) != 2:
            raise Wrong(
                f"for {given} you gave {verdict.describe(got)}", "Return two numbers: hard, soft."
            )
        present = share[share > 0]
        verdict.close(
            np.array([float(value) for value in got]),
            np.array(right),
            given,
            mistakes=[
                (np.array(right[::-1]), "The other way round: hard first, then soft."),
                (
                    np.array([present[0], right[1]]),
                    "Hard is the share of label 0. Where there is none, np.unique's first label is "
                    "another one.",
                ),
                (np.array([right[0], 0.25]), "Soft isn't the mean share (that is always 1/4)."),
                (
                    np.array([right[0], share.max()]),
                    "Soft gives each class its share, not all to the largest.",
                ),
                (
                    np.array([2 * right[0] / (1 + right[0]), right[1]]),
                    "That is the background's own Dice: in one heap, the other classes' voxels "
                    "stand below the line as well.",
                ),
                (
                    np.array([right[0], 2 * (share**2).sum() / (1 + (share**2).sum())]),
                    "Below the line stand the sums of the two, not of their squares: both are the "
                    "number of voxels.",
                ),
                (np.array([1 - right[0], right[1]]), "That is the tumour's share."),
            ],
            hint="Hard: the share of background. Soft: the sum of the squared shares.",
        )
    return "With 1 % of tumour both are above 0.97: before you believe a figure, ask what nothing gets."


CHECKS = {
    "window-starts": window_starts,
    "region-dice": region_dice,
    "small-et": small_et,
    "shares": shares,
}
