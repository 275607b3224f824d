"""What a check says: `Wrong` with a hint, and comparisons whose messages a student can act on.

A check is a function that takes the student's function, calls it, and either returns the line that
says why the exercise matters or raises `Wrong`. Values that the usual mistakes give are listed with
the hint for each:

>>> close(0.5, 2 / 3, "two half-overlapping masks", mistakes=[(0.5, "that is the IoU")])
Traceback (most recent call last):
    ...
unet_course.exercises.verdict.Wrong: for two half-overlapping masks you gave 0.5, expected 0.6667
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

BLANK = "○"
WRONG = "✗"
RIGHT = "✓"
FORGOTTEN_RETURN = (
    "A function that ends without a `return` gives None: is yours missing? Or isn't it reached, as "
    "one inside an `if`?"
)


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


class Wrong(Exception):
    """The answer is wrong: what happened on which input, and a hint for the usual mistake."""

    def __init__(self, message: str, hint: str | None = None):
        super().__init__(message)
        self.message = message
        self.hint = hint


def close(
    got,
    expected,
    given: str = "",
    *,
    rtol: float = 1e-4,
    atol: float = 1e-6,
    mistakes: Iterable[tuple[object, str]] = (),
    hint: str | None = None,
) -> None:
    """Raise `Wrong` unless `got` has the shape and, within tolerance, the values of `expected`.

    Args:
        got: what the student's function returned: a number, a list, an array or a tensor.
        expected: the right answer, a number or an array.
        given: the input in words, for the message, such as `"two empty masks"`.
        mistakes: pairs (value that a usual mistake gives, the hint for it); the first that
            matches is shown.
        hint: shown when no mistake matches.
    """
    _same(got, expected, given, rtol, atol, mistakes, hint)


def equal(
    got,
    expected,
    given: str = "",
    *,
    mistakes: Iterable[tuple[object, str]] = (),
    hint: str | None = None,
) -> None:
    """Raise `Wrong` unless `got` equals `expected` exactly (counts, masks, names, tuples).

    `True` equals 1 and a list equals the array or tuple with the same values.
    """
    _same(got, expected, given, 0.0, 0.0, mistakes, hint)


def shape(got, expected: tuple[int, ...], given: str = "", hint: str | None = None) -> None:
    """Raise `Wrong` unless `got` is an array-like of the expected shape."""
    found = _array(got, given, hint).shape
    if found != tuple(expected):
        raise Wrong(f"{_for(given)}your result has shape {found}, expected {tuple(expected)}", hint)


def dtype(got, expected, given: str = "", hint: str | None = None) -> None:
    """Raise `Wrong` unless `got` is an array of the expected type, such as `np.uint8`."""
    found, wanted = _array(got, given, hint).dtype, np.dtype(expected)
    if found != wanted:
        raise Wrong(f"{_for(given)}your result is of type {found}, expected {wanted}", hint)


def describe(value) -> str:
    """Return a value in at most a line: small ones in full, large arrays by shape and type.

    >>> describe(np.zeros((2, 2), np.uint8)), describe(np.zeros((256, 256)))
    ('[[0, 0], [0, 0]]', 'an array of shape (256, 256), float64')
    """
    if isinstance(value, np.ndarray) and value.ndim:
        if value.size <= 16:
            return " ".join(np.array2string(value, separator=", ", precision=4).split())
        return f"an array of shape {value.shape}, {value.dtype}"
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (float, np.floating)) or (
        isinstance(value, np.ndarray) and np.issubdtype(value.dtype, np.floating)
    ):
        return f"{float(value):.{6 if abs(value) >= 1000 else 4}g}"  # 1562.5 isn't 1562
    if hasattr(value, "shape") and hasattr(value, "numpy"):  # a tensor
        try:
            return describe(np.asarray(value))
        except Exception:  # a symbolic one has no values
            return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, np.generic):
        value = value.item()
    text = " ".join(repr(value).split())
    return text if len(text) <= 100 else text[:97] + "…"


def _for(given: str) -> str:
    return f"for {given} " if given else ""


def _array(got, given: str, hint: str | None) -> np.ndarray:
    if got is None:
        raise Wrong(f"{_for(given)}you gave None", FORGOTTEN_RETURN)
    try:
        array = np.asarray(got)
    except Exception as error:  # ragged lists, symbolic tensors
        raise Wrong(f"{_for(given)}you gave {describe(got)}, which is no array", hint) from error
    if array.dtype == object:
        raise Wrong(f"{_for(given)}you gave {describe(got)}, which is no array of numbers", hint)
    return array


def _matches(got: np.ndarray, expected, rtol: float, atol: float) -> np.ndarray | bool:
    """Return where the two agree, or False when their shapes or kinds don't."""
    expected = np.asarray(expected)
    if got.shape != expected.shape:
        return False
    if got.dtype.kind in "biuf" and expected.dtype.kind in "biuf":
        if rtol == 0 and atol == 0:
            return got == expected
        return np.isclose(got.astype(float), expected.astype(float), rtol, atol, equal_nan=True)
    return got == expected if got.dtype.kind == expected.dtype.kind else False


def _same(got, expected, given, rtol, atol, mistakes, hint) -> None:
    mistakes = list(mistakes)
    for value, its_hint in mistakes:
        if value is None and got is None:
            raise Wrong(f"{_for(given)}you gave None", its_hint)
    array = _array(got, given, hint)
    expected = np.asarray(expected)
    agrees = _matches(array, expected, rtol, atol)
    if np.all(agrees):
        return
    for value, its_hint in mistakes:
        if value is not None and np.all(_matches(array, value, max(rtol, 1e-4), max(atol, 1e-6))):
            hint = its_hint
            break
    raise Wrong(f"{_for(given)}{_difference(array, expected, agrees)}", hint)


def _difference(got: np.ndarray, expected: np.ndarray, agrees) -> str:
    if got.dtype.kind in "US" and expected.dtype.kind not in "US":
        return f"you gave {describe(got[()])}, a text, expected {describe(expected[()])}"
    if got.shape != expected.shape:
        if not expected.shape:
            return f"you gave {describe(got)}, expected one number, {describe(expected[()])}"
        return f"your result has shape {got.shape}, expected {expected.shape}"
    if not got.shape or got.size <= 4:
        return f"you gave {describe(got[()])}, expected {describe(expected[()])}"
    if agrees is False:
        return f"you gave {describe(got)}, expected {describe(expected)}"
    wrong = np.argwhere(~agrees)
    index = tuple(int(i) for i in wrong[0])
    return (
        f"at index {list(index)} you gave {describe(got[index])}, expected "
        f"{describe(expected[index])} ({len(wrong)} of {got.size} values differ)"
    )
