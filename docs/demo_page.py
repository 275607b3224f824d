"""The demo page of the site: the shipped networks in the visitor's browser (docs/demo).

Bundled with npm and esbuild when the site is built: its libraries come by `npm ci` from the lockfile,
the networks as ONNX from the package, the patients from the sample. Where Node.js, its packages or the
extra `export` can't be had, the site is built all the same, and the page says that it is missing.
"""

import gzip
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from unet_course import storage

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
SOURCES = HERE / "demo"
PAGES = ("index.html", "demo.css")
NETWORKS = ("brats_sample", "lgg_sample")
CASES, PATIENTS = 2, 1  # of the sample, to choose from
WITHOUT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>No demo</title>
<p>This copy of the site was built without the demo: {why}.</p>
<p><a href="../index.html">Back to the course</a></p></html>
"""


def setup(app) -> dict:
    app.connect("build-finished", _add)
    return {"parallel_read_safe": True}


def _add(app, failed) -> None:
    if failed is None and app.builder.name == "html":
        folder = Path(app.outdir) / "demo"
        why = build(folder)
        if why:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            text = WITHOUT.format(why=why)
            (folder / "index.html").write_text(text, encoding="utf-8", newline="\n")
            print(f"The site has no demo: {why}.")


def build(out: Path) -> str:
    """Build the demo into a folder; return why that isn't possible, empty if it was."""
    (ROOT / ".cache").mkdir(exist_ok=True)
    with storage.locked(ROOT / ".cache" / "demo.lock"):  # builds share what they keep there
        return _build(out)


def _build(out: Path) -> str:
    if shutil.which("npm") is None:
        return "Node.js with npm isn't installed"
    missing = [name for name in ("tf2onnx", "onnxruntime") if not importlib.util.find_spec(name)]
    if missing:
        return f"{' and '.join(missing)} isn't installed (the extra `export`)"
    work = _libraries()
    if isinstance(work, str):
        return work
    for file in SOURCES.glob("*.js"):
        shutil.copy(file, work)
    out.mkdir(parents=True, exist_ok=True)
    bundler = work / "node_modules" / ".bin" / ("esbuild.cmd" if os.name == "nt" else "esbuild")
    options = ["--bundle", "--format=esm", "--minify", "--log-level=error", f"--outdir={out}"]
    said = _run([str(bundler), "main.js", "worker.js", "gpu.js", *options], work)
    if said:
        return f"esbuild failed ({said})"
    for name in PAGES:
        shutil.copy(SOURCES / name, out)
    runtime = work / "node_modules" / "onnxruntime-web" / "dist"
    for ending in ("mjs", "wasm", "asyncify.mjs", "asyncify.wasm"):  # asyncify: with WebGPU
        shutil.copy(runtime / f"ort-wasm-simd-threaded.{ending}", out)
    (out / "licences.txt").write_text(_licences(work), encoding="utf-8", newline="\n")
    made = work.parent / "made"
    # in a process of its own: Sphinx' has no use for TensorFlow
    said = _run([sys.executable, __file__, str(made)], ROOT)
    if said:
        return f"the networks or the sample can't be made ({said})"
    for folder in ("networks", "samples"):
        shutil.copytree(made / folder, out / folder, dirs_exist_ok=True)
    return ""


def _libraries() -> Path | str:
    """The folder with node_modules, kept from one build to the next; or what went wrong."""
    lock = (SOURCES / "package-lock.json").read_bytes()
    work = ROOT / ".cache" / "demo" / hashlib.sha256(lock).hexdigest()[:12]
    if (work / "complete").exists():
        return work
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SOURCES / name, work)
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    said = _run([shutil.which("npm"), "ci", *quiet], work)
    if said:
        return f"`npm ci` failed ({said})"
    (work / "complete").touch()
    return work


def _run(command: list[str], folder: Path) -> str:
    """Run a command; return the last line of what it said if it failed, else nothing."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
    return lines[-1][:200] if done.returncode else ""


def _licences(work: Path) -> str:
    """The licences of what is bundled, one after the other."""
    lock = json.loads((work / "package-lock.json").read_text(encoding="utf-8"))
    texts = []
    for place, facts in sorted(lock["packages"].items()):
        if not place or facts.get("dev"):
            continue
        found = sorted((work / place).glob("[Ll][Ii][Cc][Ee][Nn][CcSs][Ee]*"))
        text = "".join(file.read_text(encoding="utf-8", errors="replace") for file in found)
        name = place.removeprefix("node_modules/")
        head = f"{name} {facts['version']} ({facts.get('license', 'see its page')})"
        texts.append(f"{head}\n{'=' * len(head)}\n\n{text}")
    return "\n\n".join(texts)


# --- networks and samples, in a process of its own ------------------------------------------------


def make(folder: Path) -> None:
    """Write `networks/*.onnx` and `samples/`, those that aren't there yet for this package."""
    from unet_course import runtime
    from unet_course.synthetic import sample_data

    with runtime.quiet():
        import keras

        keras.ops.ones(1)
    from unet_course.data import brats, lgg
    from unet_course.prediction import export

    state = hashlib.sha256()
    for name in NETWORKS:
        state.update((runtime.PACKAGE / "weights" / f"{name}.keras").read_bytes())
    for file in (Path(__file__), *sorted((runtime.PACKAGE / "synthetic").glob("*.py"))):
        state.update(file.read_bytes())
    mark = folder / "made-from"
    if mark.exists() and mark.read_text(encoding="utf-8") == state.hexdigest():
        return
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "networks").mkdir(parents=True)
    (folder / "samples").mkdir()
    for name in NETWORKS:
        file = runtime.PACKAGE / "weights" / f"{name}.keras"
        model = keras.saving.load_model(file, compile=False, safe_mode=True)
        export.to_onnx(model, folder / "networks" / f"{name}.onnx")
    nodes = {name: on_processor(folder / "networks" / f"{name}.onnx") for name in NETWORKS}
    text = json.dumps(nodes, indent=1)
    (folder / "networks" / "on_processor.json").write_text(text, encoding="utf-8", newline="\n")
    samples = []
    for number, case in enumerate(brats.sample_cases()[:CASES], start=1):
        file = f"volume_{number}.nii.gz"
        write_volume(case, folder / "samples" / file)
        samples.append({"name": f"Synthetic volume {number}", "files": [file]})
    for number, patient in enumerate(lgg.find_patients(sample_data.lgg_root())[:PATIENTS], start=1):
        files = write_slices(patient, folder / "samples")
        samples.append({"name": f"Synthetic slices {number}", "files": files})
    text = json.dumps(samples, indent=1)
    (folder / "samples" / "samples.json").write_text(text, encoding="utf-8", newline="\n")
    mark.write_text(state.hexdigest(), encoding="utf-8")


def on_processor(file: Path) -> list[str]:
    """Names of the nodes that ONNX Runtime Web 1.30 can't run by WebGPU: transposed 3-D convolutions."""
    import onnx

    graph = onnx.load(file).graph
    rank = {weights.name: len(weights.dims) for weights in graph.initializer}
    upwards = [node for node in graph.node if node.op_type == "ConvTranspose"]
    return [node.name for node in upwards if rank[node.input[1]] == 5]


def write_volume(case, file: Path) -> None:
    """Write a case at 2 mm as one 4-D NIfTI file, int16: FLAIR, T1, T1ce, T2, as the Decathlon."""
    import nibabel
    import numpy as np

    from unet_course.data.layouts import MODALITIES
    from unet_course.data.normalise import shrink

    volume = case.read()
    images = shrink(volume.images, 2).round().astype(np.int16)
    order = [MODALITIES.index(name) for name in ("FLAIR", "T1", "T1ce", "T2")]
    affine = volume.affine @ np.diag([2.0, 2, 2, 1])
    affine[:3, 3] = (volume.affine @ [0.5, 0.5, 0.5, 1])[:3]
    image = nibabel.Nifti1Image(np.ascontiguousarray(images[..., order]), affine)
    file.write_bytes(gzip.compress(image.to_bytes(), mtime=0))


def write_slices(patient, folder: Path) -> list[str]:
    """Write a patient's slices as PNG; return the files' names."""
    from PIL import Image

    names = []
    for number, image in zip(patient.numbers, patient.read()[0], strict=True):
        names.append(f"{patient.id}_{number}.png")
        Image.fromarray(image).save(folder / names[-1], optimize=True)
    return names


if __name__ == "__main__":
    make(Path(sys.argv[1]))
