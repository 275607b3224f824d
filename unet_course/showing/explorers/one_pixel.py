"""The logit of one pixel, dragged: each loss's value and its slope follow."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets
import numpy as np

from unet_course.showing.plotting import PALETTE
from unet_course.showing.widget_parts import column, image, png, row, wide

PIXELS = 128 * 128  # of the picture that the pixel belongs to
IN, OUT = 0.6, 0.05  # what a half-trained network says of all other pixels: tumour, background
LOGITS = np.linspace(-8, 8, 129)
WEIGHT, GAMMA = 10.0, 2.0
COLOURS = {
    "BCE": "blue",
    "weighted BCE": "green",
    "focal": "sky",
    "soft Dice": "vermillion",
    "BCE + Dice": "purple",
}


def losses_of_one_pixel(logit, tumour: bool, others: int) -> dict[str, np.ndarray]:
    """Return what one pixel adds to each loss of a picture, times the number of pixels.

    Added to what: to the loss with this pixel entirely right. All other pixels are at 0.6 in the
    tumour and 0.05 outside.

    Args:
        logit: of the pixel, any shape.
        tumour: whether it is one of the tumour's.
        others: how many tumour pixels there are besides.

    Returns:
        The values by the loss's name: BCE, weighted BCE (10 on tumour), focal (γ = 2), soft Dice
        (smoothing 1) and BCE + Dice.
    """
    right = 1 / (1 + np.exp(-np.asarray(logit, float) * (1 if tumour else -1)))
    bce = -np.log(right)
    p = right if tumour else 1 - right
    there, rest = others + tumour, PIXELS - others - 1

    def dice(p):
        overlap = IN * others + p * tumour
        return 1 - (2 * overlap + 1) / (there + IN * others + OUT * rest + p + 1)

    added = PIXELS * (dice(p) - dice(float(tumour)))
    found = bce, bce * (WEIGHT if tumour else 1), bce * (1 - right) ** GAMMA, added, bce + added
    return dict(zip(COLOURS, found, strict=True))


def _slope(values: Callable[[np.ndarray], dict], at: np.ndarray) -> dict[str, np.ndarray]:
    """Return each loss's slope, found by nudging the logit."""
    nudge = 1e-3
    before, after = values(at - nudge), values(at + nudge)
    return {name: (after[name] - before[name]) / (2 * nudge) for name in before}


def one_pixel(logit: float = -3.0):
    """Return an explorer of one pixel's logit: five losses, their values and their slopes.

    The pixel belongs to a picture of 128 × 128; all its other pixels stay as a half-trained network
    leaves them (0.6 in the tumour, 0.05 outside).

    Args:
        logit: the pixel's at the start, −8 to 8.

    Returns:
        An `ipywidgets.VBox` of the two diagrams and their numbers, a slider for the logit, a choice
        of the pixel's kind, a slider for the tumour's size, and a line that says how hard each
        loss pulls.
    """
    place = wide(ipywidgets.FloatSlider(logit, min=-8, max=8, step=0.1, description="Logit"))
    place.readout_format = ".1f"
    kind = ipywidgets.ToggleButtons(options=["tumour", "background"], description="The pixel is")
    size = ipywidgets.SelectionSlider(
        options=[10, 100, 1000, 5000], value=1000, description="Other tumour pixels"
    )
    wide(size)
    diagrams = _Diagrams()

    def values(at):
        return losses_of_one_pixel(at, kind.value == "tumour", size.value)

    def look(change=None) -> tuple[np.ndarray, str]:
        if change is None or change["owner"] is not place:
            diagrams.draw_curves((values(LOGITS), _slope(values, LOGITS)))
        at = np.array(place.value)
        here, slope = values(at), _slope(values, at)
        pulls = ", ".join(f"{name} {abs(float(value)):.2f}" for name, value in slope.items())
        p = 1 / (1 + np.exp(-place.value))
        said = f"{kind.value} pixel, logit {place.value:.1f}, p {p:.3f}, {size.value} others"
        return diagrams.picture(place.value, (here, slope)), f"{said}. Pull: {pulls}"

    first, said = look()
    shown, line = image(first), ipywidgets.Label(said)

    def show(change) -> None:
        picture, line.value = look(change)
        shown.value = png(picture)

    for control in (place, kind, size):
        control.observe(show, names="value")
    return column([shown, row([place, kind]), size, line])


class _Diagrams:
    """Loss and pull over the logit. Axes are drawn once, what moves is drawn over them: 5 ms."""

    def __init__(self):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7.1, 3.0), dpi=90)
        self.axes = figure.subplots(1, 3, width_ratios=(5, 5, 4.6))
        figure.subplots_adjust(left=0.06, right=0.995, bottom=0.16, top=0.9, wspace=0.24)
        names = "loss that this pixel adds", "pull: size of the slope"
        for ax, title, limits in zip(self.axes, names, ((0.003, 200), (0.003, 20)), strict=False):
            ax.set(xlim=(-8, 8), ylim=limits, yscale="log", xlabel="logit")
            ax.set_title(title, fontsize=10)
            ax.spines[["top", "right"]].set_visible(False)
        table = self.axes[2]
        table.set_axis_off()
        self.lines, self.dots, self.texts = [], [], []
        for number, (name, colour) in enumerate(COLOURS.items()):
            shade = PALETTE[colour]
            for ax in self.axes[:2]:
                self.lines += ax.plot([], [], color=shade, animated=True)
                self.dots += ax.plot([], [], "o", color=shade, markersize=8, animated=True)
            at = 0.8 - 0.16 * number
            table.text(0, at, name, color=shade, weight="bold", fontsize=8)
            for x in (0.74, 1.0):
                self.texts.append(table.text(x, at, "", ha="right", fontsize=9, animated=True))
        for x, head in ((0.74, "loss"), (1.0, "slope")):
            table.text(x, 0.95, head, ha="right", fontsize=9)
        self.canvas = FigureCanvasAgg(figure)
        self.canvas.draw()
        self.empty = self.canvas.copy_from_bbox(figure.bbox)

    def draw_curves(self, curves: tuple[dict, dict]) -> None:
        """Draw losses and slopes over `LOGITS`, to stay until others are drawn."""
        self.canvas.restore_region(self.empty)
        for number, name in enumerate(COLOURS):
            for panel in (0, 1):
                line = self.lines[2 * number + panel]
                line.set_data(LOGITS, np.abs(curves[panel][name]))
                self.axes[panel].draw_artist(line)
        self.with_curves = self.canvas.copy_from_bbox(self.canvas.figure.bbox)

    def picture(self, at: float, here: tuple[dict, dict]) -> np.ndarray:
        """Return the diagrams with the dots at a logit, and the numbers there."""
        self.canvas.restore_region(self.with_curves)
        for number, name in enumerate(COLOURS):
            for panel in (0, 1):
                value = float(here[panel][name])
                dot, text = self.dots[2 * number + panel], self.texts[2 * number + panel]
                dot.set_data([at], [abs(value)])
                text.set_text(f"{value + 0:.2f}")
                self.axes[panel].draw_artist(dot)
                self.axes[2].draw_artist(text)
        return np.asarray(self.canvas.buffer_rgba())[..., :3].copy()
