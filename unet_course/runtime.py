"""Where the course runs, its folders, the patients' folder, seeds, and the fastest precision.

Everything that depends on the machine is asked here, so that lessons and modules hold no path.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import platform
import sys
import time
from pathlib import Path

import platformdirs

from unet_course import storage
from unet_course.memory import MemoryWatch as MemoryWatch
from unet_course.memory import peak_memory_gb as peak_memory_gb

PACKAGE = Path(__file__).resolve().parent
DATA_VARIABLE = "UNET_COURSE_DATA"
CACHE_VARIABLE = "UNET_COURSE_CACHE"
SHARED_VARIABLE = "UNET_COURSE_SHARED"
USER_VARIABLE = "UNET_COURSE_USER"
SEED_VARIABLE = "UNET_COURSE_SEED"
ISA_VARIABLE = "ONEDNN_MAX_CPU_ISA"  # oneDNN's own: the largest instruction set that it may use
DRIVE = Path("/content/drive/MyDrive")  # where Colab mounts the user's Google Drive


def where() -> str:
    """Name the place this runs in: `"colab"`, `"binder"`, `"hub"` or `"laptop"`."""
    if "google.colab" in sys.modules or "COLAB_RELEASE_TAG" in os.environ:
        return "colab"
    if "BINDER_SERVICE_HOST" in os.environ or "BINDER_LAUNCH_HOST" in os.environ:
        return "binder"
    # after Binder, which is itself a JupyterHub
    if "JUPYTERHUB_API_URL" in os.environ or "JUPYTERHUB_USER" in os.environ:
        return "hub"
    return "laptop"


def how_to_install(what: str) -> str:
    """Return the command that adds a package or one of the course's extras to this environment.

    An environment of `uvx` or of `uv tool` can't be added to: it is made again, with JupyterLab.
    """
    prefix = Path(sys.prefix)
    tool = "uv tool install" if (prefix / "uv-receipt.toml").is_file() else ""
    if prefix.parent.name.startswith(("archive-v", "environments-v")):  # folders of uv's cache
        tool = "uvx"
    if not tool:
        pip = "python -m pip" if importlib.util.find_spec("pip") else "uv pip"
        return f'{pip} install "{what}"'
    more = "" if what in ("unet-course", "unet-course[lab]") else f' --with "{what}"'
    if tool == "uvx" and more:
        return f'uvx --from "unet-course[lab]"{more} unet-course'
    return f'{tool} "unet-course[lab]"{more}'


# --- folders ----------------------------------------------------------------------------------


def cache_dir() -> Path:
    """Return the folder for what can be made again: `UNET_COURSE_CACHE`, or the user's cache."""
    return _made(os.environ.get(CACHE_VARIABLE), platformdirs.user_cache_dir, "cache")


def shared_cache() -> Path | None:
    """Return the cache that `UNET_COURSE_SHARED` names, or `None` where it isn't set.

    On a hub it holds the sample for everybody, made once. It is only read.

    Raises:
        NotADirectoryError: there is no such folder. Without it each student would make a sample.
    """
    named = os.environ.get(SHARED_VARIABLE)
    return existing_folder(named, f"Correct {SHARED_VARIABLE}, or unset it.") if named else None


def find_in_cache(*parts: str) -> Path:
    """Return the path of `parts` in the shared cache if it is there, else in the user's own."""
    shared = shared_cache()
    if shared and shared.joinpath(*parts).exists():
        return shared.joinpath(*parts)
    return cache_dir().joinpath(*parts)


def user_dir() -> Path:
    """Return the folder for what can't be made again, such as a student's progress.

    `UNET_COURSE_USER` wins; on Colab it is a folder on Drive where Drive is mounted, because
    Colab's own disk is emptied after each session; else the user's data folder.
    """
    return _made(os.environ.get(USER_VARIABLE) or _on_drive(), platformdirs.user_data_dir, "data")


def training_dir() -> Path:
    """Return the folder for what takes long to make again: checkpoints and trained networks.

    The cache, but on Colab a folder on Drive where Drive is mounted and `UNET_COURSE_CACHE` isn't
    set. The sample's many small files are made faster than Drive reads them.
    """
    if os.environ.get(CACHE_VARIABLE) or not _on_drive():
        return cache_dir()
    return _made(_on_drive(), platformdirs.user_cache_dir, "cache")


def _on_drive() -> str | None:
    """Return the course's folder on Drive, or `None` off Colab and where Drive isn't mounted."""
    return str(DRIVE / "unet-course") if where() == "colab" and DRIVE.is_dir() else None


def _made(chosen: str | None, default, what: str) -> Path:
    folder = Path(chosen or default("unet-course", appauthor=False)).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        variable = CACHE_VARIABLE if what == "cache" else USER_VARIABLE
        raise OSError(
            f"{folder}: the course's {what} folder can't be made there ({error.strerror}). "
            f"Set {variable} to a folder that you may write to."
        ) from error
    return folder.resolve()


def use_data(path: str | os.PathLike | None) -> Path | None:
    """Remember a folder of real patients for this and the next lessons; `None` forgets it.

    The folder is searched for any layout that the course reads. `UNET_COURSE_DATA` wins over it.

    Raises:
        NotADirectoryError: there is no such folder; what was remembered stays as it was.
    """
    memory = user_dir() / "data.json"
    if path is None:
        memory.unlink(missing_ok=True)
        return None
    folder = existing_folder(path, "Check the spelling; use_data(None) goes back to the sample.")
    storage.write_text(memory, json.dumps({"folder": str(folder)}) + "\n")
    return folder


def data_folder() -> Path | None:
    """Return the folder of real patients to use, or `None` when only the sample is asked for.

    Raises:
        NotADirectoryError: `UNET_COURSE_DATA`, or the folder remembered by `use_data`, is gone.
    """
    named = os.environ.get(DATA_VARIABLE)
    if named:
        return existing_folder(named, f"Correct the variable {DATA_VARIABLE}, or unset it.")
    memory = user_dir() / "data.json"
    try:
        remembered = Path(json.loads(memory.read_text(encoding="utf-8"))["folder"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{memory}: not the file that use_data writes. Call runtime.use_data(folder) again, "
            "or use_data(None) to go back to the sample."
        ) from error
    cure = "It was remembered by runtime.use_data; use_data(None) forgets it."
    return existing_folder(remembered, cure)


def existing_folder(path: str | os.PathLike, cure: str) -> Path:
    """Return the absolute path, or raise NotADirectoryError, whose message ends with `cure`."""
    folder = Path(path).expanduser()
    if folder.is_dir():
        return folder.resolve()
    what = "no such folder"
    if folder.exists():
        zipped = folder.suffix == ".zip"
        what = "an archive, not a folder: unpack it first" if zipped else "a file, not a folder"
    raise NotADirectoryError(f"{folder}: {what}. {cure}")


# --- runs that can be repeated, and the precision that pays --------------------------------------


def shifted(seed: int) -> int:
    """The seed plus what the variable `UNET_COURSE_SEED` says, to see a lesson with another network."""
    return seed + int(os.environ.get(SEED_VARIABLE) or 0)


def repeatable(seed: int) -> None:
    """Seed Python, NumPy and the backend, and make TensorFlow's operations deterministic.

    The same code then gives the same numbers on the same machine; training takes about a tenth
    longer. The seed is `shifted`.
    """
    import keras

    keras.utils.set_random_seed(shifted(seed))
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def best_precision() -> str:
    """Return the Keras dtype policy that trains fastest here without harm.

    A GPU takes `"mixed_bfloat16"` where it has it (compute capability 8 or more), else
    `"mixed_float16"`, which fails on a CPU. A CPU takes `"mixed_bfloat16"` only where a measurement
    of a few seconds (made once, then read from the cache) shows that it is faster than `"float32"`.
    """
    flags = _cpu_flags()
    gpu = _gpu_capability()
    if gpu is not None:
        return "mixed_bfloat16" if gpu >= (8, 0) else "mixed_float16"
    if flags is not None and not flags & {"amx_bf16", "avx512_bf16", "bf16", "sve_bf16"}:
        return "float32"  # no such instruction, nothing to measure
    return "mixed_bfloat16" if _measured_gain() >= 1.2 else "float32"


def convolves_in(kind: str) -> bool:
    """Say whether TensorFlow can convolve in this type here, such as `"bfloat16"`.

    Where `ONEDNN_MAX_CPU_ISA` keeps oneDNN below AVX-512, TensorFlow still hands it convolutions in
    bfloat16 if the processor has the instructions, and it has none for them.
    """
    import tensorflow as tf

    try:
        tf.nn.conv2d(tf.ones((1, 8, 8, 1), kind), tf.ones((3, 3, 1, 1), kind), 1, "SAME")
    except tf.errors.OpError:
        return False
    return True


def gpus() -> list[str]:
    """Return the names of the GPUs that TensorFlow can use."""
    return [details.get("device_name", name) for name, details in _gpu_details().items()]


def _gpu_details() -> dict[str, dict]:
    import tensorflow as tf

    devices = tf.config.list_physical_devices("GPU")
    return {d.name: tf.config.experimental.get_device_details(d) for d in devices}


def _gpu_capability() -> tuple[int, int] | None:
    """Return the first GPU's compute capability, or `None` without a GPU."""
    first = next(iter(_gpu_details().values()), None)
    return None if first is None else tuple(first.get("compute_capability", (0, 0)))


def _cpu_flags() -> set[str] | None:
    """Return the CPU's feature flags, or `None` where the system doesn't list them."""
    line = _cpu_line("flags", "features")
    return set(line.split()) if line is not None else None


def _cpu_line(*names: str) -> str | None:
    """Return the first entry of Linux' list of processors with one of these names, or `None`."""
    with contextlib.suppress(OSError):
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        for line in text.splitlines():
            if line.lower().startswith(names):
                return line.partition(":")[2].strip()
    return None


def _measured_gain() -> float:
    """Return how many times as fast bfloat16 convolves as float32, from the cache or measured.

    It is remembered by processor and by the instructions that oneDNN may use; 0 where it can't.
    """
    import tensorflow as tf

    machine = f"{processor()}, {os.cpu_count()} cores, TensorFlow {tf.__version__}"
    if limit := os.environ.get(ISA_VARIABLE):
        machine += f", {limit}"
    memory = cache_dir() / "precision.json"
    try:
        known = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    if not convolves_in("bfloat16"):
        return 0.0
    if machine not in known:
        seconds = {kind: seconds_per_step(kind) for kind in ("float32", "bfloat16")}
        known[machine] = round(seconds["float32"] / seconds["bfloat16"], 2)
        with contextlib.suppress(OSError):  # measured again the next time
            storage.write_text(memory, json.dumps(known, indent=1) + "\n")
    return known[machine]


def seconds_per_step(kind: str = "float32", budget: float = 3.0, best: bool = False) -> float:
    """Return the seconds of one forward and backward pass of three convolutions.

    4 images of 128×128 with 32 channels, `kind` the arithmetic. The median of several passes says how
    fast the machine is just now, with `best` the fastest how fast it is alone.
    """
    import tensorflow as tf

    dtype = tf.as_dtype(kind)
    images = tf.cast(tf.random.stateless_normal((4, 128, 128, 32), (1, 2)), dtype)
    kernels = [tf.random.stateless_normal((3, 3, 32, 32), (i, 3)) / 17 for i in range(3)]

    @tf.function
    def step(images, *kernels):
        with tf.GradientTape() as tape:
            tape.watch(kernels)
            x = images
            for kernel in kernels:
                x = tf.nn.relu(tf.nn.conv2d(x, tf.cast(kernel, dtype), 1, "SAME"))
            loss = tf.reduce_mean(tf.cast(x, tf.float32))
        return tape.gradient(loss, kernels)

    step(images, *kernels)  # tracing isn't counted
    times: list[float] = []
    while len(times) < 3 or (sum(times) < budget and len(times) < 20):
        start = time.perf_counter()
        step(images, *kernels)[0].numpy()
        times.append(time.perf_counter() - start)
    return min(times) if best else sorted(times)[len(times) // 2]


@contextlib.contextmanager
def quiet():
    """Keep back what TensorFlow's C++ code writes while it starts: it goes past sys.stderr."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)


def processor() -> str:
    """Return the processor's name as the system gives it, such as `"AMD EPYC"`."""
    return _cpu_line("model name") or platform.processor() or platform.machine()
