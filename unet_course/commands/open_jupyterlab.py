"""Opens JupyterLab on a lesson, in a folder that the student may write to."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from pathlib import Path

from unet_course import runtime
from unet_course.commands import run_lesson

COPIES = "unet-course-notebooks"
MANIFEST = ".unet-course.json"  # what each copied lesson was when it was copied


def student_folder() -> tuple[Path, list[str]]:
    """Return the folder to open and what to tell about it.

    In a clone these are its own notebooks. From an installed wheel the lessons are copied to
    ``./unet-course-notebooks``; a file that the student has changed is never written over.
    """
    origin = run_lesson.folder()
    if origin != runtime.PACKAGE / "_notebooks":
        return origin, []
    target = Path.cwd() / COPIES
    target.mkdir(exist_ok=True)
    return target, _copy(origin, target)


def _copy(origin: Path, target: Path) -> list[str]:
    manifest = target / MANIFEST
    try:
        copied = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        copied = {}
    told = []
    for source in sorted(origin.glob("*.ipynb")):
        text = source.read_text(encoding="utf-8")
        new, mine = _digest(text), target / source.name
        if mine.exists():
            now = _digest(mine.read_text(encoding="utf-8", errors="replace"))
            changed_by_student = now != copied.get(source.name)
            if changed_by_student or now == new:
                if changed_by_student and now != new and copied.get(source.name) != new:
                    told.append(
                        f"{mine}: the course has a newer one; yours is kept. "
                        "Rename yours to get the new one."
                    )
                continue
        runtime.write_text(mine, text)
        copied[source.name] = new
        told.append(f"{mine}: copied from the course.")
    runtime.write_text(manifest, json.dumps(copied, indent=1, sort_keys=True) + "\n")
    return told


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def installed() -> bool:
    """Tell whether JupyterLab is there."""
    return importlib.util.find_spec("jupyterlab") is not None


def start(folder: Path, browser: bool, port: int | None) -> None:
    """Run JupyterLab on the first lesson in ``folder`` until it is stopped (Ctrl-C)."""
    first = min(path for path in folder.iterdir() if run_lesson.NAME.fullmatch(path.name))
    os.environ.update(run_lesson.kernel_environment())
    # the kernel of this environment, before one that the user has installed elsewhere
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")
    from jupyterlab.labapp import LabApp

    arguments = [
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.default_url=/lab/tree/{first.name}",
        "--ServerApp.answer_yes=True",  # one Ctrl-C is enough
    ]
    if not browser:
        arguments.append("--no-browser")
    if port is not None:
        arguments.append(f"--port={port}")
    LabApp.launch_instance(argv=arguments)
