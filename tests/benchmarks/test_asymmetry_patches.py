"""Patches of cases with asymmetry channels: cut and recoloured."""

from dataclasses import replace

import asymmetry
import numpy as np
import pytest
from asymmetry_patches import AsymmetryPatches
from test_patch_batches import CASES

from unet_course.training import patch_batches
from unet_course.training.augment import Augmentation

# T2 holds the labels and FLAIR the place along x, which differ between left and right
LOPSIDED = [replace(case, images=case.images[..., [2, 3, 0, 1]]) for case in CASES]


def test_asymmetry_lies_beside_the_modalities_and_is_cut_with_them():
    options = dict(size=(8, 8, 8), steps=3, batch_size=3)
    plain = patch_batches.Patches(cases=LOPSIDED, **options).batch(0, 1)
    cases = [asymmetry.with_asymmetry(case) for case in LOPSIDED]
    images, masks = AsymmetryPatches(cases=cases, **options).batch(0, 1)
    assert images.shape == (3, 8, 8, 8, asymmetry.CHANNELS)
    np.testing.assert_array_equal(images[..., :4], plain[0])
    np.testing.assert_array_equal(masks, plain[1])
    assert images[..., 4:].any()


def test_intensities_change_in_the_modalities_alone():
    cases = [asymmetry.with_asymmetry(LOPSIDED[0])]
    options = dict(cases=cases, size=(8, 8, 8), batch_size=1, steps=3, foreground=1.0)
    scanner = Augmentation(
        flips=(), probability=1, rotation=0, scale=0, shift=0, elastic=0, zscored=True
    )
    plain, _ = AsymmetryPatches(**options).batch(0, 0)
    images, _ = AsymmetryPatches(**options, augment=scanner).batch(0, 0)
    assert not np.allclose(images[..., :4], plain[..., :4], atol=0.01)
    for c in (6, 7):  # one factor a channel; the others are the same in both halves
        there = np.abs(plain[..., c]) > 0.05
        factors = images[..., c][there] / plain[..., c][there]
        np.testing.assert_allclose(factors, factors[0], rtol=1e-4)
        assert abs(factors[0] - 1) <= scanner.contrast + 1e-4


def test_cases_without_asymmetry_are_refused():
    with pytest.raises(ValueError, match="with_asymmetry"):
        AsymmetryPatches(cases=CASES, size=(8, 8, 8))
