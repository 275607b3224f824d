"""The hub's files: they parse, agree with pyproject and with each other, and the page's sums add up."""

import re
import shutil
import subprocess
import tomllib

import pytest
import yaml
from lesson_files import LESSONS, ROOT, read

HUB = ROOT / "docs" / "hub"
SCRIPT = (HUB / "tljh.sh").read_text(encoding="utf-8")
PAGE = (HUB / "workshop_hub.md").read_text(encoding="utf-8")
STUDENT = yaml.safe_load((HUB / "values.yaml").read_text(encoding="utf-8"))["singleuser"]
# what an instructor edits: name=value, and a comment
SET = dict(re.findall(r"^(\w+)=(\S*)", SCRIPT.split("# --- to here ---")[0], re.MULTILINE))

needs_bash = pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")


def run_script(tmp_path, repository):
    """Run tljh.sh with commands that only write down what they were asked."""
    bin = tmp_path / "bin"
    bin.mkdir()
    for name in ("pip", "unet-course", "tljh-config", "python"):
        said = "echo 00_a.ipynb 01_b.ipynb" if name == "python" else f'echo "{name} $*" >> log'
        (bin / name).write_text(f"#!/bin/bash\n{said}\n", encoding="utf-8")
        (bin / name).chmod(0o755)
    script = SCRIPT.replace("/opt/tljh/user/bin", str(bin)).replace(
        "/opt/tljh/config/jupyterhub_config.d", str(tmp_path)
    )
    script = script.replace("/srv/unet-course", str(tmp_path / "srv"))
    script = script.replace(SET["repository"], repository)
    env = {"PATH": f"{bin}:/usr/bin:/bin"}
    command = ["bash", "-c", script]
    return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=env)


@needs_bash
def test_the_servers_script_does_what_it_says(tmp_path):
    done = run_script(tmp_path, "https://github.com/ada/course")
    assert done.returncode == 0, done.stderr
    log = (tmp_path / "log").read_text(encoding="utf-8")
    assert f"unet-course[lab] @ git+https://github.com/ada/course@{SET['branch']} nbg" in log
    for said in ("limits.memory 3G", "limits.cpu 2", "cull.timeout 5400", "cull.max_age 36000"):
        assert said in log
    asked = "repo=https://github.com/ada/course&branch=main&urlpath=lab/tree/course/notebooks/"
    link = f"{SET['hub']}/hub/user-redirect/git-pull?{asked}"
    assert done.stdout.splitlines()[-2:] == [f"{link}00_a.ipynb", f"{link}01_b.ipynb"]

    class Config:
        class Spawner:
            environment = None

    config = (tmp_path / "unet_course.py").read_text(encoding="utf-8")
    exec(compile(config, "unet_course.py", "exec"), {"c": Config})
    shared = Config.Spawner.environment
    assert shared.pop("UNET_COURSE_SHARED") == str(tmp_path / "srv" / "cache")
    assert shared.pop("UNET_COURSE_DATA") == ""  # the sample
    assert shared == {k: v for k, v in STUDENT["extraEnv"].items() if k != "UNET_COURSE_SHARED"}


@needs_bash
def test_the_script_leads_to_no_address_that_is_nobodys(tmp_path):
    done = run_script(tmp_path, "https://github.com/OWNER/unet-course")
    assert done.returncode == 1 and "publish the course first" in done.stderr
    assert not (tmp_path / "log").exists()


def test_the_files_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert SET["repository"] == project["project"]["urls"]["Repository"]
    assert SET["branch"] == project["tool"]["unet-course"]["branch"]
    assert SET["memory"] == STUDENT["memory"]["limit"]
    assert SET["cores"] == str(STUDENT["cpu"]["limit"]) == STUDENT["extraEnv"]["OMP_NUM_THREADS"]
    assert SET["cache"] == STUDENT["extraEnv"]["UNET_COURSE_SHARED"]
    image = (HUB / "Dockerfile").read_text(encoding="utf-8")
    assert f"UNET_COURSE_CACHE={SET['cache']} unet-course data sample" in image
    for text in (image, PAGE):
        assert f"-t {STUDENT['image']['name']}:{STUDENT['image']['tag']} " in text
    # Kubernetes takes only text as a variable's value
    assert all(isinstance(value, str) for value in STUDENT["extraEnv"].values())


# --- the page's figures --------------------------------------------------------------------------


def test_the_pages_memory_follows_from_the_trials():
    memory, together = map(float, re.findall(r"([\d.]+) GB (?:at most|together)", PAGE)[:2])
    hub = float(re.search(r"hub and its proxy: ([\d.]+) GB", PAGE)[1])
    students = len(re.findall(r"^student\d+", PAGE, re.MULTILINE))
    assert f"{students * memory:.1f}" == str(together)
    bound = float(re.search(r"stays below (\d) GB with its Jupyter server", PAGE)[1])
    for count in (30, 300):
        columns = [count * memory + hub, count * bound, count * float(SET["memory"][:-1])]
        cores = count * int(SET["cores"]) / students
        assert row(PAGE, count) == [*(f"{gb:.0f} GB" for gb in columns), f"{cores:.0f}"]


def row(text, first):
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {first} |")]
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_the_pages_cores_follow_from_the_lessons_saved_runs():
    for lesson in LESSONS:
        if lesson.name[:2] in ("05", "06", "10"):
            seconds = read(lesson).metadata.unet_course.seconds
            work = 30 * 2 * seconds
            told = row(PAGE, lesson.name[:2])
            again = [
                f"{seconds} s",
                f"{work} s",
                *(f"{work / n / 60:.0f} min" for n in (8, 16, 32)),
            ]
            assert told[:5] == again, "write it: python tools/lesson_minutes.py"
            assert told[6] == f"{work / 60 / int(told[5].removesuffix(' min')):.1f}"


def test_the_pages_disk_adds_up():
    disk = " ".join(PAGE.split("**Disk.**")[1].split())
    environment, sample = map(float, re.findall(r"([\d.]+) GB[,;]", disk)[:2])
    *parts, each = map(int, re.findall(r"(\d+) MB", disk)[:4])
    assert each == sum(parts)
    told = f"30 students need {environment} + {sample} + 2 + 30 × {each / 1000} = "
    assert f"{told}{environment + sample + 2 + 30 * each / 1000:.1f} GB" in disk
