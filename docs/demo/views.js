// Three linked planes and a rendering by NiiVue; slices on a canvas.
import { MULTIPLANAR_TYPE, Niivue, NVImage, SHOW_RENDER } from "@niivue/niivue";
import { SIDE } from "./slices.js";

export const AXES = ["right–left", "posterior–anterior", "inferior–superior"];
const LABELS = { // the course's colours: nothing, core, oedema, unused, enhancing tumour
  R: [0, 213, 86, 0, 240], G: [0, 94, 180, 0, 228], B: [0, 0, 233, 0, 66],
  A: [0, 255, 255, 0, 255], I: [0, 1, 2, 3, 4], labels: ["", "core", "oedema", "", "enhancing tumour"],
};
let viewer = null;

export async function showVolume({ scan, mask, labels, shape, affine }, canvas, sliders) {
  if (!viewer) {
    viewer = new Niivue({
      isRadiologicalConvention: true, // the patient's left on the right, as in the course
      multiplanarLayout: MULTIPLANAR_TYPE.GRID,
      multiplanarShowRender: SHOW_RENDER.ALWAYS, crosshairColor: [0.8, 0.8, 0.8, 0.6], clipPlaneColor: [0, 0, 0, 0], backColor: [0, 0, 0, 1], loadingText: "", logLevel: "silent",
    });
    await viewer.attachToCanvas(canvas);
  }
  for (const volume of [...viewer.volumes]) viewer.removeVolume(volume);
  viewer.addVolume(await NVImage.loadFromFile({ file: new File([scan], "scan.nii"), colormap: "gray" }));
  const overlay = await NVImage.loadFromFile({ file: new File([mask], "mask.nii"), opacity: 0.6 });
  overlay.setColormapLabel(LABELS);
  viewer.addVolume(overlay);
  viewer.setSliceType(viewer.sliceTypeMultiplanar);
  viewer.setRenderAzimuthElevation(110, 10);
  viewer.setClipPlane([0, 0, 90]); // half of the brain is cut away, so that the tumour in it is seen
  const inputs = [...sliders.querySelectorAll("input")];
  const move = (places) => {
    viewer.scene.crosshairPos = places;
    inputs.forEach((input, i) => { input.value = places[i]; });
    viewer.drawScene();
  };
  inputs.forEach((input) => { input.oninput = () => move(inputs.map(({ value }) => Number(value))); });
  viewer.onLocationChange = ({ frac }) => inputs.forEach((input, i) => { input.value = frac[i]; });
  const [x, y, z] = middleOf(labels, shape);
  const millimetres = affine.slice(0, 3).map((row) => row[0] * x + row[1] * y + row[2] * z + row[3]);
  move([...viewer.mm2frac(millimetres)]);
}

/** The mean place of the labelled voxels, in the file's own order; the centre if there are none. */
function middleOf(labels, [width, height, depth]) {
  const sum = [0, 0, 0];
  let number = 0;
  for (let i = 0; i < labels.length; i++) {
    if (!labels[i]) continue;
    sum[0] += i % width; sum[1] += Math.floor(i / width) % height; sum[2] += Math.floor(i / (width * height));
    number++;
  }
  return number ? sum.map((value) => Math.round(value / number)) : [width, height, depth].map((side) => Math.round(side / 2));
}

export function showSlices({ labels, slices }, canvas, slider) {
  const draw = () => {
    const n = Number(slider.value);
    const { width, height, rgb, name } = slices[n];
    Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    const picture = context.createImageData(width, height);
    let marked = 0;
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
      const i = x + width * y;
      const hit = labels[n * SIDE * SIDE + Math.floor((x * SIDE) / width) + SIDE * Math.floor((y * SIDE) / height)];
      const grey = rgb[3 * i + 1]; // FLAIR
      const colour = hit ? [230, 159, 0].map((value) => (value + grey) / 2) : [grey, grey, grey];
      picture.data.set([...colour, 255], 4 * i);
      marked += hit;
    }
    context.putImageData(picture, 0, 0);
    const share = ((100 * marked) / (width * height)).toFixed(1);
    canvas.setAttribute("aria-label", `${name}, slice ${n + 1} of ${slices.length}: ${marked ? `tumour marked on ${share} % of it` : "no tumour marked"}.`);
  };
  const size = SIDE * SIDE;
  const areas = slices.map((_, n) => labels.subarray(n * size, (n + 1) * size).reduce((a, b) => a + b, 0));
  const largest = areas.indexOf(Math.max(...areas));
  Object.assign(slider, { max: slices.length - 1, value: largest, oninput: draw });
  draw();
}
