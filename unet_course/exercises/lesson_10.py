"""The checks of lesson 10: the loss of regions, patches that fit, the best epoch, where a run goes on."""

import numpy as np

from unet_course.exercises import verdict
from unet_course.exercises.verdict import Wrong


def region_loss(answer):
    one = np.array([1.0, 1.0, 0.0]).reshape(1, 1, 1, 1, 3)
    _loss(answer, one, np.full_like(one, 0.5), 1.0, "one voxel, truth [1, 1, 0], p = 0.5")
    rng = np.random.default_rng(10)
    truth = (rng.random((2, 4, 3, 5, 3)) < [0.5, 0.3, 0.1]).astype(float)
    truth[1, ..., 2] = 0  # a patch without enhancing tumour
    p = 0.05 + 0.9 * rng.random(truth.shape)
    _loss(answer, truth, p, 1.0, "two patches of 4 × 3 × 5 voxels")
    _loss(answer, truth, p, 0.1, "the same with smooth=0.1")
    sure = truth.copy()
    sure[0, 0, 0, 0] = 1 - sure[0, 0, 0, 0]  # sure and wrong
    _loss(answer, truth, sure, 1.0, "probabilities of exactly 0 and 1, some of them wrong")
    return "Each region of each patch has an equal say, however few voxels it has."


def _loss(answer, truth, p, smooth, given) -> None:
    with np.errstate(all="ignore"):
        got = answer(truth.copy(), p.copy(), smooth)
    right = _value(truth, p, smooth)
    mistakes = [
        (
            _value(truth, p, smooth, (0, 1, 2, 3)),
            "The batch was pooled: sum over axes 1, 2 and 3 only, so that each patch keeps its "
            "own Dice.",
        ),
        (
            _value(truth, p, smooth, (1, 2, 3, 4)),
            "The regions were pooled: sum over axes 1, 2 and 3 only; the large region would drown "
            "the others.",
        ),
        (_value(truth, p, 0.0), "`smooth` is missing: above and below."),
        (_value(truth, p, 1.0), "Use the argument `smooth`, not 1."),
        (_value(truth, p, smooth, bce=0), "The cross-entropy is missing."),
        (_value(truth, p, smooth, dice=0), "The Dice part is missing."),
        (_value(truth, p, smooth, dice=-1), "The Dice part is 1 - Dice, and it is added."),
        (right - 1, "Dice was subtracted: the Dice part is 1 - Dice, and it is added."),
        (
            _value(truth, p, smooth, dice=-1) + 1,
            "Dice itself was added: the Dice part is 1 - Dice.",
        ),
        (_value(truth, p, smooth, dice=truth.shape[0] * 3), "The Dice parts' *mean*, not sum."),
        (
            _value(truth, p, smooth, bce=truth.size),
            "The cross-entropies' *mean*, not their sum.",
        ),
    ]
    if np.size(got) == 1 and not np.isfinite(np.asarray(got, float)).all():
        raise Wrong(
            f"for {given} your loss isn't finite",
            "log(0) is minus infinity: clip p to 1e-7 … 1 - 1e-7 first.",
        )
    verdict.close(
        got,
        right,
        given,
        mistakes=[m for m in mistakes if not np.isclose(m[0], right)],
        hint="Mean cross-entropy + mean over patches and regions of 1 - Dice; sums over axes "
        "(1, 2, 3).",
    )


def _value(truth, p, smooth, space=(1, 2, 3), bce: float = 1, dice: float = 1) -> float:
    """The loss; other arguments than the first three give the usual mistakes."""
    p = np.clip(p, 1e-7, 1 - 1e-7)
    entropy = -(truth * np.log(p) + (1 - truth) * np.log(1 - p)).mean()
    both, sizes = (truth * p).sum(axis=space), (truth + p).sum(axis=space)
    with np.errstate(all="ignore"):
        part = (1 - (2 * both + smooth) / (sizes + smooth)).mean()
    if dice == -1:
        part = 1 - part
        return float(bce * entropy - 1 + part)
    return float(bce * entropy + dice * part)


def largest_batch(answer):
    _batch(answer, 1_000_000_000, 1_400_000, 86_000_000, 4, "the example in float32")
    _batch(answer, 1_000_000_000, 1_400_000, 86_000_000, 2, "the example in mixed precision")
    _batch(answer, 16_000_000_000, 31_000_000, 700_000_000, 2, "16 GB and a larger network")
    _batch(answer, 600_000_000, 30_000_000, 15_000_000, 4, "parameters that take most of it")
    _batch(answer, 100_000_000, 1_000_000, 90_000_000, 4, "a patch that doesn't fit")
    _batch(answer, 100_000_000, 10_000_000, 1_000, 2, "parameters that don't fit")
    return "Half the bytes, about twice the patches: what the parameters take is small beside it."


def _batch(answer, memory, parameters, activations, bytes_each, given) -> None:
    right = max(0, (memory - 16 * parameters) // (activations * bytes_each))
    room = activations * bytes_each
    mistakes = [
        ((memory - 16 * parameters) // room, "Less than nothing can't be: max(0, …)."),
        (max(0, (memory - 16 * parameters) / room), "A whole number: //, which rounds down."),
        ((memory - 16 * parameters) / room, "A whole number, and never below 0."),
        (
            max(0, (memory - 4 * parameters) // room),
            "Four numbers a parameter: weight, gradient, and AdamW's two means.",
        ),
        (
            max(0, (memory - 4 * bytes_each * parameters) // room),
            "What belongs to the parameters stays in float32, 4 bytes, in mixed precision too.",
        ),
        (max(0, memory // room), "The parameters need memory, too: four numbers each."),
        (
            max(0, (memory - 16 * parameters) // (4 * activations)),
            "An activation takes `bytes_each` bytes, not always 4.",
        ),
        (
            max(0, (memory - 16 * parameters) // activations),
            "Each activation takes `bytes_each` bytes.",
        ),
        (
            max(0, memory // (room + 16 * parameters)),
            "The parameters are there once, not once a patch.",
        ),
        (-(-max(0, memory - 16 * parameters) // room), "Rounded up, the last one doesn't fit."),
    ]
    verdict.equal(
        answer(memory, parameters, activations, bytes_each),
        right,
        given,
        mistakes=[m for m in mistakes if m[0] != right],
        hint="memory - 16 · parameters, divided by activations · bytes_each, rounded down.",
    )


def best_epoch(answer):
    nan = float("nan")
    _best(answer, [0.5, 0.7, 0.7, 0.2], "max")
    _best(answer, [0.3, 0.7, 0.7, 0.6], "max")
    _best(answer, [0.3, 0.7, 0.7, 0.6], "min")
    _best(answer, [1.4, 0.9, 0.5, 0.5, 0.8], "min")
    _best(answer, [nan, 0.2, 0.6, nan, 0.1], "max")
    _best(answer, [nan, 0.2, 0.6, nan, 0.1], "min")
    _best(answer, [-0.5, -0.2, -0.9], "max")
    return "A name doesn't say which way is up, so a program has to be told."


def _best(answer, scores, mode) -> None:
    values = np.array(scores)
    choose = {"max": np.nanargmax, "min": np.nanargmin}
    right = int(choose[mode](values)) + 1
    other = int(choose["min" if mode == "max" else "max"](values)) + 1
    plain = int((values.argmax if mode == "max" else values.argmin)()) + 1
    last = len(values) - int(choose[mode](values[::-1]))
    mistakes = [
        (right - 1, "Epochs are counted from 1, lists from 0."),
        (float(values[right - 1]), "That is the score itself: its epoch is asked for."),
        (last, "Of two that are equally good, the earlier one."),
        (plain, "`nan` is never the best: np.argmax takes it for the largest."),
        (other, f'The mode is "{mode}": look which way is better.'),
    ]
    text = ", ".join("nan" if np.isnan(x) else str(x) for x in scores)
    verdict.equal(
        answer(list(scores), mode),
        right,
        f'[{text}] and "{mode}"',
        mistakes=[m for m in mistakes if m[0] != right],
        hint="np.nanargmax or np.nanargmin, and 1 more.",
    )


def resumes_at(answer):
    for killed, steps in ((60, 25), (50, 25), (7, 10), (0, 10), (199, 25), (12, 1)):
        _resumes(answer, killed, steps)
    return "Weights, means, place on the curve: a resumed run needs all that the next step needs."


def _resumes(answer, killed, steps) -> None:
    def rate(step):
        return 0.001 * (1 + step)  # another rate for each step

    whole, lost = divmod(killed, steps)
    right = (whole + 1, lost, rate(whole * steps))
    mistakes = [
        ((whole, *right[1:]), "Epochs are counted from 1: after 2 whole ones comes the third."),
        (
            (right[0], steps - lost, right[2]),
            "The steps done since the last whole epoch are lost, not those left of the epoch.",
        ),
        (
            (right[0], lost, rate(0)),
            "The rate doesn't begin anew: the optimiser's count of steps was written, too.",
        ),
        (
            (right[0], lost, rate(killed)),
            "The count stands where the last whole epoch ended; the steps after it are forgotten.",
        ),
        ((right[0], lost, rate(lost)), "Steps are counted over the whole run, not in the epoch."),
        (
            (right[0], lost, rate(whole)),
            "`rate` takes a step, not an epoch: whole epochs times steps.",
        ),
        (
            (right[0], lost, whole * steps),
            "That is the step; its rate is asked for: rate(step).",
        ),
        (
            (right[0], 0, right[2]),
            "Whatever came after the last whole epoch was never written, so it is done twice.",
        ),
    ]
    verdict.close(
        answer(killed, steps, rate),
        right,
        f"{steps} steps an epoch, killed after {killed}",
        mistakes=[m for m in mistakes if not np.allclose(m[0], right)],
        hint="whole, lost = divmod(killed, steps); then whole + 1, lost, rate(whole * steps).",
    )


CHECKS = {
    "region-loss": region_loss,
    "largest-batch": largest_batch,
    "best-epoch": best_epoch,
    "resumes-at": resumes_at,
}
