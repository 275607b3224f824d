"""The other half as a second look: nothing where the halves agree, what is there where they don't."""

import asymmetry
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


def a_head(seed=0, shape=(21, 14, 12), plane=10.0, channels=2):
    """A brain whose halves are each other's mirror images across `plane`."""
    rng = np.random.default_rng(seed)
    x, y, z = np.indices(shape)
    middle = (plane, (shape[1] - 1) / 2, (shape[2] - 1) / 2)
    brain = ((x - middle[0]) / 8) ** 2 + ((y - middle[1]) / 6) ** 2 + ((z - middle[2]) / 5) ** 2 < 1
    away = (2 * np.abs(np.arange(shape[0]) - plane)).astype(int)  # how far from the plane
    values = rng.normal(3, 0.5, (2 * shape[0], *shape[1:], channels))[away]
    return np.where(brain[..., None], values, 0).astype(np.float32)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(17, 23))
def test_halves_that_agree_differ_nowhere(seed, twice):
    head = a_head(seed, plane=twice / 2)
    assert asymmetry.midline((head != 0).any(-1)) == twice / 2
    np.testing.assert_allclose(asymmetry.asymmetry(head), 0, atol=1e-5)


def test_what_one_half_has_shows_in_both_with_opposite_signs():
    head = a_head()
    head[13:16, 6:9, 5:8, 0] += 2
    found = asymmetry.asymmetry(head)
    assert found[14, 7, 6, 0] > 0.3
    np.testing.assert_allclose(found, -found[::-1], atol=1e-5)  # its plane is the array's middle
    np.testing.assert_allclose(found[..., 1], 0, atol=1e-5)  # channels don't mix
    assert not found[head[..., 0] == 0].any()


def test_a_coil_that_brightens_both_sides_does_not_show():
    head = a_head()
    head *= np.linspace(1, 2, head.shape[1], dtype=np.float32)[:, None, None]
    np.testing.assert_allclose(asymmetry.asymmetry(head), 0, atol=1e-4)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_a_flipped_head_has_the_flipped_asymmetry(seed):
    rng = np.random.default_rng(seed)
    head = a_head(seed, plane=9.5) * rng.uniform(0.5, 1.5, (21, 14, 12, 1)).astype(np.float32)
    there = asymmetry.asymmetry(head)
    np.testing.assert_allclose(asymmetry.asymmetry(head[::-1]), there[::-1], atol=1e-5)


def test_where_the_mirror_image_lies_outside_nothing_is_said():
    head = a_head()
    head[:4] = 0  # a part of one half wasn't scanned
    found = asymmetry.asymmetry(head)
    assert not found[17:].any()


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="x, y, z, channels"):
        asymmetry.asymmetry(np.ones((4, 4, 4)))
