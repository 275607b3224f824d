"""Lesson 10's exercises: the usual mistakes, and the words of the hint that each must get."""


def loss(
    space="(1, 2, 3)",
    clip="np.clip(p, 1e-7, 1 - 1e-7)",
    back="bce + (1 - (2 * both + smooth) / (sizes + smooth)).mean()",
) -> str:
    return (
        "def region_loss(truth, p, smooth=1.0):\n"
        f"    p = {clip}\n"
        "    entropies = -(truth * np.log(p) + (1 - truth) * np.log(1 - p))\n"
        "    bce = entropies.mean()\n"
        f"    both = (truth * p).sum(axis={space})\n"
        f"    sizes = truth.sum(axis={space}) + p.sum(axis={space})\n"
        f"    return {back}"
    )


def batch(back: str) -> str:
    return f"def largest_batch(memory, parameters, activations, bytes_each):\n    return {back}"


def best(back: str) -> str:
    return f"def best_epoch(scores, mode):\n    return {back}"


def running(lowest: str, highest: str) -> str:
    """A search that begins with a number as the best so far."""
    return (
        "def best_epoch(scores, mode):\n"
        f"    best, epoch = ({lowest} if mode == 'max' else {highest}), 1\n"
        "    for number, score in enumerate(scores, 1):\n"
        "        if score > best if mode == 'max' else score < best:\n"
        "            best, epoch = score, number\n"
        "    return epoch"
    )


def resumes(back: str) -> str:
    return (
        "def resumes_at(killed, steps, rate):\n"
        "    whole, lost = divmod(killed, steps)\n"
        f"    return {back}"
    )


def ran(as_before=(0.71, 0.73, 0.72), changed=(0.6, 0.5, 0.62), says="worse", prediction="worse"):
    """What a student hands in after three runs as before and three changed ones."""
    return {
        "prediction": prediction,
        "as_before": as_before,
        "changed": changed,
        "says": says,
    }


EVIDENCE = {
    "stop-change-resume": [
        ran(),
        ran(changed=[0.8, 0.75, 0.9], says="Better ", prediction="no telling"),
        ran(changed=[0.9, 0.4, 0.72], says="no telling", prediction="worse"),
        ran(as_before=[0.7] * 4, changed=[0.7, 0.71, 0.72, 0.73], says="no telling"),
        ran(as_before=[0.0, 0.0, 0.0], changed=[0.1, 0.2, 0.3], says="better"),
    ]
}

MISTAKES = {
    "region-loss": [
        (loss(space="(0, 1, 2, 3)"), "batch was pooled"),
        (loss(space="(1, 2, 3, 4)"), "regions were pooled"),
        (loss(space="None"), "regions were pooled"),
        (loss(back="bce + (1 - 2 * both / sizes).mean()"), "`smooth` is missing"),
        (loss(back="bce + (1 - (2 * both + 1) / (sizes + 1)).mean()"), "Use the argument"),
        (loss(back="(1 - (2 * both + smooth) / (sizes + smooth)).mean()"), "cross-entropy is mis"),
        (loss(back="bce"), "Dice part is missing"),
        (loss(back="bce - (2 * both + smooth).mean() * 0"), "Dice part is missing"),
        (loss(back="bce + ((2 * both + smooth) / (sizes + smooth)).mean()"), "Dice itself"),
        (loss(back="bce - ((2 * both + smooth) / (sizes + smooth)).mean()"), "it is added"),
        (
            loss(back="bce + (1 - (2 * both + smooth) / (sizes + smooth)).sum()"),
            "*mean*, not their sum",
        ),
        (
            loss(back="entropies.sum() + (1 - (2 * both + smooth) / (sizes + smooth)).mean()"),
            "not their sum",
        ),
        (loss(clip="p"), "clip p"),
        (loss(back="2 * (bce + (1 - (2 * both + smooth) / (sizes + smooth)).mean())"), "expected"),
        (loss(back="bce + 1 - (2 * both + smooth) / (sizes + smooth)"), "expected one number"),
        (loss(back="bce + (1 - (2 * both) / (sizes + smooth)).mean()"), "above and below, once"),
        (loss(back="bce + (1 - (2 * both + smooth) / sizes).mean()"), "above and below, once"),
        (loss(back="bce + (1 - 2 * (both + smooth) / (sizes + smooth)).mean()"), "above and below"),
        (loss(space="(0, 1, 2, 3, 4)"), "Patches and regions were pooled"),
        (loss(back="-bce + (1 - (2 * both + smooth) / (sizes + smooth)).mean()"), "a positive"),
        (
            loss(back="(bce + (1 - (2 * both + smooth) / (sizes + smooth)).mean()) / 2"),
            "their mean",
        ),
        (loss(clip="np.clip(p, 1e-6, 1 - 1e-6)"), "exactly 0 and 1"),
        (loss(clip="np.clip(p, 1e-7, 1)"), "clip p"),
        ("def region_loss(truth, p, smooth=1.0):\n    truth.sum()", "return"),
    ],
    "largest-batch": [
        (batch("(memory - 16 * parameters) // (activations * bytes_each)"), "Less than nothing"),
        (batch("max(0, (memory - 16 * parameters) / (activations * bytes_each))"), "whole number"),
        (
            batch("max(0, (memory - 4 * parameters) // (activations * bytes_each))"),
            "Four numbers a parameter",
        ),
        (
            batch("max(0, (memory - 4 * bytes_each * parameters) // (activations * bytes_each))"),
            "stays in float32",
        ),
        (batch("memory // (activations * bytes_each)"), "The parameters need memory"),
        (batch("max(0, (memory - 16 * parameters) // (4 * activations))"), "not always 4"),
        (batch("max(0, (memory - 16 * parameters) // activations)"), "`bytes_each` bytes"),
        (
            batch("memory // (activations * bytes_each + 16 * parameters)"),
            "not once a patch",
        ),
        (
            batch("max(0, int(np.ceil((memory - 16 * parameters) / (activations * bytes_each))))"),
            "Rounded up",
        ),
        (batch("2 * max(0, (memory - 16 * parameters) // (activations * bytes_each))"), "expected"),
        (
            batch("max(1, (memory - 16 * parameters) // (activations * bytes_each))"),
            "Not even one patch fits",
        ),
        (
            batch("max(0, (memory - 16 * parameters - 1) // (activations * bytes_each))"),
            "Three fit exactly",
        ),
    ],
    "best-epoch": [
        (best("int(np.nanargmax(scores) if mode == 'max' else np.nanargmin(scores))"), "from 1"),
        (best("np.nanmax(scores) if mode == 'max' else np.nanmin(scores)"), "score itself"),
        (best("int(np.nanargmax(scores)) + 1"), 'The mode is "min"'),
        (best("int(np.nanargmin(scores)) + 1"), 'The mode is "max"'),
        (
            best("int(np.argmax(scores) if mode == 'max' else np.argmin(scores)) + 1"),
            "`nan` is never the best",
        ),
        (
            best(
                "len(scores) - int((np.nanargmax if mode == 'max' else np.nanargmin)(scores[::-1]))"
            ),
            "the earlier one",
        ),
        (best("'2'"), "a text"),
        (
            best(
                "int((np.argmax if mode == 'max' else np.argmin)"
                "(np.nan_to_num(scores, nan=0.0 if mode == 'max' else 1.0))) + 1"
            ),
            "in nan's place",
        ),
        (
            best(
                "int((np.argmax if mode == 'max' else np.argmin)"
                "([s for s in scores if s == s])) + 1"
            ),
            "dropped first",
        ),
        (running("-1", "999"), "begins with 0, 1 or 999"),
        (running("0", "1"), "Any number may be the best"),
        (running("scores[0]", "scores[0]"), "`nan` is never the best"),
    ],
    "resumes-at": [
        (resumes("whole, lost, rate(whole * steps)"), "counted from 1"),
        (resumes("whole + 1, steps - lost, rate(whole * steps)"), "not those left"),
        (resumes("whole + 1, lost, rate(0)"), "begin anew"),
        (resumes("whole + 1, lost, rate(killed)"), "are forgotten"),
        (resumes("whole + 1, lost, rate(lost)"), "over the whole run"),
        (resumes("whole + 1, lost, rate(whole)"), "not an epoch"),
        (resumes("whole + 1, lost, whole * steps"), "rate(step)"),
        (resumes("whole + 1, 0, rate(whole * steps)"), "done twice"),
        (resumes("whole + 1, lost"), "shape"),
    ],
    "stop-change-resume": [
        (ran(says="better"), "Every changed run is below every other one"),
        (ran(says="no telling"), "Every changed run is below"),
        (ran(changed=[0.8, 0.75, 0.9], says="worse"), "Every changed run is above"),
        (ran(changed=[0.9, 0.72, 0.95], says="better"), "The two ranges overlap"),
        (ran(changed=[0.71, 0.2, 0.1], says="worse"), "The two ranges overlap"),
        (ran(changed=[0.6]), "draw=1, 2 and 3"),
        (ran(changed=0.6), "One run each"),
        (ran(as_before="0.7"), "at least three runs"),
        (ran(changed=[60, 50, 62]), "between 0 and 1"),
        (ran(changed=[float("nan")] * 3), "between 0 and 1"),
        (ran(changed=[0.71, 0.73, 0.72]), "Nothing was changed"),
        (ran(says="it pays"), 'Say "better", "worse" or "no telling"'),
    ],
}
