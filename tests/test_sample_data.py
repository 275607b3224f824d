"""The sample on disk: layout, quirks, repeatability, locking, interruption."""

import csv
import hashlib
import multiprocessing
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile

from unet_course import storage
from unet_course.synthetic import lgg_patient, sample_data

REAL_HEADER = (
    "Patient,RNASeqCluster,MethylationCluster,miRNACluster,CNCluster,RPPACluster,OncosignCluster,"
    "COCCluster,histological_type,neoplasm_histologic_grade,tumor_tissue_site,laterality,"
    "tumor_location,gender,age_at_initial_pathologic,race,ethnicity,death01"
)


def digest(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two patients, as `make_lgg` writes them."""
    return sample_data.make_lgg(tmp_path_factory.mktemp("pair"), 2, seed=0, progress=False)


def small_patient(seed, number):
    """Stands in for the slow part where only files and locks are on trial."""
    plan = lgg_patient.lgg_plan(seed, number)
    rng = np.random.default_rng([seed, number])
    images = rng.integers(0, 255, (2, 256, 256, 3), np.uint8)
    return plan, images, np.zeros((2, 256, 256), np.uint8)


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(lgg_patient, "lgg_patient", small_patient)


def test_layout_is_that_of_kaggle(pair):
    assert pair.name == "kaggle_3m"
    folders = sorted(p for p in pair.iterdir() if p.is_dir())
    assert len(folders) == 2
    for folder in folders:
        assert re.fullmatch(r"SYN_(CS|DU|FG|HT|EZ)_\d{4}_\d{8}", folder.name)
        count = len(list(folder.iterdir())) // 2
        assert count >= 20
        tumour = []
        for n in range(1, count + 1):
            image = tifffile.imread(folder / f"{folder.name}_{n}.tif")
            mask = tifffile.imread(folder / f"{folder.name}_{n}_mask.tif")
            assert image.shape == (256, 256, 3) and image.dtype == np.uint8
            assert mask.shape == (256, 256) and mask.dtype == np.uint8
            assert set(np.unique(mask)) <= {0, 255}
            tumour.append(mask.any())
        assert any(tumour) and not tumour[0] and not tumour[-1]
        with tifffile.TiffFile(folder / f"{folder.name}_1.tif") as file:
            page = file.pages[0]
            assert page.compression.name == "NONE" and page.photometric.name == "RGB"


def test_table_has_the_real_header_and_ids_without_date(pair):
    lines = (pair / "data.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == REAL_HEADER
    ids = [row["Patient"] for row in csv.DictReader(lines)]
    folders = sorted(p.name.rsplit("_", 1)[0] for p in pair.iterdir() if p.is_dir())
    assert sorted(ids) == folders


def test_pictures_look_like_heads_with_a_bright_tumour(pair):
    for folder in (p for p in pair.iterdir() if p.is_dir()):
        count = len(list(folder.glob("*_mask.tif")))
        images = [tifffile.imread(folder / f"{folder.name}_{n}.tif") for n in range(1, count + 1)]
        masks = [
            tifffile.imread(folder / f"{folder.name}_{n}_mask.tif") for n in range(1, count + 1)
        ]
        images, masks = np.stack(images), np.stack(masks) > 0
        assert 0.0005 < masks.mean() < 0.06
        flair = images[..., 1]
        centre = np.zeros_like(masks)
        centre[:, 90:166, 90:166] = masks.any((1, 2))[:, None, None]
        around = flair[centre & ~masks]
        assert np.median(flair[masks]) > 1.1 * np.median(around[around > 10])
        assert np.median(flair[:, :8, :8]) < 12


def test_same_seed_same_bytes_whatever_the_number_of_patients(pair, tmp_path):
    alone = digest(sample_data.make_lgg(tmp_path, 1, seed=0, progress=False))
    both = digest(pair)
    del alone["data.csv"]
    assert alone and all(both[name] == value for name, value in alone.items())


def test_other_seed_other_patients(pair):
    _, images, _ = lgg_patient.lgg_patient(1, 1)
    first = next(p for p in sorted(pair.iterdir()) if p.name.startswith("SYN_HT_0002"))
    other = tifffile.imread(first / f"{first.name}_12.tif")
    assert not np.array_equal(images[11], other)


def test_sixteen_patients_have_every_quirk():
    for seed in (0, 7):
        plans = [lgg_patient.lgg_plan(seed, k) for k in range(16)]
        assert {plan.institution for plan in plans} == set(lgg_patient.INSTITUTIONS)
        assert {plan.missing for plan in plans} >= {
            (),
            ("post-contrast",),
            ("pre-contrast", "post-contrast"),
        }
        assert sum(not plan.clinical for plan in plans) == 1
        assert any(plan.tinted for plan in plans) and any(plan.partial for plan in plans)
        assert min(p.slices for p in plans) < 28 and max(p.slices for p in plans) > 60
        volumes = [plan.volume for plan in plans]
        assert max(volumes) > 8 * min(volumes)
        assert len({plan.id for plan in plans}) == 16


def test_missing_sequences_are_filled_with_flair():
    plan, images, _ = lgg_patient.lgg_patient(0, 5)
    assert plan.missing == ("pre-contrast", "post-contrast")
    assert np.array_equal(images[..., 0], images[..., 1])
    assert np.array_equal(images[..., 2], images[..., 1])


def test_patient_without_clinical_data_keeps_a_row(quick, tmp_path):
    root = sample_data.make_lgg(tmp_path, 16, progress=False)
    with open(root / "data.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    blank = [row for row in rows if row["age_at_initial_pathologic"] == ""]
    assert len(rows) == 16 and len(blank) == 1 and blank[0]["miRNACluster"] != ""


def test_root_is_cached_and_named_after_what_is_in_it(quick, tmp_path, monkeypatch):
    monkeypatch.setenv("UNET_COURSE_CACHE", str(tmp_path))
    first = sample_data.lgg_root(seed=3, patients=2, progress=False)
    assert first.parent.name == f"lgg-v{sample_data.VERSION}-seed3-2"
    before = (first / "data.csv").stat().st_mtime_ns
    assert sample_data.lgg_root(seed=3, patients=2, progress=False) == first
    assert (first / "data.csv").stat().st_mtime_ns == before
    assert sample_data.lgg_root(seed=4, patients=2, progress=False) != first


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_interrupted_making_leaves_nothing(error, quick, tmp_path, monkeypatch):
    def break_off(seed, number):
        if number == 2:
            raise error
        return small_patient(seed, number)

    monkeypatch.setattr(lgg_patient, "lgg_patient", break_off)
    with pytest.raises(error):
        sample_data.make_lgg(tmp_path, 4, progress=False)
    assert [p.name for p in tmp_path.iterdir() if p.is_dir()] == []
    monkeypatch.setattr(lgg_patient, "lgg_patient", small_patient)
    assert len(list(sample_data.make_lgg(tmp_path, 4, progress=False).iterdir())) == 5


def test_existing_folder_is_refused_with_the_cure(quick, tmp_path):
    made = sample_data.make_lgg(tmp_path, 1, progress=False)
    with pytest.raises(FileExistsError, match=re.escape(str(made)) + ".*Delete it or choose"):
        sample_data.make_lgg(tmp_path, 1, progress=False)


@pytest.mark.parametrize(("patients", "seed"), [(0, 0), (-1, 0), (1, -1)])
def test_bad_numbers_are_named(patients, seed, tmp_path):
    with pytest.raises(ValueError, match=r"must be .* or more, got"):
        sample_data.make_lgg(tmp_path, patients, seed)


def _make_slowly(cache: str, gate, made) -> None:
    """In a process of its own: make the sample, note whether this one made it."""
    os.environ["UNET_COURSE_CACHE"] = cache

    def slow(seed, number):
        made.value += 1
        time.sleep(0.2)
        return small_patient(seed, number)

    lgg_patient.lgg_patient = slow
    sample_data.average_head = lambda: None
    gate.wait(60)
    root = sample_data.lgg_root(patients=3, progress=False)
    assert len(list(root.iterdir())) == 4


def test_two_processes_at_once_make_it_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    gate, made = context.Barrier(2), context.Value("i", 0)
    both = [
        context.Process(target=_make_slowly, args=(str(tmp_path), gate, made)) for _ in range(2)
    ]
    for process in both:
        process.start()
    for process in both:
        process.join(120)
    assert [process.exitcode for process in both] == [0, 0]
    assert made.value == 3


KILLED = """
import time
from unet_course.synthetic import lgg_patient, sample_data
import numpy as np
def slow(seed, number):
    if number:
        time.sleep(60)
    images = np.zeros((2, 256, 256, 3), np.uint8)
    return lgg_patient.lgg_plan(seed, number), images, images[..., 0]
lgg_patient.lgg_patient, sample_data.average_head = slow, lambda: None
sample_data.lgg_root(patients=2, progress=False)
"""


def test_killed_making_is_swept_up_next_time(quick, tmp_path, monkeypatch):
    monkeypatch.setenv("UNET_COURSE_CACHE", str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", KILLED])
    until = time.monotonic() + 60
    while time.monotonic() < until and not list(tmp_path.rglob("*_2_mask.tif")):
        assert process.poll() is None
        time.sleep(0.1)
    process.kill()
    process.wait(30)
    assert list(tmp_path.rglob("*-making-*")) and not list(tmp_path.rglob("kaggle_3m"))
    root = sample_data.lgg_root(patients=2, progress=False)
    assert len(list(root.iterdir())) == 3
    assert not list(tmp_path.rglob("*-making-*"))


# --- a damaged sample -----------------------------------------------------------------------------


def test_a_sample_that_lost_a_file_is_made_again(quick, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("UNET_COURSE_CACHE", str(tmp_path))
    folder = sample_data.lgg_root(patients=1, progress=False)
    first = sorted(folder.rglob("*.tif"))[0]
    good = first.read_bytes()
    for harm in (first.unlink, lambda: first.write_bytes(b"")):
        harm()
        assert sample_data.lgg_root(patients=1, progress=False) == folder
        assert first.read_bytes() == good
        assert f"damaged ({first.parent.name}/{first.name})" in capsys.readouterr().out
    sample_data.lgg_root(patients=1, progress=False)
    assert capsys.readouterr().out == ""


def test_every_flipped_byte_of_a_sample_is_found(quick, tmp_path):
    folder = sample_data.make_lgg(tmp_path, patients=1, progress=False)
    assert sample_data.damaged_file(folder) == ""
    rng = np.random.default_rng(0)
    for path in rng.choice(sorted(folder.rglob("*.*")), 10):
        good = path.read_bytes()
        data = bytearray(good)
        data[rng.integers(len(data))] ^= 1
        path.write_bytes(data)
        assert sample_data.damaged_file(folder) == path.relative_to(folder).as_posix()
        path.write_bytes(good)
    (tmp_path / f".{folder.name}.checksums.json").write_text("[")
    assert "can't be read" in sample_data.damaged_file(folder, thorough=False)


def test_without_room_the_folder_and_the_cure_are_named(quick, tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise OSError("196608 requested and 171808 written")  # as NumPy says it

    monkeypatch.setattr(sample_data.tifffile, "imwrite", full)
    with pytest.raises(
        OSError, match=r"can't be written to .* the disk is full.*UNET_COURSE_CACHE"
    ):
        sample_data.make_lgg(tmp_path, patients=1, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == [".kaggle_3m.lock"]


def test_data_sample_mends_a_damaged_sample(quick, tmp_path, monkeypatch):
    monkeypatch.setenv("UNET_COURSE_CACHE", str(tmp_path))
    folder = sample_data.lgg_root(patients=1, progress=False)
    monkeypatch.setattr(sample_data, "_lgg_place", lambda *_: folder)
    path = sorted(folder.rglob("*.tif"))[3]
    good = path.read_bytes()
    path.write_bytes(bytes([good[0] ^ 1]) + good[1:])
    sample_data.drop_damaged_samples()
    assert not folder.exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes")
@pytest.mark.parametrize("kind", ["pipe", "device", "loop", "folder", "brackets", "another folder"])
@pytest.mark.parametrize("which", ["sample", "checksums", "table"])
def test_whatever_is_in_the_samples_place_is_replaced(quick, tmp_path, monkeypatch, which, kind):
    monkeypatch.setenv("UNET_COURSE_CACHE", str(tmp_path / "cache"))
    folder = sample_data.lgg_root(patients=1, progress=False)
    good = (folder / "data.csv").read_bytes()
    path = {"sample": folder, "checksums": sample_data._checksums_of(folder)}.get(which)
    path = path or folder / "data.csv"
    storage.remove(path)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "brackets":
        path.write_bytes(b"[" * 10**5)
    elif kind == "another folder":
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "notes.txt").write_text("mine")
        path.symlink_to(tmp_path / "mine")
    else:
        path.symlink_to("/dev/zero" if kind == "device" else path.name)
    assert sample_data.lgg_root(patients=1, progress=False) == folder
    assert (folder / "data.csv").read_bytes() == good
    if kind == "another folder":
        assert (tmp_path / "mine" / "notes.txt").exists()
