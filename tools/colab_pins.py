"""Renew ``tools/colab_pins.txt``: what Colab carries of all that the course needs.

    python tools/colab_pins.py LIST [--python 3.13]

LIST is a file with one ``name==version`` a line, every package of a Colab runtime: what
``pip list --format=freeze`` prints there, or the list that Colab publishes for its image. The
course's core dependencies and its extras `jax` and `export` (lessons 14 and 15) are resolved with
these versions held fast (by ``uv``, which asks the package index). What comes of it and is in LIST is a
pin; what isn't is what installing adds.

Fails, and writes nothing, where the dependencies can't be met without changing a version.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PINS = ROOT / "tools" / "colab_pins.txt"
EXTRAS = ("jax", "export")  # what lessons 14 and 15 need besides the course's own dependencies
PIN = re.compile(r"([A-Za-z0-9._-]+)==(\S+)")


def normal(name: str) -> str:
    """Return a package's name as the index spells it: ``ml_dtypes`` is ``ml-dtypes``."""
    return re.sub(r"[-_.]+", "-", name).lower()


def parse(text: str) -> tuple[dict[str, str], set[str], str | None]:
    """Return the pins, the names that Colab lacks, and Python's version, from a list's text."""
    pins = {normal(m[1]): m[2] for line in text.splitlines() if (m := PIN.match(line.strip()))}
    added = re.search(r"^# added: (.*)$", text, re.MULTILINE)
    python = re.search(r"^# python: (\S+)$", text, re.MULTILINE)
    return pins, set(added[1].split(", ")) if added else set(), python[1] if python else None


def resolve(pins: Path, python: str) -> dict[str, str]:
    """Return what the core dependencies and `EXTRAS` come to with ``pins`` held fast.

    Raises:
        RuntimeError: they can't be met, or the index didn't answer; the message is uv's.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    # resolved in an empty folder: pyproject's own [tool.uv] constraints are the saved outputs'
    with tempfile.TemporaryDirectory() as empty:
        core = Path(empty, "core.in")
        extras = project["optional-dependencies"]
        wanted = sum((extras[name] for name in EXTRAS), project["dependencies"])
        core.write_text("\n".join(wanted) + "\n", encoding="utf-8")
        command = ["uv", "pip", "compile", str(core), "--constraints", str(pins.resolve())]
        command += ["--python-version", python, "--python-platform", "linux", "--quiet"]
        command += ["--no-header", "--no-annotate", "--no-emit-index-url"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=empty)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return parse(done.stdout)[0]


def text(found: dict[str, str], pins: dict[str, str], python: str, source: str) -> str:
    """Return the file's text."""
    added = ", ".join(sorted(set(found) - set(pins)))
    kept = "".join(f"{name}=={pins[name]}\n" for name in sorted(set(found) & set(pins)))
    return (
        "# What Colab carries of all that the course needs; installing the course changes none.\n"
        f"# Made by tools/colab_pins.py from {source}.\n"
        f"# python: {python}\n# added: {added}\n{kept}"
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("list", type=Path, metavar="LIST", help="name==version of a Colab runtime")
    parser.add_argument("--python", help="its Python, such as 3.13 (as in the present pins)")
    parser.add_argument("--out", type=Path, default=PINS, metavar="FILE")
    options = parser.parse_args(arguments)
    try:
        pins, _, python = parse(options.list.read_text(encoding="utf-8"))
        if not pins:
            raise ValueError(f"{options.list}: no line reads name==version")
        python = options.python or python or parse(PINS.read_text(encoding="utf-8"))[2]
        found = resolve(options.list, python)
    except (OSError, ValueError, RuntimeError) as error:
        print(f"colab_pins.py: {error}", file=sys.stderr)
        return 1
    changed = {n: (pins[n], found[n]) for n in set(found) & set(pins) if found[n] != pins[n]}
    if changed:  # constraints forbid it
        print(f"colab_pins.py: installing would change {changed}", file=sys.stderr)
        return 1
    options.out.write_text(text(found, pins, python, options.list.name), encoding="utf-8")
    print(f"{options.out}: {len(set(found) & set(pins))} pins, {len(set(found) - set(pins))} added")
    return 0


if __name__ == "__main__":
    sys.exit(main())
