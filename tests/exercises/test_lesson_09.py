"""Lesson 09's exercises: the usual mistakes, and the words of the hint that each must get."""


def turn(
    row="np.rint(from_row).astype(int)",
    column="np.rint(from_column).astype(int)",
    inside="(row >= 0) & (row < labels.shape[0]) & (column >= 0) & (column < labels.shape[1])",
    new="np.zeros_like(labels)",
    degrees="degrees",
    back="turned",
) -> str:
    return (
        "def turn_labels(labels, degrees):\n"
        f"    from_row, from_column = source(labels.shape, {degrees})\n"
        f"    row, column = {row}, {column}\n"
        f"    inside = {inside}\n"
        f"    turned = {new}\n"
        "    turned[inside] = labels[row[inside], column[inside]]\n"
        f"    return {back}"
    )


def transform(
    rng="np.random.default_rng((seed, epoch, step))",
    angle="rng.uniform(-20, 20)",
    flips="rng.random(2) < 0.5",
    back="angle, across, down",
) -> str:
    return (
        "def transform_for(seed, epoch, step):\n"
        f"    rng = {rng}\n"
        f"    angle = {angle}\n"
        f"    across, down = {flips}\n"
        f"    return {back}"
    )


def key(
    facts="str(path.resolve()), state.st_size, state.st_mtime_ns, factor, version",
    back="hashlib.sha256(repr(facts).encode()).hexdigest()[:12]",
) -> str:
    return (
        "def cache_key(path, factor, version):\n"
        "    state = path.stat()\n"
        f"    facts = [{facts}]\n"
        f"    return {back}"
    )


def corner(
    formula, places="np.argwhere(labels > 0)", voxel="places[rng.integers(len(places))]"
) -> str:
    return (
        "def foreground_corner(labels, size, rng):\n"
        "    size = np.array(size)\n"
        f"    places = {places}\n"
        f"    voxel = {voxel}\n"
        f"    return {formula}"
    )


CUT = {"row": "from_row.astype(int)", "column": "from_column.astype(int)"}
FLOOR = {"row": "np.floor(from_row).astype(int)", "column": "np.floor(from_column).astype(int)"}
HALF = {"row": "(from_row + 0.5).astype(int)", "column": "(from_column + 0.5).astype(int)"}
CLIPPED = {
    "row": "np.rint(from_row).astype(int).clip(0, labels.shape[0] - 1)",
    "column": "np.rint(from_column).astype(int).clip(0, labels.shape[1] - 1)",
}
RIGHT = "np.clip(voxel - size // 2, 0, np.array(labels.shape) - size)"


def feeder(**changed) -> dict:
    return {"prediction": "B", "slowest": "B", "before": 1_785_074, "after": 399_449, **changed}


MISTAKES = {
    "turn-labels": [
        (turn(**CUT), "np.rint first"),
        (turn(**FLOOR), "next lower"),
        (turn(**HALF), "cuts towards 0"),
        (turn(**CLIPPED), "the edge is repeated"),
        (turn(inside="(row < labels.shape[0]) & (column < labels.shape[1])"), "the last row"),
        (
            turn(
                inside="(row > 0) & (row < labels.shape[0]) & (column > 0) "
                "& (column < labels.shape[1])"
            ),
            "are inside as well",
        ),
        (turn(degrees="-degrees"), "the other way round"),
        (turn(new="np.zeros(labels.shape)"), "The type of `labels`"),
        (turn(new="labels"), "a new array"),
        (turn(inside="row >= 0"), "IndexError"),
        (turn(new="labels.copy()"), "Inside: 0 <= row"),
        (turn(back="None"), "is yours missing?"),
        (turn(new="np.zeros(labels.shape, np.uint8)"), "The type of `labels`"),
        (
            turn(row="np.rint(from_column).astype(int)", column="np.rint(from_row).astype(int)"),
            "In",
        ),
        (
            turn(
                inside="(row >= 0) & (row < labels.shape[0] - 1) & (column >= 0) "
                "& (column < labels.shape[1] - 1)"
            ),
            "Inside: 0 <= row",
        ),
        (
            "from scipy import ndimage\n\n\ndef turn_labels(labels, degrees):\n"
            "    return ndimage.map_coordinates(labels, source(labels.shape, degrees), order=1)",
            "Nearest: np.rint",
        ),
    ],
    "transform-for": [
        (transform("np.random.default_rng()"), "has to be made inside"),
        (transform("np.random"), "everybody shares"),
        (
            "def transform_for(seed, epoch, step):\n"
            "    np.random.seed(1000 * seed + 100 * epoch + step)\n"
            "    return np.random.uniform(-20, 20), *(np.random.random(2) < 0.5)",
            "everybody shares",
        ),
        (transform("np.random.default_rng((epoch, step))"), "The seed has to go"),
        (transform("np.random.default_rng((seed, step))"), "The epoch has to go"),
        (transform("np.random.default_rng((seed, epoch))"), "The step has to go"),
        (transform("np.random.default_rng(seed + epoch + step)"), "get one seed"),
        (transform("np.random.default_rng(seed * 100 + epoch * 10 + step)"), "get one seed"),
        (transform("np.random.default_rng(10**6 * seed + 1000 * epoch + step)"), "one seed"),
        (transform(angle="rng.uniform(0, 20)"), "spread from -20 to 20"),
        (transform(angle="rng.uniform(-180, 180)"), "rng.uniform(-20, 20)"),
        (transform(flips="rng.random(2) < 0.05"), "Two draws of their own"),
        (transform(flips="[rng.random() < 0.5] * 2"), "Two draws of their own"),
        (transform(flips="rng.random(2) < 0.3"), "Two draws of their own"),
        (transform(flips="rng.random(2) < 0.45"), "Two draws of their own"),
        (transform(flips="(lambda first: (first, not first))(rng.random() < 0.5)"), "both flips"),
        (transform(flips="angle > 0, rng.random() < 0.5"), "goes with the angle"),
        (transform(flips="rng.random() < 0.5, abs(angle) < 10"), "goes with the angle"),
        (transform(flips="rng.random(2)"), "true or false"),
        (transform(angle="rng.integers(-20, 21)"), "Not only whole"),
        (transform(angle="round(rng.uniform(-20, 20), 1)"), "Not only whole"),
        (transform(angle="float(np.clip(rng.normal(0, 10), -20, 20))"), "each as likely"),
        (transform(angle="rng.triangular(-20, 0, 20)"), "each as likely"),
        (transform('np.random.default_rng(int(f"{seed}{epoch}{step}"))'), "joining the numbers"),
        (transform("np.random.default_rng(10**9 * seed + 10**6 * epoch + step)"), "one seed"),
        (transform("np.random.default_rng(seed ^ epoch ^ step)"), "one seed"),
        (transform(back="angle"), "three values"),
        (transform(back="None"), "is yours missing?"),
    ],
    "cache-key": [
        (key("str(path.resolve()), state.st_size, state.st_mtime_ns, version"), "The factor"),
        (key("str(path.resolve()), state.st_size, state.st_mtime_ns, factor"), "The version"),
        (
            key("str(path.resolve()), state.st_size, state.st_mtime_ns, factor + version"),
            "not their sum",
        ),
        (
            key(
                "str(path.resolve()), state.st_size, state.st_mtime_ns, str(factor) + str(version)"
            ),
            "run together",
        ),
        (key("path.name, state.st_size, state.st_mtime_ns, factor, version"), "the whole path"),
        (key("str(path.resolve()), state.st_size, factor, version"), "st_mtime_ns says"),
        (key("str(path.resolve()), state.st_mtime_ns, factor, version"), "st_size, as well"),
        (key("str(path.resolve()), factor, version"), "st_mtime_ns says"),
        (key(back="hash(tuple(facts))"), "hashlib.sha256"),
        (key(back="facts"), "letters and digits"),
        (key(back="str(facts)"), "letters and digits"),
        (key(back="np.random.default_rng().bytes(6).hex()"), "Nothing random"),
        (
            key("str(path.resolve()), tuple(state)[:7], state.st_ctime_ns, factor, version"),
            "st_ctime",
        ),
        (key(back="None"), "is yours missing?"),
        (key("str(path.resolve()), path.stat(), factor, version"), "whole seconds"),
        (
            key("str(path.resolve()), state.st_size, int(state.st_mtime), factor, version"),
            "whole sec",
        ),
        (
            key("str(path.resolve()), state.st_size, path.read_bytes()[:64], factor, version"),
            "first bytes",
        ),
        (
            key(back="hashlib.sha256(repr(facts).encode()).hexdigest()[:2]"),
            "too short for many entries",
        ),
        (key("state.st_ino, state.st_size, state.st_mtime_ns, factor, version"), "the whole path"),
        (
            key(
                "str(path.resolve()), state.st_ino, state.st_size, state.st_mtime_ns, factor, version"
            ),
            "st_ino",
        ),
        (key("str(path), state.st_size, state.st_mtime_ns, factor, version"), "relative path"),
        (
            key(
                "str(path.resolve()), state.st_size, state.st_mtime_ns, factor, version, "
                "int(__import__('time').time())"
            ),
            "the present time",
        ),
        (
            key("str(path.resolve()), state.st_size, state.st_mtime_ns, 100 * factor + version"),
            "run together",
        ),
        (key(back="str(sum(hash(fact) for fact in facts))"), "hashlib.sha256"),
    ],
    "foreground-corner": [
        (corner("voxel"), "in its middle"),
        (corner("np.clip(voxel, 0, np.array(labels.shape) - size)"), "the patch's corner"),
        (corner("np.clip(voxel - size, 0, np.array(labels.shape) - size)"), "Half of the side"),
        (corner("voxel - size // 2"), "would reach out"),
        (corner("np.maximum(voxel - size // 2, 0)"), "would reach out"),
        (corner("np.minimum(voxel - size // 2, np.array(labels.shape) - size)"), "would reach out"),
        (corner("np.clip(voxel - size // 2, 0, np.array(labels.shape) - 1)"), "shape - size"),
        (corner("np.clip(voxel - size // 2, 0, np.array(labels.shape) - size - 1)"), "One too few"),
        (corner("np.clip(voxel + size // 2, 0, np.array(labels.shape) - size)"), "Minus half"),
        (corner("np.clip(voxel - size / 2, 0, np.array(labels.shape) - size)"), "not size / 2"),
        (corner(RIGHT, voxel="places[0]"), "as likely"),
        (corner(RIGHT, voxel="places.mean(axis=0).astype(int)"), "as likely"),
        (corner(RIGHT, places="np.argwhere(labels == 4)"), "as likely"),
        (corner(RIGHT, places="np.argwhere(labels == 0)"), "on each axis"),
        (corner(RIGHT, voxel="places[rng.integers(len(places) - 1)]"), "ValueError"),
        (
            "def foreground_corner(labels, size, rng):\n"
            "    size = np.array(size)\n"
            "    label = rng.choice(np.setdiff1d(labels, 0))\n"
            "    places = np.argwhere(labels == label)\n"
            "    voxel = places[rng.integers(len(places))]\n"
            f"    return {RIGHT}",
            "whatever its label",
        ),
        (
            "def foreground_corner(labels, size, rng):\n"
            "    size = np.array(size)\n"
            "    places = np.argwhere(labels > 0)\n"
            "    while True:\n"
            "        corner = places[rng.integers(len(places))] - size // 2\n"
            "        if (corner >= 0).all() and (corner + size <= labels.shape).all():\n"
            "            return corner",
            "Draw once",
        ),
        (
            "def foreground_corner(labels, size, rng):\n"
            "    size = np.array(size)\n"
            "    places = np.argwhere(labels > 0)\n"
            "    for _ in range(50):\n"
            "        corner = places[rng.integers(len(places))] - size // 2\n"
            "        if (corner >= 0).all() and (corner + size <= labels.shape).all():\n"
            "            return corner\n"
            "    return np.clip(corner, 0, np.array(labels.shape) - size)",
            "wherever it lies",
        ),
        (
            corner(RIGHT, voxel="places[np.random.default_rng().integers(len(places))]"),
            "which is given",
        ),
        (corner("None"), "is yours missing?"),
    ],
    "starving-feeder": [
        (feeder(slowest="A"), "one byte each"),
        (feeder(slowest="C"), "next to nothing"),
        (feeder(slowest="D"), "a small part of the case"),
        (feeder(slowest="recolour"), "give one letter"),
        (feeder(after=1_785_074), "nothing is won"),
        (feeder(after=1_600_000), "not where most of the work is"),
        (feeder(after=39_000), "the patch alone has"),
        (feeder(before=131_072, after=399_449), "the colleague's feeder makes more"),
        (feeder(after=(399_449, 0.1)), "is no number"),
    ],
}

EVIDENCE = {
    "starving-feeder": [
        feeder(),
        feeder(prediction="A"),
        feeder(prediction=2),
        feeder(slowest="b"),
        feeder(after=360_000),
    ]
}
