"""The check of lesson 00: one small count, to meet the checks themselves."""

import numpy as np

from unet_course.exercises import verdict


def warm_up(answer):
    given = np.array([[0, 1, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]], np.uint8)
    verdict.equal(
        answer(given),
        3,
        f"the mask {given.tolist()}",
        mistakes=[
            (12, "That is how many pixels there are. Only those that hold 1 are tumour."),
            (9, "You counted the zeros. Tumour is where the mask holds 1."),
            (2, "That is the number of rows with tumour, not of pixels."),
            (1, "That is the largest value in the mask. Add all values up instead."),
            (0.25, "That is the share of pixels. The task asks for their number."),
            (
                [0, 2, 1, 0],
                "Python's own sum adds the rows up and leaves a number for each column. "
                "The array's method, mask.sum(), adds up everything.",
            ),
        ],
        hint="A tumour pixel holds 1, any other 0. What do all the values add up to?",
    )
    verdict.equal(
        answer(np.zeros((2, 5), np.uint8)),
        0,
        "a mask of 2 × 5 zeros",
        hint="A mask without tumour has no tumour pixel: count in the mask that you are given.",
    )
    return "Times the area of a pixel and the distance between slices, it is the tumour's volume."


CHECKS = {"warm-up": warm_up}
