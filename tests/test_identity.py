"""Who is whom: time points of one patient, and one scan under several ids."""

import nibabel
import numpy as np
import pytest
from brats_files import SHAPE, save, tumour, write_case
from lgg_files import write_patient

from unet_course import runtime
from unet_course.commands.check.check_lgg import check_lgg
from unet_course.data import brats, identity, lgg, nifti, prepared_cases
from unet_course.data.layouts import BRATS


@pytest.mark.parametrize(
    ("id", "layout", "patient"),
    [
        ("BraTS-GLI-00005-000", "BraTS 2023", "BraTS-GLI-00005"),
        ("BraTS-GLI-00005-001", "BraTS 2023", "BraTS-GLI-00005"),
        ("BraTS-GLI-00005-100", "BraTS 2024", "BraTS-GLI-00005"),
        ("BraTS2021_00005", "BraTS 2021", "BraTS2021_00005"),
    ],
)
def test_a_case_is_one_time_point_of_a_patient(tmp_path, id, layout, patient):
    write_case(tmp_path, layout, id)
    (case,) = brats.find_cases(tmp_path)
    assert (case.layout.name, case.patient) == (layout, patient)


def test_the_same_scan_is_found_whatever_its_name_and_orientation(tmp_path):
    write_case(tmp_path / "a", "BraTS 2021", seed=1)
    write_case(tmp_path / "b", "MSD Task01", seed=1)
    # the Decathlon's axes lead to right and anterior: the same brain, turned
    for part in ("imagesTr", "labelsTr"):
        path = tmp_path / "b" / part / "BRATS_001.nii.gz"
        save(path, nibabel.load(path).get_fdata()[::-1, ::-1], orientation="RAS")
    write_case(tmp_path / "c", "BraTS 2021", "BraTS2021_00007", seed=2)
    cases = brats.find_cases(tmp_path)
    assert identity.same_scans(cases) == {"BraTS2021_00000": "BRATS_001"}
    kept, told = identity.without_copies(cases)
    assert [case.id for case in kept] == ["BRATS_001", "BraTS2021_00007"]
    assert "BraTS2021_00000 (as BRATS_001)" in told and "processed again" in told


def test_a_copy_that_was_processed_again_is_not_found(tmp_path):
    write_case(tmp_path, "BraTS 2021", seed=1)
    write_case(tmp_path, "BraTS 2021", "BraTS2021_00001", seed=1)
    path = tmp_path / "BraTS2021_00001" / "BraTS2021_00001_flair.nii.gz"
    save(path, np.asarray(nibabel.load(path).dataobj) * np.int16(2))
    assert identity.same_scans(brats.find_cases(tmp_path)) == {}


@pytest.mark.parametrize(
    "copied",
    [
        lambda a: a.astype(np.float32),
        lambda a: a[::-1],  # another way round than its header says
        lambda a: np.moveaxis(a, 2, 0),
        lambda a: np.pad(a, ((2, 1), (0, 3), (4, 0))),
        lambda a: a[2:-2, 2:-2, 2:-2],
    ],
)
def test_neither_type_nor_header_nor_padding_hides_a_copy(tmp_path, copied):
    write_case(tmp_path, "BraTS 2021", seed=1)
    folder = write_case(tmp_path, "BraTS 2023", seed=1)
    for path in folder.iterdir():
        save(path, copied(np.array(nibabel.load(path).dataobj)))
    cases = brats.find_cases(tmp_path)
    assert identity.same_scans(cases) == {"BraTS-GLI-00000-000": "BraTS2021_00000"}


def test_a_copys_other_time_points_are_the_same_patient(tmp_path):
    write_case(tmp_path, "BraTS 2021", "BraTS2021_00007", seed=1)
    for time, seed in (("000", 1), ("001", 2)):
        write_case(tmp_path, "BraTS 2023", f"BraTS-GLI-00007-{time}", seed=seed)
    write_case(tmp_path, "BraTS 2024", "BraTS-GLI-00007-100", seed=3)
    write_case(tmp_path, "BraTS 2023", "BraTS-GLI-00008-000", seed=4)
    kept, _ = identity.without_copies(brats.find_cases(tmp_path))
    assert {case.id: case.patient for case in kept} == {
        "BraTS2021_00007": "BraTS2021_00007",
        "BraTS-GLI-00007-001": "BraTS2021_00007",
        "BraTS-GLI-00007-100": "BraTS2021_00007",
        "BraTS-GLI-00008-000": "BraTS-GLI-00008",
    }


def test_scans_without_a_picture_are_nobodys_copies(tmp_path):
    for number in range(2):
        folder = write_case(tmp_path, "BraTS 2021", f"BraTS2021_0000{number}", seed=number)
        save(folder / f"{folder.name}_flair.nii.gz", np.zeros(SHAPE, np.int16))
    assert identity.same_scans(brats.find_cases(tmp_path)) == {}


def test_the_same_lgg_scan_is_found_under_another_patients_id(tmp_path, monkeypatch, capsys):
    write_patient(tmp_path, "TCGA_CS_0001_20000101", seed=1)
    copy = write_patient(tmp_path, "TCGA_DU_0002_20000101", seed=1)
    write_patient(tmp_path, "TCGA_FG_0003_20000101", seed=2)
    (problem,) = check_lgg(tmp_path, progress=False).problems
    assert problem.path == copy and "is the same scan as TCGA_CS_0001" in problem.what
    monkeypatch.setattr(runtime, "data_folder", lambda: tmp_path)
    assert [patient.id for patient in lgg.course_patients()] == ["TCGA_CS_0001", "TCGA_FG_0003"]
    assert "TCGA_DU_0002 (as TCGA_CS_0001)" in capsys.readouterr().out


def test_2024_is_never_taken_for_2023(tmp_path):
    """Their names differ in the time point alone, and label 4 exists in one of them."""
    write_case(tmp_path / "mixed", "BraTS 2023", "BraTS-GLI-00005-002", seed=1)
    for time in (100, 101):
        write_case(tmp_path / "mixed" / "deep", "BraTS 2024", f"BraTS-GLI-00005-{time}", seed=time)
    found = {case.id[-3:]: case for case in brats.find_cases(tmp_path)}
    assert {time: case.layout.name for time, case in found.items()} == {
        "002": "BraTS 2023",
        "100": "BraTS 2024",
        "101": "BraTS 2024",
    }
    assert {case.patient for case in found.values()} == {"BraTS-GLI-00005"}
    for case in found.values():  # the same four numbers on disk
        labels = np.zeros(SHAPE, np.uint8)
        labels[:4, 0, 0] = 1, 2, 3, 4
        save(case.mask, labels)
    with pytest.raises(brats.DataError, match="labels 0, 1, 2, 3, 4, where 0, 1, 2, 3 belong"):
        found["002"].read_labels()
    assert found["100"].read_labels()[:4, 0, 0].tolist() == [1, 2, 4, 5]


def test_a_damaged_case_is_nobodys_copy(tmp_path):
    write_case(tmp_path, "BraTS 2021", seed=1)
    write_case(tmp_path, "BraTS 2021", "BraTS2021_00001", seed=1)
    (tmp_path / "BraTS2021_00001" / "BraTS2021_00001_flair.nii.gz").write_bytes(b"x")
    assert identity.same_scans(brats.find_cases(tmp_path)) == {}


def test_a_lesson_takes_a_scan_once_and_says_so(tmp_path, capsys, monkeypatch):
    for id in ("BraTS-GLI-00000-000", "BraTS-GLI-00000-001", "BraTS-GLI-00001-000"):
        write_case(tmp_path, "BraTS 2023", id, seed=int(id[-5]))
    monkeypatch.setattr(runtime, "data_folder", lambda: tmp_path)
    cases = brats.course_cases()
    said = capsys.readouterr().out
    assert [case.id for case in cases] == ["BraTS-GLI-00000-000", "BraTS-GLI-00001-000"]
    assert "3 cases of 2 patients" in said and "BraTS-GLI-00000-001" in said


@pytest.mark.parametrize("factor", [1, 2])
def test_cases_of_two_orientations_are_prepared_alike_and_put_back(tmp_path, capsys, factor):
    write_case(tmp_path / "a", "BraTS 2021", seed=1)
    write_case(tmp_path / "b", "MSD Task01", seed=1)
    for part in ("imagesTr", "labelsTr"):
        path = tmp_path / "b" / part / "BRATS_001.nii.gz"
        save(path, nibabel.load(path).get_fdata()[::-1, ::-1], orientation="RAS")
    cases = brats.find_cases(tmp_path)
    msd, lps = prepared_cases.prepare(cases, factor=factor, progress=False)
    assert "Turned to the orientation of the others (LPS): BRATS_001." in capsys.readouterr().out
    np.testing.assert_array_equal(msd.images, lps.images)
    np.testing.assert_array_equal(msd.labels, lps.labels)
    if factor == 1:  # each goes back into its own file's grid
        for case, source in zip((msd, lps), cases, strict=True):
            np.testing.assert_array_equal(case.restore(case.labels), source.read_labels())
    assert msd.restore(msd.labels).shape == SHAPE
    # one place of the prepared grid lies in the same tissue of both files: mirrored in x and y
    voxels = []
    for case in (msd, lps):
        there = nibabel.affines.apply_affine(case.affine, (3, 4, 2))
        voxels.append((np.linalg.inv(case.full_affine) @ [*there, 1])[:3])
    np.testing.assert_allclose(voxels[0][:2], np.array(SHAPE[:2]) - 1 - voxels[1][:2])
    np.testing.assert_allclose(voxels[0][2], voxels[1][2])


def test_turning_back_undoes_every_turn():
    rng = np.random.default_rng(0)
    for code in ("LPS", "RAS", "SPL", "AIR", "PSR", "ILA"):
        ornt = nibabel.orientations.axcodes2ornt(code)
        affine = nibabel.orientations.inv_ornt_aff(ornt, (2, 3, 4))
        array = rng.random((2, 3, 4, 2))
        turned, own, turning = nifti.turn(array, affine)
        assert "".join(nibabel.aff2axcodes(own)) == "LPS"
        np.testing.assert_array_equal(nifti.turn_back(turned, turning), array)


def test_resection_cavities_are_in_no_region_and_no_training_label(tmp_path):
    folder = write_case(tmp_path, "BraTS 2024")
    labels = tumour()
    labels[12:15, 12:15, 6:9] = 5
    save(folder / f"{folder.name}-seg.nii.gz", BRATS["BraTS 2024"].to_disk(labels))
    (case,) = brats.find_cases(tmp_path)
    read = case.read_labels()
    np.testing.assert_array_equal(read, labels)
    assert not brats.regions(read)[read == 5].any()
    (ready,) = prepared_cases.prepare([case], progress=False)
    assert set(np.unique(ready.labels)) == {0, 1, 2, 4}


@pytest.mark.parametrize("wrong", [3, 3.9999, 255, -1, np.nan])
def test_labels_that_the_course_has_not_got_are_no_background(wrong):
    with pytest.raises(ValueError, match=r"labels .* where 0, 1, 2, 4 belong"):
        brats.regions(np.array([0, 1, 2, wrong]))


@pytest.mark.parametrize(
    ("layout", "numbers", "words"),
    [
        ("BraTS 2020", [0, 1, 2, 3], "BraTS 2023: 1 core, 2 oedema, 3 enhancing"),
        ("BraTS 2023", [0, 1, 2, 4], "BraTS 2021: 1 core, 2 oedema, 4 enhancing"),
        ("BraTS 2023", [0, 1, 2, 3, 4], "4 resection cavity"),
        ("BraTS 2020", [0, 1, 2, 3.5], "nearest neighbours"),
    ],
)
def test_labels_of_another_year_are_told_as_such(tmp_path, layout, numbers, words):
    folder = write_case(tmp_path, layout)
    mask = np.zeros(SHAPE, np.float32 if 3.5 in numbers else np.uint8)
    mask[: len(numbers), 0, 0] = numbers
    (path,) = folder.glob("*seg.nii*")
    save(path, mask)
    (case,) = brats.find_cases(tmp_path)
    with pytest.raises(brats.DataError, match=words):
        case.read_labels()
