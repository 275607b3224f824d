"""Building blocks of a U-Net, in 2-D and 3-D from the same code.

Each function takes a Keras tensor `(batch, *spatial, channels)` and returns another; the number of
spatial axes is read from the tensor, so a 2-D and a 3-D network differ only in their input. With
`data_format="channels_first"` tensors are `(batch, channels, *spatial)`.

The network is Ronneberger, Fischer and Brox, "U-Net" (2015); in 3-D, Çiçek et al. (2016).
"""

import keras
import numpy as np
from keras import layers, ops

NORMALIZATIONS = ("batch", "instance", "group", "none")
UPSAMPLINGS = ("transpose", "nearest", "linear", "linear_aligned")


def spatial_rank(x) -> int:
    """Number of spatial axes: 2 for images, 3 for volumes; anything else raises ValueError."""
    if len(x.shape) not in (4, 5):
        expected = "a tensor (batch, *spatial, channels) with 2 or 3 spatial axes"
        raise ValueError(f"{expected} is needed, not {x.shape}")
    return len(x.shape) - 2


def channel_axis(data_format: str | None) -> int:
    """Axis of the channels: 1 for channels first, -1 for channels last (the default)."""
    return 1 if data_format == "channels_first" else -1


def convolution(x, filters: int, kernel: int = 3, **options):
    """Convolution that keeps the spatial shape: (..., channels) → (..., filters)."""
    layer = {2: layers.Conv2D, 3: layers.Conv3D}[spatial_rank(x)]
    return layer(filters, kernel, padding=options.pop("padding", "same"), **options)(x)


def transposed_convolution(x, filters: int, factor: int = 2, data_format: str | None = None):
    """Learnt upsampling by a transposed convolution: (side, ...) → (factor · side, filters)."""
    layer = {2: layers.Conv2DTranspose, 3: layers.Conv3DTranspose}[spatial_rank(x)]
    return layer(filters, factor, strides=factor, padding="same", data_format=data_format)(x)


def normalize(x, kind: str, data_format: str | None = None):
    """Normalise a tensor; the shape stays.

    "batch" (Ioffe and Szegedy, 2015) uses the batch's statistics, "instance" (Ulyanov et al.,
    2016) each case's own per channel, "group" (Wu and He, 2018) each case's own over groups of
    channels (of 8, 4, 2 and 1 groups the most that leaves at least two channels in each), "none"
    does nothing.

    Raises:
        ValueError: another kind, or "instance" on a single pixel, whose every value would be 0.
    """
    if kind == "none":
        return x
    axis = channel_axis(data_format)
    if kind == "batch":
        # Keras' momentum of 0.99 needs some 500 steps before its averages can be trusted
        return layers.BatchNormalization(axis=axis, momentum=0.9)(x)
    if kind == "instance":
        sides = x.shape[2:] if axis == 1 else x.shape[1:-1]
        if set(sides) == {1}:
            raise ValueError(
                f"instance normalisation of a single pixel {tuple(sides)} gives 0 whatever comes "
                'in: give a larger image, a smaller depth, or normalization="group"'
            )
        return layers.GroupNormalization(groups=-1, axis=axis)(x)
    if kind == "group":
        channels = x.shape[axis]
        groups = max(g for g in (1, 2, 4, 8) if g == 1 or (channels % g == 0 and channels > g))
        return layers.GroupNormalization(groups=groups, axis=axis)(x)
    raise ValueError(f"normalization must be one of {NORMALIZATIONS}, not {kind!r}")


def conv_block(
    x, filters, *, normalization="batch", activation="relu", dropout=0.0, data_format=None
):
    """Convolutions of width 3, each followed by normalisation, activation and, if asked, dropout.

    Args:
        x: `(batch, *spatial, channels)`.
        filters: an int for two equal convolutions, or a tuple of one int for each convolution; the
            last one is the number of channels returned.
        normalization: one of `NORMALIZATIONS`.
        activation: the name of a Keras activation.
        dropout: share of values set to 0 while training.
        data_format: "channels_first", or None: channels last.
    """
    for n in (filters, filters) if isinstance(filters, int) else filters:
        x = _normalized_convolution(x, n, 3, normalization, data_format)
        x = layers.Activation(activation)(x)
        if dropout:
            x = layers.Dropout(dropout)(x)
    return x


def _normalized_convolution(x, filters, kernel, normalization, data_format):
    # a bias before batch or instance normalisation would be subtracted again
    bias = normalization in ("none", "group")
    x = convolution(x, filters, kernel, use_bias=bias, data_format=data_format)
    return normalize(x, normalization, data_format)


def residual_block(
    x, filters, *, normalization="batch", activation="relu", dropout=0.0, data_format=None
):
    """Residual block: activation(x + F(x)), where F is two convolutions.

    The block of He et al., "Deep residual learning" (2016), activated after the sum. Where the
    number of channels changes, x first goes through a 1 × 1 convolution (the projection, their
    option B), normalised like the others. Arguments as in `conv_block`, but `filters` is one
    number; `(batch, *spatial, channels)` → `(batch, *spatial, filters)`.
    """
    style = {"normalization": normalization, "data_format": data_format}
    shortcut = x
    if x.shape[channel_axis(data_format)] != filters:
        shortcut = _normalized_convolution(x, filters, 1, **style)
    x = conv_block(x, (filters,), activation=activation, dropout=dropout, **style)
    x = _normalized_convolution(x, filters, 3, **style)
    x = layers.Activation(activation)(layers.Add()([shortcut, x]))
    return layers.Dropout(dropout)(x) if dropout else x


def attention_gate(skip, gating, *, name: str | None = None, data_format: str | None = None):
    """Attention gate: a skip connection weighted pixel by pixel by the coarser level.

    The additive gate of Oktay et al., "Attention U-Net" (2018), on the coarser level's grid:
    α = sigmoid(ψ(ReLU(W skip + V gating))), then α · skip. As in the authors' code, W is a
    convolution of width and stride 2 without bias, V and ψ have width 1, the hidden layer has as
    many channels as `skip`, and α is enlarged by linear interpolation. Their convolution after the
    product is left out: the decoder's block has one already.

    Args:
        skip: `(batch, *(2 · spatial), channels)`, what the gate lets through in the same shape.
        gating: `(batch, *spatial, more channels)`, the decoder's tensor from one level below.
        name: of the layer whose output is α, `(batch, *(2 · spatial), 1)`, 0 to 1.
        data_format: as in `conv_block`.
    """
    channels = skip.shape[channel_axis(data_format)]
    options = {"data_format": data_format}
    from_skip = convolution(skip, channels, 2, strides=2, use_bias=False, **options)
    from_gating = convolution(gating, channels, 1, **options)
    x = layers.Activation("relu")(layers.Add()([from_skip, from_gating]))
    x = layers.Activation("sigmoid")(convolution(x, 1, 1, **options))  # (batch, *spatial, 1)
    weights = LinearUpsampling(name=name, **options)(x)
    return layers.Multiply()([skip, weights])


def down(x, data_format: str | None = None):
    """Max pooling: halve each spatial axis by keeping the largest of each 2 × 2 (× 2) values."""
    layer = {2: layers.MaxPooling2D, 3: layers.MaxPooling3D}[spatial_rank(x)]
    return layer(2, data_format=data_format)(x)


def up(x, how: str = "transpose", filters: int | None = None, data_format: str | None = None):
    """Upsampling: `(batch, *spatial, channels)` → `(batch, *(2 · spatial), channels)`.

    Args:
        x: the tensor.
        how: "transpose", a learnt transposed convolution of width and stride 2; "nearest" and
            "linear", fixed interpolation as in Keras; "linear_aligned", fixed interpolation with
            the corners aligned, as in PyTorch with `align_corners=True`.
        filters: output channels of "transpose"; None: as many as the input has.
        data_format: as in `conv_block`.

    Raises:
        ValueError: another `how`.
    """
    if how == "transpose":
        channels = filters or x.shape[channel_axis(data_format)]
        return transposed_convolution(x, channels, data_format=data_format)
    if how == "nearest":
        layer = {2: layers.UpSampling2D, 3: layers.UpSampling3D}[spatial_rank(x)]
        return layer(2, data_format=data_format)(x)
    if how in ("linear", "linear_aligned"):
        return LinearUpsampling(align_corners=how == "linear_aligned", data_format=data_format)(x)
    raise ValueError(f"how must be one of {UPSAMPLINGS}, not {how!r}")


@keras.saving.register_keras_serializable("unet_course")
class LinearUpsampling(layers.Layer):
    """Double each spatial axis by (bi- or tri-)linear interpolation, with corners aligned or not.

    Keras' own `UpSampling2D(interpolation="bilinear")` can't align corners and has no 3-D
    counterpart. Interpolation along one axis is a product with a small matrix.

    Args:
        align_corners: True: the first and last new value equal the first and last old one.
            False: pixels are small squares, and values are interpolated between their centres.
        data_format: None for channels last.

    >>> import numpy as np
    >>> row = np.array([0.0, 1.0]).reshape(1, 2, 1, 1) * np.ones((1, 2, 2, 1))
    >>> np.array(LinearUpsampling(align_corners=True)(row))[0, :, 0, 0].round(2)
    array([0.  , 0.33, 0.67, 1.  ], dtype=float32)
    >>> np.array(LinearUpsampling(align_corners=False)(row))[0, :, 0, 0].round(2)
    array([0.  , 0.25, 0.75, 1.  ], dtype=float32)
    """

    def __init__(self, align_corners: bool = False, data_format: str | None = None, **kwargs):
        super().__init__(**kwargs)
        self.align_corners, self.data_format = align_corners, data_format

    def _axes(self, rank: int) -> range:
        first = 2 if self.data_format == "channels_first" else 1
        return range(first, first + rank)

    def call(self, x):
        for axis in self._axes(spatial_rank(x)):
            weights = ops.cast(_doubling_weights(x.shape[axis], self.align_corners), x.dtype)
            # (2n, n) against axis `axis`; the new axis lands last, and is put back
            x = ops.moveaxis(ops.tensordot(x, weights, axes=[[axis], [1]]), -1, axis)
        return x

    def compute_output_shape(self, input_shape):
        shape = list(input_shape)
        for axis in self._axes(len(shape) - 2):
            if shape[axis] is None:
                raise ValueError("linear upsampling needs the spatial shape; give it to the Input")
            shape[axis] *= 2
        return tuple(shape)

    def get_config(self):
        own = {"align_corners": self.align_corners, "data_format": self.data_format}
        return super().get_config() | own


def _doubling_weights(n: int, align_corners: bool) -> np.ndarray:
    """(2n, n): row i holds the weights of the n old values in the new value i."""
    new = np.arange(2 * n)
    place = new * (n - 1) / (2 * n - 1) if align_corners else (new + 0.5) / 2 - 0.5
    columns = [np.interp(place, np.arange(n), only_one) for only_one in np.eye(n)]
    return np.stack(columns, axis=1).astype(np.float32)


def merge(x, *skips, data_format: str | None = None):
    """Concatenate the channels of one or more skip connections after the upsampled ones.

    Raises:
        ValueError: their spatial shapes differ, as when the input isn't a multiple of 2 to the
            power of the depth: pooling rounds down, upsampling doubles.
    """
    axis = channel_axis(data_format)
    for skip in skips:
        sides = [tuple(s[2:] if axis == 1 else s[1:-1]) for s in (x.shape, skip.shape)]
        if sides[0] != sides[1]:
            raise ValueError(
                f"the upsampled tensor is {sides[0]} and the skip connection {sides[1]}: make "
                "each side of the input a multiple of 2 to the power of the depth (crop or pad it)"
            )
    return layers.Concatenate(axis=axis)([x, *skips])
