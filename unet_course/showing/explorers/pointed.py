"""A picture that is told where the mouse points and which arrow key is pressed."""

from __future__ import annotations

import anywidget
import traitlets

# One question at a time: while the mouse is dragged, the next place is sent once the last is answered.
PROGRAM = """
function render({ model, el }) {
  const picture = document.createElement("img");
  picture.className = "pointed-picture";
  picture.tabIndex = 0;
  picture.draggable = false;
  picture.style.maxWidth = "100%";
  picture.style.imageRendering = "pixelated";
  picture.style.cursor = "crosshair";
  picture.style.touchAction = "none";
  el.appendChild(picture);
  let held = false, waiting = false, next = null, count = 0;

  function show() {
    const old = picture.src;
    picture.src = URL.createObjectURL(new Blob([model.get("value")], { type: "image/png" }));
    if (old) URL.revokeObjectURL(old);
  }
  function tell() { picture.alt = model.get("words"); }
  function ask(name, what) {
    if (waiting) { next = [name, what]; return; }
    waiting = true;
    count += 1;
    model.set(name, [...what, count]);
    model.save_changes();
  }
  function answered() {
    waiting = false;
    if (next) { const [name, what] = next; next = null; ask(name, what); }
  }
  function point(event) {
    const box = picture.getBoundingClientRect();
    ask("pointed", [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]);
  }
  picture.addEventListener("pointerdown", (event) => {
    held = true;
    picture.setPointerCapture(event.pointerId);
    picture.focus({ preventScroll: true });
    event.preventDefault();
    point(event);
  });
  picture.addEventListener("pointermove", (event) => { if (held) point(event); });
  for (const end of ["pointerup", "pointercancel"]) {
    picture.addEventListener(end, () => { held = false; });
  }
  picture.addEventListener("keydown", (event) => {
    if (!/^(Arrow|Page)/.test(event.key)) return;
    event.preventDefault();
    event.stopPropagation();  // JupyterLab would go to another cell
    ask("pressed", [event.key]);
  });
  model.on("change:value", show);
  model.on("change:words", tell);
  model.on("change:answered", answered);
  show();
  tell();
}
export default { render };
"""


class PointedPicture(anywidget.AnyWidget):
    """A PNG in the page. Whoever shows it sets `value`, observes `pointed` and `pressed`, and counts
    `answered` up after each of them.

    Attributes:
        value: the picture, the bytes of a PNG.
        words: what it shows, its alternative text.
        pointed: where the mouse was pressed or dragged to: fractions of the picture's width and
            height, and a running number.
        pressed: an arrow key or page key pressed on the picture, by its name, and a running number.
        answered: how many of these have been dealt with.
    """

    _esm = PROGRAM
    value = traitlets.Bytes().tag(sync=True)
    words = traitlets.Unicode().tag(sync=True)
    pointed = traitlets.List().tag(sync=True)
    pressed = traitlets.List().tag(sync=True)
    answered = traitlets.Int(0).tag(sync=True)
