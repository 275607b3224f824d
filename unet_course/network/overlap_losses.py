"""Overlap losses: soft Dice, Jaccard, Tversky and focal Tversky.

Lessons import them from `losses`, whose docstring gives the shapes. All are computed from the same
three sums over space: of truth · prediction, of the truth, and of the prediction.
"""

import math

import keras
from keras import ops


def non_negative(**arguments: float) -> None:
    """Raise a ValueError that names the argument, if one is negative, infinite or not a number."""
    for name, value in arguments.items():
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name} must be finite and not negative, it is {value}")


def comparable(y_true, y_pred):
    """Return both as tensors of at least float32: bfloat16 can't count the pixels of one slice.

    Raises:
        ValueError: shapes that differ (a missing channel axis would be broadcast, silently), or
            fewer than three axes.
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    truth, predicted = tuple(y_true.shape), tuple(y_pred.shape)
    sides = zip(truth, predicted, strict=False)
    differ = len(truth) != len(predicted) or any(a != b for a, b in sides if None not in (a, b))
    if differ or len(predicted) < 3:
        raise ValueError(
            "targets and predictions must both be (batch, *spatial, classes); "
            f"they are {truth} and {predicted}"
        )
    dtype = keras.backend.result_type(y_pred.dtype, "float32")
    return ops.cast(y_true, dtype), ops.cast(y_pred, dtype)


class OverlapLoss(keras.losses.Loss):
    """Base class of the overlap losses: their arguments, the sums and the mean over classes.

    Args:
        smooth: added to numerator and denominator. With it, an empty truth and an empty prediction
            give a loss of 0, and a case without tumour has a gradient. With smooth=0 such a case is
            0/0, so that the whole batch becomes NaN.
        pool_batch: False: the sums run over each case by itself. True: they run over the whole
            batch as if it were one case, so that each tumour pixel has the same weight.
        background: False leaves out channel 0; for a softmax, where that is the background.

    Raises:
        ValueError: smooth below 0; when called, shapes that differ, or background=False with a
            single channel.
    """

    NAME: str  # of the loss, where none is given

    def __init__(self, smooth=1.0, pool_batch=False, background=True, name=None, **kwargs):
        super().__init__(name=name or self.NAME, **kwargs)
        non_negative(smooth=smooth)
        self.smooth, self.pool_batch, self.background = smooth, pool_batch, background

    def per_class(self, product, truth, prediction):
        """The loss of each class from its sums, each (batch, classes), or (classes,) if pooled."""
        raise NotImplementedError

    def call(self, y_true, y_pred):
        y_true, y_pred = comparable(y_true, y_pred)
        if not self.background:
            if y_pred.shape[-1] == 1:
                raise ValueError("background=False would leave out the only channel there is")
            y_true, y_pred = y_true[..., 1:], y_pred[..., 1:]
        axes = tuple(range(0 if self.pool_batch else 1, len(y_pred.shape) - 1))
        sums = (ops.sum(part, axis=axes) for part in (y_true * y_pred, y_true, y_pred))
        return ops.mean(self.per_class(*sums), axis=-1)  # (batch,), or () when pooled

    def get_config(self):
        own = {"smooth": self.smooth, "pool_batch": self.pool_batch, "background": self.background}
        return super().get_config() | own


@keras.saving.register_keras_serializable("unet_course")
class SoftDice(OverlapLoss):
    """1 - soft Dice: 1 - (2 Σtp + smooth) / (Σt + Σp + smooth), per class, then the mean.

    Dice on probabilities (Milletari et al., 2016, who square the terms below; plain sums as in
    Drozdzal et al., 2016). On a 0/1 prediction with smooth=0 it is 1 - Dice (Dice, 1945).

    Arguments, errors and empty masks as in `OverlapLoss`. With an empty truth the loss is
    1 - smooth / (Σp + smooth): with smooth=1, a single predicted pixel costs 0.5 already.

    >>> import numpy as np
    >>> truth = np.array([1.0, 1.0, 0.0, 0.0]).reshape(1, 2, 2, 1)
    >>> round(float(SoftDice(smooth=0.0)(truth, 0.5 * np.ones_like(truth))), 3)  # 1 - 2·1/(2+2)
    0.5
    """

    NAME = "soft_dice"

    def per_class(self, product, truth, prediction):
        return 1 - (2 * product + self.smooth) / (truth + prediction + self.smooth)


@keras.saving.register_keras_serializable("unet_course")
class Jaccard(OverlapLoss):
    """1 - soft Jaccard: 1 - (Σtp + smooth) / (Σt + Σp - Σtp + smooth), per class, then the mean.

    The IoU (Jaccard, 1912) on probabilities (Rahman & Wang, 2016). It ranks predictions of one
    case as Dice does: Jaccard = Dice / (2 - Dice), exactly so where `SoftDice` has twice the
    smoothing.

    Arguments, errors and empty masks as in `OverlapLoss`; an empty truth as in `SoftDice`.
    """

    NAME = "jaccard"

    def per_class(self, product, truth, prediction):
        return 1 - (product + self.smooth) / (truth + prediction - product + self.smooth)


@keras.saving.register_keras_serializable("unet_course")
class Tversky(OverlapLoss):
    """1 - Tversky index, in which false positives and false negatives have separate weights.

    1 - (TP + smooth) / (TP + alpha FP + beta FN + smooth), per class, then the mean, with
    TP = Σtp, FP = Σ(1-t)p, FN = Σt(1-p) (Tversky, 1977; as a loss Salehi et al., 2017, whose
    alpha and beta these are). alpha = beta = 0.5 is `SoftDice` with twice the smoothing,
    alpha = beta = 1 is `Jaccard`.

    Args:
        alpha: weight of a false positive.
        beta: weight of a false negative. If it is larger than alpha, missed tumour costs more than
            a false alarm.
        smooth, pool_batch, background: as in `OverlapLoss`, like errors and empty masks. With an
            empty truth the loss is 1 - smooth / (alpha Σp + smooth).

    Raises:
        ValueError: alpha or beta below 0, or both 0.

    >>> import numpy as np
    >>> truth, one_more, one_less = np.array(
    ...     [[1.0, 1.0, 0.0, 0.0], [1.0, 1.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0]]
    ... ).reshape(3, 1, 2, 2, 1)
    >>> loss = Tversky(alpha=0.3, beta=0.7, smooth=0.0)
    >>> round(float(loss(truth, one_more)), 3)  # 1 - 2 / (2 + 0.3)
    0.13
    >>> round(float(loss(truth, one_less)), 3)  # 1 - 1 / (1 + 0.7)
    0.412
    """

    NAME = "tversky"

    def __init__(
        self, alpha=0.3, beta=0.7, smooth=1.0, pool_batch=False, background=True, **kwargs
    ):
        super().__init__(smooth, pool_batch, background, **kwargs)
        non_negative(alpha=alpha, beta=beta)
        if alpha == beta == 0:
            raise ValueError("alpha and beta are both 0: no error would cost anything")
        self.alpha, self.beta = alpha, beta

    def per_class(self, product, truth, prediction):
        errors = self.alpha * (prediction - product) + self.beta * (truth - product)
        return 1 - (product + self.smooth) / (product + errors + self.smooth)

    def get_config(self):
        return super().get_config() | {"alpha": self.alpha, "beta": self.beta}


@keras.saving.register_keras_serializable("unet_course")
class FocalTversky(Tversky):
    """(1 - Tversky index) ^ gamma, per class, then the mean (Abraham & Khan, 2019).

    In the paper gamma is 1 / the exponent (its 4/3 is the 0.75 here), alpha weights false negatives
    (its 0.7 is the beta here), and the classes are summed.

    With gamma below 1 the slope grows without limit as the index approaches 1. So the loss is
    (1 - index + e) ^ gamma - e ^ gamma, e = 1e-7: still 0 for a perfect prediction; at
    gamma = 0.75 less than 1e-5 away from the formula elsewhere, and never more than 42.2 times as
    steep as `Tversky`.

    Args:
        alpha, beta, smooth, pool_batch, background: as in `Tversky`, like errors and empty masks.
        gamma: below 1, gradients are larger than `Tversky`'s where the overlap is good already (at
            0.75 where the index is above 0.68) and smaller elsewhere; above 1, cases and classes
            with a poor overlap outweigh the others; 1 is `Tversky`.

    Raises:
        ValueError: gamma of 0 or below.
    """

    NAME = "focal_tversky"
    EDGE = 1e-7

    def __init__(
        self,
        alpha=0.3,
        beta=0.7,
        gamma=0.75,
        smooth=1.0,
        pool_batch=False,
        background=True,
        **kwargs,
    ):
        super().__init__(alpha, beta, smooth, pool_batch, background, **kwargs)
        non_negative(gamma=gamma)
        if gamma == 0:
            raise ValueError("gamma must be above 0: to the power 0, every prediction costs 1")
        self.gamma = gamma

    def per_class(self, product, truth, prediction):
        lost = super().per_class(product, truth, prediction)
        lost = ops.maximum(lost, 0.0)  # rounding can take it below, and the power would be NaN
        return (lost + self.EDGE) ** self.gamma - self.EDGE**self.gamma

    def get_config(self):
        return super().get_config() | {"gamma": self.gamma}
