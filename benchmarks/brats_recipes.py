"""The recipes of `brats_dice.py`: everything that is fixed before training."""

from dataclasses import dataclass, replace

from unet_course.training import augment


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that is fixed before training."""

    factor: int  # millimetres a voxel while training
    size: tuple[int, int, int]
    patch: int
    fine: int = 0
    filters: tuple[int, ...]  # candidates; the widest that this machine trains long enough is taken
    depth: int
    normalization: str
    batch_size: int
    peak: float
    foreground: float
    asymmetry: bool = False  # the modalities beside their mirror images, four channels more
    fade: float = 0.0  # share of the patches whose tumour is made fainter
    restyle: bool = False  # each sample case once more in real ones' contrast, where there are both
    real: float = 0.25  # share of the patches that come from real cases, where there are both
    overlap: float = 0.5
    flips: tuple[tuple[int, ...], ...] = ((),)
    threshold: tuple[float, float, float] = (0.5, 0.5, 0.5)  # of WT, TC, ET
    keep_largest: bool = False
    share: float = 1.0  # of the largest piece's size, from which others stay beside it
    surest: bool = False  # pieces compared by how far their probability lies above the threshold
    drop_small: float = 0.0  # mm³ of enhancing tumour below which it counts as core
    core: float = 0.0  # share of the tumour that is core at least, where next to nothing enhances
    augmentation: augment.Augmentation


RECIPES = {
    # the figure to beat: a plain patch U-Net at 1 mm, as anybody would write it first
    "plain": Recipe(
        factor=1,
        size=(64, 64, 64),
        patch=1,
        filters=(16,),
        depth=3,
        normalization="instance",
        batch_size=2,
        peak=1e-3,
        foreground=0.67,
        augmentation=augment.Augmentation(
            flips=(0, 1, 2), probability=0, zscored=True, shift=0, elastic=0
        ),
    ),
    "course": Recipe(
        factor=2,
        size=(48, 48, 48),
        patch=2,
        fine=12,
        filters=(12, 16, 24, 32),
        depth=3,
        normalization="group",
        batch_size=1,
        peak=2e-3,
        foreground=0.5,
        asymmetry=True,
        fade=0.4,
        restyle=True,
        real=0.5,
        flips=((), (0,)),
        threshold=(0.4, 0.4, 0.3),
        keep_largest=True,
        surest=True,
        drop_small=200,  # a rule of nnU-Net's for BraTS 2020 (Isensee et al., 2021), a number of ours
        core=0.4,
        augmentation=replace(
            augment.VOLUMES, flips=(0,), probability=0.5, contrast=0.4, brightness=0.5
        ),
    ),
}
