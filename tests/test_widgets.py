"""Slice browser and viewer, without a browser: test_browser.py moves the former in a real one."""

import io
import subprocess
import sys
import types
from pathlib import Path

import nbformat
import nibabel
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image

from unet_course.commands import run_lesson
from unet_course.data.layouts import BRATS
from unet_course.showing import widgets
from unet_course.showing.plotting import PREDICTION, TRUTH
from unet_course.showing.widget_parts import FILL, GAP
from unet_course.showing.widgets import slice_browser, volume_viewer


def stack(n=5, size=32, channels=()):
    images = np.zeros((n, size, size, *channels), np.uint8)
    images += np.arange(n, dtype=np.uint8).reshape(-1, *[1] * (images.ndim - 1)) * 40
    masks = np.zeros((n, size, size), np.uint8)
    masks[3, 5:20, 5:20] = 1
    masks[2, 5:9, 5:9] = 1
    return images, masks


def children(widget, kind):
    """A box's widgets of one kind, those in boxes within it included."""
    inner = [child for box in getattr(widget, "children", ()) for child in children(box, kind)]
    return [widget, *inner] if type(widget).__name__ == kind else inner


def pixels(image):
    return np.array(Image.open(io.BytesIO(image.value)))


def parts(browser):
    """The picture as an array, and the slider."""
    (image,), (slider,) = children(browser, "Image"), children(browser, "IntSlider")
    return pixels(image), slider


def rgb(colour):
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


@pytest.mark.parametrize("channels", [(), (1,), (2,), (3,), (4,)])
def test_it_starts_where_there_is_most_tumour_and_moves(channels):
    images, masks = stack(channels=channels)
    browser = slice_browser(images, masks)
    picture, slider = parts(browser)
    assert slider.value == 4 and (slider.min, slider.max) == (1, 5)  # as the files are numbered
    assert picture.shape == (64, 64, 3)
    assert (picture == rgb(TRUTH)).all(-1).any()
    slider.value = 5
    moved, _ = parts(browser)
    assert not (moved == rgb(TRUTH)).all(-1).any() and (moved == 160).all()


def test_several_panels_stand_side_by_side():
    images, masks = stack()
    browser = slice_browser(images, masks, np.roll(masks, 5, 2), panels={"other": images}, scale=1)
    picture, _ = parts(browser)
    assert picture.shape == (32, 32 + GAP + 32, 3)
    for half in (picture[:, :32], picture[:, 32 + GAP :]):
        assert (half == rgb(TRUTH)).all(-1).any() and (half == rgb(PREDICTION)).all(-1).any()
    legend = browser.children[0].value
    assert "images | other" in legend
    assert legend.index(TRUTH) < legend.index("truth") < legend.index(PREDICTION)


def test_a_prediction_is_filled_and_a_truth_is_not():
    images, masks = stack(n=4)
    of_truth, _ = parts(slice_browser(images, masks, scale=1))
    of_prediction, _ = parts(slice_browser(images, prediction=masks, scale=1))
    assert (of_truth[12, 12] == 120).all()  # in the middle of the mask
    expected = (1 - FILL) * 120 + FILL * np.array(rgb(PREDICTION))
    np.testing.assert_allclose(of_prediction[12, 12], expected, atol=1)


def test_the_picture_keeps_its_size_and_is_described_in_words():
    images, masks = stack()
    browser = slice_browser(images, masks, 0 * masks)
    (image,), (slider,) = children(browser, "Image"), children(browser, "IntSlider")
    assert browser.layout.align_items == "flex-start"  # else the box stretches the picture
    assert image.layout.width == "64px" and image.layout.max_width == "100%"
    line = browser.children[-1]
    said = "Slice 4 (1 to 5). Share of its pixels: truth 22.0%, prediction 0.0%"
    assert line.value == said
    slider.value = 1
    assert line.value.startswith("Slice 1 (1 to 5).") and "truth 0.0%" in line.value


def test_without_masks_it_starts_in_the_middle():
    assert parts(slice_browser(stack()[0]))[1].value == 3
    assert parts(slice_browser(stack()[0], start=1))[1].value == 1
    assert parts(slice_browser(stack()[0], first=7))[1].value == 9
    assert parts(slice_browser(*[stack()[0], np.zeros((5, 32, 32))]))[1].value == 3


@pytest.mark.parametrize(
    "call",
    [
        lambda i, m: slice_browser(i[:0]),
        lambda i, m: slice_browser(i, m[:4]),
        lambda i, m: slice_browser(i, m, m[:, :5]),
        lambda i, m: slice_browser(i, panels={"x": i[:2]}),
        lambda i, m: slice_browser(i[0]),
        lambda i, m: slice_browser(i, start=0),
        lambda i, m: slice_browser(i, start=6),
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


# --- volumes --------------------------------------------------------------------------------------


def volume(shape=(6, 8, 10)):
    images = np.random.default_rng(0).integers(1, 200, (*shape, 4)).astype(np.int16)
    labels = np.zeros(shape, np.uint8)
    labels[1:3, 2:5, 6:9] = 2
    labels[2, 3, 7] = 4
    return images, labels


@pytest.fixture
def case(tmp_path):
    """A case whose axes lead to the patient's left, front and bottom: no two as in NiiVue."""
    _, labels = volume()
    affine = np.diag([-1.0, 1, -1, 1])
    path = tmp_path / "mask.nii.gz"
    nibabel.save(nibabel.Nifti1Image(labels, affine), path)
    return types.SimpleNamespace(images=[path] * 4, mask=path, layout=BRATS["BraTS 2020"])


class FakeVolume:
    def __init__(self, **options):
        self.options = options

    def set_colormap_label(self, colours):
        self.colours = colours


class FakeNiiVue:
    """What the viewer calls of ipyniivue 2.4: its names are those of the real one."""

    def __init__(self, height):
        self.opts, self.scene = types.SimpleNamespace(), types.SimpleNamespace()

    def load_volumes(self, volumes):
        self.volumes = volumes

    def set_radiological_convention(self, on):
        self.opts.is_radiological_convention = on


def test_the_viewer_shows_left_on_the_right_a_render_and_the_tumours_middle(case, monkeypatch):
    fake = types.SimpleNamespace(
        NiiVue=FakeNiiVue, Volume=FakeVolume, ShowRender=types.SimpleNamespace(ALWAYS="always")
    )
    monkeypatch.setitem(sys.modules, "ipyniivue", fake)
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    viewer = volume_viewer(case, "T1ce")
    assert viewer.opts.is_radiological_convention and viewer.opts.sagittal_nose_left
    assert viewer.opts.multiplanar_show_render == "always"
    # voxel (2, 3, 7) of 6, 8, 10; the first and the third axis run the other way in NiiVue
    right, front, top = viewer.scene.crosshair_pos
    assert (round(right * 6 - 0.5), round(front * 8 - 0.5), round(top * 10 - 0.5)) == (3, 3, 2)
    assert viewer.volumes[1].colours["I"] == [0, 1, 2, 4]


def test_the_real_viewer_takes_what_it_is_given(case, monkeypatch):
    ipyniivue = pytest.importorskip("ipyniivue")
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    viewer = volume_viewer(case, "T1ce")
    assert isinstance(viewer, ipyniivue.NiiVue) and len(viewer.volumes) == 2
    assert viewer.opts.multiplanar_show_render == ipyniivue.ShowRender.ALWAYS


def test_without_ipyniivue_one_line_says_what_to_do(case, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipyniivue", None)  # as if it weren't installed
    from IPython.lib.pretty import pretty

    assert "open in a browser" in pretty(volume_viewer(case))  # run by a test, as lessons are
    monkeypatch.delenv("PYTEST_CURRENT_TEST")

    monkeypatch.setattr(widgets.importlib.util, "find_spec", lambda name: None)  # as uv leaves it
    said = pretty(volume_viewer(case))
    assert "\n" not in said and 'uv pip install "ipyniivue' in said
    monkeypatch.setattr(widgets.importlib.util, "find_spec", lambda name: object())
    assert "%pip install" in pretty(volume_viewer(case))
    with pytest.raises(ValueError, match="no modality"):
        volume_viewer(case, "PET")


def test_the_viewer_is_the_extras():
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    assert f'"{widgets.VIEWER}"' in text
