"""Read one LGG slice or mask, or say exactly what is wrong with the file."""

from __future__ import annotations

import logging
import struct
from pathlib import Path

import numpy as np
import tifffile

from unet_course import runtime
from unet_course.data import files
from unet_course.data.layouts import LGG, DataError

COMMAND = "data lgg"  # what fetches the set again

# What it complains about in a damaged file is raised here as a DataError instead.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


def read_image(path: Path) -> np.ndarray:
    """Read a slice's image: uint8 (256, 256, 3), channels as in `layouts.LGG.channels`.

    Raises:
        DataError: the file is missing, damaged, no TIFF, or of another shape or type.
    """
    return _read(path, (LGG.size, LGG.size, len(LGG.channels)), "an image")


def read_mask(path: Path) -> np.ndarray:
    """Read a slice's mask: uint8 (256, 256), 1 where tumour is, 0 elsewhere.

    The file may hold 0 and 255, as Kaggle's do, or 0 and 1.

    Raises:
        DataError: as `read_image`, and where the file holds other values.
    """
    mask = _read(path, (LGG.size, LGG.size), "a mask")
    high = 255 if mask.max() > 1 else 1
    if not ((mask == 0) | (mask == high)).all():
        values = np.unique(mask).tolist()
        shown = ", ".join(map(str, values[:6])) + (", …" if len(values) > 6 else "")
        raise DataError(
            path,
            f"a mask with the values {shown}, where 0 and 255 (or 0 and 1) belong",
            "Masks must not be resized with interpolation or saved as JPEG. "
            + files.restore(path, COMMAND),
        )
    return (mask > 0).astype(np.uint8)


def _expect(path: Path, page: tifffile.TiffPage, shape: tuple[int, ...], what: str) -> None:
    """Raise unless the header promises the right shape and type; nothing is unpacked before."""
    if page.shape != shape:
        got, wanted = ("×".join(map(str, sizes)) for sizes in (page.shape, shape))
        cure = f"Crop it or resample it to {wanted} (masks by nearest neighbours)."
        raise DataError(
            path,
            f"has the shape {got}, {what} has {wanted}",
            f"{cure} {files.restore(path, COMMAND)}",
        )
    if page.dtype != np.uint8:
        holds = ""
        if page.dtype.kind == "f" and (count := int(np.isnan(page.asarray()).sum())):
            holds = f" and holds NaN in {count:,} places"
        raise DataError(
            path,
            f"is of type {page.dtype}{holds}, {what} is uint8",
            f"Scale it to 0 to 255 and save it as uint8. {files.restore(path, COMMAND)}",
        )


def _read(path: Path, shape: tuple[int, ...], what: str) -> np.ndarray:
    """Read a TIFF's only page, after its header has said how large it is."""
    size = files.size_of(path, COMMAND)
    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages[0]
            if len(file.pages) > 1:
                raise DataError(
                    path,
                    "holds more than one picture, a slice is one",
                    files.restore(path, COMMAND),
                )
            _expect_all_tags(path, file, page)
            _expect(path, page, shape, what)
            if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
                raise DataError(
                    path,
                    "is saved inverted (photometric WhiteIsZero): 0 is white in it",
                    "Save it as BlackIsZero, with tumour 255 and all else 0.",
                )
            ends = [a + n for a, n in zip(page.dataoffsets, page.databytecounts, strict=True)]
            start = _plain(page)
            if start is not None and start + page.nbytes <= size:
                file.filehandle.seek(start)
                pixels = np.frombuffer(file.filehandle.read(page.nbytes), page.dtype)
                return pixels.reshape(page.shape)
            if max(ends, default=0) > size:
                what = f"is cut short: it has {size:,} bytes of {max(ends):,}"
                raise DataError(path, what, files.restore(path, COMMAND))
            return page.asarray()
    except DataError:
        raise
    except OSError as error:
        raise files.unopened(path, error, COMMAND) from error
    # tifffile raises whatever the damage happens to trip over, so anything is damage here
    except Exception as error:
        raise _damaged(path, error) from error


def _expect_all_tags(path: Path, file: tifffile.TiffFile, page: tifffile.TiffPage) -> None:
    """Raise where tifffile passed over a tag: Kaggle's files end in one, so a cut shows there."""
    file.filehandle.seek(page.offset)
    layout = file.tiff.tagnoformat
    (count,) = struct.unpack(layout, file.filehandle.read(struct.calcsize(layout)))
    if len(page.tags) != count:
        raise DataError(path, "is a damaged or cut short TIFF", files.restore(path, COMMAND))


def _plain(page: tifffile.TiffPage) -> int | None:
    """Where the pixels begin, if they lie in the file in one piece as they are, else None.

    Kaggle's images come in 24 strips: read in one go instead of one by one, several times as fast.
    (Their last strip claims padding, so `page.is_contiguous` misses them.)
    """
    offsets, counts = page.dataoffsets, page.databytecounts
    expected = page.rowsperstrip * page.imagewidth * page.samplesperpixel  # bytes of a strip
    steps = zip(offsets, counts, offsets[1:], strict=False)
    plain = (
        page.compression == 1
        and page.predictor == 1
        and page.fillorder == 1
        and page.planarconfig == 1
        and page.dtype == np.uint8
        and not page.is_tiled
        and page.samplesperpixel * page.imagewidth * page.imagelength == page.nbytes
        and all(count == expected and at + count == next for at, count, next in steps)
        and sum(counts) >= page.nbytes
    )
    return offsets[0] if plain else None


def _damaged(path: Path, error: Exception) -> DataError:
    if "imagecodecs" in str(error):
        return DataError(
            path,
            "is compressed in a way that needs the package imagecodecs",
            f"Install it (`{runtime.how_to_install('imagecodecs')}`), or take the uncompressed original.",
        )
    try:
        with open(path, "rb") as file:
            start = file.read(16)
    except OSError as again:
        return files.unopened(path, again, COMMAND)
    if start[:4] in (b"II*\0", b"MM\0*"):
        return DataError(path, "is a damaged or cut short TIFF", files.restore(path, COMMAND))
    kinds = {b"\x89PNG": "a PNG", b"\xff\xd8\xff": "a JPEG", b"PK\x03\x04": "a ZIP archive"}
    what = f"isn't a TIFF but {files.kind_of(start, kinds)}"
    return DataError(path, what, files.restore(path, COMMAND))
