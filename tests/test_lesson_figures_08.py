"""Lesson 08's drawings: each draws what it is given."""

import keras
import numpy as np
import pytest
from keras import layers

from unet_course.showing import plotting
from unet_course.showing.lesson_figures import lesson_08


def small_u_net() -> keras.Model:
    inputs = keras.Input((8, 8, 8, 4))
    top = layers.Activation("relu")(layers.Conv3D(2, 3, padding="same")(inputs))
    x = layers.MaxPooling3D(2)(top)
    x = layers.Activation("relu")(layers.Conv3D(4, 3, padding="same")(x))
    x = layers.Concatenate()([layers.UpSampling3D(2)(x), top])
    return keras.Model(inputs, layers.Activation("sigmoid")(layers.Conv3D(3, 1)(x)))


def texts(fig) -> list[str]:
    return [text.get_text() for ax in fig.axes for text in ax.texts]


def test_a_u_net_shows_its_channels_and_its_sides():
    fig = lesson_08.draw_u_nets({"small": (small_u_net(), -1)})
    # the input and its size, one map at the top, its size and one map below, 4 + 2 joined, the end
    assert texts(fig)[:2] == ["4", "8 × 8 × 8"]
    assert [t for t in texts(fig) if t.isdigit()] == ["4", "2", "4", "6", "3"]
    assert "4 × 4 × 4" in texts(fig)


def test_heads_frame_what_is_wrong():
    target = np.eye(2)
    wrong = np.array([[0.9, 0.5], [0.1, 0.95]])
    fig = lesson_08.draw_heads({"a": (wrong, target, "01"), "b": (target, target, "01")}, "xy")
    assert [len(ax.patches) for ax in fig.axes] == [1, 0]
    assert "0.50" in texts(fig)


def drawings() -> dict:
    rng = np.random.default_rng(0)
    labels = np.array([[0, 1], [2, 4]])
    one_hot = (labels[..., None] == np.array([0, 1, 2, 4])).astype(float)
    profile = rng.random((8, 8, 8, 1))
    seen = {kind: {name: profile for name in "abc"} for kind in ("batch", "instance")}
    block = rng.random((4, 6, 4))
    return {
        "tube": lambda: lesson_08.draw_tube_and_ball(block, block),
        "kernel": lesson_08.draw_kernel_places,
        "losses": lambda: lesson_08.draw_losses({0.001: [2, 1], 0.00001: [2, 1.9]}),
        "shares": lambda: lesson_08.draw_shares([0.8, 0.2], [0.1, 0.9]),
        "memory": lambda: lesson_08.draw_memory({"32³": (0.1, 0.2)}, (10.7, 10.7), {"8 GB": 8}),
        "patches": lambda: lesson_08.draw_patches({"64³": (64, 64, 64)}, {"64³": 0.4}, 10.7),
        "partners": lambda: lesson_08.draw_partners(seen),
        "targets": lambda: lesson_08.draw_targets(labels, one_hot, one_hot[..., :3]),
    }


@pytest.mark.parametrize("name", drawings())
def test_it_draws(name, capsys):
    fig = drawings()[name]()
    assert fig.axes
    plotting.show(fig, alt="A drawing of the lesson, for the test.")
