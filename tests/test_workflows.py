"""GitHub's files: workflows, issue forms, Dockerfiles, CITATION.cff, checked offline."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from lesson_files import ROOT

GITHUB = ROOT / ".github"
FORMS = [p for p in sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml")) if p.stem != "config"]
DOCKERFILES = [ROOT / "Dockerfile", ROOT / "docs" / "hub" / "Dockerfile"]
SCRIPTS = Path(sys.executable).parent
WORKFLOWS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted((GITHUB / "workflows").glob("*.yml"))
}
every_workflow = pytest.mark.parametrize("name", WORKFLOWS)


def run(tool: str, *arguments) -> subprocess.CompletedProcess:
    found = shutil.which(tool, path=str(SCRIPTS)) or shutil.which(tool)
    if found is None:
        pytest.skip(f"{tool} isn't installed (the group `dev`)")
    command = [found, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")


def jobs(name: str) -> list[dict]:
    return list(WORKFLOWS[name]["jobs"].values())


def steps(name: str) -> list[dict]:
    return [step for job in jobs(name) for step in job.get("steps", [])]


def triggers(name: str) -> dict:
    return WORKFLOWS[name][True]  # YAML 1.1 reads the key `on` as true


# --- audits ---------------------------------------------------------------------------------------


def test_zizmor_finds_nothing():
    done = run("zizmor", "--offline", "--no-progress", GITHUB)
    assert done.returncode == 0, done.stdout + done.stderr


def test_zizmor_would_find_something(tmp_path):
    workflow = {
        "on": "pull_request_target",
        "jobs": {"a": {"runs-on": "x", "steps": [{"run": "echo ${{ github.event.issue.title }}"}]}},
    }
    path = tmp_path / ".github" / "workflows" / "bad.yml"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(workflow), encoding="utf-8")
    assert run("zizmor", "--offline", "--no-progress", tmp_path).returncode != 0


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", sorted((GITHUB / "workflows").glob("*.yml"))),
        ("vendor.github-issue-forms", FORMS),
        ("vendor.github-issue-config", [GITHUB / "ISSUE_TEMPLATE" / "config.yml"]),
        ("vendor.dependabot", [GITHUB / "dependabot.yml"]),
        ("vendor.citation-file-format", [ROOT / "CITATION.cff"]),
    ],
)
def test_files_have_the_form_that_their_schema_asks(schema, files):
    assert files
    done = run("check-jsonschema", "--builtin-schema", schema, *files)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_hadolint_finds_nothing(file):
    # packages aren't pinned: pyproject's ranges are what is tested; Debian drops old versions
    ignored = [f"--ignore={code}" for code in ("DL3008", "DL3013", "DL3066")]
    done = run("hadolint", *ignored, file)
    assert done.returncode == 0, done.stdout + done.stderr


# --- rights, secrets, pins --------------------------------------------------------------------------


@every_workflow
def test_rights_are_given_job_by_job(name):
    assert WORKFLOWS[name]["permissions"] == {}
    for job in jobs(name):
        assert "permissions" in job
        assert "timeout-minutes" in job or "uses" in job
    assert "concurrency" in WORKFLOWS[name] or name == "report"


def test_only_these_jobs_may_write():
    given = {
        (name, job, right)
        for name, workflow in WORKFLOWS.items()
        for job, what in workflow["jobs"].items()
        for right, level in what["permissions"].items()
        if level == "write"
    }
    assert given == {
        *((name, "report", "issues") for name in ("tests", "colab", "links", "report")),
        ("site", "deploy", "pages"),
        ("site", "deploy", "id-token"),
        ("release", "pypi", "id-token"),
        ("release", "github", "contents"),
    }


@every_workflow
def test_no_secret_is_asked_for_and_no_stranger_is_trusted(name):
    text = (GITHUB / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
    assert not re.search(r"\$\{\{[^}]*\bsecrets\b", text)
    assert "pull_request_target" not in text and "workflow_run" not in text
    for step in steps(name):
        # what somebody else can word reaches a shell as a variable only
        assert "${{" not in step.get("run", "")


@every_workflow
def test_actions_are_named_by_commit_with_their_version(name):
    lines = (GITHUB / "workflows" / f"{name}.yml").read_text(encoding="utf-8").splitlines()
    used = [line.split("uses:")[1].strip() for line in lines if "uses:" in line]
    for use in used:
        here = use.startswith("./.github/workflows/report.yml")
        assert here or re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use), use
    for step in steps(name):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_an_action_has_one_commit_everywhere():
    found: dict[str, set[str]] = {}
    for path in (GITHUB / "workflows").glob("*.yml"):
        for action, at in re.findall(
            r"uses: ([\w/-]+)@(\w+ # \S+)", path.read_text(encoding="utf-8")
        ):
            found.setdefault(action, set()).add(at)
    assert found and all(len(pins) == 1 for pins in found.values()), found


# --- what each is for -------------------------------------------------------------------------------


def test_every_system_and_python_is_tested():
    matrix = WORKFLOWS["tests"]["jobs"]["tests"]["strategy"]["matrix"]
    assert {system.split("-")[0] for system in matrix["os"]} == {"ubuntu", "macos", "windows"}
    pythons = {*matrix["python"], *(one["python"] for one in matrix["include"])}
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert pythons == set(re.findall(r'"Programming Language :: Python :: (3\.\d+)"', project))


@pytest.mark.parametrize("name", ["tests", "colab", "links"])
def test_a_weekly_failure_opens_an_issue(name):
    assert "schedule" in triggers(name)
    report = WORKFLOWS[name]["jobs"]["report"]
    assert report["needs"] == name and report["with"]["title"]
    assert "failure()" in report["if"] and "'schedule'" in report["if"]


def test_lessons_and_explorers_are_tried_under_colabs_versions():
    commands = [step["run"] for step in steps("colab") if "run" in step]
    for tool in ("colab_lessons.py", "colab_explorers.py"):
        assert any(f"python tools/{tool}" in command for command in commands), tool
        assert (ROOT / "tools" / tool).is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="it runs on Linux")
@pytest.mark.parametrize(("open_issue", "expected"), [("7", "comment 7"), ("", "create")])
def test_an_open_issue_is_continued(tmp_path, open_issue, expected):
    (script,) = (step["run"] for step in steps("report"))
    stand_in = tmp_path / "gh"
    said = f'[ "$2" = list ] && echo "{open_issue}" || echo "$2 $3" >> "{tmp_path}/log"'
    stand_in.write_text(f"#!/bin/sh\n{said}\n", encoding="utf-8")
    stand_in.chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "TITLE": "It fails", "RUN": "a run"}
    done = subprocess.run(["bash", "-e", "-c", script], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "log").read_text(encoding="utf-8").startswith(expected)


def test_a_release_is_checked_before_it_is_published():
    release = WORKFLOWS["release"]["jobs"]
    assert triggers("release") == {"push": {"tags": ["v*"]}}
    commands = [step["run"] for step in release["build"]["steps"] if "run" in step]
    order = ["address.py --check --tag", "uv build", "twine check --strict", "check_release.py"]
    assert [next(i for i, c in enumerate(commands) if word in c) for word in order] == [1, 2, 3, 4]
    assert release["pypi"]["needs"] == "build" and release["pypi"]["environment"] == "pypi"
    (publish,) = (s for s in release["pypi"]["steps"] if "pypi-publish" in s["uses"])
    assert publish["with"] == {"attestations": True}  # and no password: trusted publishing
    assert release["github"]["needs"] == "pypi"


# --- containers -------------------------------------------------------------------------------------


def test_the_devcontainer_is_the_dockerfiles_image():
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8")
    dev = json.loads(text)
    assert dev["build"] == {"dockerfile": "../Dockerfile", "context": ".."}
    docker = DOCKERFILES[0].read_text(encoding="utf-8")
    assert f"--uid 1000 {dev['remoteUser']}" in docker and "\nUSER 1000\n" in docker
    (port,) = dev["forwardPorts"]
    assert f"\nEXPOSE {port}\n" in docker
    assert f'CMD ["unet-course", "--no-browser", "--port", "{port}"]' in docker
    assert dev["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"].startswith(
        re.search(r"PATH=(\S+)/bin:", docker)[1]
    )


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_an_image_has_binders_python_and_files_that_are_there(file):
    docker = file.read_text(encoding="utf-8")
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    (python,) = (one for one in environment["dependencies"] if str(one).startswith("python="))
    assert f"FROM python:{python.removeprefix('python=')}-slim" in docker
    copied = re.findall(r"^COPY (?:--\S+ )?(.*) \S+$", docker, re.MULTILINE)
    sources = " ".join(copied).split()
    allowed = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert sources and all((ROOT / one).exists() and f"!{one}" in allowed for one in sources)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    wanted = ["unet_course", "notebooks", *re.findall(r'fragments = \[\{ path = "(.*?)"', project)]
    assert set(wanted) <= set(sources), "what the package is built from"


def test_jupyterlab_reads_the_containers_setting():
    docker = DOCKERFILES[0].read_text(encoding="utf-8")
    written, place = re.search(r"echo '(\{.*\})' > (\S+)", docker).groups()
    assert json.loads(written)["ServerApp"]["ip"] == "0.0.0.0"
    spec = importlib.util.find_spec("jupyter_core")
    if spec is None or sys.platform == "win32":
        pytest.skip("JupyterLab isn't installed, or this isn't Linux")
    from jupyter_core.paths import SYSTEM_CONFIG_PATH

    assert str(Path(place).parent) in SYSTEM_CONFIG_PATH
    assert Path(place).name == "jupyter_server_config.json"


# --- people -----------------------------------------------------------------------------------------


def test_the_forms_ask_for_what_a_maintainer_needs():
    forms = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in FORMS}
    assert set(forms) == {"sentence", "check", "error", "data"}
    for form in forms.values():
        asked = [field for field in form["body"] if field["type"] != "markdown"]
        ids = [field["id"] for field in asked]
        assert len(ids) == len(set(ids)) > 1
        assert any(field.get("validations", {}).get("required") for field in asked)
    (promise,) = (field for field in forms["data"]["body"] if field["type"] == "checkboxes")
    assert all(option["required"] for option in promise["attributes"]["options"])


def test_a_pull_request_is_asked_what_contributing_asks():
    template = (GITHUB / "PULL_REQUEST_TEMPLATE.md").read_text(encoding="utf-8")
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for word in ("--save", "synthetic/sample_data.py", "environment.yml", "benchmarks/README.md"):
        assert word in template and word in contributing, word
    for word in ("real patient", "uv.lock", "CHANGELOG.md", "ruff format"):
        assert word.lower() in template.lower(), word


def test_first_issues_lead_to_files():
    text = (ROOT / "ROADMAP.md").read_text(encoding="utf-8").split("## Good first issues")[1]
    named = re.findall(r"`((?:unet_course|tests|docs|notebooks)/[\w./*-]*)`", text)
    assert len(named) > 6
    for one in named:
        pattern = one.replace("NN", "[0-9][0-9]")
        assert list(ROOT.glob(pattern.rstrip("/"))), one
