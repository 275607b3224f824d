"""Safely extract a set's patients from Kaggle's archive.

An archive comes from outside, so its names and sizes are judged before anything is written: one
name that would leave the folder, or is a link, condemns the whole of it.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import stat
import zipfile
from collections import defaultdict
from pathlib import Path

from tqdm import tqdm

from unet_course import storage
from unet_course.commands.fetch.data_sets import BRATS_SET, LGG_SET, KaggleSet

# how other archives begin (tar: at byte 257), and what unpacks them
OTHERS = {
    b"7z\xbc\xaf": "7-Zip",
    b"Rar!": "WinRAR, 7-Zip or unrar",
    b"\x1f\x8b": "tar -xf, or gunzip",
    b"BZh": "tar -xf",
    b"\xfd7zXZ": "tar -xf",
    b"\x28\xb5\x2f\xfd": "tar -xf",
    b"ustar": "tar -xf",
}
Files = dict[tuple[str, str], zipfile.ZipInfo]  # by folder and file name; a table's folder is ""


class DownloadError(RuntimeError):
    """A data set couldn't be fetched or unpacked; the message says why and what to do."""


def _again(dataset: KaggleSet) -> str:
    page = dataset.page
    return f"Download it again ({page}), and compare its size with the one that the browser shows."


def unsafe(info: zipfile.ZipInfo) -> str | None:
    """Say why an archive's entry must not be unpacked; None where nothing speaks against it."""
    for name in (info.orig_filename, info.filename):
        if not name or "\0" in name:
            return "its name is empty or holds a null byte"
        if name[0] in "/\\" or re.match(r"[A-Za-z]:", name):
            return "its path is absolute"
        if ".." in re.split(r"[/\\]", name):
            return "its path leaves the folder"
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "it is a link" if kind == stat.S_IFLNK else "it is a device, a pipe or a socket"
    return "it is encrypted" if info.flag_bits & 1 else None


def _place(info: zipfile.ZipInfo, dataset: KaggleSet) -> tuple[str, str, str] | None:
    """Return (folder above, patient's folder, file name) of an image, a mask or a table."""
    path = f"/{info.filename}".replace("\\", "/")  # older Windows programs write \\
    around, _, name = path.rpartition("/")
    if name in dataset.tables:
        return around, "", name
    above, _, folder = around.rpartition("/")
    wanted = dataset.is_folder(folder) and dataset.is_file(folder, name)
    return (above, folder, name) if wanted else None


def open_zip(path: Path, dataset: KaggleSet) -> zipfile.ZipFile:
    """Open an archive; a DownloadError says that it isn't there, isn't a ZIP, or is cut short."""
    if path.is_dir():
        what = "a folder, not an archive. If it is the unpacked set, use it as it is"
        raise DownloadError(f"{path}: {what}: unet-course data check {path}")
    try:
        storage.expect_file(path)  # a pipe or a device would be read for ever
        return zipfile.ZipFile(path)
    except OSError as error:
        what = f"{error.strerror}: check the name, and your right to read it".lower()
        raise DownloadError(f"{path}: {what}") from None
    except Exception:  # zipfile's errors about damage have no class in common
        with open(path, "rb") as file:
            start = file.read(262)
        for magic, program in OTHERS.items():
            if start.startswith(magic) or start[257:] == magic:
                what = f"isn't a ZIP archive: unpack it yourself ({program}), then"
                raise DownloadError(f"{path}: {what}: unet-course data check FOLDER") from None
        what = "isn't a ZIP archive" if start else "the file is empty"
        what = "the archive is cut short or damaged" if start[:4] == b"PK\x03\x04" else what
        raise DownloadError(f"{path}: {what}. {_again(dataset)}") from None


def contents(archive: zipfile.ZipFile, dataset: KaggleSet) -> tuple[Files, list[str]]:
    """Choose what to unpack, each patient's folder once and the tables next to it, and remark on it.

    A DownloadError says that an entry is unsafe, the sizes are absurd, or there is no patient.
    """
    # each folder's copies by where they lie: {file name: entry}
    copies: dict[str, dict[str, dict[str, zipfile.ZipInfo]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    refused = f"{archive.filename}: refused, nothing was unpacked:"
    for info in archive.infolist():
        if why := unsafe(info):
            what = f"{info.orig_filename!r} is not to be trusted, {why}"
            raise DownloadError(f"{refused} {what}. Take the archive from {dataset.page}")
        if place := _place(info, dataset):
            above, folder, name = place
            if name in copies[folder][above]:
                what = f"{info.filename!r} is in it twice"
                raise DownloadError(f"{refused} {what}. {_again(dataset)}")
            copies[folder][above][name] = info
    tables = copies.pop("", {})
    if not copies:
        what = f"holds no {dataset.command.upper()} {dataset.unit} ({dataset.example})"
        if inner := [name for name in archive.namelist() if name.lower().endswith(".zip")]:
            what += f". It holds another archive, {inner[0]}: unpack that one"
        for other in (LGG_SET, BRATS_SET):
            if any(_place(info, other) for info in archive.infolist()):
                what += f". It holds the other set: unet-course data {other.command} --archive FILE"
        raise DownloadError(f"{archive.filename}: {what}. Is it the set from {dataset.page}?")
    files, differing = {}, []
    for folder, places in sorted(copies.items()):
        # the fullest copy; of equal ones that with the shortest path
        first, *others = sorted(places, key=lambda above: (-len(places[above]), len(above), above))
        files |= {(folder, name): info for name, info in places[first].items()}
        crcs = [{n: i.CRC for n, i in places[place].items()} for place in (first, *others)]
        differing += [folder] if any(crc != crcs[0] for crc in crcs) else []
    above = {place for places in copies.values() for place in places}
    for place in sorted(tables.keys() & above, key=len, reverse=True):
        files |= {("", name): info for name, info in tables[place].items()}
    size = sum(info.file_size for info in files.values())
    if size > 4 * dataset.size:
        what = f"it claims {size:,} bytes, the published set has {dataset.size:,}"
        raise DownloadError(f"{refused} {what}. {_again(dataset)}")
    notes = []
    if doubled := sum(len(places) > 1 for places in copies.values()):
        notes = [f"The archive holds {doubled} {dataset.unit} more than once; each is taken once."]
    if differing:
        notes.append(f"Their copies differ, the fullest is taken: {', '.join(differing)}.")
    return files, notes


def unpack(archive: zipfile.ZipFile, files: Files, into: Path, dataset: KaggleSet, progress: bool):
    """Write the chosen files into a folder, none larger than announced; checksums are verified."""
    for (folder, name), info in tqdm(
        files.items(), "Unpacking", leave=False, disable=not progress or None
    ):
        target = into / folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(target, "wb") as out:
            try:
                # a piece at a time, and in all no more than the header says
                packed = archive.open(info)
                shutil.copyfileobj(packed, out)
                if packed.read(1) or out.tell() != info.file_size:
                    raise EOFError("not as long as announced")
            except Exception as error:  # zipfile's errors about damage have no class in common
                if storage.is_full(error):
                    raise
                how = _again(dataset)
                if isinstance(error, NotImplementedError):  # packed in a way that Python can't read
                    how = "Unpack it with another program; then: unet-course data check FOLDER"
                what = f"{info.filename} can't be unpacked ({error})"
                raise DownloadError(f"{archive.filename}: {what}. {how}") from error


def sha256(path: Path, dataset: KaggleSet) -> str:
    """SHA-256 of a file, or of a patient's images and masks; empty where there is neither.

    Of a folder: each file's name, size and bytes, in order of name; foreign files don't count.
    """
    if path.is_file():
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    if not path.is_dir():
        return ""
    digest = hashlib.sha256()
    for file in sorted(path.iterdir()):
        if dataset.is_file(path.name, file.name) and file.is_file():
            data = file.read_bytes()
            digest.update(f"{file.name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()
