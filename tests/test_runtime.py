"""Folders, remembered data, precision, repeatability, memory."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from unet_course import memory, runtime, storage
from unet_course.data import lgg
from unet_course.exercises import solved
from unet_course.synthetic import sample_data


@pytest.mark.parametrize(
    ("variables", "place"),
    [
        ({}, "laptop"),
        ({"COLAB_RELEASE_TAG": "release-colab-1"}, "colab"),
        ({"BINDER_SERVICE_HOST": "10.0.0.1", "JUPYTERHUB_USER": "jovyan"}, "binder"),
        ({"JUPYTERHUB_USER": "ada"}, "hub"),
    ],
)
def test_where(monkeypatch, variables, place):
    for name in ("COLAB_RELEASE_TAG", "BINDER_SERVICE_HOST", "BINDER_LAUNCH_HOST"):
        monkeypatch.delenv(name, raising=False)
    for name in ("JUPYTERHUB_USER", "JUPYTERHUB_API_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert runtime.where() == place


def test_folders_are_made_where_the_variables_say(monkeypatch, tmp_path):
    monkeypatch.setenv("UNET_COURSE_CACHE", str(tmp_path / "a" / "ä b"))
    monkeypatch.setenv("UNET_COURSE_USER", str(tmp_path / "c"))
    assert runtime.cache_dir() == (tmp_path / "a" / "ä b").resolve()
    assert runtime.cache_dir().is_dir() and runtime.user_dir().is_dir()


@pytest.fixture
def colab(monkeypatch, tmp_path):
    """Colab with Drive mounted, here in a temporary folder; gives Drive's."""
    drive = tmp_path / "drive" / "MyDrive"
    drive.mkdir(parents=True)
    monkeypatch.setattr(runtime, "DRIVE", drive)
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab-1")
    for name in ("UNET_COURSE_USER", "UNET_COURSE_CACHE"):
        monkeypatch.delenv(name, raising=False)
    cache, data = str(tmp_path / "cache"), str(tmp_path / "data")
    monkeypatch.setattr(runtime.platformdirs, "user_cache_dir", lambda *_, **__: cache)
    monkeypatch.setattr(runtime.platformdirs, "user_data_dir", lambda *_, **__: data)
    return drive


def test_on_colab_progress_and_networks_go_to_drive(colab, tmp_path):
    ours = (colab / "unet-course").resolve()
    assert runtime.user_dir() == ours and runtime.training_dir() == ours
    assert runtime.cache_dir() == (tmp_path / "cache").resolve()  # the sample is made faster
    assert solved.record("dice", done=True) is None
    assert json.loads((ours / "progress.json").read_text("utf-8"))["dice"]["done"] is True


def test_on_colab_a_trained_network_is_found_again_on_drive(colab, monkeypatch, tmp_path):
    import keras

    from unet_course.training import loop

    def train():
        return keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])

    network = loop.load_or_train("small", train)
    assert (colab / "unet-course" / "models" / "small.keras").is_file()
    monkeypatch.setattr(  # the next session: another machine, the same Drive
        runtime.platformdirs, "user_cache_dir", lambda *_, **__: str(tmp_path / "other")
    )
    again = loop.load_or_train("small", lambda: pytest.fail("trained again"))
    assert np.array_equal(network.get_weights()[0], again.get_weights()[0])


def test_on_colab_without_drive_all_stays_there(colab, tmp_path):
    colab.rmdir()
    assert runtime.user_dir() == (tmp_path / "data").resolve()
    assert runtime.training_dir() == runtime.cache_dir() == (tmp_path / "cache").resolve()


def test_off_colab_a_folder_of_that_name_means_nothing(colab, monkeypatch, tmp_path):
    monkeypatch.delenv("COLAB_RELEASE_TAG")
    assert runtime.user_dir() == (tmp_path / "data").resolve()
    assert runtime.training_dir() == (tmp_path / "cache").resolve()


def test_the_variables_win_over_drive(colab, monkeypatch, tmp_path):
    monkeypatch.setenv("UNET_COURSE_USER", str(tmp_path / "mine"))
    monkeypatch.setenv("UNET_COURSE_CACHE", str(tmp_path / "here"))
    assert runtime.user_dir() == (tmp_path / "mine").resolve()
    assert runtime.training_dir() == (tmp_path / "here").resolve()


def test_a_drive_without_modes_is_written_all_the_same(monkeypatch, tmp_path):
    def chmod(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(runtime.os, "chmod", chmod)
    storage.write_text(tmp_path / "a.txt", "a")
    assert (tmp_path / "a.txt").read_text("utf-8") == "a"


def test_a_folder_that_cannot_be_made_is_told(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("UNET_COURSE_CACHE", str(tmp_path / "file" / "x"))
    with pytest.raises(OSError, match="Set UNET_COURSE_CACHE"):
        runtime.cache_dir()


def test_data_is_remembered_and_forgotten(user, tmp_path):
    assert runtime.data_folder() is None
    assert runtime.use_data(tmp_path) == tmp_path.resolve()
    assert runtime.data_folder() == tmp_path.resolve()
    assert runtime.use_data(None) is None
    assert runtime.data_folder() is None


def test_the_variable_wins(user, monkeypatch, tmp_path):
    (tmp_path / "named").mkdir()
    runtime.use_data(tmp_path)
    monkeypatch.setenv("UNET_COURSE_DATA", str(tmp_path / "named"))
    assert runtime.data_folder() == (tmp_path / "named").resolve()


def test_a_missing_folder_is_told_with_its_cure(user, monkeypatch, tmp_path):
    with pytest.raises(NotADirectoryError, match=r"nope: no such folder.*use_data\(None\)"):
        runtime.use_data(tmp_path / "nope")
    (tmp_path / "a.zip").write_bytes(b"")
    with pytest.raises(NotADirectoryError, match="unpack it first"):
        runtime.use_data(tmp_path / "a.zip")
    assert runtime.data_folder() is None
    gone = tmp_path / "gone"
    gone.mkdir()
    runtime.use_data(gone)
    gone.rmdir()
    with pytest.raises(NotADirectoryError, match=r"use_data\(None\) forgets it"):
        runtime.data_folder()
    monkeypatch.setenv("UNET_COURSE_DATA", str(gone))
    with pytest.raises(NotADirectoryError, match="UNET_COURSE_DATA"):
        runtime.data_folder()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"folder": null}'])
def test_a_damaged_memory_is_told(user, text):
    (user / "data.json").write_text(text, encoding="utf-8")
    with pytest.raises((ValueError, NotADirectoryError), match=r"data\.json"):
        runtime.data_folder()


def test_write_text_replaces_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.txt"
    storage.write_text(path, "né\n")
    assert path.read_bytes() == "né\n".encode()
    with pytest.raises(UnicodeEncodeError):
        storage.write_text(path, "half \udc80")
    assert path.read_bytes() == "né\n".encode()
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


# --- precision ------------------------------------------------------------------------------------


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Says what the CPU can, which GPU there is, how fast bfloat16 turned out."""
    monkeypatch.setenv("UNET_COURSE_CACHE", str(tmp_path))
    measured = []

    def describe(flags, gpu=None, gain=1.0, convolves=True):
        monkeypatch.setattr(runtime, "_cpu_flags", lambda: flags)
        monkeypatch.setattr(runtime, "_gpu_capability", lambda: gpu)

        def seconds(kind="float32", budget=3.0):
            measured.append(kind)
            return 1.0 if kind == "float32" else 1.0 / gain

        monkeypatch.setattr(runtime, "seconds_per_step", seconds)
        monkeypatch.setattr(runtime, "convolves_in", lambda kind: convolves)
        return measured

    return describe


@pytest.mark.parametrize(
    ("flags", "gpu", "gain", "policy", "measures"),
    [
        ({"avx2"}, None, 4.0, "float32", False),
        ({"avx2", "amx_bf16"}, None, 4.0, "mixed_bfloat16", True),
        ({"avx2", "amx_bf16"}, None, 0.5, "float32", True),
        (None, None, 0.3, "float32", True),
        (None, None, 2.0, "mixed_bfloat16", True),
        ({"avx2"}, (9, 0), 1.0, "mixed_bfloat16", False),
        ({"avx2"}, (7, 5), 1.0, "mixed_float16", False),
        ({"amx_bf16"}, (7, 5), 9.0, "mixed_float16", False),
    ],
)
def test_best_precision(machine, flags, gpu, gain, policy, measures):
    measured = machine(flags, gpu, gain)
    assert runtime.best_precision() == policy
    assert bool(measured) is measures
    assert runtime.best_precision() == policy
    assert len(measured) in (0, 2), "measured once, then read from the cache"


def test_a_damaged_cache_is_measured_again(machine, tmp_path):
    machine({"amx_bf16"}, None, 2.0)
    (tmp_path / "precision.json").write_text("{", encoding="utf-8")
    assert runtime.best_precision() == "mixed_bfloat16"
    assert list(json.loads((tmp_path / "precision.json").read_text("utf-8")).values()) == [2.0]


def test_precision_is_remembered_by_instruction_set(machine, monkeypatch):
    """Measured with all instructions, then oneDNN is kept to fewer: the old answer isn't used."""
    measured = machine({"amx_bf16"}, None, 4.0)
    assert runtime.best_precision() == "mixed_bfloat16"
    monkeypatch.setenv(runtime.ISA_VARIABLE, "AVX512_CORE")
    machine({"amx_bf16"}, None, 0.2)
    assert runtime.best_precision() == "float32"
    monkeypatch.setenv(runtime.ISA_VARIABLE, "AVX2")
    machine({"amx_bf16"}, None, 4.0, convolves=False)
    assert runtime.best_precision() == "float32" and len(measured) == 4, "nothing to measure"
    monkeypatch.delenv(runtime.ISA_VARIABLE)
    machine({"amx_bf16"}, None, 0.2)
    assert runtime.best_precision() == "mixed_bfloat16", "still known"


def test_a_type_without_convolution_is_noticed(monkeypatch):
    import tensorflow as tf

    assert runtime.convolves_in("float32")

    def lacking(*arguments):
        raise tf.errors.AbortedError(None, None, "could not create a primitive descriptor")

    monkeypatch.setattr(tf.nn, "conv2d", lacking)
    assert not runtime.convolves_in("bfloat16")


def test_the_yardstick_measures():
    assert 0 < runtime.seconds_per_step(budget=0.1) < 60


def test_the_fastest_pass_is_told_where_others_are_slowed(monkeypatch):
    """Nine passes; other programs slow down six of them."""
    took = [3, 1, 3, 3, 1, 3, 3, 1, 3]

    ends = [t for i in range(9) for t in (sum(took[:i]), sum(took[: i + 1]))]
    for best, seconds in ((False, 3), (True, 1)):
        clock = iter(ends)
        time = SimpleNamespace(perf_counter=lambda clock=clock: next(clock))
        monkeypatch.setattr(runtime, "time", time)
        assert runtime.seconds_per_step(budget=sum(took), best=best) == seconds


def test_repeatable_runs_repeat():
    import keras

    def draw():
        runtime.repeatable(7)
        return keras.random.normal((3,)).numpy().tolist(), np.random.rand(), os.urandom(0)

    assert draw() == draw()


# --- memory ---------------------------------------------------------------------------------------


def test_peak_memory_counts_this_process():
    before = memory.peak_memory_gb()
    block = np.ones(40_000_000)  # 0.32 GB, touched
    del block
    assert memory.peak_memory_gb() >= max(before, 0.32)


def test_the_watch_counts_children():
    code = (
        "import time; x = bytearray(200_000_000); x[::4096] = b'1' * len(x[::4096]); time.sleep(9)"
    )
    with memory.MemoryWatch(every=0.05) as watch, memory.MemoryWatch(every=0.05, own=False) as kids:
        start = watch.peak_gb
        child = subprocess.Popen([sys.executable, "-c", code])
        try:
            for _ in range(100):
                if watch.peak_gb > start + 0.15 and kids.peak_gb > 0.2:
                    break
                with pytest.raises(subprocess.TimeoutExpired):
                    child.wait(0.1)
        finally:
            child.kill()
            child.wait()
    assert watch.peak_gb > 0.2 and 0.2 < kids.peak_gb < watch.peak_gb


def test_the_watch_counts_a_process_as_large_as_it_is():
    """Libraries that other programs on the machine use as well count in full."""
    import tensorflow as tf

    others = [subprocess.Popen([sys.executable, "-c", "import numpy; input()"], stdin=-1)]
    try:
        with memory.MemoryWatch() as watch:
            assert tf.constant(1).numpy() == 1
        rss = memory.psutil.Process().memory_info().rss / 1e9
        assert watch.peak_gb > 0.9 * rss
    finally:
        for other in others:
            other.kill()
            other.wait()


# --- a cache that a class shares ----------------------------------------------------------------


@pytest.fixture
def shared(monkeypatch, tmp_path):
    """A cache made beforehand by somebody else, and a student's own, empty."""
    monkeypatch.setenv("UNET_COURSE_CACHE", str(tmp_path / "class"))
    monkeypatch.delenv("UNET_COURSE_SHARED", raising=False)
    sample_data.lgg_root(patients=1, progress=False)
    monkeypatch.setenv("UNET_COURSE_CACHE", str(tmp_path / "own"))
    monkeypatch.setenv("UNET_COURSE_SHARED", str(tmp_path / "class"))
    return (tmp_path / "class").resolve()


def test_what_is_in_the_shared_cache_is_not_made_again(shared, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in shared.rglob("*")}
    found = sample_data.lgg_root(patients=1, progress=False)
    assert found.is_relative_to(shared)
    assert len(lgg.find_patients(found)) == 1
    assert not (tmp_path / "own").exists() or not list((tmp_path / "own").iterdir())
    assert {path: path.stat().st_mtime_ns for path in shared.rglob("*")} == before


def test_what_is_not_in_it_is_made_in_ones_own(shared, tmp_path):
    before = sorted(shared.rglob("*"))
    found = sample_data.lgg_root(seed=1, patients=1, progress=False)
    assert found.is_relative_to((tmp_path / "own").resolve())
    import keras

    from unet_course.training import loop

    loop.load_or_train("one", lambda: keras.Sequential([keras.layers.Input((1,))]))
    assert (tmp_path / "own" / "models" / "one.keras").is_file()
    assert sorted(shared.rglob("*")) == before


def test_a_shared_cache_that_is_gone_is_told(shared, monkeypatch):
    monkeypatch.setenv("UNET_COURSE_SHARED", str(shared / "typo"))
    with pytest.raises(NotADirectoryError, match="Correct UNET_COURSE_SHARED"):
        sample_data.lgg_root(patients=1, progress=False)


def test_a_variable_shifts_every_seed(monkeypatch):
    assert runtime.shifted(5) == 5
    monkeypatch.setenv("UNET_COURSE_SEED", "1000")
    assert runtime.shifted(5) == 1005
