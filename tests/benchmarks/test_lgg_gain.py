"""lgg_gain.py: who is tested when, what an interrupted command leaves, and the gain it prints."""

import keras
import lgg_gain
import pandas as pd
import pytest
from lgg_files import write_set


@pytest.fixture
def options(tmp_path, monkeypatch):
    out = tmp_path / "gain.csv"
    data = write_set(tmp_path / "lgg", patients=10, slices=1)
    monkeypatch.setattr("sys.argv", ["lgg_gain.py", "--data", str(data), "--out", str(out)])
    policy = keras.mixed_precision.dtype_policy()
    yield out
    keras.mixed_precision.set_dtype_policy(policy)  # the command sets the machine's


def test_each_patient_is_tested_once_a_seed_and_an_interrupted_command_goes_on(
    options, monkeypatch, capsys
):
    asked = []

    def trained(name, seed, fold, minutes, patients):
        if len(asked) == 7:
            asked.append(None)
            raise KeyboardInterrupt
        asked.append((name, seed, fold))
        about = {"recipe": name, "seed": seed, "fold": fold, "minutes": minutes, "steps": 3}
        dice = {"plain": 0.5, "course": 0.7}[name]
        return [about | {"patient": p.id, "dice": dice} for p in patients[fold :: lgg_gain.FOLDS]]

    monkeypatch.setattr(lgg_gain, "run", trained)
    with pytest.raises(KeyboardInterrupt):
        lgg_gain.main()
    lgg_gain.main()
    asked.remove(None)
    assert len(asked) == len(set(asked)) == 20, "no run is done twice"
    table = pd.read_csv(options)
    assert (table.groupby(["recipe", "seed", "patient"]).size() == 1).all() and len(table) == 40
    said = capsys.readouterr().out
    assert "course minus plain: +0.200, 95 % +0.200 to +0.200, better in 10 of 10" in said


def test_runs_of_other_minutes_are_refused(options, monkeypatch):
    line = {"recipe": "plain", "seed": 0, "fold": 0, "minutes": 0.5, "patient": "a", "dice": 0.5}
    pd.DataFrame([line]).to_csv(options, index=False)
    before = options.read_text()
    with pytest.raises(SystemExit, match=r"had 0.5 minutes, not 1.*another --out"):
        lgg_gain.main()
    assert options.read_text() == before
