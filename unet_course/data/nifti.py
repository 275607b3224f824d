"""Read one NIfTI volume whole, or say exactly what is wrong with the file.

No more is read than the header claims. A packed file is read to its last byte, as gzip keeps its
checksum at the very end, where a reader that stops early misses it.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import logging
import math
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import nibabel
import numpy as np

from unet_course.data import files
from unet_course.data.layouts import DataError

COMMAND = "data brats"  # what fetches the set again
GZIP = b"\x1f\x8b"
BLOCK = 2**24  # bytes read at a time
LARGEST = 2**28  # bytes of voxels; BraTS' largest file, MSD's four modalities as float32, has 2**27
LARGEST_HEADER = 2**24  # bytes of header and extensions (DICOM tags, for instance)

# What nibabel mends by itself is no news. (Its own suppressor lets warnings through to stderr.)
_QUIET = logging.Logger("nibabel, unheard")
_QUIET.addHandler(logging.NullHandler())


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
        """Where the array's axes lead, such as `"LPS"`: left, posterior, superior."""
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
        The array turned (a view), its affine, and the turn for `turn_back`: (3, 2), nibabel's
        orientation.
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
    """Read a NIfTI file, gzip-packed or not, in its own type of whole numbers, or as float32.

    Raises:
        DataError: the file is missing, can't be opened, isn't a whole NIfTI, claims more than
            `LARGEST` bytes, or holds numbers that are no volume (NaN, infinity, complex, colours).
    """
    files.size_of(path, COMMAND)
    with _opened(path) as file:
        header = _header(path, file)
        shape, kind = header.get_data_shape(), header.get_data_dtype()
        start = int(header.get_data_offset())
        size = _expected_bytes(path, shape, kind)
        data = _read_exactly(path, file, start, size)
        _expect_end(path, file)
    if kind.kind not in "iuf":
        cure = "Save each of its components as a volume of its own."
        raise DataError(path, f"holds {kind}, a volume holds numbers", _instead(path, cure))
    array = _scaled(path, np.frombuffer(data, kind).reshape(shape, order="F"), header)
    affine = _affine(path, header)
    if array.dtype.kind == "f" and (bad := array.size - int(np.isfinite(array).sum())):
        tests = {"NaN": np.isnan, "infinity": np.isinf}
        found = " and ".join(name for name, test in tests.items() if test(array).any())
        where = f"in {bad:,} voxel{'s' * (bad > 1)}"
        cure = (
            "A division by 0 or a resampling made it: write 0 outside the brain, and save it anew."
        )
        raise DataError(path, f"holds {found} {where}", _instead(path, cure))
    return Nifti(array, affine)


def read_affine(path: Path) -> np.ndarray:
    """Read a file's affine alone, (4, 4), without its voxels. Raises DataError."""
    return _affine(path, read_header(path))


def read_header(path: Path) -> nibabel.Nifti1Header:
    """Read a file's header with its extensions, without its voxels. Raises DataError."""
    files.size_of(path, COMMAND)
    with _opened(path) as file:
        return _header(path, file)


# --- the file as a stream of bytes, unpacked if it is packed --------------------------------------


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The file's bytes as a stream; whatever reading them trips over becomes a DataError."""
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == GZIP
            file.seek(0)
            with gzip.GzipFile(fileobj=file) if packed else contextlib.nullcontext(file) as stream:
                yield stream
    except DataError:
        raise
    except EOFError as error:
        size = os.path.getsize(path)
        what = f"is cut short: the gzip file ends after {size:,} bytes, before its end mark"
        raise DataError(path, what, _restore(path)) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        what = f"is damaged: the gzip file can't be unpacked or its checksum differs ({error})"
        raise DataError(path, what, _restore(path)) from error
    except OSError as error:
        raise files.unopened(path, error, COMMAND) from error


def _header(path: Path, stream: BinaryIO) -> nibabel.Nifti1Header:
    """The header at the stream's start, its extensions included; the stream ends up behind it."""
    data = stream.read(348)
    if not data:
        raise DataError(path, "is an empty file, packed", _restore(path))
    sizes = {struct.unpack(o, data[:4])[0] for o in ("<i", ">i")} if len(data) > 3 else set()
    kinds = {348: nibabel.Nifti1Header, 540: nibabel.Nifti2Header}
    kind = next((kinds[size] for size in sizes if size in kinds), None)
    magic = data[344:347] if 348 in sizes else b"n+2"
    if magic == b"ni1" or data[4:8] == b"ni2\0":
        cure = "Convert the pair to one .nii file (nibabel: save(load(pair), name))."
        raise DataError(path, "is half of a .hdr/.img pair", cure)
    if kind is None or (len(data) == 348 and magic not in (b"n+1", b"n+2")):
        raise _foreign(path, data)
    try:
        data += stream.read(kind.sizeof_hdr - len(data) + 4)
        plain = kind(data[: kind.sizeof_hdr], check=False)
        offset = int(plain["vox_offset"])
        if not 0 <= offset <= LARGEST_HEADER:
            raise ValueError(f"its voxels would begin at byte {offset:,}")
        data += stream.read(max(0, offset - len(data)))
        header = kind.from_fileobj(io.BytesIO(data), check=False)
        header.check_fix(_QUIET)
        if offset == 0:  # the standard: not given, so right behind the header
            header.set_data_offset(kind.sizeof_hdr + 4)
    except (DataError, OSError, EOFError, zlib.error):
        raise
    except Exception as error:  # whatever a damaged header makes nibabel trip over
        raise DataError(path, f"is a damaged NIfTI ({_first(error)})", _restore(path)) from error
    if len(data) < kind.sizeof_hdr:
        raise _foreign(path, data)
    return header


def _expected_bytes(path: Path, shape: tuple[int, ...], kind: np.dtype) -> int:
    """How many bytes of voxels the header claims."""
    shown = "×".join(map(str, shape))
    if not shape or min(shape) < 1:
        what = f"has no voxels: its shape is {shown or 'nothing'}"
        raise DataError(path, what, _restore(path))
    size = math.prod(map(int, shape)) * kind.itemsize
    if size > LARGEST:
        raise DataError(
            path,
            f"claims {size / 1e9:.1f} GB of voxels ({shown}, {kind})",
            f"The course reads volumes of up to {LARGEST / 1e9:.2f} GB: crop it, resample it, or save "
            "it in a smaller type.",
        )
    return size


def _read_exactly(path: Path, stream: BinaryIO, start: int, size: int) -> bytearray:
    """The `size` bytes from byte `start` on."""
    if stream.seekable():
        stream.seek(start)
    data = bytearray(size)
    view = memoryview(data)
    done = 0
    while done < size:
        count = stream.readinto(view[done : done + BLOCK])
        if not count:
            what = f"is cut short: it has {start + done:,} bytes of {start + size:,}"
            raise DataError(path, what, _restore(path))
        done += count
    return data


def _expect_end(path: Path, stream: BinaryIO) -> None:
    """Read on to the end, where a gzip file keeps its checksum; few bytes may follow the voxels."""
    beyond = 0
    while beyond <= LARGEST_HEADER:
        count = len(stream.read(2**16))
        if not count:
            return
        beyond += count
    what = f"goes on for more than {LARGEST_HEADER:,} bytes behind its last voxel"
    raise DataError(path, what, _restore(path))


def _scaled(path: Path, array: np.ndarray, header: nibabel.Nifti1Header) -> np.ndarray:
    """Apply the header's slope and intercept; float32 where there are any, or in a float file."""
    given = float(header["scl_slope"]), float(header["scl_inter"])
    # a slope of 0 or NaN means none, as the standard and nibabel have it; infinity is damage
    if np.isinf(given[0]) or (given[0] and np.isfinite(given[0]) and not np.isfinite(given[1])):
        what = f"is scaled by {given[0]:g} and {given[1]:g} (scl_slope, scl_inter)"
        raise DataError(path, what, _instead(path, "Correct these two numbers in its header."))
    slope, intercept = header.get_slope_inter()
    if slope is not None and (slope, intercept) != (1, 0):
        result = np.empty(array.shape, np.float32, order="F")
        for index in range(array.shape[-1]):  # a slab at a time: less memory
            result[..., index] = array[..., index].astype(np.float64) * slope + intercept
        return result
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):  # what becomes infinite is told by the caller
            return array.astype(np.float32, copy=False)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _affine(path: Path, header: nibabel.Nifti1Header) -> np.ndarray:
    try:
        affine = np.asarray(header.get_best_affine(), float)
    except Exception as error:  # whatever a damaged header makes nibabel trip over
        raise DataError(path, f"is a damaged NIfTI ({_first(error)})", _restore(path)) from error
    if not np.isfinite(affine).all() or not np.abs(np.linalg.det(affine[:3, :3])) > 0:
        cure = "Set its sform from a file of the same grid (nibabel: image.set_sform(affine, 1))."
        what = "has an affine that isn't one (singular or NaN)"
        raise DataError(path, what, _instead(path, cure))
    return affine


def _first(error: Exception) -> str:
    """An error's first line, or its kind where it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0] or type(error).__name__


def _restore(path: Path) -> str:
    return files.restore(path, COMMAND)


def _instead(path: Path, cure: str) -> str:
    return files.instead(path, cure, COMMAND)


def _foreign(path: Path, data: bytes) -> DataError:
    kinds = {
        b"PK\x03\x04": "a ZIP archive",
        GZIP: "a gzip file within a gzip file",
        b"BZh": "a bzip2 file",
        b"\x28\xb5\x2f\xfd": "a zstd file",
        b"\xfd7zXZ": "an xz file",
        b"\x89PNG": "a PNG",
        b"NRRD": "an NRRD",
    }
    kind = "a DICOM" if data[128:132] == b"DICM" else files.kind_of(data[:32], kinds)
    short = " or a cut short one" if kind == "something else" and len(data) < 352 else ""
    cure = _restore(path)
    if kind in ("a DICOM", "an NRRD"):
        cure = "Convert it to NIfTI (dcm2niix, SimpleITK or 3D Slicer do)."
    elif kind.endswith(("file", "archive")):
        cure = f"Unpack it first (once more), so that a .nii or a .nii.gz comes out. {cure}"
    return DataError(path, f"isn't a NIfTI but {kind}{short}", cure)
