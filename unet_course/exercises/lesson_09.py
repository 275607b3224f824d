"""The checks of lesson 09: labels that are turned, numbers of a batch, a cache's key, a patch."""

import inspect
import os
import tempfile
from itertools import product
from pathlib import Path

import numpy as np

from unet_course.exercises import verdict
from unet_course.exercises.verdict import Wrong, describe


def turn_labels(answer):
    rng = np.random.default_rng(9)
    labels = np.array([0, 1, 2, 4], np.uint8)[rng.integers(0, 4, (9, 12))]
    labels[0], labels[:, 0] = 4, 4
    labels[-1], labels[:, -1] = 1, 1  # what wraps round is seen, and isn't what is rounded inwards
    for given, degrees in (
        ("a slice of 9 × 12, not turned", 0.0),
        ("a slice of 9 × 12, turned by 33 degrees", 33.0),
        ("a slice of 9 × 12, turned by -70 degrees", -70.0),
    ):
        got = answer(labels.copy(), degrees)
        verdict.equal(
            got,
            _turned(labels, degrees),
            given,
            mistakes=[
                (
                    _turned(labels, degrees, whole=np.trunc),
                    "astype(int) cuts 2.9 down to 2: np.rint first, then astype(int).",
                ),
                (
                    _turned(labels, degrees, whole=lambda place: np.trunc(place + 0.5)),
                    "astype(int) cuts towards 0, so that -0.9 + 0.5, outside, becomes 0, inside: "
                    "np.rint first.",
                ),
                (_turned(labels, degrees, whole=np.floor), "That is the next lower, not nearest."),
                (_turned(labels, degrees, whole=np.ceil), "That is the next higher, not nearest."),
                (
                    _turned(labels, degrees, outside="wrap"),
                    "An index of -1 is the last row: ask for row >= 0 and column >= 0, too.",
                ),
                (
                    _turned(labels, degrees, outside="edge"),
                    "Outside of the slice the edge is repeated; background, 0, is asked for.",
                ),
                (_turned(labels, -degrees), "That is turned the other way round."),
                (
                    _turned(labels, degrees, outside="narrow"),
                    "Row 0 and column 0 are inside as well: >= 0, not > 0.",
                ),
            ],
            hint="Nearest: np.rint. Inside: 0 <= row < rows and 0 <= column < columns; a new array, "
            "0 elsewhere.",
        )
        verdict.dtype(got, np.uint8, given, hint="The type of `labels`: np.zeros_like(labels).")
    return "No new number can come out of it: whatever is turned, labels stay labels."


def _turned(labels, degrees, whole=np.rint, outside="zero"):
    """Labels turned about their middle; `whole` and `outside` are the usual mistakes."""
    middle = (np.array(labels.shape) - 1) / 2
    down, across = np.indices(labels.shape) - middle[:, None, None]
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    places = (middle[0] + cos * down + sin * across, middle[1] - sin * down + cos * across)
    row, column = (whole(place).astype(int) for place in places)
    rows, columns = labels.shape
    if outside == "edge":
        return labels[row.clip(0, rows - 1), column.clip(0, columns - 1)]
    least = {"wrap": -min(rows, columns), "narrow": 1}.get(outside, 0)
    inside = (row >= least) & (row < rows) & (column >= least) & (column < columns)
    turned = np.zeros_like(labels)
    turned[inside] = labels[row[inside], column[inside]]
    return turned


def transform_for(answer):
    kept = np.random.get_state()
    try:
        np.random.seed(9)
        first = _transform(answer, 3, 1, 2)
        if np.random.random_sample() != np.random.RandomState(9).random_sample():
            raise Wrong(
                "after your function NumPy's global generator stands elsewhere",
                "np.random.seed and np.random.uniform use the one that everybody shares: make "
                "your own with np.random.default_rng.",
            )
        np.random.seed(10)
        _transform(answer, 0, 5, 5)
        again = _transform(answer, 3, 1, 2)
    finally:
        np.random.set_state(kept)
    if first != again:
        raise Wrong(
            f"for (3, 1, 2) you gave an angle of {first[0]:.2f}, and then {again[0]:.2f}",
            "The generator has to be made inside, from the three numbers: without a seed it "
            "begins somewhere else each time.",
        )
    for name, other in (("seed", (4, 1, 2)), ("epoch", (3, 7, 2)), ("step", (3, 1, 9))):
        if _transform(answer, *other) == first:
            raise Wrong(
                f"(3, 1, 2) and {other} gave the same, {first[0]:.2f} degrees",
                f"The {name} has to go into the generator's seed as well.",
            )
    triples = [*product(range(4), repeat=3)]
    triples += [(s, e, t) for s in (0, 1) for e in (0, 1, 2) for t in (10, 99, 100, 999, 1000)]
    found = {}
    for triple in triples:
        angle = _transform(answer, *triple)[0]
        if angle in found:
            raise Wrong(
                f"{found[angle]} and {triple} gave the same, {angle:.2f} degrees",
                "Adding or multiplying the numbers lets two batches fall on one seed: give them "
                "as a tuple, (seed, epoch, step).",
            )
        found[angle] = triple
    angles = np.array(list(found))
    if angles.min() < -20 or angles.max() > 20:
        worst = angles[np.abs(angles).argmax()]
        raise Wrong(f"an angle of {worst:.2f} degrees", "rng.uniform(-20, 20)")
    if angles.min() > -15 or angles.max() < 15:
        raise Wrong(
            f"among {len(angles)} angles the smallest is {angles.min():.1f}, the largest "
            f"{angles.max():.1f}",
            "They should spread from -20 to 20: rng.uniform(-20, 20).",
        )
    flips = np.array([_transform(answer, *triple)[1:] for triple in triples], float)
    if (np.abs(flips.mean(axis=0) - 0.5) > 0.25).any() or (flips[:, 0] == flips[:, 1]).all():
        raise Wrong(
            f"in {len(flips)} batches the flips are on in {flips[:, 0].mean():.0%} and "
            f"{flips[:, 1].mean():.0%}",
            "Two draws of their own, each in half of the batches: rng.random(2) < 0.5.",
        )
    return (
        "Batches may now be made in any order, by any thread, and a killed run goes on as it was."
    )


def _transform(answer, seed, epoch, step) -> tuple:
    got = answer(seed, epoch, step)
    if got is None:
        raise Wrong(f"for ({seed}, {epoch}, {step}) you gave None", verdict.FORGOTTEN_RETURN)
    if not isinstance(got, (tuple, list)) or len(got) != 3:
        raise Wrong(
            f"for ({seed}, {epoch}, {step}) you gave {describe(got)}",
            "Return three values: the angle and the two flips.",
        )
    return float(got[0]), bool(got[1]), bool(got[2])


def cache_key(answer):
    if "hash" in getattr(getattr(inspect.unwrap(answer), "__code__", None), "co_names", ()):
        raise Wrong(
            "you use Python's own hash",
            "hash() of a text is another number after each restart: take hashlib.sha256.",
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "seg.nii"
        _write(path, b"a mask", 10**18)
        first = answer(path, 2, 1)
        if first is None:
            raise Wrong("you gave None", verdict.FORGOTTEN_RETURN)
        if not isinstance(first, str) or not first.isalnum():
            raise Wrong(
                f"you gave {describe(first)}",
                "A text of letters and digits can be part of a file's name; a hexdigest is one.",
            )
        if answer(path, 2, 1) != first:
            raise Wrong(
                "asked twice, nothing changed, and you gave two keys",
                "Nothing random and no present time: only what the entry depends on. (st_atime, "
                "the time of reading, changes by itself.)",
            )
        for given, other in (("factor", (path, 1, 1)), ("version", (path, 2, 2))):
            if answer(*other) == first:
                raise Wrong(f"another {given} gave the same key", f"The {given} belongs in it.")
        if answer(path, 1, 2) == first:
            raise Wrong(
                "factor 2, version 1 and factor 1, version 2 gave the same key",
                "Keep them apart: two entries in the list, not their sum or product.",
            )
        if answer(path, 1, 11) == answer(path, 11, 1):
            raise Wrong(
                "factor 1, version 11 and factor 11, version 1 gave the same key",
                "Written one after the other without anything between, numbers run together.",
            )
        elsewhere = Path(folder) / "other" / "seg.nii"
        elsewhere.parent.mkdir()
        _write(elsewhere, b"a mask", 10**18)
        if answer(elsewhere, 2, 1) == first:
            raise Wrong(
                "a file of the same name in another folder gave the same key",
                "Two cases may have files of one name: take the whole path, path.resolve().",
            )
        _write(path, b"a task", 10**18 + 5 * 10**9)
        if answer(path, 2, 1) == first:
            raise Wrong(
                "the file was written anew, as long as before, and you gave the same key",
                "The size alone doesn't tell: st_mtime_ns says when it was last written.",
            )
        _write(path, b"a longer mask", 10**18)
        if answer(path, 2, 1) == first:
            raise Wrong(
                "the file grew, its time is the old one (as after unpacking), same key",
                "Some programs set a file's time back: take its size, st_size, as well.",
            )
        _write(path, b"a mask", 10**18)
        if answer(path, 2, 1) != first:
            raise Wrong(
                "the file is what it was again, and you gave another key",
                "Size, time of writing and place are enough: st_ctime or st_ino change without "
                "need.",
            )
    return "Whatever an entry depends on is in its name, so what is out of date isn't even found."


def _write(path: Path, content: bytes, when: int) -> None:
    path.write_bytes(content)
    os.utime(path, ns=(when, when))


def foreground_corner(answer):
    shape = (20, 24, 28)
    for voxel, size in (
        ((10, 12, 14), (8, 8, 8)),
        ((10, 12, 14), (6, 8, 10)),
        ((1, 12, 14), (8, 8, 8)),
        ((10, 12, 27), (8, 8, 8)),
        ((9, 0, 25), (7, 8, 9)),
    ):
        labels = np.zeros(shape, np.uint8)
        labels[voxel] = 4
        place, sides, most = np.array(voxel), np.array(size), np.array(shape) - size
        half = sides // 2
        got = answer(labels, size, np.random.default_rng(0))
        verdict.equal(
            got,
            np.clip(place - half, 0, most),
            f"one tumour voxel at {voxel} in {shape} and a patch of {size}",
            mistakes=[
                (
                    np.clip(place, 0, most),
                    "The voxel is the patch's corner; it should be in its middle: voxel - size // "
                    "2.",
                ),
                (
                    np.clip(place - sides, 0, most),
                    "Half of the side, size // 2: with the whole one the voxel isn't in the patch.",
                ),
                (
                    place - half,
                    "The patch would stick out here: keep the corner from 0 to shape - size.",
                ),
                (
                    np.clip(place - half, 0, np.array(shape) - 1),
                    "The largest corner is shape - size, so that the patch ends with the volume.",
                ),
                (
                    np.clip(place - half, 0, most - 1),
                    "One too few: a patch whose corner is shape - size just fits.",
                ),
                (
                    np.clip(place + half, 0, most),
                    "Minus half of the side: the corner lies before the voxel.",
                ),
            ],
            hint="np.clip(voxel - size // 2, 0, shape - size), on each axis.",
        )
        if np.asarray(got).dtype.kind not in "iu":
            raise Wrong(
                f"your corner is of type {np.asarray(got).dtype}",
                "An index is a whole number: size // 2, not size / 2.",
            )
    labels = np.zeros(shape, np.uint8)
    voxels = [(6, 6, 6), (10, 12, 14), (14, 16, 20)]
    for label, voxel in zip((1, 2, 4), voxels, strict=True):
        labels[voxel] = label
    rng = np.random.default_rng(9)
    seen = {tuple(int(c) + 2 for c in answer(labels, (4, 4, 4), rng)) for _ in range(120)}
    missing = [voxel for voxel in voxels if voxel not in seen]
    if missing or seen - set(voxels):
        raise Wrong(
            f"in 120 draws from a tumour of three voxels, {sorted(seen)} were in the middle",
            "Each voxel with a label over 0 is as likely: places[rng.integers(len(places))].",
        )
    one, two = (
        [tuple(answer(labels, (4, 4, 4), rng)) for _ in range(12)]
        for rng in (np.random.default_rng(3), np.random.default_rng(3))
    )
    if one != two:
        raise Wrong(
            "the same `rng`, and other corners",
            "Draw from `rng`, which is given, and nothing else.",
        )
    return "Each step now has something to learn from, and no patch sticks out of the brain."


CHECKS = {
    "turn-labels": turn_labels,
    "transform-for": transform_for,
    "cache-key": cache_key,
    "foreground-corner": foreground_corner,
}
