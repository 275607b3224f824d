"""Keras' 3-D convolutions computed in a way that trains faster on a processor (CPU).

TensorFlow computes the gradient of a `Conv3D` slowly on many processors, slowest where kernel and
stride are equal. The layers here have the same weights as Keras' own and give the same numbers:

- kernel = stride is one matrix product, since no two windows overlap;
- an odd kernel with stride 1 is one 2-D convolution: the taps along the first axis become channels
  (Σ over dx of conv2d(x[i + dx], w[dx])), and that axis is counted with the batch.
"""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("unet_course")
class PatchConv3D(layers.Conv3D):
    """`Conv3D` whose kernel is as wide as its stride, as a matrix product."""

    def call(self, x):
        *sides, channels = x.shape[1:]
        p, q, r = self.strides
        a, b, c = (side // stride for side, stride in zip(sides, self.strides, strict=True))
        x = ops.reshape(x, (-1, a, p, b, q, c, r, channels))
        x = ops.transpose(x, (0, 1, 3, 5, 2, 4, 6, 7))
        x = ops.reshape(x, (-1, a, b, c, p * q * r * channels))
        x = ops.matmul(x, ops.reshape(self.kernel, (p * q * r * channels, self.filters)))
        return self.activation(x + self.bias if self.use_bias else x)


@keras.saving.register_keras_serializable("unet_course")
class PatchConv3DTranspose(layers.Conv3DTranspose):
    """`Conv3DTranspose` whose kernel is as wide as its stride, as a matrix product."""

    def call(self, x):
        a, b, c, channels = x.shape[1:]
        p, q, r = self.strides
        kernel = ops.reshape(self.kernel, (p * q * r * self.filters, channels))
        x = ops.matmul(x, ops.transpose(kernel))
        x = ops.reshape(x, (-1, a, b, c, p, q, r, self.filters))
        x = ops.transpose(x, (0, 1, 4, 2, 5, 3, 6, 7))
        x = ops.reshape(x, (-1, a * p, b * q, c * r, self.filters))
        return self.activation(x + self.bias if self.use_bias else x)


@keras.saving.register_keras_serializable("unet_course")
class FoldedConv3D(layers.Conv3D):
    """`Conv3D` with an odd kernel, stride 1 and padding "same", as one `conv2d`."""

    def call(self, x):
        a, b, c, channels = x.shape[1:]
        k, m, n = self.kernel_size
        x = ops.pad(x, [(0, 0), (k // 2, k // 2), (0, 0), (0, 0), (0, 0)])
        x = ops.concatenate([x[:, i : i + a] for i in range(k)], axis=-1)
        x = ops.reshape(x, (-1, b, c, k * channels))
        kernel = ops.transpose(self.kernel, (1, 2, 0, 3, 4))
        kernel = ops.reshape(kernel, (m, n, k * channels, self.filters))
        x = ops.conv(x, kernel, strides=1, padding="same")
        x = ops.reshape(x, (-1, a, b, c, self.filters))
        return self.activation(x + self.bias if self.use_bias else x)


def _quicker(layer: layers.Layer) -> type[layers.Layer]:
    """The faster class for a layer, or the layer's own class where there is no faster one."""
    kind = type(layer)
    if kind not in (layers.Conv3D, layers.Conv3DTranspose):
        return kind
    sides = layer.input.shape[1:-1]
    if layer.data_format != "channels_last" or set(layer.dilation_rate) != {1} or None in sides:
        return kind
    patches = layer.kernel_size == layer.strides
    if kind is layers.Conv3DTranspose:
        return PatchConv3DTranspose if patches and layer.output_padding is None else kind
    if patches and layer.groups == 1:
        whole = all(n % s == 0 for n, s in zip(sides, layer.strides, strict=True))
        return PatchConv3D if whole else kind
    odd = all(k % 2 for k in layer.kernel_size) and set(layer.strides) == {1}
    return FoldedConv3D if odd and layer.padding == "same" and layer.groups == 1 else kind


def plain_class(layer: layers.Layer) -> type[layers.Layer]:
    """Keras' own class for a layer of this module, or the layer's own class for any other."""
    fast = (PatchConv3D, PatchConv3DTranspose, FoldedConv3D)
    return type(layer).__base__ if type(layer) in fast else type(layer)


def use_fast_convolutions(model: keras.Model) -> keras.Model:
    """The same 3-D network with this module's layers where they fit, with its weights copied.

    Training takes a third to a half of the time on a processor and may take longer on a graphics
    card, which has fast 3-D convolutions. Predictions agree except for rounding.

    Args:
        model: a functional model, channels last, with a fixed spatial shape.

    Returns:
        A new model, not compiled.

    >>> inputs = keras.Input((4, 4, 4, 2))
    >>> model = keras.Model(inputs, layers.Conv3D(3, 2, 2)(inputs))
    >>> type(use_fast_convolutions(model).layers[1]).__name__
    'PatchConv3D'
    """
    clone = keras.models.clone_model(
        model, clone_function=lambda layer: _quicker(layer).from_config(layer.get_config())
    )
    clone.set_weights(model.get_weights())
    return clone
