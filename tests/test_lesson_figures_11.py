"""Lesson 11's drawings: each draws what it is given."""

import numpy as np
import pandas as pd
import pytest

from unet_course.showing.lesson_figures import lesson_11

SHAPE = (20, 24, 16)


@pytest.fixture(scope="module")
def labels():
    labels = np.zeros(SHAPE, np.uint8)
    labels[5:14, 6:15, 4:12], labels[7:12, 8:13, 6:10], labels[9, 10, 7] = 2, 1, 4
    return labels


def drawn(fig):
    fig.canvas.draw()
    return fig.axes


def test_seam_strength_is_one_without_seams_and_more_with_one():
    rng = np.random.default_rng(0)
    smooth = 0.1 * rng.random(SHAPE)
    edges = [[10], [12], []]
    assert lesson_11.seam_strength(smooth, edges) == pytest.approx(1, abs=0.15)
    smooth[10:] += 0.2  # a step of 0.2 at one edge of two
    assert lesson_11.seam_strength(smooth, edges) > 2


def test_probability_maps_mark_where_windows_begin_or_end(labels):
    regions = np.stack([labels > 0, np.isin(labels, (1, 4)), labels == 4], axis=-1)
    probability = np.zeros(SHAPE)
    maps = {name: (probability, [[8], [6, 18], [3]]) for name in ("a", "b", "c", "d")}
    axes = drawn(lesson_11.probability_maps(np.uint8(labels > 0), regions, maps, 8))
    assert [ax.get_title() for ax in axes[:6]] == [
        "FLAIR with the truth's regions", "a", "b", "", "c", "d",
    ]  # fmt: skip
    columns, rows = (axes[1].lines[i] for i in (0, 1))
    assert columns.get_xdata().tolist() == [7.5]  # x leads to the right; before voxel 8
    assert rows.get_ydata().tolist() == [5.5, 17.5]


def test_lesion_scores_have_a_line_for_each_case_and_region():
    index = pd.MultiIndex.from_tuples([("case_001", "WT"), ("case_001", "ET")])
    scores = pd.DataFrame({"Dice": [0.9, 0.5], "2023": [0.3, 0.5], "2024": [0.8, 0.4]}, index)
    (ax,) = drawn(lesson_11.lesion_scores(scores))
    assert [text.get_text() for text in ax.get_yticklabels()] == ["case 001, WT", "case 001, ET"]
    assert ax.collections[1].get_offsets()[:, 0].tolist() == [0.3, 0.5]


def test_scores_by_pieces_leave_out_no_piece_at_all():
    axes = drawn(lesson_11.scores_by_pieces([0, 0.7, 0.6], [99, 5, 20]))
    assert [ax.get_ylabel() for ax in axes] == ["Dice", "HD95, mm"]
    assert axes[0].lines[0].get_xydata().tolist() == [[1, 0.7], [2, 0.6]]
    assert axes[1].lines[0].get_ydata().tolist() == [5, 20]


def test_tutorial_slices_have_six_pictures_each(labels):
    flair = np.uint8(50 + 40 * (labels > 0))
    axes = drawn(lesson_11.tutorial_slices(labels == 0, labels, labels, flair, range(6, 9)))
    assert len(axes) == 18 and axes[0].get_ylabel() == "slice 6"
    assert axes[3].get_title() == "prediction"


def test_tumour_from_three_sides_has_a_row_for_each(labels):
    brain = np.zeros(SHAPE, bool)
    brain[2:18, 2:22, 2:14] = True
    axes = drawn(lesson_11.tumour_from_three_sides(brain, {"truth": labels, "prediction": labels}))
    assert [ax.get_title() for ax in axes[:3]] == [
        "truth, from the front", "truth, from the left", "truth, from above",
    ]  # fmt: skip
    assert len(axes) == 6


def test_duel_joins_the_means_of_a_case():
    runs = pd.DataFrame(
        {"case": list("AAAABB"), "axes": [2, 2, 3, 3, 2, 3], "WT": [0.6, 0.8, 0.4, 0.2, 0.9, 0.1]}
    ).assign(TC=0.5, ET=0.0)
    axes = drawn(lesson_11.duel(runs))
    assert [ax.get_title() for ax in axes] == ["WT", "TC", "ET"]
    np.testing.assert_allclose(axes[0].lines[0].get_ydata(), [0.7, 0.3])
    assert [text.get_text() for text in axes[0].get_legend().get_texts()] == ["2-D", "3-D"]
