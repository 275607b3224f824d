"""All tests: a cache and a user's folder of their own, so that nobody's data or progress matters."""

import os
import signal
import tempfile

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
