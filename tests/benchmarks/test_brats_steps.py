"""brats_steps.py: the network is built as a way says, and a run that fails is named."""

from types import SimpleNamespace

import brats_steps
import keras
import pytest


@pytest.fixture(autouse=True)
def policy():
    before = keras.mixed_precision.dtype_policy()
    yield
    keras.mixed_precision.set_dtype_policy(before)


def test_a_way_is_built_as_named_and_timed(monkeypatch):
    built = []
    build = brats_steps.brats_dice.build

    def noted(*args, **how):
        built.append((build(*args, **how), how))
        return built[-1][0]

    monkeypatch.setattr(brats_steps.brats_dice, "build", noted)
    way = "TensorFlow's own"  # the quickest to build
    assert brats_steps.step_seconds("float32", way, side=16, filters=2, steps=2) > 0
    [(model, how)] = built
    assert how == {"fast": False, "compiled": False} and not model.jit_compile
    assert "Conv3D" in {type(layer).__name__ for layer in model.layers}


def test_a_run_that_fails_says_why(monkeypatch):
    failed = SimpleNamespace(returncode=1, stderr="Traceback\nMemoryError: too large\n", stdout="")
    monkeypatch.setattr("subprocess.run", lambda *args, **how: failed)
    monkeypatch.setattr("sys.argv", ["brats_steps.py"])
    with pytest.raises(SystemExit, match="float32, fast_conv3d, compiled: MemoryError: too large"):
        brats_steps.main()
