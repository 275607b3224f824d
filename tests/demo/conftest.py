"""The demo page, built without the site around it, in a real browser.

Needs Chromium, Node.js with npm and its packages; the tests are skipped, saying so, where one is missing.
"""

import functools
import http.server
import threading

import pytest
from chromium import CHROMIUM, FLAGS, WEBGL, needs
from demo_in_browser import DONE, DRAWN, SECONDS, opened
from site_files import built_demo

ADAPTER = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]  # WebGPU without a GPU


@pytest.fixture(scope="package")
def demo():
    if absent := needs():
        pytest.skip(absent)
    folder, why = built_demo()
    if why:
        pytest.skip(why)
    return folder


@pytest.fixture(scope="package")
def address(demo):
    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Handler, directory=str(demo.parent))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/demo/index.html"
    server.shutdown()


@pytest.fixture(scope="package")
def started(demo):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="package")
def browser(started):
    chromium = started.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *WEBGL])
    yield chromium
    chromium.close()


@pytest.fixture(scope="package")
def browser_with_adapter(started, address):
    """A browser with WebGPU in software."""
    chromium = started.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *WEBGL, *ADAPTER])
    page = chromium.new_page()
    page.goto(address, timeout=120_000)
    found = page.evaluate("navigator.gpu && navigator.gpu.requestAdapter().then(Boolean)")
    page.close()
    if not found:
        chromium.close()
        pytest.skip("this Chromium has no WebGPU adapter in software (SwiftShader)")
    yield chromium
    chromium.close()


@pytest.fixture
def page(browser, address):
    page = opened(browser, address)
    yield page
    page.close()


@pytest.fixture(scope="package")
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


@pytest.fixture(scope="package")
def a_slice(demo):
    files = sorted((demo / "samples").glob("*.png"), key=lambda file: (len(file.name), file.name))
    return files[len(files) // 2]
