"""Docstrings are prose with `names` and ``code`` in it: what else reStructuredText would read as
markup, the bars of |A| and the star of ``*spatial``, is meant as it stands."""

import re

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


def setup(app) -> dict:
    app.connect("autodoc-process-docstring", escape_prose, priority=400)  # before napoleon
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
