"""The recipes of `brats_dice.py`: everything that is fixed before training."""

from dataclasses import dataclass, replace

from unet_course.training import augment


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that is fixed before training."""

    factor: int  # millimetres per voxel while training
    size: tuple[int, int, int]
    patch: int
    fine: int = 0
    filters: tuple[int, ...]  # candidates; the widest one fast enough on this machine is taken
    depth: int
    normalization: str
    batch_size: int
    peak: float
    deep_supervision: bool = False  # the decoder's coarser levels predict, too, in training
    average: float = 0.0  # momentum of the moving average of the weights that is evaluated; 0: none
    foreground: float
    asymmetry: bool = False  # differences from the mirror images as four more channels
    every: int = 0  # steps after which a new synthetic case replaces one; 0: the sample's own
    pool: int = 16  # synthetic cases at a time, if new ones are made
    real: float = 0.25  # share of patches from real cases, if there are both kinds
    real_from: float = 0.0  # share of the minutes after which real cases join new synthetic ones
    overlap: float = 0.5
    flips: tuple[tuple[int, ...], ...] = ((),)
    threshold: tuple[float, float, float] = (0.5, 0.5, 0.5)  # of WT, TC, ET
    keep_largest: bool = False
    share: float = 1.0  # of the largest component's size, from which others are kept, too
    # rank components by what lies above these probabilities (of WT, TC, ET); empty: by size
    certain: tuple[float, ...] = ()
    drop_small: float = 0.0  # mm³; less enhancing tumour than this becomes core
    core: float = 0.0  # smallest share of core in tumours that hardly enhance
    augmentation: augment.Augmentation


RECIPES = {
    # the baseline: a plain patch U-Net at 1 mm
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
        every=30,
        real=0.5,
        real_from=0.6,
        flips=((), (0,)),
        threshold=(0.4, 0.4, 0.3),
        keep_largest=True,
        share=0.4,
        certain=(0.8, 0.8),
        drop_small=200,  # the rule is nnU-Net's for BraTS 2020 (Isensee et al., 2021), the number ours
        core=0.3,
        augmentation=replace(
            augment.VOLUMES, flips=(0,), probability=0.5, contrast=0.4, brightness=0.5
        ),
    ),
}
