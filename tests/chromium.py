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

# Text whose contrast is less than WCAG 2.1 AA asks for: 4.5 to 1, 3 to 1 where it is large.
FAINT = """() => {
  const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const over = ([r, g, b, a = 1], [x, y, z]) => [r*a + x*(1-a), g*a + y*(1-a), b*a + z*(1-a)];
  const light = rgb => rgb.map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {
    const stack = [];
    for (let e = element; e; e = e.parentElement) stack.push(getComputedStyle(e).backgroundColor);
    return stack.reverse().reduce((below, colour) => over(parse(colour), below), [255, 255, 255]);
  };
  const faint = [];
  for (const element of document.querySelectorAll('body *')) {
    const text = [...element.childNodes].filter(n => n.nodeType === 3).map(n => n.data).join('').trim();
    if (!text || !element.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
    const style = getComputedStyle(element), back = behind(element);
    const [a, b] = [light(over(parse(style.color), back)), light(back)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5) - 0.01)
      faint.push(`${ratio.toFixed(2)} ${element.tagName}.${element.className}: ${text.slice(0, 40)}`);
  }
  return faint;
}"""


def needs() -> str | None:
    if CHROMIUM is None:
        return "no Chromium here (Debian: apt install chromium)"
    try:
        import playwright  # noqa: F401
    except ImportError:
        return "the package playwright isn't installed"
    return None
