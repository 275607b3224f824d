"""What the tests of the demo do in its page: open it, wait, save and compare."""

import keras
import nibabel
import numpy as np

from unet_course import runtime

DONE = "document.getElementById('status').textContent.endsWith('done.')"
DRAWN = "Boolean(document.getElementById('axis-0').min * 1)"  # set when the viewer has the scan
ENDED = "document.getElementById('stop').hidden"
SECONDS = 240  # of a machine that does other things as well


def opened(browser, address):
    """The page, whose requests and errors are kept."""
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    page.set_default_timeout(SECONDS * 1000)
    page.asked, page.wrong = [], []
    page.on("request", lambda request: page.asked.append((request.method, request.url)))
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.goto(address, timeout=120_000)
    page.wait_for_selector("#samples button")
    return page


def saved(page, tmp_path) -> nibabel.Nifti1Image:
    with page.expect_download() as download:
        page.click("#save")
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    return nibabel.load(file)


def found_in(file, page, tmp_path) -> np.ndarray:
    page.set_input_files("#files", file)
    page.wait_for_function(DONE, timeout=SECONDS * 1000)
    mask = np.array(saved(page, tmp_path).dataobj)  # a copy: the next page's file has this name
    assert mask.any() and page.wrong == []
    return mask


def network(name: str) -> keras.Model:
    file = runtime.PACKAGE / "weights" / f"{name}.keras"
    return keras.saving.load_model(file, compile=False, safe_mode=True)
