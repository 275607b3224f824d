"""The checks of lesson 06: threshold, paired interval, slice errors, within the spread."""

import numpy as np

from unet_course.exercises import verdict
from unet_course.exercises.choices import Question
from unet_course.exercises.verdict import Wrong
from unet_course.judging import published_tables


def choose_threshold(answer):
    # the best threshold by the mean is 0.3; by the median or the first patient 0.4, by the best
    # patient or the last 0.5, by the worst 0.2, on test 0.1; the second patient's mean is highest
    thresholds = np.array([0.1, 0.15, 0.2, 0.3, 0.4, 0.5])
    choosing = np.array(
        [
            [0.20, 0.30, 0.55, 0.45, 0.88, 0.05],
            [0.30, 0.40, 0.56, 0.95, 0.89, 0.97],
            [0.10, 0.20, 0.57, 0.85, 0.10, 0.86],
        ]
    )
    test = np.array(
        [
            [0.90, 0.50, 0.60, 0.50, 0.30, 0.20],
            [0.70, 0.74, 0.50, 0.40, 0.55, 0.20],
            [0.80, 0.60, 0.50, 0.10, 0.55, 0.20],
        ]
    )
    _choice(answer, thresholds, choosing, test, "three choosing and three test patients")
    # a single patient on either side, and two thresholds that are equally good
    equal = np.array([[0.5, 0.66, 0.7, 0.7, 0.1, 0.2]])
    _choice(answer, thresholds, equal, test[:1], "one choosing patient with two equal bests")
    example = np.array([0.4, 0.6]), np.array([[0.5, 0.7]]), np.array([[0.8, 0.6]])
    _choice(answer, *example, "the task's example")
    return (
        "What you report was chosen by others than those who judge it; the flattery is what you "
        "would have claimed on top of it."
    )


def _choice(answer, thresholds, choosing, test, given):
    ours, theirs = choosing.mean(axis=0), test.mean(axis=0)
    place = int(ours.argmax())
    right = (thresholds[place], theirs[place], theirs.max() - theirs[place])
    got = _tuple(answer(thresholds, choosing, test), 3, "the threshold, the Dice and the flattery")
    last = len(ours) - 1 - int(ours[::-1].argmax())
    chosen, reported, flattery = got

    def at(scores):
        return thresholds[min(int(np.argmax(scores)), len(thresholds) - 1)]

    over_patients = "Take the mean over patients first, one number a threshold: axis 0."
    verdict.close(
        chosen,
        right[0],
        f"{given}: the chosen threshold,",
        mistakes=[
            (place, "That is its place in the array: return thresholds[place]."),
            (thresholds[last], "Of several equally good thresholds the lowest is wanted."),
            (
                at(theirs),
                "That is the best on test. Test patients judge; the choosing ones choose.",
            ),
            (
                at(choosing.max(axis=0)),
                f"That goes by one patient alone, the best or the last. {over_patients}",
            ),
            (at(choosing.min(axis=0)), f"That goes by the worst patient. {over_patients}"),
            (
                at(np.median(choosing, axis=0)),
                "That goes by the median, or by the first patient alone: take the mean.",
            ),
            (at(choosing.mean(axis=1)), f"That is a mean over thresholds. {over_patients}"),
        ],
        hint="The mean over patients is choosing.mean(axis=0); its argmax is the place.",
    )
    verdict.close(
        reported,
        right[1],
        f"{given}: the Dice to report,",
        mistakes=[
            (ours.max(), "That is the choosing patients' Dice: they chose, so they can't judge."),
            (theirs.max(), "That is test's own best, which nobody could have chosen honestly."),
            (
                np.median(test, axis=0)[place],
                "That is the median of the test patients: their mean.",
            ),
        ],
        hint="It is test's mean at the threshold that the choosing patients chose.",
    )
    verdict.close(
        flattery,
        right[2],
        f"{given}: the flattery,",
        mistakes=[
            (-right[2], "It is test's best minus what you report: never below 0."),
            (
                ours.max() - theirs[place],
                "Both numbers are test's: its best, and what the chosen threshold gives there.",
            ),
            (theirs.max(), "That is test's best; subtract what you report."),
        ],
        hint="Test's best mean, minus test's mean at the chosen threshold.",
    )


def paired_interval(answer):
    rng = np.random.default_rng(6)
    before = np.linspace(0.3, 0.9, 12)
    same = _tuple(answer(before, before + 0.1, np.random.default_rng(1)), 2, "low and high")
    if not np.allclose(same, 0.1, atol=1e-6):
        hint = "Take the difference patient by patient first, and draw from these differences."
        if np.allclose(same, -0.1, atol=1e-6):
            hint = "That is before - after: a gain should come out positive."
        elif abs(float(np.mean(same)) - 0.1) < 0.1 and same[1] - same[0] > 0.01:
            hint = (
                "If `before` and `after` are drawn independently, how much patients differ from "
                "each other comes back in: draw from the differences, so that pairs stay together."
            )
        raise Wrong(
            f"twelve patients who each gain 0.1: you gave {verdict.describe(same)}, expected "
            "(0.1, 0.1)",
            hint,
        )
    change = rng.normal(0.02, 0.05, 12)
    _draws_by_rng(answer, before, before + change)
    got = answer(before, before + change, np.random.default_rng(2), draws=10_000)
    got = _tuple(got, 2, "low and high")
    means = rng.choice(change, (20_000, 12)).mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    width, wanted = got[1] - got[0], high - low
    given = f"twelve patients with a mean change of {change.mean():.3f} you gave "
    given += f"{verdict.describe(got)}, expected about ({low:.3f}, {high:.3f})"
    if width < 0:
        raise Wrong(given, "Low comes first.")
    if width < 0.02 * wanted:
        raise Wrong(
            given,
            "Every draw had the same mean: draw with replacement, so that some patients come up "
            "twice and some not at all.",
        )
    if width < 0.95 * wanted:
        raise Wrong(
            given,
            "That is too narrow: the middle 95 % lie between the percentiles 2.5 and 97.5, and "
            "each draw has as many differences as there are patients.",
        )
    if width > 1.5 * wanted:
        raise Wrong(
            given,
            "That is too wide: take the percentiles of the draws' means, not of the differences "
            "themselves, and draw as many as there are patients.",
        )
    if width > 1.05 * wanted or abs(sum(got) - (low + high)) > 0.06 * wanted:
        raise Wrong(given, "Percentiles 2.5 and 97.5 of the means of the drawn differences.")
    return (
        "Paired, a change can be told from 0 although patients differ from each other by far more "
        "than the change."
    )


def _draws_by_rng(answer, before, after):
    """Raise `Wrong` unless the result depends on `rng`, and on `draws` as it should."""

    def interval(seed, draws):
        rng = np.random.default_rng(seed)
        return np.array(_tuple(answer(before, after, rng, draws=draws), 2, "low and high"), float)

    one, other, again = interval(3, 50), interval(4, 50), interval(3, 50)
    if abs(np.ptp(one)) < 1e-9:
        return  # each draw has the same mean: the check of the width says why
    if np.array_equal(one, other):
        raise Wrong(
            "two random generators with different seeds gave the same interval, "
            f"{verdict.describe(one)}",
            "Take the percentiles of the draws' means, not of the differences themselves."
            if np.allclose(one, np.percentile(after - before, [2.5, 97.5]))
            else "Draw with the `rng` that is passed, not with one of your own, and not by a formula.",
        )
    if not np.array_equal(one, again):
        raise Wrong(
            "the same `rng` gave two different intervals",
            "Draw with `rng` alone: np.random or random has a state of its own.",
        )
    one_gains = answer(np.zeros(4), np.array([0.0, 0, 0, 1]), np.random.default_rng(6), draws=1)
    quarters = 4 * np.array(_tuple(one_gains, 2, "low and high"), float)
    if not np.allclose(quarters, quarters.round(), atol=1e-6):
        raise Wrong(
            f"for four patients of whom one gains 1, and one draw, you gave {verdict.describe(quarters / 4)}",
            "Draw from the differences themselves: a mean of four of them is a number of quarters. "
            "A normal curve with their mean and deviation is another method.",
        )
    single = interval(5, 1)
    if abs(single[1] - single[0]) > 1e-9:
        raise Wrong(
            f"with draws=1 you gave {verdict.describe(single)}, expected one mean, twice",
            "Take as many means as `draws` says: not 2000, and not one for each patient.",
        )


def slice_errors(answer):
    truth, prediction = np.zeros((11, 64, 64), np.uint8), np.zeros((11, 64, 64), np.uint8)
    truth[1, 0, 0] = truth[3, 1:3, 1:3] = truth[4, 2, 2] = truth[8, :16, :16] = 1  # 256 pixels
    prediction[0, 1, 1] = prediction[1, 3, 3] = prediction[2, :2, :2] = prediction[5, 0, :3] = 1
    truth[9, 4:6, 4] = truth[10, 3, 3] = prediction[10, 3, 3] = 1
    truth[6, 5:9, 5:9] = prediction[6, 5:8, 5:8] = 1  # found in part
    truth[7, 5:9, 5:9] = prediction[7, 4:9, 4:9] = 1  # and marked too widely
    had, marked = truth.any(axis=(1, 2)), prediction.any(axis=(1, 2))
    right = (int((marked & ~had).sum()), int((had & ~marked).sum()))
    wrong, missing = prediction & (1 - truth), truth & (1 - prediction)
    areas = truth.sum(axis=(1, 2)).astype(int), prediction.sum(axis=(1, 2)).astype(int)
    mistakes = [
        (right[::-1], "The other way round: false alarms first, then misses."),
        ((int(wrong.sum()), int(missing.sum())), "You counted pixels: a slice counts once."),
        (
            (int(wrong.any(axis=(1, 2)).sum()), int(missing.any(axis=(1, 2)).sum())),
            "A slice with tumour that is marked in the wrong place is neither: ask of the whole "
            "slice whether it holds tumour, and whether anything was marked.",
        ),
        (
            (int((areas[1] > areas[0]).sum()), int((areas[0] > areas[1]).sum())),
            "You compared areas: a tumour slice that is marked too widely is no false alarm, and "
            "one that is found in part is not missed.",
        ),
        (
            (right[0] / int((~had).sum()), right[1] / int(had.sum())),
            "Those are shares: return how many slices there are.",
        ),
        (
            (int(marked.sum()), int((~marked).sum())),
            "Compare with the truth: a false alarm is marked where there is no tumour.",
        ),
    ]
    for given, masks in (
        (
            "eleven slices, of which three were marked without need and four passed over,",
            (truth, prediction),
        ),
        ("the same masks as bool", (truth.astype(bool), prediction.astype(bool))),
    ):
        got = _tuple(answer(*masks), 2, "false alarms and misses")
        verdict.close(
            np.array(got, dtype=float),
            np.array(right, dtype=float),
            given,
            mistakes=[(np.array(value, float), why) for value, why in mistakes],
            hint="truth.any(axis=(1, 2)) says for each slice whether it holds tumour.",
        )
    empty = np.zeros((3, 4, 4), np.uint8)
    full = np.ones((3, 4, 4), np.uint8)
    example = np.zeros((3, 4, 4), np.uint8), np.zeros((3, 4, 4), np.uint8)
    example[1][0, 1, 1] = example[0][1, 2, 2] = example[1][1, 3, 3] = example[0][2, 0, 0] = 1
    for given, masks, counts in (
        ("three slices that are empty in both masks", (empty, empty), (0, 0)),
        ("three slices of which each is marked and none has tumour", (empty, full), (3, 0)),
        ("the task's example", example, (1, 1)),
    ):
        got = _tuple(answer(*masks), 2, "false alarms and misses")
        verdict.close(np.array(got, float), np.array(counts, float), given)
    return "Dice hardly notices a false alarm of a few pixels; a reader of the slices does."


def within_the_spread(answer):
    # quarters and sixteenths are exact in binary: "as large as the noise" is exactly that
    base, again = np.array([0.5, 0.375, 0.75]), np.array([0.5625, 0.25, 0.75])  # noise 0.125
    within, partly = "within the spread", "not in every run"
    cases = [
        ([0.25, 0.1875, 0.1875], "better", "beats the base by 0.25, 0.1875 and 0.1875"),
        ([-0.25, -0.1875, -0.1875], "worse", "falls short by 0.25, 0.1875 and 0.1875"),
        ([0.25, 0.25, -0.0625], partly, "gains 0.25 and 0.25 and loses 0.0625"),
        ([0.25, 0.25, -0.1875], partly, "gains 0.25 and 0.25 and loses 0.1875"),
        ([0.25, 0.25, 0.0625], partly, "gains 0.25, 0.25 and 0.0625"),
        ([0.0625, -0.0625, -0.3125], partly, "gains 0.0625 and loses 0.0625 and 0.3125"),
        ([-0.25, -0.25, -0.0625], partly, "loses 0.25, 0.25 and 0.0625"),
        ([0.1, 0.1, 0.1], within, "gains 0.1 each time"),
        ([0.1875, 0.125, 0.1875], partly, "gains 0.1875, 0.125 and 0.1875"),
        ([-0.1875, -0.125, -0.1875], partly, "loses 0.1875, 0.125 and 0.1875"),
        ([0.125, -0.125, 0.0625], within, "gains 0.125, loses 0.125 and gains 0.0625"),
        ([0.0, 0.0, 0.0], within, "is the base once more"),
        ([-0.25, 0.25, 0.0], partly, "loses 0.25, gains 0.25 and gains nothing"),
    ]
    all_of = "but one run by less than the noise: for a verdict all must exceed it"
    equal = "0.125 is as large as the noise, not larger: it stays within. Mind > and >=."
    hints = {
        "gains 0.25 and 0.25 and loses 0.0625": (
            "The mean gain is large, but not every seed agrees: compare seed by seed."
        ),
        "gains 0.25 and 0.25 and loses 0.1875": (
            "All three clear the noise, but on different sides. Compare with noise and with -noise "
            "separately: sizes alone, with the sign of the mean, would hide that."
        ),
        "gains 0.25, 0.25 and 0.0625": f"Every seed gains, {all_of}.",
        "loses 0.25, 0.25 and 0.0625": f"Every seed loses, {all_of}.",
        "gains 0.0625 and loses 0.0625 and 0.3125": (
            "One run is far out, on the low side: take absolute values before you ask whether any "
            "exceeds the noise."
        ),
        "gains 0.1875, 0.125 and 0.1875": equal,
        "loses 0.1875, 0.125 and 0.1875": equal,
        "gains 0.125, loses 0.125 and gains 0.0625": equal,
        "loses 0.25, gains 0.25 and gains nothing": (
            "Two differences exceed the noise, on different sides. Compare seed by seed: no sorting, "
            "no means."
        ),
        "gains 0.1 each time": (
            "The noise is the largest difference of again and base either way, here 0.125: take "
            "absolute values, then the largest."
        ),
        "falls short by 0.25, 0.1875 and 0.1875": (
            "A row can also be worse: every difference below minus the noise."
        ),
    }
    for row, expected, what in cases:
        got = answer(base + row, base.copy(), again.copy())
        if got is None:
            raise Wrong(f"for a row that {what} you gave None", verdict.FORGOTTEN_RETURN)
        if not isinstance(got, str):
            raise Wrong(
                f"for a row that {what} you gave {verdict.describe(got)}",
                'Return one of the four texts: "better", "worse", "within the spread" or '
                '"not in every run".',
            )
        if got.strip().lower() != expected:
            raise Wrong(
                f"the noise is 0.125; for a row that {what} you gave {got!r}, expected "
                f"{expected!r}",
                hints.get(
                    what, "All above the noise, all below minus it, none beyond it, or else."
                ),
            )
    two = answer(np.array([0.65, 0.53]), np.array([0.60, 0.50]), np.array([0.62, 0.49]))
    five = answer(np.arange(5) / 4 + [0, 0, 0, 0, 1], np.arange(5) / 4, np.arange(5) / 4)
    for got, expected, given in (
        (two, "better", "two seeds that gain 0.05 and 0.03, with a noise of 0.02,"),
        (five, partly, "five seeds of which the last alone gains, with a noise of 0,"),
    ):
        if not isinstance(got, str) or got.strip().lower() != expected:
            raise Wrong(
                f"for {given} you gave {verdict.describe(got)}, expected {expected!r}",
                "There may be any number of seeds: compare all of them.",
            )
    return "The band is what chance alone did: a claim must clear it with every seed."


def _tuple(got, size: int, what: str) -> tuple:
    if got is None:
        raise Wrong("you gave None", verdict.FORGOTTEN_RETURN)
    try:
        values = tuple(got)
    except TypeError:
        values = ()
    if len(values) != size:
        raise Wrong(f"you gave {verdict.describe(got)}", f"Return {size} values: {what}.")
    return values


CANDIDATES = {"A": "bce-dice-per-case", "B": "bce-dice-again"}
REASONS = ("mean", "most patients", "worst patient", "false alarms", "interval")


def hand_over(evidence):
    dice, alarms = _candidates()
    twelve, others = dice.iloc[:12], dice.iloc[12:]
    change = (twelve.A - twelve.B).to_numpy()
    draws = np.random.default_rng(0).choice(change, (20_000, len(change))).mean(axis=1)
    low, high = np.percentile(draws, [2.5, 97.5])
    own = np.array([evidence["low"], evidence["high"]], float)
    if not np.allclose(own, (low, high), atol=0.02):
        raise Wrong(
            f"your interval is {own[0]:+.3f} to {own[1]:+.3f}, the check's own draws give "
            f"{low:+.3f} to {high:+.3f}",
            _interval_hint(own, (low, high), twelve, dice),
        )
    if float(evidence["sure"]) > 1:
        raise Wrong(
            f"you are sure to {evidence['sure']:.3g}", "As a share, from 0 to 1, not in per cent."
        )
    verdict.close(
        evidence["sure"],
        (draws > 0).mean(),
        "the share of draws in which A has the higher mean:",
        atol=0.04,
        mistakes=[
            (
                (draws < 0).mean(),
                "That is B's share, or the share of patients: of the draws' means of A minus B, those "
                "above 0 are asked for.",
            ),
        ],
        hint="np.mean(draws > 0), with the means of the paired differences, drawn again.",
    )
    ahead = int((others.A > others.B).sum())
    verdict.close(
        evidence["ahead"],
        ahead,
        "the fifteen others",
        mistakes=[
            (int((twelve.A > twelve.B).sum()), "Those are the twelve. Count the fifteen others."),
            (
                int((others.A >= others.B).sum()),
                "One patient has the same Dice by both: count those for whom A's is higher.",
            ),
        ],
        hint="(others.A > others.B).sum()",
    )
    give, because = _decision(evidence)
    wanted = {
        "mean": "A" if twelve.A.mean() > twelve.B.mean() else "B",
        "most patients": "A" if (change > 0).sum() > (change < 0).sum() else "B",
        "worst patient": "A" if twelve.A.min() > twelve.B.min() else "B",
        "false alarms": "A" if alarms.A[:12].sum() < alarms.B[:12].sum() else "B",
        "interval": "neither",
    }[because]
    if give != wanted:
        raise Wrong(
            f"by the {because} of the twelve one wouldn't give {give!r}, but {wanted!r}",
            "Both answers can be defended, but the reason must speak for the one that you give: "
            "look up the line of your reason in the table.",
        )
    guess = evidence["prediction"]
    near = isinstance(guess, int | float) and abs(guess - ahead) <= 1
    came = "came true, or nearly" if near else "didn't come true"
    return (
        f"{give} because of the {because}: that can be defended, and so can other answers. The twelve "
        f"leave {(draws > 0).mean():.0%} for A to have the higher mean, little more than one half, and of "
        f"the fifteen others A is ahead for {ahead}. Your prediction ({guess}) {came}. (A is "
        f"*{CANDIDATES['A']}*, B *{CANDIDATES['B']}*: section 9 found neither apart from the base.)"
    )


def _candidates():
    """Dice and false-alarm slices of the two, patients in alphabetical order: columns A and B."""
    table = published_tables.lgg_ablation()
    wide = table.pivot(index=["patient", "seed"], columns="row", values=["dice", "false_slices"])
    wide = wide.reset_index("seed", drop=True).groupby("patient").first().sort_index()
    names = list(CANDIDATES.values())
    columns = list(CANDIDATES)
    return tuple(wide[what][names].set_axis(columns, axis=1) for what in ("dice", "false_slices"))


def _interval_hint(own, right, twelve, everybody) -> str:
    low, high = right
    if np.allclose(own, (-high, -low), atol=0.03):
        return "That is B minus A: A minus B is asked for."
    if np.allclose(own[::-1], right, atol=0.02):
        return "Low first, then high."
    whole = (everybody.A - everybody.B).to_numpy()
    means = np.random.default_rng(0).choice(whole, (20_000, len(whole))).mean(axis=1)
    if np.allclose(own, np.percentile(means, [2.5, 97.5]), atol=0.01):
        return "You took all patients: choose by the twelve alone, the others judge."
    if np.all((own > 0.3) & (own < 1)):
        return "That is an interval of one network's mean. The difference, patient by patient, is asked for."
    if own[1] - own[0] > 1.12 * (high - low):
        return "Draw the differences, so that pairs stay together, and take the draws' means."
    return (
        "Draw twelve of the twelve differences with replacement, take the mean, thousands of times."
    )


def _decision(evidence) -> tuple[str, str]:
    give = str(evidence["give"]).strip()
    give = give.upper() if len(give) == 1 else give.lower()
    if give not in ("A", "B", "neither"):
        raise Wrong(f"give={verdict.describe(evidence['give'])}", 'Give "A", "B" or "neither".')
    because = " ".join(str(evidence["because"]).lower().split()).removeprefix("the ")
    if because not in REASONS:
        raise Wrong(
            f"because={verdict.describe(evidence['because'])}",
            "Choose the reason that counts most for you: " + ", ".join(f'"{r}"' for r in REASONS),
        )
    return give, because


CHECKS = {
    "choose-threshold": choose_threshold,
    "paired-interval": paired_interval,
    "slice-errors": slice_errors,
    "within-the-spread": within_the_spread,
    "hand-over": hand_over,
}
OPEN_TASKS = {"hand-over"}
QUIZ = {
    "q1": Question(
        right="c",
        why={
            "a": "More patients narrow the interval, but say nothing of the chance in a training run, "
            "and of how the best of six was picked.",
            "b": "A significance test over patients takes each network as it is: it can't know that "
            "another random start would have given another one.",
            "c": "If a second start of the plain one moves by 0.02, nothing has been shown. And the "
            "best of six equal ones looks better, too.",
        },
    ),
    "q2": Question(
        right="a",
        why={
            "a": "Nearly all pixels are background that no network doubts, and they carry the mean. "
            "Look at the pixels in question, chosen without looking at the truth.",
            "b": "A small mean over all pixels is mostly background: the doubtful ones hardly count.",
            "c": "Dice sees masks alone: dividing the scores by a number changes the calibration and "
            "leaves each mask as it was.",
        },
    ),
    "q3": Question(
        right="b",
        why={
            "a": "False alarms count in Dice, too: they are in the prediction's size.",
            "b": "False alarms were few pixels in few slices; a tumour slice that is stopped is lost "
            "with all its pixels. Which of the two matters more, Dice doesn't know.",
            "c": "The network is the same. The classifier only takes slices out of its prediction.",
        },
    ),
}
