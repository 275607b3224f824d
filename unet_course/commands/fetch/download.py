"""Fetch the LGG or the BraTS 2020 set from Kaggle, or from an archive downloaded by hand.

The downloaded data is checked before it is put in place, so the folder is either whole or not there.
A record next to the data (`download.json`) holds checksums from the first time; later calls compare,
and what was lost or damaged is fetched again.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from filelock import Timeout
from tqdm import tqdm

from unet_course import runtime, storage
from unet_course.commands.check.report import Report
from unet_course.commands.fetch import kaggle
from unet_course.commands.fetch.archive import DownloadError, contents, open_zip, sha256, unpack
from unet_course.commands.fetch.data_sets import BRATS_SET, LGG_SET, KaggleSet

__all__ = ["DownloadError", "fetch_brats", "fetch_lgg"]

RECORD = "download.json"
Folder = Path | str | None


def fetch_lgg(
    root: Folder = None, archive: Folder = None, accept_licence: bool = False, progress: bool = True
) -> Path:
    """Put the LGG set into `root/lgg-mri-segmentation` and check it; return its `kaggle_3m`.

    What is there and unchanged is left; patients that were lost or damaged are fetched again.

    Args:
        root: folder to put it in; None: the course's cache folder.
        archive: a ZIP archive of the set, or of a part of it, downloaded by hand. None: Kaggle.
        accept_licence: the licence is accepted; else it is asked for in a terminal.
        progress: show progress bars on stderr.

    Raises:
        DownloadError: it can't be had, for the reason and with the cure in the message.
    """
    return _fetch_set(LGG_SET, root, archive, accept_licence, progress)


def fetch_brats(
    root: Folder = None, archive: Folder = None, accept_licence: bool = False, progress: bool = True
) -> Path:
    """Put BraTS 2020's training cases into `root/brats2020-training` and check them.

    As `fetch_lgg`. The validation cases that Kaggle's archive holds too have no masks and aren't
    kept. The archive has about 4 GB, the cases unpacked up to 33 GB.
    """
    return _fetch_set(BRATS_SET, root, archive, accept_licence, progress)


def _fetch_set(dataset: KaggleSet, root: Folder, archive: Folder, accepted, progress) -> Path:
    with working_in(root, dataset.name) as root:
        return _fetch(dataset, root, Path(archive) if archive else None, accepted, progress)


@contextlib.contextmanager
def working_in(root: Folder, name: str) -> Iterator[Path]:
    """Make the root, keep others from fetching the set `name` there, and say what disks refuse."""
    root = Path(root).expanduser() if root else runtime.cache_dir()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with storage.locked(root / f".{name}.lock", timeout=0):
            yield root.resolve()
    except Timeout:
        raise DownloadError(f"{root}: another download is at work there. Wait for it.") from None
    except OSError as error:
        where = error.filename or root
        cure = f"{storage.cure_for(error)} Choose a folder with --root"
        raise DownloadError(f"{where}: {cure}, on a disk with room.") from None


def _fetch(dataset: KaggleSet, root: Path, archive: Path | None, accepted, progress) -> Path:
    target, staging = root / dataset.name, root / f".{dataset.name}.incoming"
    folder, incoming, cache = target / dataset.folder, staging / dataset.folder, root / ".kagglehub"
    shutil.rmtree(staging, ignore_errors=True)  # of a run that was interrupted
    record = read_record(target)
    if record is None and target.exists() and any(target.iterdir()):
        report = dataset.check(target, progress)  # filled by hand: taken over if it is sound
        raise_problems(report, f"{target} was there already and isn't sound")
        print("\n".join([f"Already there and sound: {target}", *report.notes]))
        return min(row["folder"].parent for row in report.rows)
    digest = None  # kagglehub verifies Kaggle's archive itself, and keeps none
    if archive:
        open_zip(archive, dataset).close()
        digest = sha256(archive, dataset)
    damaged = []
    if record is not None:
        if archive and record.get("archive_sha256") not in (None, digest):
            raise DownloadError(
                f"{archive}: not the archive that {target} was unpacked from (its SHA-256 differs "
                f"from the one in {RECORD}): it is damaged, or another version or part of the set. "
                f"To take this one instead, remove {target}, or unpack it elsewhere with --root."
            )
        known = record["sha256"]
        names = tqdm(known, "Comparing", leave=False, disable=not progress or None)
        damaged = [name for name in names if sha256(folder / name, dataset) != known[name]]
        if not damaged:
            print(f"Already there, unchanged: {record[dataset.unit]} {dataset.unit} in {target}.")
            return folder
        print(f"Missing or changed in {target}, fetched again: {', '.join(damaged)}.")

    accept(dataset, accepted)
    staging.mkdir()
    try:
        if archive:
            with open_zip(archive, dataset) as opened:
                files, notes = contents(opened, dataset)
                # a tenth more, for what a file system adds to small files
                needed = 1.1 * sum(info.file_size for info in files.values()) + 10**7
                storage.expect_room(root, needed)
                unpack(opened, files, incoming, dataset, progress)
            print("\n".join(notes), end="\n" * bool(notes))
        else:
            storage.expect_room(root, dataset.needed)
            kaggle.fetch(cache, incoming, dataset)
        if record is None:
            _put_in_place(dataset, staging, target, digest, progress)
        else:
            _restore(dataset, incoming, target, record["sha256"], damaged)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    if not archive:
        shutil.rmtree(cache, ignore_errors=True)
    print(f"In place and checked: {folder}")
    return folder


def read_record(target: Path) -> dict | None:
    """Return what was noted when a set was put in place; None where nothing was."""
    try:
        record = json.loads(storage.read_text(target / RECORD))
        return record | {"sha256": dict(record["sha256"])}
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, NotADirectoryError, RecursionError) as error:
        raise DownloadError(
            f"{target / RECORD}: damaged, so there is nothing to compare with. Remove it: the data "
            "next to it is then checked file by file and recorded anew."
        ) from error


def raise_problems(report: Report, what: str) -> None:
    """Raise for what is damaged or missing; print what fetching again can't mend."""
    if damaged := [f"  {p.path}: {p.what}" for p in report.problems if p.damage]:
        more = [f"  and {len(damaged) - 10} more"] if damaged[10:] else []
        raise DownloadError("\n".join([f"{what}:", *damaged[:10], *more]))
    for problem in report.problems:
        print(f"Whole, but not as expected: {problem.path.name}: {problem.what}.")


def licence_text(dataset: KaggleSet) -> str:
    """Name the set, its licence and the papers to cite."""
    citations = [f"- {citation}" for citation in dataset.layout.citations]
    return "\n".join([f"{dataset.title} ({dataset.page})", dataset.terms, *citations])


def accept(dataset: KaggleSet, accepted: bool) -> None:
    """Show the licence, and raise DownloadError unless it is accepted, beforehand or now."""
    print(licence_text(dataset))
    if not accepted and (sys.stdin is None or not sys.stdin.isatty()):
        raise DownloadError(
            "The licence must be accepted first; nothing was fetched. In a terminal: add "
            f"--accept-licence. In Python: fetch_{dataset.command}(accept_licence=True)."
        )
    with contextlib.suppress(EOFError):
        answer = "yes" if accepted else input("Do you accept the licence? [y/N] ")
        accepted = answer.strip().lower() in ("y", "yes")
    if not accepted:
        raise DownloadError("The licence wasn't accepted; nothing was fetched.")


def _put_in_place(dataset: KaggleSet, staging: Path, target: Path, digest, progress) -> None:
    """Verify the downloaded data, write record and licence, then move it into place atomically."""
    report = dataset.check(staging, progress)
    raise_problems(report, "The downloaded data is not sound; nothing was put in place")
    print("\n".join(report.notes))
    record = {"set": dataset.layout.kaggle, "licence": dataset.layout.licence}
    record |= {"archive_sha256": digest, dataset.unit: len(report.rows)}
    if dataset.command == "lgg":
        record |= {name: report.total(name) for name in ("slices", "tumour_slices")}
    inside = sorted((staging / dataset.folder).iterdir())
    record["sha256"] = {path.name: sha256(path, dataset) for path in inside}
    storage.write_text(staging / RECORD, json.dumps(record, indent=1) + "\n")
    storage.write_text(staging / "LICENCE.txt", licence_text(dataset) + "\n")
    if target.exists():
        target.rmdir()  # empty, or it would have been adopted
    storage.replace(staging, target)


def _restore(dataset: KaggleSet, incoming: Path, target: Path, digests, damaged) -> None:
    """Replace what is damaged by what came, if that is what was recorded."""
    other = [name for name in damaged if sha256(incoming / name, dataset) != digests[name]]
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
            storage.replace(place, incoming / f"{name}.old")
        storage.replace(incoming / name, place)
