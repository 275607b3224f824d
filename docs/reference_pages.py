"""The package's reference: a table of its modules in the order of the lessons, and how docstrings
are read."""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import lesson_pages
from docutils import nodes
from sphinx.domains.python import PyXRefRole

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "unet_course"
# what makes the sample, carries out commands, draws a single lesson's figures or checks its exercises
IGNORED = ("commands", "synthetic", "showing/lesson_figures", "exercises/lesson_*", "_notebooks")
SENTENCE = re.compile(r".+?(?<!et al)[.?!](?=\s|$)", re.DOTALL)


def files() -> list[Path]:
    """Return the modules that the reference describes, sorted by path."""
    return [
        path
        for path in sorted(PACKAGE.rglob("*.py"))
        if not any(_is_in(path.relative_to(PACKAGE), pattern) for pattern in IGNORED)
    ]


def _is_in(path: Path, pattern: str) -> bool:
    return any(folder.match(pattern) for folder in (path, *path.parents))


def module_name(path: Path) -> str:
    """Return a module's full name, a folder's for its `__init__.py`."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def first_sentence(path: Path) -> str:
    """Return the first sentence of a module's docstring, on one line."""
    text = " ".join((ast.get_docstring(_tree(path)) or "").split("\n\n")[0].split())
    found = SENTENCE.match(text)
    return found[0] if found else text


def imported_names(lesson: Path) -> set[str]:
    """Return the full names that a lesson's code cells import, modules and what is in them."""
    found = set()
    for cell in json.loads(lesson.read_text(encoding="utf-8"))["cells"]:
        try:
            tree = ast.parse("".join(cell["source"]) if cell["cell_type"] == "code" else "")
        except SyntaxError:  # a line that begins with % or !
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module)
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
    return found


def table(lessons: list[Path]) -> str:
    """Return a Markdown table of the modules, those that the first lessons import first.

    A row has the module, linked to its page, its first sentence and the lessons that import it.
    """
    imports = {lesson: imported_names(lesson) for lesson in lessons}
    rows = []
    for path in files():
        name = module_name(path)
        users = [lesson for lesson in lessons if name in imports[lesson]]
        if path.stem == "__init__" and not _defines_something(path):
            continue  # a folder's docstring alone
        page = f"reference/{name.replace('.', '/')}/index.rst"
        links = ", ".join(f"[{one.name[:2]}]({lesson_pages.FOLDER}/{one.name})" for one in users)
        if len(users) == len(lessons):
            links = "all"
        sentence = first_sentence(path).replace("``", "`").replace("|", "\\|")
        row = f"| [`{name.removeprefix('unet_course.')}`]({page}) | {sentence} | {links or '–'} |"
        rows.append((lessons.index(users[0]) if users else len(lessons), name, row))
    head = "| module | what it is | lessons that import it |\n|---|---|---|\n"
    return head + "\n".join(row for *_, row in sorted(rows))


def _defines_something(path: Path) -> bool:
    return any(
        isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        for node in _tree(path).body
    )


def remove_old_pages(folder: Path) -> None:
    """Delete the pages of modules that are gone: autoapi keeps them, and no menu leads to them."""
    made = {folder / path.relative_to(ROOT).with_suffix("") / "index.rst" for path in files()}
    made |= {page.parent.parent / page.name for page in made if page.parent.name == "__init__"}
    for page in (folder / PACKAGE.name).rglob("index.rst"):
        if page not in made:
            page.unlink()


# --- what has no docstring of its own ---------------------------------------------------------------


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def documented() -> frozenset[str]:
    """Return the full names of the classes and functions that have a docstring."""

    def walk(node: ast.AST, name: str) -> Iterator[str]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                if ast.get_docstring(child):
                    yield f"{name}.{child.name}"
                yield from walk(child, f"{name}.{child.name}")

    return frozenset(name for path in files() for name in walk(_tree(path), module_name(path)))


def skip_undocumented(app, what, name, obj, skip, options) -> bool | None:
    """Leave out what has no docstring of its own: autoapi would take the one of Keras' class."""
    own = what not in ("class", "method", "function", "property") or name in documented()
    return None if own else True


# --- single backticks -------------------------------------------------------------------------------


def code_or_link(name, rawtext, text, lineno, inliner, options=None, content=()):
    """Read single backticks in docstrings as code, and as a link if they hold a documented name.

    Sphinx' own `py:obj` would do for names, but it drops leading dots and tildes, so that `...` would
    be empty.
    """
    if re.fullmatch(r"[A-Za-z_][\w.]*", text):
        return PyXRefRole()("py:obj", rawtext, text, lineno, inliner, options or {}, content)
    return [nodes.literal(rawtext, rawtext.strip("`"))], []


def setup(app) -> dict:
    app.add_role("code_or_link", code_or_link)
    app.connect("autoapi-skip-member", skip_undocumented)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
