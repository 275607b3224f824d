"""Unpack a set's patients from Kaggle's archive, and nothing else, and nowhere else.

An archive comes from outside, so its names and sizes are judged before anything is written: one
name that would leave the folder, or is a link, condemns the whole of it.
"""

from __future__ import annotations

import hashlib
import re
import stat
import struct
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from unet_course.commands.fetch.data_sets import LGG_SET, KaggleSet


class DownloadError(RuntimeError):
    """A data set couldn't be fetched or unpacked; the message says why and what to do."""


def _again(dataset: KaggleSet) -> str:
    page = dataset.page
    return f"Download it again ({page}), and compare its size with the one that the browser shows."


@dataclass(frozen=True)
class Contents:
    """What is to be unpacked, by folder and file name, and remarks on the archive."""

    folders: dict[str, dict[str, zipfile.ZipInfo]]
    tables: dict[str, zipfile.ZipInfo]
    notes: tuple[str, ...]

    def bytes(self, folders: Iterable[str]) -> int:
        """Bytes that these folders and the tables take when unpacked."""
        files = [info for folder in folders for info in self.folders[folder].values()]
        return sum(info.file_size for info in [*files, *self.tables.values()])


def unsafe(info: zipfile.ZipInfo, dataset: KaggleSet = LGG_SET) -> str | None:
    """Say why an archive's entry must not be unpacked; None where nothing speaks against it.

    >>> unsafe(zipfile.ZipInfo("../../etc/passwd"))
    'its path leaves the folder'
    >>> unsafe(zipfile.ZipInfo("kaggle_3m/data.csv"))
    """
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
    if info.flag_bits & 1:
        return "it is encrypted"
    wanted = _place(info, dataset) or info.filename.rpartition("/")[2] in dataset.tables
    if wanted and info.file_size > dataset.largest_file:
        return f"it claims {info.file_size:,} bytes, {dataset.usual}"
    return None


def _place(info: zipfile.ZipInfo, dataset: KaggleSet) -> tuple[str, str, str] | None:
    """(folder above, patient's folder, file name) of an entry that is an image or a mask."""
    above, _, rest = f"/{info.filename}".rpartition("/")[0].rpartition("/")
    name = info.filename.rpartition("/")[2]
    if dataset.is_folder(rest) and dataset.is_file(rest, name):
        return above, rest, name
    return None


def open_zip(path: Path, dataset: KaggleSet) -> zipfile.ZipFile:
    """Open an archive.

    Raises:
        DownloadError: it isn't there, isn't a ZIP archive, or is cut short.
    """
    if path.is_dir():
        raise DownloadError(
            f"{path}: a folder, not an archive. If it is the unpacked set (some browsers unpack by "
            f"themselves), use it as it is: unet-course data check {path}"
        )
    try:
        return zipfile.ZipFile(path)
    except FileNotFoundError:
        raise DownloadError(f"{path}: no such file. Check the spelling.") from None
    except PermissionError:
        raise DownloadError(f"{path}: may not be read: permission denied.") from None
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error):
        with open(path, "rb") as file:
            start = file.read(4)
        if path.stat().st_size == 0:
            what = "the file is empty"
        elif start == b"PK\x03\x04":
            what = "the archive is cut short or damaged"
        else:
            what = "isn't a ZIP archive"
        raise DownloadError(f"{path}: {what}. {_again(dataset)}") from None


def contents(archive: zipfile.ZipFile, dataset: KaggleSet) -> Contents:
    """Choose what to unpack: each patient's folder once, and the tables beside them.

    Raises:
        DownloadError: an entry is unsafe, the sizes are absurd, or there is no patient.
    """
    copies: dict[str, dict[str, dict[str, zipfile.ZipInfo]]] = defaultdict(dict)
    tables: dict[tuple[str, str], zipfile.ZipInfo] = {}
    for info in archive.infolist():
        why = unsafe(info, dataset)
        if why:
            raise DownloadError(
                f"{archive.filename}: refused, nothing was unpacked: {info.orig_filename!r} is not "
                f"to be trusted, {why}. Kaggle's archive holds no such thing: take it from {dataset.page}"
            )
        place = _place(info, dataset)
        if place:
            above, folder, name = place
            files = copies[folder].setdefault(above, {})
            if name in files:
                raise DownloadError(
                    f"{archive.filename}: refused, nothing was unpacked: {info.filename!r} is in "
                    f"it twice. {_again(dataset)}"
                )
            files[name] = info
        elif info.filename.rpartition("/")[2] in dataset.tables:
            above, _, name = f"/{info.filename}".rpartition("/")
            tables[above, name] = info
    if not copies:
        raise DownloadError(
            f"{archive.filename}: holds no {dataset.command.upper()} {dataset.unit} "
            f"({dataset.example}). Is it the set from {dataset.page}?"
        )
    notes, folders = [], {}
    differing = []
    for folder, places in sorted(copies.items()):
        # the fullest copy; of equal ones that with the shortest path
        first, *others = sorted(places, key=lambda above: (-len(places[above]), len(above), above))
        folders[folder] = places[first]
        crcs = {name: info.CRC for name, info in places[first].items()}
        if any({n: i.CRC for n, i in places[other].items()} != crcs for other in others):
            differing.append(folder)
    doubled = sum(len(places) > 1 for places in copies.values())
    if doubled:
        notes.append(
            f"The archive holds {doubled} {dataset.unit} more than once; each is taken once."
        )
    if differing:
        notes.append(f"Their copies differ, the fullest is taken: {', '.join(differing)}.")
    above = {above for places in copies.values() for above in places}
    kept: dict[str, zipfile.ZipInfo] = {}
    for place, name in sorted(tables, key=lambda found: len(found[0])):
        if place in above:
            kept.setdefault(name, tables[place, name])
    chosen = Contents(folders, kept, tuple(notes))
    if chosen.bytes(folders) > dataset.largest:
        raise DownloadError(
            f"{archive.filename}: refused, nothing was unpacked: it claims "
            f"{chosen.bytes(folders):,} bytes, the published set has about "
            f"{dataset.size / 1e9:.3g} GB. {_again(dataset)}"
        )
    return chosen


def unpack(
    archive: zipfile.ZipFile,
    chosen: Contents,
    into: Path,
    dataset: KaggleSet,
    folders: Iterable[str] | None = None,
    progress: bool = True,
) -> None:
    """Write folders (all, or these) and the tables into a folder; checksums are verified.

    Raises:
        DownloadError: the archive is damaged, or the disk is full.
    """
    folders = list(chosen.folders if folders is None else folders)
    files = [(info, into / name) for name, info in chosen.tables.items()]
    for folder in folders:
        files += [(info, into / folder / name) for name, info in chosen.folders[folder].items()]
    bar = tqdm(
        total=sum(info.file_size for info, _ in files),
        desc="Unpacking",
        unit="B",
        unit_scale=True,
        leave=False,
        disable=None if progress else True,
    )
    with bar:
        for info, target in files:
            target.parent.mkdir(parents=True, exist_ok=True)
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise DownloadError(
                    f"{archive.filename}: {info.filename} is packed in a way that Python can't "
                    "read. Unpack it with your system's own program, then use that folder: "
                    "unet-course data check FOLDER"
                )
            try:
                data = archive.read(info)
            except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError) as error:
                raise DownloadError(
                    f"{archive.filename}: damaged at {info.filename} (its checksum doesn't "
                    f"match). {_again(dataset)}"
                ) from error
            except RuntimeError as error:  # flags that zipfile doesn't know: a damaged header, too
                raise DownloadError(
                    f"{archive.filename}: {info.filename} can't be unpacked ({error}). {_again(dataset)}"
                ) from error
            target.write_bytes(data)
            bar.update(info.file_size)


def sha256(path: Path, progress: bool = True) -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with (
        open(path, "rb") as file,
        tqdm(
            total=path.stat().st_size,
            desc="Checksum",
            unit="B",
            unit_scale=True,
            leave=False,
            disable=None if progress else True,
        ) as bar,
    ):
        while block := file.read(2**20):
            digest.update(block)
            bar.update(len(block))
    return digest.hexdigest()


def folder_sha256(folder: Path, dataset: KaggleSet) -> str:
    """SHA-256 of a patient's images and masks: their names, sizes and bytes, in order of name.

    Foreign files don't count.
    """
    digest = hashlib.sha256()
    for name in sorted(path.name for path in folder.iterdir()):
        if dataset.is_file(folder.name, name) and (folder / name).is_file():
            data = (folder / name).read_bytes()
            digest.update(f"{name}\0{len(data)}\0".encode())
            digest.update(data)
    return digest.hexdigest()
