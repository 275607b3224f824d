"""`unet-course data check`: read every file of a folder and report each problem with its cure."""

from __future__ import annotations

from pathlib import Path

from unet_course.commands.check import check_brats, check_lgg, check_own
from unet_course.commands.check.report import Report
from unet_course.data import lgg, own_folder
from unet_course.data.brats_folders import case_places


def check_folder(folder: Path | str, progress: bool = True) -> list[Report]:
    """Check what is there: a report for one's own table, for LGG and for BraTS, as there is any.

    Never raises for what it finds.
    """
    slices = next(lgg.patient_folders(folder), None)
    volumes = next(case_places(folder), None)
    reports = []
    if (Path(folder) / own_folder.TABLE).is_file():
        reports.append(check_own.check_own(folder, progress))
    if slices or not (volumes or reports):
        reports.append(check_lgg.check_lgg(folder, progress))
    if volumes:
        reports.append(check_brats.check_volumes(folder, progress))
    told: list = []
    for report in reports:  # a folder that none can open is told once
        report.problems = [problem for problem in report.problems if problem not in told]
        told += report.problems
    return reports
