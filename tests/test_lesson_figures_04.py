"""Lesson 04's drawings: each draws what it is given, and the patch is found where it should be."""

import numpy as np
import pytest
from matplotlib.text import Text

from unet_course.network import unet
from unet_course.showing.lesson_figures import lesson_04


def drawn(fig) -> list[str]:
    """Draw a figure, and return all that is written in it."""
    fig.canvas.draw()
    return [text.get_text() for text in fig.findobj(Text) if text.get_text()]


def square(side=32, first=10, last=22):
    mask = np.zeros((side, side), np.uint8)
    mask[first:last, first:last] = 1
    return mask


def test_the_clearest_border_is_the_brightest_step_on_the_left():
    mask = square()
    image = mask * 0.2
    image[15, 10:20] = 1  # on the left border, in the middle row
    image[5, 3:] = 5  # brighter still, but no border of the mask
    row, column = lesson_04.clearest_left_border(image, mask)
    assert column == 10 and abs(row - 15) <= 4


def test_numbers_are_written_into_the_patch_and_its_place_is_marked():
    patch = np.arange(81.0).reshape(9, 9)
    fig = lesson_04.patch_in_slice(np.zeros((32, 32)), patch, top=4, left=7)
    assert {"0", "40", "80"} <= set(drawn(fig))
    (box,) = [p for p in fig.axes[0].patches if p.get_width() == 9]
    assert box.get_xy() == (7, 4) and box.get_height() == 9


def test_one_place_marks_the_middle_of_all_places():
    kernel = np.array([[-1, 0, 1]] * 3)
    fig = lesson_04.one_place(np.full((3, 3), 7.0), kernel, np.arange(49.0).reshape(7, 7))
    texts = drawn(fig)
    assert "= nine products, sum 0" in texts and "the sums at all 49 places" in texts
    (box,) = fig.axes[3].patches
    assert box.get_xy() == (2.5, 2.5)


def test_feature_maps_have_grey_at_nought_where_there_are_negative_values():
    maps = {"edges": np.array([[-2.0, 2.0]]), "mean": np.array([[0.0, 1.0]])}
    fig = lesson_04.feature_maps(maps)
    assert {"edges", "mean"} <= set(drawn(fig))
    assert [ax.images[0].get_clim() for ax in fig.axes] == [(-2, 2), (0, 1)]


def test_coarser_grids_have_a_row_for_each_tumour_and_a_legend():
    mask = square()
    empty = np.zeros_like(mask)
    fig = lesson_04.coarser_grids(
        [np.zeros((32, 32)), np.zeros((16, 16))],
        {"large": mask * 1.0, "small": mask * 1.0},
        {"large": mask, "small": mask},
        {"large": [mask, mask], "small": [mask, empty]},
        {"large": [1.0, 0.9], "small": [1.0, 0.0]},
    )
    texts = set(drawn(fig))
    assert {"32 × 32", "16 × 16", "max-pooled", "large", "small", "Dice 0.900"} <= texts
    assert len(fig.axes) == 6 and fig.legends


def test_enlargements_are_drawn_at_one_scale():
    fig = lesson_04.enlarged(np.zeros((8, 8)), {"nearest": np.zeros((16, 16))})
    assert {"before\n8 × 8", "nearest\n16 × 16"} <= set(drawn(fig))
    small, large = (ax.get_window_extent().width for ax in fig.axes)
    assert large / small == pytest.approx(2, rel=0.15)


def test_the_u_has_a_box_for_each_tensor_and_an_arrow_for_each_skip_connection():
    model = unet.unet((32, 32, 3), filters=4, depth=2, normalization="none")
    texts = drawn(lesson_04.u_shape(model))
    assert {"32²", "16²", "8²"} <= set(texts)
    channels = [int(text) for text in texts if text.isdecimal()]
    assert channels == [3, 4, 4, 8, 8, 16, 16, 16, 8, 8, 8, 4, 4, 1]


@pytest.mark.parametrize("truth", [None, square()])
def test_probabilities_stand_next_to_their_slice(truth):
    values = np.random.default_rng(0).random((32, 32))
    fig = lesson_04.probabilities(np.zeros((32, 32)), {"untrained": values}, truth)
    assert "untrained" in drawn(fig) and ("the truth in blue" in " ".join(drawn(fig))) == (
        truth is not None
    )


def test_receptive_fields_are_boxes_of_their_width_round_the_pixel():
    influence = np.zeros((32, 32))
    influence[10:20, 10:20] = 0.01
    fig = lesson_04.receptive_fields(np.zeros((32, 32)), [5, 14], influence, side=7, pixel=16)
    assert {"5", "14", "fields of the 2 levels"} <= set(drawn(fig))
    boxes = [(p.get_x(), p.get_width()) for p in fig.axes[0].patches]
    assert boxes == [(13.5, 5), (9, 14)]
    assert np.isnan(np.asarray(fig.axes[1].images[0].get_array().filled(np.nan))[0, 0])
