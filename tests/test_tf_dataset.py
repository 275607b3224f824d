"""Batches drawn in Python: their order, their shapes, what goes wrong in drawing."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from unet_course.training import tf_dataset

about_tensorflow = pytest.mark.tensorflow


def draw(step: int):
    return np.full((2, 3), step, np.float32), np.full((2, 1), -step, np.float32)


@about_tensorflow
@pytest.mark.parametrize("at_once", [1, 3])
def test_batches_come_in_their_order_without_a_warning(at_once, recwarn):
    data = tf_dataset.dataset(draw, 7, ((2, 3), (2, 1)), at_once)
    assert [tuple(spec.shape) for spec in data.element_spec] == [(2, 3), (2, 1)]
    assert len(data) == 7
    for step, (images, masks) in enumerate(data.as_numpy_iterator()):
        np.testing.assert_array_equal(images, draw(step)[0])
        np.testing.assert_array_equal(masks, draw(step)[1])
    assert [str(warning.message) for warning in recwarn] == []


@about_tensorflow
def test_what_goes_wrong_in_drawing_is_said():
    def broken(step):
        if step == 2:
            raise ValueError("no such patient")
        return draw(step)

    got = []
    with pytest.raises(tf.errors.InvalidArgumentError, match="no such patient"):
        for images, _ in tf_dataset.dataset(broken, 4, ((2, 3), (2, 1))):
            got.append(images)
    assert len(got) == 2


def test_switching_off_autotuning_changes_no_batch():
    data = tf.data.Dataset.range(5).batch(2)
    got = tf_dataset.without_autotuning(data)
    assert not got.options().autotune.enabled
    assert [x.tolist() for x in got.as_numpy_iterator()] == [[0, 1], [2, 3], [4]]


@pytest.mark.parametrize("at_once", [1, 3])
def test_without_tensorflow_batches_reach_fit_in_their_order(at_once):
    means = []  # of the loss so far: that of a network that says 0 is the square of the step

    class Watching(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            means.append(float(logs["loss"]))

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, trainable=False)])
    model.layers[0].set_weights([np.zeros((3, 1)), np.zeros(1)])
    model.compile("sgd", "mse")
    batches = tf_dataset.drawn_batches(draw, 5, at_once)
    model.fit(batches, verbose=0, shuffle=False, callbacks=[Watching()])
    assert means == pytest.approx([np.mean(np.arange(k + 1) ** 2) for k in range(5)])
    assert len(batches) == 5 and [float(x[0, 0]) for x, _ in batches] == [0, 1, 2, 3, 4]


def test_other_datasets_are_left_as_they_are():
    batches = tf_dataset.drawn_batches(draw, 5)
    assert tf_dataset.without_autotuning(batches) is batches
