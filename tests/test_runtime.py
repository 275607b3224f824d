"""Folders, remembered data, precision, repeatability, memory."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from unet_course import memory, runtime


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
    runtime.write_text(path, "né\n")
    assert path.read_bytes() == "né\n".encode()
    with pytest.raises(UnicodeEncodeError):
        runtime.write_text(path, "half \udc80")
    assert path.read_bytes() == "né\n".encode()
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


# --- precision ------------------------------------------------------------------------------------


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Says what the CPU can, which GPU there is, how fast bfloat16 turned out."""
    monkeypatch.setenv("UNET_COURSE_CACHE", str(tmp_path))
    measured = []

    def describe(flags, gpu=None, gain=1.0):
        monkeypatch.setattr(runtime, "_cpu_flags", lambda: flags)
        monkeypatch.setattr(runtime, "_gpu_capability", lambda: gpu)

        def seconds(kind="float32", budget=3.0):
            measured.append(kind)
            return 1.0 if kind == "float32" else 1.0 / gain

        monkeypatch.setattr(runtime, "seconds_per_step", seconds)
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


def test_the_yardstick_measures():
    assert 0 < runtime.seconds_per_step(budget=0.1) < 60


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
    with memory.MemoryWatch(every=0.05) as watch:
        start = watch.peak_gb
        child = subprocess.Popen([sys.executable, "-c", code])
        try:
            for _ in range(100):
                if watch.peak_gb > start + 0.15:
                    break
                with pytest.raises(subprocess.TimeoutExpired):
                    child.wait(0.1)
        finally:
            child.kill()
            child.wait()
    assert watch.peak_gb > 0.2
