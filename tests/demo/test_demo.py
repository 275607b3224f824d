"""The demo gives the package's own labels, sends nothing, and can be seen and used everywhere.

`UNET_COURSE_SCREENSHOTS=FOLDER` keeps what was seen: on a desktop and a phone, light and dark.
"""

import io
import os
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import nibabel
import numpy as np
import pytest
from chromium import FAINT
from demo_in_browser import DONE, SECONDS, network, opened, saved
from PIL import Image
from site_files import demo_page

from unet_course.data import brats, lgg, nifti, normalise, prepared_cases, slices
from unet_course.judging import metrics
from unet_course.prediction import postprocess, predict_slices, sliding_window
from unet_course.synthetic import sample_data


def test_a_sample_volume_gets_the_packages_labels(after, demo, tmp_path):
    page = after("Synthetic volume 1")
    found = saved(page, tmp_path)
    scan = nibabel.load(demo / "samples" / "volume_1.nii.gz")
    images, _, turning = nifti.turn(np.asarray(scan.dataobj)[..., [1, 2, 3, 0]], scan.affine)
    images, box, _ = normalise.z_score(images)
    probabilities = sliding_window.predict(network("brats_sample"), images, flips=((), (0,)))
    labels = np.zeros(scan.shape[:3], np.uint8)
    labels[box] = postprocess.labels_from(probabilities)
    expected = nifti.turn_back(labels, turning)
    assert np.mean(np.asarray(found.dataobj) == expected) >= 0.999
    np.testing.assert_allclose(found.affine, scan.affine, atol=1e-4)
    assert expected.any()
    # shown, with the planes where the tumour is, and nothing sent anywhere
    millilitres = (expected != 0).sum() * 8 / 1000
    assert f"whole tumour {millilitres:.1f} ml" in page.inner_text("#summary")
    before = page.eval_on_selector_all("#crosshair input", "all => all.map(i => i.valueAsNumber)")
    assert all(0.1 < value < 0.9 for value in before)
    page.focus("#axis-2")
    page.keyboard.press("ArrowRight")
    moved = page.eval_on_selector_all("#crosshair input", "all => all.map(i => i.valueAsNumber)")
    assert (moved[2] - before[2]) * scan.shape[2] == pytest.approx(1)  # a key moves by one slice
    assert {method for method, _ in page.asked} == {"GET"}
    assert {urlsplit(url).hostname for _, url in page.asked} <= {"127.0.0.1", None}
    assert page.wrong == []


def test_ones_own_case_of_another_orientation(page, tmp_path, monkeypatch):
    """Four files of 1 mm, axes to the right, anterior, superior, of a size that isn't even."""
    volume = brats.sample_cases()[1].read()
    monkeypatch.setenv("UNET_COURSE_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "BraTS20_Training_001"
    folder.mkdir()
    files = []
    for i, name in enumerate(("t1", "t1ce", "t2", "flair")):
        part = volume.images[60:181, 40:201, 20:131, i]
        affine = volume.affine.copy()
        affine[:3, 3] = (volume.affine @ [60, 40, 20, 1])[:3]
        array, affine, _ = nifti.turn(part, affine, "RAS")
        files.append(folder / f"{folder.name}_{name}.nii.gz")
        nibabel.save(nibabel.Nifti1Image(np.ascontiguousarray(array), affine), files[-1])
    mask = np.zeros(part.shape, np.uint8)
    nibabel.save(nibabel.Nifti1Image(mask, affine), folder / f"{folder.name}_seg.nii.gz")
    page.set_input_files("#files", files)
    page.wait_for_function(DONE, timeout=SECONDS * 1000)
    found = saved(page, tmp_path)
    (own,) = brats.find_cases(folder)
    (ready,) = prepared_cases.prepare([own], factor=2, progress=False)
    probabilities = sliding_window.predict(network("brats_sample"), ready.images, flips=((), (0,)))
    expected = ready.restore(postprocess.labels_from(probabilities))
    assert np.mean(np.asarray(found.dataobj) == expected) >= 0.999
    assert expected.any()
    np.testing.assert_allclose(found.affine, affine, atol=1e-4)


def masks_of(images: np.ndarray) -> np.ndarray:
    """The package's masks of a patient's slices (slices, side, side, 3), uint8, at their own size."""
    shrunk = slices.resize(slices.rescale(images), 128).round().astype(np.uint8)
    one = np.zeros(len(images), int)
    data = slices.Slices(shrunk, np.zeros((*shrunk.shape[:3], 1), np.uint8), one, one)
    probability = predict_slices.predict(network("lgg_sample"), data, flips=((), (1,)))
    full = predict_slices.full_size(probability, images.shape[1])[..., 0] >= 0.5
    return predict_slices.largest_component(full)


def same(found: nibabel.Nifti1Image, expected: np.ndarray) -> bool:
    """Nearly the same pixels, of all and of the tumour's."""
    mask = np.asarray(found.dataobj).transpose(2, 1, 0) > 0
    assert mask.shape == expected.shape and expected.any()
    return np.mean(mask == expected) >= 0.999 and metrics.dice(expected, mask) >= 0.998


def test_sample_slices_get_the_packages_masks_at_their_own_size(after, tmp_path):
    page = after("Synthetic slices 1")
    found = saved(page, tmp_path)
    expected = masks_of(lgg.find_patients(sample_data.lgg_root())[0].read()[0])
    assert expected.shape[1:] == (256, 256) and same(found, expected)
    number, marked = len(expected), expected.any(axis=(1, 2)).sum()
    assert page.inner_text("#summary") == f"Tumour marked on {marked} of {number} slices."
    # what the page and the file say of millimetres, which no picture has
    apart = min(8, round(180 / number, 1))
    assert f"pixels of 1 mm, slices {apart} mm apart, the first one low" in page.inner_text(
        "#assumed"
    )
    grid = [[-1, 0, 0, 255], [0, -1, 0, 255], [0, 0, apart, 0], [0, 0, 0, 1]]
    np.testing.assert_allclose(found.affine, grid, atol=1e-5)
    assert b"assumed" in found.header["descrip"].item()
    assert found.header.get_xyzt_units()[0] == "unknown"
    assert page.wrong == []


def test_a_single_slice_is_shown_as_it_was_dropped(page, a_slice, tmp_path):
    """Of a size that is neither the sample's nor a multiple of the network's."""
    picture = Image.open(a_slice).crop((28, 28, 228, 228))
    picture.save(tmp_path / "mine.png")
    page.set_input_files("#files", tmp_path / "mine.png")
    page.wait_for_function(DONE, timeout=SECONDS * 1000)
    expected = masks_of(np.asarray(picture)[None])
    assert same(saved(page, tmp_path), expected)
    share = f"{100 * expected.mean():.1f} %"
    assert (
        page.get_attribute("#slice", "aria-label") == f"mine.png: tumour marked on {share} of it."
    )
    assert page.evaluate("[slice.width, slice.height]") == [200, 200]
    assert page.is_visible("#slice") and page.is_hidden("#planes") and page.is_hidden("#assumed")
    assert page.wrong == []


# what can be focused, in the order of the page, numbered; the first of them is focused
FOCUSABLE = """() => {
  const all = [...document.querySelectorAll('a[href], button, input, [tabindex]')].filter(e => e.checkVisibility());
  all.forEach((e, i) => { e.dataset.place = i; });
  all[0].focus();
  return all.length;
}"""
FOCUSED = """() => {
  const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
  return [Number(e.dataset.place), style.outlineStyle === 'solid' && parseFloat(style.outlineWidth) >= 2,
          box.top < innerHeight && box.bottom > 0];
}"""
TOO_WIDE = """() => [...document.querySelectorAll('body, body *')]
  .filter(e => e.checkVisibility() && (e.getBoundingClientRect().right > innerWidth + 0.5 || e.getBoundingClientRect().left < -0.5))
  .map(e => `${e.tagName}#${e.id}`)"""


@pytest.mark.parametrize("sample", [None, "Synthetic volume 1", "Synthetic slices 1"])
def test_it_fits_desktop_and_phone_in_both_colours_and_works_by_keyboard(
    sample, browser, address, after
):
    page = after(sample) if sample else opened(browser, address)
    folder = os.environ.get("UNET_COURSE_SCREENSHOTS")
    name = (sample or "before").replace(" ", "_").lower()
    for size, (width, height) in {"desktop": (1280, 800), "phone": (390, 844)}.items():
        page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(TOO_WIDE) == []
            assert page.evaluate(FAINT) == [], (size, scheme)
            if folder:
                file = Path(folder) / f"demo_{name}_{size}_{scheme}.png"
                page.screenshot(path=file, full_page=True)
        count = page.evaluate(FOCUSABLE)
        assert count == (7 if sample is None else 12)
        for place in range(1, count):
            page.keyboard.press("Tab")
            assert page.evaluate(FOCUSED) == [place, True, True]
    assert page.locator(".warning").bounding_box()["y"] + page.evaluate("scrollY") < 400
    assert "Not for clinical use" in page.inner_text(".warning")
    assert page.wrong == []


@pytest.mark.parametrize("sample", ["Synthetic volume 1", "Synthetic slices 1"])
def test_the_tumour_is_seen_in_three_planes_and_in_3d_and_planes_move_by_keyboard(sample, after):
    page = after(sample)
    page.set_viewport_size({"width": 700, "height": 700})

    def seen() -> list[np.ndarray]:
        """Coronal, sagittal, axial and 3-D picture."""
        with Image.open(io.BytesIO(page.locator("#planes").screenshot())) as picture:
            rgb = np.asarray(picture.convert("RGB")).astype(int)
        return [part for half in np.array_split(rgb, 2) for part in np.array_split(half, 2, axis=1)]

    before = seen()
    coloured = [(np.ptp(part, axis=-1) > 50).mean() for part in before]  # the scan itself is grey
    assert all(share > 0.01 for share in coloured), coloured
    page.focus("#axis-2")
    for _ in range(4):
        page.keyboard.press("ArrowUp")
    axial = slice(len(before[2]) // 4, None)
    assert np.abs(seen()[2][axial] - before[2][axial]).mean() > 1


def test_without_node_the_site_says_that_the_demo_is_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "site").mkdir()
    builder = SimpleNamespace(name="html")
    demo_page._add(SimpleNamespace(builder=builder, outdir=tmp_path / "site"), None)
    (file,) = (tmp_path / "site").rglob("*.*")
    text = file.read_text(encoding="utf-8")
    assert "without the demo: Node.js with npm isn't installed." in text
    assert '<a href="../index.html">' in text
    assert "no demo: Node.js with npm isn't installed." in capsys.readouterr().out
    # where the front page leads
    front = (demo_page.HERE / "index.md").read_text(encoding="utf-8")
    assert f'<a href="{file.relative_to(tmp_path / "site").as_posix()}">' in front
