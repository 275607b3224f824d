"""Blocks and models: shapes, parameters, both ranks, and the tutorials' networks to the parameter."""

import ast
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from gradients import of_weights
from scipy import ndimage

from unet_course.network import blocks, deep_supervision, tutorials, unet
from unet_course.training import loop

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


@pytest.mark.parametrize("key", tutorials.TUTORIALS)
def test_a_tutorials_network_is_rebuilt_exactly(key):
    model = tutorials.TUTORIALS[key]()
    convolutions = [layer for layer in model.layers if hasattr(layer, "kernel_size")]
    assert model.count_params() == PARAMETERS[key]
    assert [layer.filters for layer in convolutions] == CONVOLUTIONS[key]
    assert (model.input_shape[1:], model.output_shape[1:]) == SHAPES[key]


def test_tutorial_001_follows_its_summary_table_row_by_row():
    rows = [
        (type(layer).__name__, tuple(layer.output.shape[1:]), layer.count_params())
        for layer in tutorials.TUTORIALS["001"]().layers
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
    layers = tutorials.TUTORIALS["004"]().layers
    rates = [layer.rate for layer in layers if isinstance(layer, keras.layers.Dropout)]
    assert rates == [0.25] * 16
    assert layers[-1].activation is keras.activations.softmax


@pytest.mark.parametrize("normalization", blocks.NORMALIZATIONS)
@pytest.mark.parametrize("upsampling", blocks.UPSAMPLINGS)
@pytest.mark.parametrize("shape", [(16, 8, 3), (8, 16, 8, 2)])
def test_a_unet_of_either_rank_gives_probabilities_of_its_inputs_shape(
    shape, upsampling, normalization
):
    model = unet.unet(shape, filters=2, depth=2, upsampling=upsampling, normalization=normalization)
    answer = np.asarray(model(np.random.default_rng(0).random((2, *shape), dtype=np.float32)))
    assert answer.shape == (2, *shape[:-1], 1)
    assert answer.min() >= 0 and answer.max() <= 1


@pytest.mark.parametrize("shape", [(16, 16, 2), (8, 8, 8, 2)])
def test_a_network_on_patches_still_answers_for_every_pixel(shape):
    model = unet.unet(shape, filters=2, depth=1, patch=2)
    assert model.output_shape == (None, *shape[:-1], 1)
    inside = [layer.output.shape[1] for layer in model.layers if "max_pooling" in layer.name]
    assert inside == [shape[0] // 4]


@pytest.mark.parametrize("shape", [(16, 16, 2), (16, 16, 16, 2)], ids=["2-D", "3-D"])
def test_a_fine_step_tells_pixels_of_a_patch_apart_that_the_patches_cannot(shape):
    """One odd pixel, in a network whose patches say nothing: only the way past them can show it."""
    keras.utils.set_random_seed(1)  # of few weights all may be negative, and then ReLU is silent
    model = unet.unet(shape, filters=2, depth=1, patch=2, fine=16, normalization="none")
    assert model.output_shape == (None, *shape[:-1], 1)
    stem = next(layer for layer in model.layers if layer.weights)
    stem.set_weights([np.zeros_like(w) for w in stem.get_weights()])
    image = np.zeros((1, *shape), np.float32)
    middle = (0, *(side // 2 for side in shape[:-1]))
    image[middle] = 1
    answer = np.asarray(model(image))[..., 0]
    others = np.delete(answer.ravel(), np.ravel_multi_index(middle, answer.shape))
    assert np.ptp(others) < 1e-6 < abs(answer[middle] - others[0])


@pytest.mark.parametrize(("patch", "fine"), [(1, 4), (2, -1)])
def test_a_fine_step_without_patches_is_refused(patch, fine):
    with pytest.raises(ValueError, match="fine must be 0, or more with a patch above 1"):
        unet.unet((16, 16, 1), filters=2, depth=1, patch=patch, fine=fine)


def test_softmax_classes_sum_to_one_and_sigmoid_classes_need_not():
    image = np.ones((1, 8, 8, 1), np.float32)
    softmax = unet.unet((8, 8, 1), classes=3, filters=2, depth=1)(image)
    np.testing.assert_allclose(np.asarray(softmax).sum(-1), 1, atol=1e-5)
    assert unet.unet((8, 8, 1), classes=3, filters=2, depth=1, head="sigmoid").output.shape[-1] == 3


def test_probabilities_stay_float32_in_mixed_precision():
    try:
        keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
        assert unet.unet((8, 8, 1), filters=2, depth=1).output.dtype == "float32"
    finally:
        keras.mixed_precision.set_dtype_policy("float32")


def test_a_side_that_cannot_be_halved_is_refused_with_the_cure():
    with pytest.raises(ValueError, match=r"255.*multiple of patch · 2\*\*depth = 16; crop or pad"):
        unet.unet((255, 255, 3))


@pytest.mark.parametrize("build", [unet.unet, unet.unet_plus_plus])
def test_a_network_that_cannot_be_is_refused(build):
    with pytest.raises(ValueError, match=r"12.*multiple of patch · 2\*\*depth = 8; crop or pad"):
        build((16, 12, 1), depth=2, patch=2)
    for what in ("filters", "depth", "patch"):
        with pytest.raises(ValueError, match=f"{what} must be at least 1, it is 0"):
            build((16, 16, 1), **{what: 0})
    with pytest.raises(ValueError, match="depth of 2 at least"):
        build((16, 16, 1), depth=1, deep_supervision=True)
    with pytest.raises(ValueError, match="2 or 3 spatial axes"):
        build((16, 1), depth=1)


def test_gates_need_a_coarser_level():
    with pytest.raises(ValueError, match="depth of 2 at least"):
        unet.unet((16, 16, 1), depth=1, attention=True)


def test_instance_normalisation_of_one_pixel_is_refused():
    with pytest.raises(ValueError, match=r"single pixel \(1, 1\)"):
        unet.unet((16, 16, 1), filters=2, depth=4, normalization="instance")


@pytest.mark.parametrize("channels", range(1, 41))
def test_groups_divide_any_number_of_channels_and_hold_two_at_least(channels):
    x = keras.Input((4, 4, channels))
    groups = blocks.normalize(x, "group")._keras_history.operation.groups
    assert channels % groups == 0
    assert groups == 1 or channels // groups >= 2
    assert channels % 16 or groups == 8


def test_skip_connections_of_another_size_are_refused():
    with pytest.raises(ValueError, match="crop or pad"):
        blocks.merge(keras.Input((8, 8, 1)), keras.Input((9, 9, 1)))


@pytest.mark.parametrize("call", [
    lambda x: blocks.up(x, "cubic"),
    lambda x: blocks.normalize(x, "layer"),
    lambda x: unet.unet((8, 8, 1), depth=1, normalization="layer"),
    lambda x: unet.unet_plus_plus((8, 8, 1), depth=1, upsampling="cubic"),
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
    model = unet.unet((8, 8, 1), filters=2, depth=1, upsampling="linear_aligned")
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    image = np.random.default_rng(0).random((1, 8, 8, 1), dtype=np.float32)
    np.testing.assert_array_equal(np.asarray(model(image)), np.asarray(again(image)))


# Parameters of networks of 2 filters, depth 2, one channel in and out, no normalisation, by hand.
# A convolution of width w from a to b channels has w**rank · a · b weights and b biases; a block
# from a to b is two of width 3, a → b and b → b. In 2-D (in 3-D):
#   blocks   1→2: 58 (166)   2→4: 224 (656)   4→8: 880 (2608)   8→4: 440 (1304)   4→2: 112 (328)
#   upwards of width 2       8→4: 132 (260)   4→2: 34 (66)      head 2→1: 3 (3)
#   plain: 58 + 224 + 880 + 132 + 440 + 34 + 112 + 3 = 1883
#   attention, at level 1 alone: W 2·2·4·4 = 64 (128), no bias; V 8·4 + 4 = 36; ψ 4 + 1 = 5
#   residual, projections of width 1: 1→2 4, 2→4 12, 4→8 40, 8→4 36, 4→2 10, together 102
#   deep supervision: a head at level 1, 4 + 1 = 5
#   U-Net++: X(0,0) 58, X(1,0) 224, X(2,0) 880, X(0,1) 34 + 112, X(1,1) 132 + 440,
#     X(0,2) 34 (66) + a block 6→2, 110 + 38 (326 + 110), head 3; another head 3 if supervised
VARIANTS = {
    "plain": (unet.unet, {}, 1883, 5391),
    "attention": (unet.unet, {"attention": True}, 1883 + 105, 5391 + 169),
    "residual": (unet.unet, {"residual": True}, 1883 + 102, 5391 + 102),
    "supervised": (unet.unet, {"deep_supervision": True}, 1883 + 5, 5391 + 5),
    "plus_plus": (unet.unet_plus_plus, {}, 2065, 5893),
    "plus_plus_supervised": (unet.unet_plus_plus, {"deep_supervision": True}, 2068, 5896),
}
SUPERVISED = ("supervised", "plus_plus_supervised")
FLAT, SOLID = (8, 8, 1), (8, 8, 8, 1)


def variant(key: str, shape=FLAT, **options) -> keras.Model:
    build, chosen, *_ = VARIANTS[key]
    keras.utils.set_random_seed(3)
    return build(shape, **({"filters": 2, "depth": 2} | chosen | options))


def toy(shape=FLAT, n: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Bright squares (cubes) on noise, and where they are."""
    truth = np.zeros((n, *shape), np.float32)
    for i in range(n):
        truth[(i, *[slice(i, i + 4)] * (len(shape) - 1))] = 1
    noise = np.random.default_rng(0).normal(size=truth.shape)
    return (truth + 0.3 * noise).astype(np.float32), truth


@pytest.mark.parametrize("shape", [FLAT, SOLID], ids=["2-D", "3-D"])
@pytest.mark.parametrize("key", VARIANTS)
def test_a_variant_has_the_parameters_counted_by_hand_and_its_inputs_shape(key, shape):
    model = variant(key, shape, normalization="none")
    assert model.count_params() == VARIANTS[key][len(shape) - 1]
    assert model.output_shape == (None, *shape)
    answer = np.asarray(model(toy(shape)[0]))
    assert answer.shape == (4, *shape) and answer.dtype == np.float32
    assert answer.min() >= 0 and answer.max() <= 1


@pytest.mark.parametrize(
    ("kind", "more"), [("none", 0), ("batch", 40 * 3), ("instance", 40), ("group", 40 * 2)]
)
def test_normalisation_adds_what_it_should(kind, more):
    # 2 · (2 + 4 + 8 + 4 + 2) = 40 channels come out of the blocks' convolutions: scale and shift,
    # for "batch" mean and variance too; only "none" and "group" keep the 40 biases
    assert variant("plain", normalization=kind).count_params() == 1883 + more


@pytest.mark.parametrize("key", VARIANTS)
def test_patches_and_classes_work_with_every_variant(key):
    model = variant(key, (16, 16, 2), patch=2, classes=3, residual=True, normalization="group")
    answer = np.asarray(model(np.ones((1, 16, 16, 2), np.float32)))
    assert answer.shape == (1, 16, 16, 3)
    np.testing.assert_allclose(answer.sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize("key", VARIANTS)
@pytest.mark.parametrize("shape", [FLAT, SOLID], ids=["2-D", "3-D"])
def test_the_loss_reaches_every_weight(key, shape):
    model = variant(key, shape, filters=4)
    model.compile("sgd", keras.losses.BinaryCrossentropy())
    images, truth = toy(shape)
    gradients = of_weights(model, images, truth)
    still = [
        variable.path
        for variable, gradient in zip(model.trainable_variables, gradients, strict=True)
        if gradient is None or not np.any(gradient)
    ]
    assert still == []


@pytest.mark.parametrize("key", VARIANTS)
def test_a_variant_is_saved_and_loaded_in_safe_mode(key, tmp_path):
    model = variant(key)
    images, _ = toy()
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    assert type(again) is type(model)
    np.testing.assert_array_equal(np.asarray(model(images)), np.asarray(again(images)))


@pytest.mark.parametrize("key", [*SUPERVISED, "attention"])
def test_a_variant_learns_and_is_evaluated_by_its_prediction(key):
    model = variant(key, filters=4, normalization="none")
    model.compile(
        keras.optimizers.SGD(0.3, momentum=0.9),
        keras.losses.BinaryCrossentropy(),
        metrics=["binary_accuracy"],
        run_eagerly=True,
    )
    images, truth = toy()
    losses = [model.train_on_batch(images, truth)[0] for _ in range(6)]
    assert losses[-1] < 0.95 * losses[0]
    probabilities = np.asarray(model(images))
    entropy = keras.losses.binary_crossentropy(truth, probabilities)
    loss, accuracy = model.test_on_batch(images, truth)
    assert loss == pytest.approx(float(np.mean(entropy)), rel=1e-4)
    assert accuracy == pytest.approx(np.mean((probabilities > 0.5) == truth))


@pytest.mark.parametrize("key", SUPERVISED)
def test_the_training_loss_is_the_mean_over_heads_of_full_size(key):
    model = variant(key, (16, 16, 1), depth=3, normalization="none")
    model.compile("sgd", keras.losses.BinaryCrossentropy())
    images, truth = toy((16, 16, 1))
    answer = model(images, training=True)
    assert [tuple(head.shape) for head in answer["heads"]] == [truth.shape] * 3
    each = [float(model.loss(truth, head)) for head in answer["heads"]]
    assert len(set(each)) == 3
    assert float(model.compute_loss(y=truth, y_pred=answer)) == pytest.approx(np.mean(each))
    expected = (
        np.mean([np.asarray(head) for head in answer["heads"]], axis=0)
        if key.startswith("plus")
        else np.asarray(answer["heads"][0])
    )
    np.testing.assert_allclose(np.asarray(answer["prediction"]), expected, atol=1e-6)
    np.testing.assert_allclose(np.asarray(model(images)), expected, atol=1e-6)


def test_the_courses_fit_trains_and_resumes_a_supervised_network(tmp_path):
    images, truth = toy()
    batches = SimpleNamespace(
        steps=1, epoch=lambda i: tf.data.Dataset.from_tensor_slices((images, truth)).batch(4)
    )

    def run(epochs, folder):
        model = variant("supervised", normalization="none")
        model.compile(keras.optimizers.SGD(0.1), keras.losses.BinaryCrossentropy())
        model.run_eagerly = True
        options = {"folder": tmp_path / folder, "progress": False}
        return model, loop.fit(model, batches, epochs=epochs, **options)

    run(1, "broken")
    resumed, history = run(2, "broken")
    whole, expected = run(2, "whole")
    assert history["loss"] == pytest.approx(expected["loss"], rel=1e-5)
    np.testing.assert_allclose(np.asarray(resumed(images)), np.asarray(whole(images)), atol=1e-5)


@pytest.mark.parametrize("key", [*SUPERVISED, "attention"])
def test_a_variant_trains_in_mixed_precision(key):
    try:
        keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
        model = variant(key)
        model.compile("sgd", keras.losses.BinaryCrossentropy(), run_eagerly=True)
        images, truth = toy()
        assert np.isfinite(model.train_on_batch(images, truth))
        assert model(images).dtype == "float32"
    finally:
        keras.mixed_precision.set_dtype_policy("float32")


def test_a_gate_weighs_the_skip_connection_between_0_and_1():
    skip, gating = keras.Input((8, 8, 3)), keras.Input((4, 4, 5))
    gated = blocks.attention_gate(skip, gating, name="weights")
    model = keras.Model([skip, gating], [gated, gated._keras_history.operation.input[1]])
    rng = np.random.default_rng(0)
    values = [rng.normal(size=(2, 8, 8, 3)) * 9, rng.normal(size=(2, 4, 4, 5)) * 9]
    out, weights = map(np.asarray, model(values))
    assert weights.shape == (2, 8, 8, 1)
    assert weights.min() >= 0 and weights.max() <= 1 and np.ptp(weights) > 0.1
    np.testing.assert_allclose(out, weights * values[0], rtol=1e-5, atol=1e-5)
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    np.testing.assert_allclose(model(values)[0], values[0] / 2, rtol=1e-6)  # sigmoid(0)


def test_the_coarser_level_decides_what_a_gate_lets_through():
    skip, gating = keras.Input((8, 8, 1)), keras.Input((4, 4, 1))
    model = keras.Model([skip, gating], blocks.attention_gate(skip, gating))
    # W = 0, V = 20, ψ = 1 and a bias of -10: α = sigmoid(20 g - 10)
    values = [np.zeros((2, 2, 1, 1)), [[[[20.0]]]], [0.0], [[[[1.0]]]], [-10.0]]
    model.set_weights([np.array(value) for value in values])
    coarse = np.zeros((1, 4, 4, 1), np.float32)
    coarse[:, :, 2:] = 1
    out = np.asarray(model([np.ones((1, 8, 8, 1), np.float32), coarse]))[0, ..., 0]
    np.testing.assert_allclose(out[:, :3], 0, atol=1e-3)
    np.testing.assert_allclose(out[:, 5:], 1, atol=1e-3)


def test_each_skip_connection_but_the_finest_has_a_gate_of_its_size():
    model = variant("attention", (16, 16, 1), depth=3)
    gates = {
        layer.name: layer.output.shape[1:]
        for layer in model.layers
        if layer.name.startswith("attention_")
    }
    assert gates == {"attention_1": (8, 8, 1), "attention_2": (4, 4, 1)}


@pytest.mark.parametrize("normalization", blocks.NORMALIZATIONS)
@pytest.mark.parametrize("shape", [(4, 4, 3), (4, 4, 4, 3)])
def test_a_residual_block_whose_convolutions_are_zero_hands_its_input_on(shape, normalization):
    inputs = keras.Input(shape)
    model = keras.Model(inputs, blocks.residual_block(inputs, 3, normalization=normalization))
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            layer.kernel.assign(np.zeros(layer.kernel.shape))
    values = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    # activated after the sum, as in the paper of 2016 that the docstring names
    np.testing.assert_allclose(np.asarray(model(values)), np.maximum(values, 0), atol=1e-6)


def test_a_residual_block_adds_what_its_convolutions_make():
    inputs = keras.Input((4, 4, 1))
    model = keras.Model(inputs, blocks.residual_block(inputs, 2, normalization="none"))
    one = np.zeros((3, 3, 1, 2))
    one[1, 1] = [[1, 0]]  # first convolution: x in channel 0
    two = np.zeros((3, 3, 2, 2))
    two[1, 1] = [[5, 0], [0, 0]]  # second: five times that
    found = {layer.kernel.shape: layer for layer in model.layers if hasattr(layer, "kernel")}
    found[1, 1, 1, 2].kernel.assign([[[[1, 10]]]])  # the projection: x and 10 x
    found[3, 3, 1, 2].kernel.assign(one)
    found[3, 3, 2, 2].kernel.assign(two)
    values = np.random.default_rng(0).random((1, 4, 4, 1)).astype(np.float32)
    expected = values * [6, 10]
    np.testing.assert_allclose(np.asarray(model(values)), expected, rtol=1e-5)


def test_a_block_of_u_net_plus_plus_sees_everything_to_its_left():
    model = variant("plus_plus", (16, 16, 1), depth=3, filters=4)
    joined = [
        [tensor.shape[-1] for tensor in layer.input]
        for layer in model.layers
        if isinstance(layer, keras.layers.Concatenate)
    ]
    # per level: from below, then the row; X(0,1) to X(0,3), X(1,1) and X(1,2), X(2,1)
    assert sorted(joined) == sorted([[4, 4], [4, 4, 4], [4, 4, 4, 4], [8, 8], [8, 8, 8], [16, 16]])


@pytest.mark.parametrize("module", [blocks, deep_supervision, unet])
def test_the_networks_name_no_backend(module):
    """They run on JAX as well, so nothing of TensorFlow's may slip in."""
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    names = {alias.name for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names}
    names |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} <= {
        "collections", "keras", "numpy", "unet_course"
    }  # fmt: skip
