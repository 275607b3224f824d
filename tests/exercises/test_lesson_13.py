"""Lesson 13's exercises: the usual mistakes, and the words of the hint that each must get."""


def leaks(
    who="one.get(patient(case), patient(case))", back="sorted(c for c in test if who(c) in trained)"
):
    return (
        "def leaks(train, test, same):\n"
        "    def patient(case):\n"
        "        return case.rpartition('-')[0]\n"
        "    one = {patient(c): patient(o) for c, o in same.items()}\n"
        "    def who(case):\n"
        f"        return {who}\n"
        "    trained = {who(case) for case in train}\n"
        f"    return {back}"
    )


def vote(back: str, votes: str = "np.sum(masks, axis=0)") -> str:
    return f"def majority(masks):\n    votes = {votes}\n    return {back}"


def holm(
    factors="np.arange(len(p), 0, -1)",
    adjusted="np.maximum.accumulate(p[order] * factors)",
    back="np.minimum(result, 1)",
) -> str:
    return (
        "def holm(p_values):\n"
        "    p = np.asarray(p_values, float)\n"
        "    order = np.argsort(p)\n"
        f"    factors = {factors}\n"
        f"    adjusted = {adjusted}\n"
        "    result = np.empty_like(p)\n"
        "    result[order] = adjusted\n"
        f"    return {back}"
    )


def needed(exact="(2.8 * deviation / difference) ** 2", back="int(np.ceil(exact))") -> str:
    return f"def patients_needed(difference, deviation):\n    exact = {exact}\n    return {back}"


def evidence(**other) -> dict:
    given = {
        "designs": {8: 1, 4: 2, 2: 4},
        "answered": {8: 0.41, 4: 0.17, 2: 0.04},
        "best": 8,
        "vary_more": "patients",
        "prediction": 4,
    }
    return given | other


MISTAKES = {
    "leaks-by-patient": [
        (leaks(who="patient(case)"), "Names alone don't tell"),
        (leaks(who="same.get(case, case)"), "a time point"),
        (
            leaks(back="sorted(c for c in train if who(c) in {who(t) for t in test})"),
            "not the training",
        ),
        (leaks(back="sorted(c for c in test if who(c) not in trained)"), "that don't leak"),
        (
            leaks(back="sorted(c for c in test if who(c) in {patient(t) for t in train})"),
            "may be the copy",
        ),
        (
            leaks(who="patient(same.get(case, case))"),
            "all time points of the two belong together",
        ),
        (leaks(back="sorted((c for c in test if who(c) in trained), reverse=True)"), "sort them"),
        (leaks(back="len(test)"), "Return a list"),
        (leaks(back="None"), "return"),
    ],
    "majority-vote": [
        (vote("votes"), "numbers of votes"),
        (vote("votes / len(masks)"), "shares of votes"),
        (vote("votes > 0"), "any of them marked"),
        (vote("votes == len(masks)"), "all of them marked"),
        (vote("votes >= len(masks) / 2"), "A tie isn't a majority"),
        (vote("votes < len(masks) / 2"), "the opposite"),
        (vote("votes >= 2"), "not of five"),
        (vote("votes > len(masks) / 2", "np.sum(masks)"), "of the shape"),
        (vote("None"), "return"),
    ],
    "holm-adjusted": [
        (holm(back="np.minimum(len(p) * p, 1)"), "Bonferroni"),
        (holm(back="len(p) * p"), "Bonferroni"),
        (holm(back="np.minimum(adjusted, 1)"), "sorted: return them in the order"),
        (holm(adjusted="p[order] * factors"), "can't end up with a smaller"),
        (holm(back="result"), "above 1"),
        (
            holm(
                factors="len(p) / np.arange(1, len(p) + 1)",
                adjusted="np.minimum.accumulate((p[order] * factors)[::-1])[::-1]",
            ),
            "Benjamini",
        ),
        (holm(factors="np.arange(1, len(p) + 1)"), "The factor falls"),
        (holm(back="p"), "unchanged"),
        (holm(back="None"), "return"),
    ],
    "patients-needed": [
        (needed(back="int(exact)"), "Round up"),
        (needed(back="exact"), "whole"),
        (needed(exact="2 * (2.8 * deviation / difference) ** 2"), "no factor"),
        (needed(exact="abs(2.8 * deviation / difference)"), "square is missing"),
        (needed(exact="(2.8 * difference / deviation) ** 2"), "Upside down"),
        (needed(exact="(1.96 * deviation / difference) ** 2"), "1.96 + 0.84"),
        (needed(exact="(2.8 / difference) ** 2 * deviation"), "squared, too"),
        (needed(back="None"), "return"),
    ],
    "eight-outlines": [
        (evidence(designs={8: 1, 4: 1, 2: 1}), "times outlines of each is 8"),
        (evidence(designs=8), "designs should be"),
        (evidence(designs={1: 8, 2: 4, 4: 2}), "designs should be"),
        (evidence(answered=0.41), "answered should be"),
        (evidence(answered={8: 41, 4: 17, 2: 4}), "between 0 and 1"),
        (evidence(best=4), "largest for 8 patients"),
        (evidence(best="8"), "largest for 8 patients"),
        (evidence(answered={8: 0.04, 4: 0.17, 2: 0.41}, best=2), "with the patients first"),
        (evidence(vary_more="experts"), "standard deviations"),
    ],
}

EVIDENCE = {
    "eight-outlines": [
        evidence(),
        evidence(prediction=8),
        evidence(answered={8: 0.12, 4: 0.13, 2: 0.02}, best=4),
    ]
}
