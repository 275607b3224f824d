"""Losses for segmentation, in 2-D and 3-D: weighted cross-entropy, Dice and their combinations.

Targets and predictions are `(batch, *spatial, classes)`: targets 0 or 1, predictions probabilities
after a sigmoid (each channel by itself) or a softmax (channels compete; targets one-hot). A loss
gives one number per case (with `pool_batch=True` the overlap is one for the batch), and Keras takes
the mean. Sums run in float32 at least, since bfloat16 can't count the pixels of one slice.

Keras' own, used as they are (values agree with the formula, in 2-D, 3-D and bfloat16):

- `keras.losses.BinaryCrossentropy` (sigmoid) and `CategoricalCrossentropy` (softmax). The latter,
  given bare predictions, divides each pixel's by their sum first, so that predictions which don't
  sum to 1 go unnoticed.
- `keras.losses.BinaryFocalCrossentropy` (Lin et al., 2017). `alpha` does nothing without
  `apply_class_balancing=True`; gamma below 1 gives a NaN gradient where a prediction is right.

Use the classes: the function `keras.losses.binary_crossentropy` gives inf or NaN for an exact 0 or
1 in bfloat16. In `fit`, on TensorFlow, all three (and `WeightedBCE`, `BCEDice`, `CrossEntropyDice`)
work from the scores before a Keras sigmoid or softmax, so that even a very wrong score has a
gradient. Given probabilities alone, they keep each at least 1e-7 away from 0 and 1: the worst pixel
costs 16, and BCE has no gradient there, in float32 from a score of 16 on. TensorFlow's sigmoid in
bfloat16, on a CPU, reaches 1 from 5.6 on, so a network's last activation runs in float32.

Keras' own, not used (figures from Keras 3.13.2 and 3.15.1):

- `Tversky`: its alpha weights false negatives and its beta false positives, the reverse of its
  documentation and of Salehi et al. (2017).
- `Dice` and `Tversky` flatten cases, classes and background into one sum unless given `axis`: one
  tumour pixel, missed, among 100 under a softmax costs 0.01; 1 without the background.
- They have no smoothing: with an empty truth the loss is 1 for any prediction, without a gradient.
"""

import keras
from keras import ops

from unet_course.network import overlap_losses
from unet_course.network.overlap_losses import FocalTversky, Jaccard, SoftDice, Tversky

__all__ = ["BCEDice", "CrossEntropyDice", "WeightedBCE"]
__all__ += ["FocalTversky", "Jaccard", "SoftDice", "Tversky"]


def _mean_over_space(per_pixel):
    """`(batch, *spatial)` → (batch,)."""
    return ops.mean(per_pixel, axis=tuple(range(1, len(per_pixel.shape))))


@keras.saving.register_keras_serializable("unet_course")
class WeightedBCE(keras.losses.Loss):
    """Weighted binary cross-entropy: a tumour pixel counts several times.

    -(w t log p + (1-t) log(1-p)), mean over pixels and classes (Xie & Tu, 2015, weight both sides;
    here the background keeps weight 1, and the mean isn't divided by the weights' sum). For
    sigmoid. With w = 1 it is `keras.losses.BinaryCrossentropy`.

    Args:
        positive_weight: w, for pixels whose target is 1. With w = background pixels per tumour
            pixel, tumour and background of a data set count equally.

    Raises:
        ValueError: a weight of 0 or below; when called, shapes that differ.

    >>> import numpy as np
    >>> truth = np.array([1.0, 0.0, 0.0, 0.0]).reshape(1, 2, 2, 1)
    >>> loss = WeightedBCE(positive_weight=5.0)
    >>> round(float(loss(truth, 0.5 * np.ones_like(truth))), 3)  # (5 + 3) · ln 2 / 4
    1.386
    """

    def __init__(self, positive_weight: float, name="weighted_bce", **kwargs):
        super().__init__(name=name, **kwargs)
        overlap_losses.non_negative(positive_weight=positive_weight)
        if positive_weight == 0:
            raise ValueError("positive_weight must be above 0: tumour would cost nothing")
        self.positive_weight = positive_weight

    def call(self, y_true, y_pred):
        y_true, y_pred = overlap_losses.comparable(y_true, y_pred)
        weights = 1 + (self.positive_weight - 1) * y_true
        # Keras' own function, since in training it works from the scores before the sigmoid
        per_pixel = weights * ops.binary_crossentropy(y_true, y_pred)
        return _mean_over_space(ops.mean(per_pixel, axis=-1))

    def get_config(self):
        return super().get_config() | {"positive_weight": self.positive_weight}


@keras.saving.register_keras_serializable("unet_course")
class BCEDice(keras.losses.Loss):
    """Binary cross-entropy plus soft Dice: steady gradients from one, overlap from the other.

    BCE + dice_weight · SoftDice, for sigmoid; BCE is the mean over pixels and classes, Dice per
    class, then the mean (the sum of both as in Isensee et al., 2021).

    Args:
        dice_weight: what the Dice part is multiplied with; the cross-entropy has weight 1.
        smooth, pool_batch: as in `SoftDice`, also for empty masks.

    Raises:
        ValueError: dice_weight or smooth below 0; when called, shapes that differ.

    >>> import numpy as np
    >>> truth = np.array([1.0, 1.0, 0.0, 0.0]).reshape(1, 2, 2, 1)
    >>> round(float(BCEDice(smooth=0.0)(truth, 0.5 * np.ones_like(truth))), 3)  # ln 2 + 0.5
    1.193
    """

    def __init__(self, dice_weight=1.0, smooth=1.0, pool_batch=False, name="bce_dice", **kwargs):
        super().__init__(name=name, **kwargs)
        overlap_losses.non_negative(dice_weight=dice_weight)
        self.dice_weight = dice_weight
        self.dice = SoftDice(smooth, pool_batch)

    def call(self, y_true, y_pred):
        y_true, y_pred = overlap_losses.comparable(y_true, y_pred)
        entropy = _mean_over_space(keras.losses.binary_crossentropy(y_true, y_pred))
        return entropy + self.dice_weight * self.dice.call(y_true, y_pred)

    def get_config(self):
        config = super().get_config() | {"dice_weight": self.dice_weight}
        return config | {"smooth": self.dice.smooth, "pool_batch": self.dice.pool_batch}


@keras.saving.register_keras_serializable("unet_course")
class CrossEntropyDice(keras.losses.Loss):
    """Categorical cross-entropy plus soft Dice, for softmax over several classes.

    -Σ over classes of t log p, mean over pixels, background included, plus dice_weight · SoftDice
    over the classes without the background (Isensee et al., 2021: nnU-Net).

    Args:
        dice_weight: what the Dice part is multiplied with; the cross-entropy has weight 1.
        smooth, pool_batch: as in `SoftDice`, also for a class that is in neither mask.
        background: True includes channel 0 in the Dice part.

    Raises:
        ValueError: dice_weight or smooth below 0; when called, shapes that differ (targets must
            be one-hot), or a single channel, which needs `BCEDice`.

    A pixel whose predictions are all 0, which a softmax never gives, makes it NaN.

    >>> import numpy as np
    >>> truth = np.eye(2)[[[[0, 0], [1, 1]]]]  # (1, 2, 2, 2): upper half background
    >>> loss = CrossEntropyDice(smooth=0.0)
    >>> round(float(loss(truth, 0.5 * np.ones_like(truth))), 3)  # ln 2 + 1 - 2·1/(2+2)
    1.193
    """

    def __init__(self, dice_weight=1.0, smooth=1.0, pool_batch=False, background=False, **kwargs):
        super().__init__(name=kwargs.pop("name", "cross_entropy_dice"), **kwargs)
        overlap_losses.non_negative(dice_weight=dice_weight)
        self.dice_weight = dice_weight
        self.dice = SoftDice(smooth, pool_batch, background)

    def call(self, y_true, y_pred):
        y_true, y_pred = overlap_losses.comparable(y_true, y_pred)
        if y_pred.shape[-1] == 1:
            raise ValueError("a softmax over one channel is always 1; use a sigmoid and BCEDice")
        entropy = _mean_over_space(keras.losses.categorical_crossentropy(y_true, y_pred))
        return entropy + self.dice_weight * self.dice.call(y_true, y_pred)

    def get_config(self):
        config = super().get_config() | {
            "dice_weight": self.dice_weight,
            "smooth": self.dice.smooth,
        }
        return config | {"pool_batch": self.dice.pool_batch, "background": self.dice.background}
