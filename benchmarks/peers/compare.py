"""Other libraries' U-Nets and the course's, on the same patients, in equal minutes, by the same judge.

    python benchmarks/peers/compare.py --data FOLDER --kind lgg --test FILE --minutes 4 --out WORK

Each peer runs in an environment of its own, which `uv` makes from the first lines of its script. WORK keeps
the task, each peer's predictions and log, and the table; a peer whose results are there isn't run again. The
course's recipe runs by `lgg_dice.py` or `brats_dice.py`, trained on the same real patients alone.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import prepare

from unet_course import storage
from unet_course.data.layouts import REGIONS
from unet_course.judging import metrics

HERE = Path(__file__).resolve().parent
UV = ("uv", "run", "--no-project")
COURSE = "this course"
OURS = {"lgg": "lgg_dice.py", "brats": "brats_dice.py"}
WORDS = {"lgg": "Dice", "brats": "Dice of WT, TC, ET"}


@dataclass(frozen=True)
class Peer:
    """A row of the comparison: a script with options."""

    name: str
    kind: str
    script: str
    options: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        return "".join(c if c.isalnum() else "_" for c in self.name)


PEERS = (
    Peer("MONAI UNet", "lgg", "monai_peer.py"),
    Peer("keras.io U-Net", "lgg", "keras_io_peer.py"),
    Peer("keras.io U-Net, rate 1e-3", "lgg", "keras_io_peer.py", ("--rate", "1e-3")),
    Peer("MONAI SegResNet", "brats", "monai_peer.py"),
    Peer("MONAI SegResNet, rate 1e-3", "brats", "monai_peer.py", ("--rate", "1e-3")),
    Peer("medicai SwinUNETR", "brats", "medicai_peer.py"),
    Peer("nnU-Net", "brats", "nnunet_peer.py"),
)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", action="append", required=True, type=Path, metavar="DIR")
    parser.add_argument("--kind", choices=prepare.KINDS, required=True)
    parser.add_argument("--test", required=True, type=Path, metavar="FILE")
    parser.add_argument("--minutes", required=True, type=float)
    parser.add_argument("--clock", choices=("wall", "processor"), default="processor")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", required=True, type=Path, metavar="WORK")
    parser.add_argument("--peers", nargs="*", metavar="NAME", help="these alone; see PEERS")
    options = parser.parse_args()
    prepare.expect_inputs(parser, options)
    if options.minutes <= 0:
        parser.error("--minutes must be positive")
    known = [peer.name for peer in PEERS if peer.kind == options.kind]
    for name in options.peers or ():
        if name not in known:
            parser.error(f"--peers {name!r}: there are {', '.join(map(repr, known))}")
    if shutil.which("uv") is None:
        parser.error("uv isn't there, which makes the peers' environments: pip install uv")
    options.peers = [
        p for p in PEERS if p.name in (known if options.peers is None else options.peers)
    ]
    return options


def ended_well(command: list, log: Path) -> bool:
    """Run a command with its output in a file; says what failed and returns whether it ended well."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w", encoding="utf-8") as file:
        done = subprocess.run([*map(str, command)], stdout=file, stderr=file, env=environment)
    if done.returncode:
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
        print(f"  failed, see {log}:", *last, sep="\n    ")
    return done.returncode == 0


def settings(options: argparse.Namespace) -> list[str]:
    return [f"--minutes={options.minutes}", f"--clock={options.clock}", f"--seed={options.seed}"]


def run_course(options: argparse.Namespace, work: Path) -> dict | None:
    """The course's recipe: what its own benchmark writes. None where it failed."""
    out = work / "course.json"
    if not out.is_file():
        command = [sys.executable, HERE.parent / OURS[options.kind], *settings(options)]
        command += ["--test", options.test, "--train-on", "real", "--json", out]
        for folder in options.data:
            command += ["--data", folder]
        if not ended_well(command, work / "course.log"):
            return None
    found = json.loads(storage.read_text(out))
    regions = {"lgg": ["tumour"], "brats": REGIONS}[options.kind]
    scores = {id: [row[region] for region in regions] for id, row in found["patients"].items()}
    return found | {"network": "U-Net", "scores": scores}


def run_peer(peer: Peer, task: Path, work: Path, options: argparse.Namespace) -> Path | None:
    """Run a peer unless its results are there; returns their folder, None where it failed."""
    out = work / peer.folder
    if not out.is_dir():
        command = [*UV, HERE / peer.script, task, out]
        if not ended_well(
            [*command, *settings(options), *peer.options], work / f"{peer.folder}.log"
        ):
            return None
    return out


def judged(folder: Path, test: list) -> dict:
    """A peer's `about.json` with the scores by patient: [Dice], or [WT, TC, ET]."""
    about = json.loads(storage.read_text(folder / "about.json"))
    about["scores"] = {}
    for case in test:
        name = prepare.name_of(case)
        file, truth = folder / f"{name}.npy", prepare.truth_of(case)
        if not file.is_file():
            sys.exit(f"{folder}: no prediction for {name}; remove the folder to run the peer again")
        found = np.load(file)
        if found.shape != truth.shape:
            sys.exit(f"{file} has the shape {found.shape}, the mask {truth.shape}")
        pairs = [(truth, found)]
        if truth.ndim == 4:
            pairs = [(truth[..., i], found[..., i]) for i in range(len(REGIONS))]
        about["scores"][name] = [metrics.dice(*pair) for pair in pairs]
    return about


def table(kind: str, results: dict[str, dict | None]) -> str:
    """The results in Markdown: a column for each network, a row for each fact and patient."""
    done = {name: found for name, found in results.items() if found}
    rows = {
        "network": [found["network"] for found in done.values()],
        "parameters": [f"{found['parameters']:,}" for found in done.values()],
        "steps": [f"{found['steps']:,}" for found in done.values()],
        "patches a step": [found.get("batch", "see its recipe") for found in done.values()],
        "peak memory, GB": [f"{found['peak_memory_gb']:.1f}" for found in done.values()],
    }
    patients = list(next(iter(done.values()))["scores"]) if done else []
    for id in patients:
        rows[id] = [_numbers(found["scores"][id]) for found in done.values()]
    means = [np.mean(list(found["scores"].values()), axis=0) for found in done.values()]
    rows[f"**mean {WORDS[kind]}**"] = [f"**{_numbers(mean)}**" for mean in means]
    lines = [
        ["", *done],
        ["---"] * (1 + len(done)),
        *([name, *cells] for name, cells in rows.items()),
    ]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def better(results: dict[str, dict | None]) -> str:
    """Which peers have a higher mean than the course's recipe, in one sentence."""
    ours = results.get(COURSE)
    if not ours:
        return f"{COURSE} didn't finish."
    mean = {name: np.mean(list(f["scores"].values())) for name, f in results.items() if f}
    ahead = [name for name in mean if mean[name] > mean[COURSE]]
    return f"Better than {COURSE} on average: {', '.join(ahead) or 'none'}."


def _numbers(scores) -> str:
    return " ".join(f"{score:.3f}" for score in scores)


def main() -> None:
    sys.stdout.reconfigure(line_buffering=True)
    options = arguments()
    run = f"{options.kind}_{options.minutes:g}_minutes_{options.clock}_{options.seed}"
    work = options.out.absolute() / run  # other settings mustn't find these results
    work.mkdir(parents=True, exist_ok=True)
    train, test = prepare.sides(options.kind, options.data, options.test)
    print(f"{len(train)} to train on, {len(test)} to test on, {options.minutes:g} minutes each")
    prepare.write(work / "task", options.kind, train, test)
    print(COURSE)
    results = {COURSE: run_course(options, work)}
    for peer in options.peers:
        print(peer.name)
        folder = run_peer(peer, work / "task", work, options)
        results[peer.name] = judged(folder, test) if folder else None
    text = table(options.kind, results)
    storage.write_text(work / "table.md", text + "\n")
    print(f"\n{text}\n\n{better(results)}")
    failed = [name for name, found in results.items() if not found]
    if failed:
        sys.exit(f"not finished, and not in the table: {', '.join(failed)}")


if __name__ == "__main__":
    main()
