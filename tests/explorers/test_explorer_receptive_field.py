"""The explorer of a U-Net's shape: its arithmetic against Keras and a walk through ones, and moved."""

import numpy as np
import pytest
from explorer import inside, move, shown, words

from unet_course.showing import explorers
from unet_course.showing.explorers.receptive_field import MISFIT, OUTPUT, UNetSizes
from unet_course.showing.plotting import rgb

CODE = """
import numpy as np
from unet_course.showing import explorers
rows, columns = np.mgrid[:256, :256]
picture = np.exp(-((rows - 128) ** 2 + (columns - 128) ** 2) / 8000)
explorers.receptive_field(picture, (rows - 140) ** 2 + (columns - 110) ** 2 < 900)
"""


@pytest.mark.parametrize(
    ("filters", "depth", "side", "kernel"), [(4, 2, 32, 3), (8, 1, 16, 5), (4, 0, 16, 3)]
)
def test_parameters_are_those_of_keras(filters, depth, side, kernel):
    import keras

    def block(x, width):
        for _ in range(2):
            x = keras.layers.Conv2D(width, kernel, padding="same", activation="relu")(x)
        return x

    inputs = x = keras.Input((side, side, 3))
    kept = []
    for level in range(depth):
        x = block(x, filters * 2**level)
        kept.append(x)
        x = keras.layers.MaxPooling2D(2)(x)
    x = block(x, filters * 2**depth)
    for level in reversed(range(depth)):
        x = keras.layers.Conv2DTranspose(filters * 2**level, 2, strides=2)(x)
        x = block(keras.layers.Concatenate()([x, kept[level]]), filters * 2**level)
    model = keras.Model(inputs, keras.layers.Conv2D(1, 1)(x))
    sizes = UNetSizes(side=side, depth=depth, kernel=kernel, filters=filters)
    assert sizes.parameters() == model.count_params()


def test_published_networks():
    """Tutorial 000's count, and the sides of the original (Ronneberger et al., 2015, figure 1)."""
    assert UNetSizes(filters=64).parameters() == 31_031_745
    original = UNetSizes(side=572, channels=1, padding="valid", filters=64)
    assert original.down() == [568, 280, 136, 64, 28] and original.up() == [388, 196, 100, 52]
    assert not original.misfits()


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("stride", [2, 3])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_the_field_is_what_one_output_depends_on(kernel, stride, padding):
    """Which inputs reach the middle output is computed forwards, pixel by pixel, on a row."""
    side = {("same", 2): 64, ("same", 3): 81, ("valid", 2): 92, ("valid", 3): 180}[padding, stride]
    sizes = UNetSizes(side=side, depth=2, kernel=kernel, stride=stride, padding=padding)
    reach = np.eye(side, dtype=bool)  # (values, input pixels)

    def conv(values):
        if padding == "same":
            values = np.pad(values, ((kernel // 2, kernel // 2), (0, 0)))
        return np.lib.stride_tricks.sliding_window_view(values, kernel, axis=0).any(-1)

    for _ in range(2):
        reach = conv(conv(reach))
        whole = len(reach) // stride * stride
        reach = reach[:whole].reshape(-1, stride, side).any(1)
    reach = conv(conv(reach))
    for _ in range(2):
        reach = conv(conv(reach.repeat(stride, 0)))
    assert len(reach) == sizes.up()[0]
    seen = np.flatnonzero(reach[len(reach) // 2])
    first, last = sizes.seen()
    assert (max(first, 0), min(last, side - 1)) == (seen[0], seen[-1])


def test_words_and_picture_follow_every_control():
    explorer = explorers.receptive_field(np.zeros((256, 256)))
    assert "1,941,105 parameters; sees 140 at the bottom, 188 at the output" in words(explorer)
    assert "sees 32 at the bottom, 44 at the output" in move(explorer, "Depth", 2)
    assert "kernel 5" in move(explorer, "Kernel", 5)
    assert "8 filters" in move(explorer, "Filters", 8)
    assert "256 isn't a multiple of 3" in move(explorer, "Stride", 3)
    assert (shown(explorer) == rgb(MISFIT)).all(-1).any()
    move(explorer, "Stride", 2)
    assert "valid" in move(explorer, "Padding", "valid")
    assert (shown(explorer) == rgb(OUTPUT)).all(-1).any()
    assert "too small" in move(
        explorers.receptive_field(np.zeros((16, 16)), channels=1), "Padding", "valid"
    )


def test_the_line_differs_at_each_place_of_a_slider():
    explorer = explorers.receptive_field(np.zeros((64, 64)))
    for slider in inside(explorer, "SelectionSlider"):
        said = set()
        for value in slider.options:
            slider.value = value
            said.add(words(explorer))
        assert len(said) == len(slider.options)


@pytest.mark.parametrize(
    "arguments", [(np.zeros((4, 5)),), (np.zeros((4, 4)), np.zeros((5, 4)))], ids=str
)
def test_what_does_not_fit_is_refused(arguments):
    with pytest.raises(ValueError):
        explorers.receptive_field(*arguments)


def test_it_moves_in_a_browser(in_browser):
    explorer = in_browser(CODE)
    said = explorer.words
    explorer.press("ArrowLeft")
    assert said.startswith("Depth 4") and explorer.words.startswith("Depth 3")
    explorer.press("ArrowRight", handle=1)
    with explorer.changes():
        explorer.area.locator("select").first.select_option("valid")
    assert "kernel 5" in explorer.words and "valid" in explorer.words
    explorer.screenshot("receptive_field")
