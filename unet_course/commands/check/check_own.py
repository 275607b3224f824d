"""Check a folder of one's own, by its table `cases.csv`: every file that it names is read."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from unet_course.commands.check import check_brats
from unet_course.commands.check.report import Report
from unet_course.data import files, identity, own_folder
from unet_course.data.brats_folders import CaseFiles
from unet_course.data.layouts import DataError
from unet_course.data.own_folder import OwnPatient, Row, Table

SUMS = ("slices", "tumour_slices", "tumour_pixels", "bytes")


def check_own(folder: Path | str, progress: bool = True) -> Report:
    """Read the table and every file that it names, and report what is there and what is wrong."""
    report = Report(Path(folder), own_folder.TABLE, "case", check_brats.show, {}, ("bytes",))
    table = report.read(own_folder.read_table, folder)
    if table is None:
        return report
    if table.volumes:
        _check_scans(report, table, progress)
    else:
        report.unit, report.show, report.sums = "patient", _show, SUMS
        _check_slices(report, table, progress)
    return report


def _check_scans(report: Report, table: Table, progress: bool) -> None:
    layout, rows = own_folder.find_own_scans(report.folder, told=False)
    scans: dict[str, list[str]] = defaultdict(list)  # key of the voxels → cases
    patients = {row.case: row.patient for row in rows}
    for row in report.bar(rows, progress):
        _expect_files(report, row)
        images, mask = [[path if path and path.exists() else None for path in paths]
                        for paths in (row.images, (row.mask,))]  # fmt: skip
        place = CaseFiles(
            layout, row.case, report.folder, tuple(images), mask[0], "", row.mask is None
        )
        if found := check_brats.check_case(report, place):
            if key := found.pop("scan"):
                scans[key].append(row.case)
            found["remarks"] = found["remarks"].removeprefix("published ")
            report.rows.append(found)
    check_brats.check_who_is_whom(report, scans)
    if len(set(patients.values())) < len(patients):
        count = len(set(patients.values()))
        report.notes.append(f"{len(patients)} scans of {count} patients: split by patient.")


def _check_slices(report: Report, table: Table, progress: bool) -> None:
    by_patient: dict[str, list[Row]] = defaultdict(list)
    for row in table.rows:
        by_patient[row.patient].append(row)
    for id, rows in report.bar(sorted(by_patient.items()), progress):
        there = [row for row in rows if _expect_files(report, row)]
        if there:
            _check_patient(report, table, id, there)
    first: dict[str, str] = {}
    for row in report.rows:
        scan = row.pop("scan")
        if scan and first.setdefault(scan, row["id"]) != row["id"]:
            what = f"{row['id']} is the same scan as {first[scan]}: equal pixels, another patient"
            cure = f"Give both one name, or keep one of the two. {identity.MISSED}"
            report.add(table.path, what, cure, damage=False)


def _check_patient(report: Report, table: Table, id: str, rows: list[Row]) -> None:
    numbers = tuple(range(1, len(rows) + 1))
    images, masks = tuple(row.images for row in rows), tuple(row.mask for row in rows)
    patient = OwnPatient(
        id, report.folder, numbers, rows[0].institution, table.channels, images, masks
    )
    row = {"id": id, "folder": report.folder, **dict.fromkeys(SUMS, 0), "size": "", "scan": ""}
    keys = []
    for number, (of_slice, mask_path) in enumerate(zip(images, masks, strict=True), start=1):
        image = report.read(patient.read_image, number)
        if image is not None:
            row["slices"] += 1
            row["size"] = "×".join(map(str, image.shape))
            keys += [identity.scan_key(image[..., 0])]
        one = OwnPatient(id, report.folder, (1,), "", table.channels, (of_slice,), (mask_path,))
        # a mask is compared with its own image, where that can be read
        mask = None if image is None else report.read(one.read_masks)
        if mask is not None:
            row["tumour_slices"] += bool(mask.any())
            row["tumour_pixels"] += int(mask.sum())
        row["bytes"] += sum(path.stat().st_size for path in (*of_slice, mask_path))
    row["scan"] = " ".join(sorted(key for key in keys if key))
    report.rows.append(row)


def _expect_files(report: Report, row: Row) -> bool:
    """Whether a line's files are there; each that isn't is a problem."""
    missing = [path for path in (*row.images, row.mask) if path is not None and not path.exists()]
    for path in missing:
        cure = f"Correct line {row.line} of {own_folder.TABLE}, or put the file there."
        error = DataError(path, "no such file", cure)
        if path.is_symlink():
            error = files.unopened(path, FileNotFoundError(), own_folder.COMMAND)
        report.add(path, error.what, error.cure)
    return not missing


def _show(row: dict) -> dict[str, str]:
    return {
        "patient": row["id"],
        "slices": f"{row['slices']:,}",
        "with tumour": f"{row['tumour_slices']:,}",
        "tumour pixels": f"{row['tumour_pixels']:,}",
        "size": row["size"],
        "MB": f"{row['bytes'] / 1e6:,.1f}",
    }
