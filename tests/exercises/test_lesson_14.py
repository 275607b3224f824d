"""Lesson 14's exercises: the usual mistakes, and the words of the hint that each must get."""


def cost(hours="epochs * steps * folds * seconds / 3600", euros="hours * price") -> str:
    return (
        "def run_cost(epochs, steps, folds, seconds, price):\n"
        f"    hours = {hours}\n"
        f"    return hours, {euros}"
    )


def dealt(back: str) -> str:
    return f"def cases_of(cases, rank, world):\n    return {back}"


def rate(back: str) -> str:
    return (
        "def rate_at(step, rate, batch, large, warmup):\n"
        "    top = rate * large / batch\n"
        f"    return {back}"
    )


def share(back: str) -> str:
    return f"def efficiency(alone, together, processes):\n    return {back}"


def slowed(waiting=(4.0, 0.1), seconds=(10.0, 10.0), speed=12.0) -> dict:
    return {"waiting": list(waiting), "seconds": list(seconds), "patches a second": speed}


def ran(alone=10.0, slowed=slowed(), waits=0, lost=0.4, prediction=1.2):  # noqa: B008
    """What a student hands in after a run in which process 1 is late."""
    return {
        "prediction": prediction,
        "alone": alone,
        "slowed": slowed,
        "waits": waits,
        "lost": lost,
    }


EVIDENCE = {
    "slow-partner": [
        ran(),
        ran(waits="0", lost=0.37, prediction=2),
        ran(slowed=slowed((0.0, 6.0), (9.0, 9.0)), waits=1, lost=0.667, prediction="faster"),
    ]
}

MISTAKES = {
    "run-cost": [
        (cost("epochs * steps * seconds / 3600"), "folds are missing"),
        (cost("epochs * steps * folds * seconds"), "These are seconds"),
        (cost("epochs * steps * folds * seconds / 60"), "These are minutes"),
        (cost("epochs * folds * seconds / 3600"), "steps are missing"),
        (cost("steps * folds * seconds / 3600"), "epochs are missing"),
        (cost(euros="hours * price / folds"), "one fold"),
        (cost(euros="hours / price"), "multiply"),
        (cost(euros="hours"), "times the price"),
        (cost().replace("return hours, hours * price", "return hours"), "Return two numbers"),
        (
            cost().replace("return hours, hours * price", "return hours * price, hours"),
            "euros come second",
        ),
    ],
    "cases-of": [
        (
            dealt("range(rank * (cases // world), (rank + 1) * (cases // world))"),
            "Whole division drops the rest",
        ),
        (dealt("range(rank, cases)"), "counted twice"),
        (dealt("range(cases)"), "counted twice"),
        (dealt("range(rank + 1, cases + 1, world)"), "The cases are 0 to"),
        (
            dealt("range(rank * -(-cases // world), min(cases, (rank + 1) * -(-cases // world)))"),
            "differ by one at most",
        ),
        (dealt("len(range(rank, cases, world))"), "Return the numbers"),
    ],
    "rate-at": [
        (rate("top"), "warm-up is missing"),
        (rate("min(1, step / warmup) * top"), "begins at the small batch's"),
        (rate("rate"), "isn't scaled"),
        (
            rate("rate + min(1, step / warmup) * (rate * (large / batch) ** 0.5 - rate)"),
            "square root",
        ),
        (rate("rate + min(1, step / warmup) * (rate * batch / large - rate)"), "upside down"),
        (rate("rate + step / warmup * (top - rate)"), "the rate stays"),
        (rate("rate + min(1, (step + 1) / warmup) * (top - rate)"), "Step 0 still has"),
    ],
    "efficiency": [
        (share("alone / together"), "speed-up"),
        (share("processes * together / alone"), "Upside down"),
        (share("together / (alone * processes)"), "Alone belongs above"),
        (share("100 * alone / (processes * together)"), "not in per cent"),
        (share("1 - alone / (processes * together)"), "share that is lost"),
    ],
    "slow-partner": [
        (ran(waits=1), "isn't the one that is late"),
        (ran(lost=0.1), "Seconds of waiting over all seconds"),
        (ran(lost=40), "not in per cent"),
        (ran(slowed=slowed((0.1, 0.1))), "take a larger `late`"),
        (ran(slowed=1.3), "Hand in what `run_slowed` returned"),
        (ran(alone="fast"), "A number above 0"),
        (ran(lost="much"), "A number above 0"),
    ],
}
