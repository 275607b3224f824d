"""The checks of lesson 02: file names, missing sequences, class imbalance, splits, the leak."""

import numpy as np

from unet_course.data.layouts import LGG
from unet_course.exercises import verdict
from unet_course.exercises.choices import Question
from unet_course.exercises.verdict import Wrong, describe


def read_a_file_name(answer):
    names = {
        "TCGA_CS_4941_19960909_10_mask.tif": ("TCGA_CS_4941", 10, True),
        "TCGA_FG_A60K_20040224_7.tif": ("TCGA_FG_A60K", 7, False),
        "SYN_HT_0007_19990328_73_mask.tif": ("SYN_HT_0007", 73, True),
        "SYN_DU_0001_20010708_2.tif": ("SYN_DU_0001", 2, False),
    }
    for name, (patient, number, is_mask) in names.items():
        got = _name_read(answer, name)
        if not isinstance(got, (tuple, list)) or len(got) != 3:
            raise Wrong(
                f"for {name} you gave {describe(got)}, expected three things",
                "Return the patient's id, the slice's number and whether it is a mask, in this "
                "order, with commas between them.",
            )
        _patient_of(name, got[0], patient)
        _number_of(name, got[1], number)
        if not isinstance(got[2], (bool, int, np.bool_, np.integer)) or got[2] != is_mask:
            raise Wrong(
                f"for {name} you say that being a mask is {describe(got[2])}, expected {is_mask}",
                "A mask's name ends in _mask.tif: name.endswith(…) gives True or False.",
            )
    return "A name is data too: id for the split, number for the order, mask for the pairing."


def _name_read(answer, name):
    """Call the student's function; int() of the wrong part gets its hint."""
    try:
        return answer(name)
    except ValueError as error:
        if "int()" not in str(error):
            raise
        hint = "Only the fifth part, parts[4], is the slice's number."
        if "'mask" in str(error):
            hint = (
                "A mask's name has one part more, so that its last part isn't the number. Count "
                "from the front: the number is the fifth part, parts[4]."
            )
        elif ".tif'" in str(error):
            hint = "In an image's name the number is still followed by .tif: take that off first."
        error.hint = hint  # shown with the line that raised
        raise


def _patient_of(name, got, patient):
    if got == patient:
        return
    hint = "The id is the first three parts between the underscores, joined by underscores again."
    if isinstance(got, str) and got.startswith(patient + "_"):
        hint = (
            "data.csv knows patients without the date of the scan: keep the first three parts "
            "only, and nothing after them."
        )
    elif isinstance(got, (list, tuple)) and list(got) == patient.split("_"):
        hint = 'These are the right parts: "_".join(…) makes one text of them.'
    raise Wrong(f"for {name} your patient is {describe(got)}, expected {patient!r}", hint)


def _number_of(name, got, number):
    if isinstance(got, (int, np.integer)) and not isinstance(got, bool) and got == number:
        return
    hint = "The number is the fifth part between the underscores, without .tif."
    if isinstance(got, (float, np.floating)) and got == number:
        hint = "The right number, but a float: a slice has a whole number, so use int(…)."
    elif isinstance(got, str) and got.isdecimal() and int(got) == number:
        hint = "Right digits, but text: as text, '10' sorts before '2'. int(…) makes it a number."
    elif str(got) == str(int(name.split("_")[3])):
        hint = "That is the date of the scan; the slice's number comes after it."
    elif str(got) == str(number)[-1]:
        hint = "That is only the last digit: cut at the underscores, not at a fixed place."
    raise Wrong(f"for {name} your number is {describe(got)}, expected {number}", hint)


def missing_sequences(answer):
    pre, flair, post = (np.random.default_rng(k).integers(9, 99, (4, 6, 6)) for k in range(3))
    for channel in (pre, flair, post):
        channel[[0, -1]] = 0  # a black slice is the same in every sequence
    one_alike = pre.copy()
    one_alike[2] = flair[2]
    one_pixel = flair.copy()
    one_pixel[2, 5, 5] += 1
    shuffled = np.random.default_rng(3).permuted(flair.reshape(4, 36), axis=1).reshape(4, 6, 6)
    black = (
        "A black slice is equal in all channels, missing or not: a sequence is missing only if "
        "its channel equals FLAIR in every slice, so compare the whole arrays."
    )
    cases = (
        ("a post-contrast that repeats FLAIR", (pre, flair, flair), LGG.channels[2:], None),
        ("three sequences, whose first and last slices are black", (pre, flair, post), (), black),
        (
            "three sequences that are alike in three of four slices",
            (one_alike, flair, post),
            (),
            black,
        ),
        (
            "a pre-contrast that differs from FLAIR in a single pixel",
            (one_pixel, flair, post),
            (),
            "np.allclose and sums or means may overlook a pixel: np.array_equal misses none.",
        ),
        (
            "a post-contrast with FLAIR's grey values in other places",
            (pre, flair, shuffled),
            (),
            "The sums are the same, the pixels aren't: compare pixel by pixel.",
        ),
        (
            "a pre-contrast and a post-contrast that are the same, but not FLAIR",
            (pre, flair, pre),
            (),
            "Gaps are filled with FLAIR: compare each of the others with FLAIR, nothing else.",
        ),
        (
            "pre- and post-contrast that repeat FLAIR",
            (flair, flair, flair),
            (LGG.channels[0], LGG.channels[2]),
            "Both can be missing: collect the names and return them all at the end.",
        ),
    )
    for words, channels, expected, hint in cases:
        images = np.stack(channels, axis=-1).astype(np.uint8)
        got = answer(images)
        if got is None or isinstance(got, (str, bool, np.bool_, int)):
            raise Wrong(
                f"for {words} you gave {describe(got)}, expected a list of names",
                verdict.FORGOTTEN_RETURN
                if got is None
                else "Return a list of names, also when it holds one name or none.",
            )
        names = [str(name) for name in got]
        if names == list(expected):
            continue
        if "FLAIR" in names:
            hint = "FLAIR equals itself, of course: leave it out of the comparison."
        elif sorted(names) == sorted(expected):
            hint = "The right names: give them in the channels' order."
        elif set(names) - set(expected):
            hint = hint or black
        elif not names:
            hint = "Compare images[..., 0] and images[..., 2] with FLAIR, images[..., 1]."
        raise Wrong(f"for {words} you gave {names}, expected {list(expected)}", hint)
    return "What a file promises and what it holds are two things: look at the pixels."


def tumour_shares(answer):
    masks = np.zeros((5, 8, 10), np.uint8)
    masks[1, 2:6, 2:7] = 1  # 20 pixels
    masks[2, 3:4, 2:7] = 1  # 5
    whole = 25 / masks.size
    right = np.array([2 / 5, whole, 25 / 160])
    other_axes = "Slices are the first axis: .any() must run over the other two, axis=(1, 2)."
    verdict.close(
        answer(masks),
        right,
        "5 slices of 8 × 10 pixels, with 0, 20, 5, 0 and 0 pixels of tumour",
        mistakes=[
            (100 * right, "These are per cent: a share of one half is 0.5."),
            ([2, 25, 25], "These are counts: divide by how many there are in all."),
            *(
                ([share, whole, third], other_axes)
                for share in (5 / 10, 4 / 8)  # columns with tumour, rows with tumour
                for third in (whole / share, right[2])
            ),
            ([2 / 5, whole, whole], "The third is a share of the tumour slices' pixels alone."),
            (
                [2 / 5, 25 / 160, whole],
                "The last two are swapped: first all slices, then tumour slices.",
            ),
            (
                [whole] * 3,
                "Three times the pixels' mean. A slice counts once, however large its tumour: "
                "masks.any(axis=(1, 2)).",
            ),
            (
                [1.0, whole, whole],
                "Two slices in five have tumour: .any() without an axis looks at all of them at "
                "once. Use axis=(1, 2).",
            ),
            ([2 / 5, whole, 20 / 80], "Take all slices with tumour, not only the largest."),
            ([2 / 5, 2 / 5, 1.0], "That counts slices: the second and third are shares of pixels."),
        ],
        hint="Which slices have any tumour: masks.any(axis=(1, 2)). A mean of zeros and ones is a "
        "share.",
    )
    many = np.zeros((4, 20, 30), np.uint8)
    many[0, 2:17, 1:25] = 1  # 360 pixels, more than uint8 holds
    many[2, 3:8, 4:12] = 1  # 40
    many[3, 6, 7:12] = 1  # 5
    of_slices = np.array([360, 40, 5]) / 600
    verdict.close(
        answer(many),
        [3 / 4, 405 / 2400, 405 / 1800],
        "4 slices of 20 × 30 pixels, with 360, 0, 40 and 5 pixels of tumour",
        mistakes=[
            (right, "Those are the shares of the masks before: nothing here is fixed."),
            (
                [3 / 4, 405 / 2400, np.median(of_slices)],
                "The third is a mean over all pixels of the tumour slices, not a median of slices.",
            ),
            *(
                (
                    [3 / 4, whole, third],
                    "The masks are uint8, which holds 0 to 255: Python's own "
                    "sum(…) adds in that type and starts again at 0. masks.sum() doesn't.",
                )
                for whole in (405 / 2400, 405 % 256 / 2400)
                for third in (405 / 1800, 405 % 256 / 1800)
            ),
        ],
        hint="Right for other masks, so something in it fits those alone: compute all of it from "
        "the masks that come in.",
    )
    verdict.close(
        answer(np.zeros((3, 8, 8), np.uint8)),
        [0, 0, 0],
        "3 slices without any tumour",
        mistakes=[
            (
                [0, 0, np.nan],
                "0 / 0: where no slice has tumour, the third share is 0. Ask for it with an if.",
            )
        ],
        hint="Where no slice has tumour, all three shares are 0: ask before you divide.",
    )
    return "Before you believe a score, know how little of the picture it is about."


def split_by_patient(answer):
    names = np.array([f"SYN_CS_{k:04d}" for k in range(1, 11)])
    slices = np.repeat(names, [20, 24, 22, 60, 30, 21, 33, 45, 28, 72])
    got = _one_split(answer, slices, 0.3, 0)
    chosen = set(slices[got])
    both = sorted(chosen & set(slices[~got]))
    if both:
        raise Wrong(
            f"for {len(slices)} slices of 10 patients, {len(both)} patients are on both sides: "
            f"{', '.join(both[:3])}{', …' if len(both) > 3 else ''}",
            "Choose among the patients (np.unique), then take all slices of the chosen ones: "
            "np.isin(patients, chosen).",
        )
    if len(chosen) == 7:
        raise Wrong(
            "for 10 patients and a share of 0.3 you chose 7, expected 3",
            "True stands for the test side; you marked the training side.",
        )
    if not np.array_equal(_one_split(answer, slices, 0.3, 0), got):
        raise Wrong(
            "called twice with seed 0, you gave two different splits",
            "Make the generator inside the function: np.random.default_rng(seed). A split that "
            "nobody can repeat can't be compared with anything.",
        )
    draws = [_one_split(answer, slices, 0.3, seed) for seed in range(30)]
    counts = [len(set(slices[draw])) for draw in draws]
    for seed, count in enumerate(counts):
        if count == 3:
            continue
        hint = "The share is one of patients, not of slices: round(share * number of patients)."
        if min(counts) < max(counts) <= 3:
            hint = (
                "Some seeds give fewer: the same patient was drawn twice. Draw without putting "
                "back: rng.permutation(everybody), or rng.choice(…, replace=False)."
            )
        raise Wrong(
            f"for 10 patients, a share of 0.3 and seed {seed} you chose {count}, expected 3", hint
        )
    different = len({draw.tobytes() for draw in draws})
    if different == 1:
        hint = (
            "The patients are shuffled, but not by the seed: np.random.default_rng(seed), with "
            "the argument."
        )
        if chosen in ({*names[:3]}, {*names[-3:]}):
            hint = (
                "Shuffle the patients first: np.random.default_rng(seed).permutation(…). They are "
                "sorted by hospital, so that the first ones would all come from one."
            )
        raise Wrong("with the seeds 0 to 29 you gave the same split every time", hint)
    if _depends_on_hashes(answer, slices):
        raise Wrong(
            "the same seed gives another split each time that Python is started anew",
            "The order of a set of texts changes from one start of Python to the next. Begin with "
            "an order that stays: np.unique(patients) or sorted(set(patients)).",
        )
    if different <= 10:  # of 120; 30 fair draws give about 27
        raise Wrong(
            f"with the seeds 0 to 29 you gave only {different} different splits, of 120 possible",
            "A block that moves along the sorted list, or one half of it, isn't chance: "
            "neighbours are of the same hospital. Shuffle all: rng.permutation(everybody).",
        )
    for share, expected, way in ((0.18, 2, "up"), (0.32, 3, "down")):
        count = len(set(slices[_one_split(answer, slices, share, 0)]))
        if count != expected:
            raise Wrong(
                f"for 10 patients and a share of {share} you chose {count}, expected {expected}",
                f"{10 * share:.1f} patients is rounded {way} here: int(…) always goes down and "
                "math.ceil(…) always up, round(…) goes to the nearest.",
            )
    few = _one_split(answer, slices[slices <= names[2]], 0.1, 0)
    if len(set(slices[slices <= names[2]][few])) != 1:
        raise Wrong(
            "for 3 patients and a share of 0.1 you chose "
            f"{len(set(slices[slices <= names[2]][few]))}, expected 1",
            "0.1 · 3 rounds to 0, and a test side without patients tests nothing: max(1, …).",
        )
    return "Whoever is judged on a patient must not have learnt from that patient's slices."


class _Name(str):
    """A text whose place in a set is another for each `salt`, as after a new start of Python."""

    salt = 0

    def __hash__(self):
        return hash((_Name.salt, str.__hash__(self)))

    def __str__(self):
        return self


def _depends_on_hashes(answer, slices) -> bool:
    """Whether the split changes with the order in which a set holds the patients' ids."""
    named = np.array([_Name(name) for name in slices.tolist()], dtype=object)
    found = set()
    for _Name.salt in range(1, 6):
        try:
            found.add(np.asarray(answer(named.copy(), 0.3, 0), bool).tobytes())
        except Exception:  # the answer works with NumPy's own texts only: it can't be asked so
            return False
    return len(found) > 1


def _one_split(answer, slices, share, seed) -> np.ndarray:
    got = np.asarray(answer(slices, share, seed))
    given = f"{len(slices)} slices"
    if got.dtype.kind in "US":
        raise Wrong(
            f"for {given} you gave names, expected True or False for each slice",
            "You have the patients: np.isin(patients, chosen) finds their slices.",
        )
    if got.shape != slices.shape:
        raise Wrong(
            f"for {given} your result has shape {got.shape}, expected {slices.shape}",
            "One True or False for each slice, not for each patient: np.isin(patients, chosen).",
        )
    verdict.dtype(
        got, bool, given, hint="True for test, False for the rest: a comparison gives it."
    )
    return got


def copy_the_nearest(answer):
    train = np.array(
        [
            [[100, 100, 100], [102, 100, 106]],
            [[90, 94, 90], [90, 90, 84]],
            [[255, 250, 255], [255, 255, 253]],
            [[0, 0, 0], [0, 10, 0]],
            [[10, 50, 10], [50, 10, 50]],
            [[50, 10, 50], [10, 50, 10]],
            [[60, 60, 60], [60, 60, 90]],
            [[66, 66, 66], [66, 68, 100]],
            [[160, 165, 160], [160, 160, 160]],
        ],
        np.uint8,
    )
    test = np.array(
        [
            [[98, 98, 98], [98, 101, 98]],  # a little below the first, but for one pixel
            [[255, 255, 255], [250, 255, 255]],  # white: 255² is too much for int16
            [[49, 12, 49], [10, 50, 12]],  # two pictures have this mean: the pattern decides
            [[60, 60, 60], [60, 60, 110]],  # six middling differences beat one large in squares
            [[60, 60, 60], [60, 60, 102]],  # and here they don't
            [[0, 5, 0], [0, 0, 0]],  # 160 squared is 0 in uint8
        ],
        np.uint8,
    )
    masks = np.random.default_rng(0).integers(0, 2, (len(train), 4, 5)).astype(np.uint8)
    masks[:, 0, :4] = [[k >> bit & 1 for bit in range(4)] for k in range(len(train))]  # all differ
    chosen = _squares(test, train).argmin(axis=1)
    verdict.equal(
        answer(test, train, masks),
        masks[chosen],
        f"{len(test)} test pictures and {len(train)} training pictures of 2 × 3 pixels",
        mistakes=[
            (chosen, "These are the numbers of the nearest: train_masks[numbers] gives masks."),
            (train[chosen], "You copied the picture; copy its mask: train_masks[…]."),
            (masks[: len(test)], "The masks in their own order: look for each test picture's."),
            (
                masks[np.zeros(len(test), int)],
                "Always the first: keep the training pictures apart when you sum, axis=(1, 2).",
            ),
            *((masks[numbers], hint) for numbers, hint in _other_neighbours(test, train)),
        ],
        hint="For each test picture: the sum of squared differences to every training picture, "
        "then argmin, then that picture's mask.",
    )
    more = np.concatenate([test, test[:1]])
    verdict.equal(
        answer(more, train[:4], masks[:4]),
        masks[:4][_squares(more, train[:4]).argmin(axis=1)],
        f"{len(more)} test pictures and 4 training pictures",
        hint="Let the arrays say how many pictures there are: nothing here is a fixed number.",
    )
    return "It knows nothing of tumours, so whatever it scores, the split has given away."


def _squares(test, train) -> np.ndarray:
    """Sum of squared differences, (n test, m training)."""
    apart = test.astype(float)[:, None] - train.astype(float)[None]
    return (apart**2).sum(axis=(2, 3))


def _other_neighbours(test, train):
    """Which training pictures a usual mistake takes for the nearest, and its hint."""
    a, b = test.astype(float)[:, None], train.astype(float)[None]
    over = (2, 3)
    wraps = (
        "uint8 holds 0 to 255 and wraps round: 98 - 100 becomes 254, and 160 squared becomes 0. "
        "Make the pictures float before you subtract: test.astype(float)."
    )
    for small in (test[:, None] - train[None], train[None] - test[:, None]):  # still uint8
        yield (small**2).sum(axis=over).argmin(axis=1), wraps
        yield small.sum(axis=over).argmin(axis=1), wraps  # np.abs changes nothing in uint8
        late = small.astype(float)  # float after the difference has wrapped
        yield (late**2).sum(axis=over).argmin(axis=1), wraps
    short = test[:, None].astype(np.int16) - train[None].astype(np.int16)
    yield (
        (short**2).sum(axis=over).argmin(axis=1),
        "int16 ends at 32767, and 255 squared is 65025: it wraps round. Make the pictures float.",
    )
    yield _squares(test, train).argmax(axis=1), "That is the one furthest away: argmin, not argmax."
    cancel = "Positive and negative differences cancel: square them before you sum."
    yield (a - b).sum(axis=over).argmin(axis=1), cancel
    yield (b - a).sum(axis=over).argmin(axis=1), cancel
    yield (
        np.abs((a - b).sum(axis=over)).argmin(axis=1),
        "That compares mean brightness only: pictures with different patterns can have one mean. "
        "Subtract pixel by pixel, square, and only then sum.",
    )
    yield (
        np.abs(a - b).sum(axis=over).argmin(axis=1),
        "That sums the differences without their sign. The task asks for squares, in which one "
        "large difference weighs more than many small ones: ** 2.",
    )
    yield (
        np.abs(a - b).max(axis=over).argmin(axis=1),
        "That looks at the single largest difference: sum the squares over all pixels.",
    )
    normalised = (
        "You normalised the pictures first, as the lesson does after this exercise. Here compare "
        "them as they come."
    )
    a, b = (x - x.mean(axis=over, keepdims=True) for x in (a, b))
    yield ((a - b) ** 2).sum(axis=over).argmin(axis=1), normalised
    a, b = (x / x.std(axis=over, keepdims=True) for x in (a, b))
    yield ((a - b) ** 2).sum(axis=over).argmin(axis=1), normalised


CHECKS = {
    "read-a-file-name": read_a_file_name,
    "missing-sequences": missing_sequences,
    "tumour-shares": tumour_shares,
    "split-by-patient": split_by_patient,
    "copy-the-nearest": copy_the_nearest,
}

QUIZ = {
    "q1": Question(
        right="c",
        why={
            "a": "The rule is the same, the names aren't: `_10_mask` comes before `_1_mask`, but `_1.tif` "
            "before `_10.tif`.",
            "b": "If both lists were in the same wrong order, yes. But `_mask` in the name changes how "
            "they sort, so they aren't.",
            "c": "`0` sorts before `_`, and `.` before `0`, so the two lists have different orders. Pair "
            "files by patient and number.",
        },
    ),
    "q2": Question(
        right="b",
        why={
            "a": "One slice proves nothing: a slice that is black in every sequence has equal channels, "
            "too.",
            "b": "Equal in every pixel of every slice is the sign; one slice could be black, or damaged.",
            "c": "Without contrast agent post-contrast looks much like pre-contrast, but never like "
            "FLAIR. And the table doesn't tell.",
        },
    ),
    "q3": Question(
        right="a",
        why={
            "a": "The independent case is the person, not the scan. Split by person, or say in the report "
            "that it couldn't be done.",
            "b": "`assert_no_leak` compares ids. It can't know that two ids are one person.",
            "c": "The hospital hasn't anything to do with it: it is the same head with the same tumour, "
            "on any scanner.",
        },
    ),
}
