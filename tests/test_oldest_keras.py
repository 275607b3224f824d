"""The tool that rewrites the shipped networks for an older Keras."""

import sys

import keras
import numpy as np
import pytest
from lesson_files import ROOT

sys.path.insert(0, str(ROOT / "tools"))
import oldest_keras


def test_settings_at_rest_go_wherever_they_are():
    config = {"layers": [{"config": {"renorm": False, "units": 3, "input_axes": None}}, 7]}
    assert oldest_keras.without_newer(config) == {"layers": [{"config": {"units": 3}}, 7]}


def test_a_setting_in_use_is_refused():
    with pytest.raises(ValueError, match="renorm is True"):
        oldest_keras.without_newer([{"config": {"renorm": True}}])


def test_the_rewritten_network_gives_the_same_answers(tmp_path, capsys):
    network = keras.Sequential([
        keras.Input((3,)), keras.layers.Dense(4), keras.layers.BatchNormalization(),
    ])  # fmt: skip
    file = tmp_path / "network.keras"
    network.save(file)
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    before = network.predict(values, verbose=0)
    oldest_keras.main(file)
    assert "saved by Keras" in capsys.readouterr().out
    again = keras.saving.load_model(file, safe_mode=True, compile=False)
    np.testing.assert_array_equal(again.predict(values, verbose=0), before)
    assert [path.name for path in tmp_path.iterdir()] == ["network.keras"]
