"""Colab's versions: each of our ranges admits the pinned one, and installing changes none.

`tools/colab_pins.txt` holds the pins. The first tests only read; the last asks the package index,
and is skipped, saying so, where none answers.
"""

import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
from lesson_files import LESSONS, ROOT, code_cells
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

TOOL = ROOT / "tools" / "colab_pins.py"
_spec = importlib.util.spec_from_file_location("colab_pins", TOOL)
colab_pins = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(colab_pins)

PINS, ADDED, PYTHON = colab_pins.parse(colab_pins.PINS.read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
WANTED = PROJECT["dependencies"] + EXTRAS["jax"] + EXTRAS["export"]
CORE = [Requirement(text) for text in WANTED]
UNREACHABLE = re.compile(
    r"error sending request|failed to fetch|dns error|could not connect|timed out|"
    r"network connectivity is disabled|not found in the cache",
    re.IGNORECASE,
)


@pytest.mark.parametrize("requirement", CORE, ids=lambda requirement: requirement.name)
def test_each_range_admits_what_colab_has(requirement):
    name = canonicalize_name(requirement.name)
    if name in ADDED:
        return
    assert name in PINS, "neither pinned nor added: renew the pins with tools/colab_pins.py"
    assert requirement.specifier.contains(PINS[name], prereleases=True), PINS[name]


def test_lesson_15_installs_the_extra_that_it_needs():
    (lesson,) = (path for path in LESSONS if path.name.startswith("15_"))
    second = code_cells(lesson)[1].source
    (names,) = re.findall(r"^    %pip install -q -c installed\.txt (.*)$", second, re.MULTILINE)
    assert names.split() == [Requirement(text).name for text in EXTRAS["export"]]


def test_colabs_python_is_supported():
    assert SpecifierSet(PROJECT["requires-python"]).contains(f"{PYTHON}.0")


def test_the_pins_are_few_and_hold_what_matters():
    assert {"tensorflow", "keras", "numpy", "ipywidgets", "ipython", "ipykernel"} <= set(PINS)
    assert len(PINS) < 200 and not ADDED & set(PINS)
    # as long as Colab is at these, the lessons are written for them
    assert PINS["ipywidgets"].startswith("7.7.") and PINS["ipython"].startswith("7.34.")


def test_a_list_without_pins_is_refused(tmp_path):
    (tmp_path / "list.txt").write_text("numpy>=2\n", encoding="utf-8")
    command = [sys.executable, str(TOOL), str(tmp_path / "list.txt"), "--out", str(tmp_path / "o")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and "list.txt: no line reads name==version" in done.stderr
    assert not (tmp_path / "o").exists()


def _resolved(pins, out) -> subprocess.CompletedProcess:
    if shutil.which("uv") is None:
        pytest.skip("uv isn't here: whether installing changes a version of Colab's is NOT checked")
    command = [sys.executable, str(TOOL), str(pins), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode and UNREACHABLE.search(done.stderr):
        last = done.stderr.strip().splitlines()[-1]
        pytest.skip(f"no package index: whether installing changes Colab's is NOT checked ({last})")
    return done


def test_installing_changes_no_pinned_version(tmp_path):
    done = _resolved(colab_pins.PINS, tmp_path / "pins.txt")
    assert done.returncode == 0, done.stderr
    pins, added, python = colab_pins.parse((tmp_path / "pins.txt").read_text(encoding="utf-8"))
    assert (pins, added, python) == (PINS, ADDED, PYTHON), "renew them from Colab's whole list"


def test_a_version_that_would_have_to_change_is_told(tmp_path):
    text = colab_pins.PINS.read_text(encoding="utf-8")
    other = re.sub(r"^scikit-learn==.*$", "scikit-learn==1.0", text, flags=re.MULTILINE)
    (tmp_path / "pins.txt").write_text(other, encoding="utf-8")  # too old for nilearn
    done = _resolved(tmp_path / "pins.txt", tmp_path / "out.txt")
    assert done.returncode == 1 and "scikit-learn" in done.stderr
    assert not (tmp_path / "out.txt").exists()


def test_the_workflow_runs_colabs_python():
    import yaml

    text = (ROOT / ".github" / "workflows" / "colab.yml").read_text(encoding="utf-8")
    job = yaml.safe_load(text)["jobs"]["colab"]
    (version,) = [s["with"]["python-version"] for s in job["steps"] if "python-version" in str(s)]
    assert version == PYTHON
    assert any(step.get("run") == "python tools/colab_lessons.py" for step in job["steps"])
