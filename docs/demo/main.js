// The page: choosing files, progress, stopping, and showing what the worker found.
import { AXES, showPlanes, showSlice } from "./views.js";

const $ = (id) => document.getElementById(id);
const COLOURS = { oedema: "#56B4E9", core: "#D55E00", "enhancing tumour": "#F0E442" };
let worker = null;
let latest = null;

/** Hand files to a new worker; an old one is stopped. */
function begin(files, name) {
  stop();
  $("result").hidden = true;
  $("place").textContent = "";
  tell(`${name}: reading`);
  $("stop").hidden = $("progress").hidden = false;
  $("progress").removeAttribute("value");
  worker = new Worker(`worker.js${location.search}`, { type: "module" });
  worker.onmessage = ({ data }) => {
    if (data.error) return end(data.error, true);
    if (data.place) return void ($("place").textContent = `The network runs on ${data.place}.`);
    if (data.result) return show(data.result, name);
    tell(data.of ? `${data.text}: ${data.done} of ${data.of}` : data.text);
    if (data.of) Object.assign($("progress"), { max: data.of, value: data.done });
  };
  worker.onerror = (event) => end(`The network can't run in this browser: ${event.message || "it may be too old"}.`, true);
  worker.postMessage([...files]);
}

function stop() {
  worker?.terminate();
  worker = null;
}

function end(text, wrong = false) {
  stop();
  $("stop").hidden = $("progress").hidden = true;
  tell(text, wrong);
}

function tell(text, wrong = false) {
  $("status").textContent = text;
  $("status").className = wrong ? "error" : "";
}

async function show(result, name) {
  latest = { mask: result.mask, name: name.replace(/\.nii(\.gz)?$|[^\w-]+/gi, "_") };
  end(`${name}: done.`);
  const volume = result.kind === "volumes";
  const single = !volume && result.shape[2] === 1;
  $("planes-view").hidden = single;
  $("slice").hidden = !single;
  $("result").hidden = false;
  $("summary").textContent = volume ? summaryOfVolume(result.millilitres) : summaryOfSlices(result);
  $("assumed").hidden = volume || single;
  $("assumed").textContent = `Pictures don't say where they lie. Assumed here and in the saved mask: pixels of 1 mm, slices ${result.apart} mm apart, the first one lowest, the patient's left on the right. That is why no volume is given.`;
  $("legend").replaceChildren(...Object.entries(volume ? COLOURS : { tumour: "#E69F00" }).map(([text, colour]) => {
    const patch = Object.assign(document.createElement("i"), { style: `background:${colour}` });
    const entry = document.createElement("span");
    entry.append(patch, text);
    return entry;
  }));
  try {
    if (single) showSlice(result, $("slice"));
    else await showPlanes(result, $("planes"), $("crosshair"));
  } catch (error) {
    tell(`The tumour was looked for, but it can't be drawn here (${error.message}). The mask can be saved.`, true);
  }
  $("found").scrollIntoView({ block: "start" });
}

function summaryOfVolume(millilitres) {
  if (!millilitres["whole tumour"]) return "No tumour found.";
  const parts = Object.entries(millilitres).map(([name, ml]) => `${name} ${ml.toFixed(1)} ml`);
  return `Found: ${parts.join(", ")}.`;
}

function summaryOfSlices({ marked, shape: [, , count] }) {
  const of = `${count} slice${count > 1 ? "s" : ""}`;
  return marked ? `Tumour marked on ${marked} of ${of}.` : `No tumour marked on ${of}.`;
}

function save() {
  const url = URL.createObjectURL(new Blob([latest.mask], { type: "application/octet-stream" }));
  Object.assign(document.createElement("a"), { href: url, download: `${latest.name}_predicted.nii` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

async function offerSamples() {
  const samples = await (await fetch("samples/samples.json")).json();
  for (const { name, files } of samples) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: name });
    button.onclick = async () => {
      stop();
      tell(`${name}: loading`);
      try {
        const loaded = await Promise.all(files.map(async (file) => {
          const answer = await fetch(`samples/${file}`);
          if (!answer.ok) throw new Error(`${file}: ${answer.status}`);
          return new File([await answer.blob()], file);
        }));
        begin(loaded, name);
      } catch (error) {
        end(`${name} can't be loaded (${error.message}).`, true);
      }
    };
    $("samples").append(button);
  }
}

$("stop").onclick = () => end("Stopped.");
$("save").onclick = save;
$("files").onchange = ({ target }) => target.files.length && begin(target.files, target.files[0].name);
const drop = $("drop");
for (const kind of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) begin(event.dataTransfer.files, event.dataTransfer.files[0].name);
  });
}
$("crosshair").append(...AXES.map((axis, i) => {
  const label = document.createElement("label");
  label.append(axis, Object.assign(document.createElement("input"), { type: "range", min: 0, max: 1, step: "any", id: `axis-${i}` }));
  return label;
}));
offerSamples().catch(() => tell("The sample patients can't be loaded: this page must be opened from a web server.", true));
