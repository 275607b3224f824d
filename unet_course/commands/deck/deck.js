// Starts reveal.js, and fits each slide when it is shown: only the browser knows how high text is.
// Text alone grows. Figures take what the text leaves, below it or beside; then the text gets smaller; then code is folded;
// then a long print gets a box of its own that scrolls. A slide that is still too high scrolls as a whole, and says so.
(() => {
  const HEIGHT = 690; // above the slide's number
  const LARGEST = 1.5; // times the text's size where there is room
  const STEPS = 7; // of 5 %: the text gets no smaller than 70 %
  const LEAST = 0.6; // of a figure's size, before the text gets smaller
  const ENLARGED = 2; // times at most, so that a small figure doesn't become a blur
  const SMALL_PRINT = 14; // px

  const bottom = (slide) =>
    Math.max(0, ...[...slide.children].map((part) => part.offsetTop + part.offsetHeight));

  function narrow(slide) {
    for (const wide of slide.querySelectorAll("pre, table, math[display=block]")) {
      wide.style.fontSize = "";
      wide.classList.remove("wrapped");
      const room = wide.parentElement.clientWidth;
      const need = wide.getBoundingClientRect().width / Reveal.getScale();
      const over = Math.max(wide.scrollWidth / (wide.clientWidth || Infinity), need / room);
      if (over < 1.001) continue;
      const size = parseFloat(getComputedStyle(wide).fontSize);
      wide.style.fontSize = `${Math.max(SMALL_PRINT, Math.floor((size / over) * 10) / 10)}px`;
      if (wide.tagName === "PRE") wide.classList.toggle("wrapped", wide.scrollWidth > wide.clientWidth);
    }
  }

  // Gives the figures the height that is left; returns which share of their full size that is.
  function draw(slide, least) {
    const images = [...slide.querySelectorAll(".figure img")];
    if (!images.length) return 1;
    const height = (image, width) =>
      Math.min(HEIGHT, Math.min(ENLARGED, width / image.naturalWidth) * image.naturalHeight);
    const sum = (heights) => heights.reduce((total, height) => total + height, 0);
    for (const image of images) Object.assign(image.style, { height: "0", maxHeight: "none" });
    const full = images.map((image) => height(image, slide.clientWidth));
    let shown = images.map((image) => height(image, image.parentElement.clientWidth));
    // a figure beside its print begins above the print's end
    const free = slide.classList.contains("beside")
      ? HEIGHT - Math.max(...images.map((image) => top(image, slide)))
      : HEIGHT - bottom(slide);
    const share = Math.min(sum(shown), free) / sum(full);
    const scale = Math.min(1, Math.max(free, least * sum(full)) / sum(shown));
    images.forEach((image, n) => (image.style.height = `${Math.floor(shown[n] * scale)}px`));
    return Math.min(1, share);
  }

  const top = (part, slide) => (part === slide ? 0 : part.offsetTop + top(part.offsetParent, slide));

  function box(slide) {
    const prints = [...slide.querySelectorAll("pre")].filter((print) => print.offsetHeight > 200);
    const longest = prints.sort((a, b) => b.offsetHeight - a.offsetHeight)[0];
    if (!longest) return;
    const left = longest.offsetHeight - (bottom(slide) - HEIGHT);
    longest.style.maxHeight = `${Math.max(180, left)}px`;
    longest.classList.add("boxed");
    longest.tabIndex = 0; // so that the keyboard can scroll it
  }

  function fit(slide) {
    slide.classList.remove("more");
    for (const boxed of slide.querySelectorAll(".boxed")) {
      boxed.classList.remove("boxed");
      boxed.style.maxHeight = "";
    }
    let fits = false;
    const attempt = (size, least, beside = false) => {
      slide.style.setProperty("--fit", size);
      slide.classList.toggle("beside", beside);
      narrow(slide);
      const share = draw(slide, least);
      fits = share >= least && bottom(slide) <= HEIGHT;
    };
    // text alone fills the slide, to be read from the last row
    const alone = !slide.querySelector(".figure");
    for (let size = LARGEST; alone && !fits && size > 1; size -= 0.1) attempt(size, LEAST);
    if (!fits) attempt(1, LEAST);
    if (!fits && slide.querySelector(".figure")) attempt(1, LEAST, true);
    for (let step = 1; !fits && step < STEPS; step++) attempt(1 - 0.05 * step, LEAST);
    const shown = slide.querySelectorAll(".shown[open]");
    if (!fits && shown.length && !slide.dataset.folded) {
      slide.dataset.folded = "once"; // a reader may open it again
      for (const code of shown) code.open = false;
      return fit(slide);
    }
    if (!fits) attempt(0.85, LEAST / 2);
    if (!fits) box(slide);
    slide.classList.toggle("more", slide.scrollHeight > slide.clientHeight + 1);
  }

  const fitCurrent = () => fit(Reveal.getCurrentSlide());
  for (const event of ["ready", "slidechanged"]) Reveal.on(event, fitCurrent);
  Reveal.on("pdf-ready", () => Reveal.getSlides().forEach(fit));
  document.addEventListener("toggle", fitCurrent, true); // a fold was opened: the event doesn't bubble
  addEventListener("load", () => Reveal.isReady() && fitCurrent()); // pictures have their sizes now

  Reveal.initialize({
    width: 1280, height: 720, margin: 0.03, center: false, hash: true, navigationMode: "linear",
    transition: "none", slideNumber: "c/t", plugins: [RevealNotes],
  });
})();
