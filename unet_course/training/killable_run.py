"""The small training run that lesson 10 kills and resumes: a process of its own, or a function.

    python -m unet_course.training.killable_run FOLDER

trains on the patches in `FOLDER/patches.npz`, writes its state to `FOLDER/run` after each epoch, and
waits in its third epoch to be killed.
"""

import sys
import time
from pathlib import Path

import numpy as np

from unet_course import runtime
from unet_course.judging import metrics
from unet_course.network import losses, unet
from unet_course.training import loop, tf_dataset

EPOCHS, STEPS, BATCH = 4, 6, 2
WAITS_IN = 3  # the epoch in which the process waits


class FewBatches:
    """Six batches an epoch, of patches held in memory; the same at every call."""

    steps = STEPS

    def __init__(self, images: np.ndarray, masks: np.ndarray):
        # as TensorFlow expects them
        self.images, self.masks = np.asarray(images, np.float32), np.asarray(masks, np.float32)

    def epoch(self, number: int):
        """The dataset of epoch `number`: the patches in an order drawn from that number."""
        order = np.random.default_rng(number).permutation(len(self.images))[: STEPS * BATCH]

        def draw(step: int):
            chosen = order[step * BATCH : (step + 1) * BATCH]
            return self.images[chosen], self.masks[chosen]

        shapes = [(BATCH, *arrays.shape[1:]) for arrays in (self.images, self.masks)]
        return tf_dataset.dataset(draw, STEPS, tuple(shapes))


def train(
    images: np.ndarray,
    masks: np.ndarray,
    folder: Path | str | None = None,
    *,
    seed: int = 10,
    wait_in: int | None = None,
):
    """Train a small network for four epochs, or go on where the folder's state ends.

    Args:
        images, masks: (patches, 16, 16, 16, 4) and (patches, 16, 16, 16, 3), at least 12 patches.
        folder: where the state is kept after each epoch; None: nowhere.
        wait_in: the epoch, from 1, in which to wait until the process is killed; None: none.

    Returns:
        The network, with the weights of its best epoch, and its history.
    """
    runtime.repeatable(seed)
    size = {"filters": 4, "depth": 1, "normalization": "instance"}
    network = unet.unet((16, 16, 16, 4), classes=3, head="sigmoid", **size)
    network.compile("adam", losses.BCEDice())
    network.optimizer.learning_rate = loop.warmup_cosine(1e-2, steps=EPOCHS * STEPS)
    validated = 0

    def validate(network):
        nonlocal validated
        validated += 1
        if validated == wait_in:
            time.sleep(600)
        return {"dice": metrics.dice(masks[:4], network.predict_on_batch(images[:4]) >= 0.5)}

    options = {"validate": validate, "folder": folder, "progress": False}
    return network, loop.fit(network, FewBatches(images, masks), epochs=EPOCHS, **options)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    with np.load(place / "patches.npz") as patches:
        train(patches["images"], patches["masks"], place / "run", wait_in=WAITS_IN)
