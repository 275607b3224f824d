"""A JupyterHub with its proxy on this machine, for a trial; nobody else can reach it."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

CONFIG = """
import os
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_port = {hub_port}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.ConfigurableHTTPProxy.command = {proxy!r}
c.JupyterHub.db_url = "sqlite:///{folder}/hub.sqlite"
c.JupyterHub.cookie_secret_file = "{folder}/cookie_secret"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = "{folder}/home/{{username}}"
c.Spawner.cmd = [{python!r}, "-m", "jupyterhub.singleuser", "--allow-root"]
c.Spawner.default_url = "/lab"
c.Spawner.environment = {environment!r}
c.Spawner.http_timeout = c.Spawner.start_timeout = {patience}
c.JupyterHub.concurrent_spawn_limit = {students}
c.JupyterHub.services = [{{"name": "class", "api_token": "{token}"}}]
c.JupyterHub.load_roles = [{{
    "name": "class",
    "scopes": ["admin:users", "admin:servers", "access:servers", "list:users"],
    "services": ["class"],
}}]
"""


class Hub:
    """JupyterHub and its proxy on free ports of loopback, in a folder that goes with it."""

    def __init__(self, students: int, shared: Path, proxy: str, patience: float):
        self.token = secrets.token_hex(16)
        self.folder = Path(tempfile.mkdtemp(prefix="unet-course-hub-"))
        self.log = self.folder / "hub.log"
        port, hub_port, proxy_port = _free_ports(3)
        self.url = f"http://127.0.0.1:{port}"
        environment = {"UNET_COURSE_SHARED": str(shared), "TF_CPP_MIN_LOG_LEVEL": "3"}
        config = CONFIG.format(
            port=port,
            hub_port=hub_port,
            proxy_port=proxy_port,
            proxy=[proxy],
            folder=self.folder,
            python=sys.executable,
            environment=environment,
            patience=patience,
            students=students,
            token=self.token,
        )
        self.config = self.folder / "jupyterhub_config.py"
        self.config.write_text(config, encoding="utf-8")
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        # a student on a hub has nothing of the instructor's own environment
        env = {k: v for k, v in os.environ.items() if not k.startswith(("UNET_COURSE", "PYTHON"))}
        env.pop("XDG_CACHE_HOME", None)
        command = [sys.executable, "-m", "jupyterhub", "-f", str(self.config)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env=env, cwd=self.folder
            )

    def stop(self, keep: bool = False) -> None:
        if self.process:
            family = [self.process, *psutil.Process(self.process.pid).children(recursive=True)]
            self.process.terminate()  # the hub stops its servers and the proxy
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
            for left in family[1:]:
                if left.is_running():
                    left.kill()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def own_gb(self) -> float:
        """Return what the hub and its proxy hold, without the students' servers."""
        total = 0
        for process in [p := psutil.Process(self.process.pid), *p.children(recursive=True)]:
            try:
                if "JUPYTERHUB_USER" not in process.environ():
                    held = process.memory_full_info()
                    total += getattr(held, "pss", held.rss)  # shared pages once, on Linux
            except psutil.Error:
                continue
        return total / 1e9


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
