"""Check a folder for all that the course reads: LGG slices, BraTS volumes, or both."""

from __future__ import annotations

from pathlib import Path

from unet_course.commands.check.check_brats import check_volumes, expected_layouts
from unet_course.commands.check.check_lgg import check_lgg
from unet_course.commands.check.report import Problem, Report
from unet_course.data import lgg
from unet_course.data.brats_folders import case_places


def check_folder(folder: Path | str, progress: bool = True) -> list[Report]:
    """Check whatever is there: a report for LGG, one for BraTS, or both.

    Never raises for what it finds. Where there is neither, one report says so.

    Args:
        folder: searched through.
        progress: show bars on stderr where that is a terminal.
    """
    slices = any(True for _ in lgg.patient_folders(folder))
    volumes = any(True for _ in case_places(folder))
    if volumes and not slices:
        return [check_volumes(folder, progress)]
    report = check_lgg(folder, progress)
    if volumes:
        other = check_volumes(folder, progress)
        # a folder that neither can open is told once
        other.problems = [p for p in other.problems if p not in report.problems]
        return [report, other]
    if not slices and report.folder.is_dir():
        report.problems = [p for p in report.problems if p.path != report.folder]
        report.problems.append(_nothing_found(report.folder))
    return [report]


def _nothing_found(folder: Path) -> Problem:
    cure = "Name the folder that holds them; `unet-course data lgg` and `data brats` fetch them."
    for path in sorted(folder.glob("*.zip")):  # as a browser or Kaggle's own command name it
        for word, command in (("archive", "lgg (or brats)"), ("lgg", "lgg"), ("brats", "brats")):
            if word in path.name.lower():
                cure = f"Still packed? Unpack it: unet-course data {command} --archive {path}"
    what = (
        "no LGG patients and no BraTS cases: looked here and in all folders below for patients' "
        "folders named like TCGA_CS_4941_19960909, holding TCGA_CS_4941_19960909_1.tif and "
        f"TCGA_CS_4941_19960909_1_mask.tif, and for {expected_layouts()}"
    )
    return Problem(folder, what, cure)
