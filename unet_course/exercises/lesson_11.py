"""Checks of lesson 11: windows, Dice of regions, the small-ET rule, the shares, two published figures."""

import numpy as np

from unet_course.exercises import verdict
from unet_course.exercises.choices import Question
from unet_course.exercises.verdict import Wrong

REPORTED_A = 0.981  # tutorial 004's Dice coefficient on its validation cases


def window_starts(answer):
    for length, patch, step, why in (
        (70, 32, 16, None),
        (64, 32, 16, "the last window ends exactly where the axis does"),
        (33, 32, 16, "one voxel more than the patch"),
        (32, 32, 8, "as long as the patch"),
        (20, 32, 16, "shorter than the patch"),
        (101, 40, 30, "a last step that is much shorter"),
        (100, 40, 40, "windows without overlap"),
    ):
        _starts(answer(length, patch, step), length, patch, step, why)
    return (
        "Every sliding window has lines like these. A voxel that no window covers has a weight of "
        "0, and its mean is 0/0."
    )


def _starts(got, length: int, patch: int, step: int, why: str | None) -> None:
    given = f"a length of {length}, a patch of {patch} and a step of {step}"
    given += f" ({why})" if why else ""
    last = max(length - patch, 0)
    expected = sorted({*range(0, last, step), last})
    if got is None:
        raise Wrong(f"for {given} you gave None", verdict.FORGOTTEN_RETURN)
    found = list(got) if np.ndim(got) == 1 else []
    if not found:
        raise Wrong(
            f"for {given} you gave {verdict.describe(got)}",
            "Return a list of whole numbers; there is always one window at least.",
        )
    if not all(isinstance(start, (int, np.integer)) for start in found):
        raise Wrong(
            f"for {given} you gave {verdict.describe(got)}",
            "Every start must be a whole number, or no slice can begin there: divide with //, not /.",
        )
    found = [int(start) for start in found]
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
        first = max(found) + patch
        bare = f"Voxels {first} to {length - 1} aren't covered by any window"
        if first == length - 1:
            bare = f"Voxel {first} isn't covered by any window"
        raise Wrong(
            said,
            f"{bare}: one more, moved back so that it ends with the axis."
            if len(found) < len(expected)
            else f"{bare}: the last one must end with the axis, so it starts at length - patch.",
        )
    if sorted(found) == expected:
        raise Wrong(said, "The starts should rise.")
    raise Wrong(said, "range(0, last, step) and then last, where last is length - patch.")


def region_dice(answer):
    rng = np.random.default_rng(11)
    example = np.array([0, 1, 2, 4]), np.array([0, 4, 2, 4])
    truth, prediction = np.array([0, 1, 2, 4, 2, 0, 1]), np.array([0, 4, 2, 4, 0, 2, 1])
    volumes = rng.choice(np.array([0, 1, 2, 4], np.uint8), (2, 9, 8, 7))
    without = np.array([[0, 1, 2, 2]])
    for given, pair in {
        "labels [0, 1, 2, 4] and [0, 4, 2, 4]": example,
        "labels [0, 1, 2, 4, 2, 0, 1] and [0, 4, 2, 4, 0, 2, 1]": (truth, prediction),
        "two volumes of 504 voxels": tuple(volumes),
        "labels without a 4 in either": (without, np.array([[0, 1, 1, 2]])),
        "a truth without a 4, and one predicted": (without, np.array([[0, 4, 1, 2]])),
        "a 4 in the truth that isn't predicted": (np.array([[0, 4, 1, 2]]), without),
        "two empty masks": (without * 0, without * 0),
    }.items():
        _regions(answer, *pair, given, telling=(truth, prediction))
    return (
        "Three numbers instead of one. A case without label 4 gets 1 or 0 in ET by convention: "
        "report those cases apart."
    )


def _dices(truth, prediction, groups=([1, 2, 4], [1, 4], [4]), empty=1.0, add=0.0) -> np.ndarray:
    found = []
    for labels in groups:
        a, b = np.isin(truth, labels), np.isin(prediction, labels)
        both = a.sum() + b.sum()
        found.append((2 * (a & b).sum() + add) / (both + add) if both else empty)
    return np.array(found, float)


def _dice_slips(truth, prediction) -> list[tuple[np.ndarray, str]]:
    """What the usual mistakes give, each with its hint; the empty case's are for themselves."""
    right = _dices(truth, prediction)
    return [
        (
            _dices(truth, prediction, ([1], [2], [4])),
            "Those are the labels one by one: WT is 1, 2 and 4 together, TC 1 and 4.",
        ),
        (
            _dices(truth, prediction, ([1, 2, 4], [1], [4])),
            "TC is labels 1 and 4: enhancing tumour is core, too.",
        ),
        (right / 2, "Half of what it should be: Dice has *twice* the overlap."),
        (
            right / (2 - right),
            "Those are IoUs: Dice divides by the sum of both sizes, not by the union.",
        ),
        (right[::-1], "The order is WT, TC, ET."),
        (np.round(right, 3), "You rounded: return the numbers as they are."),
        (np.round(right, 2), "You rounded: return the numbers as they are."),
    ]


def _regions(answer, truth, prediction, given, telling) -> None:
    got = answer(truth.copy(), prediction.copy())
    if isinstance(got, dict):
        raise Wrong(f"for {given} you gave a dictionary", "Return a list of three numbers.")
    if got is not None and np.size(got) == 0:
        raise Wrong(
            f"for {given} you gave an empty list", "Append a number to `result` for each region."
        )
    if got is not None and np.shape(got) != (3,):
        told = "a number" if np.ndim(got) == 0 else f"{np.size(got)} numbers"
        raise Wrong(
            f"for {given} you gave {told}, expected 3",
            "One number for each region: is `return` inside the loop, or does a region append none, "
            "or two?",
        )
    right = _dices(truth, prediction)
    hint = "Twice the overlap over the sum of both sizes; 1 where that sum is 0."
    array = np.asarray(got, float) if np.size(got) == 3 and not isinstance(got, str) else None
    if array is not None and not np.allclose(array, right, 0, 2e-7, equal_nan=True):
        both_empty = [not (np.isin((truth, prediction), x).any()) for x in ([1, 2, 4], [1, 4], [4])]
        told = np.asarray(answer(*(labels.copy() for labels in telling)), float)
        slips = ((value, why) for value, why in _dice_slips(*telling))
        hint = next((why for value, why in slips if np.allclose(told, value, 0, 2e-7)), hint)
        if any(both_empty) and not np.allclose(array[both_empty], 1):
            if np.isnan(array[both_empty]).any():
                hint = "0/0 is nan: ask for the empty case first, and give it a 1."
            else:
                hint = (
                    "Where a region is empty in both, nothing was to be found and nothing was "
                    "claimed: Dice 1."
                )
        elif np.allclose(array, right, 0, 1e-4):
            hint = (
                "A small number added above and below, or rounding, isn't asked for: where one is "
                "empty the Dice is exactly 0."
            )
    # float32's precision and no more: a smoothing of 1e-6 is told from none
    verdict.close(got, right, given, rtol=0, atol=2e-7, hint=hint)


def small_et(answer):
    few = np.array([[0, 2, 1, 4], [4, 2, 0, 0]])
    apart, together = np.array([4, 0, 0, 4, 4, 0, 4]), np.array([0, 4, 4, 4, 2, 1])
    many = np.full((20, 17), 4, np.uint8)
    many[0] = 2
    three, five = np.array([4, 1, 4, 4]), np.array([4, 4, 2, 4, 4, 4])
    once = "Multiply by voxel_mm3 once, and don't round: fractions of a mm³ count."
    units = "The minimum is in mm³: multiply voxels by voxel_mm3."
    pieces = "All of the case's label 4 counts together, not piece by piece."
    enough = "There is as much as the minimum or more, so nothing should change."
    for labels, minimum, voxel, given, hint in (
        (np.array([0, 2, 1, 4]), 2, 1.0, "the example, voxels of 1 mm³", None),
        (few, 3, 1.0, "two voxels of label 4, a minimum of 3 mm³, voxels of 1 mm³", None),
        (together, 2, 1.0, "three voxels of label 4 in one piece, a minimum of 2 mm³", enough),
        (apart, 3, 1.0, "four voxels of label 4 in three pieces, a minimum of 3 mm³", pieces),
        (few, 2, 1.0, "exactly as much label 4 as the minimum: 2 mm³", None),
        (few, 3, 2.0, "two voxels of label 4 of 2 mm³ each, a minimum of 3 mm³", units),
        (np.array([0, 2, 1, 4]), 2, 2.0, "the example, voxels of 2 mm³", None),
        (few, 5, 2.0, "two voxels of label 4 of 2 mm³ each, a minimum of 5 mm³", once),
        (few, 1, 0.25, "two voxels of label 4 of 0.25 mm³ each, a minimum of 1 mm³", once),
        (three, 1.2, 0.5, "three voxels of 0.5 mm³ each, a minimum of 1.2 mm³", once),
        (three, 1.7, 0.5, "three voxels of 0.5 mm³ each, a minimum of 1.7 mm³", once),
        (five, 1.2, 0.25, "five voxels of 0.25 mm³ each, a minimum of 1.2 mm³", once),
        (five, 1.3, 0.25, "five voxels of 0.25 mm³ each, a minimum of 1.3 mm³", once),
        (many, 300, 1.0, "323 voxels of label 4, a minimum of 300 mm³", enough),
        (np.array([0, 1, 2]), 50, 1.0, "labels without a 4", enough),
    ):
        _rule(answer, labels, minimum, voxel, given, hint)
    return (
        "The rule changes ET alone: TC and WT keep every voxel. It is a bet on cases without "
        "enhancing tumour, so its minimum is chosen on validation cases."
    )


def _rule(answer, labels, minimum, voxel, given, hint) -> None:
    enhancing = labels == 4
    volume = enhancing.sum() * voxel
    drop = np.where(enhancing, 1, labels)
    right = drop if volume < minimum else labels
    got = answer(labels.copy(), minimum, voxel)
    verdict.shape(got, labels.shape, given)
    if volume < minimum:
        mistakes = [
            (
                np.where(enhancing, 0, labels),
                "Label 4 became background, and TC and WT lost it too: it becomes label 1.",
            ),
            (
                np.where(enhancing, 2, labels),
                "Label 2 is oedema, outside the core: what was 4 becomes 1.",
            ),
            (labels, hint or "There is less than the minimum, so label 4 should become label 1."),
        ]
    elif volume == minimum:
        mistakes = [(drop, "*Less* than the minimum goes; as much as the minimum stays.")]
    else:
        mistakes = [(drop, hint or "There is as much as the minimum, so nothing should change.")]
    otherwise = "What was label 4 becomes 1, and all other labels stay as they are."
    if volume >= minimum:
        otherwise = "There is as much as the minimum or more, so nothing should change."
    verdict.equal(got, right, given, mistakes=mistakes, hint=otherwise)
    handed_in = labels.copy()  # and past `judge`, which hands in a copy that nobody sees again
    returned = getattr(answer, "function", answer)(handed_in, minimum, voxel)
    if not np.array_equal(handed_in, labels):
        raise Wrong(
            f"for {given} you return the right labels, and those that came in are changed, too",
            "Your function changed the array that came in. Change a copy: labels.copy(), or what "
            "np.where gives.",
        )
    if volume < minimum and np.shares_memory(returned, handed_in):
        raise Wrong(
            f"for {given} you return the array that came in, or a view of it",
            "Return a *new* array: what is written into a view is written into the other, too.",
        )


def shares(answer):
    for labels, given in (
        (np.array([[0, 0, 0, 4]]), "labels [[0, 0, 0, 4]]"),
        (np.array([0, 0, 0, 0, 0, 1, 2, 2, 4, 0]), "ten voxels: six 0, one 1, two 2, one 4"),
        (np.zeros((2, 3, 4), np.uint8), "a volume without tumour"),
        (np.array([[1, 2], [4, 4]], np.uint8), "a volume without background"),
        (np.repeat(np.uint8([0, 1, 2, 4]), [700, 20, 300, 280]), "a volume of 1,300 voxels"),
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
                    "That is the background's own Dice: pooled, the other classes' voxels are in "
                    "the denominator as well.",
                ),
                (
                    np.array([right[0], 2 * (share**2).sum() / (1 + (share**2).sum())]),
                    "The denominator is the sum of both sums, not of their squares: each is the "
                    "number of voxels.",
                ),
                (np.array([1 - right[0], right[1]]), "That is the tumour's share."),
            ],
            hint="Hard: the share of background. Soft: the sum of the squared shares.",
        )
    return "With 1 % of tumour both are above 0.97: work out what nothing gets before you believe a figure."


def two_figures(evidence):
    labels, wrong = (np.asarray(evidence[name]) for name in ("labels", "wrong"))
    if labels.shape == wrong.shape:
        others = set(np.unique(wrong).tolist()) - {0, 1, 2, 4, *np.unique(labels).tolist()}
        if others:
            raise Wrong(
                f"your prediction holds {', '.join(map(str, sorted(others)[:3]))}",
                "A prediction has the truth's shape, and its labels: 0, 1, 2 and 4.",
            )
    else:
        raise Wrong(
            f"your prediction is {verdict.describe(wrong)}, the truth {verdict.describe(labels)}",
            "A prediction has the truth's shape, and its labels: 0, 1, 2 and 4.",
        )
    tumour, marked = labels != 0, wrong != 0
    if not tumour.any():
        raise Wrong("this case has no tumour that could be missed", "Take another case.")
    found = np.count_nonzero(tumour & marked) / np.count_nonzero(tumour)
    size = np.count_nonzero(marked) / np.count_nonzero(tumour)
    if size < 0.5:
        raise Wrong(
            f"your prediction marks {size:.0%} of the tumour's number of voxels, half are asked for",
            "An empty or a small one was section 7's: a figure that it reaches says little. Here "
            "the prediction must look like a tumour.",
        )
    if found >= 0.1:
        raise Wrong(
            f"your prediction covers {found:.0%} of the tumour, so it hasn't missed it",
            "labels[::-1] mirrors left and right. A tumour that reaches across the middle covers "
            "itself then: np.roll(labels, 60, axis=1) moves it instead, or take another case.",
        )
    a, b = np.mean(labels == wrong), 2 * found / (1 + size)
    of_tumour = np.mean(tumour == marked)
    verdict.close(
        evidence["by_a"],
        a,
        "figure A of your prediction",
        mistakes=[
            (b, "That is B's formula: A is the share of all voxels that have the right class."),
            (of_tumour, "A has four classes: a voxel of core that is called oedema is wrong."),
            (1 - a, "That is the share of voxels that are wrong."),
        ],
        hint="A, hard, is the share of voxels whose class is right: np.mean(wrong == labels).",
    )
    verdict.close(
        evidence["by_b"],
        b,
        "figure B of your prediction",
        mistakes=[
            (a, "That is A's formula: B leaves the background out."),
            (found, "That is the share of the tumour that is covered."),
            (b / (2 - b), "That is the IoU: Dice is twice the overlap over the sum of both sizes."),
        ],
        hint="B is the Dice of the whole tumour: metrics.dice(labels != 0, wrong != 0).",
    )
    if a < REPORTED_A:
        raise Wrong(
            f"by A your prediction gets {a:.3f}, less than {REPORTED_A}: this case doesn't refute A",
            "What A takes off is the share of wrong voxels, about that of both tumours, the true "
            "and the false one. Take a case with a smaller tumour.",
        )
    refuted = str(evidence["refuted"]).strip().upper()
    if refuted not in ("A", "B"):
        raise Wrong(
            f"refuted={verdict.describe(evidence['refuted'])}", 'Name one figure: "A" or "B".'
        )
    if refuted != "A":
        raise Wrong(
            f"by A a missed tumour gets {a:.3f}, more than {REPORTED_A}; by B it gets {b:.3f}",
            "Refuted is the figure that a missed tumour reaches all the same.",
        )
    guess = str(evidence["prediction"]).strip().upper()
    true = "came true" if guess == "A" else "didn't come true: A alone can be reached"
    return (
        f"a prediction that covers {found:.0%} of the tumour gets {a:.3f} by A and {b:.3f} by B. A "
        f"figure that a missed tumour reaches can't say that one was found. Your prediction {true}."
    )


CHECKS = {
    "window-starts": window_starts,
    "region-dice": region_dice,
    "small-et": small_et,
    "shares": shares,
    "two-figures": two_figures,
}
OPEN_TASKS = {"two-figures"}
PREDICTIONS = {"two-figures": ("A", "B", "both", "neither")}

QUIZ = {
    "q1": Question(
        right="b",
        why={
            "a": "A mask that is off by centimetres as a whole would have lost most of its overlap: "
            "its Dice wouldn't be 0.93.",
            "b": "Dice weighs volume, and most of it is right. HD95 asks how far the surface "
            "strays, and more than 5 % of it is far away.",
            "c": "An edge that is off by a voxel or two everywhere gives an HD95 of 1 or 2 mm, not "
            "of 70.",
        },
    ),
    "q2": Question(
        right="a",
        why={
            "a": "The mean over 100 mixes two questions: how good outlines are, and whether empty "
            "cases were left empty. These two numbers answer them one by one.",
            "b": "They are of the same 100 values, and twelve of those are still 1 or 0 by "
            "convention.",
            "c": "Both count voxels over all cases, so that large tumours and background decide, and "
            "ET, the smallest region, disappears in them.",
        },
    ),
    "q3": Question(
        right="c",
        why={
            "a": "An epoch of one may cost several times as much as one of the other: equal epochs "
            "are no equal budget. And one run each can't show what chance does.",
            "b": "Longer runs are still one run each, at an unequal cost.",
            "c": "Without the difference between two runs of the same network, 0.04 may be chance; "
            "and a fair race gives both the same minutes and weights.",
        },
    ),
}
