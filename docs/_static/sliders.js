// A widget's place: one file holds its pictures, one below the other; a slider chooses which is seen.
document.querySelectorAll(".slider-pictures").forEach((figure) => {
  const picture = figure.querySelector("img");
  const caption = figure.querySelector("figcaption");
  const sliders = [...figure.querySelectorAll("input")];
  const last = Number(figure.dataset.frames) - 1;

  const show = (slider) => {
    const said = JSON.parse(slider.dataset.said)[slider.value];
    const frame = Number(slider.dataset.first) + Number(slider.value);
    picture.style.objectPosition = `0 ${(100 * frame) / Math.max(last, 1)}%`;
    picture.alt = caption.textContent = said;
    slider.setAttribute("aria-valuetext", said);
  };
  sliders.forEach((slider) => {
    slider.addEventListener("input", () => {
      // each was photographed with the others at their start
      sliders.filter((other) => other !== slider).forEach((other) => {
        other.value = other.defaultValue;
      });
      show(slider);
    });
    slider.closest("label").hidden = false; // without this script the sliders would do nothing
  });
  if (sliders.length) show(sliders[0]);
});
