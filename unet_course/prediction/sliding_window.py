"""Sliding-window prediction: a whole volume through a network that takes patches.

Windows overlap; where several cover a voxel, their predictions are averaged with Gaussian weights,
since a network is least reliable at a patch's edge (Isensee et al., "nnU-Net", 2021; Çiçek et al.,
2016, tile without weights). They advance along the first axis: a slab that no later window reaches
is finished and handed on, so that memory doesn't grow with the volume.
"""

from collections.abc import Iterator, Sequence
from itertools import islice, product

import keras
import numpy as np
from tqdm.auto import tqdm

SIGMA = 0.125  # standard deviation of the weights as a share of the patch, as in nnU-Net and MONAI
MIRRORS = ((), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2))  # test-time flips, all eight


def predict(
    model: keras.Model,
    images: np.ndarray,
    patch: Sequence[int] | None = None,
    *,
    overlap: float = 0.5,
    flips: Sequence[Sequence[int]] = ((),),
    batch_size: int = 1,
    skip_empty: bool = False,
    threshold: float | None = None,
    dtype: np.typing.DTypeLike = np.float16,
    progress: bool = False,
) -> np.ndarray:
    """Predict a whole volume: probabilities, or masks.

    Args:
        model: `(batch, *patch, channels)` → `(batch, *patch, classes)`, channels last.
        images: (x, y, z, channels), of any size, in memory or memory-mapped; prepared as for
            training (`prepared_cases.prepare`). One batch is read at a time.
        patch: the windows' size in voxels; None: the model's input size. A smaller volume is
            padded with zeros on both sides.
        overlap: of neighbouring windows, as a share of the patch, 0 to below 1; at least this.
        flips: test-time augmentation: the network sees each window flipped along each of these
            sets of axes, the predictions are flipped back and averaged. `MIRRORS` holds all eight.
        batch_size: windows that the network gets at once.
        skip_empty: a window that holds only zeros isn't shown to the network; its probabilities
            are 0. Right if background was set to zero and the network has one sigmoid per class;
            wrong for a softmax, whose background channel would be 0, too.
        threshold: return masks, `uint8`, 1 where the probability is at least this.
        dtype: of the probabilities; float16 differs by 0.0003 at most.
        progress: show a bar.

    Returns:
        (x, y, z, classes)

    Raises:
        ValueError: images that aren't (x, y, z, channels) with the model's channels; a patch, an
            overlap, flips or a batch size that is impossible; a network that changes the patch's
            size; predictions that aren't finite.

    >>> inputs = keras.Input((8, 8, 8, 1))
    >>> model = keras.Model(inputs, keras.layers.Rescaling(0.5)(inputs))
    >>> images = np.ones((20, 9, 5, 1), np.float16)
    >>> prediction = predict(model, images)
    >>> prediction.shape, float(prediction.min()), float(prediction.max())
    ((20, 9, 5, 1), 0.5, 0.5)
    """
    options = {"overlap": overlap, "flips": flips, "batch_size": batch_size}
    options |= {"skip_empty": skip_empty, "progress": progress}
    prediction = None
    for where, probabilities in slabs(model, images, patch, **options):
        if prediction is None:
            shape = (*images.shape[:3], probabilities.shape[-1])
            prediction = np.empty(shape, dtype if threshold is None else np.uint8)
        prediction[where] = probabilities if threshold is None else probabilities >= threshold
    return prediction


def slabs(
    model: keras.Model,
    images: np.ndarray,
    patch: Sequence[int] | None = None,
    *,
    overlap: float = 0.5,
    flips: Sequence[Sequence[int]] = ((),),
    batch_size: int = 1,
    skip_empty: bool = False,
    progress: bool = False,
) -> Iterator[tuple[slice, np.ndarray]]:
    """Predict a whole volume slab by slab along the first axis, so that it needn't fit into memory.

    Arguments and errors as for `predict`. Yields each slab's position along x, and a copy of its
    probabilities (slab, y, z, classes), float32.
    """
    patch = _checked(model, images, patch, overlap, batch_size)
    flips = [tuple(int(axis) for axis in axes) for axes in flips]
    if not flips or any(tuple(sorted(axes)) not in MIRRORS for axes in flips):
        raise ValueError(
            f"flips must be sets of the axes 0, 1, 2, one set at least, such as ((), (0,)); got {flips}"
        )
    return _slabs(model, images, patch, overlap, flips, batch_size, skip_empty, progress)


def _slabs(model, images, patch, overlap, flips, batch_size, skip_empty, progress):
    sizes = images.shape[:3]
    before = [max(0, p - n) // 2 for n, p in zip(sizes, patch, strict=True)]  # padding
    rows, *across = (axis_windows(n, p, overlap) for n, p in zip(sizes, patch, strict=True))
    across = list(product(*across))
    padded = (max(n, p) for n, p in zip(sizes[1:], patch[1:], strict=True))
    slab = np.zeros((patch[0], *padded, model.output_shape[-1]), np.float32)  # the sum so far
    windows = len(rows) * len(across)
    bar = tqdm(total=windows, desc="Predicting", unit="window", disable=not progress, leave=False)
    with bar:
        for number, (x, of_x) in enumerate(rows):
            windows = (
                (_window(images, (x, y, z), patch, before), (y, of_y), (z, of_z))
                for (y, of_y), (z, of_z) in across
            )
            if skip_empty:
                windows = (window for window in windows if window[0].any())
            while group := list(islice(windows, batch_size)):
                predictions = _predictions(
                    model, [window for window, *_ in group], flips, batch_size
                )
                for prediction, (_, (y, of_y), (z, of_z)) in zip(predictions, group, strict=False):
                    weights = of_x[:, None, None] * of_y[:, None] * of_z
                    slab[:, y : y + patch[1], z : z + patch[2]] += prediction * weights[..., None]
            bar.update(len(across))
            last = number + 1 == len(rows)
            done = patch[0] if last else rows[number + 1][0] - x
            finished = slab[:done, before[1] :, before[2] :][:, : sizes[1], : sizes[2]]
            if last:
                finished = finished[before[0] :][: sizes[0] - max(0, x)]
            if not np.isfinite(finished).all():
                where = "look for NaN or infinity in the images, then in the network's weights"
                raise ValueError(f"the network's predictions aren't finite: {where}")
            yield slice(x, x + len(finished)), finished.copy()
            slab[: patch[0] - done] = slab[done:]
            slab[patch[0] - done :] = 0


def axis_windows(size: int, patch: int, overlap: float) -> list[tuple[int, np.ndarray]]:
    """Start and weights of the windows along one axis.

    There are as many windows as steps of patch · (1 - overlap) need. They are spread evenly, so
    that the first begins and the last ends with the axis (as in nnU-Net; MONAI takes as many and
    moves only the last). Weights are Gaussian with a standard deviation of `SIGMA` · patch, divided
    at each position by their sum over the windows. In a volume the weight is the product along
    three axes, so that weights sum to 1 everywhere.

    Args:
        size, patch: lengths of the axis and of the window in voxels; an axis below `patch` is
            padded, and has one window.
        overlap: share of the patch, 0 to below 1.

    Returns:
        (start, weights (patch,) float32) of each window.

    >>> [start for start, _ in axis_windows(size=100, patch=48, overlap=0.5)]
    [0, 17, 35, 52]
    >>> (_, left), (_, right) = axis_windows(size=6, patch=4, overlap=0.5)
    >>> left.round(2)
    array([1.  , 1.  , 0.98, 0.02], dtype=float32)
    >>> bool(np.allclose(left[2:] + right[:2], 1))
    True
    """
    size = max(size, patch)
    step = max(1, int(patch * (1 - overlap)))
    number = -(-(size - patch) // step) + 1
    starts = np.floor(np.linspace(0, size - patch, number) + 0.5).astype(int).tolist()
    off = (np.arange(patch) - (patch - 1) / 2) / (SIGMA * patch)
    weights = np.exp(-0.5 * off**2)
    total = np.zeros(size)
    for start in starts:
        total[start : start + patch] += weights
    return [(s, (weights / total[s : s + patch]).astype(np.float32)) for s in starts]


def _window(images, starts, patch, before) -> np.ndarray:
    """The window `(*patch, channels)`, with zeros where it reaches beyond the volume."""
    low = [start - pad for start, pad in zip(starts, before, strict=True)]
    inside = tuple(slice(max(0, a), a + p) for a, p in zip(low, patch, strict=True))
    part = np.asarray(images[inside])
    if part.shape[:3] == patch:
        return part
    before = [max(0, -a) for a in low]
    after = [p - n - b for p, n, b in zip(patch, part.shape[:3], before, strict=True)]
    return np.pad(part, [*zip(before, after, strict=True), (0, 0)])


def _predictions(model, windows, flips, batch_size: int) -> np.ndarray:
    """Predictions `(batch_size, *patch, classes)` float32; an incomplete batch is filled with zeros.

    The shape is always the same, since TensorFlow traces the network again for each new one.
    """
    batch = np.zeros((batch_size, *windows[0].shape), np.float32)
    for place, window in zip(batch, windows, strict=False):
        place[...] = window
    total = None
    for axes in flips:
        axes = tuple(axis + 1 for axis in axes)
        prediction = np.asarray(
            model.predict_on_batch(np.flip(batch, axes).copy() if axes else batch)
        )
        if prediction.shape[:-1] != batch.shape[:-1]:
            what = f"the network predicts {prediction.shape} for {batch.shape}"
            raise ValueError(f"{what}: it must keep the patch's size")
        prediction = np.flip(prediction, axes).astype(np.float32, copy=False)
        total = prediction if total is None else total + prediction
    return total / np.float32(len(flips)) if len(flips) > 1 else total


def _checked(model, images, patch, overlap, batch_size) -> tuple[int, ...]:
    """Check that model, images and patch fit together, and return the patch."""
    if getattr(images, "ndim", None) != 4 or not all(images.shape):
        raise ValueError(
            f"images must be (x, y, z, channels) and not empty; got {np.shape(images)}"
        )
    expected = model.input_shape
    if len(expected) != 5 or expected[-1] not in (None, images.shape[-1]):
        what = f"the network takes {expected}, the images are {images.shape}"
        raise ValueError(f"{what}: it must be 3-D, with the images' channels last")
    if patch is None:
        patch = expected[1:-1]
        if None in patch:
            raise ValueError("this network takes patches of any size: say which with patch=")
    patch = tuple(int(side) for side in np.atleast_1d(patch))
    fits = len(patch) == 3 and all(p >= 1 for p in patch)
    if not fits or any(n not in (None, p) for n, p in zip(expected[1:-1], patch, strict=True)):
        raise ValueError(f"a patch of {patch} doesn't fit the network, which takes {expected}")
    if not 0 <= overlap < 1:
        raise ValueError(f"overlap must be 0 or more and below 1, it is {overlap}")
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, it is {batch_size}")
    return patch
