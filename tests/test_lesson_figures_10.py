"""Lesson 10's drawings and the run that it kills: each draws what it is given, the run resumes."""

import numpy as np

from unet_course.data import normalise, prepared_cases
from unet_course.showing.lesson_figures import lesson_10
from unet_course.training import killable_run


def drawn(fig):
    fig.canvas.draw()
    return fig.axes


def test_distances_moved_has_a_line_for_each_gradient():
    (ax,) = drawn(lesson_10.distances_moved({"always 1": [1, 2, 3], "noise": [1, 0, 1]}))
    assert [line.get_ydata().tolist() for line in ax.lines] == [[1, 2, 3], [1, 0, 1]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["always 1", "noise"]


def test_training_curves_mark_the_epoch_that_is_kept():
    history = {"loss": [1.4, 0.9], "dice": [0.3, 0.5], "WT": [0.6, 0.7], "TC": [0.3, 0.4]}
    left, right = drawn(lesson_10.training_curves(history | {"ET": [0, 0.4]}, kept=2))
    assert left.lines[0].get_ydata().tolist() == [1.4, 0.9]
    assert [text.get_text() for text in right.get_legend().get_texts()] == [
        "kept", "WT", "TC", "ET", "mean",
    ]  # fmt: skip
    band = right.patches[0].get_extents().transformed(right.transData.inverted())
    assert band.x0 < 2 < band.x1


def test_slices_with_outlines_has_a_row_for_each_case():
    class Source:
        id = "BraTS20_Synthetic_007"

    labels = np.zeros((12, 14, 10), np.uint8)
    labels[3:9, 3:9, 3:7], labels[4:7, 4:7, 4:6], labels[5, 5, 5] = 2, 1, 4
    case = prepared_cases.PreparedCase(
        source=Source(), images=np.ones((12, 14, 10, 4), np.float16), labels=labels,
        centres=normalise.centres_of(labels, np.ones(labels.shape, bool)),
        box=tuple(slice(0, n) for n in labels.shape), full_shape=labels.shape,
        full_affine=np.eye(4),
    )  # fmt: skip
    axes = drawn(lesson_10.slices_with_outlines([case, case], {case.id: case.regions()}))
    assert len(axes) == 8 and axes[0].get_title() == "case …007: FLAIR"
    assert axes[3].get_title() == "prediction"


def test_a_run_that_stopped_ends_as_one_that_did_not(tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    def stop(seconds):
        raise Killed

    rng = np.random.default_rng(0)
    images = rng.normal(size=(12, 16, 16, 16, 4)).astype(np.float32)
    masks = (images[..., :3] > 0.5).astype(np.uint8)
    whole, history = killable_run.train(images, masks)
    monkeypatch.setattr(killable_run.time, "sleep", stop)
    try:
        killable_run.train(images, masks, tmp_path, wait_in=3)
    except Killed:
        pass
    else:
        raise AssertionError("it didn't wait")
    resumed, again = killable_run.train(images, masks, tmp_path, seed=4321)
    assert again["loss"] == history["loss"] and len(again["loss"]) == 4
    for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
