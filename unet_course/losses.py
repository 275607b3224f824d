"""Losses to train with; the smaller the better, and differentiable everywhere.

Targets and predictions are (batch, *spatial, classes), probabilities on the side of the
prediction. Sums run in float32, since bfloat16 can't count the pixels of one slice.
"""

import keras
from keras import ops


def _overlap(y_true, y_pred, pool_batch: bool):
    """Sums over space per case and class: of the product, of the truth, of the prediction."""
    y_true, y_pred = ops.cast(y_true, "float32"), ops.cast(y_pred, "float32")
    axes = tuple(range(1, len(y_pred.shape) - 1))
    if pool_batch:
        axes = (0, *axes)
    product = ops.sum(y_true * y_pred, axis=axes)
    return product, ops.sum(y_true, axis=axes), ops.sum(y_pred, axis=axes)


@keras.saving.register_keras_serializable("unet_course")
class SoftDice(keras.losses.Loss):
    """1 - soft Dice, per class, averaged (Milletari et al., 2016, with plain sums below).

    Dice on probabilities: (2 Σ t·p + smooth) / (Σ t + Σ p + smooth). Keras' own `Dice` flattens
    cases and classes into one by default; here each class counts alike.

    Args:
        smooth: added above and below. It makes "nothing there, nothing found" a loss of 0 rather
            than 0/0, and gives a slice without tumour a gradient.
        pool_batch: False: Dice per case, then the mean. True: one Dice over the whole batch, so
            that a slice with three tumour pixels weighs as much as three pixels do elsewhere.

    >>> import numpy as np
    >>> truth = np.array([1.0, 1.0, 0.0, 0.0]).reshape(1, 2, 2, 1)
    >>> round(float(SoftDice(smooth=0.0)(truth, 0.5 * np.ones_like(truth))), 3)
    0.5
    """

    def __init__(self, smooth: float = 1.0, pool_batch: bool = False, name="soft_dice", **kwargs):
        super().__init__(name=name, **kwargs)
        if smooth < 0:
            raise ValueError(f"smooth must not be negative, it is {smooth}")
        self.smooth = smooth
        self.pool_batch = pool_batch

    def call(self, y_true, y_pred):
        product, truth, prediction = _overlap(y_true, y_pred, self.pool_batch)
        score = (2 * product + self.smooth) / (truth + prediction + self.smooth)
        return 1 - ops.mean(score, axis=-1)  # (batch,), or a scalar when the batch is pooled

    def get_config(self):
        own = {"smooth": self.smooth, "pool_batch": self.pool_batch}
        return super().get_config() | own


@keras.saving.register_keras_serializable("unet_course")
class BCEDice(keras.losses.Loss):
    """Binary cross-entropy plus soft Dice: steady gradients from the one, overlap from the other.

    Args:
        dice_weight: what the Dice part is multiplied with; the cross-entropy has weight 1.
        smooth, pool_batch: as in `SoftDice`.

    >>> import numpy as np
    >>> truth = np.array([1.0, 1.0, 0.0, 0.0]).reshape(1, 2, 2, 1)
    >>> round(float(BCEDice(smooth=0.0)(truth, 0.5 * np.ones_like(truth))), 3)  # ln 2 + 0.5
    1.193
    """

    def __init__(
        self,
        dice_weight: float = 1.0,
        smooth: float = 1.0,
        pool_batch: bool = False,
        name="bce_dice",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        self.dice_weight = dice_weight
        self.dice = SoftDice(smooth, pool_batch)

    def call(self, y_true, y_pred):
        y_true, y_pred = ops.cast(y_true, "float32"), ops.cast(y_pred, "float32")
        per_pixel = keras.losses.binary_crossentropy(y_true, y_pred)  # (batch, *spatial)
        entropy = ops.mean(per_pixel, axis=tuple(range(1, len(per_pixel.shape))))
        return entropy + self.dice_weight * self.dice.call(y_true, y_pred)

    def get_config(self):
        own = {
            "dice_weight": self.dice_weight,
            "smooth": self.dice.smooth,
            "pool_batch": self.dice.pool_batch,
        }
        return super().get_config() | own
