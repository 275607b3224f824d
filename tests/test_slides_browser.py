"""A lesson's slides as an instructor shows them: in a browser, offline, with the speaker's view."""

import pytest
from chromium import CHROMIUM, FLAGS, needs
from lesson_files import LESSONS

from unet_course.commands import cli

# What the audience can't get at: below the slide's end or beyond its right edge, or cut off by a box.
# What is folded isn't there, and what lies in a box that says "scroll" can be scrolled to.
CUT = """() => {
  const slide = Reveal.getCurrentSlide(), edge = slide.getBoundingClientRect();
  if (slide.matches('.more')) return ['scrolls as a whole: ' + slide.innerText.slice(0, 60)];
  return [...slide.querySelectorAll('*')].filter((part) => {
    if (part.closest('aside, .boxed, .folded pre, details:not([open]) > :not(summary)')) return false;
    const { bottom, right, width } = part.getBoundingClientRect();
    const cut = part.clientWidth && part.scrollWidth > part.clientWidth + 2
      && getComputedStyle(part).overflowX !== 'visible';
    return width && (cut || bottom > edge.bottom + 2 || right > edge.right + 2);
  }).map((part) => slide.innerText.slice(0, 40) + ': ' + part.tagName + ' ' + part.textContent.trim().slice(0, 40));
}"""
HEIGHTS = """() => [...Reveal.getCurrentSlide().querySelectorAll('.figure img')]
  .map((image) => image.offsetHeight)"""
OPEN = """() => [...Reveal.getCurrentSlide().querySelectorAll('details')]
  .map((fold) => (fold.open = true)).length"""
BOXED = "Reveal.getCurrentSlide().querySelectorAll('.boxed').length"


@pytest.mark.skipif(needs() is not None, reason=str(needs()))
@pytest.mark.parametrize("number", ["00", "04"])
def test_no_slide_is_cut(tmp_path, number):
    from playwright.sync_api import sync_playwright

    out = tmp_path / "slides.html"
    assert cli.main(["export", number, "--to", "slides", "--out", str(out)]) == 0
    cut, boxed, smallest = [], 0, []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.set_default_timeout(180_000)
        page.goto(out.as_uri())
        page.wait_for_function("window.Reveal && Reveal.isReady()")
        for _ in range(page.evaluate("Reveal.getTotalSlides()")):
            cut += page.evaluate(CUT)
            boxed += page.evaluate(BOXED)
            smallest += page.evaluate(HEIGHTS)
            if page.evaluate(OPEN):  # folded code, and a quiz's answers
                page.wait_for_timeout(50)  # the slide is told a little later
                cut += [text for text in page.evaluate(CUT) if not text.startswith("scrolls")]
            page.keyboard.press("ArrowRight")
        assert page.evaluate("Reveal.isLastSlide()"), "one key goes through all of them"
        browser.close()
    assert cut == [] and boxed <= 1, "a print in a box is the exception"
    assert min(smallest) > 150, "figures stay large enough for a hall"


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
        page.set_default_timeout(180_000)
        page.on("console", lambda m: said.append(m.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(out.as_uri())
        page.wait_for_function("window.Reveal && Reveal.isReady()")
        count = page.evaluate("Reveal.getTotalSlides()")
        for _ in range(count):
            full += page.evaluate(CUT)
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
    assert full == [], "these slides are cut off or have to be scrolled"
