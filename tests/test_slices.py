"""2-D batches and predictions: repeatable, oversampled, neighbours of one's own, flips undone."""

from dataclasses import dataclass

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from unet_course.data import slices
from unet_course.prediction import predict_slices
from unet_course.training import slice_batches
from unet_course.training.augment import Augmentation


@dataclass
class Fake:
    """A patient in memory: the slice's number is its brightness, the middle slice has tumour."""

    id: str
    numbers: tuple[int, ...] = (1, 2, 3, 4)

    def read(self):
        images = np.zeros((4, 16, 16, 3), np.uint8)
        for i in range(4):
            images[i, 4:12, 4:12] = 50 * (i + 1)
        masks = np.zeros((4, 16, 16), np.uint8)
        masks[1, 4:8, 4:8] = 1
        return images, masks


@pytest.fixture(scope="module")
def loaded():
    return slices.load([Fake("a"), Fake("b")], side=16, progress=False)


def test_loading_keeps_order_ids_and_masks(loaded):
    assert len(loaded) == 8 and loaded.images.dtype == loaded.masks.dtype == np.uint8
    assert loaded.patients.tolist() == ["a"] * 4 + ["b"] * 4
    assert loaded.numbers.tolist() == [1, 2, 3, 4] * 2
    assert loaded.has_tumour.tolist() == [False, True, False, False] * 2
    assert loaded.masks[1].sum() == 16
    assert loaded.of(["b"]).patients.tolist() == ["b"] * 4


def test_shrinking_keeps_a_masks_area_to_the_half_pixel():
    small = slices.load([Fake("a")], side=8, progress=False)
    assert small.masks[1].sum() == 4 and small.images.shape == (4, 8, 8, 3)


def test_three_of_four_pixels_are_tumour_and_one_of_four_is_not():
    """What the images' filter, which is wider than a new pixel, gets wrong."""
    mask = np.zeros((1, 256, 256, 1), np.uint8)
    mask[0, 100:102, 100:102, 0] = [[1, 1], [1, 0]]
    assert slices.resize(mask, 128)[0, 50, 50, 0] < 0.5
    assert slices.resize_masks(mask, 128).sum() == slices.resize_masks(mask, 128)[0, 50, 50, 0] == 1
    half = np.zeros_like(mask)
    half[0, 100:102, 100, 0] = 1
    assert slices.resize_masks(half, 128).sum() == 1, "exactly half counts"
    half[0, 100, 100, 0] = 0
    assert not slices.resize_masks(half, 128).any()


@given(arrays(bool, (2, 12, 8, 1)), st.sampled_from([1, 2, 4, 8, 12, 24]))
def test_a_pixel_is_tumour_where_at_least_half_of_its_area_was(mask, side):
    fine = mask.repeat(2 * side, axis=1).repeat(3 * side, axis=2)  # a grid that both divide
    rows, columns = fine.shape[1] // side, fine.shape[2] // side
    share = fine.reshape(2, side, rows, side, columns).mean(axis=(2, 4))
    small = slices.resize_masks(mask, side)
    assert small.dtype == np.uint8 and small.shape == (2, side, side, 1)
    np.testing.assert_array_equal(small[..., 0], share >= 0.5)


@given(arrays(bool, (3, 20, 20, 1)), st.integers(1, 30))
def test_resizing_a_mask_keeps_full_and_empty_ones_and_knows_no_direction(mask, side):
    small = slices.resize_masks(mask, side)
    for axis in (1, 2):
        np.testing.assert_array_equal(slices.resize_masks(np.flip(mask, axis), side), np.flip(small, axis))  # fmt: skip
    assert slices.resize_masks(np.ones_like(mask), side).all()
    assert not slices.resize_masks(np.zeros_like(mask), side).any()


def test_loading_takes_the_area_for_masks_and_the_filter_for_images():
    class Corner(Fake):
        def read(self):
            images, masks = super().read()
            masks[:] = 0
            masks[2, 4:6, 4:6] = [[1, 1], [1, 0]]
            return images, masks

    small = slices.load([Corner("a")], side=8, progress=False)
    assert small.has_tumour.tolist() == [False, False, True, False] and small.masks.sum() == 1
    expected = slices.resize(slices.rescale(Corner("a").read()[0]), 8).round()
    np.testing.assert_array_equal(small.images, expected)


def test_rescaling_makes_patients_comparable_and_survives_a_constant_channel():
    rng = np.random.default_rng(0)
    images = rng.integers(10, 60, (3, 8, 8, 3)).astype(np.uint8)
    images[..., 2] = 7
    stretched = slices.rescale(images)
    assert stretched[..., 0].min() == 0 and stretched[..., 0].max() == 255
    assert not stretched[..., 2].any()
    brighter = slices.rescale((images * 3).astype(np.uint8))
    assert np.abs(brighter.astype(int) - stretched).max() <= 1


@pytest.mark.parametrize("neighbours", [1, 2])
def test_neighbours_come_from_the_same_patient(loaded, neighbours):
    inputs = loaded.inputs(np.arange(8), neighbours)
    assert inputs.shape == (8, 16, 16, 3 * (2 * neighbours + 1))
    for i in range(8):
        first, last = i // 4 * 4, i // 4 * 4 + 3
        for k in range(-neighbours, neighbours + 1):
            channel = 3 * (k + neighbours)
            expected = loaded.images[np.clip(i + k, first, last), ..., 0] / 255
            np.testing.assert_allclose(inputs[i, ..., channel], expected, atol=1e-6)


def test_an_epoch_repeats_and_the_next_differs(loaded):
    batches = slice_batches.Batches(
        slices=loaded, batch_size=4, steps=3, augment=Augmentation(), seed=1
    )
    first, again, other = (
        [tuple(map(np.asarray, batch)) for batch in batches.epoch(n)] for n in (0, 0, 1)
    )
    assert len(first) == 3 and first[0][0].shape == (4, 16, 16, 3)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a[0], b[0])
        np.testing.assert_array_equal(a[1], b[1])
    assert any(not np.array_equal(a[0], b[0]) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("share", [0.0, 0.25, 0.6, 1.0])
def test_tumour_slices_are_drawn_at_the_share_that_was_asked_for(loaded, share):
    batches = slice_batches.Batches(slices=loaded, batch_size=4, steps=100, tumour_fraction=share)
    drawn = np.concatenate([batches.batch(0, s)[1] for s in range(100)])
    assert drawn.any(axis=(1, 2, 3)).mean() == pytest.approx(share, abs=0.06)


def test_another_lesson_seed_draws_other_batches(loaded, monkeypatch):
    batches = slice_batches.Batches(slices=loaded, batch_size=4)
    once, again = batches.batch(0, 0)[0], batches.batch(0, 0)[0]
    monkeypatch.setenv("UNET_COURSE_SEED", "1000")
    assert np.array_equal(once, again) and not np.array_equal(once, batches.batch(0, 0)[0])


def test_batches_that_cannot_be_drawn_say_why(loaded):
    with pytest.raises(ValueError, match="no slices"):
        slice_batches.Batches(slices=loaded.of([]))
    with pytest.raises(ValueError, match="tumour_fraction"):
        slice_batches.Batches(slices=loaded, tumour_fraction=2)
    healthy = slices.Slices(loaded.images, loaded.masks * 0, loaded.patients, loaded.numbers)
    with pytest.raises(ValueError, match="no slice holds tumour"):
        slice_batches.Batches(slices=healthy)
    with pytest.raises(ValueError, match="no patients"):
        slices.load([])


class Bright(keras.Model):
    """Calls every pixel's first channel its probability, plus a lean to the right."""

    def __init__(self, lean=0.0):
        super().__init__()
        self.lean = lean

    def call(self, images):
        ramp = keras.ops.cast(keras.ops.arange(images.shape[2]), "float32") * self.lean
        return images[..., :1] + ramp[None, None, :, None]


def test_prediction_fills_every_slice_and_test_time_flips_are_undone(loaded):
    plain = predict_slices.predict(Bright(), loaded, batch_size=3)
    np.testing.assert_allclose(plain[..., 0], loaded.images[..., 0] / 255, atol=1e-6)
    flipped = predict_slices.predict(Bright(), loaded, flips=[(), (1,), (0,), (0, 1)])
    np.testing.assert_allclose(flipped, plain, atol=1e-6)
    # a lean to one side is evened out by the mirror image
    leaning = predict_slices.predict(Bright(0.01), loaded, flips=[(), (1,)])
    np.testing.assert_allclose(leaning, plain + 0.075, atol=1e-5)


def test_a_perfect_network_has_a_dice_of_one(loaded):
    class Perfect(keras.Model):
        def call(self, images):
            tumour = np.zeros((16, 16, 1), np.float32)
            tumour[4:8, 4:8] = 1
            brightness = images[:, 5:6, 5:6, :1] * 255
            second = keras.ops.abs(brightness - float(loaded.images[1, 5, 5, 0])) < 1
            return keras.ops.cast(second, "float32") * tumour

    assert predict_slices.patient_dice(Perfect(), loaded) == {"a": 1.0, "b": 1.0}


@given(arrays(bool, (4, 5, 3)))
def test_the_largest_component_is_one_piece_of_the_mask(mask):
    kept = predict_slices.largest_component(mask)
    _, pieces = ndimage.label(kept, np.ones((3, 3, 3)))
    assert pieces == (1 if mask.any() else 0)
    assert not (kept & ~mask).any()
    labels, count = ndimage.label(mask, np.ones((3, 3, 3)))
    assert kept.sum() == max([np.sum(labels == i) for i in range(1, count + 1)], default=0)


def test_components_are_kept_per_patient():
    masks = np.zeros((2, 3, 3, 1), bool)
    masks[0, 0, 0] = masks[1, 2, 2] = True
    patients = np.array(["a", "b"])
    np.testing.assert_array_equal(predict_slices.keep_largest(patients, masks), masks)
    assert predict_slices.keep_largest(np.array(["a", "a"]), masks).sum() == 1


def test_full_size_goes_back_to_the_files_size():
    big = predict_slices.full_size(np.ones((2, 8, 8, 1), np.float32))
    assert big.shape == (2, 256, 256, 1) and np.allclose(big, 1)
