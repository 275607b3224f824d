"""Fetch the LGG or the BraTS 2020 set from Kaggle, or from an archive downloaded by hand.

What arrives is checked before it is put in place, so the folder is either whole or not there. A
record beside the data (`download.json`) holds checksums from the first time; later calls compare,
and restore what was lost or damaged.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from pathlib import Path

from filelock import FileLock, Timeout
from tqdm import tqdm

from unet_course import runtime
from unet_course.commands.check.report import Report
from unet_course.commands.fetch import kaggle
from unet_course.commands.fetch.archive import (
    Contents,
    DownloadError,
    contents,
    folder_sha256,
    open_zip,
    sha256,
    unpack,
)
from unet_course.commands.fetch.data_sets import BRATS_SET, LGG_SET, KaggleSet

__all__ = ["DownloadError", "fetch_brats", "fetch_lgg"]

RECORD = "download.json"


def fetch_lgg(
    root: Path | str | None = None,
    archive: Path | str | None = None,
    accept_licence: bool = False,
    progress: bool = True,
) -> Path:
    """Put the LGG set into `root/lgg-mri-segmentation` and check it; return its `kaggle_3m`.

    A set that is there and unchanged is left as it is; patients that were lost or damaged are
    fetched again. Interrupted, it can be called again.

    Args:
        root: folder to put it in; None: the course's cache folder.
        archive: a ZIP archive of the set, or of a part of it, downloaded by hand. None: Kaggle.
        accept_licence: the licence has been read and accepted; else it is asked for in a terminal.
        progress: show progress bars on stderr.

    Raises:
        DownloadError: it can't be had, for the reason and with the cure in the message.
    """
    return _fetch_set(LGG_SET, root, archive, accept_licence, progress)


def fetch_brats(
    root: Path | str | None = None,
    archive: Path | str | None = None,
    accept_licence: bool = False,
    progress: bool = True,
) -> Path:
    """Put BraTS 2020's training cases into `root/brats2020-training` and check them.

    Returns the folder of cases, `MICCAI_BraTS2020_TrainingData`. The validation cases that Kaggle's
    archive holds too have no masks and aren't kept. Arguments, errors, what happens on a second
    call: as `fetch_lgg`. The archive has about 4 GB, the cases unpacked up to 33 GB.
    """
    return _fetch_set(BRATS_SET, root, archive, accept_licence, progress)


def _fetch_set(
    dataset: KaggleSet,
    root: Path | str | None,
    archive: Path | str | None,
    accept_licence: bool,
    progress: bool,
) -> Path:
    root = Path(root).expanduser() if root else runtime.cache_dir()
    archive = Path(archive) if archive else None
    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / f".{dataset.name}.lock", timeout=0):
            return _fetch(dataset, root.resolve(), archive, accept_licence, progress)
    except Timeout:
        raise DownloadError(f"{root}: another download is at work there. Wait for it.") from None
    except OSError as error:
        if error.errno == errno.ENOSPC:
            why = "the disk is full. Free some space, or choose another disk with --root."
        else:
            why = f"can't be written to or read: {error.strerror}. Choose a folder with --root."
        raise DownloadError(f"{error.filename or root}: {why}") from None


def _fetch(
    dataset: KaggleSet, root: Path, archive: Path | None, accept_licence: bool, progress: bool
) -> Path:
    target, staging = root / dataset.name, root / f".{dataset.name}.incoming"
    shutil.rmtree(staging, ignore_errors=True)  # of a run that was interrupted
    record = _read_record(target)
    if record is None and target.exists() and any(target.iterdir()):
        return _adopt(dataset, target, progress)

    damaged = None
    if record is not None:
        bar = tqdm(
            record["sha256"].items(),
            desc="Comparing",
            leave=False,
            disable=None if progress else True,
        )
        damaged = [
            name
            for name, digest in bar
            if _sha256(target / dataset.folder / name, dataset) != digest
        ]
        _compare_archive(archive, record, target, dataset, progress)
        if not damaged:
            count = f"{record.get(dataset.unit, '')} {dataset.unit}".strip()
            print(f"Already there, unchanged: {count} in {target}.")
            return target / dataset.folder
        print(f"Missing or changed in {target}, fetched again: {', '.join(damaged)}.")

    _accept(dataset, accept_licence)
    staging.mkdir()
    try:
        incoming = staging / dataset.folder
        if archive:
            digest = _from_archive(dataset, archive, incoming, root, damaged, progress)
        else:
            digest = None  # kagglehub verifies the archive itself, and keeps none
            _need(root, dataset.needed + (0 if _can_link(staging) else dataset.copies))
            kaggle.fetch(root, incoming, dataset)
        if damaged is None:
            _put_in_place(dataset, staging, target, digest, progress)
        else:
            _restore(dataset, incoming, target, record, damaged)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    if not archive:
        shutil.rmtree(kaggle.cache(root), ignore_errors=True)
    folder = target / dataset.folder
    print(f"In place and checked: {folder}")
    return folder


# --- what is there already --------------------------------------------------------------------


def _read_record(target: Path) -> dict | None:
    try:
        record = json.loads((target / RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValueError, NotADirectoryError):
        record = None
    if not isinstance(record, dict) or not isinstance(record.get("sha256"), dict):
        raise DownloadError(
            f"{target / RECORD}: damaged, so there is nothing to compare with. Remove it: the data "
            "beside it is then checked file by file and recorded anew."
        )
    return record


def _adopt(dataset: KaggleSet, target: Path, progress: bool) -> Path:
    """Take over a folder that was filled by hand, if it is sound."""
    report = dataset.check(target, progress)
    _raise_problems(report, f"{target} was there already and isn't sound")
    folders = {row["folder"].parent for row in report.rows}
    print("\n".join([f"Already there and sound: {target}", *report.notes]))
    return min(folders)


def _compare_archive(
    archive: Path | None, record: dict, target: Path, dataset: KaggleSet, progress: bool
) -> None:
    if archive is None or not record.get("archive_sha256"):
        return
    open_zip(archive, dataset).close()
    if sha256(archive, progress) != record["archive_sha256"]:
        raise DownloadError(
            f"{archive}: not the archive that {target} was unpacked from (its SHA-256 differs from "
            f"the one in {RECORD}): it is damaged, or another version or part of the set. To take "
            f"this one instead, remove {target}, or unpack it elsewhere with --root."
        )


def _raise_problems(report: Report, what: str) -> None:
    """Raise for what is damaged or missing; print what fetching again can't mend."""
    damaged = [problem for problem in report.problems if problem.damage]
    if damaged:
        shown = [f"  {p.path}: {p.what}" for p in damaged[:10]]
        more = len(damaged) - len(shown)
        shown += [f"  and {more} more"] if more else []
        raise DownloadError("\n".join([f"{what}:", *shown]))
    for problem in report.problems:
        print(f"Whole, but not as expected: {problem.path.name}: {problem.what}.")


# --- licence and disk -------------------------------------------------------------------------


def licence_text(dataset: KaggleSet) -> str:
    """Name the set, its licence and the papers to cite."""
    citations = [f"- {citation}" for citation in dataset.citations]
    return "\n".join([f"{dataset.title} ({dataset.page})", *dataset.terms, *citations])


def _accept(dataset: KaggleSet, accepted: bool) -> None:
    print(licence_text(dataset))
    if accepted:
        return
    if sys.stdin is not None and sys.stdin.isatty():
        try:
            if input("Do you accept the licence? [y/N] ").strip().lower() in ("y", "yes"):
                return
        except EOFError:
            pass
        raise DownloadError("The licence wasn't accepted; nothing was fetched.")
    raise DownloadError(
        "The licence must be accepted first; nothing was fetched. In a terminal: add "
        f"--accept-licence. In Python: fetch_{dataset.command}(accept_licence=True)."
    )


def _can_link(folder: Path) -> bool:
    """Whether files in this folder can have a second name that takes no space."""
    one, two = folder / ".one", folder / ".two"
    try:
        one.touch()
        os.link(one, two)
    except OSError:
        return False
    else:
        return True
    finally:
        one.unlink(missing_ok=True)
        two.unlink(missing_ok=True)


def _need(root: Path, needed: int) -> None:
    free = shutil.disk_usage(root).free
    if free < needed:
        raise DownloadError(
            f"{root}: {needed / 1e9:.1f} GB of free disk are needed, there are {free / 1e9:.1f}. "
            "Free some, or choose another disk with --root."
        )


# --- where it comes from ----------------------------------------------------------------------


def _from_archive(
    dataset: KaggleSet,
    path: Path,
    into: Path,
    root: Path,
    damaged: list[str] | None,
    progress: bool,
) -> str:
    """Unpack an archive's patients, or only the damaged ones; return its SHA-256."""
    with open_zip(path, dataset) as archive:
        chosen: Contents = contents(archive, dataset)
        folders = chosen.folders if damaged is None else damaged
        folders = [folder for folder in folders if folder in chosen.folders]
        # a tenth more, for what a file system adds to small files
        _need(root, int(chosen.bytes(folders) * 1.1) + 10**7)
        unpack(archive, chosen, into, dataset, folders, progress)
    for note in chosen.notes:
        print(note)
    return sha256(path, progress)


# --- putting it in place ----------------------------------------------------------------------


def _put_in_place(
    dataset: KaggleSet, staging: Path, target: Path, digest: str | None, progress: bool
) -> None:
    """Check what came, write the record and the licence beside it, and move it in one step."""
    report = dataset.check(staging, progress)
    _raise_problems(report, "What came is not sound, nothing was put in place")
    for note in report.notes:
        print(note)
    record = {
        "set": dataset.kaggle,
        "licence": dataset.licence,
        "archive_sha256": digest,
        dataset.unit: len(report.rows),
    }
    if dataset is LGG_SET:
        record |= {name: report.total(name) for name in ("slices", "tumour_slices")}
    # of the tables, and of each folder's files together (`archive.folder_sha256`)
    inside = sorted((staging / dataset.folder).iterdir())
    record["sha256"] = {path.name: _sha256(path, dataset) for path in inside}
    runtime.write_text(staging / RECORD, json.dumps(record, indent=1) + "\n")
    runtime.write_text(staging / "LICENCE.txt", licence_text(dataset) + "\n")
    if target.exists():
        target.rmdir()  # empty, or it would have been adopted
    os.replace(staging, target)


def _restore(
    dataset: KaggleSet, incoming: Path, target: Path, record: dict, damaged: list[str]
) -> None:
    """Replace what is damaged by what came, if that is what was recorded."""
    digests = record["sha256"]
    other = [name for name in damaged if _sha256(incoming / name, dataset) != digests[name]]
    if other:
        raise DownloadError(
            f"What came differs from what {target / RECORD} recorded, or isn't there, for "
            f"{', '.join(other)}; nothing was changed. To start afresh, remove {target}."
        )
    for name in damaged:
        place = target / dataset.folder / name
        place.parent.mkdir(exist_ok=True)
        if os.path.lexists(place):
            # out of the way first: a half-removed patient must not look like a whole one
            os.replace(place, incoming / f"{name}.old")
        os.replace(incoming / name, place)


def _sha256(path: Path, dataset: KaggleSet) -> str:
    """Checksum of a patient's folder, or of a file; empty where there is neither."""
    if path.is_dir():
        return folder_sha256(path, dataset)
    return sha256(path, progress=False) if path.is_file() else ""
