"""The checks of lesson 07: affines, regions, millilitres, crop, z-score, wrong copies; its quiz."""

import itertools

import numpy as np

from unet_course.exercises import verdict, wrong_copies
from unet_course.exercises.choices import Question
from unet_course.exercises.verdict import Wrong, describe

# Steps of 2, 3 and 4 mm, turned about two axes; no entry is 0 and rows differ from columns.
_TURN = np.array([[0.8, -0.48, 0.36], [0.6, 0.64, -0.48], [0.0, 0.6, 0.8]])
OBLIQUE = np.eye(4)
OBLIQUE[:3, :3] = _TURN * [2.0, 3.0, 4.0]
OBLIQUE[:3, 3] = [-90.37, 126.18, -72.64]
PLAIN = np.diag([-1.0, -1.0, 1.0, 1.0])
PLAIN[1, 3] = 239.0


def voxel_to_mm(answer):
    simple = np.diag([2.0, 2.0, 2.0, 1.0])
    simple[:3, 3] = [-10, 0, 5]
    digits_enough = OBLIQUE.copy()
    digits_enough[:3, 3] += [-0.0013, 0.0046, 0.0031]
    cases = (
        ("the affine of the example and voxel (1, 2, 3)", simple, [1, 2, 3]),
        ("the affine of BraTS and voxel (100, 50, 20)", PLAIN, [100, 50, 20]),
        ("an oblique affine and voxel (10, 20, 30)", digits_enough, [10, 20, 30]),
    )
    for given, affine, voxel in cases:
        steps, origin, v = affine[:3, :3], affine[:3, 3], np.array(voxel, float)
        sizes = np.sqrt((steps**2).sum(axis=0))
        verdict.close(
            answer(affine.copy(), list(voxel)),
            steps @ v + origin,
            given,
            mistakes=[
                (
                    steps @ v,
                    "These are steps only: add where voxel (0, 0, 0) lies, the last column, "
                    "affine[:3, 3].",
                ),
                (steps @ v - origin, "The origin is added, not subtracted."),
                (
                    affine @ [*v, 1],
                    "These are four numbers, the last is the 1 that was put in: return the first "
                    "three.",
                ),
                (
                    np.diag(steps) * v + origin,
                    "Right only for axes that run straight: an oblique affine has numbers off "
                    "the diagonal too. Multiply matrix and vector, steps @ voxel.",
                ),
                (
                    sizes * v + origin,
                    "Spacings have no sign and no direction: take the matrix, steps @ voxel.",
                ),
                (
                    steps.T @ v + origin,
                    "The matrix is turned: it must be steps @ voxel, not voxel @ steps.",
                ),
                (
                    np.linalg.solve(steps, v - origin),
                    "That is the way back, from millimetres to voxels.",
                ),
                (steps @ (v + origin), "First the steps, then the origin, which is in mm already."),
                (
                    (steps * v + origin),
                    "That multiplies number by number: a matrix and a vector multiply with @.",
                ),
                *(
                    (rounded(steps @ v + origin), "Millimetres have fractions: don't round them.")
                    for rounded in (np.round, np.trunc, np.floor, np.ceil)
                ),
                *(
                    (
                        np.round(steps @ v + origin, digits),
                        "That is rounded: keep all digits of a millimetre.",
                    )
                    for digits in (1, 2, 3)
                ),
                (
                    (steps.astype(np.float16) @ v.astype(np.float16) + origin.astype(np.float16)),
                    "Right, but in float16, which has three digits: compute in float64.",
                ),
            ],
            rtol=1e-6,  # about float32's precision
            atol=1e-5,
            hint="steps @ voxel + origin, with origin = affine[:3, 3].",
        )
    return (
        "Two scans agree in millimetres, whatever their voxels are: this is how they are aligned."
    )


def regions_of_any_layout(answer):
    row = np.array([0, 1, 2, 4])
    block = np.random.default_rng(7).integers(0, 4, (3, 4, 5))
    sizes = "Labels are names, not sizes: compare with ==, never with > or >=."
    cases = (  # MSD first: there, but not in BraTS 2020, `>=` differs from oedema taken for core
        ("MSD's labels 0, 1, 2, 3", np.array([0, 1, 2, 3]), (2, 1, 3)),
        ("BraTS 2020's labels 0, 1, 2, 4", row, (1, 2, 4)),
        ("BraTS 2023's labels 0, 1, 2, 3", np.array([0, 1, 2, 3]), (1, 2, 3)),
        ("BraTS 2024's labels 0 to 4, of which 4 is a cavity,", np.arange(5), (1, 2, 3)),
        ("a volume of MSD of 3 × 4 × 5 voxels", block, (2, 1, 3)),
        ("BraTS 2020's labels without a 4", np.array([[2, 0], [1, 2]]), (1, 2, 4)),
        ("labels 0 to 6 of which 5 is core, 3 oedema and 1 enhancing", np.arange(7), (5, 3, 1)),
    )
    for given, labels, (core, oedema, enhancing) in cases:
        low, high = min(core, oedema, enhancing), max(core, oedema, enhancing)
        is_core, is_oedema, is_et = (labels == n for n in (core, oedema, enhancing))
        right = np.stack([is_core | is_oedema | is_et, is_core | is_et, is_et], axis=-1) + 0
        apart = np.stack([right[..., 0], is_core, is_et], axis=-1)
        oedema_too = np.stack([right[..., 0], is_core | is_oedema, is_et], axis=-1)
        in_2020 = np.stack(
            [labels > 0, (labels == 1) | (labels == 4), labels == 4],
            axis=-1,
        )
        got = answer(labels.copy(), core, oedema, enhancing)
        if got is not None and np.shape(got) != right.shape:
            last = "The regions go along the last axis: np.stack([…], axis=-1)."
            verdict.shape(got, right.shape, given, last)
        verdict.equal(
            got,
            right,
            given,
            mistakes=[
                (
                    np.stack([labels > 0, right[..., 1], is_et], axis=-1),
                    "A number that is none of the three belongs to no region: WT isn't labels > 0.",
                ),
                (apart, "The core's region holds the enhancing part too: TC is core or enhancing."),
                *(
                    (
                        np.stack(
                            [(labels >= first) & (labels <= last), right[..., 1], is_et], axis=-1
                        ),
                        sizes,
                    )
                    for first, last in ((1, enhancing), (1, high), (low, high))
                ),
                (
                    np.stack([*np.moveaxis(right[..., :2], -1, 0), labels == high], axis=-1),
                    "Enhancing isn't the largest number in every layout: ET is labels == enhancing.",
                ),
                (
                    np.stack([is_oedema, is_core, is_et], axis=-1),
                    "Those are the labels one by one. Regions lie inside each other: WT holds all "
                    "three labels, TC two.",
                ),
                (
                    np.stack([is_oedema | is_core, right[..., 1], is_et], axis=-1),
                    "The enhancing part is tumour, too: WT holds all three labels.",
                ),
                (oedema_too, "Oedema isn't part of the core: TC is core or enhancing."),
                (
                    right[..., ::-1],
                    "The right regions in the wrong order: WT, TC, ET, from large to small.",
                ),
                (
                    np.stack([right[..., i] for i in range(3)]),
                    "The regions go along the last axis: np.stack([…], axis=-1).",
                ),
                (
                    in_2020,
                    "Right for BraTS 2020 only: use the three numbers that are passed, not 1, 2, 4.",
                ),
                (
                    in_2020[..., [0, 1, 2]] & (labels != 3)[..., None],
                    "Right for BraTS 2020 only: use the three numbers that are passed, not 1, 2, 4.",
                ),
                (
                    np.stack([labels >= n for n in (1, 2, 3)], axis=-1),
                    sizes,
                ),
                (
                    np.stack([right[..., 0], is_oedema | is_et, is_et], axis=-1),
                    "TC holds the oedema and lacks the core: it is core or enhancing. Are your "
                    "function's arguments in the task's order?",
                ),
                (
                    right * labels[..., None],
                    "These are still the labels: regions are 0 and 1.",
                ),
            ],
            hint="WT: core, oedema or enhancing. TC: core or enhancing. ET: enhancing.",
        )
    return "One function, three numbers from a table: no layout's numbers hide in the code."


def millilitres(answer):
    small = np.zeros((10, 10, 17), np.uint8)
    small[:5, :10, :10] = 1  # 500 voxels
    tall = np.diag([1.0, 1.0, 2.0, 1.0])
    mirrored = np.diag([-1.0, 1.0, 1.0, 1.0])
    thin = np.diag([0.5, 0.7, 2.5, 1.0])
    labels = np.zeros((12, 10, 8), np.uint8)
    labels[2:8, 1:6, 2:5] = 2
    labels[3:6, 2:4, 2:4] = 4
    labels[4, 2, 2] = 1
    cases = (
        ("500 voxels of 1 × 1 × 2 mm", small, tall),
        ("labels 1, 2 and 4, 90 voxels of 1 mm, the first axis mirrored", labels, mirrored),
        ("90 voxels of 2 × 3 × 4 mm, oblique axes", labels, OBLIQUE),
        ("an empty mask", np.zeros((4, 4, 4), np.uint8), tall),
        ("a mask of True and False, 500 voxels of 0.5 × 0.7 × 2.5 mm", small > 0, thin),
        ("a mask that holds 0.25 in 500 voxels of 0.5 × 0.7 × 2.5 mm", small * 0.25, thin),
    )
    for given, mask, affine in cases:
        steps = affine[:3, :3]
        count, size = np.count_nonzero(mask), np.linalg.det(steps)
        diagonal = np.prod(np.diag(steps))
        right = count * abs(size) / 1000
        summed = float(mask.sum()) * abs(size) / 1000
        verdict.close(
            answer(mask.copy(), affine.copy()),
            right,
            given,
            mistakes=[
                (summed, "That adds the labels' numbers up: a voxel counts once, whatever label."),
                (count * abs(size), "These are mm³: 1000 of them are 1 ml."),
                (count, "These are voxels: multiply by the volume of one."),
                (
                    count / 1000,
                    "Voxels needn't have 1 mm³, nor a whole number of them: multiply by the volume of one.",
                ),
                (count * abs(size) / 1e6, "1000 mm³ are 1 ml; you divided by a million."),
                (
                    count * size / 1000,
                    "A volume is never negative; the determinant is, where axes are mirrored. "
                    "Take abs(…).",
                ),
                (
                    count * abs(diagonal) / 1000,
                    "The diagonal's product (or that of each axis' largest number) is right for "
                    "straight axes only: the determinant holds for oblique ones, too.",
                ),
                (mask.size * abs(size) / 1000, "That is the whole block: count what is inside."),
                (
                    np.count_nonzero(mask == 1) * abs(size) / 1000,
                    "Anything over 0 is inside: other labels than 1, and 0.25 too.",
                ),
                (
                    count * np.prod(np.trunc(np.sqrt((steps**2).sum(axis=0)) + 1e-9)) / 1000,
                    "Spacings have fractions of a millimetre: don't round them.",
                ),
                (
                    max(count * size, 0) / 1000,
                    "Where axes are mirrored the determinant is negative: take abs(…), not what is "
                    "at least 0. (Rounded? A small tumour has less than a millilitre.)",
                ),
                *(
                    (
                        round(right, digits),
                        "Rounded: a millilitre has fractions, and small tumours less than one.",
                    )
                    for digits in (0, 1, 2, 3)
                ),
            ],
            hint="voxels inside × |det(affine[:3, :3])| ÷ 1000.",
        )
    return "Millilitres can be compared between scanners; voxels can't."


def crop_to_brain(answer):
    rng = np.random.default_rng(3)
    one = np.zeros((14, 12, 10, 4), np.int16)
    one[3:9, 2:7, 4:8] = rng.integers(50, 90, (6, 5, 4, 4))
    differ = np.zeros((14, 12, 10, 4), np.int16)
    differ[4:9, 3:7, 2:6, 0] = 70
    differ[5:8, 3:9, 2:6, 1] = 80
    differ[5:8, 4:6, 1:6, 2] = 60
    differ[5:11, 4:6, 3:6, 3] = 75
    scored = one.astype(np.float32)
    scored[one > 0] = (scored[one > 0] - 70) / 12
    scored[3, :, :][scored[3, :, :] != 0] = -1.5  # a border where every value is negative
    cancels = scored.copy()
    cancels[3, 2:7, 4:8] = [1.5, -1.5, 0.25, -0.25]  # and here the modalities add up to 0
    faint = scored.copy()
    faint[8, 2:7, 4:8] = [0.02, 0.02, -0.02, 0.02]  # less than 1, either way
    below = scored.copy()
    below[8, 2:7, 4:8] = [-1.5, -2, 0, -1]  # the largest of the four is 0
    corner = np.zeros((6, 6, 6, 4), np.int16)
    corner[0:2, 3:6, 5] = 9
    first = np.zeros((6, 6, 6, 4), np.int16)
    first[:2, :3, :4] = 9
    pieces = np.zeros((16, 12, 10, 4), np.int16)
    pieces[2:5, 2:7, 4:8] = 60  # two pieces, with nothing between them
    pieces[9:14, 3:9, 5:7] = 60
    cases = (
        ("a brain from 3 to 8, 2 to 6 and 4 to 7", one, [(3, 9), (2, 7), (4, 8)]),
        ("four modalities that differ at their borders", differ, [(4, 11), (3, 9), (1, 6)]),
        ("z-scored images, negative at a border", scored, [(3, 9), (2, 7), (4, 8)]),
        ("z-scored images that add up to 0 at a border", cancels, [(3, 9), (2, 7), (4, 8)]),
        ("z-scored images of 0.02 and -0.02 at a border", faint, [(3, 9), (2, 7), (4, 8)]),
        ("z-scored images of 0 and less at a border", below, [(3, 9), (2, 7), (4, 8)]),
        ("a brain in two pieces", pieces, [(2, 14), (2, 9), (4, 8)]),
        ("a brain that touches the block's border", corner, [(0, 2), (3, 6), (5, 6)]),
        ("a brain that reaches voxel (0, 0, 0)", first, [(0, 2), (0, 3), (0, 4)]),
        ("a brain that reaches the last voxel", first[::-1, ::-1, ::-1], [(4, 6), (3, 6), (2, 6)]),
    )
    for given, images, right in cases:
        got = answer(images.copy())
        if (
            not isinstance(got, (tuple, list))
            or len(got) != 3
            or not all(isinstance(s, slice) for s in got)
        ):
            hint = "Return slices, such as slice(10, 13), not pictures and not pairs."
            if got is None:
                hint = verdict.FORGOTTEN_RETURN
            elif isinstance(got, (tuple, list)) and all(isinstance(s, slice) for s in got):
                hint = "Three slices, one each for x, y and z: the modalities aren't cropped."
            raise Wrong(f"for {given} you gave {describe(got)}, expected three slices", hint)
        if isinstance(got, list):
            raise Wrong(
                "you gave a list of three slices, and images[list] raises an error",
                "NumPy takes a tuple of slices as an index: return tuple(box).",
            )
        found = [s.indices(n)[:2] for s, n in zip(got, images.shape, strict=False)]
        if any(s.step not in (None, 1) for s in got):
            raise Wrong(
                f"for {given} you gave {describe(got)}",
                "Slices without a step: with one, voxels in between are left out.",
            )
        if found == right:
            continue
        forgotten = [  # the brain of some of the modalities
            _box((images[..., list(some)] != 0).any(axis=-1))
            for count in (2, 3)
            for some in itertools.combinations(range(4), count)
        ]
        if found == [(a, b - 1) for a, b in right]:
            hint = "The last plane is missing: a slice ends before its second number, so add 1."
        elif found == _box(images[..., 0] != 0):
            hint = "Modality 0 alone: the brain is where any of the four isn't 0, .any(axis=-1)."
        elif found == _box(images.max(axis=-1) != 0):
            hint = "The largest of the four may be 0 where the others are below: ask for any not 0."
        elif found == _box((images != 0).all(axis=-1)):
            hint = "That is where all modalities agree; the brain is where any isn't 0."
        elif found == _box((images > 0).any(axis=-1)):
            hint = "Over 0 isn't the same as not 0: z-scored brains have negative values."
        elif found in (_box(images.sum(axis=-1) != 0), _box(images.sum(axis=-1) > 0)):
            hint = "In a sum or a mean the modalities can cancel out: ask for any that isn't 0."
        elif found == _box((np.abs(images) >= 1).any(axis=-1)):
            hint = "Small values are brain, too: ask for what isn't 0, not for what is at least 1."
        elif found in (
            _box((images != images[at]).any(axis=-1)) for at in ((0, 0, 0), (-1, -1, -1))
        ):
            hint = (
                "Background is what is 0, whatever a corner of the block holds: brain may be there."
            )
        elif found in forgotten:
            hint = "One modality's brain is missing: ask for any of all four, .any(axis=-1)."
        elif given == "a brain in two pieces" and found[0] in ((2, 10), (9, 14), (2, 5)):
            hint = (
                "There may be gaps: the box goes from the first place to the last, whatever number "
                "of places or pieces there is."
            )
        elif sorted(found) == sorted(right):
            hint = "The right ranges on the wrong axes: keep the order x, y, z."
        elif all(a <= c and d <= b for (a, b), (c, d) in zip(found, right, strict=True)):
            hint = "The whole brain is in it, but it isn't the smallest such block."
        else:
            hint = (
                "Some of the brain is cut off. A voxel is brain where any modality isn't 0 (the "
                "modalities are the last axis); along each axis, take the first and last place."
            )
        raise Wrong(f"for {given} your box is {found}, expected {right}", hint)
    return "Nothing of the brain is lost, and most of the air is: less to store, less to train on."


def _box(mask: np.ndarray) -> list[tuple[int, int]]:
    """First and one past the last index along each axis."""
    found = []
    for axis in range(3):
        places = np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis})))
        found.append((int(places[0]), int(places[-1]) + 1) if len(places) else (0, 0))
    return found


def z_score_in_brain(answer):
    row = np.array([[[0, 10, 20, 30, 0, 0]]], np.int16)
    rng = np.random.default_rng(5)
    scan = np.zeros((6, 7, 8), np.int16)
    inner = (slice(1, 5), slice(2, 6), slice(1, 7))
    scan[inner] = rng.integers(200, 900, (4, 4, 6))
    brain = scan > 0
    holed = scan.copy()
    holed[2, 3, 2:5] = 0  # brain, but 0 in this modality
    outside = scan.copy()
    outside[0, 0, :4] = 500  # not in the brain
    far_out = np.zeros((9, 9, 9), np.int16)
    far_out[1:, 1:, 1:] = rng.integers(200, 900, (8, 8, 8))
    far_out[4, 4, 4] = 30_000  # 22 deviations above the mean
    cases = (
        ("a brain of 10, 20, 30", row, row > 0),
        ("a scan of whole numbers", scan, brain),
        ("a scan with zeros inside the brain", holed, brain),
        ("a scan with something bright outside the brain", outside, brain),
        ("a scan with one voxel that is far brighter than the others", far_out, far_out > 0),
        ("a scan of small numbers, 0.2 to 0.9", scan * 1e-3, brain),
    )
    for given, image, mask in cases:
        got = answer(image.copy(), mask.copy())
        values, as_float = image[mask].astype(float), image.astype(float)
        over = image[image > 0].astype(float)
        mean, deviation = values.mean(), values.std()

        def inside(x, mask=mask):
            return np.where(mask, x, 0)

        right = inside((as_float - mean) / deviation)
        low, high = values.min(), values.max()
        mistakes = [
            (
                (as_float - as_float.mean()) / as_float.std(),
                "Mean and deviation of the whole block: most of it is air. Take the brain's values "
                "alone.",
            ),
            (
                inside((as_float - as_float.mean()) / as_float.std()),
                "Mean and deviation of the whole block: most of it is air. Take the brain's values "
                "alone.",
            ),
            (
                (as_float - mean) / deviation,
                "The background must stay exactly 0: write into the brain's voxels only.",
            ),
            (inside(as_float - mean), "Divide by the standard deviation as well."),
            (
                inside((as_float - mean) / deviation**2),
                "That is divided by the variance; the deviation is its root, .std().",
            ),
            (
                inside(as_float - mean / deviation),
                "Subtract first, then divide: brackets round the difference.",
            ),
            (inside(as_float / deviation), "Subtract the mean first."),
            (
                inside((as_float - low) / (high - low)),
                "That is min-max: one bright voxel decides about all others.",
            ),
            (
                inside((as_float - np.median(values)) / deviation),
                "That is the median: subtract the mean.",
            ),
            (
                np.where(image > 0, (as_float - over.mean()) / over.std(), 0),
                "The brain is what the mask says: a voxel in it may be 0, and one outside may not.",
            ),
            (
                np.trunc(right),
                "Cut to whole numbers: the result must be an array of floats.",
            ),
            (
                inside((as_float - mean) / values.std(ddof=1)),
                "That is the deviation with ddof=1, divided by n − 1, as pandas has it: take "
                "NumPy's own .std().",
            ),
            *(
                (
                    np.clip(right, -limit, limit),
                    "That is clipped: here every voxel keeps its own value.",
                )
                for limit in (2, 2.5, 3, 4, 5, 6, 10, 20)
            ),
            *(
                (
                    inside((as_float - mean) / (deviation + more)),
                    "Something is added to the deviation: here it is the deviation itself.",
                )
                for more in (1e-3, 1e-2, 1)
            ),
            (values, "Return an array of the image's size, not the brain's values in a row."),
            (
                (values - mean) / deviation,
                "Return an array of the image's size, not the brain's values in a row.",
            ),
        ]
        if getattr(getattr(got, "dtype", None), "kind", "f") == "f":
            mistakes.reverse()  # -1, 0, 1 in floats is ddof=1, not cut: the later one comes first
        verdict.close(
            got, right, given, rtol=1e-3, atol=2e-3, mistakes=mistakes,
            hint="In the brain: (values - values.mean()) / values.std(). Elsewhere 0.",
        )  # fmt: skip
        if np.any(np.asarray(got)[~mask]):
            raise Wrong(f"for {given} the background isn't exactly 0", "Leave it as zeros.")
    return "Every case now speaks the same scale, and air stays what it is: nothing."


def wrongly_saved(evidence):
    hints = {
        "units": "A case of the right kind has 10 to 500 ml of tumour. One column of the table says "
        "which has not: WT in ml.",
        "swapped": "Label 4 is what lights up in T1ce: compare its median there with label 1's. "
        "(Two cases have no label 4. That is no fault.)",
        "flipped": "A mask on the wrong side lies on healthy brain: compare FLAIR's median under label 2 "
        "with that of the brain without label. Part of it may also lie in the air.",
    }
    for fault, hint in hints.items():
        number = wrong_copies.number_of(evidence[fault])
        if number is None or not 1 <= number <= 8:
            raise Wrong(
                f"{fault}={describe(evidence[fault])} is the name of no case",
                "Give the names that the table has, as texts.",
            )
        if number != wrong_copies.PLANTED[fault]:
            wrong = number in wrong_copies.PLANTED.values()
            why = "that one has another fault" if wrong else "that one was saved as it should be"
            raise Wrong(f"{fault}: not case {number}; {why}", hint)
    try:
        came_true = int(evidence["prediction"]) == 1
    except (TypeError, ValueError):
        came_true = False
    what = "came true" if came_true else f"({describe(evidence['prediction'])}) didn't come true"
    return (
        "found, all three. Each shows in another measurement: millilitres give away the units, T1ce "
        "the swapped labels, FLAIR the mirrored mask. Your prediction "
        f"{what}: millilitres show one of the three, since neither a mirror nor another number "
        "for a tissue changes how large the whole tumour is. (ET does change with swapped numbers, but "
        "without the original nobody knows how large it should be.)"
    )


CHECKS = {
    "voxel-to-mm": voxel_to_mm,
    "regions-of-any-layout": regions_of_any_layout,
    "millilitres": millilitres,
    "crop-to-brain": crop_to_brain,
    "z-score-in-brain": z_score_in_brain,
    "wrongly-saved": wrongly_saved,
}
OPEN_TASKS = {"wrongly-saved"}
PREDICTIONS = {"wrongly-saved": (0, 1, 2, 3)}

QUIZ = {
    "q1": Question(
        right="b",
        why={
            "a": "Writing is right, but the affine changes nothing for the network: it saw voxels, "
            "and every head turned by half a turn.",
            "b": "The affine puts each voxel where it belongs; what the network thought of it came "
            "from a head that was turned round.",
            "c": "The file's affine describes the file's array, and nobody mirrored that: the result "
            "is in its place. What suffers is the network's judgement.",
        },
    ),
    "q2": Question(
        right="c",
        why={
            "a": "TC is judged too small, since the enhancing part is lacking in it, but core is 1 in "
            "both years: its Dice is no 0.",
            "b": "The same code for truth and prediction doesn't help: both are then wrong in the same "
            "way, which is why the score looks good.",
            "c": "No voxel is 4 in truth or prediction, and BraTS counts two empty masks as 1. A "
            "perfect score is a reason to look.",
        },
    ),
    "q3": Question(
        right="a",
        why={
            "a": "Task01 was taken from BraTS 2016 and 2017, and many of these patients are in BraTS "
            "2021 under new names.",
            "b": "Both were resampled to 1 mm. Axes and labels do differ, but first the question is "
            "whether these are other patients at all.",
            "c": "It has hundreds of cases. But cases that the network was trained on test nothing, "
            "however many they are.",
        },
    ),
}
