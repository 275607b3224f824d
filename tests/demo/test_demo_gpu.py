"""The demo uses the graphics card only where it gives the processor's answer, and faster."""

from urllib.parse import urlsplit

import numpy as np
import pytest
from demo_in_browser import SECONDS, found_in, opened


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
