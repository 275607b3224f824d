"""The 3-D convolutions that train faster: the same numbers as Keras' own."""

import keras
import numpy as np
import pytest
from keras import layers

from unet_course.network import fast_conv3d, unet

RNG = np.random.default_rng(0)
SMALL = {"classes": 3, "head": "sigmoid", "filters": 4, "depth": 2}


def steps(model: keras.Model, images: np.ndarray, masks: np.ndarray) -> list[np.ndarray]:
    """The weights after three steps of plain descent."""
    model.compile(keras.optimizers.SGD(0.1), "mse")
    for _ in range(3):
        model.train_on_batch(images, masks)
    return model.get_weights()


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="plain"),
        pytest.param({"patch": 2}, id="patch-stem"),
        pytest.param({"patch": 2, "fine": 4, "normalization": "group"}, id="fine-step"),
        pytest.param({"normalization": "instance", "residual": True}, id="residual"),
    ],
)
def test_the_same_answers_and_the_same_training(options):
    images = RNG.normal(size=(2, 8, 16, 24, 4)).astype(np.float32)
    masks = RNG.integers(0, 2, (2, 8, 16, 24, 3)).astype(np.float32)
    plain = unet.unet((8, 16, 24, 4), **SMALL, **options)
    quick = fast_conv3d.use_fast_convolutions(plain)
    assert any(isinstance(layer, fast_conv3d.FoldedConv3D) for layer in quick.layers)
    assert quick.count_params() == plain.count_params()
    np.testing.assert_allclose(quick(images), plain(images), atol=2e-6)
    for one, other in zip(steps(quick, images, masks), steps(plain, images, masks), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)


@pytest.mark.parametrize(
    ("layer", "kind"),
    [
        (layers.Conv3D(3, 2, 2), fast_conv3d.PatchConv3D),
        (layers.Conv3D(3, (2, 1, 4), (2, 1, 4)), fast_conv3d.PatchConv3D),
        (layers.Conv3D(3, 1), fast_conv3d.PatchConv3D),
        (layers.Conv3DTranspose(3, 2, 2, use_bias=False), fast_conv3d.PatchConv3DTranspose),
        (layers.Conv3DTranspose(3, (1, 2, 2), (1, 2, 2)), fast_conv3d.PatchConv3DTranspose),
        (layers.Conv3D(3, (1, 3, 5), padding="same"), fast_conv3d.FoldedConv3D),
        (layers.Conv3D(3, 3, padding="same", activation="relu"), fast_conv3d.FoldedConv3D),
        (layers.Conv3D(3, 3), layers.Conv3D),
        (layers.Conv3D(3, 4, padding="same"), layers.Conv3D),
        (layers.Conv3D(3, 3, padding="same", dilation_rate=2), layers.Conv3D),
        (layers.Conv3D(4, 3, padding="same", groups=2), layers.Conv3D),
        (layers.Conv3D(3, 3, 2, padding="same"), layers.Conv3D),
        (layers.Conv3D(3, 3, 3, padding="same"), layers.Conv3D),
        (layers.Conv3DTranspose(3, 3, 2, padding="same"), layers.Conv3DTranspose),
    ],
)
def test_a_layer_is_replaced_where_the_numbers_stay_the_same(layer, kind):
    inputs = keras.Input((4, 8, 8, 2))
    model = keras.Model(inputs, layer(inputs))
    quick = fast_conv3d.use_fast_convolutions(model)
    assert type(quick.layers[-1]) is kind
    images = RNG.normal(size=(2, 4, 8, 8, 2)).astype(np.float32)
    np.testing.assert_allclose(quick(images), model(images), atol=1e-5)


def test_mixed_precision_stays_mixed():
    inputs = keras.Input((4, 4, 4, 2))
    outputs = layers.Conv3D(3, 3, padding="same", dtype="mixed_bfloat16")(inputs)
    quick = fast_conv3d.use_fast_convolutions(keras.Model(inputs, outputs))
    found = quick(RNG.normal(size=(1, 4, 4, 4, 2)).astype(np.float32))
    assert keras.backend.standardize_dtype(found.dtype) == "bfloat16"


def test_saved_and_loaded_in_safe_mode(tmp_path):
    quick = fast_conv3d.use_fast_convolutions(unet.unet((8, 8, 8, 4), patch=2, **SMALL))
    quick.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras", safe_mode=True)
    images = RNG.normal(size=(1, 8, 8, 8, 4)).astype(np.float32)
    np.testing.assert_allclose(loaded(images), quick(images), atol=1e-6)
