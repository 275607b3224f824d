"""Training by the clock."""

from dataclasses import replace

import keras
import lgg_dice
import numpy as np
from lgg_files import write_set
from test_loop import Toy, network
from timed_training import TimedCosine, Until

from unet_course.data import lgg, slices


def test_training_by_the_clock_stops_at_its_end_and_cools_down():
    ticks = iter(range(1000))  # a second passes at each look, however slow the machine is
    clock = TimedCosine(minutes=0.2, peak=1e-2, clock=lambda: next(ticks))
    model = network()
    data = Toy(4).epoch(0).repeat()
    model.fit(data, steps_per_epoch=1_000_000, verbose=0, callbacks=[clock])
    assert clock.steps == 6 and clock.share() >= 1  # 12 s, two looks a step
    assert float(model.optimizer.learning_rate.numpy()) < 1e-2


def test_a_second_network_goes_on_with_the_same_clock():
    ticks = iter(range(1000))
    clock = TimedCosine(minutes=0.2, peak=1e-2, clock=lambda: next(ticks))
    data = Toy(4).epoch(0).repeat()
    first, second = network(), network()
    first.fit(data, steps_per_epoch=1000, verbose=0, callbacks=[clock, Until(clock, 0.5)])
    assert clock.steps == 3 and 0.5 <= clock.share() < 1
    second.fit(data, steps_per_epoch=1000, verbose=0, callbacks=[clock])
    assert clock.steps == 6 and clock.share() >= 1
    rates = [float(model.optimizer.learning_rate.numpy()) for model in (first, second)]
    assert rates[1] < rates[0] < 1e-2


def test_the_larger_network_goes_on_from_the_smaller_ones_weights(tmp_path, monkeypatch):
    made, starts = [], []

    def compiled(make, dataset, seed, clock):
        keras.utils.set_random_seed(len(made))  # two networks that start differently
        made.append(make())
        starts.append(made[-1].get_weights())
        return made[-1], 1.0

    monkeypatch.setattr(lgg_dice, "compiled", compiled)
    recipe = replace(
        lgg_dice.RECIPES["course"],
        **dict(side=32, late_side=64, filters=(2,), depth=2, peak=1e-9, batch_size=2),
    )
    patients = lgg.find_patients(write_set(tmp_path, patients=1, slices=3))
    data = [slices.load(patients, side, progress=False) for side in lgg_dice.sizes(recipe)]
    model, _, _ = lgg_dice.train(recipe, 1e-9, data, 0)
    assert model is made[1] and model.input_shape == (None, 64, 64, 3)
    kernel = model.get_weights()[0]
    assert np.allclose(kernel, starts[0][0], atol=1e-5)
    assert not np.allclose(kernel, starts[1][0], atol=1e-2)
