"""Sliding window: blending, sizes, streaming, flips, memory; and a 3-D network saved and loaded."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unet_course.network import losses, unet
from unet_course.prediction import sliding_window
from unet_course.training.pooled_dice import PooledDice

CODE = Path(__file__).parents[1]


class Network:
    """Stands in for a trained network; `seen` keeps the shape of every batch."""

    def __init__(self, answer, channels=1, classes=1, patch=(None, None, None)):
        self.answer, self.seen, self.batches = answer, [], []
        self.input_shape = (None, *patch, channels)
        self.output_shape = (None, *patch, classes)

    def predict_on_batch(self, batch):
        self.seen.append(batch.shape)
        self.batches.append(batch.copy())
        return self.answer(batch)


def place_dependent(batch):
    """Worse towards the patch's edge, as networks are."""
    grid = np.indices(batch.shape[1:4]).sum(0)[None, ..., None]
    return np.float32(0.01) * grid + 0.1 * batch[..., :1]


def by_hand(model, images, patch, overlap):
    """The definition: windows, weights, sums over the whole volume, one division."""
    sizes = [max(n, p) for n, p in zip(images.shape, patch, strict=False)]
    before = [(s - n) // 2 for s, n in zip(sizes, images.shape, strict=False)]
    after = [s - n - b for s, n, b in zip(sizes, images.shape, before, strict=False)]
    padded = np.pad(images, [*zip(before, after, strict=True), (0, 0)])
    starts = [[s for s, _ in sliding_window.axis_windows(n, p, overlap)]
              for n, p in zip(sizes, patch, strict=True)]  # fmt: skip
    axes = [np.exp(-0.5 * ((np.arange(p) - (p - 1) / 2) / (p / 8)) ** 2) for p in patch]
    weights = axes[0][:, None, None] * axes[1][:, None] * axes[2]
    total, count = np.zeros((*sizes, 1)), np.zeros((*sizes, 1))
    for x in starts[0]:
        for y in starts[1]:
            for z in starts[2]:
                here = slice(x, x + patch[0]), slice(y, y + patch[1]), slice(z, z + patch[2])
                total[here] += model.answer(padded[here][None])[0] * weights[..., None]
                count[here] += weights[..., None]
    inside = tuple(slice(b, b + n) for b, n in zip(before, images.shape, strict=False))
    return (total / count)[inside]


sizes = st.tuples(*[st.integers(1, 13)] * 3)
patches = st.tuples(*[st.integers(1, 7)] * 3)
overlaps = st.sampled_from([0.0, 0.25, 0.5, 0.7])


@settings(max_examples=60, deadline=None)
@given(sizes, patches, overlaps, st.integers(1, 3), st.booleans())
def test_an_identity_gives_the_image_back_whatever_the_sizes(size, patch, overlap, batch, skip):
    images = np.random.default_rng(0).random((*size, 2)).astype(np.float16)
    images[: size[0] // 2] = 0
    model = Network(lambda x: x, channels=2, classes=2)
    found = sliding_window.predict(
        model, images, patch, overlap=overlap, batch_size=batch, skip_empty=skip, dtype="float32"
    )
    np.testing.assert_allclose(found, images, atol=1e-6)
    assert set(model.seen) <= {(batch, *patch, 2)}  # one shape: traced once


@settings(max_examples=40, deadline=None)
@given(sizes, patches, overlaps)
def test_streaming_gives_what_the_definition_gives(size, patch, overlap):
    images = np.random.default_rng(1).random((*size, 1)).astype(np.float32)
    model = Network(place_dependent)
    found = sliding_window.predict(model, images, patch, overlap=overlap)
    np.testing.assert_allclose(found, by_hand(model, images, patch, overlap), atol=1e-3)


@given(st.integers(1, 60), st.integers(1, 20), st.floats(0, 0.95))
def test_windows_cover_the_axis_and_weights_sum_to_one(size, patch, overlap):
    windows = sliding_window.axis_windows(size, patch, overlap)
    total = np.zeros(max(size, patch))
    for start, weights in windows:
        assert weights.shape == (patch,) and (weights > 0).all()
        total[start : start + patch] += weights
    np.testing.assert_allclose(total, 1, atol=1e-5)
    starts = [start for start, _ in windows]
    assert starts[0] == 0 and starts[-1] == max(size, patch) - patch
    step = max(1, int(patch * (1 - overlap)))
    assert all(0 < b - a <= step for a, b in pairwise(starts))


def test_there_are_as_many_windows_as_monai_takes():
    # 240 in steps of 32: 0, 32, …, 160 and the last; 155: 0, 32, 64 and the last
    counts = [len(sliding_window.axis_windows(n, 64, 0.5)) for n in (240, 240, 155)]
    assert counts == [7, 7, 4]


def test_a_constant_stays_one_in_every_dtype_and_as_masks():
    images = np.zeros((11, 9, 6, 1))
    model = Network(lambda x: np.full((*x.shape[:-1], 3), 0.25, np.float32), classes=3)
    found = sliding_window.predict(model, images, (4, 4, 4))
    assert found.dtype == np.float16 and found.shape == (11, 9, 6, 3) and (found == 0.25).all()
    marked = sliding_window.predict(model, images, (4, 4, 4), threshold=0.2)
    assert marked.dtype == np.uint8 and (marked == 1).all()
    assert (sliding_window.predict(model, images, (4, 4, 4), threshold=0.3) == 0).all()


def test_slabs_follow_each_other_and_are_the_volume():
    images = np.random.default_rng(0).random((20, 6, 5, 1)).astype(np.float32)
    model = Network(place_dependent)
    found = list(sliding_window.slabs(model, images, (8, 4, 4)))
    assert [where.start for where, _ in found] == [0, 4, 8, 12]
    assert [where.stop for where, _ in found] == [4, 8, 12, 20]
    whole = sliding_window.predict(model, images, (8, 4, 4), dtype=np.float32)
    np.testing.assert_array_equal(np.concatenate([part for _, part in found]), whole)
    found[0][1][:] = 9  # the receiver's own: nothing else changes
    np.testing.assert_array_equal(found[1][1], whole[4:8])


def test_a_network_of_1x1x1_convolutions_answers_as_on_the_whole_volume():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, None, None, 2))
    x = keras.layers.Conv3D(4, 1, activation="relu")(inputs)
    model = keras.Model(inputs, keras.layers.Conv3D(3, 1, activation="sigmoid")(x))
    images = np.random.default_rng(0).random((19, 10, 7, 2)).astype(np.float32)
    whole = model.predict_on_batch(images[None])[0]
    found = sliding_window.predict(model, images, (8, 6, 9), batch_size=2)
    np.testing.assert_allclose(found, whole, atol=1e-3)


def test_tensorflow_traces_the_network_once():
    traced = []

    @keras.saving.register_keras_serializable("tests")
    class Traced(keras.layers.Layer):
        def call(self, x):
            traced.append(x.shape)
            return x

    inputs = keras.Input((4, 4, 4, 1))
    model = keras.Model(inputs, Traced()(inputs))
    traced.clear()
    for size in (9, 11):  # 27 and 125 windows in twos: the last batch is short
        sliding_window.predict(model, np.ones((size,) * 3 + (1,)), batch_size=2)
    assert traced == [(2, 4, 4, 4, 1)]


def test_flips_are_undone_and_averaged():
    images = np.random.default_rng(0).random((6, 6, 6, 1)).astype(np.float32)
    model = Network(lambda x: x * np.arange(6, dtype=np.float32)[:, None, None, None] / 10)
    plain = sliding_window.predict(model, images, (6, 6, 6), dtype=np.float32)
    np.testing.assert_allclose(plain[..., 0], images[..., 0] * np.arange(6)[:, None, None] / 10)
    both = sliding_window.predict(model, images, (6, 6, 6), flips=((), (0,)), dtype=np.float32)
    np.testing.assert_allclose(both, images * 0.25, rtol=1e-5)  # i and 5 - i: 2.5 on average
    model.seen.clear()
    every = sliding_window.predict(
        model, images, (6, 6, 6), flips=sliding_window.MIRRORS, dtype=np.float32
    )
    np.testing.assert_allclose(every, both, rtol=1e-5)
    assert len(model.seen) == len(set(sliding_window.MIRRORS)) == 8


def test_empty_windows_are_skipped_only_when_asked_and_count_as_0():
    images = np.zeros((16, 4, 4, 1), np.float32)
    images[15] = 1
    model = Network(lambda x: np.ones_like(x))
    assert (sliding_window.predict(model, images, (4, 4, 4), overlap=0) == 1).all()
    assert len(model.seen) == 4
    model.seen.clear()
    found = sliding_window.predict(model, images, (4, 4, 4), overlap=0, skip_empty=True)
    assert len(model.seen) == 1 and (found[:12] == 0).all() and (found[12:] == 1).all()
    images[:] = 0
    found = sliding_window.predict(model, images, (4, 4, 4), skip_empty=True)
    assert found.shape == images.shape and (found == 0).all()


def test_small_volumes_stand_in_the_middle_of_zeros():
    images = np.ones((2, 5, 5, 1), np.float32)
    model = Network(lambda x: x)
    sliding_window.predict(model, images, (4, 5, 8))
    (batch,) = model.batches
    expected = np.zeros((4, 5, 8))
    expected[1:3, :, 1:6] = 1
    np.testing.assert_array_equal(batch[0, ..., 0], expected)


@pytest.mark.parametrize(("change", "words"), [
    ({"images": np.zeros((4, 4, 4))}, "(x, y, z, channels)"),
    ({"images": np.zeros((0, 4, 4, 1))}, "not empty"),
    ({"images": np.zeros((4, 4, 4, 2))}, "channels last"),
    ({"patch": None}, "say which with patch="),
    ({"patch": (4, 4)}, "doesn't fit"),
    ({"patch": (4, 0, 4)}, "doesn't fit"),
    ({"overlap": 1.0}, "below 1"),
    ({"overlap": -0.1}, "0 or more"),
    ({"batch_size": 0}, "at least 1"),
    ({"flips": ()}, "one set at least"),
    ({"flips": ((3,),)}, "axes 0, 1, 2"),
    ({"flips": ((0, 0),)}, "axes 0, 1, 2"),
])  # fmt: skip
def test_what_cannot_be_is_refused_at_once(change, words):
    model = Network(lambda x: x)
    given = {"model": model, "images": np.zeros((4, 4, 4, 1)), "patch": (4, 4, 4)} | change
    with pytest.raises(ValueError) as caught:
        sliding_window.slabs(**given)
    assert words in str(caught.value) and not model.seen


def test_a_patch_other_than_the_networks_own_is_refused():
    with pytest.raises(ValueError, match="doesn't fit the network"):
        sliding_window.predict(
            Network(lambda x: x, patch=(4, 4, 4)), np.zeros((8, 8, 8, 1)), (8, 8, 8)
        )


def test_a_network_that_shrinks_the_patch_or_gives_nan_is_refused():
    images = np.ones((4, 4, 4, 1))
    with pytest.raises(ValueError, match="must keep the patch's size"):
        sliding_window.predict(Network(lambda x: x[:, 1:-1]), images, (4, 4, 4))
    with pytest.raises(ValueError, match="aren't finite"):
        sliding_window.predict(Network(lambda x: x * np.nan), images, (4, 4, 4))


MEMORY = """
import json, sys
import numpy as np
from unet_course import memory
from unet_course.network import unet
from unet_course.prediction import sliding_window
file = sys.argv[1]
images = np.lib.format.open_memmap(file, mode="r")
model = unet.unet(
    (64, 64, 64, 4), classes=3, filters=2, depth=1, head="sigmoid", normalization="none"
)
found = sliding_window.predict(model, images, overlap=0)
print(json.dumps([memory.peak_memory_gb(), list(found.shape), str(found.dtype)]))
"""


def test_a_whole_case_stays_within_memory(tmp_path):
    """All of the process, TensorFlow's 0.66 GB included; benchmarks/sliding_window.py has more."""
    file = tmp_path / "case.npy"
    images = np.lib.format.open_memmap(file, mode="w+", dtype=np.float16, shape=(240, 240, 155, 4))
    images[:] = np.random.default_rng(0).standard_normal((1, 1, 155, 4))
    images.flush()
    del images
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(file)], capture_output=True, text=True, cwd=CODE
    )
    assert done.returncode == 0, done.stderr
    peak, shape, dtype = json.loads(done.stdout)
    assert shape == [240, 240, 155, 3] and dtype == "float16" and 0.3 < peak <= 1.5


# --- a 3-D network, saved and loaded ------------------------------------------------------------


def network():
    keras.utils.set_random_seed(0)
    return unet.unet(
        (8, 8, 8, 4), classes=3, filters=2, depth=1, head="sigmoid", normalization="instance",
        upsampling="linear",
    )  # fmt: skip


def test_a_3d_network_comes_back_with_its_loss_and_metrics_in_safe_mode(tmp_path):
    model = network()
    watched = [PooledDice(channel, name=name) for channel, name in enumerate(("WT", "TC", "ET"))]
    model.compile("adam", losses.BCEDice(dice_weight=2.0), metrics=watched)
    rng = np.random.default_rng(0)
    images = rng.standard_normal((2, 8, 8, 8, 4)).astype(np.float32)
    masks = (rng.random((2, 8, 8, 8, 3)) > 0.7).astype(np.float32)
    model.train_on_batch(images, masks)
    model.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras", safe_mode=True)
    np.testing.assert_array_equal(again.predict_on_batch(images), model.predict_on_batch(images))
    before, after = (m.evaluate(images, masks, verbose=0, return_dict=True) for m in (model, again))
    assert after == pytest.approx(before) and {"WT", "TC", "ET"} < set(after)
    again.train_on_batch(images, masks)  # the optimiser came along
    assert int(again.optimizer.iterations) == 2


LOSSES = [
    losses.SoftDice(smooth=0.5), losses.Tversky(), losses.FocalTversky(), losses.Jaccard(),
    losses.WeightedBCE(positive_weight=3.0), losses.CrossEntropyDice(background=True),
]  # fmt: skip


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_every_loss_comes_back_in_safe_mode(tmp_path, loss):
    model = network()
    model.compile("adam", loss, metrics=[PooledDice(2, threshold=0.3)])
    model.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras", safe_mode=True)
    assert type(again.loss) is type(loss) and again.loss.get_config() == loss.get_config()
    assert again.get_compile_config() == model.get_compile_config()  # the metric, too


def test_pooled_dice_counts_over_batches():
    truth = np.zeros((2, 2, 2, 2, 3), np.float32)
    truth[0, ..., 1] = 1
    marked = np.zeros_like(truth)
    marked[:, 0, ..., 1] = 0.5
    dice = PooledDice(1)
    for i in range(2):
        dice.update_state(truth[i : i + 1], marked[i : i + 1])
    assert float(dice.result()) == pytest.approx(2 * 4 / (8 + 8))  # not the mean of 2/3 and 0
    dice.reset_state()
    assert float(dice.result()) == 1
    assert float(PooledDice(0)(truth, marked)) == 1
    with pytest.raises(ValueError, match="differ in shape"):
        dice.update_state(truth[..., :2], marked)
