"""Progress bar for training, in a terminal, in JupyterLab and in a notebook executed headless."""

import time
from collections.abc import Mapping

from tqdm import tqdm


class Bar:
    """A progress bar over all steps of all epochs: a tqdm bar in a terminal, one line in a notebook.

    In a notebook the line is a display that is updated in place. It is plain text, so that a saved
    lesson keeps its last state, unlike the bar of a widget.
    """

    def __init__(self, epochs: int, steps: int, progress: bool):
        self.epochs, self.steps = epochs, steps
        self.started = self.drawn = time.perf_counter()
        self.note, self.handle, self.tqdm = "", None, None
        if not progress:
            return
        if in_notebook():
            from IPython.display import display

            self.handle = display(Line("…"), display_id=True)
        else:
            self.tqdm = tqdm(total=epochs * steps, unit="step", desc="Training")

    def step(self, epoch: int, step: int, loss: float) -> None:
        now = time.perf_counter()
        if self.tqdm:
            self.tqdm.update(epoch * self.steps + step + 1 - self.tqdm.n)
            self.tqdm.set_description(f"Epoch {epoch + 1}/{self.epochs}", refresh=False)
        elif self.handle and now - self.drawn > 0.5:
            self.drawn = now
            self._draw(epoch * self.steps + step + 1)

    def epoch_done(self, epochs_done: int, numbers: Mapping[str, float]) -> None:
        shown = {k: v for k, v in numbers.items() if k != "seconds"}
        self.note = ", ".join(f"{name} {value:.3f}" for name, value in shown.items())
        if self.tqdm:
            self.tqdm.update(epochs_done * self.steps - self.tqdm.n)
            self.tqdm.set_postfix_str(self.note)
        elif self.handle:
            self._draw(epochs_done * self.steps)

    def _draw(self, done: int) -> None:
        share = done / (self.epochs * self.steps)
        filled = round(24 * share)
        seconds = time.perf_counter() - self.started
        epoch = min(self.epochs, done // self.steps + (done % self.steps > 0))
        line = f"epoch {epoch}/{self.epochs} {'━' * filled}{'─' * (24 - filled)} {share:4.0%}"
        self.handle.update(Line(f"{line}  {seconds:.0f} s  {self.note}"))

    def say(self, text: str) -> None:
        if self.tqdm:
            self.tqdm.write(text)
        elif self.handle:
            self.handle.update(Line(text))

    def close(self) -> None:
        if self.tqdm:
            self.tqdm.close()


class Line:
    """A text that a notebook shows without quotation marks."""

    def __init__(self, text: str):
        self.text = text

    def __repr__(self) -> str:
        return self.text


def in_notebook() -> bool:
    """Return whether this runs in a Jupyter kernel, where a bar can be updated in place."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return getattr(get_ipython(), "kernel", None) is not None
