"""From probabilities to labels and to a file: small cases by hand, properties, each layout."""

import os

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from unet_course.data import brats
from unet_course.data.layouts import BRATS, DataError
from unet_course.judging.metrics import dice
from unet_course.prediction import postprocess

labels_3d = arrays(np.uint8, (3, 4, 5), elements=st.sampled_from([0, 1, 2, 4]))
masks_of_regions = arrays(np.uint8, (3, 4, 2, 3), elements=st.integers(0, 1))
probabilities_3d = arrays(np.float16, (3, 4, 2, 3), elements=st.sampled_from([0, 0.3, 0.5, 0.9]))


def row(*labels):
    """A case of one row of voxels."""
    return np.array(labels, np.uint8).reshape(1, 1, -1)


# --- nestedness -----------------------------------------------------------------------------------


def is_nested(regions):
    whole, core, enhancing = np.moveaxis(regions, -1, 0)
    return bool((enhancing <= core).all() and (core <= whole).all())


def nest(regions):
    return brats.regions(brats.labels_of(regions))


@given(masks_of_regions)
def test_nested_regions_lie_in_each_other_and_stay_as_they_are(regions):
    found = nest(regions)
    assert is_nested(found) and (found >= regions).all()
    np.testing.assert_array_equal(found[..., 2], regions[..., 2])  # ET decides, so it stays
    np.testing.assert_array_equal(nest(found), found)
    if is_nested(regions):
        np.testing.assert_array_equal(found, regions)


@settings(deadline=None)
@given(probabilities_3d, st.booleans(), st.sampled_from([0, 1, 3, 100]))
def test_labels_are_nested_whatever_the_clean_up(probabilities, largest, minimum):
    labels = postprocess.labels_from(probabilities, largest=largest, minimum=minimum)
    regions = brats.regions(labels)
    assert labels.dtype == np.uint8 and set(np.unique(labels)) <= {0, 1, 2, 4}
    assert is_nested(regions)
    np.testing.assert_array_equal(brats.labels_of(regions), labels)
    above = nest(probabilities >= 0.5)
    assert (regions <= above).all()  # a clean-up only takes away
    if not largest:
        np.testing.assert_array_equal(regions[..., :2], above[..., :2])
    enhancing = (labels == 4).sum()
    assert enhancing == 0 or enhancing >= minimum


def test_each_region_may_have_its_threshold():
    probabilities = np.full((1, 1, 1, 3), 0.4, np.float16)
    assert postprocess.labels_from(probabilities) == 0
    assert postprocess.labels_from(probabilities, (0.3, 0.5, 0.5)) == 2
    assert postprocess.labels_from(probabilities, (0.5, 0.3, 0.5)) == 1
    assert postprocess.labels_from(probabilities, 0.3) == 4


@pytest.mark.parametrize("shape", [(4, 4, 4), (4, 4, 4, 4), (4, 4, 3)])
def test_probabilities_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"must be \(x, y, z, 3\) for WT, TC, ET"):
        postprocess.labels_from(np.zeros(shape))


# --- the largest tumour ---------------------------------------------------------------------------


def test_the_whole_tumour_decides_which_piece_stays():
    found = postprocess.largest_tumour(row(4, 4, 0, 2, 2, 1, 0, 4))
    np.testing.assert_array_equal(found, row(0, 0, 0, 2, 2, 1, 0, 0))


def test_pieces_that_touch_at_a_corner_are_one_unless_told_otherwise():
    labels = np.zeros((2, 2, 3), np.uint8)
    labels[0, 0, 0] = labels[1, 1, 1] = 2
    np.testing.assert_array_equal(postprocess.largest_tumour(labels), labels)
    assert (postprocess.largest_tumour(labels, connectivity=1) != 0).sum() == 1


@given(labels_3d)
def test_the_largest_tumour_is_part_of_what_was_there(labels):
    found = postprocess.largest_tumour(labels)
    assert found.dtype == labels.dtype and ((found == labels) | (found == 0)).all()
    assert found.any() == labels.any()
    np.testing.assert_array_equal(postprocess.largest_tumour(found), found)


def test_pieces_nearly_as_large_stay_where_asked_for():
    labels = row(2, 2, 4, 2, 0, 1, 2, 0, 2)  # 4, 2 and 1 voxels
    for share, kept in ((1, 4), (0.51, 4), (0.5, 7), (0.25, 9)):
        found = postprocess.largest_tumour(labels, share=share)
        np.testing.assert_array_equal(found[..., :kept], labels[..., :kept])
        assert not found[..., kept:].any()
    probabilities = brats.regions(labels).astype(np.float32)
    halves = postprocess.labels_from(probabilities, share=0.5)
    np.testing.assert_array_equal(halves, row(2, 2, 4, 2, 0, 1, 2, 0, 0))
    for share in (0, -0.1, 1.1):
        with pytest.raises(ValueError, match="share must be above 0 and at most 1"):
            postprocess.largest_component(labels, share=share)


def test_the_heaviest_piece_wins_where_weights_are_given():
    whole = np.array([0.6, 0.6, 0.6, 0.6, 0, 0.9, 0.9])  # above 0.5 by 0.4 in all, and by 0.8
    probabilities = np.zeros((1, 1, 7, 3), np.float16)
    probabilities[0, 0, :, 0] = whole
    largest = postprocess.labels_from(probabilities)
    np.testing.assert_array_equal(largest, row(2, 2, 2, 2, 0, 0, 0))
    margin = np.maximum(probabilities[..., 0] - 0.5, 0)
    heaviest = postprocess.labels_from(probabilities, weights=margin)
    np.testing.assert_array_equal(heaviest, row(0, 0, 0, 0, 0, 2, 2))
    both = postprocess.labels_from(probabilities, weights=margin, share=0.4)
    np.testing.assert_array_equal(both, row(2, 2, 2, 2, 0, 2, 2))


@given(labels_3d, st.floats(0, 3))
def test_equal_weights_change_nothing(labels, weight):
    weights = np.full(labels.shape, weight)
    if weight:
        found = postprocess.largest_component(labels, weights=weights)
        np.testing.assert_array_equal(found, postprocess.largest_component(labels))
    else:  # a piece stays even where nothing weighs anything
        assert postprocess.largest_component(labels, weights=weights).any() == labels.any()


@pytest.mark.parametrize("weights", [np.ones((2, 2)), np.full(3, -1.0), np.full(3, np.nan)])
def test_weights_that_weigh_nothing_sensible_are_refused(weights):
    with pytest.raises(ValueError, match="weights must be"):
        postprocess.largest_component(np.ones(3), weights=weights)


def test_small_pieces_go_before_their_enhancing_volume_counts():
    labels = row(2, 2, 4, 0, 4, 4)
    probabilities = brats.regions(labels).astype(np.float32)
    kept = postprocess.labels_from(probabilities, largest=False, minimum=3)
    np.testing.assert_array_equal(kept, labels)  # 3 voxels in all
    cleaned = postprocess.labels_from(probabilities, minimum=3)
    np.testing.assert_array_equal(cleaned, row(2, 2, 1, 0, 0, 0))  # 1 voxel in what is left


# --- the small-ET rule ----------------------------------------------------------------------------


def test_small_enhancing_tumour_becomes_core():
    labels = row(0, 2, 1, 4, 4, 4)
    for minimum in (0, 1, 3):  # 3 mm³ isn't below 3 mm³
        np.testing.assert_array_equal(postprocess.drop_small(labels, minimum), labels)
    np.testing.assert_array_equal(postprocess.drop_small(labels, 3.5), row(0, 2, 1, 1, 1, 1))
    half = (1, 1, 0.5)
    np.testing.assert_array_equal(postprocess.drop_small(labels, 2, half), row(0, 2, 1, 1, 1, 1))
    np.testing.assert_array_equal(labels, row(0, 2, 1, 4, 4, 4))  # the argument stays


def test_scattered_pieces_count_together():
    labels = row(4, 0, 4, 0, 4)
    np.testing.assert_array_equal(postprocess.drop_small(labels, 3), labels)


def test_without_enhancing_tumour_nothing_changes():
    for labels in (row(0, 0), row(2, 1)):
        np.testing.assert_array_equal(postprocess.drop_small(labels, 100), labels)


@given(labels_3d, st.integers(0, 70))
def test_labels_and_regions_are_treated_alike(labels, minimum):
    found = postprocess.drop_small(labels, minimum)
    regions = brats.regions(labels)
    alike = postprocess.drop_small(regions, minimum)
    np.testing.assert_array_equal(brats.regions(found), alike)
    np.testing.assert_array_equal(alike[..., :2], regions[..., :2])


def test_the_minimum_is_chosen_by_mean_dice():
    """Two false alarms of 2 and 5 voxels; a true region of 10, found in full."""
    none, true = row(*[1] * 12), row(*[4] * 10, 1, 1)
    truths = [none, none, true]
    predictions = [row(4, 4, *[1] * 10), row(*[4] * 5, *[1] * 7), true]
    choice = postprocess.choose_minimum(truths, predictions, candidates=(11, 0, 3, 6, 8))
    assert choice.dice == pytest.approx({0: 1 / 3, 3: 2 / 3, 6: 1, 8: 1, 11: 2 / 3})
    assert list(choice.dice) == [0, 3, 6, 8, 11]
    assert choice.minimum == 6  # 6 and 8 are as good: the smaller


def test_a_true_small_region_speaks_against_the_rule():
    truth = row(4, 4, 1, 1)
    choice = postprocess.choose_minimum([truth], [truth], candidates=(0, 3))
    assert choice == (0, {0: 1, 3: 0})


def test_empty_truth_and_empty_prediction_count_1_whatever_the_minimum():
    choice = postprocess.choose_minimum([row(0, 1)], [row(1, 1)], candidates=(0, 5))
    assert choice == (0, {0: 1, 5: 1})


@given(st.lists(st.tuples(labels_3d, labels_3d), min_size=1, max_size=4))
def test_the_choice_agrees_with_applying_the_rule(cases):
    truths, predictions = zip(*cases, strict=True)
    candidates = (0, 5, 15, 61)
    choice = postprocess.choose_minimum(iter(truths), iter(predictions), candidates)
    for minimum in candidates:
        scores = [
            dice(truth == 4, postprocess.drop_small(found, minimum) == 4) for truth, found in cases
        ]
        assert choice.dice[minimum] == pytest.approx(np.mean(scores))
    assert choice.dice[choice.minimum] == pytest.approx(max(choice.dice.values()))
    regions = [brats.regions(found) for found in predictions]
    assert postprocess.choose_minimum(truths, regions, candidates) == choice


@pytest.mark.parametrize(("call", "words"), [
    (lambda: postprocess.drop_small(row(4), -1), "0 mm³ or more"),
    (lambda: postprocess.drop_small(row(4), float("nan")), "0 mm³ or more"),
    (lambda: postprocess.drop_small(np.zeros((2, 2)), 1), "labels are (x, y, z)"),
    (lambda: postprocess.drop_small(row(4), 1, spacing=(1, 1)), "spacing must be 3 numbers"),
    (lambda: postprocess.choose_minimum([], []), "no cases"),
    (lambda: postprocess.choose_minimum([row(4)], [row(4)], []), "no candidates"),
    (lambda: postprocess.choose_minimum([row(4)], [row(4)], [-1]), "0 mm³ or more"),
    (lambda: postprocess.choose_minimum([row(4)], []), "shorter"),
])  # fmt: skip
def test_what_cannot_be_is_refused(call, words):
    with pytest.raises(ValueError) as caught:
        call()
    assert words in str(caught.value)


# --- predictions as files -------------------------------------------------------------------------

SHAPE = (7, 6, 5)
LPS = np.array([[-1.0, 0, 0, 90], [0, -1, 0, 126], [0, 0, 1, -72], [0, 0, 0, 1]])
TRUTH = np.zeros(SHAPE, np.uint8)
TRUTH[1:6, 1:5, 1:4] = 2
TRUTH[2:5, 2:4, 2] = 4
TRUTH[3, 3, 2] = 1
OWN = {
    "BraTS 2020": {1, 2, 4},
    "BraTS 2021": {1, 2, 4},
    "BraTS 2023": {1, 2, 3},
    "BraTS 2024": {1, 2, 3},
    "MSD Task01": {1, 2, 3},
}


def write_case(folder, layout, affine=LPS):
    """A case of the layout; its mask is `TRUTH` in the layout's own numbers."""

    def save(path, array):
        path.parent.mkdir(parents=True, exist_ok=True)
        image = nibabel.Nifti1Image(array, affine)
        image.header.set_xyzt_units("mm", "sec")
        image.set_sform(affine, code=2)
        image.set_qform(affine, code=2)
        image.header["cal_max"], image.header["descrip"] = 900, b"scan"
        nibabel.save(image, path)

    scan = np.random.default_rng(0).integers(1, 900, (*SHAPE, 4)).astype(np.int16)
    id, mask = layout.example, layout.to_disk(TRUTH)
    if layout.channels:
        save(folder / "imagesTr" / f"{id}.nii.gz", scan)
        save(folder / "labelsTr" / f"{id}.nii.gz", mask)
    else:
        for i, stem in enumerate(layout.image_stems(id)):
            save(folder / id / f"{stem}.nii.gz", scan[..., i])
        save(folder / id / f"{layout.mask_stems(id)[0]}.nii.gz", mask)
    (case,) = brats.find_cases(folder)
    return case


@pytest.mark.parametrize("name", BRATS)
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_a_prediction_lies_where_the_case_lies_in_the_layouts_own_numbers(tmp_path, name, ending):
    layout = BRATS[name]
    case = write_case(tmp_path / "set", layout)
    path = tmp_path / "found" / f"{case.id}{ending}"
    assert postprocess.write_prediction(case, case.read_labels(), path) == path
    image, truth = nibabel.load(path), nibabel.load(case.mask)
    np.testing.assert_array_equal(image.affine, truth.affine)
    np.testing.assert_array_equal(np.asarray(image.dataobj), np.asarray(truth.dataobj))
    assert image.get_data_dtype() == np.uint8 and image.shape == SHAPE
    assert set(np.unique(np.asarray(image.dataobj))) - {0} == OWN[name]
    header = image.header
    assert header.get_xyzt_units() == ("mm", "sec") and header["cal_max"] == 0
    assert header["sform_code"] == header["qform_code"] == 2
    np.testing.assert_array_equal(layout.from_disk(np.asarray(image.dataobj)), TRUTH)
    assert [file.name for file in path.parent.iterdir()] == [path.name]  # nothing left behind


def test_an_oblique_affine_and_thick_slices_are_kept(tmp_path):
    turn = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]]) @ np.diag([1, 1, 2.5])
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = turn, (-10.5, 20.25, 3)
    case = write_case(tmp_path / "set", BRATS["BraTS 2021"], affine)
    path = postprocess.write_prediction(case, TRUTH, tmp_path / "found.nii.gz")
    image = nibabel.load(path)
    np.testing.assert_allclose(image.affine, affine, atol=1e-5)
    assert image.header.get_zooms() == pytest.approx((1, 1, 2.5))


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    case = write_case(tmp_path / "set", BRATS["BraTS 2020"])
    path = postprocess.write_prediction(case, TRUTH, tmp_path / "out" / "found.nii.gz")
    before = path.read_bytes()

    def full(image, file):
        with open(file, "wb") as half:
            half.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(nibabel, "save", full)
    with pytest.raises(OSError, match="no space"):
        postprocess.write_prediction(case, TRUTH * 0, path)
    assert path.read_bytes() == before and os.listdir(path.parent) == ["found.nii.gz"]


@pytest.mark.parametrize(("labels", "name", "words"), [
    (TRUTH, "found.nrrd", "must end in .nii or .nii.gz"),
    (TRUTH[1:], "found.nii", "must be (7, 6, 5), as its files are"),
    (TRUTH[..., None], "found.nii", "must be (7, 6, 5)"),
    (TRUTH + np.uint8(3), "found.nii", "belong"),
])  # fmt: skip
def test_a_prediction_that_does_not_fit_is_refused(tmp_path, labels, name, words):
    case = write_case(tmp_path / "set", BRATS["BraTS 2023"])
    with pytest.raises(ValueError) as caught:
        postprocess.write_prediction(case, labels, tmp_path / "out" / name)
    assert words in str(caught.value) and not list((tmp_path / "out").glob("*"))


def test_a_case_whose_image_went_away_is_named(tmp_path):
    case = write_case(tmp_path / "set", BRATS["BraTS 2020"])
    case.images[0].unlink()
    with pytest.raises(DataError, match="_t1"):
        postprocess.write_prediction(case, TRUTH, tmp_path / "found.nii.gz")
