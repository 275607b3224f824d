"""Batches drawn in Python → `tf.data`, made while the network trains."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

Batch = tuple[np.ndarray, np.ndarray]


def dataset(
    draw: Callable[[int], Batch],
    steps: int,
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
    at_once: int = 1,
) -> tf.data.Dataset:
    """A dataset of `steps` batches, `draw(0)`, `draw(1)`, …, in that order.

    Args:
        draw: gives (images, masks) of a step, float32.
        steps: batches in all.
        shapes: of images and of masks, with the batch.
        at_once: how many are drawn at the same time. Two more wait, drawn.

    Returns:
        A dataset of (images, masks), as tensors of these shapes.

    Raises:
        tf.errors.OpError: while it is gone through, where `draw` raised; it holds that message.
    """

    def tensors(step):
        found = tf.numpy_function(lambda s: draw(int(s)), [step], [tf.float32, tf.float32])
        for tensor, shape in zip(found, shapes, strict=True):
            tensor.set_shape(shape)
        return tuple(found)

    numbers = tf.data.Dataset.range(steps)
    drawn = numbers.map(tensors, num_parallel_calls=at_once, deterministic=True)
    return without_autotuning(drawn.prefetch(2))


def without_autotuning(data: tf.data.Dataset) -> tf.data.Dataset:
    """The same dataset, without the thread that looks for better settings.

    That thread sleeps for 10 ms, 20 ms, 40 ms and so on, and at a dataset's end TensorFlow 2.21
    often waits until it wakes: an epoch of 5.3 seconds then takes 10.2.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return data.with_options(options)
