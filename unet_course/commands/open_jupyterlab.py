"""Opens JupyterLab on the student's own copies of the lessons.

The copies are made once, in `my_lessons` next to the clone's `notebooks` (git ignores it), else in the
user's data folder; the course's own files stay as they are. When a lesson changes in the course, a copy
that nobody has touched is renewed; one that was changed, or only run, stays, and the new lesson is put
next to it under another name. Nothing is ever written over.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import itertools
import json
import os
from pathlib import Path

from unet_course import runtime, storage
from unet_course.commands import run_lesson

COPIES = "my_lessons"
MANIFEST = ".unet-course.json"  # by a copy's name the digest of the lesson it was made from


def student_folder(originals: bool = False) -> tuple[Path, list[str]]:
    """Return the folder of the student's copies, made or renewed, and what to tell about it.

    With `originals` that of the lessons themselves; a LookupError where there is no clone.
    """
    origin = run_lesson.folder()
    if originals and runtime.PACKAGE in origin.parents:
        raise LookupError("--originals: they are in a clone of the course; change to its folder")
    if originals:
        return origin, []
    target = origin.parent / COPIES
    if runtime.PACKAGE in origin.parents or not os.access(origin.parent, os.W_OK):
        target = runtime.user_dir() / COPIES  # an installed package, or somebody else's clone
    target.mkdir(exist_ok=True)
    return target, _copy(origin, target)


def _copy(origin: Path, target: Path) -> list[str]:
    manifest = target / MANIFEST
    try:
        known = json.loads(manifest.read_text(encoding="utf-8"))
        known = known if isinstance(known, dict) else {}
    except (OSError, ValueError):
        known = {}
    told, made = [], 0
    for source in run_lesson.list_lessons(origin):
        text = source.read_text(encoding="utf-8")
        if runtime.PACKAGE in origin.parents:  # the pages that a lesson links to are at its address
            text = text.replace("](../docs/", f"]({_address()}/blob/HEAD/docs/")
        new, mine = _digest(text), target / source.name
        now = _digest(mine.read_text(encoding="utf-8", errors="replace")) if mine.exists() else None
        if now is None or (now == known.get(mine.name) and now != new):
            storage.write_text(mine, text)
            made += 1
        elif new not in (now, known.get(mine.name)):
            names = (f"{source.stem}-new{n or ''}.ipynb" for n in itertools.count())
            beside = next(p for p in map(target.joinpath, names) if not p.exists())
            storage.write_text(beside, text)
            kept = "has changed in the course. Yours stays as it is; the new one is next to it"
            told.append(f"{mine.name} {kept}: {beside.name}")
        known[mine.name] = new
    storage.write_text(manifest, json.dumps(known, indent=1, sort_keys=True) + "\n")
    if made:
        told.insert(0, f"Lessons copied from the course, for you to write in: {made}")
    return told


def _address() -> str:
    about = importlib.metadata.metadata("unet-course").get_all("Project-URL", [])
    return next(line.split(", ")[1] for line in about if line.startswith("Repository, "))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def start(folder: Path, browser: bool, port: int | None) -> None:
    """Run JupyterLab on the first lesson in `folder` until it is stopped (Ctrl-C)."""
    first = min(path for path in folder.iterdir() if run_lesson.NAME.fullmatch(path.name))
    env = run_lesson.kernel_environment()
    for name in os.environ.keys() - env.keys():
        del os.environ[name]
    os.environ.update(env)
    # the kernel of this environment, before one that the user has installed elsewhere
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")
    from jupyterlab.labapp import LabApp

    arguments = [
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.default_url=/lab/tree/{first.name}",
        "--ServerApp.answer_yes=True",  # one Ctrl-C is enough
        "--LabApp.news_url=None",  # nothing is asked of the network, and no question at the start
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        print(
            "You are root (a container, say): each cell that you run has root's rights.", flush=True
        )
        arguments.append("--allow-root")
    if not browser:
        arguments.append("--no-browser")
    if port is not None:
        arguments.append(f"--port={port}")
    LabApp.launch_instance(argv=arguments)
