"""`data check`: every fault is named with its file and a cure, and a sound folder passes."""

import json
import os
import re
from contextlib import contextmanager

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lgg_files import write_patient, write_set

from unet_course.commands.check.check_lgg import check_lgg
from unet_course.data import lgg, tiff
from unet_course.data.layouts import DataError

NAME = "TCGA_DU_0002_20000101"


@pytest.fixture
def folder(tmp_path):
    """A sound set of three patients."""
    return write_set(tmp_path)


def only_problem(root, path, *words):
    """The report has one problem, at this path, with these words, and a cure."""
    report = check_lgg(root)
    assert [problem.path for problem in report.problems] == [path], report.table()
    problem = report.problems[0]
    for word in words:
        assert word in problem.what
    assert problem.cure
    text = report.table()
    for part in (str(path), problem.what, problem.cure):
        assert part in text
    assert report.json()["sound"] is False
    return report


# --- sound folders ------------------------------------------------------------------------------


def test_a_sound_folder_passes_with_a_table(folder):
    report = check_lgg(folder)
    assert report.problems == []
    assert len(report.rows) == 3
    assert (report.total("slices"), report.total("tumour_slices")) == (9, 6)
    text = report.table()
    assert re.search(r"TCGA_DU_0002_20000101 +3 +2 ", text)
    assert "256×256×3" in text
    assert "3 in all" in text
    assert "3 of the published 110 patients, 9 of 3,929 slices, 6 of 1,373 with tumour" in text
    assert text.endswith("No problem found.")


def test_the_report_as_json(folder):
    found = json.loads(json.dumps(check_lgg(folder).json()))
    assert found["sound"] is True
    assert (found["patients"], found["slices"], found["tumour_slices"]) == (3, 9, 6)
    assert found["rows"][0]["id"] == "TCGA_CS_0001"
    assert found["problems"] == []
    assert found["published"] == {"patients": 110, "slices": 3929, "tumour_slices": 1373}


def test_masks_of_0_and_1_are_sound(tmp_path):
    write_patient(tmp_path, high=1)
    assert check_lgg(tmp_path).problems == []


def test_no_table_is_a_note_and_a_patient_without_row_too(tmp_path):
    folder = write_set(tmp_path, table=False)
    report = check_lgg(folder)
    assert report.problems == []
    assert any("No data.csv" in note for note in report.notes)
    (folder / "data.csv").write_text("Patient;a\nTCGA_CS_0001;1\n", encoding="utf-8")
    report = check_lgg(folder)
    assert report.problems == []
    assert "Without a row in data.csv: TCGA_DU_0002, TCGA_FG_0003." in report.notes


def test_two_equal_copies_count_once(tmp_path):
    write_set(tmp_path)
    write_set(tmp_path / "lgg-mri-segmentation")
    report = check_lgg(tmp_path)
    assert report.problems == []
    assert report.total("slices") == 9
    assert "More than one copy of 3 patients: counted once." in report.notes


def test_two_copies_that_differ_are_named(tmp_path):
    write_set(tmp_path)
    other = write_set(tmp_path / "lgg-mri-segmentation")
    path = other / NAME / f"{NAME}_2.tif"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    only_problem(tmp_path, path, "differs from the other copy")
    path.write_bytes(b"")
    only_problem(tmp_path, path, "empty")
    path.unlink()
    (other / NAME / f"{NAME}_2_mask.tif").unlink()
    report = check_lgg(tmp_path)
    assert [p.path.name for p in report.problems] == [f"{NAME}_2.tif", f"{NAME}_2_mask.tif"]
    assert report.total("slices") == 9


def test_a_second_scan_of_a_patient_is_noted(tmp_path):
    write_patient(tmp_path)
    write_patient(tmp_path, "TCGA_CS_0001_20010101", slices=2)
    report = check_lgg(tmp_path)
    assert report.total("slices") == 3
    assert any("another scan of TCGA_CS_0001" in note for note in report.notes)


def test_foreign_files_are_no_fault_and_odd_tiffs_are_noted(folder):
    for name in ("._x.tif", ".DS_Store", "Thumbs.db", "notes.txt", f"{NAME}_2 (1).tif"):
        (folder / NAME / name).write_text("x", encoding="utf-8")
    report = check_lgg(folder)
    assert report.problems == []
    noted = [note for note in report.notes if "passed over" in note]
    assert len(noted) == 1
    assert f"{NAME}_2 (1).tif" in noted[0]
    assert "._x.tif" not in noted[0]


def test_linked_folders_are_followed(folder, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    try:
        (data / "set").symlink_to(folder, target_is_directory=True)
        (data / "loop").symlink_to(data, target_is_directory=True)
    except OSError:
        pytest.skip("this system doesn't let an ordinary user make links")
    report = check_lgg(data)
    assert report.problems == []
    assert len(report.rows) == 3


def test_long_names_are_neither_wrapped_nor_cut(tmp_path):
    deep = tmp_path / ("a" * 90) / ("b" * 80)
    path = write_patient(deep) / "TCGA_CS_0001_20000101_1.tif"
    path.write_bytes(b"")
    assert f"  {path}\n" in check_lgg(tmp_path).table()


# --- each planted fault -------------------------------------------------------------------------


def test_empty_file(folder):
    path = folder / NAME / f"{NAME}_2.tif"
    path.write_bytes(b"")
    only_problem(folder, path, "empty")


@pytest.mark.parametrize("end", ["_2.tif", "_2_mask.tif"])
@pytest.mark.parametrize("share", [0.001, 0.5, 0.999])
def test_truncated_file(folder, end, share):
    path = folder / NAME / f"{NAME}{end}"
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    only_problem(
        folder, path, f"{int(len(data) * share):,} bytes of" if share > 0.1 else "cut short"
    )


def test_text_in_place_of_a_tiff(folder):
    path = folder / NAME / f"{NAME}_2_mask.tif"
    path.write_text("version https://git-lfs.github.com/spec/v1\n", encoding="utf-8")
    only_problem(folder, path, "isn't a TIFF but text", "version https")


@pytest.mark.parametrize(
    ("start", "kind"), [(b"\x89PNG\r\n", "a PNG"), (b"PK\x03\x04", "a ZIP"), (b"\0\1\2", "else")]
)
def test_another_kind_of_file(folder, start, kind):
    path = folder / NAME / f"{NAME}_2.tif"
    path.write_bytes(start + bytes(100))
    only_problem(folder, path, "isn't a TIFF", kind)


def test_image_without_mask(folder):
    (folder / NAME / f"{NAME}_2_mask.tif").unlink()
    only_problem(folder, folder / NAME / f"{NAME}_2.tif", "without its mask", f"{NAME}_2_mask.tif")


def test_mask_without_image(folder):
    (folder / NAME / f"{NAME}_2.tif").unlink()
    only_problem(folder, folder / NAME / f"{NAME}_2_mask.tif", "without its image")


@pytest.mark.parametrize("number", [1, 2])
def test_gap_in_the_numbering(folder, number):
    for end in (".tif", "_mask.tif"):
        (folder / NAME / f"{NAME}_{number}{end}").unlink()
    only_problem(folder, folder / NAME / f"{NAME}_{number}.tif", "gap", "runs to 3")


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((128, 128, 3), np.uint8), ["128×128×3", "256×256×3"]),
        (np.zeros((256, 256), np.uint8), ["256×256,", "256×256×3"]),
        (np.zeros((256, 256, 4), np.uint8), ["256×256×4"]),
        (np.zeros((256, 256, 3), np.uint16), ["uint16", "uint8"]),
        (np.zeros((256, 256, 3), np.float32), ["float32", "uint8"]),
        (np.zeros((2, 256, 256, 3), np.uint8), ["more than one picture"]),
    ],
)
def test_image_of_another_shape_or_type(folder, array, words):
    path = folder / NAME / f"{NAME}_2.tif"
    rgb = {"photometric": "rgb"} if array.shape[-1] in (3, 4) else {}
    tifffile.imwrite(path, array, **rgb)
    only_problem(folder, path, *words)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((255, 256), np.uint8), ["255×256"]),
        (np.zeros((256, 256, 3), np.uint8), ["256×256×3"]),
        (np.zeros((256, 256), np.int16), ["int16"]),
        (np.zeros((256, 256), bool), ["bool"]),
    ],
)
def test_mask_of_another_shape_or_type(folder, array, words):
    path = folder / NAME / f"{NAME}_2_mask.tif"
    tifffile.imwrite(path, array, **({"photometric": "rgb"} if array.ndim == 3 else {}))
    only_problem(folder, path, *words)


@pytest.mark.parametrize("end", ["_2.tif", "_2_mask.tif"])
def test_nan(folder, end):
    array = np.zeros((256, 256) if "mask" in end else (256, 256, 3), np.float32)
    array[3, 4] = np.nan
    path = folder / NAME / f"{NAME}{end}"
    tifffile.imwrite(path, array, **({"photometric": "rgb"} if array.ndim == 3 else {}))
    only_problem(folder, path, "NaN", "float32")


@pytest.mark.parametrize("values", [(0, 1, 255), (0, 128), (0, 2), (7,), (0, 254), (128, 255)])
def test_mask_with_other_values(folder, values):
    mask = np.resize(np.array(values, np.uint8), (256, 256))
    path = folder / NAME / f"{NAME}_2_mask.tif"
    tifffile.imwrite(path, mask)
    only_problem(folder, path, ", ".join(map(str, values)), "0 and 255")


@given(values=st.sets(st.integers(0, 255), min_size=1, max_size=5))
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
def test_exactly_the_masks_of_0_255_or_0_1_are_taken(tmp_path, values):
    path = tmp_path / "mask.tif"
    mask = np.resize(np.array(sorted(values), np.uint8), (256, 256))
    tifffile.imwrite(path, mask)
    if values <= {0, 255} or values <= {0, 1}:
        assert np.array_equal(lgg.read_mask(path), mask > 0)
    else:
        with pytest.raises(DataError, match="values"):
            lgg.read_mask(path)


@pytest.mark.parametrize("end", ["_2.tif", "_2_mask.tif"])
def test_a_directory_where_a_file_should_be(folder, end):
    path = folder / NAME / f"{NAME}{end}"
    path.unlink()
    path.mkdir()
    only_problem(folder, path, "a folder where a file should be")


def test_a_file_where_a_patients_folder_should_be(folder):
    path = folder / "TCGA_HT_0009_20000101"
    path.write_text("x", encoding="utf-8")
    only_problem(folder, path, "a file where a patient's folder should be")


def test_links_that_lead_nowhere(folder):
    path = folder / NAME / f"{NAME}_2.tif"
    path.unlink()
    try:
        path.symlink_to(folder / "nowhere.tif")
    except OSError:
        pytest.skip("this system doesn't let an ordinary user make links")
    only_problem(folder, path, "a link that leads nowhere")
    path.unlink()
    (folder / "TCGA_HT_0009_20000101").symlink_to(folder / "nowhere")
    report = check_lgg(folder)
    assert report.problems[-1].what == "a link that leads nowhere"


def test_an_empty_patients_folder(folder):
    path = folder / "TCGA_HT_0009_20000101"
    path.mkdir()
    only_problem(folder, path, "without any slice")


def test_a_broken_table(folder):
    (folder / "data.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    only_problem(folder, folder / "data.csv", "no column Patient")


def test_many_faults_at_once_are_all_named(folder):
    (folder / NAME / f"{NAME}_1.tif").write_bytes(b"")
    (folder / NAME / f"{NAME}_3_mask.tif").write_text("no", encoding="utf-8")
    (folder / "TCGA_CS_0001_20000101" / "TCGA_CS_0001_20000101_2.tif").unlink()
    report = check_lgg(folder)
    assert len(report.problems) == 3
    assert "3 problems:" in report.table()


# --- permissions --------------------------------------------------------------------------------


@contextmanager
def ordinary_user():
    """Run as somebody whom permissions bind: root isn't bound, so he becomes `nobody` meanwhile."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        yield
        return
    try:
        os.seteuid(65534)
    except OSError:
        pytest.skip("root here can't become another user, and permissions don't bind root")
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits to take away")
@pytest.mark.parametrize("what", ["image", "mask", "patient", "set", "table"])
def test_unreadable_permissions(tmp_path, what):
    root = tmp_path / "data"
    folder = write_set(root)
    path = {
        "image": folder / NAME / f"{NAME}_2.tif",
        "mask": folder / NAME / f"{NAME}_2_mask.tif",
        "patient": folder / NAME,
        "set": folder,
        "table": folder / "data.csv",
    }[what]
    for parent in tmp_path.parents:  # pytest's own folders are its user's alone
        if parent.stat().st_uid == os.geteuid() and parent != parent.parent:
            parent.chmod(parent.stat().st_mode | 0o011)
    tmp_path.chmod(0o755)
    path.chmod(0)
    try:
        with ordinary_user():
            report = check_lgg(root)
    finally:
        path.chmod(0o755)
    assert path in [problem.path for problem in report.problems]
    problem = next(problem for problem in report.problems if problem.path == path)
    assert "ermission denied" in problem.what
    assert problem.cure


def test_an_error_on_opening_is_told_on_every_system(folder, monkeypatch):
    path = folder / NAME / f"{NAME}_2.tif"
    really = tifffile.TiffFile

    def refuse(name, *args, **kwargs):
        if name == path:
            raise PermissionError(13, "Permission denied", str(name))
        return really(name, *args, **kwargs)

    monkeypatch.setattr(tifffile, "TiffFile", refuse)
    only_problem(folder, path, "permission denied")


# --- nothing there ------------------------------------------------------------------------------


def test_a_folder_in_no_known_layout(tmp_path):
    (tmp_path / "BraTS20_Training_001").mkdir()
    report = only_problem(tmp_path, tmp_path, "no LGG patients", "TCGA_CS_4941_19960909_1.tif")
    assert report.rows == []
    (tmp_path / "archive.zip").write_bytes(b"PK")
    assert "--archive" in check_lgg(tmp_path).problems[0].cure


def test_no_folder_a_file_an_archive(tmp_path):
    only_problem(tmp_path / "nowhere", tmp_path / "nowhere", "no such folder")
    (tmp_path / "set.zip").write_bytes(b"PK")
    report = only_problem(tmp_path / "set.zip", tmp_path / "set.zip", "an archive")
    assert "--archive" in report.problems[0].cure
    (tmp_path / "x.tif").write_bytes(b"")
    only_problem(tmp_path / "x.tif", tmp_path / "x.tif", "not a folder")


# --- damage of any kind -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Bytes of three images as different programs store them: header first or last, and packed."""
    path = tmp_path_factory.mktemp("whole") / "x.tif"
    image = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    stored = []
    for options in ({}, {"rowsperstrip": 11}, {"compression": "zlib"}):
        tifffile.imwrite(path, image, photometric="rgb", **options)
        stored.append(path.read_bytes())
    from test_lgg import padded_strips

    return [*stored, padded_strips(image)]


def test_a_cut_in_the_very_last_bytes_is_noticed(tmp_path, whole):
    for full in whole:
        for lost in range(1, 20):
            (tmp_path / "cut.tif").write_bytes(full[:-lost])
            with pytest.raises(DataError, match="cut short"):
                tiff.read_image(tmp_path / "cut.tif")


@given(which=st.integers(0, 3), data=st.data())
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100
)
def test_every_truncation_is_noticed(tmp_path, whole, which, data):
    full = whole[which]
    # the padding and the last bytes are where a cut is easiest to overlook
    kept = data.draw(
        st.one_of(st.integers(0, len(full) - 1), st.integers(len(full) - 400, len(full) - 1))
    )
    path = tmp_path / "cut.tif"
    path.write_bytes(full[:kept])
    with pytest.raises(DataError) as error:
        tiff.read_image(path)
    assert error.value.path == path


@given(which=st.integers(0, 3), data=st.data())
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100
)
def test_no_damage_ends_in_a_traceback(tmp_path, whole, which, data):
    damaged = bytearray(whole[which])
    ends = st.one_of(st.integers(0, 400), st.integers(len(damaged) - 500, len(damaged) - 1))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(ends)] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.tif"
    path.write_bytes(damaged)
    try:
        image = tiff.read_image(path)
    except DataError as error:
        assert error.path == path
    else:
        assert image.shape == (256, 256, 3)
        assert image.dtype == np.uint8
