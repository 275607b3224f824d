"""Blocks and models: shapes, parameters, both ranks, and the tutorials' networks to the parameter."""

import keras
import numpy as np
import pytest
from scipy import ndimage

from unet_course import blocks, models

# filters of every convolution in order, as the tutorials give them
CONVOLUTIONS = {
    "000": [64] * 2 + [128] * 2 + [256] * 2 + [512] * 2 + [1024] * 2
    + [512] * 3 + [256] * 3 + [128] * 3 + [64] * 3 + [1],
    "001": [32, 64, 64, 128, 64, 64, 3],
    "002": [64] * 2 + [128] * 2 + [256] * 2 + [512] * 2
    + [256] * 2 + [128] * 2 + [64] * 2 + [1],
    "004": [16] * 2 + [32] * 2 + [64] * 2 + [128] * 4 + [64] * 2 + [32] * 2 + [16] * 2 + [4],
}  # fmt: skip
PARAMETERS = {"000": 31_031_745, "001": 833_507, "002": 7_782_913, "004": 2_345_924}
SHAPES = {
    "000": ((256, 256, 3), (256, 256, 1)),
    "001": ((4, 160, 160, 16), (3, 160, 160, 16)),
    "002": ((256, 256, 3), (256, 256, 1)),
    "004": ((144, 224, 224, 4), (144, 224, 224, 4)),
}


@pytest.mark.parametrize("key", models.TUTORIALS)
def test_a_tutorials_network_is_rebuilt_exactly(key):
    model = models.TUTORIALS[key]()
    convolutions = [layer for layer in model.layers if hasattr(layer, "kernel_size")]
    assert model.count_params() == PARAMETERS[key]
    assert [layer.filters for layer in convolutions] == CONVOLUTIONS[key]
    assert (model.input_shape[1:], model.output_shape[1:]) == SHAPES[key]


def test_tutorial_001_follows_its_summary_table_row_by_row():
    rows = [
        (type(layer).__name__, tuple(layer.output.shape[1:]), layer.count_params())
        for layer in models.TUTORIALS["001"]().layers
    ]
    full, half = (160, 160, 16), (80, 80, 8)
    assert rows == [
        ("InputLayer", (4, *full), 0),
        ("Conv3D", (32, *full), 3488),
        ("Activation", (32, *full), 0),
        ("Conv3D", (64, *full), 55360),
        ("Activation", (64, *full), 0),
        ("MaxPooling3D", (64, *half), 0),
        ("Conv3D", (64, *half), 110656),
        ("Activation", (64, *half), 0),
        ("Conv3D", (128, *half), 221312),
        ("Activation", (128, *half), 0),
        ("UpSampling3D", (128, *full), 0),
        ("Concatenate", (192, *full), 0),
        ("Conv3D", (64, *full), 331840),
        ("Activation", (64, *full), 0),
        ("Conv3D", (64, *full), 110656),
        ("Activation", (64, *full), 0),
        ("Conv3D", (3, *full), 195),
        ("Activation", (3, *full), 0),
    ]


def test_tutorial_004_drops_out_after_every_convolution_but_the_last():
    layers = models.TUTORIALS["004"]().layers
    rates = [layer.rate for layer in layers if isinstance(layer, keras.layers.Dropout)]
    assert rates == [0.25] * 16
    assert layers[-1].activation is keras.activations.softmax


@pytest.mark.parametrize("normalization", blocks.NORMALIZATIONS)
@pytest.mark.parametrize("upsampling", blocks.UPSAMPLINGS)
@pytest.mark.parametrize("shape", [(16, 8, 3), (8, 16, 8, 2)])
def test_a_unet_of_either_rank_gives_probabilities_of_its_inputs_shape(
    shape, upsampling, normalization
):
    model = models.unet(
        shape, filters=2, depth=2, upsampling=upsampling, normalization=normalization
    )
    answer = np.asarray(model(np.random.default_rng(0).random((2, *shape), dtype=np.float32)))
    assert answer.shape == (2, *shape[:-1], 1)
    assert answer.min() >= 0 and answer.max() <= 1


@pytest.mark.parametrize("shape", [(16, 16, 2), (8, 8, 8, 2)])
def test_a_network_on_patches_still_answers_for_every_pixel(shape):
    model = models.unet(shape, filters=2, depth=1, patch=2)
    assert model.output_shape == (None, *shape[:-1], 1)
    inside = [layer.output.shape[1] for layer in model.layers if "max_pooling" in layer.name]
    assert inside == [shape[0] // 4]


def test_softmax_classes_sum_to_one_and_sigmoid_classes_need_not():
    image = np.ones((1, 8, 8, 1), np.float32)
    softmax = models.unet((8, 8, 1), classes=3, filters=2, depth=1)(image)
    np.testing.assert_allclose(np.asarray(softmax).sum(-1), 1, atol=1e-5)
    assert (
        models.unet((8, 8, 1), classes=3, filters=2, depth=1, head="sigmoid").output.shape[-1] == 3
    )


def test_probabilities_stay_float32_in_mixed_precision():
    try:
        keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
        assert models.unet((8, 8, 1), filters=2, depth=1).output.dtype == "float32"
    finally:
        keras.mixed_precision.set_dtype_policy("float32")


def test_a_side_that_cannot_be_halved_is_refused_with_the_cure():
    with pytest.raises(ValueError, match=r"255.*multiple of patch · 2\*\*depth = 16; crop or pad"):
        models.unet((255, 255, 3))


def test_skip_connections_of_another_size_are_refused():
    with pytest.raises(ValueError, match="crop or pad"):
        blocks.merge(keras.Input((8, 8, 1)), keras.Input((9, 9, 1)))


@pytest.mark.parametrize("call", [
    lambda x: blocks.up(x, "cubic"),
    lambda x: blocks.normalize(x, "layer"),
    lambda x: blocks.convolution(keras.Input((4, 2)), 1),
])  # fmt: skip
def test_unknown_choices_name_what_there_is(call):
    with pytest.raises(ValueError, match=r"one of|2 or 3 spatial axes"):
        call(keras.Input((8, 8, 1)))


@pytest.mark.parametrize("shape", [(1, 5, 4, 2), (2, 3, 4, 5, 1)])
@pytest.mark.parametrize("align", [True, False])
def test_linear_upsampling_agrees_with_scipy(shape, align):
    values = np.random.default_rng(1).random(shape, dtype=np.float32)
    zoom = (1, *[2] * (len(shape) - 2), 1)
    expected = ndimage.zoom(values, zoom, order=1, grid_mode=not align, mode="nearest")
    got = np.asarray(blocks.LinearUpsampling(align_corners=align)(values))
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_linear_upsampling_works_channels_first():
    values = np.random.default_rng(1).random((1, 2, 3, 4), dtype=np.float32)
    last = blocks.LinearUpsampling()(np.moveaxis(values, 1, -1))
    first = blocks.LinearUpsampling(data_format="channels_first")(values)
    np.testing.assert_allclose(np.asarray(first), np.moveaxis(np.asarray(last), -1, 1), atol=1e-6)


def test_a_model_is_saved_and_loaded_in_safe_mode(tmp_path):
    model = models.unet((8, 8, 1), filters=2, depth=1, upsampling="linear_aligned")
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    image = np.random.default_rng(0).random((1, 8, 8, 1), dtype=np.float32)
    np.testing.assert_array_equal(np.asarray(model(image)), np.asarray(again(image)))
