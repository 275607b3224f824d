"""What a check of a data set found: rows, notes and problems, as text and as JSON."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from unet_course.data.layouts import BRATS, DataError, plain
from unet_course.data.own_folder import TABLE

NAMES = ", ".join(
    f"imagesTr/{b.example}.nii.gz" if b.channels else b.example for b in BRATS.values()
)
EXPECTED = (
    "no LGG patients and no BraTS cases: looked here and in all folders below for patients' folders "
    "named like TCGA_CS_4941_19960909, holding TCGA_CS_4941_19960909_1.tif and "
    f"TCGA_CS_4941_19960909_1_mask.tif, for cases named like {NAMES}, and here for {TABLE}"
)
TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst")
WITH_7ZIP = (".7z", ".rar", ".001")
UNFINISHED = (".part", ".crdownload", ".download")


@dataclass(frozen=True)
class Problem:
    """A fault: which file or folder, what is wrong with it, what to do."""

    path: Path
    what: str
    cure: str
    damage: bool = True  # False: the file is whole, but isn't as its layout says


@dataclass
class Report:
    """What a check found. `problems` is empty for a sound folder; `notes` are no faults."""

    folder: Path
    layout: str  # "LGG", "BraTS" or "cases.csv"
    unit: str  # "patient" or "case": what a row is
    show: Callable[[dict], dict[str, str]]  # a row as texts by the table's heads
    published: dict  # counts to compare with
    sums: tuple[str, ...]  # columns that are summed up
    rows: list[dict] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, path: Path, what: str, cure: str, damage: bool = True) -> None:
        """Add a problem."""
        self.problems.append(Problem(path, what, cure, damage))

    def read(self, reader, *arguments):
        """Return what a reader returns; where it raises `DataError`, None, and that is a problem."""
        try:
            return reader(*arguments)
        except DataError as error:
            self.add(error.path, error.what, error.cure)
            return None

    def total(self, column: str) -> int:
        """Sum of a column of numbers over the rows."""
        return sum(row[column] for row in self.rows)

    def bar(self, items, progress: bool):
        """Return an iterable with a bar on stderr, where that is a terminal."""
        return tqdm(items, "Checking", leave=False, unit=self.unit, disable=not progress or None)

    def note_copies(self, doubled: list[str]) -> None:
        """Note what was found in more than one place."""
        if doubled:
            which = f"{len(doubled)} {self.unit}s" if len(doubled) > 1 else doubled[0]
            self.notes.append(f"More than one copy of {which}: counted once.")

    def is_folder(self) -> bool:
        """Whether there is a folder to check; if not, the report says what there is instead."""
        if self.folder.is_dir():
            return True
        if not os.path.lexists(self.folder):
            self.add(self.folder, "no such folder", "Check the spelling.")
        elif cure := _unpack(self.folder):
            self.add(self.folder, "an archive, not a folder", cure)
        else:
            cure = "Name the folder that holds the patients."
            self.add(self.folder, "not a folder", cure)
        return False

    def add_nothing_found(self) -> None:
        """Say that there is neither a patient nor a case, and which archive may hold them."""
        if any(problem.path == self.folder for problem in self.problems):
            return  # it can't be opened
        cure = "Name the folder that holds them; `unet-course data lgg` and `… brats` fetch them."
        for path in sorted(self.folder.iterdir()):
            cure = f"Still packed? {packed}" if (packed := _unpack(path)) else cure
        self.add(self.folder, EXPECTED, cure)

    def json(self) -> dict:
        """Everything, in types that `json.dump` takes."""
        layouts = [row["layout"] for row in self.rows if "layout" in row]
        counts = {f"{self.unit}s": len(self.rows)}
        if layouts:
            counts["layouts"] = {name: layouts.count(name) for name in BRATS if name in layouts}
        return {
            "folder": str(self.folder),
            "layout": self.layout,
            "sound": not self.problems,
            **counts,
            **{column: self.total(column) for column in self.sums},
            "published": self.published,
            "rows": [{**row, "folder": str(row["folder"])} for row in self.rows],
            "notes": self.notes,
            "problems": [
                {"path": str(p.path), "what": p.what, "cure": p.cure} for p in self.problems
            ],
        }

    def table(self) -> str:
        """The report as text. Names and paths are never wrapped or cut."""
        lines = []
        if self.rows:
            sums = dict.fromkeys(self.rows[0], "") | {name: self.total(name) for name in self.sums}
            sums |= {"id": f"{len(self.rows)} in all", "folder": Path(f"{len(self.rows)} in all")}
            table = pd.DataFrame(map(self.show, [*self.rows, sums])).set_index(self.unit)
            text = table.rename_axis(index=None, columns=self.unit).to_string()
            lines += [f"{self.layout} {self.unit}s in {plain(self.folder)}", "", text, ""]
        lines += [f"Note: {plain(note)}" for note in self.notes] + [""] * bool(self.notes)
        count = len(self.problems)
        if not count:
            lines.append("Every file was read. No problem found.")
        else:
            lines.append(f"{count} problem{'s' if count > 1 else ''}:")
            for problem in self.problems:
                what, cure = plain(problem.what), plain(problem.cure)
                lines += [f"  {plain(problem.path)}", f"    {what}.", f"    {cure}"]
        return "\n".join(lines)


def _unpack(path: Path) -> str:
    """Return how to unpack an archive, by its name; empty for what is none."""
    name = path.name.lower()
    if name.endswith(UNFINISHED):
        return "Its download isn't finished: fetch it again, then unpack it."
    if name.endswith(WITH_7ZIP):
        return f"Unpack it (7-Zip does), then name the folder: 7z x {path}"
    if name.endswith(TARS):
        return f"Unpack it, then name the folder: tar -xf {path}"
    if not name.endswith(".zip"):
        return ""
    sets = [known for known in ("lgg", "brats") if known in name]
    return f"Unpack it: unet-course data {sets[0] if sets else 'lgg (or brats)'} --archive {path}"
