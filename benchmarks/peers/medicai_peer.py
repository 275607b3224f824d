# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = ["medicai==0.0.4", "keras==3.15.1", "tensorflow-cpu==2.21.0"]
# ///
"""medicai's SwinUNETR, as keras.io's example "3D Multimodal Brain Tumor Segmentation" uses it, on BraTS.

    uv run benchmarks/peers/medicai_peer.py TASK OUT --minutes 4

Swin V2 tiny encoder, random crops of 96³ in the foreground, flips, intensity shifts, Dice and cross-entropy,
AdamW at 1e-4, batches of one, Gaussian sliding windows that overlap by half (Mohammed Innat, 2026). What
differs here: medicai 0.0.4's own names of the transforms; TensorFlow instead of JAX, whose first
step hadn't ended after nearly three minutes of processor time; float32, since processors have no fast
float16; prediction within the brain's box, which cuts off nothing but zeros.
"""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import keras_training
import numpy as np
import peer
import tensorflow as tf
from medicai.losses import BinaryDiceCELoss
from medicai.models import SwinUNETR
from medicai.transforms import (
    Compose,
    CropForeground,
    NormalizeIntensity,
    RandomFlip,
    RandomShiftIntensity,
    RandomSpatialCrop,
    TensorBundle,
)
from medicai.utils.inference import SlidingWindowInference

CROP = (96, 96, 96)
BOTH = ("image", "label")


def main() -> None:
    options = peer.arguments(__doc__)
    task = peer.Task(options.task, "brats")
    keras.utils.set_random_seed(options.seed)
    normalise = NormalizeIntensity(keys=["image"], nonzero=True, channel_wise=True)
    change = Compose(
        [
            CropForeground(keys=BOTH, source_key="image", k_divisible=CROP),
            RandomSpatialCrop(keys=BOTH, crop_size=CROP, random_shape=False),
            *(RandomFlip(keys=BOTH, spatial_axis=[axis], prob=0.5) for axis in range(3)),
            normalise,
            RandomShiftIntensity(keys=["image"], offset=0.1, prob=1.0),
        ]
    )

    def cases():
        for id in task.train:
            yield task.images(id).astype(np.float32), task.masks(id).astype(np.float32)

    def changed(image, label):
        found = change(TensorBundle({"image": image, "label": label}))
        return tf.ensure_shape(found["image"], (*CROP, 4)), tf.ensure_shape(
            found["label"], (*CROP, 3)
        )

    shapes = [tf.TensorSpec((None, None, None, channels), tf.float32) for channels in (4, 3)]
    data = tf.data.Dataset.from_generator(cases, output_signature=tuple(shapes)).cache()
    data = data.shuffle(len(task.train)).repeat().map(changed).batch(1).prefetch(1)
    model = SwinUNETR(
        encoder_name="swin_tiny_v2",
        input_shape=(*CROP, 4),
        num_classes=3,
        classifier_activation=None,
    )
    optimizer = keras.optimizers.AdamW(options.rate or 1e-4, weight_decay=1e-5)
    model.compile(optimizer, BinaryDiceCELoss(from_logits=True, num_classes=3))
    clock = peer.Clock(options.minutes, options.clock)
    keras_training.train(model, data, clock)
    facts = {"network": "SwinUNETR", "batch": "1 × 96³"} | clock.facts()
    facts["parameters"] = model.count_params()
    windows = SlidingWindowInference(
        model, num_classes=3, roi_size=CROP, sw_batch_size=1, overlap=0.5, mode="gaussian"
    )

    def predict(id: str) -> np.ndarray:
        images = task.images(id)
        box = peer.brain_box(images)
        ready = normalise(TensorBundle({"image": tf.constant(images[box], tf.float32)}))["image"]
        found = np.zeros((*images.shape[:3], 3), np.uint8)
        found[box] = np.asarray(windows(ready[None]))[0] > 0  # a probability above 0.5
        return found

    peer.finish(options.out, task, predict, facts, "medicai", "keras", "tensorflow-cpu")


if __name__ == "__main__":
    main()
