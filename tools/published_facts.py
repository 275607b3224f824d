"""Authors, contact, version and DOI in every file that states them, and what is still missing.

`address.py` is the command. Nothing here asks the network: what only a website shows (is Pages on,
is the name free, does PyPI know the publisher) is listed with the place where to look.
"""

from __future__ import annotations

import datetime
import json
import re
import subprocess
import tomllib
from pathlib import Path

NOBODY = "The unet_course authors"
NO_CONTACT = "contact@example.org"
AUTHOR = re.compile(r"([^,;]+), ([^,;]+?)(?:; *(\d{4}-\d{4}-\d{4}-\d{3}[\dX]))?")
VERSION = re.compile(r"\d+\.\d+\.\d+")
DOI = re.compile(r"10\.\d{4,9}/\S+")
MAIL = re.compile(r"[^@\s<>\"]+@[^@\s<>\"]+\.[^@\s<>\"]+")
WORKFLOWS = ("tests", "colab", "links", "site", "release")


def write(
    root: Path,
    authors: list[str] | None,
    contact: str | None,
    version: str | None,
    doi: str | None,
) -> list[Path]:
    """Write what is given wherever it is stated; return the files that changed.

    Raises:
        ValueError: something isn't what it should be; no file has changed then.
    """
    people = [AUTHOR.fullmatch(author.strip()) for author in authors or []]
    if None in people:
        raise ValueError('--author is "FAMILY, GIVEN" or "FAMILY, GIVEN; 0000-0000-0000-0000"')
    for option, value, form in (
        ("--contact", contact, MAIL),
        ("--version", version, VERSION),
        ("--doi", doi, DOI),
    ):
        if value is not None and not form.fullmatch(value):
            raise ValueError(f"{option}: {value!r} isn't one")
    before = _files(root)
    after = dict(before)
    if people:
        _write_authors(after, [person.groups() for person in people])
    if contact:
        known = _settings(before)["contact"]
        after = {name: text.replace(known, contact) for name, text in after.items()}
    if version:
        _write_version(after, version, datetime.date.today().isoformat())
    if doi:
        _write_doi(after, doi)
    changed = [name for name in after if after[name] != before[name]]
    for name in changed:
        (root / name).write_text(after[name], encoding="utf-8", newline="\n")
    return [root / name for name in changed]


def _files(root: Path) -> dict[str, str]:
    names = ["pyproject.toml", "CITATION.cff", ".zenodo.json", "CHANGELOG.md", "SECURITY.md"]
    names += ["CODE_OF_CONDUCT.md", "docs/cite.md", "unet_course/__init__.py"]
    found = [name for name in names if (root / name).is_file()]
    return {name: (root / name).read_text(encoding="utf-8") for name in found}


def _settings(files: dict[str, str]) -> dict:
    return tomllib.loads(files["pyproject.toml"])["tool"]["unet-course"]


def _set(files: dict[str, str], name: str, pattern: str, new: str) -> None:
    """Replace the one place where `pattern` stands in a file."""
    text, count = re.subn(pattern, lambda _: new, files[name], count=1, flags=re.MULTILINE)
    if not count:
        raise ValueError(f"{name}: nothing reads like {pattern}")
    files[name] = text


def _write_authors(files: dict[str, str], people: list[tuple[str, str, str | None]]) -> None:
    names = [f"{given} {family}" for family, given, _ in people]
    listed = ", ".join(f"{{ name = {json.dumps(name, ensure_ascii=False)} }}" for name in names)
    _set(files, "pyproject.toml", r"^authors = \[.*\]$", f"authors = [{listed}]")
    cff = "authors:\n"
    for family, given, orcid in people:
        cff += f"  - family-names: {family}\n    given-names: {given}\n"
        cff += f"    orcid: https://orcid.org/{orcid}\n" if orcid else ""
    _set(files, "CITATION.cff", r"^authors:\n(?: .*\n)+", cff)
    creators = [
        {"name": f"{family}, {given}"} | ({"orcid": orcid} if orcid else {})
        for family, given, orcid in people
    ]
    zenodo = json.loads(files[".zenodo.json"]) | {"creators": creators}
    files[".zenodo.json"] = json.dumps(zenodo, ensure_ascii=False, indent=2) + "\n"
    _set(files, "docs/cite.md", r"^> .*(?= \(\d{4}\)\.)", f"> {', '.join(names)}")
    bibtex = " and ".join(f"{family}, {given}" for family, given, _ in people)
    _set(files, "docs/cite.md", r"^  author = .*$", f"  author = {{{bibtex}}},")


def _write_version(files: dict[str, str], version: str, date: str) -> None:
    _set(files, "pyproject.toml", r'^version = ".*"$', f'version = "{version}"')
    _set(files, "unet_course/__init__.py", r'^__version__ = ".*"$', f'__version__ = "{version}"')
    _set(files, "CITATION.cff", r"^version: .*\n(date-released: .*\n)?", "")
    files["CITATION.cff"] += f"version: {version}\ndate-released: {date}\n"
    if f"\n## {version} (" in files["CHANGELOG.md"]:
        _set(files, "CHANGELOG.md", rf"^## {re.escape(version)} \(.*\)$", f"## {version} ({date})")
    else:
        heading = f"## Unreleased\n\n## {version} ({date})"
        _set(files, "CHANGELOG.md", r"^## Unreleased$", heading)
    _set(files, "docs/cite.md", r"^  year   = .*$", f"  year   = {{{date[:4]}}},")
    _set(files, "docs/cite.md", r"\(\d{4}\)\. \*unet_course", f"({date[:4]}). *unet_course")


def _write_doi(files: dict[str, str], doi: str) -> None:
    files["CITATION.cff"] = re.sub(r"(?m)^doi: .*\n", "", files["CITATION.cff"]) + f"doi: {doi}\n"
    text = re.sub(r"(?m)^  doi    = .*\n", "", files["docs/cite.md"])
    files["docs/cite.md"] = re.sub(r"(?m)^(  year   = .*\n)", rf"\1  doi    = {{{doi}}},\n", text)


# --- what is missing ------------------------------------------------------------------------------


def report(root: Path, address, tag: str | None, stale: list[Path]) -> int:
    """Print what is there (✓), missing (✗) and not visible in the files (?); return 1 for a ✗."""
    rows = [*_visible(root, address, tag, stale), *_elsewhere(root, address)]
    wide = max(len(name) for _, name, _ in rows)
    for mark, name, text in rows:
        print(f"{mark} {name:<{wide}}  {text}")
    missing = sum(mark == "✗" for mark, *_ in rows)
    unseen = sum(mark == "?" for mark, *_ in rows)
    print(f"Missing: {missing}. Not visible from here: {unseen}.")
    return int(missing > 0)


def _visible(root: Path, address, tag: str | None, stale: list[Path]):
    """Give (mark, what, text) for what the files and the clone say."""
    files = _files(root)
    lost = {"CITATION.cff", ".zenodo.json", "CHANGELOG.md", "SECURITY.md", "CODE_OF_CONDUCT.md"}
    for name in sorted(lost - set(files)):
        yield "✗", "files", f"{name} isn't there"
    if lost - set(files):
        return
    if address.slug.startswith("OWNER/"):
        yield "✗", "address", "still OWNER: python tools/address.py OWNER/NAME"
    elif stale:
        said = f"not the same in {', '.join(path.name for path in stale)}"
        yield "✗", "address", f"{said}: python tools/address.py"
    else:
        yield "✓", "address", f"{address.slug}, branch {address.branch}, in every file"
    yield from _clone(root, address, tag)
    project = tomllib.loads(files["pyproject.toml"])["project"]
    names = [author["name"] for author in project["authors"]]
    people = re.search(r"^authors:\n((?: .*\n)+)", files["CITATION.cff"], re.MULTILINE)[1]
    creators = [creator["name"] for creator in json.loads(files[".zenodo.json"])["creators"]]
    swapped = [" ".join(reversed(name.split(", "))) for name in creators]
    families = re.findall(r"family-names: (.*)", people)
    if names == [NOBODY]:
        yield (
            "✗",
            "authors",
            'still a placeholder: python tools/address.py --author "FAMILY, GIVEN"',
        )
    elif names != swapped or families != [name.split(", ")[0] for name in creators]:
        yield "✗", "authors", "pyproject.toml, CITATION.cff and .zenodo.json differ: --author again"
    else:
        yield "✓", "authors", ", ".join(names)
    contact = _settings(files)["contact"]
    pages = ("CODE_OF_CONDUCT.md", "SECURITY.md")
    if contact == NO_CONTACT:
        yield "✗", "contact", "still a placeholder: python tools/address.py --contact MAIL"
    elif lacking := [name for name in pages if contact not in files[name]]:
        yield "✗", "contact", f"{contact} isn't in {', '.join(lacking)}"
    else:
        yield "✓", "contact", contact
    yield _version(files, project["version"], tag)
    have = {path.stem for path in (root / ".github" / "workflows").glob("*.yml")}
    gone = [name for name in WORKFLOWS if name not in have]
    said = f"{', '.join(gone)} isn't there" if gone else ", ".join(WORKFLOWS)
    yield "✗" if gone else "✓", "workflows", said


def _version(files: dict[str, str], version: str, tag: str | None) -> tuple[str, str, str]:
    stated = {
        "unet_course/__init__.py": f'__version__ = "{version}"\n',
        "CITATION.cff": f"version: {version}\n",
        "CHANGELOG.md": f"\n## {version} (",
    }
    differ = [name for name, line in stated.items() if line not in files.get(name, "")]
    if differ:
        said = f"{version} in pyproject.toml, not in {', '.join(differ)}"
        return "✗", "version", f"{said}: python tools/address.py --version {version}"
    if tag and tag != f"v{version}":
        return "✗", "version", f"the tag is {tag}, the version {version}"
    dated = "date-released: " in files["CITATION.cff"]
    if tag and (not dated or f"\n## {version} (not yet released)" in files["CHANGELOG.md"]):
        cure = f"python tools/address.py --version {version}"
        return "✗", "version", f"CHANGELOG.md and CITATION.cff have no date for {version}: {cure}"
    return "✓", "version", f"{version}; its tag is v{version}"


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, encoding="utf-8"
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _clone(root: Path, address, tag: str | None):
    origin = _git(root, "remote", "get-url", "origin")
    url = f"https://github.com/{address.slug}"
    if origin is None:
        yield "✗", "clone", f"no remote `origin`: git remote add origin {url}.git"
        return
    if not re.search(rf"[/:]{re.escape(address.slug)}(\.git)?/?$", origin):
        yield "✗", "clone", f"origin is {origin}: git remote set-url origin {url}.git"
    elif changed := _git(root, "status", "--porcelain"):
        yield "✗", "clone", f"not committed: {len(changed.splitlines())} files; git add, git commit"
    elif tag is None and (ahead := _git(root, "rev-list", f"origin/{address.branch}..HEAD")) != "":
        many = "all" if ahead is None else len(ahead.splitlines())
        yield "✗", "clone", f"not pushed: {many} commits; git push -u origin {address.branch}"
    else:
        yield "✓", "clone", "committed and pushed"


def _elsewhere(root: Path, address):
    """Give (mark, what, text) for what only a website shows."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    owner, name = address.slug.split("/")
    look = f"github.com/{address.slug}"
    pages = f'{look}/settings/pages: Source must be "GitHub Actions"; then {address.site()} opens'
    yield "?", "Pages", pages
    taken = f"look for `{project['name']}` on PyPI: nobody else's project may have the name"
    yield "?", "PyPI name", taken
    form = f"owner {owner}, repository {name}, workflow release.yml, environment pypi"
    yield "?", "publisher", f"PyPI, Your account, Publishing: {form}"
    yield "?", "environment", f"{look}/settings/environments: `pypi`, for tags v* alone"
    switch = "zenodo.org/account/settings/github: the repository's switch must be on"
    yield "?", "Zenodo", switch
    doi = re.search(r"(?m)^doi: (.*)$", (root / "CITATION.cff").read_text(encoding="utf-8"))
    later = "not there yet: Zenodo gives it with the first release; then --doi"
    yield ("✓", "DOI", doi[1]) if doi else ("?", "DOI", later)
    yield "?", "security", f"{look}/settings/security_analysis: private reporting must be on"
    yield "?", "Binder", f"build it once: {address.binder('notebooks/00_start_here.ipynb')}"
