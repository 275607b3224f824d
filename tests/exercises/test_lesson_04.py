"""Lesson 04's exercises: the usual mistakes, and the words of the hint that each must get."""

import numpy as np


def slide(
    rows="image.shape[0] - n + 1",
    columns="image.shape[1] - m + 1",
    value="(image[r : r + n, c : c + m] * kernel).sum()",
    first="n, m = kernel.shape",
    zeros="np.zeros((rows, columns))",
) -> str:
    return (
        "def convolve(image, kernel):\n"
        f"    {first}\n"
        f"    rows, columns = {rows}, {columns}\n"
        f"    result = {zeros}\n"
        "    for r in range(rows):\n"
        "        for c in range(columns):\n"
        f"            result[r, c] = {value}\n"
        "    return result"
    )


def side(valid: str, same: str = "-(-side // stride)") -> str:
    return (
        "def output_side(side, kernel, stride, padding):\n"
        '    if padding == "valid":\n'
        f"        return {valid}\n"
        f"    return {same}"
    )


def parameters(formula: str) -> str:
    return f"def block_parameters(channels_in, filters):\n    return {formula}"


FIRST = "9 * channels_in * filters + filters"
SECOND = "9 * filters * filters + filters"


def block(first: str, second: str | None = None, back: str = "x") -> str:
    second = first if second is None else second
    return f"def double_conv(x, filters):\n    y = {first}\n    x = {second}\n    return {back}"


def conv(given="x", filters="filters", kernel="3", rest='padding="same", activation="relu"') -> str:
    return f"layers.Conv2D({filters}, {kernel}, {rest})({given})"


def step(
    enlarge="layers.Conv2DTranspose(filters, 2, strides=2)(x)",
    beside="layers.Concatenate()([x, kept])",
    back='blocks.conv_block(x, filters, normalization="none")',
) -> str:
    return f"def up_step(x, kept, filters):\n    x = {enlarge}\n    x = {beside}\n    return {back}"


RIGHT = "(side - kernel) // stride + 1"

MISTAKES = {
    "convolve-by-hand": [
        (slide(value="(image[r : r + n, c : c + m] * kernel[::-1, ::-1]).sum()"), "turned the"),
        (slide(value="(image[r : r + n, c : c + m] * kernel[:, ::-1]).sum()"), "turned the"),
        (slide(value="(image[r : r + n, c : c + m] * kernel.T).sum()"), "swapped"),
        (
            slide(
                rows="image.shape[0] - 2",
                columns="image.shape[1] - 2",
                first="n, m = kernel.shape; image = np.pad(image, 1)",
            ),
            "('same')",
        ),
        (
            "from scipy import signal\n\n"
            "def convolve(image, kernel):\n"
            "    return signal.convolve2d(image, kernel, mode='valid')",
            "turned the",
        ),
        (slide(rows="image.shape[0] - n", columns="image.shape[1] - m"), "are missing"),
        (
            slide(
                rows="image.shape[0] - n",
                columns="image.shape[1] - m",
                zeros="np.zeros((rows + 1, columns + 1))",
            ),
            "stayed 0",
        ),
        (slide(zeros="np.zeros(image.shape)"), "n - k + 1 rows, not n"),
        (
            slide(zeros="np.zeros(image.shape)").replace("result[r, c]", "result[r + 1, c + 1]"),
            "no rim of zeros",
        ),
        (slide(value="(image[r : r + n, c : c + m] * kernel).mean()"), "their sum is asked for"),
        (slide(zeros="np.zeros((rows, columns), image.dtype)"), "digits behind the point"),
        (slide(first="n = m = 3"), "your function raised"),
        (slide(first="n, m = kernel.shape[0], kernel.shape[0]"), "rows and columns apart"),
        (
            slide(rows="image.shape[0] - m + 1", columns="image.shape[1] - n + 1"),
            "rows and columns",
        ),
        (slide(value="(image[r : r + n, c : c + m] * np.abs(kernel)).sum()"), "is the sum of"),
        (slide(value="(image[r : r + n, c : c + m] * kernel).max()"), "is the sum of"),
        (
            slide(value="2 * (image[r : r + n, c : c + m] * kernel).sum()"),
            "the result is the sum of",
        ),
        (slide().replace("    return result", ""), "is yours missing?"),
    ],
    "output-side": [
        (side("(side - kernel) // stride"), "+ 1 at the end"),
        (side("-(-side // stride)", RIGHT), "mixed up"),
        (side("(side - kernel) / stride + 1"), "round down"),
        (side("-(-(side - kernel) // stride) + 1"), "isn't taken"),
        (side("side - kernel + 1"), "stride is missing"),
        (side("(side - 3) // stride + 1"), "nothing fixed to 3"),
        (side("side // stride - kernel + 1"), "First take the kernel off"),
        (side(RIGHT, "side // stride"), "round up"),
        (side(RIGHT, "side / stride"), "round up"),
        (side(RIGHT, "side"), "stride is missing"),
        (side("side - 2"), "stride is missing"),
        (side(RIGHT, "round(side / stride)"), "from a half to the even one"),
        (side(RIGHT, "int(side / stride + 0.5)"), "however little"),
        (side(RIGHT, "(side + 1) // stride"), "rounded up"),
        (side(RIGHT, "side // stride + 1"), "rounded up"),
        (side(RIGHT, "side // stride + side % stride"), "rounded up"),
        (side(RIGHT, "np.ceil(side / stride)"), "their type isn't"),
        (side("np.floor((side - kernel) / stride) + 1"), "their type isn't"),
        (side("(side - kernel + 1) // stride"), "after the division"),
        (side("round((side - kernel) / stride) + 1"), "round down"),
        (side(RIGHT, "(side - 1) // stride + 2"), "rounded up"),
        (side(f"2 * ({RIGHT})"), "rounded up"),
    ],
    "count-parameters": [
        (parameters("9 * channels_in * filters + 9 * filters * filters"), "biases are missing"),
        (parameters(f"9 * channels_in * filters + {SECOND}"), "One convolution's biases"),
        (parameters("9 * channels_in * filters + 1 + 9 * filters**2 + 1"), "not 1 and 1"),
        (parameters("9 * filters + filters + 9 * filters + filters"), "channels that come in"),
        (parameters(f"2 * ({FIRST})"), "the first one's 8 channels"),
        (parameters(FIRST), "the block has two"),
        (parameters(SECOND), "the block has two"),
        (
            parameters("3 * channels_in * filters + filters + 3 * filters**2 + filters"),
            "3 wide and 3 high",
        ),
        (parameters(f"9 * 3 * 8 + 8 + {SECOND}"), "use the arguments"),
        (parameters(f"2 * ({FIRST} + {SECOND})"), "Then add the two"),
        (parameters("{3: 808}.get(channels_in, 1769984)"), "nothing that fits only those"),
    ],
    "double-conv": [
        (block(conv(rest='activation="relu"'), conv("y", rest='activation="relu"')), "lost twice"),
        (block(conv(), conv("y", rest='activation="relu"')), "lost once"),
        (block(conv(rest='padding="same"'), conv("y", rest='padding="same"')), "no more than"),
        (block(conv(), conv("y", rest='padding="same"')), "after the second"),
        (block(conv(rest='padding="same"'), conv("y")), "after the first"),
        (block(conv()), "given the block's input x"),  # both on x
        (block(conv(), "y"), "One convolution only"),
        (block(conv(), conv("y"), conv()), "Three convolutions"),
        (block(conv(), conv("y"), "layers.MaxPooling2D(2)(x)"), "Pooling comes after"),
        (block(conv(), conv("y", "2 * filters")), "nothing doubles"),
        (block(conv(kernel="1"), conv("y", kernel="1")), "the kernels are 1 × 1".capitalize()),
        (
            block(
                conv(rest='padding="same", activation="relu", use_bias=False'),
                conv("y", rest='padding="same", activation="relu", use_bias=False'),
            ),
            "biases are missing",
        ),
        (
            block(
                conv(),
                "layers.BatchNormalization()(" + conv("layers.BatchNormalization()(y)") + ")",
            ),
            "Batch normalisation",
        ),
        (
            block(conv(), 'layers.Conv2D(filters, 3, padding="same", activation="relu")'),
            "Making a layer and calling it",
        ),
        (block(conv(rest='padding="same", activation="tanh"'), conv("y")), "one after the other"),
        (block(conv(filters="4"), conv("y", filters="4")), "use the argument `filters`"),
        (block(conv(), f"layers.Dropout(0.5)({conv('y')})"), "no dropout"),
        (
            block(conv(rest='padding="same", activation="relu", dilation_rate=2'), conv("y")),
            "one after the other",
        ),
        (
            block(
                conv(rest='padding="same", activation="leaky_relu"'),
                conv("y", rest='padding="same", activation="leaky_relu"'),
            ),
            "one after the other",
        ),
        (block(conv(rest='padding="same", activation="relu", strides=2'), conv("y")), "Pooling"),
        (block("layers.Conv2D(filters, 3)"), "Making a layer and calling it"),
    ],
    "up-step": [
        (step(beside="layers.Concatenate()([kept, x])"), "the other way round"),
        (step(beside="x"), "`kept` isn't used"),
        (step(beside="kept"), "What comes from below is missing"),
        (step("layers.UpSampling2D(2)(x)"), "without weights"),
        (step("layers.Conv2DTranspose(filters, 3, strides=2, padding='same')(x)"), "overlap"),
        (step("layers.Conv2DTranspose(x.shape[-1], 2, strides=2)(x)"), "has `filters` filters"),
        (
            step("layers.Conv2DTranspose(filters, 2, strides=2, activation='relu')(x)"),
            "no activation here",
        ),
        (step(back="x"), "the block is missing"),
        (step("layers.Conv2DTranspose(filters, 2)(x)", "x").replace("2)(x)", "1)(x)"), "strides=2"),
        (step("layers.Conv2DTranspose(filters, 2, strides=2)"), "ValueError"),
        (step(beside="layers.Add()([x, kept])"), "ValueError"),
        (step(back="blocks.conv_block(x, (filters,), normalization='none')"), "then the block"),
        (step(back="layers.Conv2DTranspose"), "Making a layer and calling it"),
        (
            step("layers.Conv2D(filters, 2, padding='same')(layers.UpSampling2D(2)(x))"),
            "asks for layers.Conv2DTranspose",
        ),
        (
            step(
                "layers.Conv2DTranspose(4, 2, strides=2)(x)",
                back='blocks.conv_block(x, 4, normalization="none")',
            ),
            "use the argument `filters`",
        ),
        (step("layers.Conv2DTranspose(4, 2, strides=2)(x)"), "nothing fixed to 4"),
        (step(back='blocks.conv_block(x, filters, normalization="batch")'), "then the block"),
        (step(back='blocks.conv_block(x, 2 * filters, normalization="none")'), "of the last line"),
        (
            step("layers.Conv2DTranspose(filters, 2, strides=2, use_bias=False)(x)"),
            "then the block",
        ),
    ],
}

# a tumour of 93 × 72 pixels around the pixel (124, 103), as the sample's first patient has it
TUMOUR = {"tumour": [78, 170, 68, 139], "pixel": (124, 103), "prediction": 4}
SEEN = {2: [102, 145, 82, 125], 3: [74, 173, 58, 149], 4: [18, 221, 2, 205]}


def looked(depth, seen=None, beyond=0.01, **changed):
    return TUMOUR | {"depth": depth, "seen": SEEN[seen or depth], "beyond": beyond} | changed


MISTAKES["too-small-a-field"] = [
    (looked(2), "above, below, on the left and on the right it sees nothing but tumour"),
    (looked(4), "and so is depth 3"),
    (looked(3, seen=4), "You measured at depth 4"),
    (looked(3, seen=2), "You measured at depth 2"),
    (looked(3) | {"seen": [0, 1, 2, 3]}, "Pass on what look(depth) returned"),
    (looked(3, beyond=1.2), "a share, from 0 to 1"),
    (looked(3, beyond=0), "a share, from 0 to 1"),
    (looked(3) | {"depth": 2.5}, "whole number"),
    (looked(3) | {"depth": 7}, "whole number"),
    (looked(3) | {"prediction": None}, "predict first"),
]
# a smaller tumour needs less, one in the corner is cut by the picture's rim
EVIDENCE = {
    "too-small-a-field": [
        looked(3),
        looked(3, prediction=3),
        looked(2, tumour=[110, 130, 95, 110]),
        looked(2, tumour=[110, 130, 95, 110]) | {"seen": np.array(SEEN[2]), "depth": np.int64(2)},
    ]
}
