"""Lesson 08's exercises: the usual mistakes, and the words of the hint that each must get."""


def network(
    first="32 * 2**i",
    second="2 * first",
    up="convolution_parameters(3, channels + kept[i], kept[i])",
    again="convolution_parameters(3, kept[i], kept[i])",
    last="convolution_parameters(1, channels, 3)",
) -> str:
    return (
        "def parameters_001(depth):\n"
        "    total, channels, kept = 0, 4, []\n"
        "    for i in range(depth):\n"
        f"        first = {first}\n"
        f"        second = {second}\n"
        "        total += convolution_parameters(3, channels, first)\n"
        "        total += convolution_parameters(3, first, second)\n"
        "        channels = second\n"
        "        kept.append(second)\n"
        "    for i in reversed(range(depth - 1)):\n"
        f"        total += {up}\n"
        f"        total += {again}\n"
        "        channels = kept[i]\n"
        f"    return total + {last}"
    )


def level(
    voxels="math.prod(side // 2**level for side in shape)",
    channels="filters * 2**level",
    back="4 * voxels * channels * maps",
) -> str:
    return (
        "def level_bytes(shape, level, filters, maps):\n"
        f"    voxels = {voxels}\n"
        f"    channels = {channels}\n"
        f"    return {back}"
    )


def head(test: str, yes: str = '"softmax"', no: str = '"sigmoid"') -> str:
    return f"def head_for(targets):\n    return {yes} if {test} else {no}"


def labels(*lines: str) -> str:
    return (
        "def labels_from(regions):\n"
        "    wt, tc, et = regions[..., 0], regions[..., 1], regions[..., 2]\n"
        "    labels = np.zeros(wt.shape, np.uint8)\n"
        + "".join(f"    {line}\n" for line in lines)
        + "    return labels"
    )


WT, TC, ET = "labels[wt] = 2", "labels[tc] = 1", "labels[et] = 4"


def plan(**changed) -> dict:
    return {"prediction": 0.34, "side": 64, "depth": 3, "filters": 16, "measured": 0.37, **changed}


MISTAKES = {
    "parameters-by-formula": [
        (network(second="first"), "twice the first one's filters"),
        (network(up="convolution_parameters(3, channels, kept[i])"), "and those that were kept"),
        (
            network(up="convolution_parameters(3, 2 * kept[i], kept[i])"),
            "repeating voxels has no filters",
        ),
        (network(again="0"), "two convolutions on each level"),
        (
            network(again="convolution_parameters(3, channels + kept[i], kept[i])"),
            "takes what the first gives",
        ),
        (network(last="convolution_parameters(3, channels, 3)"), "1 × 1 × 1"),
        (network(last="0"), "last convolution is missing"),
        (network(last="convolution_parameters(1, channels, 4)"), "Three classes go out"),
        (network(first="64 * 2**i", second="first"), "only the second has twice as many"),
        (network(first="32 * (i + 1)"), "not 2 * i or i + 1"),
        ("def parameters_001(depth):\n    return 833507", "use the argument"),
        (
            "def parameters_001(depth):\n    return 833507 if depth == 2 else 59043",
            "nothing that fits only two levels",
        ),
        (network(last="2 * convolution_parameters(1, channels, 3)"), "Last: width 1"),
        (network(up="2 * convolution_parameters(3, channels + kept[i], kept[i])"), "Down: 32"),
        (network(last="convolution_parameters(1, kept[-1], 3)"), "Last: width 1"),
        (network(second="np.int64(first)"), "twice the first one's filters"),
        (
            "def parameters_001(depth):\n    return {1: 59043, 2: 833507}.get(depth, 0)",
            "nothing that fits only two levels",
        ),
        (network(first="32 * max(1, i * 2)"), "fits only two levels"),
    ],
    "level-bytes": [
        (level(back="voxels * channels * maps"), "each takes 4 bytes"),
        (level(back="32 * voxels * channels * maps"), "32 bits are 4 bytes"),
        (level(back="4 * voxels * channels * maps / 1e9"), "gigabytes; bytes"),
        (level(back="4 * voxels * channels * maps / 1e6"), "megabytes; bytes"),
        (level(back="4 * voxels * channels"), "That is one map"),
        (level("math.prod(shape) // 2**level"), "an eighth of the voxels, not a half"),
        (level("math.prod(shape) // 4**level"), "would be 2-D"),
        (level("math.prod(shape)"), "The sides are halved"),
        (level(channels="filters"), "The channels double"),
        (level(channels="filters * max(2 * level, 1)"), "not 2 * level"),
        (level("math.prod(side // max(2 * level, 1) for side in shape)"), "not by 2 * level"),
        (level(back="8 * voxels * channels * maps"), "4 bytes · voxels"),
        (level("144 * 224 * 224 // 8**level"), "4 bytes · voxels"),
        (level("(side // 2**level for side in shape)"), "TypeError"),
        (level(back="2 * voxels * channels * maps"), "4 bytes"),
        (level(back="4 * voxels * channels + maps"), "`maps` of them are kept"),
        (level("(shape[0] // 2**level) ** 3"), "4 bytes · voxels"),
        (level("math.prod(shape) / 8 ** min(level, 1)"), "halved at each level"),
        (level(channels="filters * 4**level"), "grow fourfold"),
    ],
    "head-for-targets": [
        (head("targets.sum(axis=-1).max() <= 1"), "exactly 1, not at most 1"),
        (head("targets.sum(axis=-1).mean() == 1"), "On average one channel is 1"),
        (head("(targets.sum(axis=-1) == 1).any()"), "Look at each voxel"),
        (head("(targets.sum(axis=-1) == 1).mean() > 0.9"), "*Every* voxel counts"),
        (
            head("targets.reshape(-1, targets.shape[-1])[0].sum() == 1"),
            "neither the mean nor the first voxel",
        ),
        (head("targets.shape[-1] > 1"), "Look at each voxel"),
        (head("targets.shape[-1] > 3"), "*Every* voxel counts"),
        (head("(targets.sum(axis=0) == 1).all()"), "Sum over the last axis"),
        (
            head("(targets.sum(axis=-1) == 1).all()", '"sigmoid"', '"softmax"'),
            "Sum over the last axis",
        ),
        (head("True"), "Look at each voxel"),
        (head("(targets.sum(axis=-1) % 2 == 1).all()"), "an odd number"),
        (head("targets.sum(axis=-1).std() == 0"), "but not one"),
        (head("len(np.unique(targets.sum(axis=-1))) == 1"), "but not one"),
        (head("targets.sum() == targets[..., 0].size"), "On average"),
        (head("(targets.max(axis=-1) == 1).all()"), "nor the largest value"),
        (head("(targets[..., 0] == 1 - targets[..., 1:].max(axis=-1)).all()"), "how many channels"),
        (head("np.median(targets.sum(axis=-1)) == 1"), "Look at each voxel"),
        (head("targets.dtype == np.uint8 and (targets.sum(axis=-1) == 1).all()"), "Each voxel has"),
        (head("(targets.sum(axis=-1) == 1).all()", "True", "False"), 'the text "softmax"'),
        (head("targets.sum(axis=-1) == 1"), "ValueError"),
    ],
    "labels-from-regions": [
        (labels(ET, TC, WT), "begin with it"),
        (labels(WT, ET, TC), "TC came after ET"),
        (labels("labels = regions.sum(axis=-1)"), "number of regions isn't the label"),
        (labels(WT, TC, "labels[et] = 3"), "BraTS 2020 has no 3"),
        (labels("labels[wt] = 1", "labels[tc] = 2", ET), "swapped"),
        (labels("labels = 2 * wt + 1 * tc + 4 * et"), "added up"),
        (labels(TC, ET), "What is left of WT"),
        (labels(WT), "or the others are missing"),
        (labels(WT, TC), "or ET was left out"),
        (labels(WT, ET), "label of TC is missing"),
        (labels(WT, TC, ET, "labels = labels.astype(float)"), "whole numbers"),
        (labels("labels = 2 * wt - tc + 3 * et"), "The innermost region decides"),
        (labels(WT, "labels[wt & tc] = 1", "labels[wt & et] = 4"), "The innermost region decides"),
        (labels("labels[wt & ~tc] = 2", ET), "What is left of TC"),
        (labels("labels[wt & ~tc] = 2", "labels[tc & ~et] = 1"), "ET is missing"),
        (
            labels(WT, "labels[tc & wt] = 1", "labels[et & tc & wt] = 4"),
            "The innermost region decides",
        ),
        (labels(WT, TC, "labels[et & tc] = 4"), "The innermost region decides"),
        (
            "def labels_from(regions):\n"
            "    wt, tc, et = regions[:, 0], regions[:, 1], regions[:, 2]\n"
            "    labels = np.zeros(wt.shape, np.uint8)\n"
            "    labels[wt] = 2\n    labels[tc] = 1\n    labels[et] = 4\n    return labels",
            "regions[..., 0], not regions[:, 0]",
        ),
        (labels(WT, TC, ET).replace("    return labels", ""), "is yours missing?"),
    ],
    "half-a-gigabyte": [
        (plan(side=60), "can't be halved 3 times"),
        (plan(side=32, filters=64), "is too small"),
        (plan(depth=1, side=64), "fewer than 40"),
        (plan(filters=32, measured=0.7), "more than the budget"),
        (plan(filters=8, measured=0.19), "less than half of the budget"),
        (plan(measured=1.24), "more than the budget"),  # the whole peak
        (plan(measured=3.4), "isn't what a step of this network takes"),
        (plan(measured=350), "isn't what a step of this network takes"),
        (plan(measured=float("nan")), "isn't what a step of this network takes"),
        (plan(measured="0.3 GB"), "is no number"),
        (plan(depth=2.5), "whole number"),
        (plan(side=(64, 64, 64)), "whole number"),
    ],
}

EVIDENCE = {
    "half-a-gigabyte": [
        plan(),
        plan(prediction=0.1),
        plan(prediction=0.37),
        plan(prediction="a lot"),
        plan(side=80, depth=2, filters=8, measured=0.31),
        plan(side=48, depth=4, filters=32, measured=0.45),
    ]
}
