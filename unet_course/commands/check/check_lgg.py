"""Check a folder of real patients: what is there, and what is wrong, each fault with its cure.

`unet-course data check` prints a `Report`. Every file is opened and read.
"""

from __future__ import annotations

import filecmp
import os
from collections import defaultdict
from pathlib import Path

import numpy as np
from tqdm import tqdm

from unet_course.commands.check.report import Problem, Report
from unet_course.data import files, lgg
from unet_course.data.layouts import LGG, DataError, natural_key
from unet_course.data.tiff import COMMAND, read_image, read_mask

__all__ = ["Problem", "Report", "check_lgg"]


def check_lgg(folder: Path | str, progress: bool = True) -> Report:
    """Read every LGG file under a folder and report what is there and what is wrong.

    Never raises for what it finds: faults are `Report.problems`. Linked folders are followed,
    foreign files passed over, a patient that lies there twice is counted once.

    Args:
        folder: searched through; a single patient's folder will do.
        progress: show a bar on stderr where that is a terminal.
    """
    report = Report(Path(folder))
    if not is_folder(report):
        return report

    copies: dict[str, list[Path]] = defaultdict(list)
    errors: list[OSError] = []
    for path in lgg.patient_folders(folder, errors.append):
        copies[LGG.patient.fullmatch(path.name)["id"]].append(path)
    for error in errors:
        report.problems.append(unreadable_folder(Path(error.filename), error))
    if not copies:
        _nothing_found(report)
        return report

    bar = tqdm(
        sorted(copies.items()),
        desc="Checking",
        unit="patient",
        leave=False,
        disable=None if progress else True,
    )
    doubled = set()
    for id, paths in bar:
        paths.sort(key=lambda path: not _complete(path))  # the copy that `find_patients` takes
        first, *others = paths
        _check_patient(report, id, first)
        for other in others:
            if other.name == first.name:
                doubled.add(id)
                _compare(report, first, other)
            else:
                report.notes.append(f"{other}: another scan of {id}; only {first} is used.")
    if doubled:
        which = f"{len(doubled)} patients" if len(doubled) > 1 else min(doubled)
        report.notes.append(f"More than one copy of {which}: counted once.")
    _check_table(report, copies)
    _compare_with_published(report)
    return report


def is_folder(report: Report) -> bool:
    """Whether there is a folder to check; if not, the report says what there is instead."""
    folder = report.folder
    if folder.is_dir():
        return True
    if not os.path.lexists(folder):
        what, cure = "no such folder", "Check the spelling."
    elif folder.suffix.lower() == ".zip":
        what = "an archive, not a folder"
        cure = f"Unpack it: unet-course data lgg --archive {folder}"
    else:
        what, cure = "not a folder", "Name the folder that holds the patients."
    report.problems.append(Problem(folder, what, cure))
    return False


def _nothing_found(report: Report) -> None:
    cure = "Name the folder that holds them; `unet-course data lgg` fetches the set."
    packed = sorted(  # as a browser or Kaggle's own command name it
        path
        for path in report.folder.glob("*.zip")
        if path.name.startswith("archive") or "lgg" in path.name.lower()
    )
    if packed:
        cure = f"Still packed? Unpack it: unet-course data lgg --archive {packed[0]}"
    report.problems.append(
        Problem(
            report.folder,
            "no LGG patients: looked here and in all folders below for patients' folders named "
            "like TCGA_CS_4941_19960909, holding TCGA_CS_4941_19960909_1.tif and "
            "TCGA_CS_4941_19960909_1_mask.tif",
            cure,
        )
    )


def unreadable_folder(path: Path, error: OSError) -> Problem:
    """What is wrong with a folder that can't be listed."""
    if isinstance(error, PermissionError):
        cure = (
            "Give yourself the right to open it (Linux and macOS: chmod -R u+rX FOLDER; "
            "Windows: Properties, Security)."
        )
        return Problem(path, "a folder that may not be opened: permission denied", cure)
    if os.path.islink(path) and not os.path.exists(path):
        return Problem(path, "a link that leads nowhere", "Correct or remove the link.")
    if isinstance(error, NotADirectoryError):
        cure = f"Remove the file, or restore the patient. {files.restore(path, COMMAND)}"
        return Problem(path, "a file where a patient's folder should be", cure)
    return Problem(
        path, f"a folder that can't be listed: {error.strerror}", files.restore(path, COMMAND)
    )


def _complete(folder: Path) -> bool:
    try:
        return not lgg.describe_gap(*lgg.slice_numbers(folder))
    except OSError:
        return False


def _check_patient(report: Report, id: str, folder: Path) -> None:
    """Read a patient's files; add his row and his problems."""
    try:
        images, masks = lgg.slice_numbers(folder)
        names = os.listdir(folder)
    except OSError as error:
        report.problems.append(unreadable_folder(folder, error))
        return
    foreign = sorted(
        (
            name
            for name in names
            if _looks_like_a_slice(name) and not LGG.slice_of(folder.name, name)
        ),
        key=natural_key,
    )
    if foreign:
        named = ", ".join(foreign)
        report.notes.append(f"{folder}: passed over, as the names don't fit: {named}.")
    if not images and not masks:
        what = "a patient's folder without any slice"
        cure = f"{files.restore(folder, COMMAND)} Or remove the folder."
        report.problems.append(Problem(folder, what, cure))
        return

    def paths(number):
        return (
            folder / LGG.image_name(folder.name, number),
            folder / LGG.mask_name(folder.name, number),
        )

    last = max(images | masks)
    expected = 1
    for number in sorted(images | masks):
        image, mask = paths(number)
        if number > expected:
            missing = (
                f"slice {expected}"
                if number == expected + 1
                else f"slices {expected} to {number - 1}"
            )
            what = f"missing, a gap in the numbering ({missing}), which runs to {last}"
            first = paths(expected)[0]
            report.problems.append(Problem(first, what, files.restore(first, COMMAND)))
        expected = number + 1
        if number not in masks:
            what = f"an image without its mask {mask.name}"
            report.problems.append(Problem(image, what, files.restore(mask, COMMAND)))
        elif number not in images:
            what = f"a mask without its image {image.name}"
            report.problems.append(Problem(mask, what, files.restore(image, COMMAND)))

    row = {
        "id": id,
        "folder": folder,
        "institution": LGG.patient.fullmatch(folder.name)["institution"],
        "slices": 0,
        "tumour_slices": 0,
        "tumour_pixels": 0,
        "size": "",
        "bytes": 0,
        "missing": (),
    }
    others = {name: i for i, name in enumerate(LGG.channels) if name != "FLAIR"}
    flair = LGG.channels.index("FLAIR")
    for number in sorted(images | masks):
        image_path, mask_path = paths(number)
        if number in images and (image := _read(report, read_image, image_path)) is not None:
            row["slices"] += 1
            row["size"] = "×".join(map(str, image.shape))
            row["bytes"] += image_path.stat().st_size
            others = {
                name: i
                for name, i in others.items()
                if np.array_equal(image[..., i], image[..., flair])
            }
        if number in masks and (mask := _read(report, read_mask, mask_path)) is not None:
            row["tumour_slices"] += bool(mask.any())
            row["tumour_pixels"] += int(mask.sum())
            row["bytes"] += mask_path.stat().st_size
    row["missing"] = tuple(others) if row["slices"] else ()
    report.rows.append(row)


def _looks_like_a_slice(name: str) -> bool:
    return name.lower().endswith((".tif", ".tiff")) and not name.startswith(".")


def _read(report: Report, reader, path: Path) -> np.ndarray | None:
    try:
        return reader(path)
    except DataError as error:
        report.problems.append(Problem(error.path, error.what, error.cure))
        return None


def _compare(report: Report, first: Path, second: Path) -> None:
    """Two copies of one patient must be equal, file by file."""
    try:
        names = [
            {name for name in os.listdir(folder) if LGG.slice_of(folder.name, name)}
            for folder in (first, second)
        ]
        unequal = {
            name
            for name in names[0] & names[1]
            if not filecmp.cmp(first / name, second / name, shallow=False)
        }
    except OSError as error:
        report.problems.append(unreadable_folder(Path(error.filename or second), error))
        return
    for name in sorted(unequal | (names[0] ^ names[1]), key=natural_key):
        reader = read_mask if LGG.slice_of(second.name, name)[1] else read_image
        if name in names[1] and _read(report, reader, second / name) is None:
            continue  # damaged in itself, which says more than that it differs
        what = (
            f"differs from the other copy of this patient, {first}, which is the one that is read"
        )
        if name not in names[1]:
            what = f"isn't there, while the other copy, {first}, has it"
        elif name not in names[0]:
            what = f"is there, while the other copy, {first}, hasn't got it"
        report.problems.append(
            Problem(second / name, what, "Find out which copy is sound and remove the other.")
        )


def _check_table(report: Report, copies: dict[str, list[Path]]) -> None:
    folders = [report.folder, *(path.parent for paths in copies.values() for path in paths)]
    files = [f / LGG.table for f in dict.fromkeys(folders) if os.path.lexists(f / LGG.table)]
    if not files:
        report.notes.append(f"No {LGG.table}: the images can be used, clinical data isn't there.")
    with_row: set[str] = set()
    sound = 0
    for file in files:
        try:
            with_row |= set(lgg.read_csv(file).index)
            sound += 1
        except DataError as error:
            report.problems.append(Problem(error.path, error.what, error.cure))
    without = sorted(set(copies) - with_row)
    if sound and without:
        report.notes.append(f"Without a row in {LGG.table}: {', '.join(without)}.")


def _compare_with_published(report: Report) -> None:
    real = [row for row in report.rows if row["folder"].name.startswith("TCGA_")]
    if not real:
        if report.rows:
            report.notes.append("Synthetic patients, none of the published set.")
        return
    have = [len(real)] + [sum(row[c] for row in real) for c in ("slices", "tumour_slices")]
    published = [LGG.patients, LGG.slices, LGG.tumour_slices]
    if have == published:
        report.notes.append(
            f"The whole published set: {LGG.patients} patients, {LGG.slices:,} slices, "
            f"{LGG.tumour_slices:,} with tumour."
        )
        return
    report.notes.append(
        f"{have[0]} of the published {published[0]} patients, {have[1]:,} of {published[1]:,} "
        f"slices, {have[2]:,} of {published[2]:,} with tumour."
    )
