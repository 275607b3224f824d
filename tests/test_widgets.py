"""The slice browser, without a browser: test_browser.py moves it in a real one."""

import io
import subprocess
import sys

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image

from unet_course.commands import run_lesson
from unet_course.showing.plotting import PREDICTION, TRUTH
from unet_course.showing.widgets import GAP, slice_browser


def stack(n=5, size=32, channels=()):
    images = np.zeros((n, size, size, *channels), np.uint8)
    images += np.arange(n, dtype=np.uint8).reshape(-1, *[1] * (images.ndim - 1)) * 40
    masks = np.zeros((n, size, size), np.uint8)
    masks[3, 5:20, 5:20] = 1
    masks[2, 5:9, 5:9] = 1
    return images, masks


def parts(browser):
    """The picture as an array, and the slider."""
    image, slider = browser.children[-2:]
    return np.array(Image.open(io.BytesIO(image.value))), slider


def rgb(colour):
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


@pytest.mark.parametrize("channels", [(), (1,), (2,), (3,), (4,)])
def test_it_starts_where_there_is_most_tumour_and_moves(channels):
    images, masks = stack(channels=channels)
    browser = slice_browser(images, masks)
    picture, slider = parts(browser)
    assert slider.value == 3 and (slider.min, slider.max) == (0, 4)
    assert picture.shape == (64, 64, 3)
    assert (picture == rgb(TRUTH)).all(-1).any()
    slider.value = 4
    moved, _ = parts(browser)
    assert not (moved == rgb(TRUTH)).all(-1).any() and (moved == 160).all()


def test_several_panels_stand_side_by_side():
    images, masks = stack()
    browser = slice_browser(images, masks, np.roll(masks, 5, 2), panels={"other": images}, scale=1)
    picture, _ = parts(browser)
    assert picture.shape == (32, 32 + GAP + 32, 3)
    for half in (picture[:, :32], picture[:, 32 + GAP :]):
        assert (half == rgb(TRUTH)).all(-1).any() and (half == rgb(PREDICTION)).all(-1).any()
    assert "truth: sky blue; prediction: orange" in browser.children[0].value


def test_without_masks_it_starts_in_the_middle():
    assert parts(slice_browser(stack()[0]))[1].value == 2
    assert parts(slice_browser(stack()[0], start=0))[1].value == 0
    assert parts(slice_browser(*[stack()[0], np.zeros((5, 32, 32))]))[1].value == 2


@pytest.mark.parametrize(
    "call",
    [
        lambda i, m: slice_browser(i[:0]),
        lambda i, m: slice_browser(i, m[:4]),
        lambda i, m: slice_browser(i, m, m[:, :5]),
        lambda i, m: slice_browser(i, panels={"x": i[:2]}),
        lambda i, m: slice_browser(i[0]),
        lambda i, m: slice_browser(i, start=5),
        lambda i, m: slice_browser(i, scale=0),
    ],
)
def test_what_does_not_fit_is_refused(call):
    with pytest.raises(ValueError):
        call(*stack())


def test_no_figure_is_left_open():
    import matplotlib.pyplot as plt

    slice_browser(*stack())
    assert plt.get_fignums() == []


def test_saved_and_run_again_it_passes_strict_nbval(tmp_path):
    """As lessons are saved: executed, widget view and state dropped, compared untagged."""
    source = (
        "import numpy as np\nfrom unet_course.showing.widgets import slice_browser\n"
        "images = np.zeros((4, 16, 16), np.uint8)\nslice_browser(images, images > 9)"
    )
    path = tmp_path / "98_browser.ipynb"
    run_lesson.write(new_notebook(cells=[new_code_cell(source)]), path)
    run_lesson.write(run_lesson.clean_outputs(run_lesson.execute(path).notebook), path)
    (output,) = nbformat.read(path, as_version=4).cells[0].outputs
    assert list(output.data) == ["text/plain"] and output.data["text/plain"].startswith("VBox(")
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-q"]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=run_lesson.kernel_environment(),
    )
    assert done.returncode == 0, done.stdout + done.stderr
