"""The browser of the tests: Chromium, moved by Playwright. Each says what is missing where it's skipped.

Playwright keeps an event loop running in its thread from its start to its stop: no other test may
run meanwhile. So a fixture that starts it lives as long as a file's or a folder's tests, and no longer.
"""

import shutil

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
WEBGL = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]  # without a GPU


def needs() -> str | None:
    if CHROMIUM is None:
        return "no Chromium here (Debian: apt install chromium)"
    try:
        import playwright  # noqa: F401
    except ImportError:
        return "the package playwright isn't installed"
    return None
