"""The demo page in a real browser: the package's own labels, bad files, stopping, nothing sent.

Needs Chromium, Node.js with npm and its packages; says so when it can't run.
`UNET_COURSE_SCREENSHOTS=FOLDER` keeps what was seen.
"""

import functools
import http.server
import io
import os
import threading
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import keras
import nibabel
import numpy as np
import pytest
import site_files
from chromium import CHROMIUM, FAINT, FLAGS, WEBGL, needs
from PIL import Image
from site_files import demo_page

from unet_course import runtime
from unet_course.data import brats, lgg, nifti, normalise, prepared_cases, slices
from unet_course.judging import metrics
from unet_course.prediction import postprocess, predict_slices, sliding_window
from unet_course.synthetic import sample_data

FLAGS = [*FLAGS, *WEBGL]
ADAPTER = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]  # WebGPU without a GPU
DONE = "document.getElementById('status').textContent.endsWith('done.')"
DRAWN = "Boolean(document.getElementById('axis-0').min * 1)"  # set when the viewer has the scan
ENDED = "document.getElementById('stop').hidden"
SECONDS = 240  # of a machine that does other things as well


@pytest.fixture(scope="module")
def demo():
    if absent := needs():
        pytest.skip(absent)
    folder, why = site_files.demo()
    if why:
        pytest.skip(why)
    return folder


@pytest.fixture(scope="module")
def address(demo):
    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Handler, directory=str(demo.parent))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/demo/index.html"
    server.shutdown()


@pytest.fixture(scope="module")
def started(demo):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(started):
    chromium = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield chromium
    chromium.close()


@pytest.fixture(scope="module")
def browser_with_adapter(started, address):
    """A browser with WebGPU in software."""
    chromium = started.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *ADAPTER])
    page = chromium.new_page()
    page.goto(address, timeout=120_000)
    found = page.evaluate("navigator.gpu && navigator.gpu.requestAdapter().then(Boolean)")
    page.close()
    if not found:
        chromium.close()
        pytest.skip("this Chromium has no WebGPU adapter in software (SwiftShader)")
    yield chromium
    chromium.close()


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


@pytest.fixture
def page(browser, address):
    page = opened(browser, address)
    yield page
    page.close()


@pytest.fixture(scope="module")
def after(browser, address):
    """`after(name)`: the page with what was found in a sample, looked for once."""
    pages = {}

    def result(name):
        if name not in pages:
            pages[name] = page = opened(browser, address)
            page.click(f"text={name}")
            page.wait_for_function(DONE, timeout=SECONDS * 1000)
            page.wait_for_function(DRAWN, timeout=SECONDS * 1000)
        return pages[name]

    yield result
    for page in pages.values():
        page.close()


def saved(page, tmp_path) -> nibabel.Nifti1Image:
    with page.expect_download() as download:
        page.click("#save")
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    return nibabel.load(file)


def network(name: str) -> keras.Model:
    file = runtime.PACKAGE / "weights" / f"{name}.keras"
    return keras.saving.load_model(file, compile=False, safe_mode=True)


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


@pytest.fixture(scope="module")
def a_slice(demo):
    files = sorted((demo / "samples").glob("*.png"), key=lambda file: (len(file.name), file.name))
    return files[len(files) // 2]


def found_in(file, page, tmp_path) -> np.ndarray:
    page.set_input_files("#files", file)
    page.wait_for_function(DONE, timeout=SECONDS * 1000)
    mask = np.array(saved(page, tmp_path).dataobj)  # a copy: the next page's file has this name
    assert mask.any() and page.wrong == []
    return mask


def loaded(page) -> set[str]:
    """Names of what the page has asked for that makes a network run."""
    names = {urlsplit(url).path.rpartition("/")[2] for _, url in page.asked}
    return {name for name in names if "gpu" in name or name.endswith((".wasm", ".mjs"))}


@pytest.mark.parametrize("kind", ["browser", "browser_with_adapter"])
def test_without_a_graphics_card_nothing_of_webgpu_is_loaded(
    kind, address, a_slice, tmp_path, request
):
    page = opened(request.getfixturevalue(kind), address)
    found_in(a_slice, page, tmp_path)
    assert page.inner_text("#place") == "The network runs on the processor (WebAssembly)."
    assert loaded(page) == {f"ort-wasm-simd-threaded.{ending}" for ending in ("mjs", "wasm")}
    page.close()


def test_webgpu_gives_the_labels_of_webassembly(browser_with_adapter, address, a_slice, tmp_path):
    masks = []
    for place in ("WebAssembly", "WebGPU"):
        asked = "wasm" if place == "WebAssembly" else "webgpu"
        page = opened(browser_with_adapter, f"{address}?runtime={asked}")
        masks.append(found_in(a_slice, page, tmp_path))
        assert place in page.inner_text("#place")
        assert ("gpu.js" in loaded(page)) == (place == "WebGPU")
        assert {urlsplit(url).hostname for _, url in page.asked} <= {"127.0.0.1", None}
        page.close()
    assert np.mean(masks[0] == masks[1]) >= 0.999


def test_webgpu_gives_the_3d_networks_probabilities(browser_with_adapter, address):
    """The page compares a patch with WebAssembly's before it says WebGPU; a case takes too long here."""
    page = opened(browser_with_adapter, f"{address}?runtime=webgpu")
    page.click("text=Synthetic volume 1")
    page.wait_for_function("document.getElementById('place').textContent", timeout=SECONDS * 1000)
    assert page.inner_text("#place") == "The network runs on the graphics card (WebGPU)."
    page.close()


ADAPTER_STAND_IN = "navigator.gpu.requestAdapter = async () => ({ info: {} });\n"
RUNTIME_STAND_IN = """
export const env = { wasm: {} };
export class Tensor {}
const right = Float32Array.from({ length: 128 * 128 }, (_, i) => i % 2);
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const slowly = async () => { await wait(100); return [{ data: right }]; };
let runs = 0;
export const InferenceSession = { create: async (file, { executionProviders: [by] }) => {
  if (by === "wasm") return { inputNames: [0], outputNames: [0], run: slowly };
  ON_CREATION
  return { inputNames: [0], outputNames: [0], run: async () => { runs++; ON_RUN } };
} };
"""


@pytest.mark.parametrize(
    ("on_creation", "on_run", "reason"),
    [
        ("throw new Error('no device');", "", "no device"),
        ("", "return [{ data: right.map((p) => 0.99 * p) }];", "its answer differs"),
        ("", "return [{ data: right.map(() => NaN) }];", "its answer differs"),
        ("", "await wait(1000); return [{ data: right }];", "it is slower"),
        ("", "if (runs > 2) throw new Error('lost'); return [{ data: right }];", "lost"),
        ("", "return [{ data: right }];", None),
    ],
    ids=["it can't begin", "another answer", "no number", "slow", "lost on the way", "good"],
)
def test_a_graphics_card_is_used_only_if_it_is_right_and_fast(
    on_creation, on_run, reason, browser, address, demo, a_slice, tmp_path
):
    page = opened(browser, address)
    told = []
    page.on("console", lambda message: told.append(message.text))
    worker = ADAPTER_STAND_IN + (demo / "worker.js").read_text(encoding="utf-8")
    runtime = RUNTIME_STAND_IN.replace("ON_CREATION", on_creation).replace("ON_RUN", on_run)
    script = {"content_type": "text/javascript"}
    page.route("**/worker.js", lambda route: route.fulfill(body=worker, **script))
    page.route("**/gpu.js", lambda route: route.fulfill(body=runtime, **script))
    mask = found_in(a_slice, page, tmp_path)
    place = "the processor (WebAssembly)" if reason else "the graphics card (WebGPU)"
    assert page.inner_text("#place") == f"The network runs on {place}."
    assert any(f"WebGPU isn't used: {reason}" in text for text in told) == bool(reason)
    page.close()
    page = opened(browser, f"{address}?runtime=wasm")
    assert np.array_equal(mask, found_in(a_slice, page, tmp_path)) == bool(reason)
    page.close()


def volume(shape=(20, 20, 20), kind=np.int16, affine=None) -> bytes:
    array = np.random.default_rng(0).integers(1, 99, shape).astype(kind)
    return nibabel.Nifti1Image(array, np.eye(4) if affine is None else affine).to_bytes()


GOOD = volume()
MODALITIES = ("t1", "t1ce", "t2", "flair")


def four(**changes) -> dict[str, bytes]:
    return {f"a_{name}.nii": changes.get(name, GOOD) for name in MODALITIES}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a_t1.nii": GOOD, "a_t2.nii": GOOD, "a_flair.nii": GOOD}, "T1ce missing"),
        (four(t2=GOOD[:5000]), "a_t2.nii is cut off"),
        (four(t2=volume((20, 20, 21))), "a_t2.nii has the shape 20 × 20 × 21"),
        (four(t2=volume(affine=np.diag([1, 1, 2, 1]))), "lie in different places"),
        (four(t2=volume(kind=np.complex64)), "which isn't a number that a scan has"),
        (
            four(**{name: volume(kind=np.float32)[:352] + b"\0" * 32000 for name in MODALITIES}),
            "no brain",
        ),
        (four(t1=b"not a scan"), "a_t1.nii isn't a NIfTI file"),
        ({"a.nii.gz": b"\x1f\x8b" + b"x" * 99}, "a.nii.gz is damaged: it can't be unpacked"),
        ({"a.nii": volume((9, 9, 9, 3))}, "a.nii holds 3 volumes"),
        ({"a.nii": volume((9, 9))}, "a volume has three axes"),
        ({"scan.nii": GOOD}, "its name doesn't say which modality it is"),
        ({"a.png": b"no picture"}, "a.png isn't a picture"),
        ({"a.tif": b"II*\0 no picture"}, "a.tif can't be read as TIFF"),
        ({"a_1_mask.tif": b"II*\0"}, "Only masks were dropped"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_file_gets_a_sentence(page, files, message):
    given = [{"name": n, "mimeType": "", "buffer": data} for n, data in files.items()]
    page.set_input_files("#files", given)
    page.wait_for_function(ENDED, timeout=SECONDS * 1000)
    assert message in page.inner_text("#status")
    assert page.get_attribute("#status", "class") == "error"
    assert page.is_hidden("#result") and page.wrong == []


def test_a_gigabyte_is_refused_before_it_is_read(page, tmp_path):
    with open(tmp_path / "a_flair.nii", "wb") as file:
        file.truncate(1_000_000_000)
    page.set_input_files("#files", tmp_path / "a_flair.nii")
    page.wait_for_function(ENDED, timeout=SECONDS * 1000)
    assert "has 1000 MB, too large for a page" in page.inner_text("#status")


def test_looking_can_be_stopped_and_begun_again(page):
    page.click("text=Synthetic volume 2")
    page.wait_for_function("document.getElementById('progress').value > 0", timeout=SECONDS * 1000)
    page.click("#stop")
    assert page.inner_text("#status") == "Stopped."
    assert page.is_hidden("#progress") and page.is_hidden("#result")
    page.click("text=Synthetic slices 1")
    page.wait_for_function(DONE, timeout=SECONDS * 1000)
    assert page.is_visible("#planes")


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
