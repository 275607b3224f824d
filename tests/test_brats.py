"""BraTS cases: the four layouts, what is found, what comes out, and what a broken file says."""

import gzip
import os
import pickle
import warnings
from pathlib import Path

import nibabel
import numpy as np
import pytest
from brats_files import AFFINES, SHAPE, brain, save, tumour, write_case
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from lgg_files import write_set

from unet_course.commands.check import check_brats
from unet_course.data import brats
from unet_course.data.layouts import BRATS, MODALITIES, REGION_LABELS, REGIONS, DataError
from unet_course.synthetic import sample_data

FOLDERS = ["BraTS 2020", "BraTS 2021", "BraTS 2023", "BraTS 2024"]


@pytest.fixture(autouse=True)
def no_unasked_warning(request):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


# --- the table: names, channels and labels of each layout, written out ----------------------------


@pytest.mark.parametrize(
    ("name", "id", "files"),
    [
        (
            "BraTS 2020",
            "BraTS20_Training_001",
            "BraTS20_Training_001/BraTS20_Training_001_{}.nii t1 t1ce t2 flair seg",
        ),
        (
            "BraTS 2021",
            "BraTS2021_00000",
            "BraTS2021_00000/BraTS2021_00000_{}.nii.gz t1 t1ce t2 flair seg",
        ),
        (
            "BraTS 2023",
            "BraTS-GLI-00000-000",
            "BraTS-GLI-00000-000/BraTS-GLI-00000-000-{}.nii.gz t1n t1c t2w t2f seg",
        ),
        (
            "BraTS 2024",
            "BraTS-GLI-00005-100",
            "BraTS-GLI-00005-100/BraTS-GLI-00005-100-{}.nii.gz t1n t1c t2w t2f seg",
        ),
    ],
)
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_names_of_the_layouts_with_a_folder_a_case(tmp_path, name, id, files, ending):
    pattern, *ends = files.replace(".nii.gz", ".nii").replace(".nii", ending).split()
    images = brain()
    for end, modality in zip(ends, (*MODALITIES, None), strict=True):
        array = BRATS[name].to_disk(tumour()) if end == "seg" else images[modality]
        save(tmp_path / pattern.format(end), array)
    (case,) = brats.find_cases(tmp_path)
    assert (case.id, case.layout.name, case.folder) == (id, name, tmp_path / id)
    volume = case.read()
    for i, modality in enumerate(MODALITIES):
        assert np.array_equal(volume.images[..., i], images[modality])
        assert np.array_equal(case.read_image(modality), images[modality])
    assert np.array_equal(volume.labels, tumour())


def test_names_and_channels_of_msd(tmp_path):
    images = brain()
    order = ("FLAIR", "T1", "T1ce", "T2")  # T1ce is called T1gd there
    stacked = np.stack([images[name] for name in order], axis=-1).astype(np.float32)
    theirs = np.choose(np.minimum(tumour(), 3), [0, 2, 1, 3]).astype(np.uint8)
    save(tmp_path / "imagesTr/BRATS_001.nii.gz", stacked, orientation="RAS")
    save(tmp_path / "labelsTr/BRATS_001.nii.gz", theirs, orientation="RAS")
    (case,) = brats.find_cases(tmp_path)
    assert (case.id, case.layout.name, case.folder) == ("BRATS_001", "MSD Task01", tmp_path)
    volume = case.read()
    assert volume.images.dtype == np.float32
    for i, name in enumerate(MODALITIES):
        assert np.array_equal(volume.images[..., i], images[name])
        assert np.array_equal(case.read_image(name), images[name])
    assert np.array_equal(volume.labels, tumour())


@pytest.mark.parametrize(
    ("name", "theirs", "ours"),
    [
        ("BraTS 2020", [0, 1, 2, 4], [0, 1, 2, 4]),
        ("BraTS 2021", [0, 1, 2, 4], [0, 1, 2, 4]),
        ("BraTS 2023", [0, 1, 2, 3], [0, 1, 2, 4]),
        ("BraTS 2024", [0, 1, 2, 3, 4], [0, 1, 2, 4, 5]),
        ("MSD Task01", [0, 1, 2, 3], [0, 2, 1, 4]),
    ],
)
def test_labels_of_each_layout_there_and_back(name, theirs, ours):
    layout = BRATS[name]
    assert layout.from_disk(np.array(theirs)).tolist() == ours
    assert layout.to_disk(np.array(ours)).tolist() == theirs
    assert layout.from_disk(np.array(theirs, np.float32)).dtype == np.uint8
    assert layout.from_disk(np.zeros((2, 3, 4))).shape == (2, 3, 4)
    for wrong in ({1, 2, 3, 4, 5} - set(theirs), {0.5}, {-1}, {300}):
        with pytest.raises(ValueError, match=r"labels .* where 0, 1, 2, "):
            layout.from_disk(np.array([0, *wrong]))


@pytest.mark.parametrize(
    ("name", "orientation"),
    [("BraTS 2020", "LPS"), ("BraTS 2021", "LPS"), ("BraTS 2023", "LPS"), ("MSD Task01", "RAS")],
)
def test_orientation_and_affine_of_each_layout(tmp_path, name, orientation):
    write_case(tmp_path, name)
    (case,) = brats.find_cases(tmp_path)
    assert case.layout.orientation == orientation
    volume = case.read()
    assert "".join(nibabel.aff2axcodes(volume.affine)) == orientation
    assert np.array_equal(volume.affine, AFFINES[orientation])
    assert np.array_equal(case.read_affine(), volume.affine)
    assert volume.spacing == (1.0, 1.0, 1.0)


def test_the_rows_are_told_apart():
    assert list(BRATS) == ["BraTS 2020", "BraTS 2021", "BraTS 2023", "BraTS 2024", "MSD Task01"]
    for name, layout in BRATS.items():
        matching = [other for other, o in BRATS.items() if o.case.fullmatch(layout.example)]
        assert matching == [name]
        assert len(layout.modalities) == len(MODALITIES)
        assert sorted(layout.labels.values()) in ([0, 1, 2, 4], [0, 1, 2, 4, 5])
        assert layout.licence and layout.page and layout.citations and layout.cases
        assert hash(layout) == hash(pickle.loads(pickle.dumps(layout)))


def test_the_odd_mask_of_case_355(tmp_path):
    folder = write_case(tmp_path, id="BraTS20_Training_355")
    assert (folder / "W39_1998.09.19_Segm.nii").is_file()
    (case,) = brats.find_cases(tmp_path)
    assert case.mask.name == "W39_1998.09.19_Segm.nii"
    assert np.array_equal(case.read_labels(), tumour())
    # somebody who mended the name finds his case as well; the odd name is case 355's alone
    case.mask.rename(folder / "BraTS20_Training_355_seg.nii")
    assert len(brats.find_cases(tmp_path)) == 1
    other = write_case(tmp_path / "b", id="BraTS20_Training_356")
    (other / "BraTS20_Training_356_seg.nii").rename(other / "W39_1998.09.19_Segm.nii")
    with pytest.warns(UserWarning, match="BraTS20_Training_356 .without mask"):
        assert len(brats.find_cases(tmp_path)) == 1


# --- regions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(BRATS))
def test_every_layout_gives_the_same_regions(tmp_path, name):
    write_case(tmp_path, name)
    found = brats.regions(brats.find_cases(tmp_path)[0].read_labels())
    assert found.shape == (*SHAPE, 3) and found.dtype == np.uint8
    sizes = dict(zip(REGIONS, found.reshape(-1, 3).sum(0).tolist(), strict=True))
    # boxes of brats_files.tumour: 10×10×8, 6×6×5, 3×3×3
    assert sizes == {"WT": 800, "TC": 180, "ET": 27}


@given(hnp.arrays(np.uint8, (3, 4, 2), elements=st.sampled_from([0, 1, 2, 4])))
def test_regions_and_labels_are_each_others_inverse(labels):
    found = brats.regions(labels)
    assert np.array_equal(brats.labels_of(found), labels)
    for i, region in enumerate(REGIONS):
        assert np.array_equal(found[..., i] == 1, np.isin(labels, REGION_LABELS[region]))
    assert (found[..., 0] >= found[..., 1]).all() and (found[..., 1] >= found[..., 2]).all()


def test_the_innermost_region_decides():
    assert brats.labels_of(np.array([[0, 1, 0], [1, 0, 1], [True, True, False]])).tolist() == [
        1,
        4,
        1,
    ]
    with pytest.raises(ValueError, match=r"\(2, 4\)"):
        brats.labels_of(np.zeros((2, 4)))


# --- finding ------------------------------------------------------------------------------------


def test_several_layouts_and_lgg_in_one_folder(tmp_path):
    write_set(tmp_path)
    for number in (2, 10, 1):
        write_case(tmp_path / "a", id=f"BraTS20_Training_{number:03}")
    write_case(tmp_path / "b/c", "BraTS 2021")
    write_case(tmp_path / "BraTS 2023", "BraTS 2023")
    write_case(tmp_path / "Task01_BrainTumour", "MSD Task01", id="BRATS_012")
    assert [case.id for case in brats.find_cases(tmp_path)] == [
        "BRATS_012",
        "BraTS20_Training_001",
        "BraTS20_Training_002",
        "BraTS20_Training_010",
        "BraTS2021_00000",
        "BraTS-GLI-00000-000",
    ]


@pytest.mark.parametrize("name", list(BRATS))
def test_a_single_case_or_its_folder_will_do(tmp_path, name):
    folder = write_case(tmp_path / "set", name)
    places = [folder, folder.parent]
    if name == "MSD Task01":
        places.append(folder / "imagesTr")
    for place in places:
        (case,) = brats.find_cases(place)
        assert case.mask is not None


def test_foreign_files_are_passed_over(tmp_path):
    folder = write_case(tmp_path)
    msd = write_case(tmp_path / "msd", "MSD Task01")
    (tmp_path / "name_mapping.csv").write_text("a,b\n", encoding="utf-8")
    (tmp_path / "._BraTS20_Training_002").mkdir()
    write_case(tmp_path / "__MACOSX", id="BraTS20_Training_003")
    write_case(tmp_path / ".hidden", id="BraTS20_Training_004")
    (tmp_path / "survival_info.csv").write_text("a\n", encoding="utf-8")
    for place in (folder, msd / "imagesTr", msd / "labelsTr"):
        for name in ("._BraTS20_Training_001_t1.nii", "._BRATS_001.nii.gz", ".DS_Store", "x.csv"):
            (place / name).write_bytes(b"x")
        (place / "notes.nii").write_bytes(b"x")
    assert [case.id for case in brats.find_cases(tmp_path)] == ["BRATS_001", "BraTS20_Training_001"]


def test_linked_folders_are_followed_and_each_case_found_once(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    write_case(elsewhere)
    write_case(elsewhere / "msd", "MSD Task01")
    data = tmp_path / "data"
    data.mkdir()
    try:
        (data / "one").symlink_to(elsewhere, target_is_directory=True)
        (data / "two").symlink_to(elsewhere, target_is_directory=True)
        (data / "loop").symlink_to(data, target_is_directory=True)
    except OSError:
        pytest.skip("this system doesn't let an ordinary user make links")
    cases = brats.find_cases(data)
    assert [case.id for case in cases] == ["BRATS_001", "BraTS20_Training_001"]
    assert all(case.read().labels.any() for case in cases)


def test_the_first_whole_copy_counts(tmp_path):
    broken = write_case(tmp_path / "a")
    (broken / "BraTS20_Training_001_t2.nii").unlink()
    whole = write_case(tmp_path / "b")
    write_case(tmp_path / "c")
    (case,) = brats.find_cases(tmp_path)  # without a warning: nothing is missing
    assert case.folder == whole


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize("lost", [*MODALITIES, "mask"])
def test_a_case_only_partly_there_is_skipped_with_a_warning(tmp_path, name, lost):
    folder = write_case(tmp_path, name)
    (whole,) = brats.find_cases(tmp_path)
    gone = whole.mask if lost == "mask" else whole.images[MODALITIES.index(lost)]
    gone.unlink()
    with pytest.warns(UserWarning, match=f"{folder.name} .without {lost}.*data check") as warned:
        assert brats.find_cases(tmp_path) == []
    assert len(warned) == 1
    assert warned[0].filename == __file__


@pytest.mark.parametrize("lost", ["imagesTr", "labelsTr"])
def test_an_msd_case_only_partly_there_is_skipped_too(tmp_path, lost):
    write_case(tmp_path, "MSD Task01", id="BRATS_001")
    write_case(tmp_path, "MSD Task01", id="BRATS_002")
    (tmp_path / lost / "BRATS_001.nii.gz").unlink()
    with pytest.warns(UserWarning, match="BRATS_001.*without"):
        assert [case.id for case in brats.find_cases(tmp_path)] == ["BRATS_002"]


def test_an_empty_folder_and_a_file_in_its_place_are_named(tmp_path):
    write_case(tmp_path, id="BraTS20_Training_001")
    (tmp_path / "BraTS20_Training_002").mkdir()
    (tmp_path / "BraTS20_Training_003").write_text("x", encoding="utf-8")
    with pytest.warns(UserWarning) as warned:
        assert len(brats.find_cases(tmp_path)) == 1
    text = str(warned[0].message)
    assert "BraTS20_Training_002 (without any of its files)" in text
    assert "BraTS20_Training_003 (a file where a case's folder should be)" in text


def test_cases_published_without_a_mask(tmp_path):
    write_case(tmp_path, id="BraTS20_Training_001")
    write_case(tmp_path, id="BraTS20_Validation_001", mask=False)
    write_case(tmp_path / "BraTS2021_ValidationData", "BraTS 2021", mask=False)
    msd = write_case(tmp_path / "msd", "MSD Task01", mask=False)
    (msd / "imagesTr").rename(msd / "imagesTs")
    assert [case.id for case in brats.find_cases(tmp_path)] == ["BraTS20_Training_001"]
    cases = brats.find_cases(tmp_path, labelled=False)
    assert [case.id for case in cases if case.mask is None] == [
        "BRATS_001",
        "BraTS20_Validation_001",
        "BraTS2021_00000",
    ]
    for case in cases:
        assert (case.read().labels is None) == (case.mask is None)
        assert (case.read_labels() is None) == (case.mask is None)


def test_nothing_there(tmp_path):
    assert brats.find_cases(tmp_path) == []
    assert brats.find_cases(tmp_path / "gone") == []


# --- reading ------------------------------------------------------------------------------------


@pytest.fixture
def case(tmp_path):
    write_case(tmp_path)
    return brats.find_cases(tmp_path)[0]


def test_what_is_read(case):
    volume = case.read()
    assert volume.images.shape == (*SHAPE, 4) and volume.images.dtype == np.int16
    assert volume.labels.shape == SHAPE and volume.labels.dtype == np.uint8
    with pytest.raises(ValueError, match="no modality 'T1gd'; there are T1, T1ce, T2, FLAIR"):
        case.read_image("T1gd")
    assert pickle.loads(pickle.dumps(case)) == case
    assert {case: 1}[case] == 1
    assert repr(case) == "Case(BraTS20_Training_001, BraTS 2020)"


def test_any_type_of_number_and_a_scaled_header_are_read(case):
    images = brain()
    image = nibabel.Nifti1Image(images["T2"].astype(np.int16), AFFINES["LPS"])
    image.header.set_slope_inter(0.5, 0)
    path = case.images[2]
    path.unlink()
    nibabel.save(image, path)
    save(case.images[3], images["FLAIR"].astype(np.float64))
    save(case.mask, tumour().astype(np.float32))
    volume = case.read()
    assert volume.images.dtype == np.float32
    assert np.allclose(volume.images[..., 2], nibabel.load(path).get_fdata())
    assert np.array_equal(volume.images[..., 0], images["T1"])
    assert np.array_equal(volume.labels, tumour())


def test_a_last_axis_of_one_is_no_axis(case):
    save(case.images[0], brain()["T1"][..., None])
    assert case.read().images.shape == (*SHAPE, 4)


def test_big_endian_nifti2_and_a_misnamed_gzip_are_read(case):
    images = brain()
    big = nibabel.Nifti1Image(images["T1"], AFFINES["LPS"]).header.as_byteswapped(">")
    nibabel.save(nibabel.Nifti1Image(images["T1"], AFFINES["LPS"], big), case.images[0])
    nibabel.save(nibabel.Nifti2Image(images["T1ce"], AFFINES["LPS"]), case.images[1])
    case.images[2].write_bytes(gzip.compress(case.images[2].read_bytes()))
    volume = case.read()
    for i, name in enumerate(MODALITIES):
        assert np.array_equal(volume.images[..., i], images[name])


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lambda path: path.write_bytes(b""), "the file is empty"),
        (lambda path: path.write_text("404: not here"), "isn't a NIfTI but text"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "is cut short: it has"),
        (lambda path: path.unlink(), "no such file"),
        (lambda path: save(path, np.zeros((9, 9, 9), np.int16)), "has the shape 9×9×9, not 24×22"),
        (lambda path: save(path, np.ones(SHAPE, np.int16), np.eye(4)), "has the affine"),
        (lambda path: save(path, np.full(SHAPE, np.nan, np.float32)), "holds NaN"),
        (lambda path: save(path, np.zeros((*SHAPE, 2), np.int16)), "is 4-D .24×22×16×2., an image"),
    ],
)
def test_a_broken_file_is_a_clear_error(case, fault, words):
    fault(case.images[1])
    with pytest.raises(DataError, match=words) as error:
        case.read()
    assert error.value.path == case.images[1]
    assert error.value.cure


def test_labels_outside_the_layouts_set_are_an_error(case):
    save(case.mask, np.where(tumour() == 4, 3, tumour()).astype(np.uint8))
    for read in (case.read, case.read_labels):
        with pytest.raises(DataError, match="labels 0, 1, 2, 3, where 0, 1, 2, 4 belong"):
            read()


def test_the_affine_alone(case):
    case.images[0].write_bytes(b"")
    with pytest.raises(DataError, match="the file is empty"):
        case.read_affine()


# --- what a lesson works with -------------------------------------------------------------------


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A small set in place of the sample, which takes its time to make."""
    root = tmp_path / "made"
    for number in range(1, 9):
        write_case(root, id=f"BraTS20_Synthetic_{number:03}", ending=".nii.gz", seed=number)
    monkeypatch.setattr(sample_data, "brats_root", lambda **_: root, raising=False)
    return root


def test_without_real_cases_it_is_the_sample(made, user, monkeypatch, capsys, tmp_path):
    monkeypatch.delenv("UNET_COURSE_DATA", raising=False)
    cases = brats.course_cases()
    assert capsys.readouterr().out == (
        "Data: the sample, 8 synthetic cases (nothing real was pointed at).\n"
    )
    assert cases == brats.sample_cases()
    assert len(brats.course_cases(limit=3)) == 3
    assert "Data: the sample, a subset of 3 of 8 synthetic cases (" in capsys.readouterr().out
    lgg = write_set(tmp_path / "lgg")
    monkeypatch.setenv("UNET_COURSE_DATA", str(lgg))
    brats.course_cases()
    assert f"(no complete BraTS case in {lgg.resolve()})" in capsys.readouterr().out
    with pytest.raises(ValueError, match="limit must be at least 1"):
        brats.course_cases(limit=0)


@pytest.mark.parametrize(("there", "asked_for"), [(False, 2), (True, 8)])
def test_a_lesson_that_needs_few_cases_makes_few(made, user, monkeypatch, capsys, there, asked_for):
    """Unless all eight were made before: the first of these are the same."""
    asked = []
    monkeypatch.setattr(sample_data, "brats_root", lambda cases: asked.append(cases) or made)
    monkeypatch.setattr(sample_data, "brats_is_made", lambda: there)
    cases = brats.course_cases(synthetic=2)
    assert asked == [asked_for]
    assert [case.id[-3:] for case in cases] == ["001", "002"]
    assert "Data: the sample, 2 synthetic cases (" in capsys.readouterr().out


def test_real_cases_where_there_are_some(made, user, monkeypatch, capsys, tmp_path):
    root = tmp_path / "real"
    write_case(root)
    monkeypatch.setenv("UNET_COURSE_DATA", str(root))
    brats.course_cases()
    assert capsys.readouterr().out == f"Data: 1 case in {root.resolve()}.\n"
    for number in range(2, 7):
        write_case(root, id=f"BraTS20_Training_{number:03}", seed=number)
    assert [case.id[-3:] for case in brats.course_cases(limit=3)] == ["002", "004", "006"]
    assert capsys.readouterr().out == f"Data: a subset of 3 of 6 cases in {root.resolve()}.\n"
    assert len(brats.sample_cases()) == 8


# --- the real cases -----------------------------------------------------------------------------

REAL = os.environ.get("UNET_COURSE_TEST_REAL")


@pytest.mark.skipif(not REAL, reason="UNET_COURSE_TEST_REAL names no folder of real BraTS cases")
def test_the_real_cases():
    cases = brats.find_cases(Path(REAL))
    assert cases, f"{REAL}: no BraTS cases"
    for case in cases:
        volume = case.read()
        assert volume.images.shape == (240, 240, 155, 4) and volume.spacing == (1, 1, 1)
        assert "".join(nibabel.aff2axcodes(volume.affine)) == case.layout.orientation
        regions = brats.regions(volume.labels)
        whole, core, enhancing = (regions[..., i].astype(bool) for i in range(3))
        assert whole.any() and (core <= whole).all() and (enhancing <= core).all()
        assert (volume.images[whole] != 0).any(axis=-1).mean() > 0.99  # tumours lie in the brain
    odd = [case for case in cases if case.id.endswith("_355")]
    assert all(case.mask.name.startswith("W39_1998.09.19_Segm.nii") for case in odd)
    report = check_brats.check_volumes(Path(REAL))
    assert report.problems == [] and len(report.rows) == len(cases)


def test_a_lesson_gets_a_sample_case_where_none_holds_what_it_shows(
    made, user, monkeypatch, capsys, tmp_path
):
    root = tmp_path / "real"
    write_case(root, none=True)
    write_case(root, id="BraTS20_Training_002", seed=2, enhancing=False)
    monkeypatch.setenv("UNET_COURSE_DATA", str(root))
    for needs, added in (((), 0), ((1, 2), 0), ((1, 2, 4), 1)):
        cases = brats.course_cases(needs=needs)
        said = capsys.readouterr().out
        assert len(cases) == 2 + added
        assert ("None of these cases holds core, oedema, enhancing" in said) is bool(added)
    assert cases[-1] == brats.sample_cases()[0] and cases[-1].id in said


@pytest.mark.parametrize("value", [0.5, 0.999, np.nan, -1, 2, 255])
def test_labels_are_made_of_zeros_and_ones_alone(value):
    """A probability without a threshold would be tumour everywhere."""
    with pytest.raises(ValueError, match="compare probabilities with a threshold"):
        brats.labels_of(np.array([[0, value, 0]]))
