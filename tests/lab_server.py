"""A JupyterLab server as a student has it, to be measured: a lesson open, its kernel started."""

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import quote

import psutil

from unet_course.commands import run_lesson

TOKEN = "for-this-test-only"
SECONDS = 300  # a cold start on a busy machine


class JupyterLab:
    """The course opened by its command on a copy of one lesson, without a browser."""

    def __init__(self, folder: Path, lesson: Path):
        (folder / "notebooks").mkdir()
        (folder / "config").mkdir()
        self.folder, self.name = folder, lesson.name
        shutil.copy(lesson, folder / "notebooks")
        settings = {
            "IdentityProvider": {"token": TOKEN},
            "ServerApp": {"allow_root": True},
            "LabApp": {"expose_app_in_browser": True},
        }
        for name in ("jupyter_server_config.json", "jupyter_lab_config.json"):
            (folder / "config" / name).write_text(json.dumps(settings), encoding="utf-8")

    def __enter__(self) -> "JupyterLab":
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        places = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "UNET_COURSE_USER": "user",
        }
        env = run_lesson.kernel_environment()
        env |= {name: str(self.folder / place) for name, place in places.items()}
        command = [
            sys.executable,
            "-m",
            "unet_course.commands.cli",
            "--no-browser",
            "--port",
            str(port),
        ]
        log = self.folder / "lab.log"
        with log.open("w", encoding="utf-8") as file:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=env, stdout=file, stderr=file
            )
        try:
            self._open_the_lesson()
        except Exception as error:
            self.__exit__()
            raise RuntimeError(log.read_text(encoding="utf-8", errors="replace")[-3000:]) from error
        except BaseException:
            self.__exit__()
            raise
        return self

    def _open_the_lesson(self) -> None:
        give_up = time.monotonic() + SECONDS
        while True:
            try:
                self.ask("api/status")
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() > give_up:
                    raise
                time.sleep(0.3)
        # what JupyterLab's page asks for when it opens a notebook
        for path in (f"lab/tree/{quote(self.name)}", "lab/api/settings", "api/kernelspecs"):
            self.ask(path)
        self.ask(f"api/contents/{quote(self.name)}?content=1")
        kernel = {"name": "python3"}
        new = {"path": self.name, "name": "", "type": "notebook", "kernel": kernel}
        assert json.loads(self.ask("api/sessions", new))["kernel"]["id"]

    def ask(self, path: str, content: dict | None = None) -> bytes:
        """Get an address of the server's, or post ``content`` to it."""
        data = json.dumps(content).encode() if content else None
        headers = {"Authorization": f"token {TOKEN}"}
        request = urllib.request.Request(f"{self.address}/{path}", data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def memory_gb(self) -> float:
        """Return what the server's own process holds, its kernels left out."""
        return psutil.Process(self.process.pid).memory_info().rss / 1e9

    def __exit__(self, *_) -> None:
        processes = [self.process]
        if self.process.poll() is None:
            processes = [*psutil.Process(self.process.pid).children(recursive=True), self.process]
        for process in processes:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        self.process.wait()
