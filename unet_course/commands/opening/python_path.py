"""The user's PYTHONPATH, without folders whose modules would be imported in place of the course's.

`unet_course.commands` calls `clean` before it imports anything else, so only `os` and `sys` are used.
"""

from __future__ import annotations

import os
import sys

OWN = {"unet_course", "sitecustomize", "usercustomize"}
left_out: dict[str, list[str]] = {}  # by folder of PYTHONPATH the names that it would have hidden


def clean() -> None:
    """Leave out of this process and of what it starts each folder of PYTHONPATH that hides modules.

    And tqdm's variables, for the same reason: they are read where tqdm is imported.
    """
    for name in [name for name in os.environ if name.startswith("TQDM_")]:
        # set for a bar of other work; one that isn't a number ends whatever draws a bar
        del os.environ[name]
    given = os.environ.get("PYTHONPATH")
    if given is None:
        return
    kept = []
    for entry in given.split(os.pathsep):
        folder = os.path.abspath(entry)  # an empty entry is the folder that one is in
        if names := hidden_by(folder):
            left_out[folder] = names
        else:
            kept.append(entry)
    sys.path[:] = [p for p in sys.path if os.path.abspath(p) not in left_out]
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if os.path.dirname(os.path.abspath(file)) in left_out and "." not in name:
            del sys.modules[name]
    os.environ["PYTHONPATH"] = os.pathsep.join(kept)


def hidden_by(folder: str) -> list[str]:
    """Return the modules of Python and of the installed packages that a folder's files would hide."""
    ours = _above(os.path.abspath(__file__), 4)
    sites = [p for p in sys.path if p.endswith(("site-packages", "dist-packages"))]
    if os.path.realpath(folder) in map(os.path.realpath, [ours, *sites]):
        return []
    installed = {file.partition(".")[0] for site in sites for file in _list(site)}
    names = {_module(folder, file) for file in _list(folder)}
    return sorted((names - {""}) & (OWN | installed | set(sys.stdlib_module_names)))


def _list(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _module(folder: str, file: str) -> str:
    """Return the name by which a file or a folder would be imported, or nothing."""
    stem, ending = os.path.splitext(file)
    if ending in (".py", ".pyc", ".so", ".pyd"):
        return stem.partition(".")[0]
    return file if os.path.isfile(os.path.join(folder, file, "__init__.py")) else ""


def _above(path: str, levels: int) -> str:
    for _ in range(levels):
        path = os.path.dirname(path)
    return path
