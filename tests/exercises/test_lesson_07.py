"""Lesson 07's exercises: the usual mistakes, and the words of the hint that each must get."""

MM = "def voxel_to_mm(affine, voxel):\n    steps, origin = affine[:3, :3], affine[:3, 3]\n"
REGIONS = (
    "def to_regions(labels, core, oedema, enhancing):\n"
    "    c, o, e = labels == core, labels == oedema, labels == enhancing\n"
)
ML = (
    "def millilitres(mask, affine):\n"
    "    voxels, mm3 = np.count_nonzero(mask), abs(np.linalg.det(affine[:3, :3]))\n"
)
BOX = (
    "def brain_box(images):\n"
    "    def box(brain, end=1):\n"
    "        where = np.argwhere(brain)\n"
    "        first, last = where.min(axis=0), where.max(axis=0)\n"
    "        return tuple(slice(int(a), int(b) + end) for a, b in zip(first, last))\n"
)
Z = "def z_score(image, brain):\n    values = image[brain].astype(float)\n"


def copies(**changed) -> dict:
    right = {number: f"BraTS20_Synthetic_{number:03}" for number in (3, 5, 8)}
    return {"prediction": 1, "flipped": right[5], "swapped": right[8], "units": right[3], **changed}


MISTAKES = {
    "voxel-to-mm": [
        (MM + "    return np.round(steps @ voxel + origin, 3)", "keep all digits"),
        (MM + "    return steps @ voxel", "add where voxel (0, 0, 0) lies"),
        (MM + "    return steps @ voxel - origin", "added, not subtracted"),
        (MM + "    return affine @ [*voxel, 1]", "return the first three"),
        (MM + "    return np.diag(steps) * voxel + origin", "off the diagonal"),
        (
            MM + "    return np.sqrt((steps**2).sum(axis=0)) * voxel + origin",
            "no sign and no direction",
        ),
        (MM + "    return voxel @ steps + origin", "not voxel @ steps"),
        (MM + "    return np.linalg.solve(steps, voxel - origin)", "the way back"),
        (MM + "    return steps @ (voxel + origin)", "in mm already"),
        (MM + "    return steps @ voxel + affine[3, :3]", "the last column"),
        (MM + "    return steps * voxel + origin", "multiply with @"),
        (MM + "    steps @ voxel + origin", "is yours missing?"),
        (MM + "    return np.round(steps @ voxel + origin)", "don't round"),
        (MM + "    return (steps @ voxel + origin).astype(int)", "don't round"),
        (MM + "    return np.round(steps @ voxel + origin, 1)", "keep all digits"),
        (
            MM + "    half = np.float16\n"
            "    return steps.astype(half) @ np.array(voxel, half) + origin.astype(half)",
            "float16",
        ),
        (MM + "    return steps @ (np.array(voxel) + 0.5) + origin", "steps @ voxel + origin"),
        (MM + "    return 2 * (steps @ voxel + origin)", "steps @ voxel + origin"),
        (MM + "    origin += steps @ voxel\n    return origin", "changed its argument `affine`"),
    ],
    "regions-of-any-layout": [
        (REGIONS + "    return np.stack([c | o | e, c | e, e], axis=-1).T", "along the last axis"),
        (REGIONS + "    return np.stack([c | o | e, c, e], axis=-1)", "core or enhancing"),
        (REGIONS + "    return np.stack([o, c, e], axis=-1)", "lie inside each other"),
        (REGIONS + "    return np.stack([o | c, c | e, e], axis=-1)", "WT holds all three"),
        (REGIONS + "    return np.stack([c | o | e, c | o, e], axis=-1)", "Oedema isn't part"),
        (REGIONS + "    return np.stack([e, c | e, c | o | e], axis=-1)", "from large to small"),
        (REGIONS + "    return np.stack([c | o | e, c | e, e])", "along the last axis"),
        (
            "def to_regions(labels, core, oedema, enhancing):\n"
            "    core = (labels == 1) | (labels == 4)\n"
            "    return np.stack([labels > 0, core, labels == 4], axis=-1)",
            "BraTS 2020 only",
        ),
        (
            "def to_regions(labels, core, oedema, enhancing):\n"
            "    one, two, four = (labels == n for n in (1, 2, 4))\n"
            "    return np.stack([one | two | four, one | four, four], axis=-1)",
            "BraTS 2020 only",
        ),
        (
            "def to_regions(labels, core, oedema, enhancing):\n"
            "    return np.stack([labels >= 1, labels >= 2, labels >= 3], axis=-1)",
            "Labels are names",
        ),
        (
            REGIONS + "    return np.stack([c | o | e, c | e, e], axis=-1) * labels[..., None]",
            "still the labels",
        ),
        (REGIONS + "    np.stack([c | o | e, c | e, e], axis=-1)", "is yours missing?"),
        (REGIONS + "    return np.stack([labels > 0, c | e, e], axis=-1)", "belongs to no region"),
        (REGIONS + "    return np.stack([c + o + e, c + e, e * 2], axis=-1)", "you gave"),
        (REGIONS + "    return np.stack([c | o | e, c ^ o, e], axis=-1)", "Oedema isn't part"),
        *(
            (REGIONS + f"    return np.stack([{whole}, c | e, e], axis=-1)", words)
            for whole, words in {
                "(labels > 0) & (labels <= enhancing)": "Labels are names",
                "(labels > 0) & (labels <= max(core, oedema, enhancing))": "Labels are names",
                "(labels >= min(core, oedema, enhancing))"
                " & (labels <= max(core, oedema, enhancing))": "Labels are names",
                "(labels != 0) & (labels != 4) if enhancing == 3 else labels > 0": (
                    "belongs to no region"
                ),
            }.items()
        ),
        (
            REGIONS + "    most = labels == max(core, oedema, enhancing)\n"
            "    return np.stack([c | o | e, c | e, most], axis=-1)",
            "isn't the largest number in every layout",
        ),
        (
            REGIONS + "    core = np.isin(labels, [oedema, enhancing])\n"
            "    return np.stack([c | o | e, core, e], axis=-1)",
            "TC holds the oedema",
        ),
        (
            "def to_regions(labels, oedema, core, enhancing):\n"
            "    c, o, e = labels == core, labels == oedema, labels == enhancing\n"
            "    return np.stack([c | o | e, c | e, e], axis=-1)",
            "in the task's order",
        ),
        (
            "def to_regions(labels, core, oedema, enhancing):\n"
            "    labels[~np.isin(labels, [core, oedema, enhancing])] = 0\n"
            "    tumour_core = np.isin(labels, [core, enhancing])\n"
            "    return np.stack([labels > 0, tumour_core, labels == enhancing], axis=-1)",
            "changed its argument `labels`",
        ),
    ],
    "millilitres": [
        (ML + "    return round(voxels * mm3 / 1000, 2)", "Rounded"),
        (ML + "    return mask.sum() * mm3 / 1000", "adds the labels' numbers up"),
        (ML + "    return voxels * mm3", "1000 of them are 1 ml"),
        (ML + "    return voxels", "multiply by the volume of one"),
        (ML + "    return voxels / 1000", "needn't have 1 mm³"),
        (ML + "    return voxels * mm3 / 1e6", "divided by a million"),
        (
            ML + "    return voxels * np.prod(np.diag(affine[:3, :3])) / 1000",
            "never negative",
        ),
        (
            ML + "    return voxels * abs(np.prod(np.diag(affine))) / 1000",
            "the determinant holds for oblique ones",
        ),
        (
            ML + "    return voxels * np.linalg.det(affine[:3, :3]) / 1000",
            "never negative",
        ),
        (ML + "    return mask.size * mm3 / 1000", "the whole block"),
        (ML + "    return np.count_nonzero(mask == 1) * mm3 / 1000", "other labels than 1"),
        (ML + "    voxels * mm3 / 1000", "is yours missing?"),
        (ML + "    return np.count_nonzero(mask >= 1) * mm3 / 1000", "0.25 too"),
        (ML + "    return np.count_nonzero(mask.astype(int)) * mm3 / 1000", "0.25 too"),
        (ML + "    return voxels * round(mm3) / 1000", "nor a whole number"),
        (ML + "    return round(voxels * mm3 / 1000)", "Rounded"),
        (
            ML + "    return voxels * np.prod(np.abs(affine[:3, :3]).max(axis=0)) / 1000",
            "largest number",
        ),
        (ML + "    return 2 * voxels * mm3 / 1000", "voxels inside ×"),
        (
            ML + "    mask[mask > 0] = 1\n    return mask.sum() * mm3 / 1000",
            "changed its argument `mask`",
        ),
    ],
    "crop-to-brain": [
        (BOX + "    return box((images != 0).any(axis=-1), end=0)", "so add 1"),
        (BOX + "    return box(images[..., 0] != 0)", "Modality 0 alone"),
        (BOX + "    return box((images != 0).all(axis=-1))", "where all modalities agree"),
        (BOX + "    return box((images > 0).any(axis=-1))", "have negative values"),
        (BOX + "    return box(images.sum(axis=-1) > 0)", "negative values"),
        (BOX + "    return box(images.sum(axis=-1) != 0)", "can cancel out"),
        (BOX + "    return box(images.mean(axis=-1) != 0)", "can cancel out"),
        (BOX + "    return box(images.max(axis=-1) != 0)", "The largest of the four"),
        (BOX + "    return box((abs(images) >= 1).any(axis=-1))", "Small values are brain"),
        (BOX + "    return box(images.astype(int).any(axis=-1))", "Small values are brain"),
        (BOX + "    return list(box((images != 0).any(axis=-1)))", "return tuple(box)"),
        (
            BOX + "    from scipy import ndimage\n"
            "    pieces, _ = ndimage.label((images != 0).any(axis=-1))\n"
            "    return box(pieces == np.bincount(pieces.ravel())[1:].argmax() + 1)",
            "There may be gaps",
        ),
        (
            "def brain_box(images):\n"
            "    brain, found = (images != 0).any(axis=-1), []\n"
            "    for axis in range(3):\n"
            "        places = np.flatnonzero(brain.any(axis=tuple({0, 1, 2} - {axis})))\n"
            "        found.append(slice(places[0], places[0] + len(places)))\n"
            "    return tuple(found)",
            "There may be gaps",
        ),
        (BOX + "    return box((images != 0).any(axis=-1))[::-1]", "keep the order x, y, z"),
        (BOX + "    return slice(None), slice(None), slice(None)", "the smallest such block"),
        (BOX + "    return images[box((images != 0).any(axis=-1))]", "Return slices"),
        (BOX + "    box((images != 0).any(axis=-1))", "is yours missing?"),
        (
            BOX + "    a, b, c = box((images != 0).any(axis=-1))\n"
            "    return slice(a.start + 1, a.stop), b, c",
            "Some of the brain is cut off",
        ),
        (
            BOX + "    return box((images != images[0, 0, 0]).any(axis=-1))",
            "Background is what is 0",
        ),
        (
            BOX + "    return box((images != images[-1, -1, -1]).any(axis=-1))",
            "Background is what is 0",
        ),
        (BOX + "    return box(images != 0)", "the modalities aren't cropped"),
        *(
            (
                BOX + f"    return box((images != 0)[..., {some}].any(axis=-1))",
                "is missing: ask for",
            )
            for some in (":2", "[0, 3]", ":3")
        ),
        (
            BOX + "    x, y, z = box((images != 0).any(axis=-1))\n"
            "    return slice(x.start, x.stop, 2), y, z",
            "without a step",
        ),
        (
            BOX + "    images[images != 0] = 1\n    return box(images.any(axis=-1))",
            "changed its argument `images`",
        ),
    ],
    "z-score-in-brain": [
        (
            Z + "    z = (image - image[brain].mean()) / (image[brain].std() + 1e-3)\n"
            "    return np.where(brain, z, 0)",
            "added to the deviation",
        ),
        (Z + "    return (image - image.mean()) / image.std()", "most of it is air"),
        (
            Z + "    return np.where(brain, (image - image.mean()) / image.std(), 0)",
            "most of it is air",
        ),
        (Z + "    return (image - values.mean()) / values.std()", "must stay exactly 0"),
        (Z + "    return np.where(brain, image - values.mean(), 0)", "standard deviation as well"),
        (
            Z + "    return np.where(brain, (image - values.mean()) / values.std(ddof=1), 0)",
            "with ddof=1",
        ),
        (
            Z + "    return np.where(brain, (image - values.mean()) / values.var(), 0)",
            "divided by the variance",
        ),
        (
            Z + "    return np.where(brain, image - values.mean() / values.std(), 0)",
            "brackets round",
        ),
        (Z + "    return np.where(brain, image / values.std(), 0)", "Subtract the mean first"),
        (
            Z + "    low, high = values.min(), values.max()\n"
            "    return np.where(brain, (image - low) / (high - low), 0)",
            "That is min-max",
        ),
        (
            Z + "    return np.where(brain, (image - np.median(values)) / values.std(), 0)",
            "That is the median",
        ),
        (
            "def z_score(image, brain):\n"
            "    brain = image > 0\n"
            "    values = image[brain]\n"
            "    return np.where(brain, (image - values.mean()) / values.std(), 0)",
            "what the mask says",
        ),
        (
            Z + "    result = np.zeros_like(image)\n"
            "    result[brain] = (values - values.mean()) / values.std()\n    return result",
            "an array of floats",
        ),
        (Z + "    return (values - values.mean()) / values.std()", "the image's size"),
        (Z + "    (values - values.mean()) / values.std()", "is yours missing?"),
        (
            Z + "    result = np.zeros(image.shape)\n"
            "    result[brain] = 2 * (values - values.mean()) / values.std()\n    return result",
            "values.std()",
        ),
        *(
            (
                Z + "    result = np.zeros(image.shape)\n"
                "    scored = (values - values.mean()) / values.std()\n"
                f"    result[brain] = np.clip(scored, -{limit}, {limit})\n    return result",
                "That is clipped",
            )
            for limit in (3, 5)
        ),
        (
            Z + "    image[~brain] = 0\n"
            "    return np.where(brain, (image - values.mean()) / values.std(), 0)",
            "changed its argument `image`",
        ),
    ],
    "wrongly-saved": [
        (copies(units="BraTS20_Synthetic_001"), "saved as it should be"),
        (copies(units="BraTS20_Synthetic_005"), "WT in ml"),
        (copies(swapped="BraTS20_Synthetic_002"), "no label 4. That is no fault"),
        (copies(swapped="BraTS20_Synthetic_005"), "another fault"),
        (copies(flipped="BraTS20_Synthetic_008"), "compare FLAIR's median"),
        (copies(flipped="BraTS20_Synthetic_006"), "lies on healthy brain"),
        (copies(units=0.03), "the name of no case"),
        (copies(flipped="the fifth"), "the name of no case"),
        (copies(flipped=None), "the name of no case"),
    ],
}

EVIDENCE = {
    "wrongly-saved": [copies(), copies(prediction=2), copies(prediction="all"), copies(units="003")]
}
