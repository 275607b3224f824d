"""Keras' JAX backend, in a small form: `pytest --backend jax` on some of its files.

The whole is a command of its own (CONTRIBUTING), which the workflow of the tests runs as well.
"""

import importlib.util
import os
import subprocess
import sys

import pytest
from lesson_files import ROOT

# a loss and its gradients, a network, batches, training that is killed and resumed, prediction
SOME = [
    "tests/test_tf_dataset.py",
    "tests/test_fast_conv3d.py",
    "tests/test_losses.py::test_the_order_of_cases_makes_no_difference",
    "tests/test_losses.py::test_why_keras_dice_is_not_used",
    "tests/test_loop.py::test_training_lowers_the_loss_and_records_every_epoch",
    "tests/test_loop.py::test_killed_in_mid_epoch_it_resumes_to_the_same_weights",
    "tests/test_sliding_window.py",
]

needs_jax = pytest.mark.skipif(
    importlib.util.find_spec("jax") is None, reason="JAX isn't installed (the extra `jax`)"
)


@needs_jax
def test_networks_losses_training_and_prediction_work_on_jax():
    command = [sys.executable, "-m", "pytest", "-n0", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "--backend", "jax", *SOME], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert " passed" in done.stdout and " failed" not in done.stdout


@needs_jax
@pytest.mark.parametrize(
    "modules",
    [
        "unet_course.network.unet, unet_course.network.losses, unet_course.network.fast_conv3d",
        "unet_course.training.loop, unet_course.training.patch_batches",
        "unet_course.training.slice_batches, unet_course.training.lesson_10_run",
        "unet_course.prediction.sliding_window, unet_course.prediction.predict_slices",
    ],
)
def test_on_jax_nothing_imports_tensorflow(modules):
    code = f"import sys, {modules}; print('tensorflow' in sys.modules)"
    env = os.environ | {"KERAS_BACKEND": "jax"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == "False"


@needs_jax
def test_tensorflow_does_not_import_jax_and_a_user_can():
    code = (
        "import sys, unet_course, tensorflow, keras\n"
        "print('jax' in sys.modules); import jax; print(jax.numpy.ones(2).sum())"
    )
    env = os.environ | {"KERAS_BACKEND": "tensorflow"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.split() == ["False", "2.0"]
