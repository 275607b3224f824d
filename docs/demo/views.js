// Three linked planes and a rendering by NiiVue; a single slice on a canvas.
import { MULTIPLANAR_TYPE, Niivue, NVImage, SHOW_RENDER } from "@niivue/niivue";

export const AXES = ["right–left", "posterior–anterior", "inferior–superior"];
const LABELS = { // the course's colours
  volumes: { // nothing, core, oedema, unused, enhancing tumour
    R: [0, 213, 86, 0, 240], G: [0, 94, 180, 0, 228], B: [0, 0, 233, 0, 66],
    A: [0, 255, 255, 0, 255], I: [0, 1, 2, 3, 4], labels: ["", "core", "oedema", "", "enhancing tumour"],
  },
  slices: { R: [0, 230], G: [0, 159], B: [0, 0], A: [0, 255], I: [0, 1], labels: ["", "tumour"] },
};
let viewer = null;

export async function showPlanes({ kind, scan, mask, labels, shape, affine }, canvas, sliders) {
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
  overlay.setColormapLabel(LABELS[kind]);
  viewer.addVolume(overlay);
  viewer.setSliceType(viewer.sliceTypeMultiplanar);
  viewer.setRenderAzimuthElevation(110, 10);
  viewer.setClipPlane([0, 0, 90]); // half of the brain is cut away, so that the tumour in it is seen
  const inputs = [...sliders.querySelectorAll("input")];
  const sides = viewer.volumes[0].dimsRAS.slice(1, 4);
  inputs.forEach((input, i) => Object.assign(input, { min: 0.5 / sides[i], step: 1 / sides[i] })); // a key moves by one voxel
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

/** One slice, seen as it was dropped. */
export function showSlice({ labels, flair, shape: [width, height], name }, canvas) {
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const picture = context.createImageData(width, height);
  for (let i = 0; i < flair.length; i++) {
    const grey = flair[i];
    const colour = labels[i] ? [230, 159, 0].map((value) => (value + grey) / 2) : [grey, grey, grey];
    picture.data.set([...colour, 255], 4 * i);
  }
  context.putImageData(picture, 0, 0);
  const marked = labels.reduce((a, b) => a + b, 0);
  const share = ((100 * marked) / labels.length).toFixed(1);
  canvas.setAttribute("aria-label", `${name}: ${marked ? `tumour marked on ${share} % of it` : "no tumour marked"}.`);
}
