"""Shaded 3-D views of a tumour in its brain: left, right, front and top come out in their places."""

import numpy as np
import pytest

from unet_course.showing.lesson_figures.surface_view import VIEWS, relief, tumour_view

SIZE = 24


def ball(centre, radius):
    distance = np.sqrt(((np.indices((SIZE,) * 3).T - centre) ** 2).sum(-1)).T
    return distance < radius


def tumour_at(*centre):
    """LPS: a small tumour at the surface of a ball of a brain."""
    brain = ball((12, 12, 12), 10)
    return brain, (ball(centre, 4) & brain).astype(np.uint8) * 2


def coloured(picture):
    """(row, column) of the middle of what isn't grey or white."""
    return np.argwhere(np.ptp(picture, axis=-1) > 0.1).mean(axis=0)


@pytest.mark.parametrize(
    ("centre", "view", "where"),
    [
        ((19, 12, 12), "front", "right"),  # the patient's left, seen from before
        ((19, 12, 12), "above", "left"),
        ((12, 5, 12), "left", "left"),  # in front: the nose points to the left
        ((12, 5, 12), "above", "top"),
        ((12, 12, 19), "front", "top"),
        ((12, 12, 19), "left", "top"),
    ],
)
def test_a_tumour_is_drawn_where_a_viewer_would_see_it(centre, view, where):
    row, column = coloured(tumour_view(*tumour_at(*centre), view)) - SIZE / 2
    assert {"left": column < -3, "right": column > 3, "top": row < -3}[where]


@pytest.mark.parametrize("view", VIEWS)
def test_the_files_orientation_makes_no_difference(view):
    brain, labels = tumour_at(17, 8, 14)
    expected = tumour_view(brain, labels, view, "LPS")
    turned = [np.flip(volume, (0, 1)) for volume in (brain, labels)]
    np.testing.assert_allclose(tumour_view(*turned, view, "RAS"), expected)
    turned = [volume.transpose(2, 0, 1) for volume in (brain, labels)]
    np.testing.assert_allclose(tumour_view(*turned, view, "SLP"), expected)


def test_the_surface_that_is_nearer_is_seen():
    flat = np.zeros((SIZE,) * 3)
    flat[4:20, 4:20, 10:] = 1  # flat below, and above a slope
    for x in range(4, 20):
        flat[x, :, 24 - x // 2 :] = 0
    assert relief(flat, axis=2)[12, 12] == pytest.approx(1, abs=1e-3)
    assert relief(flat, axis=2, from_end=True)[12, 12] < 0.95
    assert np.isnan(relief(flat, axis=2)[0, 0])


def test_an_empty_mask_is_white_all_over():
    nothing = np.zeros((8, 8, 8), np.uint8)
    assert (tumour_view(nothing, nothing) == 1).all()


def test_bad_input_is_told():
    brain, labels = tumour_at(12, 12, 12)
    with pytest.raises(ValueError, match="no view 'below'"):
        tumour_view(brain, labels, "below")
    with pytest.raises(ValueError, match="the labels are"):
        tumour_view(brain, labels[1:])
    with pytest.raises(ValueError, match="orientation"):
        tumour_view(brain, labels, orientation="XYZ")
