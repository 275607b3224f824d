"""The checks of lesson 13: leaks by patient, majority vote, Holm, test patients, eight outlines."""

import numpy as np

from unet_course.exercises import verdict
from unet_course.exercises.choices import Question
from unet_course.exercises.verdict import Wrong


def leaks_by_patient(answer):
    train = ["GLI-00005-000", "GLI-00012-000", "GLI-00012-001", "GLI-00031-100"]
    test = ["GLI-00040-000", "GLI-00005-001", "GLI-00050-000", "GLI-00061-001", "GLI-00012-002"]
    # 00050 is the scan of a training patient; of 00061 another time point is
    same = {
        "GLI-00050-000": "GLI-00031-100",
        "GLI-00061-000": "GLI-00005-000",
        "GLI-00040-000": "GLI-00099-000",
    }
    right = ["GLI-00005-001", "GLI-00012-002", "GLI-00050-000", "GLI-00061-001"]
    cases = [
        ((train, test, same), right, "four training and five test cases, three of them copies,"),
        (
            (["GLI-00031-000"], ["GLI-00020-000"], {"GLI-00031-100": "GLI-00020-001"}),
            ["GLI-00020-000"],
            "a training patient who is a copy of the test patient",
        ),
        (
            (["GLI-00005-000"], ["GLI-00005-001", "GLI-00007-000"], {}),
            ["GLI-00005-001"],
            "the first example",
        ),
        (
            (["GLI-00005-000"], ["GLI-00007-001"], {"GLI-00007-000": "GLI-00005-000"}),
            ["GLI-00007-001"],
            "the second example",
        ),
        ((["GLI-00001-000"], ["GLI-00010-000"], {}), [], "two different patients"),
        (([], ["GLI-00001-000"], {}), [], "nobody to train on"),
    ]
    for given, wanted, what in cases:
        got = answer(*given)
        if got is None:
            raise Wrong(f"for {what} you gave None", verdict.FORGOTTEN_RETURN)
        if isinstance(got, str) or not hasattr(got, "__iter__"):
            raise Wrong(
                f"for {what} you gave {verdict.describe(got)}", "Return a list of test cases' ids."
            )
        found = [str(case) for case in got]
        if found == wanted:
            continue
        raise Wrong(
            f"for {what} you gave {verdict.describe(found)}, expected {verdict.describe(wanted)}",
            _leak_hint(found, wanted, given),
        )
    return (
        "A patient is on one side of the split, under whatever name and at whatever time point. "
        "What the ids don't show, the voxels do."
    )


def _leak_hint(found, wanted, given) -> str:
    train, test, same = given

    def patient(case):
        return case.rpartition("-")[0]

    if sorted(found) == wanted:
        return "They are the right ones: sort them, each once."
    if set(found) <= set(train) and found:
        return "Return the test cases that leak, not the training cases."
    if found == sorted(set(test) - set(wanted)) and found:
        return "Those are the test cases that don't leak."
    trained = {patient(case) for case in train}
    one = {patient(copy): patient(original) for copy, original in same.items()}
    if set(found) == {case for case in test if one.get(patient(case), patient(case)) in trained}:
        return "A training case may be the copy, too: give both sides the original's name."
    if set(found) == {case for case in test if patient(case) in trained}:
        return "Names alone don't tell: `same` says which scans are one, so their patients are one, too."
    if set(found) == {case for case in test if case in train or same.get(case, case) in train}:
        return "The last number is a time point: the patient is the id without it."
    return (
        "Copies make *patients* one, not only scans: all time points of the two belong together. "
        "Give every patient the original's name first, on both sides, then compare."
    )


def majority_vote(answer):
    one = np.array([[1, 1, 1, 0], [1, 0, 0, 0]])
    two = np.array([[1, 1, 0, 0], [1, 1, 0, 0]])
    three = np.array([[1, 0, 1, 0], [0, 1, 0, 1]])
    _vote(answer, [one, two, three], "three outlines of 2 × 4 pixels")
    rng = np.random.default_rng(13)
    five = [(rng.random((3, 6, 5)) < 0.5).astype(np.uint8) for _ in range(5)]
    _vote(answer, five, "five outlines of three slices, uint8")
    _vote(answer, [one.astype(bool), two.astype(bool), three.astype(bool)], "three as bool")
    _vote(answer, [one, two, three, 1 - three], "four outlines, two against two in places")
    _vote(answer, [one, two], "two outlines that differ")
    return (
        "Where one hand slips, the others outvote it, so a majority of three is nearer to the tumour "
        "than each of the three. What all of them do wrongly, it keeps."
    )


def _vote(answer, masks, given):
    votes = np.sum([mask.astype(int) for mask in masks], axis=0)
    right = 2 * votes > len(masks)
    got = answer(masks)
    verdict.shape(got, right.shape, given, hint="One mask, of the shape that each outline has.")
    verdict.equal(
        got,
        right,
        given,
        mistakes=[
            (votes, "Those are the numbers of votes: compare them with half of the raters."),
            (votes / len(masks), "Those are shares of votes: compare them with a half."),
            (votes > 0, "That is what any of them marked: more than half must have."),
            (votes == len(masks), "That is what all of them marked: more than half is enough."),
            (
                2 * votes >= len(masks),
                "A tie isn't a majority: with two against two the pixel stays outside.",
            ),
            (~right, "That is the opposite: True where more than half marked the pixel."),
            (votes >= 2, "Two votes are a majority of three, not of five: compare with half."),
        ],
        hint="Add the masks up, and ask where the sum is more than half the number of raters.",
    )


def holm_adjusted(answer):
    example = [0.01, 0.04, 0.03]
    _holm(answer, example, "the task's example, [0.01, 0.04, 0.03],")
    _holm(answer, [0.5, 0.001, 0.2, 0.012, 0.011], "five p-values")
    _holm(answer, [0.9, 0.6, 0.7], "three large p-values")
    _holm(answer, [0.02], "a single p-value")
    _holm(answer, [0.02, 0.02, 0.02, 0.9], "p-values that are equal")
    return (
        "Of three comparisons in which nothing differs, one falls below 0.05 in about one study of "
        "seven. After Holm it is one study of twenty, and less is lost than with Bonferroni."
    )


def _holm(answer, values, given):
    p = np.array(values, float)
    m, order = len(p), np.argsort(p, kind="stable")
    stepwise = (m - np.arange(m)) * p[order]
    monotone = np.minimum(np.maximum.accumulate(stepwise), 1)

    def back(sorted_values):
        out = np.empty(m)
        out[order] = sorted_values
        return out

    hochberg = np.minimum.accumulate((m / np.arange(m, 0, -1)) * p[order][::-1])[::-1]
    verdict.close(
        answer(p.copy()),
        back(monotone),
        given,
        mistakes=[
            (np.minimum(m * p, 1), "That is Bonferroni: only the smallest is multiplied by all."),
            (m * p, "That is Bonferroni, and a p-value can't be above 1."),
            (monotone, "They are right, but sorted: return them in the order they came in."),
            (
                back(np.minimum(stepwise, 1)),
                "A larger p-value can't end up with a smaller adjusted one: each is at least as "
                "large as the one before it (np.maximum.accumulate).",
            ),
            (
                back(np.maximum.accumulate(stepwise)),
                "A p-value can't be above 1: np.minimum(…, 1) at the end.",
            ),
            (back(stepwise), "Each is at least as large as the one before it, and at most 1."),
            (
                np.minimum(back(hochberg), 1),
                "That is Benjamini and Hochberg's, which bounds another thing: the share of false "
                "finds among the finds.",
            ),
            (
                back(np.minimum(np.maximum.accumulate((np.arange(m) + 1) * p[order]), 1)),
                "The factor falls: the smallest is multiplied by how many there are, the largest by 1.",
            ),
            (p, "These are unchanged: multiply the smallest by how many there are, and so on."),
        ],
        hint="Sort; multiply the smallest by m, the next by m − 1, …, the largest by 1; never let one "
        "fall below the one before; cut at 1; put them back in their order.",
    )


def patients_needed(answer):
    for difference, deviation, given in (
        (0.02, 0.11, "a difference of 0.02 and a standard deviation of 0.11"),
        (0.05, 0.11, "the task's example, 0.05 and 0.11,"),
        (-0.03, 0.2, "a loss of 0.03 and a standard deviation of 0.2"),
        (0.1, 0.13, "0.1 and 0.13"),
    ):
        exact = (2.8 * deviation / difference) ** 2
        right = int(np.ceil(exact))
        got = answer(difference, deviation)
        verdict.equal(
            got,
            right,
            given,
            mistakes=[
                (int(np.floor(exact)), "Round up: with one patient less the power isn't reached."),
                (exact, "Patients come whole: round up, and return an int."),
                (
                    int(np.ceil(2 * exact)),
                    "Paired, each patient is their own control: no factor 2.",
                ),
                (
                    int(np.ceil(abs(2.8 * deviation / difference))),
                    "The square is missing: half the difference takes four times the patients.",
                ),
                (
                    int(np.ceil((2.8 * difference / deviation) ** 2)),
                    "Upside down: more spread takes more patients, a larger difference fewer.",
                ),
                (
                    int(np.ceil((1.96 * deviation / difference) ** 2)),
                    "With 1.96 alone the difference is found in half of all studies: 1.96 + 0.84.",
                ),
                (
                    int(np.ceil((2.8 / difference) ** 2 * deviation)),
                    "The deviation is squared, too.",
                ),
            ],
            hint=f"(2.8 · deviation / difference)² is {exact:.2f} here, rounded up to a whole number."
            if not isinstance(got, str)
            else "Return a whole number.",
        )
    return (
        "A test set is sized before anybody is tested. With sixteen patients only large differences "
        "can be told from chance, whichever test one takes."
    )


DESIGNS = {8: 1, 4: 2, 2: 4}  # patients: outlines of each; eight in all


def eight_outlines(evidence):
    designs, shares = evidence["designs"], evidence["answered"]
    for name, given in (("designs", designs), ("answered", shares)):
        if not isinstance(given, dict) or set(given) != set(DESIGNS):
            raise Wrong(
                f"{name} should be a dictionary for 8, 4 and 2 patients, you gave "
                f"{verdict.describe(given)}",
                "designs = {8: 1, …}: patients, then how often each is outlined.",
            )
    if designs != DESIGNS:
        wrong = next(n for n in DESIGNS if designs[n] != DESIGNS[n])
        raise Wrong(
            f"{wrong} patients with {verdict.describe(designs[wrong])} outlines each aren't eight outlines",
            "Patients times outlines of each is 8 in every design.",
        )
    shares = {count: float(share) for count, share in shares.items()}
    if not all(0 <= share <= 1 for share in shares.values()):
        raise Wrong(
            f"a share lies between 0 and 1, you gave {verdict.describe(shares)}",
            "Pass the cell's `shares` as they are.",
        )
    best = max(shares, key=shares.get)
    if evidence["best"] != best:
        raise Wrong(
            f"your shares are largest for {best} patients, you gave {verdict.describe(evidence['best'])}",
            "best is 8, 4 or 2: the design that answers most often.",
        )
    if best == 2:
        raise Wrong(
            "with two patients the interval is so wide that they can't answer most often",
            "Is it answered(scores, n, each), with the patients first?",
        )
    if evidence["vary_more"] != "patients":
        raise Wrong(
            f"your scores don't vary more between {verdict.describe(evidence['vary_more'])}",
            'vary_more is "patients" or "experts": compare the two standard deviations that the '
            "cell prints.",
        )
    expected = evidence["prediction"]
    came = "as you predicted" if expected == best else f"you predicted {verdict.describe(expected)}"
    return (
        f"{best} patients answer most often, in {shares[best]:.0%} of the studies; {came}. Patients "
        "differ more than experts do, so another patient tells more than another opinion."
    )


CHECKS = {
    "leaks-by-patient": leaks_by_patient,
    "majority-vote": majority_vote,
    "holm-adjusted": holm_adjusted,
    "patients-needed": patients_needed,
    "eight-outlines": eight_outlines,
}
OPEN_TASKS = {"eight-outlines"}

QUIZ = {
    "q1": Question(
        right="b",
        why={
            "a": "Two experts have 0.80 there as well: the network is as near as another expert is.",
            "b": "There 0.05 are missing to what two experts reach; on the small ones nothing is.",
            "c": "As such they can't, but next to the experts' Dice on the same patients they can.",
        },
    ),
    "q2": Question(
        right="a",
        why={
            "a": "The smallest of ten is multiplied by ten. Nor does that show that it is equal.",
            "b": "Ten questions were asked: chance alone answers one of them so in four studies of ten.",
            "c": "That it can't be told from chance doesn't show that there is no difference.",
        },
    ),
    "q3": Question(
        right="c",
        why={
            "a": "Splitting by patient is needed, but A and B were still seen in training.",
            "b": "Something can be estimated with the data at hand: what another hospital costs.",
            "c": "It imitates the step to a new hospital. Outlines from C are better still.",
        },
    ),
}
