"""Figures: that they show what they should, in safe colours, with alt text."""

import io
import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from unet_course.showing import plotting


def pixels(figure) -> np.ndarray:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return np.array(Image.open(buffer).convert("RGB")).astype(int)


def has_colour(picture: np.ndarray, colour: str, tolerance: int = 30) -> bool:
    rgb = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return bool((np.abs(picture - rgb).max(-1) <= tolerance).any())


@pytest.fixture
def displayed(monkeypatch):
    import IPython.display

    seen = []
    monkeypatch.setattr(
        IPython.display, "display", lambda image, metadata: seen.append((image.data, metadata))
    )
    return seen


def brain(n=1, size=64):
    images = np.full((n, size, size), 60, np.uint8)
    masks = np.zeros((n, size, size), np.uint8)
    masks[:, 20:40, 20:40] = 1
    return images, masks


def test_show_stores_the_alt_text_and_closes(displayed):
    import matplotlib.pyplot as plt

    fig, ax = plt.subplots()
    ax.plot([1, 2])
    plotting.show(fig, alt="A line that\n   rises from one to two.")
    ((data, metadata),) = displayed
    assert data.startswith(b"\x89PNG")
    assert metadata == {"image/png": {"alt": "A line that rises from one to two."}}
    assert plt.get_fignums() == []


@pytest.mark.parametrize("alt", ["", "  ", "figure", "A plot.", None, 3])
def test_show_refuses_an_empty_alt(displayed, alt):
    from matplotlib.figure import Figure

    with pytest.raises(ValueError, match="alt text must say"):
        plotting.show(Figure(), alt=alt)
    assert displayed == []


def test_a_noisy_figure_stays_small(displayed):
    noise = np.random.default_rng(0).integers(0, 255, (8, 256, 256), np.uint8)
    plotting.show(plotting.slices_grid(noise), alt="Eight slices of pure noise, nothing else.")
    assert len(displayed[0][0]) < 400_000


def test_colours_differ_for_colour_blind_readers():
    """Truth and prediction stay apart in lightness or hue under the common forms of blindness."""

    def seen(colour, matrix):
        return np.array(matrix) @ [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]

    # Viénot, Brettel and Mollon (1999), linear RGB, rounded
    for matrix in (
        [[0.11, 0.89, 0.0], [0.11, 0.89, 0.0], [0.0, 0.0, 1.0]],
        [[0.29, 0.71, 0.0], [0.29, 0.71, 0.0], [-0.02, 0.02, 1.0]],
    ):
        for a, b in itertools.combinations((plotting.TRUTH, plotting.PREDICTION), 2):
            assert np.abs(seen(a, matrix) - seen(b, matrix)).max() > 0.3


@given(
    st.sampled_from([np.uint8, np.int16, np.float32, bool]),
    st.sampled_from([(5, 7), (5, 7, 1), (5, 7, 2), (5, 7, 3), (5, 7, 4)]),
    st.integers(0, 99),
)
def test_as_rgb_always_gives_a_picture(dtype, shape, seed):
    image = (np.random.default_rng(seed).normal(0, 50, shape)).astype(dtype)
    before = image.copy()
    picture = plotting.as_rgb(image)
    assert picture.shape == (5, 7, 3) and picture.dtype == np.uint8
    picture[:] = 0
    assert np.array_equal(image, before), "the picture must be a copy"


def test_as_rgb_survives_nan_and_flat():
    assert plotting.as_rgb(np.full((2, 2), np.nan)).tolist() == np.zeros((2, 2, 3)).tolist()
    assert plotting.as_rgb(np.array([[0.0, np.inf, 1.0]]))[0, :, 0].tolist() == [0, 255, 255]
    with pytest.raises(ValueError, match="a slice is"):
        plotting.as_rgb(np.zeros(3))


def test_the_outline_is_the_masks_own_border():
    picture, mask = np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), bool)
    mask[2:6, 2:6] = True
    plotting.draw_outline(picture, mask, "#FF0000")
    drawn = picture[..., 0] == 255
    assert drawn.sum() == 12 and not drawn[3:5, 3:5].any() and not (drawn & ~mask).any()
    plotting.draw_outline(picture, np.ones((8, 8)), "#00FF00")
    assert (picture[0, :, 1] == 255).all()


def test_overlay_draws_truth_and_prediction():
    images, masks = brain()
    grid = plotting.slices_grid(images, masks, np.roll(masks, 12, 2), ["patient 1"])
    seen = pixels(grid)
    assert has_colour(seen, plotting.TRUTH) and has_colour(seen, plotting.PREDICTION)
    assert not has_colour(pixels(plotting.slices_grid(images)), plotting.TRUTH)
    assert grid.get_figwidth() <= 10


def test_masks_that_are_empty_or_full_or_at_the_border_are_drawn():
    images, masks = brain(3)
    masks[0], masks[1] = 0, 1
    masks[2] = 0
    masks[2, :5, :5] = 1
    plotting.slices_grid(images, masks, masks).canvas.draw()


@pytest.mark.parametrize(
    "call",
    [
        lambda i, m: plotting.slices_grid(i, m[:1]),
        lambda i, m: plotting.slices_grid(i, titles=["a"]),
        lambda i, m: plotting.slices_grid([]),
        lambda i, m: plotting.slices_grid(i, m[:, :32]),
        lambda i, m: plotting.curves({}),
        lambda i, m: plotting.curves({"loss": []}),
        lambda i, m: plotting.patient_dice({}),
    ],
)
def test_what_does_not_fit_is_refused(call):
    with pytest.raises(ValueError):
        call(*brain(2))


def test_curves_put_losses_left_and_the_rest_right():
    history = {"loss": [2, 1], "val_loss": [2.2, 1.5], "val_dice": [0.1, 0.6]}
    left, right = plotting.curves(history).axes
    assert [line.get_label() for line in left.lines] == ["loss", "validation loss"]
    assert [line.get_label() for line in right.lines] == ["validation dice"]
    assert left.lines[0].get_color() == left.lines[1].get_color()
    assert list(right.lines[0].get_xdata()) == [1, 2]
    assert len(plotting.curves({"loss": [1.0]}).axes) == 1


def test_patient_dice_sorts_and_averages():
    dice = pd.Series({"a": 0.9, "b": 0.5, "c": np.nan})
    ax = plotting.patient_dice(dice, reference=0.6, label="copying").axes[0]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["c", "b", "a"]
    assert "mean 0.70" in [text.get_text() for text in ax.get_legend().texts]
    assert "no value" in [text.get_text() for text in ax.texts]
    plotting.patient_dice({"a": np.nan}).canvas.draw()
