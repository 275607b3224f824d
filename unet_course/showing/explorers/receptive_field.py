"""Depth, kernel, stride, padding and filters of a drawn U-Net, its receptive field and parameters following."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import ipywidgets
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from unet_course.showing.plotting import PALETTE, TRUTH, as_rgb, draw_outline
from unet_course.showing.widget_parts import following, row, side_by_side, swatch, wide

SIZE = (520, 330)  # of the drawing, in pixels
PANEL = 330  # the slice's height and width
TENSOR, MISFIT = "#B3B3B3", PALETTE["vermillion"]
SKIP = PALETTE["green"]
OUTPUT, BOTTOM = PALETTE["orange"], PALETTE["purple"]  # whose receptive field a box shows


@dataclass(frozen=True)
class UNetSizes:
    """What a U-Net's sides, parameters and receptive fields are, by arithmetic alone.

    Two convolutions a level; between the levels a pooling of `stride` × `stride` on the way down
    and a transposed convolution of the same size on the way up; filters double with each level; at
    the end a convolution of 1 × 1 to one channel (Ronneberger et al., 2015).

    Args:
        side: of the input, in pixels.
        channels: of the input.
        depth: how often the side is divided.
        kernel: width of the convolutions, odd.
        stride: 2 halves the side.
        padding: "same", or "valid" as in 2015: then what comes over a skip connection is cropped.
        filters: of the first level.
    """

    side: int = 256
    channels: int = 3
    depth: int = 4
    kernel: int = 3
    stride: int = 2
    padding: str = "same"
    filters: int = 16

    def down(self) -> list[int]:
        """The side of each level's output on the way down, the last one at the bottom."""
        sides, side = [], self.side
        for level in range(self.depth + 1):
            side = side // self.stride if level else side
            side = self._block(side)
            sides.append(side)
        return sides

    def up(self) -> list[int]:
        """The side of each level's output on the way up, by level: the first is the prediction's."""
        sides, side = [], self.down()[-1]
        for _ in range(self.depth):
            side = self._block(side * self.stride)
            sides.append(side)
        return sides[::-1]

    def _block(self, side: int) -> int:
        return side if self.padding == "same" else max(side - 2 * (self.kernel - 1), 0)

    def misfits(self) -> list[int]:
        """The levels, from 0, whose side isn't a multiple of the stride: pooling drops pixels there.

        With "same" the two of the concatenation differ; with "valid" the larger one is cropped, and
        Ronneberger et al. ask for sides that divide, so that the crop is in the middle.
        """
        return [level for level, side in enumerate(self.down()[:-1]) if side % self.stride]

    def too_small(self) -> bool:
        """Whether nothing is left at some level, which "valid" can do to a small picture."""
        return min(*self.down(), *self.up(), self.side) < 1

    def parameters(self) -> int:
        """Weights and biases of all convolutions."""
        count, before = 0, self.channels
        wide = self.kernel**2
        for level in range(self.depth + 1):
            filters = self.filters * 2**level
            count += wide * before * filters + filters + wide * filters**2 + filters
            before = filters
        for level in reversed(range(self.depth)):
            filters = self.filters * 2**level
            count += self.stride**2 * before * filters + filters  # the transposed convolution
            count += wide * 2 * filters * filters + filters + wide * filters**2 + filters
            before = filters
        return count + before + 1

    def seen_at_the_bottom(self) -> int:
        """How many pixels wide the receptive field of a value at the bottom is."""
        first, last = self._walk_back(0, 0, self._steps(upwards=False))
        return last - first + 1

    def seen(self, pixel: int | None = None) -> tuple[int, int]:
        """First and last pixel of a row of the input on which a pixel of the prediction depends.

        Args:
            pixel: its number in the prediction; None: the middle one. Parts of the field may lie
                outside the picture.
        """
        out = self.up()[0] if self.depth else self.down()[0]
        pixel = out // 2 if pixel is None else pixel
        return self._walk_back(pixel, pixel, self._steps(upwards=True))

    def _steps(self, upwards: bool) -> list[str]:
        block = ["conv", "conv"]
        down = ([*block, "pool"] * self.depth) + block
        return down + (["up", *block] * self.depth if upwards else [])

    def _walk_back(self, first: int, last: int, steps: list[str]) -> tuple[int, int]:
        """The values from which first to last were computed, all steps earlier (lesson 04)."""
        reach = self.kernel // 2
        for step in reversed(steps):
            if step == "conv" and self.padding == "same":
                first, last = first - reach, last + reach
            elif step == "conv":
                last += 2 * reach
            elif step == "pool":
                first, last = self.stride * first, self.stride * (last + 1) - 1
            else:
                first, last = first // self.stride, last // self.stride
        return first, last


def receptive_field(picture: np.ndarray, truth: np.ndarray | None = None, *, channels: int = 3):
    """Return an explorer of a U-Net's shape: what it costs, and how far its pixels see.

    Left the network, drawn as a U, with the side and the channels of each level; right a slice, with
    a box round what the middle pixel of the prediction depends on, and a second one for a value at the
    bottom. Where a concatenation doesn't fit, the level is red.

    Args:
        picture: a square slice, as `plotting.as_rgb` takes it; its side is the network's input side.
        truth: a mask of the same size, outlined in sky blue; or None.
        channels: of the network's input.

    Returns:
        An `ipywidgets.VBox` of a legend, the picture, the controls, and a line with the choices, the
        parameters and both fields.

    Raises:
        ValueError: the picture isn't square, or the mask is of another size.
    """
    shown = as_rgb(picture)
    side = shown.shape[0]
    if shown.shape[1] != side:
        raise ValueError(f"the slice must be square, it is {shown.shape[:2]}")
    if truth is not None:
        truth = np.asarray(truth)
        if truth.shape != shown.shape[:2]:
            raise ValueError(f"the mask is {truth.shape}, the slice {shown.shape[:2]}")
        draw_outline(shown, truth, TRUTH)
    panel = np.asarray(Image.fromarray(shown).resize((PANEL, PANEL)))

    depth = wide(ipywidgets.IntSlider(4, min=0, max=5, description="Depth"))
    kernel = wide(ipywidgets.SelectionSlider(options=[1, 3, 5, 7], value=3, description="Kernel"))
    stride = wide(ipywidgets.SelectionSlider(options=[2, 3, 4], value=2, description="Stride"))
    options = [4, 8, 16, 32, 64]
    filters = wide(ipywidgets.SelectionSlider(options=options, value=16, description="Filters"))
    padding = ipywidgets.Dropdown(options=["same", "valid"], value="same", description="Padding")

    def sizes() -> UNetSizes:
        return UNetSizes(
            side, channels, depth.value, kernel.value, stride.value, padding.value, filters.value
        )

    def drawing() -> np.ndarray:
        return side_by_side([_draw_u(sizes()), _draw_fields(panel, sizes())])

    def in_words() -> str:
        now = sizes()
        said = f"Depth {now.depth}, kernel {now.kernel}, stride {now.stride}, {now.padding}, "
        said += f"{now.filters} filters: {now.parameters():,} parameters; "
        if now.too_small():
            return said + "the picture is too small"
        if misfits := now.misfits():
            return said + f"{now.down()[misfits[0]]} isn't a multiple of {now.stride}"
        first, last = now.seen()
        return (
            said
            + f"sees {now.seen_at_the_bottom()} at the bottom, {last - first + 1} at the output"
        )

    controls = [depth, kernel, stride, filters, padding]
    legend = swatch(f"background: {SKIP}", "over a skip connection | field of")
    legend += swatch(f"border: 2px solid {OUTPUT}", "the output's middle pixel")
    legend += swatch(f"border: 2px solid {BOTTOM}", "a value at the bottom")
    legend += swatch(f"background: {MISFIT}", "doesn't fit")
    return following(lambda: (drawing(), in_words()), controls, [row(controls)], legend)


def _draw_fields(panel: np.ndarray, sizes: UNetSizes) -> np.ndarray:
    """The slice with both receptive fields as boxes around the middle; none where nothing fits."""
    canvas = Image.fromarray(panel)
    if not sizes.misfits() and not sizes.too_small():
        pen, scale = ImageDraw.Draw(canvas), PANEL / sizes.side
        first, last = sizes.seen()
        middle, half = (first + last + 1) / 2, sizes.seen_at_the_bottom() / 2
        for start, end, colour in (
            (middle - half, middle + half, BOTTOM),
            (first, last + 1, OUTPUT),
        ):
            low, high = max(start, 0) * scale, min(end, sizes.side) * scale - 1
            pen.rectangle(
                (low, low, max(high, low + 1), max(high, low + 1)), outline=colour, width=3
            )
    return np.asarray(canvas)


def _draw_u(sizes: UNetSizes) -> np.ndarray:
    """The network: a box for each level's output, left on the way down, right on the way up."""
    wide, high = SIZE
    canvas = Image.new("RGB", SIZE, "white")
    pen, small = ImageDraw.Draw(canvas), _font()
    misfits, down, up = sizes.misfits(), sizes.down(), sizes.up()
    step = (high - 40) / (sizes.depth + 1)
    boxes = {}
    for level in range(sizes.depth + 1):
        tall = max(0.62 * step * sizes.stride ** (-0.35 * level), 8)
        broad = 8 + 1.1 * np.sqrt(sizes.filters * 2**level)
        y = 22 + step * (level + 0.4)
        inset = 92 + level * 0.7 * (wide / 2 - 130) / max(sizes.depth, 1)
        places = {"down": inset, "up": wide - inset}
        if level == sizes.depth:
            places = {"down": wide / 2}
        for way, x in places.items():
            boxes[level, way] = (x - broad / 2, y - tall / 2, x + broad / 2, y + tall / 2)
    for level in range(sizes.depth):
        left, right = boxes[level, "down"], boxes[level, "up"]
        middle = (left[1] + left[3]) / 2
        _arrow(pen, (left[2] + 3, middle), (right[0] - 3, middle), SKIP)
        below = boxes[level + 1, "down"]
        back = boxes.get((level + 1, "up"), below)
        _arrow(pen, (left[2] - 4, left[3] + 3), (below[0] + 4, below[1] - 3), "black")
        _arrow(pen, (back[2] - 4, back[1] - 3), (right[0] + 4, right[3] + 3), "black")
    for (level, way), (x0, y0, x1, y1) in boxes.items():
        bad = level in misfits or min(x1 - x0, (down if way == "down" else up)[level]) < 1
        pen.rectangle((x0, y0, x1, y1), fill=MISFIT if bad else TENSOR, outline="black")
        if way == "up" and not bad:
            pen.rectangle(((x0 + x1) / 2, y0, x1, y1), fill=SKIP, outline="black")
        side = down[level] if way == "down" else up[level]
        text = f"{side}² × {sizes.filters * 2**level}"
        anchor, x = ("rm", x0 - 6) if way == "down" else ("lm", x1 + 6)
        if level == sizes.depth:
            anchor, x, y0, y1 = "ma", (x0 + x1) / 2, y1 + 4, y1 + 4
        pen.text((x, (y0 + y1) / 2), text, fill="black", font=small, anchor=anchor)
    said = f"two {sizes.kernel} × {sizes.kernel} convolutions a level\n{sizes.parameters():,} parameters"
    pen.text((4, high - 34), said, fill="black", font=small)
    pen.text((4, 4), f"input {sizes.side}² × {sizes.channels}", fill="black", font=small)
    out = up[0] if up else down[0]
    pen.text((wide - 4, 4), f"prediction {out}² × 1", fill="black", font=small, anchor="ra")
    return np.asarray(canvas)


@functools.cache
def _font():
    """Matplotlib's own, which has the signs that a size is written with."""
    import matplotlib

    path = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    return ImageFont.truetype(str(path), 11)


def _arrow(pen, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    pen.line((start, end), fill=colour, width=2)
    along = np.subtract(end, start) / max(np.hypot(*np.subtract(end, start)), 1e-6)
    across = np.array([-along[1], along[0]])
    tip = [tuple(np.add(end, -8 * along + side * across)) for side in (4, -4)]
    pen.polygon([end, *tip], fill=colour)
