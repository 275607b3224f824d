"""The benchmark command as its user calls it, on a few slices and a few seconds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from lgg_files import write_set

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "lgg_dice.py"


def run(*options):
    command = [sys.executable, str(SCRIPT), *map(str, options)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=300)


@pytest.fixture(scope="module")
def patients(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("lgg"), patients=4, slices=3)


def test_it_trains_judges_and_writes_what_was_promised(patients, tmp_path):
    test, out = tmp_path / "test.txt", tmp_path / "out.json"
    listed = sorted(folder.name for folder in patients.iterdir() if folder.is_dir())[0]
    test.write_text(f"{listed}\n\n", encoding="utf-8")
    done = run("--data", patients, "--test", test, "--minutes", 0.02, "--json", out)
    assert done.returncode == 0, done.stderr
    assert "3 patients to train on (real), 1 to test" in done.stdout
    result = json.loads(out.read_text(encoding="utf-8"))
    assert list(result) == [
        "minutes", "steps", "parameters", "peak_memory_gb", "patients", "mean", "median",
    ]  # fmt: skip
    assert list(result["patients"]) == [listed] and result["steps"] >= 1
    assert result["mean"]["tumour"] == result["patients"][listed]["tumour"]
    assert 0.02 <= result["minutes"] < 0.2


@pytest.mark.parametrize(("lines", "words"), [
    ("TCGA_XX_9999_20000101", "TCGA_XX_9999_20000101"),
    ("", "not among the patients"),
])  # fmt: skip
def test_a_patient_who_is_not_there_is_named(patients, tmp_path, lines, words):
    test = tmp_path / "test.txt"
    test.write_text(lines, encoding="utf-8")
    done = run("--data", patients, "--test", test, "--minutes", 1)
    assert done.returncode != 0 and words in done.stderr and "Traceback" not in done.stderr


def test_a_missing_folder_is_named(tmp_path):
    done = run("--data", tmp_path / "nowhere", "--test", SCRIPT, "--minutes", 1)
    assert done.returncode == 2 and "nowhere: no such folder" in done.stderr
