"""A plan for a network and its training, drawn from a fingerprint by stated rules.

After nnU-Net (Isensee et al., 2021), with the course's own U-Net and a memory of one's choice:

1. Normalisation: each case and channel by itself (MRI has no unit): volumes to mean 0 and deviation 1 in
   the brain (`normalise.z_score`), slices from their percentiles 1 to 99.5 to 0 to 1 (`slices.rescale`).
2. Spacing: the median of the set, axis by axis; `prepared_cases.prepare` resamples to it.
3. Filters: 32 at full resolution, doubled at each level.
4. Depth: as many levels as leave 4 voxels along the shortest side at the bottom, 4 at most.
5. Patch: the median shape, then smaller, always along the axis on which it is largest compared with
   the median shape, until a step with a batch of two fits into the memory. No side falls below 32:
   where that isn't enough, the filters are halved.
6. Batch: two, or more while they fit and hold at most 5 % of the set's voxels.

A step's memory is what lesson 08 counts: 4 bytes for each number that comes out of a layer, for each
case of the batch; and 16 bytes for each parameter (itself, its gradient, Adam's two means).
"""

from __future__ import annotations

import json
import math
from functools import lru_cache
from pathlib import Path

import keras

from unet_course import storage
from unet_course.network import unet

FORMAT = 2  # raise it when what stands in a plan changes
KEYS = {"format", "set", "channels", "normalisation", "spacing", "size", "batch_size", "network"}
KEYS |= {"step_gb"}
NORMALISATION = {2: "percentiles 1 to 99.5 as 0 to 1", 3: "z-score in the brain"}  # by axes
FILTERS, FEWEST_FILTERS = 32, 4
DEEPEST, BOTTOM = 4, 4  # levels, and voxels along the shortest side at the bottom
SHORTEST = 32  # voxels: smaller patches show too little of their surroundings
BATCH, BATCH_SHARE = 2, 0.05


def make_plan(fingerprint: dict, memory_gb: float = 2.0) -> dict:
    """Draw a plan from a fingerprint (`data.fingerprint`) by the module's rules.

    Args:
        memory_gb: for one training step, in GB (10⁹ bytes). Python with TensorFlow takes 0.7 GB
            besides. Measured on two cores, a step took 1.1 to 1.3 times what the count says.

    Returns:
        A dict that JSON takes: `normalisation` (what `slices.load` or `prepared_cases.prepare` does),
        `spacing` in mm (None where files carry none) as `prepare` takes it, `size` of a patch and
        `batch_size` as `patch_batches.Patches` names them, `network` (arguments of `unet.unet`),
        `parameters`, and `step_gb`, what a step takes by the count above.

    Raises:
        ValueError: even the smallest network with the smallest patch doesn't fit.

    >>> shape = {"median": [138, 174, 141]}
    >>> brain = {"set": "BraTS", "axes": 3, "cases": 6, "channels": ["T1", "T1ce", "T2", "FLAIR"]}
    >>> brain |= {"shape": shape, "spacing": {"median": [1, 1, 1]}, "classes": dict.fromkeys("abc")}
    >>> plan = make_plan(brain, memory_gb=2)
    >>> plan["size"], plan["batch_size"], plan["network"]["filters"], plan["network"]["depth"]
    ([48, 80, 64], 2, 32, 3)
    """
    median, axes = fingerprint["shape"]["median"], fingerprint["axes"]
    channels, classes = len(fingerprint["channels"]), len(fingerprint["classes"])
    budget, filters = memory_gb * 1e9, FILTERS
    while True:
        size = _largest_patch(median, filters, channels, classes, budget)
        if size or filters == FEWEST_FILTERS:
            break
        filters //= 2
    if not size:
        least = _step_bytes([SHORTEST] * axes, BATCH, filters, channels, classes) / 1e9
        raise ValueError(
            f"no plan fits into {memory_gb:g} GB: the smallest takes {least:.2f} GB a step"
        )
    count = fingerprint.get("slices", fingerprint["cases"])
    at_most = BATCH_SHARE * count * math.prod(median) / math.prod(size)
    batch = BATCH
    while (
        batch + 1 <= at_most and _step_bytes(size, batch + 1, filters, channels, classes) <= budget
    ):
        batch += 1
    network = {"filters": filters, "depth": _depth(size), "classes": classes}
    network |= {"normalization": "instance", "head": "sigmoid"}
    spacing = fingerprint["spacing"]
    return {
        "format": FORMAT,
        "set": fingerprint["set"],
        "channels": list(fingerprint["channels"]),
        "normalisation": NORMALISATION[axes],
        "spacing": None if spacing is None else spacing["median"],
        "size": size,
        "batch_size": batch,
        "network": network,
        "parameters": _counts(axes, _depth(size), filters, channels, classes)[1],
        "step_gb": round(_step_bytes(size, batch, filters, channels, classes) / 1e9, 2),
    }


def build_network(plan: dict) -> keras.Model:
    """The network of a plan, not trained: `(batch, *size, channels)` → `(batch, *size, classes)`."""
    return unet.unet((*plan["size"], len(plan["channels"])), **plan["network"])


def write(plan: dict, file: Path | str) -> None:
    """Write a plan as JSON, whole or not at all. Raises OSError."""
    storage.write_text(Path(file), json.dumps(plan, indent=1) + "\n")


def read(file: Path | str) -> dict:
    """Read what `write` wrote; its numbers may have been changed by hand.

    Raises:
        ValueError: it is damaged, of another version, or its network can't take its patch.
        FileNotFoundError: there is no such file.
    """
    again = "make it again with `unet-course plan FOLDER --out FILE`"
    plan = storage.read_facts(Path(file), "a plan", FORMAT, KEYS, again)
    try:
        step = 2 ** plan["network"]["depth"]
        whole = all(
            isinstance(side, int) and side > 0 and side % step == 0 for side in plan["size"]
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"{file}: its size or its network can't be understood: {again}") from error
    if not whole or len(plan["size"]) not in (2, 3):
        raise ValueError(
            f"{file}: each side of the patch {plan['size']} must be a multiple of 2**depth = {step}"
        )
    return plan


# --- the rules ----------------------------------------------------------------------------------


def _depth(size: list[int]) -> int:
    return max(1, min(DEEPEST, int(math.log2(min(size) / BOTTOM))))


def _largest_patch(median, filters: int, channels: int, classes: int, budget: float):
    """The largest patch that fits by rule 5; None if even one of SHORTEST a side doesn't."""
    step = 2**DEEPEST
    size = [step * max(SHORTEST // step, math.ceil(side / step)) for side in median]
    while _step_bytes(size, BATCH, filters, channels, classes) > budget:
        longer = [axis for axis, side in enumerate(size) if side > SHORTEST]
        if not longer:
            return None
        size[max(longer, key=lambda axis: size[axis] / median[axis])] -= step
    return size


def _step_bytes(size: list[int], batch: int, filters: int, channels: int, classes: int) -> float:
    """Bytes of a training step by the module's count."""
    per_voxel, parameters = _counts(len(size), _depth(size), filters, channels, classes)
    return 4 * batch * per_voxel * math.prod(size) + 16 * parameters


@lru_cache
def _counts(axes: int, depth: int, filters: int, channels: int, classes: int) -> tuple[float, int]:
    """Numbers that come out of all layers for one voxel of the input, and parameters."""
    side = 2 * 2**depth  # a single voxel at the bottom could not be normalised
    options = {"filters": filters, "depth": depth, "classes": classes}
    options |= {"normalization": "instance", "head": "sigmoid"}
    model = unet.unet((side,) * axes + (channels,), **options)
    numbers = sum(math.prod(layer.output.shape[1:]) for layer in model.layers)
    return numbers / side**axes, model.count_params()
