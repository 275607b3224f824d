"""The launch links: each leads to the repository, the branch and the lesson's own path."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from urllib.parse import parse_qs, urlsplit

import pytest
from lesson_files import LESSONS, ROOT, code_cells, read

TOOL = ROOT / "tools" / "address.py"
LINK = re.compile(r"\]\((https://[^)\s]+)\)")
every_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)


def published(root=ROOT) -> tuple[str, str]:
    """Repository (owner/name) and branch, as pyproject.toml has them."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    url = urlsplit(project["project"]["urls"]["Repository"])
    assert (url.scheme, url.netloc) == ("https", "github.com")
    return url.path.strip("/"), project["tool"]["unet-course"]["branch"]


def leads_to(address: str) -> tuple[str, str, str, str]:
    """Where, repository, branch and path that a launch address says."""
    url = urlsplit(address)
    parts = url.path.strip("/").split("/")
    if url.netloc == "colab.research.google.com":
        github, owner, name, blob, branch, *path = parts
        assert (github, blob, url.query) == ("github", "blob", "")
        return "colab", f"{owner}/{name}", branch, "/".join(path)
    assert url.netloc == "mybinder.org"
    version, service, owner, name, branch = parts
    assert (version, service) == ("v2", "gh")
    (opened,) = parse_qs(url.query, strict_parsing=True)["urlpath"]
    assert opened.startswith("lab/tree/")
    return "binder", f"{owner}/{name}", branch, opened.removeprefix("lab/tree/")


@every_lesson
def test_a_lesson_launches_itself(lesson):
    title, _, links, *_ = read(lesson).cells[0].source.split("\n")
    assert title.startswith("# "), "the links stand below the title"
    expected = (*published(), f"notebooks/{lesson.name}")
    found = [leads_to(address) for address in LINK.findall(links)]
    again = f"write them: python tools/address.py --lesson notebooks/{lesson.name}"
    assert found == [("colab", *expected), ("binder", *expected)], again


@every_lesson
def test_a_lesson_installs_what_it_was_opened_from(lesson):
    repository, branch = published()
    source = code_cells(lesson)[0].source
    again = f"write it: python tools/address.py --lesson notebooks/{lesson.name}"
    assert f'"git+https://github.com/{repository}@{branch}"' in source, again
    # Colab's own versions are the constraints, so that none of them changes
    have, install = (line.strip() for line in source.splitlines()[-2:])
    assert have == "!pip list --format=freeze > installed.txt"
    assert install.startswith("%pip install -q -c installed.txt ")


def test_readme_launches_the_first_lesson():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    launches = [a for a in LINK.findall(text) if "colab.research" in a or "mybinder.org/v2" in a]
    expected = (*published(), f"notebooks/{LESSONS[0].name}")
    found = [leads_to(a) for a in launches if not a.endswith(".svg")]
    assert found[:2] == [("colab", *expected), ("binder", *expected)]


def test_no_other_repository_is_named():
    repository, _ = published()
    name = re.escape(repository.partition("/")[2])
    named = re.compile(rf"(?:github\.com|/gh|/github)/([\w.-]+/{name})(?![\w-])")
    every = set()
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md"), *ROOT.glob("docs/*.py")]:
        if "_build" not in path.parts:
            found = set(named.findall(path.read_text(encoding="utf-8")))
            assert found <= {repository}, f"{path}: {found}"
            every |= found
    assert every == {repository}


# --- the command -----------------------------------------------------------------------------------


@pytest.fixture
def clone(tmp_path):
    for name in ("README.md", "pyproject.toml", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "conf.py").write_text(f'URL = "{published()[0]}"\n', encoding="utf-8")
    shutil.copy(ROOT / "docs" / "hub" / "tljh.sh", tmp_path / "docs")
    for lesson in LESSONS[:2]:
        shutil.copy(lesson, tmp_path / "notebooks")
    return tmp_path


def address(clone, *arguments) -> subprocess.CompletedProcess:
    command = [sys.executable, str(TOOL), "--root", str(clone), *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def contents(folder) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_one_command_sets_it_everywhere_and_back(clone):
    old, before = published(), contents(clone)
    done = address(clone, "ada-lovelace/segmenting", "--branch", "v2")
    assert done.returncode == 0, done.stderr
    assert published(clone) == ("ada-lovelace/segmenting", "v2")
    after = contents(clone)
    assert after.keys() == before.keys()
    for name, content in after.items():
        assert old[0].encode() not in content, name
    expected = ("ada-lovelace/segmenting", "v2")
    for name in (path.name for path in LESSONS[:2]):
        now = json.loads(after[f"notebooks/{name}"])
        links = LINK.findall("".join(now["cells"][0]["source"]))[:2]
        path = f"notebooks/{name}"
        assert [leads_to(a) for a in links] == [
            ("colab", *expected, path),
            ("binder", *expected, path),
        ]
        was = json.loads(before[path])
        changed = [a["id"] for a, b in zip(was["cells"], now["cells"], strict=True) if a != b]
        assert changed == ["title", "install"]
        for a, b in zip(was["cells"], now["cells"], strict=True):
            assert a | {"source": ""} == b | {"source": ""}
    readme = after["README.md"].decode()
    assert "/v2/gh/ada-lovelace/segmenting/v2?" in readme and "segmenting/blob/v2/" in readme
    assert "\nbranch=v2\n" in after["docs/tljh.sh"].decode()
    back = address(clone, old[0], "--branch", old[1])
    assert back.returncode == 0, back.stderr
    assert contents(clone) == before
    assert "0 files changed" in address(clone).stdout


def test_a_new_lesson_gets_its_links(clone):
    lesson = clone / "notebooks" / LESSONS[1].name
    notebook = json.loads(lesson.read_text(encoding="utf-8"))
    notebook["cells"][0]["source"] = ["# 01 New\n", "\n", "Text."]
    notebook["cells"][1]["source"] = ['if "google.colab" in sys.modules:\n', "    %pip install x"]
    text = json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    lesson.write_text(text, encoding="utf-8")
    done = address(clone, "--lesson", str(lesson))
    assert done.returncode == 0, done.stderr
    source = "".join(json.loads(lesson.read_text(encoding="utf-8"))["cells"][0]["source"])
    assert source.startswith("# 01 New\n\n[<kbd>") and source.endswith(")\n\nText.")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nobody"], "isn't OWNER/NAME"),
        (["a/b", "--branch", "x/y"], "Binder's address"),
        (["a/b", "--lesson", "x.ipynb"], "leave out"),
        (["--lesson", "x.ipynb"], "x.ipynb"),
    ],
)
def test_what_cannot_be_an_address_is_refused(clone, arguments, said):
    before = contents(clone)
    done = address(clone, *arguments)
    assert done.returncode != 0 and said in done.stderr
    assert "Traceback" not in done.stderr and contents(clone) == before


@pytest.mark.parametrize("damage", ["layout", "title", "install"])
def test_a_file_that_is_no_saved_lesson_is_left_alone(clone, damage):
    lesson = clone / "notebooks" / LESSONS[1].name
    notebook = json.loads(lesson.read_text(encoding="utf-8"))
    if damage == "title":
        notebook["cells"][0]["source"] = ["No title"]
    elif damage == "install":
        notebook["cells"][1]["source"] = ["pass"]
    indent = 4 if damage == "layout" else 1
    text = json.dumps(notebook, ensure_ascii=False, indent=indent, sort_keys=True) + "\n"
    lesson.write_text(text, encoding="utf-8")
    done = address(clone, "--lesson", str(lesson))
    assert done.returncode == 1 and lesson.name in done.stderr and "Traceback" not in done.stderr
    assert lesson.read_text(encoding="utf-8") == text
