"""The rows of `lgg_ablation.py`: each changes one thing in the base."""

import dataclasses
import functools
from collections.abc import Callable

import keras
import lgg_dice

from unet_course.network import losses, unet
from unet_course.training import augment

# the size of lesson 05, so that some hundred steps fit into a run
RECIPE = dataclasses.replace(lgg_dice.RECIPES["course"], side=96, batch_size=8)
FILTERS = 16  # of the plain network; others get the number with which their parameters come nearest to its
POOLED = {"pool_batch": True}


def plain(side: int, filters: int, **options) -> keras.Model:
    size = {"filters": filters, "depth": RECIPE.depth, "patch": RECIPE.patch}
    return unet.unet((side, side, 3), **size, **options)


def plus_plus(side: int, filters: int) -> keras.Model:
    size = {"filters": filters, "depth": RECIPE.depth, "patch": RECIPE.patch}
    return unet.unet_plus_plus((side, side, 3), **size)


def sgd() -> keras.optimizers.Optimizer:
    return keras.optimizers.SGD(momentum=0.9, nesterov=True)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One change; all other settings are those of `bce-dice`."""

    group: str
    what: str
    loss: Callable[[], keras.losses.Loss] = lambda: losses.BCEDice(**POOLED)
    optimizer: Callable[[], keras.optimizers.Optimizer] = keras.optimizers.Adam
    peak: float = RECIPE.peak
    network: Callable[[int, int], keras.Model] = plain
    side: int = RECIPE.side
    augmentation: augment.Augmentation = RECIPE.augmentation
    tumour_fraction: float = RECIPE.tumour_fraction
    other_start: int = 0  # added to the seed of weights and batches, never to the fold


ROWS = {
    "bce-dice": Row(group="base", what="plain U-Net, Adam, BCE + pooled Dice, 75 % tumour slices"),
    "bce-dice-again": Row(group="base", what="the same from another random start", other_start=100),
    "bce": Row(group="loss", what="BCE", loss=keras.losses.BinaryCrossentropy),
    "weighted-bce": Row(
        group="loss",
        what="BCE, a tumour pixel weighs 10 times as much",
        loss=lambda: losses.WeightedBCE(positive_weight=10.0),
    ),
    "dice": Row(group="loss", what="Dice", loss=lambda: losses.SoftDice(**POOLED)),
    "bce-0.3-dice": Row(
        group="loss", what="BCE + 0.3 Dice", loss=lambda: losses.BCEDice(0.3, **POOLED)
    ),
    "bce-3-dice": Row(
        group="loss", what="BCE + 3 Dice", loss=lambda: losses.BCEDice(3.0, **POOLED)
    ),
    "bce-dice-per-case": Row(
        group="loss", what="BCE + Dice per slice, not pooled", loss=losses.BCEDice
    ),
    "focal": Row(
        group="loss",
        what="focal, gamma 2",
        loss=lambda: keras.losses.BinaryFocalCrossentropy(gamma=2.0),
    ),
    "tversky-misses": Row(
        group="loss",
        what="Tversky, 0.3 on false positives, 0.7 on false negatives",
        loss=lambda: losses.Tversky(alpha=0.3, beta=0.7, **POOLED),
    ),
    "tversky-background": Row(
        group="loss",
        what="Tversky, 0.7 on false positives, 0.3 on false negatives",
        loss=lambda: losses.Tversky(alpha=0.7, beta=0.3, **POOLED),
    ),
    # steps as large as nnU-Net's rate of 0.01 with momentum 0.99 (Isensee et al., 2021)
    "sgd": Row(group="optimiser", what="SGD, momentum 0.9, peak 0.1", optimizer=sgd, peak=0.1),
    "attention": Row(
        group="network",
        what="attention U-Net",
        network=functools.partial(plain, attention=True),
    ),
    "plus-plus": Row(group="network", what="U-Net++", network=plus_plus),
    "deep-supervision": Row(
        group="network",
        what="plain U-Net, deep supervision",
        network=functools.partial(plain, deep_supervision=True),
    ),
    "tumour-slices": Row(group="data", what="trained on tumour slices alone", tumour_fraction=1.0),
    "more-augmentation": Row(
        group="data",
        what="more augmentation: elastic, intensity",
        augmentation=dataclasses.replace(
            RECIPE.augmentation,
            elastic=2,
            contrast=0.25,
            brightness=0.1,
            gamma=0.25,
            bias_field=0.15,
            noise=0.04,
        ),
    ),
}


def nearest_filters(build: Callable[..., keras.Model], parameters: int) -> int:
    """Find the `filters` with which a network comes nearest to a number of parameters.

    For comparisons at equal parameters.

    Args:
        build: called as `build(filters=…)`; returns a model whose number of parameters grows
            about as the square of its filters.
        parameters: how many are wanted, counted as `count_params` does.

    Returns:
        The number of filters, at least 1.

    >>> nearest_filters(functools.partial(unet.unet, (64, 64, 3), depth=2), parameters=120_000)
    16
    """
    if parameters < 1:
        raise ValueError(f"parameters must be at least 1, it is {parameters}")
    counts: dict[int, int] = {}

    def distance(filters: int) -> int:
        if filters not in counts:
            counts[filters] = build(filters=filters).count_params()
        return abs(counts[filters] - parameters)

    filters = 8
    while filters not in counts:
        distance(filters)
        filters = max(1, round(filters * (parameters / counts[filters]) ** 0.5))
    return min((max(1, filters - 1), filters, filters + 1), key=distance)


@functools.cache
def filters_of(network: Callable[[int, int], keras.Model]) -> int:
    """Number of filters with which a network comes nearest to the plain one's parameters."""
    if network is plain:
        return FILTERS
    wanted = plain(RECIPE.side, FILTERS).count_params()
    return nearest_filters(functools.partial(network, RECIPE.side), wanted)
