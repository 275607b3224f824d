"""Varied synthetic cases: repeatable, labelled as BraTS, and as varied as they are asked to be."""

from dataclasses import replace

import numpy as np
import pytest

from unet_course.synthetic import contrasts, varied_case
from unet_course.synthetic.brain_volumes import Variety

T1CE, FLAIR = contrasts.MODALITIES.index("T1ce"), contrasts.MODALITIES.index("FLAIR")
PLAIN = Variety(kinds=(("diffuse", 1.0),), coil=(-1, -1), plexus=(0, 0), spots=0.0)


@pytest.fixture(scope="module")
def plain():
    return varied_case.varied_case(0, 1, PLAIN)


@pytest.fixture(scope="module")
def rich():
    """The same patient with a bright coil and plexus."""
    return varied_case.varied_case(0, 1, replace(PLAIN, coil=(0.6, 0.6), plexus=(1, 1)))


def test_a_case_has_four_modalities_and_labels_in_the_brain(plain):
    kind, images, labels = plain
    assert kind == "diffuse"
    assert images.shape == (82, 100, 75, 4) and images.dtype == np.float32
    assert labels.shape == images.shape[:3] and labels.dtype == np.uint8
    brain = (images != 0).any(axis=-1)
    assert 700 < brain.sum() * 0.008 < 2000  # ml
    assert not labels[~brain].any() and (images >= 0).all()


def test_a_diffuse_tumour_is_partly_core_and_hardly_enhances(plain):
    labels = plain[2]
    whole = np.count_nonzero(labels)
    assert whole * 0.008 > 2  # ml
    assert 0.1 < np.isin(labels, (1, 4)).sum() / whole < 0.85
    assert (labels == 4).sum() * 0.008 < 3


def test_the_same_number_gives_the_same_case_and_another_another(plain):
    again = varied_case.varied_case(0, 1, PLAIN)
    np.testing.assert_array_equal(again[1], plain[1])
    np.testing.assert_array_equal(again[2], plain[2])
    assert (varied_case.varied_case(0, 2, PLAIN)[2] != plain[2]).any()


def test_coil_and_plexus_change_images_but_no_label(plain, rich):
    np.testing.assert_array_equal(rich[2], plain[2])
    brain = (plain[1] > 0.05).all(axis=-1) & (rich[1] > 0.05).all(axis=-1)
    ratio = np.where(brain, rich[1][..., FLAIR] / np.maximum(plain[1][..., FLAIR], 0.05), np.nan)
    middle = np.array(brain.shape) // 2
    deep = np.nanmedian(ratio[tuple(slice(m - 8, m + 8) for m in middle)])
    outside = np.nanmedian(ratio[:, : np.argwhere(brain)[:, 1].min() + 4])
    assert outside > 1.2 * deep  # nearer to the coil
    gain = np.where(brain, rich[1][..., T1CE] - plain[1][..., T1CE], 0)
    deep_gain = gain[20:62, 40:75, 25:50]
    assert deep_gain.max() > 0.5 > np.median(deep_gain)  # plexus, in few places


def test_each_kind_of_tumour_enhances_as_it_should():
    found = {}
    for kind in ("rim", "faint"):
        labels = varied_case.varied_case(3, 1, replace(PLAIN, kinds=((kind, 1.0),)))[2]
        found[kind] = (labels == 4).sum() / np.count_nonzero(labels)
    assert found["rim"] > 0.01 > found["faint"]


def test_contrasts_of_faint_tumours_stay_within_what_was_measured():
    for seed in range(50):
        t1, t1ce, t2, flair = contrasts.draw(np.random.default_rng(seed), "faint")
        assert 1.1 <= t1ce["enhancing"] <= 1.5 and 0.8 <= t1["oedema"] <= 0.98
        assert t2["oedema"] >= 1.25 and flair["oedema"] >= 1.1 * flair["grey"]
