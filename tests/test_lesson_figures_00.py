"""The drawing of lesson 00."""

import numpy as np

from unet_course.showing.lesson_figures import lesson_00


def test_truth_above_and_prediction_below_in_three_views():
    rng = np.random.default_rng(0)
    flair = rng.normal(size=(24, 26, 20)).astype(np.float32)
    brain = np.zeros(flair.shape, bool)
    brain[3:-3, 3:-3, 3:-3] = True
    truth = np.zeros(brain.shape, np.uint8)
    truth[8:14, 8:14, 8:14] = 2
    truth[10:12, 10:12, 10:12] = 4
    fig = lesson_00.truth_and_prediction_in_3d(flair * brain, brain, truth, 0 * truth, "LPS")
    titles = [ax.get_title() for ax in fig.axes]
    assert titles[:3] == ["truth: a slice", "truth: from the left", "truth: from above"]
    assert titles[3:] == [title.replace("truth", "prediction") for title in titles[:3]]
    above, below = (np.asarray(fig.axes[i].images[0].get_array()) for i in (1, 4))
    assert not np.array_equal(above, below)  # the empty prediction shows no tumour
    fig.canvas.draw()


def test_a_case_without_tumour_is_drawn():
    brain = np.zeros((12, 14, 10), bool)
    brain[2:-2, 2:-2, 2:-2] = True
    none = np.zeros(brain.shape, np.uint8)
    fig = lesson_00.truth_and_prediction_in_3d(
        brain * np.arange(1.0, 11.0), brain, none, none, "LPS"
    )
    assert np.asarray(fig.axes[0].images[0].get_array()).any()  # a slice with brain
    fig.canvas.draw()


def test_a_refined_mask_keeps_its_place_and_size():
    ball = ((np.indices((20, 22, 24)).T - (9, 10, 12)) ** 2).sum(-1).T < 36
    fine = lesson_00.refine(ball)
    assert fine.shape == (40, 44, 48)
    assert abs(fine.sum() / (8 * ball.sum()) - 1) < 0.1
    assert np.allclose(np.argwhere(fine).mean(0) / 2, np.argwhere(ball).mean(0), atol=0.6)
