"""The networks of four public tutorials, rebuilt layer by layer, with their exact parameter counts.

Lessons 04 and 08 compare them with the tutorials and count their parameters. They are too slow to
train on a laptop.
"""

import keras
from keras import layers

from unet_course.network.blocks import conv_block, convolution, down, merge, up
from unet_course.network.unet import unet


def tutorial_000(input_shape: tuple[int, ...] = (256, 256, 3)) -> keras.Model:
    """ "Brain Tumor segmentation with U-Net" (13 June 2019, no author printed): 2-D, 31,031,745.

    Five blocks on the way down, from 64 filters (the original U-Net's: it prints no number);
    transposed convolutions on the way up; ReLU; sigmoid. Its loop also pools after the fifth block
    but goes on from the unpooled output, so that this pooling isn't part of the network.
    """
    return unet(input_shape, filters=64, depth=4, normalization="none", name="tutorial_000")


def tutorial_001(input_shape: tuple[int, ...] = (4, 160, 160, 16)) -> keras.Model:
    """ "U-Net & It's Advantages in Biomedical Image Segmentations" (Shahzad Hassan): 3-D, 833,507.

    Channels first, two levels; the first convolution of level i has `32 · 2**i` filters, the second
    twice as many; nearest upsampling; three sigmoid classes.
    """
    first = {"data_format": "channels_first"}
    inputs = keras.Input(input_shape)
    skip = conv_block(inputs, (32, 64), normalization="none", **first)
    x = conv_block(down(skip, **first), (64, 128), normalization="none", **first)
    x = merge(up(x, "nearest", **first), skip, **first)
    x = conv_block(x, (64, 64), normalization="none", **first)
    x = convolution(x, 3, kernel=1, padding="valid", **first)
    return keras.Model(inputs, layers.Activation("sigmoid")(x), name="tutorial_001")


def tutorial_002(input_shape: tuple[int, ...] = (256, 256, 3)) -> keras.Model:
    """ "Cooking your first U-Net for Image Segmentation" (François Porcher): 2-D, 7,782,913.

    Four blocks of 64 to 512 filters, bilinear upsampling with aligned corners, sigmoid. It doesn't
    print its `double_conv`; here that is two 3 × 3 convolutions with bias and ReLU.
    """
    style = {"normalization": "none", "upsampling": "linear_aligned"}
    return unet(input_shape, filters=64, depth=3, name="tutorial_002", **style)


def tutorial_004(input_shape: tuple[int, ...] = (144, 224, 224, 4)) -> keras.Model:
    """ "3D UNet for Brain Tumor Segmentation" (no author printed): 3-D, 2,345,924.

    Four levels from 16 filters, dropout of 0.25 after every convolution, nearest upsampling, a
    second pair of convolutions at the bottom (where its loop for the way up starts), and a softmax
    over 4 classes.
    """
    style = {"normalization": "none", "dropout": 0.25}
    inputs = x = keras.Input(input_shape)
    skips = []
    for level in range(3):
        skips.append(conv_block(x, 16 * 2**level, **style))
        x = down(skips[-1])
    x = conv_block(x, (16 * 2**3,) * 4, **style)
    for level in reversed(range(3)):
        x = merge(up(x, "nearest"), skips[level])
        x = conv_block(x, 16 * 2**level, **style)
    outputs = convolution(x, 4, kernel=1, activation="softmax")
    return keras.Model(inputs, outputs, name="tutorial_004")


TUTORIALS = {"000": tutorial_000, "001": tutorial_001, "002": tutorial_002, "004": tutorial_004}
