"""Dice as a Keras metric, for monitoring training; saved and loaded with the network.

A Keras metric sees batches of patches, so its value shows progress and isn't the score of any case.
"""

import keras
from keras import ops


@keras.saving.register_keras_serializable("unet_course")
class PooledDice(keras.metrics.Metric):
    """Dice of one class after a threshold, pooled over all batches since the start of the epoch.

    2 TP / (2 TP + FP + FN), with the counts added up over the batches first, as in
    `metrics.pooled`. 1 if there was no tumour and none was predicted, as in `metrics.dice`.

    Args:
        channel: the class; 0, 1 and 2 are WT, TC and ET if `brats.regions` made the masks.
        threshold: the probability from which a voxel is predicted as tumour.

    Raises:
        ValueError: when called, shapes that differ, or (outside a compiled step, where values
            can't be seen and are cut to 0 to 1) a mask with values outside 0 to 1.

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
        """Add a batch `(batch, *spatial, classes)`; `sample_weight` is ignored."""
        if len(y_true.shape) != len(y_pred.shape) or y_true.shape[-1] != y_pred.shape[-1]:
            raise ValueError(f"truth {y_true.shape} and prediction {y_pred.shape} differ in shape")
        truth = ops.cast(y_true[..., self.channel], "float32")
        _expect_mask(truth)
        truth = ops.clip(truth, 0.0, 1.0)  # compiled, the values can't be looked at
        marked = ops.cast(y_pred[..., self.channel] >= self.threshold, "float32")
        self.both.assign_add(ops.sum(truth * marked))
        self.sizes.assign_add(ops.sum(truth) + ops.sum(marked))

    def result(self):
        both, sizes = ops.convert_to_tensor(self.both), ops.convert_to_tensor(self.sizes)
        nothing = sizes == 0
        return ops.where(nothing, 1.0, 2 * both / ops.where(nothing, 1.0, sizes))

    def get_config(self):
        return super().get_config() | {"channel": self.channel, "threshold": self.threshold}


def _expect_mask(truth) -> None:
    """Raise where a mask holds other values than 0 to 1; nothing where values aren't known yet."""
    try:
        low, high = float(ops.min(truth)), float(ops.max(truth))
    except (TypeError, ValueError, AttributeError, NotImplementedError, RuntimeError):
        return
    if low < 0 or high > 1:
        raise ValueError(f"masks must be 0 and 1, these go from {low:g} to {high:g}")
