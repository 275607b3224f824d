"""`unet-course doctor`: what this machine has, what runs here, and how long a lesson will take.

`examine` measures and returns plain types, `text` prints them. A lesson can't run where Python or a
package is out of range, memory or disk too small; each of these is a trouble with its cure.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import tomllib
import warnings
from pathlib import Path

import psutil
from packaging.requirements import Requirement

from unet_course import exercises, runtime
from unet_course.commands import run_lesson
from unet_course.commands.opening import user_settings
from unet_course.commands.terminal import how_to_install
from unet_course.data import brats, lgg
from unet_course.data.layouts import DataError
from unet_course.exercises import solved

NEEDED_MEMORY_GB = 2.0  # the most that a lesson may take
NEEDED_DISK_GB = 1.0  # the sample, and room for checkpoints
PLACES = {"colab": "Colab", "binder": "Binder", "hub": "a JupyterHub", "laptop": "this computer"}


def examine() -> dict:
    """Look at the machine and return what was found, in types that `json.dumps` takes.

    `ready` is False when a lesson can't run; `troubles` then says why and what to do. `settings`
    has what the user has set for other work and lessons opened by `unet-course` don't follow.
    """
    troubles: list[str] = []
    found: dict = {"ready": False, "troubles": troubles, "place": runtime.where()}
    version, needed = platform.python_version(), _about()[0]
    if needed and not Requirement(f"python{needed}").specifier.contains(version):
        troubles.append(f"Python {version} is out of the range {needed}: install one that is in it")
    found["python"] = {"version": version, "needed": needed, "executable": sys.executable}
    found["packages"] = _packages(troubles)
    found |= {"processor": runtime.processor(), "cores": _cores()}
    found["load"] = round(psutil.getloadavg()[0], 1)  # before the measuring adds to it
    found |= {"memory_gb": _memory(troubles), "settings": user_settings.find()}
    if not any("tensorflow" in trouble for trouble in troubles):
        try:
            found |= measured() if "tensorflow" in sys.modules else _measured_in_a_child()
        except Exception as error:  # a broken installation shows in many ways, all worth telling
            troubles.append(f"TensorFlow doesn't run here ({type(error).__name__}: {error})")
    if not os.access(runtime.cache_dir(), os.W_OK):
        cure = f"Set {runtime.CACHE_VARIABLE} to a folder of your own"
        troubles.append(f"{runtime.cache_dir()}: it may not be written. {cure}")
    found["free_disk_gb"] = round(shutil.disk_usage(runtime.cache_dir()).free / 1e9, 1)
    if found["free_disk_gb"] < NEEDED_DISK_GB:
        troubles.append(
            f"{runtime.cache_dir()}: {found['free_disk_gb']} GB are free, {NEEDED_DISK_GB:.0f} GB are "
            f"needed. Free some, or set {runtime.CACHE_VARIABLE} to a folder on another disk"
        )
    found["data"] = _data(troubles)
    tried, tasks = solved.read(), exercises.tasks()
    functions = [name for name in exercises.checks() if name not in tasks]
    file = str(runtime.user_dir() / solved.FILE)
    found["exercises"] = {"file": file, **_counted(functions, tried)}
    found["open_tasks"] = _counted([name for name in exercises.checks() if name in tasks], tried)
    found["questions"] = _counted(exercises.questions(), tried)
    found["lessons"] = _lessons(found.get("seconds_per_step"), troubles)
    return found | {"ready": not troubles}


def _counted(names: list[str], tried: dict[str, dict]) -> dict:
    done = [name for name in names if name in tried and tried[name]["done"]]
    begun = [name for name in names if name in tried and name not in done]
    return {"all": len(names), "done": done, "tried": begun}


def measured() -> dict:
    """Return what TensorFlow and Keras have here: GPUs, the fastest precision, seconds per step."""
    with runtime.quiet():
        import keras  # the lessons' first import, which reads its settings

        found = {"keras": keras.backend.backend(), "gpus": runtime.gpus()}
        found["precision"] = runtime.best_precision()
        return found | {"seconds_per_step": round(runtime.seconds_per_step(best=True), 3)}


def _measured_in_a_child() -> dict:
    """Measure in a process that is started as a lesson's kernel is."""
    code = (
        "import json; from unet_course.commands import doctor; print(json.dumps(doctor.measured()))"
    )
    env = user_settings.kernel_environment()
    child = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, errors="replace"
    )
    if child.returncode:
        said = child.stderr.strip().splitlines() or [f"it ended with {child.returncode}"]
        raise RuntimeError(said[-1])
    return json.loads(child.stdout.splitlines()[-1])


def _about() -> tuple[str | None, list[str]]:
    """Return the range of Python and the requirements, of the installed package or the clone."""
    try:
        known = importlib.metadata.distribution("unet-course")
    except importlib.metadata.PackageNotFoundError:
        path = runtime.PACKAGE.parent / "pyproject.toml"
        project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        lab = [f"{text}; extra == 'lab'" for text in project["optional-dependencies"]["lab"]]
        return project["requires-python"], project["dependencies"] + lab
    return known.metadata.get("Requires-Python"), known.requires or []


def _packages(troubles: list[str]) -> list[dict]:
    """Return the core dependencies and JupyterLab, and what of each is installed."""
    rows = []
    for wanted in map(Requirement, _about()[1]):
        core = wanted.marker is None or wanted.marker.evaluate({"extra": ""})
        if not core and not wanted.marker.evaluate({"extra": "lab"}):
            continue
        try:
            version = importlib.metadata.version(wanted.name)
        except importlib.metadata.PackageNotFoundError:
            version = None
        good = version is not None and wanted.specifier.contains(version, prereleases=True)
        needed = ",".join(sorted(map(str, wanted.specifier), reverse=True))  # lower bound first
        if core and not good:
            have = f"is {version}" if version else "is missing"
            how = how_to_install(wanted.name + needed)
            troubles.append(f"{wanted.name} {have}, needed is {needed}: {how}")
        use = "lessons" if core else "opening JupyterLab"
        row = {"name": wanted.name, "version": version, "needed": needed, "good": good, "for": use}
        rows.append(row)
    return rows


def _cores() -> int:
    """Return the cores that this process may use (fewer than the machine's in a container)."""
    process = psutil.Process()
    known = len(process.cpu_affinity()) if hasattr(process, "cpu_affinity") else psutil.cpu_count()
    return known or 1


def _memory(troubles: list[str]) -> dict:
    memory = psutil.virtual_memory()
    total, free = memory.total / 1e9, memory.available / 1e9
    for name in ("memory.max", "memory/memory.limit_in_bytes"):  # a container's own limit
        with contextlib.suppress(OSError, ValueError):
            limit = int(Path("/sys/fs/cgroup", name).read_text(encoding="utf-8")) / 1e9
            total, free = min(total, limit), min(free, limit)
    if free < NEEDED_MEMORY_GB:
        what = f"{free:.1f} GB of memory are free, a lesson may take {NEEDED_MEMORY_GB:.0f}"
        troubles.append(f"{what}: close other programs and other notebooks' kernels")
    return {"total": round(total, 1), "free": round(free, 1)}


def _data(troubles: list[str]) -> dict:
    """Say which real patients are pointed at, and whether the sample is made."""
    found: dict = {"folder": None, "layout": None, "patients": 0, "cases": 0}
    found |= {"notes": [], "sample": []}
    try:
        for cache in filter(None, (runtime.shared_cache(), runtime.cache_dir())):
            for kind in ("lgg-*/kaggle_3m", "brats-*/[!.]*"):
                found["sample"] += map(str, sorted((cache / "sample").glob(kind)))
        folder = runtime.data_folder()
    except (OSError, ValueError) as error:
        troubles.append(str(error))
        return found
    if folder is not None:
        try:
            with warnings.catch_warnings(record=True, action="always") as warned:
                patients, cases = lgg.find_patients(folder), brats.find_cases(folder)
        except DataError as error:  # a table of one's own that can't be used
            troubles.append(str(error))
            return found | {"folder": str(folder)}
        found |= {"folder": str(folder), "patients": len(patients), "cases": len(cases)}
        layouts = ["LGG"] * any(isinstance(one, lgg.Patient) for one in patients) + sorted(
            {case.layout.name for case in cases}
        )
        found["layout"] = ", ".join(layouts) or None
        found["notes"] = [str(warning.message) for warning in warned]
    return found


def _lessons(yardstick: float | None, troubles: list[str]) -> list[dict]:
    """Return each lesson with the minutes that it will take here.

    A lesson's file holds its seconds and the yardstick's (a few convolutions) when it was saved.
    """
    rows = []
    try:
        paths = run_lesson.list_lessons()
    except FileNotFoundError as error:
        troubles.append(str(error))
        return rows
    for path in paths:
        minutes, saved = None, {}
        try:
            saved = run_lesson.read(path).metadata.get("unet_course", {})
        except (OSError, ValueError) as error:
            troubles.append(str(error))
        with contextlib.suppress(TypeError, KeyError, ZeroDivisionError):  # not measured, or odd
            minutes = round(saved["seconds"] * yardstick / saved["yardstick"] / 60, 1)
        rows.append({"lesson": path.stem, "minutes": minutes})
    return rows


def text(found: dict) -> str:
    """Return what `examine` found as text for people. Nothing in it is wrapped or cut."""
    memory = found["memory_gb"]
    lines = [
        f"Python      {found['python']['version']} (needed {found['python']['needed'] or 'any'})",
        f"Runs on     {PLACES[found['place']]}: {found['processor']}, {found['cores']} cores, "
        f"{memory['free']} of {memory['total']} GB memory free, {found['free_disk_gb']} GB disk free",
    ]
    if "gpus" in found:
        lines.append(f"GPU         {', '.join(found['gpus']) or 'none'}")
        lines.append(f"Fastest precision: {found['precision']}")
    bad = [row for row in found["packages"] if not row["good"]]
    lines.append(f"Packages    {len(found['packages']) - len(bad)} packages fit")
    for row in bad:
        have = f"{row['name']} {row['version'] or 'missing'}"
        lines.append(f"  ✗ {have} (needed {row['needed']}, for {row['for']})")
    lines += ["", *_data_lines(found["data"]), ""]
    kinds = {"exercises": "Exercises", "open_tasks": "Open tasks", "questions": "Questions"}
    for kind, title in kinds.items():
        done = found[kind]
        lines.append(f"{title:<12}{len(done['done'])} of {done['all']} done")
        if done["tried"]:
            lines.append(f"  begun: {', '.join(done['tried'])}")
    lines.append(f"  kept in {found['exercises']['file']}")
    lines += ["", "Lessons, and about how long each runs here without your reading"]
    for row in found["lessons"]:
        time = "not measured yet" if row["minutes"] is None else f"{row['minutes']} min"
        lines.append(f"  {row['lesson']}: {time}")
    if found["load"] > found["cores"] / 2:
        busy = f"This machine is busy (load {found['load']} on {found['cores']} cores)"
        lines.append(f"  {busy}, so the minutes may be too many: close other programs, ask again.")
    lines.append("")
    if not found["ready"]:
        lines += ["Lessons can't run here:", *(f"  ✗ {trouble}" for trouble in found["troubles"])]
    elif found["settings"]:
        lines += [
            "Lessons run here when `unet-course` opens or runs them. Opened elsewhere they follow",
            "your own settings, with which they may fail or look different:",
            *(f"  {setting}" for setting in found["settings"]),
        ]
    else:
        lines.append("Every lesson runs here.")
    return "\n".join(lines)


def _data_lines(data: dict) -> list[str]:
    def count(number: int, what: str) -> str:
        return f"{number} {what}{'s' * (number != 1)}" if number else "the sample"

    told = "the sample (nothing real is pointed at)"
    if data["patients"] or data["cases"]:
        slices, volumes = count(data["patients"], "patient"), count(data["cases"], "case")
        told = f"2-D: {slices}, 3-D: {volumes} (in {data['folder']})"
    elif data["folder"]:
        told = f"the sample (no complete LGG patient or BraTS case in {data['folder']})"
    made = [f"  sample: {path}" for path in data["sample"]] or ["  sample: made on first use"]
    return [f"Data        {told}", *(f"  {note}" for note in data["notes"]), *made]
