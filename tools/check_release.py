"""Check what a release would publish: the names in its wheel and in its source archive.

    uv build
    python tools/check_release.py dist

Every lesson and the package's files must be in both; a student's copies, caches, data sets, weights
of other networks and files that git doesn't know must not. Needs Python alone.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LARGEST = 60_000_000  # PyPI takes 100 MB a file; a course of lessons has no reason to come near
FORBIDDEN = re.compile(
    r"(^|/)(my_lessons|\.cache|__pycache__|_build|\.venv|\.git|uv\.lock|kaggle\.json|\.env)(/|$)|"
    r"\.(tiff?|nii|nii\.gz|dcm|h5|hdf5|npy|npz|pyc|zip|log)$|-checkpoint\.ipynb$",
    re.IGNORECASE,
)
MADE = {"PKG-INFO"}  # what a build adds to the source archive


def names_in(archive: Path) -> list[str]:
    """Return the files in a wheel, or in a source archive without its top folder."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as opened:
            return [name for name in opened.namelist() if not name.endswith("/")]
    with tarfile.open(archive) as opened:
        files = [member.name for member in opened.getmembers() if not member.isdir()]
    return [name.partition("/")[2] for name in files]


def known_to_git(root: Path) -> set[str]:
    """Return the files of the repository."""
    command = ["git", "-C", str(root), "ls-files", "-z"]
    return set(subprocess.run(command, capture_output=True, check=True).stdout.decode().split("\0"))


def faults(dist: Path, root: Path) -> list[str]:
    """Return what is wrong with the archives in a folder, one sentence each.

    Raises:
        ValueError: the folder doesn't hold one wheel and one source archive.
    """
    wheels, sources = sorted(dist.glob("*.whl")), sorted(dist.glob("*.tar.gz"))
    if (len(wheels), len(sources)) != (1, 1):
        found = f"{len(wheels)} wheels and {len(sources)} source archives"
        raise ValueError(f"{dist}: {found}; empty the folder and run uv build")
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    start = f"{project['name'].replace('-', '_')}-{project['version']}"
    repository = known_to_git(root)
    told = []
    for archive in (wheels[0], sources[0]):
        names = names_in(archive)
        if not archive.name.startswith((f"{start}-", f"{start}.tar")):
            told.append(f"{archive.name}: isn't {start}")
        if archive.stat().st_size > LARGEST:
            told.append(f"{archive.name}: {archive.stat().st_size / 1e6:.0f} MB")
        told += [f"{archive.name}: holds {name}" for name in names if FORBIDDEN.search(name)]
        places = {name: name for name in names}
        wanted = {name for name in repository if name.startswith(("unet_course/", "notebooks/"))}
        if archive.suffix == ".whl":
            moved = {name: name.replace("unet_course/_notebooks/", "notebooks/") for name in names}
            places = {moved[name]: name for name in names if ".dist-info/" not in name}
        told += [f"{archive.name}: {name} is missing" for name in sorted(wanted - set(places))]
        foreign = sorted(set(places) - repository - MADE)
        told += [f"{archive.name}: git doesn't know {places[name]}" for name in foreign]
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dist", type=Path, help="the folder that uv build wrote")
    parser.add_argument("--list", action="store_true", help="print every name as well")
    options = parser.parse_args()
    try:
        told = faults(options.dist, ROOT)
    except (OSError, ValueError) as error:
        print(f"check_release.py: {error}", file=sys.stderr)
        return 1
    for archive in sorted([*options.dist.glob("*.whl"), *options.dist.glob("*.tar.gz")]):
        names = names_in(archive)
        print(f"{archive.name}: {len(names)} files, {archive.stat().st_size / 1e6:.1f} MB")
        if options.list:
            print("\n".join(f"  {name}" for name in sorted(names)))
    print("\n".join(told) or "Nothing is missing, and nothing is in them that shouldn't be.")
    return int(bool(told))


if __name__ == "__main__":
    sys.exit(main())
