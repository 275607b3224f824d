"""Reading TIFF slices: what isn't a slice or a mask is told, and nothing unpacks to more than that."""

import random
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
import tifffile

from unet_course.data import tiff
from unet_course.data.layouts import DataError

MASK = np.zeros((256, 256), np.uint8)
MASK[50:80, 50:90] = 255
IMAGE = np.random.default_rng(0).integers(0, 200, (256, 256, 3), np.uint8)


def save(path, array=MASK, **options):
    tifffile.imwrite(path, array, **options)
    return path


def strip_tiff(path, strip, side=256, compression=8):
    """Write a TIFF of one strip, which claims to hold a mask."""
    values = {256: side, 257: side, 258: 8, 259: compression, 262: 1, 273: 8, 277: 1, 278: side}
    tags = [(tag, 4, 1, value) for tag, value in values.items()] + [(279, 4, 1, len(strip))]
    packed = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    start = b"II*\0" + struct.pack("<I", 8 + len(strip)) + strip
    path.write_bytes(start + struct.pack("<H", len(tags)) + packed + bytes(4))
    return path


@pytest.mark.parametrize("form", ["one strip", "a side of 65,536", "PackBits", "4 GB of file"])
def test_a_bomb_takes_no_memory(tmp_path, form):
    path = tmp_path / "x_1_mask.tif"
    deflated = zlib.compress(bytes(2**26), 9)
    if form == "a side of 65,536":
        strip_tiff(path, deflated, side=65536)
    elif form == "PackBits":
        strip_tiff(path, b"\x81\xff" * 2**20, compression=32773)
    else:
        strip_tiff(path, deflated)
    if form == "4 GB of file":
        with open(path, "r+b") as file:
            file.truncate(2**32)
    tracemalloc.start()
    with pytest.raises(DataError, match=r"bytes|shape"):
        tiff.read_mask(path)
    assert tracemalloc.get_traced_memory()[1] < 2e7
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"array": MASK.astype(bool)}, "of type bool"),
        ({"array": MASK.astype(np.uint16)}, "of type uint16"),
        ({"array": np.where(MASK, np.nan, 0).astype(np.float32)}, "holds NaN in 1,200 places"),
        ({"array": MASK // 2}, "the values 0, 127, where 0 and 255"),
        ({"array": 255 - MASK, "photometric": "miniswhite"}, "saved inverted"),
        ({"photometric": "palette", "colormap": np.zeros((3, 256), np.uint16)}, "as PALETTE"),
        ({"extratags": [(274, 3, 1, 4, True)]}, "orientation 4"),
        (
            {"array": np.stack([MASK] * 3, -1), "photometric": "rgb"},
            "256×256×3, a mask has 256×256",
        ),
        ({"array": np.stack([MASK] * 2)}, "more than one picture"),
    ],
)
def test_what_is_no_mask_is_told(tmp_path, options, words):
    with pytest.raises(DataError, match=words) as error:
        tiff.read_mask(save(tmp_path / "x_1_mask.tif", **options))
    assert "stopped half-way" not in error.value.cure  # it is whole, and may be one's own


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"array": MASK}, "Save pre-contrast, FLAIR, post-contrast as its three channels"),
        ({"array": np.moveaxis(IMAGE, -1, 0), "planarconfig": "separate"}, "channels last"),
        ({"array": np.dstack([IMAGE, MASK]), "extrasamples": ["unassalpha"]}, "3 channels alone"),
        ({"array": IMAGE[:200]}, "Crop it or resample it to 256×256×3"),
        ({"array": IMAGE, "photometric": "cielab"}, "image as RGB"),
    ],
)
def test_the_cure_fits_the_likely_cause(tmp_path, options, words):
    options = {"photometric": "rgb"} | options
    if options["array"].ndim == 2:
        options["photometric"] = "minisblack"
    with pytest.raises(DataError) as error:
        tiff.read_image(save(tmp_path / "x_1.tif", **options))
    assert words in error.value.cure


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("reader", [tiff.read_image, tiff.read_mask])
def test_a_mutated_file_gives_a_clear_error_or_a_slice(tmp_path, reader, compression):
    """60 seeded mutations: a DataError that names the file, or an array of the right size."""
    image = reader is tiff.read_image
    options = {"photometric": "rgb" if image else "minisblack", "compression": compression}
    path = save(tmp_path / "x_1.tif", IMAGE if image else MASK, **options)
    good, rng = path.read_bytes(), random.Random(0)
    errors = 0
    for _ in range(60):
        data = bytearray(good)
        for _ in range(rng.randint(1, 6)):
            near = min(400, len(data)) if rng.random() < 0.7 else len(data)
            data[rng.randrange(near)] = rng.randrange(256)
        path.write_bytes(data[: rng.randrange(len(data))] if rng.random() < 0.2 else data)
        try:
            assert reader(path).shape == ((256, 256, 3) if image else (256, 256))
        except DataError as error:
            errors += 1
            assert str(path) in str(error) and error.cure
    assert errors > 10
