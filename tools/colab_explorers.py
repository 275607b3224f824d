"""Move the explorers in a browser under Colab's versions: ipywidgets 7.7 in the classic Notebook 6.5.

    python tools/colab_explorers.py [PICTURES]

Colab's own page can't be had outside Colab; of what its pins contain, Notebook 6.5 is what shows widgets in a page.
Takes each explorer's cell from its test (`tests/explorers/`), runs it in the environment that
`colab_lessons.py` makes, and moves its first slider, or draws where there is none. Prints what each says
before and after; exits with 1 where picture or words stayed. PICTURES: a folder for screenshots.
"""

from __future__ import annotations

import ast
import subprocess
import sys
import tempfile
from pathlib import Path

import colab_lessons
import nbformat
from nbformat.v4 import new_code_cell, new_notebook

sys.path.insert(0, str(colab_lessons.colab_pins.ROOT / "tests"))
from chromium import CHROMIUM, FLAGS, needs

EXPLORERS = colab_lessons.colab_pins.ROOT / "tests" / "explorers"
PORT = 8899
PICTURE = "img.widget-image, .drawing-board img, img.pointed-picture"
LABEL = ".output_area .widget-label"
# a cell that runs before the widgets' extension listens to the kernel shows nothing
LISTENS = """() => {
  const kernel = window.Jupyter?.notebook?.kernel;
  return kernel?.info_reply?.protocol_version && kernel.comm_manager.targets['jupyter.widget'];
}"""
SECONDS = 300  # a cold start on a busy machine


def cells() -> dict[str, str]:
    """The code of each explorer's test, by the explorer's name."""
    found = {}
    for path in sorted(EXPLORERS.glob("test_explorer_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "CODE":
                found[path.stem.removeprefix("test_explorer_")] = ast.literal_eval(node.value)
    return found


def move(page) -> None:
    """Move the first slider by a key, or draw a line on the board."""
    board = page.locator(".drawing-board canvas")
    if board.count():
        box = board.bounding_box()
        page.mouse.move(box["x"] + 90, box["y"] + 120)
        page.mouse.down()
        page.mouse.move(box["x"] + 150, box["y"] + 120, steps=8)
        page.mouse.up()
        return
    handle = page.locator(".widget-slider .ui-slider-handle, .widget-slider .noUi-handle").first
    readout = page.locator(".widget-slider .widget-readout").first
    at = readout.inner_text()
    for key in ("ArrowRight", "ArrowLeft"):  # at its right end it can't go on
        if readout.inner_text() == at:
            handle.focus()
            handle.press(key)
            page.wait_for_timeout(500)


def tried(page, name: str, pictures: Path | None) -> tuple[str, str]:
    """Run the notebook `name`, and move its explorer; what it says before and after."""
    page.goto(f"http://127.0.0.1:{PORT}/notebooks/{name}.ipynb")
    page.wait_for_function(LISTENS)
    page.wait_for_timeout(3000)  # and has asked it for widgets of before
    page.evaluate("Jupyter.notebook.execute_all_cells()")
    picture = page.locator(PICTURE).first
    picture.wait_for()
    page.wait_for_timeout(1000)  # the widgets' model reaches the kernel
    before, said = picture.get_attribute("src"), page.locator(LABEL).last.inner_text()
    move(page)
    page.wait_for_function(
        "([selector, old]) => document.querySelector(selector).src !== old", arg=[PICTURE, before]
    )
    page.wait_for_timeout(300)
    if pictures:
        page.locator(".output_wrapper").first.screenshot(path=str(pictures / f"{name}.png"))
    return said, page.locator(LABEL).last.inner_text()


def main(pictures: Path | None = None) -> int:
    if absent := needs():
        sys.exit(absent)
    from playwright.sync_api import sync_playwright

    python = colab_lessons.environment(colab_lessons.ENVIRONMENT)
    failed = 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        for name, code in cells().items():
            book = new_notebook(cells=[new_code_cell(code)], metadata=kernel)
            nbformat.write(book, Path(folder, f"{name}.ipynb"))
        command = [python, "-m", "notebook", "--no-browser", "--allow-root", f"--port={PORT}"]
        command += ["--port-retries=0", "--NotebookApp.token=", "--NotebookApp.password="]
        with open(Path(folder, "log"), "w") as log:
            server = subprocess.Popen([*map(str, command)], cwd=folder, stdout=log, stderr=log)
        try:
            with sync_playwright() as driver:
                browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
                page = browser.new_page(viewport={"width": 1300, "height": 1000})
                page.set_default_timeout(1000 * SECONDS)
                for _ in range(SECONDS):
                    try:
                        page.goto(f"http://127.0.0.1:{PORT}/tree")
                        break
                    except Exception:  # not there yet
                        page.wait_for_timeout(1000)
                for name in cells():
                    before, after = tried(page, name, pictures)
                    failed += before == after
                    print(f"{name}: {before!r} -> {after!r}", flush=True)
        finally:
            server.terminate()
            server.wait()
    print(f"{failed} of {len(cells())} explorers didn't answer.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:2])))
