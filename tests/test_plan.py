"""Fingerprints of small sets with known numbers, plans that keep their rules, and the command."""

import inspect
import json

import nibabel
import numpy as np
import pytest
from brats_files import AFFINES, save, write_case
from hypothesis import given, settings
from hypothesis import strategies as st
from lgg_files import write_set

from unet_course.commands import cli
from unet_course.data import brats, fingerprint, lgg, slices
from unet_course.data.layouts import MODALITIES, DataError
from unet_course.judging import published_tables
from unet_course.training import plan
from unet_course.training.patch_batches import Patches


def volumes(**changes) -> dict:
    """A fingerprint such as `of_volumes` gives."""
    sides = {name: [138, 174, 141] for name in ("smallest", "median", "largest")}
    spacing = {name: [1.0, 1.0, 1.0] for name in sides}
    classes = {name: {"share": 0.03, "missing": 0} for name in ("WT", "TC", "ET")}
    found = {"format": 1, "set": "BraTS", "axes": 3, "cases": 100, "patients": 100}
    found |= {"channels": list(MODALITIES), "shape": sides, "spacing": spacing}
    return {**found, "intensities": None, "classes": classes, **changes}


# --- fingerprints -------------------------------------------------------------------------------


def test_volumes_are_cropped_turned_and_counted(tmp_path):
    # `brats_files.brain` is 24 × 22 × 16 with a rim of 2 voxels of background
    write_case(tmp_path, "BraTS 2020", seed=1)
    write_case(tmp_path, "BraTS 2020", id="BraTS20_Training_002", seed=2, enhancing=False)
    (found,) = fingerprint.of_folder(tmp_path, progress=False)
    assert (found["set"], found["axes"], found["cases"], found["patients"]) == ("BraTS", 3, 2, 2)
    assert found["channels"] == list(MODALITIES)
    assert found["shape"]["median"] == [20, 18, 12] == found["shape"]["smallest"]
    assert found["spacing"]["median"] == [1.0, 1.0, 1.0]
    whole = 10 * 10 * 8 / (20 * 18 * 12)
    assert found["classes"]["WT"] == {"share": float(f"{whole:.3g}"), "missing": 0}
    assert found["classes"]["ET"]["missing"] == 1
    flair = found["intensities"]["FLAIR"]  # 400 to 489 in each case
    assert 400 <= flair["low"] < 405 < 430 < flair["median"] < 460 < 484 < flair["high"] < 490
    assert 1 <= flair["spread"] < 1.1


def test_time_points_count_as_one_patient(tmp_path):
    for id in ("BraTS-GLI-00000-000", "BraTS-GLI-00000-001", "BraTS-GLI-00002-000"):
        write_case(tmp_path, "BraTS 2023", id=id)
    found = fingerprint.of_volumes(brats.find_cases(tmp_path), progress=False)
    assert (found["cases"], found["patients"]) == (3, 2)


def test_cases_without_masks_have_no_shares(tmp_path):
    write_case(tmp_path, "BraTS 2020", id="BraTS20_Validation_001", mask=False)
    cases = brats.find_cases(tmp_path, labelled=False)
    found = fingerprint.of_volumes(cases, progress=False)
    assert found["classes"]["WT"] == {"share": None, "missing": 0}
    assert found["intensities"] is None
    assert plan.make_plan(found)["network"]["classes"] == 3


def test_slices_have_no_spacing(tmp_path):
    write_set(tmp_path, patients=2, slices=3)
    found = fingerprint.of_slices(lgg.find_patients(tmp_path), progress=False)
    assert (found["axes"], found["cases"], found["slices"]) == (2, 2, 6)
    assert found["shape"]["median"] == [256, 256] and found["spacing"] is None
    share = (20 * 20 + 30 * 20) / (3 * 256 * 256)  # of two of the three slices
    assert found["classes"]["tumour"]["share"] == float(f"{share:.3g}")


def test_both_sets_in_one_folder_get_one_each(tmp_path):
    write_set(tmp_path, patients=1)
    write_case(tmp_path, "BraTS 2020")
    assert [f["set"] for f in fingerprint.of_folder(tmp_path, progress=False)] == ["LGG", "BraTS"]


def test_nothing_and_damage_are_named(tmp_path):
    with pytest.raises(ValueError, match="no complete LGG patient or BraTS case"):
        fingerprint.of_folder(tmp_path)
    folder = write_case(tmp_path, "BraTS 2020")
    for file in folder.glob("*_t*.nii"):
        save(file, np.zeros((24, 22, 16), np.int16))
    save(next(folder.glob("*flair.nii")), np.zeros((24, 22, 16), np.int16), AFFINES["LPS"])
    with pytest.raises(DataError, match="no brain in it"):
        fingerprint.of_folder(tmp_path, progress=False)
    next(folder.glob("*flair.nii")).write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"flair\.nii"):
        fingerprint.of_folder(tmp_path, progress=False)


# --- plans --------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    median=st.lists(st.integers(8, 400), min_size=2, max_size=3),
    memory=st.sampled_from([0.25, 0.5, 1, 2, 4, 11]),
    cases=st.integers(1, 500),
)
def test_a_plan_keeps_its_rules(median, memory, cases):
    found = volumes(axes=len(median), cases=cases, shape={"median": median})
    drawn = plan.make_plan(found, memory)
    size, network = drawn["size"], drawn["network"]
    assert drawn["step_gb"] <= memory + 0.005
    assert all(side % 2 ** network["depth"] == 0 for side in size)
    assert min(size) >= plan.SHORTEST and min(size) // 2 ** network["depth"] >= plan.BOTTOM
    assert all(
        side < max(whole, plan.SHORTEST) + 16 for side, whole in zip(size, median, strict=True)
    )
    assert drawn["batch_size"] >= 2
    if drawn["batch_size"] > 2:
        share = drawn["batch_size"] * np.prod(size) / (cases * np.prod(np.array(median, float)))
        assert share <= plan.BATCH_SHARE


def test_more_memory_gives_larger_patches():
    drawn = [plan.make_plan(volumes(), gb) for gb in (0.5, 1, 2, 4, 8, 16)]
    voxels = [np.prod(one["size"]) for one in drawn]
    assert voxels == sorted(voxels) and voxels[0] < voxels[-1]
    assert {one["network"]["filters"] for one in drawn} == {32}


def test_the_normalisation_is_what_the_files_are_read_with(tmp_path):
    """Of volumes: 0 and 1 in the brain; of slices: the percentiles that `slices.rescale` takes."""
    assert plan.make_plan(volumes())["normalisation"] == "z-score in the brain"
    shape = {"median": [256, 256]}
    drawn = plan.make_plan(volumes(axes=2, shape=shape, spacing=None, slices=9))
    parameters = inspect.signature(slices.rescale).parameters
    low, high = (parameters[name].default for name in ("low", "high"))
    assert drawn["normalisation"] == f"percentiles {low:g} to {high:g} as 0 to 1"


def test_the_table_of_plans_says_the_same():
    """Its rows were made by `benchmarks/nnunet_plans.py` from this package's own plans."""
    table = published_tables.nnunet_plans()
    ours = table[table.by == "this course"].set_index("set").normalisation
    for name, axes in {"LGG": 2, "BraTS": 3}.items():
        assert set(ours[name]) == {plan.NORMALISATION[axes]}


def test_too_little_memory_halves_the_filters_and_then_says_so():
    assert plan.make_plan(volumes(), 0.15)["network"]["filters"] < 32
    with pytest.raises(
        ValueError, match=r"no plan fits into 0.001 GB: the smallest takes 0\.0\d GB"
    ):
        plan.make_plan(volumes(), 0.001)


def test_the_count_is_the_one_of_lesson_08():
    drawn = plan.make_plan(volumes(), 0.5)
    model = plan.build_network(drawn)
    numbers = sum(np.prod(layer.output.shape[1:]) for layer in model.layers)
    count = 4 * drawn["batch_size"] * numbers + 16 * model.count_params()
    assert drawn["step_gb"] == pytest.approx(count / 1e9, abs=0.006)
    assert drawn["parameters"] == model.count_params()


def test_training_takes_a_plan_and_resamples_to_its_spacing(tmp_path, monkeypatch):
    """Two cases with voxels of 1 mm, one with slices 3 mm apart: the median is 1 mm."""
    monkeypatch.setenv("UNET_COURSE_CACHE", str(tmp_path / "cache"))
    from unet_course.data import prepared_cases

    for number in (1, 2, 3):
        folder = write_case(tmp_path / "set", "BraTS 2020", id=f"BraTS20_Training_00{number}")
    for path in folder.iterdir():
        save(path, nibabel.load(path).dataobj, np.diag([-1.0, -1, 3, 1]))
    cases = brats.find_cases(tmp_path / "set")
    drawn = plan.make_plan(fingerprint.of_volumes(cases, progress=False), 0.15)
    plan.write(drawn, tmp_path / "plan.json")
    drawn = plan.read(tmp_path / "plan.json")
    ready = prepared_cases.prepare(cases, spacing=drawn["spacing"], progress=False)
    assert [case.spacing for case in ready] == [(1.0, 1.0, 1.0)] * 3
    assert ready[2].images.shape[:3] == (20, 18, 36)
    patches = Patches(cases=ready, size=tuple(drawn["size"]), batch_size=drawn["batch_size"])
    images, masks = patches.batch(0, 0)
    predicted = plan.build_network(drawn).predict_on_batch(images)
    assert predicted.shape == masks.shape == (2, 32, 32, 32, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:40], "isn't JSON"),
        (lambda text: "[1]", "isn't a plan of this version"),
        (lambda text: text.replace('"format": 2', '"format": 1'), "isn't a plan of this version"),
        (lambda text: text.replace('"normalisation"', '"scale"'), "isn't a plan of this version"),
        (lambda text: text.replace('"depth"', '"deep"'), "can't be understood"),
        (lambda text: text.replace('"size": [\n  ', '"size": [\n  1'), "must be a multiple of"),
    ],
)
def test_a_damaged_plan_is_named_with_its_cure(tmp_path, change, message):
    file = tmp_path / "plan.json"
    drawn = plan.make_plan(volumes(), 0.5)
    plan.write({**drawn, "size": [42, 48, 48]} if "multiple" in message else drawn, file)
    file.write_text(change(file.read_text()))
    with pytest.raises(ValueError, match=rf"plan\.json.*{message}"):
        plan.read(file)


@pytest.mark.parametrize("text", ["", "{}", '{"format": 1}', "\xff"])
def test_a_damaged_fingerprint_is_named_with_its_cure(tmp_path, text):
    (tmp_path / "a.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=r"a\.json isn't .*make it again"):
        fingerprint.read(tmp_path / "a.json")


# --- the command --------------------------------------------------------------------------------


def test_the_command_prints_and_writes_both(tmp_path, capsys):
    write_case(tmp_path / "set", "BraTS 2020")
    files = [tmp_path / "plan.json", tmp_path / "print.json"]
    arguments = ["--memory", "0.5", "--out", str(files[0]), "--fingerprint", str(files[1])]
    assert cli.main(["plan", str(tmp_path / "set"), *arguments]) == 0
    told = capsys.readouterr().out
    for line in (
        "Fingerprint of BraTS: 1 cases of 1 patients",
        "voxels: 20 × 18 × 12 in all",
        "spacing, mm: 1 × 1 × 1 in all",
        "normalisation: each case and channel by itself, z-score in the brain",
        "spacing: 1 × 1 × 1 mm; prepared_cases.prepare(cases, spacing=[1.0, 1.0, 1.0]) resamples",
        "patch: 32 × 32 × 32, batch of 2",
        f"Written: {files[0]}",
    ):
        assert line in told
    assert json.loads(files[0].read_text()) == plan.read(files[0])
    assert fingerprint.read(files[1])["cases"] == 1


def test_the_command_says_where_voxels_differ_and_what_resamples_them(tmp_path, capsys):
    for number in (1, 2):
        folder = write_case(tmp_path, "BraTS 2020", id=f"BraTS20_Training_00{number}")
    for path in folder.iterdir():
        save(path, nibabel.load(path).dataobj, np.diag([-1.0, -1, 3, 1]))
    assert cli.main(["plan", str(tmp_path), "--memory", "0.5"]) == 0
    told = capsys.readouterr().out
    assert "cases differ: resample them to the median, as the plan says" in told
    assert "prepare(cases, spacing=[1.0, 1.0, 2.0]) resamples to it" in told


def test_the_command_says_that_slices_are_stretched_and_have_no_spacing(tmp_path, capsys):
    write_set(tmp_path, patients=2, slices=3)
    assert cli.main(["plan", str(tmp_path), "--memory", "0.5"]) == 0
    told = capsys.readouterr().out
    assert "each case and channel by itself, percentiles 1 to 99.5 as 0 to 1" in told
    assert "z-score" not in told and "resamples" not in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none"], "none: no such folder"),
        (["set", "--out", "a.txt"], "--out takes a name that ends in .json"),
        (["both", "--out", "a.json"], "holds LGG and BraTS"),
        (["set", "--memory", "0.001"], "no plan fits into 0.001 GB"),
        (["empty"], "no complete LGG patient or BraTS case"),
    ],
)
def test_the_command_says_what_is_wrong(tmp_path, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    write_case(tmp_path / "set", "BraTS 2020")
    write_case(tmp_path / "both", "BraTS 2020")
    write_set(tmp_path / "both", patients=1)
    assert cli.main(["plan", *arguments]) == 1
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("*.json"))
