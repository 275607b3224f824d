"""Lesson 02's exercises: the usual mistakes, and the words of the hint that each must get."""

NAME = 'def read_name(name):\n    parts = name.removesuffix(".tif").split("_")\n'
MISSING = 'def missing(images):\n    names = ["pre-contrast", "FLAIR", "post-contrast"]\n'
SPLIT = "def test_slices(patients, share, seed):\n"
COPY = "def copy_nearest(test, train, train_masks):\n"

MISTAKES = {
    "read-a-file-name": [
        (
            NAME + '    return "_".join(parts[:4]), int(parts[4]), parts[-1] == "mask"',
            "without the date",
        ),
        (NAME + '    return parts[:3], int(parts[4]), parts[-1] == "mask"', '"_".join'),
        (
            NAME + '    return "_".join(parts[:2]), int(parts[4]), parts[-1] == "mask"',
            "first three parts",
        ),
        (
            NAME + '    return "_".join(parts[:3]), parts[4], parts[-1] == "mask"',
            "'10' sorts before",
        ),
        (
            NAME + '    return "_".join(parts[:3]), int(parts[3]), parts[-1] == "mask"',
            "the date of the scan",
        ),
        (
            NAME + '    return "_".join(parts[:3]), float(parts[4]), parts[-1] == "mask"',
            "The right number, but a float",
        ),
        (  # one digit, at a fixed place
            "def read_name(name):\n"
            '    digit = int(name.replace("_mask", "")[-5])\n'
            '    return "_".join(name.split("_")[:3]), digit, "mask" in name',
            "only the last digit",
        ),
        (  # 7.tif isn't a number
            "def read_name(name):\n"
            '    parts = name.split("_")\n'
            '    return "_".join(parts[:3]), int(parts[4]), parts[-1] == "mask.tif"',
            "is still followed by .tif",
        ),
        (  # the last part of a mask's name is "mask"
            NAME + '    return "_".join(parts[:3]), int(parts[-1]), "mask" in name',
            "Count from the front",
        ),
        (
            NAME + '    return "_".join(parts[:3]), int(parts[1]), "mask" in name',
            "Only the fifth part",
        ),
        (
            NAME + '    return "_".join(parts[:3]), int(parts[4]), parts[-1] != "mask"',
            "ends in _mask.tif",
        ),
        (
            NAME + '    return "_".join(parts[:3]), int(parts[4]), parts[-1]',
            "True or False",
        ),
        (NAME + '    return "_".join(parts[:3]), int(parts[4])', "whether it is a mask"),
        (NAME + '    patient = "_".join(parts[:3])', "is yours missing?"),
    ],
    "missing-sequences": [
        (  # the first slice only
            MISSING + "    flair = images[0, ..., 1]\n"
            "    return [names[c] for c in (0, 2) if np.array_equal(images[0, ..., c], flair)]",
            "A black slice is equal in all channels",
        ),
        (  # the last slice only
            MISSING + "    image = images[-1]\n"
            "    same = lambda c: np.array_equal(image[..., c], image[..., 1])\n"
            "    return [names[c] for c in (0, 2) if same(c)]",
            "A black slice is equal in all channels",
        ),
        (  # any slice
            MISSING
            + "    same = lambda c: (images[..., c] == images[..., 1]).all(axis=(1, 2)).any()\n"
            "    return [names[c] for c in (0, 2) if same(c)]",
            "A black slice is equal in all channels",
        ),
        (  # the middle slice only
            MISSING + "    image = images[len(images) // 2]\n"
            "    same = lambda c: np.array_equal(image[..., c], image[..., 1])\n"
            "    return [names[c] for c in (0, 2) if same(c)]",
            "in every slice",
        ),
        (  # any pixel
            MISSING
            + "    return [names[c] for c in (0, 2) if (images[..., c] == images[..., 1]).any()]",
            "in every slice",
        ),
        (
            MISSING + "    flair = images[..., 1]\n"
            "    return [names[c] for c in range(3) if np.array_equal(images[..., c], flair)]",
            "FLAIR equals itself",
        ),
        (
            MISSING + "    means = images.mean(axis=(0, 1, 2))\n"
            "    return [names[c] for c in (0, 2) if means[c] == means[1]]",
            "compare pixel by pixel",
        ),
        (
            MISSING + "    flair = images[..., 1].astype(float)\n"
            "    return [names[c] for c in (0, 2) if np.allclose(images[..., c], flair, atol=1)]",
            "np.array_equal misses none",
        ),
        (  # compared with each other
            MISSING + "    flair = images[..., 1]\n"
            "    found = [names[c] for c in (0, 2) if np.array_equal(images[..., c], flair)]\n"
            "    alike = np.array_equal(images[..., 0], images[..., 2])\n"
            "    return [names[0], names[2]] if alike else found",
            "compare each of the others with FLAIR",
        ),
        (  # stops at the first
            MISSING + "    for c in (0, 2):\n"
            "        if np.array_equal(images[..., c], images[..., 1]):\n"
            "            return [names[c]]\n"
            "    return []",
            "Both can be missing",
        ),
        (
            MISSING + "    flair = images[..., 1]\n"
            "    return [names[c] for c in (2, 0) if np.array_equal(images[..., c], flair)]",
            "in the channels' order",
        ),
        (MISSING + "    return []", "Compare images[..., 0] and images[..., 2]"),
        (
            MISSING + "    for c in (0, 2):\n"
            "        if np.array_equal(images[..., c], images[..., 1]):\n"
            "            return names[c]",
            "a list of names",
        ),
        (
            MISSING + "    return np.array_equal(images[..., 2], images[..., 1])",
            "a list of names",
        ),
        (MISSING + "    found = [names[2]]", "is yours missing?"),
    ],
    "tumour-shares": [
        (
            "def shares(masks):\n"
            "    tumour = masks.any(axis=(1, 2))\n"
            "    return 100 * tumour.mean(), 100 * masks.mean(), 100 * masks[tumour].mean()",
            "a share of one half is 0.5",
        ),
        (
            "def shares(masks):\n"
            "    tumour = masks.any(axis=(1, 2))\n"
            "    return tumour.sum(), masks.sum(), masks[tumour].sum()",
            "These are counts",
        ),
        (
            "def shares(masks):\n"
            "    tumour = masks.any(axis=(1, 2))\n"
            "    return tumour.mean(), masks.mean(), masks.mean()",
            "tumour slices' pixels alone",
        ),
        (
            "def shares(masks):\n"
            "    tumour = masks.any(axis=(1, 2))\n"
            "    return tumour.mean(), masks[tumour].mean(), masks.mean()",
            "swapped",
        ),
        (
            "def shares(masks):\n    return masks.mean(), masks.mean(), masks.mean()",
            "A slice counts once",
        ),
        (
            "def shares(masks):\n"
            "    tumour = masks.any()\n"
            "    return float(tumour), masks.mean(), masks[tumour].mean()",
            "without an axis",
        ),
        (
            "def shares(masks):\n"
            "    tumour = masks.any(axis=(1, 2))\n"
            "    return tumour.mean(), tumour.mean(), tumour[tumour].mean()",
            "shares of pixels",
        ),
        (
            "def shares(masks):\n"
            "    tumour = masks.any(axis=(1, 2))\n"
            "    return tumour.mean(), masks.mean(), masks.mean(axis=(1, 2)).max()",
            "not only the largest",
        ),
        (
            "def shares(masks):\n"
            "    tumour = masks.any(axis=(1, 2))\n"
            "    return tumour.mean(), masks.mean(), masks[tumour].mean()",
            "0 / 0",
        ),
        (
            "def shares(masks):\n"
            "    tumour = masks.any(axis=(1, 2))\n"
            "    if not tumour.any():\n"
            "        return 0, 0, 1\n"
            "    return tumour.mean(), masks.mean(), masks[tumour].mean()",
            "all three shares are 0",
        ),
        (  # columns
            "def shares(masks):\n"
            "    tumour = masks.any(axis=(0, 1))\n"
            "    return tumour.mean(), masks.mean(), masks.mean() / max(tumour.mean(), 1e-9)",
            "Slices are the first axis",
        ),
        (  # rows
            "def shares(masks):\n"
            "    tumour, slices = masks.any(axis=(0, 2)), masks.any(axis=(1, 2))\n"
            "    return tumour.mean(), masks.mean(), masks[slices].mean() if slices.any() else 0",
            "Slices are the first axis",
        ),
        (  # half of the slices, as in the task's example
            "def shares(masks):\n    return 0.5, masks.mean(), 2 * masks.mean()",
            "Slices are the first axis",
        ),
        (  # two slices in five, as in the first input
            "def shares(masks):\n    return 0.4, masks.mean(), 2.5 * masks.mean()",
            "fits those alone",
        ),
        ("def shares(masks):\n    return 0.4, 25 / 400, 25 / 160", "nothing here is fixed"),
        (
            "def shares(masks):\n"
            "    tumour = masks.any(axis=(1, 2))\n"
            "    third = np.median(masks[tumour].mean(axis=(1, 2))) if tumour.any() else 0\n"
            "    return tumour.mean(), masks.mean(), third",
            "not a median of slices",
        ),
        *(
            (  # the sum of uint8 by Python itself starts again at 256
                "def shares(masks):\n"
                "    tumour = masks.any(axis=(1, 2))\n"
                "    number = sum(masks.ravel()) + 0\n"
                f"    return tumour.mean(), {whole}, {third} if tumour.any() else 0",
                "Python's own sum",
            )
            for whole, third in (
                ("number / masks.size", "masks[tumour].mean()"),
                ("masks.mean()", "number / masks[tumour].size"),
                ("number / masks.size", "number / masks[tumour].size"),
            )
        ),
        (  # a doubled answer
            "def shares(masks):\n"
            "    tumour = masks.any(axis=(1, 2))\n"
            "    return 2 * tumour.mean(), 2 * masks.mean(), 2 * masks[tumour].mean()",
            "A mean of zeros and ones",
        ),
    ],
    "split-by-patient": [
        (  # slices, not patients
            SPLIT + "    return np.random.default_rng(seed).random(len(patients)) < share",
            "Choose among the patients",
        ),
        (  # the last slices
            SPLIT + "    return np.arange(len(patients)) >= (1 - share) * len(patients)",
            "are on both sides",
        ),
        (
            SPLIT + "    everybody = np.unique(patients)\n"
            "    chosen = np.random.default_rng(seed).permutation(everybody)\n"
            "    return np.isin(patients, chosen[: max(1, round(share * len(patients)))])",
            "not of slices",
        ),
        (
            SPLIT + "    everybody = np.unique(patients)\n"
            "    chosen = np.random.default_rng(seed).permutation(everybody)\n"
            "    return ~np.isin(patients, chosen[: max(1, round(share * len(everybody)))])",
            "you marked the training side",
        ),
        (
            SPLIT + "    everybody = np.unique(patients)\n"
            "    chosen = np.random.default_rng().permutation(everybody)\n"
            "    return np.isin(patients, chosen[: max(1, round(share * len(everybody)))])",
            "two different splits",
        ),
        (
            SPLIT + "    everybody = np.unique(patients)\n"
            "    return np.isin(patients, everybody[: max(1, round(share * len(everybody)))])",
            "the same split every time",
        ),
        (  # a seed of its own
            SPLIT + "    everybody = np.unique(patients)\n"
            "    chosen = np.random.default_rng(42).permutation(everybody)\n"
            "    return np.isin(patients, chosen[: max(1, round(share * len(everybody)))])",
            "are shuffled, but not by the seed",
        ),
        (  # the last ones
            SPLIT + "    everybody = np.unique(patients)\n"
            "    return np.isin(patients, everybody[-max(1, round(share * len(everybody))) :])",
            "Shuffle the patients first",
        ),
        *(
            (  # another order at each start of Python
                SPLIT + f"    import random\n    everybody = {everybody}\n"
                "    count = max(1, round(share * len(everybody)))\n"
                f"    {shuffle}\n"
                "    return np.isin(patients, everybody[:count])",
                "np.unique(patients) or sorted(set(patients))",
            )
            for everybody in ("list(set(patients))", "list({str(p) for p in patients})")
            for shuffle in (
                "random.Random(seed).shuffle(everybody)",
                "everybody = np.random.default_rng(seed).permutation(everybody)",
            )
        ),
        *(
            (
                SPLIT + "    everybody = np.unique(patients)\n"
                "    rng = np.random.default_rng(seed)\n"
                f"    count = max(1, {count})\n"
                f"    return np.isin(patients, {chosen})",
                words,
            )
            for count, chosen, words in (
                ("round(share * len(everybody))", "rng.choice(everybody, count)", "drawn twice"),
                (
                    "round(share * len(everybody))",
                    "everybody[rng.integers(0, len(everybody), count)]",
                    "drawn twice",
                ),
                (
                    "round(share * len(everybody))",
                    "np.roll(everybody, seed)[:count]",
                    "A block that moves along",
                ),
                (
                    "round(share * len(everybody))",
                    "np.roll(everybody, rng.integers(len(everybody)))[:count]",
                    "A block that moves along",
                ),
                ("int(share * len(everybody))", "rng.permutation(everybody)[:count]", "rounded up"),
                (
                    "int(np.ceil(share * len(everybody)))",
                    "rng.permutation(everybody)[:count]",
                    "rounded down",
                ),
                ("3", "rng.permutation(everybody)[:count]", "rounded up"),
            )
        ),
        (
            SPLIT + "    everybody = np.unique(patients)\n"
            "    chosen = np.random.default_rng(seed).permutation(everybody)\n"
            "    return np.isin(patients, chosen[: round(share * len(everybody))])",
            "max(1,",
        ),
        (
            SPLIT + "    everybody = np.unique(patients)\n"
            "    chosen = np.random.default_rng(seed).permutation(everybody)\n"
            "    return chosen[: max(1, round(share * len(everybody)))]",
            "np.isin(patients, chosen)",
        ),
        (
            SPLIT + "    everybody = np.unique(patients)\n"
            "    chosen = np.random.default_rng(seed).permutation(everybody)\n"
            "    return np.isin(everybody, chosen[: max(1, round(share * len(everybody)))])",
            "for each slice, not for each patient",
        ),
        (
            SPLIT + "    everybody = np.unique(patients)\n"
            "    chosen = np.random.default_rng(seed).permutation(everybody)\n"
            "    chosen = chosen[: max(1, round(share * len(everybody)))]\n"
            "    return np.isin(patients, chosen).astype(int)",
            "True for test, False for the rest",
        ),
        (
            SPLIT + "    everybody = np.unique(patients)\n"
            "    chosen = np.random.default_rng(seed).permutation(everybody)[: share * 10]\n"
            "    return np.isin(patients, chosen)",
            "your function raised TypeError",
        ),
        (SPLIT + "    chosen = np.unique(patients)[:3]", "is yours missing?"),
    ],
    "copy-the-nearest": [
        (  # uint8 wraps round
            COPY + "    nearest = [((train - t) ** 2).sum(axis=(1, 2)).argmin() for t in test]\n"
            "    return train_masks[nearest]",
            "uint8 holds 0 to 255",
        ),
        (
            COPY + "    nearest = [np.abs(train - t).sum(axis=(1, 2)).argmin() for t in test]\n"
            "    return train_masks[nearest]",
            "uint8 holds 0 to 255",
        ),
        *(
            (  # float too late
                COPY + "    nearest = []\n"
                "    for t in test:\n"
                f"        apart = ({difference}).astype(float)\n"
                "        nearest.append((apart**2).sum(axis=(1, 2)).argmin())\n"
                "    return train_masks[nearest]",
                "uint8 holds 0 to 255",
            )
            for difference in ("train - t", "t - train")
        ),
        (
            COPY + "    train = train.astype(float)\n"
            "    nearest = [(train - t).sum(axis=(1, 2)).argmin() for t in test]\n"
            "    return train_masks[nearest]",
            "differences cancel",
        ),
        *(
            (
                COPY + "    train, nearest = train.astype(float), []\n"
                "    for t in test.astype(float):\n"
                f"        nearest.append({distance}.argmin())\n"
                "    return train_masks[nearest]",
                words,
            )
            for distance, words in (
                ("abs(train.mean(axis=(1, 2)) - t.mean())", "mean brightness only"),
                ("abs((train - t).sum(axis=(1, 2)))", "mean brightness only"),
                ("abs(train - t).max(axis=(1, 2))", "single largest difference"),
                ("abs(train - t).sum(axis=(1, 2))", "The task asks for squares"),
                ("(t - train).sum(axis=(1, 2))", "differences cancel"),
            )
        ),
        (
            COPY + "    train, test = train.astype(np.int16), test.astype(np.int16)\n"
            "    nearest = [((train - t) ** 2).sum(axis=(1, 2)).argmin() for t in test]\n"
            "    return train_masks[nearest]",
            "int16 ends at 32767",
        ),
        *(
            (  # normalised first, as the lesson's own cell does
                COPY + "    def norm(x):\n"
                "        x = x - x.mean(axis=(1, 2), keepdims=True)\n"
                f"        return x{spread}\n"
                "    test, train = norm(test), norm(train)\n"
                "    nearest = [((train - t) ** 2).sum(axis=(1, 2)).argmin() for t in test]\n"
                "    return train_masks[nearest]",
                "compare them as they come",
            )
            for spread in (
                "",
                " / x.std(axis=(1, 2), keepdims=True)",
                " / (x.std(axis=(1, 2), keepdims=True) + 1e-3)",
            )
        ),
        (
            COPY + "    far = train.astype(float)\n"
            "    nearest = [((far - t) ** 2).sum(axis=(1, 2)).argmax() for t in test]\n"
            "    return train_masks[nearest]",
            "argmin, not argmax",
        ),
        (
            COPY + "    far = train.astype(float)\n"
            "    nearest = [((far - t) ** 2).sum(axis=(1, 2)).argmin() for t in test]\n"
            "    return np.array(nearest)",
            "train_masks[numbers] gives masks",
        ),
        (
            COPY + "    far = train.astype(float)\n"
            "    nearest = [((far - t) ** 2).sum(axis=(1, 2)).argmin() for t in test]\n"
            "    return train[nearest]",
            "copy its mask",
        ),
        (COPY + "    return train_masks[: len(test)]", "masks in their own order"),
        (  # one sum over everything
            COPY + "    far = train.astype(float)\n"
            "    nearest = [((far - t) ** 2).sum().argmin() for t in test]\n"
            "    return train_masks[nearest]",
            "keep the training pictures apart",
        ),
        (
            COPY + "    far = train.astype(float)\n"
            "    nearest = [((far - test[k]) ** 2).sum(axis=(1, 2)).argmin() for k in range(6)]\n"
            "    return train_masks[nearest]",
            "nothing here is a fixed number",
        ),
        (
            COPY + "    return train_masks[((train.astype(float) - test) ** 2).sum()]",
            "your function raised ValueError",
        ),
        (COPY + "    nearest = len(test)", "is yours missing?"),
    ],
}
