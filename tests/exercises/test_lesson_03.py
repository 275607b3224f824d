"""Lesson 03's exercises: the usual mistakes, and the words of the hint that each must get."""

import numpy as np

SOFT = (
    "def soft_dice_loss(truth, prediction, smooth):\n"
    "    overlap = (truth * prediction).sum()\n"
    "    sizes = truth.sum() + prediction.sum()\n"
)
TVERSKY = (
    "def tversky_loss(truth, prediction, alpha, beta):\n"
    "    hits = (truth * prediction).sum()\n"
    "    false_alarms = ((1 - truth) * prediction).sum()\n"
    "    misses = (truth * (1 - prediction)).sum()\n"
)
BOTH = (
    "def both_dices(truths, predictions):\n"
    "    pairs = list(zip(truths, predictions))\n"
    "    overlaps = np.array([2 * (t * p).sum() for t, p in pairs], float)\n"
    "    sizes = np.array([t.sum() + p.sum() for t, p in pairs], float)\n"
)
BY_CASE = "    by_case = [o / s if s else 1.0 for o, s in zip(overlaps, sizes)]\n"
NOTHING = (
    "def nothing_gets(labels, classes):\n"
    "    truth = (labels[..., None] == np.arange(classes)).astype(float)\n"
    "    answer = (np.zeros_like(labels)[..., None] == np.arange(classes)).astype(float)\n"
)

# what a run gives on the sample, and with a wrong prediction
FOUND = {
    "cost_of_truth": 0.66,
    "cost_of_share": 0.22,
    "dice_before": 0.0,
    "dice_after": 1.0,
    "cause": "pairs",
    "prediction": "rare",
}
EVIDENCE = {
    "falls-and-learns-nothing": [
        FOUND,
        FOUND | {"prediction": "pairs", "cause": "Pairs "},
        FOUND | {"cost_of_truth": np.float32(0.19), "cost_of_share": np.array(0.07)},
    ]
}

MISTAKES = {
    "falls-and-learns-nothing": [
        (FOUND | {"cause": "flat"}, "fell at every step"),
        (FOUND | {"cause": "rare"}, "as rare for your mended loss"),
        (FOUND | {"cause": "cut"}, "doesn't enter the loss"),
        (FOUND | {"cause": "broadcasting"}, "one of"),
        (FOUND | {"cost_of_truth": 0.001}, "as she wrote it"),
        (FOUND | {"cost_of_truth": 0.22, "cost_of_share": 0.66}, "changed places"),
        (FOUND | {"cost_of_truth": float("nan")}, "log(0) is infinite"),
        (FOUND | {"cost_of_truth": float("inf")}, "nearly_truth"),
        (FOUND | {"dice_before": 1.0}, "colleagues_loss: falling[25]"),
        (FOUND | {"dice_after": 0.0}, "isn't mended yet"),
        (FOUND | {"dice_after": 1.9}, "from 0 to 1"),
        (FOUND | {"dice_before": "0.0, I think"}, "a number"),
        (FOUND | {"dice_after": np.zeros((2, 2))}, "a number"),
    ],
    "soft-dice-by-hand": [
        (SOFT + "    return (2 * overlap + smooth) / (sizes + smooth)", "1 minus it"),
        (SOFT + "    return -(2 * overlap + smooth) / (sizes + smooth)", "1 minus soft Dice"),
        (SOFT + "    return 1 - 2 * overlap / (sizes + smooth)", "in the denominator only"),
        (SOFT + "    return 1 - (2 * overlap + smooth) / sizes", "in the numerator only"),
        (
            SOFT + "    return 1 - 2 * (overlap + smooth) / (sizes + smooth)",
            "doubled the smoothing",
        ),
        (SOFT + "    return 1 - (2 * overlap + 1) / (sizes + 1)", "not a fixed 1"),
        (SOFT + "    return 1 - (2 * overlap + smooth) / (sizes + 2 * smooth)", "smoothing twice"),
        (
            SOFT.replace(".sum()", ".mean()")
            + "    return 1 - (2 * overlap + smooth) / (sizes + smooth)",
            "You took means",
        ),
        (SOFT + "    return 1 - 2 * overlap / sizes", "isn't used"),
        (SOFT + "    return 1 - 2 * overlap / sizes", "on the 3 true pixels, and smoothing 2,"),
        (SOFT + "    return 1 - (overlap + smooth) / (sizes + smooth)", "2 in front is missing"),
        (
            SOFT + "    return 1 - (overlap + smooth) / (sizes - overlap + smooth)",
            "That is soft Jaccard",
        ),
        (
            SOFT + "    return 1 - (2 * overlap + smooth) / (sizes - overlap + smooth)",
            "divided by the union",
        ),
        (
            "def soft_dice_loss(truth, prediction, smooth):\n"
            "    prediction = prediction >= 0.5\n"
            + SOFT.partition("\n")[2]
            + "    return 1 - (2 * overlap + smooth) / (sizes + smooth)",
            "it has no slope",
        ),
        (
            SOFT.replace("prediction.sum()\n", "(prediction ** 2).sum()\n")
            + "    return 1 - (2 * overlap + smooth) / (sizes + smooth)",
            "squared the probabilities",
        ),
        (  # a doubled answer
            SOFT + "    return 2 * (1 - (2 * overlap + smooth) / (sizes + smooth))",
            "sum of the probabilities",
        ),
        (SOFT + "    loss = 1 - (2 * overlap + smooth) / (sizes + smooth)", "is yours missing?"),
        *(
            (
                SOFT.replace(".sum()", sums)
                + "    return 1 - (2 * overlap + smooth) / (sizes + smooth)",
                "Any number of axes",
            )
            for sums in (".sum(axis=(0, 1))", ".sum(axis=-1).sum(axis=-1)")
        ),
        (
            SOFT.replace("(truth * prediction).sum()", "sum(sum(truth * prediction))")
            + "    return 1 - (2 * overlap + smooth) / (sizes + smooth)",
            "Any number of axes",
        ),
        *(
            (
                SOFT + f"    smooth = {rounded}\n"
                "    return 1 - (2 * overlap + smooth) / (sizes + smooth)",
                "needn't be a whole number",
            )
            for rounded in ("int(smooth)", "max(smooth, 1) if smooth else 0")
        ),
        (
            "def soft_dice_loss(truth, prediction, smooth):\n"
            "    sizes = truth.sum() + prediction.sum()\n"
            "    truth *= prediction\n"
            "    return 1 - (2 * truth.sum() + smooth) / (sizes + smooth)",
            "changed its argument `truth`",
        ),
    ],
    "tversky-by-hand": [
        (
            TVERSKY + "    return 1 - hits / (hits + beta * false_alarms + alpha * misses)",
            "α and β are swapped",
        ),
        (
            TVERSKY + "    return hits / (hits + alpha * false_alarms + beta * misses)",
            "1 minus it",
        ),
        (TVERSKY + "    return 1 - hits / (hits + false_alarms + misses)", "Jaccard loss"),
        (
            TVERSKY + "    return 1 - 2 * hits / (2 * hits + false_alarms + misses)",
            "That is soft Dice",
        ),
        (
            TVERSKY + "    return 1 - 2 * hits / (2 * hits + alpha * false_alarms + beta * misses)",
            "The hits count once",
        ),
        (
            "def tversky_loss(truth, prediction, alpha, beta):\n"
            "    hits = (truth * prediction).sum()\n"
            "    return 1 - hits / (hits + alpha * prediction.sum() + beta * truth.sum())",
            "the whole sizes",
        ),
        (
            "def tversky_loss(truth, prediction, alpha, beta):\n"
            "    prediction = (prediction >= 0.5).astype(float)\n"
            + TVERSKY.partition("\n")[2]
            + "    return 1 - hits / (hits + alpha * false_alarms + beta * misses)",
            "You counted pixels; sum the probabilities",
        ),
        (
            TVERSKY
            + "    return 1 - (hits + 1) / (hits + alpha * false_alarms + beta * misses + 1)",
            "smoothing of 1",
        ),
        (
            TVERSKY + "    return 1 - hits / (hits + 0.2 * false_alarms + 0.7 * misses)",
            "as they come",
        ),
        (  # misses alone are free
            TVERSKY
            + "    return 1 - hits / (hits + alpha * false_alarms + beta * misses)"
            + " if false_alarms else 0",
            "the misses still cost",
        ),
        *(
            (
                TVERSKY
                + f"    if {nothing} == 0:\n"
                + "        return 0.0\n"
                + "    return 1 - hits / (hits + alpha * false_alarms + beta * misses)",
                "No hit at all is the worst",
            )
            for nothing in ("hits", "truth.sum()")
        ),
        (
            TVERSKY
            + "    truth -= 1\n"
            + "    false_alarms = -(truth * prediction).sum()\n"
            + "    return 1 - hits / (hits + alpha * false_alarms + beta * misses)",
            "changed its argument `truth`",
        ),
        (  # a doubled answer
            TVERSKY + "    return 2 - 2 * hits / (hits + alpha * false_alarms + beta * misses)",
            "1 - TP / (TP",
        ),
    ],
    "pooled-or-per-case": [
        (
            BOTH + BY_CASE + "    return overlaps.sum() / sizes.sum(), np.mean(by_case)",
            "wrong order",
        ),
        (
            BOTH
            + "    by_case = [o / s for o, s in zip(overlaps, sizes) if s]\n"
            + "    return np.mean(by_case), overlaps.sum() / sizes.sum()",
            "left the empty case out",
        ),
        (
            BOTH
            + "    by_case = [o / s if s else 0 for o, s in zip(overlaps, sizes)]\n"
            + "    return np.mean(by_case), overlaps.sum() / sizes.sum()",
            "gave the empty case a 0",
        ),
        (
            BOTH + "    return np.mean(overlaps / sizes), overlaps.sum() / sizes.sum()",
            "made the mean nan",
        ),
        (
            BOTH + BY_CASE + "    return np.mean(by_case), np.mean(by_case)",
            "Both are the mean",
        ),
        (
            BOTH + BY_CASE + "    return np.mean(by_case), overlaps.sum() / max(sizes.sum(), 1)",
            "pooled it is 1 as well",
        ),
        (
            BOTH + BY_CASE + "    return np.mean(by_case), overlaps.sum() / 2 / sizes.sum()",
            "counts twice in the pooled",
        ),
        (
            "def both_dices(truths, predictions):\n"
            "    overlaps = np.array([(t * p).sum() for t, p in zip(truths, predictions)], float)\n"
            "    sizes = np.array([((t + p) > 0).sum() for t, p in zip(truths, predictions)])\n"
            + BY_CASE
            + "    return np.mean(by_case), overlaps.sum() / sizes.sum()",
            "That is the IoU",
        ),
        (BOTH + BY_CASE + "    return np.mean(by_case)", "Return both"),
        *(
            (
                BOTH
                + BY_CASE
                + f"    {change}\n"
                + "    pooled = overlaps.sum() / sizes.sum() if sizes.sum() else 1.0\n"
                + "    return np.mean(by_case), pooled",
                "changed its argument `truths`",
            )
            for change in ("truths.pop()", "truths[0] *= predictions[0]")
        ),
        *(
            (  # uint8, added up by Python itself, starts again at 256
                BOTH.replace("(t * p).sum()", overlap).replace("t.sum() + p.sum()", sizes)
                + BY_CASE
                + "    pooled = overlaps.sum() / sizes.sum() if sizes.sum() else 1.0\n"
                + "    return np.mean(by_case), pooled",
                "uint8, which holds 0 to 255",
            )
            for overlap, sizes in (
                ("(t * p).sum()", "sum(t.ravel()) + sum(p.ravel())"),
                ("sum((t * p).ravel())", "t.sum() + p.sum()"),
                ("(t * p).sum(dtype=t.dtype)", "t.sum() + p.sum()"),
            )
        ),
        (
            "def both_dices(truths, predictions):\n"
            "    t, p = np.array(truths), np.array(predictions)\n"
            "    return 2 * (t * p).sum() / (t.sum() + p.sum()), 1.0",
            "loop over zip",
        ),
        (
            "def both_dices(truths, predictions):\n"
            "    t, p = np.stack(truths), np.stack(predictions)\n"
            "    return 2 * (t * p).sum() / (t.sum() + p.sum()), 1.0",
            "loop over zip",
        ),
    ],
    "what-nothing-gets": [
        (
            NOTHING
            + "    truth, answer = truth[..., 1:], answer[..., 1:]\n"
            + "    return 2 * (truth * answer).sum() / (truth.sum() + answer.sum())",
            "without the background",
        ),
        (
            NOTHING
            + "    truth, answer = truth[..., 0], answer[..., 0]\n"
            + "    return 2 * (truth * answer).sum() / (truth.sum() + answer.sum())",
            "of the background alone",
        ),
        (
            NOTHING
            + "    dices = [2 * (truth[..., c] * answer[..., c]).sum()\n"
            + "             / max(truth[..., c].sum() + answer[..., c].sum(), 1)\n"
            + "             for c in range(classes)]\n"
            + "    return sum(dices) / classes",
            "mean over four classes",
        ),
        (
            NOTHING + "    return (truth * answer).sum() / (truth.sum() + answer.sum())",
            "2 in front is missing",
        ),
        (
            NOTHING + "    return 2 * (truth * answer).sum() / np.maximum(truth, answer).sum()",
            "no Dice is above 1",
        ),
        (
            NOTHING + "    return (truth * answer).sum() / np.maximum(truth, answer).sum()",
            "divided by the union",
        ),
        *[
            (
                NOTHING
                + "    answer = np.zeros_like(truth)\n"
                + f"    {ones}\n"
                + "    return 2 * (truth * answer).sum() / (truth.sum() + answer.sum())",
                words,
            )
            for ones, words in (
                ("", "has no 1 in channel 0"),
                ("answer[0] = 1", "Channel 0 is [..., 0]"),
                ("answer[:, 0] = 1", "Channel 0 is [..., 0]"),
                ("answer[:] = 1", "a 1 in every channel"),
            )
        ],
        ("def nothing_gets(labels, classes):\n    return (labels > 0).mean()", "share of tumour"),
        (
            NOTHING + "    return 1 - 2 * (truth * answer).sum() / (truth.sum() + answer.sum())",
            "did you return 1 - Dice?",
        ),
        (
            NOTHING + "    return 2 * (truth * answer).sum() // (truth.sum() + answer.sum())",
            "// has cut the fraction off",
        ),
        *(
            (
                "def nothing_gets(labels, classes):\n"
                f"    truth, answer = {pair}\n"
                "    return 2 * (truth * answer).sum() / (truth.sum() + answer.sum())",
                "aren't both one-hot",
            )
            for pair in (
                "labels, labels * 0",
                "(labels[..., None] == np.arange(classes)), np.zeros_like(labels)[..., None]",
            )
        ),
        (
            NOTHING
            + "    labels *= 0\n"
            + "    return 2 * (truth * answer).sum() / (truth.sum() + answer.sum())",
            "changed its argument `labels`",
        ),
        *(
            (
                NOTHING.replace("np.arange(classes)", f"np.arange({channels})")
                + "    return 2 * (truth * answer).sum() / (truth.sum() + answer.sum())",
                "as many channels as",
            )
            for channels in (4, 5, "classes - 1")
        ),
        ("def nothing_gets(labels, classes):\n    return 0.7", "any number of axes"),
    ],
}
