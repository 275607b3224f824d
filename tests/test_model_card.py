"""`unet-course card`: what it says of files, what it says is unknown, and bad files."""

import json

import numpy as np
import pytest

from unet_course import runtime
from unet_course.commands import cli, write_card
from unet_course.data import fingerprint
from unet_course.judging import model_card

NETWORK = next((runtime.PACKAGE / "weights").glob("*3d*.keras"), None) or next(
    (runtime.PACKAGE / "weights").glob("*.keras")
)
PRINT = {
    "format": fingerprint.FORMAT,
    "set": "cases.csv (mask)",
    "axes": 3,
    "cases": 5,
    "patients": 4,
    "channels": ["T1", "FLAIR"],
    "shape": {"smallest": [9, 9, 9], "median": [140, 170, 130], "largest": [200, 200, 200]},
    "spacing": {"smallest": [1, 1, 1], "median": [1, 1, 2.5], "largest": [1, 1, 3]},
    "intensities": None,
    "classes": {"WT": {"share": 0.0123, "missing": 0}, "ET": {"share": 0.0, "missing": 5}},
}
SCORES = {"anna_k": {"WT": 0.9, "ET": None}, "bo_k": {"WT": 0.5, "ET": 0.25}, "cleo_k": {"WT": 0.7}}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "scores.json").write_text(json.dumps({"minutes": 3, "patients": SCORES}), "utf-8")
    (tmp_path / "print.json").write_text(json.dumps(PRINT), encoding="utf-8")
    return tmp_path


def card(folder, *options, network=NETWORK):
    out = folder / "card.md"
    code = cli.main(["card", str(network), "--out", str(out), *map(str, options)])
    return code, out.read_text(encoding="utf-8") if out.is_file() else None


def test_a_card_says_what_was_measured(folder, capsys):
    options = ["--scores", folder / "scores.json", "--trained-on", folder / "print.json"]
    code, text = card(folder, *options)
    assert code == 0 and capsys.readouterr().out.startswith(text)
    assert text.startswith(f"# Model card: {NETWORK.stem}\n") and "Not for clinical use" in text
    assert "- cases.csv (mask): 5 scans of 4 patients" in text
    assert "- channels: T1, FLAIR" in text and "1 × 1 × 2.5 mm" in text
    assert "| WT | 3 | 0.700 | 0." in text and "| 0.700 | 0.500 | 0.900 |" in text
    assert "| ET | 1 | 0.250 | – | 0.250 | 0.250 | 0.250 |" in text
    assert "ET isn't defined in 2 of 3 patients" in text and "3 patients are few" in text
    assert "ET was in none of the training scans" in text
    assert not any(name in text for name in SCORES), "no patient's name is published"
    assert "SHA-256" in text and "with Keras 3." in text


def test_what_no_file_says_is_unknown(folder):
    code, text = card(folder)
    assert code == 0 and "Scores: **unknown**." in text
    assert text.count("which patients, how many, with which sequences: **unknown**") == 2
    for what in model_card.ASKED:
        assert f"- {what}: **unknown**" in text


def test_scores_as_csv_and_flat_json(folder):
    (folder / "s.csv").write_text("\ufeffpatient;dice\np1;0.5\np2;\np3;1\n", encoding="utf-8")
    table = write_card.read_scores(folder / "s.csv")
    assert table.dice.tolist()[::2] == [0.5, 1] and np.isnan(table.dice.iloc[1])
    (folder / "s.json").write_text('{"p1": 0.5, "p2": 1}', encoding="utf-8")
    assert write_card.read_scores(folder / "s.json").score.tolist() == [0.5, 1]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("s.json", "{", "no scores by patient"),
        ("s.json", "[1, 2]", "no scores by patient"),
        ("s.json", '{"patients": {}}', "no scores by patient"),
        ("s.json", '{"p1": {"WT": "good"}}', "a score is no number"),
        ("s.json", '{"p1": {"WT": [1]}}', "a score is no number"),
        ("s.json", '{"p1": {"WT": Infinity}}', "a score is infinite"),
        ("s.csv", "", "no scores by patient"),
        ("s.csv", "patient\np1\n", "no scores by patient"),
        ("s.csv", "patient,WT\np1,0.5\np1,0.6\n", "a patient comes twice: p1"),
        ("s.csv", "patient,WT\np1,good\n", "a score is no number"),
    ],
)
def test_scores_that_cannot_be_used_are_told(folder, capsys, name, text, words):
    (folder / name).write_text(text, encoding="utf-8")
    assert card(folder, "--scores", folder / name) == (1, None)
    err = capsys.readouterr().err
    assert words in err and str(folder / name) in err and err.count("\n") == 1


def test_files_that_are_missing_or_something_else_are_told(folder, capsys):
    (folder / "x.keras").write_text("no network", encoding="utf-8")
    for options, network, words in (
        ([], folder / "none.keras", "no such file"),
        ([], folder / "x.keras", "can't be loaded as a Keras network"),
        (["--scores", folder / "none.json"], NETWORK, "none.json"),
        (["--trained-on", folder / "none.json"], NETWORK, "none.json"),
        (["--trained-on", folder / "scores.json"], NETWORK, "fingerprint"),
        (["--judged-on", folder], NETWORK, "holds no complete LGG patient or BraTS case"),
    ):
        assert card(folder, *options, network=network) == (1, None)
        assert words in capsys.readouterr().err
    assert cli.main(["card", str(NETWORK), "--out", str(folder / "card.html")]) == 1
    assert "ends in .md" in capsys.readouterr().err
