"""U-Net and U-Net++, in 2-D and 3-D.

`unet` is the network that the course trains; attention gates, residual blocks and deep supervision
are options of it. `unet_plus_plus` adds blocks on the skip connections.

The input must be a multiple of `2**depth` (times `patch`) along each spatial axis.
"""

import keras
from keras import layers

from unet_course.network import blocks
from unet_course.network.deep_supervision import DeeplySupervised


def unet(
    input_shape: tuple[int, ...],
    *,
    classes: int = 1,
    filters: int = 16,
    depth: int = 4,
    normalization: str = "batch",
    activation: str = "relu",
    dropout: float = 0.0,
    upsampling: str = "transpose",
    patch: int = 1,
    fine: int = 0,
    head: str | None = None,
    attention: bool = False,
    residual: bool = False,
    deep_supervision: bool = False,
    name: str = "unet",
) -> keras.Model:
    """Build a U-Net (Ronneberger et al., 2015), 2-D or 3-D as its input.

    Args:
        input_shape: `(*spatial, channels)`, two or three spatial axes.
        classes: channels of the output.
        filters: channels at full resolution; they double at each level down.
        depth: how many times the resolution is halved.
        normalization, activation, dropout: as in `blocks.conv_block`.
        upsampling: as `how` in `blocks.up`.
        patch: above 1, a convolution of this width and stride comes first and a transposed one
            last, so that the U works on patches of pixels. With 2, a 2-D network with the same
            `filters` does a quarter of the work and still gives a prediction for each pixel
            (patches as tokens: Dosovitskiy et al., 2021).
        fine: with `patch` above 1, channels of a last step at full resolution, a convolution of
            width 1 that sees the upsampled features and the input itself: a skip connection around
            the patches, for structures thinner than a patch.
        head: "sigmoid", each class on its own; "softmax", one class per pixel. None: sigmoid for
            one class, softmax for more.
        attention: a `blocks.attention_gate` on each skip connection but the finest, as in Oktay et
            al. (2018). The layer "attention_1" outputs the gate's weights one level below full
            resolution, "attention_2" those of the next, and so on.
        residual: `blocks.residual_block` in place of `blocks.conv_block` (He et al., 2016).
        deep_supervision: while the network trains, the decoder's coarser levels predict as well,
            each through a head of its own and linear interpolation to full size; see
            `deep_supervision.DeeplySupervised`. The prediction is the finest head's.
        name: the model's.

    Returns:
        A model `(batch, *spatial, channels)` → `(batch, *spatial, classes)`, probabilities in
        float32 whatever the precision inside.

    Raises:
        ValueError: a side that isn't a multiple of `patch · 2**depth`, another rank than 2 or 3, an
            unknown choice, `depth`, `filters` or `patch` below 1, `fine` below 0 or with a `patch`
            of 1, or attention or deep supervision at a depth of 1.

    >>> unet((64, 64, 3), filters=8, depth=3).output_shape
    (None, 64, 64, 1)
    >>> unet((16, 16, 16, 4), classes=3, filters=4, depth=2, head="sigmoid").output_shape
    (None, 16, 16, 16, 3)
    """
    inputs, x = _begin(input_shape, filters, depth, patch)
    if fine < 0 or (fine and patch == 1):
        raise ValueError(f"fine must be 0, or more with a patch above 1; it is {fine}")
    if depth == 1 and (attention or deep_supervision):
        raise ValueError("attention and deep supervision need a depth of 2 at least, it is 1")
    block = blocks.residual_block if residual else blocks.conv_block
    style = {"normalization": normalization, "activation": activation, "dropout": dropout}
    skips = []
    for level in range(depth):
        skips.append(block(x, filters * 2**level, **style))  # (side / 2**level, filters · 2**level)
        x = blocks.down(skips[-1])
    x = block(x, filters * 2**depth, **style)  # the bottom of the U
    decoded = []  # from the finest level to the coarsest
    for level, skip in reversed(list(enumerate(skips))):
        if attention and level > 0:
            skip = blocks.attention_gate(skip, x, name=f"attention_{level}")
        x = blocks.up(x, upsampling, filters * 2**level)
        x = block(blocks.merge(x, skip), filters * 2**level, **style)
        decoded.insert(0, x)
    if fine:
        x = blocks.merge(blocks.transposed_convolution(x, fine, patch), inputs)
        x = layers.Activation(activation)(blocks.convolution(x, fine, kernel=1))
    prediction = _answer(x, classes, 1 if fine else patch, head)
    if not deep_supervision:
        return keras.Model(inputs, prediction, name=name)
    coarser = [_answer(decoded[i], classes, patch, head, i) for i in range(1, depth)]
    outputs = {"prediction": prediction, "heads": [prediction, *coarser]}
    return DeeplySupervised(inputs, outputs, name=name)


def unet_plus_plus(
    input_shape: tuple[int, ...],
    *,
    classes: int = 1,
    filters: int = 16,
    depth: int = 4,
    normalization: str = "batch",
    activation: str = "relu",
    dropout: float = 0.0,
    upsampling: str = "transpose",
    patch: int = 1,
    head: str | None = None,
    residual: bool = False,
    deep_supervision: bool = False,
    name: str = "unet_plus_plus",
) -> keras.Model:
    """Build a U-Net++ (Zhou et al., 2018): U-Nets of every depth up to `depth`, nested.

    X(i, 0) is the encoder at level i. The input of X(i, j) is everything to its left and its
    enlarged neighbour below, X(i + 1, j - 1). So a skip connection is a row of blocks, and the
    first column with the diagonal from X(j, 0) up to X(0, j) is a U-Net of depth j::

        X(0,0)  X(0,1)  X(0,2)
        X(1,0)  X(1,1)
        X(2,0)

    Args:
        deep_supervision: a head on each of X(0, 1) to X(0, depth) instead of only the last. The
            prediction is the mean of their probabilities; see `deep_supervision.DeeplySupervised`.
        input_shape, …: all other arguments, errors and what is returned as in `unet`.

    >>> unet_plus_plus((32, 32, 3), filters=4, depth=3).output_shape
    (None, 32, 32, 1)
    """
    inputs, x = _begin(input_shape, filters, depth, patch)
    if depth == 1 and deep_supervision:
        raise ValueError("deep supervision needs a depth of 2 at least, it is 1")
    block = blocks.residual_block if residual else blocks.conv_block
    style = {"normalization": normalization, "activation": activation, "dropout": dropout}
    rows = []  # rows[i][j] is X(i, j): (side / 2**i, filters · 2**i)
    for level in range(depth + 1):
        x = block(x if level == 0 else blocks.down(x), filters * 2**level, **style)
        rows.append([x])
    for column in range(1, depth + 1):
        for level in range(depth + 1 - column):
            x = blocks.up(rows[level + 1][column - 1], upsampling, filters * 2**level)
            rows[level].append(block(blocks.merge(x, *rows[level]), filters * 2**level, **style))
    if not deep_supervision:
        return keras.Model(inputs, _answer(rows[0][-1], classes, patch, head), name=name)
    heads = [_answer(x, classes, patch, head, name=f"head_{j}") for j, x in enumerate(rows[0]) if j]
    prediction = layers.Average(dtype="float32", name="probabilities")(heads)
    return DeeplySupervised(inputs, {"prediction": prediction, "heads": heads}, name=name)


def _begin(input_shape, filters: int, depth: int, patch: int):
    """Input and the first tensor, on the grid of patches; raises ValueError for bad arguments."""
    for what, number in {"filters": filters, "depth": depth, "patch": patch}.items():
        if number < 1:
            raise ValueError(f"{what} must be at least 1, it is {number}")
    *sides, _ = input_shape
    step = patch * 2**depth
    if any(side is not None and side % step for side in sides):
        raise ValueError(
            f"each side of {tuple(sides)} must be a multiple of patch · 2**depth = {step}; "
            "crop or pad"
        )
    inputs = keras.Input(input_shape)
    if patch == 1:
        return inputs, inputs
    return inputs, blocks.convolution(inputs, filters, kernel=patch, strides=patch)


def _answer(x, classes: int, patch: int, head: str | None, level: int = 0, name: str | None = None):
    """Head: probabilities at full size from a decoder's tensor at `level`."""
    to_full_size = blocks.convolution if patch == 1 else blocks.transposed_convolution
    x = to_full_size(x, classes, patch)
    for _ in range(level):
        x = blocks.up(x, "linear")
    head = head or ("sigmoid" if classes == 1 else "softmax")
    name = name or (f"head_{level}" if level else "probabilities")
    return layers.Activation(head, dtype="float32", name=name)(x)
