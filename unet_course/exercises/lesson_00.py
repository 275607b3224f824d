"""The check of lesson 00: one small count, to meet the checks themselves; and its quiz."""

import numpy as np

from unet_course.exercises import verdict
from unet_course.exercises.choices import Question


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
            (1, "1 is the largest value in the mask. The task asks for the sum of all values."),
            (0.25, "That is the share of pixels. The task asks for their number."),
            (
                [0, 2, 1, 0],
                "Python's own sum adds the rows up and leaves a number for each column. "
                "The array's method, mask.sum(), adds up everything.",
            ),
        ],
        hint="A tumour pixel holds 1, any other 0. What do all the values add up to?",
    )
    large = np.zeros((40, 50), np.uint8)
    large[3:23, 4:24] = large[30, 30] = 1
    verdict.equal(
        answer(large),
        401,
        "a mask of 40 × 50 pixels, 401 of them tumour,",
        mistakes=[
            (
                401 % 256,
                "A uint8 holds 0 to 255 and then starts again at 0, and adding them one by one "
                "stays uint8. The array's method, mask.sum(), counts in a larger type.",
            ),
            (3, "Count in the mask that you are given: 3 was right for the first one only."),
            (400, "All of the mask counts, also pixels that touch no others."),
        ],
        hint="The first mask was right. Does every pixel of a larger one count, and in a type that "
        "goes beyond 255?",
    )
    verdict.equal(
        answer(np.array([[[0, 1], [1, 1]], [[0, 0], [1, 0]]])),
        4,
        "a mask of two slices of 2 × 2 pixels, 4 pixels of tumour in all,",
        hint="The task says a mask of any size: mask.sum() adds up all of its axes.",
    )
    verdict.equal(
        answer(np.array([[0, 1], [1, 1]])),
        3,
        "the task's own mask, [[0, 1], [1, 1]],",
        hint="Count in the mask that you are given.",
    )
    verdict.equal(
        answer(np.zeros((2, 5), np.uint8)),
        0,
        "a mask of 2 × 5 zeros",
        hint="A mask without tumour has no tumour pixel: count in the mask that you are given.",
    )
    return (
        "Multiplied by the area of a pixel and the distance between slices, this count is the "
        "tumour's volume."
    )


CHECKS = {"warm-up": warm_up}

QUIZ = {
    "q1": Question(
        right="b",
        why={
            "a": "None of these says how often the network is right. A network that was trained long "
            "may only know its own patients well.",
            "b": "One good picture proves little. The other patients, one by one, and how this one was "
            "picked, say what to expect.",
            "c": "A third digit says more about this patient and nothing about any other.",
        },
    ),
    "q2": Question(
        right="a",
        why={
            "a": "What it keeps is the largest piece, whether that is the tumour or not, and it keeps "
            "one piece only.",
            "b": "A patient may have two tumours, or a false alarm may be the largest piece. Then "
            "tumour is thrown away.",
            "c": "The size of the tumour alone doesn't decide: what counts is whether it is the largest "
            "piece of the prediction.",
        },
    ),
    "q3": Question(
        right="c",
        why={
            "a": "A check prints and never stops a page. You may leave an exercise out and come back.",
            "b": "No later cell builds on an exercise: the lessons use the package's own function.",
            "c": "Later cells never use your answer, so a page runs whatever you write.",
        },
    ),
}
