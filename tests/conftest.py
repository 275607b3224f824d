"""All tests: a cache and a user's folder of their own, so that nobody's data or progress matters.

`pytest --backend jax` runs the tests of networks, losses, training, prediction and judging on Keras'
JAX backend; the others are about TensorFlow, or about no network, and are left out.
"""

import os
import signal
import tempfile
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "agg")
os.environ.pop("UNET_COURSE_DATA", None)  # the tests are about the sample

# A job in the background is told to ignore Ctrl-C, and so would be what the tests start and end.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_ours = []
for _variable in ("UNET_COURSE_CACHE", "UNET_COURSE_USER"):
    if not os.environ.get(_variable):  # a given cache saves making the sample again
        _folder = tempfile.TemporaryDirectory(prefix="unet-course-", ignore_cleanup_errors=True)
        os.environ[_variable] = _folder.name
        _ours.append(_folder)


# what has to work on every backend: these files of tests, and the examples in these folders
ON_EVERY_BACKEND = (
    *(
        "test_unet",
        "test_losses",
        "test_fast_conv3d",
        "test_loop",
        "test_slices",
        "test_patch_batches",
    ),
    *("test_tf_dataset", "test_augment", "test_lesson_10_run", "test_sliding_window", "test_plan"),
    *("test_postprocess", "test_metrics", "test_surfaces", "test_lesions", "test_calibration"),
    *("test_confidence", "test_uncertainty", "network", "training", "prediction", "judging"),
)


def pytest_addoption(parser):
    parser.addoption("--backend", choices=("tensorflow", "jax"), help="Keras' backend")


def pytest_configure(config):
    """Before any test imports Keras; the processes of pytest-xdist inherit the variable."""
    if backend := config.getoption("--backend"):
        os.environ["KERAS_BACKEND"] = backend
    config.addinivalue_line("markers", "tensorflow: about TensorFlow itself")


def pytest_ignore_collect(collection_path, config):
    if config.getoption("--backend") != "jax" or collection_path.suffix != ".py":
        return None
    named = {Path(collection_path).stem, Path(collection_path).parent.name}
    # what exports networks needs TensorFlow, as Keras' own export does
    return not named & set(ON_EVERY_BACKEND) or collection_path.stem == "export" or None


def pytest_collection_modifyitems(config, items):
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        skip = pytest.mark.skip(reason="about TensorFlow itself")
        for item in items:
            if item.get_closest_marker("tensorflow"):
                item.add_marker(skip)


def pytest_unconfigure():
    for folder in _ours:
        folder.cleanup()


@pytest.fixture(scope="session")
def sample():
    """The sample that lessons use, made once for the whole session."""
    from unet_course.synthetic import sample_data

    return sample_data.lgg_root(progress=False)


@pytest.fixture
def user(tmp_path, monkeypatch):
    """An empty user's folder."""
    folder = tmp_path / "user"
    folder.mkdir()
    monkeypatch.setenv("UNET_COURSE_USER", str(folder))
    return folder
