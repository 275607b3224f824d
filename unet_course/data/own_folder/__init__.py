"""A folder of one's own: the table `cases.csv` says which file is what.

A row a scan (NIfTI) or a row a slice (PNG, TIFF). What comes out is read as the public sets are:
`brats.find_cases` makes cases of the scans, `lgg.find_patients` patients of the slices.
"""

from __future__ import annotations

import contextlib
import re
from collections import defaultdict
from pathlib import Path

from unet_course.data import files, nifti
from unet_course.data.layouts import BratsLayout, DataError, natural_key
from unet_course.data.own_folder.pictures import OwnPatient, read_mask, read_picture
from unet_course.data.own_folder.table import NUMBERED, TABLE, Row, Table, read_table, write_table

__all__ = [
    "TABLE",
    "OwnPatient",
    "Row",
    "Table",
    "find_own_patients",
    "find_own_scans",
    "read_mask",
    "read_picture",
    "read_table",
    "write_table",
]

ONE_REGION = {0: 0, 1: 2, 255: 2}  # a mask of one region is the whole tumour
BRATS_LABELS = {0: 0, 1: 1, 2: 2, 4: 4}


def find_own_patients(folder: Path | str) -> list[OwnPatient]:
    """Find the patients of a folder's table of slices, sorted by id; a lacking file is warned of.

    Raises:
        DataError: as `read_table`.
    """
    table = read_table(folder)
    if table is None or table.volumes:
        return []
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in _rows_with_files(table, lambda row: row.patient):
        rows[row.patient].append(row)
    patients = []
    for id, own in sorted(rows.items()):
        numbers = [row.number for row in own]
        if None in numbers:
            numbers = list(range(1, len(own) + 1))
        order = sorted(range(len(own)), key=lambda i: numbers[i])
        patients.append(
            OwnPatient(
                id,
                table.path.parent,
                tuple(numbers[i] for i in order),
                own[0].institution,
                table.channels,
                tuple(own[i].images for i in order),
                tuple(own[i].mask for i in order),
            )
        )
    return patients


def find_own_scans(folder: Path | str, told: bool = True) -> tuple[BratsLayout | None, list[Row]]:
    """Find the scans of a folder's table of volumes: how they are read, and a row each.

    `told`: a scan of which a file is lacking is left out, with a warning; else it is among them.

    Raises:
        DataError: as `read_table`.
    """
    table = read_table(folder)
    if table is None or not table.volumes:
        return None, []
    rows = _rows_with_files(table, lambda row: row.case) if told else table.rows
    rows = sorted(rows, key=lambda row: natural_key(row.case))
    return (_layout(table, rows[0]) if rows else None), rows


def _layout(table: Table, first: Row) -> BratsLayout:
    """Return how the table's scans are read, by its columns and the first image's header."""
    names, channels = table.channels, ()
    if not names:
        shape = ()
        with contextlib.suppress(DataError):  # told when it is read
            shape = nifti.read_header(first.images[0]).get_data_shape()
        count = shape[3] if len(shape) > 3 else 1
        names = ("image",) if count == 1 else NUMBERED[:count]
        channels = tuple(range(len(names))) if count > 1 else ()
    one = table.mask != "labels"
    return BratsLayout(
        name=f"{TABLE} ({table.mask})" if table.mask else TABLE,
        case=re.compile(".*"),
        example=first.case,
        modalities=names,
        names=names,
        labels=ONE_REGION if one else BRATS_LABELS,
        one_region=one,
        channels=channels,
        orientation="",  # each file's own is read
        spacing=0.0,
    )


def _rows_with_files(table: Table, of) -> list[Row]:
    """Return the rows of what is all there; warn of the rest, by patient or case."""
    missing: dict[str, str] = {}
    for row in table.rows:
        for file in (*row.images, row.mask):
            if file is not None and not file.is_file():
                missing.setdefault(of(row), f"{of(row)} (line {row.line}: no file {file})")
    if missing:
        files.warn_left_out(table.path.parent, "a file is missing", missing.values(), depth=3)
    return [row for row in table.rows if of(row) not in missing]
