"""Before a lesson opens: the user's own settings kept out, copies made and mended, a layout written."""

import hashlib
import json
import os
import random
import socket
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from lesson_files import LESSONS, ROOT
from nbformat.v4 import new_code_cell, new_notebook

from unet_course import storage
from unet_course.commands import cli, open_jupyterlab, run_lesson
from unet_course.commands.opening import notebook_files, own_copies, python_path, user_settings

STUB = "def double(x):\n    ...\n"


def write(path: Path, *sources) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    run_lesson.write(new_notebook(cells=[new_code_cell(source) for source in sources]), path)
    return path


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of two small lessons, and where the user's files would be."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNET_COURSE_USER", str(tmp_path / "user"))
    write(tmp_path / "notebooks" / "00_first.ipynb", "1", STUB, "print('third')")
    write(tmp_path / "notebooks" / "01_second.ipynb", "2")
    return tmp_path


# --- settings ---------------------------------------------------------------------------------------


def plant(home: Path) -> dict[str, str]:
    """Settings for other work, each of which changes or ends a lesson; return the variables."""
    files = {
        ".keras/keras.json": '{"backend": "jax", "floatx": "float64", "epsilon": 0.5}',
        ".config/matplotlib/matplotlibrc": "figure.figsize: 2, 2\naxes.facecolor: black\n",
        ".ipython/profile_default/startup/00.py": "raise SystemExit('a start-up file')",
        ".ipython/profile_default/ipython_config.py": "raise ValueError('a configuration')",
        ".jupyter/jupyter_server_config.json": "{broken",
        "modules/random.py": "raise ImportError('not the right random')",
        "modules/keras.py": "",
    }
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text, encoding="utf-8")
    variables = {"HOME": str(home), "PYTHONPATH": str(home / "modules"), "LANG": "C"}
    variables |= {"KERAS_BACKEND": "torch", "MPLBACKEND": "TkAgg", "PYTHONOPTIMIZE": "2"}
    variables |= {"XLA_FLAGS": "--nonsense", "TF_XLA_FLAGS": "--nonsense", "PYTHONHASHSEED": "0"}
    return variables | {"TF_CPP_MAX_VLOG_LEVEL": "1", "OMP_NUM_THREADS": "1", "TQDM_NCOLS": "x"}


PROBE = """
import random, keras, matplotlib.pyplot as plt
m = plt.rcParams
print(keras.backend.backend(), keras.config.floatx(), keras.config.epsilon(), random.Random(1))
print(m["figure.figsize"], m["axes.facecolor"], plt.get_backend(), __debug__)
"""


@pytest.mark.skipif(os.name == "nt", reason="HOME isn't where Windows looks")
def test_no_setting_for_other_work_reaches_a_lesson_and_doctor_names_each(course):
    home, lesson = course / "home", write(course / "probe.ipynb", PROBE)
    env = {k: v for k, v in os.environ.items() if k not in ("MPLCONFIGDIR", "KERAS_HOME")}
    env |= plant(home)

    def ask(*command):
        return subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=env, capture_output=True, text=True
        )

    done = ask("-m", "unet_course.commands.cli", "run", str(lesson))
    assert done.returncode == 0, done.stderr
    assert "tensorflow float32 1e-07 <random.Random" in done.stdout
    assert "[6.4, 4.8] white inline True" in done.stdout.replace(
        "module://matplotlib_inline.backend_", ""
    )
    code = (
        "from unet_course.commands.opening import user_settings as u; print(*u.find(), sep='\\n')"
    )
    told = ask("-c", code).stdout
    assert "backend = jax, floatx = float64, epsilon = 0.5 in " in told
    for part in ("PYTHONOPTIMIZE = 2", "TF_XLA_FLAGS", "KERAS_BACKEND = torch", "MPLBACKEND"):
        assert part in told
    for file in (
        ".keras/keras.json",
        ".config/matplotlib/matplotlibrc",
        ".ipython/profile_default/startup/00.py",
        ".ipython/profile_default/ipython_config.py",
        ".jupyter/jupyter_server_config.json",
    ):
        assert f"{home / file}\n" in told
    assert f"keras, random in {home / 'modules'} (PYTHONPATH)" in told


def test_in_a_lesson_of_our_own_nothing_is_named(tmp_path):
    env = user_settings.kernel_environment() | {"JUPYTER_CONFIG_DIR": str(tmp_path)}
    code = (
        "import keras; from unet_course.commands.opening import user_settings as u; print(u.find())"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize("name", ["random.py", "keras/__init__.py", "unet_course.py", "json.pyc"])
def test_a_folder_of_pythonpath_that_hides_modules_is_left_out(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"")
    assert python_path.hidden_by(str(tmp_path)) == [name.partition("/")[0].partition(".")[0]]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "my_tools.py").write_bytes(b"")
    assert python_path.hidden_by(str(tmp_path / "other")) == []
    assert python_path.hidden_by(str(ROOT)) == python_path.hidden_by("/nowhere") == []


def test_a_gpus_settings_reach_the_lessons(monkeypatch):
    """So does what only looks like TensorFlow's: Terraform's variables begin with TF_, too."""
    kept = {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "CUDA_VISIBLE_DEVICES": "0", "TF_VAR_x": "1"}
    flag = "--xla_gpu_cuda_data_dir=/usr/lib/cuda"
    for name, value in (kept | {"XLA_FLAGS": f"--nonsense {flag}"}).items():
        monkeypatch.setenv(name, value)
    env = user_settings.kernel_environment()
    assert kept.items() <= env.items() and env["XLA_FLAGS"] == flag


# --- own copies -------------------------------------------------------------------------------------


def damage(path: Path, how: str) -> None:
    """Damage a notebook as an editor, a disk or another program would."""
    content, data = json.loads(path.read_text(encoding="utf-8")), path.read_bytes()
    if how == "cut":
        path.write_bytes(data[: data.index(b"third")])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "zeros":
        path.write_bytes(bytes(len(data)))
    elif how == "conflict":
        path.write_bytes(data.replace(b'"cells"', b'<<<<<<< HEAD\n"cells"'))
    elif how == "cells":
        path.write_text(json.dumps(content | {"cells": [None, 3]}), encoding="utf-8")
    else:
        path.write_bytes(data.decode("utf-8").encode(how))


RESCUED = {"utf-8-sig": 3, "utf-16": 3, "cut": 2, "conflict": 3, "empty": 0, "zeros": 0, "cells": 0}


@pytest.mark.parametrize("how", RESCUED)
def test_a_damaged_copy_is_put_aside_and_its_answers_are_kept(course, how):
    folder, _ = own_copies.student_folder()
    mine = folder / "00_first.ipynb"
    write(mine, "1", STUB.replace("...", "return 2 * x"), "print('third')")
    damage(mine, how)
    damaged = mine.read_bytes()
    told = own_copies.student_folder()[1]
    assert len(told) == 2 and "00_first.ipynb can't be opened" in told[1]
    assert mine.read_bytes() == (course / "notebooks" / mine.name).read_bytes()
    assert (folder / "00_first-damaged.txt").read_bytes() == damaged
    rescued = folder / "00_first-rescued.ipynb"
    assert rescued.exists() == (RESCUED[how] > 0) == (rescued.name in told[1])
    if RESCUED[how]:
        cells = nbformat.read(rescued, as_version=4).cells
        assert len(cells) == RESCUED[how] and "return 2 * x" in cells[1].source
    assert own_copies.student_folder()[1] == [], "told once"
    damage(mine, how)
    own_copies.student_folder()
    assert (folder / "00_first-damaged.txt").read_bytes() == damaged, "and never written over"


@pytest.mark.parametrize("how", ["nbformat 3", "no ids", "no metadata", "the same id twice"])
def test_a_notebook_of_another_program_is_taken_as_it_is(course, how):
    path = course / "mine.ipynb"
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": "6 * 7", "outputs": []}
    cell["execution_count"] = None
    cells = [cell | {"id": "a"}, dict(cell)]
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
    if how == "nbformat 3":
        old = {"cell_type": "code", "input": "6 * 7", "outputs": [], "language": "python"}
        content = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}}
        content["worksheets"] = [{"metadata": {}, "cells": [old, old]}]
    elif how == "no ids":
        content["cells"] = [{k: v for k, v in one.items() if k != "id"} for one in cells]
    elif how == "no metadata":
        content["cells"] = [{k: v for k, v in one.items() if k != "metadata"} for one in cells]
        del content["metadata"]
    path.write_text(json.dumps(content), encoding="utf-8")
    read = run_lesson.read(path)
    assert [one.source for one in read.cells] == ["6 * 7"] * 2
    assert len({one.id for one in read.cells}) == 2


def test_one_odd_entry_among_the_copies_stops_no_other(course):
    folder = course / "my_lessons"
    (folder / "00_first.ipynb").mkdir(parents=True)
    told = own_copies.student_folder()[1]
    assert told[0].endswith("write in: 1") and "00_first.ipynb: it is no regular file" in told[1]
    (folder / "00_first.ipynb").rmdir()
    (folder / "00_first.ipynb").symlink_to("00_first.ipynb")
    assert "00_first.ipynb" in own_copies.student_folder()[1][0]
    assert (folder / "01_second.ipynb").is_file()
    if hasattr(os, "mkfifo"):
        (folder / "00_first.ipynb").unlink()
        os.mkfifo(folder / "00_first.ipynb")
        assert "no regular file" in own_copies.student_folder()[1][0]


def test_a_full_disk_names_the_folder(course, monkeypatch, capsys):
    def full(path, text):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storage, "write_text", full)
    assert cli.main([]) == 1
    err = capsys.readouterr().err
    assert f"{course / 'my_lessons'}: the disk is full" in err and "Traceback" not in err


def test_copies_that_may_not_be_written_are_made_elsewhere(course, monkeypatch, capsys):
    """A folder that root has made in a user's clone, or a file in its place."""
    (course / "my_lessons").write_text("", encoding="utf-8")
    assert own_copies.student_folder()[0] == course / "user" / "my_lessons"
    (course / "my_lessons").unlink()
    (course / "my_lessons").mkdir()
    monkeypatch.setattr(own_copies.os, "access", lambda path, mode: "user" in str(path))
    assert own_copies.student_folder()[0] == course / "user" / "my_lessons"
    assert list((course / "my_lessons").iterdir()) == []
    monkeypatch.setattr(own_copies.os, "access", lambda path, mode: False)
    assert cli.main([]) == 1
    assert "my_lessons: your copies of the lessons can't be made there" in capsys.readouterr().err


def test_a_students_file_that_would_change_the_lessons_is_named(course):
    folder, _ = own_copies.student_folder()
    (folder / "random.py").write_text("", encoding="utf-8")
    (folder / "my_notes.py").write_text("", encoding="utf-8")
    (folder / "matplotlibrc").write_text("", encoding="utf-8")
    told = own_copies.student_folder()[1]
    assert "in place of the module random: rename" in told[0] and "matplotlibrc changes" in told[1]
    assert len(told) == 2


def test_on_a_full_disk_what_was_copied_opens(course, monkeypatch):
    folder, _ = own_copies.student_folder()
    monkeypatch.setattr(storage, "write_text", None)
    assert own_copies.student_folder() == (folder, [])


def test_without_a_home_that_can_be_written_jupyter_and_matplotlib_have_a_place(monkeypatch):
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.setattr(user_settings.os, "access", lambda path, mode: False)
    for name in (names := ("MPLCONFIGDIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR")):
        monkeypatch.delenv(name, raising=False)
    env = user_settings.kernel_environment()
    assert all(env[name].startswith(env["UNET_COURSE_CACHE"]) for name in names)


def test_a_lesson_that_is_on_offer_already_is_not_put_next_to_it_again(course):
    folder, _ = own_copies.student_folder()
    write(folder / "00_first.ipynb", "my answer")
    write(course / "notebooks" / "00_first.ipynb", "1", "new")
    own_copies.student_folder()
    for text in ("", "null", '{"00_first.ipynb": ["odd"]}'):
        (folder / own_copies.MANIFEST).write_text(text, encoding="utf-8")
        assert "00_first-new.ipynb" in own_copies.student_folder()[1][0]
    assert len(list(folder.glob("00_first*"))) == 2


# --- JupyterLab -------------------------------------------------------------------------------------


def test_the_layout_is_written_once_and_mended(course, monkeypatch):
    monkeypatch.delenv("JUPYTERLAB_WORKSPACES_DIR", raising=False)
    env = open_jupyterlab._layout(course)
    file = Path(env["JUPYTERLAB_WORKSPACES_DIR"]) / open_jupyterlab.WORKSPACE
    sign = hashlib.sha256(b"default").hexdigest()[:4]
    assert file.name == f"default-{sign}.jupyterlab-workspace"
    first = file.read_text(encoding="utf-8")
    assert json.loads(first)["data"]["layout-restorer:data"] == open_jupyterlab.LAYOUT
    changed = first.replace("0.26", "0.5")
    file.write_text(changed, encoding="utf-8")
    assert open_jupyterlab._layout(course) == env and file.read_text(encoding="utf-8") == changed
    assert open_jupyterlab._layout(course / "other") != env, "each folder has its own"
    for damaged in ("", "{", "[]", '{"data": 3}'):
        file.write_text(damaged, encoding="utf-8")
        open_jupyterlab._layout(course)
        assert file.read_text(encoding="utf-8") == first
    settings = Path(env["JUPYTER_CONFIG_PATH"]) / "labconfig" / "default_setting_overrides.json"
    assert json.loads(settings.read_text(encoding="utf-8")) == open_jupyterlab.DEFAULTS


def test_a_taken_port_is_said(course, monkeypatch, capsys):
    monkeypatch.setattr(open_jupyterlab, "_become", lambda *_: None)
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        assert cli.main(["--port", str(port)]) == 0
    assert f"Port {port} is taken" in capsys.readouterr().out
    assert cli.main(["--port", str(port)]) == 0
    assert " is taken: " not in capsys.readouterr().out


def test_every_lessons_name_fits_the_sidebar():
    """The browser's test measures it; a longer name than any so far would need a wider one."""
    assert max(len(path.name) for path in LESSONS) <= len("06_judge_and_improve_2d.ipynb")


def test_what_is_no_text_is_told(tmp_path):
    (tmp_path / "a").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="utf-16"):
        notebook_files.read_text(tmp_path / "a")
    with pytest.raises(ValueError, match="no regular file"):
        notebook_files.read_text(tmp_path)
    with (tmp_path / "b").open("wb") as file:
        file.truncate(notebook_files.LARGEST + 1)
    with pytest.raises(ValueError, match="larger than 100 MB"):
        notebook_files.read_text(tmp_path / "b")


# --- mutations --------------------------------------------------------------------------------------


def mutated(data: bytes, seed: int) -> bytes:
    """Change a few bytes, cut, drop, repeat, zero or encode anew, as disks and editors do."""
    rng, data = random.Random(seed), bytearray(data)
    start, length = rng.randrange(len(data)), rng.choice([1, 20, 500])
    end = min(len(data), start + length)
    match seed % 6:
        case 0:
            for _ in range(length):
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        case 1:
            del data[start:]
        case 2:
            del data[start:end]
        case 3:
            data[start:start] = data[start:end]
        case 4:
            data[start:end] = bytes(end - start)
        case 5:
            return data.decode("utf-8").encode(rng.choice(["utf-8-sig", "utf-16", "utf-16-le"]))
    return bytes(data)


@pytest.mark.parametrize("seed", range(36))
def test_a_mutated_copy_opens_and_loses_no_byte_and_is_exported_or_named(course, capsys, seed):
    (lesson,) = (path for path in LESSONS if path.name.startswith("00_"))
    (course / "notebooks" / "00_first.ipynb").write_bytes(lesson.read_bytes())
    folder, _ = own_copies.student_folder()
    mine = folder / "00_first.ipynb"
    damaged = mutated(mine.read_bytes(), seed)
    mine.write_bytes(damaged)
    out = course / "handout.ipynb"
    code = cli.main(["export", str(mine), "--to", "handout", "--out", str(out)])
    err = capsys.readouterr().err
    assert (code == 0 and json.loads(out.read_text(encoding="utf-8"))) or str(mine) in err
    assert err.count("\n") == code and out.exists() == (code == 0)
    own_copies.student_folder()
    nbformat.reads(mine.read_text(encoding="utf-8"), as_version=4)
    assert damaged in [path.read_bytes() for path in folder.iterdir()]
    assert capsys.readouterr().err == ""
