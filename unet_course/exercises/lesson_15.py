"""The checks of lesson 15: agreement, whole-number weights, drift, and which precision to ship."""

from collections.abc import Mapping

import numpy as np

from unet_course.exercises import verdict
from unet_course.exercises.choices import Question
from unet_course.exercises.verdict import Wrong

# what two users ask for: megabytes at most, and the most that any patient may lose in Dice
ORDERS = {"phone": (0.6, 0.05), "study": (1.5, 0.0005)}
PRECISIONS = ("float32", "float16", "int8")  # from the largest file to the smallest


def agreement(answer):
    one = np.array([[0.1, 0.5, 0.9, 0.49999], [0.2, 0.8, 0.7, 0.3]], np.float32)
    other = one + np.array([[0.0, -0.001, 0.0, 0.0], [0.004, 0.0, 0.0, -0.02]], np.float32)
    rng = np.random.default_rng(15)
    noisy = rng.random((3, 8, 8, 1)).astype(np.float32)
    moved = np.clip(noisy + rng.normal(0, 0.05, noisy.shape), 0, 1).astype(np.float32)
    for first, second, given in (
        (one, other, "two by four pixels"),
        (other, one, "the same two, exchanged"),
        (noisy, moved, "three slices"),
        (noisy, noisy, "twice the same"),
    ):
        got = answer(first.copy(), second.copy())
        try:
            difference, same = (float(value) for value in got)
        except (TypeError, ValueError):
            raise Wrong(
                f"{given}: expected two numbers, you gave {verdict.describe(got)}",
                "Return the largest difference and the share of equal pixels, in this order.",
            ) from None
        gap = second.astype(float) - first
        masks = (first >= 0.5) == (second >= 0.5)
        verdict.close(
            difference,
            np.abs(gap).max(),
            f"{given}: the largest difference",
            mistakes=[
                (gap.max(), "Take the absolute value first: a difference may be negative."),
                ((-gap).max(), "Take the absolute value first: a difference may be negative."),
                (np.abs(gap).mean(), "That is the mean difference. The largest is asked for."),
                (masks.mean(), "That is the share of equal pixels: it comes second."),
            ],
        )
        verdict.close(
            same,
            masks.mean(),
            f"{given}: the share of pixels that are in the same mask",
            mistakes=[
                (1 - masks.mean(), "That is the share that differs."),
                ((first == second).mean(), "Compare the masks, not the probabilities."),
                (masks.sum(), "That counts pixels: the share is the mean."),
                (
                    ((first > 0.5) == (second > 0.5)).mean(),
                    "A pixel of exactly 0.5 belongs to the mask: use >=.",
                ),
            ],
        )
    return (
        "Two numbers for two questions: how exact the arithmetic is, and whether anybody could see "
        "it in the masks."
    )


def whole_weights(answer):
    rng = np.random.default_rng(15)
    wide = rng.normal(size=(3, 3, 4, 5)).astype(np.float32) * np.array([1, 0.1, 3, 0.01, 20])
    plain = np.array([[0.5, 10.0], [-1.0, 2.54]], np.float32)
    for weights, given in ((plain, "the weights of two channels"), (wide, "3 × 3 × 4 × 5 weights")):
        got = answer(weights.astype(np.float32))
        try:
            whole, scale = got if isinstance(got, tuple | list) else ()
            whole, scale = np.asarray(whole), np.asarray(scale, float)
        except (TypeError, ValueError):
            raise Wrong(
                f"{given}: expected whole numbers and scales, you gave {verdict.describe(got)}",
                "Return `whole, scale`.",
            ) from None
        axes = tuple(range(weights.ndim - 1))
        right = np.abs(weights).max(axis=axes) / 127
        if scale.size == 1:
            raise Wrong(
                f"{given}: you gave one scale for all",
                "One scale for each output channel, the last axis: a channel with small weights would "
                "else be left with a few steps.",
            )
        if scale.size != right.size:
            raise Wrong(
                f"{given}: expected {right.size} scales, you gave {scale.size}",
                "Take the largest absolute weight over all axes but the last.",
            )
        verdict.close(
            scale.ravel(),
            right,
            f"{given}: the scales",
            mistakes=[
                (right * 127, "Divide by 127: the largest weight becomes 127."),
                (right * 127 / 128, "127, not 128: whole numbers from -127 to 127."),
                (right * 127 / 255, "127, not 255: the numbers have a sign."),
                (
                    weights.max(axis=axes) / 127,
                    "The largest *absolute* weight: negative ones count too.",
                ),
            ],
        )
        if whole.shape != weights.shape:
            raise Wrong(
                f"{given}: `whole` has the shape {whole.shape}", "It is the weights' own shape."
            )
        if whole.dtype != np.int8:
            raise Wrong(
                f"{given}: `whole` is {whole.dtype}",
                "Make it int8, one byte each: .astype(np.int8)",
            )
        expected = np.rint(weights / right).astype(np.int8)
        if (np.abs(whole.astype(int) - expected) > 0).any():
            hint = "Divide the weights by the scale, and round with np.rint."
            if (whole == np.trunc(weights / right).astype(np.int8)).all():
                hint = "astype cuts off the decimals: round first, with np.rint."
            raise Wrong(f"{given}: other whole numbers than expected", hint)
    return (
        "A quarter of the bytes, and each weight is off by half a step of its own channel at most. "
        "What that does to a patient, only the patients can say."
    )


def outside_usual(answer):
    usual = np.linspace(10, 20, 41)
    rng = np.random.default_rng(15)
    for reference, recent, given in (
        (usual, np.array([9.0, 15.0, 16.0, 21.0]), "four recent patients"),
        (usual, usual, "the usual patients themselves"),
        (rng.normal(5, 1, 200), rng.normal(7, 1, 30), "patients that have shifted"),
    ):
        low, high = np.quantile(reference, [0.025, 0.975])
        right = float(((recent < low) | (recent > high)).mean())
        verdict.close(
            answer(reference, recent),
            right,
            f"{given}: the share outside",
            mistakes=[
                (1 - right, "That is the share inside."),
                (right * len(recent), "That counts: the share is the mean."),
                (
                    float((recent > high).mean()) if (recent < low).any() else -1,
                    "Patients below the usual range are unusual, too.",
                ),
                (
                    float(((recent < reference.min()) | (recent > reference.max())).mean()),
                    "Between the 2.5th and the 97.5th percentile, not between the extremes.",
                ),
                (
                    float(
                        np.mean(
                            (recent < np.quantile(recent, 0.025))
                            | (recent > np.quantile(recent, 0.975))
                        )
                    ),
                    "The range is the reference's: recent patients may have shifted with it.",
                ),
            ],
            hint="np.quantile(reference, [0.025, 0.975]) is the range.",
        )
    return (
        "Without any truth, the only thing that a shipped network can be watched by: are its inputs "
        "and predictions still what they were? About 5 % are outside by chance alone."
    )


def which_precision(evidence):
    losses, megabytes = evidence["losses"], evidence["megabytes"]
    for name, table in (("losses", losses), ("megabytes", megabytes)):
        if not hasattr(table, "keys") or not set(PRECISIONS) <= set(table.keys()):
            raise Wrong(
                f"`{name}` has no {', '.join(PRECISIONS)}",
                f"Pass the cell's own `{name}`: a column or entry for each kind of weights.",
            )
    worst = {kind: float(np.max(np.asarray(losses[kind], float))) for kind in PRECISIONS}
    size = {kind: float(megabytes[kind]) for kind in PRECISIONS}
    if not (2.5 < size["float32"] / size["int8"] < 4.5):
        raise Wrong("those aren't the sizes of the three files", "Pass the cell's `megabytes`.")
    chosen = evidence["chosen"]
    if not isinstance(chosen, Mapping) or set(chosen) != set(ORDERS):
        raise Wrong(
            f"`chosen` is {verdict.describe(chosen)}",
            'A dictionary: {"phone": …, "study": …}, each one of the three kinds of weights or "none".',
        )
    for order, (limit, tolerated) in ORDERS.items():
        fitting = [k for k in PRECISIONS if size[k] <= limit and worst[k] <= tolerated]
        given, right = chosen[order], fitting[-1] if fitting else "none"
        if given == right:
            continue
        asked = f"{order} (at most {limit:g} MB, at most {tolerated:g} lost by any patient)"
        if given not in (*PRECISIONS, "none"):
            raise Wrong(
                f"{asked}: you chose {verdict.describe(given)}", "One of the three, or none."
            )
        if given == "none":
            raise Wrong(f"{asked}: {right} does it", "Look at size and worst loss of each.")
        if size[given] > limit:
            raise Wrong(f"{asked}: {given} takes {size[given]:.2f} MB", "That is too large.")
        if worst[given] > tolerated:
            raise Wrong(
                f"{asked}: with {given} one patient loses {worst[given]:.4f}",
                "Look at the patient who loses most, not at the mean.",
            )
        raise Wrong(
            f"{asked}: {right} does it, too, and is smaller", "Take the smallest that does."
        )
    expected = evidence["prediction"]
    came = ""
    if isinstance(expected, int | float) and not isinstance(expected, bool):
        came = f" You expected {expected:g} for the worst patient with int8; it is {worst['int8']:.4f}."
    return (
        "Size is decided by the file, harm by the patient who loses most: the mean would have hidden "
        f"it.{came}"
    )


CHECKS = {
    "agreement": agreement,
    "whole-weights": whole_weights,
    "outside-usual": outside_usual,
    "which-precision": which_precision,
}
OPEN_TASKS = {"which-precision"}
QUIZ = {
    "q1": Question(
        "c",
        {
            "a": "The file holds the network alone. How an image is prepared for it isn't in there.",
            "b": "Keras and ONNX agree to about a millionth: the arithmetic isn't it.",
            "c": "The network is a part of a program. Another resampling or normalisation before it, "
            "or another clean-up after it, gives other masks.",
        },
    ),
    "q2": Question(
        "a",
        {
            "a": "Smaller weights are a change like any other: patients decide, and the one who loses "
            "most counts.",
            "b": "Random input shows that the file is sound. It isn't what the network is for.",
            "c": "A mean can stay while one patient's tumour is lost and another's is found.",
        },
    ),
    "q3": Question(
        "b",
        {
            "a": "Dice needs a truth, and in use nobody draws one for each patient.",
            "b": "Inputs and predictions need no truth: that they have shifted is a reason to look.",
            "c": "It is as sure of its masks on a new scanner as ever, mostly.",
        },
    ),
}
