"""Gradients on whichever backend Keras runs on."""

import keras
import numpy as np


def of_loss(loss, truth, found) -> np.ndarray:
    """The gradient of `loss(truth, found)` for `found`."""
    if keras.backend.backend() == "jax":
        import jax

        return np.asarray(jax.grad(lambda found: loss(truth, found))(jax.numpy.asarray(found)))
    import tensorflow as tf

    found = tf.convert_to_tensor(found)
    with tf.GradientTape() as tape:
        tape.watch(found)
        value = loss(truth, found)
    return tape.gradient(value, found).numpy()


def of_weights(model: keras.Model, images, truth) -> list:
    """The gradient of a compiled model's training loss for each trainable variable, None for none."""
    if keras.backend.backend() == "jax":
        import jax

        others = [variable.value for variable in model.non_trainable_variables]

        def loss(trained):
            answer, _ = model.stateless_call(trained, others, images, training=True)
            return model.compute_loss(y=truth, y_pred=answer)

        return jax.grad(loss)([variable.value for variable in model.trainable_variables])
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss = model.compute_loss(y=truth, y_pred=model(images, training=True))
    return tape.gradient(loss, model.trainable_variables)
