"""Train a Keras model by the clock; runs in the environments of the peers that use Keras."""

import keras
import peer


class Timed(keras.callbacks.Callback):
    """Stops the training when the clock's minutes are over."""

    def __init__(self, clock: peer.Clock):
        super().__init__()
        self.clock = clock

    def on_train_batch_end(self, batch, logs=None):
        if not self.clock.tick():
            self.model.stop_training = True


def train(model: keras.Model, batches, clock: peer.Clock) -> None:
    """Train for the minutes on an endless data set. Compiling is outside: one step, then undone."""
    model.optimizer.build(model.trainable_variables)
    variables = [*model.variables, *model.optimizer.variables]
    start = [keras.ops.convert_to_numpy(v) for v in variables]
    model.fit(batches, steps_per_epoch=1, verbose=0, shuffle=False)
    for variable, value in zip(variables, start, strict=True):
        variable.assign(value)
    clock.start()
    timed = Timed(clock)
    model.fit(batches, steps_per_epoch=10_000_000, verbose=0, shuffle=False, callbacks=[timed])
