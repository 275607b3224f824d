"""Reading NIfTI files: no more than the header claims, and whatever is wrong is told."""

import bz2
import gzip
import os
import random
import struct
import tracemalloc

import nibabel
import numpy as np
import pytest
from brats_files import SHAPE, brain, save

from unet_course import runtime
from unet_course.data import nifti
from unet_course.data.layouts import DataError


@pytest.fixture
def path(tmp_path):
    return save(tmp_path / "a.nii.gz", brain()["T1"])


def test_a_plain_file_of_12_gb_is_refused_by_its_header(tmp_path):
    image = nibabel.Nifti1Image(np.zeros((2, 2, 2), np.int16), np.eye(4))
    head = bytearray(image.to_bytes()[:352])
    struct.pack_into("<4h", head, 40, 3, 1800, 1800, 1800)
    path = tmp_path / "large.nii"
    path.write_bytes(head)
    os.truncate(path, 12 * 10**9)  # sparse: it takes no room on the disk
    tracemalloc.start()
    with pytest.raises(DataError, match=r"claims 11\.7 GB of voxels \(1800×1800×1800, int16\)"):
        nifti.read(path)
    assert tracemalloc.get_traced_memory()[1] < 10e6
    tracemalloc.stop()


def test_a_packed_file_that_unpacks_to_more_than_it_claims_is_not_read_to_its_end(tmp_path):
    volume = nibabel.Nifti1Image(brain()["T1"], np.eye(4)).to_bytes()
    path = tmp_path / "bomb.nii.gz"
    with gzip.open(path, "wb", 1) as file:
        file.write(volume)
        for _ in range(16):
            file.write(bytes(2**22))
    tracemalloc.start()
    with pytest.raises(DataError, match="goes on for more than"):
        nifti.read(path)
    assert tracemalloc.get_traced_memory()[1] < 10e6
    tracemalloc.stop()


def test_a_long_extension_of_the_header_is_read(tmp_path):
    image = nibabel.Nifti1Image(brain()["T1"], np.eye(4))
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"x" * 200_000))
    nibabel.save(image, tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(nifti.read(tmp_path / "a.nii.gz").array, brain()["T1"])
    np.testing.assert_array_equal(nifti.read_affine(tmp_path / "a.nii.gz"), np.eye(4))
    assert len(nifti.read_header(tmp_path / "a.nii.gz").extensions) == 1


@pytest.mark.parametrize(
    ("pack", "words"),
    [(gzip.compress, "a gzip file within a gzip file"), (bz2.compress, "a bzip2 file")],
)
def test_a_file_packed_twice_or_otherwise_is_told_as_such(path, pack, words):
    data = path.read_bytes()
    path.write_bytes(pack(data if pack is gzip.compress else gzip.decompress(data)))
    with pytest.raises(DataError, match=words) as error:
        nifti.read(path)
    assert "Unpack it first" in error.value.cure


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_named_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.nii")
    for read in (nifti.read, nifti.read_affine):
        with pytest.raises(DataError, match="a named pipe where a file should be"):
            read(tmp_path / "a.nii")


def test_the_cure_for_a_sample_file_is_to_make_the_sample_again(path):
    inside = save(runtime.cache_dir() / "brats-sample" / "a.nii.gz", brain()["T1"])
    for file, words in ((path, "If it is your own"), (inside, "unet-course data sample")):
        file.write_bytes(b"")
        with pytest.raises(DataError, match="the file is empty") as error:
            nifti.read(file)
        assert words in error.value.cure


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_a_mutated_file_gives_a_clear_error_or_a_volume(tmp_path, ending):
    """60 seeded mutations: never anything but a DataError or an array of whole numbers."""
    path = save(tmp_path / f"a{ending}", brain()["T1"])
    good, rng = path.read_bytes(), random.Random(0)
    errors = 0
    for _ in range(60):
        data = bytearray(good)
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(400 if rng.random() < 0.7 else len(data))] = rng.randrange(256)
        if rng.random() < 0.2:
            data = data[: rng.randrange(len(data))]
        path.write_bytes(data)
        try:
            found = nifti.read(path)
        except DataError as error:
            errors += 1
            assert str(path) in str(error) and error.cure
        else:
            assert found.array.size == np.prod(SHAPE) or found.array.ndim
    assert errors > 10


def header_with(path, form, at, *values):
    """A plain NIfTI with other bytes in its header."""
    data = bytearray(nibabel.Nifti1Image(brain()["T1"], np.diag([-1, -1, 1, 1.0])).to_bytes())
    struct.pack_into(form, data, at, *values)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("form", "at", "values", "words"),
    [
        ("<2f", 112, (1, np.nan), "is scaled by 1 and nan"),
        ("<2f", 112, (np.inf, 0), "is scaled by inf and 0"),
        ("<f", 108, (-1,), "would begin at byte -1"),
        ("<f", 108, (1e30,), "would begin at byte"),
        ("<h", 70, (1792,), "cut short"),
        ("<h", 70, (9999,), "data code 9999"),
        ("<12f", 280, (0,) * 12, "an affine that isn't one"),
        ("<4h", 40, (3, 24, -22, 16), "no voxels"),
        ("<4s", 344, (b"ni1",), "half of a .hdr/.img pair"),
    ],
)
def test_what_a_header_cannot_say_is_told(tmp_path, capfd, form, at, values, words):
    with pytest.raises(DataError, match=words):
        nifti.read(header_with(tmp_path / "a.nii", form, at, *values))
    assert capfd.readouterr().err == ""  # nibabel's own words aren't news


@pytest.mark.parametrize(
    ("form", "at", "values"),
    [("<2f", 112, (0, 0)), ("<2f", 112, (np.nan, np.nan)), ("<f", 108, (0,)), ("<h", 72, (8,))],
)
def test_what_a_header_leaves_open_is_the_standards(tmp_path, capfd, form, at, values):
    """No scaling; voxels right behind the header; the type counts, not the bits."""
    path = header_with(tmp_path / "a.nii", form, at, *values)
    np.testing.assert_array_equal(nifti.read(path).array, brain()["T1"])
    assert capfd.readouterr().err == ""


def test_half_of_a_nifti_2_pair_is_told(tmp_path):
    nibabel.save(nibabel.Nifti2Pair(brain()["T1"], np.eye(4)), tmp_path / "a.hdr")
    with pytest.raises(DataError, match=r"half of a \.hdr"):
        nifti.read(tmp_path / "a.hdr")
