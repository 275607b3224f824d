"""Write a task for the peers: the patients to train on and to test on, as plain arrays.

    python benchmarks/peers/prepare.py --data FOLDER --kind lgg --test FILE TASK

The peers see no mask of those to test on. FILE lists these, as for `lgg_dice.py` and `brats_dice.py`;
no patient trains who is tested on under another id.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

import numpy as np

from unet_course.data import brats, lgg

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the other benchmarks
KINDS = ("lgg", "brats")


def sides(kind: str, data: list[Path], test: Path) -> tuple[list, list]:
    """The patients or cases to train and to test on, as the course's own benchmark takes them."""
    options = argparse.Namespace(data=data, test=test, train_on="real", seed=0)
    if kind == "lgg":
        import lgg_dice

        return lgg_dice.sides(options)
    import brats_dice

    real, _, tested = brats_dice.sides(options)
    return real, tested


def name_of(case: lgg.Patient | brats.Case) -> str:
    """The name by which a patient or case is listed and its results are kept."""
    return case.folder.name if isinstance(case, lgg.Patient) else case.id


def truth_of(case: lgg.Patient | brats.Case) -> np.ndarray:
    """The expert's mask, (slices, 256, 256), or regions, (x, y, z, 3); uint8, 0 and 1."""
    if isinstance(case, lgg.Patient):
        return case.read_masks()
    return brats.regions(case.read_labels())


def write(folder: Path, kind: str, train: list, test: list) -> None:
    """Write the task's folder, whole or not at all; one that is there must be the same task."""
    about = {"kind": kind, "train": [*map(name_of, train)], "test": [*map(name_of, test)]}
    if folder.exists():
        file = folder / "task.json"
        if not file.is_file() or json.loads(file.read_text(encoding="utf-8")) != about:
            sys.exit(f"{folder} holds something else than this task: name another folder")
        return
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    for case in [*train, *test]:
        place = part / "cases" / name_of(case)
        place.mkdir(parents=True)
        images = case.read()[0] if kind == "lgg" else case.read().images
        np.save(place / "images.npy", images)
        if case in train:
            np.save(place / "masks.npy", truth_of(case))
    if kind == "brats":
        from nnunet_layout import write_brats

        write_brats(part / "nnunet", train, test)
    (part / "task.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    part.rename(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", action="append", required=True, type=Path, metavar="DIR")
    parser.add_argument("--kind", choices=KINDS, required=True)
    parser.add_argument("--test", required=True, type=Path, metavar="FILE")
    parser.add_argument("task", type=Path, metavar="TASK")
    options = parser.parse_args()
    expect_inputs(parser, options)
    write(options.task.absolute(), options.kind, *sides(options.kind, options.data, options.test))


def expect_inputs(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    for folder in options.data:
        if not folder.is_dir():
            parser.error(f"--data {folder}: no such folder")
    if not options.test.is_file():
        parser.error(f"--test {options.test}: no such file")


if __name__ == "__main__":
    main()
