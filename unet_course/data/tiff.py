"""Read one LGG slice or mask, or say exactly what is wrong with the file."""

from __future__ import annotations

import logging
import struct
import zlib
from pathlib import Path

import numpy as np
import tifffile

from unet_course import runtime
from unet_course.data import files
from unet_course.data.layouts import LGG, DataError

COMMAND = "data lgg"  # what fetches the set again
LARGEST = 2**24  # bytes of a file; Kaggle's images have 2**18
LARGEST_SIDE = 4096  # rows or columns of a picture that isn't LGG's
DEFLATE = (8, 32946)  # numbers of compressions, as the TIFF standard has them
PACKINGS = (1, 5, 32773, *DEFLATE)  # none, LZW, PackBits, Deflate: the ones without loss

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
    return as_mask(path, _read(path, (LGG.size, LGG.size), "a mask"))


def read_picture(path: Path) -> np.ndarray:
    """Read a picture of any size: uint8 (rows, columns), or (rows, columns, 3) of colours.

    Raises:
        DataError: as `read_image`, and where it has another number of channels.
    """
    return _read(path, None, "a picture")


def as_mask(path: Path, mask: np.ndarray) -> np.ndarray:
    """Return a file's 0 and 255, or 0 and 1, as 0 and 1. DataError where it holds other values."""
    high = 255 if mask.max() > 1 else 1
    if not ((mask == 0) | (mask == high)).all():
        values = np.unique(mask).tolist()
        shown = ", ".join(map(str, values[:6])) + (", …" if len(values) > 6 else "")
        raise DataError(
            path,
            f"a mask with the values {shown}, where 0 and 255 (or 0 and 1) belong",
            files.instead(
                path,
                "Write 0 for healthy and 255 for tumour; resize a mask by nearest neighbours, and never "
                "save one as JPEG.",
                COMMAND,
            ),
        )
    return (mask > 0).astype(np.uint8)


def _expect_shape(
    path: Path, page: tifffile.TiffPage, shape: tuple[int, ...] | None, what: str
) -> None:
    """Raise unless the header promises the right shape; nothing is unpacked before."""
    if page.shape == shape:
        return
    if shape is None:
        _expect_picture(path, page)
        return
    got, wanted = ("×".join(map(str, sizes)) for sizes in (page.shape, shape))
    cure = f"Crop it or resample it to {wanted} (masks by nearest neighbours)."
    if len(shape) == 2 and page.shape[:2] == shape:
        cure = "Save it in greys, with one channel (Pillow: image.convert('L'))."
    elif page.shape == shape[:2]:
        cure = (
            f"Save {', '.join(LGG.channels)} as its three channels; one that wasn't taken as FLAIR."
        )
    elif sorted(page.shape) == sorted(shape):
        cure = "Save its channels last (NumPy: moveaxis)."
    elif page.shape[:2] == shape[:2]:
        cure = f"Save its {shape[2]} channels alone."
    raise DataError(
        path,
        f"has the shape {got}, {what} has {wanted}",
        files.instead(path, cure, COMMAND),
    )


def _expect_picture(path: Path, page: tifffile.TiffPage) -> None:
    """Raise unless the header promises greys or three channels, of a size that a picture has."""
    size = "×".join(map(str, page.shape))
    if len(page.shape) not in (2, 3) or (len(page.shape) == 3 and page.shape[2] != 3):
        cure = "Save it in greys or with three channels, the channels last; "
        cure += "one, two or four channels as a file each."
        if page.extrasamples:
            cure = f"One of its channels is for transparency: leave it out. {cure}"
        raise DataError(path, f"has the shape {size}, a picture has one channel or three", cure)
    if max(page.shape) > LARGEST_SIDE:
        cure = f"At most {LARGEST_SIDE:,} rows and columns are read: shrink it."
        raise DataError(path, f"has the shape {size}", cure)


def _expect_no_bomb(path: Path, file: tifffile.TiffFile, page: tifffile.TiffPage) -> None:
    """Raise where the pixels are packed into, or unpack to, far more bytes than they have."""
    if page.compression not in PACKINGS:
        kind = getattr(page.compression, "name", page.compression)
        cure = "Save it without compression (Pillow: image.save(name), without more)."
        raise DataError(path, f"is compressed in a way ({kind}) that the course doesn't read", cure)
    largest = 2 * page.nbytes + 2**16
    if page.is_tiled:
        tile = page.tilewidth * page.tilelength * page.samplesperpixel * page.dtype.itemsize
        largest = max(largest, tile)
    too_large = largest > 16 * page.nbytes + 2**17 or sum(page.databytecounts) > largest
    if page.compression in DEFLATE and not too_large:
        for start, count in zip(page.dataoffsets, page.databytecounts, strict=True):
            file.filehandle.seek(start)
            packed = file.filehandle.read(count)
            too_large |= len(zlib.decompressobj().decompress(packed, largest + 1)) > largest
    if too_large:
        what = f"holds far more bytes than its {page.nbytes:,} bytes of pixels"
        raise DataError(path, what, files.restore(path, COMMAND))


def _expect_kind(path: Path, page: tifffile.TiffPage, what: str) -> None:
    """Raise unless the numbers are bytes that mean what they say: greys or colours, not turned."""
    if page.dtype != np.uint8:
        holds = ""
        if page.dtype.kind == "f" and (count := int(np.isnan(page.asarray()).sum())):
            holds = f" and holds NaN in {count:,} places"
        raise DataError(
            path,
            f"is of type {page.dtype}{holds}, {what} is uint8",
            files.instead(path, "Scale it to 0 to 255 and save it as uint8.", COMMAND),
        )
    kinds = tifffile.PHOTOMETRIC
    if page.photometric == kinds.MINISWHITE:
        raise DataError(
            path,
            "is saved inverted (photometric WhiteIsZero): 0 is white in it",
            "Save it as BlackIsZero, with tumour 255 and all else 0.",
        )
    if page.photometric not in (kinds.MINISBLACK, kinds.RGB):
        name = getattr(page.photometric, "name", page.photometric)
        raise DataError(
            path,
            f"is saved as {name}, so its numbers aren't brightnesses",
            "Save a mask in greys and an image as RGB (Pillow: image.convert('L') or 'RGB').",
        )
    turned = page.tags.get("Orientation")
    if turned is not None and turned.value != 1:
        raise DataError(
            path,
            f"asks for being turned when it is shown (TIFF orientation {turned.value})",
            "Turn its pixels, as its mask's or image's lie, and save it without the tag.",
        )


def _read(path: Path, shape: tuple[int, ...] | None, what: str) -> np.ndarray:
    """Read a TIFF's only page, after its header has said how large it is; None: of any size."""
    size = files.size_of(path, COMMAND, LARGEST)
    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages[0]
            if _has_second(file):
                raise DataError(
                    path,
                    "holds more than one picture, a slice is one",
                    files.instead(path, "Save each slice as a file of its own.", COMMAND),
                )
            _expect_all_tags(path, file, page)
            _expect_shape(path, page, shape, what)
            _expect_no_bomb(path, file, page)
            _expect_kind(path, page, what)
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


def _has_second(file: tifffile.TiffFile) -> bool:
    try:
        return bool(file.pages[1])  # not their number: counting walks through all of them
    except IndexError:
        return False


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
    if start[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return DataError(path, "is a damaged or cut short TIFF", files.restore(path, COMMAND))
    kinds = {b"\x89PNG": "a PNG", b"\xff\xd8\xff": "a JPEG", b"PK\x03\x04": "a ZIP archive"}
    what = f"isn't a TIFF but {files.kind_of(start, kinds)}"
    return DataError(path, what, files.restore(path, COMMAND))
