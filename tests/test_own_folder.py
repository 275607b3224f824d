"""A folder of one's own: scans and slices by a table, in every format, and what bad input says."""

import json
import struct

import nibabel
import numpy as np
import pytest
import tifffile
from lesson_files import LESSONS, code_cells
from PIL import Image

from unet_course import runtime
from unet_course.commands import cli, doctor
from unet_course.data import brats, fingerprint, lgg, own_folder, prepared_cases, slices
from unet_course.data.layouts import DataError
from unet_course.prediction import postprocess, predict_slices
from unet_course.training import plan

AFFINE = np.diag([-1.0, -1.0, 2.0, 1.0])
SHAPE = (24, 20, 16)


def nii(path, array, affine=AFFINE):
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(array, affine), path)


def scan(seed, channels=()):
    """A box of brain, bright enough that no voxel in it is 0."""
    rng = np.random.default_rng(seed)
    image = np.zeros((*SHAPE, *channels), np.int16)
    image[2:-2, 2:-2, 2:-2] = rng.integers(100, 900, image[2:-2, 2:-2, 2:-2].shape)
    return image


def tumour(values=(1,)):
    mask = np.zeros(SHAPE, np.uint8)
    for i, value in enumerate(values):
        mask[6 : 12 - i, 6 : 12 - i, 5 : 10 - i] = value
    return mask


def picture(path, array, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".png":
        Image.fromarray(array).save(path)
    else:
        tifffile.imwrite(path, array, **options)


def grey(seed, size=(40, 48)):
    return np.random.default_rng(seed).integers(1, 255, size).astype(np.uint8)


def spot(size=(40, 48), high=255):
    mask = np.zeros(size, np.uint8)
    mask[10:20, 12:24] = high
    return mask


def table(folder, text):
    (folder / own_folder.TABLE).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def volumes(tmp_path):
    """Two patients, three scans, four modalities, BraTS' labels, one scan without a mask."""
    rows = []
    for seed, (patient, case) in enumerate([("p1", "p1-a"), ("p1", "p1-b"), ("p2", "p2")]):
        row = {"patient": patient, "case": case, "institution": "X"}
        for i, name in enumerate(("flair", "t1", "t1ce", "t2")):  # in any order
            row[name] = f"{case}/{name}.nii.gz"
            nii(tmp_path / row[name], scan(10 * seed + i))
        row["labels"] = f"masks/{case}.nii" if case != "p1-b" else ""
        if row["labels"]:
            nii(tmp_path / row["labels"], tumour((2, 1, 4)))
        rows.append(row)
    own_folder.write_table(tmp_path, rows)
    return tmp_path


@pytest.fixture
def pictures(tmp_path):
    """Two patients of three slices, PNG and TIFF; one patient's are larger."""
    rows = []
    for patient, ending, size in (("anna", "png", (40, 48)), ("bo", "tif", (64, 64))):
        for number in (1, 2, 10):
            row = {"patient": patient, "slice": number, "institution": patient[0]}
            row |= {
                "image": f"{patient}/{number}.{ending}",
                "mask": f"{patient}/{number}_m.{ending}",
            }
            picture(tmp_path / row["image"], grey(len(patient) + number, (*size, 3)))
            mask = spot(size) if number == 2 else np.zeros(size, np.uint8)
            picture(tmp_path / row["mask"], mask)
            rows.append(row)
    own_folder.write_table(tmp_path, rows[::-1])
    return tmp_path


def check(folder, capsys):
    code = cli.main(["data", "check", str(folder)])
    return code, capsys.readouterr().out


# --- what comes out -------------------------------------------------------------------------------


def test_scans_are_cases_that_all_takes_as_it_is(volumes, capsys, tmp_path, monkeypatch):
    labelled = brats.find_cases(volumes)
    cases = brats.find_cases(volumes, labelled=False)
    assert [case.id for case in labelled] == ["p1-a", "p2"] and len(cases) == 3
    assert [case.patient for case in cases] == ["p1", "p1", "p2"]
    volume = cases[0].read()
    assert volume.images.shape == (*SHAPE, 4) and cases[0].channels == ("T1", "T1ce", "T2", "FLAIR")
    assert np.array_equal(volume.images[..., 3], scan(0)), "FLAIR last, whatever the columns' order"
    assert np.array_equal(cases[0].read_image("T1"), scan(1))
    assert set(np.unique(volume.labels)) == {0, 1, 2, 4} and volume.spacing == (1, 1, 2)
    assert cases[1].read().labels is None
    monkeypatch.setenv("UNET_COURSE_CACHE", str(tmp_path / "cache"))
    prepared = prepared_cases.prepare(labelled, progress=False)
    assert (
        prepared[0].images.shape == (20, 16, 12, 4) and prepared[0].regions().any((0, 1, 2)).all()
    )
    assert "voxels of 1×1×2 mm" in capsys.readouterr().out
    restored = prepared[0].restore(prepared[0].labels)
    out = postprocess.write_prediction(cases[0], restored, tmp_path / "o.nii")
    assert np.array_equal(nibabel.load(out).get_fdata(), volume.labels)
    found = fingerprint.of_volumes(labelled, progress=False)
    assert found["channels"] == ["T1", "T1ce", "T2", "FLAIR"] and found["patients"] == 2
    assert len(plan.make_plan(found)["channels"]) == 4


@pytest.mark.parametrize(
    ("columns", "channels", "names"),
    [
        ("flair", (), ("FLAIR",)),
        ("image", (), ("image",)),
        ("image", (3,), ("channel1", "channel2", "channel3")),
        ("t2,flair", (), ("T2", "FLAIR")),
        ("channel1,channel2", (), ("channel1", "channel2")),
    ],
)
def test_one_to_four_channels_and_a_mask_of_one_region(
    tmp_path, monkeypatch, capsys, columns, channels, names
):
    monkeypatch.setenv("UNET_COURSE_CACHE", str(tmp_path / "cache"))
    lines = []
    for patient in ("p1", "p2"):
        files = [f"{patient}_{name}.nii.gz" for name in columns.split(",")]
        for seed, file in enumerate(files):
            nii(tmp_path / file, scan(hash(patient) % 99 + seed, channels))
        high = 1 if patient == "p1" else 255
        nii(tmp_path / f"{patient}_m.nii", tumour((high,)))
        lines.append(";".join([patient, *files, f"{patient}_m.nii"]))
    table(tmp_path, "\ufeffPatient;" + columns.replace(",", ";") + ";Mask\r\n" + "\r\n".join(lines))
    cases = brats.find_cases(tmp_path)
    volume = cases[1].read()
    assert cases[0].channels == names and volume.images.shape == (*SHAPE, len(names))
    assert set(np.unique(volume.labels)) == {0, 2}, "the whole tumour"
    prepared = prepared_cases.prepare(cases, progress=False)
    assert prepared[1].images.shape[-1] == len(names)
    assert prepared[1].regions().any((0, 1, 2)).tolist() == [True, False, False]
    written = cases[0].layout.to_disk(np.array([0, 1, 2, 4]))
    assert written.tolist() == [0, 1, 1, 1], "what a network finds is one region again"
    assert fingerprint.of_volumes(cases, progress=False)["channels"] == list(names)
    code, said = check(tmp_path, capsys)
    assert code == 0 and "No problem found" in said


def test_the_same_files_read_otherwise_are_prepared_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("UNET_COURSE_CACHE", str(tmp_path / "cache"))
    nii(tmp_path / "a.nii", scan(0))
    nii(tmp_path / "m.nii", tumour((1,)))
    labels = []
    for column in ("mask", "labels"):
        table(tmp_path, f"patient,image,{column}\np1,a.nii,m.nii")
        (case,) = prepared_cases.prepare(brats.find_cases(tmp_path), progress=False)
        labels.append(int(case.labels.max()))
    assert labels == [2, 1]


def test_slices_are_patients_that_all_takes_as_it_is(pictures):
    patients = lgg.find_patients(pictures)
    assert [(p.id, p.numbers, p.institution) for p in patients] == [
        ("anna", (1, 2, 10), "a"),
        ("bo", (1, 2, 10), "b"),
    ]
    images, masks = patients[0].read()
    assert images.shape == (3, 40, 48, 3) and images.dtype == np.uint8
    assert np.array_equal(images[2], grey(14, (40, 48, 3))) and masks.max() == 1
    assert patients[0].tumour_pixels == (0, 120, 0) and patients[0].missing == ()
    assert (
        patients[0].image_path(10).name == "10.png" and patients[0].mask_path(2).name == "2_m.png"
    )
    loaded = slices.load(patients, side=32, progress=False)
    assert loaded.images.shape == (6, 32, 32, 3) and loaded.masks.sum() > 0
    assert lgg.patient_table(patients).tumour_slices.tolist() == [1, 1]
    found = fingerprint.of_slices(patients, progress=False)
    assert (found["set"], found["slices"], found["channels"][0]) == ("cases.csv", 6, "channel1")
    assert plan.make_plan(found)["network"]


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        ("t1ce,t1,flair", lgg.LGG.channels),
        ("t1,t1ce,t2,flair", ("T1", "T1ce", "T2", "FLAIR")),
        ("flair", ("FLAIR",)),
        ("image", ("image",)),
        ("channel2,channel1", ("channel1", "channel2")),
    ],
)
def test_slices_with_a_file_a_channel(tmp_path, columns, names):
    columns = columns.split(",")
    for i, column in enumerate(columns):
        picture(tmp_path / f"{column}.tiff", np.full((20, 20), i + 1, np.uint8))
    picture(tmp_path / "m.png", spot((20, 20), 1))
    table(
        tmp_path,
        f"patient,{','.join(columns)},mask\np1,{','.join(f'{c}.tiff' for c in columns)},m.png",
    )
    (patient,) = lgg.find_patients(tmp_path)
    images, masks = patient.read()
    assert patient.channels == tuple(names) and images.shape == (1, 20, 20, len(columns))
    assert patient.numbers == (1,) and masks.sum() == 80
    order = {"pre-contrast": "t1", "post-contrast": "t1ce"}
    wanted = [columns.index(order.get(name, name.lower())) + 1 for name in names]
    assert images[0, 0, 0].tolist() == wanted


def test_lessons_take_what_they_can_show_and_say_the_rest(volumes, monkeypatch, capsys):
    made = brats.find_cases(volumes)
    monkeypatch.setattr(brats, "sample_cases", lambda *_: made[:1])
    monkeypatch.setenv(runtime.DATA_VARIABLE, str(volumes))
    assert [case.id for case in brats.course_cases()] == ["p1-a", "p2"]
    assert "2 cases in" in capsys.readouterr().out
    text = (volumes / own_folder.TABLE).read_text(encoding="utf-8").replace(",labels", ",mask")
    table(volumes, text)
    assert brats.course_cases() == made[:1]
    assert (
        "Passed over, 2 cases of cases.csv: this lesson shows T1, T1ce" in capsys.readouterr().out
    )


def test_lessons_of_slices_take_the_sample(pictures, monkeypatch, capsys):
    monkeypatch.setattr(lgg, "_sample_patients", list)
    monkeypatch.setenv(runtime.DATA_VARIABLE, str(pictures))
    assert lgg.course_patients(at_least=1) == []
    said = capsys.readouterr().out
    assert "Passed over, 2 patients of cases.csv" in said and "Data: the sample" in said


def test_a_lesson_may_take_the_tables_patients(pictures, monkeypatch, capsys):
    monkeypatch.setattr(lgg, "_sample_patients", list)
    monkeypatch.setenv(runtime.DATA_VARIABLE, str(pictures))
    assert [p.id for p in lgg.course_patients(at_least=2, own=True)] == ["anna", "bo"]
    assert capsys.readouterr().out.startswith("Data: 2 patients in ")
    assert lgg.course_patients(at_least=3, own=True) == []
    assert "Data: the sample" in capsys.readouterr().out
    for who in ("cleo", "dora"):  # one channel, and no tumour
        size = (40, 48) if who == "cleo" else (40, 48, 3)
        picture(pictures / f"{who}.png", grey(7, size))
        picture(pictures / f"{who}_m.png", spot() * (who == "cleo"))
    with open(pictures / own_folder.TABLE, "a", encoding="utf-8") as file:
        file.writelines(f"{who},1,x,{who}.png,{who}_m.png\n" for who in ("cleo", "dora"))
    assert [p.id for p in lgg.course_patients(at_least=1, own=True)] == ["anna", "bo"]
    said = capsys.readouterr().out
    assert "cleo (1 channels, most others have 3); dora (no slice has tumour)" in said


@pytest.mark.parametrize(
    ("size", "channels", "ending"),
    [((50, 45), 1, "png"), ((41, 53), 3, "tif"), ((33, 40), 2, "png")],
)
def test_lesson_13_takes_pictures_of_any_size(
    tmp_path, monkeypatch, capsys, size, channels, ending
):
    columns = [f"channel{c + 1}" for c in range(channels)] if channels == 2 else ["image"]
    rows = []
    for number in range(8):
        rows.append({"patient": f"p{number}"})
        for i, column in enumerate(columns):
            rows[-1][column] = f"{number}_{column}.{ending}"
            shape = size if channels < 3 else (*size, channels)
            picture(tmp_path / rows[-1][column], grey(10 * number + i, shape))
        rows[-1]["mask"] = f"{number}_m.{ending}"
        picture(tmp_path / rows[-1]["mask"], spot(size))
    own_folder.write_table(tmp_path, rows)
    monkeypatch.setenv(runtime.DATA_VARIABLE, str(tmp_path))
    (lesson,) = [path for path in LESSONS if path.name.startswith("13")]
    cells, names = {cell.id: cell.source for cell in code_cells(lesson)}, {}
    for id in ("imports", "patients", "write-own", "raters", "raters-figure"):
        exec(compile(cells[id], id, "exec"), names)
    assert f"Data: 8 patients in {tmp_path.resolve()}" in capsys.readouterr().out
    truth, wide, tight = names["unpack"](*names["outlines"]["p0"])
    assert np.array_equal(truth, spot(size, 1)[None]) and tight.sum() < wide.sum()
    exported = lgg.find_patients(names["folder"])
    names["temporary"].cleanup()
    assert len(exported) == 4 and exported[0].id == "P1"
    assert predict_slices.full_size(np.zeros((2, 8, 8, 1)), size).shape == (2, *size, 1)


def test_the_commands_take_it(pictures, capsys, tmp_path, monkeypatch):
    code, said = check(pictures, capsys)
    assert code == 0 and "No problem found" in said and "anna" in said and "40×48×3" in said
    assert cli.main(["data", "check", str(pictures), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (
        found["layout"] == "cases.csv" and found["tumour_pixels"] == 240 and found["patients"] == 2
    )
    assert cli.main(["plan", str(pictures)]) == 0
    assert "channel3" in capsys.readouterr().out
    monkeypatch.setenv(runtime.DATA_VARIABLE, str(pictures))
    assert doctor._data([])["patients"] == 2
    table(pictures, "patient\n")
    troubles = []
    doctor._data(troubles)
    assert "has columns for no image" in troubles[0]


# --- bad tables -----------------------------------------------------------------------------------

HEAD = "patient,image,mask\n"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "the file is empty"),
        ("\n\n", "has no column 'patient'"),
        ("patient;mask\np1;m.nii", "has columns for no image"),
        (HEAD, "has no line below its columns"),
        ("patient,imgae,mask\n", "unknown column 'imgae'. Did you mean 'image'?"),
        ("patient,image,image\n", "has the column 'image' twice"),
        ("patient,image,flair\n", "has columns for image and flair"),
        ("patient,image,mask,labels\n", "has both columns mask and labels"),
        (f"{HEAD}p1,a.nii", "line 2 has 2 cells, the columns are 3"),
        (f"{HEAD},a.nii,m.nii", "line 2 has nothing in the column 'patient'"),
        (f"{HEAD}p1,,m.nii", "line 2 has nothing in the column 'image'"),
        (f"{HEAD}p 1/..,a.nii,m.nii", "line 2 has the name 'p 1/..'"),
        (f"{HEAD}p1,../a.nii,m.nii", "line 2 leads out of the folder: '../a.nii'"),
        (f"{HEAD}p1,x/../../a.nii,m.nii", "leads out of the folder"),
        (f"{HEAD}p1,/etc/a.nii,m.nii", "leads out of the folder"),
        (f"{HEAD}p1,C:\\a.nii,m.nii", "leads out of the folder"),
        (f"{HEAD}p1,..\\a.nii,m.nii", "leads out of the folder"),
        (f"{HEAD}p1,a.dcm,m.nii", "names 'a.dcm', which the course can't read"),
        (f"{HEAD}p1,a.nii,m.png", "line 2 has another kind of file than the others"),
        (f"{HEAD}p1,a.nii,m.nii\np2,a.png,m.png", "line 3 has another kind of file"),
        (f"{HEAD}p1,a.nii,m.nii\np1,b.nii,n.nii", "needs a column case"),
        (f"{HEAD}p1,a.nii,m.nii\np2,a.nii,n.nii", "line 3 names a.nii, as does line 2"),
        (f"{HEAD}p1,a.nii,a.nii", "line 2 names a.nii twice"),
        ("patient,case,image\np1,x,a.nii\np2,X,b.nii", "line 3 has the case 'X' of line 2"),
        (f"{HEAD}p1,a.png,", "line 2 has no mask"),
        ("patient,slice,image,mask\np1,one,a.png,m.png", "has the slice 'one'"),
        ("patient,slice,image,mask\np1,1,a.png,m.png\np1,1,b.png,n.png", "has the slice 1 of p1"),
        ("patient,slice,image,mask\np1,1,a.png,m.png\np1,,b.png,n.png", "line 3 has no slice"),
        (f'{HEAD}p1,"a.nii,m.nii', "isn't a table"),
        (HEAD + "p1,a.nii,m.nii\n" * 2, "line 3 names a.nii, as does line 2"),
    ],
)
def test_a_table_that_cannot_be_used_is_told_with_its_line(tmp_path, capsys, text, what):
    table(tmp_path, text)
    with pytest.raises(DataError) as caught:
        brats.find_cases(tmp_path)
    assert what in str(caught.value) and own_folder.TABLE in str(caught.value)
    code, said = check(tmp_path, capsys)
    assert code == 1 and what.partition(".")[0] in said and "Traceback" not in said


def test_odd_bytes_and_sizes_of_a_table_are_told(tmp_path):
    path = tmp_path / own_folder.TABLE
    path.write_bytes(b"patient,image\nM\xfcller,a.nii\n")
    with pytest.raises(DataError, match="Save it as CSV UTF-8"):
        own_folder.read_table(tmp_path)
    path.write_bytes(b"x" * (own_folder.table.LARGEST_TABLE + 1))
    with pytest.raises(DataError, match="are plenty"):
        own_folder.read_table(tmp_path)


def test_backslashes_spaces_and_empty_lines_are_fine(tmp_path):
    nii(tmp_path / "my scans" / "a.nii", scan(0))
    table(tmp_path, "patient, image\n\nMüller_1, my scans\\a.nii\n,,\n")
    (case,) = brats.find_cases(tmp_path, labelled=False)
    assert case.id == "Müller_1" and case.read().images.shape == (*SHAPE, 1)


# --- bad files ------------------------------------------------------------------------------------


def test_a_missing_file_is_warned_of_and_checked(volumes, pictures, capsys):
    (pictures / "bo" / "2.tif").unlink()
    with pytest.warns(UserWarning, match=r"a file is missing: bo \(line 3: no file"):
        assert [p.id for p in lgg.find_patients(pictures)] == ["anna"]
    code, said = check(pictures, capsys)
    assert code == 1 and "no such file" in said and "Correct line 3 of cases.csv" in said


def slice_folder(tmp_path, image=None, mask=None):
    for number in (1, 2):
        picture(tmp_path / f"{number}.png", grey(number))
        picture(tmp_path / f"m{number}.png", spot())
    if image is not None:
        picture(tmp_path / "2.png", image)
    if mask is not None:
        picture(tmp_path / "m2.png", mask)
    return table(tmp_path, f"{HEAD}p1,1.png,m1.png\np1,2.png,m2.png")


RGBA = np.full((40, 48, 4), 9, np.uint8)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"image": grey(2).astype(np.uint16)}, "2.png: has 16 bits a pixel"),
        ({"image": RGBA}, "2.png: has a channel for transparency (RGBA)"),
        ({"image": RGBA[..., :2]}, "2.png: has a channel for transparency (LA)"),
        ({"image": grey(2) > 99}, "2.png: has 1 bit a pixel"),
        ({"image": grey(2, (40, 50))}, "2.png: has the shape 40×50×1, not 40×48×1"),
        ({"image": RGBA[..., :3]}, "2.png: has the shape 40×48×3, not 40×48×1"),
        ({"mask": spot((48, 40))}, "m2.png: has the shape 48×40, not 40×48"),
        ({"mask": RGBA[..., :3]}, "m2.png: a mask with 3 channels"),
        ({"mask": grey(5)}, "m2.png: a mask with the values"),
        ({"mask": spot(high=2)}, "m2.png: a mask with the values 0, 2, where 0 and 255"),
    ],
)
def test_a_picture_that_cannot_be_used_is_named(tmp_path, capsys, changes, what):
    slice_folder(tmp_path, **changes)
    (patient,) = lgg.find_patients(tmp_path)
    with pytest.raises(DataError) as caught:
        patient.read()
    assert what in str(caught.value) and str(tmp_path) in str(caught.value)
    code, said = check(tmp_path, capsys)
    assert code == 1 and "1 problem" in said and what.partition(": ")[2] in said


def test_palettes_foreign_and_damaged_pictures_are_named(tmp_path):
    path = tmp_path / "x.png"
    Image.fromarray(grey(0)).convert("P").save(path)
    with pytest.raises(DataError, match="colours from a palette"):
        own_folder.read_picture(path)
    picture(path, grey(0, (300, 300)))
    whole = path.read_bytes()
    for data, what in ((whole[:2000], "damaged or cut short"), (b"\xff\xd8\xff" + whole, "isn't a PNG"),
                       (b"", "the file is empty")):  # fmt: skip
        path.write_bytes(data)
        with pytest.raises(DataError, match=what):
            own_folder.read_picture(path)
    rng = np.random.default_rng(0)
    for _ in range(200):
        data = np.frombuffer(whole, np.uint8).copy()
        data[rng.integers(0, len(data), 3)] = rng.integers(0, 256, 3)
        path.write_bytes(data.tobytes())
        try:
            assert own_folder.read_picture(path).dtype == np.uint8
        except DataError as error:
            assert "x.png" in str(error)
    for array, what in ((grey(0).astype(np.uint16), "uint16, a picture is uint8"),
                        (np.zeros((5, 5, 4), np.uint8), "5×5×4, a picture has one channel or three"),
                        (np.zeros((1, 4097), np.uint8), "has the shape 1×4097")):  # fmt: skip
        picture(tmp_path / "x.tif", array)
        with pytest.raises(DataError, match=what):
            own_folder.read_picture(tmp_path / "x.tif")


def test_a_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "x.png"
    picture(path, grey(0))
    data = bytearray(path.read_bytes())
    data[16:24] = struct.pack(">II", 20_000, 20_000)
    path.write_bytes(data)
    with pytest.raises(DataError, match="has 20,000×20,000 pixels"):
        own_folder.read_picture(path)


@pytest.mark.parametrize(
    ("name", "array", "what"),
    [
        ("p2/t1.nii.gz", scan(3)[:-1], "has the shape 23×20×16, not 24×20×16"),
        ("masks/p2.nii", tumour((3,)), "a mask with labels 0, 3"),
        ("masks/p2.nii", tumour((255,)), "0 and 255 is a picture's mask"),
        ("p2/t2.nii.gz", scan(3, (4,)), "is 4-D"),
        ("p2/t2.nii.gz", scan(3) * 0, "an empty brain"),
    ],
)
def test_a_scan_that_cannot_be_used_is_named(volumes, capsys, name, array, what):
    nii(volumes / name, array)
    code, said = check(volumes, capsys)
    assert code == 1 and name in said and what in said
    if "empty" not in what:
        with pytest.raises(DataError):
            brats.find_cases(volumes)[1].read()


def test_scans_off_the_grid_and_the_same_patient_twice_are_found(volumes, pictures, capsys):
    own_folder.write_table(
        volumes, [{"patient": "p1", "image": "a.nii"}, {"patient": "p2", "image": "b.nii"}]
    )
    nii(volumes / "a.nii", scan(0))
    nii(volumes / "b.nii", scan(0)[::-1], np.diag([1.0, 1, 1, 1]))
    code, said = check(volumes, capsys)
    assert code == 1 and "p2 is the same scan as p1: equal voxels" in said
    for number in (1, 2, 10):
        for ending in (".tif", "_m.tif"):
            anna = pictures / "anna" / f"{number}{ending.replace('tif', 'png')}"
            Image.fromarray(tifffile.imread(pictures / "bo" / f"{number}{ending}")).save(anna)
    rows = [
        {"patient": who, "slice": n, "image": f"{who}/{n}.{end}", "mask": f"{who}/{n}_m.{end}"}
        for who, end in (("anna", "png"), ("bo", "tif"))
        for n in (1, 2, 10)
    ]
    own_folder.write_table(pictures, rows)
    code, said = check(pictures, capsys)
    assert code == 1 and "bo is the same scan as anna: equal pixels, another patient" in said


def test_other_grids_of_masks_are_told(volumes, capsys):
    nii(volumes / "masks" / "p2.nii", tumour((2, 1, 4)), np.diag([-1.0, -1.0, 3.0, 1.0]))
    code, said = check(volumes, capsys)
    assert code == 1 and "has the affine" in said and "p1" in said
    assert "  without a mask" in said and "published" not in said
    assert "3 scans of 2 patients: split by patient" in said


def test_channels_that_differ_make_no_fingerprint(tmp_path):
    for name in ("a", "b"):
        picture(tmp_path / f"m{name}.png", spot())
    picture(tmp_path / "a.png", grey(0))
    picture(tmp_path / "b.png", grey(0, (40, 48, 3)))
    table(tmp_path, f"{HEAD}a,a.png,ma.png\nb,b.png,mb.png")
    with pytest.raises(ValueError, match="a has image; b has channel1"):
        fingerprint.of_slices(lgg.find_patients(tmp_path), progress=False)
