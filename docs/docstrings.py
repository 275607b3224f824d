"""Docstrings are prose with `names` and ``code`` in it: what else reStructuredText would read as
markup, the bars of |A| and the star of ``*spatial``, is meant as it stands."""

import ast
import re
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "unet_course"
QUOTED = re.compile(r"(``.+?``|`[^`]+`)")


def escape(text: str) -> str:
    """Return a line with its stars and bars escaped, but for those in quotes.

    >>> escape("(batch, *spatial), in ``*args``: |A|")
    '(batch, \\\\*spatial), in ``*args``: \\\\|A\\\\|'
    """
    parts = QUOTED.split(text)
    parts[::2] = [re.sub(r"([*|])", r"\\\1", part) for part in parts[::2]]
    return "".join(parts)


def escape_prose(app, what, name, obj, options, lines: list[str]) -> None:
    """Escape a docstring's lines in place; examples, from ``>>>`` to a blank line, stay."""
    example = False
    for number, line in enumerate(lines):
        example = bool(line.strip()) and (example or line.lstrip().startswith(">>>"))
        if not example:
            lines[number] = escape(line)


@cache
def documented() -> frozenset[str]:
    """Return the full names of the package's classes and functions that have a docstring."""
    found = set()

    def walk(node: ast.AST, name: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                if ast.get_docstring(child):
                    found.add(f"{name}.{child.name}")
                walk(child, f"{name}.{child.name}")

    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        walk(ast.parse(path.read_text(encoding="utf-8")), ".".join(parts))
    return frozenset(found)


def skip_undocumented(app, what, name, obj, skip, options) -> bool | None:
    """Leave out what has no docstring of its own: autoapi would take the one of Keras' class."""
    own = what not in ("class", "method", "function", "property") or name in documented()
    return None if own else True


def setup(app) -> dict:
    app.connect("autoapi-skip-member", skip_undocumented)
    app.connect("autodoc-process-docstring", escape_prose, priority=400)  # before napoleon
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
