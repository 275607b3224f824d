"""The clean-up explorer: scores as `metrics` and `surfaces` have them, moved with and without a browser."""

import numpy as np
import pytest
from explorer import inside, move, shown, words

from unet_course.judging import metrics, surfaces
from unet_course.judging.pieces import find_pieces
from unet_course.showing import explorers
from unet_course.showing.explorers.clean_up import SMALLEST
from unet_course.showing.plotting import rgb

SPACING = (2.0, 2.0, 2.5)
CODE = """
import numpy as np
from unet_course.showing import explorers
x, y, z = np.mgrid[:50, :60, :44]
brain = ((x - 25) / 23) ** 2 + ((y - 30) / 28) ** 2 + ((z - 22) / 20) ** 2 < 1
truth = (x - 18) ** 2 + (y - 25) ** 2 + (z - 24) ** 2 < 80
prediction = (x - 20) ** 2 + (y - 26) ** 2 + (z - 24) ** 2 < 70
prediction |= (x - 36) ** 2 + (y - 40) ** 2 + (z - 20) ** 2 < 14
prediction |= (x - 25) ** 2 + (y - 50) ** 2 + (z - 30) ** 2 < 6
explorers.clean_up(brain * (100.0 + y), truth, prediction, (2, 2, 2))
"""


def case():
    """A tumour, a prediction of four pieces, and a brain around them."""
    truth, prediction = np.zeros((24, 26, 20), bool), np.zeros((24, 26, 20), bool)
    truth[6:14, 6:14, 6:12] = prediction[7:15, 6:13, 6:13] = True
    prediction[18:22, 3:5, 3:6] = prediction[2, 20:23, 15] = prediction[20, 20, 10] = True
    scan = np.zeros(truth.shape)
    scan[1:-1, 1:-1, 1:-1] = 100
    return scan, truth, prediction


def largest(found, kept):
    return (found.rank > 0) & (found.rank <= kept)


@pytest.mark.parametrize("seed", range(4))
def test_the_scores_of_the_largest_pieces_are_those_of_metrics_and_surfaces(seed):
    rng = np.random.default_rng(seed)
    truth, prediction = rng.random((2, 14, 12, 10)) < [[[[0.3]]], [[[0.05]]]]
    found = find_pieces(truth, prediction, SPACING)
    assert len(found) > 8 and (np.diff(found.voxels) <= 0).all()
    assert (largest(found, len(found)) == prediction).all()
    for kept in range(len(found) + 1):
        part = largest(found, kept)
        assert found.dice[kept] == pytest.approx(metrics.dice(truth, part))
        assert found.hd95[kept] == pytest.approx(surfaces.hd95(truth, part, SPACING))


def test_empty_masks_have_the_conventions_of_metrics_and_surfaces():
    nothing, some = np.zeros((5, 6, 7), bool), np.zeros((5, 6, 7), bool)
    some[2, 3, 4] = True
    for truth, prediction in ((nothing, nothing), (nothing, some), (some, nothing)):
        found = find_pieces(truth, prediction, SPACING)
        assert found.dice[-1] == metrics.dice(truth, prediction)
        assert found.hd95[-1] == pytest.approx(surfaces.hd95(truth, prediction, SPACING))
    assert find_pieces(nothing, some, SPACING).away.tolist() == [np.inf]


def test_the_slider_removes_the_smallest_piece_first():
    scan, truth, prediction = case()
    explorer = explorers.clean_up(scan, truth, prediction, SPACING)
    assert words(explorer).startswith("4 of 4 pieces kept")
    said = move(explorer, "Pieces kept", 1)
    alone = np.zeros_like(prediction)
    alone[7:15, 6:13, 6:13] = True
    assert f"Dice {metrics.dice(truth, alone):.3f}" in said
    assert f"HD95 {surfaces.hd95(truth, alone, SPACING):.1f} mm" in said
    assert said.endswith("3,920 mm³, touching the tumour")
    assert move(explorer, "Pieces kept", 2).endswith("240 mm³, 11 mm from the tumour")
    assert move(explorer, "Pieces kept", 0).startswith("0 of 4 pieces kept: Dice 0.000")


def test_the_smallest_kept_has_a_colour_of_its_own():
    explorer = explorers.clean_up(*case(), SPACING, scale=2)
    purple = (shown(explorer) == rgb(SMALLEST)).all(axis=-1)
    assert purple.sum() == 3 * 4  # one voxel in three pictures
    move(explorer, "Pieces kept", 3)
    assert (shown(explorer) == rgb(SMALLEST)).all(axis=-1).sum() == (3 + 3 + 1) * 4


def test_a_case_without_tumour_and_a_prediction_without_pieces():
    scan, truth, prediction = case()
    explorer = explorers.clean_up(scan, np.zeros_like(truth), prediction, SPACING)
    assert words(explorer).endswith("where no tumour is")
    (slider,) = inside(explorer, "IntSlider")
    assert not slider.disabled
    empty = explorers.clean_up(scan, truth, np.zeros_like(prediction), SPACING)
    assert words(empty).startswith("0 of 0 pieces kept: Dice 0.000")
    assert inside(empty, "IntSlider")[0].disabled


def test_what_does_not_fit_is_refused():
    scan, truth, prediction = case()
    with pytest.raises(ValueError, match="alike"):
        explorers.clean_up(scan, truth, prediction[1:], SPACING)
    with pytest.raises(ValueError, match="x, y, z"):
        find_pieces(truth[0], prediction[0], SPACING)


def test_it_moves_in_a_browser(in_browser):
    explorer = in_browser(CODE)
    said = explorer.words
    explorer.press("ArrowLeft")
    assert said.startswith("3 of 3 pieces kept") and explorer.words.startswith("2 of 3")
    explorer.screenshot("clean_up")
