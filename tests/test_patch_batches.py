"""3-D batches: repeatable, around tumour, filled up at the edges, image and mask of one place."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from unet_course.data import brats, normalise, prepared_cases
from unet_course.training import loop, patch_batches, tutorial_004_generator
from unet_course.training.augment import VOLUMES, Augmentation

STILL = {"contrast": 0, "brightness": 0, "gamma": 0, "bias_field": 0, "noise": 0}


class Named:
    def __init__(self, id):
        self.id = id


def a_case(id="a", shape=(20, 18, 16), tumour=True, seed=0):
    """A case whose images hold each voxel's label in channel 0, and its place in the others."""
    labels = np.zeros(shape, np.uint8)
    if tumour:
        labels[4:12, 4:12, 4:12] = 2
        labels[6:10, 6:10, 6:10] = 1
        labels[7, 7, 7] = 4
    places = np.stack(np.indices(shape), axis=-1) + 1
    images = np.concatenate([labels[..., None] + 1, places], axis=-1).astype(np.float16)
    brain = np.ones(shape, bool)
    return prepared_cases.PreparedCase(
        source=Named(id), images=images, labels=labels, centres=normalise.centres_of(labels, brain),
        box=tuple(slice(0, n) for n in shape), full_shape=shape, full_affine=np.eye(4),
    )  # fmt: skip


CASES = [a_case("a"), a_case("b", shape=(14, 20, 13)), a_case("c", tumour=False)]
TABLE = np.zeros((5, 3), np.uint8)
TABLE[[0, 1, 2, 4]] = brats.regions(np.array([0, 1, 2, 4]))


def draw(**options):
    return patch_batches.Patches(cases=CASES, **{"size": (8, 8, 8), "steps": 3, **options})


def test_a_patch_is_cut_out_with_its_mask():
    batches = draw(batch_size=4)
    for step in range(10):
        images, masks = batches.batch(0, step)
        assert images.shape == (4, 8, 8, 8, 4) and masks.shape == (4, 8, 8, 8, 3)
        assert images.dtype == masks.dtype == np.float32
        np.testing.assert_array_equal(masks, TABLE[images[..., 0].astype(int) - 1])
        steps = np.diff(images[..., 1], axis=1)  # neighbours in the patch were neighbours
        assert (steps == 1).all()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 50), st.integers(0, 50))
def test_a_batch_depends_on_seed_epoch_and_step_alone(seed, epoch, step):
    batches = draw(seed=seed, augment=VOLUMES)
    first = batches.batch(epoch, step)
    batches.batch(epoch, step + 1)
    again = draw(seed=seed, augment=VOLUMES, steps=7).batch(epoch, step)
    other = draw(seed=seed + 1, augment=VOLUMES).batch(epoch, step)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0], other[0])


def test_an_epoch_holds_its_batches_in_their_order():
    batches = draw(steps=6, augment=VOLUMES)
    for number in (0, 3):
        got = [tuple(map(np.asarray, batch)) for batch in batches.epoch(number)]
        assert len(got) == 6
        for step, (images, masks) in enumerate(got):
            expected = batches.batch(number, step)
            np.testing.assert_array_equal(images, expected[0])
            np.testing.assert_array_equal(masks, expected[1])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_image_and_mask_are_moved_alike_and_labels_stay_labels(seed):
    change = replace(VOLUMES, **STILL, probability=1)
    rng = np.random.default_rng(seed)
    batches = draw(augment=change, size=(10, 10, 10))
    case, centre = batches.place(rng)
    image, labels = batches.cut(case, centre, rng)
    assert set(np.unique(labels)) <= set(np.unique(case.labels)) | {0}
    # where the neighbours' labels agree, interpolation gives their label, and so must the mask
    shown = image[..., 0] - 1
    alike = ndimage.maximum_filter(labels, 3) == ndimage.minimum_filter(labels, 3)
    inside = alike & (np.abs(shown - np.rint(shown)) < 1e-3) & (shown >= 0)
    # next to a label of one voxel a linear value may be whole by chance: few, and never large
    assert (np.rint(shown)[inside] == labels[inside]).mean() > 0.98 if inside.any() else True


def test_a_turned_patch_shows_the_tissue_that_lies_there():
    change = replace(VOLUMES, **STILL, probability=1, elastic=0)
    batches = draw(augment=change)
    rng = np.random.default_rng(0)
    image, _ = batches.cut(CASES[0], np.array([10, 9, 8]), rng)
    rng = np.random.default_rng(0)
    flips, where = change.plan((8, 8, 8), rng)
    for axis in flips:
        where[axis] = 7 - where[axis]
    expected = where + np.array([6, 5, 4])[:, None, None, None] + 1
    np.testing.assert_allclose(np.moveaxis(image[..., 1:], -1, 0), expected, atol=1e-3)


def test_a_volume_smaller_than_the_patch_lies_in_its_middle_in_background():
    batches = draw(size=(16, 16, 16), foreground=0)
    image, labels = batches.cut(CASES[1], np.array([0, 0, 0]), np.random.default_rng(0))
    inside = image.any(axis=-1)
    assert inside.sum() == 14 * 16 * 13
    assert inside[1:15, :, 2:15].all() or inside[1:15, :, 1:14].all()
    assert not labels[~inside].any()


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_patches_are_drawn_around_tumour_at_the_share_that_was_asked_for(share):
    batches = draw(foreground=share)
    rng = np.random.default_rng(0)
    labels = [int(case.labels[tuple(c)]) for case, c in (batches.place(rng) for _ in range(1500))]
    seen = np.bincount(labels, minlength=5) / len(labels)
    brain = np.mean([np.bincount(c.labels.ravel(), minlength=5) / c.labels.size for c in CASES], 0)
    expected = share * np.array([0, 1, 1, 0, 1]) / 3 + (1 - share) * brain  # each label as often
    np.testing.assert_allclose(seen, expected, atol=0.05)


def test_a_patch_around_a_voxel_holds_it():
    batches = draw()
    rng = np.random.default_rng(1)
    for _ in range(200):
        case, centre = batches.place(rng)
        image, _ = batches.cut(case, centre, rng)
        assert (image[..., 1:] == centre + 1).all(axis=-1).any()


def test_training_takes_them():
    model = keras.Sequential([keras.Input((8, 8, 8, 4)), keras.layers.Conv3D(3, 1, activation="sigmoid")])  # fmt: skip
    model.compile("sgd", "binary_crossentropy")
    history = loop.fit(model, draw(augment=VOLUMES), epochs=2, progress=False)
    assert len(history["loss"]) == 2 and np.isfinite(history["loss"]).all()


@pytest.mark.parametrize(("options", "words"), [
    ({"cases": []}, "no cases"),
    ({"cases": [replace(CASES[0], labels=None)]}, "no mask"),
    ({"cases": CASES[2:]}, "no case holds tumour"),
    ({"size": (8, 8)}, "size"),
    ({"batch_size": 0}, "batch_size"),
    ({"steps": 0}, "steps"),
    ({"foreground": 2}, "foreground"),
    ({"cases": [CASES[0], replace(CASES[1], images=CASES[1].images[..., :3])]}, "b has 3 channels, a has 4"),
])  # fmt: skip
def test_batches_that_cannot_be_drawn_say_why(options, words):
    with pytest.raises(ValueError, match=words):
        patch_batches.Patches(**{"cases": CASES, **options})


def test_an_epoch_covers_the_boxes_unless_told_otherwise():
    batches = patch_batches.Patches(cases=CASES, size=(8, 8, 8), batch_size=2)
    assert batches.steps == round(sum(c.labels.size for c in CASES) / (2 * 512))


# --- the tutorial's generator -------------------------------------------------------------------


@pytest.mark.parametrize("kind", [float, int])
def test_the_tutorials_turning_is_keras_own(kind):
    legacy = pytest.importorskip("tensorflow.keras.preprocessing.image")
    change = legacy.ImageDataGenerator(rotation_range=20, horizontal_flip=True, vertical_flip=True)
    image = (np.random.default_rng(0).random((12, 12, 3)) * 9).astype(kind)
    for seed in range(1, 9):
        kept = np.random.get_state()
        expected = change.random_transform(image, seed=seed)
        np.random.set_state(kept)
        state = np.random.RandomState(seed)
        angle = state.uniform(-20, 20)
        across, down = state.random_sample(2) < 0.5
        got = tutorial_004_generator.rotate_and_flip(image, angle, (down, across))
        np.testing.assert_allclose(got, expected, atol=1e-9)


def test_the_tutorials_masks_are_cut_down_and_its_numbers_go_round():
    rng = np.random.default_rng(0)
    images = rng.random((4, 24, 24, 2))
    masks = np.zeros((4, 24, 24, 2))
    masks[:, 6:17, 6:17, 1] = 1
    masks[..., 0] = 1 - masks[..., 1]
    _, printed = tutorial_004_generator.augment_batch(
        images.copy(), masks.copy(), np.random.RandomState(3)
    )
    _, once = tutorial_004_generator.augment_batch(
        images.copy(), masks.copy(), np.random.RandomState(3), False
    )
    assert ((printed.sum(-1) == 0).any(axis=(1, 2)) == [True, False, False, False]).all()
    assert (once.sum(-1) == 0).any(axis=(1, 2)).all()
    state, seeds = np.random.RandomState(0), []
    for _ in range(150):
        seeds.append(state.randint(1, 100))
        state.seed(seeds[-1])
        state.random_sample(3)
    assert len(set(seeds[50:])) < 30  # of 99


def test_the_tutorials_volume_has_its_size_and_its_faults():
    class Whole:
        def read_image(self, name):
            return np.random.default_rng(len(name)).integers(0, 900, (240, 240, 155), np.int16)

        def read_labels(self):
            labels = np.zeros((240, 240, 155), np.uint8)
            labels[60:90, 60:90, 60:80] = 4
            return labels

    images, masks = tutorial_004_generator.load(Whole())
    assert images.shape == masks.shape == (144, 224, 224, 4)
    assert masks[..., 3].sum() == 30 * 30 * 20 and not masks[..., 1:3].any()


def test_augmentation_that_is_not_for_volumes_also_works():
    images, masks = draw(augment=Augmentation(flips=(0,), probability=1)).batch(0, 0)
    assert np.isfinite(images).all() and set(np.unique(masks)) <= {0, 1}
