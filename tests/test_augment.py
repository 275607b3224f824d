"""Augmentation: image and mask move together, labels stay labels, a seed repeats everything."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from unet_course.training.augment import (
    VOLUMES,
    Augmentation,
    sample_linear,
    sample_nearest,
    smooth_field,
)

STILL = {"contrast": 0, "brightness": 0, "gamma": 0, "bias_field": 0, "noise": 0}


def pair(shape=(32, 32), seed=0):
    """An image whose brightness marks the mask: 1 inside, 0 outside."""
    rng = np.random.default_rng(seed)
    mask = ndimage.gaussian_filter(rng.normal(size=shape), 4) > 0
    return mask[None, ..., None].astype(np.float32), mask[None, ..., None].astype(np.uint8)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([(32, 32), (16, 16, 16)]))
def test_image_and_mask_move_through_the_same_field(seed, shape):
    image, mask = pair(shape)
    moved, labels = Augmentation(**STILL, flips=(0, 1), probability=1)(
        image, mask, np.random.default_rng(seed)
    )
    assert set(np.unique(labels)) <= {0, 1} and labels.dtype == mask.dtype
    # where all the pixels around a place agree, so must the image and the mask
    clear = (moved < 0.01) | (moved > 0.99)
    assert np.array_equal((moved > 0.5)[clear], labels.astype(bool)[clear])


def test_intensity_changes_leave_the_mask_alone_and_change_the_image():
    image, mask = pair()
    image = image + np.random.default_rng(3).random(image.shape, dtype=np.float32)
    only = Augmentation(flips=(), rotation=0, scale=0, shift=0, elastic=0, probability=1)
    changed, labels = only(image, mask, np.random.default_rng(0))
    assert np.array_equal(labels, mask) and not np.allclose(changed, image)
    assert changed.dtype == np.float32 and np.isfinite(changed).all()


@pytest.mark.parametrize("shape", [(4, 16, 16), (3, 8, 8, 8)])
def test_a_seed_repeats_a_batch_and_the_input_stays(shape):
    rng = np.random.default_rng(0)
    images = rng.random((*shape, 2), dtype=np.float32)
    masks = (images[..., :1] > 0.5).astype(np.uint8)
    before = images.copy(), masks.copy()
    first = Augmentation()(images, masks, np.random.default_rng(5))
    second = Augmentation()(images, masks, np.random.default_rng(5))
    other = Augmentation()(images, masks, np.random.default_rng(6))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0], other[0])
    np.testing.assert_array_equal(images, before[0])
    np.testing.assert_array_equal(masks, before[1])


def test_a_missing_sequence_is_filled_as_in_the_files():
    images = np.random.default_rng(0).random((40, 4, 4, 3), dtype=np.float32)
    lose = Augmentation(flips=(), probability=0, missing=1)
    changed, _ = lose(images, images > 0.5, np.random.default_rng(1))
    np.testing.assert_array_equal(changed[..., 1], images[..., 1])
    np.testing.assert_array_equal(changed[..., 2], images[..., 1])
    kept = (changed[..., 0] == images[..., 0]).all(axis=(1, 2))
    filled = (changed[..., 0] == images[..., 1]).all(axis=(1, 2))
    assert (kept ^ filled).all() and 4 <= kept.sum() <= 20


def test_doing_nothing_does_nothing():
    image, mask = pair()
    same, labels = Augmentation(flips=(), probability=0)(image, mask, np.random.default_rng(0))
    np.testing.assert_array_equal(same, image)
    np.testing.assert_array_equal(labels, mask)


@pytest.mark.parametrize("shape", [(9, 7), (5, 6, 4)])
def test_sampling_agrees_with_scipy(shape):
    rng = np.random.default_rng(2)
    values = rng.random((*shape, 2))
    where = rng.uniform(-2, 10, (len(shape), 6, 3))
    for sample, order in ((sample_linear, 1), (sample_nearest, 0)):
        expected = np.stack(
            [ndimage.map_coordinates(values[..., c], where, order=order, mode="nearest") for c in (0, 1)],
            axis=-1,
        )  # fmt: skip
        np.testing.assert_allclose(sample(values, where), expected, atol=1e-9)


def test_rotation_by_a_known_angle_goes_where_it_should():
    image = np.zeros((1, 21, 21, 1), np.float32)
    image[0, 10, 18] = 1
    turn = Augmentation(**STILL, flips=(), scale=0, shift=0, elastic=0, rotation=90, probability=1)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        angle = np.random.default_rng(seed)
        angle.random()  # spent on whether to move at all
        degrees = angle.uniform(-90, 90)
        moved, _ = turn(image, image.astype(np.uint8), rng)
        row, column = np.array(ndimage.center_of_mass(moved[0, ..., 0])) - 10
        got = np.rad2deg(np.arctan2(row, column))
        assert abs(abs(got) - abs(degrees)) < 4


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([(9, 11), (6, 8, 7)]), st.floats(0.01, 0.5))
def test_a_shear_tilts_lines_and_keeps_every_volume(seed, shape, slope):
    shear = Augmentation(rotation=0, scale=0, shift=0, elastic=0, shear=slope)
    where = shear.field(shape, np.random.default_rng(seed)).astype(float)
    # the field is affine: its differences along an axis are that column of one matrix
    matrix = np.empty((len(shape),) * 2)
    for axis in range(len(shape)):
        steps = np.diff(where, axis=1 + axis).reshape(len(shape), -1)
        matrix[:, axis] = steps.mean(axis=1)
        np.testing.assert_allclose(steps, steps.mean(axis=1, keepdims=True) + 0 * steps, atol=1e-5)
    assert np.linalg.det(matrix) == pytest.approx(1, abs=1e-4)
    assert 0 < np.abs(matrix - np.eye(len(shape))).max() <= slope * (1 + slope) ** 2 + 1e-5
    middle = where.reshape(len(shape), -1).mean(axis=1)
    np.testing.assert_allclose(middle, (np.array(shape) - 1) / 2, atol=1e-4)


def test_a_shear_goes_along_either_axis_and_moves_the_mask_too():
    shear = Augmentation(**STILL, flips=(), rotation=0, scale=0, shift=0, elastic=0, shear=0.5, probability=1)  # fmt: skip
    along = set()
    for seed in range(20):
        rows, columns = shear.field((9, 9), np.random.default_rng(seed))
        along.add((np.ptp(rows, axis=1).max() > 1e-3, np.ptp(columns, axis=0).max() > 1e-3))
    assert along == {(True, False), (False, True)}
    image, mask = pair()
    moved, labels = shear(image, mask, np.random.default_rng(0))
    clear = (moved < 0.01) | (moved > 0.99)
    assert not np.array_equal(labels, mask)
    assert np.array_equal((moved > 0.5)[clear], labels.astype(bool)[clear])


def test_without_shear_a_seed_gives_what_it_gave_before_there_was_any():
    where = Augmentation().field((32, 24), np.random.default_rng(7))[:, [0, 10, 31], [0, 12, 23]]
    before = [[3.0893, 10.4450, 30.5750], [-0.4048, 10.7322, 21.4445]]
    np.testing.assert_allclose(where, before, atol=1e-3)
    volume = VOLUMES.field((8, 10, 6), np.random.default_rng(7))[:, [0, 7], [0, 9], [0, 5]]
    before = [[-0.5865, 5.9118], [0.4767, 8.6555], [-0.5089, 6.0104]]
    np.testing.assert_allclose(volume, before, atol=1e-3)
    sheared = Augmentation(shear=0.1).field((32, 24), np.random.default_rng(7))
    assert not np.allclose(sheared[:, [0, 10, 31], [0, 12, 23]], where, atol=1e-2)


def test_a_smooth_field_is_smooth_and_as_strong_as_asked():
    field = smooth_field((64, 64), 4, 2.0, np.random.default_rng(0))
    assert field.shape == (64, 64)
    assert np.abs(np.diff(field, axis=0)).max() < 0.5
    many = np.stack([smooth_field((8, 8), 4, 2.0, np.random.default_rng(s)) for s in range(300)])
    assert many.std() / 2.0 == pytest.approx(0.48, abs=0.04)  # B-splines average the grid


@pytest.mark.parametrize(("call", "words"), [
    (lambda: Augmentation(rotation=-1), "rotation"),
    (lambda: Augmentation(noise=-1), "noise"),
    (lambda: Augmentation(shear=-1), "shear"),
    (lambda: Augmentation(probability=2), "probability"),
    (lambda: Augmentation()(np.zeros((1, 4, 4, 1)), np.zeros((1, 5, 4, 1)), None), "agree"),
    (lambda: Augmentation()(np.zeros((1, 4, 4, 1), int), np.zeros((1, 4, 4, 1)), None), "floating"),
])  # fmt: skip
def test_wrong_arguments_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


# --- z-scored volumes -----------------------------------------------------------------------------


def scan(seed=0, shape=(14, 12, 10)):
    """A z-scored image with background exactly 0 around it."""
    rng = np.random.default_rng(seed)
    image = np.zeros((1, *shape, 4), np.float32)
    values = rng.normal(size=(10, 8, 6, 4))
    image[0, 2:12, 2:10, 2:8] = (values - values.mean((0, 1, 2))) / values.std((0, 1, 2))
    return image, (image[..., :1] > 0.5).astype(np.uint8)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["gamma", "bias_field", "contrast", "brightness", "noise", "all"]))  # fmt: skip
def test_background_stays_exactly_0_through_every_change_of_z_scores(seed, name):
    image, mask = scan()
    amounts = {k: getattr(VOLUMES, k) if name in (k, "all") else 0 for k in STILL}
    change = replace(VOLUMES, **amounts, probability=1, rotation=0, scale=0, elastic=0, flips=())
    changed, labels = change(image, mask, np.random.default_rng(seed))
    inside = image.any(axis=-1)
    assert not changed[~inside].any() and np.array_equal(labels, mask)
    assert changed.dtype == np.float32 and np.isfinite(changed).all()
    assert not np.allclose(changed[inside], image[inside])


def test_changes_of_z_scores_do_not_depend_on_the_brightest_voxel():
    image, mask = scan()
    outlier = image.copy()
    outlier[0, 5, 5, 5] = 300
    for name in ("contrast", "brightness", "noise"):
        change = replace(VOLUMES, **{**STILL, name: getattr(VOLUMES, name)}, probability=1,
                         rotation=0, scale=0, elastic=0, flips=())  # fmt: skip
        plain, _ = change(image, mask, np.random.default_rng(0))
        beside, _ = change(outlier, mask, np.random.default_rng(0))
        beside[0, 5, 5, 5] = plain[0, 5, 5, 5]
        np.testing.assert_array_equal(plain, beside)


def test_gamma_keeps_the_mean_and_deviation_of_each_channel():
    image, mask = scan()
    change = replace(VOLUMES, **{**STILL, "gamma": 0.5}, probability=1, rotation=0, scale=0,
                     elastic=0, flips=())  # fmt: skip
    changed, _ = change(image, mask, np.random.default_rng(0))
    values = changed[image.any(axis=-1)]
    np.testing.assert_allclose(values.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(values.std(0), 1, atol=1e-4)
    for c in range(4):  # and the order of the voxels, dark to bright
        before, after = image[image.any(axis=-1)][:, c], values[:, c]
        assert (np.diff(after[np.argsort(before)]) >= -1e-5).all()


def test_sampling_a_large_volume_in_parts_agrees_with_scipy():
    rng = np.random.default_rng(1)
    values = rng.random((30, 20, 25, 2), dtype=np.float32)
    where = rng.uniform(-2, 32, (3, 40, 30, 35)).astype(np.float32)  # several parts, one not whole
    expected = [
        ndimage.map_coordinates(values[..., c], where, order=1, mode="nearest") for c in (0, 1)
    ]
    np.testing.assert_allclose(sample_linear(values, where), np.stack(expected, -1), atol=1e-5)
