"""The checks of lesson 01: thresholds, softmax, one-hot, Dice, one step of learning."""

import numpy as np

from unet_course.exercises import verdict
from unet_course.exercises.choices import Question


def threshold_a_map(answer):
    given = np.array([[0.1, 0.5, 0.7], [0.9, 0.3, 0.2]])  # mean 0.45: no >= 0.5 in disguise
    right = np.array([[0, 1, 1], [1, 0, 0]])
    got = answer(given, 0.5)
    verdict.equal(
        got,
        right,
        f"{given.tolist()} and threshold 0.5,",
        mistakes=[
            (255 * right, "Files hold 255; arrays to compute with hold 1: 0 for no, 1 for yes."),
            (1 - right, "Yes and no are swapped."),
            (
                [[0, 0, 1], [1, 0, 0]],
                "A pixel at the threshold itself counts: >= and not > (and not rounding, which "
                "takes 0.5 down to 0).",
            ),
            (given * right, "A mask says only yes or no: 1 where the probability is kept."),
        ],
        hint="Compare the whole array with the threshold at once; the result is a mask.",
    )
    verdict.equal(
        answer(given, 0.65),
        [[0, 0, 1], [1, 0, 0]],
        f"{given.tolist()} and threshold 0.65,",
        mistakes=[
            (
                right,
                "That is the mask of threshold 0.5 again. The argument threshold, as it is, "
                "decides: not a fixed 0.5, the mean, or rounding.",
            )
        ],
        hint="The argument threshold, as it is, decides; nothing is added to it.",
    )
    verdict.equal(
        answer(given, 0.25),
        [[0, 1, 1], [1, 1, 0]],
        f"{given.tolist()} and threshold 0.25,",
        hint="A mask holds 1 however far a probability is above the threshold.",
    )
    for shape in ((5,), (2, 2, 3)):
        many = np.linspace(0.05, 0.95, np.prod(shape)).reshape(shape)
        verdict.equal(
            answer(many, 0.5),
            (many >= 0.5).astype(int),
            f"probabilities of shape {shape} and threshold 0.5,",
            hint="The task says any shape: one comparison of the whole array needs no loops over "
            "rows and columns.",
        )
    kept = given.copy()
    answer.function(kept, 0.5)
    if not np.array_equal(kept, given):
        raise verdict.Wrong(
            "your mask is right, but the probabilities that came in were overwritten",
            hint="The caller still needs them, for another threshold: make a new array, as a "
            "comparison does.",
        )
    verdict.dtype(
        got,
        np.uint8,
        "a map of probabilities",
        hint="The values are right; only their type isn't. A comparison gives bool, "
        "np.where(…, 1, 0) NumPy's default, int64; .astype(np.uint8) turns either into uint8.",
    )
    return "The threshold is a choice, and 0.5 is only a habit: the same map gives many masks."


def softmax_over_channels(answer):
    given = np.array([[[2.0, 1.0, 0.0], [0.0, 0.0, 0.0]], [[-1.0, 3.0, 1.0], [5.0, 5.0, 0.0]]])
    power = np.exp(given)
    right = power / power.sum(axis=-1, keepdims=True)
    other_axis = (
        "You summed over rows or columns: the axis of the channels is the last, axis=-1. Each "
        "pixel's own probabilities must sum to 1."
    )
    with np.errstate(all="ignore"):
        without_powers = given / given.sum(axis=-1, keepdims=True)
    try:
        got = answer(given)
    except ValueError as error:
        if "broadcast" in str(error):
            error.hint = "keepdims=True keeps the summed axis, with length 1, so that shapes fit."
        raise
    verdict.close(
        got,
        right,
        "a picture of 2 × 2 pixels and 3 classes,",
        mistakes=[
            (
                power / power.sum(),
                "You divided by the sum of all pixels: sum over the last axis, keepdims=True.",
            ),
            (power / power.sum(axis=0, keepdims=True), other_axis),
            (power / power.sum(axis=1, keepdims=True), other_axis),
            (
                power / (1 + power),
                "That is the sigmoid of each score alone: divide by the sum of the pixel's powers.",
            ),
            (power, "The powers are right: divide them by their sum over the last axis."),
            (
                power / power.max(axis=-1, keepdims=True),
                "Subtracting the largest is right; now divide by the sum over the last axis.",
            ),
            (without_powers, "np.exp is missing: scores may be negative, their powers can't."),
        ],
        hint="np.exp of each score, divided by the sum of these over the last axis (keepdims=True).",
    )
    pixel = right[0, 0]
    verdict.close(
        answer(np.array([[[1000.0, 999.0, 998.0], [2.0, 1.0, 0.0]]])),
        [[pixel, pixel]],
        "the scores [1000, 999, 998] and [2, 1, 0] of two pixels in one picture,",
        mistakes=[
            (
                [[pixel, [np.nan] * 3]],
                "The maximum of the whole picture isn't enough: next to 1000, all powers of a "
                "pixel with low scores become 0. Take each pixel's own: "
                "max(axis=-1, keepdims=True).",
            ),
        ],
        hint="np.exp(1000) is infinite: subtract each pixel's own largest score before np.exp.",
    )
    verdict.close(
        answer(np.array([[[-1000.0, -1001.0, -1002.0]]])),
        [[pixel]],
        "the scores [-1000, -1001, -1002],",
        hint="All powers are 0 here: subtract each pixel's own largest score, negative or not.",
    )
    for scores in ([0.0, 1000.0, 0.0], [2000.0, 0.0, 0.0], [0.0, -1000.0, -2000.0]):
        verdict.close(
            answer(np.array([[scores]])),
            [[(np.array(scores) == max(scores)).astype(float)]],
            f"the scores {scores},",
            hint="One score is far above the others here. Only subtracting the pixel's largest "
            "score makes the largest power exp(0) = 1: with their mean, their smallest, or the "
            "first of them subtracted, the largest may still be infinite.",
        )
    narrow = np.array([[[0.5, 2.5]]])
    verdict.close(
        answer(narrow),
        np.exp(narrow) / np.exp(narrow).sum(axis=-1, keepdims=True),
        "a picture of one pixel and two classes,",
        hint="The first example was right: use the array's own shape, nothing of 2 × 2 or of 3.",
    )
    return (
        "Softmax depends only on the differences between a pixel's scores, so subtracting the "
        "largest changes nothing."
    )


def one_hot_labels(answer):
    given = np.array([[0, 2], [1, 1]], np.uint8)
    right = (given[..., None] == np.arange(4)).astype(int)
    off_by_one = "Off by one: the first class is 0, and its channel is channel 0."
    got = answer(given, 4)
    verdict.equal(
        got,
        right,
        f"labels {given.tolist()} and 4 classes,",
        mistakes=[
            (
                right[..., :3],
                "Only labels 0 to 2 are in the picture, and still class 3 needs its channel: use "
                "the argument classes, not what happens to be in the array.",
            ),
            (
                np.moveaxis(right, -1, 0),
                "You put the channels first; here they come last: np.stack(…, axis=-1).",
            ),
            (1 - right, "Swapped: 1 stands in the channel of the pixel's own class, else 0."),
            (given[..., None] == np.arange(1, 5), off_by_one),
            (np.roll(right, 1, axis=-1), off_by_one),
            (np.roll(right, -1, axis=-1), off_by_one),
            (right.reshape(4, 4), "Keep rows and columns, and add the channels behind."),
        ],
        hint="Channel c holds 1 where the label is c, and 0 elsewhere.",
    )
    verdict.dtype(
        got,
        np.uint8,
        "labels of 4 classes",
        hint="The values are right; only their type isn't. A comparison gives bool, np.eye float64; "
        ".astype(np.uint8) keeps each in one byte.",
    )
    verdict.equal(
        answer(np.array([[0, 2]]), 4),
        [[[1, 0, 0, 0], [0, 0, 1, 0]]],
        "the task's own labels, [[0, 2]], and 4 classes,",
        hint="Label 1 isn't in this picture, and still its channel is the second one.",
    )
    wide = np.array([[4, 3, 0]])
    verdict.equal(
        answer(wide, 5),
        (wide[..., None] == np.arange(5)).astype(int),
        f"labels {wide.tolist()} and 5 classes,",
        hint="Use the argument classes and the labels' own shape: nothing of 4 or of 2 × 2.",
    )
    return "Now truth and prediction have the same shape, and can be compared channel by channel."


def dice_by_hand(answer):
    truth = np.array([[1, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]], np.uint8)  # 4 of 12 pixels
    prediction = np.array([[0, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0]], np.uint8)  # 3, 2 in both
    nothing = np.zeros_like(truth)
    verdict.close(
        answer(truth, prediction),
        4 / 7,
        "4 true pixels, 3 predicted, 2 in both, which is 4 / 7,",
        mistakes=[
            (2 / 5, "That is the IoU: Dice counts the overlap twice, over the sum of sizes."),
            (9 / 12, "That is the accuracy: it counts the background, which Dice leaves out."),
            (4 / 5, "You divided by the union; Dice divides by the sum of both sizes."),
            (2 / 7, "The overlap counts twice: the 2 in front is missing."),
            (8 / 7, "Twice too much: no Dice is above 1."),
            (2 / 4, "Overlap over the truth's size alone is recall: it forgives false alarms."),
            (2 / 3, "Overlap over the prediction's size alone is precision: it forgives misses."),
            (5 / 8, "You added 1 above and below (smoothing): fit for a loss, wrong for a score."),
        ],
        hint="2 × (pixels in both) / (pixels in the truth + pixels in the prediction), nothing "
        "added and nothing rounded.",
    )
    verdict.close(answer(truth, truth), 1, "two equal masks", hint="Equal masks agree fully: 1.")
    verdict.close(
        answer(truth, nothing),
        0,
        "a tumour and an empty prediction",
        hint="Nothing was found of what is there: 0. Only when both are empty is it 1.",
    )
    verdict.close(answer(nothing, truth), 0, "a false alarm on an empty truth", hint="No overlap.")
    verdict.close(
        answer(nothing, nothing),
        1,
        "two empty masks",
        hint="0 / 0 has no value, so it takes a convention. Here: nothing to find and nothing "
        "claimed counts 1. Ask for it with an if before you divide.",
    )
    A = np.array([[0, 1, 1, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]])
    B = np.array([[0, 0, 0, 0], [0, 1, 1, 1], [0, 1, 1, 1], [0, 0, 0, 0]])
    verdict.close(answer(A, B), 8 / 12, "the task's own masks, A and B,", hint="8 / 12.")
    large, small = np.zeros((2, 30, 30), np.uint8)
    large[:20, :20], small[5:25, 10:25] = 1, 1  # 400 and 300 pixels, 150 in both
    wrap = (
        "These masks have more than 255 pixels. Python's own sum over uint8 stays uint8, which "
        "starts again at 0 after 255; the array's method, truth.sum(), counts in a larger type."
    )
    verdict.close(
        answer(large, small),
        300 / 700,
        "uint8 masks of 400 and 300 pixels, 150 in both, which is 300 / 700,",
        mistakes=[
            (300 / ((400 + 300) % 256), wrap),
            (300 / (400 % 256 + 300 % 256), wrap),
            ((300 % 256) / ((400 + 300) % 256), wrap),
            ((300 % 256) / (400 % 256 + 300 % 256), wrap),
            ((300 % 256) / 700, wrap),
        ],
        hint=f"The small masks were right. Is it the number type? {wrap}",
    )
    return "Pixels that are 0 in both masks appear nowhere: background can't raise a Dice."


def gradient_step(answer):
    x, y = np.array([2.0, 1.0, -1.0, 0.5]), np.array([1.0, 1.0, 0.0, 0.0])
    start, rate = np.array([0.5, -0.25]), 0.4
    slope = _slope(*start, x, y)
    score = start[0] * x + start[1]
    late = _slope(start[0] - rate * slope[0], start[1], x, y)  # after the weight has moved
    flat = np.array([np.mean((score - y) * x), np.mean(score - y)])
    given = f"weight {start[0]}, bias {start[1]}, four pixels and rate {rate},"
    verdict.close(
        answer(*start.tolist(), x, y, rate),
        start - rate * slope,
        given,
        mistakes=[
            (
                start + rate * slope,
                "Uphill: this makes the loss larger. The gradient points up, so subtract it (and "
                "the error is p - y).",
            ),
            (start - slope, "The rate is missing: multiply the gradient by it."),
            (
                start - rate * slope * x.size,
                "You took the sum over the pixels. Take the mean, or twice the pixels would make "
                "steps of twice the length.",
            ),
            (
                start - rate * slope[0],
                "The bias has no x: its gradient is the mean of p - y alone.",
            ),
            (start - rate * slope[1], "The weight's gradient has an x: the mean of (p - y) * x."),
            (
                [start[0] - rate * slope[0], start[1] - rate * late[1]],
                "You moved the weight before the bias's gradient was taken: compute p once, then "
                "both gradients, then move both.",
            ),
            (
                start - rate * flat,
                "The sigmoid is missing: the error is p - y, and p = sigmoid(weight * x + bias).",
            ),
            (slope, "That is the gradient itself: return what weight and bias become."),
            ((start - rate * slope)[::-1], "The two are right, in the other order: weight first."),
            (
                [start[0] - rate * slope[0], start[1]],
                "The weight is right. The bias has to move too, by rate times its own gradient.",
            ),
            (
                [start[0] - rate * slope[0], start[1] - slope[1]],
                "The weight is right. For the bias the rate is missing.",
            ),
            (start, "Nothing moved: subtract rate times the gradient from each."),
        ],
        hint="p = sigmoid(weight * x + bias); new = old - rate * gradient, for weight and bias. "
        "Return the two numbers, weight first.",
    )
    second = np.array([-1.0, 2.0])
    verdict.close(
        answer(*second.tolist(), x[:3], y[:3], 0.1),
        second - 0.1 * _slope(*second, x[:3], y[:3]),
        "weight -1, bias 2, three pixels and rate 0.1,",
        hint="The first example was right: use the arguments, nothing that fits only that one.",
    )
    two_x, two_y = np.array([1.0, -1.0]), np.array([1.0, 0.0])
    verdict.close(
        answer(0.0, 0.0, two_x, two_y, 1.0),
        [0.5, 0.0],
        "the task's own two pixels, from 0 and 0 at rate 1,",
        hint="The examples before were right: use the arguments as they come.",
    )
    return "Every network here learns by this line, for millions of weights at once."


def _slope(weight, bias, x, y) -> np.ndarray:
    """Slopes of the mean binary cross-entropy in weight and bias."""
    error = 1 / (1 + np.exp(-(weight * x + bias))) - y
    return np.array([np.mean(error * x), np.mean(error)])


CHECKS = {
    "threshold-a-map": threshold_a_map,
    "softmax-over-channels": softmax_over_channels,
    "one-hot-labels": one_hot_labels,
    "dice-by-hand": dice_by_hand,
    "gradient-step": gradient_step,
}

QUIZ = {
    "q1": Question(
        right="b",
        why={
            "a": "NumPy adds uint8 pixels in a larger type, so nothing has overflowed. Look at the values "
            "that the mask holds.",
            "b": "Each pixel of tumour counts 255: 510,000 / 255 = 2,000. Look at the values first, and "
            "convert them to 0 and 1.",
            "c": "170,000 is still more than the picture's 65,536 pixels. Which value does a pixel of "
            "tumour have?",
        },
    ),
    "q2": Question(
        right="c",
        why={
            "a": "An IoU and a Dice stand on different scales: for one pair of masks Dice is always the "
            "larger number, but for 0 and 1.",
            "b": "For one pair of masks each can be worked out from the other: Dice = 2 IoU / (1 + IoU).",
            "c": "2 · 0.75 / 1.75 = 0.857. (Over many pairs, the mean Dice can't be worked out from the "
            "mean IoU.)",
        },
    ),
    "q3": Question(
        right="a",
        why={
            "a": "Another scanner gives the same tissue another brightness. And bright scalp and bright "
            "tumour differ only in what is around them.",
            "b": "More steps fit this one scan better: the threshold would still be its grey value.",
            "c": "A lower cut marks more of everything. In a darker scan the tumour lies below it "
            "still, in a brighter one the brain above.",
        },
    ),
}
