"""Lesson 04's exercises: the usual mistakes, and the words of the hint that each must get."""


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


def pad(rows: str = "-image.shape[0] % multiple", columns=None, rest="") -> str:
    columns = columns or rows.replace("shape[0]", "shape[1]")
    return (
        "def pad_to_multiple(image, multiple):\n"
        f"    rows, columns = {rows}, {columns}\n"
        f"    return np.pad(image, ((0, rows), (0, columns), (0, 0)){rest})"
    )


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
        (slide(first="n = m = 3"), "your function raised ValueError"),
        (slide(value="2 * (image[r : r + n, c : c + m] * kernel).sum()"), "stands the sum of"),
        (slide().replace("    return result", ""), "is yours missing?"),
    ],
    "output-side": [
        (side("(side - kernel) // stride"), "+ 1 at the end"),
        (side("-(-side // stride)", RIGHT), "mixed up"),
        (side("(side - kernel) / stride + 1"), "round down"),
        (side("-(-(side - kernel) // stride) + 1"), "isn't taken"),
        (side("side - kernel + 1"), "stride is missing"),
        (side("side // stride - kernel + 1"), "First take the kernel off"),
        (side(RIGHT, "side // stride"), "round up"),
        (side(RIGHT, "side / stride"), "round up"),
        (side(RIGHT, "side"), "stride is missing"),
        (side("side - 2"), "stride is missing"),
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
    ],
    "pad-to-multiple": [
        (pad("multiple - image.shape[0] % multiple"), "Already a multiple"),
        (pad("image.shape[0] % multiple"), "the rest itself"),
        (pad("multiple", "multiple"), "a whole multiple"),
        (pad("-max(image.shape) % multiple + max(image.shape) - image.shape[0]"), "of their own"),
        (pad(rest=', mode="edge"'), "repeated the edge"),
        (pad(rest=', mode="reflect"'), "mirrored"),
        (pad("-image.shape[0] % 8"), "nothing of 8 or 16"),
        (
            "def pad_to_multiple(image, multiple):\n"
            "    return np.pad(image, [(0, -n % multiple) for n in image.shape])",
            "no side of the picture",
        ),
        (
            "def pad_to_multiple(image, multiple):\n"
            "    rows, columns = -image.shape[0] % multiple, -image.shape[1] % multiple\n"
            "    return np.pad(image, ((rows, 0), (columns, 0), (0, 0)))",
            "above and to the left",
        ),
        (
            "def pad_to_multiple(image, multiple):\n"
            "    sides = [(-n % multiple) for n in image.shape[:2]]\n"
            "    return np.pad(image, [(n // 2, n - n // 2) for n in sides] + [(0, 0)])",
            "on all sides",
        ),
        (
            "def pad_to_multiple(image, multiple):\n"
            "    rows, columns = (n // multiple * multiple for n in image.shape[:2])\n"
            "    return image[:rows, :columns]",
            "You cut off",
        ),
    ],
}
