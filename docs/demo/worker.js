// Reads files, runs the network and posts what it found, so that the page stays awake meanwhile.
import * as nifti from "./nifti.js";
import * as runtimes from "./runtimes.js";
import * as slices from "./slices.js";
import * as volumes from "./volumes.js";

const wanted = new URLSearchParams(self.location.search).get("runtime"); // the page's address may end in ?runtime=wasm or =webgpu

const PATCH = 48; // voxels along each side of what the 3-D network takes

const say = (text, done = 0, of = 0) => self.postMessage({ text, done, of });

function network(name, shape) {
  say("Loading the network");
  return runtimes.network(name, shape, wanted, (place) => self.postMessage({ place }));
}

async function ofVolumes(files) {
  const read = [];
  for (const file of files) { say(`Reading ${file.name}`); read.push(await nifti.read(file)); }
  const four = volumes.modalitiesOf(read);
  say("Preparing: orientation, brain, intensities");
  const prepared = volumes.prepare(four);
  const run = await network("brats_sample", [PATCH, PATCH, PATCH, 4]);
  const probabilities = await volumes.predict(prepared, PATCH, run, (done, of) => say("Looking for the tumour", done, of));
  const labels = volumes.restore(volumes.labelsFrom(probabilities, prepared.sides), prepared);
  const flair = four[volumes.MODALITIES.indexOf("FLAIR")];
  const [a, b, c] = nifti.spacingOf(flair.affine);
  const ml = (wanted) => (labels.reduce((n, label) => n + wanted.includes(label), 0) * a * b * c) / 1000;
  return {
    kind: "volumes", labels, shape: flair.shape, affine: flair.affine,
    scan: nifti.write(Float32Array.from(flair.data), flair.shape, flair.affine),
    mask: nifti.write(labels, flair.shape, flair.affine),
    millilitres: { "whole tumour": ml([1, 2, 4]), core: ml([1, 4]), enhancing: ml([4]) },
  };
}

async function ofSlices(files) {
  say("Reading the slices");
  const read = slices.rescale(await slices.read(files));
  const run = await network("lgg_sample", [slices.SIDE, slices.SIDE, 3]);
  const found = await slices.predict(read, run, (done, of) => say("Looking for the tumour", done, of));
  const { width, height } = read[0], size = width * height;
  const shape = [width, height, read.length];
  const { apart, affine } = slices.grid(read);
  const flair = new Uint8Array(size * read.length);
  read.forEach(({ rgb }, n) => { for (let i = 0; i < size; i++) flair[n * size + i] = rgb[3 * i + 1]; });
  const marked = read.filter((_, n) => found.subarray(n * size, (n + 1) * size).some(Boolean)).length;
  return {
    kind: "slices", labels: found, shape, affine, apart, marked, name: read[0].name, flair,
    scan: nifti.write(flair, shape, affine),
    mask: nifti.write(found, shape, affine, "pixel size and slice distance are assumed"),
  };
}

self.onmessage = async ({ data: files }) => {
  try {
    const volume = files.some((file) => /\.nii(\.gz)?$/i.test(file.name));
    self.postMessage({ result: await (volume ? ofVolumes(files) : ofSlices(files)) });
  } catch (error) {
    const known = error instanceof nifti.FileError;
    const told = error instanceof RangeError ? "These files need more memory than this browser gives to a page." : `Something went wrong: ${error.message}`;
    self.postMessage({ error: known ? error.message : told });
  }
};
