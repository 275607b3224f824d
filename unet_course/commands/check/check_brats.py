"""Check a folder of BraTS volumes: what is there, and what is wrong, each fault with its cure.

Every file is opened and read to its end, one at a time.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from unet_course.commands.check.check_lgg import add_unreadable
from unet_course.commands.check.report import Report
from unet_course.data import brats, files, identity, layouts, nifti
from unet_course.data.brats_folders import CaseFiles, case_places
from unet_course.data.layouts import BratsLayout

TOLERANCE = 1e-3  # mm, between what a header says and 1 mm


def check_volumes(folder: Path | str, progress: bool = True) -> Report:
    """Read every BraTS file under a folder, as `check_lgg`; a single case's folder will do."""
    published = {name: layout.cases for name, layout in layouts.BRATS.items()}
    report = Report(Path(folder), "BraTS", "case", show, published, ("bytes",))
    if not report.is_folder():
        return report
    unlisted: list[OSError] = []
    places: dict[str, list[CaseFiles]] = defaultdict(list)
    scans: dict[str, list[str]] = defaultdict(list)  # key of the voxels → cases
    for place in case_places(folder, unlisted.append):
        places[place.id].append(place)
    for error in unlisted:
        add_unreadable(report, Path(error.filename), error)
    if not places:
        report.add_nothing_found()
        return report
    for id in report.bar(sorted(places, key=layouts.natural_key), progress):
        # first the copy that `find_cases` takes
        first, *others = sorted(places[id], key=lambda place: bool(place.fault))
        if row := check_case(report, first):
            if key := row.pop("scan"):
                scans[key].append(row["id"])
            report.rows.append(row)
        for other in others:
            check_case(report, other)
    report.note_copies([id for id, copies in places.items() if len(copies) > 1])
    check_who_is_whom(report, scans)
    for layout in layouts.BRATS.values():
        _compare_with_published(report, layout)
    return report


def show(row: dict) -> dict[str, str]:
    ml = {f"{r} ml": f"{row['ml'][r]:.1f}" if row["ml"] else "" for r in layouts.REGIONS}
    shown = {"case": row["id"], **{name: row[name] for name in ("layout", "size", "type")}}
    return shown | {"MB": f"{row['bytes'] / 1e6:,.1f}"} | ml | {"remarks": row["remarks"]}


class _Found(NamedTuple):
    """What stays of a file that was read: where it lies, not its voxels."""

    path: Path
    affine: np.ndarray
    shape: tuple[int, int, int]
    type: str
    orientation: str
    spacing: tuple[float, float, float]


def check_case(report: Report, place: CaseFiles) -> dict | None:
    """Read a case's files; add its problems; return its row, None where nothing could be read."""
    if not place.images:  # a folder that couldn't be listed, or no folder
        cure = f"Remove it, or restore the case. {files.restore(place.folder, nifti.COMMAND)}"
        if "permission" in place.fault or "link" in place.fault:
            cure = "Give yourself the right to open it, or correct the link."
        report.add(place.folder, place.fault, cure)
        return None
    layout = place.layout
    there = [path for path in (*place.images, place.mask) if path is not None]
    in_own_folder = layout.name in layouts.BRATS and not layout.channels
    names = os.listdir(place.folder) if in_own_folder else []
    foreign = {n for n in names if n.lower().endswith(layouts.VOLUME_ENDINGS) and n[0] != "."}
    if foreign := sorted(foreign - {path.name for path in there}):
        report.notes.append(f"{place.folder}: passed over, not the case's: {', '.join(foreign)}.")
    if place.fault:
        _add_incomplete(report, place, there)
    found: list[_Found] = []
    ml, scan = None, ""
    remarks = ["published without a mask"] if place.unlabelled else []
    for path in there:
        is_mask = path == place.mask
        file = report.read(nifti.read, path)
        file = file and report.read(brats.expect_axes, path, file, layout, is_mask)
        if file is None:
            continue
        kind, shape = str(file.array.dtype), file.array.shape[:3]
        found.append(_Found(path, file.affine, shape, kind, file.orientation, file.spacing))
        if not is_mask:
            _check_image(report, path, layout, file.array)
            if path == place.images[-1]:  # FLAIR, or the file that holds it
                flair = file.array[..., layout.channels[-1]] if layout.channels else file.array
                scan = identity.scan_key(flair)
        elif ml := _volumes(report, path, layout, file):
            remarks += [] if ml["ET"] else ["no enhancing tumour" if ml["WT"] else "no tumour"]
    if not found:
        return None
    _check_geometry(report, layout, found)
    return {
        "id": place.id,
        "folder": place.folder,
        "layout": layout.name,
        "size": _times(found[0].shape),
        "type": ", ".join(dict.fromkeys(f.type for f in found if f.path != place.mask)),
        "bytes": sum(file.path.stat().st_size for file in found),
        "ml": ml,
        "scan": scan,
        "remarks": ", ".join([*remarks, *([place.fault] if place.fault else [])]),
    }


def _check_image(report: Report, path: Path, layout: BratsLayout, array: np.ndarray) -> None:
    """An image, or each channel of one, isn't empty, and its background is 0."""
    names = layout.names if layout.channels else ("",)
    for name, channel in zip(names, layout.channels or (None,), strict=True):
        one = array if channel is None else array[..., channel]
        low, high = one.min(), one.max()
        if low == high:
            of = f" ({name}, channel {channel})" if name else ""
            cure = files.restore(path, nifti.COMMAND)
            report.add(path, f"an empty brain{of}: every voxel is {low:g}", cure, damage=False)
        elif low > 0 or not (one == 0).any():
            what = "no voxel is exactly 0, so the brain can't be told from what is around it"
            report.notes.append(f"{path}: {what}; BraTS cases are skull-stripped.")


def _volumes(report: Report, path: Path, layout: BratsLayout, file: nifti.Nifti) -> dict | None:
    """Return the regions' volumes in ml; None, and a problem, where a label is no label."""
    try:
        counts = np.bincount(layout.from_disk(file.array).ravel(), minlength=5)
    except ValueError as error:
        cure = brats.label_cure(layout, file.array)
        report.add(path, f"a mask with {error}", cure, damage=False)
        return None
    voxel = float(np.prod(file.spacing)) / 1000
    regions = {name: counts[list(labels)].sum() for name, labels in layouts.REGION_LABELS.items()}
    return {name: round(float(count * voxel), 3) for name, count in regions.items()}


def _add_incomplete(report: Report, place: CaseFiles, there: list[Path]) -> None:
    """Say what a case lacks, with the names under which it was looked for."""
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
        plain = there and not there[0].name.endswith(".gz")
        path = missing[0].with_name(missing[0].name + layouts.VOLUME_ENDINGS[0 if plain else 1])
        lacks = place.fault if layout.channels else place.fault.replace("without", "has no")
        what = f"missing: {place.id} {'is ' * bool(layout.channels)}{lacks}"
    else:
        path, names = place.folder, ", ".join(path.name for path in missing)
        what = f"{place.fault}: looked for {names}, each with .nii or .nii.gz"
    cure = f"{files.restore(path, nifti.COMMAND)} Lessons pass the case over until then."
    report.add(path, what, cure)


def _check_geometry(report: Report, layout: BratsLayout, found: list[_Found]) -> None:
    """Orientation, spacing, shape and affine: at most one problem a file, the plainest first."""
    # what most of the case's files have, so that one odd file is named and not the others
    shapes = Counter(f.shape for f in found)
    usual = next(f for f in found if f.shape == shapes.most_common(1)[0][0])
    placed = [f for f in found if _sound_frame(f, layout)] or found
    differ = brats.affines_differ
    model = min(placed, key=lambda f: sum(bool(differ(f.affine, g.affine)) for g in placed))
    own = "If a data set came with it, take the set's own file."
    for file in found:
        if file.shape != usual.shape:
            what = f"has the shape {_times(file.shape)}, not {_times(usual.shape)}, which "
            what += f"{_short(usual.path)} has"
            cure = f"{files.ONE_GRID} {files.RESAMPLE} {own}"
        elif layout.orientation and file.orientation != layout.orientation:
            what = f"lies in {file.orientation}, files of {layout.name} lie in {layout.orientation}"
            cure = f"Turn all files of the case alike (nibabel.orientations). {own}"
        elif not _sound_frame(file, layout):
            what = f"has voxels of {_times(f'{s:g}' for s in file.spacing)} mm, not 1×1×1 mm"
            cure = f"Resample the case to 1 mm, its mask by nearest neighbours. {own}"
        elif what := differ(file.affine, model.affine):
            what += f", which {_short(model.path)} has"
            cure = f"{files.ONE_GRID} {files.RESAMPLE} {own}"
        else:
            continue
        report.add(file.path, what, cure, damage=False)


def _sound_frame(file: _Found, layout: BratsLayout) -> bool:
    """Whether a file lies and is spaced as its layout says."""
    return file.orientation == (layout.orientation or file.orientation) and all(
        not layout.spacing or abs(length - layout.spacing) <= TOLERANCE for length in file.spacing
    )


def _short(path: Path) -> str:
    """A file's name; where images and masks share theirs, with the folder."""
    return f"{path.parent.name}/{path.name}" if path.parent.name.endswith("Tr") else path.name


def _times(lengths) -> str:
    return "×".join(map(str, lengths))


def check_who_is_whom(report: Report, scans: dict[str, list[str]]) -> None:
    """The same scan under several ids is a problem; several scans of one patient are a note."""
    folders = {row["id"]: row["folder"] for row in report.rows}
    for first, *copies in scans.values():
        for copy in copies:
            cure = f"Keep one of the two, or both on one side of a split. {identity.MISSED}"
            what = f"{copy} is the same scan as {first}: equal voxels, another id"
            report.add(folders[copy], what, cure, damage=False)
    known = layouts.BRATS
    patients = {
        known[row["layout"]].patient_of(row["id"]) for row in report.rows if row["layout"] in known
    }
    if patients and len(patients) < len(report.rows):
        of = f"{len(patients)} patient{'s' * (len(patients) > 1)}"
        report.notes.append(
            f"{len(report.rows)} cases of {of}: the last number of a name is a time point. Lessons split "
            "by patient."
        )


def _compare_with_published(report: Report, layout: BratsLayout) -> None:
    rows = [row for row in report.rows if row["layout"] == layout.name]
    # another size than the published is no fault (crops and small sets are), but worth a line
    size = _times(layout.size)
    if other := [row["id"] for row in rows if row["size"] != size]:
        shown = ", ".join(other[:5]) + (f" and {len(other) - 5} more" if other[5:] else "")
        report.notes.append(f"Of another size than {size}, which {layout.name} has: {shown}.")
    made = [row for row in rows if "_Synthetic_" in row["id"]]
    real = [row for row in rows if row not in made and row["ml"] is not None]
    if made:
        cases = "case" if len(made) == 1 else "cases"
        report.notes.append(f"{len(made)} synthetic {cases}, none of a published set.")
    if real:
        whole, some = f"all {layout.cases:,}", f"{len(real):,} of the {layout.cases:,}"
        have = whole if len(real) == layout.cases else some
        report.notes.append(f"{layout.name}: {have} published cases that have a mask.")
