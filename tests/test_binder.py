"""What Binder builds from: environment.yml and postBuild, as repo2docker reads them.

Checked, not solved: no image is built and conda's channels aren't asked. The last two tests need
``jupyter-repo2docker`` and ``py-rattler`` (conda's own grammar); CONTRIBUTING.md has the command.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys

import pytest
import yaml
from lesson_files import ROOT

from unet_course.commands import cli
from unet_course.synthetic import sample_data

_spec = importlib.util.spec_from_file_location(
    "binder_minutes", ROOT / "tools" / "binder_minutes.py"
)
binder_minutes = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(binder_minutes)

POST_BUILD = ROOT / "postBuild"
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


def needs(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} isn't installed: CONTRIBUTING.md, 'Check what Binder reads'")


@pytest.mark.skipif(os.name == "nt", reason="Binder's image is Linux")
def test_post_build_installs_the_course_and_makes_both_samples(tmp_path):
    assert os.access(POST_BUILD, os.X_OK) and b"\r" not in POST_BUILD.read_bytes()
    for name in ("pip", "unet-course"):
        stand_in = tmp_path / name
        stand_in.write_text('#!/bin/sh\necho "$(basename "$0") $*"\n', encoding="utf-8")
        stand_in.chmod(0o755)
    env = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([str(POST_BUILD)], capture_output=True, text=True, env=env, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    install, sample = done.stdout.splitlines()
    # the environment holds all that the course needs, so nothing else may come with it
    assert install.split()[:2] == ["pip", "install"] and install.split()[-1] == "."
    assert "--no-deps" in install
    assert sample == "unet-course data sample"


def test_that_command_makes_both(monkeypatch, capsys):
    made = []
    monkeypatch.setattr(sample_data, "lgg_root", lambda **_: made.append("lgg"))
    monkeypatch.setattr(sample_data, "brats_root", lambda **_: made.append("brats"))
    assert cli.main(["data", "sample"]) == 0
    assert made == ["lgg", "brats"]


def test_conda_can_parse_each_line():
    needs("rattler")
    from rattler import MatchSpec, Version

    specs = [MatchSpec(line) for line in ENVIRONMENT["dependencies"] if isinstance(line, str)]
    assert [spec.name.normalized for spec in specs] == ["python", "pip"]
    assert specs[0].version is not None and "3.12" in str(specs[0].version)
    assert Version("3.12.11")  # the library answers


def test_repo2docker_reads_the_files(tmp_path):
    needs("repo2docker")
    for name in ("environment.yml", "postBuild", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-2000:]
    assert "Building conda environment for python=3.12" in said
    assert '--file "environment.yml"' in said, "the environment isn't installed"
    assert "RUN ./postBuild" in said, "the course and the samples aren't made"


# --- README's column ----------------------------------------------------------------------------


def test_readme_has_what_was_measured():
    measured = json.loads(binder_minutes.MEASURED.read_text(encoding="utf-8"))
    text = binder_minutes.README.read_text(encoding="utf-8")
    assert binder_minutes.column(text, measured) == text, "tools/binder_minutes.py --table"
    for one in measured.values():
        assert "over" in one or (one["seconds"] > 0 and 0 < one["gb"] <= 2)


def test_a_lesson_that_was_ended_is_told_as_such():
    text = "| 05 | [a](b) | c | 100 | – |\n| 06 | [a](b) | c | 110 | old |\n"
    measured = {"05": {"seconds": 9, "gb": 1.5}, "06": {"over": True}}
    assert binder_minutes.column(text, measured) == (
        "| 05 | [a](b) | c | 100 | 9 s, 1.5 GB |\n| 06 | [a](b) | c | 110 | more than 2 GB |\n"
    )
    with pytest.raises(ValueError, match="07"):
        binder_minutes.column(text, {"07": measured["05"]})
