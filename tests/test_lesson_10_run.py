"""What lessons 10 and 11 share: the split, the network's name, and a network found or trained."""

from dataclasses import replace

import brats_files
import keras
import numpy as np
import pytest

from unet_course import runtime
from unet_course.data import brats, normalise, prepared_cases, splits
from unet_course.judging import metrics
from unet_course.training import lesson_10_run


class Named:
    def __init__(self, id):
        self.id = id


def a_case(id="a", seed=0, enhancing=True, shape=(20, 18, 17)):
    """A prepared case: noise, brighter in the tumour."""
    labels = brats_files.tumour(shape, enhancing)
    images = np.random.default_rng(seed).normal(size=(*shape, 4)) + labels[..., None]
    return prepared_cases.PreparedCase(
        source=Named(id), images=images.astype(np.float16), labels=labels,
        centres=normalise.centres_of(labels, np.ones(shape, bool)),
        box=tuple(slice(0, n) for n in shape), full_shape=shape, full_affine=np.eye(4),
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    """Real-looking cases on disk, every third without enhancing tumour."""

    def write(count, stem="BraTS20_Training"):
        for i in range(count):
            id = f"{stem}_{i + 1:03}"
            brats_files.write_case(tmp_path / stem, id=id, seed=i, enhancing=i % 3 != 0)
        return brats.find_cases(tmp_path / stem)

    return write


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """The lesson's run in seconds, in a cache of its own."""
    monkeypatch.setenv("UNET_COURSE_CACHE", str(tmp_path / "cache"))
    for name, value in {
        "PATCH": (8, 8, 8),
        "STEPS": 2,
        "EPOCHS": 2,
        "NETWORK": {"filters": 2, "depth": 1, "patch": 2, "normalization": "instance"},
    }.items():
        monkeypatch.setattr(lesson_10_run, name, value)


# --- the split ----------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [4, 6, 8])
def test_each_case_is_on_one_side_and_no_side_is_empty(folder, count):
    cases = folder(count)
    split = lesson_10_run.lesson_split(cases)
    sides = [[case.id for case in side] for side in (split.train, split.validation, split.test)]
    splits.assert_no_leak(*sides)
    assert sorted(id for side in sides for id in side) == [case.id for case in cases]
    assert all(sides) and len(sides[0]) >= count / 2
    for side in sides:
        assert str(len(side)) in split.line
    again = lesson_10_run.lesson_split(cases)
    assert again == split


def test_eight_cases_are_split_five_one_two(folder):
    split = lesson_10_run.lesson_split(folder(8))
    assert [len(side) for side in (split.train, split.validation, split.test)] == [5, 1, 2]


@pytest.mark.parametrize("count", [1, 3])
def test_with_fewer_than_four_the_sample_trains_and_these_are_judged(folder, monkeypatch, count):
    sample = folder(8, "BraTS20_Synthetic")
    monkeypatch.setattr(brats, "sample_cases", lambda: sample)
    cases = folder(count)
    split = lesson_10_run.lesson_split(cases)
    assert split.test == tuple(cases)
    assert {case.id for case in split.train + split.validation} < {case.id for case in sample}
    assert "the sample trains" in split.line and f"all {count} are judged" in split.line


def test_time_points_of_a_patient_stay_on_one_side(tmp_path):
    """Six patients, the first three scanned twice: by case, some would be on two sides."""
    for number in range(6):
        for visit in range(2 if number < 3 else 1):
            brats_files.write_case(
                tmp_path,
                "BraTS 2023",
                id=f"BraTS-GLI-{number:05}-{visit:03}",
                seed=10 * number + visit,
            )
    cases = brats.find_cases(tmp_path)
    assert len(cases) == 9
    split = lesson_10_run.lesson_split(cases)
    sides = [
        {case.patient for case in side} for side in (split.train, split.validation, split.test)
    ]
    splits.assert_no_leak(*sides)
    assert sum(map(len, sides)) == 6 and all(sides)
    together = [case.id for side in (split.train, split.validation, split.test) for case in side]
    assert sorted(together) == sorted(case.id for case in cases)
    assert "from 6 patients, each on one side" in split.line


def test_three_patients_with_two_time_points_each_are_too_few(tmp_path, folder, monkeypatch):
    sample = folder(8, "BraTS20_Synthetic")
    monkeypatch.setattr(brats, "sample_cases", lambda: sample)
    for number in range(3):
        for visit in range(2):
            brats_files.write_case(
                tmp_path / "few", "BraTS 2023", id=f"BraTS-GLI-{number:05}-{visit:03}"
            )
    split = lesson_10_run.lesson_split(brats.find_cases(tmp_path / "few"))
    assert len(split.test) == 6 and "Fewer than 4 patients" in split.line


def test_a_patient_without_tumour_only_trains(tmp_path, folder, monkeypatch):
    """So validation can say which epoch is the best, whatever the set is like."""
    sample = folder(8, "BraTS20_Synthetic")
    monkeypatch.setattr(brats, "sample_cases", lambda: sample)
    for number in range(9):
        id = f"BraTS20_Training_{number:03}"
        brats_files.write_case(tmp_path / "set", id=id, seed=number, none=number > 3)
    cases = brats.find_cases(tmp_path / "set")
    split = lesson_10_run.lesson_split(cases)
    assert "(5 without tumour only train)" in split.line
    assert set(cases[4:]) <= set(split.train) and len(split.train) == 7
    # three patients with tumour are too few, however many have none
    split = lesson_10_run.lesson_split(cases[1:])
    assert split.test == tuple(cases[1:]) and set(split.train) < set(sample)


def test_cases_smaller_than_a_patch_are_replaced_where_windows_are_shown(
    folder, tiny, monkeypatch, capsys
):
    sample = folder(2, "BraTS20_Synthetic")
    monkeypatch.setattr(brats, "sample_cases", lambda: sample)
    large, small = a_case("large"), a_case("small", shape=(20, 18, 8))
    well = replace(a_case("well"), labels=np.zeros((20, 18, 17), np.uint8))
    assert lesson_10_run.with_room([small, large, well]) == [large]
    assert capsys.readouterr().out == ""
    shown = lesson_10_run.with_room([small, well])
    assert [case.id for case in shown] == [case.id for case in sample]
    assert "larger than 16 × 16 × 16 voxels" in capsys.readouterr().out


def test_no_cases_are_refused():
    with pytest.raises(ValueError, match="no cases"):
        lesson_10_run.lesson_split([])


# --- the network --------------------------------------------------------------------------------


def test_the_name_changes_with_data_and_settings(monkeypatch):
    train, validation = [a_case("a"), a_case("b", seed=1)], [a_case("c", seed=2)]
    name = lesson_10_run.cache_name(train, validation)
    assert name == lesson_10_run.cache_name(train, validation)
    elsewhere = [replace(case, source=Named("another")) for case in train]
    assert lesson_10_run.cache_name(elsewhere, validation) == name  # the same arrays
    others = [
        lesson_10_run.cache_name(train[::-1], validation),  # which is drawn first matters
        lesson_10_run.cache_name(train[:1], validation),
        lesson_10_run.cache_name(train, train[:1]),
        lesson_10_run.cache_name([a_case("a", enhancing=False), train[1]], validation),
    ]
    for setting, value in {
        "PATCH": (16, 16, 16),
        "BATCH": 3,
        "STEPS": 7,
        "EPOCHS": 3,
        "FOREGROUND": 0.123,
        "RATE": 0.123,
        "SEED": 11,
        "NETWORK": {"filters": 4},
        "AUGMENT": None,
    }.items():
        with monkeypatch.context() as changed:
            changed.setattr(lesson_10_run, setting, value)
            others.append(lesson_10_run.cache_name(train, validation))
    assert len({name, *others}) == 1 + len(others)


def test_trained_in_place_or_found_it_is_the_same(tiny, monkeypatch):
    train, validation = [a_case("a"), a_case("b", seed=1)], [a_case("c", seed=2)]
    trained = lesson_10_run.build_network(train, validation, progress=False)
    after_training = np.random.default_rng(int(keras.random.randint((1,), 0, 9999)[0])).random()
    monkeypatch.setattr(lesson_10_run.loop, "fit", None)  # it would have to be called
    found = lesson_10_run.build_network(train, validation, progress=False)
    after_finding = np.random.default_rng(int(keras.random.randint((1,), 0, 9999)[0])).random()
    assert after_finding == after_training  # what comes next draws the same numbers
    images = lesson_10_run.patch_batches_of(train).batch(0, 0)[0]
    np.testing.assert_array_equal(found.predict_on_batch(images), trained.predict_on_batch(images))
    (file,) = (runtime.cache_dir() / "models").glob("*.keras")
    assert file.stem == lesson_10_run.cache_name(train, validation)


def test_a_network_of_another_patch_size_has_the_same_weights(tiny):
    usual, larger = lesson_10_run.new_network(), lesson_10_run.new_network(size=(16, 8, 8))
    assert larger.input_shape == (None, 16, 8, 8, 4)
    for one, other in zip(usual.get_weights(), larger.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_validation_passes_over_regions_that_a_case_does_not_hold(monkeypatch):
    with_et, without = a_case("a"), a_case("b", enhancing=False)
    scores = {"a": {"WT": 0.8, "TC": 0.6, "ET": 0.4}, "b": {"WT": 0.6, "TC": 0.4, "ET": 0.0}}
    monkeypatch.setattr(lesson_10_run, "region_dice", lambda network, cases: scores)
    both = lesson_10_run.validator([with_et, without])(None)
    assert both == pytest.approx({"dice": 1.6 / 3, "WT": 0.7, "TC": 0.5, "ET": 0.4})
    scores.pop("a")
    one = lesson_10_run.validator([without])(None)
    assert one["dice"] == pytest.approx(0.5) and np.isnan(one["ET"])


def test_dice_of_regions_is_that_of_the_whole_volume(tiny):
    case = a_case("a", enhancing=False)
    inputs = keras.Input((8, 8, 8, 4))

    class Marks(keras.layers.Layer):
        """The first half of the answer: WT everywhere, nothing else."""

        def call(self, x):
            everywhere = keras.ops.ones_like(x[..., :1])
            return keras.ops.concatenate([everywhere, 0 * everywhere, 0 * everywhere], axis=-1)

    found = lesson_10_run.region_dice(keras.Model(inputs, Marks()(inputs)), [case])
    tumour, everything = np.count_nonzero(case.labels), case.labels.size
    assert found["a"]["WT"] == pytest.approx(2 * tumour / (tumour + everything))
    assert found["a"]["TC"] == 0 and found["a"]["ET"] == 1


def test_a_validation_can_be_watched(tiny):
    case, seen = a_case("a"), []
    network = lesson_10_run.new_network()
    lesson_10_run.validator([case, a_case("b", seed=1)], watch=seen.append)(network)
    (probability,) = seen
    assert probability.shape == (*case.images.shape[:3], 3)
    dice = lesson_10_run.region_dice(network, [case])["a"]["WT"]
    assert dice == pytest.approx(metrics.dice(case.regions()[..., 0], probability[..., 0] >= 0.5))


def test_resumed_runs_begin_alike_and_are_remembered(tiny, monkeypatch):
    train, validation = [a_case("a"), a_case("b", seed=1)], [a_case("c", seed=2)]
    network = lesson_10_run.new_network()
    before = network.get_weights()
    resume = lesson_10_run.Resumer(network, train, validation, steps=2)
    assert resume.copy is None, "nothing is built before it is asked"
    first = resume(draw=1, rate=0.05)
    weights = resume.copy.get_weights()
    others = [resume(draw=2, rate=0.05), resume(draw=1, rate=0.05, foreground=0)]
    assert all(0 <= score <= 1 for score in (first, *others))
    resume.reached.clear()
    assert resume(draw=1, rate=0.05) == first  # whatever was run in between
    for one, other in zip(weights, resume.copy.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    monkeypatch.setattr(lesson_10_run.loop, "fit", None)  # it would have to be called
    assert resume(draw=1, rate=0.05) == first
