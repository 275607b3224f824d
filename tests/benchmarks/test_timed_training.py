"""Training by the clock."""

from test_loop import Toy, network
from timed_training import TimedCosine


def test_training_by_the_clock_stops_at_its_end_and_cools_down():
    ticks = iter(range(1000))  # a second passes at each look, however slow the machine is
    clock = TimedCosine(minutes=0.2, peak=1e-2, clock=lambda: next(ticks))
    model = network()
    data = Toy(4).epoch(0).repeat()
    model.fit(data, steps_per_epoch=1_000_000, verbose=0, callbacks=[clock])
    assert clock.steps == 6 and clock.share() >= 1  # 12 s, two looks a step
    assert float(model.optimizer.learning_rate.numpy()) < 1e-2
