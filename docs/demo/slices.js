// From a patient's slices to masks, as the package does it: slices.load, predict_slices.
import UTIF from "utif2";
import { FileError } from "./nifti.js";
import { keepLargest } from "./volumes.js";

export const SIDE = 128; // what the 2-D network takes
const PIXELS = 4096 * 4096;

/** The slices in natural order of their names: {name, width, height, rgb (Uint8Array)} each. */
export async function read(files) {
  const named = [...files].filter((file) => !/_mask\.\w+$/i.test(file.name));
  if (!named.length) throw new FileError("Only masks were dropped: the slices themselves are needed.");
  named.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  const slices = [];
  for (const file of named) slices.push(/\.tiff?$/i.test(file.name) ? await tiff(file) : await picture(file));
  for (const { name, width, height } of slices) {
    if (width !== slices[0].width || height !== slices[0].height) throw new FileError(`${name} has ${width} × ${height} pixels, ${slices[0].name} ${slices[0].width} × ${slices[0].height}: all slices of a patient have one size.`);
    if (width !== height || width < SIDE) throw new FileError(`${name} has ${width} × ${height} pixels: slices are square, with ${SIDE} pixels a side or more.`);
  }
  return slices;
}

async function tiff(file) {
  const bytes = await file.arrayBuffer();
  let page;
  try {
    [page] = UTIF.decode(bytes);
    const [width] = page.t256, [height] = page.t257;
    if (width * height > PIXELS) throw new FileError(`${file.name} has ${width} × ${height} pixels, too many for a page.`);
    UTIF.decodeImage(bytes, page);
  } catch (error) {
    if (error instanceof FileError) throw error;
    throw new FileError(`${file.name} can't be read as TIFF: it is damaged, or packed in a way that this page doesn't know.`);
  }
  return { name: file.name, width: page.width, height: page.height, rgb: withoutAlpha(UTIF.toRGBA8(page)) };
}

async function picture(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new FileError(`${file.name} isn't a picture that this page can read: drop PNG or TIFF slices, or NIfTI volumes.`);
  }
  const { width, height } = bitmap;
  if (width * height > PIXELS) throw new FileError(`${file.name} has ${width} × ${height} pixels, too many for a page.`);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.drawImage(bitmap, 0, 0);
  return { name: file.name, width, height, rgb: withoutAlpha(context.getImageData(0, 0, width, height).data) };
}

function withoutAlpha(rgba) {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let i = 0, j = 0; i < rgba.length; i += 4) { rgb[j++] = rgba[i]; rgb[j++] = rgba[i + 1]; rgb[j++] = rgba[i + 2]; }
  return rgb;
}

/** Stretch each channel of the patient from its 1st to its 99.5th percentile to 0…255. */
export function rescale(slices) {
  const { width, height } = slices[0];
  const levels = [0, 1, 2].map((channel) => {
    const counts = new Float64Array(256);
    for (const { rgb } of slices) for (let y = 0; y < height; y += 2) for (let x = 0; x < width; x += 2) counts[rgb[3 * (x + width * y) + channel]]++;
    const [bottom, top] = [1, 99.5].map((share) => percentile(counts, share));
    return Uint8Array.from({ length: 256 }, (_, value) => (top > bottom ? Math.round(255 * Math.min(1, Math.max(0, (value - bottom) / (top - bottom)))) : 0));
  });
  return slices.map((slice) => ({ ...slice, rgb: slice.rgb.map((value, i) => levels[i % 3][value]) }));
}

function percentile(counts, share) {
  const total = counts.reduce((a, b) => a + b);
  const place = ((total - 1) * share) / 100;
  const at = (rank) => { let seen = 0; for (let v = 0; v < 256; v++) { seen += counts[v]; if (seen > rank) return v; } return 255; };
  const low = at(Math.floor(place)), high = at(Math.ceil(place));
  return low + (high - low) * (place - Math.floor(place));
}

/** Resize a square picture (channels fastest), linear, and when shrinking smoothed by a filter twice as wide as a new pixel: `slices.resize`. */
export function resize(values, side, wanted, channels) {
  if (side === wanted) return Float32Array.from(values);
  const scale = side / wanted, reach = Math.max(scale, 1);
  const lines = [...Array(wanted).keys()].map((o) => {
    const centre = (o + 0.5) * scale - 0.5;
    const taps = [];
    for (let i = Math.max(0, Math.ceil(centre - reach)); i <= Math.min(side - 1, Math.floor(centre + reach)); i++) taps.push([i, 1 - Math.abs(i - centre) / reach]);
    const sum = taps.reduce((a, [, weight]) => a + weight, 0);
    return taps.map(([i, weight]) => [i, weight / sum]);
  });
  const across = new Float32Array(wanted * side * channels); // columns first
  for (let y = 0; y < side; y++) lines.forEach((taps, x) => { for (let c = 0; c < channels; c++) across[channels * (x + wanted * y) + c] = taps.reduce((a, [i, weight]) => a + weight * values[channels * (i + side * y) + c], 0); });
  const resized = new Float32Array(wanted * wanted * channels);
  lines.forEach((taps, y) => { for (let x = 0; x < wanted; x++) for (let c = 0; c < channels; c++) resized[channels * (x + wanted * y) + c] = taps.reduce((a, [i, weight]) => a + weight * across[channels * (x + wanted * i) + c], 0); });
  return resized;
}

/** Masks (slices × side × side, as the pictures are) of a patient: slice and mirror image averaged, enlarged, largest component. */
export async function predict(slices, run, progress) {
  const side = slices[0].width;
  const mask = new Uint8Array(slices.length * side * side);
  for (let n = 0; n < slices.length; n++) {
    const image = resize(slices[n].rgb, side, SIDE, 3).map((value) => Math.round(value) / 255);
    const mirrored = new Float32Array(image.length);
    for (let y = 0; y < SIDE; y++) for (let x = 0; x < SIDE; x++) for (let c = 0; c < 3; c++) mirrored[3 * (x + SIDE * y) + c] = image[3 * (SIDE - 1 - x + SIDE * y) + c];
    const [plain, other] = [await run(image), await run(mirrored)];
    const probability = plain.map((p, i) => (p + other[SIDE - 1 - 2 * (i % SIDE) + i]) / 2);
    resize(probability, SIDE, side, 1).forEach((p, i) => { mask[n * side * side + i] = p >= 0.5 ? 1 : 0; });
    progress(n + 1, slices.length);
  }
  return keepLargest(mask, [side, side, slices.length]);
}

/** Where slices are taken to lie, for pictures don't say it: {apart, affine}; pixels of 1 mm, slices from below upwards, seen from the feet. */
export function grid(slices) {
  const side = slices[0].width;
  const apart = Math.min(8, Math.round(1800 / slices.length) / 10); // mm: of a whole head's slices, 180 mm together
  return { apart, affine: [[-1, 0, 0, side - 1], [0, -1, 0, side - 1], [0, 0, apart, 0], [0, 0, 0, 1]] };
}
