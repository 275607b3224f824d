"""Lesson 05's exercises: the usual mistakes, and the words of the hint that each must get."""

from types import SimpleNamespace

import numpy as np

from unet_course.exercises import lesson_05


def flip(body: str) -> str:
    return (
        "def flip_both(images, masks, chosen):\n"
        "    images, masks = images.copy(), masks.copy()\n"
        f"{body}"
        "    return images, masks"
    )


def loss(body: str, first: str = "p = np.clip(p, 1e-7, 1 - 1e-7)") -> str:
    return (
        "def bce_dice(truth, p, smooth=1.0):\n"
        f"    {first}\n"
        "    bce = -(truth * np.log(p) + (1 - truth) * np.log(1 - p)).mean()\n"
        "    both, sizes = (truth * p).sum(), truth.sum() + p.sum()\n"
        f"    return {body}"
    )


def adam(m="0.9 * m + 0.1 * gradient", v="0.999 * v + 0.001 * gradient**2", step=None, back="m, v"):
    step = step or "rate * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-7)"
    return (
        "def adam_step(weight, gradient, m, v, t, rate):\n"
        f"    m = {m}\n"
        f"    v = {v}\n"
        f"    weight = weight - {step}\n"
        f"    return weight, {back}"
    )


def schedule(fall: str, climb: str = "peak * step / rising") -> str:
    return (
        "def learning_rate(step, steps, peak, rising):\n"
        "    if step < rising:\n"
        f"        return {climb}\n"
        "    share = (step - rising) / (steps - rising)\n"
        f"    return {fall}"
    )


def stopping(
    better="score > best",
    late="waited >= patience",
    back="epoch, best_epoch",
    start=1,
    lowest=-1,
):
    return (
        "def early_stopping(scores, patience=3):\n"
        f"    best, best_epoch, waited = {lowest}, 0, 0\n"
        f"    for epoch, score in enumerate(scores, start={start}):\n"
        f"        if {better}:\n"
        "            best, best_epoch, waited = score, epoch, 0\n"
        "        else:\n"
        "            waited += 1\n"
        f"        if {late}:\n"
        "            break\n"
        f"    return {back}"
    )


def bill(steps="-(-slices // batch_size) * epochs", hours="slices * epochs * seconds / 3600"):
    return (
        "def training_bill(slices, batch_size, epochs, seconds):\n"
        f"    steps, hours = {steps}, {hours}\n"
        "    return steps, hours"
    )


COSINE = "peak * 0.5 * (1 + np.cos(np.pi * share))"

MISTAKES = {
    "flip-both": [
        (flip("    images[chosen] = images[chosen][:, :, ::-1]\n"), "marks the wrong side"),
        (flip("    masks[chosen] = masks[chosen][:, :, ::-1]\n"), "Image and mask move together"),
        (
            flip(
                "    images[chosen] = images[chosen][:, ::-1]\n"
                "    masks[chosen] = masks[chosen][:, ::-1]\n"
            ),
            "upside down",
        ),
        (
            flip("    images, masks = images[:, :, ::-1], masks[:, :, ::-1]\n"),
            "only those where `chosen`",
        ),
        (
            flip(
                "    images[chosen] = images[chosen][..., ::-1]\n"
                "    masks[chosen] = masks[chosen][..., ::-1]\n"
            ),
            "reverses the channels",
        ),
        (
            flip(
                "    images[chosen] = images[chosen][::-1]\n    masks[chosen] = masks[chosen][::-1]\n"
            ),
            "axis 0 is the batch",
        ),
        (
            flip(
                "    masks = masks.astype(float)\n"
                "    for batch in (images, masks):\n"
                "        batch[chosen] = batch[chosen][:, :, ::-1]\n"
            ),
            "keeps its type",
        ),
        (
            "def flip_both(images, masks, chosen):\n"
            "    images[chosen] = images[chosen][:, :, ::-1]\n"
            "    return images",
            "Return two arrays",
        ),
        ("def flip_both(images, masks, chosen):\n    images[chosen, :, ::-1]", "yours missing?"),
        (
            flip(
                "    for batch in (images, masks):\n"
                "        batch[~chosen] = batch[~chosen][:, :, ::-1]\n"
            ),
            "the cases that weren't chosen",
        ),
        (
            flip(
                "    for batch in (images, masks):\n"
                "        batch[chosen] = batch[chosen][:, :, ::-1]\n"
                "    images, masks = masks, images\n"
            ),
            "The other way round: images first",
        ),
        (flip("    images = images[..., :1]\n"), "in the images: your result has shape"),
        (
            "def flip_both(images, masks, chosen):\n"
            "    images[chosen] = images[chosen][:, :, ::-1]\n"
            "    masks[chosen] = masks[chosen][:, :, ::-1]\n"
            "    return images, masks",
            "Return new arrays",
        ),
    ],
    "bce-plus-dice": [
        (loss("bce + (2 * both + smooth) / (sizes + smooth)"), "it is 1 - Dice"),
        (loss("-bce + 1 - (2 * both + smooth) / (sizes + smooth)"), "a minus in front"),
        (loss("bce"), "cross-entropy alone"),
        (loss("1 - (2 * both + smooth) / (sizes + smooth)"), "Dice loss alone"),
        (
            loss("-(truth * np.log(p)).mean() + 1 - (2 * both + smooth) / (sizes + smooth)"),
            "healthy pixels are missing",
        ),
        (loss("bce * p.size + 1 - (2 * both + smooth) / (sizes + smooth)"), "not a sum"),
        (
            loss(
                "bce + 1 - (2 * (truth * (p >= 0.5)).sum() + smooth)"
                " / (truth.sum() + (p >= 0.5).sum() + smooth)"
            ),
            "no slope",
        ),
        (loss("bce + 1 - (both + smooth) / (sizes + smooth)"), "the 2 is missing"),
        (loss("bce + 1 - 2 * both / sizes"), "in the numerator and in the denominator"),
        (loss("bce + 1 - 2 * both / (sizes + smooth)"), "missing from the numerator"),
        (loss("bce + 1 - (2 * both + smooth) / sizes"), "missing from the denominator"),
        (loss("bce + 1 - (2 * both + smooth) / (sizes - both + smooth)"), "not the union"),
        (
            loss("bce + 1 - (2 * both + smooth) / (sizes + smooth)", "pass"),
            "Clip the probabilities",
        ),
        (loss("bce + 1 - (2 * both + 1) / (sizes + 1)"), "use the argument `smooth`"),
        (
            loss("bce + 1 - (2 * both + smooth) / (sizes + smooth)", "p = np.clip(p, 1e-3, 0.999)"),
            "A wide clip",
        ),
        (
            loss("bce + 1 - (2 * both + smooth) / (sum(truth.ravel()) + p.sum() + smooth)"),
            "A uint8 holds 0 to 255",
        ),
        *(
            (loss("bce + 1 - (2 * both + smooth) / (sizes + smooth)", first), "Certain and wrong")
            for first in ("p = np.clip(p, 1e-9, 1 - 1e-9)", "p = np.clip(p, 2e-16, 1 - 2e-16)")
        ),
        *(
            (
                "def bce_dice(truth, p, smooth=1.0):\n"
                f"    bce = ({entropies}).mean()\n"
                "    both, sizes = (truth * p).sum(), truth.sum() + p.sum()\n"
                "    return bce + 1 - (2 * both + smooth) / (sizes + smooth)",
                "Certain and wrong",
            )
            for entropies in (
                "np.where(truth == 1, -np.log(p), -np.log(1 - p))",
                "np.nan_to_num(-(truth * np.log(p) + (1 - truth) * np.log(1 - p)))",
                "np.nan_to_num(-(truth * np.log(p) + (1 - truth) * np.log(1 - p)), posinf=0)",
            )
        ),
        (
            loss(
                "bce + 1 - (2 * both + smooth) / (sizes + smooth)",
                "p = p * 1.0 if p.dtype != float else np.clip(p, 1e-7, 1 - 1e-7, out=p)",
            ),
            "changed its argument `p`",
        ),
        (
            loss(
                "bce + 1 - (2 * sum(truth * p) + smooth) / (sum(truth) + sum(p) + smooth)",
            ),
            "use .mean() and .sum()",
        ),
    ],
    "adam-step": [
        (adam(step="rate * m / (1 - 0.9) / (np.sqrt(v / (1 - 0.999)) + 1e-7)"), "power of t"),
        (adam(step="rate * m / (1 - 0.9 * t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-7)"), "not 0.9 *"),
        (
            adam(step="rate * m / (1 - 0.9**(t + 1)) / (np.sqrt(v / (1 - 0.999**(t + 1))) + 1e-7)"),
            "from 1 already",
        ),
        (adam(step="rate * m / (1 - 0.9**t) / (np.sqrt(v) + 1e-7)"), "v needs its correction"),
        (adam(step="rate * m / (np.sqrt(v / (1 - 0.999**t)) + 1e-7)"), "m needs its correction"),
        (
            adam(step="rate * m / (1 - 0.9**t) / np.sqrt(v / (1 - 0.999**t) + 1e-7)"),
            "not under it",
        ),
        (adam(step="-rate * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-7)"), "Uphill"),
        (adam(step="rate * m / (np.sqrt(v) + 1e-7)"), "start at 0"),
        (adam(step="rate * m / (1 - 0.9**t) / (v / (1 - 0.999**t) + 1e-7)"), "root of v"),
        (
            adam(step="rate * gradient / (np.sqrt(v / (1 - 0.999**t)) + 1e-7)"),
            "follows m",
        ),
        (adam(step="rate * m / (1 - 0.9**t)"), "what makes it Adam"),
        (adam(step="rate * gradient"), "plain SGD"),
        (
            adam(step="m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-7)"),
            "learning rate is missing",
        ),
        (adam(m="0.1 * m + 0.9 * gradient"), "the new gradient gets 0.1"),
        (adam(m="m"), "m came back as it was"),
        (adam(v="v"), "v came back as it was"),
        (adam(v="0.999 * v + 0.001 * gradient"), "*squared*"),
        (adam(v="0.9 * v + 0.1 * gradient**2"), "forgets more slowly"),
        (adam(back="m / (1 - 0.9**t), v"), "only the update uses"),
        (adam(back="m, v / (1 - 0.999**t)"), "only the update uses"),
        (
            adam(step="rate * m / (1 - 0.9**t) / np.sqrt(v / (1 - 0.999**t))"),
            "0 divided by 0",
        ),
        (
            adam(step="rate * m / (1 - 0.9**t) / (v / (1 - 0.999**t)) ** 0.5"),
            "0 divided by 0",
        ),
        *(
            (
                adam(step=f"rate * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + {epsilon})"),
                "part of the formula",
            )
            for epsilon in ("1e-8", "1e-10", "(v == 0)")
        ),
        *(
            (adam().replace("return weight, m, v", f"return {order}"), "The order is")
            for order in ("m, v, weight", "weight, v, m")
        ),
        (adam(back="m"), "three numbers"),
        (
            adam(step="0.01 * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-7)"),
            "the rate and t",
        ),
        ("def adam_step(weight, gradient, m, v, t, rate):\n    return weight", "three numbers"),
    ],
    "learning-rate": [
        (
            "def learning_rate(step, steps, peak, rising):\n"
            "    share = (step - rising) / (steps - rising)\n"
            "    fall = peak * 0.5 * (1 + np.cos(np.pi * share))\n"
            "    return min(peak * step / rising, fall)",
            "the smaller of the two isn't always the right one",
        ),
        (schedule(COSINE, climb="peak"), "The full rate at once"),
        (schedule(COSINE, climb="peak * (step + 1) / rising"), "Steps count from 0"),
        (schedule(COSINE, climb="step / rising"), "multiply it by peak"),
        (schedule(COSINE, climb="peak * step / steps"), "takes `rising` steps"),
        (
            "def learning_rate(step, steps, peak, rising):\n"
            "    return peak * 0.5 * (1 + np.cos(np.pi * step / steps))",
            "the cosine already",
        ),
        (
            schedule("peak * 0.5 * (1 + np.cos(np.pi * step / steps))"),
            "begins where the climb ends",
        ),
        (
            schedule("peak * 0.5 * (1 + np.cos(np.pi * (step - rising) / steps))"),
            "never gets down to 0",
        ),
        (schedule("peak * (1 + np.cos(np.pi * share))"), "halve it"),
        (schedule("peak * np.cos(np.pi * share)"), "from 1 down to -1"),
        (schedule("peak * 0.5 * (1 + np.cos(share))"), "multiply the share by π"),
        (schedule("peak * (1 - share)"), "a straight line"),
        (schedule("peak * (step % rising) / rising"), "once, at the start"),
        (schedule("peak"), "It stays up there"),
        (
            schedule(COSINE).replace("(step - rising) / (", "(step - rising) // ("),
            "always 0, because of //",
        ),
        *(
            (schedule(fall), "At the last step it is nearly 0")
            for fall in (f"max({COSINE}, 1e-6)", f"0 if step >= steps - 1 else {COSINE}")
        ),
        (schedule(f"0.9 * peak if step == rising else {COSINE}"), "it is peak itself"),
        (schedule(COSINE).replace("    return peak * 0.5", "    peak * 0.5"), "isn't it reached"),
        (schedule("0.001 * (1 + np.cos(np.pi * share))", "0.002 * step / 10"), "nothing fixed to"),
    ],
    "early-stopping": [
        (
            stopping(lowest="-np.inf").replace("patience=3", "patience=99"),
            "Keep the default of the task",
        ),
        (stopping(back="epoch, best"), "is the epoch of the best score"),
        (stopping(back="epoch, int(np.argmax(scores)) + 1"), "the best is among those"),
        (stopping(late="True"), "is a `return` inside the loop?"),
        (stopping(late="False"), "It never stopped"),
        (stopping(late="waited >= patience - 1"), "one epoch too early"),
        (stopping(late="waited > patience"), "one epoch too late"),
        (stopping(start=0), "Count from 1"),
        (stopping(start=0, back="epoch, best_epoch + 1"), "do you count the epochs from 0?"),
        (
            stopping(lowest="-np.inf").replace("    return", "    scores.pop()\n    return"),
            "changed its argument `scores`",
        ),
        (stopping(back="epoch, epoch"), "not the last one"),
        (stopping(back="best_epoch, epoch"), "The other way round"),
        (stopping(back="epoch, best_epoch - 1"), "Count the best epoch from 1"),
        (stopping(better="score >= best"), "Equal isn't better"),
        (stopping(late="waited >= 3"), "argument patience"),
        (stopping(lowest=0), "Begin below any score"),
        (
            "def early_stopping(scores, patience=3):\n"
            "    waited = 0\n"
            "    for epoch in range(2, len(scores) + 1):\n"
            "        if scores[epoch - 1] > scores[epoch - 2]:\n"
            "            waited = 0\n"
            "        else:\n"
            "            waited += 1\n"
            "        if waited >= patience:\n"
            "            break\n"
            "    return epoch, int(np.argmax(scores[:epoch])) + 1",
            "with the best so far",
        ),
        (
            "def early_stopping(scores, patience=3):\n"
            "    best, best_epoch, waited = -1, 0, 0\n"
            "    for epoch, score in enumerate(scores, start=1):\n"
            "        if score > best:\n"
            "            best, best_epoch = score, epoch\n"
            "        else:\n"
            "            waited += 1\n"
            "        if waited >= patience:\n"
            "            break\n"
            "    return epoch, best_epoch",
            "Start counting afresh",
        ),
        (stopping(back="best_epoch"), "two numbers"),
        (stopping(better="score > best + 0.05", lowest="-np.inf"), "with the best so far"),
        (stopping(lowest=-1), "Begin below any score"),
        (stopping(lowest=-1, late="epoch - best_epoch >= patience"), "may be negative"),
    ],
    "training-bill": [
        (bill(steps="slices // batch_size * epochs"), "round up"),
        (bill(steps="slices / batch_size * epochs"), "no quarter of a step"),
        (bill(steps="slices / batch_size * epochs"), "you gave 1562.5, expected 1600"),
        (bill(steps="-(-slices * epochs // batch_size)"), "Round up in each epoch"),
        (bill(steps="-(-slices // batch_size)"), "That is one epoch"),
        (bill(steps="slices * epochs"), "a whole batch"),
        (bill(hours="slices * epochs * 0.5 / 3600"), "nothing fixed to its numbers"),
        (bill(steps="-(-slices // batch_size) * 50"), "nothing fixed to its numbers"),
        (bill(steps="(slices // batch_size + 1) * epochs"), "rounding up adds nothing"),
        (bill(hours="slices * epochs * seconds"), "an hour has 3600"),
        (bill(hours="slices * epochs * seconds / 60"), "Those are minutes"),
        (bill(hours="slices * seconds / 3600"), "That is one epoch"),
        (bill(hours="-(-slices // batch_size) * epochs * seconds / 3600"), "price of a slice"),
        (
            bill(hours="-(-slices // batch_size) * epochs * batch_size * seconds / 3600"),
            "Count the slices",
        ),
        (
            "def training_bill(slices, batch_size, epochs, seconds):\n"
            "    steps = -(-slices // batch_size) * epochs\n"
            "    return slices * epochs * seconds / 3600, steps",
            "steps first",
        ),
        (
            "def training_bill(slices, batch_size, epochs, seconds):\n"
            "    return -(-slices // batch_size) * epochs",
            "two numbers",
        ),
    ],
}


def run(planted, loss=(1.0, 0.3), validation=(0.1, 0.3), others=(0.1, 0.3)):
    return SimpleNamespace(
        planted=planted, loss=list(loss), validation=list(validation), others=list(others)
    )


RUNS = {
    "A": run("patients", validation=(0.3, 0.75), others=(0.2, 0.35)),
    "B": run("rate", loss=(46.0, 1.1), validation=(0, 0), others=(0, 0)),
    "C": run("masks", validation=(0.1, 0.08)),
}
CASE = {
    "prediction": {"masks": "falls", "rate": "stays", "patients": "stays"},
    "runs": RUNS,
    "masks": "C",
    "rate": "B",
    "patients": "A",
    "shift": (0, 6),
    "gap": 0.75 - 0.35,
}
MISTAKES["three-faults"] = [
    (CASE | {"masks": "A", "patients": "C"}, "run A hasn't shifted masks"),
    (CASE | {"masks": "B", "rate": "C"}, "its loss stays high"),
    (CASE | {"rate": "A", "patients": "B"}, "its training loss ends at 0.30"),
    (CASE | {"patients": "C", "masks": "A"}, "hasn't shifted masks"),
    (CASE | {"patients": "A", "rate": "C", "masks": "B"}, "stays high"),
    (CASE | {"masks": "A"}, "Each run has one fault"),
    (CASE | {"masks": "D"}, "is no run"),
    (CASE | {"masks": 2}, "is no run"),
    (CASE | {"shift": (6, 0)}, "Measure it on the run with shifted masks"),
    (CASE | {"shift": (0, 0)}, "Measure it on the run with shifted masks"),
    (CASE | {"shift": (0, -6)}, "Measure it on the run with shifted masks"),
    (CASE | {"shift": 6}, "rows and columns"),
    (CASE | {"gap": -0.4}, "Validation minus others"),
    (CASE | {"gap": 0.75}, "subtract the others'"),
    (CASE | {"gap": 0.0}, "That is run B's gap"),
    (CASE | {"gap": 0.2}, "The last value of the run's `validation`"),
    (CASE | {"prediction": None}, "predict first"),
]
EVIDENCE = {
    "three-faults": [
        CASE,
        CASE | {"masks": " c", "shift": [1, 5], "gap": np.float32(0.4)},
        CASE | {"prediction": "the loss of the rate"},
    ]
}


def test_the_verdict_on_three_faults_says_only_what_the_runs_show():
    said = lesson_05.three_faults(CASE)
    assert "run B's loss ends at 1.10" in said and "Run C's ends at 0.30" in said
    assert "run A has the best validation Dice of all, 0.40 above" in said
    poor = run("patients", validation=(0.0, 0.05), others=(0.1, 0.15))
    said = lesson_05.three_faults(CASE | {"runs": RUNS | {"A": poor}, "gap": -0.1})
    assert "run A has a validation Dice, 0.10 below" in said and "best" not in said
