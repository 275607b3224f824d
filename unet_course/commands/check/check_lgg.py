"""Check a folder of LGG patients: what is there, and what is wrong, each fault with its cure.

Every file is opened and read.
"""

from __future__ import annotations

import filecmp
import os
from collections import defaultdict
from pathlib import Path

from unet_course.commands.check.report import Report
from unet_course.data import files, identity, lgg
from unet_course.data.layouts import LGG, natural_key
from unet_course.data.tiff import COMMAND, read_image, read_mask


def check_lgg(folder: Path | str, progress: bool = True) -> Report:
    """Read every LGG file under a folder and report what is there and what is wrong.

    Never raises for what it finds: faults are `Report.problems`. Linked folders are followed,
    foreign files passed over, a patient that is there twice is counted once. A single patient's
    folder will do. With `progress` a bar is shown on stderr, where that is a terminal.
    """
    published = {"patients": LGG.patients, "slices": LGG.slices, "tumour_slices": LGG.tumour_slices}
    sums = ("slices", "tumour_slices", "tumour_pixels", "bytes")
    report = Report(Path(folder), LGG.name, "patient", _show, published, sums)
    if not report.is_folder():
        return report
    copies: dict[str, list[Path]] = defaultdict(list)
    errors: list[OSError] = []
    for path in lgg.patient_folders(folder, errors.append):
        copies[LGG.patient.fullmatch(path.name)["id"]].append(path)
    for error in errors:
        add_unreadable(report, Path(error.filename), error)
    if not copies:
        report.add_nothing_found()
        return report
    doubled = []
    for id, paths in report.bar(sorted(copies.items()), progress):
        paths.sort(key=lambda path: not _complete(path))  # the copy that `find_patients` takes
        first, *others = paths
        _check_patient(report, id, first)
        for other in others:
            if other.name == first.name:
                doubled.append(id)
                _compare(report, first, other)
            else:
                report.notes.append(f"{other}: another scan of {id}; only {first} is used.")
    report.note_copies(sorted(set(doubled)))
    _check_who_is_whom(report)
    _check_table(report, copies)
    _compare_with_published(report)
    return report


def _show(row: dict) -> dict[str, str]:
    return {
        "patient": row["folder"].name,
        "slices": f"{row['slices']:,}",
        "with tumour": f"{row['tumour_slices']:,}",
        "tumour pixels": f"{row['tumour_pixels']:,}",
        "size": row["size"],
        "MB": f"{row['bytes'] / 1e6:,.1f}",
        "not taken": ", ".join(row["missing"]),
    }


def add_unreadable(report: Report, path: Path, error: OSError) -> None:
    """Say what is wrong with a folder that can't be listed."""
    told = files.unopened(path, error, COMMAND)
    if isinstance(error, NotADirectoryError):
        cure = f"Remove the file, or restore the patient. {files.restore(path, COMMAND)}"
        report.add(path, "a file where a patient's folder should be", cure)
    else:
        report.add(path, told.what, told.cure)


def _complete(folder: Path) -> bool:
    try:
        return not lgg.describe_gap(*lgg.slice_numbers(folder))
    except OSError:
        return False


def _check_patient(report: Report, id: str, folder: Path) -> None:
    """Read a patient's files; add the row and the problems."""
    try:
        images, masks = lgg.slice_numbers(folder)
        names = os.listdir(folder)
    except OSError as error:
        add_unreadable(report, folder, error)
        return
    foreign = [n for n in names if n.lower().endswith((".tif", ".tiff")) and n[0] != "."]
    foreign = [name for name in foreign if not LGG.slice_of(folder.name, name)]
    if foreign:
        named = ", ".join(sorted(foreign, key=natural_key))
        report.notes.append(f"{folder}: passed over, as the names don't fit: {named}.")
    if not images and not masks:
        cure = f"{files.restore(folder, COMMAND)} Or remove the folder."
        report.add(folder, "a patient's folder without any slice", cure)
        return
    row = {
        "id": id,
        "folder": folder,
        "institution": LGG.patient.fullmatch(folder.name)["institution"],
        **dict.fromkeys(report.sums, 0),
        "size": "",
        "scan": "",
    }
    keys = []
    others = {name: i for i, name in enumerate(LGG.channels) if name != "FLAIR"}
    flair = LGG.channels.index("FLAIR")
    expected = 1
    for number in sorted(images | masks):
        if number > expected:
            last = number - 1
            missing = f"slice {last}" if last == expected else f"slices {expected} to {last}"
            what = f"missing, a gap in the numbering ({missing}), which runs to "
            what += str(max(images | masks))
            path = folder / LGG.image_name(folder.name, expected)
            report.add(path, what, files.restore(path, COMMAND))
        expected = number + 1
        image_path = folder / LGG.image_name(folder.name, number)
        mask_path = folder / LGG.mask_name(folder.name, number)
        if number not in masks:
            what = f"an image without its mask {mask_path.name}"
            report.add(image_path, what, files.restore(mask_path, COMMAND))
        elif number not in images:
            what = f"a mask without its image {image_path.name}"
            report.add(mask_path, what, files.restore(image_path, COMMAND))
        if number in images and (image := report.read(read_image, image_path)) is not None:
            row["slices"] += 1
            row["size"] = "×".join(map(str, image.shape))
            row["bytes"] += image_path.stat().st_size
            same = [i for i in others.values() if (image[..., i] == image[..., flair]).all()]
            others = {name: i for name, i in others.items() if i in same}
            keys.append(identity.scan_key(image[..., flair]))
        if number in masks and (mask := report.read(read_mask, mask_path)) is not None:
            row["tumour_slices"] += bool(mask.any())
            row["tumour_pixels"] += int(mask.sum())
            row["bytes"] += mask_path.stat().st_size
    row["missing"] = tuple(others) if row["slices"] else ()
    row["scan"] = " ".join(sorted(key for key in keys if key))  # whatever the slices' numbers
    report.rows.append(row)


def _check_who_is_whom(report: Report) -> None:
    """The same scan under two patients' ids is a problem."""
    first: dict[str, str] = {}
    for row in report.rows:
        scan = row.pop("scan")
        if scan and first.setdefault(scan, row["id"]) != row["id"]:
            cure = f"Keep one of the two, or both on one side of a split. {identity.MISSED}"
            what = f"{row['id']} is the same scan as {first[scan]}: equal voxels, another id"
            report.add(row["folder"], what, cure, damage=False)


def _compare(report: Report, first: Path, second: Path) -> None:
    """Two copies of one patient must be equal, file by file."""
    names = []
    try:
        for folder in (first, second):
            names.append({n for n in os.listdir(folder) if LGG.slice_of(folder.name, n)})
        both = names[0] & names[1]
        _, *unequal = filecmp.cmpfiles(first, second, both, shallow=False)
    except OSError as error:
        add_unreadable(report, Path(error.filename or second), error)
        return
    for name in sorted({*unequal[0], *unequal[1], *(names[0] ^ names[1])}, key=natural_key):
        reader = read_mask if LGG.slice_of(second.name, name)[1] else read_image
        if name in names[1] and report.read(reader, second / name) is None:
            continue  # damaged in itself, which says more than that it differs
        what = (
            f"differs from the other copy of this patient, {first}, which is the one that is read"
        )
        if name not in both:
            there, has = ("is", "hasn't got") if name in names[1] else ("isn't", "has")
            what = f"{there} there, while the other copy, {first}, {has} it"
        report.add(second / name, what, "Find out which copy is sound and remove the other.")


def _check_table(report: Report, copies: dict[str, list[Path]]) -> None:
    folders = [report.folder, *(path.parent for paths in copies.values() for path in paths)]
    tables = [f / LGG.table for f in dict.fromkeys(folders) if os.path.lexists(f / LGG.table)]
    if not tables:
        report.notes.append(f"No {LGG.table}: the images can be used, clinical data isn't there.")
    read = [table for path in tables if (table := report.read(lgg.read_csv, path)) is not None]
    without = sorted(set(copies).difference(*(table.index for table in read)))
    if read and without:
        report.notes.append(f"Without a row in {LGG.table}: {', '.join(without)}.")


def _compare_with_published(report: Report) -> None:
    real = [row for row in report.rows if row["folder"].name.startswith("TCGA_")]
    if report.rows and not real:
        report.notes.append("Synthetic patients, none of the published set.")
    if not real:
        return
    have = [len(real)] + [sum(row[c] for row in real) for c in ("slices", "tumour_slices")]
    pairs = [f"{n:,} of {of:,}" for n, of in zip(have, report.published.values(), strict=True)]
    told = f"{have[0]} of the published {LGG.patients} patients, {pairs[1]} slices, {pairs[2]}"
    if have == list(report.published.values()):
        told = f"The whole published set: {have[0]} patients, {have[1]:,} slices, {have[2]:,}"
    report.notes.append(f"{told} with tumour.")
