"""Progress bar for training, in a terminal, in JupyterLab and in a notebook executed headless."""

import io
import time
from collections.abc import Mapping

from IPython import get_ipython
from IPython.display import Image, display
from tqdm import tqdm

from unet_course.showing import plotting


class Bar:
    """A progress bar over all steps of all epochs: a tqdm bar in a terminal, one line in a notebook.

    In a notebook the line is plain text, updated in place, so that a saved lesson keeps its last
    state. The curves below it go at the end, where the lesson draws its own.
    """

    def __init__(self, epochs: int, steps: int, progress: bool):
        self.epochs, self.steps = epochs, steps
        self.started = self.drawn = time.perf_counter()
        self.note, self.handle, self.curves, self.tqdm = "", None, None, None
        if progress and in_notebook():
            self.handle = display(Line("compiling the first step …"), display_id=True)
        elif progress:
            self.tqdm = tqdm(total=epochs * steps, unit="step", desc="Compiling the first step")

    def step(self, epoch: int, step: int, loss: float) -> None:
        now = time.perf_counter()
        if self.tqdm:
            self.tqdm.update(epoch * self.steps + step + 1 - self.tqdm.n)
            self.tqdm.set_description(f"Epoch {epoch + 1}/{self.epochs}", refresh=False)
        elif self.handle and now - self.drawn > 0.5:
            self.drawn = now
            self._draw(epoch * self.steps + step + 1)

    def epoch_done(self, epochs_done: int, history: Mapping[str, list[float]]) -> None:
        """Show the last epoch's numbers, and the curves of all so far."""
        shown = {k: v for k, v in history.items() if k != "seconds"}
        self.note = ", ".join(f"{name} {values[-1]:.3f}" for name, values in shown.items())
        if self.tqdm:
            self.tqdm.update(epochs_done * self.steps - self.tqdm.n)
            self.tqdm.set_postfix_str(self.note)
        elif self.handle:
            self._draw(epochs_done * self.steps)
            if 1 < epochs_done < self.epochs:
                self._draw_curves(shown)

    def _draw(self, done: int) -> None:
        share = done / (self.epochs * self.steps)
        filled = round(24 * share)
        seconds = time.perf_counter() - self.started
        epoch = min(self.epochs, done // self.steps + (done % self.steps > 0))
        line = f"epoch {epoch}/{self.epochs} {'━' * filled}{'─' * (24 - filled)} {share:4.0%}"
        self.handle.update(Line(f"{line}  {seconds:.0f} s  {self.note}"))

    def _draw_curves(self, history: Mapping[str, list[float]]) -> None:
        picture = io.BytesIO()
        plotting.curves(history).savefig(picture, format="png", dpi=80, bbox_inches="tight")
        alt = f"Training so far: {self.note} after {len(history['loss'])} epochs."
        options = {"metadata": {"image/png": {"alt": alt}}}
        if self.curves is None:
            self.curves = display(Image(picture.getvalue()), display_id=True, **options)
        else:
            self.curves.update(Image(picture.getvalue()), **options)

    def say(self, text: str) -> None:
        if self.tqdm:
            self.tqdm.write(text)
        elif self.handle:
            self.handle.update(Line(text))

    def close(self) -> None:
        if self.tqdm:
            self.tqdm.close()
        if self.curves:
            self.curves.update(Line(""))


class Line:
    """A text that a notebook shows without quotation marks."""

    def __init__(self, text: str):
        self.text = text

    def __repr__(self) -> str:
        return self.text


def in_notebook() -> bool:
    """Return whether this runs in a Jupyter kernel, where a bar can be updated in place."""
    return getattr(get_ipython(), "kernel", None) is not None
