"""The site in a real browser: wide and as narrow as a phone, light and dark.

Needs Chromium (Debian: apt install chromium) and the packages playwright and those of the group
`docs`; says so when it can't run. `UNET_COURSE_SCREENSHOTS=FOLDER` keeps what was seen.
"""

import functools
import http.server
import os
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from chromium import CHROMIUM, FAINT, FLAGS, needs
from site_files import built, missing

ABSENT = needs() or missing()

PAGES = {
    "start": "index.html",
    "lesson": "notebooks/01_pixels_to_masks.html",
    "widget": "notebooks/02_meet_the_mri.html",
    "glossary": "glossary.html",
    "figures": "benchmarks.html",
    "package": "package.html",
    "reference": "reference/unet_course/judging/metrics/index.html",
}
SIZES = {"desktop": (1440, 900), "laptop": (1280, 800), "phone": (390, 844)}

# formulas are drawn, and pictures further down are there
SETTLED = """async () => {
  await window.MathJax?.startup?.promise;
  await Promise.all([...document.images].map(i => (i.loading = 'eager', i.decode())));
}"""
STATE = """() => ({
  wide: document.documentElement.scrollWidth - window.innerWidth,
  mute: [...document.images].filter(i => !(i.alt || '').trim()).map(i => i.src),
  broken: [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src),
  formulas: document.querySelectorAll('.math').length,
  drawn: document.querySelectorAll('.math mjx-container svg').length,
  article: document.querySelector('.bd-article > section').clientWidth,
  cut: [...document.querySelectorAll('.bd-article > section > section table, .bd-article > section > table')]
    .filter(t => t.getBoundingClientRect().width > t.parentElement.clientWidth + 1).length,
})"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *parts):
        pass


@pytest.fixture(scope="module")
def address():
    """The built site on loopback."""
    handler = functools.partial(Quiet, directory=str(built()))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.mark.skipif(ABSENT is not None, reason=str(ABSENT))
@pytest.mark.parametrize("name", PAGES)
def test_a_page_as_readers_see_it(browser, address, name):
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    troubles, hosts = [], set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.on("requestfailed", lambda request: troubles.append(f"failed: {request.url}"))
    page.on("response", lambda r: troubles.append(f"{r.status}: {r.url}") if r.status > 399 else 0)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda m: troubles.append(m.text) if m.type in ("error", "warning") else 0)
    page.goto(f"{address}/{PAGES[name]}", wait_until="networkidle", timeout=120_000)
    page.evaluate(SETTLED)
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_function(f"document.documentElement.dataset.theme === '{scheme}'")
            if folder := os.environ.get("UNET_COURSE_SCREENSHOTS"):
                page.screenshot(path=Path(folder) / f"{name}_{size}_{scheme}.png")
            state = page.evaluate(STATE)
            assert state["wide"] <= 0, "the page must not scroll sideways"
            assert state["mute"] == state["broken"] == []
            assert state["drawn"] == state["formulas"]
            if width >= 1280:
                assert 890 <= state["article"] <= 960
                assert name in ("lesson", "widget") or state["cut"] == 0, (
                    "a table is wider than the page"
                )
            assert name != "lesson" or state["formulas"] > 10
            assert page.evaluate(FAINT) == [], (size, scheme)
    context.close()

    assert troubles == []
    assert hosts == {urlsplit(address).netloc}


@pytest.mark.skipif(ABSENT is not None, reason=str(ABSENT))
def test_the_keyboards_focus_is_seen(browser, address):
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(f"{address}/{PAGES['lesson']}", wait_until="networkidle", timeout=90_000)
    seen = 0
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            """() => {
              const e = document.activeElement, style = getComputedStyle(e);
              return [e.matches('.article-header-buttons .btn'), style.outlineStyle,
                      parseFloat(style.outlineWidth)];
            }"""
        )
        if focused[0]:
            seen += 1
            assert focused[1] == "solid" and focused[2] >= 2, "no outline around a focused button"
    assert seen >= 3
    page.close()


@pytest.mark.skipif(ABSENT is not None, reason=str(ABSENT))
@pytest.mark.parametrize("width", [1440, 390])
def test_a_slider_shows_other_pictures_by_keyboard(browser, address, width):
    page = browser.new_page(viewport={"width": width, "height": 844})
    page.goto(f"{address}/notebooks/07_volumes_and_nifti.html", timeout=90_000)
    figure = page.locator(".slider-pictures")
    picture, sliders = figure.locator("img"), figure.locator("input")
    state = "i => [i.style.objectPosition, i.alt, i.clientWidth / i.clientHeight]"
    figure.scroll_into_view_if_needed()
    before = picture.evaluate(state)
    assert figure.bounding_box()["height"] < 844, "the sliders are in view with the picture"
    sliders.nth(2).press("ArrowRight")
    moved = picture.evaluate(state)
    assert moved[:2] != before[:2] and moved[2] == pytest.approx(before[2], rel=0.02)
    assert moved[1] == figure.locator("figcaption").inner_text()
    assert moved[1] == sliders.nth(2).get_attribute("aria-valuetext")
    x = sliders.nth(0)
    x.press("ArrowLeft")  # the others go back to their start
    assert sliders.nth(2).input_value() == sliders.nth(2).evaluate("e => e.defaultValue")
    x.press("ArrowRight")
    assert picture.evaluate(state)[:2] == before[:2]
    page.emulate_media(media="print")
    assert not x.is_visible() and picture.is_visible()
    page.close()


@pytest.mark.skipif(ABSENT is not None, reason=str(ABSENT))
def test_a_folded_cell_and_a_hint_open_and_a_word_is_found(browser, address):
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{address}/{PAGES['lesson']}", wait_until="networkidle", timeout=90_000)
    folded = page.locator(
        ".bd-article details.hide"
    ).first  # a cell that only draws, or the install cell
    hint = page.locator(".bd-article details:not(.hide)").first
    for closed, inside in ((folded, "pre"), (hint, "p, pre")):
        first = closed.locator(inside).first
        assert not first.is_visible()
        closed.locator("summary").first.click()
        assert first.is_visible()
    page.goto(f"{address}/search.html?q=oedema", wait_until="networkidle", timeout=90_000)
    page.locator("#search-results li a").first.wait_for(timeout=30_000)
    page.close()
