"""Rewrite a network that a newer Keras has saved, so that an older one opens it.

    .cache/colab/bin/python tools/oldest_keras.py unet_course/weights/lgg_sample.keras

Run it with the oldest Keras that the course takes (pyproject.toml), in the environment that
`tools/colab_lessons.py` makes. Keras opens files of older versions, not of newer ones: settings that
a later version invented are unknown to it. They are left out here, where they are at rest.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import zipfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

# what versions after 3.13 added to initialisers and batch normalisation, and what it is at rest
NEWER = {
    "input_axes": None,
    "output_axes": None,
    "renorm": False,
    "renorm_clipping": None,
    "renorm_momentum": 0.99,
}


def without_newer(config):
    """The configuration without these settings.

    Raises:
        ValueError: one of them isn't at rest, so that an older Keras would compute something else.
    """
    if isinstance(config, list):
        return [without_newer(part) for part in config]
    if not isinstance(config, dict):
        return config
    for name in NEWER.keys() & config.keys():
        if config[name] != NEWER[name]:
            raise ValueError(f"{name} is {config[name]}: an older Keras can't do that")
    return {name: without_newer(part) for name, part in config.items() if name not in NEWER}


def main(file: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        older, done = Path(folder) / "older.keras", Path(folder) / "done.keras"
        with zipfile.ZipFile(file) as archive, zipfile.ZipFile(older, "w") as copy:
            for name in archive.namelist():
                data = archive.read(name)
                if name == "config.json":
                    data = json.dumps(without_newer(json.loads(data))).encode()
                copy.writestr(name, data)
        network = keras.saving.load_model(older, safe_mode=True, compile=False)
        network.save(done)
        part = file.with_name(file.name + ".part")
        part.write_bytes(done.read_bytes())
        os.replace(part, file)
    print(f"{file}: {network.count_params():,} weights, saved by Keras {keras.__version__}")


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_file():
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
