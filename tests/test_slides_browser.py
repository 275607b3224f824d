"""A lesson's slides as an instructor shows them: in a browser, offline, with the speaker's view."""

import pytest
from lesson_files import LESSONS
from test_browser import CHROMIUM, FLAGS, needs

from unet_course import cli

OVERFLOW = """() => {
  const slide = Reveal.getCurrentSlide();
  return slide.scrollHeight > slide.clientHeight + 2 ? slide.innerText.slice(0, 60) : null;
}"""


@pytest.mark.skipif(needs() is not None, reason=str(needs()))
def test_slides_in_a_browser(tmp_path):
    from playwright.sync_api import sync_playwright

    lesson = next(path for path in LESSONS if path.name.startswith("01_"))
    out = tmp_path / "slides.html"
    assert cli.main(["export", str(lesson), "--to", "slides", "--out", str(out)]) == 0
    asked, said, full = [], [], []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(viewport={"width": 1280, "height": 720}, offline=True)
        context.on("request", lambda r: asked.append(r.url))
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda m: said.append(m.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(out.as_uri())
        page.wait_for_function("window.Reveal && Reveal.isReady()")
        count = page.evaluate("Reveal.getTotalSlides()")
        for _ in range(count):
            full.append(page.evaluate(OVERFLOW))
            page.keyboard.press("Space")
        assert page.evaluate("Reveal.isLastSlide()") and count >= 20
        assert not page.evaluate(
            "[...document.images].some(i => !i.complete || !i.naturalWidth || !i.alt)"
        )
        formula = page.evaluate(
            "(Reveal.slide(2), document.querySelector('section.present math').offsetWidth ||"
            " document.querySelector('section.present math').getBoundingClientRect().width)"
        )
        assert formula > 5, "drawn by the browser itself"
        with page.expect_popup() as opened:
            page.keyboard.press("s")
        opened.value.wait_for_function(
            "document.querySelector('.speaker-controls-notes .value')?.innerText.length > 20"
        )
        browser.close()
    assert said == []
    assert {url.split("?")[0].split("#")[0] for url in asked} <= {out.as_uri(), "about:blank"}
    assert [text for text in full if text] == [], "these slides have to be scrolled"
