"""Where next to nothing enhances, the core isn't small."""

import numpy as np
import pytest
from core_rule import enlarge_core
from hypothesis import given, settings
from hypothesis import strategies as st


def a_case(seed, enhancing=0):
    rng = np.random.default_rng(seed)
    labels = rng.choice(np.array([0, 1, 2], np.uint8), p=[0.5, 0.1, 0.4], size=(6, 5, 4))
    labels.flat[:enhancing] = 4
    return labels, rng.random(labels.shape)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 1))
def test_the_core_has_its_share_and_the_whole_tumour_stays(seed, share):
    labels, core = a_case(seed)
    changed = enlarge_core(labels, core, share)
    assert changed.dtype == labels.dtype
    np.testing.assert_array_equal(changed != 0, labels != 0)
    whole, before, after = (labels != 0).sum(), (labels == 1).sum(), (changed == 1).sum()
    assert after == max(before, np.ceil(share * whole - 1e-9))
    turned = (changed == 1) & (labels == 2)
    assert (changed[labels == 1] == 1).all()
    if turned.any() and (changed == 2).any():  # what turned is likelier than what didn't
        assert core[turned].min() >= core[changed == 2].max()


def test_a_tumour_that_enhances_stays_as_it_is():
    labels, core = a_case(1, enhancing=10)
    spacing = (2.0, 1.0, 1.0)  # 20 mm³
    same = enlarge_core(labels, core, 1.0, enhancing=20, spacing=spacing)
    np.testing.assert_array_equal(same, labels)
    changed = enlarge_core(labels, core, 1.0, enhancing=20.1, spacing=spacing)
    assert not (changed == 2).any() and (changed == 4).sum() == 10


def test_no_tumour_stays_none():
    assert not enlarge_core(np.zeros((3, 3, 3), np.uint8), np.ones((3, 3, 3))).any()


@pytest.mark.parametrize(("options", "words"), [
    ({"core": np.ones((3, 3))}, "x, y, z"),
    ({"share": 1.1}, "share"),
    ({"enhancing": -1}, "enhancing"),
    ({"spacing": (1, 1)}, "spacing"),
])  # fmt: skip
def test_bad_arguments_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        enlarge_core(**{"labels": np.zeros((3, 3, 3)), "core": np.ones((3, 3, 3)), **options})
