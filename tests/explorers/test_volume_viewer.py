"""NiiVue, the 3-D viewer of lessons 07 and 11, in JupyterLab: it gets its files, and draws them."""

import importlib.util
import io
import time

import numpy as np
import pytest
from PIL import Image

if importlib.util.find_spec("ipyniivue") is None:
    pytest.skip("ipyniivue isn't installed (the extra `viewer`)", allow_module_level=True)

CODE = """
import os, tempfile, types
from pathlib import Path
import nibabel, numpy as np
from unet_course.data.layouts import BRATS
from unet_course.showing import widgets
os.environ.pop("PYTEST_CURRENT_TEST", None)  # inherited; with it there is a line of text
folder = tempfile.TemporaryDirectory()
far = sum((axis - 24) ** 2 for axis in np.ogrid[:48, :48, :48])
scan, mask = (np.where(far < 400, 900 - far, 0), 4 * (far < 60))
paths = [Path(folder.name, name) for name in ("scan.nii.gz", "prediction.nii.gz")]
for path, array in zip(paths, (scan, mask)):
    nibabel.save(nibabel.Nifti1Image(array.astype(np.int16), np.diag([-1, -1, 1, 1])), path)
case = types.SimpleNamespace(images=[paths[0]] * 4, mask=None, layout=BRATS["BraTS 2020"])
widgets.volume_viewer(case, "FLAIR", mask=paths[1])
"""


def test_the_viewer_draws_scan_and_prediction_in_a_browser(in_browser):
    shown = in_browser(CODE)
    canvas = shown.area.locator("canvas").first
    canvas.wait_for(timeout=60_000)
    box = canvas.bounding_box()
    assert box["width"] > 300 and box["height"] > 300
    assert canvas.evaluate("c => c.getContext('webgl2') !== null"), "no WebGL 2 in this browser"
    give_up = time.monotonic() + 60
    while True:  # NiiVue draws when the files are there
        picture = np.array(Image.open(io.BytesIO(canvas.screenshot())).convert("RGB"), int)
        yellow = picture[..., :2].min(-1) - picture[..., 2] > 50  # label 4; the cross is red
        grey = (np.ptp(picture, axis=-1) < 12) & (picture.min(-1) > 60) & (picture.max(-1) < 250)
        if (yellow.sum() > 300 and grey.sum() > 3000) or time.monotonic() > give_up:
            break
        time.sleep(0.5)
    shown.screenshot("volume_viewer")
    assert grey.sum() > 3000, "the scan isn't there"
    assert yellow.sum() > 300, "the prediction isn't there"
