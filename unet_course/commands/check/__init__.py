"""`unet-course data check`: read every file of a folder and report each problem with its cure."""

from __future__ import annotations

from pathlib import Path

from unet_course.commands.check import check_brats, check_lgg
from unet_course.commands.check.report import Report
from unet_course.data import lgg
from unet_course.data.brats_folders import case_places


def check_folder(folder: Path | str, progress: bool = True) -> list[Report]:
    """Check what is there: a report for LGG, for BraTS, or both; never raises for what it finds."""
    slices = next(lgg.patient_folders(folder), None)
    volumes = next(case_places(folder), None)
    if volumes and not slices:
        return [check_brats.check_volumes(folder, progress)]
    report = check_lgg.check_lgg(folder, progress)
    if not slices or not volumes:
        return [report]
    other = check_brats.check_volumes(folder, progress)
    # a folder that neither can open is told once
    other.problems = [p for p in other.problems if p not in report.problems]
    return [report, other]
