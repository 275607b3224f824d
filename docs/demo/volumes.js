// From four modalities to labels, as the package does it: prepared_cases, sliding_window, postprocess.
import { FileError, spacingOf, turned, turningOf } from "./nifti.js";

export const MODALITIES = ["T1", "T1ce", "T2", "FLAIR"];
const NAMES = [ // as BraTS 2020, 2021 and 2023 name their files; FLAIR first, since 2023 calls it t2f
  ["FLAIR", /flair|t2f/i], ["T1ce", /t1ce|t1c|t1gd|t1-?post/i], ["T2", /t2/i], ["T1", /t1/i],
];
const DECATHLON = [1, 2, 3, 0]; // channels of a 4-D file (FLAIR, T1, T1ce, T2) in MODALITIES' order
const SIGMA = 0.125;

/** Four volumes in the order of MODALITIES, out of one 4-D file or four files named by modality. */
export function modalitiesOf(volumes) {
  if (volumes.length === 1 && volumes[0].channels === 4) {
    const { data, ...rest } = volumes[0];
    const size = data.length / 4;
    return DECATHLON.map((channel) => ({ ...rest, channels: 1, data: data.subarray(channel * size, (channel + 1) * size) }));
  }
  const found = {};
  for (const volume of volumes) {
    if (volume.channels !== 1) throw new FileError(`${volume.name} holds ${volume.channels} volumes; a 4-D file must hold the four modalities.`);
    const name = NAMES.find(([, pattern]) => pattern.test(volume.name))?.[0];
    if (!name) throw new FileError(`${volume.name}: its name doesn't say which modality it is. Name it with t1, t1ce, t2 or flair.`);
    if (found[name]) throw new FileError(`${volume.name} and ${found[name].name} both look like ${name}.`);
    found[name] = volume;
  }
  const missing = MODALITIES.filter((name) => !found[name]);
  if (missing.length) throw new FileError(`${missing.join(" and ")} missing: the network needs all of ${MODALITIES.join(", ")}.`);
  const four = MODALITIES.map((name) => found[name]);
  for (const volume of four) {
    if (String(volume.shape) !== String(four[0].shape)) throw new FileError(`${volume.name} has the shape ${volume.shape.join(" × ")}, ${four[0].name} ${four[0].shape.join(" × ")}: all four must lie on one grid.`);
    const apart = volume.affine.flat().some((value, i) => Math.abs(value - four[0].affine.flat()[i]) > 0.01);
    if (apart) throw new FileError(`${volume.name} and ${four[0].name} lie in different places (their affines differ): resample one to the other's grid.`);
  }
  return four;
}

/** Turn to LPS, crop to the brain, z-score in it, halve 1 mm to 2 mm: as `prepared_cases.prepare`. */
export function prepare(four) {
  const { shape, affine } = four[0];
  const turning = turningOf(affine);
  const { sides, at } = turned(shape, turning);
  const low = [Infinity, Infinity, Infinity], high = [-1, -1, -1];
  for (let z = 0; z < sides[2]; z++) for (let y = 0; y < sides[1]; y++) for (let x = 0; x < sides[0]; x++) {
    const i = at(x, y, z);
    if (four.some(({ data }) => data[i] !== 0)) {
      [x, y, z].forEach((n, axis) => { low[axis] = Math.min(low[axis], n); high[axis] = Math.max(high[axis], n); });
    }
  }
  if (high[0] < 0) throw new FileError(`${four[0].name}: all voxels are 0, there is no brain in it.`);
  const size = high.map((n, axis) => n - low[axis] + 1);
  const count = size[0] * size[1] * size[2];
  const inside = new Uint8Array(count);
  const cropped = four.map(() => new Float32Array(count));
  for (let z = 0, n = 0; z < size[2]; z++) for (let y = 0; y < size[1]; y++) for (let x = 0; x < size[0]; x++, n++) {
    const i = at(x + low[0], y + low[1], z + low[2]);
    four.forEach(({ data }, c) => { cropped[c][n] = data[i]; if (data[i] !== 0) inside[n] = 1; });
  }
  for (const values of cropped) {
    let sum = 0, number = 0, squares = 0;
    for (let n = 0; n < count; n++) if (inside[n]) { sum += values[n]; number++; }
    const mean = sum / number;
    for (let n = 0; n < count; n++) if (inside[n]) squares += (values[n] - mean) ** 2;
    const deviation = Math.max(Math.sqrt(squares / number), 1e-6);
    for (let n = 0; n < count; n++) values[n] = inside[n] ? (values[n] - mean) / deviation : 0;
  }
  const brain = spacingOf(affine).reduce((a, b) => a + b) / 3 < 1.5 ? 2 : 1; // the network knows 2 mm
  const small = brain === 1 ? { sides: size, channels: cropped } : shrink(cropped, inside, size, brain);
  return { ...small, factor: brain, box: { low, size }, turning, shape, affine };
}

function shrink(channels, inside, size, factor) {
  const sides = size.map((n) => Math.ceil(n / factor));
  const smaller = channels.map(() => new Float32Array(sides[0] * sides[1] * sides[2]));
  for (let z = 0; z < size[2]; z++) for (let y = 0; y < size[1]; y++) for (let x = 0; x < size[0]; x++) {
    const from = x + size[0] * (y + size[1] * z);
    const to = Math.floor(x / factor) + sides[0] * (Math.floor(y / factor) + sides[1] * Math.floor(z / factor));
    channels.forEach((values, c) => { smaller[c][to] += values[from] / factor ** 3; });
  }
  return { sides, channels: smaller };
}

/** Start and Gaussian weights of the windows along one axis: `sliding_window.axis_windows`. */
export function axisWindows(size, patch, overlap = 0.5) {
  const whole = Math.max(size, patch);
  const step = Math.max(1, Math.floor(patch * (1 - overlap)));
  const number = Math.ceil((whole - patch) / step) + 1;
  const starts = [...Array(number).keys()].map((i) => (number === 1 ? 0 : Math.floor((i * (whole - patch)) / (number - 1) + 0.5)));
  const bell = [...Array(patch).keys()].map((i) => Math.exp(-0.5 * ((i - (patch - 1) / 2) / (SIGMA * patch)) ** 2));
  const total = new Float64Array(whole);
  for (const start of starts) bell.forEach((weight, i) => { total[start + i] += weight; });
  return starts.map((start) => ({ start, weights: bell.map((weight, i) => weight / total[start + i]) }));
}

/** Probabilities (3 regions, x fastest) of a prepared case; `run(patch)` is the network. */
export async function predict({ sides, channels }, patch, run, progress, flips = [false, true]) {
  const before = sides.map((n) => Math.floor(Math.max(0, patch - n) / 2));
  const axes = sides.map((n) => axisWindows(n, patch));
  const total = axes[0].length * axes[1].length * axes[2].length * flips.length;
  const sum = [0, 1, 2].map(() => new Float32Array(sides[0] * sides[1] * sides[2]));
  let done = 0;
  for (const wx of axes[0]) for (const wy of axes[1]) for (const wz of axes[2]) {
    for (const flip of flips) {
      const batch = new Float32Array(patch ** 3 * 4);
      for (let x = 0, n = 0; x < patch; x++) for (let y = 0; y < patch; y++) for (let z = 0; z < patch; z++, n += 4) {
        const i = wx.start + (flip ? patch - 1 - x : x) - before[0], j = wy.start + y - before[1], k = wz.start + z - before[2];
        if (i < 0 || j < 0 || k < 0 || i >= sides[0] || j >= sides[1] || k >= sides[2]) continue;
        const from = i + sides[0] * (j + sides[1] * k);
        for (let c = 0; c < 4; c++) batch[n + c] = channels[c][from];
      }
      const answer = await run(batch);
      for (let x = 0, n = 0; x < patch; x++) for (let y = 0; y < patch; y++) for (let z = 0; z < patch; z++, n += 3) {
        const i = wx.start + (flip ? patch - 1 - x : x) - before[0], j = wy.start + y - before[1], k = wz.start + z - before[2];
        if (i < 0 || j < 0 || k < 0 || i >= sides[0] || j >= sides[1] || k >= sides[2]) continue;
        const own = flip ? patch - 1 - x : x;
        const weight = (wx.weights[own] * wy.weights[y] * wz.weights[z]) / flips.length;
        const to = i + sides[0] * (j + sides[1] * k);
        for (let c = 0; c < 3; c++) sum[c][to] += weight * answer[n + c];
      }
      progress(++done, total);
    }
  }
  return sum;
}

/** Keep the largest component, voxels that share a corner being neighbours; in place. */
export function keepLargest(mask, sides) {
  const piece = new Int32Array(mask.length);
  const [w, h, d] = sides;
  let best = 0, most = 0, count = 0;
  const stack = [];
  for (let seed = 0; seed < mask.length; seed++) {
    if (!mask[seed] || piece[seed]) continue;
    let size = 0;
    piece[seed] = ++count;
    stack.push(seed);
    while (stack.length) {
      const i = stack.pop();
      size++;
      const x = i % w, y = Math.floor(i / w) % h, z = Math.floor(i / (w * h));
      for (let c = Math.max(0, z - 1); c <= Math.min(d - 1, z + 1); c++)
        for (let b = Math.max(0, y - 1); b <= Math.min(h - 1, y + 1); b++)
          for (let a = Math.max(0, x - 1); a <= Math.min(w - 1, x + 1); a++) {
            const j = a + w * (b + h * c);
            if (mask[j] && !piece[j]) { piece[j] = count; stack.push(j); }
          }
    }
    if (size > most) { most = size; best = count; }
  }
  for (let i = 0; i < mask.length; i++) if (piece[i] !== best) mask[i] = 0;
  return mask;
}

/** Labels 0, 1, 2, 4 at 0.5, the innermost region deciding, the largest tumour alone. */
export function labelsFrom(probabilities, sides) {
  const labels = new Uint8Array(probabilities[0].length);
  [2, 1, 4].forEach((label, region) => {
    for (let i = 0; i < labels.length; i++) if (probabilities[region][i] >= 0.5) labels[i] = label;
  });
  return keepLargest(labels, sides);
}

/** Put labels of a prepared case back into the grid of its files. */
export function restore(labels, { sides, factor, box, turning, shape }) {
  const full = new Uint8Array(shape[0] * shape[1] * shape[2]);
  const { at } = turned(shape, turning);
  for (let z = 0; z < box.size[2]; z++) for (let y = 0; y < box.size[1]; y++) for (let x = 0; x < box.size[0]; x++) {
    const from = Math.floor(x / factor) + sides[0] * (Math.floor(y / factor) + sides[1] * Math.floor(z / factor));
    full[at(x + box.low[0], y + box.low[1], z + box.low[2])] = labels[from];
  }
  return full;
}
