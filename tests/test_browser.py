"""JupyterLab in a real browser: lesson 00 opened by the command, Run All, the slice browser moved.

Needs Chromium (Debian: apt install chromium) and the package playwright; says so when it can't run.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from chromium import CHROMIUM, FLAGS, needs
from lesson_files import LESSONS, ROOT

from unet_course.commands import run_lesson

TOKEN = "for-this-test-only"
MINUTES = 6  # a cold start of TensorFlow on a busy machine, and the lesson

# Clicking "Run All" races the kernel's start, so the page's own commands are called once it's there.
RUN_ALL = """async (path) => {
  const app = window.jupyterapp;
  await app.restored;
  const panel = await app.commands.execute('docmanager:open', {path, factory: 'Notebook'});
  await panel.context.ready;
  await panel.sessionContext.ready;
  await panel.sessionContext.session.kernel.info;
  app.shell.activateById(panel.id);
  await app.commands.execute('notebook:clear-all-cell-outputs');  // and their counts
  await app.commands.execute('notebook:run-all-cells');
}"""
# model.sharedModel holds what the cells show now; execution counts are set when a cell is done
STATE = """() => {
  const widget = window.jupyterapp.shell.currentWidget;
  const cells = [...widget.content.widgets].map(w => w.model);
  const code = cells.filter(m => m.type === 'code' && m.sharedModel.source.trim());
  return {
    done: code.filter(m => m.executionCount !== null).length,
    all: code.length,
    busy: widget.sessionContext.session.kernel.status,
    errors: code.flatMap(m => m.sharedModel.outputs)
                .filter(o => o.output_type === 'error').map(o => o.ename + ': ' + o.evalue),
  };
}"""


@pytest.fixture
def lab(tmp_path):
    """The course opened by its command, on a copy of the lessons; gives its address."""
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    config = tmp_path / "config"
    config.mkdir()
    settings = {
        "IdentityProvider": {"token": TOKEN},
        "ServerApp": {"allow_root": True},
        "LabApp": {"expose_app_in_browser": True},
    }
    for name in ("jupyter_server_config.json", "jupyter_lab_config.json"):
        (config / name).write_text(json.dumps(settings), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = run_lesson.kernel_environment() | {
        "JUPYTER_CONFIG_DIR": str(config),
        "JUPYTERLAB_SETTINGS_DIR": str(tmp_path / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(tmp_path / "workspaces"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        "UNET_COURSE_USER": str(tmp_path / "user"),
    }
    command = [
        sys.executable,
        "-m",
        "unet_course.commands.cli",
        "--no-browser",
        "--port",
        str(port),
    ]
    log = (tmp_path / "lab.log").open("w+", encoding="utf-8")
    process = subprocess.Popen(command, cwd=tmp_path, env=env, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            assert process.poll() is None, (tmp_path / "lab.log").read_text(encoding="utf-8")
            try:
                urllib.request.urlopen(f"{address}/api", timeout=2).read()
                break
            except OSError:
                time.sleep(0.2)
        yield address
        if os.name != "nt":  # Ctrl-C ends it, and its kernels with it
            import signal

            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait()
        log.close()


# for each name in the file browser: the text's own width, and what it is given
NAMES = """() => [...document.querySelectorAll('.jp-DirListing-itemText')].map(item => {
  const range = document.createRange();
  range.selectNodeContents(item);
  const shown = item.getBoundingClientRect();
  return {name: item.innerText, whole: range.getBoundingClientRect().right <= shown.right + 0.5
          && range.getBoundingClientRect().width > 20};
})"""
LEFT = """() => document.querySelector('#jp-left-stack').clientWidth"""


@pytest.mark.skipif(needs() is not None, reason=str(needs()))
@pytest.mark.parametrize("width", [1100, 1920])
def test_the_first_look_shows_whole_names_and_nothing_else(lab, width):
    """No question about news, no launcher, no column of dates; every lesson by its whole name."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            page = browser.new_page(viewport={"width": width, "height": 900})
            page.goto(f"{lab}/?token={TOKEN}", timeout=120_000)
            page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=120_000)
            page.wait_for_selector(".jp-DirListing-item", timeout=60_000)
            page.wait_for_function("() => window.jupyterapp.restored.then(() => true)")
            page.wait_for_timeout(3000)  # as long as the question took to come
            names = page.evaluate(NAMES)
            assert [one["name"] for one in names] == [path.name for path in LESSONS]
            assert [one["name"] for one in names if not one["whole"]] == []
            assert page.evaluate(LEFT) < width / 3, "the page has the room"
            for unwanted in (".Toastify__toast", ".jp-Launcher", ".jp-Dialog"):
                assert page.locator(unwanted).count() == 0, unwanted
            headers = page.locator(".jp-DirListing-headerItem:visible").all_inner_texts()
            assert "Name" in headers and not any("odified" in text for text in headers)
        finally:
            browser.close()


@pytest.mark.skipif(needs() is not None, reason=str(needs()))
def test_lesson_00_runs_in_jupyterlab_and_its_browser_moves(sample, lab):
    from playwright.sync_api import sync_playwright

    lesson = next(path.name for path in LESSONS if path.name.startswith("00_"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            page = browser.new_page(viewport={"width": 1400, "height": 1000})
            page.goto(f"{lab}/?token={TOKEN}", timeout=120_000)
            page.wait_for_function("() => window.jupyterapp !== undefined", timeout=90_000)
            page.wait_for_url(f"**/lab/tree/{lesson}", timeout=90_000)
            page.evaluate(RUN_ALL, lesson)
            _finish(page)
            _move_the_slider(page)
        finally:
            browser.close()


def _finish(page) -> None:
    until = time.time() + 60 * MINUTES
    while time.time() < until:
        state = page.evaluate(STATE)
        assert state["errors"] == []
        if state["done"] == state["all"] and state["busy"] == "idle":
            return
        time.sleep(1)
    raise AssertionError(f"not done after {MINUTES} minutes: {state}")


def _move_the_slider(page) -> None:
    # JupyterLab draws only the cells in view: go to the one that holds the slice browser
    page.evaluate(
        """async () => {
          const notebook = window.jupyterapp.shell.currentWidget.content;
          const index = notebook.widgets.findIndex(
            w => w.model.sharedModel.source.includes('slice_browser('));
          await notebook.scrollToItem(index, 'start');
        }"""
    )
    handle = page.locator(".widget-slider .noUi-handle").first
    handle.wait_for(timeout=60_000)
    picture = page.locator("img.widget-image").first
    before, value = picture.get_attribute("src"), handle.get_attribute("aria-valuenow")
    handle.focus()
    handle.press("ArrowRight")
    page.wait_for_function(
        "([img, old]) => img.src !== old", arg=[picture.element_handle(), before], timeout=30_000
    )
    assert handle.get_attribute("aria-valuenow") != value
    natural = picture.evaluate("img => img.decode().then(() => img.naturalWidth)")
    assert natural > 100, "the new picture must be one"
