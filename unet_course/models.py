"""The course's U-Net, and the tutorials' networks exactly.

`unet` is the one the course trains. `TUTORIALS` rebuilds the four networks that the tutorials
print, layer by layer, to the parameter: read them beside the tutorials, count with them, and
compare; they are slow on a laptop.

A network's input must be a multiple of 2**depth (times `patch`) along each spatial axis.
"""

import keras
from keras import layers

from unet_course.blocks import conv_block, convolution, down, merge, transposed_convolution, up


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
    head: str | None = None,
    name: str = "unet",
) -> keras.Model:
    """A U-Net (Ronneberger et al., 2015), 2-D or 3-D as the input is.

    Args:
        input_shape: (*spatial, channels), two or three spatial axes.
        classes: channels of the output.
        filters: channels at full resolution; they double at each level down.
        depth: how many times the resolution is halved.
        normalization, activation, dropout: as in `blocks.conv_block`.
        upsampling: as `how` in `blocks.up`.
        patch: above 1, a convolution of this width and stride comes first and a transposed one
            last, so that the U works on patches of pixels. With 2, a 2-D network at the same
            `filters` does a quarter of the work, and still gives an answer for each pixel
            (patches as tokens: Dosovitskiy et al., 2021).
        head: "sigmoid", each class on its own; "softmax", one class a pixel. None: sigmoid for
            one class, softmax for more.
        name: the model's name.

    Returns:
        A model (batch, *spatial, channels) → (batch, *spatial, classes), probabilities in
        float32 whatever the precision inside.

    Raises:
        ValueError: a side that isn't a multiple of 2**depth, or another rank than 2 or 3.

    >>> unet((64, 64, 3), filters=8, depth=3).output_shape
    (None, 64, 64, 1)
    >>> unet((16, 16, 16, 4), classes=3, filters=4, depth=2, head="sigmoid").output_shape
    (None, 16, 16, 16, 3)
    """
    *sides, _ = input_shape
    step = patch * 2**depth
    if any(side is not None and side % step for side in sides):
        raise ValueError(
            f"each side of {tuple(sides)} must be a multiple of patch · 2**depth = {step}; "
            "crop or pad"
        )
    style = {"normalization": normalization, "activation": activation, "dropout": dropout}
    inputs = x = keras.Input(input_shape)
    if patch > 1:
        x = convolution(x, filters, kernel=patch, strides=patch)
    skips = []
    for level in range(depth):
        x = conv_block(x, filters * 2**level, **style)  # (side / 2**level, filters · 2**level)
        skips.append(x)
        x = down(x)
    x = conv_block(x, filters * 2**depth, **style)  # the bottom of the U
    for level in reversed(range(depth)):
        x = up(x, upsampling, filters * 2**level)
        x = merge(x, skips[level])
        x = conv_block(x, filters * 2**level, **style)
    head = head or ("sigmoid" if classes == 1 else "softmax")
    if patch > 1:
        x = transposed_convolution(x, classes, patch)
    else:
        x = convolution(x, classes, kernel=1)
    outputs = layers.Activation(head, dtype="float32", name="probabilities")(x)
    return keras.Model(inputs, outputs, name=name)


def tutorial_000(input_shape: tuple[int, ...] = (256, 256, 3)) -> keras.Model:
    """ "Brain Tumor segmentation with U-Net" (13 June 2019, no author printed): 2-D, 31,031,745.

    Five blocks down from 64 filters, transposed convolutions up, ReLU, sigmoid. The tutorial's
    loop pools after its fifth block too and then goes on from the block's unpooled output, so
    that pooling isn't part of the network. It prints no number of filters; 64 is the original's.
    """
    return unet(input_shape, filters=64, depth=4, normalization="none", name="tutorial_000")


def tutorial_001(input_shape: tuple[int, ...] = (4, 160, 160, 16)) -> keras.Model:
    """ "U-Net & It's Advantages in Biomedical Image Segmentations" (Shahzad Hassan): 3-D, 833,507.

    Channels first, two levels; the first convolution of level i has 32 · 2**i filters, the second
    twice as many; nearest upsampling; three sigmoid classes.
    """
    first = {"data_format": "channels_first"}
    inputs = keras.Input(input_shape)
    skip = conv_block(inputs, (32, 64), normalization="none", **first)
    x = down(skip, **first)
    x = conv_block(x, (64, 128), normalization="none", **first)
    x = merge(up(x, "nearest", **first), skip, **first)
    x = conv_block(x, (64, 64), normalization="none", **first)
    x = convolution(x, 3, kernel=1, padding="valid", **first)
    return keras.Model(inputs, layers.Activation("sigmoid")(x), name="tutorial_001")


def tutorial_002(input_shape: tuple[int, ...] = (256, 256, 3)) -> keras.Model:
    """ "Cooking your first U-Net for Image Segmentation" (François Porcher): 2-D, 7,782,913.

    Four blocks of 64 to 512 filters, bilinear upsampling with aligned corners, sigmoid. The
    tutorial prints neither its `double_conv` nor a count; here it is two 3 × 3 convolutions with
    bias and ReLU and without normalisation.
    """
    return unet(
        input_shape,
        filters=64,
        depth=3,
        normalization="none",
        upsampling="linear_aligned",
        name="tutorial_002",
    )


def tutorial_004(input_shape: tuple[int, ...] = (144, 224, 224, 4)) -> keras.Model:
    """ "3D UNet for Brain Tumor Segmentation" (no author printed): 3-D, 2,345,924.

    Four levels from 16 filters, dropout of 0.25 after every convolution, nearest upsampling, a
    second pair of convolutions at the bottom (its loop up starts there), softmax over 4 classes.
    """
    style = {"normalization": "none", "dropout": 0.25}
    inputs = x = keras.Input(input_shape)
    skips = []
    for level in range(4):
        x = conv_block(x, 16 * 2**level, **style)
        if level < 3:
            skips.append(x)
            x = down(x)
    x = conv_block(x, 16 * 2**3, **style)
    for level in reversed(range(3)):
        x = merge(up(x, "nearest"), skips[level])
        x = conv_block(x, 16 * 2**level, **style)
    outputs = convolution(x, 4, kernel=1, activation="softmax")
    return keras.Model(inputs, outputs, name="tutorial_004")


TUTORIALS = {
    "000": tutorial_000,
    "001": tutorial_001,
    "002": tutorial_002,
    "004": tutorial_004,
}
