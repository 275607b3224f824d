"""The course as a package: what the wheel holds, and that it works outside any clone."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import nbformat
import pytest
from lesson_files import ROOT
from nbformat.v4 import new_code_cell, new_notebook

from unet_course import runtime

LESSONS = sorted(path.name for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built as a release is."""
    if shutil.which("uv") is None:
        pytest.skip("uv isn't installed: not checked")
    out = tmp_path_factory.mktemp("dist")
    build = ["uv", "build", "--wheel", "--no-config", "--out-dir", str(out), str(ROOT)]
    done = subprocess.run(build, capture_output=True, encoding="utf-8", check=False)
    if done.returncode and ("error sending request" in done.stderr or "dns error" in done.stderr):
        pytest.skip("no package index to take hatchling from: not checked")
    assert done.returncode == 0, done.stderr
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """An environment with the wheel; what it depends on comes from the tests' environment."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder)
    paths = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", "venv", paths))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    others = [p for p in sys.path if p.endswith(("site-packages", "dist-packages"))]
    (packages / "others.pth").write_text("\n".join(others), encoding="utf-8")
    return folder


@pytest.fixture
def course(installed, tmp_path):
    """Runs `unet-course` (or Python code) from an empty folder, with the installed package."""
    empty, bin = tmp_path / "empty", "Scripts" if os.name == "nt" else "bin"
    empty.mkdir()

    def call(*arguments, code=None):
        env = {**os.environ, "UNET_COURSE_USER": str(tmp_path / "u"), "PYTHONIOENCODING": "utf-8"}
        env.pop("PYTHONPATH", None)
        what = ["-c", code] if code else ["-m", "unet_course.commands.cli", *arguments]
        python = str(installed / bin / "python")
        return subprocess.run(
            [python, *what], cwd=empty, env=env, capture_output=True, encoding="utf-8", check=False
        )

    call.folder, call.user = empty, tmp_path / "u"
    return call


def test_the_wheel_holds_the_package_and_the_lessons(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        about = next(name for name in names if name.endswith("METADATA"))
        text = archive.read(about).decode()
        for lesson in LESSONS:
            packed = archive.read(f"unet_course/_notebooks/{lesson}")
            assert packed == (ROOT / "notebooks" / lesson).read_bytes()
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "unet_course"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    ).stdout.split("\n")
    package = {name for name in names if name.startswith("unet_course/")}
    if any(tracked):  # a downloaded copy has no git
        there = {name for name in tracked if name and (ROOT / name).exists()}
        assert package == there | {f"unet_course/_notebooks/{lesson}" for lesson in LESSONS}
    others = [name for name in set(names) - package if ".dist-info/" not in name]
    assert others == [], "only the package, and what describes it"
    for extra in ("lab", "viewer", "slides"):
        assert f"Provides-Extra: {extra}\n" in text
    assert "Requires-Python: <3.14,>=3.11" in text and "# Segmenting medical images" in text


def test_the_command_works_outside_any_clone(course, installed):
    assert "--no-browser" in course("--help").stdout
    done = course("run", "99")
    assert done.returncode == 1
    assert [line.strip() + ".ipynb" for line in done.stderr.splitlines()[1:]] == LESSONS
    done = course("run", "00", "--save")
    assert done.returncode == 1 and "in a clone's folder" in done.stderr
    done = course("--originals")
    assert done.returncode == 1 and "in a clone of the course" in done.stderr
    assert list(course.folder.iterdir()) == []


def test_a_lesson_is_run_by_this_interpreter_with_the_installed_package(course, installed):
    code = "import sys, unet_course\nprint(sys.prefix, unet_course.__file__)"
    nbformat.write(new_notebook(cells=[new_code_cell(code)]), course.folder / "mine.ipynb")
    done = course("run", "mine.ipynb")
    assert done.returncode == 0, done.stderr
    prefix, file = done.stdout.splitlines()[0].split(" ", 1)
    assert Path(prefix) == installed and installed in Path(file).parents


def test_a_students_copies_lead_to_the_pages_that_they_name(course):
    # another project's notebooks are not the course's
    (course.folder / "notebooks").mkdir()
    (course.folder / "notebooks" / "01_explore.ipynb").write_text("{}", encoding="utf-8")
    code = "from unet_course.commands import open_jupyterlab as o; print(o.student_folder()[0])"
    done = course(code=code)
    assert Path(done.stdout.strip()) == course.user / "my_lessons", done.stderr
    copies = {path.name: path for path in (course.user / "my_lessons").glob("*.ipynb")}
    assert sorted(copies) == LESSONS
    texts = {name: path.read_text(encoding="utf-8") for name, path in copies.items()}
    assert not any("](../" in text for text in texts.values()), "no clone, no pages next to it"
    page = "https://github.com/OWNER/unet-course/blob/HEAD/docs/real_data.md"
    page = page.replace("OWNER/unet-course", "/".join(_repository().split("/")[-2:]))
    assert page in texts["11_judge_3d.ipynb"]
    assert course(code=code).stdout == done.stdout, "and a second time nothing is copied"


def _repository() -> str:
    with open(ROOT / "pyproject.toml", "rb") as file:
        return tomllib.load(file)["project"]["urls"]["Repository"]


@pytest.mark.parametrize(
    ("prefix", "receipt", "what", "command"),
    [
        ("uv/archive-v0/x", False, "unet-course[lab]", 'uvx "unet-course[lab]"'),
        (
            "uv/archive-v0/x",
            False,
            "ipyniivue",
            'uvx --from "unet-course[lab]" --with "ipyniivue" unet-course',
        ),
        ("tools/unet-course", True, "unet-course[lab]", 'uv tool install "unet-course[lab]"'),
        (
            "tools/unet-course",
            True,
            "unet-course[slides]",
            'uv tool install "unet-course[lab]" --with "unet-course[slides]"',
        ),
        ("project/.venv", False, "unet-course[lab]", 'pip install "unet-course[lab]"'),
    ],
)
def test_how_to_install_fits_the_environment(tmp_path, monkeypatch, prefix, receipt, what, command):
    (tmp_path / prefix).mkdir(parents=True)
    if receipt:
        (tmp_path / prefix / "uv-receipt.toml").touch()
    monkeypatch.setattr(sys, "prefix", str(tmp_path / prefix))
    said = runtime.how_to_install(what)
    assert said.endswith(command) and ("pip install" in said) == ("pip" in command)
