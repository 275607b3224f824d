"""Reading LGG patients: every quirk of the layout, through the public functions."""

import os
import sys
import tracemalloc
import types
import warnings
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from lgg_files import write_patient, write_set

from unet_course.commands.check import check_lgg
from unet_course.data import lgg
from unet_course.data.layouts import LGG, DataError, natural_key


def link(target, path):
    try:
        path.symlink_to(target, target_is_directory=True)
    except OSError:  # Windows without developer mode
        pytest.skip("this system doesn't let an ordinary user make links")


# --- names --------------------------------------------------------------------------------------


@given(st.integers(1, 9999), st.booleans())
def test_a_slices_name_and_number_go_round(number, mask):
    folder = "TCGA_CS_4941_19960909"
    name = (LGG.mask_name if mask else LGG.image_name)(folder, number)
    assert LGG.slice_of(folder, name) == (number, mask)


@given(st.text(max_size=30))
def test_no_other_name_is_taken_for_a_slice(tail):
    folder = "TCGA_CS_4941_19960909"
    found = LGG.slice_of(folder, folder + tail)
    if found:
        number, mask = found
        assert folder + tail == (LGG.mask_name if mask else LGG.image_name)(folder, number)


@given(st.lists(st.integers(1, 3000), unique=True))
def test_natural_order_is_the_numbers_order(numbers):
    names = [LGG.image_name("TCGA_CS_4941_19960909", n) for n in numbers]
    expected = [LGG.image_name("TCGA_CS_4941_19960909", n) for n in sorted(numbers)]
    assert sorted(names, key=natural_key) == expected


@given(st.lists(st.text(alphabet="ab09²٣ _", max_size=6)))
def test_natural_key_sorts_anything(names):
    sorted(names, key=natural_key)


def test_the_layouts_facts():
    assert LGG.channels == ("pre-contrast", "FLAIR", "post-contrast")
    assert (LGG.size, LGG.patients, LGG.slices, LGG.tumour_slices) == (256, 110, 3929, 1373)
    assert len(LGG.missing_pre_and_post) == 6
    assert len(LGG.missing_post) == 4
    ids = LGG.missing_pre_and_post + LGG.missing_post
    assert all(LGG.patient.fullmatch(f"{id}_20000101")["id"] == id for id in ids)


# --- finding ------------------------------------------------------------------------------------


def test_patients_are_found_with_slices_in_natural_order(tmp_path):
    write_patient(tmp_path / "deep" / "er", slices=12)
    (patient,) = lgg.find_patients(tmp_path)
    assert patient.id == "TCGA_CS_0001"
    assert patient.institution == "CS"
    assert patient.numbers == tuple(range(1, 13))
    assert patient.image_path(10).name == "TCGA_CS_0001_20000101_10.tif"
    assert patient.mask_path(10).is_file()


def test_sorted_by_id_and_a_single_patients_folder_will_do(tmp_path):
    folder = write_set(tmp_path)
    assert [p.id for p in lgg.find_patients(tmp_path)] == [
        "TCGA_CS_0001",
        "TCGA_DU_0002",
        "TCGA_FG_0003",
    ]
    assert len(lgg.find_patients(str(folder / "TCGA_DU_0002_20000101"))) == 1


def test_a_set_that_lies_there_twice_counts_once(tmp_path):
    write_set(tmp_path)
    write_set(tmp_path / "lgg-mri-segmentation")
    assert len(lgg.find_patients(tmp_path)) == 3


def test_of_two_copies_the_complete_one_counts(tmp_path):
    write_patient(tmp_path / "a").joinpath("TCGA_CS_0001_20000101_2_mask.tif").unlink()
    write_patient(tmp_path / "b")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (patient,) = lgg.find_patients(tmp_path)
    assert patient.folder.parent.name == "b"


def test_a_folder_unpacked_into_one_of_its_own_name_is_found(tmp_path):
    write_patient(tmp_path / "TCGA_CS_0001_20000101")
    assert len(lgg.find_patients(tmp_path)) == 1


def test_linked_folders_are_followed_and_loops_end(tmp_path):
    write_set(tmp_path / "elsewhere")
    data = tmp_path / "data"
    data.mkdir()
    link(tmp_path / "elsewhere", data / "linked")
    link(data, data / "loop")
    link(tmp_path / "elsewhere" / "kaggle_3m", data / "again")
    assert len(lgg.find_patients(data)) == 3


def test_a_linked_patient_folder_is_followed(tmp_path):
    folder = write_patient(tmp_path / "elsewhere")
    (tmp_path / "data").mkdir()
    link(folder, tmp_path / "data" / folder.name)
    (patient,) = lgg.find_patients(tmp_path / "data")
    assert patient.read()[0].shape == (3, 256, 256, 3)


def test_foreign_files_are_passed_over(tmp_path):
    folder = write_patient(tmp_path)
    for name in (
        "._TCGA_CS_0001_20000101_1.tif",
        ".DS_Store",
        "Thumbs.db",
        "TCGA_CS_0001_20000101_9 (1).tif",
        "TCGA_CS_0001_20000101_09.tif",
        "other.tif",
    ):
        (folder / name).write_text("not a slice", encoding="utf-8")
    (tmp_path / "BraTS20_Training_001").mkdir()
    (tmp_path / "__MACOSX" / folder.name).mkdir(parents=True)
    (tmp_path / ".trash" / folder.name).mkdir(parents=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (patient,) = lgg.find_patients(tmp_path)
    assert patient.numbers == (1, 2, 3)
    patient.read()


@pytest.mark.parametrize("lost", ["_2.tif", "_2_mask.tif"])
def test_an_incomplete_patient_is_left_out_by_name(tmp_path, lost):
    folder = write_set(tmp_path)
    (folder / "TCGA_DU_0002_20000101" / f"TCGA_DU_0002_20000101{lost}").unlink()
    with pytest.warns(UserWarning, match=r"TCGA_DU_0002_20000101 \(slice 2 without"):
        patients = lgg.find_patients(tmp_path)
    assert [p.id for p in patients] == ["TCGA_CS_0001", "TCGA_FG_0003"]


def test_a_gap_or_an_empty_folder_leaves_a_patient_out(tmp_path):
    folder = write_patient(tmp_path)
    for end in ("_2.tif", "_2_mask.tif"):
        (folder / f"{folder.name}{end}").unlink()
    (tmp_path / "TCGA_DU_0002_20000101").mkdir()
    with pytest.warns(UserWarning, match=r"no slice 2.*no slices.*data check"):
        assert lgg.find_patients(tmp_path) == []


def test_nothing_there_is_an_empty_list(tmp_path):
    assert lgg.find_patients(tmp_path) == []
    assert lgg.find_patients(tmp_path / "nowhere") == []


# --- reading ------------------------------------------------------------------------------------


@pytest.mark.parametrize("high", [255, 1])
def test_read_gives_images_and_masks_of_0_and_1(tmp_path, high):
    folder = write_patient(tmp_path, slices=11, high=high)
    (patient,) = lgg.find_patients(tmp_path)
    images, masks = patient.read()
    assert images.shape == (11, 256, 256, 3)
    assert masks.shape == (11, 256, 256)
    assert images.dtype == masks.dtype == np.uint8
    assert set(np.unique(masks)) == {0, 1}
    tenth = tifffile.imread(folder / f"{folder.name}_10.tif")
    assert np.array_equal(images[9], tenth)
    assert patient.tumour_pixels == (0, *(20 * 10 * n for n in range(2, 12)))


@pytest.mark.parametrize("kind", ["strips", "padded strips", "tiles", "deflate", "big-endian"])
def test_every_way_to_store_a_tiff_reads_the_same(tmp_path, kind):
    image = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    path = tmp_path / "x.tif"
    options = {
        "strips": {"rowsperstrip": 11},
        "tiles": {"tile": (64, 64)},
        "deflate": {"compression": "zlib"},
        "big-endian": {"byteorder": ">"},
    }
    if kind == "padded strips":
        path.write_bytes(padded_strips(image))
    else:
        tifffile.imwrite(path, image, photometric="rgb", **options[kind])
    assert np.array_equal(lgg.read_image(path), image)


def padded_strips(image):
    """Write a TIFF as Kaggle's files are: 24 strips, the last one claims more than it holds."""
    rows, row = 11, image.shape[1] * 3
    strips = -(-image.shape[0] // rows)
    data = image.tobytes().ljust(strips * rows * row, b"\0")
    tags = [
        (256, 4, [image.shape[1]]),
        (257, 4, [image.shape[0]]),
        (258, 3, [8, 8, 8]),
        (259, 3, [1]),
        (262, 3, [2]),
        (273, 4, [8 + i * rows * row for i in range(strips)]),
        (277, 3, [3]),
        (278, 4, [rows]),
        (279, 4, [rows * row] * strips),
        (284, 3, [1]),
        (339, 3, [1, 1, 1]),
    ]
    start = 8 + len(data)
    rest = start + 2 + 12 * len(tags) + 4
    entries, values = b"", b""
    for code, kind, numbers in tags:
        size = 2 if kind == 3 else 4
        packed = b"".join(n.to_bytes(size, "little") for n in numbers)
        if len(packed) > 4:
            place = (rest + len(values)).to_bytes(4, "little")
            values += packed
        else:
            place = packed.ljust(4, b"\0")
        entries += code.to_bytes(2, "little") + kind.to_bytes(2, "little")
        entries += len(numbers).to_bytes(4, "little") + place
    header = b"II*\0" + start.to_bytes(4, "little")
    return header + data + len(tags).to_bytes(2, "little") + entries + b"\0" * 4 + values


def test_nearly_black_slices_are_fine(tmp_path):
    folder = write_patient(tmp_path)
    black = np.random.default_rng(0).integers(0, 4, (256, 256, 3), np.uint8)
    tifffile.imwrite(folder / f"{folder.name}_1.tif", black, photometric="rgb")
    (patient,) = lgg.find_patients(tmp_path)
    assert patient.read()[0][0].max() == 3
    assert check_lgg.check_lgg(tmp_path).problems == []


def test_a_bad_file_is_named_with_its_cure(tmp_path):
    folder = write_patient(tmp_path)
    (folder / f"{folder.name}_2.tif").write_bytes(b"")
    (patient,) = lgg.find_patients(tmp_path)
    with pytest.raises(
        DataError, match=r"_2\.tif: the file is empty\. .*unpack it from its archive again"
    ):
        patient.read()


@pytest.mark.parametrize(
    ("equal", "missing"),
    [((), ()), ((2,), ("post-contrast",)), ((0, 2), ("pre-contrast", "post-contrast"))],
)
def test_missing_sequences_are_found_in_the_pixels(tmp_path, equal, missing):
    folder = write_patient(tmp_path, equal=equal)
    # a black middle slice, equal in every channel, must not settle it
    black = np.zeros((256, 256, 3), np.uint8)
    tifffile.imwrite(folder / f"{folder.name}_2.tif", black, photometric="rgb")
    (patient,) = lgg.find_patients(tmp_path)
    assert patient.missing == missing


# --- tables -------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [",", ";"])
def test_the_clinical_table_takes_both_separators(tmp_path, separator):
    folder = write_set(tmp_path)
    text = (folder / "data.csv").read_text(encoding="utf-8").replace(",", separator)
    (folder / "data.csv").write_text("\ufeff" + text, encoding="utf-8")
    table = lgg.read_table(tmp_path)
    assert table.index.name == "Patient"
    assert list(table.columns) == ["RNASeqCluster", "age"]
    assert len(table) == 4  # one of them without a folder, which is no fault
    assert table.loc["TCGA_DU_0002", "age"] == 41


def test_ids_with_a_date_lose_it(tmp_path):
    folder = write_set(tmp_path)
    text = (folder / "data.csv").read_text(encoding="utf-8")
    text = text.replace("TCGA_DU_0002", "TCGA_DU_0002_20000101")
    (folder / "data.csv").write_text(text, encoding="utf-8")
    assert "TCGA_DU_0002" in lgg.read_table(tmp_path).index


def test_for_patients_the_rows_are_theirs_and_a_missing_one_is_empty(tmp_path):
    folder = write_set(tmp_path)
    text = (folder / "data.csv").read_text(encoding="utf-8")
    kept = [line for line in text.splitlines() if not line.startswith("TCGA_DU")]
    (folder / "data.csv").write_text("\n".join(kept), encoding="utf-8")
    table = lgg.read_table(lgg.find_patients(tmp_path))
    assert list(table.index) == ["TCGA_CS_0001", "TCGA_DU_0002", "TCGA_FG_0003"]
    assert table.loc["TCGA_DU_0002"].isna().all()


def test_without_data_csv_a_warning(tmp_path):
    write_set(tmp_path, table=False)
    with pytest.warns(UserWarning, match=r"no data\.csv"):
        table = lgg.read_table(lgg.find_patients(tmp_path))
    assert len(table) == 3
    with pytest.warns(UserWarning, match=r"no data\.csv"):
        assert lgg.read_table(tmp_path).empty


def test_a_table_that_lies_there_twice_has_each_row_once(tmp_path):
    write_set(tmp_path)
    write_set(tmp_path / "again")
    assert len(lgg.read_table(tmp_path)) == 4


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00bad", b"Patient,a\n1,2,3\n4"]
)
def test_a_broken_table_is_named(tmp_path, content):
    folder = write_set(tmp_path)
    (folder / "data.csv").write_bytes(content)
    try:
        lgg.read_table(tmp_path)
    except DataError as error:
        assert "data.csv" in str(error)
        assert error.cure
    else:
        assert content.startswith(b"Patient")


def test_patient_table(tmp_path):
    folder = tmp_path / "kaggle_3m"
    write_patient(folder, slices=4)
    write_patient(folder, "TCGA_HT_0002_20000101", slices=2, equal=(0, 2))
    table = lgg.patient_table(lgg.find_patients(tmp_path))
    assert table.index.name == "id"
    assert table.loc["TCGA_CS_0001"].to_dict() == {
        "institution": "CS",
        "slices": 4,
        "tumour_slices": 3,
        "tumour_pixels": 20 * (20 + 30 + 40),
        "missing": "",
    }
    assert table.loc["TCGA_HT_0002", "missing"] == "pre-contrast, post-contrast"
    assert list(lgg.patient_table([]).columns) == list(table.columns)


# --- what a lesson calls ------------------------------------------------------------------------


@pytest.fixture
def sample(tmp_path, monkeypatch):
    """A stand-in for the sample, which takes longer to make than these tests to run."""
    monkeypatch.setenv("UNET_COURSE_USER", str(tmp_path / "user"))
    monkeypatch.delenv("UNET_COURSE_DATA", raising=False)
    made = tmp_path / "sample"
    for i in range(6):
        write_patient(made, f"SYN_{['CS', 'DU'][i % 2]}_{i + 1:04}_20000101", slices=2 + i)
    module = types.ModuleType("unet_course.synthetic.sample_data")
    module.lgg_root = lambda *_, **__: made
    monkeypatch.setitem(sys.modules, "unet_course.synthetic.sample_data", module)
    monkeypatch.setattr("unet_course.synthetic.sample_data", module, raising=False)


def test_the_sample_when_nothing_real_is_pointed_at(sample, capsys):
    assert len(lgg.course_patients()) == 6
    said = capsys.readouterr().out
    assert said == "Data: the sample, 6 synthetic patients (nothing real was pointed at).\n"


def test_real_patients_when_they_are_pointed_at(sample, tmp_path, monkeypatch, capsys):
    write_set(tmp_path / "real")
    monkeypatch.setenv("UNET_COURSE_DATA", str(tmp_path / "real"))
    assert len(lgg.course_patients(limit=5)) == 3
    folder = (tmp_path / "real").resolve()
    assert capsys.readouterr().out == f"Data: 3 patients in {folder}.\n"


def test_the_sample_where_the_folder_holds_no_such_patient(sample, tmp_path, monkeypatch, capsys):
    (tmp_path / "brats").mkdir()
    monkeypatch.setenv("UNET_COURSE_DATA", str(tmp_path / "brats"))
    assert len(lgg.course_patients()) == 6
    assert "6 synthetic patients (no complete LGG patient in" in capsys.readouterr().out


def test_a_subset_is_stated_spread_and_always_the_same(sample, tmp_path, monkeypatch, capsys):
    for i in range(12):
        name = f"TCGA_{('CS', 'DU', 'FG')[i // 4]}_{i:04}_20000101"
        write_patient(tmp_path / "real", name, slices=1 + i % 4, seed=i)
    monkeypatch.setenv("UNET_COURSE_DATA", str(tmp_path / "real"))
    chosen = lgg.course_patients(limit=6)
    assert "Data: a subset of 6 of 12 patients in" in capsys.readouterr().out
    assert chosen == lgg.course_patients(limit=6)
    assert [p.institution for p in chosen] == ["CS", "CS", "DU", "DU", "FG", "FG"]
    for institution in ("CS", "DU", "FG"):
        small, large = sorted(len(p.numbers) for p in chosen if p.institution == institution)
        assert small <= 2 < large
    assert len(lgg.course_patients(limit=1)) == 1
    with pytest.raises(ValueError, match="at least 1"):
        lgg.course_patients(limit=0)


@pytest.mark.parametrize("needed, used", [(1, "Data: 2 patients in"), (3, "Data: the sample")])
def test_a_lesson_gets_as_many_patients_as_it_needs(
    sample, tmp_path, monkeypatch, capsys, needed, used
):
    write_set(tmp_path / "real", patients=2)
    monkeypatch.setenv("UNET_COURSE_DATA", str(tmp_path / "real"))
    assert len(lgg.course_patients(at_least=needed)) == (2 if needed == 1 else 6)
    said = capsys.readouterr().out
    assert said.startswith(used) and said.count("\n") == 1
    assert ("the lesson needs 3, and" in said and "has 2 that it can use" in said) == (needed == 3)


def test_patients_whom_no_lesson_can_use_are_named_and_left_out(
    sample, tmp_path, monkeypatch, capsys
):
    folder = write_set(tmp_path, patients=2)
    write_patient(folder, "TCGA_HT_0003_20000101", slices=1)  # slice 1 has no tumour
    only_tumour = write_patient(folder, "TCGA_HT_0004_20000101", slices=2)
    for name in ("image", "mask"):
        path = getattr(LGG, f"{name}_name")(only_tumour.name, 1)
        source = getattr(LGG, f"{name}_name")(only_tumour.name, 2)
        (only_tumour / path).write_bytes((only_tumour / source).read_bytes())
    other_size = write_patient(folder, "TCGA_HT_0005_20000101")
    for path in other_size.iterdir():
        tifffile.imwrite(path, tifffile.imread(path)[:240, :200])
    damaged = write_patient(folder, "TCGA_HT_0006_20000101")
    (damaged / LGG.mask_name(damaged.name, 2)).write_bytes(b"")
    monkeypatch.setenv("UNET_COURSE_DATA", str(folder))
    assert [p.id for p in lgg.course_patients(limit=5, at_least=2)] == [
        "TCGA_CS_0001",
        "TCGA_DU_0002",
    ]
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"Data: 2 patients in {folder.resolve()}."
    assert "TCGA_HT_0003 (no slice has tumour); TCGA_HT_0004 (every slice has tumour)" in said[1]
    assert "has the shape 240×200×3, an image has 256×256×3) and 1 more." in said[1]
    assert f"unet-course data check {folder.resolve()}" in said[1]


def test_the_sample_where_a_folder_has_no_patient_for_a_lesson(
    sample, tmp_path, monkeypatch, capsys
):
    write_patient(tmp_path / "real", slices=1)
    monkeypatch.setenv("UNET_COURSE_DATA", str(tmp_path / "real"))
    assert len(lgg.course_patients(limit=4, at_least=1)) == 4
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("Data: the sample, a subset of 4 of 6 synthetic patients")
    assert said[1].startswith("Left out, as no lesson can use them: TCGA_CS_0001")


# --- the real patients --------------------------------------------------------------------------

REAL = os.environ.get("UNET_COURSE_TEST_REAL")


@pytest.mark.skipif(not REAL, reason="UNET_COURSE_TEST_REAL names no folder of real LGG patients")
def test_the_real_patients(capsys):
    patients = lgg.find_patients(Path(REAL))
    assert patients, f"{REAL}: no LGG patients"
    table = lgg.patient_table(patients)
    both = table.index[table["missing"] == "pre-contrast, post-contrast"]
    post = table.index[table["missing"] == "post-contrast"]
    assert set(both) == set(LGG.missing_pre_and_post) & set(table.index)
    assert set(post) == set(LGG.missing_post) & set(table.index)
    assert set(table["missing"]) <= {"", "post-contrast", "pre-contrast, post-contrast"}
    assert (table["tumour_slices"] > 0).all()
    clinical = lgg.read_table(patients)
    assert len(clinical) == len(patients)
    report = check_lgg.check_lgg(Path(REAL))
    assert report.problems == []
    assert report.total("slices") == table["slices"].sum()
    assert report.total("tumour_pixels") == table["tumour_pixels"].sum()
    if len(patients) == LGG.patients:
        assert (report.total("slices"), report.total("tumour_slices")) == (3929, 1373)
    if len(patients) == 36:  # those that the course was made with
        assert (report.total("slices"), report.total("tumour_slices")) == (1345, 473)


# --- odd entries --------------------------------------------------------------------------------


def test_a_date_in_a_slices_place_is_a_foreign_file(tmp_path):
    folder = write_patient(tmp_path, "TCGA_CS_0001_20000101", slices=3)
    for end in ("", "_mask"):
        source = folder / f"{folder.name}_1{end}.tif"
        (folder / f"{folder.name}_20231105{end}.tif").write_bytes(source.read_bytes())
    (patient,) = lgg.find_patients(tmp_path)
    assert patient.numbers == (1, 2, 3)


def test_a_link_that_loops_hides_nobody(tmp_path):
    write_patient(tmp_path, "TCGA_CS_0001_20000101")
    link(tmp_path / "loop", tmp_path / "loop")
    assert len(lgg.find_patients(tmp_path)) == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_named_pipe_is_not_waited_for(tmp_path):
    path = tmp_path / "x.tif"
    os.mkfifo(path)
    with pytest.raises(DataError, match="a named pipe where a file should be"):
        lgg.read_image(path)


def test_an_inverted_mask_is_refused(tmp_path):
    mask = np.zeros((256, 256), np.uint8)
    mask[:20, :20] = 255
    tifffile.imwrite(tmp_path / "m.tif", 255 - mask, photometric="miniswhite")
    with pytest.raises(DataError, match="WhiteIsZero"):
        lgg.read_mask(tmp_path / "m.tif")


def test_a_large_picture_is_refused_by_its_header(tmp_path):
    """A small file that claims 1 GB of pixels: nothing of it is unpacked."""
    path = tmp_path / "bomb.tif"
    tile = np.zeros((2048, 2048), np.uint8)
    with tifffile.TiffWriter(path) as file:
        file.write(
            (tile for _ in range(256)), shape=(32768, 32768), dtype=np.uint8, tile=tile.shape,
            compression="zlib", photometric="minisblack",
        )  # fmt: skip
    tracemalloc.start()
    with pytest.raises(DataError, match="32768×32768"):
        lgg.read_image(path)
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()
