"""Who is trained on and who is tested, in the runs of lgg_transfer.py."""

import lgg_transfer
import numpy as np
import pytest

from unet_course.judging import published_tables

NUMBERS = {"CS": 4, "DU": 13, "EZ": 1, "FG": 7, "HT": 11}
HOSPITALS = {f"TCGA_{h}_{k:04}": h for h, count in NUMBERS.items() for k in range(count)}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_transfer_tests_the_same_others_and_draws_one_among_four_among_sixteen(seed):
    runs = {run.row: run for run in lgg_transfer.transfer_runs(list(HOSPITALS), seed)}
    assert len(runs) == 7
    (test,) = {run.test for run in runs.values()}
    assert len(test) == 16 and {HOSPITALS[id] for id in test} >= {"CS", "DU", "FG", "HT"}
    for count in (1, 4, 16):
        one, other = runs[f"synthetic-{count}"], runs[f"random-{count}"]
        assert one.train == other.train and len(one.train) == count
        assert not set(one.train) & set(test)
    assert runs["synthetic-0"].train == ()
    assert set(runs["random-1"].train) < set(runs["random-4"].train) < set(runs["random-16"].train)


def test_seeds_draw_other_patients_and_test_the_same():
    runs = [lgg_transfer.transfer_runs(list(HOSPITALS), seed)[3] for seed in range(3)]
    assert len({run.train for run in runs}) == 3 and len({run.test for run in runs}) == 1


def test_a_hospital_left_out_isnt_trained_on_and_everybody_is_tested_twice():
    runs = lgg_transfer.hospital_runs(HOSPITALS, seed=0)
    assert {run.row for run in runs} >= {"without-CS+EZ", "without-DU", "without-FG", "without-HT"}
    assert {len(run.train) for run in runs} == {36 - 13}
    tested = [id for run in runs for id in run.test]
    assert sorted(tested) == sorted(2 * list(HOSPITALS))
    for run in runs:
        assert not set(run.train) & set(run.test)
        if run.row.startswith("without-"):
            names = set(run.row.removeprefix("without-").split("+"))
            assert not {HOSPITALS[id] for id in run.train} & names
            assert {HOSPITALS[id] for id in run.test} == names


def test_the_published_tables_hold_whole_runs_of_one_length():
    transfer, hospitals = published_tables.lgg_transfer(), published_tables.lgg_hospitals()
    for table in (transfer, hospitals):
        assert table.minutes.nunique() == 1 and table.dice.between(0, 1).all()
        assert not table.duplicated(["row", "seed", "patient"]).any()
    assert set(transfer.groupby(["row", "seed"]).patient.nunique()) == {16}
    assert transfer.groupby("seed").row.nunique().eq(7).all()
    tested = hospitals.groupby(["seed", hospitals.row.str.startswith("without")]).patient.nunique()
    assert np.unique(tested).tolist() == [36]


def test_a_table_of_other_minutes_is_neither_finished_nor_added_to(tmp_path, monkeypatch):
    file = tmp_path / lgg_transfer.FILES["transfer"].name
    minutes = published_tables.lgg_transfer().minutes.iloc[0]
    published_tables.lgg_transfer().to_csv(file, index=False)
    assert len(lgg_transfer.finished(file, minutes)) == 21
    assert lgg_transfer.finished(tmp_path / "none.csv", 3) == set()
    monkeypatch.setattr(lgg_transfer.lgg, "find_patients", lambda folder: [])
    options = ["--data", str(tmp_path), "--out", str(tmp_path), "--experiments", "transfer"]
    monkeypatch.setattr("sys.argv", ["x", *options, "--minutes", "3", "--list"])
    with pytest.raises(SystemExit, match=f"had {minutes:g} minutes, not 3.*another --out"):
        lgg_transfer.main()
