"""Paint a mask on a slice, and see its scores against one expert's mask and another's."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import anywidget
import ipywidgets
import numpy as np
import traitlets

from unet_course.judging import metrics, surfaces
from unet_course.showing.plotting import PALETTE, PREDICTION, TRUTH, as_rgb, draw_outline, rgb
from unet_course.showing.widget_parts import FILL, column, enlarged, png, row, swatch, wide

SECOND = PALETTE["purple"]  # the second rater's outline


class DrawingBoard(anywidget.AnyWidget):
    """A picture that a mouse, a finger or keys draw on; Python turns strokes into pixels.

    `value` is the picture shown, as PNG. A stroke arrives in pieces while it is drawn: `stroke` is
    `{"n": a running number, "points": [[column, row], …]}`, in pixels of `size`, fractions too.
    Keys: arrows move a cursor (with Shift by one pixel), Space puts the brush down or lifts it.
    """

    _esm = Path(__file__).with_name("drawing_board.js")
    value = traitlets.Bytes().tag(sync=True)
    size = traitlets.List([1, 1]).tag(sync=True)  # columns, rows
    width = traitlets.Int(256).tag(sync=True)  # as shown, in CSS pixels
    brush = traitlets.Int(3).tag(sync=True)  # radius
    erasing = traitlets.Bool(False).tag(sync=True)
    stroke = traitlets.Dict({"n": 0, "points": []}).tag(sync=True)
    label = traitlets.Unicode("").tag(sync=True)  # for readers who can't see it


def paint(
    image: np.ndarray,
    truth: np.ndarray,
    second: np.ndarray | None = None,
    *,
    spacing: tuple[float, float] | None = None,
    scale: int = 2,
):
    """Return an explorer in which the reader paints a mask and is scored at once.

    The experts' outlines are hidden until a box is ticked.

    Args:
        image: a slice, as `plotting.as_rgb` takes it.
        truth: the expert's mask, `(height, width)`, above 0 inside.
        second: a second rater's mask of the same slice; None: there is one rater only.
        spacing: of the pixels in mm, rows and columns; with it HD95 is shown as well.
        scale: how many times as large to draw.

    Returns:
        An `ipywidgets.VBox` of a legend, the board, its controls, a table of the scores, and a
        line that says the most important of them.

    Raises:
        ValueError: masks of another size than the slice, or an expert's mask that is empty.
    """
    plain = as_rgb(image)
    raters = {"the expert": truth, "the second rater": second}
    raters = {name: np.asarray(mask) > 0 for name, mask in raters.items() if mask is not None}
    for name, mask in raters.items():
        if mask.shape != plain.shape[:2]:
            raise ValueError(f"the mask of {name} is {mask.shape}, the slice {plain.shape[:2]}")
        if not mask.any():
            raise ValueError(f"the mask of {name} is empty: there is nothing to paint")
    own = np.zeros(plain.shape[:2], bool)
    tinted = ((1 - FILL) * plain + FILL * np.array(rgb(PREDICTION))).astype(np.uint8)
    outlines = []  # where, and in which colour; the expert's last, on top
    for mask, colour in reversed([*zip(raters.values(), (TRUTH, SECOND), strict=False)]):
        drawn = np.zeros((*enlarged(mask, scale).shape, 3), np.uint8)
        draw_outline(drawn, enlarged(mask, scale), colour, scale)
        outlines.append((drawn.any(axis=-1), rgb(colour)))

    board = DrawingBoard(size=[own.shape[1], own.shape[0]], width=scale * own.shape[1])
    size = wide(ipywidgets.IntSlider(value=4, min=1, max=12, description="Brush (pixels)"))
    erase, reveal = (
        ipywidgets.Checkbox(description=name, indent=False, layout={"width": "auto"})
        for name in ("Erase", "Show the outlines")
    )
    again = ipywidgets.Button(description="Start again")
    table, line = ipywidgets.HTML(), ipywidgets.Label()

    def show() -> None:
        picture = enlarged(np.where(own[..., None], tinted, plain), scale)
        for where, colour in outlines if reveal.value else ():
            picture[where] = colour
        board.value = png(picture)
        against = {f"yours and {name}": scores(own, mask) for name, mask in raters.items()}
        said = ", ".join(
            f"{values['Dice']} against {name}"
            for name, values in zip(raters, against.values(), strict=True)
        )
        if between is not None:
            against["the two raters"] = between
            said += f"; the two raters agree at {between['Dice']}"
        table.value = as_table(against)
        outlined = f", outlines of {' and '.join(raters)} shown" if reveal.value else ""
        line.value = board.label = f"{own.sum():,} pixels painted{outlined}. Dice: {said}."

    def scores(one: np.ndarray, other: np.ndarray) -> dict[str, str]:
        found = {
            "Dice": f"{metrics.dice(one, other):.2f}",
            "IoU": f"{metrics.iou(one, other):.2f}",
        }
        if spacing is not None:
            some = one.any() and other.any()
            far = surfaces.hd95(one, other, spacing=spacing) if some else np.nan
            found["HD95, mm"] = f"{far:.0f}" if some else "–"
        return found

    def follow(change) -> None:
        for point in _along(change["new"]["points"]):
            _stamp(own, point, size.value, not erase.value)
        show()

    def start_again(_) -> None:
        own[:] = False
        show()

    board.observe(follow, names="stroke")
    size.observe(lambda change: setattr(board, "brush", change["new"]), names="value")
    erase.observe(lambda change: setattr(board, "erasing", change["new"]), names="value")
    reveal.observe(lambda change: show(), names="value")
    again.on_click(start_again)
    board.brush = size.value
    between = None if second is None else scores(*raters.values())
    show()
    legend = swatch(f"background: {PREDICTION}", "yours")
    for name, colour in zip(raters, (TRUTH, SECOND), strict=False):
        legend += swatch(f"border: 2px solid {colour}", name)
    return column([ipywidgets.HTML(legend), board, row([size, erase, reveal, again]), table, line])


def _stamp(mask: np.ndarray, point: tuple[float, float], radius: int, value: bool) -> None:
    """Set the pixels of a disc, in place; those nearest to the point at least."""
    column, line = point
    top, left = max(int(line) - radius, 0), max(int(column) - radius, 0)
    part = mask[top : max(int(line) + radius + 2, 0), left : max(int(column) + radius + 2, 0)]
    lines, columns = np.ogrid[: part.shape[0], : part.shape[1]]
    part[(lines + top - line) ** 2 + (columns + left - column) ** 2 < radius**2] = value


def _along(points: list) -> list[tuple[float, float]]:
    """Return the points of a stroke with others between them, at most a pixel apart."""
    along = [tuple(points[0])] if points else []
    for start, end in pairwise(points):
        steps = int(np.ceil(max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)))
        for part in np.arange(1, steps + 1) / steps:
            along.append(tuple(a + part * (b - a) for a, b in zip(start, end, strict=True)))
    return along


def as_table(rows: dict[str, dict[str, str]]) -> str:
    """Return a small table of words and numbers as HTML."""
    cell = "style='padding: 0 1em 0 0; text-align: left'"
    heads = "".join(f"<th {cell}>{name}</th>" for name in next(iter(rows.values())))
    lines = "".join(
        f"<tr><th {cell} scope='row'>{name}</th>"
        + "".join(f"<td {cell}>{value}</td>" for value in values.values())
        + "</tr>"
        for name, values in rows.items()
    )
    return f"<table><tr><td></td>{heads}</tr>{lines}</table>"
