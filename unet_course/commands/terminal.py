"""What the commands print: a bar over a lesson's cells, outputs as plain text, how to install."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

from unet_course.runtime import how_to_install as how_to_install
from unet_course.runtime import quiet


def run_script(fetch: Callable[[], Path], lesson: str) -> int:
    """What each of `data_scripts` does with its options read: fetch; return the exit status.

    Args:
        fetch: returns the folder of the data; a RuntimeError (`DownloadError`) is told.
        lesson: the number of a lesson that uses them.
    """
    try:
        folder = fetch()
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. The same command goes on from here.", file=sys.stderr)
        return 130
    print(f"Use it: unet-course run {lesson} --data {folder}")
    return 0


def start_tensorflow() -> None:
    """Import Keras and compute something, while what TensorFlow logs at its start is kept back."""
    with quiet():
        import keras

        keras.ops.ones(1)


def never_fail_to_print() -> None:
    """Let a console that hasn't ○, ✓ or a folder's letters print a question mark in their place."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def clean(text: str) -> str:
    """Return somebody's text without what moves a terminal's cursor or can't be written."""
    return "".join(c for c in text if c == "\n" or unicodedata.category(c)[0] != "C")


class CellProgress:
    """Called after each cell (`run_lesson.execute`): draws the bar; with `texts` prints outputs."""

    def __init__(self, name: str, texts: bool):
        from tqdm import tqdm

        self.texts = texts
        self.bar = tqdm(desc=name, unit="cell", disable=None, leave=False)

    def __call__(self, index: int, total: int, cell) -> None:
        self.bar.total = total
        self.bar.update()
        if not self.texts:
            return
        if cell.cell_type == "markdown":
            text = "\n".join(re.findall(r"^#{1,6} .*$", cell.source, re.MULTILINE))
        else:
            text = "\n".join(filter(None, map(as_text, cell.outputs)))
        if text:
            self.bar.write(text)
            sys.stdout.flush()

    def close(self) -> None:
        self.bar.close()


def as_text(output) -> str:
    """Return an output as a terminal shows it: text as it is, a figure by its alt text."""
    if output.output_type == "stream":
        # what a bar has written over itself isn't worth a line each
        return "\n".join(line.split("\r")[-1] for line in output.text.rstrip("\n").split("\n"))
    data = output.get("data", {})
    if "image/png" in data:
        alt = output.get("metadata", {}).get("image/png", {}).get("alt")
        return f"[figure: {alt}]" if alt else "[figure]"
    return data.get("text/plain", "")
