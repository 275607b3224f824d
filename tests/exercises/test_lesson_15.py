"""Lesson 15's exercises and open task: the usual mistakes, and the words of the hint for each."""


def two_numbers(difference="np.abs(one - other).max()", same="np.mean((one >= 0.5) == (other >= 0.5))",
                back="difference, same"):  # fmt: skip
    return (
        "def agreement(one, other):\n"
        f"    difference = {difference}\n"
        f"    same = {same}\n"
        f"    return {back}"
    )


def whole(
    scale="np.abs(weights).max(axis=axes) / 127",
    numbers="np.rint(weights / scale).astype(np.int8)",
    back="whole, scale",
) -> str:
    return (
        "def whole_weights(weights):\n"
        "    axes = tuple(range(weights.ndim - 1))\n"
        f"    scale = {scale}\n"
        f"    whole = {numbers}\n"
        f"    return {back}"
    )


def outside(limits="np.quantile(reference, [0.025, 0.975])", back="") -> str:
    back = back or "np.mean((recent < low) | (recent > high))"
    return f"def outside_usual(reference, recent):\n    low, high = {limits}\n    return {back}"


SIZES = {"Keras": 2.14, "float32": 1.95, "float16": 0.98, "int8": 0.51}
LOSSES = {"float32": [0.0, 0.0], "float16": [0.0003, -0.0001], "int8": [0.02, -0.03]}
RIGHT = {"phone": "int8", "study": "float16"}


def found(chosen=None, prediction=0.01, **changes) -> dict:
    return {
        "losses": LOSSES,
        "megabytes": SIZES,
        "chosen": RIGHT | (chosen or {}),
        "prediction": prediction,
    } | changes


EVIDENCE = {
    "which-precision": [
        found(),
        found(prediction="little"),
        found(chosen={"phone": "none"}, losses=LOSSES | {"int8": [0.08, -0.1]}),
        found(chosen={"study": "int8"}, losses=LOSSES | {"int8": [0.0004, -0.1]}),
    ]
}
MISTAKES = {
    "agreement": [
        (two_numbers(difference="(one - other).max()"), "absolute value"),
        (two_numbers(difference="np.abs(one - other).mean()"), "That is the mean"),
        (two_numbers(same="np.mean((one >= 0.5) != (other >= 0.5))"), "share that differs"),
        (two_numbers(same="np.mean(one == other)"), "Compare the masks"),
        (two_numbers(same="np.sum((one >= 0.5) == (other >= 0.5))"), "That counts pixels"),
        (two_numbers(back="same, difference"), "comes second"),
        (two_numbers(back="difference"), "expected two numbers"),
    ],
    "whole-weights": [
        (whole(scale="np.abs(weights).max() / 127"), "one scale for all"),
        (whole(scale="np.abs(weights).max(axis=axes)"), "Divide by 127"),
        (whole(scale="np.abs(weights).max(axis=axes) / 128"), "127, not 128"),
        (whole(scale="np.abs(weights).max(axis=axes) / 255"), "127, not 255"),
        (whole(scale="weights.max(axis=axes) / 127"), "negative ones count too"),
        (whole(numbers="(weights / scale).astype(np.int8)"), "round first"),
        (whole(numbers="np.rint(weights / scale)"), "int8"),
        (whole(back="whole"), "expected whole numbers and scales"),
    ],
    "outside-usual": [
        (outside(back="np.mean((recent >= low) & (recent <= high))"), "share inside"),
        (outside(back="np.sum((recent < low) | (recent > high))"), "That counts"),
        (outside(back="np.mean(recent > high)"), "below the usual range"),
        (outside(limits="reference.min(), reference.max()"), "the extremes"),
        (outside(limits="np.quantile(recent, [0.025, 0.975])"), "reference's"),
    ],
    "which-precision": [
        (found(chosen={"phone": "float16"}), "too large"),
        (found(chosen={"study": "int8"}), "not at the mean"),
        (found(chosen={"study": "float32"}), "too large"),
        (found(chosen={"phone": "none"}), "Look at size"),
        (found(chosen={"phone": "small"}), "One of the three"),
        (found(chosen={"study": "float16"}, losses=LOSSES | {"int8": [0.0, 0.0]}), "smallest"),
        (found(losses={"int8": [0.1]}), "the cell's own"),
        (found(megabytes=dict.fromkeys(SIZES, 1.0)), "sizes of the three"),
    ],
}
