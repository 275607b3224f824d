"""Fetch cases of the Medical Segmentation Decathlon's brain task, and of its archive only their part.

The archive is read from its start: the first cases are kept, other files jumped over, and reading
ends when image and mask of each case are here. What has come stays in a hidden folder until it is
checked, so that the next call goes on from there.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import tarfile
from pathlib import Path
from types import SimpleNamespace

from tqdm import tqdm

from unet_course import storage
from unet_course.commands.check.check_brats import check_volumes
from unet_course.commands.fetch import download
from unet_course.commands.fetch.archive import DownloadError, sha256
from unet_course.commands.fetch.ranged_download import ChangedError, RemoteFile
from unet_course.data.layouts import BRATS

NAME = "Task01_BrainTumour"
ADDRESS = f"https://msd-for-monai.s3-us-west-2.amazonaws.com/{NAME}.tar"  # the one MONAI reads
LAYOUT = BRATS["MSD Task01"]
CASE = 20 * 10**6  # bytes of free disk for each; the archive has 7 GB for 750 images
LARGEST = {"imagesTr": 150 * 10**6, "labelsTr": 10 * 10**6}  # bytes; unpacked an image has 143 MB
ENTRIES, TOTAL = 10_000, 20 * 10**9  # in the archive at most: files, bytes where it doesn't say
PLACE = re.compile(rf"(?:\./)?{NAME}/(imagesTr|labelsTr)/({LAYOUT.case.pattern}\.nii\.gz)")
FILE = {tarfile.REGTYPE, tarfile.AREGTYPE}
# the latter say more of the next entry; nothing that is taken here needs it
PASSED = {tarfile.DIRTYPE, tarfile.XHDTYPE, tarfile.XGLTYPE, b"L", b"K"}
BY_HAND = f"""
By hand: open {ADDRESS} in a browser (7 GB), unpack it (tar -xf {NAME}.tar), and use its folder as it is:
    unet-course data check {NAME}"""
SET = SimpleNamespace(
    command="decathlon",
    title="Medical Segmentation Decathlon, Task01: brain tumours",
    page=LAYOUT.page,
    layout=LAYOUT,
    terms=f"""{LAYOUT.cases} cases with a mask, from BraTS 2016 and 2017, fetched from a public copy.
Licence: {LAYOUT.licence} ({LAYOUT.licence_page}): name the source,
pass changed versions on under the same licence. Not for clinical use. Please cite:""",
)


def fetch_decathlon(
    root: download.Folder = None,
    cases: int = 20,
    accept_licence: bool = False,
    progress: bool = True,
    address: str = ADDRESS,
) -> Path:
    """Put the archive's first cases into `root/Task01_BrainTumour` and check them; return that.

    What is there and unchanged is left. What was lost or damaged is fetched again, and must be what
    was recorded the first time.

    Args:
        root: folder to put it in; None: the course's cache folder.
        cases: how many there are to be.
        accept_licence: the licence is accepted; else it is asked for in a terminal.
        progress: show progress bars on stderr.
        address: of the archive.

    Raises:
        DownloadError: it can't be had, for the reason and with the cure in the message.
    """
    if not 1 <= cases <= LAYOUT.cases:
        raise DownloadError(f"--cases {cases}: ask for 1 to {LAYOUT.cases}, which the set has.")
    with download.working_in(root, NAME) as root:
        target, staging = root / NAME, root / f".{NAME}.incoming"
        known = (download.read_record(target) or {}).get("sha256", {})
        if not known and target.exists() and any(target.iterdir()):
            report = check_volumes(target, progress)  # filled by hand: used if it is sound
            download.raise_problems(report, f"{target} was there already and isn't sound")
            if len(report.rows) < cases:
                what = (
                    f"was there already, without a record; it has {len(report.rows)} of the cases"
                )
                raise DownloadError(f"{target}: {what}. For {cases} choose another --root.")
            print("\n".join([f"Already there and sound: {target}", *report.notes]))
            return target
        damaged = [name for name in known if sha256(target / name, SET) != known[name]]
        have = {Path(name).name for name in known}
        good = have - {Path(name).name for name in damaged}
        missing = max(cases, len(have)) - len(good)
        if not missing:
            print(f"Already there, unchanged: {len(have)} cases in {target}.")
            return target
        if damaged:
            print(f"Missing or changed in {target}, fetched again: {', '.join(damaged)}.")
        download.accept(SET, accept_licence)
        storage.expect_room(root, CASE * missing)
        version = _fetch(address, staging, good, missing, progress)

        report = check_volumes(staging, progress)
        for problem in report.problems:
            if problem.damage:  # fetched again by the next call
                problem.path.unlink(missing_ok=True)
        download.raise_problems(
            report, "What came is not sound, nothing was put in place; run it again"
        )
        came = {f"{path.parent.name}/{path.name}": sha256(path, SET) for path in _files(staging)}
        if other := [name for name in damaged if came.get(name) != known[name]]:
            shutil.rmtree(staging)
            what = f"What came differs from what was recorded in {target} for {', '.join(other)}"
            raise DownloadError(f"{what}; nothing was changed. To start afresh, remove {target}.")
        record = {"set": NAME, "licence": LAYOUT.licence, "archive": address, "version": version}
        _put_in_place(staging, target, record | {"sha256": {**known, **came}}, list(came))
    print("\n".join([*report.notes, f"In place and checked: {target}"]))
    return target


def _put_in_place(staging: Path, target: Path, record: dict, names: list[str]) -> None:
    new = not (target / download.RECORD).exists()
    if not new:  # masks first: a case is found by its image
        for name in sorted(names, reverse=True):
            (target / name).parent.mkdir(exist_ok=True)
            storage.replace(staging / name, target / name)
    place = staging if new else target
    storage.write_text(place / "LICENCE.txt", download.licence_text(SET) + "\n")
    storage.write_text(place / download.RECORD, json.dumps(record, indent=1) + "\n")
    if not new:
        shutil.rmtree(staging)
        return
    if target.exists():
        target.rmdir()  # empty, or it would have been refused
    storage.replace(staging, target)


def _files(staging: Path) -> list[Path]:
    return sorted(path for folder in LARGEST for path in (staging / folder).glob("*.nii.gz"))


def _fetch(address: str, staging: Path, good: set[str], wanted: int, progress: bool) -> list:
    """Bring so many cases into `staging`, none of `good`; return the archive's version."""
    version = None
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        tag, length = json.loads((staging / download.RECORD).read_text("utf-8"))["version"]
        version = [str(tag), length and int(length)]
    if version is None:
        shutil.rmtree(staging, ignore_errors=True)
    for folder in LARGEST:
        (staging / folder).mkdir(parents=True, exist_ok=True)
    with tqdm(unit="B", unit_scale=True, leave=False, disable=not progress or None) as bar:
        for _ in range(2):  # a second time for masks that were before the images
            archive = RemoteFile(address, version, BY_HAND)
            try:
                ended = _read(archive, staging, good, wanted, bar)
            except ChangedError:
                shutil.rmtree(staging)
                raise
            finally:
                archive.close()
            if not ended:
                break
        else:
            what = f"it ends before {wanted} more cases are whole. Ask for fewer with --cases"
            raise DownloadError(f"{address}: {what}.{BY_HAND}")
    for path in _files(staging):
        if path.name not in _whole(staging):
            path.unlink()
    return archive.version


def _whole(staging: Path) -> set[str]:
    images, masks = ({p.name for p in (staging / f).glob("*.nii.gz")} for f in LARGEST)
    return images & masks


def _read(archive: RemoteFile, staging: Path, good: set[str], wanted: int, bar: tqdm) -> bool:
    """Take what is wanted of the archive's entries; return whether they ended before all was here."""
    for _ in range(ENTRIES):
        begun = {p.name.removesuffix(".part") for p in (staging / "imagesTr").iterdir()}
        if len(whole := _whole(staging)) >= wanted and whole >= begun:
            return False
        if (entry := _entry(archive)) is None:
            return True
        if archive.at == 512:  # the first: by this the next call knows what the parts are of
            storage.write_text(staging / download.RECORD, json.dumps({"version": archive.version}))
        place = PLACE.fullmatch(entry.name) if entry.type in FILE else None
        if place and place[1] == "labelsTr":
            take = place[2] in begun or not begun  # an archive may begin with its masks
        else:
            take = place and (place[2] in begun or len(begun) < wanted)
        if take and place[2] not in good:
            bar.set_description(f"case {max(1, len(begun))} of {wanted}")
            _take(archive, staging / place[1] / place[2], entry.size, bar)
        else:
            archive.skip(entry.size)
        archive.skip(-entry.size % 512)
    raise DownloadError(f"{archive.address}: more than {ENTRIES:,} files: not the set.{BY_HAND}")


def _entry(archive: RemoteFile) -> tarfile.TarInfo | None:
    """Read an entry's header and judge it; None at the archive's end."""
    try:
        entry = tarfile.TarInfo.frombuf(archive.read(512), "utf-8", "replace")
    except tarfile.EOFHeaderError:
        return None
    except tarfile.HeaderError:
        what = f"damaged at byte {archive.at - 512:,}. Run the command again"
        raise DownloadError(f"{archive.address}: {what}.{BY_HAND}") from None
    why, place = "", PLACE.fullmatch(entry.name)
    left = (archive.length or TOTAL) - archive.at
    if entry.name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", entry.name):
        why = "its path leaves the folder"
    elif entry.type not in FILE | PASSED:
        why = "it is a link, a device or the like"
    elif not 0 <= entry.size <= left:
        why = f"it claims {entry.size:,} bytes, more than the archive holds"
    elif place and not 0 < entry.size <= LARGEST[place[1]]:
        why = f"it claims {entry.size:,} bytes, where up to {LARGEST[place[1]]:,} are usual"
    if why:
        what = f"{archive.address}: {entry.name!r} in it is not to be trusted, {why}"
        raise DownloadError(f"{what}; it was not unpacked.{BY_HAND}")
    return entry


def _take(archive: RemoteFile, path: Path, size: int, bar: tqdm) -> None:
    """Write a file under another name, after the part of it that is there, then give it its own."""
    part = path.with_name(f"{path.name}.part")
    if path.is_file() and path.stat().st_size == size:
        archive.skip(size)
        return
    there = part.stat().st_size if part.is_file() else 0
    there = there if there <= size else 0
    storage.expect_room(path.parent, size - there)
    archive.skip(there)
    with open(part, "ab" if there else "wb") as out:
        for piece in archive.pieces(size - there):
            out.write(piece)
            bar.update(len(piece))
    storage.replace(part, path)
