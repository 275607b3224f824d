"""Write a hub's files from the one that an instructor edits, class.toml.

    uv run python docs/hub/make_hub.py --out hub

makes the folder ``hub`` with

- ``tljh.sh``: sets up The Littlest JupyterHub on one server, run there as root;
- ``values.yaml``: for the Helm chart of Zero to JupyterHub on Kubernetes;
- ``links.md``: for each lesson the link that students click.

Repository and branch are those of ``pyproject.toml``; before the course is published there, nothing
is made but with ``--draft``.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import tomllib
from pathlib import Path
from urllib.parse import urlencode

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# what each setting must be; a slip is told here and not by a hub that doesn't start
SETTINGS = {
    "hub": {"address": str, "admin": str, "idle_minutes": int, "longest_hours": int},
    "student": {
        "memory": str,
        "reserved": str,
        "cores": (int, float),
        "reserved_cores": (int, float),
        "disk": str,
    },
    "image": {"name": str, "tag": str},
    "shared": {"cache": str, "data": str, "data_claim": str},
}
NOBODY = "OWNER"  # stands in the address until tools/address.py writes somebody's
USER_ENVIRONMENT = "/opt/tljh/user/bin"  # where TLJH keeps what students run
THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")


def read(path: Path) -> dict:
    """Return the settings.

    Raises:
        ValueError: one is missing, unknown, or of another kind.
    """
    settings = tomllib.loads(path.read_text(encoding="utf-8"))
    for part, known in SETTINGS.items():
        found = settings.get(part, {})
        for name in known.keys() ^ found.keys():
            what = "missing" if name in known else "unknown"
            raise ValueError(f"{path}: [{part}] {name} is {what}")
        for name, kind in known.items():
            if not isinstance(found[name], kind) or isinstance(found[name], bool):
                raise ValueError(f"{path}: [{part}] {name} can't be {found[name]!r}")
    if not settings["hub"]["address"].startswith(("https://", "http://")):
        raise ValueError(f"{path}: [hub] address must begin with https://")
    for name in ("cache", "data"):
        folder = settings["shared"][name]
        if folder and not folder.startswith("/"):
            raise ValueError(f"{path}: [shared] {name} must be a full path, it is {folder!r}")
    return settings


def repository() -> tuple[str, str]:
    """Return the course's address on GitHub and the branch, from ``pyproject.toml``."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return project["project"]["urls"]["Repository"], project["tool"]["unet-course"]["branch"]


def environment(settings: dict) -> dict[str, str]:
    """Return the variables that each student's server gets."""
    shared = settings["shared"]
    threads = str(max(1, int(settings["student"]["cores"])))
    variables = {"UNET_COURSE_SHARED": shared["cache"], "UNET_COURSE_DATA": shared["data"]}
    # TensorFlow and BLAS count the server's cores, not those that a student may use
    variables |= {name: threads for name in THREADS}
    variables["TF_CPP_MIN_LOG_LEVEL"] = "3"
    return {name: value for name, value in variables.items() if value}


def check_published() -> None:
    """Refuse an address that leads nowhere: links and the server's script would hold it.

    Raises:
        ValueError: ``pyproject.toml`` still has the placeholder.
    """
    address, _ = repository()
    if address.split("/")[-2] == NOBODY:
        raise ValueError(
            f"{ROOT / 'pyproject.toml'}: the repository is still {address}. Publish the course and "
            "run `python tools/address.py OWNER/NAME` with your own names first (--draft writes "
            "the files all the same, to look at)"
        )


# --- the three files -----------------------------------------------------------------------------


def link(settings: dict, lesson: Path) -> str:
    """Return the nbgitpuller link that fetches the course and opens a lesson."""
    address, branch = repository()
    place = address.rsplit("/", 1)[1]
    asked = {"repo": address, "branch": branch}
    asked["urlpath"] = f"lab/tree/{place}/notebooks/{lesson.name}"
    return f"{settings['hub']['address'].rstrip('/')}/hub/user-redirect/git-pull?{urlencode(asked)}"


def links(settings: dict) -> str:
    """Return a Markdown list of the lessons' links."""
    lessons = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    lines = [f"- [{path.stem.replace('_', ' ')}]({link(settings, path)})" for path in lessons]
    return "\n".join(["# Lessons on the hub", "", *lines, ""])


def tljh(settings: dict) -> str:
    """Return the script that sets up The Littlest JupyterHub's server."""
    address, branch = repository()
    hub, student, cache = settings["hub"], settings["student"], settings["shared"]["cache"]
    config = {
        "limits.memory": student["memory"],
        "limits.cpu": student["cores"],
        "services.cull.enabled": "true",
        "services.cull.timeout": hub["idle_minutes"] * 60,
        "services.cull.max_age": hub["longest_hours"] * 3600,
        "user_environment.default_app": "jupyterlab",
    }
    course = f"unet-course[lab] @ git+{address}@{branch}"
    lines = [
        "#!/bin/bash",
        "# Made by make_hub.py from class.toml. Run as root on a server that has TLJH; again after",
        "# each change.",
        "set -euo pipefail",
        "",
        f"{USER_ENVIRONMENT}/pip install --upgrade {shlex.quote(course)} nbgitpuller",
        "",
        "# the sample, once for everybody; students may read it, and nobody but root write it",
        f"mkdir -p {shlex.quote(cache)}",
        f"UNET_COURSE_CACHE={shlex.quote(cache)} {USER_ENVIRONMENT}/unet-course data sample",
        f"chmod -R a+rX,go-w {shlex.quote(cache)}",
        "",
        "cat > /opt/tljh/config/jupyterhub_config.d/unet_course.py <<'END'",
        f"c.Spawner.environment = {environment(settings)!r}",
        "END",
        "",
        *(f"tljh-config set {name} {value}" for name, value in config.items()),
        "tljh-config reload",
        "",
    ]
    return "\n".join(lines)


def kubernetes(settings: dict) -> str:
    """Return the values for Zero to JupyterHub's chart."""
    hub, student, shared = settings["hub"], settings["student"], settings["shared"]
    storage: dict = {"capacity": student["disk"]}
    if shared["data_claim"]:
        storage["extraVolumes"] = [
            {
                "name": "patients",
                "persistentVolumeClaim": {"claimName": shared["data_claim"], "readOnly": True},
            }
        ]
        storage["extraVolumeMounts"] = [
            {"name": "patients", "mountPath": shared["data"], "readOnly": True}
        ]
    values = {
        "singleuser": {
            "image": dict(settings["image"]),
            "defaultUrl": "/lab",
            "memory": {"limit": student["memory"], "guarantee": student["reserved"]},
            "cpu": {"limit": student["cores"], "guarantee": student["reserved_cores"]},
            "storage": storage,
            "extraEnv": environment(settings),
        },
        "hub": {"config": {"Authenticator": {"admin_users": [hub["admin"]]}}},
        "cull": {
            "enabled": True,
            "timeout": hub["idle_minutes"] * 60,
            "maxAge": hub["longest_hours"] * 3600,
        },
        "prePuller": {"hook": {"enabled": True}, "continuous": {"enabled": True}},
    }
    head = "# Made by make_hub.py from class.toml. Add who may log in (hub.config).\n"
    return head + yaml.safe_dump(values, sort_keys=False)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--settings", type=Path, default=HERE / "class.toml")
    parser.add_argument("--out", type=Path, required=True, help="folder for what is made")
    parser.add_argument("--draft", action="store_true", help="whatever the repository's address is")
    options = parser.parse_args(arguments)
    try:
        settings = read(options.settings)
        if not options.draft:
            check_published()
        options.out.mkdir(parents=True, exist_ok=True)
        made = {"tljh.sh": tljh, "values.yaml": kubernetes, "links.md": links}
        for name, make in made.items():
            # a shell reads a line that ends in \r as another command
            (options.out / name).write_text(make(settings), encoding="utf-8", newline="\n")
            print(options.out / name)
    except (OSError, ValueError) as error:
        print(f"make_hub.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
