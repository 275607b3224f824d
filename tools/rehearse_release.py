"""Rehearse a release on this machine: docs/publish.md without any account.

    python tools/rehearse_release.py                                # all of it, about 10 minutes
    python tools/rehearse_release.py --python 3.13 --lessons 00     # less of it
    python tools/rehearse_release.py --keep FOLDER                  # the folder stays, to be looked at

What is committed is cloned, gets an address, authors, a contact and a version, is pushed to a bare
repository and tagged; the release is built from a fresh clone of the tag and checked; a package index
on loopback offers it; for each Python an empty environment installs it from there (what it depends on
comes from the ordinary index), and the course is opened and lessons are run outside any clone. The
site is built below its new base path and every link followed. Needs `git` and `uv`; tools that it
needs besides (twine, Sphinx) uv fetches.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parents[1]
SLUG, VERSION = "ada/segmenting", "9.8.7"
FETCHED: list[str] = []
WHO = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false")


class Failed(RuntimeError):
    """A step of the rehearsal failed; the message is what it printed."""


def call(*command, cwd: Path, env: dict | None = None) -> str:
    """Run a command and return what it printed.

    Raises:
        Failed: it ended with another status than 0.
    """
    whole = {**os.environ, "PYTHONIOENCODING": "utf-8", **(env or {})}
    for name in ("VIRTUAL_ENV", "PYTHONPATH", "UV_PYTHON"):
        whole.pop(name, None)
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=whole,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


class Steps:
    """Prints each step with its seconds and what came of it."""

    def __init__(self):
        self.begun = time.perf_counter()

    def done(self, what: str) -> None:
        now = time.perf_counter()
        print(f"✓ {what} ({now - self.begun:.0f} s)", flush=True)
        self.begun = now


def publish(folder: Path, steps: Steps) -> Path:
    """Follow the page to a tag on a bare repository; return a fresh clone of that tag."""
    bare, clone, fresh = folder / f"{SLUG}.git", folder / "clone", folder / "tagged"
    bare.parent.mkdir(parents=True)
    call("git", "init", "--quiet", "--bare", "--initial-branch=main", bare, cwd=folder)
    call("git", "clone", "--quiet", "--no-hardlinks", ROOT, clone, cwd=folder)
    tool = (sys.executable, "tools/address.py")
    call(*tool, SLUG, cwd=clone)
    call(*tool, "--author", "Lovelace, Ada", "--contact", "ada@example.com", cwd=clone)
    call(*tool, "--version", VERSION, cwd=clone)
    call("git", "checkout", "--quiet", "-B", "main", cwd=clone)
    call("git", "remote", "set-url", "origin", bare, cwd=clone)
    call("git", *WHO, "commit", "--quiet", "--all", "--message", VERSION, cwd=clone)
    call("git", "push", "--quiet", "--set-upstream", "origin", "main", cwd=clone)
    call(*tool, "--check", cwd=clone)
    steps.done(f"address, authors, contact and version set; pushed to {bare}")
    call("git", "tag", f"v{VERSION}", cwd=clone)
    call("git", "push", "--quiet", "origin", f"v{VERSION}", cwd=clone)
    branch = ("--quiet", "--branch", f"v{VERSION}")
    call("git", "-c", "advice.detachedHead=false", "clone", *branch, bare, fresh, cwd=folder)
    call(*tool, "--check", "--tag", f"v{VERSION}", cwd=fresh)
    steps.done(f"v{VERSION} tagged, cloned anew, nothing missing")
    return fresh


def build(fresh: Path, steps: Steps) -> Path:
    """Build the release as the workflow does; return the folder of its archives."""
    dist = fresh / "dist"
    call("uv", "build", "--no-config", cwd=fresh)
    call("uv", "tool", "run", "twine", "check", "--strict", *sorted(dist.glob("u*")), cwd=fresh)
    said = call(sys.executable, "tools/check_release.py", "dist", "--list", cwd=fresh)
    (fresh.parent / "contents.txt").write_text(said, encoding="utf-8")
    sizes = "; ".join(line for line in said.splitlines() if re.search(r": \d+ files", line))
    steps.done(f"built, checked by twine, contents as they should be: {sizes}")
    return dist


def check_site(fresh: Path, steps: Steps) -> None:
    """Build the site below its new base path and follow every link."""
    sphinx = ("uv", "run", "--quiet", "--only-group", "docs", "sphinx-build", "-q", "-W")
    call(*sphinx, "docs", "site", cwd=fresh)
    said = call(sys.executable, "tools/site_links.py", "site", cwd=fresh)
    steps.done(said.strip())


class _Index(SimpleHTTPRequestHandler):
    """A package index that holds one project; `FETCHED` has what was asked of it."""

    def log_message(self, *_) -> None:
        FETCHED.append(self.path)


def serve(dist: Path, folder: Path) -> ThreadingHTTPServer:
    """Offer the archives in `dist` as a package index on loopback."""
    project = folder / "index" / "simple" / "unet-course"
    project.mkdir(parents=True)
    archives = sorted([*dist.glob("*.whl"), *dist.glob("*.tar.gz")])
    for archive in archives:
        shutil.copy(archive, project)
    links = "".join(f'<a href="{one.name}">{one.name}</a>\n' for one in archives)
    (project / "index.html").write_text(f"<!doctype html>\n{links}", encoding="utf-8")
    handler = partial(_Index, directory=str(folder / "index"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def install_and_run(folder: Path, index: str, python: str, lessons: list[str], steps: Steps):
    """Install the release into an empty environment and use it where there is no clone."""
    place = folder / f"python-{python.replace('/', '_').strip('_')}"
    empty, venv = place / "empty", place / "venv"
    empty.mkdir(parents=True)
    call("uv", "venv", "--quiet", "--no-project", "--python", python, venv, cwd=empty)
    binaries = venv / ("Scripts" if os.name == "nt" else "bin")
    FETCHED.clear()
    wanted = f"unet-course[lab]=={VERSION}"
    install = ("uv", "pip", "install", "--quiet", "--no-config", "--python", binaries / "python")
    # its wheel must come from this index now, whatever uv keeps
    anew = ("--index", index, "--refresh-package", "unet-course")
    call(*install, *anew, wanted, cwd=empty)
    if not any(path.endswith(".whl") for path in FETCHED):
        raise Failed(f"the wheel didn't come from {index}: {FETCHED}")
    env = {"UNET_COURSE_CACHE": str(place / "cache"), "UNET_COURSE_USER": str(place / "user")}
    course = binaries / "unet-course"
    said = call(course, "--version", cwd=empty, env=env).strip()
    if said != VERSION:
        raise Failed(f"unet-course --version says {said}, not {VERSION}")
    call(course, "doctor", cwd=empty, env=env)
    steps.done(f"Python {python}: installed into an empty environment from {index}")
    _open(course, empty, env)
    steps.done(f"Python {python}: unet-course opens JupyterLab outside any clone")
    for lesson in lessons:
        page = place / f"{lesson}.html"
        said = call(course, "run", lesson, "--out", page, cwd=empty, env=env)
        ran = re.search(r"\S+ ran in .*? at the peak", said)
        steps.done(f"Python {python}: {ran[0] if ran else said}")


def _open(course: Path, cwd: Path, env: dict) -> None:
    """Start JupyterLab, ask it for the first lesson, and end it as Ctrl-C does."""
    log = cwd.parent / "jupyterlab.log"
    with log.open("w", encoding="utf-8") as out:
        command = [str(course), "--no-browser", "--port", "18765"]
        process = subprocess.Popen(
            command, cwd=cwd, env={**os.environ, **env}, stdout=out, stderr=out
        )
        try:
            until = time.time() + 120
            while time.time() < until and process.poll() is None:
                text = log.read_text(encoding="utf-8")
                if found := re.search(r"http://127\.0\.0\.1:\d+/lab\S*token=\S+", text):
                    token = found[0].partition("token=")[2]
                    where = found[0].partition("/lab")[0]
                    lessons = f"{where}/api/contents?token={token}"
                    with urlopen(lessons, timeout=30) as answer:
                        if b"00_start_here.ipynb" not in answer.read():
                            raise Failed(f"JupyterLab shows no lessons at {where}")
                    return
                time.sleep(0.5)
            raise Failed(f"JupyterLab didn't start:\n{log.read_text(encoding='utf-8')}")
        finally:
            process.terminate()
            process.wait(timeout=60)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python", nargs="+", default=["3.11", "3.13"], help="versions, or paths")
    parser.add_argument("--lessons", nargs="*", default=["00", "01"], help="to run (00 01)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="a new folder, which stays")
    parser.add_argument("--no-site", action="store_true", help="leave the site out")
    options = parser.parse_args()
    for tool in ("git", "uv"):
        if shutil.which(tool) is None:
            print(f"rehearse_release.py: {tool} isn't installed", file=sys.stderr)
            return 1
    with tempfile.TemporaryDirectory(prefix="rehearsal-", ignore_cleanup_errors=True) as temporary:
        folder = options.keep.resolve() if options.keep else Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        steps, server = Steps(), None
        try:
            fresh = publish(folder, steps)
            dist = build(fresh, steps)
            if not options.no_site:
                check_site(fresh, steps)
            server = serve(dist, folder)
            index = f"http://127.0.0.1:{server.server_address[1]}/simple/"
            for python in options.python:
                install_and_run(folder, index, python, options.lessons, steps)
        except (Failed, OSError, subprocess.SubprocessError) as error:
            print(f"✗ {error}", file=sys.stderr)
            return 1
        finally:
            if server:
                server.shutdown()
    print("The release would work. Not rehearsed: what GitHub, PyPI, Zenodo, Colab and Binder do.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
