"""Peers side by side: what they get, how they are judged, and the table, with a peer that needs no library."""

import json
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
from lgg_files import write_set

from unet_course.data import lgg

pytest.importorskip("resource")  # the peers measure their memory by it
PEERS = Path(__file__).parents[2] / "benchmarks" / "peers"
FACTS = {"network": "none", "batch": "none", "steps": 3, "seconds": 1.0, "parameters": 1234}
FAKE = f"""
import sys
sys.path.insert(0, {str(PEERS)!r})
import peer
options = peer.arguments("nothing is learnt")
task, clock = peer.Task(options.task, "lgg"), peer.Clock(options.minutes, options.clock)
clock.start()
while clock.tick():
    pass
facts = {{"network": "none", "batch": "1", "parameters": 0}} | clock.facts()
peer.finish(options.out, task, lambda id: 0 * task.images(id)[..., 0], facts, "numpy")
"""


@pytest.fixture
def modules(monkeypatch):
    monkeypatch.syspath_prepend(PEERS)
    import compare
    import peer
    import prepare

    return Namespace(compare=compare, peer=peer, prepare=prepare)


@pytest.fixture(scope="module")
def patients(tmp_path_factory):
    return lgg.find_patients(write_set(tmp_path_factory.mktemp("lgg"), patients=3, slices=3))


@pytest.fixture
def task(modules, patients, tmp_path):
    modules.prepare.write(tmp_path / "task", "lgg", patients[:2], patients[2:])
    return modules.peer.Task(tmp_path / "task", "lgg")


def test_a_peer_gets_images_of_all_and_masks_of_those_to_train_on(task, patients):
    assert task.train == [p.folder.name for p in patients[:2]]
    (tested,) = task.test
    np.testing.assert_array_equal(task.images(tested), patients[2].read()[0])
    np.testing.assert_array_equal(task.masks(task.train[0]), patients[0].read_masks())
    assert [file.name for file in (task.folder / "cases" / tested).iterdir()] == ["images.npy"]


def test_a_task_isnt_written_over_another(modules, task, patients):
    modules.prepare.write(task.folder, "lgg", patients[:2], patients[2:])
    with pytest.raises(SystemExit, match="something else than this task"):
        modules.prepare.write(task.folder, "lgg", patients[1:], patients[:1])


def test_the_truth_has_a_dice_of_1_and_half_of_it_less(modules, task, patients, tmp_path):
    truth = patients[2].read_masks()
    half = truth.copy()
    half[:, : np.argwhere(truth)[:, 1].mean().astype(int)] = 0
    scores = []
    for name, found in {"all": truth, "half": half}.items():
        modules.peer.finish(tmp_path / name, task, lambda id, found=found: found, FACTS, "numpy")
        scores.append(modules.compare.judged(tmp_path / name, patients[2:])["scores"])
        about = json.loads((tmp_path / name / "about.json").read_text(encoding="utf-8"))
        assert about["peak_memory_gb"] > 0 and about["versions"] == {"numpy": np.__version__}
    (whole,), (less,) = scores[0].values(), scores[1].values()
    assert whole == [1.0] and 0 < less[0] < 1


def test_a_missing_prediction_and_another_shape_are_named(modules, task, patients, tmp_path):
    out = tmp_path / "out"
    modules.peer.finish(out, task, lambda id: np.zeros((3, 96, 96)), FACTS, "numpy")
    with pytest.raises(SystemExit, match=r"the shape \(3, 96, 96\)"):
        modules.compare.judged(out, patients[2:])
    (out / f"{task.test[0]}.npy").unlink()
    with pytest.raises(SystemExit, match="no prediction for TCGA"):
        modules.compare.judged(out, patients[2:])


def test_a_failing_prediction_leaves_no_results(modules, task, tmp_path):
    def predict(id):
        raise MemoryError

    with pytest.raises(MemoryError):
        modules.peer.finish(tmp_path / "out", task, predict, FACTS, "numpy")
    assert not (tmp_path / "out").exists()


def test_all_in_one_run(modules, patients, tmp_path, monkeypatch, capsys):
    compare = modules.compare
    (tmp_path / "fake.py").write_text(FAKE, encoding="utf-8")
    (tmp_path / "broken.py").write_text("raise SystemExit('out of luck')", encoding="utf-8")
    fake = compare.Peer("a fake", "lgg", str(tmp_path / "fake.py"))
    broken = compare.Peer("a broken one", "lgg", str(tmp_path / "broken.py"))
    options = Namespace(
        data=[], test=None, kind="lgg", minutes=1e-4, clock="wall", seed=0,
        out=tmp_path / "work", peers=[fake, broken],
    )  # fmt: skip
    name = patients[2].folder.name
    course = FACTS | {"peak_memory_gb": 1.0, "scores": {name: [0.5]}}
    monkeypatch.setattr(compare, "arguments", lambda: options)
    monkeypatch.setattr(compare, "UV", (sys.executable,))
    monkeypatch.setattr(compare, "run_course", lambda options, work: course)
    monkeypatch.setattr(modules.prepare, "sides", lambda *_: (patients[:2], patients[2:]))
    with pytest.raises(SystemExit, match="not in the table: a broken one"):
        compare.main()
    shown = capsys.readouterr().out
    assert "out of luck" in shown and "on average: none" in shown
    rows = dict(
        (cells[1].strip(), [cell.strip() for cell in cells[2:-1]])
        for cells in (line.split("|") for line in shown.splitlines() if line.startswith("|"))
    )
    assert rows[""] == ["this course", "a fake"] and rows["parameters"] == ["1,234", "0"]
    assert rows[name] == ["0.500", "0.000"] and rows["**mean Dice**"] == ["**0.500**", "**0.000**"]

    about = tmp_path / "work" / "lgg_0.0001_minutes_wall_0" / "a_fake" / "about.json"
    before = about.stat().st_mtime_ns
    with pytest.raises(SystemExit):
        compare.main()
    assert about.stat().st_mtime_ns == before
    options.seed = 1
    with pytest.raises(SystemExit):
        compare.main()
    assert len(list((tmp_path / "work").iterdir())) == 2  # another seed is another run


def test_who_is_better_is_said(modules):
    results = {"this course": {"scores": {"a": [0.5, 0.2]}}, "A": {"scores": {"a": [0.4, 0.4]}}}
    results |= {"B": {"scores": {"a": [0.6, 0.0]}}, "C": None}
    assert modules.compare.better(results) == "Better than this course on average: A."


@pytest.mark.parametrize(("change", "words"), [
    ({}, "uv isn't there"),
    ({"--data": "nowhere"}, "nowhere: no such folder"),
    ({"--test": "none.txt"}, "none.txt: no such file"),
    ({"--minutes": "0"}, "must be positive"),
    ({"--peers": "UNet 5"}, "'UNet 5': there are 'MONAI UNet'"),
])  # fmt: skip
def test_what_is_missing_is_said(tmp_path, change, words):
    (tmp_path / "test.txt").write_text("TCGA\n", encoding="utf-8")
    options = {"--data": ".", "--kind": "lgg", "--test": "test.txt", "--minutes": "1", "--out": "o"}
    command = [sys.executable, str(PEERS / "compare.py")]
    command += [word for pair in (options | change).items() for word in pair]
    environment = {"PATH": str(tmp_path)}
    done = subprocess.run(
        command, capture_output=True, encoding="utf-8", cwd=tmp_path, env=environment
    )
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr
