"""What a check of a data set found: rows, notes and problems, as text and as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from unet_course.layouts import LGG


@dataclass(frozen=True)
class Problem:
    """A fault: which file or folder, what is wrong with it, what to do."""

    path: Path
    what: str
    cure: str


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
            "rows": [
                {**row, "folder": str(row["folder"]), "missing": list(row["missing"])}
                for row in self.rows
            ],
            "notes": list(self.notes),
            "problems": [
                {"path": str(p.path), "what": p.what, "cure": p.cure} for p in self.problems
            ],
        }

    def table(self) -> str:
        """The report as text. Names and paths are never wrapped or cut."""
        lines = [f"{LGG.name} patients in {self.folder}", ""] if self.rows else []
        if self.rows:
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
            lines += [*_aligned([head, *body, sums], left=(0, 6)), ""]
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


def _aligned(rows: list[list[str]], left: tuple[int, ...]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
