"""Checks of lesson 14: a run's cost, each case once, scaled rates, efficiency, a slow partner."""

import math

import numpy as np

from unet_course.exercises import verdict
from unet_course.exercises.choices import Question
from unet_course.exercises.verdict import Wrong


def run_cost(answer):
    for arguments in ((1000, 250, 5, 0.13, 2.0), (300, 388, 1, 0.774, 1.5), (10, 7, 3, 60.0, 4.0)):
        epochs, steps, folds, seconds, price = arguments
        given = f"{epochs} epochs of {steps} steps, {folds} folds, {seconds} s a step, {price} € an hour"
        got = answer(*arguments)
        if not isinstance(got, (tuple, list)) or len(got) != 2:
            raise Wrong(
                f"for {given} you gave {verdict.describe(got)}",
                "Return two numbers: `return hours, euros`.",
            )
        hours = epochs * steps * folds * seconds / 3600
        mistakes = [
            (hours / folds, "The folds are missing: each is a training of its own."),
            (hours * 3600, "These are seconds: an hour has 3,600."),
            (hours * 60, "These are minutes: an hour has 3,600 seconds."),
            (hours / steps, "The steps are missing: an epoch has many."),
            (hours / epochs, "The epochs are missing."),
            (hours * price, "The euros come second: `return hours, euros`."),
        ]
        verdict.close(got[0], hours, f"{given}, the hours", mistakes=mistakes)
        mistakes = [
            (hours / folds * price, "The euros are for one fold; all are paid for."),
            (hours / price, "An hour costs the price: multiply."),
            (hours, "The euros are the hours times the price."),
        ]
        verdict.close(got[1], hours * price, f"{given}, the euros", mistakes=mistakes)
    return "The folds are what doubles twice over; they are also what can run side by side for nothing."


def cases_of(answer):
    for cases, world in ((10, 2), (10, 3), (7, 4), (3, 4), (1, 1), (369, 8)):
        given = f"{cases} cases and {world} processes"
        shares = [_numbers(answer(cases, rank, world), given) for rank in range(world)]
        dealt = [number for share in shares for number in share]
        missing = sorted(set(range(cases)) - set(dealt))
        strange = sorted(set(dealt) - set(range(cases)))
        if strange:
            raise Wrong(
                f"for {given} you dealt out {strange[:5]}",
                f"The cases are 0 to {cases - 1}.",
            )
        if missing:
            hint = "Whole division drops the rest: 10 // 3 is 3, and 3 · 3 cases are 9."
            raise Wrong(f"for {given} nobody has {missing[:5]}", hint)
        if len(dealt) > cases:
            twice = sorted({number for number in dealt if dealt.count(number) > 1})
            raise Wrong(
                f"for {given} more than one process has {twice[:5]}",
                "Each case would be counted twice in the mean. Start at `rank` and step by `world`.",
            )
        sizes = [len(share) for share in shares]
        if max(sizes) - min(sizes) > 1:
            raise Wrong(
                f"for {given} the shares have {sizes} cases",
                "Shares may differ by one at most: the last process would keep the others waiting.",
            )
    return "Each case is judged once, so the mean over all processes is the mean over patients."


def _numbers(got, given: str) -> list[int]:
    """A share as a list of whole numbers."""
    try:
        share = list(got)
        if all(float(number) == int(number) for number in share):
            return [int(number) for number in share]
    except (TypeError, ValueError):
        pass
    raise Wrong(
        f"for {given} you gave {verdict.describe(got)}",
        "Return the numbers of the cases, such as a list or a range.",
    )


def rate_at(answer):
    rate, batch, large, warmup = 0.003, 4, 16, 10
    for step in (0, 1, 5, 9, 10, 11, 500):
        given = f"step {step}, rate {rate}, batches of {batch} and {large}, warm-up {warmup}"
        _rate(answer(step, rate, batch, large, warmup), step, rate, batch, large, warmup, given)
    for step, *rest in ((3, 0.1, 8, 24, 6), (0, 0.01, 2, 4, 1), (2, 0.01, 2, 3, 4)):
        given = (
            f"step {step}, rate {rest[0]}, batches of {rest[1]} and {rest[2]}, warm-up {rest[3]}"
        )
        _rate(answer(step, *rest), step, *rest, given)
    return (
        "A large batch takes fewer, longer steps; the warm-up keeps the first ones from being wild."
    )


def _rate(got, step, rate, batch, large, warmup, given) -> None:
    top = rate * large / batch
    part = min(1, step / warmup)
    right = rate + part * (top - rate)
    mistakes = [
        (top, "The warm-up is missing: rise in a straight line in the first `warmup` steps."),
        (part * top, "The line begins at the small batch's `rate`, not at 0."),
        (rate, "The rate isn't scaled: times `large / batch` after the warm-up."),
        (
            rate + part * (rate * math.sqrt(large / batch) - rate),
            "That is the square root of the ratio, which some take for Adam; here it is the ratio.",
        ),
        (
            rate + part * (rate * batch / large - rate),
            "The ratio is upside down: a larger batch takes a larger rate.",
        ),
        (
            rate + step / warmup * (top - rate),
            "After the warm-up the rate stays: `min(1, step / warmup)`.",
        ),
        (
            rate + min(1, (step + 1) / warmup) * (top - rate),
            "Step 0 still has `rate`: the part that is done is step / warmup.",
        ),
    ]
    verdict.close(got, right, given, mistakes=[m for m in mistakes if not np.isclose(m[0], right)])


def efficiency(answer):
    for alone, together, processes in ((100, 50, 2), (100, 60, 2), (90, 30, 4), (10, 12, 2)):
        right = alone / (processes * together)
        given = f"{alone} s alone, {together} s with {processes} processes"
        mistakes = [
            (alone / together, "That is the speed-up; divide it by the number of processes."),
            (together / alone, "Alone over together, and divided by the number of processes."),
            (processes * together / alone, "Upside down: the work over what was paid for."),
            (
                together / (alone * processes),
                "Alone belongs above: alone / (processes · together).",
            ),
            (right * 100, "As a share, not in per cent."),
            (1 - right, "That is the share that is lost."),
        ]
        mistakes = [m for m in mistakes if not np.isclose(m[0], right)]
        verdict.close(answer(alone, together, processes), right, given, mistakes=mistakes)
    return "What is paid for is processes times seconds; efficiency is the part of it that is work."


def slow_partner(evidence):
    alone = _positive(evidence["alone"], "alone")
    slowed = evidence["slowed"]
    try:
        waiting = [float(seconds) for seconds in slowed["waiting"]]
        whole = [float(seconds) for seconds in slowed["seconds"]]
        together = _positive(slowed["patches a second"], "slowed")
    except (TypeError, KeyError, ValueError):
        raise Wrong(
            f"slowed is {verdict.describe(slowed)}", "Hand in what `run_slowed` returned."
        ) from None
    if len(waiting) != 2 or len(whole) != 2 or min(whole) <= 0:
        raise Wrong(f"slowed is {verdict.describe(slowed)}", "Two processes are asked for.")
    shares = [part / seconds for part, seconds in zip(waiting, whole, strict=True)]
    waits = int(np.argmax(shares))
    if shares[waits] < 0.1 or shares[waits] < 2 * shares[1 - waits]:
        raise Wrong(
            f"the processes wait for {shares[0]:.0%} and {shares[1]:.0%} of their time",
            "Nobody is late here, or both are: take a larger `late`.",
        )
    if evidence["waits"] not in (waits, str(waits)):
        raise Wrong(
            f"process {waits} waits for {shares[waits]:.0%} of its time, process {1 - waits} for "
            f"{shares[1 - waits]:.0%}",
            "The one that waits isn't the one that is late.",
        )
    lost = _positive(evidence["lost"], "lost")
    if not math.isclose(lost, shares[waits], abs_tol=0.05):
        hint = "Seconds of waiting over all seconds of the process that waits, as a share."
        if math.isclose(lost, 100 * shares[waits], abs_tol=5):
            hint = "As a share, not in per cent."
        raise Wrong(f"lost={lost:g}; in your run it is {shares[waits]:.2f}", hint)
    speed = together / alone
    try:
        guess = float(evidence["prediction"])
        near = abs(guess - speed) <= 0.2 * speed
        said = (
            f"Your prediction of {guess:g} is {'within' if near else 'off by more than'} a fifth."
        )
    except (TypeError, ValueError):
        said = "Your prediction wasn't a number."
    return (
        f"two processes do {speed:.2f} times the work of one; process {waits} waits for "
        f"{shares[waits]:.0%} of its time. Every step takes as long as its slowest process. {said}"
    )


def _positive(value, name: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 < number < math.inf:
        raise Wrong(f"{name} is {verdict.describe(value)}", "A number above 0 is asked for.")
    return number


CHECKS = {
    "run-cost": run_cost,
    "cases-of": cases_of,
    "rate-at": rate_at,
    "efficiency": efficiency,
    "slow-partner": slow_partner,
}
OPEN_TASKS = {"slow-partner"}

QUIZ = {
    "q1": Question(
        right="b",
        why={
            "a": "That would be one process's gradient of half the batch. Both take the mean of both.",
            "b": "They begin alike and make the same update from the same mean gradient.",
            "c": "Nothing is sent after each epoch; weights that had drifted apart would show in the "
            "loss long before.",
        },
    ),
    "q2": Question(
        right="c",
        why={
            "a": "The work is divided evenly already; what is late is one process's data.",
            "b": "More processes wait for the same slow one, and more is paid for waiting.",
            "c": "A step takes as long as its slowest process, so its data is what has to be mended.",
        },
    ),
    "q3": Question(
        right="a",
        why={
            "a": "Each case counts once. Means of unequal groups don't average to the mean of all.",
            "b": "19 cases and 18 don't weigh alike, and a case that is dealt out twice counts twice.",
            "c": "Process 0 would judge while seven cards idle and are paid for.",
        },
    ),
}
