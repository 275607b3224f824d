"""Reads a student's function as text: is a `...` left in it, and which of its lines failed?"""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
import textwrap
import traceback
from collections.abc import Callable, Iterator
from types import TracebackType


def placeholders(answer: Callable) -> tuple[list[int], bool]:
    """Return the lines (from 1, within the student's cell) where a `...` is left.

    Dots in an index (`x[..., 0]`, `tuple[int, ...]`), a comment or a text don't count. A
    function whose source can't be read has none: it is taken for attempted.

    Returns:
        The lines, and whether all of them are lines of their own among other statements: such a
        `...` does nothing, so right code may stand around it.
    """
    try:
        node, offset = _node(answer)
    except Exception:  # a callable of any kind may come here, and the check must not raise
        return [], False
    inside_index = {
        id(part)
        for subscript in ast.walk(node)
        if isinstance(subscript, ast.Subscript)
        for part in ast.walk(subscript.slice)
    }
    found = [
        part
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and part.value is ... and id(part) not in inside_index
    ]
    idle = {
        id(statement.value)
        for block in _blocks(node)
        if sum(not _is_text(statement) for statement in block) > 1
        for statement in block
        if isinstance(statement, ast.Expr)
    }
    lines = sorted({part.lineno + offset for part in found})
    return lines, all(id(part) in idle for part in found)


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """Every list of statements in a tree."""
    for part in ast.walk(node):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(part, name, None)
            if isinstance(block, list):
                yield block


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(
        getattr(statement.value, "value", None), str
    )


def not_implemented(answer: Callable) -> bool:
    """Return whether a `raise NotImplementedError()` is left, nbgrader's way to say "yours"."""
    try:
        node, _ = _node(answer)
    except Exception:  # as in `placeholders`
        return False
    raised = [part.exc for part in ast.walk(node) if isinstance(part, ast.Raise)]
    called = [part.func if isinstance(part, ast.Call) else part for part in raised]
    return any(isinstance(part, ast.Name) and part.id == "NotImplementedError" for part in called)


def _node(answer: Callable) -> tuple[ast.AST, int]:
    """Return the answer's syntax tree and what to add to its line numbers."""
    while isinstance(answer, functools.partial):
        answer = answer.func
    answer = inspect.unwrap(answer)
    code = _code(answer)
    if code is not None:
        whole = "".join(linecache.getlines(code.co_filename))
        found = _definition(whole, code) if not isinstance(answer, type) else _class(whole, answer)
        if found is not None:
            return found, 0
    lines, first = inspect.getsourcelines(answer)
    return ast.parse(textwrap.dedent("".join(lines))), max(first, 1) - 1


def _code(answer):
    """Return a function's code, a class's first method's, or None."""
    if isinstance(answer, type):
        methods = (part for part in vars(answer).values() if inspect.isfunction(part))
        return getattr(next(methods, None), "__code__", None)
    return getattr(answer, "__code__", None)


def _class(text: str, answer: type) -> ast.AST | None:
    """Return the last class of that name: `inspect` finds no class that a notebook defines."""
    named = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef) and node.name == answer.__name__
    ]
    return named[-1] if named else None


def _definition(text: str, code) -> ast.AST | None:
    """Return the function or lambda in the text that was compiled to `code`."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return None
    kind = ast.Lambda if code.co_name == "<lambda>" else (ast.FunctionDef, ast.AsyncFunctionDef)
    fits = []
    for node in ast.walk(tree):
        if not isinstance(node, kind):
            continue
        decorators = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(d.lineno for d in decorators)])
        if first == code.co_firstlineno and getattr(node, "name", "<lambda>") == code.co_name:
            fits.append(node)
    if len(fits) > 1:  # several lambdas in a line: the one that holds the code's own columns
        spans = [(line, column) for line, _, column, _ in code.co_positions() if column]
        fits = [
            node
            for node in fits
            if all(
                (node.lineno, node.col_offset) <= span <= (node.end_lineno, node.end_col_offset)
                for span in spans
            )
        ]
    return fits[0] if fits else None


def student_line(trace: TracebackType | None, answer: Callable) -> tuple[int, str] | None:
    """Return the number and text of the student's own line that a traceback leads through, if any.

    It is the deepest line in the cell that holds `answer`, so an error inside NumPy is laid at
    the call that led there.
    """
    code = _code(inspect.unwrap(answer))
    if code is None:
        return None
    frames = traceback.extract_tb(trace)
    own = [frame for frame in frames if frame.filename == code.co_filename]
    if not own:
        return None
    number = own[-1].lineno or 0
    return number, linecache.getline(code.co_filename, number).strip()
