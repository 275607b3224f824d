"""What a check of a data set found: rows, notes and problems, as text and as JSON.

`Report` is that of LGG slices, `VolumeReport` that of BraTS volumes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from unet_course.data.layouts import BRATS, LGG, REGIONS


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
    rows: list[dict] = field(default_factory=list)  # one a patient
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def total(self, column: str) -> int:
        """Sum of a column of numbers over the patients."""
        return sum(row[column] for row in self.rows)

    def json(self) -> dict:
        """Everything, in types that `json.dump` takes."""
        return {
            "folder": str(self.folder),
            "layout": LGG.name,
            "sound": not self.problems,
            "patients": len(self.rows),
            "slices": self.total("slices"),
            "tumour_slices": self.total("tumour_slices"),
            "bytes": self.total("bytes"),
            "published": {
                "patients": LGG.patients,
                "slices": LGG.slices,
                "tumour_slices": LGG.tumour_slices,
            },
            **self._details(),
        }

    def _details(self) -> dict:
        rows = [{**row, "folder": str(row["folder"])} for row in self.rows]
        return {
            "rows": [
                {key: list(v) if isinstance(v, tuple) else v for key, v in row.items()}
                for row in rows
            ],
            "notes": list(self.notes),
            "problems": [
                {"path": str(p.path), "what": p.what, "cure": p.cure} for p in self.problems
            ],
        }

    def table(self) -> str:
        """The report as text. Names and paths are never wrapped or cut."""
        lines = self._rows_as_text() if self.rows else []
        lines += [f"Note: {note}" for note in self.notes]
        if self.notes:
            lines.append("")
        if not self.problems:
            lines.append("Every file was read. No problem found.")
        else:
            count = len(self.problems)
            lines.append(f"{count} problem{'s' if count > 1 else ''}:")
            for problem in self.problems:
                lines += [f"  {problem.path}", f"    {problem.what}.", f"    {problem.cure}"]
        return "\n".join(lines)

    def _rows_as_text(self) -> list[str]:
        head = ["patient", "slices", "with tumour", "tumour pixels", "size", "MB", "not taken"]
        body = [
            [
                row["folder"].name,
                str(row["slices"]),
                str(row["tumour_slices"]),
                f"{row['tumour_pixels']:,}",
                row["size"],
                f"{row['bytes'] / 1e6:.1f}",
                ", ".join(row["missing"]),
            ]
            for row in self.rows
        ]
        sums = [
            f"{len(self.rows)} in all",
            f"{self.total('slices'):,}",
            f"{self.total('tumour_slices'):,}",
            f"{self.total('tumour_pixels'):,}",
            "",
            f"{self.total('bytes') / 1e6:,.1f}",
            "",
        ]
        title = f"{LGG.name} patients in {self.folder}"
        return [title, "", *_aligned([head, *body, sums], left=(0, 6)), ""]


class VolumeReport(Report):
    """What a check of BraTS volumes found; a row is a case."""

    def json(self) -> dict:
        """Everything, in types that `json.dump` takes."""
        layouts = [row["layout"] for row in self.rows]
        return {
            "folder": str(self.folder),
            "layout": "BraTS",
            "sound": not self.problems,
            "cases": len(self.rows),
            "layouts": {name: layouts.count(name) for name in BRATS if name in layouts},
            "bytes": self.total("bytes"),
            "published": {name: layout.cases for name, layout in BRATS.items()},
            **self._details(),
        }

    def _rows_as_text(self) -> list[str]:
        head = ["case", "layout", "size", "type", "MB", *(f"{r} ml" for r in REGIONS), "remarks"]
        body = [
            [
                row["id"],
                row["layout"],
                row["size"],
                row["type"],
                f"{row['bytes'] / 1e6:.1f}",
                *("" if row["ml"] is None else f"{row['ml'][r]:.1f}" for r in REGIONS),
                row["remarks"],
            ]
            for row in self.rows
        ]
        sums = [f"{len(self.rows)} in all", "", "", "", f"{self.total('bytes') / 1e6:,.1f}"]
        rows = [head, *body, [*sums, *([""] * (len(REGIONS) + 1))]]
        return [
            f"BraTS cases in {self.folder}",
            "",
            *_aligned(rows, left=(0, 1, 3, len(head) - 1)),
            "",
        ]


def _aligned(rows: list[list[str]], left: tuple[int, ...]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
