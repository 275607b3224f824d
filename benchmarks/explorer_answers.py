"""How long does an explorer take to answer, at the sizes of the lessons?

Each control is moved in turn, without a browser, and timed until picture and words are new. What the
browser adds (sending a picture of some 50 kB, drawing it) isn't in it.

    python benchmarks/explorer_answers.py
"""

import time

import ipywidgets
import numpy as np

from unet_course.showing import explorers
from unet_course.training.augment import Augmentation

AGAIN = 20  # answers of each control
SIDE = 256
VOLUME = (240, 240, 155)


def ball(shape: tuple[int, ...], radius: float, place: float = 0.5) -> np.ndarray:
    """How far each element is from the middle (or from another `place` on the diagonal), in radii."""
    grids = np.meshgrid(*(np.arange(n) - place * n for n in shape), indexing="ij", sparse=True)
    return np.sqrt(sum(grid.astype(np.float32) ** 2 for grid in grids)) / radius


def made() -> dict:
    """The explorers, by name."""
    far = ball((SIDE, SIDE), 30)
    image, truth, probability = (far < 3) * 100 + 50 * (far < 1), far < 1, np.clip(1.5 - far, 0, 1)
    slices, half = 20, (120, 120, 78)
    stack = [np.repeat(one[None], slices, axis=0) for one in (probability, truth, image)]
    volume = ball(VOLUME, 30)
    labels = np.select([volume < 0.4, volume < 0.6, volume < 1], [1, 4, 2], 0).astype(np.uint8)
    images = np.repeat((100 * (volume < 2)).astype(np.int16)[..., None], 4, axis=-1)
    regions = np.stack([np.clip(1.5 - volume / r, 0, 1) for r in (1, 0.6, 0.4)], axis=-1)
    small = ball(half, 15)
    pieces = np.any([ball(half, 4, place) < 1 for place in np.linspace(0.2, 0.8, 9)], axis=0)
    masks = np.repeat(truth[None], 2, axis=0)
    return {
        "augmentation": explorers.augmentation(
            image[32:224:2, 32:224:2] / 150, truth[32:224:2, 32:224:2], make=Augmentation
        ),
        "clean_up": explorers.clean_up(small < 2, small < 1, pieces, (2, 2, 2)),
        "copier": explorers.copier(
            lambda at, bar: 1 - at, [0, 1], picture=lambda at: image.astype(np.uint8), masks=masks,
            names=["A 1", "B 1"], owner=["A", "B"],
        ),
        "epochs": explorers.epochs(image[None, ::2, ::2], truth[None, ::2, ::2], [stack[0][:1, ::2, ::2]] * 8),
        "one_pixel": explorers.one_pixel(),
        "paint": explorers.paint(image, truth, far < 1.1, spacing=(1, 1)),
        "planes": explorers.planes(images, labels, regions, affine=np.diag([-1, -1, 1, 1])),
        "receptive_field": explorers.receptive_field(image, truth),
        "threshold": explorers.threshold(*stack),
    }  # fmt: skip


def inside(widget) -> list:
    """The widget and all that are in it."""
    return [widget, *(one for child in getattr(widget, "children", ()) for one in inside(child))]


def moves(control) -> list:
    """Values to set one after the other; empty where there is nothing to move."""
    if isinstance(control, ipywidgets.Checkbox | ipywidgets.ToggleButton):
        return [True, False]
    if isinstance(
        control, ipywidgets.SelectionSlider | ipywidgets.ToggleButtons | ipywidgets.Dropdown
    ):
        return [option[1] if isinstance(option, tuple) else option for option in control.options]
    if isinstance(control, ipywidgets.IntSlider | ipywidgets.FloatSlider):
        kind = int if isinstance(control, ipywidgets.IntSlider) else float
        return [kind(v) for v in np.linspace(control.min, control.max, 5)]
    if hasattr(control, "stroke"):
        return [{"n": n, "points": [[100, 90 + 9 * n], [120, 100]]} for n in range(1, 6)]
    return []


def seconds_of(explorer) -> list[float]:
    """Seconds of each answer."""
    found = []
    for control in inside(explorer):
        name = "stroke" if hasattr(control, "stroke") else "value"
        values = moves(control)
        for i in range(AGAIN if values else 0):
            value = values[i % len(values)]
            if getattr(control, name) == value:
                continue
            start = time.perf_counter()
            setattr(control, name, value)
            found.append(time.perf_counter() - start)
    return found


def main() -> None:
    print(f"{'explorer':16}{'answers':>8}{'median, ms':>12}{'slowest, ms':>13}")
    for name, explorer in made().items():
        times = 1000 * np.array(seconds_of(explorer))
        print(f"{name:16}{len(times):8}{np.median(times):12.1f}{times.max():13.1f}")


if __name__ == "__main__":
    main()
