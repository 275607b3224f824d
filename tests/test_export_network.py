"""A network as ONNX: the same probabilities, smaller weights, and files that can't be read."""

import keras
import numpy as np
import pytest

from unet_course.commands import cli
from unet_course.network import fast_conv3d
from unet_course.network.unet import unet, unet_plus_plus
from unet_course.prediction import export, sliding_window

VOLUME = {"classes": 3, "filters": 4, "depth": 2, "head": "sigmoid"}


def small(seed: int = 0) -> keras.Model:
    keras.utils.set_random_seed(seed)
    return unet((16, 16, 3), filters=4, depth=2)


def images(model: keras.Model, batch: int = 3) -> np.ndarray:
    shape = (batch, *model.input_shape[1:])
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


def fast_volume_network() -> keras.Model:
    options = {**VOLUME, "normalization": "group", "patch": 2, "fine": 4}
    return fast_conv3d.use_fast_convolutions(unet((16, 16, 16, 4), **options))


def with_attention() -> keras.Model:
    return unet((16, 16, 1), filters=4, depth=2, attention=True, residual=True)


def deeply_supervised() -> keras.Model:
    return unet_plus_plus((16, 16, 1), filters=2, depth=2, deep_supervision=True)


@pytest.mark.parametrize("build", [small, with_attention, deeply_supervised, fast_volume_network])
def test_onnx_gives_keras_probabilities(tmp_path, build):
    keras.utils.set_random_seed(0)
    model = build()
    difference = export.to_onnx(model, tmp_path / "a.onnx")
    assert difference <= export.TOLERANCE
    network = export.OnnxNetwork(tmp_path / "a.onnx", threads=1)
    assert network.input_shape == model.input_shape
    assert network.output_shape == tuple(model.output_shape)
    batch = images(model)
    expected = model.predict_on_batch(batch)
    np.testing.assert_allclose(network.predict_on_batch(batch), expected, atol=export.TOLERANCE)
    assert [file.name for file in tmp_path.iterdir()] == ["a.onnx"]


def test_a_network_trained_in_bfloat16_is_written_in_float32(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = small()
    finally:
        keras.config.set_dtype_policy("float32")
    assert export.to_onnx(model, tmp_path / "a.onnx") <= export.TOLERANCE


def test_smaller_weights_make_smaller_files(tmp_path):
    model = unet((16, 16, 3), filters=16, depth=2)
    differences, sizes = [], []
    for weights in export.WEIGHTS:
        file = tmp_path / f"{weights}.onnx"
        differences.append(export.to_onnx(model, file, weights))
        sizes.append(file.stat().st_size)
    assert 0.45 < sizes[1] / sizes[0] < 0.65
    assert 0.23 < sizes[2] / sizes[0] < 0.45
    assert differences[0] < differences[1] < differences[2] < 0.1


def test_whole_numbers_are_scaled_by_output_channel(tmp_path):
    # channels of very different size: one scale for all would lose the small one
    inputs = keras.Input((16, 16, 8))
    outputs = keras.layers.Conv2D(8, 3, padding="same")(inputs)
    outputs = keras.layers.Conv2DTranspose(8, 2, strides=2)(outputs)
    model = keras.Model(inputs, outputs)
    for kernel in (model.layers[1].kernel, model.layers[2].kernel):
        values = kernel.numpy()
        channels = (Ellipsis, 0) if kernel is model.layers[1].kernel else (..., 0, slice(None))
        values[channels] *= 1e-4
        kernel.assign(values)
    export.to_onnx(model, tmp_path / "a.onnx", "int8")
    batch = images(model)
    expected = model.predict_on_batch(batch)[..., 0]
    found = export.OnnxNetwork(tmp_path / "a.onnx").predict_on_batch(batch)[..., 0]
    assert np.abs(found - expected).max() < 0.02 * np.abs(expected).max()


def test_a_volume_is_predicted_from_onnx_as_from_keras(tmp_path):
    keras.utils.set_random_seed(0)
    model = unet((16, 16, 16, 4), **VOLUME)
    export.to_onnx(model, tmp_path / "a.onnx")
    volume = np.random.default_rng(0).normal(size=(20, 17, 9, 4)).astype(np.float32)
    options = {"flips": ((), (0,)), "dtype": np.float32}
    expected = sliding_window.predict(model, volume, **options)
    found = sliding_window.predict(export.OnnxNetwork(tmp_path / "a.onnx"), volume, **options)
    np.testing.assert_allclose(found, expected, atol=export.TOLERANCE)


@pytest.mark.parametrize(
    ("model", "weights", "message"),
    [
        (lambda: small(), "float8", "weights must be one of float32, float16, int8; got 'float8'"),
        (lambda: unet((None, None, 1), depth=2), "int8", "takes inputs of any size"),
    ],
)
def test_what_cannot_be_exported_is_refused(tmp_path, model, weights, message):
    with pytest.raises(ValueError, match=message):
        export.to_onnx(model(), tmp_path / "a.onnx", weights)
    assert not list(tmp_path.iterdir())


def test_a_difference_leaves_the_old_file(tmp_path, monkeypatch):
    (tmp_path / "a.onnx").write_text("the old one")
    monkeypatch.setattr(export.OnnxNetwork, "predict_on_batch", lambda self, x: x[..., :1] + 9)
    with pytest.raises(ValueError, match=r"differ by .* nothing was written"):
        export.to_onnx(small(), tmp_path / "a.onnx")
    assert (tmp_path / "a.onnx").read_text() == "the old one"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("content", [b"", b"not a network", b"\x08\x07" * 50])
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / "a.onnx").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.onnx can't be read as ONNX"):
        export.OnnxNetwork(tmp_path / "a.onnx")
    with pytest.raises(FileNotFoundError, match=r"b\.onnx: no such file"):
        export.OnnxNetwork(tmp_path / "b.onnx")


# --- the command --------------------------------------------------------------------------------


def test_the_command_writes_a_network_that_runs(tmp_path, capsys):
    model = small()
    model.save(tmp_path / "mine.keras")
    network, out = str(tmp_path / "mine.keras"), tmp_path / "mine.onnx"
    assert cli.main(["export-model", network, "--out", str(out), "--weights", "float16"]) == 0
    told = capsys.readouterr().out
    assert f"Written: {out}" in told
    assert "input any × 16 × 16 × 3 → output any × 16 × 16 × 1" in told
    batch = images(model)
    found = export.OnnxNetwork(out).predict_on_batch(batch)
    np.testing.assert_allclose(found, model.predict_on_batch(batch), atol=0.01)


@pytest.mark.parametrize(
    ("name", "out", "message"),
    [
        ("none.keras", "a.onnx", "none.keras: no such file"),
        ("damaged.keras", "a.onnx", "damaged.keras can't be loaded as a Keras network"),
        ("weights.h5", "a.onnx", "a network's file ends in .keras"),
        ("damaged.keras", "a.txt", "--out takes a name that ends in .onnx"),
        ("damaged.keras", "none/a.onnx", "no such folder"),
    ],
)
def test_the_command_says_what_is_wrong(tmp_path, capsys, name, out, message):
    for file in ("damaged.keras", "weights.h5"):
        (tmp_path / file).write_bytes(b"PK\x03\x04 damaged")
    assert cli.main(["export-model", str(tmp_path / name), "--out", str(tmp_path / out)]) == 1
    said = capsys.readouterr()
    assert message in said.err and "Traceback" not in said.err and not said.out


def test_without_the_extra_the_cure_is_told(tmp_path, capsys, monkeypatch):
    find = export.importlib.util.find_spec
    monkeypatch.setattr(
        export.importlib.util, "find_spec", lambda name: None if name == "tf2onnx" else find(name)
    )
    small().save(tmp_path / "a.keras")
    arguments = ["export-model", str(tmp_path / "a.keras"), "--out", str(tmp_path / "a.onnx")]
    assert cli.main(arguments) == 1
    assert "not installed: tf2onnx. To install: " in capsys.readouterr().err
