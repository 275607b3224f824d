"""What Keras can watch while it trains, beside the loss; saved with the network and loaded again.

The course judges with `metrics`, case by case. A Keras metric sees batches of patches, so what it
shows is a sign of progress and no case's score.
"""

import keras
from keras import ops


@keras.saving.register_keras_serializable("unet_course")
class PooledDice(keras.metrics.Metric):
    """Dice of one class after a threshold, all batches since the epoch's start taken as one.

    2 TP / (2 TP + FP + FN), counts added up over the batches first (`metrics.pooled` gives the
    same). 1 where nothing was there and nothing was marked, as in `metrics.dice`.

    Args:
        channel: the class: 0, 1 and 2 are WT, TC and ET where `brats.regions` made the masks.
        threshold: from which a probability counts as marked.

    Raises:
        ValueError: when called, shapes that differ.

    >>> import numpy as np
    >>> dice = PooledDice()
    >>> truth, prediction = np.array([[[1.0], [1.0], [0.0]]]), np.array([[[0.9], [0.2], [0.1]]])
    >>> dice.update_state(truth, prediction)
    >>> round(float(dice.result()), 3)  # 2 · 1 / (2 · 1 + 0 + 1)
    0.667
    """

    def __init__(self, channel: int = 0, threshold: float = 0.5, name="pooled_dice", **kwargs):
        super().__init__(name=name, **kwargs)
        self.channel = channel
        self.threshold = threshold
        self.both = self.add_weight(name="both", initializer="zeros")
        self.sizes = self.add_weight(name="sizes", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch (batch, *spatial, classes); `sample_weight` is passed over."""
        if len(y_true.shape) != len(y_pred.shape) or y_true.shape[-1] != y_pred.shape[-1]:
            raise ValueError(f"truth {y_true.shape} and prediction {y_pred.shape} differ in shape")
        truth = ops.cast(y_true[..., self.channel], "float32")
        marked = ops.cast(y_pred[..., self.channel] >= self.threshold, "float32")
        self.both.assign_add(ops.sum(truth * marked))
        self.sizes.assign_add(ops.sum(truth) + ops.sum(marked))

    def result(self):
        nothing = self.sizes == 0
        return ops.where(nothing, 1.0, 2 * self.both / ops.where(nothing, 1.0, self.sizes))

    def get_config(self):
        return super().get_config() | {"channel": self.channel, "threshold": self.threshold}
