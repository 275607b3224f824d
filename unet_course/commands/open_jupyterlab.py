"""Opens JupyterLab on a folder of lessons, with a layout of the course's own."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

from unet_course import runtime, storage
from unet_course.commands import run_lesson
from unet_course.commands.opening.own_copies import student_folder as student_folder

# what the user's own JupyterLab settings may change again
DEFAULTS = {
    "@jupyterlab/filebrowser-extension:browser": {"showLastModifiedColumn": False},
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}
SIDEBAR = 0.26  # of the window: the longest name is whole from 1100 pixels on
LAYOUT = {
    "left": {"collapsed": False, "visible": True, "current": "filebrowser"},
    "relativeSizes": [SIDEBAR, 1 - SIDEBAR, 0],
}
WORKSPACE = "default-37a8.jupyterlab-workspace"  # JupyterLab's name for the one without a name
ADDRESS = "127.0.0.1"


def start(folder: Path, browser: bool, port: int | None) -> None:
    """Become JupyterLab on the first lesson in `folder`, until it is stopped (Ctrl-C).

    Raises:
        PermissionError: the port is one that the system keeps for itself.
    """
    arguments = [
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.default_url=/lab/tree/{run_lesson.list_lessons(folder)[0].name}",
        "--ServerApp.answer_yes=True",  # one Ctrl-C is enough
        "--LabApp.news_url=None",  # nothing is asked of the network, and no question at the start
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        # a user's own classes for other work may not find the lessons, or another kernel
        "--ServerApp.contents_manager_class=jupyter_server.services.contents.largefilemanager.AsyncLargeFileManager",
        "--ServerApp.kernel_spec_manager_class=jupyter_client.kernelspec.KernelSpecManager",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        print(
            "You are root (a container, say): each cell that you run has root's rights.", flush=True
        )
        arguments.append("--allow-root")
    # the address matters where no browser opens; else only what goes wrong is worth lines
    arguments.append("--log-level=WARN" if browser else "--no-browser")
    if port is not None:
        if _taken(port):
            print(f"Port {port} is taken: JupyterLab takes the next free one.", flush=True)
        arguments.append(f"--port={port}")
    env = run_lesson.kernel_environment() | _layout(folder)
    # the kernel of this environment, before one that the user has installed elsewhere
    env["JUPYTER_PREFER_ENV_PATH"] = "1"
    env.pop("JUPYTER_PATH", None)
    # -P: without the folder that one is in, whose files may be called like modules
    _become([sys.executable, "-P", "-m", "jupyterlab", *arguments], env)


def _become(command: list[str], env: dict[str, str]) -> None:
    """Go on as another program: signals reach it, and no setting of this process is left in it."""
    if os.name != "nt":
        os.execve(command[0], command, env)
    with subprocess.Popen(command, env=env) as server:
        while server.poll() is None:
            with contextlib.suppress(KeyboardInterrupt):  # the server has got it, too, and ends
                server.wait()


def _taken(port: int) -> bool:
    with socket.socket() as trial:
        if os.name == "posix":  # as JupyterLab binds: a port just left is free
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((ADDRESS, port))
        except PermissionError as error:
            raise PermissionError(
                f"--port {port}: only root may listen there; take 8888"
            ) from error
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def _layout(folder: Path) -> dict[str, str]:
    """Write the course's layout for a folder where none is kept; return the variables that name it.

    A user's later changes to the layout are kept there, apart from those to other work's.
    """
    places = runtime.user_dir() / "jupyterlab"
    own = places / "workspaces" / hashlib.sha256(str(folder).encode()).hexdigest()[:8]
    workspaces = Path(os.environ.get("JUPYTERLAB_WORKSPACES_DIR") or own)
    layout = {"data": {"layout-restorer:data": LAYOUT}, "metadata": {"id": "default"}}
    file = workspaces / WORKSPACE
    wanted = {places / "labconfig" / "default_setting_overrides.json": DEFAULTS}
    try:
        sound = isinstance(json.loads(file.read_text(encoding="utf-8"))["data"], dict)
    except (OSError, ValueError, TypeError, KeyError):
        sound = False
    if not sound:
        wanted[file] = layout
    for path, content in wanted.items():
        with contextlib.suppress(OSError):  # the lessons open without it, too
            path.parent.mkdir(parents=True, exist_ok=True)
            storage.write_text(path, json.dumps(content, indent=1) + "\n")
    known = os.environ.get("JUPYTER_CONFIG_PATH")
    paths = [str(places), *([known] if known else [])]
    return {
        "JUPYTER_CONFIG_PATH": os.pathsep.join(paths),
        "JUPYTERLAB_WORKSPACES_DIR": str(workspaces),
    }
