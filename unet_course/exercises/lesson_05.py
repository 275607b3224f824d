"""The checks of lesson 05: flip both, BCE + Dice, Adam's step, warm-up, early stopping, three faults."""

import inspect
import itertools
import math

import numpy as np

from unet_course.exercises import verdict
from unet_course.exercises.choices import Question
from unet_course.exercises.verdict import Wrong


def flip_both(answer):
    _flips(
        answer, [True, False, True], "a batch of three of which the first and the last are chosen"
    )
    _flips(answer, [False, True, True, False], "a batch of four of which the middle two are chosen")
    _flips(answer, [False, False], "a batch of two of which none is chosen")
    return "One flip for both: an augmented mask is worth nothing where its image went elsewhere."


def _flips(answer, chosen: list[bool], batch: str) -> None:
    rng = np.random.default_rng(5)
    count, chosen = len(chosen), np.array(chosen)
    images = rng.random((count, 4, 6, 2)).round(2)
    masks = (rng.random((count, 4, 6, 1)) > 0.5).astype(np.uint8)
    pair = _pair(answer(images, masks, chosen), "the flipped images and the flipped masks")
    if [np.shape(part) for part in pair] == [masks.shape, images.shape]:
        raise Wrong(
            f"for {batch} you gave the masks, then the images",
            "The other way round: images first, masks second.",
        )
    given = batch + ", in the {}:"
    for got, before, name in ((pair[0], images, "images"), (pair[1], masks, "masks")):
        right = before.copy()
        right[chosen] = right[chosen][:, :, ::-1]
        rows, channels, cases, all_cases, others = (before.copy() for _ in range(5))
        rows[chosen] = rows[chosen][:, ::-1]
        channels[chosen] = channels[chosen][..., ::-1]
        cases[chosen] = cases[chosen][::-1]
        all_cases = all_cases[:, :, ::-1]
        others[~chosen] = others[~chosen][:, :, ::-1]
        mistakes = [
            (
                before,
                f"The {name} came back as they were. Image and mask move together, or the mask "
                "marks the wrong side.",
            ),
            (rows, "That is upside down: axis 1 holds the rows, left and right run along axis 2."),
            (all_cases, "You flipped every case: only those where `chosen` is True may move."),
            (others, "You flipped the cases that weren't chosen, and left the chosen ones."),
            (cases, "That reverses the order of the cases: axis 0 is the batch."),
        ]
        if before.shape[-1] > 1:  # a mask with one channel can't show this one
            mistakes.append((channels, "That reverses the channels: the columns are axis 2."))
        verdict.equal(
            got,
            right,
            given.format(name),
            mistakes=mistakes,
            hint="Take the chosen cases out, reverse axis 2 with [:, :, ::-1], put them back.",
        )
        if np.asarray(got).dtype != before.dtype:
            raise Wrong(
                f"the {name} came in as {before.dtype} and went out as {np.asarray(got).dtype}",
                "A flip only moves values: start from a copy of the array, so that it keeps its type.",
            )
    # The check's calls get copies; the student's own function shows whether it writes into its input.
    given_images, given_masks = images.copy(), masks.copy()
    inspect.unwrap(answer)(given_images, given_masks, chosen)
    for name, now, before in (("images", given_images, images), ("masks", given_masks, masks)):
        if not np.array_equal(now, before):
            raise Wrong(
                f"what you return is right, but the {name} that you were given have changed too",
                "Return new arrays: begin with images.copy() and masks.copy(). Otherwise the "
                "training data themselves get flipped, anew in every epoch.",
            )


def bce_plus_dice(answer):
    truth = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    p = np.array([[0.9, 0.4, 0.3], [0.1, 0.1, 0.2]])
    entropies = -(truth * np.log(p) + (1 - truth) * np.log(1 - p))
    bce, overlap, sizes = entropies.mean(), (truth * p).sum(), truth.sum() + p.sum()
    score = (2 * overlap + 1) / (sizes + 1)
    hard = p >= 0.5
    hard_score = (2 * (truth * hard).sum() + 1) / (truth.sum() + hard.sum() + 1)
    own_sign = -(truth * np.log(p)).mean()
    got = answer(truth, p)
    if isinstance(got, np.ndarray) and got.ndim:
        raise Wrong(
            f"you gave {verdict.describe(got)}, and one number is expected",
            "Mean and sums run over all pixels: use .mean() and .sum(). Python's own sum() adds "
            "the rows of a 2-D array and returns a row.",
        )
    verdict.close(
        got,
        bce + 1 - score,
        f"truth {truth.tolist()} and probabilities {p.tolist()}",
        mistakes=[
            (bce + score, "A loss gets smaller as things get better: it is 1 - Dice."),
            (-bce + 1 - score, "The logarithm of a probability is negative: a minus in front."),
            (bce, "That is the cross-entropy alone: add 1 - Dice."),
            (1 - score, "That is the Dice loss alone: add the cross-entropy."),
            (
                own_sign + 1 - score,
                "The healthy pixels are missing from the cross-entropy: (1 - t) · log(1 - p).",
            ),
            (
                entropies.sum() + 1 - score,
                "The cross-entropy is a mean over the pixels, not a sum.",
            ),
            (
                bce + 1 - hard_score,
                "Leave the probabilities as they are: a threshold has no slope to learn from.",
            ),
            (
                bce + 1 - (overlap + 1) / (sizes + 1),
                "The overlap counts twice in Dice: the 2 is missing.",
            ),
            (
                bce + 1 - 2 * overlap / sizes,
                "`smooth` is added in the numerator and in the denominator.",
            ),
            (
                bce + 1 - 2 * overlap / (sizes + 1),
                "`smooth` is missing from the numerator: it is added in both places.",
            ),
            (
                bce + 1 - (2 * overlap + 1) / sizes,
                "`smooth` is missing from the denominator: it is added in both places.",
            ),
            (
                bce + 1 - (2 * overlap + 1) / (sizes - overlap + 1),
                "The denominator has both sizes, |truth| + |prediction|, and not the union.",
            ),
        ],
        hint="Two numbers, added: the mean of the pixels' cross-entropies, and 1 - Dice.",
    )
    verdict.close(
        answer(truth, p, smooth=0.1),
        bce + 1 - (2 * overlap + 0.1) / (sizes + 0.1),
        "the same truth and probabilities with smooth=0.1",
        mistakes=[(bce + 1 - score, "That is with smooth = 1: use the argument `smooth`.")],
        hint="`smooth` is added in the numerator and in the denominator, whatever its value.",
    )
    certain = answer(np.array([1.0, 0.0]), np.array([1.0, 0.0]))
    if not np.isfinite(np.asarray(certain, float)).all():
        raise Wrong(
            f"for a perfect and perfectly certain prediction you gave {verdict.describe(certain)}",
            hint="log(0) is infinite, and 0 times infinite is NaN. Clip the probabilities to "
            "1e-7 … 1 - 1e-7 first, as Keras does.",
        )
    verdict.close(
        certain,
        0.0,
        "a perfect and perfectly certain prediction",
        atol=1e-5,
        hint="A wide clip leaves a loss where there is none: clip to 1e-7 … 1 - 1e-7.",
    )
    verdict.close(
        answer(np.array([1.0, 0.0]), np.array([0.0, 1.0])),
        -math.log(1e-7) + 1 - 1 / 3,
        "a certain and wholly wrong prediction, truth [1, 0] and probabilities [0, 1],",
        rtol=0.01,  # 1 - 1e-7 is coarse in float32
        hint="Certain and wrong: the loss is large and finite, 16.1 for each pixel, if p is clipped "
        "to 1e-7 … 1 - 1e-7.",
    )
    verdict.close(
        answer(np.zeros(4), np.zeros(4)),
        0.0,
        "no tumour and none found",
        atol=1e-5,
        hint="With `smooth` in numerator and denominator, Dice is 1 here, and so the loss 0.",
    )
    large = np.ones((20, 20), np.uint8)
    wrapped = 144.0  # 400 modulo 256: what Python's own sum() makes of so many uint8
    verdict.close(
        answer(large, np.full((20, 20), 0.5)),
        np.log(2) + 1 - 401 / 601,
        "a uint8 mask of 400 tumour pixels, and 0.5 everywhere",
        mistakes=[
            (
                np.log(2) + 1 - 401 / (wrapped + 201),
                "A uint8 holds 0 to 255, and Python's own sum() keeps to that type: use .sum().",
            )
        ],
        hint="On small arrays it was right: use .mean() and .sum(), which count in large types.",
    )
    verdict.close(
        answer(np.array([1, 0]), np.array([0.5, 0.5])),
        np.log(2) + 1 - 2 / 3,
        "the task's own example",
        hint="The other examples were right: nothing may fit only those.",
    )
    return "Cross-entropy counts every pixel, Dice the overlap: the pair that trains this lesson."


def adam_step(answer):
    weight, gradient, m, v, t, rate = 0.5, -0.3, 0.1, 0.02, 3, 0.01
    new_m, new_v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
    fair_m, fair_v = new_m / (1 - 0.9**t), new_v / (1 - 0.999**t)
    right = weight - rate * fair_m / (np.sqrt(fair_v) + 1e-7)
    given = f"weight {weight}, gradient {gradient}, m {m}, v {v}, step {t} and rate {rate},"
    got = answer(weight, gradient, m, v, t, rate)
    new = _values(got, 3, "three numbers: the new weight, m and v")
    for order in list(itertools.permutations((right, new_m, new_v)))[1:]:
        if np.allclose(new, order, rtol=1e-5, atol=0):
            raise Wrong(
                f"for {given} you gave the right numbers in another order",
                "The order is: the new weight, m, v.",
            )
    verdict.close(
        new[1],
        new_m,
        f"{given} the new m:",
        mistakes=[
            (fair_m, "Return m itself: only the update uses the corrected one."),
            (0.1 * m + 0.9 * gradient, "The old m keeps 0.9, the new gradient gets 0.1."),
            (m, "m came back as it was: mix the new gradient into it."),
        ],
        hint="m ← 0.9 · m + 0.1 · gradient",
    )
    verdict.close(
        new[2],
        new_v,
        f"{given} the new v:",
        rtol=1e-6,
        mistakes=[
            (fair_v, "Return v itself: only the update uses the corrected one."),
            (0.999 * v + 0.001 * gradient, "v is a mean of *squared* gradients."),
            (0.9 * v + 0.1 * gradient**2, "v forgets more slowly than m: 0.999 and 0.001."),
            (v, "v came back as it was: mix the new squared gradient into it."),
        ],
        hint="v ← 0.999 · v + 0.001 · gradient²",
    )
    verdict.close(
        new[0],
        right,
        f"{given} the new weight:",
        rtol=1e-5,
        mistakes=[
            (weight + (weight - right), "Uphill: the weight goes against the gradient, so minus."),
            (
                weight - rate * new_m / (np.sqrt(new_v) + 1e-7),
                "m and v start at 0 and are too small at first: divide m by 1 - 0.9**t and v by "
                "1 - 0.999**t before using them.",
            ),
            (
                weight - rate * (new_m / (1 - 0.9)) / (np.sqrt(new_v / (1 - 0.999)) + 1e-7),
                "The corrections hold at step 1 only: to the power of t, 1 - 0.9**t and 1 - 0.999**t.",
            ),
            (
                weight - rate * new_m / (1 - 0.9 * t) / (np.sqrt(new_v / (1 - 0.999**t)) + 1e-7),
                "0.9 to the power of t is 0.9**t, not 0.9 * t.",
            ),
            (
                weight
                - rate
                * (new_m / (1 - 0.9 ** (t + 1)))
                / (np.sqrt(new_v / (1 - 0.999 ** (t + 1))) + 1e-7),
                "t counts from 1 already: 0.9**t, not 0.9**(t + 1).",
            ),
            (
                weight - rate * fair_m / (np.sqrt(new_v) + 1e-7),
                "v needs its correction too: divide it by 1 - 0.999**t before taking the root.",
            ),
            (
                weight - rate * new_m / (np.sqrt(fair_v) + 1e-7),
                "m needs its correction too: divide it by 1 - 0.9**t.",
            ),
            (
                weight - rate * fair_m / (fair_v + 1e-7),
                "Divide by the root of v: v is a mean of squares, its root has the gradient's size.",
            ),
            (
                weight - rate * gradient / (np.sqrt(fair_v) + 1e-7),
                "The step follows m, the mean of the gradients, not the last gradient alone.",
            ),
            (weight - rate * fair_m, "Divide by the root of v: that is what makes it Adam."),
            (weight - rate * gradient, "That is plain SGD: use m and v."),
            (weight - fair_m / (np.sqrt(fair_v) + 1e-7), "The learning rate is missing."),
        ],
        hint="weight ← weight - rate · m̂ / (√v̂ + 1e-7), with m̂ and v̂ the corrected m and v.",
    )
    still_hint = (
        "0 divided by 0: add the 1e-7 to the root of the corrected v, in the denominator. It is "
        "there for weights that no gradient has reached yet."
    )
    try:
        with np.errstate(divide="ignore", invalid="ignore"):
            still = _values(answer(0.5, 0.0, 0.0, 0.0, 1, rate), 3, "three numbers")
    except ZeroDivisionError as error:
        error.hint = still_hint
        raise
    verdict.close(still[0], 0.5, "weight 0.5 and a gradient, m and v of 0,", hint=still_hint)
    for size in (1e-3, 10.0):
        first = _values(answer(0.0, size, 0.0, 0.0, 1, rate), 3, "three numbers")
        verdict.close(
            first[0],
            -rate,
            f"the first step with a gradient of {size:g}",
            rtol=1e-3,
            mistakes=[
                (
                    -rate * size / np.sqrt(size**2 + 1e-7),
                    "The 1e-7 is added to the root of v, not under it.",
                )
            ],
            hint="At t = 1 the corrected m is the gradient and the root of the corrected v its size.",
        )
    tiny = _values(answer(0.0, 1e-7, 0.0, 0.0, 1, rate), 3, "three numbers")
    verdict.close(
        tiny[0],
        -rate / 2,
        "the first step with a gradient of 1e-7",
        rtol=1e-3,
        hint="The 1e-7 is part of the formula, not only a guard against 0: here it is as large as the "
        "root of v, and halves the step.",
    )
    later = _values(answer(-2.0, 0.7, -0.15, 0.4, 12, 0.1), 3, "three numbers")
    new_m, new_v = 0.9 * -0.15 + 0.1 * 0.7, 0.999 * 0.4 + 0.001 * 0.7**2
    fair_m, fair_v = new_m / (1 - 0.9**12), new_v / (1 - 0.999**12)
    verdict.close(
        later,
        [-2.0 - 0.1 * fair_m / (np.sqrt(fair_v) + 1e-7), new_m, new_v],
        "weight -2, gradient 0.7, m -0.15, v 0.4, step 12 and rate 0.1, weight, m and v",
        rtol=1e-5,
        hint="The other examples were right: use the arguments, the rate and t among them.",
    )
    return (
        "Adam's first step is as long as the learning rate, whether the gradient is 0.001 or 10. "
        "That is why one rate suits so many networks."
    )


def learning_rate(answer):
    steps, peak, rising = 100, 0.002, 10

    def right(step):
        if step < rising:
            return peak * step / rising
        return peak * 0.5 * (1 + math.cos(math.pi * (step - rising) / (steps - rising)))

    def say(step):
        return f"step {step} of {steps}, peak {peak} and rising {rising}"

    verdict.close(
        answer(5, steps, peak, rising),
        peak / 2,
        say(5),
        mistakes=[
            (peak, "The full rate at once: in the first `rising` steps it climbs from 0 to peak."),
            (
                peak * 0.5 * (1 + math.cos(math.pi * 5 / steps)),
                "That is the cosine already: the first `rising` steps climb in a straight line.",
            ),
            (peak * 6 / 10, "Steps count from 0: at step 5 of 10 it is half way up."),
            (5 / 10, "That is the share of the way up: multiply it by peak."),
            (peak * 5 / 100, "The climb takes `rising` steps, not the whole run."),
        ],
        hint="While step < rising the rate is peak · step / rising.",
    )
    verdict.close(answer(0, steps, peak, rising), 0.0, say(0), hint="A climb starts at 0.")
    late = 72
    verdict.close(
        answer(late, steps, peak, rising),
        right(late),
        say(late),
        mistakes=[
            (
                peak * 0.5 * (1 + math.cos(math.pi * late / steps)),
                "The cosine begins where the climb ends: count its steps from `rising`, and there "
                "are steps - rising of them.",
            ),
            (
                peak * 0.5 * (1 + math.cos(math.pi * (late - rising) / steps)),
                "The fall has steps - rising steps, not steps: this one never gets down to 0.",
            ),
            (
                peak * (1 + math.cos(math.pi * (late - rising) / (steps - rising))),
                "1 + cos runs from 2 down to 0: halve it.",
            ),
            (
                peak * math.cos(math.pi * (late - rising) / (steps - rising)),
                "cos runs from 1 down to -1: (1 + cos) / 2 runs from 1 down to 0.",
            ),
            (
                peak * 0.5 * (1 + math.cos((late - rising) / (steps - rising))),
                "The half wave is π long: multiply the share by π.",
            ),
            (
                peak * (1 - (late - rising) / (steps - rising)),
                "That falls in a straight line. A cosine: peak · (1 + cos(π · share)) / 2.",
            ),
            (
                peak * (late % rising) / rising,
                "It climbs again and again: warm-up comes once, at the start of the run.",
            ),
            (
                peak,
                "It stays up there: after the climb it falls along half a cosine. (Or is the share "
                "always 0, because of //?)",
            ),
        ],
        hint="share = (step - rising) / (steps - rising); the rate is peak · (1 + cos(π · share)) / 2.",
    )
    from_peak = "At step = rising it is peak itself; from there on it falls."
    at_the_end = (
        "At the last step it is nearly 0, but not quite: the share is (step - rising) / (steps - "
        "rising), and it would be 1 one step later."
    )
    for step in (rising, 30, 99):
        verdict.close(
            answer(step, steps, peak, rising),
            right(step),
            say(step),
            atol=1e-9,
            hint=at_the_end if step == 99 else from_peak,
        )
    for step in (3, 20):
        share = (step - 8) / (40 - 8)
        verdict.close(
            answer(step, 40, 0.5, 8),
            0.5 * step / 8 if step < 8 else 0.25 * (1 + math.cos(math.pi * share)),
            f"step {step} of 40, peak 0.5 and rising 8",
            hint="The other run was right: use the arguments, nothing fixed to 100, 0.002 or 10.",
        )
    for step, rate in ((30, 0.25), (80, 0.25)):
        verdict.close(
            answer(step, 100, 0.5, 60),
            rate,
            f"step {step} of 100, peak 0.5 and rising 60",
            hint="While step < rising the rate climbs in a straight line, however long that takes, "
            "and only then it falls: the smaller of the two isn't always the right one.",
        )
    return "Careful first, bold in the middle, fine at the end: one warm-up and one cosine a run."


def early_stopping(answer):
    runs = [
        # validation Dice, patience, (epochs run, best epoch)
        ([0.2, 0.5, 0.6, 0.55, 0.58, 0.59, 0.57, 0.9], 3, (6, 3)),
        ([0.1, 0.4, 0.3, 0.35, 0.5, 0.4, 0.45, 0.6], 3, (8, 8)),
        ([0.5, 0.5, 0.5, 0.5, 0.7], 3, (4, 1)),
        ([0.3, 0.6, 0.5], 3, (3, 2)),
        ([0.4, 0.3, 0.9], 1, (2, 1)),
        ([0.0, 0.0, 0.0, 0.0], 3, (4, 1)),
        ([-3.0, -2.0, -2.5, -2.6, -2.7, -1.0], 3, (5, 2)),
        ([0.2, 0.5, 0.4, 0.45, 0.3, 0.9], 3, (5, 2)),
        ([0.3, 0.2, 0.1, 0.4, 0.2], 5, (5, 4)),
        ([0.5, 0.51, 0.5, 0.512, 0.511, 0.5119], 2, (6, 4)),
    ]
    hints = {
        0: {
            (8, 8): "It never stopped: compare each epoch with the best so far, and stop when "
            "three in a row weren't better. (Is each compared with the one before it? Does the "
            "count begin again in each epoch? Is the best looked for in all epochs at once?)",
            (6, 8): "The epochs after the stop don't count: the best is among those that were run.",
            (6, 0.6): "The second number is the epoch of the best score, not the score.",
            (1, 1): "It stopped after the first epoch: is a `return` inside the loop?",
            (5, 3): "That is one epoch too early: three epochs are to pass without a better one. "
            "(Or do you count the epochs from 0?)",
            (7, 3): "That is one epoch too late: when the third epoch in a row isn't better, stop.",
            (5, 2): "Count from 1: the first epoch is number 1.",
            (6, 6): "The best epoch is the one with the highest score, not the last one.",
            (3, 6): "The other way round: epochs run first, best epoch second.",
            (6, 2): "Count the best epoch from 1: the first is number 1.",
        },
        1: {
            (4, 2): "Epochs that aren't better must come in a row, and three of them.",
            (6, 5): "Start counting afresh whenever an epoch is the best so far.",
            (7, 5): "Epoch 8 was the third chance, and better: it stopped one epoch too early.",
        },
        2: {
            (5, 5): "Equal isn't better: a plateau must end the run too, so compare with >.",
            (4, 4): "Equal isn't better: the first of equal epochs stays the best.",
        },
        3: {
            (3, 3): "The best epoch is the one with the highest score, not the last one.",
        },
        4: {
            (3, 3): "Use the argument patience: it is 1 here.",
        },
        5: {
            (3, 0): "Begin below any score, with -np.inf: if the best starts at 0, a first epoch "
            "that scores 0 doesn't count as the best so far.",
        },
        6: {
            (3, 0): "Begin below any score, with -np.inf: scores may be negative, such as a loss "
            "with a minus in front.",
        },
    }
    for number, (scores, patience, right) in enumerate(runs):
        got = _values(answer(list(scores), patience), 2, "two numbers: epochs run, best epoch")
        given = f"scores {scores} and patience {patience}"
        found = tuple(int(v) if float(v).is_integer() else v for v in got)
        if found != right:
            raise Wrong(
                f"for {given} you gave {found}, expected {right}",
                hints.get(number, {}).get(
                    found,
                    "Compare each epoch with the best so far. Better: note it and count from 0 "
                    "again; not better: count one up, and stop at `patience`.",
                ),
            )
    scores, _, right = runs[0]
    got = _values(answer(list(scores)), 2, "two numbers: epochs run, best epoch")
    if tuple(got) != right:
        what = f"for scores {scores} and no patience given you gave {tuple(got)}"
        raise Wrong(f"{what}, expected {right}", "Keep the default of the task: patience=3.")
    return "Patience decides when to stop; the best epoch's weights are what you keep."


def training_bill(answer):
    verdict_for = "1000 slices, batches of 32, 50 epochs and 0.5 seconds a slice"
    got = _values(answer(1000, 32, 50, 0.5), 2, "two numbers: steps and hours")
    steps, hours = 32 * 50, 1000 * 50 * 0.5 / 3600
    verdict.close(
        got[0],
        steps,
        f"{verdict_for}, the steps:",
        rtol=0,
        mistakes=[
            (31 * 50, "The last batch is smaller, but it is a step too: round up."),
            (
                1000 / 32 * 50,
                "1000 / 32 is 31.25, and there is no quarter of a step: round up, before the epochs "
                "count.",
            ),
            (math.ceil(1000 * 50 / 32), "Round up in each epoch: every epoch ends with its rest."),
            (32, "That is one epoch: there are 50."),
            (1000 * 50, "Those are the slices seen: a step takes a whole batch of them."),
            (hours, "The other way round: steps first, hours second."),
        ],
        hint="Steps an epoch: slices / batch size, rounded up. Times the epochs.",
    )
    verdict.close(
        got[1],
        hours,
        f"{verdict_for}, the hours:",
        rtol=1e-6,
        mistakes=[
            (hours * 3600, "Those are seconds: an hour has 3600."),
            (hours * 60, "Those are minutes."),
            (hours / 50, "That is one epoch: there are 50."),
            (steps * 0.5 / 3600, "0.5 seconds is the price of a slice, not of a step."),
            (
                steps * 32 * 0.5 / 3600,
                "That bills full batches; the last one holds 8 slices. Count the slices.",
            ),
        ],
        hint="Slices times epochs times seconds a slice, over 3600.",
    )
    again = _values(answer(96, 16, 2, 1.0), 2, "two numbers: steps and hours")
    verdict.close(
        again[0],
        12,
        "96 slices in batches of 16 and 2 epochs, the steps:",
        rtol=0,
        mistakes=[(14, "96 is 6 times 16 exactly: rounding up adds nothing here.")],
        hint="The other example was right: use the arguments, nothing fixed to its numbers.",
    )
    verdict.close(
        again[1],
        96 * 2 / 3600,
        "96 slices in batches of 16, 2 epochs and 1 second a slice, the hours:",
        rtol=1e-6,
        hint="The other example was right: use the arguments, nothing fixed to its numbers.",
    )
    small = _values(answer(100, 32, 2, 9), 2, "two numbers: steps and hours")
    verdict.close(small, [8, 0.5], "the task's own example", hint="Steps first, hours second.")
    return "Work the bill out before you start: some recipes are a coffee long, some a week."


def _values(got, count: int, what: str) -> list:
    """The numbers in a tuple, list or array of so many; raises Wrong for anything else."""
    if got is None:
        raise Wrong("you gave None", verdict.FORGOTTEN_RETURN)
    try:
        values = [float(np.asarray(value)) for value in list(got)]
    except (TypeError, ValueError) as error:
        raise Wrong(f"you gave {verdict.describe(got)}", f"Return {what}.") from error
    if len(values) != count:
        raise Wrong(f"you gave {len(values)} values", f"Return {what}.")
    return values


def _pair(got, what: str):
    if got is None:
        raise Wrong("you gave None", verdict.FORGOTTEN_RETURN)
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong(f"you gave {verdict.describe(got)}", f"Return two arrays: {what}.")
    return got


FAULTS = {
    "masks": "shifted masks",
    "rate": "a learning rate a hundred times too high",
    "patients": "validation patients among the training ones",
}
FALLEN = 0.6  # BCE + Dice at the end; to mark nothing costs about 1


def three_faults(evidence):
    runs = evidence["runs"]
    named = {fault: evidence[fault] for fault in FAULTS}
    for fault, letter in named.items():
        if not isinstance(letter, str) or letter.strip().upper() not in runs:
            raise Wrong(
                f"{fault}={verdict.describe(letter)} is no run", 'Give a letter: "A", "B" or "C".'
            )
        named[fault] = letter.strip().upper()
    if len(set(named.values())) < len(named):
        raise Wrong(
            f"you name {_told(named)}",
            "Each run has one fault, and each fault one run.",
        )
    for fault, letter in named.items():
        if runs[letter].planted != fault:
            said, hint = _against(fault, runs[letter])
            raise Wrong(f"run {letter} hasn't {FAULTS[fault]}: {said}", hint)
    off = evidence["shift"]
    if not isinstance(off, tuple | list) or len(off) != 2:
        raise Wrong(
            f"the shift is {verdict.describe(off)}",
            "Pass on what planted_faults.best_shift gave for the run with shifted masks: rows and "
            "columns.",
        )
    rows, columns = (int(value) for value in off)
    if abs(rows) > 4 or not 3 <= columns <= 12:
        raise Wrong(
            f"you measured a shift of {rows} rows and {columns} columns",
            "Measure it on the run with shifted masks: planted_faults.best_shift(runs[masks]).",
        )
    leaked = runs[named["patients"]]
    right = leaked.validation[-1] - leaked.others[-1]
    verdict.close(
        evidence["gap"],
        right,
        f"run {named['patients']} at its last epoch,",
        atol=0.006,
        mistakes=[
            (-right, "Validation minus others: a leak makes it positive."),
            (leaked.validation[-1], "That is the validation patients' Dice; subtract the others'."),
            *(
                (run.validation[-1] - run.others[-1], f"That is run {letter}'s gap.")
                for letter, run in runs.items()
                if run is not leaked
            ),
        ],
        hint="The last value of the run's `validation`, minus the last of its `others`.",
    )
    best = leaked.validation[-1] >= max(run.validation[-1] for run in runs.values())
    return (
        f"At too high a rate, run {named['rate']}'s loss ends at {runs[named['rate']].loss[-1]:.2f}. "
        f"Run {named['masks']}'s ends at {runs[named['masks']].loss[-1]:.2f}: not its loss but its "
        f"pictures tell of the masks, {columns} pixels too far to the right. And run "
        f"{named['patients']} has {'the best validation Dice of all' if best else 'a validation Dice'}"
        f", {abs(right):.2f} {'above' if right > 0 else 'below'} that of patients whom it never saw. "
        f"{_foreseen(evidence['prediction'], runs, named)}"
    )


def _told(named: dict) -> str:
    return ", ".join(f"{letter} for {FAULTS[fault]}" for fault, letter in named.items())


def _against(fault: str, run) -> tuple[str, str]:
    """What a run's curves or pictures say against a fault, and where to look."""
    fell = run.loss[-1] < FALLEN
    if fault == "rate":
        said = f"its training loss ends at {run.loss[-1]:.2f}"
        return (
            said,
            "With far too high a rate the first steps throw the weights so far that the "
            "loss stays at about 1, which is what it costs to mark nothing.",
        )
    if fault == "masks":
        said = "its predictions lie on the tumour, or there are none"
        if not fell:
            said = "its loss stays high, and a network learns shifted masks as well as right ones"
        return (
            said,
            "Look at the pictures: in which run do the predictions lie next to the tumour, "
            "always on the same side? planted_faults.best_shift measures it.",
        )
    said = f"validation ends at {run.validation[-1]:.2f}, the others at {run.others[-1]:.2f}"
    return (
        said,
        "Patients on whom a network was trained do far better than any others: which run "
        "has a gap between its two Dice curves?",
    )


def _foreseen(predicted, runs, named: dict) -> str:
    """How many of the three losses were foreseen."""
    if not isinstance(predicted, dict) or not set(FAULTS) <= set(predicted):
        return f"You predicted {verdict.describe(predicted)}."
    right = 0
    for fault, letter in named.items():
        falls = runs[letter].loss[-1] < FALLEN
        right += str(predicted[fault]).strip().lower() == ("falls" if falls else "stays")
    return f"You foresaw {right} of the three losses."


CHECKS = {
    "flip-both": flip_both,
    "bce-plus-dice": bce_plus_dice,
    "adam-step": adam_step,
    "learning-rate": learning_rate,
    "early-stopping": early_stopping,
    "training-bill": training_bill,
    "three-faults": three_faults,
}
OPEN_TASKS = {"three-faults"}
QUIZ = {
    "q1": Question(
        right="b",
        why={
            "a": "No weight learnt from them, but you did: of ten networks you kept the one that "
            "suits these patients.",
            "b": "The test patients have become validation. The best of ten is partly luck on these "
            "very patients, and on others it will be lower.",
            "c": "It is the other way round: the best of many is too high, and the more you try, the "
            "higher.",
        },
    ),
    "q2": Question(
        right="a",
        why={
            "a": "Augmented slices are never the same twice, bent and noisy: harder to fit, and "
            "impossible to learn by heart. What is learnt instead holds for others.",
            "b": "Validation patients are never augmented: they are to be like those to come.",
            "c": "The two are measured on different slices, in different ways: one may rise with the "
            "other.",
        },
    ),
    "q3": Question(
        right="c",
        why={
            "a": "Weights are saved to the last bit. What is missing isn't in them.",
            "b": "A batch that is seen twice does little harm, and lowers its own loss.",
            "c": "With m and v at 0 the lengths of the steps come from a single batch at first. A "
            "resumed run needs everything that the next step depends on.",
        },
    ),
}
