"""Deep supervision: while a network trains, the loss is taken at several of its levels."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("unet_course")
class DeeplySupervised(keras.Model):
    """A network with one prediction, which also gives one from each of its heads while it trains.

    Made by `unet.unet` and `unet.unet_plus_plus` with `deep_supervision=True`. `fit` minimises the
    compiled loss averaged over the heads, each at full size and with the same weight (Lee et al.,
    "Deeply-supervised nets", 2015, with a head's weight constant); metrics, `evaluate` and
    `predict` see the prediction alone. A training step written by hand gets the loss of `fit` by
    `model.compute_loss(y=truth, y_pred=model(images, training=True))`.

    >>> from unet_course.network import unet
    >>> import numpy as np
    >>> model = unet.unet((16, 16, 1), filters=2, depth=3, deep_supervision=True)
    >>> images = np.zeros((4, 16, 16, 1), "float32")
    >>> outputs = model(images, training=True)
    >>> tuple(outputs["prediction"].shape), len(outputs["heads"])
    ((4, 16, 16, 1), 3)
    """

    def call(self, inputs, training=None, mask=None):
        outputs = super().call(inputs, training=training, mask=mask)
        # a dict, since Keras silently stacks a list of masks that it hands to a loss
        return outputs if training else outputs["prediction"]

    def compute_output_spec(self, inputs, training=None, mask=None):
        outputs = super().compute_output_spec(inputs, training=training, mask=mask)
        return outputs if training else outputs["prediction"]

    @property
    def output_shape(self):
        return self.output["prediction"].shape

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        heads = y_pred["heads"] if isinstance(y_pred, dict) else [y_pred]
        one = super().compute_loss
        return ops.mean(ops.stack([one(x, y, h, sample_weight, training) for h in heads]))

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        prediction = y_pred["prediction"] if isinstance(y_pred, dict) else y_pred
        return super().compute_metrics(x, y, prediction, sample_weight)
