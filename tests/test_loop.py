"""Training: it learns, shows progress, stops when it should, and survives being killed."""

import io
import json
import os
import random
import subprocess
import sys
import textwrap
from contextlib import redirect_stderr
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from unet_course import runtime, storage
from unet_course.network.unet import unet
from unet_course.training import checkpoints, loop


class Toy:
    """Bright squares on dark ground; the same batches for the same epoch."""

    def __init__(self, steps=3, spoil=None):
        self.steps, self.spoil, self.asked = steps, spoil, []

    def epoch(self, number):
        self.asked.append(number)
        rng = np.random.default_rng(number)
        images = rng.random((self.steps * 4, 8, 8, 1), dtype=np.float32)
        masks = (images > 0.5).astype(np.float32)
        if self.spoil == number:
            images[-1] = np.nan
        return tf.data.Dataset.from_tensor_slices((images, masks)).batch(4)


def network(dropout=0.0):
    runtime.repeatable(0)
    model = unet((8, 8, 1), filters=2, depth=1, dropout=dropout)
    model.compile(keras.optimizers.Adam(1e-2), "binary_crossentropy")
    return model


def weights(model):
    return np.concatenate([w.ravel() for w in model.get_weights()])


def test_training_lowers_the_loss_and_records_every_epoch():
    history = loop.fit(network(), Toy(8), epochs=5, progress=False)
    assert history["loss"][-1] < history["loss"][0]
    assert len(history["loss"]) == len(history["seconds"]) == 5


def test_the_best_epochs_weights_are_kept_and_patience_ends_it(tmp_path):
    model, scores, seen = network(), iter([0.1, 0.5, 0.4, 0.3, 0.2, 0.9]), []

    def validate(model):
        seen.append(weights(model))
        return {"dice": next(scores)}

    history = loop.fit(
        model, Toy(), epochs=6, validate=validate, patience=3, folder=tmp_path, progress=False
    )
    assert history["dice"] == [0.1, 0.5, 0.4, 0.3, 0.2]
    np.testing.assert_array_equal(weights(model), seen[1])
    # a run that stopped by itself isn't started again, and hands out its best weights
    again = network()
    batches = Toy()
    loop.fit(
        again, batches, epochs=6, validate=validate, patience=3, folder=tmp_path, progress=False
    )
    assert batches.asked == []
    np.testing.assert_array_equal(weights(again), seen[1])


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_a_resumed_run_ends_with_the_weights_of_an_unbroken_one(tmp_path, dropout):
    whole = network(dropout)
    loop.fit(whole, Toy(), epochs=4, progress=False)
    loop.fit(network(dropout), Toy(), epochs=2, folder=tmp_path, progress=False)
    resumed, batches = network(dropout), Toy()
    history = loop.fit(resumed, batches, epochs=4, folder=tmp_path, progress=False)
    assert batches.asked == [2, 3] and len(history["loss"]) == 4
    np.testing.assert_array_equal(weights(resumed), weights(whole))


KILLED = """
    import os, sys
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    import test_loop as t
    class Dying(t.Toy):
        def epoch(self, number):
            if number == 2 and {die}:
                def vanish(images, masks):
                    t.tf.py_function(lambda: os._exit(9), [], [])
                    return images, masks
                return super().epoch(number).map(vanish)
            return super().epoch(number)
    model = t.network(0.3)
    t.loop.fit(model, Dying(), epochs=4, folder={folder!r}, progress=False)
    t.np.save({out!r}, t.weights(model))
"""


def test_killed_in_mid_epoch_it_resumes_to_the_same_weights(tmp_path):
    """Three processes: one dies within epoch 3, one goes on from there, one never broke."""

    def run(folder, die):
        out = tmp_path / f"{folder}.npy"
        code = KILLED.format(
            tests=os.path.dirname(__file__), die=die, folder=str(tmp_path / folder), out=str(out)
        )
        done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True)
        assert done.returncode in (0, 9), done.stderr.decode()[-2000:]
        return done.returncode, out

    assert run("broken", die=True)[0] == 9
    state = json.loads((tmp_path / "broken" / "state.json").read_text(encoding="utf-8"))
    assert state["epoch"] == 2
    (code, resumed), (other, whole) = run("broken", die=False), run("whole", die=False)
    assert code == other == 0
    np.testing.assert_array_equal(np.load(resumed), np.load(whole))


def test_the_folder_holds_no_more_than_two_epochs_and_nothing_half_written(tmp_path):
    loop.fit(
        network(),
        Toy(),
        epochs=5,
        validate=lambda m: {"dice": 0.5},
        folder=tmp_path,
        progress=False,
    )
    names = sorted(file.name for file in tmp_path.iterdir() if file.name != ".lock")
    assert names == ["epoch-0001.weights.h5", "epoch-0005.weights.h5", "state.json"]


def test_nan_stops_it_and_leaves_the_last_good_epoch(tmp_path):
    with pytest.raises(loop.TrainingError, match="nan in epoch 3, step 3: lower the learning"):
        loop.fit(network(), Toy(spoil=2), epochs=5, folder=tmp_path, progress=False)
    assert json.loads((tmp_path / "state.json").read_text(encoding="utf-8"))["epoch"] == 2


def test_ctrl_c_says_what_is_kept(tmp_path, capsys):
    class Interrupted(Toy):
        def epoch(self, number):
            if number == 1:
                raise KeyboardInterrupt
            return super().epoch(number)

    said = io.StringIO()
    with redirect_stderr(said), pytest.raises(KeyboardInterrupt):
        loop.fit(network(), Interrupted(), epochs=3, folder=tmp_path)
    text = said.getvalue() + capsys.readouterr().out
    assert "Interrupted in epoch 2 of 3; whole epochs: 1 are kept in" in text


def test_another_networks_folder_and_a_damaged_one_are_refused(tmp_path):
    loop.fit(network(), Toy(), epochs=1, folder=tmp_path, progress=False)
    other = unet((8, 8, 1), filters=4, depth=1)
    other.compile("adam", "binary_crossentropy")
    with pytest.raises(loop.TrainingError, match="another network"):
        loop.fit(other, Toy(), epochs=2, folder=tmp_path, progress=False)
    slower = network()
    slower.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy")
    with pytest.raises(loop.TrainingError, match="learning rate"):
        loop.fit(slower, Toy(), epochs=2, folder=tmp_path, progress=False)
    (tmp_path / "epoch-0001.weights.h5").write_bytes(b"half")
    with pytest.raises(loop.TrainingError, match="was damaged since it was written"):
        loop.fit(network(), Toy(), epochs=2, folder=tmp_path, progress=False)
    (tmp_path / "state.json").write_text("{", encoding="utf-8")
    with pytest.raises(loop.TrainingError, match="delete the folder"):
        loop.fit(network(), Toy(), epochs=2, folder=tmp_path, progress=False)


@pytest.mark.parametrize(("options", "error", "words"), [
    ({"epochs": 0}, ValueError, "at least 1"),
    ({"epochs": 1, "patience": 2}, ValueError, "needs validate"),
    ({"epochs": 1, "validate": lambda m: {"iou": 1.0}}, loop.TrainingError, "set monitor"),
])  # fmt: skip
def test_wrong_arguments_say_what_to_do(options, error, words):
    with pytest.raises(error, match=words):
        loop.fit(network(), Toy(1), progress=False, **options)


def test_a_terminal_sees_a_bar_with_loss_and_dice():
    shown = io.StringIO()
    with redirect_stderr(shown):
        loop.fit(network(), Toy(), epochs=2, validate=lambda m: {"dice": 0.25})
    assert "100%" in shown.getvalue() and "dice 0.250" in shown.getvalue()


def test_a_trained_model_is_loaded_and_a_damaged_one_trained_again(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("UNET_COURSE_CACHE", str(tmp_path))
    trained = []

    def train():
        trained.append(network())
        return trained[-1]

    first = loop.load_or_train("toy", train)
    second = loop.load_or_train("toy", train)
    assert len(trained) == 1
    np.testing.assert_array_equal(weights(first), weights(second))
    (tmp_path / "models" / "toy.keras").write_bytes(b"half a model")
    loop.load_or_train("toy", train)
    assert len(trained) == 2 and "training it again" in capsys.readouterr().out
    assert [file.name for file in (tmp_path / "models").iterdir()] == ["toy.keras"]


# --- what must not be lost, and what must not be trained on ---------------------------------------


def test_a_score_that_is_not_finite_never_makes_the_best_epoch():
    model, scores, seen = network(), iter([np.nan, 0.2, 0.9, np.inf, 0.5]), []

    def validate(model):
        seen.append(weights(model))
        return {"dice": next(scores)}

    loop.fit(model, Toy(), epochs=5, validate=validate, progress=False)
    np.testing.assert_array_equal(weights(model), seen[2])


def test_a_validation_that_never_gives_a_score_is_told(tmp_path):
    options = dict(epochs=2, validate=lambda m: {"dice": np.nan}, progress=False)
    with pytest.raises(loop.TrainingError, match=r"'dice' wasn't finite in any epoch \(nan, nan\)"):
        loop.fit(network(), Toy(), folder=tmp_path, **options)


def test_a_nan_that_relu_hides_from_the_loss_is_noticed(tmp_path):
    runtime.repeatable(0)
    model = keras.Sequential(
        [
            keras.layers.Input((8, 8, 1)),
            keras.layers.Conv2D(8, 3, padding="same", activation="relu"),
            keras.layers.Conv2D(1, 1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy")
    with pytest.raises(loop.TrainingError, match="weights became NaN or infinite in epoch 2"):
        loop.fit(model, Toy(spoil=1), epochs=3, folder=tmp_path, progress=False)
    assert json.loads((tmp_path / "state.json").read_text("utf-8"))["epoch"] == 1


def test_a_network_without_optimiser_is_told_what_to_do():
    model = unet((8, 8, 1), filters=2, depth=1)
    with pytest.raises(loop.TrainingError, match=r"network\.compile"):
        loop.fit(model, Toy(), epochs=1, progress=False)


def test_every_damage_to_a_checkpoint_is_noticed(tmp_path):
    """40 seeded mutations of weights and state: a TrainingError that names the cure, each time."""
    loop.fit(network(), Toy(), epochs=1, folder=tmp_path, progress=False)
    rng = random.Random(0)
    files = [tmp_path / "epoch-0001.weights.h5", tmp_path / "state.json"]
    for number in range(40):
        path = files[number % 2]
        good = path.read_bytes()
        data = bytearray(good)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(data if number % 5 else good[: rng.randrange(len(good))])
        with pytest.raises(loop.TrainingError, match="delete the folder"):
            loop.fit(network(), Toy(), epochs=2, folder=tmp_path, progress=False)
        path.write_bytes(good)
    history = loop.fit(network(), Toy(), epochs=2, folder=tmp_path, progress=False)
    assert len(history["loss"]) == 2


def test_two_runs_in_one_folder_are_kept_apart(tmp_path):
    class Nested(Toy):
        def epoch(self, number):
            with pytest.raises(loop.TrainingError, match="another run is training in"):
                loop.fit(network(), Toy(), epochs=1, folder=tmp_path, progress=False)
            return super().epoch(number)

    loop.fit(network(), Nested(), epochs=1, folder=tmp_path, progress=False)
    loop.fit(network(), Toy(), epochs=2, folder=tmp_path, progress=False)  # free again


def test_without_room_the_last_kept_epoch_stays(tmp_path, monkeypatch):
    loop.fit(network(), Toy(), epochs=1, folder=tmp_path, progress=False)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with monkeypatch.context() as patch:
        patch.setattr(storage.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
        with pytest.raises(loop.TrainingError, match=r"epoch 2 can't be kept .* the disk is full"):
            loop.fit(network(), Toy(), epochs=2, folder=tmp_path, progress=False)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert len(loop.fit(network(), Toy(), epochs=2, folder=tmp_path, progress=False)["loss"]) == 2


def test_without_room_the_trained_network_is_handed_out(tmp_path, monkeypatch):
    monkeypatch.setenv("UNET_COURSE_CACHE", str(tmp_path))
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    trained = network()
    with pytest.warns(UserWarning, match="the disk is full"):
        assert loop.load_or_train("toy", lambda: trained) is trained
    assert list((tmp_path / "models").iterdir()) == []


def test_every_damage_to_a_kept_network_is_mended(tmp_path, monkeypatch, capsys):
    """20 seeded mutations: the same weights, or trained again; never an error."""
    monkeypatch.setenv("UNET_COURSE_CACHE", str(tmp_path))
    first = weights(loop.load_or_train("toy", network))
    file = tmp_path / "models" / "toy.keras"
    good, rng = file.read_bytes(), random.Random(1)
    for _ in range(20):
        data = bytearray(good)
        for _ in range(rng.randint(1, 8)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        file.write_bytes(data)
        np.testing.assert_array_equal(weights(loop.load_or_train("toy", network)), first)
    assert "training it again" in capsys.readouterr().out


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A trained network, and the files that its run kept."""
    folder, model = tmp_path_factory.mktemp("kept"), network()
    loop.fit(model, Toy(), epochs=1, folder=folder, progress=False)
    files = ("state.json", "epoch-0001.weights.h5")
    return model, {name: (folder / name).read_bytes() for name in files}


@pytest.mark.parametrize(
    "changes",
    [
        {"epoch": "1"},
        {"epoch": 2.5},
        {"epoch": True},
        {"epoch": 7},
        {"best_epoch": None},
        {"best_epoch": 0},
        {"best": "a"},
        {"best": np.nan},
        {"best": 10**400},
        {"stopped_early": "no"},
        {"history": []},
        {"history": {"loss": "a"}},
        {"seeds": None},
        {"checksums": []},
        {"fingerprint": None},
        {"unknown": 1},
    ],
)
def test_a_state_that_no_run_writes_is_refused(kept, tmp_path, changes):
    model, files = kept
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    assert checkpoints.Store(tmp_path, model).load(model).epoch == 1
    facts = json.loads(files["state.json"])
    del facts["checksum"]
    facts |= changes
    facts["checksum"] = checkpoints._checksum_of(facts)  # it fits: the values alone are wrong
    (tmp_path / "state.json").write_text(json.dumps(facts), "utf-8")
    with pytest.raises(loop.TrainingError, match=r"state\.json can't be read .*: delete the"):
        checkpoints.Store(tmp_path, model).load(model)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes")
@pytest.mark.parametrize("name", ["state.json", "epoch-0001.weights.h5"])
@pytest.mark.parametrize("kind", ["pipe", "device", "loop", "folder", "brackets", "large"])
def test_nothing_in_a_files_place_stops_a_run_for_ever_or_is_written_over(
    kept, tmp_path, name, kind
):
    model, files = kept
    for other, data in files.items():
        (tmp_path / other).write_bytes(data)
    path = tmp_path / name
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "loop":
        path.symlink_to(name)
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_bytes(b"[" * 10**5)
        os.truncate(path, 10**5 if kind == "brackets" else 10**8)
    with pytest.raises(loop.TrainingError, match=f"{path}.*(can't be read|damaged)"):
        checkpoints.Store(tmp_path, model).load(model)
    assert os.path.lexists(path)


def test_what_a_run_did_not_write_stays_in_its_folder(tmp_path):
    (tmp_path / "mine.weights.h5").write_bytes(b"mine")
    (tmp_path / "writing-1.weights.h5").mkdir()
    loop.fit(network(), Toy(), epochs=2, folder=tmp_path, progress=False)
    assert (tmp_path / "mine.weights.h5").read_bytes() == b"mine"
    (tmp_path / "state.json").unlink()
    with pytest.raises(loop.TrainingError, match=r"state\.json is gone, though epoch-0002"):
        loop.fit(network(), Toy(), epochs=2, folder=tmp_path, progress=False)


@pytest.mark.parametrize("found", [None, 0.5, {"dice": None}, {"dice": [0.1, 0.2]}])
def test_a_validation_that_gives_no_number_is_told(found):
    with pytest.raises(loop.TrainingError, match="must return a number by name"):
        loop.fit(network(), Toy(), epochs=1, validate=lambda _: found, progress=False)
