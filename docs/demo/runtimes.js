// Where a network runs: on the graphics card (WebGPU) if it is as right as the processor and faster, else on the processor (WebAssembly).
import * as wasm from "onnxruntime-web/wasm";

const TOLERANCE = 1e-3; // between the two, of a probability
const here = (name) => new URL(name, self.location.href).href;

/** The network as a function of one input; `tell` is told in words where it runs, `wanted` is "webgpu", "wasm" or null. */
export async function network(name, shape, wanted, tell) {
  const file = here(`networks/${name}.onnx`);
  const byProcessor = async (error) => {
    if (error) console.warn(`WebGPU isn't used: ${error.message}`);
    tell("the processor (WebAssembly)");
    return open(wasm, file, shape, ["wasm"]);
  };
  if (!(await usable(wanted))) return byProcessor();
  let run;
  try {
    run = await byGraphicsCard(file, name, shape, wanted === "webgpu");
  } catch (error) {
    return byProcessor(error);
  }
  tell("the graphics card (WebGPU)");
  return async (batch) => {
    try {
      return await run(batch);
    } catch (error) {
      run = await byProcessor(error);
      return run(batch);
    }
  };
}

/** Is there an adapter, and a real one? One in software is slower than WebAssembly: only taken if it is asked for. */
async function usable(wanted) {
  if (wanted === "wasm") return false;
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  return Boolean(adapter) && (wanted === "webgpu" || !adapter.info?.isFallbackAdapter);
}

async function byGraphicsCard(file, name, shape, evenIfSlow) {
  const ort = await import(here("gpu.js"));
  // no kernel for ConvTranspose in 3-D in version 1.30: these few nodes stay on the processor
  const nodes = (await (await fetch(here("networks/on_processor.json"))).json())[name];
  const reference = await open(ort, file, shape, ["wasm"]);
  const run = await open(ort, file, shape, [{ name: "webgpu", ...(nodes.length && { forceCpuNodeNames: nodes }) }]);
  const input = probe(shape);
  const right = await reference(input), answer = await run(input);
  if (!(right.some((p) => p < 0.1) && right.some((p) => p > 0.9))) throw new Error("the probe shows nothing");
  if (!right.every((p, i) => Math.abs(p - answer[i]) <= TOLERANCE)) throw new Error("its answer differs from WebAssembly's");
  if (!evenIfSlow && (await seconds(run, input)) > (await seconds(reference, input))) throw new Error("it is slower than WebAssembly");
  return run;
}

async function open(ort, file, shape, executionProviders) {
  ort.env.wasm.wasmPaths = here("./");
  ort.env.wasm.numThreads = 1; // more would need headers that a plain web server doesn't send
  const session = await ort.InferenceSession.create(file, { executionProviders, logSeverityLevel: 3 });
  const [input] = session.inputNames, [output] = session.outputNames;
  return async (batch) => (await session.run({ [input]: new ort.Tensor("float32", batch, [1, ...shape]) }))[output].data;
}

/** A bright ball in ripples: what both networks mark a tumour in. */
function probe(shape) {
  const channels = shape.at(-1), sides = shape.slice(0, -1).reverse();
  return Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => {
    let rest = Math.floor(i / channels), distance = 0;
    for (const side of sides) { distance += ((rest % side) / side - 0.5) ** 2; rest = Math.floor(rest / side); }
    return Math.exp(-32 * distance) + 0.2 * Math.sin(i);
  });
}

async function seconds(run, input) {
  const start = performance.now();
  await run(input);
  return (performance.now() - start) / 1000;
}
