"""The checks of lesson 06: threshold, paired interval, slice errors, within the spread."""

import inspect

import numpy as np

from unet_course.exercises import verdict
from unet_course.exercises.verdict import Wrong


def choose_threshold(answer):
    thresholds = np.array([0.2, 0.4, 0.6, 0.8])
    choosing = np.array([[0.50, 0.70, 0.60, 0.10], [0.60, 0.50, 0.80, 0.20], [0.8, 0.8, 0.7, 0.9]])
    test = np.array([[0.90, 0.80, 0.50, 0.30], [0.50, 0.70, 0.70, 0.20]])
    _choice(answer, thresholds, choosing, test, "three choosing and two test patients")
    # a single patient on either side, and two thresholds that are equally good
    equal = np.array([[0.5, 0.7, 0.7, 0.6]])
    _choice(answer, thresholds, equal, test[:1], "one choosing patient with two equal bests")
    return (
        "What you report was chosen by others than those who judge it; the flattery is what you "
        "would have claimed besides."
    )


def _choice(answer, thresholds, choosing, test, given):
    ours, theirs = choosing.mean(axis=0), test.mean(axis=0)
    place = int(ours.argmax())
    right = (thresholds[place], theirs[place], theirs.max() - theirs[place])
    got = _tuple(answer(thresholds, choosing, test), 3, "the threshold, the Dice and the flattery")
    last = len(ours) - 1 - int(ours[::-1].argmax())
    chosen, reported, flattery = got
    verdict.close(
        chosen,
        right[0],
        f"{given}: the chosen threshold,",
        mistakes=[
            (place, "That is its place in the array: return thresholds[place]."),
            (
                thresholds[int(theirs.argmax())],
                "That is the best on test. Test patients judge; the choosing ones choose.",
            ),
            (
                thresholds[int(choosing.max(axis=0).argmax())],
                "That goes by the best patient: take the mean over patients (axis 0) first.",
            ),
            (thresholds[last], "Of several equally good thresholds the lowest is wanted."),
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
            (theirs.max(), "That is test's best; take off what you report."),
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
    got = _tuple(answer(before, before + change, np.random.default_rng(2)), 2, "low and high")
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
    if width < 0.92 * wanted:
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
    if width > 1.09 * wanted or abs(sum(got) - (low + high)) > 0.2 * wanted:
        raise Wrong(given, "Percentiles 2.5 and 97.5 of the means of the drawn differences.")
    return (
        "Paired, a change can be told apart although patients differ from each other far more "
        "than it is large."
    )


def slice_errors(answer):
    truth, prediction = np.zeros((6, 4, 4), np.uint8), np.zeros((6, 4, 4), np.uint8)
    truth[1, 0, 0] = truth[3, 1:3, 1:3] = truth[4, 2, 2] = 1
    prediction[0, 1, 1] = prediction[1, 3, 3] = prediction[2, :2, :2] = prediction[5, 0, :3] = 1
    pair = (truth.any(axis=(1, 2)), prediction.any(axis=(1, 2)))
    got = _tuple(answer(truth.copy(), prediction.copy()), 2, "false alarms and misses")
    right = (int((pair[1] & ~pair[0]).sum()), int((pair[0] & ~pair[1]).sum()))
    pixels = (int((prediction & (1 - truth)).sum()), int((truth & (1 - prediction)).sum()))
    not_all = (
        int(((prediction & (1 - truth)).any(axis=(1, 2))).sum()),
        int(((truth & (1 - prediction)).any(axis=(1, 2))).sum()),
    )
    shares = (right[0] / int((~pair[0]).sum()), right[1] / int(pair[0].sum()))
    verdict.close(
        np.array(got, dtype=float),
        np.array(right, dtype=float),
        "six slices, of which three were marked without need and two passed over,",
        mistakes=[
            (np.array(right[::-1], float), "The other way round: false alarms first, then misses."),
            (
                np.array(pixels, float),
                "You counted pixels: a slice counts once, however much of it.",
            ),
            (
                np.array(not_all, float),
                "A slice with tumour that is marked in the wrong place is neither: ask of the "
                "whole slice whether it holds tumour, and whether anything was marked.",
            ),
            (np.array(shares), "Those are shares: return how many slices there are."),
        ],
        hint="truth.any(axis=(1, 2)) says for each slice whether it holds tumour.",
    )
    empty = np.zeros((3, 4, 4), np.uint8)
    got = _tuple(answer(empty, empty.copy()), 2, "false alarms and misses")
    verdict.close(np.array(got, float), np.zeros(2), "three slices that are empty in both masks")
    as_bool = _tuple(answer(truth.astype(bool), prediction.astype(bool)), 2, "two counts")
    verdict.close(np.array(as_bool, float), np.array(right, float), "the same masks as bool")
    return "Dice hardly notices a false alarm of a few pixels; whoever reads the slices does."


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
    inspect.unwrap(answer)(list(base + cases[0][0]), base, again)  # a list is as good
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


CHECKS = {
    "choose-threshold": choose_threshold,
    "paired-interval": paired_interval,
    "slice-errors": slice_errors,
    "within-the-spread": within_the_spread,
}
