"""Quizzes: questions with choices, and why each choice is right or wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from unet_course.exercises.verdict import BLANK, RIGHT, WRONG, Verdict, describe


@dataclass(frozen=True)
class Question:
    """A question's right choice, and for every choice the sentence that its verdict shows.

    Raises:
        ValueError: the right choice has no sentence, or there is no choice but it.
    """

    right: str
    why: dict[str, str]

    def __post_init__(self):
        if self.right not in self.why or len(self.why) < 2:
            raise ValueError(f"choices {', '.join(self.why)}: {self.right!r} and others are needed")


def judge_choice(asked: Mapping[str, Question], name: str, choice: object) -> Verdict:
    """Return the verdict on the choice for one question of a quiz.

    >>> asked = {"q1": Question("b", {"a": "That is the IoU.", "b": "Twice the overlap."})}
    >>> print(judge_choice(asked, "q1", "a"))
    ✗ q1 (a): That is the IoU.
    """
    if name not in asked:
        return Verdict(WRONG, f"there is no question {name}; the quiz has {_listed(asked)}.")
    if choice is ...:
        return Verdict(BLANK, f"{name}: not answered yet")
    why = asked[name].why
    letter = choice.strip().lower() if isinstance(choice, str) else choice
    if not isinstance(letter, str) or letter not in why:
        wanted = _listed([f'"{one}"' for one in why])
        return Verdict(WRONG, f"{name}: choose one of {wanted}; you gave {describe(choice)}")
    mark = RIGHT if letter == asked[name].right else WRONG
    return Verdict(mark, f"{name} ({letter}): {why[letter]}")


def lesson_number(lesson: object) -> str:
    """Return a lesson's number with two digits, from `"03"`, `"3"` or `3`."""
    text = str(lesson).strip()
    return f"{int(text):02}" if text.isdecimal() else text


def _listed(names) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last
