"""Run lessons as another seed or processor would: their pages must stay true of another network.

    python tools/other_networks.py 05 06 10 11 --seed 1000 --isa AVX2 --out FOLDER

Writes a page a lesson, to be read: no sentence may be false there. `--isa` keeps oneDNN, which
convolves, to an instruction set (SSE41, AVX2, AVX512_CORE, …); networks that lessons keep are kept
in a folder of their own. With `--solved` the pages end in the open tasks' solutions, which must be ✓ there.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from unet_course.commands import run_lesson

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
import lesson_files


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("lessons", nargs="+", metavar="LESSON")
    parser.add_argument("--seed", type=int, default=0, help="added to every seed of a lesson")
    parser.add_argument("--isa", help="the largest instruction set that oneDNN may use")
    parser.add_argument("--out", type=Path, required=True, help="folder for the pages")
    parser.add_argument("--solved", action="store_true", help="with the open tasks' solutions")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    cache = options.out / "cache"
    environment = os.environ | {
        "UNET_COURSE_SEED": str(options.seed),
        "UNET_COURSE_CACHE": str(cache),
    }
    if options.isa:
        environment["ONEDNN_MAX_CPU_ISA"] = options.isa
    failed = 0
    for lesson in options.lessons:
        page = options.out / f"{lesson}-seed{options.seed}-{options.isa or 'all'}.html"
        file = run_lesson.find(lesson)
        if options.solved:
            file = lesson_files.with_open_tasks_solved(file, options.out)
        command = [sys.executable, "-m", "unet_course.commands.cli", "run", file, "--out", page]
        failed += subprocess.run(command, env=environment, check=False).returncode != 0
    print(f"{failed} of {len(options.lessons)} failed; read the pages in {options.out}")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
