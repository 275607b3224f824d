"""What widgets and explorers are put together from: a picture, a column, a legend, all PNG without pyplot.

Made from what ipywidgets 7 (Colab) and 8 share.
"""

from __future__ import annotations

import html
import io
from collections.abc import Callable, Sequence

import ipywidgets
import numpy as np
from PIL import Image

from unet_course.showing.plotting import rgb

GAP = 8  # pixels of white between panels
FILL = 0.35  # opacity of a filled mask, as in `plotting.overlay`


def png(picture: np.ndarray) -> bytes:
    """Return a picture, `(height, width, 3)` `uint8`, as the bytes of a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="png", compress_level=3)
    return buffer.getvalue()


def image(picture: np.ndarray) -> ipywidgets.Image:
    """Return a picture at its own size or the page's width; a box would stretch it to the latter.

    To show another one, set its `value` to what `png` returns.
    """
    layout = ipywidgets.Layout(width=f"{picture.shape[1]}px", max_width="100%", height="auto")
    return ipywidgets.Image(value=png(picture), format="png", layout=layout)


def column(children: list) -> ipywidgets.VBox:
    """Return a box whose children stand one below the other, each at its own width."""
    return ipywidgets.VBox(children, layout=ipywidgets.Layout(align_items="flex-start"))


def row(children: list) -> ipywidgets.HBox:
    """Return a box whose children stand side by side, and below each other on a narrow page."""
    return ipywidgets.HBox(children, layout=ipywidgets.Layout(flex_flow="row wrap"))


def following(
    look: Callable[[], tuple[np.ndarray, str]],
    controls: Sequence,
    arranged: Sequence,
    legend: str = "",
) -> ipywidgets.VBox:
    """Return a box with a picture and a line in words that follow its controls.

    Args:
        look: called with nothing, returns the picture, `(height, width, 3)` `uint8`, and the words,
            for the controls' present values.
        controls: whose `value` is watched.
        arranged: what stands between the picture and the line: the controls in rows, for instance.
        legend: HTML above the picture.
    """
    picture, said = look()
    shown, line = image(picture), ipywidgets.Label(said)

    def follow(change) -> None:
        picture, line.value = look()
        shown.value = png(picture)

    for control in controls:
        control.observe(follow, names="value")
    above = [ipywidgets.HTML(legend)] if legend else []
    return column([*above, shown, *arranged, line])


def wide(control):
    """Return a slider, 400 pixels wide or as wide as the page, its whole name readable."""
    control.layout = ipywidgets.Layout(width="400px", max_width="100%")
    control.style = {"description_width": "initial"}
    return control


def swatch(style: str, name: str) -> str:
    """Return a small coloured box and its name, as HTML.

    Args:
        style: CSS, such as `"background: #E69F00"` or `"border: 2px solid #56B4E9"`.
        name: of what has this colour.
    """
    box = f"display: inline-block; width: 14px; height: 10px; margin: 0 4px 0 12px; {style}"
    return f'<span style="{box}"></span>{html.escape(name)}'


def side_by_side(pictures: list[np.ndarray]) -> np.ndarray:
    """Return pictures next to each other, white between them and below the lower ones."""
    height = max(picture.shape[0] for picture in pictures)
    parts = []
    for picture in pictures:
        below = ((0, height - picture.shape[0]), (0, GAP), (0, 0))
        parts.append(np.pad(picture, below, constant_values=255))
    return np.concatenate(parts, axis=1)[:, :-GAP]


def fill(picture: np.ndarray, mask: np.ndarray, colour: str, opacity: float = FILL) -> None:
    """Mix a colour, such as `"#E69F00"`, into a picture's pixels where a mask is true, in place."""
    picture[mask] = (1 - opacity) * picture[mask] + opacity * np.array(rgb(colour))


def enlarged(picture: np.ndarray, scale: int) -> np.ndarray:
    """Return a picture or a mask with each pixel drawn `scale` times as large."""
    return picture.repeat(scale, 0).repeat(scale, 1)


def drawn(figure) -> np.ndarray:
    """Return a Matplotlib figure as a picture, `(height, width, 3)` `uint8`.

    Make the figure once with `matplotlib.figure.Figure` (not with pyplot, which would keep it
    open), change its lines with `set_data`, and call this after each change: 10 to 30 ms.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
