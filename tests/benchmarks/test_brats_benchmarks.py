"""The BraTS benchmarks as their user calls them, on cases of a few thousand voxels."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from brats_files import write_case

from unet_course.data.layouts import REGIONS
from unet_course.judging import published_tables

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "brats_dice.py"
SMALL = ["size=(16,16,16)", "factor=1", "filters=(4,)", "depth=1"]


def run(*options, script=SCRIPT):
    command = [sys.executable, str(script), *map(str, options)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=300)


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    """Two layouts under one folder, as `--data` may have them."""
    root = tmp_path_factory.mktemp("brats")
    write_case(root, id="BraTS20_Training_001", seed=1)
    write_case(root, id="BraTS20_Training_002", seed=2)
    write_case(root, "BraTS 2021", id="BraTS2021_01481", seed=3, enhancing=False)
    return root


def test_it_trains_judges_and_writes_what_was_promised(cases, tmp_path):
    test, out = tmp_path / "test.txt", tmp_path / "out.json"
    test.write_text("BraTS2021_01481\nBraTS20_Training_002\n", encoding="utf-8")
    settings = [part for setting in SMALL for part in ("--set", setting)]
    done = run(
        *("--data", cases, "--test", test, "--minutes", 0.02, "--train-on", "real"),
        *("--clock", "processor", "--json", out, "--save", tmp_path / "kept.keras", *settings),
    )
    assert done.returncode == 0, done.stderr
    assert "1 real and 0 sample cases to train on, 2 to test" in done.stdout
    result = json.loads(out.read_text(encoding="utf-8"))
    assert list(result) == [
        "minutes", "steps", "parameters", "peak_memory_gb", "patients", "mean", "median",
    ]  # fmt: skip
    assert list(result["patients"]) == ["BraTS2021_01481", "BraTS20_Training_002"]
    for scores in (*result["patients"].values(), result["mean"], result["median"]):
        assert set(scores) == {*REGIONS, "hd95"} and set(scores["hd95"]) == set(REGIONS)
    pair = [result["patients"][id]["WT"] for id in result["patients"]]
    assert result["mean"]["WT"] == pytest.approx(sum(pair) / 2)
    assert 0.02 <= result["minutes"] < 0.5 and result["steps"] >= 1
    again = run(
        *("--data", cases, "--test", test, "--judge", tmp_path / "kept.keras", *settings),
    )
    assert again.returncode == 0, again.stderr
    table = done.stdout[done.stdout.index("case ") : done.stdout.index("median")]
    assert table in again.stdout


def test_the_samples_own_cases_are_trained_on_where_none_are_made_on_the_way(cases, tmp_path):
    test = tmp_path / "test.txt"
    test.write_text("BraTS2021_01481\n", encoding="utf-8")
    settings = ("size=(16,16,16)", "filters=(4,)", "depth=1", "fine=4", "every=0")
    options = [part for setting in settings for part in ("--set", setting)]
    done = run(
        *("--data", cases, "--test", test, "--minutes", 0.02, "--synthetic", 1, *options),
        *("--clock", "processor"),
    )
    assert done.returncode == 0, done.stderr
    assert "2 real and 1 sample cases to train on, 1 to test" in done.stdout


def test_no_patient_and_no_scan_is_trained_and_tested_on(tmp_path, monkeypatch, capsys):
    import brats_dice

    for number, id in enumerate(("00000-000", "00000-001", "00001-000")):
        write_case(tmp_path, "BraTS 2023", id=f"BraTS-GLI-{id}", seed=number)
    write_case(tmp_path, "BraTS 2021", id="BraTS2021_00009", seed=0)  # the first one's scan
    (tmp_path / "test.txt").write_text("BraTS-GLI-00000-000\n", encoding="utf-8")
    arguments = ["brats_dice.py", "--data", str(tmp_path), "--test", str(tmp_path / "test.txt")]
    monkeypatch.setattr(sys, "argv", [*arguments, "--minutes", "1", "--train-on", "real"])
    real, _, test = brats_dice.sides(brats_dice.arguments())
    assert [case.id for case in real] == ["BraTS-GLI-00001-000"]
    assert [case.id for case in test] == ["BraTS-GLI-00000-000"]
    said = capsys.readouterr().out
    assert "BraTS-GLI-00000-001" in said and "BraTS2021_00009" in said


@pytest.mark.parametrize(
    ("lines", "words"),
    [("BraTS20_Training_009", "BraTS20_Training_009"), ("", "not among the cases")],
)
def test_a_case_that_is_not_there_is_named(cases, tmp_path, lines, words):
    test = tmp_path / "test.txt"
    test.write_text(lines, encoding="utf-8")
    done = run("--data", cases, "--test", test, "--minutes", 1, "--train-on", "real")
    assert done.returncode != 0 and words in done.stderr and "Traceback" not in done.stderr


def test_the_other_halfs_table_has_a_row_for_each_case(cases, tmp_path):
    script = SCRIPT.with_name("brats_asymmetry.py")
    done = run("--data", cases, script=script)
    assert done.returncode == 0, done.stderr
    rows = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()[1:]}
    assert set(rows) == {"BraTS20_Training_001", "BraTS20_Training_002", "BraTS2021_01481"}
    for areas in rows.values():
        assert len(areas) == 6 and all(0 <= float(area) <= 1 for area in areas)
    done = run("--data", tmp_path, script=script)
    assert done.returncode != 0 and "Traceback" not in done.stderr and done.stderr


def test_the_packages_table_has_both_sides_of_each_case():
    table = published_tables.brats_2d_3d()
    by_row = table.groupby("row")[["seed", "case"]].apply(
        lambda part: sorted(map(tuple, part.values))
    )
    assert {"2d", "3d"} <= set(by_row.index)
    assert by_row["2d"] == by_row["3d"] and len(set(by_row["2d"])) == len(by_row["2d"])
    assert table["case"].value_counts().nunique() == 1  # no case counts more than another
    sizes = table.groupby("axes")["parameters"].first()
    assert abs(sizes[3] / sizes[2] - 1) < 0.1 and table["minutes"].nunique() == 1
