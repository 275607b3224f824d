"""The table `cases.csv`, which says which file of a folder is what."""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path, PurePosixPath, PureWindowsPath

from unet_course import storage
from unet_course.data import files
from unet_course.data.layouts import LGG, MODALITIES, VOLUME_ENDINGS, DataError

TABLE = "cases.csv"
COMMAND = "data check"
LARGEST_TABLE = 2**24  # bytes
PICTURE_ENDINGS = (".png", ".tif", ".tiff")
NAMED = {name.lower(): name for name in MODALITIES}  # column → channel
NUMBERED = tuple(f"channel{number}" for number in range(1, 5))
MASKS = ("mask", "labels")
COLUMNS = ("patient", "case", "slice", "institution", "image", *NAMED, *NUMBERED, *MASKS)
ID = re.compile(r"\w[\w.-]{0,63}")
EXAMPLES = f"see docs/real_data.md for a {TABLE} of each kind"


@dataclass(frozen=True)
class Row:
    """A line of the table: a scan, or a slice."""

    line: int  # in the file, from 1
    patient: str
    case: str
    number: int | None  # the slice's
    institution: str
    images: tuple[Path, ...]
    mask: Path | None


@dataclass(frozen=True)
class Table:
    """A folder's table, checked: what it says, not what is in the files."""

    path: Path
    volumes: bool  # a row is a scan in NIfTI files; else a slice in pictures
    channels: tuple[str, ...]  # as the columns name them; empty where the column is `image`
    mask: str  # the column's name: "mask", "labels" or ""
    rows: tuple[Row, ...]


def read_table(folder: Path | str) -> Table | None:
    """Read a folder's `cases.csv`, comma or semicolon; None where there is none.

    The files that it names aren't opened, and need not be there.

    Raises:
        DataError: a column is unknown or missing, a line is incomplete, its path leaves the folder,
            or a file or a name comes twice; the message names the line and the cure.
    """
    path = Path(folder) / TABLE
    if not path.is_file():
        return None
    files.size_of(path, COMMAND, LARGEST_TABLE)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise DataError(
            path, f"can't be read as text ({error})", "Save it as CSV UTF-8."
        ) from error
    head = text.partition("\n")[0]
    try:
        lines = list(csv.reader(StringIO(text), delimiter=";" if ";" in head else ",", strict=True))
    except csv.Error as error:
        raise DataError(path, f"isn't a table ({error})", "Save it as CSV UTF-8.") from error
    columns = [name.strip().lower() for name in (lines or [[]])[0]]
    channels, mask = _expect_columns(path, columns)
    rows, kinds = [], set()
    for number, line in enumerate(lines[1:], start=2):
        cells = [cell.strip() for cell in line]
        if any(cells):
            row = _row(path, number, columns, cells, channels, mask)
            kinds |= {_kind(path, number, file) for file in (*row.images, row.mask) if file}
            rows.append(row)
            if len(kinds) > 1:
                cure = f"NIfTI makes a row a scan, PNG and TIFF a row a slice: one kind a table; {EXAMPLES}."
                raise DataError(
                    path, f"line {number} has another kind of file than the others", cure
                )
    if not rows:
        raise DataError(path, "has no line below its columns", f"Write a line a scan; {EXAMPLES}.")
    names = tuple(NAMED.get(name, name) for name in channels if name != "image")
    volumes = kinds == {"volume"}
    table = Table(path, volumes, names, mask, tuple(rows))
    _expect_once(table, "case" in columns)
    return table if volumes else _in_lgg_order(table)


def _expect_columns(path: Path, columns: list[str]) -> tuple[list[str], str]:
    """Return the channels' columns in their order, and the mask's; raise where one won't do."""
    for name in columns:
        if columns.count(name) > 1:
            raise DataError(path, f"has the column {name!r} twice", "Name each column once.")
        if name not in COLUMNS:
            near = difflib.get_close_matches(name, COLUMNS, 1, 0.5)
            cure = f"Did you mean {near[0]!r}? " if near else ""
            raise DataError(
                path, f"has the unknown column {name!r}", f"{cure}Columns are {', '.join(COLUMNS)}."
            )
    kinds = [[n for n in group if n in columns] for group in (("image",), NAMED, NUMBERED)]
    given = [kind for kind in kinds if kind]
    mask = [name for name in MASKS if name in columns]
    if "patient" not in columns:
        raise DataError(
            path, "has no column 'patient'", f"It says whose scan a line is; {EXAMPLES}."
        )
    if len(given) != 1:
        which = " and ".join(kind[0] for kind in given) or "no image"
        cure = f"Images are in a column image, or in {', '.join(NAMED)}, or in {NUMBERED[0]} and so on."
        raise DataError(path, f"has columns for {which}", cure)
    if len(mask) > 1:
        cure = "mask has 0 and 1 (or 255), labels BraTS' numbers 0, 1, 2, 4: keep one."
        raise DataError(path, "has both columns mask and labels", cure)
    return given[0], mask[0] if mask else ""


def _row(path: Path, number: int, columns: list[str], cells: list[str], channels, mask) -> Row:
    """Return a line of the table with its paths; raise where a cell won't do."""

    def wrong(what: str, cure: str) -> DataError:
        return DataError(path, f"line {number} {what}", cure)

    if len(cells) > len(columns) and not any(cells[len(columns) :]):
        cells = cells[: len(columns)]
    if len(cells) != len(columns):
        raise wrong(
            f"has {len(cells)} cells, the columns are {len(columns)}", "Fill it or leave it out."
        )
    known = dict(zip(columns, cells, strict=True))
    for name in ("patient", *channels):
        if not known[name]:
            raise wrong(f"has nothing in the column {name!r}", "Fill it, or leave the line out.")
    case = known.get("case") or known["patient"]
    for name in (known["patient"], case):
        if not ID.fullmatch(name):
            cure = "Names have letters, digits, dots, hyphens and underscores, at most 64."
            raise wrong(f"has the name {name[:80]!r}", cure)
    at = known.get("slice", "")
    if at and not (at.isascii() and at.isdecimal() and len(at) < 7):
        raise wrong(f"has the slice {at[:40]!r}", "Number slices with whole numbers from 0 on.")
    paths = []
    for name in [*channels, mask]:
        text = known.get(name, "")
        if not text:
            paths.append(None)
            continue
        parts = PurePosixPath(text.replace("\\", "/"))
        if (
            parts.is_absolute()
            or PureWindowsPath(text).drive
            or ".." in parts.parts
            or "\0" in text
        ):
            cure = f"Write paths from the table's own folder, {path.parent}, without '..'."
            raise wrong(f"leads out of the folder: {text[:200]!r}", cure)
        paths.append(path.parent / parts)
    *images, its_mask = paths
    institution = known.get("institution", "")
    return Row(
        number,
        known["patient"],
        case,
        int(at) if at else None,
        institution,
        tuple(images),
        its_mask,
    )


def _kind(path: Path, number: int, file: Path) -> str:
    name = file.name.lower()
    if name.endswith(VOLUME_ENDINGS):
        return "volume"
    if name.endswith(PICTURE_ENDINGS):
        return "picture"
    cure = f"Files end in {', '.join((*VOLUME_ENDINGS, *PICTURE_ENDINGS))}: convert it (dcm2niix makes "
    cure += "NIfTI of DICOM)."
    raise DataError(path, f"line {number} names {file.name!r}, which the course can't read", cure)


def _expect_once(table: Table, with_cases: bool) -> None:
    """Raise where a scan, a slice or a file comes twice, or a slice has no mask."""
    seen: dict[object, int] = {}
    owner: dict[str, str] = {}

    def once(key: object, line: int, what: str, cure: str) -> None:
        if (first := seen.setdefault(key, line)) != line:
            raise DataError(table.path, f"line {line} {what} line {first}", cure)

    for row in table.rows:
        named = [file for file in (*row.images, row.mask) if file]
        for file in named:
            cure = "Each file is one image, or one mask: correct the path."
            if named.count(file) > 1:
                raise DataError(table.path, f"line {row.line} names {file.name} twice", cure)
            once(file, row.line, f"names {file.name}, as does", cure)
        if table.volumes:
            cure = "Give each scan a name of its own in the column case."
            if not with_cases:
                cure = "A patient with several scans needs a column case, with a name for each."
            once(("case", row.case.lower()), row.line, f"has the case {row.case!r} of", cure)
            if owner.setdefault(row.case, row.patient) != row.patient:
                raise DataError(table.path, f"line {row.line} has another's case", cure)
        elif row.mask is None:
            cure = "A slice without tumour has a mask of zeros."
            raise DataError(table.path, f"line {row.line} has no mask", cure)
        elif row.number is not None:
            cure = "Number a patient's slices, each once."
            key = (row.patient, row.number)
            once(key, row.line, f"has the slice {row.number} of {row.patient}, as does", cure)
    if not table.volumes:
        without = [row for row in table.rows if row.number is None]
        if without and len(without) < len(table.rows):
            what = f"line {without[0].line} has no slice, others have"
            raise DataError(table.path, what, "Number all slices, or leave the column out.")


def _in_lgg_order(table: Table) -> Table:
    """Return a table of slices with LGG's three channels in LGG's order, under LGG's names."""
    if set(table.channels) != {"T1", "FLAIR", "T1ce"}:
        return table
    order = [table.channels.index(name) for name in ("T1", "FLAIR", "T1ce")]
    rows = [replace(row, images=tuple(row.images[i] for i in order)) for row in table.rows]
    return replace(table, channels=LGG.channels, rows=tuple(rows))


def write_table(folder: Path | str, rows: Iterable[Mapping[str, object]]) -> Path:
    """Write `cases.csv` from dictionaries with one set of keys, and return its path. Raises OSError."""
    rows = list(rows)
    text = StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path = Path(folder) / TABLE
    storage.write_text(path, text.getvalue())
    return path
