"""Losses: hand-worked cases, what a wrong formula would break, gradients, bfloat16, saving."""

import inspect
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from gradients import of_loss as slope
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from packaging.version import Version

from unet_course.network import losses
from unet_course.network.losses import (
    BCEDice,
    CrossEntropyDice,
    FocalTversky,
    Jaccard,
    SoftDice,
    Tversky,
    WeightedBCE,
)

OVERLAP = [SoftDice, Jaccard, Tversky, FocalTversky]
OURS = [*OVERLAP, WeightedBCE, BCEDice, CrossEntropyDice]
LN2 = math.log(2)


def make(kind, **settings):
    """A loss; those that can't do without a weight get one."""
    return kind(**{"positive_weight": 3.0} | settings) if kind is WeightedBCE else kind(**settings)


def batch(values, shape=(2, 2, 1)):
    return np.array(values, np.float32).reshape(-1, *shape)


def one_hot(labels, classes):
    return np.eye(classes, dtype=np.float32)[np.array(labels)]


def close(value, rel=1e-5, abs=1e-6):
    return pytest.approx(value, rel=rel, abs=abs)


# --- by hand ---------------------------------------------------------------------------------

TRUTH = batch([1, 1, 0, 0])
SHIFTED = batch([1, 0, 1, 0])  # one right, one claimed in vain, one missed
ONE_MORE = batch([1, 1, 1, 0])
ONE_LESS = batch([1, 0, 0, 0])
NOTHING = batch([0, 0, 0, 0])


@pytest.mark.parametrize(("loss", "value"), [
    (SoftDice(0.0), 1 - 2 * 1 / (2 + 2)),
    (SoftDice(1.0), 1 - (2 * 1 + 1) / (2 + 2 + 1)),
    (Jaccard(0.0), 1 - 1 / 3),
    (Jaccard(1.0), 1 - (1 + 1) / (3 + 1)),
    (Tversky(0.3, 0.7, smooth=0.0), 1 - 1 / (1 + 0.3 + 0.7)),
    (Tversky(0.2, 0.4, smooth=1.0), 1 - (1 + 1) / (1 + 0.2 + 0.4 + 1)),
    (FocalTversky(0.2, 0.4, gamma=0.75, smooth=1.0), (1 - 2 / 2.6) ** 0.75),
    (FocalTversky(0.2, 0.4, gamma=2.0, smooth=1.0), (1 - 2 / 2.6) ** 2),
])  # fmt: skip
def test_one_pixel_right_one_too_many_one_missed(loss, value):
    assert float(loss(TRUTH, SHIFTED)) == close(value, abs=1e-5)


@pytest.mark.parametrize("kind", [Tversky, FocalTversky])
def test_alpha_is_on_false_positives_and_beta_on_false_negatives(kind):
    loss = kind(alpha=0.3, beta=0.7, smooth=0.0)
    power = 0.75 if kind is FocalTversky else 1
    assert float(loss(TRUTH, ONE_MORE)) == close((0.3 / 2.3) ** power, rel=1e-4)
    assert float(loss(TRUTH, ONE_LESS)) == close((0.7 / 1.7) ** power, rel=1e-4)


def test_defaults_punish_missing_more_than_claiming():
    truth = batch([1] * 8 + [0] * 8, (4, 4, 1))
    more, less = truth.copy(), truth.copy()
    more[0, 2, :2], less[0, 0, :2] = 1, 0
    for kind in (Tversky, FocalTversky):
        assert float(kind()(truth, less)) > float(kind()(truth, more))


@pytest.mark.parametrize(("kind", "one_claimed"), [
    (SoftDice, 1 / 2), (Jaccard, 1 / 2), (Tversky, 0.3 / 1.3), (FocalTversky, (0.3 / 1.3) ** 0.75),
])  # fmt: skip
def test_smoothing_stands_above_and_below(kind, one_claimed):
    assert float(kind(smooth=1.0)(NOTHING, NOTHING)) == 0
    assert float(kind(smooth=1.0)(NOTHING, ONE_LESS)) == close(one_claimed, rel=1e-4)
    assert np.isnan(float(kind(smooth=0.0)(NOTHING, NOTHING)))  # as the docstring says


CASES = batch([[1, 1, 1, 1], [1, 0, 0, 0]])
FOUND = batch([[1, 1, 1, 1], [0, 1, 0, 0]])  # all of one case, nothing of the other


@pytest.mark.parametrize(("kind", "pooled"), [
    (SoftDice, 1 - 8 / 10), (Jaccard, 1 - 4 / 6), (Tversky, 1 / 5), (FocalTversky, 0.2**0.75),
])  # fmt: skip
def test_overlap_is_per_case_unless_pooled(kind, pooled):
    assert float(kind(smooth=0.0)(CASES, FOUND)) == close(0.5, rel=1e-4)
    assert float(kind(smooth=0.0, pool_batch=True)(CASES, FOUND)) == close(pooled, rel=1e-4)
    each = kind(smooth=0.0, reduction="none")(CASES, FOUND)
    np.testing.assert_allclose(each, [0, 1], atol=1e-5)
    one_case = kind(smooth=0.0, reduction="sum")(CASES, FOUND, sample_weight=np.array([5.0, 0.0]))
    assert float(one_case) == close(0)


@pytest.mark.parametrize("kind", [BCEDice, CrossEntropyDice])
def test_sums_of_two_losses_pool_the_dice_part_only(kind):
    truth, found = CASES, 0.1 + 0.8 * FOUND
    if kind is CrossEntropyDice:
        truth, found = (np.concatenate([1 - x, x], -1) for x in (truth, found))
    entropy = -(5 * 0 + 6 * math.log(0.9) + 2 * math.log(0.1)) / 8
    # Σtp, Σt, Σp: 3.6, 4, 3.6 in the first case, 0.1, 1, 1.2 in the second
    per_case = 1 - (7.2 / 7.6 + 0.2 / 2.2) / 2
    assert float(kind(smooth=0.0)(truth, found)) == close(entropy + per_case)
    pooled = kind(smooth=0.0, pool_batch=True)
    assert float(pooled(truth, found)) == close(entropy + 1 - 7.4 / 9.8)
    assert float(kind(3.0, smooth=0.0)(truth, found)) == close(entropy + 3 * per_case)
    assert float(kind(0.0, smooth=0.0)(truth, found)) == close(entropy)


LABELS = one_hot([[[0, 0], [1, 2]]], 3)
WITHOUT_2 = one_hot([[[0, 0], [1, 0]]], 3)  # class 2 taken for background
DICE_BY_CLASS = np.array([4 / 5, 1, 0])


@pytest.mark.parametrize("background", [True, False])
def test_classes_count_alike_and_the_background_can_be_left_out(background):
    kept = slice(None) if background else slice(1, None)
    missing = 1 - DICE_BY_CLASS[kept]
    arguments = {"smooth": 0.0, "background": background}
    for loss, value in [
        (SoftDice(**arguments), missing.mean()),
        (Jaccard(**arguments), np.array([1 / 3, 0, 1])[kept].mean()),
        (Tversky(**arguments), np.array([0.3 / 2.3, 0, 1])[kept].mean()),
        (FocalTversky(**arguments), (np.array([0.3 / 2.3, 0, 1])[kept] ** 0.75).mean()),
    ]:
        assert float(loss(LABELS, WITHOUT_2)) == close(value, rel=1e-4)


def test_cross_entropy_counts_the_background_and_its_dice_does_not():
    found = 0.1 + 0.7 * WITHOUT_2  # 0.8 and twice 0.1
    entropy = -(3 * math.log(0.8) + math.log(0.1)) / 4
    # per class, 2 Σtp, Σt + Σp: background 3.2, 2 + 2.5; then 1.6, 1 + 1.1; 0.2, 1 + 0.4
    dice = np.array([3.2 / 4.5, 1.6 / 2.1, 0.2 / 1.4])
    loss = CrossEntropyDice(smooth=0.0)
    assert float(loss(LABELS, found)) == close(entropy + 1 - dice[1:].mean())
    loss = CrossEntropyDice(smooth=0.0, background=True)
    assert float(loss(LABELS, found)) == close(entropy + 1 - dice.mean())


def test_a_weight_is_on_the_tumour():
    loss = WeightedBCE(positive_weight=10.0)
    found = batch([0.8, 0.5, 0.5, 0.5])
    assert float(loss(ONE_LESS, found)) == close((-10 * math.log(0.8) + 3 * LN2) / 4)
    assert float(loss(NOTHING, NOTHING)) == close(0)
    missed, claimed = float(loss(ONE_LESS, NOTHING)), float(loss(NOTHING, ONE_LESS))
    assert missed == close(10 * claimed, rel=0.02) and 3.9 < claimed < 4.1  # 16 over 4 pixels


# --- properties ------------------------------------------------------------------------------

few = settings(max_examples=25, deadline=None)
shape = (2, 3, 3, 2)
truths = arrays(np.float32, shape, elements=st.sampled_from([0.0, 1.0]))
founds = arrays(np.float32, shape, elements=st.integers(0, 8).map(lambda n: n / 8))
smooths = st.sampled_from([0.25, 1.0, 5.0])
kinds = st.sampled_from(OVERLAP)


@few
@given(kinds, truths, founds, smooths, st.booleans(), st.booleans())
def test_bounded_and_nought_when_right(kind, truth, found, smooth, pool_batch, background):
    loss = kind(smooth=smooth, pool_batch=pool_batch, background=background)
    assert 0 <= float(loss(truth, found)) <= 1
    assert float(loss(truth, truth)) == 0


@few
@given(truths, founds, smooths, st.booleans())
def test_tversky_holds_dice_and_jaccard(truth, found, smooth, pool_batch):
    half = Tversky(0.5, 0.5, smooth, pool_batch)(truth, found)
    assert float(half) == close(float(SoftDice(2 * smooth, pool_batch)(truth, found)))
    whole = Tversky(1.0, 1.0, smooth, pool_batch)(truth, found)
    assert float(whole) == close(float(Jaccard(smooth, pool_batch)(truth, found)))
    focal = FocalTversky(0.3, 0.7, 1.0, smooth, pool_batch)(truth, found)
    assert float(focal) == close(float(Tversky(0.3, 0.7, smooth, pool_batch)(truth, found)))


@few
@given(truths, founds, smooths)
def test_jaccard_follows_dice_case_by_case(truth, found, smooth):
    truth, found = truth[..., :1], found[..., :1]
    dice = 1 - np.asarray(SoftDice(2 * smooth, reduction="none")(truth, found))
    jaccard = 1 - np.asarray(Jaccard(smooth, reduction="none")(truth, found))
    np.testing.assert_allclose(jaccard, dice / (2 - dice), atol=1e-6)


@few
@given(truths, founds)
def test_exchanging_truth_and_prediction_exchanges_alpha_and_beta(truth, found):
    for kind in (SoftDice, Jaccard):
        assert float(kind()(truth, found)) == close(float(kind()(found, truth)))
    there, back = Tversky(0.2, 0.7)(truth, found), Tversky(0.7, 0.2)(found, truth)
    assert float(there) == close(float(back))


@few
@given(st.sampled_from(OURS), truths, founds, st.booleans())
def test_the_order_of_cases_makes_no_difference(kind, truth, found, pool_batch):
    loss = make(kind, **({} if kind is WeightedBCE else {"pool_batch": pool_batch}))
    found = (found + 0.1) / 1.2  # a softmax never gives all zeros, where cross-entropy is NaN
    assert float(loss(truth, found)) == close(float(loss(truth[::-1], found[::-1])))


# --- beside Keras' own -----------------------------------------------------------------------

SHAPES = {"2-D": (2, 3, 2), "3-D": (1, 2, 3, 2)}
rank = pytest.mark.parametrize("space", SHAPES.values(), ids=SHAPES)


def example(space, classes, seed=0, softmax=False):
    """Targets and predictions, float64, well inside (0, 1)."""
    rng = np.random.default_rng(seed)
    if softmax:
        truth = one_hot(rng.integers(0, classes, space), classes).astype(float)
        found = rng.uniform(0.1, 1, (*space, classes))
        return truth, found / found.sum(-1, keepdims=True)
    return (
        (rng.random((*space, classes)) > 0.5).astype(float),
        rng.uniform(0.05, 0.95, (*space, classes)),
    )


@rank
def test_agree_with_keras_where_definitions_coincide(space):
    truth, found = example(space, 3)
    axis = tuple(range(1, len(space)))
    for ours, theirs in [
        (SoftDice(0.0), keras.losses.Dice(axis=axis)),
        (Tversky(0.3, 0.3, 0.0), keras.losses.Tversky(alpha=0.3, beta=0.3, axis=axis)),
        (Jaccard(0.0), keras.losses.Tversky(alpha=1.0, beta=1.0, axis=axis)),
        (WeightedBCE(1.0), keras.losses.BinaryCrossentropy()),
        (BCEDice(0.0), keras.losses.BinaryCrossentropy()),
        (CrossEntropyDice(0.0), keras.losses.CategoricalCrossentropy()),
    ]:
        assert float(ours(truth, found)) == close(float(theirs(truth, found)))
    balanced = {"apply_class_balancing": True, "gamma": 0.0}
    theirs = keras.losses.BinaryFocalCrossentropy(alpha=0.75, **balanced)(truth, found)
    assert float(WeightedBCE(3.0)(truth, found)) == close(4 * float(theirs))


@rank
def test_the_keras_losses_that_the_course_uses_are_right(space):
    truth, found = example(space, 2)
    right = truth * found + (1 - truth) * (1 - found)
    weight = np.where(truth == 1, 0.25, 0.75)
    binary, focal = keras.losses.BinaryCrossentropy(), keras.losses.BinaryFocalCrossentropy()
    balanced = keras.losses.BinaryFocalCrossentropy(apply_class_balancing=True)
    assert float(binary(truth, found)) == close(-np.log(right).mean())
    by_hand = -((1 - right) ** 2) * np.log(right)
    assert float(focal(truth, found)) == close(by_hand.mean())
    assert float(balanced(truth, found)) == close((weight * by_hand).mean())
    idle = keras.losses.BinaryFocalCrossentropy(alpha=0.9)
    assert float(idle(truth, found)) == float(focal(truth, found))
    truth, found = example(space, 3, softmax=True)
    categorical = keras.losses.CategoricalCrossentropy()
    assert float(categorical(truth, found)) == close(-(truth * np.log(found)).sum(-1).mean())
    assert float(categorical(truth, found / 2)) == close(float(categorical(truth, found)))
    for loss in (binary, focal, categorical):  # exactly 0 and 1
        exact = loss(truth, truth)
        assert 0 <= float(exact) < 1e-6 and np.isfinite(float(loss(truth, 1 - truth)))
        low = keras.ops.cast(found, "bfloat16")
        rounded = float(loss(truth, keras.ops.cast(low, "float32")))
        assert float(loss(keras.ops.cast(truth, "bfloat16"), low)) == close(rounded)


def test_what_the_keras_losses_do_to_gradients_at_0_and_1():
    wrong = 1 - TRUTH
    assert not slope(keras.losses.BinaryCrossentropy(), TRUTH, wrong).any()
    assert slope(keras.losses.BinaryFocalCrossentropy(), TRUTH, wrong).all()
    steep = slope(keras.losses.BinaryFocalCrossentropy(gamma=0.5), TRUTH, TRUTH)
    assert np.isnan(steep).all()


@pytest.mark.skipif(Version(keras.__version__) > Version("3.15.1"), reason="mended since")
def test_keras_tversky_still_has_alpha_and_beta_the_other_way_round():
    theirs = keras.losses.Tversky(alpha=0.3, beta=0.7)
    assert float(theirs(TRUTH, ONE_MORE)) == close(0.7 / 2.7)
    assert float(Tversky(0.3, 0.7, 0.0)(TRUTH, ONE_MORE)) == close(0.3 / 2.3)


def test_why_keras_dice_is_not_used():
    truth = one_hot(np.zeros((1, 10, 10), int), 2)
    found = truth.copy()
    truth[0, 0, 0] = 0, 1
    for theirs in (keras.losses.Dice(), keras.losses.Tversky()):
        assert float(theirs(truth, found)) == close(0.01, rel=1e-3)
    assert float(SoftDice(0.0)(truth, found)) == close(0.503, abs=5e-4)
    assert float(SoftDice(0.0, background=False)(truth, found)) == 1
    claimed = keras.ops.convert_to_tensor(0.1 + NOTHING)
    for theirs in (keras.losses.Dice(axis=(1, 2)), keras.losses.Tversky(axis=(1, 2))):
        assert slope(theirs, NOTHING, claimed).max() == 0 and float(theirs(NOTHING, claimed)) == 1
    assert slope(SoftDice(), NOTHING, claimed).min() > 0


# --- gradients -------------------------------------------------------------------------------


def in_float64():
    kept = {"dtype": "float64"}
    for kind in OURS:
        if kind is CrossEntropyDice:
            continue
        yield make(kind, **kept), "sigmoid", 1
        yield make(kind, **kept), "sigmoid", 2
    for kind in OVERLAP:
        yield kind(pool_batch=True, background=False, **kept), "softmax", 3
    yield CrossEntropyDice(0.7, **kept), "softmax", 3
    yield CrossEntropyDice(0.7, pool_batch=True, background=True, **kept), "softmax", 3
    yield BCEDice(0.7, pool_batch=True, **kept), "sigmoid", 1
    yield FocalTversky(gamma=2.0, **kept), "sigmoid", 1
    yield keras.losses.BinaryCrossentropy(**kept), "sigmoid", 2
    yield keras.losses.BinaryFocalCrossentropy(**kept), "sigmoid", 2
    yield keras.losses.CategoricalCrossentropy(**kept), "softmax", 3


@pytest.mark.tensorflow  # JAX has float64 only where a whole process is set to it
@rank
@pytest.mark.parametrize(
    ("loss", "head", "classes"), list(in_float64()), ids=lambda x: getattr(x, "name", x)
)
def test_gradients_agree_with_finite_differences(loss, head, classes, space):
    """Of the logits, through sigmoid or softmax, along random directions, in float64: six digits."""
    activate = tf.sigmoid if head == "sigmoid" else tf.nn.softmax
    rng = np.random.default_rng(1)
    truth, _ = example(space, classes, softmax=head == "softmax")
    logits = rng.normal(size=truth.shape)

    def value(truth, logits):
        return loss(truth, activate(logits))

    got = slope(value, truth, logits)
    assert got.dtype == np.float64 and np.abs(got).max() > 1e-3
    for direction in rng.normal(size=(5, *logits.shape)):  # every element has a part in each
        step = 1e-5 * direction
        rise = (float(value(truth, logits + step)) - float(value(truth, logits - step))) / 2e-5
        assert (got * direction).sum() == pytest.approx(rise, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("kind", OURS)
def test_gradients_stay_finite_at_the_ends(kind):
    """Float32, as in training: all right, all wrong, nothing there, everything there."""
    truth, _ = example((2, 4, 4), 3, softmax=True)
    truth = truth.astype(np.float32)
    for end in (truth, 1 - truth, 0 * truth, 0 * truth + 1):
        if kind is CrossEntropyDice and not end.any():
            continue  # Keras divides by the sum over classes; a softmax's is 1
        for target in (truth, 0 * truth):
            assert np.isfinite(slope(make(kind), target, end)).all()


def test_focal_tversky_is_steep_but_finite_where_all_is_right():
    focal, plain = (slope(kind(), TRUTH, TRUTH) for kind in (FocalTversky, Tversky))
    assert float(FocalTversky()(TRUTH, TRUTH)) == 0
    np.testing.assert_allclose(focal, 42.2 * plain, rtol=1e-3)


def test_focal_tversky_survives_an_index_that_rounds_above_one():
    loss = FocalTversky(reduction="none")
    one, above = np.float32([[10.0]]), np.float32([[10.001]])
    assert np.isfinite(loss.per_class(above, one, one)).all()


# --- bfloat16, and many pixels ---------------------------------------------------------------


@rank
@pytest.mark.parametrize("kind", OURS)
def test_bfloat16_gives_what_float32_gives(kind, space):
    truth, found = example(space, 3, softmax=True)
    low_truth, low = keras.ops.cast(truth, "bfloat16"), keras.ops.cast(found, "bfloat16")
    rounded = keras.ops.cast(low, "float32")
    loss = make(kind, reduction="none")
    full, same = loss(truth, found), loss(truth, rounded)
    for got in (loss(low_truth, low), loss.call(low_truth, low), loss.call(truth, low)):
        assert got.dtype == "float32"
        np.testing.assert_allclose(got, same, rtol=1e-6)
        np.testing.assert_allclose(got, full, rtol=2**-7)


@pytest.mark.parametrize("kind", OURS)
def test_more_pixels_than_bfloat16_or_float16_can_count(kind):
    """90,000 pixels, 60,000 of them tumour; Keras doesn't cast where one calls `call`."""
    truth = np.zeros((1, 300, 300, 2), np.float32)
    truth[:, :200, :, 1], truth[:, 200:, :, 0] = 1, 1
    found = 0.25 + 0.5 * truth
    exact = make(kind, dtype="float64")(truth, found)
    for dtype in ("bfloat16", "float16", "float32"):
        low = (keras.ops.cast(x, dtype) for x in (truth, found))
        assert float(np.mean(make(kind).call(*low))) == close(float(exact))
    if kind in (SoftDice, Jaccard):
        dice = [45000 / (30000 + 37500), 90000 / (60000 + 52500)]
        share = dice if kind is SoftDice else [d / (2 - d) for d in dice]
        assert float(exact) == close(1 - np.mean(share), abs=1e-4)


def test_why_the_classes_of_keras_and_not_its_functions():
    right = keras.ops.cast(TRUTH, "bfloat16")
    assert np.isnan(keras.losses.binary_crossentropy(right, right)).any()
    assert np.isinf(keras.losses.binary_crossentropy(right, 1 - right)).any()
    for loss in (keras.losses.BinaryCrossentropy(), WeightedBCE(1.0), BCEDice(0.0)):
        assert float(loss(right, right)) < 1e-6 and 15 < float(loss(right, 1 - right)) < 17
    assert 15 < float(np.mean(WeightedBCE(1.0).call(right, 1 - right))) < 17


# --- both ranks, errors, saving --------------------------------------------------------------


@rank
@pytest.mark.parametrize("kind", OURS)
def test_losses_fall_from_wrong_to_right(kind, space):
    truth, _ = example(space, 2, softmax=True)
    right, half, wrong = (float(make(kind)(truth, p)) for p in (truth, 0 * truth + 0.5, 1 - truth))
    assert right < 1e-5 < half < wrong


@pytest.mark.parametrize(("call", "words"), [
    (lambda: SoftDice(-1.0), "smooth must be .* it is -1"),
    (lambda: Jaccard(float("nan")), "smooth"),
    (lambda: BCEDice(-0.5), "dice_weight"),
    (lambda: CrossEntropyDice(smooth=-1.0), "smooth"),
    (lambda: Tversky(alpha=-0.1), "alpha"),
    (lambda: Tversky(beta=float("inf")), "beta"),
    (lambda: Tversky(0.0, 0.0), "both 0"),
    (lambda: FocalTversky(gamma=0.0), "gamma"),
    (lambda: WeightedBCE(0.0), "positive_weight"),
    (lambda: WeightedBCE(-2.0), "positive_weight"),
    (lambda: SoftDice(background=False)(TRUTH, TRUTH), "only channel"),
    (lambda: CrossEntropyDice()(TRUTH, TRUTH), "BCEDice"),
    (lambda: CrossEntropyDice()(np.zeros((1, 2, 2, 1)), LABELS), "must both be"),
    (lambda: BCEDice()(TRUTH[0, 0], TRUTH[0, 0]), "must both be"),
])  # fmt: skip
def test_bad_arguments_are_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("kind", OURS)
def test_a_mask_without_its_channel_axis_is_refused(kind):
    with pytest.raises(ValueError, match=r"\(2, 5, 5\) and \(2, 5, 5, 2\)"):
        make(kind)(np.zeros((2, 5, 5)), np.full((2, 5, 5, 2), 0.5))


SET = [
    SoftDice(2.0, True, False),
    Jaccard(2.0, True, False),
    Tversky(0.2, 0.9, 2.0, True, False),
    FocalTversky(0.2, 0.9, 1.5, 2.0, True, False),
    WeightedBCE(7.0),
    BCEDice(0.5, 2.0, True),
    CrossEntropyDice(0.5, 2.0, True, True),
]


@pytest.mark.parametrize("loss", SET, ids=lambda loss: loss.name)
def test_every_setting_is_in_the_config(loss):
    names = set(inspect.signature(type(loss)).parameters) - {"kwargs"}
    config = loss.get_config()
    assert names <= set(config)
    default = make(type(loss)).get_config()
    assert all(config[name] != default[name] for name in names - {"name"})
    assert type(loss).from_config(config).get_config() == config


@pytest.mark.parametrize("loss", SET, ids=lambda loss: loss.name)
def test_a_compiled_model_is_saved_and_loaded_with_its_loss(loss, tmp_path):
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(2, 1)])
    model.add(keras.layers.Softmax())
    model.compile("sgd", loss)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True).loss
    assert type(again) is type(loss) and again.get_config() == loss.get_config()
    truth, found = example((2, 4, 4), 2, softmax=True)
    assert float(again(truth, found)) == float(loss(truth, found))


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_a_network_of_any_size_trains_on_it(policy):
    inputs = keras.Input((None, None, 1))  # sizes that the graph doesn't know
    x = keras.layers.Conv2D(2, 1, dtype=policy)(inputs)
    model = keras.Model(inputs, keras.layers.Softmax(dtype="float32")(x))
    model.compile(keras.optimizers.SGD(0.5), CrossEntropyDice())
    image = np.linspace(-1, 1, 32, dtype=np.float32).reshape(2, 4, 4, 1)
    truth = one_hot((image[..., 0] > 0).astype(int), 2)
    values = [float(model.train_on_batch(image, truth)) for _ in range(8)]
    assert values[-1] < values[0]


def test_the_names_that_lessons_use():
    assert set(losses.__all__) == {kind.__name__ for kind in OURS}


@pytest.mark.parametrize("loss", [keras.losses.BinaryCrossentropy(), WeightedBCE(1.0)])
def test_in_training_a_pixel_that_is_sure_and_wrong_still_learns(loss):
    inputs = keras.Input((2, 2, 1))
    scores = keras.layers.Conv2D(1, 1, use_bias=False, kernel_initializer="ones")(inputs)
    model = keras.Model(inputs, keras.layers.Activation("sigmoid")(scores))
    model.compile(keras.optimizers.SGD(1.0), loss)
    pixels = np.full((1, 2, 2, 1), -40.0, "float32")  # scores of -40, and all of it is tumour
    model.fit(pixels, np.ones_like(pixels), epochs=1, verbose=0)
    assert float(model.get_weights()[0].squeeze()) == pytest.approx(1 - 40)  # the slope is -1
