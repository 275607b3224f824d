"""Checks of lesson 09: rotated labels, a batch's numbers, a cache's key, a patch, a feeder; its quiz."""

import contextlib
import inspect
import os
import tempfile
import time
from itertools import product
from pathlib import Path
from types import CodeType

import numpy as np

from unet_course.exercises import verdict
from unet_course.exercises.choices import Question
from unet_course.exercises.verdict import Wrong, describe

# --- turn-labels --------------------------------------------------------------------------------


def turn_labels(answer):
    rng = np.random.default_rng(9)
    labels = np.array([0, 1, 2, 4], np.uint8)[rng.integers(0, 4, (9, 12))]
    labels[0], labels[:, 0] = 4, 4
    labels[-1], labels[:, -1] = 1, 1  # what wraps round is seen, and isn't what is rounded inwards
    for degrees, kind in ((0.0, np.uint8), (33.0, np.uint8), (-70.0, np.int16)):
        turned = f"turned by {degrees:.0f} degrees" if degrees else "not turned"
        given = f"a slice of 9 × 12 ({np.dtype(kind)}), {turned}"
        got = answer(labels.astype(kind), degrees)
        # a place less than half a voxel outside has a nearest voxel; SciPy's answer there is 0
        strict = _turned(labels, degrees, outside="place")
        if not np.array_equal(np.asarray(got), strict):
            verdict.equal(
                got,
                _turned(labels, degrees),
                given,
                mistakes=_turning_mistakes(labels, degrees),
                hint="Nearest: np.rint. Inside: 0 <= row < rows and 0 <= column < columns; a new "
                "array, 0 elsewhere.",
            )
        verdict.dtype(got, kind, given, hint="The type of `labels`: np.zeros_like(labels).")
    return "No new number can come out of it: labels stay labels."


def _turning_mistakes(labels, degrees) -> list[tuple[np.ndarray, str]]:
    slips = (
        ({"whole": np.trunc}, "astype(int) cuts 2.9 down to 2: np.rint first, then astype(int)."),
        (
            {"whole": lambda place: np.trunc(place + 0.5)},
            "astype(int) cuts towards 0, so that -0.9 + 0.5, outside, becomes 0, inside: np.rint "
            "first.",
        ),
        ({"whole": np.floor}, "That is the next lower, not nearest."),
        ({"whole": np.ceil}, "That is the next higher, not nearest."),
        (
            {"outside": "wrap"},
            "An index of -1 is the last row: ask for row >= 0 and column >= 0, too.",
        ),
        (
            {"outside": "edge"},
            "Outside of the slice the edge is repeated; background, 0, is asked for.",
        ),
        ({"outside": "narrow"}, "Row 0 and column 0 are inside as well: >= 0, not > 0."),
    )
    mistakes = [(_turned(labels, degrees, **slip), hint) for slip, hint in slips]
    return [*mistakes, (_turned(labels, -degrees), "That is turned the other way round.")]


def _turned(labels, degrees, whole=np.rint, outside="zero"):
    """Turn labels about their middle; `whole` and `outside` are the usual mistakes."""
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
    if outside == "place":
        inside &= (places[0] >= 0) & (places[0] <= rows - 1)
        inside &= (places[1] >= 0) & (places[1] <= columns - 1)
    turned = np.zeros_like(labels)
    turned[inside] = labels[row[inside], column[inside]]
    return turned


# --- transform-for ------------------------------------------------------------------------------


def transform_for(answer):
    kept = np.random.get_state()
    try:
        np.random.seed(9)
        first = _transform(answer, 3, 1, 2)
        if np.random.random_sample() != np.random.RandomState(9).random_sample():
            raise Wrong(
                "after your function NumPy's global generator isn't as it was before",
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
    # many batches: a right answer fails one of the limits below once in 100,000 seeds
    drawn = np.array(
        [_transform(answer, 1, epoch, step) for epoch in range(3) for step in range(2000)]
    )
    _check_angles(drawn[:, 0])
    _check_collisions(answer)
    _check_flips(drawn[:, 0], drawn[:, 1] > 0, drawn[:, 2] > 0)
    return (
        "Batches may now be made in any order, by any thread, and a killed run goes on as it was."
    )


def _check_angles(angles: np.ndarray) -> None:
    hint = "rng.uniform(-20, 20): any number from -20 to 20, each as likely."
    if angles.min() < -20 or angles.max() > 20:
        worst = angles[np.abs(angles).argmax()]
        raise Wrong(f"an angle of {worst:.2f} degrees", hint)
    if (angles == np.round(angles, 4)).all():
        raise Wrong(
            f"all of {len(angles)} angles are rounded, such as {angles[0]:g}",
            f"Not only whole or rounded numbers. {hint}",
        )
    if angles.min() > -19 or angles.max() < 19:
        raise Wrong(
            f"among {len(angles)} angles the smallest is {angles.min():.1f}, the largest "
            f"{angles.max():.1f}",
            f"They should spread from -20 to 20. {hint}",
        )
    expected = (np.arange(len(angles)) + 0.5) / len(angles)  # the share of angles below each one
    if np.abs((np.sort(angles) + 20) / 40 - expected).max() > 0.04:
        small = (np.abs(angles) < 10).mean()
        raise Wrong(f"{small:.0%} of your angles lie between -10 and 10; half should", hint)


def _check_flips(angles: np.ndarray, across: np.ndarray, down: np.ndarray) -> None:
    hint = "Two draws of their own, each in half of the batches: rng.random(2) < 0.5."
    rates = across.mean(), down.mean()
    if max(abs(rate - 0.5) for rate in rates) > 0.03:
        raise Wrong(
            f"in {len(angles)} batches the flips are on in {rates[0]:.1%} and {rates[1]:.1%}", hint
        )
    if abs((across == down).mean() - 0.5) > 0.03:
        raise Wrong(
            f"in {(across == down).mean():.0%} of the batches both flips are equal; in half they "
            "should be",
            hint,
        )
    # a flip may follow the angle's sign, its size, or its digits
    for name, flip in (("first", across), ("second", down)):
        parts = [np.floor((angles + 20) / 40 * 2**bit) % 2 == 0 for bit in range(1, 7)]
        for what in (*parts, np.abs(angles) > 10, np.floor(angles) % 2 == 0):
            if abs((flip == what).mean() - 0.5) > 0.03:
                raise Wrong(f"the {name} flip goes with the angle", hint)


def _check_collisions(answer) -> None:
    triples = [*product(range(4), repeat=3), (1, 1, 11), (1, 11, 1), (11, 1, 1)]
    triples += [(s, e, t) for s in (0, 1) for e in (0, 1, 2) for t in (10, 99, 100, 999, 1000)]
    for power in range(4, 8):
        triples += [(0, 0, 10**power), (0, 10**power, 0)]
    found = {}
    for triple in triples:
        result = _transform(answer, *triple)
        if result in found:
            raise Wrong(
                f"{found[result]} and {triple} gave the same, {result[0]:.2f} degrees",
                "Adding, multiplying or joining the numbers lets two batches get one seed: give "
                "them as a tuple, (seed, epoch, step).",
            )
        found[result] = triple


def _transform(answer, seed, epoch, step) -> tuple:
    got = answer(seed, epoch, step)
    if got is None:
        raise Wrong(f"for ({seed}, {epoch}, {step}) you gave None", verdict.FORGOTTEN_RETURN)
    if not isinstance(got, (tuple, list, np.ndarray)) or len(got) != 3:
        raise Wrong(
            f"for ({seed}, {epoch}, {step}) you gave {describe(got)}",
            "Return three values: the angle and the two flips.",
        )
    if any(float(flip) not in (0, 1) for flip in got[1:]):
        raise Wrong(
            f"for ({seed}, {epoch}, {step}) your flips are {describe(got[1])} and {describe(got[2])}",
            "A flip is true or false: rng.random(2) < 0.5.",
        )
    return float(got[0]), bool(got[1]), bool(got[2])


# --- cache-key ----------------------------------------------------------------------------------

_WRITTEN = 10**18  # nanoseconds since 1970
_SIZE = 100_000


def cache_key(answer):
    if {"hash", "__hash__"} & _names(getattr(inspect.unwrap(answer), "__code__", None)):
        raise Wrong(
            "you use Python's own hash",
            "hash() of a text is another number after each restart: take hashlib.sha256.",
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "seg.nii"
        _write(path, b"a" * _SIZE, _WRITTEN)
        began = time.time()
        first = answer(path, 2, 1)
        if first is None:
            raise Wrong("you gave None", verdict.FORGOTTEN_RETURN)
        if not isinstance(first, str) or not first.isalnum() or len(first) > 150:
            raise Wrong(
                f"you gave {describe(first)}",
                "A text of letters and digits can be part of a file's name; a hexdigest is one.",
            )
        if answer(Path(str(path)), 2, 1) != first:
            raise Wrong(
                "asked twice, nothing changed, and you gave two keys",
                "Nothing random and no present time: only what the entry depends on.",
            )
        _check_numbers(answer, path, first)
        _check_places(answer, path, first)
        _check_content(answer, path, first)
        _check_same_again(answer, path, first, began)
    return "What an entry depends on is in its name, so what is out of date isn't even found."


def _names(code: CodeType | None) -> set[str]:
    """Return the names that a function uses, those of functions within it included."""
    if code is None:
        return set()
    inner = [_names(part) for part in code.co_consts if isinstance(part, CodeType)]
    return set(code.co_names).union(*inner)


def _check_numbers(answer, path: Path, first: str) -> None:
    for given, other in (("factor", (1, 1)), ("version", (2, 2))):
        if answer(path, *other) == first:
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
    pairs = [*product(range(1, 25), repeat=2), *((1, 10**power + 1) for power in range(2, 8))]
    found = {}
    for pair in pairs:
        key = answer(path, *pair)
        if key in found:
            raise Wrong(
                f"factor and version {found[key]} and {pair} gave the same key, {key}",
                "Either the key is too short for many entries (twelve digits of a hexdigest are "
                "enough), or the two numbers run together: make them two entries of the list.",
            )
        found[key] = pair


def _check_places(answer, path: Path, first: str) -> None:
    elsewhere = path.parent / "other" / path.name
    elsewhere.parent.mkdir()
    hint = "Two cases may have files of one name: take the whole path, path.resolve()."
    _write(elsewhere, b"a" * _SIZE, _WRITTEN)
    if answer(elsewhere, 2, 1) == first:
        raise Wrong("a file of the same name in another folder gave the same key", hint)
    with contextlib.chdir(path.parent):
        here = answer(Path(path.name), 2, 1)
    with contextlib.chdir(elsewhere.parent):
        there = answer(Path(path.name), 2, 1)
    if here == there:
        raise Wrong(
            "two files with the same relative path, from two current folders, gave the same key",
            "A relative path doesn't say where the file is: path.resolve().",
        )
    elsewhere.unlink()
    os.replace(path, elsewhere)
    moved = answer(elsewhere, 2, 1)
    os.replace(elsewhere, path)
    if moved == first:
        raise Wrong("the file was moved to another folder, and you gave the same key", hint)


def _check_content(answer, path: Path, first: str) -> None:
    changed = bytearray(b"a" * _SIZE)
    changed[_SIZE // 2] = ord("b")
    _write(path, bytes(changed), _WRITTEN + 10**6)  # a millisecond later, where the disk knows it
    later = path.stat().st_mtime_ns
    if later == _WRITTEN:
        _write(path, bytes(changed), _WRITTEN + 5 * 10**9)
    if answer(path, 2, 1) == first:
        raise Wrong(
            "one letter in the middle of the file was changed a millisecond after it was written, "
            "and you gave the same key",
            "The size alone doesn't tell, nor do whole seconds or the file's first bytes: "
            "st_mtime_ns says when it was last written.",
        )
    _write(path, b"a" * (_SIZE + 7), _WRITTEN)
    if answer(path, 2, 1) == first:
        raise Wrong(
            "the file grew, its time is the old one (as after unpacking), same key",
            "Some programs set a file's time back: take its size, st_size, as well.",
        )


def _check_same_again(answer, path: Path, first: str, began: float) -> None:
    _write(path, b"a" * _SIZE, _WRITTEN)
    os.utime(path, ns=(_WRITTEN + 10**12, _WRITTEN))
    if answer(path, 2, 1) != first:
        raise Wrong(
            "the file was read and is what it was before, and you gave another key",
            "Size, time of writing and place are enough. st_atime, the time of reading, changes by "
            "itself, st_ctime and st_ino change without need; path.stat() as a whole holds all of "
            "them.",
        )
    copy = path.with_name("copy")
    _write(copy, b"a" * _SIZE, _WRITTEN)
    os.replace(copy, path)  # the same content and time at the same place, in another inode
    time.sleep(max(0.0, int(began) + 1.01 - time.time()))  # whole seconds have to pass
    _write(path, b"a" * _SIZE, _WRITTEN)
    if answer(path, 2, 1) != first:
        raise Wrong(
            "the file was restored, it is what it was before, and you gave another key",
            "Size, time of writing and place are enough: st_ctime, st_ino and the present time "
            "change without need.",
        )


def _write(path: Path, content: bytes, when: int) -> None:
    path.write_bytes(content)
    os.utime(path, ns=(when, when))


# --- foreground-corner --------------------------------------------------------------------------


class _CountedGenerator(np.random.Generator):
    """A generator that ends a function that draws again and again."""

    def __init__(self, seed: int):
        super().__init__(np.random.PCG64(seed))
        self.calls = 0

    def _count(self) -> None:
        self.calls += 1
        if self.calls > 2000:
            raise Wrong(
                "drew over 2000 times for one patch",
                "Draw once. Where the patch would reach out it is moved inwards: np.clip.",
            )

    def integers(self, *args, **named):
        self._count()
        return super().integers(*args, **named)

    def choice(self, *args, **named):
        self._count()
        return super().choice(*args, **named)

    def random(self, *args, **named):
        self._count()
        return super().random(*args, **named)


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
        _check_corner(answer(labels, size, _CountedGenerator(0)), voxel, shape, size)
    _check_draws(answer, shape)
    labels = np.zeros(shape, np.uint8)
    labels[5:9, 5:9, 5:9] = 1
    one, two = (
        [tuple(answer(labels, (4, 4, 4), rng)) for _ in range(12)]
        for rng in (np.random.default_rng(3), np.random.default_rng(3))
    )
    if one != two:
        raise Wrong(
            "the same `rng`, and other corners",
            "Draw from `rng`, which is given, and nothing else.",
        )
    return "Each step now has something to learn from, and no patch reaches out of the volume."


def _check_corner(got, voxel, shape, size) -> None:
    place, sides, most = np.array(voxel), np.array(size), np.array(shape) - size
    half = sides // 2
    verdict.equal(
        got,
        np.clip(place - half, 0, most),
        f"one tumour voxel at {voxel} in {shape} and a patch of {size}",
        mistakes=[
            (
                np.clip(place, 0, most),
                "The voxel is the patch's corner; it should be in its middle: voxel - size // 2.",
            ),
            (
                np.clip(place - sides, 0, most),
                "Half of the side, size // 2: with the whole one the voxel isn't in the patch.",
            ),
            (
                place - half,
                "The patch would reach out here: keep the corner from 0 to shape - size.",
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


def _check_draws(answer, shape) -> None:
    """Raise `Wrong` unless each voxel of a tumour of three labels is drawn about as often."""
    labels = np.zeros(shape, np.uint8)
    labels[4:8, 6:9, 10:13] = (
        2  # 36 voxels of oedema, one of core, one of enhancing, one at an edge
    )
    labels[12, 12, 14], labels[15, 18, 22], labels[0, 3, 27] = 1, 4, 2
    voxels = [tuple(map(int, place)) for place in np.argwhere(labels)]
    expected = {tuple(np.clip(np.array(v) - 1, 0, np.array(shape) - 3)): v for v in voxels}
    drawn = dict.fromkeys(voxels, 0)
    rng, draws = np.random.default_rng(9), 40 * len(voxels)
    for _ in range(draws):
        corner = tuple(int(c) for c in answer(labels, (3, 3, 3), rng))
        if corner not in expected:
            raise Wrong(
                f"in a tumour of {len(voxels)} voxels you gave the corner {corner}, "
                "and no tumour voxel is in that patch's middle",
                "Draw one of the tumour's voxels: places[rng.integers(len(places))].",
            )
        drawn[expected[corner]] += 1
    least, most = min(drawn, key=drawn.get), max(drawn, key=drawn.get)
    if drawn[least] < 14 or drawn[most] > 75:  # 40 are expected, with a deviation of 6
        raise Wrong(
            f"in {draws} draws from a tumour of {len(voxels)} voxels, {least} (label "
            f"{labels[least]}) came {drawn[least]} times and {most} (label {labels[most]}) "
            f"{drawn[most]} times; about 40 are expected of each",
            "Each voxel with a label over 0 is as likely, whatever its label and wherever it lies: "
            "places[rng.integers(len(places))], drawn once.",
        )


PATCH = 4 * 32**3  # numbers of a patch of 32³ with four channels


def starving_feeder(evidence):
    slowest = str(evidence["slowest"]).strip().upper()
    why = {
        "A": "A looks through all labels of the case for a few voxels, which is quick: they are one "
        "byte each, and nothing is computed with them",
        "C": "C takes a part of an array, which costs next to nothing; but look at what went through "
        "the line before it",
        "D": "D works on a patch, a small part of the case",
    }
    if slowest not in {"A", "B", "C", "D"}:
        raise Wrong(f"slowest={describe(evidence['slowest'])}: give one letter, A, B, C or D")
    if slowest in why:
        raise Wrong(why[slowest], "The table has the share of each line. Which is the largest?")
    before, after = (_count(evidence[name], name) for name in ("before", "after"))
    if after < PATCH:
        raise Wrong(
            f"{after:,.0f} numbers a batch are too few: the patch alone has {PATCH:,}",
            "Your feeder must still give a patch of 32³ with four channels, changed in its greys. "
            "Leave `yield letter, size` behind each line.",
        )
    if before < 2 * PATCH:
        raise Wrong(
            f"before={before:,.0f}: the colleague's feeder makes more numbers than that",
            "`before` is what clock(starving) returned, `after` what clock(mended) did.",
        )
    if after > 0.95 * before:
        raise Wrong(
            f"your feeder makes {after:,.0f} numbers a batch, the colleague's {before:,.0f}: nothing "
            "is won",
            "Of what line B makes, C keeps a small part. What if C came first?",
        )
    if after > before / 2:
        raise Wrong(
            f"your feeder still makes {after:,.0f} numbers a batch, of {before:,.0f}",
            "Something is saved, but not where most of the work is: line B changes a whole case, "
            "and line C throws nearly all of it away.",
        )
    predicted = str(evidence["prediction"]).strip().upper()
    true = "came true" if predicted == "B" else f"({predicted[:20]}) didn't come true: it was B"
    return (
        f"{before / after:.1f} times fewer numbers for the same patch. A whole case was changed in its "
        f"greys, and then all but a patch was thrown away. Your prediction {true}. Cut first, then work."
    )


def _count(value, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise Wrong(
            f"{name}={describe(value)} is no number", "clock returns the numbers of a batch."
        ) from None


CHECKS = {
    "turn-labels": turn_labels,
    "transform-for": transform_for,
    "cache-key": cache_key,
    "foreground-corner": foreground_corner,
    "starving-feeder": starving_feeder,
}
OPEN_TASKS = {"starving-feeder"}
PREDICTIONS = {"starving-feeder": ("A", "B", "C", "D")}

QUIZ = {
    "q1": Question(
        right="b",
        why={
            "a": "SciPy gives back the type that it is given: it interpolates and then rounds. Only "
            "`astype(int)` on floats truncates.",
            "b": "All slices are integers when they are rotated, so SciPy rounds them all; and one "
            "conversion is left of 144.",
            "c": "The first slice is repaired as well: it is of integers now before it is rotated.",
        },
    ),
    "q2": Question(
        right="c",
        why={
            "a": "The same seed starts the same row of numbers, but which of the two threads draws "
            "first changes from run to run.",
            "b": "Shuffling isn't the trouble: both threads draw from one generator, in whatever order "
            "they come.",
            "c": "A generator for each batch, from (seed, epoch, step), repeats in any order.",
        },
    ),
    "q3": Question(
        right="a",
        why={
            "a": "One thread: the trainer still waits 100 ms. Two deliver a batch every 150 ms, so it "
            "never waits.",
            "b": "500 ms is a step in line. With prefetching, making and training go on at once.",
            "c": "Prefetching hides work, it doesn't remove it: one thread can't deliver more often than "
            "every 300 ms.",
        },
    ),
}
