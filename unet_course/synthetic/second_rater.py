"""Another expert's outline of a synthetic tumour, with a stated bias and spread.

Two experts differ in two ways: one draws wider than the other everywhere (bias), and each wavers
along the border (spread), over stretches rather than from pixel to pixel. Both are lengths, so the
same hands overlap less on a small tumour than on a large one. Real experts also differ where the
image is unclear and over whole parts of a tumour, which this doesn't imitate.
"""

import numpy as np
from numpy.random import Generator
from scipy import ndimage


def second_outline(
    mask: np.ndarray,
    rng: Generator,
    *,
    bias: float = 0.0,
    spread: float = 1.0,
    stretch: float = 8.0,
) -> np.ndarray:
    """Draw the outline of a mask again, slice by slice, as another hand would.

    The border moves outwards by `bias` plus a smooth random field of standard deviation `spread`.
    Slices next to each other are drawn alike; no slice without tumour gets any, but a small piece
    may vanish.

    Args:
        mask: (slices, rows, columns), bool, 0 and 1, or 0 and 255.
        rng: the source of randomness.
        bias: pixels by which this hand draws wider (negative: tighter) than the mask.
        spread: pixels by which the border wavers, 0 or more.
        stretch: pixels along the border over which it wavers together, above 0.

    Returns:
        bool, as `mask`.

    Raises:
        ValueError: a mask that isn't 3-D, a negative spread, or a stretch that isn't positive.

    >>> square = np.zeros((1, 9, 9), bool)
    >>> square[:, 3:6, 3:6] = True
    >>> second_outline(square, np.random.default_rng(0), bias=1, spread=0).sum().item()
    25
    """
    mask = np.asarray(mask) > 0
    if mask.ndim != 3:
        raise ValueError(f"a mask is (slices, rows, columns), it is {mask.shape}")
    if spread < 0 or stretch <= 0:
        raise ValueError(f"spread must be 0 or more and stretch positive: {spread}, {stretch}")
    drawn = np.zeros_like(mask)
    there = np.flatnonzero(mask.any(axis=(1, 2)))
    if not len(there):
        return drawn
    # only a window around the tumour is computed, wide enough for every move
    rim = int(np.ceil(abs(bias) + 4 * spread)) + 2
    rows, columns = (np.flatnonzero(mask.any(axis=axes)) for axes in ((0, 2), (0, 1)))
    window = tuple(slice(max(at[0] - rim, 0), at[-1] + rim + 1) for at in (rows, columns))
    field = rng.normal(size=(there[-1] - there[0] + 1, *mask[0][window].shape))
    field = ndimage.gaussian_filter(field, (1.0, stretch, stretch), mode="wrap")
    field *= spread / (field.std() or 1)
    for number in there:
        part = mask[number][window]
        # in pixels, positive outside: half a pixel lies between a border and the centres next to it
        distance = ndimage.distance_transform_edt(~part) - ndimage.distance_transform_edt(part)
        distance -= 0.5 * np.sign(distance)
        drawn[number][window] = distance <= bias + field[number - there[0]]
    return drawn
