"""A street scene drawn by code, for the lesson on what a mask is.

Four classes, three pedestrians, and scores made up in place of a network's, so that sigmoid,
softmax and masks can be seen on a picture that everybody can judge, before any scan of a brain.
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

# The order of the classes is the order of the channels; background last, as in "Image
# Segmentation Tutorial" (Arham Khan, 2021), whose example this scene draws.
CLASSES = ("pedestrian", "pavement", "street", "background")
PEDESTRIAN, PAVEMENT, STREET, BACKGROUND = range(4)

HEIGHT, WIDTH = 120, 160
DOOR = (45, 46)  # its centre, row and column

# Feet (row, column), height in pixels, coat. The last stands in front of the one before.
PEOPLE = (
    (84, 22, 38, (150, 50, 60)),
    (80, 112, 38, (40, 70, 130)),
    (90, 122, 45, (60, 110, 80)),
)


class Scene(NamedTuple):
    """A picture, and the truth about each of its pixels.

    Attributes:
        image: uint8 (120, 160, 3), red, green and blue.
        labels: uint8 (120, 160), each pixel's class as an index into `CLASSES`.
        instances: uint8 (120, 160), 0 where nobody is, else the pedestrian's number from 1.
    """

    image: np.ndarray
    labels: np.ndarray
    instances: np.ndarray


def draw_street(seed: int = 0) -> Scene:
    """Draw the scene: houses, a pavement, a street, three pedestrians, two of them overlapping.

    Args:
        seed: of the grain in the picture; the labels are always the same.

    >>> scene = draw_street()
    >>> scene.image.shape, scene.labels.shape, int(scene.instances.max())
    ((120, 160, 3), (120, 160), 3)
    """
    image = np.empty((HEIGHT, WIDTH, 3), np.float32)
    labels = np.full((HEIGHT, WIDTH), BACKGROUND, np.uint8)
    instances = np.zeros((HEIGHT, WIDTH), np.uint8)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]

    _houses(image, rows, columns)
    kerb = 88 + columns // 20  # the street runs slightly downhill
    pavement = (rows >= 62) & (rows < kerb)
    road = rows >= kerb
    image[pavement] = (176, 170, 160)
    image[pavement & (((columns + rows) % 26 == 0) | (rows == 74))] = (150, 145, 136)
    image[pavement & (rows >= kerb - 2)] = (205, 200, 192)
    image[road] = (84, 86, 92)
    image[road & (abs(rows - kerb - 14) < 1.5) & (columns % 40 < 24)] = (222, 220, 205)
    labels[pavement], labels[road] = PAVEMENT, STREET

    for number, (foot, column, height, coat) in enumerate(PEOPLE, start=1):
        for part, colour in _person(rows, columns, foot, column, height, coat):
            image[part] = colour
            labels[part], instances[part] = PEDESTRIAN, number

    image += np.random.default_rng(seed).normal(0, 5, image.shape)
    return Scene(np.clip(image, 0, 255).round().astype(np.uint8), labels, instances)


def make_up_scores(labels: np.ndarray, seed: int = 0) -> np.ndarray:
    """Make up a network's scores: mostly right, soft at the borders, wrong in places.

    No network is involved: it is the truth, blurred, with smooth noise, and with the red door
    half taken for a pedestrian.

    Args:
        labels: (120, 160), indices into `CLASSES`, as `draw_street` gives them.
        seed: of the noise.

    Returns:
        float32 (120, 160, 4), a score for each class, the higher the more it speaks for the class.
        Made so that both a sigmoid of one channel and a softmax over all four give sensible
        probabilities; a real network's scores are trained for one of the two only.
    """
    if labels.shape != (HEIGHT, WIDTH):
        raise ValueError(f"labels must be of shape {(HEIGHT, WIDTH)}, got {labels.shape}")
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    scores = np.empty((HEIGHT, WIDTH, len(CLASSES)), np.float32)
    for index in range(len(CLASSES)):
        share = ndimage.gaussian_filter((labels == index).astype(np.float32), 1.3)
        noise = ndimage.gaussian_filter(rng.normal(size=labels.shape), 3)
        scores[..., index] = 9 * (share - 0.5) + 0.7 * noise / noise.std()
    row, column = DOOR
    bump = np.exp(-(((rows - row) / 12) ** 2 + ((columns - column) / 4) ** 2))
    scores[..., PEDESTRIAN] += 4.5 * bump
    scores[..., BACKGROUND] -= 4.0 * bump
    return scores


def _houses(image: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> None:
    image[:] = (190, 208, 224)  # sky
    for left, right, top, wall in ((0, 62, 14, (186, 150, 124)), (62, 160, 6, (204, 190, 160))):
        house = (columns >= left) & (columns < right) & (rows >= top) & (rows < 62)
        image[house] = wall
        pane = ((columns - left) % 24 >= 8) & ((columns - left) % 24 < 18)
        image[house & pane & ((rows - top) % 22 >= 6) & ((rows - top) % 22 < 17)] = (92, 104, 122)
    row, column = DOOR
    image[(abs(columns - column) <= 4) & (abs(rows - row) <= 16)] = (178, 34, 40)
    image[(abs(columns - column) <= 2) & (abs(rows - row + 9) <= 1)] = (40, 20, 20)


def _person(rows, columns, foot: int, column: int, height: int, coat: tuple):
    """Yield (where, colour) for legs, coat and head; (foot, column) is between the feet."""
    up = (foot - rows) / height  # 0 at the feet, 1 at the top of the head
    across = (columns - column) / height
    stride = 0.04 + 0.10 * np.clip(0.45 - up, 0, None)
    legs = (up >= 0) & (up < 0.45) & (abs(abs(across) - stride) < 0.04)
    yield legs, (48, 46, 54)
    body = (up >= 0.36) & (up < 0.82) & (abs(across) < 0.15 - 0.10 * abs(up - 0.62))
    yield body, coat
    head = ((up - 0.90) / 0.10) ** 2 + (across / 0.085) ** 2 <= 1
    yield head, (214, 170, 140)
