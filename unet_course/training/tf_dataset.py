"""Turn a Python function that makes batches into a `tf.data.Dataset` that prefetches them."""

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
    """Make a dataset of `draw(0)`, `draw(1)`, …, `draw(steps - 1)`, in that order.

    Args:
        draw: takes the step's number and returns (images, masks), float32.
        steps: the number of batches.
        shapes: of images and of masks, the batch's axis included.
        at_once: how many batches are made in parallel. Two more are kept ready.

    Raises:
        tf.errors.OpError: while the dataset is iterated, where `draw` raised; its message holds
            that of the exception.
    """

    def tensors(step):
        batch = tf.numpy_function(lambda s: draw(int(s)), [step], [tf.float32, tf.float32])
        for tensor, shape in zip(batch, shapes, strict=True):
            tensor.set_shape(shape)
        return tuple(batch)

    numbers = tf.data.Dataset.range(steps)
    drawn = numbers.map(tensors, num_parallel_calls=at_once, deterministic=True)
    return without_autotuning(drawn.prefetch(2))


def without_autotuning(data: tf.data.Dataset) -> tf.data.Dataset:
    """Switch off the thread with which `tf.data` looks for better settings.

    That thread sleeps for 10 ms, 20 ms, 40 ms and so on, and at a dataset's end TensorFlow 2.21
    often waits until it wakes: an epoch of 5.3 seconds then takes 10.2.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return data.with_options(options)
