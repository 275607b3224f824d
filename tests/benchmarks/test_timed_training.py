"""Training by the clock."""

from test_loop import Toy, network
from timed_training import TimedCosine, Until


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
