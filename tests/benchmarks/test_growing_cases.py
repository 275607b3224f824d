"""Cases that are made while a network trains: which ones a step draws from, and what is forgotten."""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
import brats_rules
import growing_cases


def fake(cases):
    """Stands in for `Patches`: its batch says which cases it was made of."""
    return SimpleNamespace(batch=lambda epoch, step: (np.array(cases), np.array([epoch, step])))


@pytest.fixture
def made():
    return []


@pytest.fixture
def growing(made):
    def make(number):
        made.append(number)
        return number

    return growing_cases.GrowingPatches(fake, make, pool=3, every=10)


def test_a_new_case_replaces_the_oldest_every_ten_steps(growing):
    cases = [growing.batch(0, step)[0].tolist() for step in (0, 9, 10, 25)]
    assert cases == [[0, 1, 2], [0, 1, 2], [1, 2, 3], [2, 3, 4]]


def test_each_case_is_made_once_while_steps_follow_each_other(growing, made):
    for step in range(100):
        growing.batch(0, step)
    assert made == list(range(12))
    assert len(growing._made) == 3 and len(growing._windows) <= 2


def test_a_step_out_of_order_draws_from_its_own_cases(growing):
    growing.batch(0, 20)
    assert growing.batch(0, 19)[0].tolist() == [1, 2, 3]  # the other worker is a step behind
    assert growing.batch(0, 0)[0].tolist() == [0, 1, 2]  # a second training run starts again


def test_a_prepared_case_looks_like_those_read_from_files(monkeypatch):
    rng = np.random.default_rng(0)
    images = np.zeros((20, 24, 18, 4), np.float32)
    images[4:16, 4:20, 3:15] = rng.uniform(1, 2, (12, 16, 12, 4))
    labels = np.zeros(images.shape[:3], np.uint8)
    labels[6:9, 6:9, 6:9] = 2
    answer = lambda seed, number, variety: ("rim", images, labels)  # noqa: E731
    monkeypatch.setattr(growing_cases.varied_case, "varied_case", answer)
    case = growing_cases.prepared(0, 7, mirrored=False)
    assert case.images.shape == (12, 16, 12, 4) and case.spacing == (2.0, 2.0, 2.0)
    assert case.images.dtype == np.float16 and set(case.centres[:, 0]) == {0, 2}
    inner = np.asarray(case.images, np.float32)[1:-1, 1:-1, 1:-1]
    assert 0.85 < inner.std() < 1.0
    assert growing_cases.prepared(0, 7).images.shape[-1] == 8


def test_a_nested_choice_never_sees_the_case_that_it_is_scored_on():
    # rule 0 is best by far for the first case, rule 1 by a little for the two others
    whole = np.array([[0.9, 0.1], [0.5, 0.6], [0.5, 0.6]])
    dice = np.stack([whole, whole, whole], axis=-1)
    assert brats_rules.nested(dice)[:, 0].tolist() == [0.1, 0.5, 0.5]


def test_real_cases_join_when_their_share_of_the_minutes_begins(monkeypatch):
    import brats_dice

    monkeypatch.setattr(brats_dice.patch_batches, "Patches", lambda cases, **_: fake(cases))
    monkeypatch.setattr(growing_cases, "prepared", lambda seed, number, mirrored: number)
    over = [0.0]
    course = brats_dice.RECIPES["course"]
    recipe = brats_dice.replace(course, asymmetry=False, pool=2, every=10, real_from=0.6)
    batches = brats_dice.batches_of(recipe, [-1], [], 0, True, lambda: over[0])
    assert batches.batch(0, 0)[0].tolist() == [0, 1]
    over[0] = 0.59
    assert batches.batch(0, 10)[0].tolist() == [1, 2]
    over[0] = 0.6
    assert batches.batch(0, 20)[0].tolist() == [-1, -1, 2, 3], "half of the cases are real"
