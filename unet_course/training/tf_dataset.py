"""Turn a Python function that makes batches into what `fit` takes: drawn while the network trains.

On TensorFlow that is a `tf.data.Dataset`, on Keras' JAX backend a `keras.utils.PyDataset`, which does
without TensorFlow.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

Batch = tuple[np.ndarray, np.ndarray]


def drawn_batches(draw: Callable[[int], Batch], steps: int, at_once: int = 1):
    """Make a `keras.utils.PyDataset` of `draw(0)` to `draw(steps - 1)`, in that order.

    They are drawn ahead by `at_once` threads. Keras' own threads aren't used: on JAX, `fit` looks at
    the first batch before it begins, and with them it then goes on with the second one.
    """
    return _drawn_batches_class()(draw, steps, at_once)


@functools.cache
def _drawn_batches_class() -> type:
    import keras  # only now: who cuts patches without training needs no Keras

    class DrawnBatches(keras.utils.PyDataset):
        def __init__(self, draw: Callable[[int], Batch], steps: int, at_once: int):
            super().__init__()
            self.draw, self.steps, self.ahead = draw, steps, at_once + 2
            self.threads = ThreadPoolExecutor(at_once)
            self.coming: dict[int, Future[Batch]] = {}

        def __len__(self) -> int:
            return self.steps

        def __getitem__(self, step: int) -> Batch:
            for number in range(step, min(step + self.ahead, self.steps)):
                if number not in self.coming:
                    self.coming[number] = self.threads.submit(self.draw, number)
            return self.coming.pop(step).result()

        def __iter__(self) -> Iterator[Batch]:
            return map(self.draw, range(self.steps))

    return DrawnBatches


def dataset(
    draw: Callable[[int], Batch],
    steps: int,
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
    at_once: int = 1,
) -> tf.data.Dataset | keras.utils.PyDataset:
    """Make a dataset of `draw(0)`, `draw(1)`, …, `draw(steps - 1)`, in that order.

    Args:
        draw: takes the step's number and returns (images, masks), float32.
        steps: the number of batches.
        shapes: of images and of masks, the batch's axis included.
        at_once: how many batches are made in parallel. Two more are kept ready.

    Raises:
        tf.errors.OpError: on TensorFlow, while the dataset is iterated, where `draw` raised; its
            message holds that of the exception. Elsewhere the exception itself is raised.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        return drawn_batches(draw, steps, at_once)
    import tensorflow as tf

    def tensors(step):
        batch = tf.numpy_function(lambda s: draw(int(s)), [step], [tf.float32, tf.float32])
        for tensor, shape in zip(batch, shapes, strict=True):
            tensor.set_shape(shape)
        return tuple(batch)

    numbers = tf.data.Dataset.range(steps)
    drawn = numbers.map(tensors, num_parallel_calls=at_once, deterministic=True)
    return without_autotuning(drawn.prefetch(2))


def without_autotuning(data):
    """Switch off the thread with which `tf.data` looks for better settings; others stay as they are.

    That thread sleeps for 10 ms, 20 ms, 40 ms and so on, and at a dataset's end TensorFlow 2.21
    often waits until it wakes: an epoch of 5.3 seconds then takes 10.2.
    """
    if not hasattr(data, "with_options"):
        return data
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return data.with_options(options)
