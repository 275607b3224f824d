"""Anatomy, tumours and signal: what a synthetic patient is made of."""

import numpy as np
import pytest

from unet_course.synthetic import anatomy, deformation, mr_physics, render, tumour_growth


@pytest.fixture(scope="module")
def head():
    return anatomy.average_head()


@pytest.fixture(scope="module", params=["low", "high"])
def tumour(request, head):
    rng = np.random.default_rng(3)
    seed = tumour_growth.draw_seed(rng, head, 0, 1)
    return tumour_growth.grow(rng, head, seed, 30.0, grade=request.param)


def test_brain_lies_inside_skull_inside_skin(head):
    assert head.grey.min() >= 0 and (head.grey + head.white).max() <= 1.001
    axes = np.array([[20.0, 20, 20], [0, 0, 0], [0, 78, 120]], np.float32)
    distance = anatomy.sample(head.distance, axes, anatomy.HEAD_ORIGIN, anatomy.HEAD_SPACING, 60)
    assert distance[0] < 0 < distance[1] < distance[2]


def test_ventricles_are_fluid_and_corpus_callosum_is_white(head):
    points = np.array([[20.0, 28], [-20, 10], [12, 18]], np.float32)  # lateral ventricle, white
    white = anatomy.sample(head.white, points, head.origin)
    grey = anatomy.sample(head.grey, points, head.origin)
    assert white[0] + grey[0] < 0.5 < white[1]


@pytest.mark.parametrize("seed", range(4))
def test_warp_does_not_fold(head, seed):
    rng = np.random.default_rng(seed)
    bend = deformation.random_warp(rng, head)
    z, y, x = (np.arange(a, b, 2.0) for a, b in ((-60, 90), (-110, 90), (-80, 80)))
    where = bend(z, y, x)
    tumour = tumour_growth.Tumour(
        np.zeros(3), None, None, np.array([30.0, 20, 30]), (0.28 * 30, 30.0)
    )
    tumour_growth.push_away(where, tumour)
    slopes = np.stack([np.stack(np.gradient(part, 2.0)) for part in where])
    jacobian = np.linalg.det(slopes.transpose(2, 3, 4, 0, 1))
    assert jacobian.min() > 0


def test_warp_refuses_a_strength_that_could_fold(head):
    with pytest.raises(ValueError, match=r"between 0 and 1.1, got 2"):
        deformation.random_warp(np.random.default_rng(0), head, strength=2)


def test_without_strength_and_tilt_the_warp_only_scales(head):
    bend = deformation.random_warp(np.random.default_rng(0), head, strength=0, tilt=0)
    z, y, x = (np.array([-20.0, 0, 20]) for _ in range(3))
    where = bend(z, y, x)
    steps = np.diff(where[2], axis=2)
    assert np.allclose(steps, steps.flat[0], rtol=1e-3)


def test_parts_are_nested(tumour):
    _, solid, enhancing, cyst = tumour.parts
    whole = tumour.parts.sum(0)
    assert tumour.parts.min() >= 0 and whole.max() <= 1 + 1e-5
    found = tumour_growth.labels(tumour.parts)
    assert set(np.unique(found)) <= {0, 1, 2, 4}
    assert np.array_equal(found > 0, whole >= 0.5)
    assert ((solid + enhancing + cyst) <= whole + 1e-5).all()


def test_high_grade_has_core_within_rim_within_oedema(head):
    rng = np.random.default_rng(1)
    tumour = tumour_growth.grow(
        rng, head, tumour_growth.draw_seed(rng, head, 0, 1), 60.0, grade="high"
    )
    found = tumour_growth.labels(tumour.parts)
    z, y, x = np.indices(found.shape)
    middle = np.array([v[found > 0].mean() for v in (z, y, x)])
    far = np.sqrt((z - middle[0]) ** 2 + (y - middle[1]) ** 2 + (x - middle[2]) ** 2)
    core, rim, oedema = (far[found == label].mean() for label in (1, 4, 2))
    assert core < rim < oedema


def test_tumour_has_about_the_wanted_volume_and_grows_in_tissue(head):
    for volume in (10.0, 80.0):
        rng = np.random.default_rng(5)
        tumour = tumour_growth.grow(rng, head, tumour_growth.draw_seed(rng, head, 0, 1), volume)
        found = (tumour.parts.sum(0) >= 0.5).sum() * tumour_growth.SPACING**3 / 1000
        assert 0.4 * volume < found < 1.7 * volume


@pytest.mark.parametrize(("volume", "grade"), [(0, "low"), (-3, "low"), (10, "medium")])
def test_grow_names_a_bad_argument(head, volume, grade):
    with pytest.raises(ValueError, match=r"volume must be|grade must be"):
        tumour_growth.grow(np.random.default_rng(0), head, np.zeros(3), volume, grade=grade)


def test_signal_has_the_contrast_of_each_sequence():
    t1, flair = mr_physics.signal(mr_physics.T1), mr_physics.signal(mr_physics.FLAIR)
    t1ce, t2 = mr_physics.signal(mr_physics.T1CE), mr_physics.signal(mr_physics.T2)
    assert t1["fat"] > t1["white"] > t1["grey"] > t1["solid"] > t1["csf"]
    assert flair["solid"] > flair["grey"] > flair["white"] > flair["csf"]
    assert t1ce["enhancing"] > t1ce["white"] and t1["enhancing"] < t1["white"]
    assert t2["csf"] > t2["solid"] > t2["grey"] > t2["white"]


def test_noise_is_rician():
    rng = np.random.default_rng(0)
    dark = mr_physics.add_noise(rng, np.zeros((3, 256, 256), np.float32), 2.0)
    bright = mr_physics.add_noise(rng, np.full((3, 256, 256), 100, np.float32), 2.0)
    assert dark.mean() == pytest.approx(2.0 * np.sqrt(np.pi / 2), rel=0.03)  # Rayleigh
    assert bright.std() == pytest.approx(2.0, rel=0.03)


def test_bias_field_keeps_its_strength():
    field = mr_physics.bias_field(np.random.default_rng(0), (10, 32, 32), 0.3)
    assert np.abs(np.log(field)).max() == pytest.approx(0.3, rel=1e-4)


def test_paint_marks_the_tumour_where_it_lies(head):
    rng = np.random.default_rng(2)
    place = tumour_growth.draw_seed(rng, head, 0, 1)
    tumour = tumour_growth.grow(rng, head, place, 40.0)
    axes = [np.arange(c - 30, c + 30, 3.0) for c in place]
    where = np.stack(np.meshgrid(*axes, indexing="ij")).astype(np.float32)
    flair = [mr_physics.signal(mr_physics.FLAIR)]
    sick, parts = render.paint(where, head, tumour, flair)
    well, none = render.paint(where, head, None, flair)
    inside = parts.sum(0) > 0.9
    assert none.max() == 0 and inside.any()
    assert np.median(sick[0][inside]) > 1.15 * np.median(well[0][inside])
    assert np.array_equal(sick[0][parts.sum(0) == 0], well[0][parts.sum(0) == 0])
