"""Run the lessons as Colab would: its Python, its versions, the course installed as a package.

    python tools/colab_lessons.py [LESSON …]

Makes an environment in ``.cache/colab`` (with ``uv``) from ``tools/colab_pins.txt``, installs this
clone into it, checks that no pinned version has changed, and executes the lessons (all, or those
named) from the installed package in an empty folder, each in a kernel of its own. Prints seconds
and memory of each; exits with 1 when one failed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import colab_pins

ENVIRONMENT = colab_pins.ROOT / ".cache" / "colab"


def environment(folder: Path) -> Path:
    """Make the environment, or bring it up to date; return its interpreter.

    Raises:
        RuntimeError: a pinned version isn't what is installed.
        subprocess.CalledProcessError: uv failed; it has said why.
    """
    pins, _, version = colab_pins.parse(colab_pins.PINS.read_text(encoding="utf-8"))
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        subprocess.run(["uv", "venv", "--quiet", "--python", version, str(folder)], check=True)
    install = ["uv", "pip", "install", "--quiet", "--python", str(python)]
    install += ["--constraints", str(colab_pins.PINS), "--reinstall-package", "unet-course"]
    with tempfile.TemporaryDirectory() as empty:  # pyproject's [tool.uv] constraints aren't Colab's
        # Colab carries JAX; lesson 15 installs what it needs besides
        course = f"{colab_pins.ROOT}[{','.join(colab_pins.EXTRAS)}]"
        subprocess.run([*install, course], check=True, cwd=empty)
        freeze = ["uv", "pip", "freeze", "--quiet", "--python", str(python)]
        frozen = subprocess.run(freeze, check=True, cwd=empty, capture_output=True, text=True)
    have = colab_pins.parse(frozen.stdout)[0]
    wrong = [f"{n}: {have.get(n)}, not {v}" for n, v in pins.items() if have.get(n) != v]
    if wrong:
        raise RuntimeError(
            f"{folder} isn't what Colab has ({'; '.join(wrong)}). Remove the folder and run again."
        )
    return python


def run(python: Path, lesson: str, cache: Path) -> tuple[bool, str]:
    """Execute one lesson with the installed package; return whether it ran, and its last line."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as empty:
        env = dict(os.environ, UNET_COURSE_USER=empty, COLAB_RELEASE_TAG="pins")
        env.setdefault("UNET_COURSE_CACHE", str(cache))
        for name in ("PYTHONPATH", "UNET_COURSE_DATA", "VIRTUAL_ENV"):
            env.pop(name, None)
        env.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        out = Path(empty, "lesson.html")
        command = [str(python), "-m", "unet_course.commands.cli", "run", lesson, "--out", str(out)]
        done = subprocess.run(command, cwd=empty, env=env, capture_output=True, text=True)
    said = (done.stdout if done.returncode == 0 else done.stderr).strip()
    if done.returncode == 0:
        said = said.partition(" Written: ")[0]
    return done.returncode == 0, said


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help="01, 02, … (all)")
    parser.add_argument("--env", type=Path, default=ENVIRONMENT, help="the environment's folder")
    options = parser.parse_args(arguments)
    start = time.monotonic()
    try:
        python = environment(options.env.absolute())
    except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
        print(f"colab_lessons.py: {error}", file=sys.stderr)
        return 1
    print(f"Environment: {options.env}, {time.monotonic() - start:.0f} s", flush=True)
    names = [path.name[:2] for path in sorted((colab_pins.ROOT / "notebooks").glob("[0-9][0-9]_*"))]
    failed = []
    for lesson in options.lessons or names:
        good, said = run(python, lesson, options.env.absolute() / "cache")
        print(said, flush=True)
        if not good:
            failed.append(lesson)
    minutes = (time.monotonic() - start) / 60
    print(f"{len(failed)} of {len(options.lessons or names)} failed, {minutes:.0f} minutes in all.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
