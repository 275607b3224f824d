"""Lesson 06's exercises: the usual mistakes, and the words of the hint that each must get."""


def threshold(
    place="choosing.mean(axis=0).argmax()",
    chosen="thresholds[place]",
    reported="test.mean(axis=0)[place]",
    flattery="test.mean(axis=0).max() - reported",
    back="chosen, reported, flattery",
) -> str:
    return (
        "def choose_and_judge(thresholds, choosing, test):\n"
        f"    place = {place}\n"
        f"    chosen = {chosen}\n"
        f"    reported = {reported}\n"
        f"    flattery = {flattery}\n"
        f"    return {back}"
    )


def interval(
    difference="np.asarray(after) - np.asarray(before)",
    draw="rng.choice(difference, len(difference))",
    back="np.percentile(means, [2.5, 97.5])",
) -> str:
    return (
        "def difference_interval(before, after, rng, draws=2000):\n"
        f"    difference = {difference}\n"
        f"    means = [({draw}).mean() for _ in range(draws)]\n"
        f"    return {back}"
    )


def errors(
    false_alarms="(marked & ~ill).sum()",
    missed="(ill & ~marked).sum()",
    back="false_alarms, missed",
) -> str:
    return (
        "def slice_errors(truth, prediction):\n"
        "    ill, marked = truth.any(axis=(1, 2)), prediction.any(axis=(1, 2))\n"
        f"    false_alarms = {false_alarms}\n"
        f"    missed = {missed}\n"
        f"    return {back}"
    )


def told(
    noise="np.abs(again - base).max()",
    better="(difference > noise).all()",
    worse="(difference < -noise).all()",
    within="(np.abs(difference) <= noise).all()",
    first="better",
    last="not in every run",
) -> str:
    return (
        "def told_apart(row, base, again):\n"
        "    row, base, again = (np.asarray(v, float) for v in (row, base, again))\n"
        f"    noise, difference = {noise}, row - base\n"
        f"    if {better}:\n"
        f"        return {first!r}\n"
        f"    if {worse}:\n"
        "        return 'worse'\n"
        f"    if {within}:\n"
        "        return 'within the spread'\n"
        f"    return {last!r}"
    )


UNPAIRED = (
    "def difference_interval(before, after, rng, draws=2000):\n"
    "    n = len(before)\n"
    "    means = [rng.choice(after, n).mean() - rng.choice(before, n).mean() for _ in range(draws)]\n"
    "    return np.percentile(means, [2.5, 97.5])"
)

MISTAKES = {
    "choose-threshold": [
        (threshold(place="test.mean(axis=0).argmax()"), "Test patients judge"),
        (threshold(place="choosing.max(axis=0).argmax()"), "goes by one patient alone"),
        (threshold(place="choosing.min(axis=0).argmax()"), "goes by the worst patient"),
        (threshold(place="np.median(choosing, axis=0).argmax()"), "goes by the median"),
        (threshold(place="choosing.mean(axis=1).argmax()"), "a mean over thresholds"),
        (threshold(place="choosing.argmax() % len(thresholds)"), "goes by one patient alone"),
        (threshold(place="0"), "the best on test"),
        (threshold(reported="np.median(test, axis=0)[place]"), "median of the test patients"),
        (threshold(chosen="place"), "thresholds[place]"),
        (
            threshold(place="len(thresholds) - 1 - choosing.mean(axis=0)[::-1].argmax()"),
            "the lowest is wanted",
        ),
        (threshold(reported="choosing.mean(axis=0).max()"), "they can't judge"),
        (threshold(reported="test.mean(axis=0).max()"), "nobody could have chosen honestly"),
        (threshold(flattery="reported - test.mean(axis=0).max()"), "never below 0"),
        (
            threshold(flattery="choosing.mean(axis=0).max() - reported"),
            "Both numbers are test's",
        ),
        (threshold(flattery="2 * (test.mean(axis=0).max() - reported)"), "Test's best mean"),
        (threshold(back="chosen, reported"), "Return 3 values"),
        (threshold(back="None"), "return"),
    ],
    "paired-interval": [
        (UNPAIRED, "pairs stay together"),
        (interval(difference="np.asarray(before) - np.asarray(after)"), "before - after"),
        (interval(draw="rng.permutation(difference)"), "with replacement"),
        (interval(back="np.percentile(means, [5, 95])"), "2.5 and 97.5"),
        (interval(back="np.percentile(difference, [2.5, 97.5])"), "not of the differences"),
        (interval(back="np.percentile(means, [97.5, 2.5])"), "Low comes first"),
        (interval(draw="rng.choice(difference, 3)"), "as many as there are patients"),
        (interval(back="2 * np.percentile(means, [2.5, 97.5])"), "Take the difference"),
        (interval(back="np.mean(means)"), "Return 2 values"),
        (
            "def difference_interval(before, after, rng, draws=2000):\n"
            "    d = np.asarray(after) - np.asarray(before)\n"
            "    error = d.std() / len(d) ** 0.5\n"
            "    return d.mean() - 1.96 * error, d.mean() + 1.96 * error",
            "not by a formula",
        ),
        (
            "def difference_interval(before, after, rng, draws=2000):\n"
            "    d, rng = np.asarray(after) - np.asarray(before), np.random.default_rng(0)\n"
            "    means = [rng.choice(d, len(d)).mean() for _ in range(draws)]\n"
            "    return np.percentile(means, [2.5, 97.5])",
            "the `rng` that is passed",
        ),
        (interval(draw="np.random.choice(difference, len(difference))"), "the same `rng`"),
        (interval(back="np.percentile(means, [5, 97.5])"), "2.5 and 97.5"),
        (
            interval(draw="rng.normal(difference.mean(), difference.std() / 12**0.5, 1)"),
            "another method",
        ),
        (
            "def difference_interval(before, after, rng, draws=2000):\n"
            "    d = np.asarray(after) - np.asarray(before)\n"
            "    means = [rng.choice(d, len(d)).mean() for _ in range(2000)]\n"
            "    return np.percentile(means, [2.5, 97.5])",
            "as many means as `draws` says",
        ),
    ],
    "slice-errors": [
        (errors(back="missed, false_alarms"), "The other way round"),
        (
            errors("(prediction & (1 - truth)).sum()", "(truth & (1 - prediction)).sum()"),
            "a slice counts once",
        ),
        (
            errors(
                "(prediction & (1 - truth)).any(axis=(1, 2)).sum()",
                "(truth & (1 - prediction)).any(axis=(1, 2)).sum()",
            ),
            "is neither",
        ),
        (
            errors("(marked & ~ill).sum() / (~ill).sum()", "(ill & ~marked).sum() / ill.sum()"),
            "shares",
        ),
        (errors("2 * (marked & ~ill).sum()"), "truth.any"),
        (
            "def slice_errors(truth, prediction):\n"
            "    a, b = truth.sum((1, 2)), prediction.sum((1, 2))\n"
            "    return (b > a).sum(), (a > b).sum()",
            "You compared areas",
        ),
        (
            "def slice_errors(truth, prediction):\n"
            "    a, b = truth.sum((1, 2)).astype('uint8'), prediction.sum((1, 2))\n"
            "    return ((b > 0) & (a == 0)).sum(), ((a > 0) & (b == 0)).sum()",
            "truth.any",
        ),
        (errors("marked.sum()", "(~marked).sum()"), "Compare with the truth"),
        (errors(missed="(ill != marked).sum()"), "truth.any"),
        (errors(back="None"), "return"),
    ],
    "within-the-spread": [
        (told(better="difference.mean() > noise"), "seed by seed"),
        (told(better="(difference > 0).all()"), "less than the noise"),
        (told(worse="(difference < 0).all()"), "less than the noise"),
        (
            told(
                better="(abs(difference) > noise).all() and difference.mean() > 0",
                worse="(abs(difference) > noise).all() and difference.mean() < 0",
            ),
            "sign of the mean",
        ),
        (told(better="(difference >= noise).all()"), "> and >="),
        (told(worse="(difference <= -noise).all()"), "> and >="),
        (told(within="(np.abs(difference) < noise).all()"), "> and >="),
        (told(within="(difference <= noise).all()"), "far out, on the low side"),
        (told(last="within the spread"), "seed by seed"),
        (told(noise="(again - base).max()"), "absolute values"),
        (told(noise="np.abs(again - base).mean()"), "absolute values"),
        (told(worse="False"), "can also be worse"),
        (told(first="True"), "All above the noise"),
        (told(noise="2 * np.abs(again - base).max()"), "All above the noise"),
        (told(noise="np.abs(again - base).min()"), "all must exceed it"),
        (told(noise="np.std(again - base)"), "you gave"),
        (
            told().replace("row - base", "np.sort(row) - np.sort(base)"),
            "no sorting",
        ),
        (
            told(
                better="(difference[:3] > noise).all()",
                within="(abs(difference[:3]) <= noise).all()",
            ),
            "any number of seeds",
        ),
    ],
}


# twelve patients: A minus B, drawn again; on the fifteen others A is ahead for 7, B for 7
HANDED = {
    "prediction": 9,
    "low": -0.125,
    "high": 0.183,
    "sure": 0.59,
    "ahead": 7,
    "give": "A",
    "because": "mean",
}
MISTAKES["hand-over"] = [
    (HANDED | {"give": "B"}, "by the mean of the twelve"),
    (HANDED | {"give": "B", "because": "interval"}, "'neither'"),
    (HANDED | {"because": "worst patient"}, "by the worst patient"),
    (HANDED | {"because": "most patients"}, "the reason must speak for"),
    (HANDED | {"because": "false alarms"}, "the reason must speak for"),
    (HANDED | {"because": "luck"}, "Choose the reason"),
    (HANDED | {"give": "both"}, 'Give "A", "B" or "neither"'),
    (HANDED | {"low": -0.183, "high": 0.125}, "B minus A"),
    (HANDED | {"low": 0.183, "high": -0.125}, "Low first"),
    (HANDED | {"low": -0.059, "high": 0.112}, "the others judge"),
    (HANDED | {"low": 0.476, "high": 0.744}, "one network's mean"),
    (HANDED | {"low": -0.161, "high": 0.201}, "pairs stay together"),
    (HANDED | {"low": -0.432, "high": 0.564}, "the draws' means"),
    (HANDED | {"low": 0.0, "high": 0.05}, "thousands of times"),
    (HANDED | {"sure": 0.41}, "That is B's share"),
    (HANDED | {"sure": 59}, "not in per cent"),
    (HANDED | {"sure": 0.9}, "np.mean(draws > 0)"),
    (HANDED | {"ahead": 5}, "Those are the twelve"),
    (HANDED | {"ahead": 8}, "the same Dice by both"),
    (HANDED | {"ahead": 12}, "(others.A > others.B).sum()"),
    (HANDED | {"prediction": None}, "predict first"),
]
EVIDENCE = {
    "hand-over": [
        HANDED,
        HANDED | {"give": "neither", "because": "the interval"},
        HANDED | {"give": "b", "because": "worst patient", "prediction": 8},
        HANDED | {"give": "B", "because": "most patients", "prediction": "most"},
        HANDED | {"give": "B", "because": "false alarms", "sure": 0.61, "low": -0.13},
    ]
}
