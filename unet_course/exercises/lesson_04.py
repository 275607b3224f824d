"""The checks of lesson 04: convolution, output size, parameters, a block and an up step in Keras."""

import numpy as np

from unet_course.exercises import verdict
from unet_course.exercises.choices import Question
from unet_course.exercises.verdict import Wrong
from unet_course.showing.explorers.receptive_field import UNetSizes


def convolve_by_hand(answer):
    image = np.array([[0, 0, 5, 5, 7], [0, 1, 5, 5, 9], [0, 0, 6, 5, 2], [1, 0, 5, 3, 4]], float)
    kernel = np.array([[-1.0, 0, 1], [-2, 0, 3], [-1, 0, 1]])  # its mirror image is another
    right = _slide(image, kernel)
    whole = _slide(np.pad(image, 1), kernel)
    short = np.zeros_like(right)
    short[:-1, :-1] = right[:-1, :-1]
    corners = np.zeros_like(image)
    corners[:2, :3] = right
    middles = np.zeros_like(image)
    middles[1:3, 1:4] = right
    turned = (
        "You turned the kernel round (by 180°, or mirrored it). Mathematics does that and calls it "
        "convolution; networks, and this exercise, lay the kernel on as it is."
    )
    verdict.close(
        answer(image, kernel),
        right,
        "a picture of 4 × 5 pixels and a kernel of 3 × 3",
        mistakes=[
            (_slide(image, kernel[::-1, ::-1]), turned),
            (_slide(image, kernel[:, ::-1]), turned),
            (_slide(image, kernel.T), "Rows and columns of the kernel are swapped."),
            (
                whole,
                "You padded the border with zeros ('same'). Here the kernel stays inside the "
                "picture ('valid'), so the result is smaller.",
            ),
            (
                right[:-1, :-1],
                "The last row and column are missing: a side of n has n - k + 1 places for a "
                "kernel of k.",
            ),
            (
                short,
                "The last row and column stayed 0: a side of n has n - k + 1 places for a kernel "
                "of k, so the loops have to go one further.",
            ),
            (corners, "The values are right; the result has n - k + 1 rows, not n."),
            (middles, "The values are right; without padding there is no rim of zeros."),
            (right / 9, "You took the mean of the nine products; their sum is asked for."),
        ],
        hint="At [row, column] the result is the sum of image[row : row + 3, column : column + 3] * kernel.",
    )
    mean = np.full((3, 3), 1 / 9)
    whole_numbers = image.astype(int)
    verdict.close(
        answer(whole_numbers, mean),
        _slide(image, mean),
        "a picture of whole numbers and a kernel of ninths",
        mistakes=[
            (
                np.trunc(_slide(image, mean)),
                "The digits behind the point were cut off: np.zeros_like(image) makes an array of "
                "whole numbers, np.zeros(shape) one that holds fractions.",
            )
        ],
    )
    for small in (np.array([[1.0, -1.0]]), np.array([[1.0], [0.5], [-2.0], [3.0]])):
        verdict.close(
            answer(image, small),
            _slide(image, small),
            "a kernel of {} × {}".format(*small.shape),
            hint="Take the kernel's own size from kernel.shape, rows and columns apart; nothing may "
            "be fixed to 3.",
        )
    verdict.close(
        answer(np.array([[1, 2, 4]]), np.array([[-1, 1]])),
        [[1, 2]],
        "the task's own example",
        hint="The other examples were right: use the arguments, nothing that fits only those.",
    )
    return "Keras does this for many kernels at once, and finds their numbers by itself."


def _slide(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.einsum("rcij,ij->rc", windows, kernel)


def output_side(answer):
    sizes = ((10, 3, 1), (9, 3, 2), (256, 3, 1), (11, 3, 2), (10, 3, 2), (7, 2, 2), (9, 5, 1))
    sizes += ((10, 2, 1), (10, 3, 3), (11, 3, 3), (7, 2, 3))
    given = [(*size, padding) for size in sizes for padding in ("valid", "same")]
    returned = [_side(answer, *case) for case in given]
    for (side, kernel, stride, padding), got in zip(given, returned, strict=True):
        if np.asarray(got).dtype.kind not in "iu":  # after all values, which say more
            raise Wrong(
                f"for side {side}, kernel {kernel}, stride {stride}, {padding!r} you gave "
                f"{float(got)}, expected the `int` {int(got)}",
                "The values are right, their type isn't: // of whole numbers, math.ceil and "
                "math.floor give an `int`; / and NumPy's ceil and floor give a float.",
            )
    return "Add the sizes up before you build: most networks that won't start fail at this."


def _side(answer, side: int, kernel: int, stride: int, padding: str):
    inside = (side - kernel) // stride + 1
    everywhere = -(-side // stride)
    right, other = (inside, everywhere) if padding == "valid" else (everywhere, inside)
    # mixed up comes last: the first call, at stride 1, is where nothing else gives that number
    mixed = "'valid' and 'same' are mixed up: 'valid' stays inside and loses the border."
    if padding == "valid":
        mistakes = [
            (
                (side - kernel) // stride,
                "One too few: the first place counts too, so + 1 at the end, after the division.",
            ),
            (
                -(-(side - kernel) // stride) + 1,
                "A last step that leads out of the picture isn't taken: round down.",
            ),
            ((side - kernel) / stride + 1, "No half places: round down (the operator is //)."),
            (side - kernel + 1, "The stride is missing: divide side - kernel by it first."),
            (side // stride - kernel + 1, "First take the kernel off, then divide by the stride."),
            ((side - 3) // stride + 1, "The kernel is an argument too: nothing fixed to 3."),
        ]
    else:
        mistakes = [
            (
                side // stride,
                "With 'same' what is left over gets a place too, however little: round up. (`round` "
                "goes to the nearest whole number, and from a half to the even one.)",
            ),
            (side / stride, "No half places: round up."),
            (side, "The stride is missing: with 'same' the side is divided by it."),
        ]
    got = answer(side, kernel, stride, padding)
    given = f"side {side}, kernel {kernel}, stride {stride}, {padding!r}"
    verdict.equal(
        got,
        right,
        given,
        mistakes=[m for m in (*mistakes, (other, mixed)) if m[0] != right],
        hint="valid: (side - kernel) // stride + 1. same: side / stride, rounded up.",
    )
    return got


def count_parameters(answer):
    right = _double(3, 8)
    # with the task's own 3 and 64, some slips give one number; with 3 and 8, each its own
    verdict.equal(
        answer(3, 8),
        right,
        "3 channels in and 8 filters",
        mistakes=[
            (right - 16, "The biases are missing: one for each filter of each convolution."),
            (right - 8, "One convolution's biases are missing: both have one for each filter."),
            (right - 14, "A bias belongs to a filter, not to a convolution: 8 and 8, not 1 and 1."),
            (160, "You left out the channels that come in: a filter has 3 × 3 numbers for each."),
            (
                2 * (9 * 3 * 8 + 8),
                "The second convolution doesn't see the picture any more: what comes in there are "
                "the first one's 8 channels.",
            ),
            (9 * 3 * 8 + 8, "That is the first convolution alone; the block has two."),
            (9 * 8 * 8 + 8, "That is the second convolution alone; the block has two."),
            (
                3 * 3 * 8 + 8 + 3 * 8 * 8 + 8,
                "A kernel is 3 wide and 3 high: 3 · 3 = 9 numbers for each channel that comes in.",
            ),
        ],
        hint="Each convolution: 3 · 3 · channels in · filters + filters. Then add the two.",
    )
    verdict.equal(
        answer(512, 256),
        _double(512, 256),
        "512 channels in and 256 filters",
        hint="The first example was right: use the arguments, nothing that fits only that one.",
    )
    verdict.equal(
        answer(3, 64),
        _double(3, 64),
        "3 channels in and 64 filters",
        hint="The other examples were right: use the arguments, nothing that fits only those.",
    )
    return "A block's cost grows with in × out: that is why the bottom of a U-Net is so heavy."


def _double(channels_in: int, filters: int) -> int:
    return 9 * channels_in * filters + filters + 9 * filters * filters + filters


def double_conv(answer):
    import keras  # here, not above: the checks of other lessons shall not wait for TensorFlow

    inputs = keras.Input((8, 6, 3))
    output = answer(inputs, 4)
    _expect_shape(
        output,
        (None, 8, 6, 4),
        "an input of shape (None, 8, 6, 3) and 4 filters",
        {
            (None, 4, 2, 4): 'The border got lost twice: padding="same" is missing in both.',
            (None, 6, 4, 4): 'The border got lost once: padding="same" in both convolutions.',
            (None, 8, 6, 3): "The number of channels is what `filters` says.",
            (None, 8, 6, 8): "Both convolutions have `filters` filters; nothing doubles here.",
            (None, 4, 3, 4): "Pooling comes after the block: it isn't part of it.",
        },
        "Two convolutions with padding='same'; only the channels change.",
    )
    model = keras.Model(inputs, output)
    right = _double(3, 4)
    verdict.equal(
        model.count_params(),
        right,
        "3 channels in and 4 filters, the parameters:",
        mistakes=[
            (9 * 3 * 4 + 4, "One convolution only, or the second was given the block's input x."),
            (right - 8, "The biases are missing: leave use_bias as it is."),
            (right + 32, "Batch normalisation is a good idea for later: here are only two layers."),
            (_double(3, 4) + 9 * 4 * 4 + 4, "Three convolutions: the block has two."),
            (36, "The kernels are 1 × 1: the second argument of Conv2D is their width, 3."),
        ],
        hint="Two convolutions of width 3: 112 + 148 parameters.",
    )
    # one set of numbers through the student's block and through the right one
    rng = np.random.default_rng(4)
    weights = [rng.normal(size=w.shape).astype("float32") for w in model.get_weights()]
    model.set_weights(weights)
    picture = rng.normal(size=(1, 8, 6, 3)).astype("float32")
    got = np.asarray(model(picture))
    relu = {
        key: np.asarray(_two(keras, picture, weights, *key))
        for key in ((True, True), (True, False), (False, True), (False, False))
    }
    verdict.close(
        got,
        relu[True, True],
        "a picture of random numbers",
        rtol=1e-3,
        atol=1e-3,
        mistakes=[
            (relu[True, False], "ReLU is missing after the second convolution."),
            (relu[False, True], "ReLU is missing after the first convolution."),
            (
                relu[False, False],
                'ReLU is missing: activation="relu" in both convolutions. Without it, two in a '
                "row do no more than a single wider one could.",
            ),
        ],
        hint='Conv2D(filters, 3, padding="same", activation="relu"), twice, one after the other.',
    )
    verdict.close(
        np.asarray(model(picture, training=True)),
        relu[True, True],
        "the same picture while training",
        rtol=1e-3,
        atol=1e-3,
        hint="Only two convolutions are asked for, no dropout or the like between them.",
    )
    _expect_shape(
        answer(keras.Input((5, 7, 2)), 6),
        (None, 5, 7, 6),
        "an input of shape (None, 5, 7, 2) and 6 filters",
        {(None, 5, 7, 4): "The first example had 4 filters: use the argument `filters`."},
        "The first example was right: use the arguments, nothing that fits only that one.",
    )
    return "Two lines: all U-Nets of this course are built of them, nine times over or seven."


def _expect_shape(output, expected: tuple, given: str, hints: dict, hint: str) -> None:
    import keras

    if not keras.backend.is_keras_tensor(output):
        raise Wrong(
            f"for {given} you returned {verdict.describe(output)}, a tensor is expected",
            "Making a layer and calling it are two steps: layers.Conv2D(…)(x).",
        )
    shape = tuple(output.shape)
    if shape != expected:
        raise Wrong(
            f"for {given} your result has shape {shape}, expected {expected}",
            hints.get(shape, hint),
        )


def _two(keras, picture, weights, first: bool, second: bool):
    x = picture
    for kernel, bias, relu in ((*weights[:2], first), (*weights[2:], second)):
        x = keras.ops.conv(x, kernel, padding="same") + bias
        x = keras.ops.relu(x) if relu else x
    return x


def up_step(answer):
    import keras

    inputs = keras.Input((4, 3, 6)), keras.Input((8, 6, 5))
    output = answer(*inputs, 4)
    _expect_shape(
        output,
        (None, 8, 6, 4),
        "x of shape (None, 4, 3, 6), kept of shape (None, 8, 6, 5) and 4 filters",
        {
            (None, 8, 6, 9): "Two things are done, the block is missing: give it what they made.",
            (None, 4, 3, 4): "Nothing was enlarged: strides=2 doubles rows and columns.",
        },
        "Enlarge x, concatenate it with kept, and end with the block of the last line.",
    )
    model = keras.Model(inputs, output)
    block = _double(4 + 5, 4)
    right = 4 * 6 * 4 + 4 + block
    verdict.equal(
        model.count_params(),
        right,
        "x of 6 channels, kept of 5 and 4 filters, the parameters:",
        mistakes=[
            (right - 9 * 5 * 4, "The skip connection is missing: `kept` isn't used."),
            (_double(5, 4), "What comes from below is missing: the block was given `kept` alone."),
            (_double(6 + 5, 4), "Enlarged without weights (UpSampling2D): take Conv2DTranspose."),
            (right + 5 * 6 * 4, "The stamps are 3 × 3 and overlap: 2 × 2 is asked for."),
            (150 + _double(6 + 5, 4), "The transposed convolution has `filters` filters."),
        ],
        hint="A transposed convolution of 2 × 2 (100 parameters), then the block (476).",
    )
    rng = np.random.default_rng(4)
    weights = [rng.normal(size=w.shape).astype("float32") for w in model.get_weights()]
    model.set_weights(weights)
    if weights[0].shape != (2, 2, 4, 6):
        raise Wrong(
            "with x of 6 channels, kept of 5 and 4 filters the number of parameters is right, but "
            f"your first weights have shape {weights[0].shape}, expected (2, 2, 4, 6)",
            "An UpSampling2D with a convolution of 2 × 2 after it has as many parameters; the task "
            "asks for layers.Conv2DTranspose.",
        )
    x, kept = (rng.normal(size=(1, *side)).astype("float32") for side in ((4, 3, 6), (8, 6, 5)))
    large = keras.ops.conv_transpose(x, weights[0], strides=2, padding="same") + weights[1]

    def after(*parts):
        joined = keras.ops.concatenate(parts, axis=-1)
        return np.asarray(_two(keras, joined, weights[2:], True, True))

    verdict.close(
        np.asarray(model([x, kept])),
        after(large, kept),
        "tensors of random numbers",
        rtol=1e-3,
        atol=1e-3,
        mistakes=[
            (
                after(kept, large),
                "The order is the other way round: the enlarged channels first, then `kept`.",
            ),
            (
                after(keras.ops.relu(large), kept),
                "The transposed convolution has no activation here; the block behind it has.",
            ),
        ],
        hint="Conv2DTranspose(filters, 2, strides=2), Concatenate([x, kept]), the block.",
    )
    others = keras.Input((2, 4, 5)), keras.Input((4, 8, 2))
    output = answer(*others, 3)
    _expect_shape(
        output,
        (None, 4, 8, 3),
        "x of shape (None, 2, 4, 5), kept of shape (None, 4, 8, 2) and 3 filters",
        {(None, 4, 8, 4): "The first example had 4 filters: use the argument `filters`."},
        "The first example was right: use the arguments, nothing that fits only that one.",
    )
    verdict.equal(
        keras.Model(others, output).count_params(),
        4 * 5 * 3 + 3 + _double(3 + 2, 3),
        "x of 5 channels, kept of 2 and 3 filters, the parameters:",
        hint="With 4 filters it was right: use the argument `filters`, nothing fixed to 4.",
    )
    return "That is the right half of the U: this step, four times over, each twice as large."


DEEPEST = 5  # six halvings of 256 leave 4 × 4 pixels


def too_small_a_field(evidence):
    depth, seen, box, pixel = (evidence[name] for name in ("depth", "seen", "tumour", "pixel"))
    if isinstance(depth, bool) or int(depth) != depth or not 0 <= depth <= DEEPEST:
        raise Wrong(
            f"the depth is {verdict.describe(depth)}", f"It is a whole number, 0 to {DEEPEST}."
        )
    depth = int(depth)
    reach = _field_around(pixel, depth)
    if tuple(seen) != reach:
        others = [d for d in range(DEEPEST + 1) if tuple(seen) == _field_around(pixel, d)]
        raise Wrong(
            f"for depth {depth} you gave the rows and columns {tuple(seen)}, the formula says {reach}",
            f"You measured at depth {others[0]}: set `depth` to what you conclude, and run the cell "
            "again."
            if others
            else "Pass on what look(depth) returned: first and last row, first and last column.",
        )
    blind = _blind_sides(reach, box)
    if blind:
        raise Wrong(
            f"at depth {depth} the pixel sees rows and columns {reach}, the tumour fills {tuple(box)}: "
            f"{_listed(blind)} it sees nothing but tumour",
            "The field must reach beyond the tumour's box on all four sides. Each level deeper "
            "about doubles it.",
        )
    if depth and not _blind_sides(less := _field_around(pixel, depth - 1), box):
        raise Wrong(
            f"depth {depth} is enough, and so is depth {depth - 1}, which sees {less}",
            "The least depth is asked for: try a smaller one.",
        )
    beyond = float(evidence["beyond"])
    if not 0 < beyond < 1:
        raise Wrong(
            f"the share from beyond the tumour is {verdict.describe(beyond)}",
            "Pass on the second number that look(depth) returned: a share, from 0 to 1.",
        )
    guess = evidence["prediction"]
    came = "came true" if guess == depth else f"didn't come true (you predicted {guess})"
    return (
        f"Depth {depth} is the least: your prediction {came}. But of all that the pixel depends on, "
        f"only {100 * beyond:.2g} % come from beyond the tumour. The field says how far a network can "
        "see; how far it looks is up to its weights. One level more leaves them more to see."
    )


def _field_around(pixel, depth: int, side: int = 256) -> tuple[int, int, int, int]:
    """First and last row, first and last column that this pixel of a U-Net's output sees."""
    rows, columns = (UNetSizes(side=side, depth=depth).seen(int(place)) for place in pixel)
    first_row, last_row, first_column, last_column = (
        min(max(place, 0), side - 1) for place in (*rows, *columns)
    )
    return first_row, last_row, first_column, last_column


def _blind_sides(seen, box) -> list[str]:
    names = ("above", "below", "on the left", "on the right")
    short = (seen[0] >= box[0], seen[1] <= box[1], seen[2] >= box[2], seen[3] <= box[3])
    return [name for name, is_short in zip(names, short, strict=True) if is_short]


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


CHECKS = {
    "convolve-by-hand": convolve_by_hand,
    "output-side": output_side,
    "count-parameters": count_parameters,
    "double-conv": double_conv,
    "up-step": up_step,
    "too-small-a-field": too_small_a_field,
}
OPEN_TASKS = {"too-small-a-field"}
QUIZ = {
    "q1": Question(
        right="b",
        why={
            "a": "Each of the two makes the field wider by 2, not by 3: 1 + 2 + 2 = 5, as before.",
            "b": "1 + 2 + 2 = 5 pixels, with 73,856 parameters in place of 102,464, and one ReLU "
            "more. That is why nearly everybody takes two small ones.",
            "c": "The second 3 × 3 looks at values that have each seen 3 pixels, so together they "
            "see 5. And a kernel's numbers count in its area: 2 · 9 is less than 25.",
        },
    ),
    "q2": Question(
        right="c",
        why={
            "a": "It must be halved five times, not once: 240, 120, 60, 30, 15, and then 7.5.",
            "b": "It would fit, but stretching changes what a millimetre is, and the mask would have "
            "to be shrunk again. A rim of zeros costs nothing.",
            "c": "Multiples of 2⁵ = 32 are needed, and 256 is the next. (Or take depth 4: 240 is "
            "15 · 16.)",
        },
    ),
    "q3": Question(
        right="a",
        why={
            "a": "With align_corners=True a row 0, 1 becomes 0, ⅓, ⅔, 1; in Keras 0, ¼, ¾, 1. Put the "
            "same weights and the same picture into both, and compare what comes out.",
            "b": "The count can't tell: upsampling has no parameters.",
            "c": "The shapes can't tell either: both double the sides. What differs are the values "
            "in between.",
        },
    ),
}
