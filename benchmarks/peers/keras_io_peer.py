# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = ["keras==3.15.1", "tensorflow-cpu==2.21.0"]
# ///
"""The U-Net of keras.io's example "Image segmentation with a U-Net-like architecture", on LGG.

    uv run benchmarks/peers/keras_io_peer.py TASK OUT --minutes 4

Separable convolutions with residuals on the way down, transposed ones on the way up, 160 × 160 pixels,
batches of 32, values from 0 to 255, softmax and cross-entropy, Adam at 1e-4, no augmentation (François
Chollet, 2019, in its version for Keras 3). What differs here: two classes instead of three, float32, and
the end by the clock without validation.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import keras_training
import numpy as np
import peer
import tensorflow as tf
from keras import layers

SIDE, BATCH = 160, 32


def network() -> keras.Model:
    def block(x, kind, filters, times=2):
        for _ in range(times):
            x = layers.BatchNormalization()(kind(filters, 3, padding="same")(layers.ReLU()(x)))
        return x

    inputs = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(32, 3, strides=2, padding="same")(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for filters in (64, 128, 256):
        short = layers.Conv2D(filters, 1, strides=2, padding="same")(x)
        x = block(x, layers.SeparableConv2D, filters)
        x = layers.add([layers.MaxPooling2D(3, strides=2, padding="same")(x), short])
    for filters in (256, 128, 64, 32):
        short = layers.Conv2D(filters, 1, padding="same")(layers.UpSampling2D(2)(x))
        x = layers.add([layers.UpSampling2D(2)(block(x, layers.Conv2DTranspose, filters)), short])
    return keras.Model(inputs, layers.Conv2D(2, 3, activation="softmax", padding="same")(x))


def main() -> None:
    options = peer.arguments(__doc__)
    task = peer.Task(options.task, "lgg")
    keras.utils.set_random_seed(options.seed)
    images = np.concatenate([task.images(id) for id in task.train])
    masks = np.concatenate([task.masks(id) for id in task.train])[..., None]
    images = tf.cast(tf.round(tf.image.resize(images, (SIDE, SIDE))), tf.uint8)
    masks = tf.image.resize(masks, (SIDE, SIDE), method="nearest")
    data = tf.data.Dataset.from_tensor_slices((images, masks)).shuffle(len(images)).repeat()
    data = data.batch(BATCH).map(lambda x, y: (tf.cast(x, tf.float32), y)).prefetch(1)
    model = network()
    optimizer = keras.optimizers.Adam(options.rate or 1e-4)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    clock = peer.Clock(options.minutes, options.clock)
    keras_training.train(model, data, clock)
    facts = {"network": "U-Net", "batch": f"{BATCH} × {SIDE}²"} | clock.facts()
    facts["parameters"] = model.count_params()

    def predict(id: str) -> np.ndarray:
        full = task.images(id)
        found = model.predict(tf.image.resize(full, (SIDE, SIDE)), BATCH, verbose=0)
        return tf.image.resize(found[..., 1:], full.shape[1:3]).numpy()[..., 0] > 0.5

    peer.finish(options.out, task, predict, facts, "keras", "tensorflow-cpu")


if __name__ == "__main__":
    main()
