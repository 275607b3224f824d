"""Publishing: what address.py writes and finds missing, what a release holds, the site's links."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile

import pytest
import yaml
from lesson_files import ROOT
from site_files import built, missing

TOOLS = ROOT / "tools"
PAGE = (ROOT / "docs" / "publish.md").read_text(encoding="utf-8")
HELD = ("pyproject.toml", "CITATION.cff", ".zenodo.json", "CHANGELOG.md", "SECURITY.md")


def load(name: str):
    sys.path.insert(0, str(TOOLS))  # they import each other by name
    try:
        spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(TOOLS))


facts, address, site_links, check_release = map(
    load, ("published_facts", "address", "site_links", "check_release")
)


@pytest.fixture
def clone(tmp_path):
    """What a publisher has, without the lessons' outputs: a repository with a remote of its own."""
    root = tmp_path / "clone"
    for name in (*HELD, "README.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "ROADMAP.md"):
        root.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, root)
    shutil.copytree(ROOT / ".github", root / ".github")
    skip = shutil.ignore_patterns("_build", "notebooks", "reference", "*.png", "jupyter_execute")
    shutil.copytree(ROOT / "docs", root / "docs", ignore=skip)
    for folder in ("unet_course", "notebooks"):
        (root / folder).mkdir()
    shutil.copy(ROOT / "unet_course" / "__init__.py", root / "unet_course")
    for number in ("00", "15"):  # 15 links to the demo
        (lesson,) = (ROOT / "notebooks").glob(f"{number}_*.ipynb")
        shutil.copy(lesson, root / "notebooks")
    as_before_publishing(root)
    return root


def as_before_publishing(root) -> None:
    """Put the placeholders back: these tests run in a published repository as well."""
    assert call(root, "OWNER/unet-course", "--branch", "main")[0] == 0
    files = facts._files(root)
    files = {
        name: text.replace(facts._settings(files)["contact"], facts.NO_CONTACT)
        for name, text in files.items()
    }
    placeholder = f'authors = [{{ name = "{facts.NOBODY}" }}]'
    facts._set(files, "pyproject.toml", r"^authors = \[.*\]$", placeholder)
    citation = re.sub(r"(?m)^doi: .*\n", "", files["CITATION.cff"])
    people = f"authors:\n  - name: {facts.NOBODY}\n"
    files["CITATION.cff"] = re.sub(r"(?m)^authors:\n(?: .*\n)+", people, citation)
    zenodo = json.loads(files[".zenodo.json"]) | {"creators": [{"name": facts.NOBODY}]}
    files[".zenodo.json"] = json.dumps(zenodo)
    for name, text in files.items():
        (root / name).write_text(text, encoding="utf-8")


def call(root, *arguments) -> tuple[int, str]:
    command = [sys.executable, str(TOOLS / "address.py"), "--root", str(root), *arguments]
    env = os.environ | {"PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=env)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def git(root, *arguments) -> None:
    # as anybody's, whatever is set here: no hooks, no signing
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    who += ["-c", "core.hooksPath=/dev/null"]
    subprocess.run(["git", "-C", str(root), *who, *arguments], check=True, capture_output=True)


def lacking(said: str) -> list[str]:
    return [line.split()[1] for line in said.splitlines() if line.startswith("✗")]


@pytest.mark.skipif(not shutil.which("git"), reason="git isn't installed")
def test_the_steps_of_the_page_leave_nothing_missing(clone, tmp_path):
    status, said = call(clone, "--check")
    assert status == 1
    assert lacking(said) == ["address", "clone", "authors", "contact"]
    assert "still OWNER: python tools/address.py OWNER/NAME" in said

    assert call(clone, "Ada/segmenting")[0] == 0
    people = ("--author", "Lovelace, Ada; 0000-0001-2345-6789", "--author", "Höpper, Grace")
    assert call(clone, *people)[0] == 0
    assert call(clone, "--contact", "course@example.com")[0] == 0
    status, said = call(clone, "--check")
    assert lacking(said) == ["clone"]

    bare = (tmp_path / "Ada" / "segmenting").as_posix()
    git(tmp_path, "init", "--bare", "--initial-branch=main", bare)
    git(clone, "init", "--initial-branch=main")
    git(clone, "remote", "add", "origin", bare)
    assert "not committed" in call(clone, "--check")[1]
    git(clone, "add", "--all")
    git(clone, "commit", "--message=a")
    assert "not pushed" in call(clone, "--check")[1]
    git(clone, "push", "--set-upstream", "origin", "main")
    status, said = call(clone, "--check")
    assert status == 0 and lacking(said) == []

    for word in ("https://ada.github.io/segmenting/", "github.com/Ada/segmenting", "release.yml"):
        assert word in said
    unseen = {line.split()[1] for line in said.splitlines() if line.startswith("?")}
    assert {"Pages", "publisher", "Zenodo", "DOI", "Binder"} <= unseen
    names = {path.relative_to(clone).as_posix() for path in clone.rglob("*") if path.is_file()}
    texts = (".md", ".py", ".yml", ".yaml", ".toml", ".cff", ".json", ".sh", ".ipynb")
    for name in (n for n in names if not n.startswith(".git/") and n.endswith(texts)):
        text = (clone / name).read_text(encoding="utf-8")
        assert "OWNER/unet-course" not in text and "//owner.github.io" not in text, name

    project = tomllib.loads((clone / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert [one["name"] for one in project["authors"]] == ["Ada Lovelace", "Grace Höpper"]
    citation = yaml.safe_load((clone / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["authors"][0] == {
        "family-names": "Lovelace",
        "given-names": "Ada",
        "orcid": "https://orcid.org/0000-0001-2345-6789",
    }
    zenodo = json.loads((clone / ".zenodo.json").read_text(encoding="utf-8"))
    assert zenodo["creators"][1] == {"name": "Höpper, Grace"}
    cite = (clone / "docs" / "cite.md").read_text(encoding="utf-8")
    assert "> Ada Lovelace, Grace Höpper (" in cite
    assert "  author = {Lovelace, Ada and Höpper, Grace}," in cite
    assert "<course@example.com>" in (clone / "SECURITY.md").read_text(encoding="utf-8")


def test_a_version_is_written_everywhere_and_a_tag_must_be_it(clone):
    for _ in range(2):  # the second time nothing doubles
        assert call(clone, "--version", "99.2.0")[0] == 0
    changes = (clone / "CHANGELOG.md").read_text(encoding="utf-8")
    assert (
        changes.index("## Unreleased") < changes.index("## 99.2.0 (20") < changes.index("## 0.1.0")
    )
    assert changes.count("## 99.2.0") == 1
    notes = clone / "CHANGELOG.md"
    notes.write_text(changes.replace("## 99.2.0 (20", "## 99.2.0 (not yet 20"), encoding="utf-8")
    assert call(clone, "--version", "99.2.0")[0] == 0  # its date is the release's
    assert notes.read_text(encoding="utf-8") == changes
    init = (clone / "unet_course" / "__init__.py").read_text(encoding="utf-8")
    assert '__version__ = "99.2.0"' in init
    citation = yaml.safe_load((clone / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == "99.2.0" and citation["date-released"]
    assert "✓ version" in call(clone, "--check", "--tag", "v99.2.0")[1]
    assert "the tag is v0.3.0, the version 99.2.0" in call(clone, "--check", "--tag", "v0.3.0")[1]
    file = clone / "CITATION.cff"
    file.write_text(file.read_text(encoding="utf-8").replace("99.2.0", "0.1.0"), encoding="utf-8")
    assert "99.2.0 in pyproject.toml, not in CITATION.cff" in call(clone, "--check")[1]


def test_a_doi_is_cited(clone):
    for doi in ("10.5281/zenodo.1", "10.5281/zenodo.22"):
        assert call(clone, "--doi", doi)[0] == 0
    cite = (clone / "docs" / "cite.md").read_text(encoding="utf-8")
    assert "  doi    = {10.5281/zenodo.22}," in cite and "zenodo.1}" not in cite
    citation = yaml.safe_load((clone / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["doi"] == "10.5281/zenodo.22"
    assert "✓ DOI" in call(clone, "--check")[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--author", "Ada Lovelace"], '"FAMILY, GIVEN"'),
        (["--author", "Lovelace, Ada; 12"], '"FAMILY, GIVEN"'),
        (["--contact", "nobody"], "--contact: 'nobody' isn't one"),
        (["--version", "v1"], "--version: 'v1' isn't one"),
        (["--doi", "https://doi.org/10.5281/zenodo.1"], "--doi: "),
        (["--check", "ada/course"], "leave out the repository"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(clone, arguments, said):
    before = {path: path.read_bytes() for path in clone.rglob("*") if path.is_file()}
    status, told = call(clone, *arguments)
    assert status != 0 and said in told
    assert {path: path.read_bytes() for path in clone.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("CITATION.cff", "  - name: The unet_course authors", "  - name: Ada", "authors"),
        ("docs/cite.md", "The", "", None),
        ("SECURITY.md", "contact@example.org", "x@example.org", "contact@example.org isn't in"),
        (".github/workflows/links.yml", None, None, "links isn't there"),
        ("SECURITY.md", None, None, "SECURITY.md isn't there"),
        ("README.md", "OWNER/unet-course", "ada/other", "not the same in README.md"),
    ],
)
def test_check_names_the_file_that_differs(clone, name, old, new, said):
    if said and "isn't in" in said:
        call(clone, "--contact", "a@example.com")
        old, said = "a@example.com", "a@example.com isn't in SECURITY.md"
    if said and "not the same" in said:
        call(clone, "ada/course")
        old = "ada/course"
    if old is None:
        (clone / name).unlink()
    else:
        text = (clone / name).read_text(encoding="utf-8")
        assert old in text
        (clone / name).write_text(text.replace(old, new), encoding="utf-8")
    told = call(clone, "--check")[1]
    assert said is None or said in told


def test_the_course_states_one_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    files = {name: (ROOT / name).read_text(encoding="utf-8") for name in HELD}
    files["unet_course/__init__.py"] = (ROOT / "unet_course" / "__init__.py").read_text("utf-8")
    assert facts._version(files, project["version"], None)[0] == "✓"


def test_zenodo_and_github_cite_the_same():
    zenodo = json.loads((ROOT / ".zenodo.json").read_text(encoding="utf-8"))
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert zenodo["title"] == citation["title"] and zenodo["keywords"] == citation["keywords"]
    assert zenodo["upload_type"] == citation["type"] == "software"
    assert zenodo["license"].upper() == citation["license"][0]
    assert {"description", "creators", "access_right"} <= set(zenodo)


def test_pypi_shows_readme_with_whole_addresses():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    hook = settings["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for one in hook["substitutions"]:
        text = re.sub(one["pattern"], one["replacement"], text)
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert len(links) > 20 and all(link.startswith("https://") for link in links)
    where = address.read(ROOT)
    assert [fault for link in links if (fault := site_links._elsewhere(link, where, ROOT))] == []


def test_the_page_names_what_is_there():
    for name in re.findall(r"`?python (tools/\w+\.py)", PAGE):
        assert (ROOT / name).is_file(), name
    options = set(re.findall(r"tools/address\.py (--\w+)", PAGE))
    known = call(ROOT, "--help")[1]
    assert options and all(option in known for option in options)
    workflow = re.search(r"\| workflow name \| `(.*?)` \|", PAGE)[1]
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / workflow).read_text("utf-8"))["jobs"]
    assert re.search(r"\| environment name \| `(.*?)` \|", PAGE)[1] == jobs["pypi"]["environment"]
    minutes = sum(int(n) for n in re.findall(r"^## \d\. .*\((\d+) minutes", PAGE, re.MULTILINE))
    assert minutes <= 60


# --- a release --------------------------------------------------------------------------------------


@pytest.fixture
def dist(tmp_path):
    """A small repository, its wheel and its source archive."""
    root, out = tmp_path / "small", tmp_path / "small" / "dist"
    files = {
        "pyproject.toml": '[project]\nname = "unet-course"\nversion = "1.0.0"\n',
        "unet_course/a.py": "",
        "notebooks/00_a.ipynb": "{}",
        ".gitignore": "dist/\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    git(root, "init")
    git(root, "add", "--all")
    out.mkdir()

    def build(wheel=(), source=(), without=()):
        with zipfile.ZipFile(out / "unet_course-1.0.0-py3-none-any.whl", "w") as archive:
            inside = ["unet_course/a.py", "unet_course/_notebooks/00_a.ipynb", *wheel]
            for name in [*inside, "unet_course-1.0.0.dist-info/METADATA"]:
                if name not in without:
                    archive.writestr(name, "")
        with tarfile.open(out / "unet_course-1.0.0.tar.gz", "w:gz") as archive:
            for name in [*files, "PKG-INFO", *source]:
                if name not in without:
                    archive.addfile(tarfile.TarInfo(f"unet_course-1.0.0/{name}"))
        return check_release.faults(out, root)

    return build


@pytest.mark.skipif(not shutil.which("git"), reason="git isn't installed")
def test_a_release_holds_the_course_and_nothing_else(dist):
    assert dist() == []
    assert len(dist(without=["notebooks/00_a.ipynb"])) == 1
    (fault,) = dist(without=["unet_course/_notebooks/00_a.ipynb"])
    assert fault == "unet_course-1.0.0-py3-none-any.whl: notebooks/00_a.ipynb is missing"


@pytest.mark.skipif(not shutil.which("git"), reason="git isn't installed")
@pytest.mark.parametrize(
    "name",
    [
        "my_lessons/00_a.ipynb",
        "unet_course/__pycache__/a.cpython-313.pyc",
        "data/TCGA_DU_7013.tif",
        "data/BraTS20_Training_001_flair.nii.gz",
        "uv.lock",
        "notebooks/.ipynb_checkpoints/00_a-checkpoint.ipynb",
        ".kaggle/kaggle.json",
        "unet_course/left_over.py",
    ],
)
def test_what_must_not_be_published_is_named(dist, name):
    for build in ({"wheel": [name]}, {"source": [name]}):
        assert any(name in fault for fault in dist(**build)), build


def test_a_folder_with_old_archives_is_refused(tmp_path):
    with pytest.raises(ValueError, match="0 wheels and 0 source archives; empty the folder"):
        check_release.faults(tmp_path, ROOT)


# --- the site below its base path ---------------------------------------------------------------------


def small_site(folder, link):
    (folder / "sub").mkdir(parents=True)
    (folder / "index.html").write_text(f'<a href="{link}">x</a>', encoding="utf-8")
    (folder / "sub" / "page.html").write_text('<p id="here">', encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("link", "fault"),
    [
        ("sub/page.html#here", None),
        ("sub/page.html#there", "has no #there"),
        ("sub/none.html", "leads nowhere"),
        ("/sub/page.html", "isn't below /course/"),
        ("../other/", "isn't below /course/"),
        ("https://github.com/ada/course/blob/main/README.md", None),
        ("https://github.com/ada/course/blob/main/NOTHING.md", "has no NOTHING.md"),
        ("https://github.com/ada/course/blob/other/README.md", "isn't on the branch main"),
        ("https://github.com/OWNER/unet-course", "still has OWNER"),
        ("https://mybinder.org/v2/gh/ada/course/main?urlpath=lab%2Ftree%2Fx", "has no x"),
    ],
)
def test_a_link_that_leads_nowhere_is_found(tmp_path, link, fault):
    where = address.Address("ada/course", "main")
    followed, told = site_links.broken(small_site(tmp_path / "site", link), where, ROOT)
    assert followed >= 2
    assert (told == []) if fault is None else (len(told) == 1 and fault in told[0]), told


@pytest.mark.skipif(missing() is not None, reason=str(missing()))
def test_every_link_of_the_site_leads_somewhere_below_the_base_path():
    where = address.read(ROOT)
    followed, told = site_links.broken(built(), where)
    assert followed > 1000 and told == []
    index = (built() / "index.html").read_text(encoding="utf-8")
    assert f'<link rel="canonical" href="{where.site()}index.html" />' in index


def test_a_site_of_a_user_has_no_base_path():
    assert address.Address("Ada/ada.github.io", "main").site() == "https://ada.github.io/"
    assert address.Address("Ada/Course", "main").site() == "https://ada.github.io/Course/"
