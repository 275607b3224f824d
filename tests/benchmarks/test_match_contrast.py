"""Sample cases in real cases' contrast: the tumour's parts move there, and nothing else does."""

import asymmetry
import match_contrast
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from unet_course.data import prepared_cases


class Named:
    def __init__(self, id):
        self.id = id


def a_case(parts=(1, 2, 4), bright=0.0, mask=True):
    """Blocks of 7 × 7 × 7 voxels in a brain in air, each part `bright` times its number."""
    labels = np.zeros((11, 11, 25), np.uint8)
    for i, part in enumerate(parts):
        labels[2:9, 2:9, 2 + 7 * i : 9 + 7 * i] = part
    images = np.full((*labels.shape, 4), 0.25, np.float16)
    images += (bright * labels[..., None] * np.array([1, -1, 0.5, 2])).astype(np.float16)
    images[0] = images[-1] = 0
    return prepared_cases.PreparedCase(
        source=Named("a"), images=images, labels=labels if mask else None,
        centres=np.zeros((0, 4), np.int16), box=tuple(slice(0, n) for n in labels.shape),
        full_shape=labels.shape, full_affine=np.eye(4),
    )  # fmt: skip


def inside(case, part):
    return ndimage.binary_erosion(case.labels == part, iterations=3)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(-1, 1), st.floats(-1, 1))
def test_parts_go_half_of_the_way_or_more_and_the_rest_stays(seed, before, after):
    case, like = a_case(bright=before), a_case(bright=after)
    (new,) = match_contrast.match_contrast([case], [like], seed)
    aims = match_contrast.brightness(like)
    for part, own in match_contrast.brightness(case).items():
        got = new.images[inside(case, part)].astype(np.float32)
        moved, aim = got - own, aims[part] - own
        assert (np.abs(moved - 0.75 * aim) <= 0.25 * np.abs(aim) + 0.2 * 5 + 0.02).all()
        np.testing.assert_allclose(got, np.broadcast_to(got[0], got.shape), atol=0.02)
    np.testing.assert_array_equal(new.images[[0, -1]], 0)  # air
    far = ndimage.distance_transform_edt(case.labels == 0) > 4
    np.testing.assert_array_equal(new.images[far], case.images[far])
    assert new.images.dtype == np.float16 and new.labels is case.labels


def test_brightness_is_each_parts_mean():
    found = match_contrast.brightness(a_case((1, 4), bright=0.5))
    assert list(found) == [1, 4]
    np.testing.assert_allclose(found[4], np.array([2.25, -1.75, 1.25, 4.25]), atol=1e-3)
    assert match_contrast.brightness(a_case(())) == {}


def test_what_enhances_is_painted_like_what_enhances():
    enhancing, other = a_case(bright=1.0), a_case((1, 2), bright=-1.0)
    for seed in range(5):
        strong, faint = match_contrast.match_contrast(
            [a_case(), a_case((1, 2))], [enhancing, other], seed
        )
        assert strong.images[inside(strong, 2)][:, 3].mean() > 1  # oedema of the bright one
        assert faint.images[inside(faint, 2)][:, 3].mean() < -1
    (only,) = match_contrast.match_contrast([a_case((1, 2))], [enhancing])
    assert only.images[inside(only, 2)][:, 3].mean() > 1


def test_a_seed_gives_the_same_images_again():
    cases, like = [a_case(), a_case((1, 2))], [a_case(bright=0.7)]
    first, again, another = (match_contrast.match_contrast(cases, like, seed) for seed in (3, 3, 4))
    for one, same, changed in zip(first, again, another, strict=True):
        np.testing.assert_array_equal(one.images, same.images)
        assert (one.images != changed.images).any()


def test_clumps_in_deep_fluid_enhance_and_nothing_else():
    images = np.full((36, 36, 36, 4), 0.25, np.float32)
    images[:3] = 0
    labels = np.zeros(images.shape[:3], np.uint8)
    labels[14:18, 14:24, 14:24] = 2
    fluid = np.zeros(labels.shape, bool)
    fluid[14:24, 14:24, 14:24] = True  # half of it lies in what is called tumour
    fluid[4:6, 4:30, 4:30] = True  # and this near the surface
    images[fluid] = (-2, -2, 3, -2)
    added = match_contrast.plexus(images, labels, np.random.default_rng(0))
    there = added[..., 1] > 1
    deep = fluid & (labels == 0)
    deep[:10] = False
    assert 0.05 < there[deep].mean() < 0.6  # clumps
    assert not there[~ndimage.binary_dilation(deep)].any()
    assert (added[..., 3] >= 0).all() and (added[..., 2] <= 0).all()
    assert not added[images == 0].any()


@pytest.mark.parametrize(("cases", "like", "words"), [
    ([a_case()], [], "no case with a tumour"),
    ([a_case()], [a_case(())], "no case with a tumour"),
    ([a_case(mask=False)], [a_case()], "a has no mask"),
    ([a_case()], [a_case(mask=False)], "a has no mask"),
    ([asymmetry.with_asymmetry(a_case())], [a_case()], "8 channels"),
])  # fmt: skip
def test_what_cannot_be_painted_is_named(cases, like, words):
    with pytest.raises(ValueError, match=words):
        match_contrast.match_contrast(cases, like)
