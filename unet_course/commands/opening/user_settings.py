"""The user's settings for other work: lessons run without them, and `doctor` names them."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

from unet_course import runtime, storage
from unet_course.commands.opening import python_path

INLINE = "module://matplotlib_inline.backend_inline"
# what would change a lesson's numbers, pictures or prints, or end its kernel; a GPU's are left
UNWANTED = re.compile(
    r"KERAS_|NPY_|TQDM_|PYTHON(WARNINGS|OPTIMIZE|DEVMODE|TRACEMALLOC)$|"
    r"TF_(XLA|ENABLE|DISABLE|USE|CONFIG$|DETERMINISTIC|CUDNN|CPP_VMODULE|CPP_MAX)"
)
CUDA = re.compile(r"--xla_gpu_cuda_data_dir=\S+")


def kernel_environment() -> dict[str, str]:
    """Return the environment in which lessons run, whatever a user has set for other work."""
    env = {name: value for name, value in os.environ.items() if not UNWANTED.match(name)}
    if (runtime.PACKAGE.parent / "pyproject.toml").is_file():  # a clone that may not be installed
        known = env.get("PYTHONPATH")
        env["PYTHONPATH"] = str(runtime.PACKAGE.parent) + (os.pathsep + known if known else "")
    if flags := env.pop("XLA_FLAGS", ""):  # one that TensorFlow doesn't know ends the kernel
        env |= {"XLA_FLAGS": known[0]} if (known := CUDA.search(flags)) else {}
    env["TF_CPP_MIN_LOG_LEVEL"] = "3"  # its lines would stand in the outputs
    cache = runtime.cache_dir()
    # where keras.json and IPython's start-up files are looked for
    env |= {"KERAS_BACKEND": "tensorflow", "KERAS_HOME": str(cache / "keras")}
    env["IPYTHONDIR"] = str(cache / "ipython")
    profile = cache / "ipython" / "profile_default"
    with contextlib.suppress(OSError):
        # Keras writes it anew, with its own defaults
        (cache / "keras" / "keras.json").unlink(missing_ok=True)
        profile.mkdir(parents=True, exist_ok=True)
        # its file of all that was ever run needs locks, which some network drives lack
        memory = json.dumps({"HistoryManager": {"hist_file": ":memory:"}})
        storage.write_text(profile / "ipython_kernel_config.json", memory)
    if not os.access(_home(""), os.W_OK):  # else Matplotlib warns in the lesson's outputs
        env.setdefault("MPLCONFIGDIR", str(cache / "matplotlib"))
        for name in ("JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR"):
            env.setdefault(name, str(cache / name.lower()))
    env["MPLBACKEND"] = INLINE
    if matplotlib := importlib.util.find_spec("matplotlib"):
        env["MATPLOTLIBRC"] = str(Path(matplotlib.origin).parent / "mpl-data" / "matplotlibrc")
    return env


def find() -> list[str]:
    """Return the user's settings that lessons run without, each with the file or variable it is in."""
    return [*_keras(), *_variables(), *_files()]


def _keras() -> Iterator[str]:
    file = Path(os.environ.get("KERAS_HOME") or _home(".keras")) / "keras.json"
    usual = {"backend": "tensorflow", "floatx": "float32", "epsilon": 1e-07}
    usual["image_data_format"] = "channels_last"
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        wrong = [f"{n} = {said[n]}" for n in usual if said.get(n, usual[n]) != usual[n]]
    except FileNotFoundError:
        return
    except (OSError, ValueError, AttributeError):
        wrong = ["no JSON that Keras can read"]
    if wrong:
        yield f"{', '.join(wrong)} in {file}"


def _variables() -> Iterator[str]:
    kept = kernel_environment()
    harmless = {"KERAS_HOME", "IPYTHONDIR", "MATPLOTLIBRC", "TF_CPP_MIN_LOG_LEVEL"}  # see _files
    harmless |= {"PYTHONPATH", "PYTHONWARNINGS"}  # Colab sets the second
    for name, value in sorted(os.environ.items()):
        inline = name == "MPLBACKEND" and "inline" in value
        if name not in harmless and kept.get(name) != value and not inline:
            yield f"{name} = {value[:60]} in the environment"
    for folder, names in python_path.left_out.items():
        yield f"{', '.join(names[:5])} in {folder} (PYTHONPATH): it hides what lessons import"


def _files() -> Iterator[str]:
    ours = kernel_environment()  # of a process that runs in it no other file is asked for
    files = [Path("matplotlibrc")]
    if (named := os.environ.get("MATPLOTLIBRC")) != ours.get("MATPLOTLIBRC"):
        folder = named or os.environ.get("MPLCONFIGDIR") or _home(".config/matplotlib")
        files += [Path(folder), Path(folder, "matplotlibrc")]
    yield from (f"Matplotlib's settings in {file.resolve()}" for file in files if file.is_file())
    if (named := os.environ.get("IPYTHONDIR")) != ours["IPYTHONDIR"]:
        profile = Path(named or _home(".ipython")) / "profile_default"
        for pattern in ("ipython*_config.*", "startup/*.py", "startup/*.ipy"):
            yield from (f"IPython's settings in {file}" for file in sorted(profile.glob(pattern)))
    jupyter = Path(os.environ.get("JUPYTER_CONFIG_DIR") or _home(".jupyter"))
    for file in sorted(jupyter.glob("jupyter_*config.*")):
        try:
            text = file.read_text(encoding="utf-8")
            json.loads(text) if file.suffix == ".json" else compile(text, file, "exec")
        except (OSError, ValueError, SyntaxError) as error:
            yield f"what JupyterLab can't read ({error}) in {file}"


def _home(name: str) -> str:
    return os.path.expanduser(f"~/{name}")  # unlike Path.home() no error where there is none
