"""Write what a published course carries in many places: its address, authors, contact, version.

    python tools/address.py ada/unet-course                      # the repository on GitHub
    python tools/address.py --author "Lovelace, Ada" --contact ada@example.com
    python tools/address.py --version 0.2.0                      # before a release
    python tools/address.py --doi 10.5281/zenodo.1234567         # after the first one
    python tools/address.py --check                              # what is still missing

The address stands in one place, ``[project.urls] Repository`` and ``[tool.unet-course] branch`` of
``pyproject.toml``. Without a repository the address that is there is written again: do so after
adding a lesson (``python tools/address.py``, or with the new file's name). In a lesson only the
launch links below its title, links to the site's demo and the install cell's source change; nothing
is executed, and outputs, ids and counts stay as they are. ``docs/publish.md`` has the steps in their order.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import published_facts

COLAB = "https://colab.research.google.com/github"
BINDER = "https://mybinder.org/v2/gh"
SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+(?<!\.git)")  # .git: of a clone's URL
BRANCH = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]*"
)  # a slash in it would make Binder's address unclear
FIRST = "notebooks/00_start_here.ipynb"
DEMO = re.compile(r"\]\(https://[^)\s]+/demo/index\.html\)")  # a lesson's link to it

INSTALL = """\
import sys

if "google.colab" in sys.modules:
    # what Colab has stays as it is: only what it lacks is added
    !pip list --format=freeze > installed.txt
    %pip install -q -c installed.txt "git+https://github.com/{slug}@{branch}\""""


@dataclass(frozen=True)
class Address:
    """Where the course is published: ``owner/name`` on GitHub, and the branch."""

    slug: str
    branch: str

    def colab(self, path: str) -> str:
        """Return what opens the notebook at ``path`` (from the repository's root) on Colab."""
        return f"{COLAB}/{self.slug}/blob/{self.branch}/{path}"

    def binder(self, path: str) -> str:
        """Return what builds the repository on Binder and opens JupyterLab on ``path``."""
        return f"{BINDER}/{self.slug}/{self.branch}?urlpath={quote(f'lab/tree/{path}', safe='')}"

    def site(self) -> str:
        """Return the address that GitHub Pages gives the site."""
        owner, name = self.slug.split("/")
        host = f"{owner.lower()}.github.io"
        return f"https://{host}/" if name.lower() == host else f"https://{host}/{name}/"

    def links(self, path: str) -> str:
        """Return the launch links of a lesson: text in a frame, so that no picture is fetched."""
        places = (("Open in Colab", self.colab(path)), ("Launch on Binder", self.binder(path)))
        return " ".join(f"[<kbd>▶ {what}</kbd>]({where})" for what, where in places)

    def badges(self) -> str:
        """Return README's two badges, which open lesson 00."""
        colab = f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({self.colab(FIRST)})"
        binder = f"[![Launch on Binder](https://mybinder.org/badge_logo.svg)]({self.binder(FIRST)})"
        return f"{colab} {binder}"


def read(root: Path) -> Address:
    """Return the address that ``pyproject.toml`` holds."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    url = project["project"]["urls"]["Repository"]
    return Address(
        url.removeprefix("https://github.com/"), project["tool"]["unet-course"]["branch"]
    )


def lesson(path: Path, address: Address, write: bool = True) -> bool:
    """Write the address into a lesson; return whether the file has changed, or would.

    Raises:
        ValueError: the file isn't laid out as lessons are saved, or hasn't their first cells.
    """
    text = path.read_text(encoding="utf-8")
    notebook = json.loads(text)
    if _dumped(notebook) != text:
        raise ValueError(
            f"{path}: not laid out as a saved lesson. Save it first: unet-course run {path} --save"
        )
    cells = notebook["cells"]
    title = "".join(cells[0]["source"]).split("\n")
    if not title[0].startswith("# ") or cells[0]["cell_type"] != "markdown":
        raise ValueError(f"{path}: the first cell doesn't begin with the lesson's title")
    rest = [line for line in title[1:] if COLAB not in line]
    body = "\n".join(rest).strip("\n")
    links = address.links(f"notebooks/{path.name}")
    cells[0]["source"] = _lines(f"{title[0]}\n\n{links}\n\n{body}")
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and DEMO.search(source):
            cell["source"] = _lines(DEMO.sub(f"]({address.site()}demo/index.html)", source))
    code = next(cell for cell in cells if cell["cell_type"] == "code")
    if '"google.colab" in sys.modules' not in "".join(code["source"]):
        raise ValueError(f"{path}: its first code cell doesn't install the course on Colab")
    code["source"] = _lines(INSTALL.format(slug=address.slug, branch=address.branch))
    return _replace(path, text, _dumped(notebook), write)


def _dumped(notebook: dict) -> str:
    # as nbformat writes it
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _lines(source: str) -> list[str]:
    return source.splitlines(keepends=True)


def _replace(path: Path, old: str, new: str, write: bool = True) -> bool:
    if old == new:
        return False
    if write:
        temporary = path.with_name(f".{path.name}.tmp")
        temporary.write_text(new, encoding="utf-8", newline="\n")
        temporary.replace(path)
    return True


def texts(root: Path) -> Iterator[Path]:
    """Give the other files that may name the repository: pages, the site's settings, the hub's."""
    yield from sorted([*root.glob("*.md"), *root.glob("*.cff"), *root.glob("*.toml")])
    for folder in ("docs", ".github", ".devcontainer"):
        for path in sorted((root / folder).rglob("*")):
            made = {"_build", "notebooks"} & set(path.relative_to(root).parts)  # copies
            kinds = {".md", ".py", ".yaml", ".yml", ".toml", ".cfg", ".sh", ".json"}
            if path.suffix in kinds and not made:
                yield path


def everywhere(root: Path, new: Address, write: bool = True) -> list[Path]:
    """Put a new address in place of the old one; return the files that changed, or would."""
    old, changed = read(root), []
    for path in texts(root):
        text = path.read_text(encoding="utf-8")
        # Binder's and Colab's addresses hold the branch as well
        renewed = text.replace(f"{old.slug}/blob/{old.branch}/", f"{new.slug}/blob/{new.branch}/")
        renewed = renewed.replace(
            f"{BINDER}/{old.slug}/{old.branch}", f"{BINDER}/{new.slug}/{new.branch}"
        )
        renewed = renewed.replace(old.slug, new.slug).replace(old.site(), new.site())
        if path == root / "pyproject.toml":
            renewed = renewed.replace(f'\nbranch = "{old.branch}"', f'\nbranch = "{new.branch}"')
        if path.suffix == ".sh":
            renewed = re.sub(r"(?m)^branch=.*$", f"branch={new.branch}", renewed)
        if path.parent == root / ".github" / "workflows":
            renewed = re.sub(r"branches: \[[^]]*\]", f"branches: [{new.branch}]", renewed)
        if path == root / "README.md":
            renewed = re.sub(r"^\[!\[Open in Colab\].*$", new.badges(), renewed, flags=re.MULTILINE)
        if _replace(path, text, renewed, write):
            changed.append(path)
    return changed + lessons(sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb")), new, write)


def lessons(paths: list[Path], address: Address, write: bool = True) -> list[Path]:
    """Write the address into lessons; return those that changed, or would."""
    return [path for path in paths if lesson(path, address, write)]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("repository", nargs="?", metavar="OWNER/NAME", help="as on GitHub")
    parser.add_argument("--branch", help="the branch that links lead to (as it is)")
    parser.add_argument("--lesson", type=Path, nargs="+", help="only these, with the known address")
    parser.add_argument("--author", action="append", metavar='"FAMILY, GIVEN; ORCID"')
    parser.add_argument("--contact", metavar="MAIL", help="for reports of conduct and security")
    parser.add_argument("--version", help="the next release's number")
    parser.add_argument("--doi", help="what Zenodo gave for all versions")
    parser.add_argument("--check", action="store_true", help="say what is still missing")
    parser.add_argument("--tag", help="with --check: the release that is being made, as v0.2.0")
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[1], help="the clone")
    options = parser.parse_args(arguments)
    known = read(options.root)
    new = Address(options.repository or known.slug, options.branch or known.branch)
    if not SLUG.fullmatch(new.slug):
        parser.error(f"{new.slug!r} isn't OWNER/NAME, as in github.com/OWNER/NAME")
    if not BRANCH.fullmatch(new.branch):
        parser.error(f"{new.branch!r} can't stand in Binder's address: letters, digits, . _ - only")
    if (options.lesson or options.check) and new != known:
        parser.error("--lesson and --check use the known address: leave out the repository")
    try:
        if options.check:
            return published_facts.report(options.root, known, options.tag, _stale(options.root))
        facts = published_facts.write(
            options.root, options.author, options.contact, options.version, options.doi
        )
        changed = lessons(options.lesson, new) if options.lesson else everywhere(options.root, new)
    except (OSError, ValueError) as error:
        print(f"address.py: {error}", file=sys.stderr)
        return 1
    changed = sorted({*facts, *changed})
    for path in changed:
        print(path)
    print(f"{len(changed)} files changed: {new.slug}, branch {new.branch}")
    return 0


def _stale(root: Path) -> list[Path]:
    """Return the files in which the address isn't what pyproject.toml says."""
    return everywhere(root, read(root), write=False)


if __name__ == "__main__":
    sys.exit(main())
