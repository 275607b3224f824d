"""Open tasks: a prediction first, then a verdict on the evidence that the student's run gave."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping

import numpy as np

from unet_course.exercises import solved
from unet_course.exercises.run_check import call_quietly
from unet_course.exercises.verdict import BLANK, RIGHT, WRONG, Verdict, Wrong, describe

LONGEST = 2000  # characters of a prediction that are kept
# this session's own, by the task's name
predicted: dict[str, object] = {}  # the first prediction
concluded: dict[str, dict[str, object]] = {}  # what the last `conclude` was given


class Evidence(dict):
    """What `conclude` was given; asked for a name that is lacking, it says so to the student."""

    def __missing__(self, name: str):
        raise Wrong(
            f"the check also needs `{name}=`", "Leave the names in the call as the page has them."
        )


def predict(name: str, value: object) -> str:
    """Record a prediction, and return what the student reads."""
    if value is None or _blanks({"": value}):
        return f"{BLANK} no prediction yet"
    value = _plain(value)
    own = predicted.setdefault(name, value)
    kept, trouble = solved.record_prediction(name, value)
    if (first := own if kept is None else kept) != value:
        said = f"Your first prediction was {describe(first)}, and it is the one that counts. "
        said += f"Your change of mind is recorded, too: {describe(value)}."
    else:
        said = f"Your prediction: {describe(value)}. It is recorded."
    if kept is None:
        said = said.replace("It is recorded.", "It counts until this notebook's kernel stops.")
    return said + (f"\n  ({trouble})" if trouble else "")


def not_offered(value: object, choices: Collection) -> str:
    """Return what the student reads who predicts something that isn't among the choices, else "".

    >>> not_offered("Rare ", ("flat", "rare"))
    ''
    >>> print(not_offered("pear", ("flat", "rare")))
    ○ no prediction yet: choose one of 'flat', 'rare'; you gave 'pear'
    """
    if value is ... or not choices:
        return ""
    if str(value).strip().lower() in {str(choice).lower() for choice in choices}:
        return ""
    wanted = ", ".join(map(repr, choices))
    return f"{BLANK} no prediction yet: choose one of {wanted}; you gave {describe(value)}"


def conclude(name: str, check: Callable, evidence: Mapping[str, object]) -> Verdict:
    """Return the verdict on what the student's run gave, by the first prediction on record."""
    concluded[name] = dict(evidence)
    kept = solved.read_prediction(name)
    prediction = predicted.get(name) if kept is None else kept
    return judge(name, check, {**evidence, "prediction": prediction})


def judge(name: str, check: Callable, evidence: Mapping[str, object]) -> Verdict:
    """Return the verdict of an open task's check on the evidence, the prediction included."""
    given = {key: value for key, value in evidence.items() if key != "prediction"}
    if left := _blanks(given):
        return Verdict(BLANK, f"not attempted yet (a ... is left in {', '.join(left)})")
    if evidence.get("prediction") is None:
        return Verdict(
            WRONG,
            f"{name}: predict first",
            f'Put what you expect into the line exercises.predict("{name}", …), and run it before '
            "this one. A prediction can't be wrong: it shows you what you know already.",
        )
    why, failure, said = call_quietly(check, Evidence(evidence))
    if failure is None:
        return Verdict(RIGHT, f"{name}: {why}")
    if isinstance(failure, Wrong):
        return Verdict(WRONG, f"{name}: {failure.message}{said}", failure.hint)
    told = ", ".join(f"{key}={describe(value)}" for key, value in given.items())
    what = f"{type(failure).__name__}: {' '.join(str(failure).split())}"
    return Verdict(
        WRONG,
        f"{name}: the check can't use what it was given ({what})\n  It was given {told}{said}",
        "Compare the type of each value with what the task asks for.",
    )


def _blanks(given: Mapping[str, object]) -> list[str]:
    """Return the names of the values that are `...` or hold it."""

    def blank(value) -> bool:
        if isinstance(value, Mapping):
            return any(map(blank, value.values()))
        if isinstance(value, (list, tuple, set)):
            return any(map(blank, value))
        return value is ...

    return [name for name, value in given.items() if blank(value)]


def _plain(value: object) -> object:
    """Return a prediction as JSON gives it back: numbers, texts, lists and dictionaries."""

    def other(value):
        if isinstance(value, (set, frozenset)):
            return sorted(value)
        if isinstance(value, np.ndarray) and value.size > 100:
            return describe(value)
        return value.tolist() if hasattr(value, "tolist") else describe(value)

    try:
        text = json.dumps(value, default=other)
    except (TypeError, ValueError, RecursionError):  # keys that are no texts, a circle
        return describe(value)
    return json.loads(text) if len(text) <= LONGEST else describe(value)
