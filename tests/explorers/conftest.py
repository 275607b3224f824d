"""`in_browser(code)`: what a cell shows, in JupyterLab in a headless Chromium, to be moved there.

One server and one browser for all tests of this folder, which is why it is a package. Needs Chromium (Debian: apt install
chromium) and the package playwright; the tests are skipped, saying so, where one is missing.
"""

import os
from pathlib import Path

import nbformat
import pytest
from chromium import CHROMIUM, FLAGS, WEBGL, needs
from lab_server import TOKEN, JupyterLab
from nbformat.v4 import new_code_cell, new_notebook

# Clicking "Run All" races the kernel's start, so the page's own commands are called once it's there.
RUN = """async (path) => {
  const app = window.jupyterapp;
  await app.restored;
  const panel = await app.commands.execute('docmanager:open', {path, factory: 'Notebook'});
  await panel.context.ready;
  await panel.sessionContext.ready;
  await panel.sessionContext.session.kernel.info;
  app.shell.activateById(panel.id);
  await app.commands.execute('notebook:run-all-cells');
  const outputs = panel.content.widgets[0].model.sharedModel.outputs;
  return outputs.filter(o => o.output_type === 'error').map(o => o.ename + ': ' + o.evalue);
}"""
CLOSE = """async () => {
  const panel = window.jupyterapp.shell.currentWidget;
  await panel.sessionContext.shutdown();
  panel.dispose();
}"""


class Shown:
    """A cell's output in the browser."""

    def __init__(self, page):
        self.page = page
        self.area = page.locator(".jp-NotebookPanel:visible .jp-OutputArea")

    @property
    def picture(self):
        """The explorer's picture."""
        return self.area.locator("img.widget-image, .drawing-board img, img.pointed-picture").first

    def press(self, key: str, handle: int = 0) -> None:
        """Press a key on a slider (they count from 0), and wait until the picture is another one."""
        slider = self.area.locator(".widget-slider .noUi-handle").nth(handle)
        slider.wait_for(timeout=60_000)
        with self.changes():
            slider.focus()
            slider.press(key)

    def changes(self, words: bool = True):
        """A block in which the picture changes, and the words below it unless `words` is False."""
        return _Changes(self, words)

    @property
    def words(self) -> str:
        return self.area.locator(".widget-label:visible").last.inner_text()

    def screenshot(self, name: str) -> None:
        """Keep a picture of it, to be looked at, where EXPLORER_PICTURES names a folder."""
        if folder := os.environ.get("EXPLORER_PICTURES"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.area.screenshot(path=str(Path(folder, f"{name}.png")))


class _Changes:
    def __init__(self, shown: Shown, words: bool):
        self.shown, self.words = shown, words

    def __enter__(self):
        self.shown.picture.wait_for(timeout=60_000)
        self.before = self.shown.picture.get_attribute("src"), self.shown.words
        return self.shown

    def __exit__(self, kind, *_):
        if kind is not None:
            return
        picture = self.shown.picture.element_handle()
        self.shown.page.wait_for_function(
            "([img, old]) => img.src !== old", arg=[picture, self.before[0]], timeout=30_000
        )
        # a picture that is replaced while it is decoded is decoded once more
        decode = "img.decode().catch(() => img.decode())"
        wide = picture.evaluate(f"img => {decode}.then(() => img.naturalWidth)")
        assert wide > 100, "the new picture must be one"
        if self.words:
            label = self.shown.area.locator(".widget-label:visible").last.element_handle()
            self.shown.page.wait_for_function(
                "([label, old]) => label.innerText !== old",
                arg=[label, self.before[1]],
                timeout=30_000,
            )


@pytest.fixture(scope="package")
def lab_page(tmp_path_factory):
    """JupyterLab's page in a browser, and the folder of its notebooks."""
    if absent := needs():
        pytest.skip(absent)
    from playwright.sync_api import sync_playwright

    folder = tmp_path_factory.mktemp("explorers")
    first = folder / "00_first.ipynb"
    first.write_text(nbformat.writes(new_notebook()), encoding="utf-8")
    with JupyterLab(folder, first) as server, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *WEBGL])
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.goto(f"{server.address}/lab?token={TOKEN}", timeout=120_000)
        page.wait_for_function("() => window.jupyterapp !== undefined", timeout=120_000)
        yield page, next(folder.rglob("my_lessons"))  # the command opens copies
        browser.close()


@pytest.fixture
def in_browser(lab_page, request):
    """A function: run a cell with this code in JupyterLab, and return what it shows (`Shown`)."""
    page, folder = lab_page

    def show(code: str) -> Shown:
        name = f"{request.node.name}.ipynb".translate({ord(c): "_" for c in "[]/ "})
        cells = [new_code_cell(code)]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        text = nbformat.writes(new_notebook(cells=cells, metadata=kernel))
        (folder / name).write_text(text, encoding="utf-8")
        assert page.evaluate(RUN, name) == []
        return Shown(page)

    yield show
    page.evaluate(CLOSE)
