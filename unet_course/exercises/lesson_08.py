"""Checks of lesson 08: parameters, memory of a level, heads, regions, a budget of memory; its quiz."""

import numpy as np

from unet_course.exercises import verdict
from unet_course.exercises.choices import Question
from unet_course.exercises.verdict import Wrong, describe


def parameters_by_formula(answer):
    right = _network(2)
    got = answer(2)
    mistakes = [
        (
            _network(2, second=1),
            "The second convolution on the way down has twice the first one's filters: "
            "32 · 2^i · 2.",
        ),
        (
            # the same number as with the channels from below halved: 128 come in, not 192
            _network(2, joined=False),
            "128 channels came into the way up; it is 128 + 64: all the channels from below, "
            "since repeating voxels has no filters, and those that were kept.",
        ),
        (_network(2, ups=1), "There are two convolutions on each level of the way up."),
        (
            _network(2, wide=True),
            "The second convolution on the way up takes what the first gives: kept[i].",
        ),
        (
            _network(2, last=3),
            "The last convolution's kernel is 1 × 1 × 1, not 3 × 3 × 3.",
        ),
        (
            right - _conv(1, 64, 3),
            "The last convolution is missing: 1 wide, from `channels` to 3 classes.",
        ),
        (
            _network(2, classes=4),
            "Three classes go out; 4 are the channels that come in.",
        ),
        (
            _network(2, root=64, second=1),
            "The first convolution has 32 · 2^i filters; only the second has twice as many.",
        ),
    ]
    verdict.equal(
        got,
        right,
        "depth 2",
        # two of them lie within a ten-thousandth of each other, which counts as the same
        mistakes=[m for m in mistakes if np.ndim(got) == 0 and m[0] == got],
        hint="Down: 32 · 2^i, then twice that. Up: channels + kept[i] come in, kept[i] go out, "
        "twice. Last: width 1, from `channels` to 3.",
    )
    verdict.equal(
        answer(1),
        _network(1),
        "depth 1, no pooling and no way up",
        mistakes=[(right, "You returned depth 2's number: use the argument.")],
        hint="With one level the last convolution takes that level's 64 channels.",
    )
    verdict.equal(
        answer(3),
        _network(3),
        "depth 3",
        mistakes=[
            (
                _network(3, doubling=False),
                "Depth 2 was right. Filters double at each level: 2**i, not 2 * i or i + 1.",
            )
        ],
        hint="Depth 2 was right: use i, `channels` and kept[i], nothing that fits only two levels.",
    )
    verdict.equal(
        answer(4),
        _network(4),
        "depth 4",
        mistakes=[
            (
                _network(4, doubling=False),
                "Depth 2 was right. Filters double at each level: 2**i, not 2 * i or i + 1.",
            )
        ],
        hint="Depth 2 was right: use i, `channels` and kept[i], nothing that fits only two levels.",
    )
    return "A network is its formula: you can count one before you build it, skip connections included."


def _conv(width: int, channels_in: int, filters: int) -> int:
    return width**3 * channels_in * filters + filters


def _network(
    depth,
    *,
    root=32,
    second=2,
    joined=True,
    ups=2,
    wide=False,
    last=1,
    classes=3,
    doubling=True,
) -> int:
    """Count tutorial 001's parameters; the keywords other than `depth` are the usual mistakes."""
    total, channels, kept = 0, 4, []
    for i in range(depth):
        first = root * (2**i if doubling else i + 1)
        total += _conv(3, channels, first) + _conv(3, first, second * first)
        channels = second * first
        kept.append(channels)
    for i in reversed(range(depth - 1)):
        into = channels + kept[i] if joined else channels
        total += _conv(3, into, kept[i])
        if ups == 2:
            total += _conv(3, into if wide else kept[i], kept[i])
        channels = kept[i]
    return total + _conv(last, channels, classes)


def level_bytes(answer):
    shape = (144, 224, 224)
    _level(answer, shape, 0, 16, 6)
    _level(answer, shape, 1, 16, 6)
    _level(answer, (96, 64, 32), 3, 8, 2)
    _level(answer, (24, 40, 56), 2, 5, 7)
    return "Each level down costs a quarter of the one above: the top pays about three quarters."


def _level(answer, shape, level, filters, maps) -> None:
    voxels = int(np.prod([side // 2**level for side in shape]))
    full = int(np.prod(shape))
    channels = filters * 2**level
    right = 4 * voxels * channels * maps
    mistakes = [
        (right // 4, "These are numbers; each takes 4 bytes in float32."),
        (right / 1e9, "These are gigabytes; bytes are asked for."),
        (right / 1e6, "These are megabytes; bytes are asked for."),
        (right // maps, "That is one map; `maps` of them are kept."),
        (
            4 * full // 2**level * channels * maps,
            "All *three* sides are halved at each level: an eighth of the voxels, not a half. "
            "(Or do your channels grow more than twofold?)",
        ),
        (
            4 * full // 4**level * channels * maps,
            "All *three* sides are halved: an eighth of the voxels at each level. A quarter would "
            "be 2-D. (Or do your channels grow fourfold? They double.)",
        ),
        (4 * full * channels * maps, "The sides are halved `level` times: side // 2**level."),
        (8 * right, "These are bits: 32 bits are 4 bytes."),
        (
            4 * voxels * filters * maps,
            "The channels double at each level: filters * 2**level.",
        ),
        (
            4 * voxels * filters * max(2 * level, 1) * maps,
            "The channels *double* at each level: filters * 2**level, not 2 * level.",
        ),
        (
            4 * int(np.prod([side // max(2 * level, 1) for side in shape])) * channels * maps,
            "A side is halved `level` times: divide by 2**level, not by 2 * level.",
        ),
    ]
    verdict.equal(
        answer(shape, level, filters, maps),
        right,
        f"shape {shape}, level {level}, {filters} filters and {maps} maps",
        mistakes=[m for m in mistakes if m[0] != right],
        hint="4 bytes · voxels at this level · channels at this level · maps.",
    )


def head_for_targets(answer):
    rng = np.random.default_rng(8)
    labels = rng.integers(0, 4, (2, 3, 4, 5))
    labels[0, 0, 0, 0], labels[-1, -1, -1, -1] = 0, 0
    one_hot = (labels[..., None] == np.arange(4)).astype(np.uint8)
    nested = np.stack([labels > 0, labels > 1, labels > 2], axis=-1).astype(np.uint8)
    overlap = one_hot.copy()
    overlap[1, 1, 1, 1] = (0, 1, 1, 0)  # one voxel among many, neither first nor last
    swapped = "The names are swapped: softmax where exactly one channel is 1, in every voxel."
    text = 'Return the text "softmax" or "sigmoid".'
    _head(
        answer,
        one_hot,
        "softmax",
        "a one-hot array (2, 3, 4, 5, 4)",
        [("sigmoid", "Sum over the last axis, the channels: in every voxel the sum is 1 here.")],
        text,
    )
    _head(
        answer,
        nested,
        "sigmoid",
        "regions within each other (2, 3, 4, 5, 3)",
        [("softmax", "Some voxels have two or three channels that are 1. Look at each voxel.")],
        swapped,
    )
    _head(
        answer,
        overlap,
        "sigmoid",
        "a one-hot array with one voxel changed to two classes",
        [
            (
                "softmax",
                "*Every* voxel counts, .all(), and in it how many channels are 1: "
                "neither the mean nor the first voxel nor the largest value.",
            )
        ],
        swapped,
    )
    _head(
        answer,
        one_hot[..., 1:],
        "sigmoid",
        "three classes that exclude each other, without a background channel",
        [
            (
                "softmax",
                "A voxel without any class has a sum of 0. A softmax would have to give it one: "
                "exactly 1, not at most 1.",
            )
        ],
        swapped,
    )
    _head(
        answer,
        np.array([[1, 1], [0, 0]]),
        "sigmoid",
        "[[1, 1], [0, 0]]",
        [("softmax", "On average one channel is 1 here, but in no voxel: sum over the last axis.")],
        swapped,
    )
    _head(
        answer,
        np.array([[1, 0], [1, 0], [0, 1]]),
        "softmax",
        "[[1, 0], [1, 0], [0, 1]]",
        [("sigmoid", "Each voxel has exactly one channel that is 1, though not each channel one.")],
        swapped,
    )
    _head(
        answer,
        np.array([[1, 1, 1], [1, 0, 0], [0, 0, 1]]),
        "sigmoid",
        "[[1, 1, 1], [1, 0, 0], [0, 0, 1]]",
        [("softmax", "The first voxel has three channels that are 1: an odd number isn't enough.")],
        swapped,
    )
    for same in ([[1, 1, 0], [0, 1, 1]], [[0, 0], [0, 0]]):
        _head(
            answer,
            np.array(same),
            "sigmoid",
            f"{same}",
            [("softmax", "All voxels have the same number of channels that are 1, but not one.")],
            swapped,
        )
    _head(
        answer,
        one_hot.astype(np.float32),
        "softmax",
        "the one-hot array again, as float32",
        [("sigmoid", "Zeros and ones may be of any type, floats among them.")],
        swapped,
    )
    _head(
        answer,
        np.array([[[True, False]], [[False, True]]]),
        "softmax",
        "[[[True, False]], [[False, True]]]",
        [("sigmoid", "Zeros and ones may be of any type, booleans among them.")],
        swapped,
    )
    return "Run it on your masks before you choose: a misfit trains without any complaint."


def _head(answer, targets, right, given, mistakes, hint) -> None:
    verdict.equal(answer(targets), right, given, mistakes=mistakes, hint=hint)


def labels_from_regions(answer):
    pure = np.array([[1, 1, 1], [1, 1, 0], [1, 0, 0], [0, 0, 0]], bool)
    verdict.equal(
        answer(pure),
        [4, 1, 2, 0],
        "a voxel of ET, one of TC, one of WT and a healthy one",
        mistakes=[
            (
                [2, 2, 2, 0],
                "Only WT's label is left: the outermost region came last and wrote over the others "
                "(begin with it), or the others are missing.",
            ),
            (
                [1, 1, 2, 0],
                "ET's label is missing: TC came after ET and wrote over it (the innermost region "
                "comes last), or ET was left out.",
            ),
            ([4, 2, 2, 0], "The label of TC is missing, 1: it comes after WT and before ET."),
            ([3, 2, 1, 0], "The number of regions isn't the label: ET is 4, TC 1 and WT 2."),
            ([3, 1, 2, 0], "The enhancing tumour's label is 4; BraTS 2020 has no 3."),
            ([4, 2, 1, 0], "Labels 1 and 2 are swapped: 1 is in the core, 2 (oedema) outside."),
            ([7, 3, 2, 0], "The labels were added up: a voxel has one label, so assign it."),
            ([4, 1, 0, 0], "What is left of WT is missing: label 2."),
            ([4, 0, 2, 0], "What is left of TC is missing: label 1."),
            ([0, 1, 2, 0], "ET is missing: label 4."),
        ],
        hint="labels[wt] = 2, then labels[tc] = 1, then labels[et] = 4.",
    )
    kind = np.asarray(answer(pure)).dtype
    if kind.kind not in "iu":
        raise verdict.Wrong(
            f"your labels are of type {kind}",
            "Labels are whole numbers: np.zeros(wt.shape, np.uint8).",
        )
    torn = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 1], [0, 1, 1]], bool)
    lost = "The innermost region decides, whatever the outer ones say."
    verdict.equal(
        answer(torn),
        [4, 1, 4, 4],
        "voxels whose regions disagree, such as ET without WT",
        mistakes=[
            ([0, 0, 0, 0], lost),
            ([0, 0, 4, 0], lost),
            ([0, 1, 0, 4], lost),
            ([0, 0, 2, 0], lost),
            ([0, 1, 2, 4], lost),
            ([0, 1, 2, 1], lost),
        ],
        hint=lost,
    )
    rng = np.random.default_rng(8)
    block = rng.random((3, 4, 5, 3)) > 0.5
    wt, tc, et = np.moveaxis(block, -1, 0)
    verdict.equal(
        answer(block),
        np.select([et, tc, wt], [4, 1, 2], 0),
        "a block of 3 × 4 × 5 voxels",
        hint="Any number of axes may come before the last: regions[..., 0], not regions[:, 0].",
    )
    return "`brats.labels_of` does the same; lesson 11 writes its answer into a file."


BUDGET = 0.5  # GB above a first small step
SMALLEST = 48  # the patch's side
SEES = 40  # voxels along an axis


def half_a_gigabyte(evidence):
    side, depth, filters = (_whole(evidence[name], name) for name in ("side", "depth", "filters"))
    if side % 2**depth:
        raise Wrong(
            f"a side of {side} can't be halved {depth} times",
            f"With a depth of {depth} each side must be a multiple of {2**depth}.",
        )
    if side < SMALLEST:
        raise Wrong(
            f"a patch of {side}³ is too small: a side of {SMALLEST} is asked for",
            "Make it larger, and pay for it with fewer filters.",
        )
    sees = _field(depth)
    if sees < SEES:
        raise Wrong(
            f"at a depth of {depth} a voxel of the output sees {sees} voxels along an axis, fewer "
            f"than {SEES}",
            "Only depth widens it; a level more costs a quarter of what the one above it costs.",
        )
    measured = _number(evidence["measured"], "measured")
    expected = 4 * (_outputs(side, depth, filters) - _outputs(16, depth, filters)) / 1e9
    if not expected / 4 < measured < expected * 4:
        raise Wrong(
            f"measured={describe(measured)} isn't what a step of this network takes: by arithmetic "
            f"it is {expected:.2f} GB",
            "Pass what step_gb returned for this side, depth and number of filters, in GB.",
        )
    if measured > BUDGET:
        raise Wrong(
            f"{measured:.2f} GB is more than the budget of {BUDGET} GB",
            "Half the filters: half the memory. A patch with half the side: an eighth. A level less "
            "saves next to nothing.",
        )
    if measured < BUDGET / 2:
        raise Wrong(
            f"{measured:.2f} GB uses less than half of the budget",
            "There is memory left for a larger patch or for more filters.",
        )
    said = f"a patch of {side}³ with {filters} filters, which sees {sees} voxels along an axis, in "
    said += f"{measured:.2f} GB."
    try:
        ratio = measured / float(evidence["prediction"])
    except (TypeError, ValueError, ZeroDivisionError):
        ratio = -1.0
    if ratio <= 0:
        return f"{said} Your prediction was no number of GB, so it can't be compared."
    times = ratio if ratio >= 1 else 1 / ratio
    than = "more" if ratio >= 1 else "less"
    if times < 1.05:
        return f"{said} It is what you predicted."
    if times <= 2:
        return f"{said} It is {times:.1f} times {than} than you predicted: arithmetic does for planning."
    return f"{said} It is {times:.1f} times {than} than you predicted: which layers did you count?"


def _whole(value, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise Wrong(f"{name}={describe(value)} must be a whole number, 1 or more")
    return int(value)


def _number(value, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise Wrong(
            f"{name}={describe(value)} is no number", "step_gb returns the GB, one number."
        ) from None


def _field(depth: int) -> int:
    """The fewest voxels along an axis that a voxel at the output of `unet.unet` is made of."""
    down, up = ["conv", "conv", "pool"], ["up", "conv", "conv"]
    steps = down * depth + ["conv"] * 2 + up * depth
    widths = []
    for place in range(1000, 1000 + 2**depth):
        first = last = place
        for step in reversed(steps):
            if step == "conv":
                first, last = first - 1, last + 1
            elif step == "pool":
                first, last = 2 * first, 2 * last + 1
            else:
                first, last = first // 2, last // 2
        widths.append(last - first + 1)
    return min(widths)


def _outputs(side: int, depth: int, filters: int) -> int:
    """How many numbers come out of all layers of the lesson's network, for one patch."""
    numbers = side**3 * (4 + 3 + 3)  # input, the last convolution, its sigmoid
    for level in range(depth + 1):
        channels, voxels = filters * 2**level, (side // 2**level) ** 3
        if level:  # what is pooled from the level above
            numbers += voxels * channels // 2
        # convolution, normalisation and ReLU, twice; on the way up again, enlarged and joined
        numbers += voxels * channels * (6 if level == depth else 6 + 1 + 2 + 6)
    return numbers


CHECKS = {
    "parameters-by-formula": parameters_by_formula,
    "level-bytes": level_bytes,
    "head-for-targets": head_for_targets,
    "labels-from-regions": labels_from_regions,
    "half-a-gigabyte": half_a_gigabyte,
}
OPEN_TASKS = {"half-a-gigabyte"}

QUIZ = {
    "q1": Question(
        right="b",
        why={
            "a": "A convolution's weights are in × out, and both are halved: the parameters fall "
            "further than that.",
            "b": "In × out is halved twice; each map has half the channels.",
            "c": "It is the other way round: parameters go with in × out, activations with the "
            "channels alone.",
        },
    ),
    "q2": Question(
        right="a",
        why={
            "a": "In training it uses the batch's own mean and spread, in prediction averages that two "
            "patches a batch leave unsteady.",
            "b": "Small patches would do harm in training, too: there they are just as small.",
            "c": "More epochs change the weights, which are fine. What differs between training and "
            "prediction is the normalisation.",
        },
    ),
    "q3": Question(
        right="c",
        why={
            "a": "Binary cross-entropy judges each channel by itself, as it should. Nothing in it can "
            "forbid ET outside of TC.",
            "b": "A softmax over regions can't be right: an enhancing voxel is in all three, and its "
            "channels would have to add up to 3.",
            "c": "It is settled when labels are made of the regions, for instance by the rule that the "
            "innermost decides.",
        },
    ),
}
