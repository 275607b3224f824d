"""Which folder may import which, and that the lists of dependencies agree."""

import ast
import graphlib
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from lesson_files import ROOT

PACKAGE = ROOT / "unet_course"

# Data walks through the package one way: a module imports from its own folder and from those above.
ORDER = [
    "memory",
    "storage",
    "runtime",
    "network",
    "synthetic",
    "data",
    "judging",
    "showing",
    "exercises",
]
ORDER += ["prediction", "training", "commands"]
FILES_A_FOLDER = 14  # beside __init__; more is a sign that a wall is missing
FILES = sorted(
    path for path in PACKAGE.rglob("*.py") if "_notebooks" not in path.relative_to(PACKAGE).parts
)


def name_of(path: Path) -> str:
    """A module's name below the package: "data.lgg"."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts).removesuffix("__init__").rstrip(".")


MODULES = {name_of(path) for path in FILES}


def imported(path: Path) -> set[str]:
    """The package's modules that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "unet_course":
            module = node.module.removeprefix("unet_course").lstrip(".")
            below = {f"{module}.{alias.name}".lstrip(".") for alias in node.names}
            names |= {name if name in MODULES else module for name in below}
        elif isinstance(node, ast.Import):
            names |= {
                alias.name.removeprefix("unet_course.")
                for alias in node.names
                if alias.name.startswith("unet_course.")
            }
    return names - {""}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_modules_import_from_their_folder_and_those_above(path):
    place = name_of(path).split(".")[0]
    allowed = ORDER[: ORDER.index(place) + 1] if place else []
    upward = {name for name in imported(path) if name.split(".")[0] not in allowed}
    assert upward == set()


def test_no_modules_import_each_other_in_a_circle():
    graph = {name_of(path): imported(path) for path in FILES}
    graph = {name: {n for n in found if n in graph} - {name} for name, found in graph.items()}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(f"a circle: {' → '.join(error.args[1])}")


def test_no_folder_is_a_drawer():
    with_a_file_a_lesson = {PACKAGE / "exercises", PACKAGE / "showing" / "lesson_figures"}
    for folder in {path.parent for path in FILES} - with_a_file_a_lesson:
        files = [path for path in folder.glob("*.py") if path.stem != "__init__"]
        assert len(files) <= FILES_A_FOLDER, folder


@pytest.mark.parametrize(
    "name", ["", "runtime", "exercises", "commands.run_lesson", "showing.plotting", "commands.cli"]
)
def test_importing_is_light(name):
    module = f"unet_course.{name}".rstrip(".")
    code = (
        f"import sys, {module}; "
        "print([m for m in ('tensorflow', 'keras', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == "[]"


def test_environment_holds_what_pyproject_holds():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    (pip,) = [part["pip"] for part in environment["dependencies"] if isinstance(part, dict)]
    assert pip == project["dependencies"] + project["optional-dependencies"]["lab"]
    assert environment["name"] == project["name"]
    (python,) = [
        part
        for part in environment["dependencies"]
        if isinstance(part, str) and part.startswith("python")
    ]
    minor = int(re.fullmatch(r"python=3\.(\d+)", python)[1])
    assert 11 <= minor <= 13


@pytest.mark.parametrize("extra", ["lab", "slides", "export", "jax"])
def test_what_users_and_developers_get_is_the_same(extra):
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(pyproject["project"]["optional-dependencies"][extra]) <= set(
        pyproject["dependency-groups"]["dev"]
    )


@pytest.mark.parametrize(
    "file", sorted((PACKAGE / "weights").glob("*.keras")), ids=lambda f: f.stem
)
def test_shipped_networks_open_in_the_oldest_keras(file):
    """Keras opens files of older versions, not of newer ones, and Colab's is older than ours."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (oldest,) = re.findall(r"keras>=(\d+)\.(\d+)", "\n".join(project["dependencies"]))
    with zipfile.ZipFile(file) as archive:
        saved = json.loads(archive.read("metadata.json"))["keras_version"].split(".")[:2]
    assert tuple(map(int, saved)) <= tuple(map(int, oldest)), "run tools/oldest_keras.py on it"
