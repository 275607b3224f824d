"""The hub's files: made from one place, whole, and with links that lead to the lessons."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tomllib
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from lesson_files import LESSONS, ROOT, read

HUB = ROOT / "docs" / "hub"


def load(name):
    spec = importlib.util.spec_from_file_location(name, HUB / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make_hub = load("make_hub")


@pytest.fixture
def settings():
    return make_hub.read(HUB / "class.toml")


def changed(tmp_path, old, new):
    text = (HUB / "class.toml").read_text(encoding="utf-8")
    assert text.count(old) == 1
    path = tmp_path / "class.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def test_each_lessons_link_leads_to_repository_branch_and_path(settings):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    text = make_hub.links(settings)
    found = re.findall(r"\((\S+)\)", text)
    assert len(found) == len(LESSONS)
    for address, lesson in zip(found, LESSONS, strict=True):
        url = urlsplit(address)
        assert f"{url.scheme}://{url.netloc}" == settings["hub"]["address"]
        assert url.path == "/hub/user-redirect/git-pull"
        asked = {name: value for name, (value,) in parse_qs(url.query).items()}
        repository = project["project"]["urls"]["Repository"]
        # nbgitpuller clones into a folder with the repository's name
        place = f"lab/tree/{repository.rsplit('/', 1)[1]}/notebooks/{lesson.name}"
        branch = project["tool"]["unet-course"]["branch"]
        assert asked == {"repo": repository, "branch": branch, "urlpath": place}


def test_the_settings_reach_kubernetes(tmp_path):
    settings = make_hub.read(changed(tmp_path, 'memory = "3G"', 'memory = "4G"'))
    settings["shared"] |= {"data": "/srv/data", "data_claim": "patients"}
    values = yaml.safe_load(make_hub.kubernetes(settings))
    student = values["singleuser"]
    assert student["memory"] == {"limit": "4G", "guarantee": "1G"}
    assert student["cpu"]["limit"] == settings["student"]["cores"]
    assert student["image"] == settings["image"]
    assert student["extraEnv"]["UNET_COURSE_SHARED"] == settings["shared"]["cache"]
    assert student["extraEnv"]["UNET_COURSE_DATA"] == "/srv/data"
    (volume,) = student["storage"]["extraVolumes"]
    (mount,) = student["storage"]["extraVolumeMounts"]
    assert volume["name"] == mount["name"] and mount["readOnly"]
    assert mount["mountPath"] == "/srv/data"
    assert values["cull"] == {"enabled": True, "timeout": 5400, "maxAge": 36000}
    # Kubernetes takes texts only as variables
    assert all(isinstance(value, str) for value in student["extraEnv"].values())


def test_without_real_patients_nothing_points_at_them(settings):
    student = yaml.safe_load(make_hub.kubernetes(settings))["singleuser"]
    assert "UNET_COURSE_DATA" not in student["extraEnv"]
    assert "extraVolumes" not in student["storage"]


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")
def test_the_servers_script_is_sound(settings):
    script = make_hub.tljh(settings)
    assert subprocess.run(["bash", "-n"], input=script, text=True).returncode == 0
    config = re.search(r"<<'END'\n(.*)\nEND", script, re.DOTALL)[1]

    class Spawner:
        environment = None

    class Config:
        pass

    c = Config()
    c.Spawner = Spawner
    exec(compile(config, "unet_course.py", "exec"), {"c": c})
    assert Spawner.environment["UNET_COURSE_SHARED"] == settings["shared"]["cache"]
    assert f"UNET_COURSE_CACHE={settings['shared']['cache']} " in script
    assert "services.cull.timeout 5400" in script and "limits.memory 3G" in script


def test_the_image_has_the_sample_where_the_settings_say(settings):
    text = (HUB / "Dockerfile").read_text(encoding="utf-8")
    assert f"UNET_COURSE_CACHE={settings['shared']['cache']} unet-course data sample" in text
    name, tag = settings["image"]["name"], settings["image"]["tag"]
    assert f"-t {name}:{tag} " in text


def test_the_command_writes_all_three(tmp_path):
    command = [sys.executable, str(HUB / "make_hub.py"), "--draft", "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"tljh.sh", "values.yaml", "links.md"}
    assert b"\r" not in (tmp_path / "out" / "tljh.sh").read_bytes()


@pytest.mark.parametrize("owner", ["OWNER", "ada"])
def test_nothing_leads_to_an_address_that_is_nobodys(tmp_path, monkeypatch, capsys, owner):
    """Without ``--draft`` the links and the server's script hold somebody's address."""
    known, _ = make_hub.repository()
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    new = f"https://github.com/{owner}/course"
    (tmp_path / "pyproject.toml").write_text(text.replace(known, new), encoding="utf-8")
    monkeypatch.setattr(make_hub, "ROOT", tmp_path)
    status = make_hub.main(["--out", str(tmp_path / "hub")])
    err = capsys.readouterr().err
    if owner == "ada":
        assert status == 0 and f"git+{new}@" in (tmp_path / "hub" / "tljh.sh").read_text("utf-8")
    else:
        assert status == 1 and not (tmp_path / "hub").exists()
        assert str(tmp_path / "pyproject.toml") in err
        assert "run `python tools/address.py OWNER/NAME`" in err and "--draft" in err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('memory = "3G"', "memory = 2", "memory can't be 2"),
        ("idle_minutes", "idle_minute", "idle_minute"),
        ("https://hub.example.org", "hub.example.org", "https://"),
        ('"/srv/unet-course/cache"', '"cache"', "full path"),
    ],
)
def test_a_slip_in_the_settings_is_told(tmp_path, old, new, said):
    path = changed(tmp_path, old, new)
    command = [sys.executable, str(HUB / "make_hub.py"), "--settings", str(path)]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "out")], capture_output=True, text=True
    )
    assert done.returncode == 1 and said in done.stderr and "Traceback" not in done.stderr


# --- the trial's figures -------------------------------------------------------------------------


def test_the_docs_figures_follow_from_the_trials(settings):
    """Each figure of the arithmetic is worked out again from the trial's own file."""
    trial = json.loads((HUB / "trial.json").read_text(encoding="utf-8"))
    text = (HUB / "workshop_hub.md").read_text(encoding="utf-8")
    for line in trial["table"].splitlines():
        assert line in text, "copy the table of trial.json into the page"
    assert trial["lost"] == 0 and trial["command"] in text and trial["date"] in text
    memory, rest = trial["memory_gb"], trial["hub_gb"]
    bound = float(re.search(r"stays below (\d) GB with its Jupyter server", text)[1])
    for students in (30, 300):
        used = students * memory + rest
        limit = float(settings["student"]["memory"].removesuffix("G"))
        cores = students * trial["cores"] / trial["students"]
        columns = [used, students * bound, students * limit]
        assert row(text, students) == [*(f"{gb:.0f} GB" for gb in columns), f"{cores:.0f}"]


def row(text, first):
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {first} |")]
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_the_docs_cores_follow_from_the_lessons_saved_runs():
    text = (HUB / "workshop_hub.md").read_text(encoding="utf-8")
    for lesson in LESSONS:
        if lesson.name[:2] in ("05", "06", "10"):
            seconds = read(lesson).metadata.unet_course.seconds
            work = 30 * 2 * seconds
            again = [
                f"{seconds} s",
                f"{work} s",
                *(f"{work / n / 60:.0f} min" for n in (8, 16, 32)),
            ]
            told = row(text, lesson.name[:2])
            assert told[:5] == again, "write it: python tools/lesson_minutes.py"
            assert told[6] == f"{work / 60 / int(told[5].removesuffix(' min')):.1f}"


def test_the_docs_disk_adds_up():
    text = (HUB / "workshop_hub.md").read_text(encoding="utf-8")
    disk = " ".join(text.split("**Disk.**")[1].split())
    environment, sample = map(float, re.findall(r"([\d.]+) GB[,;]", disk)[:2])
    *parts, each = map(int, re.findall(r"(\d+) MB", disk)[:4])
    assert each == sum(parts)
    told = f"30 students need {environment} + {sample} + 2 + 30 × {each / 1000} = "
    assert f"{told}{environment + sample + 2 + 30 * each / 1000:.1f} GB" in disk


PROXY = shutil.which("configurable-http-proxy")
HAS_HUB = PROXY and all(importlib.util.find_spec(name) for name in ("jupyterhub", "aiohttp"))


@pytest.mark.skipif(not HAS_HUB, reason="JupyterHub, aiohttp and its proxy aren't installed here")
@pytest.mark.parametrize("shared", ["sample", "missing"])
def test_two_students_on_a_real_hub(shared, sample, tmp_path):
    """None is lost; without the shared cache both are, and the trial says so."""
    place = sample.parents[2] if shared == "sample" else tmp_path / "missing"
    command = [sys.executable, str(HUB / "try_hub.py"), "--students", "2", "--shared", str(place)]
    done = subprocess.run([*command, "--proxy", PROXY], capture_output=True, text=True)
    lost = 0 if shared == "sample" else 2
    assert f"2 students at once, 01_pixels_to_masks: {lost} lost" in done.stdout, done.stderr
    assert done.returncode == (lost > 0)
    assert ("Correct UNET_COURSE_SHARED" in done.stdout) == (lost > 0)
