"""Checks of lesson 10: loss of regions, patches that fit, best epoch, where and how a run resumes."""

import math

import numpy as np

from unet_course.exercises import verdict
from unet_course.exercises.choices import Question
from unet_course.exercises.verdict import Wrong


def region_loss(answer):
    one = np.array([1.0, 1.0, 0.0]).reshape(1, 1, 1, 1, 3)
    half = np.full_like(one, 0.5)
    rng = np.random.default_rng(10)
    truth = (rng.random((2, 4, 3, 5, 3)) < [0.5, 0.3, 0.1]).astype(float)
    truth[1, ..., 2] = 0  # a patch without enhancing tumour
    p = 0.05 + 0.9 * rng.random(truth.shape) * [1, 0.5, 0.8]
    p[1] = p[1] ** 2
    sure = truth.copy()
    sure.flat[np.flatnonzero(truth)[:2]] = 0  # sure and wrong
    # float32 has no number between 1 - 1.2e-7 and 1, so no voxel is sure of 1 and wrong
    telling = truth, p, 0.7
    for arguments, given in (
        ((one, half), "one voxel, truth [1, 1, 0], p = 0.5"),
        (telling, "two patches of 4 × 3 × 5 voxels, smooth=0.7"),
        ((truth, p, 2.5), "the same with smooth=2.5"),
        ((truth, sure, 1.0), "probabilities of exactly 0 and 1, some of them wrong"),
    ):
        _loss(answer, arguments, given, telling)
    return "Each region of each patch counts alike, however few voxels it has."


def _loss(answer, arguments, given, telling) -> None:
    with np.errstate(all="ignore"):
        got = answer(*arguments)
    if np.size(got) == 1 and not np.isfinite(np.asarray(got, float)).all():
        raise Wrong(
            f"for {given} your loss isn't finite",
            "log(0) is minus infinity: clip p to 1e-7 … 1 - 1e-7 first.",
        )
    right = _value(*arguments)
    hint = (
        "Mean cross-entropy + mean over patches and regions of 1 - Dice; sums over axes (1, 2, 3)."
    )
    if np.size(got) == 1 and not np.isclose(float(got), right, 1e-4, 1e-6):
        # many slips give the same number for one voxel: these patches tell them apart
        with np.errstate(all="ignore"):
            told = np.asarray(answer(*telling), float)
        if told.size == 1:
            slips = ((value, why) for value, why in _loss_slips(*telling))
            hint = next((why for value, why in slips if np.isclose(told, value, 1e-4)), hint)
    verdict.close(got, right, given, hint=hint)


def _loss_slips(truth, p, smooth) -> list[tuple[float, str]]:
    """What the usual mistakes give, each with its hint."""
    right = _value(truth, p, smooth)
    entropy = _value(truth, p, smooth, dice=0)
    part = right - entropy
    patches = truth.shape[0]
    where = "`smooth` belongs above and below, once each: 2 · overlap + smooth over sizes + smooth."
    return [
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
        (
            _value(truth, p, smooth, (0, 1, 2, 3, 4)),
            "Patches and regions were pooled: sum over axes 1, 2 and 3 only.",
        ),
        (_value(truth, p, 0.0), "`smooth` is missing: above and below."),
        (_value(truth, p, smooth, above=0), where),
        (_value(truth, p, smooth, below=0), where),
        (_value(truth, p, smooth, above=2), where),
        (_value(truth, p, smooth, below=2), where),
        (_value(truth, p, 1.0), "Use the argument `smooth`, not 1."),
        (part, "The cross-entropy is missing."),
        (entropy, "The Dice part is missing."),
        (right - 1, "Dice was subtracted: the Dice part is 1 - Dice, and it is added."),
        (entropy + 1 - part, "Dice itself was added: the Dice part is 1 - Dice."),
        (entropy - part, "The Dice part was subtracted: it is added."),
        (entropy + part * patches * 3, "The Dice parts' *mean*, not their sum."),
        (entropy + part * 3, "The Dice parts' *mean* over regions too, not their sum."),
        (entropy * truth.size + part, "The cross-entropies' *mean*, not their sum."),
        (entropy * 3 + part, "The cross-entropy's mean is over regions too."),
        (part - entropy, "The cross-entropy has a minus in front: it is a positive number."),
        (right / 2, "A sum of the two, not their mean."),
    ]


def _value(truth, p, smooth=1.0, space=(1, 2, 3), dice: float = 1, above=1, below=1) -> float:
    """The loss; other arguments than the first three give the usual mistakes."""
    p = np.clip(p, 1e-7, 1 - 1e-7)
    entropy = -(truth * np.log(p) + (1 - truth) * np.log(1 - p)).mean()
    both, sizes = (truth * p).sum(axis=space), (truth + p).sum(axis=space)
    with np.errstate(all="ignore"):
        part = (1 - (2 * both + above * smooth) / (sizes + below * smooth)).mean()
    return float(entropy + dice * part)


def largest_batch(answer):
    telling = 1_000_000_000, 21_000_000, 4_500_000, 2
    for arguments, given in (
        ((1_000_000_000, 1_400_000, 86_000_000, 4), "the example in float32"),
        ((1_000_000_000, 1_400_000, 86_000_000, 2), "the example in mixed precision"),
        (telling, "a large network and small patches in mixed precision"),
        ((610_000_000, 30_000_000, 15_000_000, 4), "parameters that take most of the memory"),
    ):
        _batch(answer, arguments, given, telling)
    exactly = 16 * 1_000_000 + 3 * 20_000_000 * 4
    verdict.equal(
        answer(exactly, 1_000_000, 20_000_000, 4),
        3,
        "memory that three patches fill to the last byte",
        mistakes=[(2, "Three fit exactly, and that is enough: nothing has to be left over.")],
    )
    for arguments, given in (
        ((100_000_000, 1_000_000, 90_000_000, 4), "a patch that doesn't fit"),
        ((100_000_000, 10_000_000, 1_000, 2), "parameters that don't fit"),
    ):
        verdict.equal(
            answer(*arguments),
            0,
            given,
            mistakes=[
                (1, "Not even one patch fits: the answer is 0."),
                ((100_000_000 - 160_000_000) // 2_000, "Less than nothing can't be: max(0, …)."),
                (-1, "Less than nothing can't be: max(0, …)."),
            ],
            hint="Nothing fits here: the answer is 0.",
        )
    return "Half the bytes, about twice the patches: the parameters take little compared with them."


def _batch(answer, arguments, given, telling) -> None:
    got, right = answer(*arguments), _fitting(*arguments)
    hint = "memory - 16 · parameters, divided by activations · bytes_each, rounded down."
    if np.size(got) == 1 and np.all(np.asarray(got) != right):
        told = answer(*telling)
        hint = next((why for value, why in _batch_slips(*telling) if told == value), hint)
    verdict.equal(got, right, given, hint=hint)


def _fitting(memory, parameters, activations, bytes_each) -> int:
    return max(0, (memory - 16 * parameters) // (activations * bytes_each))


def _batch_slips(memory, parameters, activations, bytes_each) -> list[tuple[float, str]]:
    room = activations * bytes_each
    left = memory - 16 * parameters
    return [
        (left / room, "A whole number: //, which rounds down."),
        (-(-left // room), "Rounded up, the last one doesn't fit."),
        (
            (memory - 4 * parameters) // room,
            "Four numbers a parameter: weight, gradient, and AdamW's two means.",
        ),
        (
            (memory - 4 * bytes_each * parameters) // room,
            "What belongs to the parameters stays in float32, 4 bytes, in mixed precision too.",
        ),
        (memory // room, "The parameters need memory, too: four numbers each."),
        (left // (4 * activations), "An activation takes `bytes_each` bytes, not always 4."),
        (left // activations, "Each activation takes `bytes_each` bytes."),
        (
            memory // (room + 16 * parameters),
            "The parameters are there once, not once a patch.",
        ),
    ]


FROM_1 = "Epochs are counted from 1, lists from 0."
EARLIER = "Of two that are equally good, the earlier one."
SCORE = "That is the score itself: its epoch is asked for."
NAN = (
    "`nan` is never the best: np.argmax takes it for the largest, and a comparison with it is "
    "always False, so it mustn't be what the search begins with."
)
DROPPED = "An epoch whose score is nan is counted as well: dropped first, the later numbers shift."
START = (
    "Any number may be the best: a search that begins with 0, 1 or 999 as the best so far, or puts "
    "such a number in nan's place, finds another epoch or none."
)


def best_epoch(answer):
    nan = float("nan")
    maximum = 'The mode is "max": look which way is better.'
    minimum = 'The mode is "min": look which way is better.'
    # each with what a slip gives that has passed all lines above
    for scores, mode, right, slips in (
        ([0.5, 0.7, 0.7, 0.2], "max", 2, {1: FROM_1, 4: maximum, 3: EARLIER, 0.7: SCORE}),
        ([1.4, 0.9, 0.5, 0.5, 0.8], "min", 3, {2: FROM_1, 1: minimum, 4: EARLIER, 0.5: SCORE}),
        ([0.3, 0.7, 0.7, 0.6], "max", 2, {}),
        ([0.3, 0.7, 0.7, 0.6], "min", 1, {}),
        ([nan, 0.2, 0.6, nan, 0.1], "max", 3, {1: NAN, 4: NAN, 2: DROPPED}),
        ([nan, 0.2, 0.6, nan, 0.1], "min", 5, {1: NAN, 4: NAN, 3: DROPPED}),
        ([0.2, 0.4, nan, 0.9], "max", 4, {3: f"{NAN} {DROPPED}", 2: NAN}),
        ([-0.5, -0.2, -0.9], "max", 2, {}),
        ([-7.5, nan, -1.5, -3.0], "max", 3, {}),
        ([-2400.0, -1800.5, nan, -1900.0], "max", 2, {}),
        ([2.5, nan, 1.7, 3.2], "min", 3, {}),
        ([5000.0, nan, 1200.0, 1500.0], "min", 3, {}),
    ):
        text = ", ".join("nan" if np.isnan(x) else str(x) for x in scores)
        verdict.equal(
            answer(list(scores), mode),
            right,
            f'[{text}] and "{mode}"',
            mistakes=list(slips.items()),
            hint="np.nanargmax or np.nanargmin, and 1 more." if slips else START,
        )
    return "A name doesn't say which way is better, so a program has to be told."


def resumes_at(answer):
    for killed, steps in ((60, 25), (50, 25), (7, 10), (0, 10), (199, 25), (12, 1)):
        _resumes(answer, killed, steps)
    return "Weights, AdamW's means, the count of steps: a resumed run needs all that a step needs."


def _resumes(answer, killed, steps) -> None:
    def rate(step):
        return 0.00123457 * (1 + step) ** 1.5  # another rate for each step

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
            "The count is the one that was written after the last whole epoch; the steps since are forgotten.",
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


OUTCOMES = ("better", "worse", "no telling")


def stop_change_resume(evidence):
    before, changed = (_runs(evidence[name], name) for name in ("as_before", "changed"))
    if np.array_equal(before, changed):
        raise Wrong(
            "both groups are the same numbers",
            "Nothing was changed: name a rate or a share of patches that differs from before.",
        )
    says = str(evidence["says"]).strip().lower()
    if says not in OUTCOMES:
        raise Wrong(
            f"says={verdict.describe(evidence['says'])}",
            'Say "better", "worse" or "no telling".',
        )
    outcome = "no telling"
    if changed.min() > before.max():
        outcome = "better"
    elif changed.max() < before.min():
        outcome = "worse"
    told = (
        f"as before {before.min():.3f} to {before.max():.3f}, changed {changed.min():.3f} to "
        f"{changed.max():.3f}"
    )
    if says != outcome:
        hint = (
            f"Every changed run is {'above' if outcome == 'better' else 'below'} every other one."
        )
        if outcome == "no telling":
            hint = (
                "The two ranges overlap: other patches alone change the score as much as that. The "
                "means may differ all the same; three runs each can't tell why."
            )
        raise Wrong(f"{told}: that isn't “{says}”", hint)
    odds = math.comb(len(before) + len(changed), len(before))
    what = {
        "better": "It paid in this run",
        "worse": "It didn't pay",
        "no telling": "Nobody can tell from these runs whether it pays",
    }[outcome]
    guess = str(evidence["prediction"]).strip().lower()
    true = "came true" if guess == outcome else f"didn't come true: it was “{outcome}”"
    return (
        f"{told}. {what}, on one validation case; if the change did nothing, chance would put all of "
        f"one group above the other one time in {odds}, and below as often. Your prediction {true}."
    )


def _runs(given, name: str) -> np.ndarray:
    """A group's scores, one a run, as an array."""
    try:
        scores = np.asarray(given, float)
    except (TypeError, ValueError):
        scores = np.zeros(0)
    if scores.ndim != 1 or scores.size < 3:
        raise Wrong(
            f"{name} is {verdict.describe(given)}, at least three runs are needed",
            "One run each can't show what chance does: draw=1, 2 and 3.",
        )
    if not ((scores >= 0) & (scores <= 1)).all():
        raise Wrong(
            f"{name} is {verdict.describe(given)}, and a Dice is between 0 and 1",
            "Hand in what resume(…) returned.",
        )
    return scores


CHECKS = {
    "region-loss": region_loss,
    "largest-batch": largest_batch,
    "best-epoch": best_epoch,
    "resumes-at": resumes_at,
    "stop-change-resume": stop_change_resume,
}
OPEN_TASKS = {"stop-change-resume"}
PREDICTIONS = {"stop-change-resume": ("better", "worse", "no telling")}

QUIZ = {
    "q1": Question(
        right="b",
        why={
            "a": "In float32 the same rate does no harm, so the rate isn't what overflows.",
            "b": "bfloat16 has float32's range: nothing overflows that didn't in float32. Its fewer "
            "digits hardly matter, since the weights stay in float32.",
            "c": "The range stays as small as it was, and the weights lose digits as well.",
        },
    ),
    "q2": Question(
        right="c",
        why={
            "a": "A step needs more than weights: the optimiser's means and the count of steps that "
            "the schedule goes by.",
            "b": "The schedule does, and AdamW's two means for each weight begin at 0 as well.",
            "c": "Warm-up comes a second time and the cosine isn't finished; AdamW's means begin at "
            "0; and batches drawn from the epoch's number repeat the first ones.",
        },
    ),
    "q3": Question(
        right="a",
        why={
            "a": "Choosing on validation costs nothing and is the rule. That the network got worse "
            "is a claim about patients, and one case can't bear it.",
            "b": "A training loss that falls says nothing about patients that the network didn't "
            "learn from.",
            "c": "It may be that brain alone. What counts is how much the difference between the two "
            "epochs varies from case to case.",
        },
    ),
}
