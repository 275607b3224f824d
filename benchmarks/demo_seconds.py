"""How long the demo page takes for a whole case, in a headless Chromium.

    python benchmarks/demo_seconds.py [--data FOLDER] [--cases N]

Builds the page (docs/demo_page.py: it needs Node.js with npm, and the extra `export`), serves it on this
machine and drops the four files of a BraTS case into it; without `--data` those of synthetic cases. The
clock runs from the drop until the mask is there: unpacking, preparing, all windows and their mirror
images, clean-up. The network runs on the processor, in one thread, as wherever there is no graphics card.
"""

import argparse
import contextlib
import functools
import http.server
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
from playwright.sync_api import sync_playwright

from unet_course.data import brats

sys.path.append(str(Path(__file__).parents[1] / "docs"))
import demo_page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")  # fmt: skip
ENDED = "document.getElementById('stop').hidden"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def processor() -> float:
    """Processor seconds of all that this process has started: the browser, mainly."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            total += sum(process.cpu_times()[:2])
    return total


def seconds(browser, address: str, case: brats.Case) -> tuple[float, float]:
    """Seconds until the page has looked for a case's tumour, and the processor's."""
    page = browser.new_page()
    page.goto(f"{address}?runtime=wasm")
    page.wait_for_selector("#samples button")
    start, used = time.perf_counter(), processor()
    page.set_input_files("#files", list(case.images))
    page.wait_for_function(ENDED, timeout=900_000)
    took, used = time.perf_counter() - start, processor() - used
    said = page.inner_text("#status")
    page.close()
    if not said.endswith("done."):
        sys.exit(f"{case.id}: {said}")
    return took, used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="real BraTS cases")
    parser.add_argument("--cases", type=int, default=2)
    options = parser.parse_args()
    cases = brats.find_cases(options.data) if options.data else brats.sample_cases()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if why := demo_page.build(Path(folder) / "demo"):
            sys.exit(f"The page can't be built: {why}.")
        handler = functools.partial(Quiet, directory=folder)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/demo/index.html"
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            print(f"Chromium {browser.version}")
            for case in cases[: options.cases]:
                took, used = seconds(browser, address, case)
                print(f"{case.id}: {took:.1f} s, {used:.1f} s of processor time", flush=True)
            browser.close()
        server.shutdown()


if __name__ == "__main__":
    main()
