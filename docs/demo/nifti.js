// NIfTI files in the browser: read with nifti-reader-js, turned to one orientation, written as masks.
import * as nifti from "nifti-reader-js";

const LARGEST = 600e6; // bytes once unpacked: a browser tab has little more for everything
const KINDS = {
  [2]: Uint8Array, [4]: Int16Array, [8]: Int32Array, [16]: Float32Array, [64]: Float64Array,
  [256]: Int8Array, [512]: Uint16Array, [768]: Uint32Array,
};

/** An error whose message is a sentence for the visitor. */
export class FileError extends Error {}

/** Unpack a gzip file as it streams, and stop where it grows beyond LARGEST. */
async function bytesOf(file) {
  if (file.size > LARGEST) {
    throw new FileError(`${file.name} has ${Math.round(file.size / 1e6)} MB, too large for a page: ${Math.round(LARGEST / 1e6)} MB at most.`);
  }
  const start = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  if (start[0] !== 0x1f || start[1] !== 0x8b) return file.arrayBuffer();
  const reader = file.stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  const parts = [];
  let size = 0;
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      parts.push(part.value);
      size += part.value.length;
      if (size > LARGEST) {
        await reader.cancel();
        throw new FileError(`${file.name} unpacks to more than ${Math.round(LARGEST / 1e6)} MB, too large for a page.`);
      }
    }
  } catch (error) {
    if (error instanceof FileError) throw error;
    throw new FileError(`${file.name} is damaged: it can't be unpacked. Copy it again.`);
  }
  return new Blob(parts).arrayBuffer();
}

/** Read a NIfTI file: {name, shape (3), channels, affine (4×4), data (Float32Array, x fastest)}. */
export async function read(file) {
  const bytes = await bytesOf(file);
  if (!nifti.isNIFTI(bytes)) {
    throw new FileError(`${file.name} isn't a NIfTI file. Drop .nii or .nii.gz files.`);
  }
  let header;
  try {
    header = nifti.readHeader(bytes);
  } catch {
    throw new FileError(`${file.name} has a damaged header. Copy it again.`);
  }
  const [axes, ...sides] = header.dims;
  const shape = sides.slice(0, 3);
  const channels = axes > 3 ? sides[3] : 1;
  if (axes < 3 || axes > 4 || shape.some((side) => side < 2)) {
    throw new FileError(`${file.name} has the shape ${sides.slice(0, axes).join(" × ")}; a volume has three axes, or four with the modalities.`);
  }
  const Kind = KINDS[header.datatypeCode];
  if (!Kind) throw new FileError(`${file.name} holds ${header.getDatatypeCodeString(header.datatypeCode)}, which isn't a number that a scan has.`);
  const voxels = shape[0] * shape[1] * shape[2] * channels;
  const start = header.vox_offset;
  if (start < 0 || bytes.byteLength < start + voxels * Kind.BYTES_PER_ELEMENT) {
    throw new FileError(`${file.name} is cut off: its header promises more voxels than it holds. Copy it again.`);
  }
  const data = new Float32Array(voxels);
  const view = new DataView(bytes, start);
  const get = `get${Kind.name.replace("Array", "")}`;
  const slope = header.scl_slope || 1;
  const offset = header.scl_slope ? header.scl_inter || 0 : 0;
  for (let i = 0; i < voxels; i++) {
    const value = view[get](i * Kind.BYTES_PER_ELEMENT, header.littleEndian) * slope + offset;
    if (!Number.isFinite(value)) throw new FileError(`${file.name} holds values that aren't numbers (NaN or infinity).`);
    data[i] = value;
  }
  return { name: file.name, shape, channels, affine: header.affine, data };
}

/** How a volume's axes must be permuted and flipped to lead to left, posterior, superior. */
export function turningOf(affine) {
  const from = [0, 1, 2].map((axis) => [0, 1, 2].map((row) => affine[row][axis]));
  const turning = [null, null, null]; // turning[target] = {axis, flip}
  const free = new Set([0, 1, 2]);
  const sizes = from.map((column) => Math.hypot(...column));
  const pairs = [];
  for (let axis = 0; axis < 3; axis++) {
    for (let row = 0; row < 3; row++) pairs.push({ axis, row, how: Math.abs(from[axis][row]) / sizes[axis] });
  }
  pairs.sort((a, b) => b.how - a.how);
  for (const { axis, row } of pairs) {
    if (!free.has(axis) || turning[row]) continue;
    free.delete(axis);
    // NIfTI's millimetres grow to the right, anterior, superior
    turning[row] = { axis, flip: row === 2 ? from[axis][row] < 0 : from[axis][row] > 0 };
  }
  return turning;
}

export function spacingOf(affine) {
  return [0, 1, 2].map((axis) => Math.hypot(affine[0][axis], affine[1][axis], affine[2][axis]));
}

/** Index of a voxel of the turned volume in the file's own order, as a function of (x, y, z). */
export function turned(shape, turning) {
  const strides = [1, shape[0], shape[0] * shape[1]];
  const sides = turning.map(({ axis }) => shape[axis]);
  const step = turning.map(({ axis, flip }) => (flip ? -strides[axis] : strides[axis]));
  const start = turning.reduce((sum, { axis, flip }) => sum + (flip ? (shape[axis] - 1) * strides[axis] : 0), 0);
  return { sides, at: (x, y, z) => start + x * step[0] + y * step[1] + z * step[2] };
}

/** A NIfTI-1 file of one 3-D array, in the grid that `affine` gives; a `remark` says that its millimetres are only assumed. */
export function write(data, shape, affine, remark = "") {
  const kinds = { Uint8Array: [2, 8], Float32Array: [16, 32] };
  const [code, bits] = kinds[data.constructor.name];
  const bytes = new ArrayBuffer(352 + data.byteLength);
  const view = new DataView(bytes);
  view.setInt32(0, 348, true);
  [3, ...shape, 1, 1, 1, 1].forEach((side, i) => view.setInt16(40 + 2 * i, side, true));
  view.setInt16(70, code, true);
  view.setInt16(72, bits, true);
  [1, ...spacingOf(affine), 1, 1, 1, 1].forEach((size, i) => view.setFloat32(76 + 4 * i, size, true));
  view.setFloat32(108, 352, true);
  view.setFloat32(112, 1, true);
  view.setUint8(123, remark ? 0 : 2); // millimetres, or unknown
  new Uint8Array(bytes, 148, 80).set(new TextEncoder().encode(remark).subarray(0, 79));
  view.setInt16(254, 1, true); // the sform below says where the voxels are
  for (let row = 0; row < 3; row++) {
    for (let column = 0; column < 4; column++) view.setFloat32(280 + 16 * row + 4 * column, affine[row][column], true);
  }
  [0x6e, 0x2b, 0x31, 0].forEach((byte, i) => view.setUint8(344 + i, byte));
  new Uint8Array(bytes, 352).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return bytes;
}
