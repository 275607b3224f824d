"""Sliding-window prediction of a BraTS case compared with MONAI's, in one run: time and memory.

    python benchmarks/sliding_window.py --monai-python MONAI/bin/python

MONAI and PyTorch get an environment of their own, outside the project:

    uv venv MONAI --python 3.11
    uv pip install --python MONAI/bin/python monai torch psutil

Both get the same case (random numbers in the shape of a brain, or `--case`), the same patch and
overlap, Gaussian weights, one window at a time, float32, all cores, and a U-Net of five levels with
instance normalisation and two convolutions per level: `unet.unet` and `BasicUNet`. Each runs in its
own process, they take turns, and the fastest of `--repeats` counts. The clock starts after one
warm-up window. Ours reads float16 from disk while it runs; MONAI has float32 in memory before the
start. Prints ratios, in which the machine's own speed cancels out.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SHAPE = (240, 240, 155, 4)


def synthetic_case(file: Path) -> None:
    """Write normal noise inside an ellipsoid of a brain's size, exactly 0 outside, float16."""
    images = np.lib.format.open_memmap(file, mode="w+", dtype=np.float16, shape=SHAPE)
    x, y, z = np.ogrid[:240, :240, :155]
    rng = np.random.default_rng(0)
    brain = ((x - 120) / 70) ** 2 + ((y - 120) / 87) ** 2 + ((z - 75) / 70) ** 2 < 1
    for channel in range(SHAPE[-1]):
        images[..., channel] = brain * rng.standard_normal(SHAPE[:3], np.float32)
    images.flush()


def real_case(file: Path, folder: Path) -> None:
    """Write the first BraTS case in a folder, z-scored in the brain, at its full size, float16."""
    from unet_course.data import brats

    images = brats.find_cases(folder)[0].read().images.astype(np.float32)
    brain = images.any(-1)
    for channel in range(images.shape[-1]):
        values = images[brain, channel]
        images[..., channel] = brain * (images[..., channel] - values.mean()) / values.std()
    np.save(file, images.astype(np.float16))


def ours(options: argparse.Namespace) -> dict:
    from unet_course import memory
    from unet_course.network import unet
    from unet_course.prediction import sliding_window

    images = np.load(options.file, mmap_mode="r")
    patch = (options.patch,) * 3
    model = unet.unet(
        (*patch, images.shape[-1]),
        classes=3,
        filters=options.filters,
        head="sigmoid",
        normalization="instance",
    )
    window = np.array(images[None, 60 : 60 + patch[0], 60 : 60 + patch[1], 40 : 40 + patch[2]])
    window = window.astype(np.float32)
    forward = alone(lambda: model.predict_on_batch(window))
    skip = options.one == "skipping"
    started, processor = time.perf_counter(), time.process_time()
    found = sliding_window.predict(model, images, overlap=options.overlap, skip_empty=skip)
    return {
        "seconds": time.perf_counter() - started,
        "processor": time.process_time() - processor,
        "forward": forward,
        "peak_gb": memory.peak_memory_gb(),
        "parameters": model.count_params(),
        "shape": found.shape,
    }


def monai(options: argparse.Namespace) -> dict:
    import resource

    import torch
    from monai.inferers import sliding_window_inference
    from monai.networks.nets import BasicUNet

    images = np.load(options.file, mmap_mode="r")
    inputs = torch.from_numpy(np.moveaxis(images, -1, 0)[None].astype(np.float32))
    f = options.filters
    network = BasicUNet(
        3, images.shape[-1], 3, features=(f, 2 * f, 4 * f, 8 * f, 16 * f, f),
        act=("relu", {"inplace": True}),
    ).eval()  # fmt: skip
    patch = (options.patch,) * 3
    window = inputs[:, :, 60 : 60 + patch[0], 60 : 60 + patch[1], 40 : 40 + patch[2]].contiguous()
    with torch.inference_mode():
        forward = alone(lambda: torch.sigmoid(network(window)))
        started, processor = time.perf_counter(), time.process_time()
        found = sliding_window_inference(
            inputs, patch, 1, lambda x: torch.sigmoid(network(x)), options.overlap, "gaussian"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": time.perf_counter() - started,
        "processor": time.process_time() - processor,
        "forward": forward,
        "peak_gb": peak * (1 if sys.platform == "darwin" else 1024) / 1e9,
        "parameters": sum(p.numel() for p in network.parameters()),
        "shape": (*found.shape[2:], found.shape[1]),
    }


def alone(call) -> float:
    """Processor time of the network on one window: the least of three after a warm-up."""
    call()
    times = []
    for _ in range(3):
        started = time.process_time()
        call()
        times.append(time.process_time() - started)
    return min(times)


def measured(python: str, one: str, file: Path, options: argparse.Namespace) -> dict:
    command = [
        python, __file__, "--one", one, "--file", str(file), "--patch", str(options.patch),
        "--overlap", str(options.overlap), "--filters", str(options.filters),
    ]  # fmt: skip
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    if one == "monai":
        environment.pop("PYTHONPATH", None)
    else:
        here = str(Path(__file__).parents[1])
        environment["PYTHONPATH"] = os.pathsep.join(
            filter(None, [here, environment.get("PYTHONPATH")])
        )
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment)
    if done.returncode:
        sys.exit(f"{one} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--monai-python", metavar="PATH", help="python of an environment with MONAI"
    )
    parser.add_argument("--case", type=Path, metavar="FOLDER", help="the first BraTS case in there")
    parser.add_argument("--patch", type=int, default=64)
    parser.add_argument("--overlap", type=float, default=0.25, help="MONAI's own default: 0.25")
    parser.add_argument("--filters", type=int, default=8, help="at full resolution")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--one", choices=("ours", "skipping", "monai"), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps((monai if options.one == "monai" else ours)(options)))
        return
    who = {"ours": sys.executable, "skipping": sys.executable}
    if options.monai_python:
        who["monai"] = options.monai_python
    best: dict[str, dict] = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        file = Path(folder) / "case.npy"
        real_case(file, options.case) if options.case else synthetic_case(file)
        for turn in range(options.repeats):
            for one, python in who.items():
                found = measured(python, one, file, options)
                print(
                    f"  turn {turn + 1}, {one}: {found['seconds']:.0f} s, {found['processor']:.0f} s "
                    f"of processor time, {found['peak_gb']:.2f} GB",
                    flush=True,
                )
                kept = best.setdefault(one, found)
                for what in ("seconds", "processor", "forward"):
                    kept[what] = min(kept[what], found[what])
                kept["peak_gb"] = max(kept["peak_gb"], found["peak_gb"])
    print(f"a case of {best['ours']['shape']}, patch {options.patch}, overlap {options.overlap}")
    print("| | parameters | seconds | processor | relative to MONAI | network alone | peak, GB |")
    print("|---|---|---|---|---|---|---|")
    for one, row in best.items():
        relative = "–"
        if "monai" in best:
            wall, processor = (row[k] / best["monai"][k] for k in ("seconds", "processor"))
            relative = f"{wall:.2f}, {processor:.2f} of processor time"
        print(
            f"| {one} | {row['parameters']:,} | {row['seconds']:.1f} | {row['processor']:.1f} | "
            f"{relative} | {row['forward']:.3f} a window | {row['peak_gb']:.2f} |"
        )


if __name__ == "__main__":
    main()
