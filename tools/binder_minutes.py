"""Run lessons as on Binder, on one core with 2 GB of memory, and write README's column about it.

    python tools/binder_minutes.py            # every lesson, on Linux, as root (for the limit)
    python tools/binder_minutes.py 01 05      # these
    python tools/binder_minutes.py --table    # only README's column, from what was measured

A lesson's processes are held on one core and in a memory cgroup: above 2 GB the kernel ends them, as
Binder does. The seconds are those that the core worked for them, so that other programs don't count.
A JupyterLab server, about 0.1 GB, isn't among them; `unet-course run`, about as large, is.
`binder_minutes.json` keeps what was measured.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
MEASURED = Path(__file__).with_name("binder_minutes.json")
LIMIT = 2 * 2**30
CGROUPS = (  # the folder in which a group is made, and the file that takes its limit
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
    (Path("/sys/fs/cgroup"), "memory.max"),
)
SAID = re.compile(r"ran in (\d+) s, ([\d.]+) GB at the peak")


def limited_group() -> Path:
    """Make a memory cgroup with the limit and return its folder.

    Raises:
        OSError: this system has no memory cgroups, or we may not make one.
    """
    for folder, file in CGROUPS:
        if (folder / "cgroup.procs").exists() or (folder / file).exists():
            group = folder / f"binder-{os.getpid()}"
            group.mkdir(exist_ok=True)
            (group / file).write_text(str(LIMIT))
            return group
    raise OSError("no memory cgroups here: Linux only, and as root")


def measure(lesson: str, group: Path, core: int) -> dict:
    """Run a lesson on one core in the group; return its figures, or that the limit ended it.

    Raises:
        ValueError: it failed for another reason; the message is what it printed.
    """

    import resource  # not on Windows

    def enter() -> None:
        (group / "cgroup.procs").write_text(str(os.getpid()))
        os.sched_setaffinity(0, {core})

    def used() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    before = used()
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "page.html")
        command = [sys.executable, "-m", "unet_course.commands.cli", "run", lesson, "--out", out]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, preexec_fn=enter)
    told = SAID.search(done.stdout)
    today = date.today().isoformat()
    if any(_killed(group / name) for name in ("memory.oom_control", "memory.events")):
        return {"over": True, "on": today}
    if done.returncode or not told:
        raise ValueError(f"{lesson}: {done.stdout[-500:]}{done.stderr[-2000:]}")
    return {"seconds": round(used() - before), "gb": float(told[2]), "on": today}


def _killed(file: Path) -> bool:
    """Return whether the kernel has ended a process of the group for its memory."""
    return file.exists() and bool(re.search(r"^oom_kill [1-9]", file.read_text(), re.MULTILINE))


def column(text: str, measured: dict) -> str:
    """Return README with the last column of its table of lessons as measured.

    Raises:
        ValueError: a measured lesson has no row there.
    """
    cells = {
        lesson: "more than 2 GB" if "over" in one else f"{one['seconds']} s, {one['gb']} GB"
        for lesson, one in measured.items()
    }
    row = re.compile(r"^(\| (\d\d) \| \[.* \| \d+ \|) [^|]* \|$", re.MULTILINE)
    rows = {match[2] for match in row.finditer(text)}
    if lacking := sorted(set(cells) - rows):
        raise ValueError(f"README.md: no row '| NN | … | minutes | Binder |' for {lacking}")
    return row.sub(lambda match: f"{match[1]} {cells.get(match[2], '–')} |", text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("lessons", nargs="*", help="as 01 05 (all)")
    parser.add_argument("--core", type=int, default=0, help="the core to run on (0)")
    parser.add_argument("--table", action="store_true", help="only write README's column")
    options = parser.parse_args()
    known = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else {}
    wanted = options.lessons or [
        p.name[:2] for p in sorted((ROOT / "notebooks").glob("??_*.ipynb"))
    ]
    try:
        for lesson in [] if options.table else wanted:
            group = limited_group()
            try:
                known[lesson] = measure(lesson, group, options.core)
            finally:
                group.rmdir()
            print(lesson, known[lesson], flush=True)
            text = json.dumps(known, indent=1, sort_keys=True) + "\n"
            MEASURED.write_text(text, encoding="utf-8", newline="\n")
        renewed = column(README.read_text(encoding="utf-8"), known)
        README.write_text(renewed, encoding="utf-8", newline="\n")
    except (OSError, ValueError) as error:
        print(f"binder_minutes.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
