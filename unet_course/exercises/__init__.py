"""The self-checks: `exercises.check("dice-by-hand", dice_by_hand)` prints a verdict.

`○` the stub is untouched, `✗` what went wrong on which input, `✓` why it matters. A check
never raises, so that "Run All" goes through a fresh notebook. Each lesson's checks stand in
`lesson_NN.py` beside this file, in its dictionary `CHECKS`: the exercise's name → a function
that takes the answer and returns the line behind `✓` or raises `verdict.Wrong`.

A check calls the student's function with copies, and what the function prints is kept back. An
answer that changes its copies isn't right, whatever it returns.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import importlib
import inspect
import io
import pkgutil
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from unet_course.exercises import solved, source
from unet_course.exercises.verdict import FORGOTTEN_RETURN, Wrong, describe

BLANK, WRONG, RIGHT = "○", "✗", "✓"


@dataclass(frozen=True)
class Verdict:
    """What a check found: `mark` is ○, ✗ or ✓; `text` is what the student reads."""

    mark: str
    text: str
    hint: str | None = None

    def __str__(self) -> str:
        lines = [f"{self.mark} {self.text}"]
        if self.hint:
            lines.append(f"  Hint: {self.hint}")
        return "\n".join(lines)


def check(name: str, answer: Callable) -> None:
    """Judge an answer to the exercise `name`, print the verdict, remember a `✓`. Never raises.

    Only the student's own "Stop" (KeyboardInterrupt) passes through.
    """
    verdict = judge(name, answer)
    print(verdict)
    if verdict.mark != BLANK and name in checks():
        trouble = solved.record(name, verdict.mark == RIGHT)
        if trouble:
            print(f"  (Progress wasn't saved: {trouble})")


def holds(claim: str, condition: object, otherwise: str = "") -> None:
    """Print a finding as a sentence that the code has checked: ✓ and the claim, or ✗.

    Args:
        claim: a sentence that is true if `condition` is.
        condition: what a comparison gave; anything that is true or false.
        otherwise: the sentence for ✗, where the page can say what happened instead.

    >>> holds("The loss fell to less than half.", 0.2 < 0.9 / 2)
    ✓ The loss fell to less than half.
    >>> holds("Flips helped.", 0.8 > 0.9, "Flips didn't help in this run.")
    ✗ Flips didn't help in this run.
    >>> holds("Flips helped.", False)
    ✗ Not so in this run: Flips helped.
    """
    if condition:
        print(f"{RIGHT} {claim}")
    else:
        print(f"{WRONG} {otherwise or f'Not so in this run: {claim}'}")


def grade(name: str, answer: Callable) -> None:
    """Judge an answer for an autograder: silent when it is right, and nobody's progress changes.

    Raises:
        AssertionError: the verdict is ○ or ✗; the message is what `check` prints.
    """
    verdict = judge(name, answer)
    if verdict.mark != RIGHT:
        raise AssertionError(str(verdict))


def judge(name: str, answer: Callable) -> Verdict:
    """Return the verdict that `check` prints."""
    found = checks().get(name)
    if found is None:
        near = difflib.get_close_matches(str(name), checks(), 1)
        cure = f"; did you mean {near[0]!r}?" if near else "."
        return Verdict(WRONG, f"there is no exercise called {name!r}{cure}")
    if answer is ...:
        return Verdict(BLANK, "not attempted yet")
    if not callable(answer):
        return Verdict(
            WRONG,
            f"{name}: the check takes your function, it was given {describe(answer)}",
            "Write the function's name alone, without brackets behind it.",
        )
    lines, idle = source.placeholders(answer)
    if lines:
        # a `...` that does nothing may have been left above right code
        if idle and (verdict := _run(name, found, answer)).mark == RIGHT:
            return verdict
        where = f"line {lines[0]}" if len(lines) == 1 else f"lines {', '.join(map(str, lines))}"
        return Verdict(BLANK, f"not attempted yet (a ... is left in {where})")
    if source.not_implemented(answer):
        return Verdict(BLANK, "not attempted yet (it still raises NotImplementedError)")
    return _run(name, found, answer)


def _run(name: str, found: Callable, answer: Callable) -> Verdict:
    watched = _Watched(answer)
    printed = io.StringIO()
    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
        warnings.catch_warnings(record=True) as warned,
    ):
        warnings.simplefilter("always")
        try:
            why = found(watched)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            failure = error
        else:
            if not watched.changed:
                return Verdict(RIGHT, f"{name}: {why}")
            failure = Wrong(
                f"what you return is right, but your function changed its argument {watched.changed}",
                "The caller still needs what it passed in: make new arrays and lists, or begin with "
                "copies.",
            )
    text, hint = _explain(failure, watched)
    for line in dict.fromkeys(str(w.message).splitlines()[0] for w in warned[:3] if str(w.message)):
        text += f"\n  On the way there was a warning: {line}"
    text += _printed(printed.getvalue())
    return Verdict(WRONG, f"{name}: {text}", hint)


def _explain(error: BaseException, watched: _Watched) -> tuple[str, str | None]:
    """Return what happened, in the student's terms, and the hint."""
    if error is watched.raised:
        kind = type(error).__name__
        said = " ".join(str(error).split())
        what = f"your function raised {kind}{': ' + said if said else ''}"
        if isinstance(error, SystemExit):
            what = "your function called exit(), which ends a whole program"
        line = source.student_line(watched.trace, watched.function)
        place = f", in line {line[0]}: {line[1]}" if line else ""
        hint = getattr(error, "hint", None) or _signature_hint(error, line)
        return f"{what}{place}\n  It was called with {watched.given}", hint
    returned = watched.calls > 0 and watched.raised is None
    if returned and watched.result is None:
        return f"called with {watched.given} your function returned None", FORGOTTEN_RETURN
    if isinstance(error, Wrong):
        return error.message, error.hint
    if returned:
        kind = type(error).__name__
        return (
            f"called with {watched.given} your function returned {describe(watched.result)}, which "
            f"the check can't use ({kind}: {' '.join(str(error).split())})"
        ), "Compare what you return with what the task asks for: its type and its shape."
    last = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"the check itself failed before it called your function ({type(error).__name__}: {error}, "
        f"{last.name}, line {last.lineno}). That is the course's fault, not yours"
    ), None


def _signature_hint(error: BaseException, line) -> str | None:
    if isinstance(error, TypeError) and line is None and "argument" in str(error):
        return "Keep the stub's first line as it was: the check passes those arguments."
    return None


def _printed(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    more = f"\n    … and {len(lines) - 5} lines more" if len(lines) > 5 else ""
    shown = "\n    ".join(line[:100] for line in lines[:5])
    return f"\n  Your function printed:\n    {shown}{more}"


class _Watched:
    """The student's function, called with copies; remembers its last call for the message."""

    def __init__(self, function: Callable):
        functools.update_wrapper(self, function)
        self.function = function
        self.calls = 0
        self.given = "nothing"
        self.result = None
        self.raised: BaseException | None = None
        self.trace = None
        self.changed = ""  # the first argument that a call changed

    def __call__(self, *args, **named):
        self.calls += 1
        self.result = None
        self.raised = None
        parts = [describe(a) for a in args] + [f"{k}={describe(v)}" for k, v in named.items()]
        self.given = ", ".join(parts) or "no arguments"
        copies = _copied(args), _copied(named)
        try:
            self.result = self.function(*copies[0], **copies[1])
        except BaseException as error:
            self.raised = error
            self.trace = error.__traceback__.tb_next  # without this frame and the check's
            raise
        self.changed = self.changed or self._changed(
            zip(args, copies[0], strict=True), named, copies[1]
        )
        return self.result

    def _changed(self, pairs, named: dict, named_copies: dict) -> str:
        """Return the name of the first argument that no longer equals its original, or ""."""
        try:
            names = list(inspect.signature(self.function).parameters)
        except (TypeError, ValueError):  # some callables have none
            names = []
        for number, (before, now) in enumerate(pairs):
            if not _equal(before, now):
                return f"`{names[number]}`" if number < len(names) else f"number {number + 1}"
        return next((f"`{k}`" for k, v in named.items() if not _equal(v, named_copies[k])), "")


def _copied(value):
    """Return a copy of arrays and of lists, tuples and dicts of them; all else as it is."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if type(value) in (list, tuple):
        return type(value)(_copied(v) for v in value)
    if type(value) is dict:
        return {k: _copied(v) for k, v in value.items()}
    return value


def _equal(before, now) -> bool:
    """Return whether what `_copied` has made of a value still equals it."""
    if before is now:
        return True
    if isinstance(before, np.ndarray):
        return before.shape == now.shape and np.array_equal(
            before, now, equal_nan=before.dtype.kind in "fc"
        )
    if type(before) in (list, tuple):
        return len(before) == len(now) and all(map(_equal, before, now))
    if type(before) is dict:
        return list(before) == list(now) and all(_equal(v, now[k]) for k, v in before.items())
    return isinstance(before, (int, float, str)) and before == now


@functools.cache
def checks() -> dict[str, Callable]:
    """Return every exercise's check by its name, lesson after lesson."""
    found: dict[str, Callable] = {}
    for lesson in lessons():
        found.update(importlib.import_module(f"{__name__}.{lesson}").CHECKS)
    return found


def lessons() -> list[str]:
    """Return the names of the modules that hold a lesson's checks, such as `"lesson_01"`."""
    names = (module.name for module in pkgutil.iter_modules(__path__))
    return sorted(name for name in names if name.startswith("lesson_"))
