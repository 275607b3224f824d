"""Lesson 02's drawings: each draws what it is given."""

import numpy as np
from matplotlib.text import Text

from unet_course.showing import plotting
from unet_course.showing.lesson_figures import lesson_02


def drawn(fig):
    """Draw a figure, and return all that is written in it."""
    fig.canvas.draw()
    return [text.get_text() for text in fig.findobj(Text) if text.get_text()]


def test_the_stack_has_a_curve_for_each_order():
    fig = lesson_02.tumour_through_stack({"sorted()": [0, 5, 0, 7], "natural": [0, 5, 7, 0]})
    assert {"sorted()", "natural", "tumour pixels"} <= set(drawn(fig))
    curves = [line.get_ydata().tolist() for ax in fig.axes for line in ax.lines]
    assert curves == [[0, 5, 0, 7], [0, 5, 7, 0]]


def test_three_sequences_and_the_outline():
    image = np.zeros((32, 32, 3))
    image[8:24, 8:24] = (10, 20, 30)
    mask = np.zeros((32, 32), np.uint8)
    mask[10:20, 10:20] = 1
    fig = lesson_02.three_sequences(image, mask, ("pre", "FLAIR", "post"), white=25, flair=1)
    assert {"channel 0: pre", "channel 2: post", "mask over FLAIR"} <= set(drawn(fig))
    assert [ax.images[0].get_array().max() for ax in fig.axes[:3]] == [10, 20, 30]


def test_coloured_slices_fill_rows_of_six():
    fig = lesson_02.coloured_slices([np.zeros((8, 8, 3), np.uint8)] * 7, [str(k) for k in range(7)])
    assert len(fig.axes) == 12 and sum(bool(ax.images) for ax in fig.axes) == 7
    assert {"0", "6"} <= set(drawn(fig))


def test_strips_have_their_hospitals_and_kinds():
    kinds = np.array([[1, 2, 1, 0], [1, 2, 3, 0], [3, 1, 2, 1]])
    fig = lesson_02.patient_strips(kinds, ["CS", "CS", "HT"])
    words = drawn(fig)
    assert {"CS", "HT", "no tumour", "tumour", "nearly black"} <= set(words)
    assert (fig.axes[0].images[0].get_array() == kinds).all()


def test_brightness_has_a_dot_for_each_patient():
    levels = {"CS": [30.0, 40.0], "DU": [50.0]}
    fig = lesson_02.brightness([np.zeros((8, 8))] * 2, ["dark", "bright"], levels)
    assert {"dark", "bright", "CS", "DU"} <= set(drawn(fig))
    dots = [line.get_ydata().tolist() for line in fig.axes[-1].lines]
    assert dots == [[30.0, 40.0], [50.0]]


def test_a_split_has_a_row_for_each_side():
    sides = {"train": [(100, "CS"), (900, "HT")], "validation": [(300, "CS")], "test": []}
    fig = lesson_02.split_by_size(sides)
    assert {"train", "validation", "test", "CS", "HT"} <= set(drawn(fig))
    found = sorted(x for line in fig.axes[0].lines for x in line.get_xdata())
    assert found == [100, 300, 900]


def test_copies_show_masks_and_shares():
    picture, truth = np.full((16, 16), 9, np.uint8), np.zeros((16, 16), np.uint8)
    truth[4:9, 4:9] = 1
    fig = lesson_02.copies(
        [picture] * 3,
        truth,
        [None, truth, 1 - truth],
        ["test", "own", "others"],
        {"by slice": [0.95, 0.85], "by patient": [0.05]},
    )
    assert {"test", "own", "others", "by slice", "by patient"} <= set(drawn(fig))
    steps = {p.get_label(): p.get_data().values for p in fig.axes[-1].patches}
    assert steps["by slice"][-2:].tolist() == [0.5, 0.5] and steps["by patient"][0] == 1
    assert lesson_02.STRIP_KINDS[2][1] == plotting.TRUTH
