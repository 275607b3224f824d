"""The command: run, save, export, data, doctor, and opening the course; errors as one message."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest
import yaml
from brats_files import write_case
from lgg_files import write_set
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import unet_course
from unet_course import runtime
from unet_course.commands import cli, doctor, open_jupyterlab, run_lesson
from unet_course.commands.opening import own_copies


def write(path: Path, *cells) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    notebook = new_notebook(
        cells=[
            new_markdown_cell(cell[2:]) if cell.startswith("# ") else new_code_cell(cell)
            for cell in cells
        ]
    )
    nbformat.write(notebook, path)
    return path


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A folder with two little lessons, and no need for the sample."""
    from unet_course.synthetic import sample_data

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sample_data, "lgg_root", lambda *_, **__: tmp_path)
    monkeypatch.setattr(runtime, "seconds_per_step", lambda *_, **__: 0.25)
    monkeypatch.setattr(doctor, "_measured_in_a_child", doctor.measured)
    monkeypatch.setenv("UNET_COURSE_USER", str(tmp_path / "user"))
    write(
        tmp_path / "notebooks" / "05_small.ipynb",
        "# # 05 Small",
        "print('hello'); 6 * 7",
        "import os\nprint(os.environ.get('UNET_COURSE_DATA'))",
    )
    write(tmp_path / "notebooks" / "06_broken.ipynb", "x = 1", "# a comment", "if x:\n    1 / 0")
    return tmp_path


def notebook(path: Path):
    return nbformat.read(path, as_version=4)


# --- finding ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["05", "5", "small", "05_small", "05_small.ipynb", "SMALL"])
def test_a_lesson_is_found_by_any_of_its_names(course, name):
    assert run_lesson.find(name) == course / "notebooks" / "05_small.ipynb"


def test_a_path_is_taken_as_it_is(course):
    other = write(course / "mine.ipynb", "1")
    assert run_lesson.find("mine.ipynb") == other.resolve()


@pytest.mark.parametrize("name", ["7", "smal", "", "../05_small", "nope.ipynb"])
def test_an_unknown_lesson_is_told_with_the_list(course, capsys, name):
    assert cli.main(["run", name]) == 1
    said = capsys.readouterr().err
    assert "there is no lesson" in said and "  05_small\n  06_broken" in said


# --- run --------------------------------------------------------------------------------------


def test_run_prints_what_the_lesson_prints(course, capsys):
    before = (course / "notebooks" / "05_small.ipynb").read_bytes()
    assert cli.main(["run", "5"]) == 0
    out = capsys.readouterr().out
    assert "# 05 Small\nhello\n42\nNone\n" in out and "05_small ran in" in out
    assert (course / "notebooks" / "05_small.ipynb").read_bytes() == before


def test_run_uses_the_data_it_is_given(course, capsys):
    (course / "real data").mkdir()
    assert cli.main(["run", "5", "--data", "real data"]) == 0
    assert str(course / "real data") in capsys.readouterr().out


@pytest.mark.parametrize("ending", ["html", "ipynb"])
def test_run_writes_what_it_ran(course, capsys, ending):
    out = course / f"a long name that nobody should ever wrap or cut in the middle.{ending}"
    assert cli.main(["run", "5", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert f"Written: {out}\n" in said
    assert "hello" in out.read_text(encoding="utf-8") and "hello" not in said
    if ending == "ipynb":
        assert [c.get("execution_count") for c in notebook(out).cells] == [None, 1, 2]


def test_a_failing_cell_is_named(course, capsys):
    assert cli.main(["run", "6", "--out", "x.html"]) == 1
    err = capsys.readouterr().err
    assert "06_broken.ipynb: code cell 2 failed" in err
    assert "    if x:\n        1 / 0\nZeroDivisionError: division by zero" in err
    assert "Traceback" not in err
    assert not Path("x.html").exists()


def test_a_kernel_that_dies_is_told(course, capsys):
    write(course / "notebooks" / "07_dies.ipynb", "import os; os._exit(3)")
    assert cli.main(["run", "7"]) == 1
    assert "the kernel died" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "5", "--data", "nope"], "nope: no such folder"),
        (["run", "5", "--out", "x.pdf"], "ends in .html or .ipynb"),
        (["run", "5", "--out", "nope/x.html"], "no such folder"),
        (["run", "5", "--out", "notebooks/05_small.ipynb"], "is the lesson itself"),
        (["run", "5", "--save", "--out", "x.html"], "don't go together"),
        (["run", "5", "--save", "--data", "."], "don't go together"),
        (["export", "5", "--to", "handout", "--out", "x.html"], "ends in .ipynb"),
        (["data", "sample", "--root", "s", "--patients", "0"], "patients must be 1 or more"),
    ],
)
def test_a_wrong_argument_is_one_message(course, capsys, arguments, words):
    assert cli.main(arguments) == 1
    err = capsys.readouterr().err
    assert err.startswith("unet-course: ") and words in err and "Traceback" not in err


def test_the_kernel_is_this_interpreter(course, capsys):
    """A kernelspec "python3" of some other environment must not be used."""
    fake = course / "jupyter" / "kernels" / "python3"
    fake.mkdir(parents=True)
    spec = {"argv": ["nowhere", "{connection_file}"], "display_name": "x", "language": "python"}
    (fake / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    path = write(course / "08_which.ipynb", "import sys; print(sys.executable)")
    run = run_lesson.execute(path, environment={"JUPYTER_PATH": str(course / "jupyter")})
    assert run.notebook.cells[0].outputs[0].text.strip() == sys.executable


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no Ctrl-C to a single process")
def test_ctrl_c_stops_the_kernel_and_writes_nothing(course):
    path = write(course / "notebooks" / "09_long.ipynb", "import time; time.sleep(99)")
    before = path.read_bytes()
    command = [sys.executable, "-m", "unet_course.commands.cli", "run", "9", "--out", "x.html"]
    env = run_lesson.kernel_environment() | {"UNET_COURSE_DATA": str(course)}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env)
    kernels = []
    for _ in range(300):
        kernels = psutil.Process(process.pid).children(recursive=True)
        if kernels:
            break
        time.sleep(0.1)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in err
    _, alive = psutil.wait_procs(kernels, timeout=10)
    assert kernels and not alive
    assert path.read_bytes() == before and not Path("x.html").exists()


# --- save -------------------------------------------------------------------------------------


def test_save_keeps_ids_and_drops_what_differs(course, capsys):
    path = course / "notebooks" / "05_small.ipynb"
    raw = notebook(path)
    ids = [cell.id for cell in raw.cells]
    raw.metadata["widgets"] = {"state": {}}
    raw.cells[1].metadata.update(execution={"x": 1}, collapsed=True, tags=["exercise"])
    nbformat.write(raw, path)
    assert cli.main(["run", "5", "--save"]) == 0
    saved = notebook(path)
    assert [cell.id for cell in saved.cells] == ids
    assert saved.cells[1].metadata == {"tags": ["exercise"]}
    assert [cell.execution_count for cell in saved.cells if cell.cell_type == "code"] == [1, 2]
    assert set(saved.metadata) == {"kernelspec", "language_info", "unet_course"}
    assert saved.metadata.unet_course["yardstick"] == 0.25
    assert path.read_bytes().endswith(b"}\n") and b"\r" not in path.read_bytes()
    first = path.read_bytes()
    assert cli.main(["run", "5", "--save"]) == 0
    strip = notebook(path)
    strip.metadata.unet_course = saved.metadata.unet_course
    assert nbformat.writes(strip) + "\n" == first.decode(), "saved again, the same but the seconds"


def test_save_leaves_a_failing_lesson_as_it_was(course):
    path = course / "notebooks" / "06_broken.ipynb"
    before = path.read_bytes()
    assert cli.main(["run", "6", "--save"]) == 1
    assert path.read_bytes() == before
    assert sorted(p.name for p in path.parent.iterdir()) == ["05_small.ipynb", "06_broken.ipynb"]


def test_real_patients_never_get_into_a_saved_lesson(course, capsys, monkeypatch):
    monkeypatch.setenv("UNET_COURSE_DATA", str(course))
    assert cli.main(["run", "5", "--save"]) == 1
    assert "real patients" in capsys.readouterr().err
    monkeypatch.delenv("UNET_COURSE_DATA")
    runtime.use_data(course)  # remembered: the saving kernel doesn't see it
    assert cli.main(["run", "5", "--save"]) == 0
    path = write(course / "notebooks" / "07_real.ipynb", "print('Data: 36 patients in here.')")
    assert cli.main(["run", "7", "--save"]) == 1
    assert notebook(path).cells[0].outputs == []


# --- data and doctor --------------------------------------------------------------------------


def test_data_sample_and_check(tmp_path, capsys):
    root = tmp_path / "made"
    few = ["--patients", "1", "--cases", "1"]
    assert cli.main(["data", "sample", "--root", str(root), *few]) == 0
    lgg, brats = map(Path, capsys.readouterr().out.split("\n")[:2])
    assert lgg == root / "kaggle_3m" and brats.parent == root
    assert cli.main(["data", "check", str(root), "--json"]) == 0
    reports = json.loads(capsys.readouterr().out)["reports"]
    assert [report.get("patients", report.get("cases")) for report in reports] == [1, 1]
    victim = next((root / "kaggle_3m").rglob("*_3.tif"))
    victim.write_bytes(b"")
    assert cli.main(["data", "check", str(root)]) == 1
    assert str(victim) in capsys.readouterr().out


def test_data_brats_explains_itself(tmp_path, capsys):
    with pytest.raises(SystemExit):
        cli.main(["data", "brats", "--help"])
    assert "--archive" in capsys.readouterr().out
    missing = tmp_path / "archive.zip"
    command = ["data", "brats", "--root", str(tmp_path), "--archive", str(missing)]
    assert cli.main([*command, "--accept-licence"]) == 1
    said = capsys.readouterr()
    assert said.err.startswith(f"unet-course: {missing}: no such file")


def test_doctor_tells_of_real_cases(tmp_path, monkeypatch, user):
    write_case(tmp_path / "data")
    write_set(tmp_path / "data", patients=2)
    monkeypatch.setenv("UNET_COURSE_DATA", str(tmp_path / "data"))
    troubles = []
    found = doctor._data(troubles)
    assert (found["patients"], found["cases"], troubles) == (2, 1, [])
    assert found["layout"] == "LGG, BraTS 2020"
    assert "2-D: 2 patients, 3-D: 1 case (in " in doctor._data_lines(found)[0]


def test_doctor_says_what_is_here(course, capsys, monkeypatch):
    monkeypatch.setattr(runtime, "best_precision", lambda: "float32")
    path = course / "notebooks" / "05_small.ipynb"
    raw = notebook(path)
    raw.metadata["unet_course"] = {"seconds": 60, "yardstick": 0.5}
    nbformat.write(raw, path)
    code = cli.main(["doctor", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert code == (0 if found["ready"] else 1)
    assert found["lessons"] == [
        {"lesson": "05_small", "minutes": 0.5},
        {"lesson": "06_broken", "minutes": None},
    ]
    assert {"tensorflow", "jupyterlab"} <= {row["name"] for row in found["packages"]}
    text = doctor.text(found)
    assert "05_small: 0.5 min" in text and f"{found['cores']} cores" in text
    assert f"Packages    {len(found['packages'])} packages fit\n\n" in text
    assert "Fastest precision: float32" in text and "Runs on     this computer: " in text
    kept = course / "user" / "progress.json"
    assert found["exercises"]["file"] == str(kept)
    for kind, title in (
        ("exercises", "Exercises"),
        ("open_tasks", "Open tasks"),
        ("questions", "Questions"),
    ):
        assert f"{title:<12}0 of {found[kind]['all']} done\n" in text
    assert f"  kept in {kept}\n" in text


@pytest.mark.parametrize("odd", [[], 3, {"seconds": "x", "yardstick": 0.5}, {"yardstick": 0}])
def test_doctor_takes_odd_notes_of_a_lesson_for_none(course, odd):
    path = course / "notebooks" / "05_small.ipynb"
    raw = notebook(path)
    raw.metadata["unet_course"] = odd
    nbformat.write(raw, path)
    assert doctor._lessons(0.25, [])[0] == {"lesson": "05_small", "minutes": None}


@pytest.mark.parametrize("text", ["<<<<<<< HEAD", "", "{}", "[1]"])
def test_doctor_names_a_broken_lesson(course, capsys, monkeypatch, text):
    monkeypatch.setattr(runtime, "best_precision", lambda: "float32")
    (course / "notebooks" / "05_small.ipynb").write_text(text, encoding="utf-8")
    assert cli.main(["doctor"]) == 1
    said = capsys.readouterr()
    assert "05_small.ipynb: is not a notebook" in said.out and said.err == ""
    assert "06_broken: not measured yet" in said.out


@pytest.mark.parametrize("how", ["variable", "file"])
def test_settings_for_other_work_change_no_lesson_and_doctor_tells(
    course, capsys, monkeypatch, how
):
    monkeypatch.setattr(runtime, "best_precision", lambda: "float32")
    (course / "keras").mkdir()
    monkeypatch.setenv("KERAS_HOME", str(course / "keras"))
    if how == "variable":
        monkeypatch.setenv("KERAS_BACKEND", "jax")
    else:
        monkeypatch.delenv("KERAS_BACKEND", raising=False)
        (course / "keras" / "keras.json").write_text('{"backend": "jax"}', encoding="utf-8")
    monkeypatch.setenv("MPLBACKEND", "nowhere")
    cli.main(["doctor"])
    said = capsys.readouterr().out
    assert "Every lesson runs here" not in said
    assert "jax in" in said.split("your own settings")[1]
    write(
        course / "notebooks" / "07_settings.ipynb",
        "import keras, matplotlib\nprint(keras.backend.backend(), matplotlib.get_backend())",
    )
    assert cli.main(["run", "7"]) == 0
    out = capsys.readouterr().out
    assert "tensorflow" in out and "inline" in out


@pytest.mark.parametrize(("load", "busy"), [(0.4, False), (8.0, True)])
def test_doctor_says_when_the_machine_is_busy(course, monkeypatch, capsys, load, busy):
    monkeypatch.setattr(runtime, "best_precision", lambda: "float32")
    monkeypatch.setattr(doctor, "_cores", lambda: 8)
    monkeypatch.setattr(doctor.psutil, "getloadavg", lambda: (load, 0, 0))
    cli.main(["doctor"])
    assert ("This machine is busy (load 8.0 on 8 cores)" in capsys.readouterr().out) is busy


def test_doctor_names_what_is_missing(course, capsys, monkeypatch):
    real = doctor.importlib.metadata.version

    def version(name):
        if name == "nilearn":
            raise doctor.importlib.metadata.PackageNotFoundError(name)
        return "1.0" if name == "keras" else real(name)

    monkeypatch.setattr(runtime, "best_precision", lambda: "float32")
    monkeypatch.setattr(doctor.importlib.metadata, "version", version)
    monkeypatch.setenv("UNET_COURSE_DATA", str(course / "gone"))
    assert cli.main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "nilearn is missing" in said and 'pip install "nilearn>=' in said
    assert "✗ nilearn missing (needed >=" in said and "✓" not in said
    assert "keras is 1.0, needed is >=" in said
    assert "gone: no such folder" in said


# --- opening the course -----------------------------------------------------------------------


def test_without_jupyterlab_it_says_how_to_get_it(course, capsys, monkeypatch):
    monkeypatch.setattr(cli.importlib.util, "find_spec", lambda name: None)
    assert cli.main([]) == 1
    assert 'pip install "unet-course[lab]"' in capsys.readouterr().err


@pytest.mark.parametrize("port", ["0", "65536", "-1", "8888x", ""])
def test_a_port_that_is_none_is_refused(capsys, port):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["--port", port])
    assert stopped.value.code == 2 and "from 1 to 65535" in capsys.readouterr().err


@pytest.fixture
def opened(course, monkeypatch):
    """Lets `unet-course` open nothing, and keeps JupyterLab's arguments and environment."""
    asked, env = [], {}
    monkeypatch.setattr(
        open_jupyterlab, "_become", lambda command, new: (asked.extend(command), env.update(new))
    )
    return asked, env


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="a system without root")
@pytest.mark.parametrize("user", [0, 1000])
def test_root_may_open_it_and_is_told_what_that_means(opened, capsys, monkeypatch, user):
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setenv("KERAS_MAX_EPOCHS", "1")
    assert cli.main(["--no-browser", "--port", "8899"]) == 0
    opened, env = opened
    assert ("--allow-root" in opened) == ("You are root" in capsys.readouterr().out) == (user == 0)
    assert {"--no-browser", "--port=8899", "--LabApp.news_url=None"} <= set(opened)
    assert env["KERAS_BACKEND"] == "tensorflow" and "KERAS_MAX_EPOCHS" not in env


def test_a_student_writes_in_copies_and_a_maintainer_in_the_originals(opened, course, capsys):
    lesson = course / "notebooks" / "05_small.ipynb"
    before = lesson.read_bytes()
    assert cli.main([]) == 0
    assert f"--ServerApp.root_dir={course / 'my_lessons'}" in opened[0]
    mine = course / "my_lessons" / "05_small.ipynb"
    write(mine, "print('my own')")
    assert lesson.read_bytes() == before
    assert cli.main(["run", "my_lessons/05_small.ipynb"]) == 0
    assert "my own" in capsys.readouterr().out
    assert cli.main(["run", "5"]) == 0
    assert "hello" in capsys.readouterr().out, "a number is the course's own"
    assert cli.main(["--originals"]) == 0
    assert f"--ServerApp.root_dir={course / 'notebooks'}" in opened[0]


def test_a_copy_is_renewed_or_kept_and_nothing_is_lost(course):
    for name in ("05_small", "06_broken"):
        write(course / "notebooks" / f"{name}.ipynb", f"'{name}'")
    folder, told = own_copies.student_folder()
    assert folder == course / "my_lessons" and len(told) == 1 and told[0].endswith("write in: 2")
    assert own_copies.student_folder() == (folder, [])
    mine, other = folder / "05_small.ipynb", folder / "06_broken.ipynb"
    write(mine, "'my own work'")
    work = mine.read_bytes()
    assert own_copies.student_folder() == (folder, [])
    for version in ("new", "newer"):
        write(course / "notebooks" / "05_small.ipynb", f"'{version} 5'")
        write(course / "notebooks" / "06_broken.ipynb", f"'{version} 6'")
        told = own_copies.student_folder()[1]
        assert len(told) == 2 and told[0].endswith("write in: 1")
        assert "05_small.ipynb has changed" in told[1] and "Yours stays" in told[1]
        assert own_copies.student_folder()[1] == [], "told once"
        assert f"{version} 6" in other.read_text(encoding="utf-8"), "nobody had touched it"
    assert mine.read_bytes() == work
    assert "new 5" in (folder / "05_small-new.ipynb").read_text(encoding="utf-8")
    assert "newer 5" in (folder / "05_small-new1.ipynb").read_text(encoding="utf-8")
    (folder / own_copies.MANIFEST).write_text("[damaged", encoding="utf-8")
    assert len(own_copies.student_folder()[1]) == 1  # can't tell: kept, and the new one again
    assert mine.read_bytes() == work


def test_an_installed_courses_lessons_go_into_the_users_folder(course, monkeypatch, capsys):
    wheel = course / "site" / "unet_course"
    write(wheel / "_notebooks" / "05_small.ipynb", "1")
    monkeypatch.setattr(runtime, "PACKAGE", wheel)
    assert run_lesson.folder() == course / "notebooks", "what is here comes first"
    monkeypatch.chdir(course / "site")
    assert run_lesson.folder() == wheel / "_notebooks"
    assert own_copies.student_folder()[0] == course / "user" / "my_lessons"
    assert cli.main(["--originals"]) == 1
    assert "in a clone of the course" in capsys.readouterr().err


def test_without_any_lesson_it_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(runtime, "PACKAGE", tmp_path / "nowhere" / "unet_course")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["run", "5"]) == 1
    assert "no lessons here" in capsys.readouterr().err


def parsers():
    """Every verb of the command, with its words."""
    return ["", "doctor", "data", "run", "export", "progress"] + [
        f"data {name}" for name in ("sample", "lgg", "brats", "check")
    ]


@pytest.mark.parametrize("words", parsers())
def test_help_names_every_argument_and_has_an_example(capsys, words):
    with pytest.raises(SystemExit) as stopped:
        cli.main([*words.split(), "--help"])
    said = capsys.readouterr().out
    assert stopped.value.code == 0
    assert " ..." not in said.replace("COMMAND ...", "").replace("SET ...", "").replace(
        "[DIR ...", ""
    )
    if words not in ("", "data"):
        assert f"example: unet-course {words}" in said
    assert words != "run" or "--out FILE" in said


@pytest.mark.parametrize(
    "script",
    sorted((Path(__file__).parents[1] / "data_scripts").glob("*.py")),
    ids=lambda p: p.stem,
)
def test_a_console_without_a_letter_of_the_folder_fails_no_script(script):
    code = (
        f"import sys, pathlib; sys.path.insert(0, {str(script.parent)!r}); import {script.stem} as s\n"
        "for name in [n for n in vars(s) if n.startswith('fetch_')]:\n"
        "    setattr(s, name, lambda *a, **k: pathlib.Path('Zo\\xeb \\u25cb'))\n"
        "sys.exit(s.main([]))"
    )
    env = run_lesson.kernel_environment() | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 0 and "Zo? ?" in done.stdout, done.stderr


def test_an_error_about_a_strange_name_reaches_no_terminal(capsys):
    assert cli.main(["progress", "x\x1b[2J\x07"]) == 1
    err = capsys.readouterr().err
    assert "no such folder" in err and "\x1b" not in err and "\x07" not in err


def test_version(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out.strip() == unet_course.__version__


def test_a_reader_that_leaves_early_is_no_error(course):
    command = f'"{sys.executable}" -m unet_course.commands.cli --help | head -1'
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, env=run_lesson.kernel_environment()
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["tests", "colab"])
def test_a_workflow_may_only_read_and_runs_what_a_commit_names(name):
    file = Path(__file__).parents[1] / ".github" / "workflows" / f"{name}.yml"
    workflow = yaml.safe_load(file.read_text(encoding="utf-8"))
    allowed = [
        workflow["permissions"],
        *(j.get("permissions", {}) for j in workflow["jobs"].values()),
    ]
    assert all(one.items() <= {"contents": "read", "issues": "write"}.items() for one in allowed)
    assert "issues" not in workflow["permissions"]
    steps = [step for job in workflow["jobs"].values() for step in job.get("steps", [])]
    used = [step["uses"] for step in steps if "uses" in step]
    assert used and all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) for action in used)
