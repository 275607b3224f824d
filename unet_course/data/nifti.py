"""Read one NIfTI volume whole, or say exactly what is wrong with the file.

The file is read to its last byte before its numbers are used, so that a cut or damaged one is
noticed (a gzip file keeps its checksum at the very end, where a reader that stops early misses it).
"""

from __future__ import annotations

import errno
import gzip
import io
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from nibabel.imageglobals import LoggingOutputSuppressor

from unet_course.data.layouts import DataError

AGAIN = "unpack it from its archive again (BraTS 2020: `unet-course data brats`)."
RESTORE = f"Restore it: {AGAIN}"
GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
LARGEST = (
    2**31
)  # bytes unpacked; BraTS' largest file, MSD's four modalities as float32, has 0.15 GB


@dataclass(frozen=True)
class Nifti:
    """A volume as the file has it: the array in the file's own order, and where it lies."""

    array: np.ndarray  # (x, y, z) or (x, y, z, channels)
    affine: np.ndarray  # (4, 4), voxel indices → millimetres in the space the header names (RAS+)

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Distance between neighbouring voxels along x, y and z, in mm."""
        return spacing_of(self.affine)

    @property
    def orientation(self) -> str:
        """Where the array's axes lead, such as ``"LPS"``: left, posterior, superior."""
        return "".join(code or "?" for code in nibabel.aff2axcodes(self.affine))


def spacing_of(affine: np.ndarray) -> tuple[float, float, float]:
    """Distance between neighbouring voxels along each axis, in mm.

    >>> spacing_of(np.diag([-1, -1, 2.5, 1]))
    (1.0, 1.0, 2.5)
    """
    return tuple(round(float(size), 6) for size in nibabel.affines.voxel_sizes(affine))


def turn(
    array: np.ndarray, affine: np.ndarray, orientation: str = "LPS"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Swap and flip a volume's axes so that they lead where `orientation` says; nothing is resampled.

    Args:
        array: (x, y, z) or (x, y, z, channels).
        affine: (4, 4), voxel indices → millimetres.

    Returns:
        The array turned (a view), its affine, and the turn: (3, 2), nibabel's orientation, of which
        `turn_back` makes the original again.

    >>> turned, _, _ = turn(np.arange(3).reshape(3, 1, 1), np.eye(4))
    >>> turned.ravel().tolist()
    [2, 1, 0]
    """
    ours = nibabel.orientations.io_orientation(affine)
    wanted = nibabel.orientations.axcodes2ornt(orientation)
    turning = nibabel.orientations.ornt_transform(ours, wanted)
    turned = nibabel.orientations.apply_orientation(array, turning)
    own = affine @ nibabel.orientations.inv_ornt_aff(turning, array.shape[:3])
    return turned, own, turning


def turn_back(array: np.ndarray, turning: np.ndarray) -> np.ndarray:
    """Undo `turn`: the array with the axes that the file has."""
    back = np.empty_like(turning)
    for axis, (target, flip) in enumerate(turning):
        back[int(target)] = axis, flip
    return nibabel.orientations.apply_orientation(array, back)


def read(path: Path) -> Nifti:
    """Read a NIfTI file, gzip-packed or not.

    Returns:
        Its array, in the type that the file has, or float32 where the header scales it.

    Raises:
        DataError: the file is missing, can't be opened, isn't a whole NIfTI, or holds numbers that
            are no volume (NaN, infinity, complex, colours).
    """
    data = _bytes(path)
    with LoggingOutputSuppressor():  # what nibabel mends by itself is no news
        image = _image(path, data)
        _expect_whole(path, image, len(data))
        try:
            array = np.asanyarray(image.dataobj)
            affine = np.asarray(image.affine, float)
        except Exception as error:  # whatever a damaged header makes nibabel trip over
            raise DataError(path, f"is a damaged NIfTI ({_first(error)})", RESTORE) from error
    if array.dtype.kind not in "iuf":
        raise DataError(path, f"holds {array.dtype}, a volume holds numbers", RESTORE)
    if array.dtype.kind == "f":
        array = array.astype(np.float32, copy=False)
        bad = array.size - int(np.isfinite(array).sum())
        if bad:
            kind = "NaN" if np.isnan(array).any() else "infinity"
            also = " and infinity" if kind == "NaN" and np.isinf(array).any() else ""
            cure = f"It was damaged when it was made or resampled. {RESTORE}"
            raise DataError(path, f"holds {kind}{also} in {bad:,} voxels", cure)
    if not np.isfinite(affine).all() or not np.abs(np.linalg.det(affine[:3, :3])) > 0:
        raise DataError(path, "has an affine that isn't one (singular or NaN)", RESTORE)
    return Nifti(array, affine)


def read_affine(path: Path) -> np.ndarray:
    """Read a file's affine alone, (4, 4), without its voxels. Raises DataError."""
    header = read_header(path)
    try:
        with LoggingOutputSuppressor():
            return np.asarray(header.get_best_affine(), float)
    except Exception as error:  # whatever a damaged header makes nibabel trip over
        raise DataError(path, f"is a damaged NIfTI ({_first(error)})", RESTORE) from error


def read_header(path: Path) -> nibabel.Nifti1Header:
    """Read a file's header alone, without its voxels. Raises DataError."""
    if os.path.isdir(path):
        raise _folder(path)
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == GZIP
        with gzip.open(path) if packed else open(path, "rb") as file:
            start = file.read(2**16)  # header and whatever extensions there are
    except (OSError, EOFError, zlib.error) as error:
        if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
            raise _unopened(path, error) from error
        raise DataError(path, "is damaged: a gzip file that can't be unpacked", RESTORE) from error
    if not start:
        raise DataError(path, "the file is empty", RESTORE)
    with LoggingOutputSuppressor():
        return _image(path, start).header


def _bytes(path: Path) -> bytes:
    """All of a file, unpacked if it is packed."""
    if os.path.isdir(path):
        raise _folder(path)
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise _unopened(path, error) from error
    if not data:
        raise DataError(path, "the file is empty", RESTORE)
    if not data.startswith(GZIP):
        return data
    unpacked = []
    total = 0
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            while block := file.read(2**24):
                total += len(block)
                if total > LARGEST:
                    raise DataError(
                        path, f"unpacks to more than {LARGEST / 1e9:.1f} GB", "It isn't a volume."
                    )
                unpacked.append(block)
    except EOFError as error:
        what = f"is cut short: the gzip file ends after {len(data):,} bytes, before its end mark"
        raise DataError(path, what, RESTORE) from error
    except (OSError, zlib.error) as error:
        what = f"is damaged: the gzip file can't be unpacked or its checksum differs ({error})"
        raise DataError(path, what, RESTORE) from error
    if not total:
        raise DataError(path, "is an empty file, packed", RESTORE)
    return b"".join(unpacked)


def _image(path: Path, data: bytes):
    """nibabel's image of a file's bytes, by the size of header that the file claims."""
    size = {struct.unpack(order, data[:4])[0] for order in ("<i", ">i")} if len(data) > 3 else set()
    kind = {348: nibabel.Nifti1Image, 540: nibabel.Nifti2Image}.get(
        next(iter(size & {348, 540}), 0)
    )
    if kind is None or (len(data) >= 348 and data[344:347] not in (b"n+1", b"ni1") and 348 in size):
        raise _foreign(path, data)
    if data[344:347] == b"ni1" and 348 in size:
        cure = "Convert the pair to one .nii file (nibabel: save(load(pair), name))."
        raise DataError(path, "is half of a .hdr/.img pair", cure)
    try:
        return kind.from_bytes(data)
    except Exception as error:  # whatever a damaged header makes nibabel trip over
        raise DataError(path, f"is a damaged NIfTI ({_first(error)})", RESTORE) from error


def _expect_whole(path: Path, image, size: int) -> None:
    """Raise unless the file is as long as its header says."""
    shape, header = image.shape, image.header
    if not shape or min(shape) < 1:
        raise DataError(path, f"has no voxels: its shape is {_times(shape) or 'nothing'}", RESTORE)
    voxels = 1
    for length in shape:
        voxels *= int(length)
    needed = int(image.dataobj.offset) + voxels * header.get_data_dtype().itemsize
    if size < needed:
        raise DataError(path, f"is cut short: it has {size:,} bytes of {needed:,}", RESTORE)


def _first(error: Exception) -> str:
    """An error's first line, or its kind where it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0] or type(error).__name__


def _times(shape) -> str:
    return "×".join(map(str, shape))


def _folder(path: Path) -> DataError:
    cure = (
        "If the volume lies inside it, move it out under this name; else remove the folder and "
        "restore the file."
    )
    return DataError(path, "a folder where a file should be", cure)


def _unopened(path: Path, error: OSError) -> DataError:
    if isinstance(error, PermissionError):
        return DataError(
            path,
            "may not be read: permission denied",
            "Give yourself the right to read it (Linux and macOS: chmod -R u+rX FOLDER; "
            "Windows: Properties, Security).",
        )
    if isinstance(error, FileNotFoundError):
        if os.path.islink(path):
            return DataError(path, "a link that leads nowhere", "Correct or remove the link.")
        return DataError(path, "no such file", RESTORE)
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return DataError(path, "can't be opened: too many files are open", "Close some programs.")
    return DataError(path, f"can't be read: {error.strerror or type(error).__name__}", RESTORE)


def _foreign(path: Path, data: bytes) -> DataError:
    start = data[:32]
    kinds = {ZIP: "a ZIP archive", b"\x89PNG": "a PNG", b"DICM": "a DICOM", b"NRRD": "an NRRD"}
    kind = next((name for magic, name in kinds.items() if start.startswith(magic)), None)
    if data[128:132] == b"DICM":
        kind = "a DICOM"
    if kind is None:
        printable = all(32 <= byte < 127 or byte in (9, 10, 13) for byte in start)
        kind = "text" if printable else "something else"
    shown = f" (it begins with {start.decode('ascii')!r})" if kind == "text" else ""
    short = " or a cut short one" if kind == "something else" and len(data) < 352 else ""
    return DataError(path, f"isn't a NIfTI but {kind}{short}{shown}", RESTORE)
