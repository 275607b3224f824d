"""Time of augmentation compared with SciPy's resampling and with a training step, in one run.

    python benchmarks/augment_speed.py

Prints ratios, in which the machine's own speed cancels out.
"""

import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from scipy import ndimage

from unet_course.network import losses, unet
from unet_course.training import augment

SIDE, BATCH = 128, 16


def milliseconds(call, repeats: int) -> float:
    """Median time of a call in milliseconds, after one warm-up call."""
    call()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return 1000 * float(np.median(times))


def main() -> None:
    rng = np.random.default_rng(0)
    images = rng.random((BATCH, SIDE, SIDE, 3), dtype=np.float32)
    masks = (images[..., :1] > 0.9).astype(np.uint8)
    change = augment.Augmentation(probability=1.0)
    where = change.field((SIDE, SIDE), rng)

    ours = milliseconds(lambda: augment.sample_linear(images[0], where), 50)
    scipys = milliseconds(
        lambda: [
            ndimage.map_coordinates(images[0, ..., c], where, order=1, mode="nearest")
            for c in range(3)
        ],
        50,
    )
    print(f"resampling one slice of 3 channels: ours {ours:.2f} ms, SciPy's {scipys:.2f} ms")
    print(f"  SciPy's takes {scipys / ours:.1f} times as long")

    everything = milliseconds(lambda: change(images, masks, rng), 10)
    likely = milliseconds(lambda: augment.Augmentation()(images, masks, rng), 10)
    print(f"a batch of {BATCH} at {SIDE}×{SIDE}: {likely:.0f} ms as it comes, {everything:.0f} all")
    targets = masks.astype(np.float32)
    for name, options in {"patch=2": {"patch": 2, "depth": 3}, "patch=1": {}}.items():
        model = unet.unet((SIDE, SIDE, 3), filters=16, **options)
        model.compile("adam", losses.BCEDice())
        step = milliseconds(lambda m=model: m.train_on_batch(images, targets), 5)
        print(f"  a training step with {name}: {step:.0f} ms; augmentation is {likely / step:.0%}")


if __name__ == "__main__":
    main()
