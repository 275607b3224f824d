"""Check a folder of BraTS volumes: what is there, and what is wrong, each fault with its cure.

Every file is opened and read to its end, one at a time.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from unet_course.commands.check import check_lgg
from unet_course.commands.check.report import Problem, VolumeReport
from unet_course.data import brats, files, nifti
from unet_course.data.brats_folders import CaseFiles, case_places
from unet_course.data.layouts import (
    BRATS,
    MODALITIES,
    REGION_LABELS,
    VOLUME_ENDINGS,
    BratsLayout,
    DataError,
    natural_key,
)

TOLERANCE = 1e-3  # mm, between what a header says and 1 mm


def check_volumes(folder: Path | str, progress: bool = True) -> VolumeReport:
    """Read every BraTS file under a folder and report what is there and what is wrong.

    Never raises for what it finds: faults are the report's `problems`. Linked folders are followed,
    foreign files passed over, a case that lies there twice is counted once.

    Args:
        folder: searched through; a single case's folder will do.
        progress: show a bar on stderr where that is a terminal.
    """
    report = VolumeReport(Path(folder))
    if not check_lgg.is_folder(report):
        return report
    unlisted: list[OSError] = []
    places: dict[str, list[CaseFiles]] = defaultdict(list)
    for place in case_places(folder, unlisted.append):
        places[place.id].append(place)
    for error in unlisted:
        report.problems.append(check_lgg.unreadable_folder(Path(error.filename), error))
    if not places:
        what = f"no BraTS cases: looked here and in all folders below for {expected_layouts()}"
        cure = "Name the folder that holds them; `unet-course data brats` fetches BraTS 2020."
        report.problems.append(Problem(report.folder, what, cure))
        return report
    bar = tqdm(
        sorted(places.items(), key=lambda item: natural_key(item[0])),
        desc="Checking",
        unit="case",
        leave=False,
        disable=None if progress else True,
    )
    for _, copies in bar:
        copies.sort(key=lambda place: bool(place.fault))  # the copy that `find_cases` takes
        for place in copies:
            row = _check_case(report, place)
            if row and place is copies[0]:
                report.rows.append(row)
    doubled = [id for id, copies in places.items() if len(copies) > 1]
    if doubled:
        which = f"{len(doubled)} cases" if len(doubled) > 1 else doubled[0]
        report.notes.append(f"More than one copy of {which}: counted once.")
    _note_sizes(report)
    _compare_with_published(report)
    return report


def expected_layouts() -> str:
    """Names of cases as the layouts have them, for a message."""
    return "cases named like " + ", ".join(
        f"imagesTr/{layout.example}.nii.gz" if layout.channels else layout.example
        for layout in BRATS.values()
    )


# --- one case -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Found:
    """What stays of a file that was read: where it lies, not its voxels."""

    path: Path
    affine: np.ndarray
    shape: tuple[int, int, int]
    type: str
    orientation: str
    spacing: tuple[float, float, float]


def _check_case(report: VolumeReport, place: CaseFiles) -> dict | None:
    """Read a case's files; add its problems; return its row, None where nothing could be read."""
    if not place.images:  # a folder that couldn't be listed, or no folder
        report.problems.append(Problem(place.folder, place.fault, _folder_cure(place)))
        return None
    _note_foreign(report, place)
    if place.fault:
        report.problems.append(_incomplete(place))
    layout = place.layout
    found: list[_Found] = []
    size = 0
    for path in place.images:
        if path is None:
            continue
        file = _read(report, place, path)
        if file is None:
            continue
        found.append(_kept(path, file))
        size += path.stat().st_size
        names = MODALITIES if layout.channels else ("the volume",)
        for i, name in enumerate(names):
            # channels in the order of MODALITIES
            array = file.array[..., layout.channels[i]] if layout.channels else file.array
            low, high = array.min(), array.max()
            if low == high:
                of = f" ({name}, channel {layout.channels[i]})" if layout.channels else ""
                what = f"an empty brain{of}: every voxel is {low:g}"
                report.problems.append(
                    Problem(path, what, files.restore(path, nifti.COMMAND), damage=False)
                )
            elif low > 0 or not (array == 0).any():
                report.notes.append(
                    f"{path}: no voxel is exactly 0, so the brain can't be told from what is "
                    "around it; BraTS cases are skull-stripped."
                )
    ml = None
    remarks = []
    if place.mask is not None and (file := _read(report, place, place.mask, mask=True)):
        found.append(_kept(place.mask, file))
        size += place.mask.stat().st_size
        try:
            counts = np.bincount(layout.from_disk(file.array).ravel(), minlength=5)
        except ValueError as error:
            cure = brats.label_cure(layout, file.array)
            what = f"a mask with {error}"
            report.problems.append(Problem(place.mask, what, cure, damage=False))
        else:
            voxel = float(np.prod(file.spacing)) / 1000
            ml = {
                region: round(float(counts[list(labels)].sum() * voxel), 3)
                for region, labels in REGION_LABELS.items()
            }
            if not ml["WT"]:
                remarks.append("no tumour")
            elif not ml["ET"]:
                remarks.append("no enhancing tumour")
    elif place.unlabelled:
        remarks.append("published without a mask")
    _check_geometry(report, place, found)
    if not found:
        return None
    return {
        "id": place.id,
        "folder": place.folder,
        "layout": layout.name,
        "size": _times(found[0].shape),
        "type": ", ".join(dict.fromkeys(f.type for f in found if f.path != place.mask)),
        "bytes": size,
        "ml": ml,
        "remarks": ", ".join([*remarks, *([place.fault] if place.fault else [])]),
    }


def _folder_cure(place: CaseFiles) -> str:
    if "permission" in place.fault:
        return (
            "Give yourself the right to open it (Linux and macOS: chmod -R u+rX FOLDER; "
            "Windows: Properties, Security)."
        )
    if "link" in place.fault:
        return "Correct or remove the link."
    return f"Remove it, or restore the case. {files.restore(place.folder, nifti.COMMAND)}"


def _incomplete(place: CaseFiles) -> Problem:
    """What a case lacks, with the names under which it was looked for."""
    layout = place.layout
    if layout.channels:
        folder = place.folder.parents[1]
        missing = [folder / ("labelsTr" if place.images[0] else "imagesTr") / place.id]
    else:
        stems = zip(layout.image_stems(place.id), place.images, strict=True)
        missing = [place.folder / stem for stem, path in stems if path is None]
        if place.mask is None and not place.unlabelled:
            missing.append(place.folder / layout.mask_stems(place.id)[0])
    if len(missing) == 1:
        path, what = missing[0], place.fault.removeprefix("without ")
        path = path.with_name(path.name + VOLUME_ENDINGS[1 if _packed(place) else 0])
        return Problem(
            path,
            f"missing: {place.id} is {place.fault}"
            if layout.channels
            else f"missing: {place.id} has no {what}",
            f"{files.restore(path, nifti.COMMAND)} Lessons pass the case over until then.",
        )
    names = ", ".join(path.name for path in missing)
    return Problem(
        place.folder,
        f"{place.fault}: looked for {names}, each with .nii or .nii.gz",
        f"{files.restore(place.folder, nifti.COMMAND)} Lessons pass the case over until then.",
    )


def _packed(place: CaseFiles) -> bool:
    there = [path for path in (*place.images, place.mask) if path is not None]
    return not there or there[0].name.endswith(".gz")


def _note_foreign(report: VolumeReport, place: CaseFiles) -> None:
    if place.layout.channels:
        return
    used = {path.name for path in (*place.images, place.mask) if path is not None}
    foreign = sorted(
        name
        for name in os.listdir(place.folder)
        if name.lower().endswith(VOLUME_ENDINGS) and name[0] != "." and name not in used
    )
    if foreign:
        report.notes.append(f"{place.folder}: passed over, not the case's: {', '.join(foreign)}.")


def _read(report: VolumeReport, place: CaseFiles, path: Path, mask: bool = False):
    try:
        return brats.expect_axes(path, nifti.read(path), place.layout, mask)
    except DataError as error:
        report.problems.append(Problem(error.path, error.what, error.cure))
        return None


def _kept(path: Path, file: nifti.Nifti) -> _Found:
    array = file.array
    return _Found(
        path, file.affine, array.shape[:3], str(array.dtype), file.orientation, file.spacing
    )


def _check_geometry(report: VolumeReport, place: CaseFiles, found: list[_Found]) -> None:
    """Orientation, spacing, shape and affine: at most one problem a file, the plainest first."""
    if not found:
        return
    layout = place.layout
    # what most of the case's files have, so that one odd file is named and not the others
    shapes = Counter(f.shape for f in found)
    usual = next(f for f in found if f.shape == shapes.most_common(1)[0][0])
    placed = [f for f in found if _sound_frame(f, layout)] or found
    model = max(placed, key=lambda f: sum(_same_place(f, other) for other in placed))
    own = "Restore the set's own file"
    for file in found:
        what = ""
        if file.shape != usual.shape:
            what = f"has the shape {_times(file.shape)}, not {_times(usual.shape)}, which "
            what += f"{_short(usual.path)} has"
            cure = f"{own}: image and mask belong on one grid."
        elif layout.orientation and file.orientation != layout.orientation:
            what = f"lies in {file.orientation}, files of {layout.name} lie in {layout.orientation}"
            cure = f"{own}, or turn all files of the case alike (nibabel.orientations)."
        elif not _sound_frame(file, layout):
            what = f"has voxels of {_times(f'{s:g}' for s in file.spacing)} mm, not 1×1×1 mm"
            cure = f"{own}, or resample the case to 1 mm, its mask by nearest neighbours."
        elif not _same_place(file, model):
            what = brats.affines_differ(file.affine, model.affine)
            what += f", which {_short(model.path)} has"
            cure = f"{own}: image and mask must lie at the same place."
        if what:
            report.problems.append(Problem(file.path, what, cure, damage=False))


def _sound_frame(file: _Found, layout: BratsLayout) -> bool:
    """Whether a file lies and is spaced as its layout says."""
    return file.orientation == (layout.orientation or file.orientation) and all(
        abs(length - layout.spacing) <= TOLERANCE for length in file.spacing
    )


def _same_place(one: _Found, other: _Found) -> bool:
    return not brats.affines_differ(one.affine, other.affine)


def _short(path: Path) -> str:
    """A file's name; where images and masks share theirs, with the folder."""
    return f"{path.parent.name}/{path.name}" if path.parent.name.endswith("Tr") else path.name


def _times(lengths) -> str:
    return "×".join(map(str, lengths))


# --- the whole ----------------------------------------------------------------------------------


def _note_sizes(report: VolumeReport) -> None:
    """Another size than the published is no fault (crops and small sets are), but worth a line."""
    for name, layout in BRATS.items():
        rows = [row for row in report.rows if row["layout"] == name]
        other = [row["id"] for row in rows if row["size"] != _times(layout.size)]
        if other:
            shown = ", ".join(other[:5]) + (f" and {len(other) - 5} more" if other[5:] else "")
            report.notes.append(
                f"Of another size than {_times(layout.size)}, which {name} has: {shown}."
            )


def _compare_with_published(report: VolumeReport) -> None:
    for name, layout in BRATS.items():
        rows = [row for row in report.rows if row["layout"] == name]
        made = [row for row in rows if "_Synthetic_" in row["id"]]
        real = [row for row in rows if row not in made and row["ml"] is not None]
        if made:
            what = "1 synthetic case" if len(made) == 1 else f"{len(made)} synthetic cases"
            report.notes.append(f"{what}, none of a published set.")
        if real and len(real) == layout.cases:
            report.notes.append(f"{name}: all {layout.cases:,} published cases that have a mask.")
        elif real:
            report.notes.append(
                f"{name}: {len(real):,} of the {layout.cases:,} published cases that have a mask."
            )
