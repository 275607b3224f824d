"""A second expert's outline: bias and spread are lengths, and mean what they say."""

import numpy as np
import pytest

from unet_course.judging import metrics
from unet_course.synthetic.second_rater import second_outline


def disc(radius: int, slices: int = 3, side: int = 96) -> np.ndarray:
    rows, columns = np.ogrid[:side, :side]
    flat = (rows - side // 2) ** 2 + (columns - side // 2) ** 2 <= radius**2
    return np.repeat(flat[None], slices, axis=0)


def radius_of(mask: np.ndarray) -> float:
    return float(np.sqrt(mask.sum(axis=(1, 2)).mean() / np.pi))


@pytest.mark.parametrize("bias", [-3, -1, 0, 1, 4])
def test_bias_moves_the_border_by_so_many_pixels(bias):
    drawn = second_outline(disc(20), np.random.default_rng(0), bias=bias, spread=0)
    assert radius_of(drawn) - radius_of(disc(20)) == pytest.approx(bias, abs=0.5)


def test_without_bias_and_spread_it_is_the_mask():
    mask = disc(9)
    drawn = second_outline(mask, np.random.default_rng(0), bias=0, spread=0)
    np.testing.assert_array_equal(drawn, mask)
    assert drawn is not mask and drawn.dtype == bool


def test_spread_wavers_without_moving_the_border_on_average():
    mask = disc(24, slices=40)
    drawn = second_outline(mask, np.random.default_rng(1), spread=2)
    assert radius_of(drawn) == pytest.approx(radius_of(mask), abs=0.6)
    assert metrics.dice(mask, drawn) < 0.97


def test_the_same_hands_agree_less_on_a_small_tumour():
    dice = {
        radius: np.mean(
            [
                metrics.dice(*(second_outline(disc(radius), rng, spread=1.5) for _ in "ab"))
                for rng in map(np.random.default_rng, range(20))
            ]
        )
        for radius in (6, 24)
    }
    assert dice[6] < dice[24] - 0.05


def test_neighbouring_slices_are_drawn_alike_and_empty_ones_stay_empty():
    mask = np.concatenate([np.zeros((2, 96, 96), bool), disc(20, 8)])
    drawn = second_outline(mask, np.random.default_rng(2), spread=2)
    assert not drawn[:2].any() and drawn[2:].any(axis=(1, 2)).all()
    beside = np.mean([metrics.dice(drawn[k], drawn[k + 1]) for k in range(2, 9)])
    apart = np.mean([metrics.dice(drawn[k], drawn[k + 4]) for k in range(2, 6)])
    assert beside > apart


def test_masks_at_the_border_of_the_picture_and_of_255_are_taken():
    mask = np.zeros((1, 20, 20), np.uint8)
    mask[0, :5, 15:] = 255
    drawn = second_outline(mask, np.random.default_rng(0), bias=2, spread=0.5)
    assert drawn.shape == mask.shape and drawn.sum() > 25


def test_the_same_generator_gives_the_same_outline_and_another_one_another():
    one, again, other = (
        second_outline(disc(15), np.random.default_rng(seed), spread=2) for seed in (3, 3, 4)
    )
    assert np.array_equal(one, again) and not np.array_equal(one, other)
    assert not second_outline(np.zeros((2, 8, 8)), np.random.default_rng(0)).any()


@pytest.mark.parametrize("wrong", [{"spread": -1}, {"stretch": 0}])
def test_impossible_hands_are_refused(wrong):
    with pytest.raises(ValueError, match="spread must be 0 or more"):
        second_outline(disc(5), np.random.default_rng(0), **wrong)


def test_a_single_slice_is_refused():
    with pytest.raises(ValueError, match="slices, rows, columns"):
        second_outline(disc(5)[0], np.random.default_rng(0))
