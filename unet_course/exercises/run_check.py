"""Runs a check on a student's function, and puts what happens into the student's terms.

The function is called with copies, what it prints is kept back, and an answer that changes its
copies isn't right, whatever it returns.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import io
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from unet_course.exercises import source
from unet_course.exercises.verdict import FORGOTTEN_RETURN, RIGHT, WRONG, Verdict, Wrong, describe


def run_check(name: str, found: Callable, answer: Callable) -> Verdict:
    """Return the verdict of the check `found` on a student's function. Only "Stop" passes through."""
    watched = _Watched(answer)
    why, failure, said = call_quietly(found, watched)
    if failure is None:
        if not watched.changed:
            return Verdict(RIGHT, f"{name}: {why}")
        failure = Wrong(
            f"what you return is right, but your function changed its argument {watched.changed}",
            "The caller still needs what it passed in: make new arrays and lists, or begin with "
            "copies.",
        )
    text, hint = _explain(failure, watched)
    return Verdict(WRONG, f"{name}: {text}{said}", hint)


def call_quietly(function: Callable, given) -> tuple[Any, BaseException | None, str]:
    """Call a function and return its result, what it raised, and what it warned of and printed.

    Raises:
        KeyboardInterrupt: the student pressed "Stop".
    """
    printed, result, failure = io.StringIO(), None, None
    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
        warnings.catch_warnings(record=True) as warned,
    ):
        warnings.simplefilter("always")
        try:
            result = function(given)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            failure = error
    said = ""
    for line in dict.fromkeys(str(w.message).splitlines()[0] for w in warned[:3] if str(w.message)):
        said += f"\n  On the way there was a warning: {line}"
    return result, failure, said + _printed(printed.getvalue())


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
