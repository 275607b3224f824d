"""`data check` for volumes: each fault is named with its file and a cure, a sound folder passes."""

import gzip
import json
import os
import re

import nibabel
import numpy as np
import pytest
from brats_files import AFFINES, SHAPE, brain, save, tumour, write_case
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lgg_files import write_set
from test_check_lgg import ordinary_user

from unet_course.commands import cli
from unet_course.commands.check import check_folder
from unet_course.commands.check.check_brats import check_volumes
from unet_course.data import brats, nifti
from unet_course.data.layouts import BRATS, DataError

NAME = "BraTS20_Training_002"


@pytest.fixture
def folder(tmp_path):
    """A sound set of three cases in the layout of 2020, each with its own noise."""
    for number in (1, 2, 3):
        write_case(tmp_path, id=f"BraTS20_Training_{number:03}", seed=number)
    return tmp_path


@pytest.fixture
def t1ce(folder):
    """The file that tests break."""
    return folder / NAME / f"{NAME}_t1ce.nii"


@pytest.fixture
def mask(folder):
    return folder / NAME / f"{NAME}_seg.nii"


def only_problem(root, path, *words):
    """The report has one problem, at this path, with these words, and a cure; the command says so."""
    report = check_volumes(root)
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


def test_a_sound_folder_passes_with_a_table(folder, capsys):
    assert cli.main(["data", "check", str(folder)]) == 0
    text = capsys.readouterr().out
    assert "BraTS20_Training_002  BraTS 2020  24×22×16  int16" in text
    assert re.search(r" 0\.8 +0\.2 +0\.0 ", text)  # ml of 800, 180 and 27 voxels
    assert "3 in all" in text
    assert "BraTS 2020: 3 of the 369 published cases that have a mask." in text
    assert "Of another size than 240×240×155, which BraTS 2020 has: BraTS20_Training_001" in text
    assert text.strip().endswith("No problem found.")


def test_the_report_as_json(folder, capsys):
    assert cli.main(["data", "check", str(folder), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["sound"] is True
    assert (found["cases"], found["layouts"]) == (3, {"BraTS 2020": 3})
    assert found["rows"][1]["id"] == NAME
    assert found["rows"][1]["ml"] == {"WT": 0.8, "TC": 0.18, "ET": 0.027}
    assert found["problems"] == []
    assert found["published"]["BraTS 2020"] == 369


@pytest.mark.parametrize("name", list(BRATS))
def test_every_layout_is_sound(tmp_path, name):
    write_case(tmp_path, name)
    report = check_volumes(tmp_path)
    assert report.problems == [], report.table()
    (row,) = report.rows
    assert (row["layout"], row["ml"]["WT"], row["ml"]["ET"]) == (name, 0.8, 0.027)


def test_an_archive_in_a_folders_place_is_named_with_its_own_cure(tmp_path):
    """The set is read off the name; what the course can't unpack has the system's command."""
    for name, words in (
        ("brats2020-training.zip", "data brats --archive"),
        ("lgg-mri.zip", "data lgg --archive"),
        ("archive.zip", "data lgg (or brats) --archive"),
        ("Task01_BrainTumour.tar", "tar -xf"),
    ):
        folder = tmp_path / name.partition(".")[0]
        folder.mkdir()
        (folder / name).write_bytes(b"x")
        for path in (folder / name, folder):
            (problem,) = check_folder(path)[0].problems
            assert f"{words} {folder / name}" in problem.cure


def test_lgg_and_brats_are_both_checked(folder, capsys):
    lgg = write_set(folder)
    assert cli.main(["data", "check", str(folder)]) == 0
    text = capsys.readouterr().out
    assert "LGG patients in" in text and "BraTS cases in" in text
    assert text.count("No problem found.") == 2
    assert cli.main(["data", "check", str(folder), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [report["layout"] for report in found["reports"]] == ["LGG", "BraTS"]
    (folder / NAME / f"{NAME}_t2.nii").write_bytes(b"")
    assert cli.main(["data", "check", str(folder), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["sound"] is False
    (next(lgg.rglob("*_2.tif"))).write_bytes(b"")
    assert cli.main(["data", "check", str(folder)]) == 1
    assert capsys.readouterr().out.count("1 problem:") == 2


def test_a_case_without_label_4_or_without_tumour_is_sound(folder, mask):
    save(mask, tumour(enhancing=False))
    save(
        folder / "BraTS20_Training_003" / "BraTS20_Training_003_seg.nii", np.zeros(SHAPE, np.uint8)
    )
    report = check_volumes(folder)
    assert report.problems == []
    assert [row["remarks"] for row in report.rows] == ["", "no enhancing tumour", "no tumour"]


def test_cases_published_without_a_mask_are_sound(folder):
    write_case(folder, id="BraTS20_Validation_001", mask=False)
    report = check_volumes(folder)
    assert report.problems == []
    assert "published without a mask" in report.table()
    assert "BraTS 2020: 3 of the 369" in report.table()


def test_synthetic_cases_are_not_taken_for_published_ones(tmp_path):
    write_case(tmp_path, id="BraTS20_Synthetic_001", ending=".nii.gz")
    assert "1 synthetic case, none of a published set." in check_volumes(tmp_path).notes


def test_a_case_that_is_there_twice_counts_once(folder):
    write_case(folder / "again", id=NAME)
    report = check_volumes(folder)
    assert report.problems == []
    assert len(report.rows) == 3
    assert f"More than one copy of {NAME}: counted once." in report.notes


def test_foreign_files_are_no_fault_and_other_volumes_are_noted(folder, t1ce):
    for name in ("._x_t1.nii", ".DS_Store", "Thumbs.db", "notes.txt"):
        (t1ce.parent / name).write_text("x", encoding="utf-8")
    (folder / "name_mapping.csv").write_text("a\n", encoding="utf-8")
    (t1ce.parent / f"{NAME}_t1ce (1).nii").write_text("x", encoding="utf-8")
    report = check_volumes(folder)
    assert report.problems == []
    noted = [note for note in report.notes if "passed over" in note]
    assert noted == [f"{t1ce.parent}: passed over, not the case's: {NAME}_t1ce (1).nii."]


def test_linked_folders_are_followed(folder, tmp_path_factory):
    data = tmp_path_factory.mktemp("data")
    try:
        (data / "set").symlink_to(folder, target_is_directory=True)
        (data / "loop").symlink_to(data, target_is_directory=True)
    except OSError:
        pytest.skip("this system doesn't let an ordinary user make links")
    report = check_volumes(data)
    assert report.problems == []
    assert len(report.rows) == 3


# --- each planted fault -------------------------------------------------------------------------


def test_truncated_gzip(tmp_path):
    folder = write_case(tmp_path, "BraTS 2021")
    path = folder / "BraTS2021_00000_t2.nii.gz"
    whole = path.read_bytes()
    for keep in (len(whole) // 2, len(whole) - 1, len(whole) - 8, 30):
        path.write_bytes(whole[:keep])
        only_problem(tmp_path, path, "is cut short: the gzip file ends after")
    path.write_bytes(whole[:5])
    only_problem(tmp_path, path, "cut short")


def test_damaged_gzip(tmp_path):
    folder = write_case(tmp_path, "BraTS 2021")
    path = folder / "BraTS2021_00000_t2.nii.gz"
    data = bytearray(path.read_bytes())
    data[-6] ^= 1  # in the checksum at the very end
    path.write_bytes(data)
    only_problem(tmp_path, path, "damaged", "checksum")
    data[len(data) // 2] ^= 255
    path.write_bytes(data)
    assert [problem.path for problem in check_volumes(tmp_path).problems] == [path]


@pytest.mark.parametrize("share", [0.999, 0.5, 0.1])
def test_truncated_volume(folder, t1ce, share):
    data = t1ce.read_bytes()
    t1ce.write_bytes(data[: int(len(data) * share)])
    only_problem(folder, t1ce, "is cut short: it has", f"of {len(data):,}")


@pytest.mark.parametrize("name", ["BraTS 2020", "BraTS 2021", "BraTS 2023"])
@pytest.mark.parametrize(("place", "what"), [(0, "T1"), (1, "T1ce"), (2, "T2"), (3, "FLAIR")])
def test_missing_modality(tmp_path, name, place, what):
    write_case(tmp_path, name)
    path = brats.find_cases(tmp_path)[0].images[place]
    path.unlink()
    report = only_problem(tmp_path, path, "missing", f"has no {what}")
    assert "Lessons pass the case over" in report.problems[0].cure


def test_missing_mask_and_several_files(folder, mask, t1ce):
    mask.unlink()
    only_problem(folder, mask, "missing", "has no mask")
    t1ce.unlink()
    only_problem(folder, mask.parent, "without T1ce, mask", f"{NAME}_t1ce, {NAME}_seg")
    for path in mask.parent.iterdir():
        path.unlink()
    only_problem(folder, mask.parent, "without any of its files")


@pytest.mark.parametrize("lost", ["imagesTr", "labelsTr"])
def test_missing_image_or_mask_of_msd(tmp_path, lost):
    write_case(tmp_path, "MSD Task01")
    (tmp_path / lost / "BRATS_001.nii.gz").unlink()
    only_problem(tmp_path, tmp_path / lost / "BRATS_001.nii.gz", "missing", "BRATS_001 is without")


def test_shapes_that_disagree(folder, t1ce, mask):
    save(t1ce, brain()["T1ce"][:, :, 1:])
    only_problem(folder, t1ce, "has the shape 24×22×15, not 24×22×16")
    save(t1ce, brain()["T1ce"])
    save(mask, tumour()[:-1])
    only_problem(folder, mask, "has the shape 23×22×16, not 24×22×16", f"{NAME}_t1.nii has")
    # the odd one is named even if it is the first that is read
    save(mask, tumour())
    first = t1ce.with_name(f"{NAME}_t1.nii")
    save(first, brain()["T1"][:, :, 1:])
    only_problem(folder, first, "has the shape 24×22×15")


def test_affines_that_disagree(folder, mask):
    shifted = AFFINES["LPS"].copy()
    shifted[0, 3] = 2.5
    save(mask, tumour(), shifted)
    report = only_problem(folder, mask, "has the affine", "2.5", "not")
    assert "one grid" in report.problems[0].cure
    shifted[0, 3] = 0.0004  # rounding of a header's own numbers
    save(mask, tumour(), shifted)
    assert check_volumes(folder).problems == []


@pytest.mark.parametrize(
    ("name", "wrong", "words"),
    [
        ("BraTS 2020", 3, "labels 0, 1, 2, 3, where 0, 1, 2, 4 belong"),
        ("BraTS 2021", 5, "labels 0, 1, 2, 5, where 0, 1, 2, 4 belong"),
        ("BraTS 2023", 4, "labels 0, 1, 2, 4, where 0, 1, 2, 3 belong"),
        ("MSD Task01", 4, "labels 0, 1, 2, 4, where 0, 1, 2, 3 belong"),
        ("BraTS 2020", 1.5, "labels 0, 1, 1.5, 2, where 0, 1, 2, 4 belong"),
        ("BraTS 2020", -1, "labels -1, 0, 1, 2, where"),
    ],
)
def test_labels_outside_the_layouts_set(tmp_path, name, wrong, words):
    write_case(tmp_path, name)
    path = brats.find_cases(tmp_path)[0].mask
    labels = np.where(tumour() == 4, wrong, tumour().astype(float))
    kind = np.float32 if wrong == 1.5 else np.int16
    save(path, labels.astype(kind), orientation=BRATS[name].orientation)
    only_problem(tmp_path, path, words)


def test_four_axes_where_three_are_due(folder, t1ce, mask):
    save(t1ce, np.ones((*SHAPE, 4), np.int16))
    only_problem(folder, t1ce, "is 4-D (24×22×16×4)", "BraTS 2020 is 3-D")
    save(t1ce, brain()["T1ce"])
    save(mask, np.stack([tumour()] * 3, axis=-1))
    only_problem(folder, mask, "is 4-D (24×22×16×3)", "a mask")
    save(mask, tumour()[:, :, 3])
    only_problem(folder, mask, "is 2-D (24×22)")


def test_three_axes_or_other_channels_where_four_are_due(tmp_path):
    write_case(tmp_path, "MSD Task01")
    path = tmp_path / "imagesTr/BRATS_001.nii.gz"
    save(path, np.ones(SHAPE, np.float32), orientation="RAS")
    only_problem(tmp_path, path, "is 3-D", "MSD Task01 is 4-D")
    save(path, np.ones((*SHAPE, 3), np.float32), orientation="RAS")
    only_problem(tmp_path, path, "has 3 channels", "has 4")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([np.nan], "holds NaN in 1 voxel"),
        ([np.inf, -np.inf], "holds infinity in 2 voxels"),
        ([np.nan, np.inf], "holds NaN and infinity in 2 voxels"),
    ],
)
@pytest.mark.parametrize("which", ["t1ce", "seg"])
def test_nan_and_infinity(folder, which, values, words):
    path = folder / NAME / f"{NAME}_{which}.nii"
    array = nibabel.load(path).get_fdata(dtype=np.float32)
    array[5, 5, 5 : 5 + len(values)] = values
    save(path, array)
    only_problem(folder, path, words)


def test_an_empty_brain(folder, t1ce):
    save(t1ce, np.zeros(SHAPE, np.int16))
    only_problem(folder, t1ce, "an empty brain: every voxel is 0")


def test_an_empty_channel_of_msd_is_named(tmp_path):
    write_case(tmp_path, "MSD Task01")
    path = tmp_path / "imagesTr/BRATS_001.nii.gz"
    array = nibabel.load(path).get_fdata(dtype=np.float32)
    array[..., 2] = 0
    save(path, array, orientation="RAS")
    only_problem(tmp_path, path, "an empty brain (T1ce, channel 2)")


def test_a_background_that_is_not_0_is_noted(folder, t1ce):
    save(t1ce, brain()["T1ce"] + np.int16(1))
    report = check_volumes(folder)
    assert report.problems == []
    assert any("no voxel is exactly 0" in note and str(t1ce) in note for note in report.notes)


def test_spacing_that_is_not_1_mm(folder, t1ce):
    affine = AFFINES["LPS"] @ np.diag([1, 1, 2.5, 1])
    save(t1ce, brain()["T1ce"], affine)
    only_problem(folder, t1ce, "has voxels of 1×1×2.5 mm, not 1×1×1 mm")


def test_spacing_of_the_whole_case(tmp_path):
    folder = write_case(tmp_path)
    for path in folder.iterdir():
        array = np.asarray(nibabel.load(path).dataobj)
        save(path, array, AFFINES["LPS"] @ np.diag([0.5, 0.5, 0.5, 1]))
    report = check_volumes(tmp_path)
    assert sorted(problem.path for problem in report.problems) == sorted(folder.iterdir())
    assert all("0.5×0.5×0.5 mm" in problem.what for problem in report.problems)
    assert report.rows[0]["ml"]["WT"] == 0.1  # 800 voxels of an eighth of a microlitre


@pytest.mark.parametrize(("name", "other"), [("BraTS 2020", "RAS"), ("MSD Task01", "LPS")])
def test_orientation_other_than_the_layouts(tmp_path, name, other):
    write_case(tmp_path, name)
    path = brats.find_cases(tmp_path)[0].images[0]
    array = np.asarray(nibabel.load(path).dataobj)
    save(path, array, AFFINES[other])
    only_problem(tmp_path, path, f"lies in {other}, files of {name} lie in")


@pytest.mark.parametrize("which", ["t1ce", "seg"])
def test_an_empty_file_and_text_in_place_of_nifti(folder, which):
    path = folder / NAME / f"{NAME}_{which}.nii"
    path.write_bytes(b"")
    only_problem(folder, path, "the file is empty")
    path.write_text("version https://git-lfs.github.com/spec/v1\n", encoding="utf-8")
    only_problem(folder, path, "isn't a NIfTI but text", "version https")
    path.write_text("no", encoding="utf-8")
    only_problem(folder, path, "isn't a NIfTI but text")
    path.write_bytes(gzip.compress(b""))
    only_problem(folder, path, "empty file, packed")
    path.write_bytes(gzip.compress(b"<html>"))
    only_problem(folder, path, "isn't a NIfTI but text")


@pytest.mark.parametrize(
    ("start", "kind"),
    [(b"PK\x03\x04", "a ZIP"), (b"\x89PNG", "a PNG"), (bytes(128) + b"DICM", "a DICOM")],
)
def test_another_kind_of_file(folder, t1ce, start, kind):
    t1ce.write_bytes(start + bytes(999))
    only_problem(folder, t1ce, "isn't a NIfTI", kind)


def test_half_of_a_pair(folder, t1ce):
    header = bytearray(t1ce.read_bytes())
    header[344:348] = b"ni1\0"
    t1ce.write_bytes(header)
    only_problem(folder, t1ce, "half of a .hdr/.img pair")


@pytest.mark.parametrize("which", ["t1ce", "seg"])
def test_a_directory_in_place_of_a_file(folder, which):
    path = folder / NAME / f"{NAME}_{which}.nii"
    path.unlink()
    path.mkdir()
    only_problem(folder, path, "a folder where a file should be")
    # one that holds more is no case of its own
    save(path / path.name, brain()["T1ce"])
    only_problem(folder, path, "a folder where a file should be")


def test_a_file_in_place_of_a_directory(folder):
    path = folder / "BraTS20_Training_004"
    path.write_text("x", encoding="utf-8")
    only_problem(folder, path, "a file where a case's folder should be")


def test_links_that_lead_nowhere(folder, t1ce):
    t1ce.unlink()
    try:
        t1ce.symlink_to(folder / "nowhere.nii")
    except OSError:
        pytest.skip("this system doesn't let an ordinary user make links")
    only_problem(folder, t1ce, "a link that leads nowhere")
    t1ce.unlink()
    save(t1ce, brain()["T1ce"])
    (folder / "BraTS20_Training_009").symlink_to(folder / "nowhere")
    only_problem(folder, folder / "BraTS20_Training_009", "a link that leads nowhere")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits to take away")
@pytest.mark.parametrize("what", ["image", "mask", "case", "set"])
def test_unreadable_permissions(tmp_path, what):
    root = tmp_path / "data"
    folder = root / "set" / NAME
    write_case(root / "set", id=NAME)
    path = {
        "image": folder / f"{NAME}_t1.nii",
        "mask": folder / f"{NAME}_seg.nii",
        "case": folder,
        "set": root / "set",
    }[what]
    for parent in tmp_path.parents:  # pytest's own folders are its user's alone
        if parent.stat().st_uid == os.geteuid() and parent != parent.parent:
            parent.chmod(parent.stat().st_mode | 0o011)
    tmp_path.chmod(0o755)
    path.chmod(0)
    try:
        with ordinary_user():
            (report,) = check_folder(root)
    finally:
        path.chmod(0o755)
    problem = next(problem for problem in report.problems if problem.path == path)
    assert "ermission denied" in problem.what
    assert problem.cure


def test_an_error_on_opening_is_told_on_every_system(folder, t1ce, monkeypatch):
    def refuse(path, mode):
        if path == t1ce:
            raise PermissionError(13, "Permission denied", str(path))
        return open(path, mode)

    monkeypatch.setattr(nifti, "open", refuse, raising=False)
    only_problem(folder, t1ce, "permission denied")


def test_many_faults_at_once_are_all_named(folder, t1ce, mask, capsys):
    t1ce.write_bytes(b"")
    save(mask, np.full(SHAPE, 7, np.uint8))
    (folder / "BraTS20_Training_001" / "BraTS20_Training_001_flair.nii").unlink()
    assert cli.main(["data", "check", str(folder)]) == 1
    said = capsys.readouterr()
    assert "3 problems:" in said.out
    assert "Traceback" not in said.out + said.err


def test_no_cases(tmp_path, capsys):
    (report,) = check_folder(tmp_path)
    assert [problem.path for problem in report.problems] == [tmp_path]
    assert "no LGG patients and no BraTS cases" in report.problems[0].what
    assert "BraTS-GLI-00000-000" in report.problems[0].what
    (tmp_path / "brats20-dataset.zip").write_bytes(b"PK")
    (report,) = check_folder(tmp_path)
    assert "data brats --archive" in report.problems[0].cure
    only_problem(tmp_path, tmp_path, "no BraTS cases")
    only_problem(tmp_path / "nowhere", tmp_path / "nowhere", "no such folder")
    assert cli.main(["data", "check", str(tmp_path / "nowhere")]) == 1
    assert "no such folder" in capsys.readouterr().out


# --- damage of any kind -------------------------------------------------------------------------


@given(data=st.data())
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150
)
def test_a_damaged_header_never_ends_in_another_error(tmp_path, data):
    path = tmp_path / "x.nii"
    if not path.exists():
        save(path, brain()["T1"])
        (tmp_path / "whole").write_bytes(path.read_bytes())
    damaged = bytearray((tmp_path / "whole").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, 351))] = data.draw(st.integers(0, 255))
    path.write_bytes(damaged)
    for read in (nifti.read, nifti.read_affine):
        try:
            read(path)
        except DataError as error:
            assert error.what and error.cure


# --- who is whom ----------------------------------------------------------------------------------


def test_the_same_scan_under_two_ids_is_named(tmp_path):
    for id, seed in (("BraTS2021_00000", 1), ("BraTS2021_00001", 2), ("BraTS2021_00002", 1)):
        write_case(tmp_path, "BraTS 2021", id, seed=seed)
    words = "BraTS2021_00002 is the same scan as BraTS2021_00000"
    only_problem(tmp_path, tmp_path / "BraTS2021_00002", words)


def test_time_points_of_one_patient_are_counted(tmp_path):
    for time in range(2):
        write_case(tmp_path, "BraTS 2023", f"BraTS-GLI-00000-00{time}", seed=time)
    (report,) = check_folder(tmp_path, progress=False)
    assert not report.problems
    assert any("2 cases of 1 patient:" in note for note in report.notes)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes")
def test_odd_entries_hide_nothing_and_command_no_terminal(folder, t1ce, capsys):
    """Links, pipes, devices, and names that are commands, formulas or no text, next to sound cases."""
    write_set(folder, patients=1)
    (folder / "loop").symlink_to("loop")
    (folder / "up").symlink_to(folder)
    (folder / "zero").symlink_to("/dev/zero")
    os.mkfifo(folder / "BraTS20_Training_009")
    (folder / "BraTS20_Training_008").symlink_to("BraTS20_Training_008")
    (folder / "=HYPERLINK(1)").mkdir()
    red = folder / "\x1b[31mred\n"
    write_case(red, id="BraTS20_Training_007")
    (red / "BraTS20_Training_007" / "BraTS20_Training_007_t2.nii").write_bytes(b"")
    os.mkdir(os.fsencode(folder) + b"/\xff")
    t1ce.unlink()
    t1ce.symlink_to("/dev/zero")
    assert cli.main(["data", "check", str(folder)]) == 1
    text = capsys.readouterr().out
    assert "\x1b" not in text and r"\x1b[31mred\n" in text
    for name in (t1ce.name, "BraTS20_Training_009", "BraTS20_Training_008", "_007_t2.nii"):
        assert name in text
    assert "BraTS20_Training_003  BraTS 2020" in text and "TCGA_CS_0001_20000101 " in text
    assert [case.id[-3:] for case in brats.find_cases(folder)] == ["001", "002", "003", "007"]
