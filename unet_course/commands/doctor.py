"""``unet-course doctor``: what this machine has, what runs here, and how long a lesson will take.

`examine` measures and returns plain types, `text` prints them. A lesson can't run where Python or a
package is out of range, memory or disk too small; each of these is a trouble with its cure.
"""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import sys
import warnings
from pathlib import Path

import nbformat
import psutil
from packaging.requirements import Requirement

from unet_course import exercises, runtime
from unet_course.commands import run_lesson
from unet_course.data import brats, lgg
from unet_course.exercises import solved

NEEDED_MEMORY_GB = 2.0  # the most that a lesson may take
NEEDED_DISK_GB = 1.0  # the sample, and room for checkpoints


def examine() -> dict:
    """Look at the machine and return what was found, in types that `json.dumps` takes.

    ``ready`` is False when a lesson can't run; ``troubles`` then says why and what to do.
    """
    troubles: list[str] = []
    found: dict = {
        "place": runtime.where(),
        "python": _python(troubles),
        "packages": _packages(troubles),
        "processor": runtime.processor(),
        "cores": _cores(),
        "load": _load(),  # before the measuring adds to it
        "memory_gb": _memory(troubles),
    }
    if not any("tensorflow" in trouble for trouble in troubles):
        found |= _arithmetic(troubles)
    found["free_disk_gb"] = _disk(troubles)
    found["data"] = _data(troubles)
    found["exercises"] = _exercises()
    found["lessons"] = _lessons(found.get("seconds_per_step"), troubles)
    return {"ready": not troubles, "troubles": troubles, **found}


def _python(troubles: list[str]) -> dict:
    version = platform.python_version()
    needed = importlib.metadata.metadata("unet-course").get("Requires-Python") if _meta() else None
    if needed and not Requirement(f"python{needed}").specifier.contains(version):
        troubles.append(f"Python {version} is out of the range {needed}: install one that is in it")
    return {"version": version, "needed": needed, "executable": sys.executable}


def _meta() -> importlib.metadata.Distribution | None:
    try:
        return importlib.metadata.distribution("unet-course")
    except importlib.metadata.PackageNotFoundError:
        return None


def _requirements() -> list[Requirement]:
    """Return the core dependencies and JupyterLab, from the installed package or the clone."""
    distribution = _meta()
    if distribution is not None:
        texts = distribution.requires or []
    else:
        import tomllib

        path = runtime.PACKAGE.parent / "pyproject.toml"
        project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        texts = project["dependencies"] + [
            f"{text}; extra == 'lab'" for text in project["optional-dependencies"]["lab"]
        ]
    wanted = [Requirement(text) for text in texts]
    return [r for r in wanted if r.marker is None or r.marker.evaluate({"extra": ""}) or _is_lab(r)]


def _is_lab(requirement: Requirement) -> bool:
    return requirement.marker is not None and requirement.marker.evaluate({"extra": "lab"})


def _range(requirement: Requirement) -> str:
    return ",".join(sorted(map(str, requirement.specifier), reverse=True))  # lower bound first


def _packages(troubles: list[str]) -> list[dict]:
    rows = []
    for requirement in _requirements():
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            version = None
        core = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        good = version is not None and requirement.specifier.contains(version, prereleases=True)
        if core and not good:
            have = f"is {version}" if version else "is missing"
            troubles.append(
                f"{requirement.name} {have}, needed is {_range(requirement)}: "
                f'pip install "{requirement.name}{_range(requirement)}"'
            )
        rows.append(
            {
                "name": requirement.name,
                "version": version,
                "needed": _range(requirement),
                "good": good,
                "for": "lessons" if core else "opening JupyterLab",
            }
        )
    return rows


def _cores() -> int:
    """Return the cores that this process may use (fewer than the machine's in a container)."""
    process = psutil.Process()
    if hasattr(process, "cpu_affinity"):
        return len(process.cpu_affinity())
    return psutil.cpu_count() or 1


def _load() -> float:
    """Return how many cores other programs have kept busy in the last minute, about."""
    try:
        return round(psutil.getloadavg()[0], 1)
    except (OSError, AttributeError):  # a system that doesn't count it
        return 0.0


def _memory(troubles: list[str]) -> dict:
    memory = psutil.virtual_memory()
    total, free = memory.total / 1e9, memory.available / 1e9
    for name in ("memory.max", "memory/memory.limit_in_bytes"):  # a container's own limit
        try:
            limit = int(Path("/sys/fs/cgroup", name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        total, free = min(total, limit / 1e9), min(free, limit / 1e9)
    if free < NEEDED_MEMORY_GB:
        troubles.append(
            f"{free:.1f} GB of memory are free, a lesson may take {NEEDED_MEMORY_GB:.0f}: close "
            "other programs and other notebooks' kernels"
        )
    return {"total": round(total, 1), "free": round(free, 1)}


def _arithmetic(troubles: list[str]) -> dict:
    try:
        with runtime.quiet():
            return {
                "gpus": runtime.gpus(),
                "precision": runtime.best_precision(),
                "seconds_per_step": round(runtime.seconds_per_step(best=True), 3),
            }
    except Exception as error:  # a broken installation shows in many ways, all worth telling
        troubles.append(f"TensorFlow doesn't run here ({type(error).__name__}: {error})")
        return {}


def _disk(troubles: list[str]) -> float:
    free = shutil.disk_usage(runtime.cache_dir()).free / 1e9
    if free < NEEDED_DISK_GB:
        troubles.append(
            f"{runtime.cache_dir()}: {free:.1f} GB are free, {NEEDED_DISK_GB:.0f} GB are needed. "
            f"Free some, or set {runtime.CACHE_VARIABLE} to a folder on another disk"
        )
    return round(free, 1)


def _data(troubles: list[str]) -> dict:
    """Say which real patients are pointed at, and whether the sample is made."""
    found: dict = {"folder": None, "layout": None, "patients": 0, "cases": 0}
    found |= {"notes": [], "sample": []}
    try:
        found["sample"] = [
            str(path)
            for cache in filter(None, (runtime.shared_cache(), runtime.cache_dir()))
            for kind in ("lgg-*/kaggle_3m", "brats-*/[!.]*")
            for path in sorted((cache / "sample").glob(kind))
        ]
        folder = runtime.data_folder()
    except (OSError, ValueError) as error:
        troubles.append(str(error))
        return found
    if folder is not None:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            patients = lgg.find_patients(folder)
            cases = brats.find_cases(folder)
        found |= {"folder": str(folder), "patients": len(patients), "cases": len(cases)}
        layouts = ["LGG"] * bool(patients) + sorted({case.layout.name for case in cases})
        found["layout"] = ", ".join(layouts) or None
        found["notes"] = [str(warning.message) for warning in warned]
    return found


def _exercises() -> dict:
    tried = solved.read()
    names = list(exercises.checks())
    return {
        "file": str(runtime.user_dir() / solved.FILE),
        "all": len(names),
        "done": [name for name in names if tried.get(name, {}).get("done")],
        "tried": [name for name in names if name in tried and not tried[name]["done"]],
    }


def _lessons(yardstick: float | None, troubles: list[str]) -> list[dict]:
    """Return each lesson with the minutes that it will take here.

    A lesson's file holds the seconds that it took when its outputs were saved and what the
    yardstick (a few convolutions) took on that machine just then.
    """
    try:
        paths = run_lesson.list_lessons()
    except FileNotFoundError as error:
        troubles.append(str(error))
        return []
    rows = []
    for path in paths:
        saved = nbformat.read(path, as_version=4).metadata.get("unet_course", {})
        minutes = None
        if yardstick and saved.get("yardstick"):
            minutes = round(saved["seconds"] * yardstick / saved["yardstick"] / 60, 1)
        rows.append({"lesson": path.stem, "minutes": minutes})
    return rows


def text(found: dict) -> str:
    """Return what `examine` found as text for people. Nothing in it is wrapped or cut."""
    lines = [
        f"Python      {found['python']['version']} (needed {found['python']['needed'] or 'any'})",
        f"Machine     {found['processor']}, {found['cores']} cores, "
        f"{found['memory_gb']['free']} of {found['memory_gb']['total']} GB memory free, "
        f"runs on: {found['place']}",
    ]
    if "gpus" in found:
        lines += [
            f"GPU         {', '.join(found['gpus']) or 'none'}",
            f"Precision   {found['precision']} is the one that pays here",
        ]
    lines += [f"Disk        {found['free_disk_gb']} GB free", "", "Packages"]
    for row in found["packages"]:
        have = row["version"] or "missing"
        mark = "✓" if row["good"] else "✗"
        lines.append(f"  {mark} {row['name']} {have} (needed {row['needed']}, for {row['for']})")
    lines += ["", *_data_lines(found["data"]), ""]
    done = found["exercises"]
    lines.append(f"Exercises   {len(done['done'])} of {done['all']} done, kept in {done['file']}")
    if done["tried"]:
        lines.append(f"  begun: {', '.join(done['tried'])}")
    lines += ["", "Lessons, and about how long each runs here without your reading"]
    for row in found["lessons"]:
        time = "not measured yet" if row["minutes"] is None else f"{row['minutes']} min"
        lines.append(f"  {row['lesson']}: {time}")
    if found["load"] > found["cores"] / 2:
        lines.append(
            f"  This machine is busy (load {found['load']} on {found['cores']} cores), so the minutes "
            "may be too many: close other programs and ask again."
        )
    lines.append("")
    if found["ready"]:
        lines.append("Every lesson runs here.")
    else:
        lines += ["Lessons can't run here:", *(f"  ✗ {trouble}" for trouble in found["troubles"])]
    return "\n".join(lines)


def _data_lines(data: dict) -> list[str]:
    if data["folder"] is None:
        lines = ["Data        the sample (nothing real is pointed at)"]
    elif data["patients"] or data["cases"]:
        slices = _count(data["patients"], "LGG patient")
        volumes = _count(data["cases"], "BraTS case")
        lines = [f"Data        2-D: {slices}, 3-D: {volumes} (in {data['folder']})"]
    else:
        lines = [
            f"Data        the sample (no complete LGG patient or BraTS case in {data['folder']})"
        ]
    lines += [f"  {note}" for note in data["notes"]]
    made = data["sample"]
    lines += [f"  sample: {path}" for path in made] or ["  sample: made on first use"]
    return lines


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}" if number else "the sample"
