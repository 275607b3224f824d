"""brats_parts.py: what an interrupted command leaves, and the differences that it prints."""

import brats_parts
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf


@pytest.fixture
def out(tmp_path, monkeypatch):
    out = tmp_path / "parts.csv"
    rows = ["course", "again", "no-fine"]
    monkeypatch.setattr("sys.argv", ["brats_parts.py", "--out", str(out), "--rows", *rows])
    return out


def test_an_interrupted_command_goes_on_and_differences_are_from_the_course(
    out, monkeypatch, capsys
):
    trained = []

    def train(recipe, minutes, seed):
        if len(trained) == 2:
            trained.append(None)
            raise KeyboardInterrupt
        trained.append((recipe.fine, seed))
        return recipe, 5, None

    def judged(recipe, model, options):
        whole = 0.7 if recipe.fine else 0.6
        return [
            {"kind": "held out", "case": f"case {n}", "WT": whole, "TC": 0.5, "ET": 0.0}
            for n in range(3)
        ]

    monkeypatch.setattr(brats_parts, "train", train)
    monkeypatch.setattr(brats_parts, "judged", judged)
    with pytest.raises(KeyboardInterrupt):
        brats_parts.main()
    assert pd.read_csv(out).row.unique().tolist() == ["course", "again"], "complete rows are kept"
    brats_parts.main()
    trained.remove(None)
    fine = brats_parts.COURSE.fine
    assert trained == [(fine, 0), (fine, 1), (0, 0)], "no row is trained twice"
    said = capsys.readouterr().out
    assert "WT  no-fine       0.600  -0.100 (-0.100 to -0.100)" in said


def test_rows_of_other_minutes_are_refused(out, monkeypatch):
    line = {"row": "course", "minutes": 1, "kind": "held out", "case": "a"}
    pd.DataFrame([line]).to_csv(out, index=False)
    before = out.read_text()
    with pytest.raises(SystemExit, match=r"had 1 minutes.*another --out"):
        brats_parts.main()
    assert out.read_text() == before


@pytest.mark.parametrize("name", brats_parts.ROWS)
def test_each_row_changes_what_the_recipe_has(name):
    change, _ = brats_parts.ROWS[name]
    recipe = brats_parts.replace(brats_parts.COURSE, **change)
    assert (recipe == brats_parts.COURSE) == (not change)


def test_an_averaged_network_is_judged_by_its_last_weights_too(out, monkeypatch):
    small = dict(size=(16, 16, 16), filters=(2,), depth=2, average=0.5)
    monkeypatch.setattr(brats_parts, "COURSE", brats_parts.replace(brats_parts.COURSE, **small))
    monkeypatch.setattr(
        "sys.argv", ["", "--out", str(out), "--rows", "course", "--minutes", "0.005"]
    )
    seen = []

    def batches_of(recipe, real, sample, seed, grow, share):
        class Batches:
            def epoch(self, number):
                rng = np.random.default_rng(number)
                images = rng.normal(size=(4, 1, 16, 16, 16, 8)).astype(np.float32)
                masks = (images[..., :3] > 1).astype(np.float32)
                return tf.data.Dataset.from_tensor_slices((images, masks)).repeat()

        return Batches()

    def judged(recipe, model, options):
        seen.append(np.concatenate([w.ravel() for w in model.get_weights()]))
        line = {"kind": "held out", "WT": 0.5, "TC": 0.5, "ET": 0.5}
        return [line | {"case": name} for name in "ab"]

    monkeypatch.setattr(brats_parts.brats_dice, "batches_of", batches_of)
    monkeypatch.setattr(brats_parts, "judged", judged)
    brats_parts.main()
    assert pd.read_csv(out).row.tolist() == ["course"] * 2 + ["course, last weights"] * 2
    assert not np.allclose(*seen), "the average isn't the last weights"


def test_a_moving_average_is_asked_of_the_optimizer():
    plain, averaged = (
        brats_parts.brats_dice.build(
            brats_parts.replace(brats_parts.COURSE, size=(16, 16, 16), average=average), 2
        )
        for average in (0.0, 0.9)
    )
    assert not plain.optimizer.use_ema
    assert averaged.optimizer.use_ema and averaged.optimizer.ema_momentum == 0.9


def test_deep_supervision_trains_several_heads_and_predicts_with_one():
    small = dict(size=(16, 16, 16), depth=2, deep_supervision=True)
    model = brats_parts.brats_dice.build(brats_parts.replace(brats_parts.COURSE, **small), 2)
    images = np.zeros((1, *model.input_shape[1:]), np.float32)
    assert len(model(images, training=True)["heads"]) == 2
    assert model.predict_on_batch(images).shape == (1, 16, 16, 16, 3)
    assert np.isfinite(model.train_on_batch(images, np.zeros((1, 16, 16, 16, 3))))
