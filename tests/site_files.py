"""The site, or its demo alone, built once for the tests that look at it."""

import atexit
import importlib.util
import subprocess
import sys
import tempfile
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

from bs4 import BeautifulSoup
from lesson_files import ROOT

sys.path.insert(0, str(ROOT / "docs"))
import demo_page

NEEDED = {
    "sphinx": "sphinx",
    "myst_nb": "myst-nb",
    "sphinx_book_theme": "sphinx-book-theme",
    "autoapi": "sphinx-autoapi",
    "sphinx-mathjax-offline": "sphinx-mathjax-offline",
}


def missing() -> str | None:
    """What keeps the site from being built here."""
    names = [name for module, name in NEEDED.items() if importlib.util.find_spec(module) is None]
    return f"not installed: {', '.join(names)} (the group `docs`)" if names else None


def built() -> Path:
    """The folder of the site, built with warnings as errors; a failed build isn't tried again."""
    out, error = _build()
    assert error is None, error
    return out


@cache
def _build() -> tuple[Path, str | None]:
    folder = tempfile.TemporaryDirectory(prefix="unet-course-site-", ignore_cleanup_errors=True)
    atexit.register(folder.cleanup)
    out = Path(folder.name) / "html"
    options = ["-W", "--keep-going", "-q", "-d", f"{folder.name}/doctrees"]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, str(ROOT / "docs"), str(out)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    return out, done.stderr[-4000:] if done.returncode else None


@cache
def built_demo() -> tuple[Path, str]:
    """The demo's folder, without the site around it; and why it can't be built, empty if it was."""
    folder = tempfile.TemporaryDirectory(prefix="unet-course-demo-", ignore_cleanup_errors=True)
    atexit.register(folder.cleanup)
    out = Path(folder.name) / "demo"
    return out, demo_page.build(out)


@cache
def page(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, {name: value or "" for name, value in attrs}))


@cache
def tags(path: Path) -> list[tuple[str, dict[str, str]]]:
    """A page's tags and their attributes, in order: quicker than the tree, for all pages."""
    parser = _Tags()
    parser.feed(path.read_text(encoding="utf-8"))
    return parser.found


@cache
def anchors(path: Path) -> set[str]:
    return {attributes["id"] for _, attributes in tags(path) if "id" in attributes}


def pages() -> list[Path]:
    return sorted(built().rglob("*.html"))
