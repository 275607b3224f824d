# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = ["monai==1.6.1", "torch==2.15.0"]
# ///
"""MONAI: its UNet on a task of LGG, its SegResNet on a task of BraTS, by its tutorials' recipes.

    uv run benchmarks/peers/monai_peer.py TASK OUT --minutes 4

LGG: "2d_segmentation/torch/unet_training_dict" (UNet of 16 to 256 channels with two residual units, two
slices of four 96 × 96 crops, half of them around tumour, Dice loss, Adam). BraTS:
"brats_segmentation_3d" (SegResNet, flips, intensity scaling and shifts, squared Dice loss, Adam with a
cosine schedule, mixed precision). What differs here: BraTS crops of 64³ from the brain's box instead of
224 × 224 × 144, of which the minutes would see a handful; the schedule runs by the clock; bfloat16 or
float32, whichever is faster on this machine, in both.
"""

import copy
import warnings

import numpy as np
import peer
import torch
from monai.data import DataLoader, Dataset
from monai.inferers import sliding_window_inference
from monai.losses import DiceLoss
from monai.networks.nets import SegResNet, UNet
from monai.transforms import (
    Compose,
    NormalizeIntensity,
    RandCropByPosNegLabeld,
    RandFlipd,
    RandRotate90d,
    RandScaleIntensityd,
    RandShiftIntensityd,
    RandSpatialCropd,
    ScaleIntensity,
)
from monai.utils import set_determinism

CROP = (64, 64, 64)
BOTH = ("image", "mask")


def channels_first(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.moveaxis(array, -1, 0).astype(np.float32))


def endless(loader):
    while True:
        yield from loader


def faster_precision(network, loss, batch) -> bool:
    """Whether a training step takes less time with bfloat16, measured on a copy of the network."""
    seconds = []
    for enabled in (False, True):
        other = copy.deepcopy(network)
        optimizer = torch.optim.SGD(other.parameters(), 0.0)
        times = []
        for _ in range(3):
            started = peer.processor_seconds()
            step(other, loss, optimizer, batch, enabled)
            times.append(peer.processor_seconds() - started)
        seconds.append(min(times))
    print(f"a step: {seconds[0]:.2f} s in float32, {seconds[1]:.2f} s in bfloat16", flush=True)
    return seconds[1] < seconds[0]


def step(network, loss, optimizer, batch, bfloat16: bool) -> None:
    optimizer.zero_grad()
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        found = network(batch["image"].as_tensor())
    loss(found.float(), batch["mask"].as_tensor()).backward()
    optimizer.step()


def trained(network, loss, optimizer, loader, clock: peer.Clock, cosine: bool) -> bool:
    """Train for the minutes; returns whether it was done with bfloat16."""
    batches = endless(loader)
    bfloat16 = faster_precision(network, loss, next(batches))
    rate = optimizer.param_groups[0]["lr"]
    clock.start()
    going = True
    while going:
        if cosine:
            optimizer.param_groups[0]["lr"] = rate * clock.cosine()
        step(network, loss, optimizer, next(batches), bfloat16)
        going = clock.tick()
    network.eval()
    return bfloat16


def windows(network, images, size, batch: int, bfloat16: bool, **more) -> np.ndarray:
    """The network's decisions, (cases, channels, …), by sliding windows."""
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        found = sliding_window_inference(images, size, batch, network, **more)
    return (found.float() > 0).numpy()  # a probability above 0.5


def lgg(task: peer.Task, clock: peer.Clock, rate: float | None):
    scale = ScaleIntensity()
    items = []
    for id in task.train:
        for image, mask in zip(task.images(id), task.masks(id), strict=True):
            items.append(
                {"image": scale(channels_first(image)), "mask": channels_first(mask[..., None])}
            )
    change = Compose([
        RandCropByPosNegLabeld(BOTH, label_key="mask", spatial_size=(96, 96), pos=1, neg=1, num_samples=4),
        RandRotate90d(BOTH, prob=0.5),
    ])  # fmt: skip
    loader = DataLoader(Dataset(items, change), batch_size=2, shuffle=True, drop_last=True)
    network = UNet(2, 3, 1, channels=(16, 32, 64, 128, 256), strides=(2, 2, 2, 2), num_res_units=2)
    optimizer = torch.optim.Adam(network.parameters(), rate or 1e-3)
    bfloat16 = trained(network, DiceLoss(sigmoid=True), optimizer, loader, clock, cosine=False)
    facts = {"network": "UNet", "batch": "8 × 96²", "bfloat16": bfloat16} | clock.facts()

    def predict(id: str) -> np.ndarray:
        images = torch.stack([scale(channels_first(i)).as_tensor() for i in task.images(id)])
        return windows(network, images, (96, 96), 32, bfloat16)[:, 0]

    return network, facts, predict


def brats(task: peer.Task, clock: peer.Clock, rate: float | None):
    normalise = NormalizeIntensity(nonzero=True, channel_wise=True)

    def prepared(id: str) -> tuple[torch.Tensor, tuple[slice, ...]]:
        images = task.images(id)
        box = peer.brain_box(images)
        return normalise(channels_first(images[box])), box

    items = []
    for id in task.train:
        image, box = prepared(id)
        items.append({"image": image, "mask": channels_first(task.masks(id)[box])})
    change = Compose(
        [RandSpatialCropd(BOTH, roi_size=CROP, random_size=False)]
        + [RandFlipd(BOTH, prob=0.5, spatial_axis=axis) for axis in range(3)]
        + [RandScaleIntensityd("image", factors=0.1, prob=1.0)]
        + [RandShiftIntensityd("image", offsets=0.1, prob=1.0)]
    )
    loader = DataLoader(Dataset(items, change), batch_size=1, shuffle=True)
    network = SegResNet(
        in_channels=4, out_channels=3, init_filters=16, blocks_down=(1, 2, 2, 4), blocks_up=(1, 1, 1),
        dropout_prob=0.2,
    )  # fmt: skip
    loss = DiceLoss(smooth_nr=0, smooth_dr=1e-5, squared_pred=True, sigmoid=True)
    optimizer = torch.optim.Adam(network.parameters(), rate or 1e-4, weight_decay=1e-5)
    bfloat16 = trained(network, loss, optimizer, loader, clock, cosine=True)
    facts = {"network": "SegResNet", "batch": "1 × 64³", "bfloat16": bfloat16} | clock.facts()

    def predict(id: str) -> np.ndarray:
        image, box = prepared(id)
        found = np.zeros((*task.images(id).shape[:3], 3), np.uint8)
        decided = windows(network, image.as_tensor()[None], CROP, 4, bfloat16, overlap=0.5)[0]
        found[box] = np.moveaxis(decided, 0, -1)
        return found

    return network, facts, predict


def main() -> None:
    options = peer.arguments(__doc__)
    task = peer.Task(options.task, "lgg", "brats")
    warnings.filterwarnings("ignore", message=".*[Ff]oreground.*")  # slices without tumour
    set_determinism(options.seed)
    clock = peer.Clock(options.minutes, options.clock)
    network, facts, predict = {"lgg": lgg, "brats": brats}[task.kind](task, clock, options.rate)
    facts["parameters"] = sum(p.numel() for p in network.parameters())
    peer.finish(options.out, task, predict, facts, "monai", "torch")


if __name__ == "__main__":
    main()
