"""Lesson 00's exercise: the usual mistakes, and the words of the hint that each must get."""

MISTAKES = {
    "warm-up": [
        ("def count_tumour(mask):\n    return mask.size", "Only those that hold 1"),
        ("def count_tumour(mask):\n    return (mask == 0).sum()", "counted the zeros"),
        ("def count_tumour(mask):\n    return mask.any(axis=1).sum()", "number of rows"),
        ("def count_tumour(mask):\n    return mask.max()", "largest value"),
        ("def count_tumour(mask):\n    return mask[1:-1].sum()", "sum of all values"),
        ("def count_tumour(mask):\n    return mask.mean()", "share of pixels"),
        ("def count_tumour(mask):\n    return sum(mask)", "mask.sum()"),
        ("def count_tumour(mask):\n    return len(mask.nonzero())", "number of rows"),
        ("def count_tumour(mask):\n    return 3", "in the mask that you are given"),
        ("def count_tumour(mask):\n    return sum(mask.ravel())", "starts again at 0"),
        ("def count_tumour(mask):\n    return sum(sum(mask))", "starts again at 0"),
        ("def count_tumour(mask):\n    return mask[:3].sum()", "every pixel of a larger one"),
        ("def count_tumour(mask):\n    return mask.sum() + mask.ndim - 2", "any size"),
        ("def count_tumour(mask):\n    return mask[0, 0] + 7", "add up to"),
        ("def count_tumour(mask):\n    print(mask.sum())", "is yours missing?"),
        ("def count_tumour(mask):\n    return masks.sum()", "NameError"),
    ]
}
