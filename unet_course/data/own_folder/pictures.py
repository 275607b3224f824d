"""A patient's slices as PNG or TIFF pictures of any size."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from unet_course.data import files, identity, tiff
from unet_course.data.layouts import DataError

COMMAND = "data check"


@dataclass(frozen=True)
class OwnPatient:
    """A patient's slices in one's own pictures; used as `lgg.Patient` is."""

    id: str
    folder: Path
    numbers: tuple[int, ...]
    institution: str
    names: tuple[str, ...]  # of the channels; empty where one picture holds them
    images: tuple[tuple[Path, ...], ...]  # of each slice, a file a channel
    masks: tuple[Path, ...]
    missing: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"OwnPatient({self.id}, {len(self.numbers)} slices)"

    @cached_property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels; where one picture holds them, by how many there are in the first."""
        if self.names:
            return self.names
        count = self.read_image(self.numbers[0]).shape[-1]
        return ("image",) if count == 1 else tuple(f"channel{i + 1}" for i in range(count))

    def image_path(self, number: int) -> Path:
        """Path of a slice's image, of its first channel where each has a file."""
        return self.images[self.numbers.index(number)][0]

    def mask_path(self, number: int) -> Path:
        """Path of a slice's mask."""
        return self.masks[self.numbers.index(number)]

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """Read all slices.

        Returns:
            Images, uint8 (slices, rows, columns, channels), and masks, uint8 (slices, rows,
            columns), 1 where tumour is and 0 elsewhere.

        Raises:
            DataError: a file is missing or damaged, or has another size or number of channels than the
                patient's first; the message names it and the cure.
        """
        return np.stack([self.read_image(n) for n in self.numbers]), self.read_masks()

    def read_image(self, number: int) -> np.ndarray:
        """Read one slice's image: uint8 (rows, columns, channels). Raises as `read` does."""
        first = self._size
        parts = []
        for path in self.images[self.numbers.index(number)]:
            part = read_picture(path)
            if self.names and part.shape[-1] != 1:
                cure = (
                    "A column of its own holds one channel: save it in greys, or name it `image`."
                )
                raise DataError(path, f"has {part.shape[-1]} channels, not 1", cure)
            _expect_size(path, part, (*first[:2], 1) if self.names else first, self.images[0][0])
            parts.append(part)
        return np.concatenate(parts, axis=-1)

    def read_masks(self) -> np.ndarray:
        """Read the masks alone: uint8 (slices, rows, columns), 0 and 1. Raises as `read` does."""
        masks = []
        for path in self.masks:
            mask = read_mask(path)
            _expect_size(path, mask, self._size[:2], self.images[0][0])
            masks.append(mask)
        return np.stack(masks)

    @cached_property
    def _size(self) -> tuple[int, int, int]:
        return read_picture(self.images[0][0]).shape

    @cached_property
    def tumour_pixels(self) -> tuple[int, ...]:
        """Tumour pixels of each slice, in the order of `numbers`. Raises as `read` does."""
        return tuple(self.read_masks().sum(axis=(1, 2), dtype=int).tolist())

    def scan_key(self) -> str:
        """What tells this scan from others, whatever its id (`identity.scan_key`), by a middle slice."""
        image = self.read_image(self.numbers[len(self.numbers) // 2])
        channel = self.channels.index("FLAIR") if "FLAIR" in self.channels else 0
        return identity.scan_key(image[..., channel])


def read_picture(path: Path) -> np.ndarray:
    """Read a PNG or TIFF: uint8 (rows, columns, 1 or 3).

    Raises:
        DataError: it is missing or damaged, holds another type (16 bits, a palette) or transparency.
    """
    if path.suffix.lower() != ".png":
        array = tiff.read_picture(path)
        return array[..., None] if array.ndim == 2 else array
    files.size_of(path, COMMAND, tiff.LARGEST)
    try:
        _expect_size_in_header(path)
        with Image.open(path, formats=["PNG"]) as picture:
            _expect_greys_or_colours(path, picture)
            picture.load()
            array = np.array(picture)
    except DataError:
        raise
    except OSError as error:  # Pillow's own for a damaged file, or the system's
        if error.errno is not None:
            raise files.unopened(path, error, COMMAND) from error
        what = "isn't a PNG" if "identify" in str(error) else "is a damaged or cut short PNG"
        raise DataError(path, what, files.restore(path, COMMAND)) from error
    except Exception as error:  # and whatever else the damage trips over
        raise DataError(path, "is a damaged PNG", files.restore(path, COMMAND)) from error
    return array[..., None] if array.ndim == 2 else array


def _expect_size_in_header(path: Path) -> None:
    """Raise where a PNG's header promises too many pixels, before Pillow looks at it."""
    with open(path, "rb") as file:
        head = file.read(24)
    if head[12:16] == b"IHDR" and max(sides := struct.unpack(">II", head[16:])) > tiff.LARGEST_SIDE:
        what = f"has {sides[0]:,}×{sides[1]:,} pixels"
        raise DataError(path, what, f"At most {tiff.LARGEST_SIDE:,} a side are read: shrink it.")


def _expect_greys_or_colours(path: Path, picture: Image.Image) -> None:
    """Raise unless a PNG's header promises bytes that are brightnesses."""
    mode, wanted = (
        picture.mode,
        "Save it in 8-bit greys or as RGB (Pillow: image.convert('L') or 'RGB').",
    )
    if mode in ("L", "RGB") and "transparency" not in picture.info:
        return
    if mode.startswith("I") or mode == "F":
        what = "has 16 bits a pixel, a picture is read with 8"
        cure = "Scale it to 0 to 255, by the same rule for all of a patient's slices, and save it as uint8."
        raise DataError(path, what, cure)
    if mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        what = f"has a channel for transparency ({mode}), which is no brightness"
        raise DataError(path, what, f"Leave that channel out. {wanted}")
    kinds = {
        "P": "colours from a palette, so its numbers aren't brightnesses",
        "1": "1 bit a pixel",
    }
    raise DataError(path, f"has {kinds.get(mode, f'the kind {mode}')}", wanted)


def read_mask(path: Path) -> np.ndarray:
    """Read a mask, PNG or TIFF in greys, 0 and 255 or 0 and 1: uint8 (rows, columns), 0 and 1.

    Raises:
        DataError: as `read_picture`, and where the file holds colours or other values.
    """
    array = read_picture(path)
    if array.shape[-1] != 1:
        cure = "Save it in greys, with one channel (Pillow: image.convert('L'))."
        raise DataError(path, f"a mask with {array.shape[-1]} channels, not 1", cure)
    return tiff.as_mask(path, array[..., 0])


def _expect_size(path: Path, array: np.ndarray, size: tuple[int, ...], first: Path) -> None:
    if array.shape != size:
        got, wanted = ("×".join(map(str, sizes)) for sizes in (array.shape, size))
        cure = (
            "A patient's pictures and masks have one size and as many channels each: crop them, or "
        )
        cure += "resample them (masks by nearest neighbours)."
        raise DataError(path, f"has the shape {got}, not {wanted}, as {first} has it", cure)
