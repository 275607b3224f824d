"""The house: what imports what, and that the lists of dependencies agree."""

import ast
import json
import re
import subprocess
import sys
import tomllib
import zipfile

import pytest
import yaml
from lesson_files import ROOT

PACKAGE = ROOT / "unet_course"

# Data walks through the package one way: a module may import those above it. Modules on one line
# serve the same step and may import each other in the order given.
ORDER = """
layouts memory slide_room slide_types slide_cells
runtime
anatomy warp tumours paint scanner contrasts synthetic synthetic_volume sample_data scenes
tiff lgg nifti volume_places brats tutorial_feed
report checks volume_checks folder_check kaggle_sets archive kaggle download
splits
fields augment
feeding slices volume_arrays volumes restyle symmetry patches
blocks supervision models volume_layers
overlap_losses losses keras_metrics masks metrics surfaces lesions calibration
postprocess core_rule inference sliding
results spread
progress training volume_training
plotting volume_plotting relief widgets
exercises.source exercises.progress exercises.verdict exercises
show lessons exports slides outputs class_progress lab doctor cli
""".split()  # noqa: SIM905  (the lines are the point)


def modules() -> dict[str, str]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        if name not in ("__init__",) and not name.startswith("_notebooks"):
            found[name.removesuffix(".__init__")] = path.read_text(encoding="utf-8")
    return found


def imported(source: str) -> set[str]:
    """The package's modules that a module imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "unet_course":
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("unet_course."):
            below = node.module.removeprefix("unet_course.")
            if below == "exercises":
                names |= {f"exercises.{alias.name}" for alias in node.names}
            else:
                names.add(below)
        elif isinstance(node, ast.Import):
            names |= {
                alias.name.removeprefix("unet_course.")
                for alias in node.names
                if alias.name.startswith("unet_course.")
            }
    return {name for name in names if name in ORDER or name in modules()}


def test_every_module_has_its_place():
    """A new module gets a place in ORDER, so that the rule below holds for it as well."""
    named = {name for name in modules() if not name.startswith("exercises.lesson_")}
    assert named == set(ORDER)


@pytest.mark.parametrize("name", sorted(modules()))
def test_modules_import_only_those_above(name):
    if name.startswith("exercises.lesson_"):
        place = ORDER.index("exercises.verdict") + 0.5
    else:
        place = ORDER.index(name)
    below = {other for other in imported(modules()[name]) if ORDER.index(other) >= place}
    assert below == set()


@pytest.mark.parametrize("name", ["", "runtime", "exercises", "lessons", "plotting", "cli"])
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


@pytest.mark.parametrize("extra", ["lab", "slides"])
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
