"""Lesson 11's exercises: the usual mistakes, and the words of the hint that each must get."""

import numpy as np


def starts(last="max(length - patch, 0)", back="[*range(0, last, step), last]") -> str:
    return f"def window_starts(length, patch, step):\n    last = {last}\n    return {back}"


def dices(
    groups="([1, 2, 4], [1, 4], [4])",
    both="a.sum() + b.sum()",
    one="2 * (a & b).sum() / both if both else 1.0",
    back="result",
) -> str:
    return (
        "def region_dice(truth, prediction):\n"
        "    result = []\n"
        f"    for labels in {groups}:\n"
        "        a, b = np.isin(truth, labels), np.isin(prediction, labels)\n"
        f"        both = {both}\n"
        f"        result.append({one})\n"
        f"    return {back}"
    )


def rule(
    volume="(labels == 4).sum() * voxel_mm3",
    small="volume < minimum",
    changed="np.where(labels == 4, 1, labels)",
    back="labels.copy()",
) -> str:
    return (
        "def small_et(labels, minimum, voxel_mm3):\n"
        f"    volume = {volume}\n"
        f"    if {small}:\n"
        f"        return {changed}\n"
        f"    return {back}"
    )


def pooled(
    share="np.bincount(labels.ravel(), minlength=5) / labels.size",
    back="share[0], (share**2).sum()",
) -> str:
    return f"def nothing_gets(labels):\n    share = {share}\n    return {back}"


BY_PIECE = (
    "def small_et(labels, minimum, voxel_mm3):\n"
    "    from scipy import ndimage\n"
    "    pieces, count = ndimage.label(labels == 4)\n"
    "    result = labels.copy()\n"
    "    for i in range(1, count + 1):\n"
    "        if (pieces == i).sum() * voxel_mm3 < minimum:\n"
    "            result[pieces == i] = 1\n"
    "    return result"
)

IN_PLACE = (
    "def small_et(labels, minimum, voxel_mm3):\n"
    "    if (labels == 4).sum() * voxel_mm3 < minimum:\n"
    "        labels[labels == 4] = 1\n"
    "    return labels"
)


def a_case(side=5):
    """A head of 40 × 40 × 40 voxels with a tumour of side³ to the left: 0.2 % of it, or more."""
    labels = np.zeros((40, 40, 40), np.uint8)
    labels[4 : 4 + side, 10 : 10 + side, 10 : 10 + side] = 2
    labels[5, 11, 11], labels[6, 12, 12] = 1, 4
    return labels


def missed(labels=None, wrong=None, **others) -> dict:
    """What a student hands in who mirrored the tumour and worked out both figures."""
    labels = a_case() if labels is None else labels
    wrong = labels[::-1] if wrong is None else wrong
    both = np.count_nonzero(labels) + np.count_nonzero(wrong)
    overlap = np.count_nonzero((labels != 0) & (wrong != 0)) if labels.shape == wrong.shape else 0
    found = {
        "prediction": "A",
        "labels": labels,
        "wrong": wrong,
        "by_a": np.mean(labels == wrong) if labels.shape == wrong.shape else 0.0,
        "by_b": 2 * overlap / max(both, 1),
        "refuted": "A",
    }
    return found | others


EVIDENCE = {
    "two-figures": [
        missed(),
        missed(prediction="both", refuted="a"),
        missed(wrong=np.roll(a_case(), 20, axis=1)),
        missed(wrong=np.roll(a_case(), 20, axis=0) // 2),  # other labels, elsewhere
        missed(by_a=round(float(missed()["by_a"]), 5)),
    ]
}

MISTAKES = {
    "window-starts": [
        (starts(back="list(range(0, length, step))"), "sticks out"),
        (starts(back="list(range(0, length - patch + 1, step))"), "aren't covered"),
        (starts(back="[*range(0, last + 1, step), last]"), "comes twice"),
        (starts(last="length - patch"), "can't be negative"),
        (starts(back="[last, *range(0, last, step)]"), "should rise"),
        (starts(back="len([*range(0, last, step), last])"), "a list of whole numbers"),
        (starts(back="None"), "return"),
        (starts(back="[float(start) for start in [*range(0, last, step), last]]"), "whole number"),
        (starts(back="[str(start) for start in [*range(0, last, step), last]]"), "whole number"),
        (starts(back="(start for start in [*range(0, last, step), last])"), "Return a list"),
        (
            starts(last="max(length - patch - 1, 0)"),
            "Voxel 69 isn't covered by any window: the last one must end with the axis",
        ),
        (starts(last="max(length - patch - 2, 0)"), "Voxels 68 to 69 aren't covered"),
        (starts(back="[*range(0, last, patch - step), last]"), "range(0, last, step)"),
    ],
    "region-dice": [
        (dices(back="result[:1]"), "is `return` inside the loop"),
        (dices(back="result + [1.0]"), "One number for each region"),
        (dices(back="float(np.mean(result))"), "One number for each region"),
        (dices(groups="([1], [2], [4])"), "labels one by one"),
        (dices(groups="([1, 2, 4], [1], [4])"), "enhancing tumour is core, too"),
        (dices(one="2 * (a & b).sum() / both if both else 0.0"), "nothing was claimed"),
        (dices(one="2 * (a & b).sum() / both"), "ask for the empty case first"),
        (dices(one="(a & b).sum() / both if both else 0.5"), "twice"),
        (dices(both="(a | b).sum()", one="(a & b).sum() / both if both else 1.0"), "IoUs"),
        (dices(back="None"), "return"),
        (dices(back="[]"), "Append a number"),
        (dices(back="dict(zip(('WT', 'TC', 'ET'), result))"), "a list of three numbers"),
        (dices(back="[round(x, 3) for x in result]"), "You rounded"),
        (dices(back="result[::-1]"), "The order is"),
        (dices(one="(2 * (a & b).sum() + 1e-6) / (both + 1e-6)"), "A small number added"),
        (dices(one="2 * (a & b).sum() / (both + 1e-9)"), "nothing was claimed"),
        (
            dices(back="result if prediction.put(0, 0) is None else []"),
            "changed its argument `prediction`",
        ),
    ],
    "small-et": [
        (
            "def small_et(labels, minimum, voxel_mm3):\n"
            "    volume = (labels == 4).sum() * voxel_mm3\n"
            "    if 0 < volume < minimum:\n"
            "        return np.where(labels == 4, 1, labels)\n"
            "    return labels[:]",
            "a view of it",
        ),
        (BY_PIECE, "not piece by piece"),
        (IN_PLACE, "changed the array that came in"),
        (rule(small="True"), "nothing should change"),
        (rule(volume="(labels == 4).sum() * voxel_mm3 / 1000"), "nothing should change"),
        (rule(volume="(labels == 4).any() * voxel_mm3"), "nothing should change"),
        (rule(volume="(labels == 4).mean() * voxel_mm3"), "nothing should change"),
        (
            "def small_et(labels, minimum, voxel_mm3):\n"
            "    new = labels.copy()\n"
            "    new[new == 4] = 1\n"
            "    return new if (new == 4).sum() * voxel_mm3 < minimum else labels.copy()",
            "nothing should change",
        ),
        (rule(back="np.zeros_like(labels)"), "nothing should change"),
        (rule(changed="np.where(labels == 4, labels, 1)"), "all other labels stay"),
        (rule(changed="np.where(labels == 4, 1, 0)"), "all other labels stay"),
        (rule(changed="np.where(labels == 4, 0, labels)"), "became background"),
        (rule(changed="np.where(labels == 4, 2, labels)"), "oedema"),
        (rule(small="volume <= minimum"), "as much as the minimum stays"),
        (rule(volume="(labels == 4).sum()"), "multiply voxels by voxel_mm3"),
        (rule(changed="labels.copy()"), "should become label 1"),
        (rule(volume="(labels == 4).sum() * voxel_mm3**2"), "once"),
        (rule(volume="(labels == 4).sum() * voxel_mm3**3"), "once"),
        (rule(volume="int((labels == 4).sum() * voxel_mm3)"), "don't round"),
        (rule(volume="round((labels == 4).sum() * voxel_mm3)"), "don't round"),
        (rule(volume="np.ceil((labels == 4).sum() * voxel_mm3)"), "don't round"),
        (rule(small="volume < int(minimum)"), "don't round"),
        (rule(small="volume < round(minimum)"), "don't round"),
        (rule(volume="(labels == 4).sum(dtype=np.uint8) * voxel_mm3"), "nothing should change"),
        (rule(back="None"), "return"),
    ],
    "shares": [
        (pooled(back="(share**2).sum(), share[0]"), "The other way round"),
        (pooled(back="share[0], share[share > 0].mean() * 0 + 0.25"), "the mean share"),
        (pooled(back="share[0], share.max()"), "gives each class its share"),
        (pooled(back="1 - share[0], (share**2).sum()"), "the tumour's share"),
        (pooled(back="2 * share[0] / (1 + share[0]), (share**2).sum()"), "background's own Dice"),
        (
            pooled(share="np.unique(labels, return_counts=True)[1] / labels.size"),
            "Where there is none",
        ),
        (
            pooled(back="share[0], 2 * (share**2).sum() / (1 + (share**2).sum())"),
            "not of their squares",
        ),
        (pooled(back="share[0]"), "two numbers"),
        (pooled(back="None"), "return"),
    ],
    "two-figures": [
        (missed(wrong=a_case()), "covers 100% of the tumour"),
        (missed(wrong=np.zeros_like(a_case())), "half are asked for"),
        (missed(wrong=np.where(np.indices((40, 40, 40)).sum(0) == 3, 2, 0)), "half are asked for"),
        (missed(wrong=a_case()[1:]), "the truth's shape"),
        (missed(wrong=3 * (a_case()[::-1] > 0)), "its labels: 0, 1, 2 and 4"),
        (missed(labels=np.zeros((9, 9, 9)), wrong=np.ones((9, 9, 9))), "Take another case"),
        (missed(wrong=np.roll(a_case(), 3, axis=1)), "so it hasn't missed it"),
        (missed(labels=a_case(9)), "Take a case with a smaller tumour"),
        (missed(by_a=missed()["by_b"]), "That is B's formula"),
        (missed(by_a=1 - missed()["by_a"]), "voxels that are wrong"),
        (missed(by_b=missed()["by_a"]), "B leaves the background out"),
        (missed(by_a=0.5), "np.mean(wrong == labels)"),
        (missed(by_b=0.5), "metrics.dice"),
        (missed(refuted="B"), "that a missed tumour reaches all the same"),
        (missed(refuted="both"), "Name one figure"),
    ],
}
