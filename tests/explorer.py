"""What the tests of explorers share: move a control without a browser, and see the picture change."""

import io
import time

import numpy as np
from PIL import Image

SECONDS = 0.05  # an answer, of the processor's time: a busy test machine isn't the explorer's fault
SLACK = 3  # nor is a slow or shared core; the first answer may also fill caches


def inside(widget, *kinds: str) -> list:
    """A box's widgets, those in boxes within it included; only those of some kinds, if named."""
    found = [one for child in getattr(widget, "children", ()) for one in inside(child, *kinds)]
    return [widget, *found] if not kinds or type(widget).__name__ in kinds else found


def shown(explorer) -> np.ndarray:
    """The one picture that an explorer has."""
    (picture,) = inside(explorer, "Image", "DrawingBoard", "PointedPicture")
    return np.array(Image.open(io.BytesIO(picture.value)).convert("RGB"))


def words(explorer) -> str:
    """What its last child, a label, says of the picture."""
    line = explorer.children[-1]
    assert type(line).__name__ == "Label" and len(line.value.split()) >= 4, line.value
    return line.value


def control(explorer, name: str):
    """The control that has this description."""
    (found,) = [one for one in inside(explorer) if getattr(one, "description", None) == name]
    return found


def move(explorer, name: str, value, *, changes: bool = True) -> str:
    """Set a control, and assert that picture and words follow within the time; return the words.

    Args:
        explorer: what `explorers.NAME(…)` returned.
        name: the control's description.
        value: its new value; None clicks a button.
        changes: False asserts that the picture stays the same.
    """
    before, said = shown(explorer), words(explorer)
    moved = control(explorer, name)
    start = time.process_time()
    if value is None:
        moved.click()
    else:
        moved.value = value
    seconds = time.process_time() - start
    after = shown(explorer)
    same = before.shape == after.shape and (before == after).all()
    assert same != changes, f"{name} = {value}: the picture {'stayed' if same else 'changed'}"
    assert not changes or words(explorer) != said, f"{name} = {value}: the words stayed"
    assert seconds < SECONDS * SLACK, f"{name} = {value}: {seconds:.3f} s"
    return words(explorer)
