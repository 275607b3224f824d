"""The benchmark commands as their user calls them, on a few slices and a few seconds."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from lgg_files import write_set

from unet_course.judging import published_tables

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "lgg_dice.py"
ABLATION = SCRIPT.with_name("lgg_ablation.py")


def run(*options, script=SCRIPT):
    command = [sys.executable, str(script), *map(str, options)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=300)


@pytest.fixture(scope="module")
def patients(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("lgg"), patients=4, slices=3)


def test_it_trains_judges_and_writes_what_was_promised(patients, tmp_path):
    test, out = tmp_path / "test.txt", tmp_path / "out.json"
    listed = sorted(folder.name for folder in patients.iterdir() if folder.is_dir())[0]
    test.write_text(f"{listed}\n\n", encoding="utf-8")
    options = ("--set=side=64", "--set=late_side=0", "--clock", "processor", "--json", out)
    done = run("--data", patients, "--test", test, "--minutes", 0.02, *options)
    assert done.returncode == 0, done.stderr
    assert "3 patients to train on (real), 1 to test" in done.stdout
    result = json.loads(out.read_text(encoding="utf-8"))
    assert list(result) == [
        "minutes", "steps", "parameters", "peak_memory_gb", "patients", "mean", "median",
    ]  # fmt: skip
    assert list(result["patients"]) == [listed] and result["steps"] >= 1
    assert result["mean"]["tumour"] == result["patients"][listed]["tumour"]
    assert 0.02 <= result["minutes"] < 0.2


def test_training_goes_on_at_a_larger_size_whose_network_is_kept(patients, tmp_path):
    test, kept = tmp_path / "test.txt", tmp_path / "kept.keras"
    test.write_text(f"{sorted(f.name for f in patients.iterdir() if f.is_dir())[0]}\n")
    options = [f"--set={one}" for one in ("side=32", "late_side=64", "filters=(4,)", "depth=2")]
    done = run(
        *("--data", patients, "--test", test, "--minutes", 0.02, "--save", kept, *options),
        *("--clock", "processor"),
    )
    assert done.returncode == 0, done.stderr
    network = keras.saving.load_model(kept, compile=False, safe_mode=True)
    assert network.input_shape == (None, 64, 64, 3)


@pytest.mark.parametrize(("lines", "words"), [
    ("TCGA_XX_9999_20000101", "TCGA_XX_9999_20000101"),
    ("", "not among the patients"),
])  # fmt: skip
def test_a_patient_who_is_not_there_is_named(patients, tmp_path, lines, words):
    test = tmp_path / "test.txt"
    test.write_text(lines, encoding="utf-8")
    done = run("--data", patients, "--test", test, "--minutes", 1)
    assert done.returncode != 0 and words in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(("change", "words"), [
    ("colour=3", "'colour' isn't one of side, patch"), ("side=wide", "'wide' is no Python value"),
])  # fmt: skip
def test_a_change_that_a_recipe_does_not_have_is_refused(tmp_path, change, words):
    done = run("--data", tmp_path, "--test", SCRIPT, "--minutes", 1, "--set", change)
    assert done.returncode == 2 and words in done.stderr


def test_a_missing_folder_is_named(tmp_path):
    done = run("--data", tmp_path / "nowhere", "--test", SCRIPT, "--minutes", 1)
    assert done.returncode == 2 and "nowhere: no such folder" in done.stderr


# --- the ablation and its table ---------------------------------------------------------------


def ablation(*options):
    return run(*options, script=ABLATION)


@pytest.fixture
def refusal(monkeypatch):
    """What the ablation says when it refuses; in this process, since each start takes seconds."""
    monkeypatch.syspath_prepend(str(ABLATION.parent))
    import keras
    import lgg_ablation

    def words(*options):
        monkeypatch.setattr(sys, "argv", [str(ABLATION), *map(str, options)])
        with pytest.raises(SystemExit) as caught:
            lgg_ablation.main()
        return caught.value.code  # what `sys.exit` was given: it is printed, and the status is 1

    before = keras.config.dtype_policy()
    yield words
    keras.config.set_dtype_policy(before)  # other tests count on it, and it depends on the machine


@pytest.fixture(scope="module")
def tried(patients, tmp_path_factory):
    """Two rows, run once: the call and its table."""
    out = tmp_path_factory.mktemp("table") / "out.csv"
    common = ("--data", patients, "--minutes", 0.005, "--out", out)
    return common, out, ablation(*common, "--rows", "bce", "deep-supervision", "--seeds", 2)


def test_a_run_is_a_line_a_patient_of_its_fold(tried):
    _, out, done = tried
    assert done.returncode == 0, done.stderr
    table = published_tables.lgg_ablation(out)
    assert list(table) == list(published_tables.lgg_ablation())
    # four patients, so fold 2 is the third of them
    assert table["patient"].tolist() == ["TCGA_FG_0003"] * 2
    assert table["row"].tolist() == ["bce", "deep-supervision"]
    assert set(table["seed"]) == set(table["fold"]) == {2}
    assert set(table["healthy_slices"]) == {1}
    assert set(table["tumour_pixels"]) == {20 * 20 + 20 * 30}
    assert (table["minutes_used"] >= 0.005).all() and (table["steps"] >= 1).all()
    plain, other = table["parameters"]
    assert abs(other / plain - 1) < 0.1  # at equal parameters
    text = out.read_text(encoding="utf-8")
    assert str(out.parent) not in text and "--rows bce --seeds 2 --minutes 0.005" in text


def test_finished_runs_are_skipped_and_new_ones_added(tried):
    common, out, _ = tried
    before = out.read_text(encoding="utf-8")
    done = ablation(*common, "--rows", "bce", "dice", "--seeds", 2)
    assert done.returncode == 0, done.stderr
    assert "2 runs of 0.005 min; 1 are done" in done.stdout
    assert "[1/1] dice, seed 2" in done.stdout and "bce, seed" not in done.stdout
    after = out.read_text(encoding="utf-8")
    assert after.startswith(before) and after.count("\n") == before.count("\n") + 1
    assert sorted(out.parent.iterdir()) == [out]


@pytest.mark.parametrize(("content", "words"), [
    ("", "No columns"), ("a,b\n1,2\n", "'row'"),
])  # fmt: skip
def test_what_is_no_table_is_named_and_left_alone(tried, refusal, tmp_path, content, words):
    (_, data, *_), *_ = tried
    broken = tmp_path / "broken.csv"
    broken.write_text(content, encoding="utf-8")
    said = refusal("--data", data, "--minutes", 0.005, "--out", broken)
    assert "broken.csv: " in said and words in said and "Move it away" in said
    assert broken.read_text(encoding="utf-8") == content


def test_runs_of_another_length_or_on_others_dont_mix(tried, refusal, tmp_path):
    (_, data, *_), out, _ = tried
    assert out.exists()  # without a table nothing would be refused: the whole queue would run
    said = refusal("--data", data, "--minutes", 1, "--out", out)
    assert "had 0.005 minutes, not 1" in said
    others = write_set(tmp_path, patients=7, slices=2)
    assert "other patients in fold 2" in refusal("--data", others, "--minutes", 0.005, "--out", out)
    few = write_set(tmp_path / "few", patients=3, slices=2)
    assert "3 complete LGG patients, 4 are" in refusal("--data", few, "--out", tmp_path / "a.csv")


def test_rows_are_compared_seed_by_seed():
    table = pd.DataFrame(
        [
            *({"row": "a", "seed": s, "dice": d} for s, d in ((0, 0.2), (0, 0.4), (1, 0.8))),
            *({"row": "b", "seed": s, "dice": d} for s, d in ((1, 0.9), (2, 0.5))),
        ]
    )
    found = published_tables.compare(table, base="a")
    assert found.loc["a"].tolist() == pytest.approx([0.55, 0.3, 0.8, 0])
    # b and a share seed 1 alone
    assert found.loc["b"].tolist() == pytest.approx([0.7, 0.5, 0.9, 0.1])


def test_the_packages_table_is_whole():
    table = published_tables.lgg_ablation()
    runs = table.groupby("row")["seed"].nunique()
    assert (runs == 3).all() and "bce-dice" in runs
    assert not table.duplicated(["row", "seed", "patient"]).any() and not table.isna().any().any()
    assert table["dice"].between(0, 1).all()
    inside = table.groupby(["fold", "row"])["patient"].agg(frozenset)
    assert (inside.groupby("fold").nunique() == 1).all()  # all rows are judged on the same patients


# --- what "nothing" gets on BraTS ------------------------------------------------------------------


def test_nothing_gets_the_share_of_background_in_one_heap(tmp_path):
    labels = np.zeros((20, 20, 15), np.int16)
    labels[9:11, 9:11, 7] = 4  # 4 voxels of the 4 · 4 · 4 that the crop leaves
    case = tmp_path / "BraTS20_Training_355"
    case.mkdir()
    nib.save(nib.Nifti1Image(labels, np.eye(4)), case / "W39_1998.09.19_Segm.nii")
    done = run("--data", tmp_path, script=SCRIPT.with_name("brats_nothing.py"))
    assert done.returncode == 0, done.stderr
    shares = np.array([60, 4]) / 64
    assert done.stdout.splitlines()[1].split() == [
        case.name, f"{shares[0]:.4f}", f"{(shares**2).sum():.4f}",
    ]  # fmt: skip


def test_a_folder_without_brats_masks_is_named(tmp_path):
    done = run("--data", tmp_path, script=SCRIPT.with_name("brats_nothing.py"))
    assert done.returncode == 1 and f"{tmp_path}: no BraTS masks" in done.stderr


def test_a_run_is_judged_at_several_thresholds(tmp_path):
    patients = write_set(tmp_path, patients=4, slices=3)
    options = ("--data", patients, "--row", "bce", "--seed", 2, "--minutes", 0.005)
    done = run(*options, script=SCRIPT.with_name("lgg_thresholds.py"))
    assert done.returncode == 0, done.stderr
    assert "largest probability: 0." in done.stdout and "threshold 0.1: mean Dice" in done.stdout
