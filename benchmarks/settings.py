"""The option `--set NAME=VALUE` of the benchmarks that train by a recipe."""

import argparse
import ast
from collections.abc import Callable, Collection
from dataclasses import fields


def setting_of(recipe: type, words: Collection[str] = ()) -> Callable[[str], tuple[str, object]]:
    """Return a parser of `side=96` into ("side", 96), for argparse's `type`.

    Args:
        recipe: a dataclass; all its fields but `augmentation` can be set.
        words: fields whose value is a word, such as `batch`; other values are Python literals.
    """
    plain = [field.name for field in fields(recipe) if field.name != "augmentation"]

    def setting(text: str) -> tuple[str, object]:
        name, _, value = text.partition("=")
        if name not in plain:
            raise argparse.ArgumentTypeError(f"{name!r} isn't one of {', '.join(plain)}")
        if name in words:
            return name, value
        try:
            return name, ast.literal_eval(value)
        except (ValueError, SyntaxError):
            raise argparse.ArgumentTypeError(f"{name}: {value!r} is no Python value") from None

    return setting
