"""The checks of lesson 03: soft Dice, Tversky, pooled and per case, what nothing gets, a faulty loss."""

import numpy as np

from unet_course.exercises import verdict
from unet_course.exercises.choices import Question

TRUTH = np.array([[1.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]])  # 3 of 8 pixels
LIKELY = np.array([[0.9, 0.6, 0.2, 0.3], [0.1, 0.0, 0.7, 0.0]])  # 1.7 of 2.8 in the truth


def soft_dice_by_hand(answer):
    overlap, there, claimed = 1.7, 3.0, 2.8
    given = "probabilities that sum to 2.8, 1.7 of it on the 3 true pixels, and smoothing {},"
    right = 1 - 2 * overlap / (there + claimed)
    hard = 1 - 2 * 2 / (3 + 3)  # 3 pixels at or above 0.5, 2 of them in the truth
    verdict.close(
        answer(TRUTH, LIKELY, 0),
        right,
        given.format(0),
        mistakes=[
            (1 - right, "That is soft Dice itself; the loss is 1 minus it."),
            (-(1 - right), "Minus soft Dice has the same slope; here it is 1 minus soft Dice."),
            (
                hard,
                "That is the loss of the mask cut at 0.5, and it has no slope. Leave the "
                "probabilities as they are.",
            ),
            (
                1 - overlap / (there + claimed),
                "The overlap counts twice: the 2 in front is missing.",
            ),
            (
                1 - overlap / (there + claimed - overlap),
                "That is soft Jaccard: Dice has the sum of the two sizes below, with no overlap "
                "taken off, and the overlap doubled above.",
            ),
            (
                1 - 2 * overlap / (there + claimed - overlap),
                "You divided by the union; Dice divides by the sum of both sizes.",
            ),
            (
                1 - (2 * overlap + 1) / (there + claimed + 1),
                "Use the argument smooth, not a fixed 1.",
            ),
            (
                1 - 2 * overlap / (there + (LIKELY**2).sum()),
                "You squared the probabilities in the denominator, as Milletari and others do. "
                "The formula here has plain sums.",
            ),
        ],
        hint="1 - (2 * overlap + smooth) / (sum of the truth + sum of the probabilities + smooth).",
    )
    total = there + claimed
    verdict.close(
        answer(TRUTH, LIKELY, 2),
        1 - (2 * overlap + 2) / (total + 2),
        given.format(2),
        mistakes=[
            (right, "The smoothing isn't used: add it to the numerator and the denominator."),
            (
                1 - 2 * overlap / (total + 2),
                "The smoothing is in the denominator only: an empty slice would cost 1 even if "
                "nothing is claimed. Add it to the numerator as well.",
            ),
            (
                1 - (2 * overlap + 2) / total,
                "The smoothing is in the numerator only: an empty slice still divides by 0.",
            ),
            (
                1 - 2 * (overlap + 2) / (total + 2),
                "You doubled the smoothing: double the overlap first, then add it once.",
            ),
            (
                1 - (2 * overlap + 2) / (total + 4),
                "The denominator has the smoothing twice, once for each sum: add it once.",
            ),
            (
                1 - (2 * overlap / TRUTH.size + 2) / (total / TRUTH.size + 2),
                "You took means. The formula has sums; with means the smoothing counts "
                f"{TRUTH.size} times as much, {TRUTH.size} being the number of pixels.",
            ),
        ],
        hint="The smoothing is added once to the numerator and once to the denominator.",
    )
    truth, halves = np.array([1.0, 1.0, 0.0, 0.0]), np.full(4, 0.5)  # one axis
    any_axes = "Any number of axes: .sum() without an axis adds up everything."
    try:
        own = [answer(truth, halves, smooth) for smooth in (0, 1)]
        own.append(answer(truth.reshape(2, 1, 2), halves.reshape(2, 1, 2), 0))
    except Exception as error:
        error.hint = any_axes
        raise
    verdict.close(
        own,
        [0.5, 0.4, 0.5],
        "the task's own example, smoothing 0 and 1, and with three axes and smoothing 0",
        hint=any_axes,
    )
    verdict.close(
        answer(truth, halves, 0.5),
        1 - 2.5 / 4.5,
        "the task's own example with smoothing 0.5",
        hint="Use smooth as it comes: it needn't be a whole number.",
    )
    nothing = np.zeros_like(TRUTH)
    verdict.close(
        answer(nothing, nothing, 1),
        0,
        "an empty truth, nothing claimed and smoothing 1,",
        hint="smooth / smooth is 1, so the loss is 0: nothing there, nothing claimed.",
    )
    verdict.close(
        answer(nothing, LIKELY, 1),
        1 - 1 / 3.8,
        "an empty truth, probabilities that sum to 2.8 and smoothing 1,",
        hint="The overlap is 0 here; what is left is 1 - smooth / (2.8 + smooth).",
    )
    return (
        "It falls with every probability that gets a little better: that is what makes it a loss."
    )


def tversky_by_hand(answer):
    alpha, beta = 0.2, 0.7
    hits, false, missed = 1.7, 1.1, 1.3

    def right(a, b):
        return 1 - hits / (hits + a * false + b * missed)

    hard = 1 - 2 / (2 + alpha * 1 + beta * 1)
    verdict.close(
        answer(TRUTH, LIKELY, alpha, beta),
        right(alpha, beta),
        "hits of 1.7, false alarms of 1.1, misses of 1.3, alpha 0.2 and beta 0.7,",
        mistakes=[
            (
                right(beta, alpha),
                "α and β are swapped: here α weighs the false alarms, β the misses (or the two "
                "sums have changed places: a miss is truth without prediction).",
            ),
            (1 - right(alpha, beta), "That is the Tversky index; the loss is 1 minus it."),
            (
                hard,
                "You counted pixels; sum the probabilities. A mask cut at 0.5 has no slope.",
            ),
            (right(1, 1), "Without alpha and beta this is the Jaccard loss: use the arguments."),
            (right(0.5, 0.5), "That is soft Dice: use the arguments alpha and beta."),
            (
                1 - hits / (hits + alpha * 2.8 + beta * 3),
                "You took the whole sizes. A false alarm is prediction *without* truth, a miss is "
                "truth without prediction: the overlap belongs to neither.",
            ),
            (
                1 - 2 * hits / (2 * hits + alpha * false + beta * missed),
                "The hits count once here, above and below: α = β = 0.5 makes up for the 2 of "
                "Dice.",
            ),
            (
                1 - (hits + 1) / (hits + alpha * false + beta * missed + 1),
                "You added a smoothing of 1; this one has none.",
            ),
        ],
        hint="1 - TP / (TP + alpha * FP + beta * FN), with FP the sum of (1 - truth) * prediction "
        "and FN the sum of truth * (1 - prediction).",
    )
    verdict.close(
        answer(TRUTH, LIKELY, 0.9, 0.4),
        right(0.9, 0.4),
        "hits of 1.7, false alarms of 1.1, misses of 1.3, alpha 0.9 and beta 0.4,",
        mistakes=[
            (right(0.6, 0.4), "alpha needn't be 1 - beta: use both arguments."),
            (right(0.9, 0.1), "beta needn't be 1 - alpha: use both arguments."),
        ],
        hint="Use both arguments as they come; they needn't add up to 1.",
    )
    verdict.close(
        answer(TRUTH, TRUTH, 0.3, 0.7), 0, "a perfect prediction", hint="No errors cost nothing: 0."
    )
    verdict.close(
        answer(np.array([1.0, 1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0, 0.0]), 0.3, 0.7),
        1,
        "a tumour that is missed altogether",
        hint="No hit at all is the worst there is: the loss is 1.",
    )
    verdict.close(
        answer(np.zeros(4), np.array([0.5, 0.0, 0.0, 0.0]), 0.3, 0.7),
        1,
        "no tumour and a false alarm of 0.5",
        hint="No hit at all is the worst there is: the loss is 1.",
    )
    verdict.close(
        answer(np.array([1.0, 1.0, 0.0, 0.0]), np.array([1.0, 1.0, 1.0, 0.0]), 0.3, 0.7),
        1 - 2 / 2.3,
        "the task's own example",
        hint="Any number of axes: .sum() without an axis adds up everything.",
    )
    verdict.close(
        answer(np.array([[1.0, 1.0, 0.0]]), np.array([[0.5, 0.75, 0.0]]), 0.3, 0.7),
        1 - 1.25 / (1.25 + 0.7 * 0.75),
        "hits of 1.25, no false alarms, misses of 0.75, alpha 0.3 and beta 0.7,",
        hint="Without false alarms the misses still cost.",
    )
    return "Two numbers say what a miss costs compared with a false alarm: a decision, not mathematics."


def pooled_or_per_case(answer):
    truths = [
        np.array([[1, 1, 1, 1], [1, 1, 0, 0]]),  # 6, all found, 2 too many
        np.array([1, 1, 0, 0]),  # 2, one found
        np.zeros((2, 3), int),  # empty, and left alone
    ]
    found = [np.ones((2, 4), int), np.array([1, 0, 0, 0]), np.zeros((2, 3), int)]
    scores = [12 / 14, 2 / 3, 1.0]
    mean, pooled = sum(scores) / 3, 14 / 17
    one_by_one = "large: Dice 0.857, small: 0.667, both empty: 1,"
    verdict.close(
        _two(_looped(answer, truths, found)),
        [mean, pooled],
        f"three cases ({one_by_one[:-1]})",
        mistakes=[
            ([pooled, mean], "The two are in the wrong order: the mean of the cases comes first."),
            (
                [(scores[0] + scores[1]) / 2, pooled],
                "You left the empty case out of the mean. By the convention it has a Dice of 1 "
                "and counts. (A mean without empty cases is worth having as well.)",
            ),
            (
                [(scores[0] + scores[1]) / 3, pooled],
                "You gave the empty case a 0: nothing to find and nothing claimed is 1.",
            ),
            (
                [mean, 15 / 18],
                "In the pooled sums the empty case adds 0 above and 0 below; its Dice of 1 "
                "belongs in the mean only.",
            ),
            ([mean, mean], "Both are the mean. Pooled: sum overlaps and sizes first, divide once."),
            ([pooled, pooled], "Both are pooled. The mean divides case by case, then averages."),
            ([np.nan, pooled], "0 / 0 of the empty case made the mean nan: ask for it with an if."),
            (
                [(6 / 8 + 1 / 2 + 1) / 3, 7 / 10],
                "That is the IoU: Dice is twice the overlap over the sum of both sizes.",
            ),
            ([mean, 7 / 17], "The overlap counts twice in the pooled Dice as well."),
        ],
        hint="Twice the overlap and the sum of sizes of each case: the mean divides each, the "
        "pooled Dice divides their sums.",
    )
    empty = [np.zeros(4, int), np.zeros((2, 2), int)]
    verdict.close(
        _two(answer(empty, empty)),
        [1, 1],
        "two cases, both empty in truth and prediction,",
        mistakes=[
            ([1, 0], "All empty and nothing claimed: pooled it is 1 as well."),
            ([1, np.nan], "The pooled sums are 0 / 0 here: ask for it with an if; it is 1."),
        ],
        hint="Nothing to find and nothing claimed counts 1, pooled as well.",
    )
    large = [np.ones((20, 30), np.uint8), np.ones((3, 5), np.uint8)]
    marked = [np.zeros((20, 30), np.uint8), np.ones((3, 5), np.uint8)]
    marked[0].flat[:310] = 1
    verdict.close(
        _two(answer(large, marked)),
        [(620 / 910 + 1) / 2, 650 / 940],
        "a case of 600 pixels, of which 310 are found, and one of 15, as uint8,",
        hint="The masks are uint8, which holds 0 to 255: Python's own sum(…) adds in that type and "
        "starts again at 0. mask.sum() doesn't, and int(…) before you add doesn't either.",
    )
    verdict.close(
        _two(answer([truths[1], empty[0]], [empty[0], found[1]])),
        [0, 0],
        "a missed tumour and a false alarm",
        hint="One of the two masks is empty in each case: Dice 0, and nothing shared to pool.",
    )
    return (
        "Pooled, a patient weighs as much as truth and prediction together; the mean gives everybody "
        "one vote."
    )


def _looped(answer, truths, predictions):
    """The answer; lists that somebody tries to stack get a hint of their own."""
    try:
        return answer(truths, predictions)
    except ValueError as error:
        if not any(word in str(error) for word in ("inhomogeneous", "same shape")):
            raise
        raise verdict.Wrong(
            "three cases of different shapes can't be stacked into one array",
            "The cases differ in shape: loop over zip(truths, predictions).",
        ) from None


def _two(got):
    if got is None:
        raise verdict.Wrong("you gave None", verdict.FORGOTTEN_RETURN)
    try:
        first, second = got
    except (TypeError, ValueError):
        raise verdict.Wrong(
            f"you gave {verdict.describe(got)}, expected two numbers",
            "Return both: return mean_of_cases, pooled",
        ) from None
    return np.array([first, second], float)


def what_nothing_gets(answer):
    labels = np.array([[0, 0, 0, 0, 0], [0, 0, 1, 3, 3]])  # 7 of 10 background; no 2
    verdict.close(
        answer(labels, 4),
        0.7,
        "10 pixels, 7 of them background, and 4 classes,",
        mistakes=[
            (
                0.0,
                "That is the Dice without the background, which is what one should report, but "
                "this tutorial's metric counts all channels. Or your prediction has no 1 in "
                "channel 0: “background everywhere” is a 1 there for every pixel. Or truth and "
                "prediction aren't both one-hot, or // has cut the fraction off.",
            ),
            (
                14 / 17,
                "That is the Dice of the background alone. Here all channels go into the sums: "
                "both sizes are 10.",
            ),
            (
                14 / 17 / 4,
                "That is the mean over four classes. This metric throws all channels into one "
                "heap: sum over everything, then divide once.",
            ),
            (
                (14 / 17 + 1) / 4,
                "That is the mean over four classes, class 2 counted as 1 because it is empty. "
                "This metric throws all channels into one heap.",
            ),
            (
                14 / 18,
                "Label 3 has no channel in your one-hot array: make as many channels as "
                "`classes` says.",
            ),
            (0.35, "Twice the overlap: the 2 in front is missing."),
            (7 / 13, "You divided by the union; this metric divides by the sum of both sizes."),
            (
                14 / 13,
                "You divided by the union: no Dice is above 1. Divide by the sum of both sizes.",
            ),
            (1.0, "Is your prediction a copy of the truth? It has 1 in channel 0 everywhere."),
            (
                0.3,
                "That is the share of tumour; “nothing” is right about all the rest. (Or did you "
                "return 1 - Dice? The metric is the Dice.)",
            ),
            (0.4, "Your prediction has a 1 in every channel: it should be in channel 0 alone."),
            (2 / 6, "The 1s stand along the wrong axis. Channel 0 is [..., 0]."),
            (2 / 9, "The 1s stand along the wrong axis. Channel 0 is [..., 0]."),
        ],
        hint="One-hot of the labels, one-hot of zeros, twice the overlap over the sum of both sums.",
    )
    volume = np.zeros((3, 4, 5), int)
    volume[1, 1:3, 1:4] = 1
    verdict.close(
        answer(volume, 2),
        54 / 60,
        "a volume of 60 voxels, 6 of them of class 1, and 2 classes,",
        hint="Labels may have any number of axes: channels come as a new last one, labels[..., None].",
    )
    six = np.array([0, 0, 5, 0, 4, 0, 0, 1])  # 5 of 8 background
    verdict.close(
        answer(six, 6),
        5 / 8,
        "8 pixels, 5 of them background, and 6 classes,",
        mistakes=[
            (
                10 / (size + 8),
                "Some labels have no channel in your one-hot array: make as many channels as "
                "`classes` says.",
            )
            for size in (6, 7)  # one-hot arrays of 3 and 4, or of 5 channels
        ],
        hint="Use the argument: np.arange(classes) has as many channels as there are classes.",
    )
    verdict.close(
        answer(np.array([[1, 2]]), 3),
        0,
        "two pixels, neither of them background,",
        hint="Where there is no background, “nothing” has no pixel right.",
    )
    return (
        "It is 1 minus the share of tumour: hard, one heap of classes makes Dice the accuracy. "
        "(If you wrote (labels == 0).mean(), you saw the shortcut.)"
    )


CAUSES = {
    "flat": "A flat loss doesn't fall, and this one fell at every step: it has a slope.",
    "rare": "Tumour was as rare for your mended loss. And however rare it is, BCE never makes the "
    "truth cost more than one number everywhere.",
    "cut": "A cut turns the map into a mask and doesn't enter the loss; yet the loss itself calls "
    "the truth worse than one number everywhere.",
}


def falls_and_learns_nothing(evidence):
    of_truth, of_share, before, after = (
        _number(evidence[name], name)
        for name in ("cost_of_truth", "cost_of_share", "dice_before", "dice_after")
    )
    if not np.isfinite([of_truth, of_share]).all():
        raise verdict.Wrong(
            f"the costs are {of_truth:.3g} and {of_share:.3g}",
            "log(0) is infinite: use nearly_truth, with 0.999 and 0.001, not the truth itself.",
        )
    if not (0 <= before <= 1 and 0 <= after <= 1):
        raise verdict.Wrong(
            f"the two Dice are {before:.3g} and {after:.3g}",
            "A Dice is from 0 to 1: metrics.dice(mask, map >= 0.5) compares two masks.",
        )
    if of_truth <= of_share:
        raise verdict.Wrong(
            f"nearly the truth costs {of_truth:.3f} and the share everywhere {of_share:.3f}",
            "That is what a sound loss gives. Are both of colleagues_loss, as she wrote it, or have "
            "the two changed places?",
        )
    if before > 0.3:
        raise verdict.Wrong(
            f"a Dice of {before:.2f} with her loss would be worth something",
            "dice_before is that of colleagues_loss: falling[25] >= 0.5 against mask.",
        )
    if after < 0.9:
        raise verdict.Wrong(
            f"with your loss the Dice is {after:.2f}: it isn't mended yet",
            "Each pixel should meet its own truth, and then 25 steps find it. Print the shape of "
            "what your loss takes the mean of: it should be that of the picture.",
        )
    cause = str(evidence["cause"]).strip().lower()
    if cause in CAUSES:
        raise verdict.Wrong(f"“{cause}” isn't what your numbers say", CAUSES[cause])
    if cause != "pairs":
        raise verdict.Wrong(
            f"the cause is {verdict.describe(evidence['cause'])}",
            'It is one of "flat", "rare", "pairs" and "cut".',
        )
    foreseen = str(evidence["prediction"]).strip().lower() == "pairs"
    return (
        f"Nearly the truth costs {of_truth:.2f}, the same number everywhere only {of_share:.2f}: each "
        "pixel was compared with a whole row of the truth, for (1, 128, 128) and (1, 128, 128, 1) are "
        "broadcast to (1, 128, 128, 128). (A batch of 4 pictures would have been refused; one "
        f"picture fits.) With each pixel's own truth the Dice goes from {before:.2f} to "
        f"{after:.2f}. Your prediction "
        + ("came true." if foreseen else "was another; testing is what told the causes apart.")
    )


def _number(value, name: str) -> float:
    """Return a single number as a float, from a tensor or an array too."""
    try:
        (found,) = np.asarray(value, float).ravel()
    except (TypeError, ValueError):
        raise verdict.Wrong(
            f"{name} is {verdict.describe(value)}", "It should be a number."
        ) from None
    return float(found)


CHECKS = {
    "soft-dice-by-hand": soft_dice_by_hand,
    "tversky-by-hand": tversky_by_hand,
    "pooled-or-per-case": pooled_or_per_case,
    "what-nothing-gets": what_nothing_gets,
    "falls-and-learns-nothing": falls_and_learns_nothing,
}
OPEN_TASKS = {"falls-and-learns-nothing"}
PREDICTIONS = {"falls-and-learns-nothing": ("flat", "rare", "pairs", "cut")}

QUIZ = {
    "q1": Question(
        right="b",
        why={
            "a": "The 1 in the denominator prevents 0 / 0: the loss there is 1 − 0 / (0 + 1), a number.",
            "b": "1 − 0 / (0 + 1) is 1 even if nothing is claimed: as bad as can be, and without a "
            "slope. Smoothing belongs in numerator and denominator.",
            "c": "That comes of a large smoothing in both places, and in a score. Here the slices "
            "without tumour are the trouble.",
        },
    ),
    "q2": Question(
        right="c",
        why={
            "a": "Each mask has one Dice, but there are two ways to sum up many masks, and both are "
            "worked out rightly.",
            "b": "Then the large tumours, which weigh most when pooled, would pull the pooled Dice below "
            "the mean.",
            "c": "Pooled, a patient weighs as much as truth and prediction together, so that the large "
            "tumours decide. Ask for the scores over tumour size.",
        },
    ),
    "q3": Question(
        right="a",
        why={
            "a": "In one heap, on hard labels, Dice is accuracy. What “background everywhere” gets on "
            "that data is 1 minus the share of tumour.",
            "b": "They don't measure different things if all classes went into one heap: then the two "
            "are the same number by construction.",
            "c": "In brain scans nearly every pixel is background. Equal figures come of the way the "
            "Dice was taken, not of balanced classes.",
        },
    ),
}
