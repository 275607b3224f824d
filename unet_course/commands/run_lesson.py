"""Find a lesson, execute it without a browser, save it with clean outputs.

A lesson is a notebook `NN_name.ipynb`. What students and maintainers do with one from the command
line goes through here; `cli` only parses arguments and prints.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat

from unet_course import runtime, storage
from unet_course.commands import explorer_pictures
from unet_course.commands.opening import notebook_files
from unet_course.commands.opening.user_settings import kernel_environment as kernel_environment

NAME = re.compile(r"(\d\d)_([a-z0-9_]+)\.ipynb")
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
# what editors, nbclient and Colab leave in a cell and no reader needs
LITTER = {"execution", "collapsed", "scrolled", "ExecuteTime", "colab", "id", "outputId", "pycharm"}


class LessonError(RuntimeError):
    """A lesson's cell failed; the message has its number among the code cells, source and error."""

    def __init__(self, lesson: Path, number: int, source: str, error: str):
        shown = "\n".join(f"    {line}" for line in source.splitlines())
        super().__init__(f"{lesson}: code cell {number} failed\n{shown}\n{error}")


@dataclass(frozen=True)
class Run:
    """What executing a lesson gave: the notebook with outputs, seconds, and GB at the peak."""

    notebook: nbformat.NotebookNode
    seconds: float
    peak_gb: float


def folder() -> Path:
    """Return where the lessons are: `./notebooks`, else the wheel's copies, else the clone's.

    An installed package takes `./notebooks` only if a lesson of its own is there: a folder of that
    name, with files such as `01_explore.ipynb`, is usual in other projects.
    """
    here, wheel = Path.cwd() / "notebooks", runtime.PACKAGE / "_notebooks"
    own = {path.name for path in list_lessons(wheel)} if wheel.is_dir() else set()
    for place in (here, wheel, runtime.PACKAGE.parent / "notebooks"):
        names = {path.name for path in list_lessons(place)} if place.is_dir() else set()
        if names & (own or names):
            return place
    raise FileNotFoundError(
        f"no lessons here: neither {here} nor the installed package holds any. Change to the course's "
        "folder, or install the package again."
    )


def list_lessons(place: Path | None = None) -> list[Path]:
    """Return the lessons of a folder, or of the course, in their order."""
    return sorted(path for path in (place or folder()).iterdir() if NAME.fullmatch(path.name))


def find(lesson: str | os.PathLike) -> Path:
    """Return the notebook that `"05"`, `"5"`, `"train_2d"`, its name or a path means.

    A number or a name means the course's own lesson; a student's copy is named by its path.

    Raises:
        LookupError: there is no such lesson; the message lists those that there are.
    """
    text = str(lesson)
    if text.endswith(".ipynb") and Path(text).is_file():
        return Path(text).resolve()
    wanted = text.removesuffix(".ipynb").lower()
    for path in list_lessons():
        number, name = NAME.fullmatch(path.name).groups()
        if wanted in (number, str(int(number)), name, path.stem):
            return path
    names = "\n".join(f"  {path.stem}" for path in list_lessons())
    raise LookupError(f"there is no lesson {text!r}. There are\n{names}")


def read(lesson: Path) -> nbformat.NotebookNode:
    """Return a notebook whose cells have what the commands ask of them.

    Raises:
        ValueError: it isn't a notebook, or is damaged; the message names the file.
    """
    try:
        notebook = notebook_files.parse(notebook_files.read_text(lesson))
        nbformat.validate(clean_outputs(notebook))
        return notebook
    except (ValueError, nbformat.ValidationError) as error:
        why = str(error).partition("\n")[0][:100]
        again = "a copy of yours is put aside and made anew when `unet-course` opens"
        what = f"is not a notebook, or is damaged ({why}). Take it from the course again; {again}"
        raise ValueError(f"{lesson}: {what}") from None


def execute(
    lesson: Path,
    data: str | os.PathLike | None = None,
    on_cell: Callable[[int, int, nbformat.NotebookNode], None] | None = None,
    environment: dict[str, str] | None = None,
    notebook: nbformat.NotebookNode | None = None,
) -> Run:
    """Run a lesson's cells from top to bottom in a fresh kernel and return the outputs.

    Args:
        lesson: the notebook's path; the file isn't changed.
        data: a folder of real patients; `None` leaves it to `UNET_COURSE_DATA` and `use_data`.
        on_cell: called after each cell with its index, the number of cells and the cell.
        environment: variables for the kernel on top of `kernel_environment`.
        notebook: run these cells in the lesson's place.

    Raises:
        LessonError: a cell raised, or the kernel died in it.
        KeyboardInterrupt: the user's Ctrl-C, once the kernel is stopped.
    """
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    env = kernel_environment()
    # With this ipykernel leaves file descriptors alone, so that TensorFlow's own log lines don't
    # get into the outputs; nbval runs the same way, hence both see the same.
    env["PYTEST_CURRENT_TEST"] = "executing a lesson"
    if data is not None:
        env[runtime.DATA_VARIABLE] = str(Path(data).expanduser().resolve())
    env.update(environment or {})
    if notebook is None:
        notebook = read(lesson)
    # the wheel's copies lie among installed packages: nothing may be written there
    cwd = Path.cwd() if runtime.PACKAGE in lesson.resolve().parents else lesson.resolve().parent
    count, start = 0, time.perf_counter()
    with runtime.MemoryWatch() as watch, _kernel(notebook, env, cwd) as (client, log):
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
            if cell.cell_type == "code" and cell.source.strip():
                count += 1
                try:
                    client.execute_cell(cell, index, execution_count=count)
                except CellExecutionError as error:
                    what = re.sub(r"\x1b\[[0-9;]*m", "", f"{error.ename}: {error.evalue}").strip()
                    raise LessonError(lesson, count, cell.source, what.splitlines()[0]) from error
                except DeadKernelError as error:
                    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
                    what = " ".join(["the kernel died, most often for want of memory.", *said[-1:]])
                    raise LessonError(lesson, count, cell.source, what) from error
            if on_cell:
                on_cell(index, len(notebook.cells), cell)
    return Run(notebook, time.perf_counter() - start, watch.peak_gb)


@contextlib.contextmanager
def _kernel(notebook, env: dict[str, str], cwd: Path) -> Iterator:
    """Start an IPython kernel of this very interpreter, and stop it whatever happens."""
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]

    class Manager(AsyncKernelManager):
        # an installed kernelspec "python3" may belong to some other environment
        kernel_spec = KernelSpec(argv=argv, display_name="Python 3", language="python")

    # closed before it is read: Windows lets no second program open a temporary file
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        log = Path(scratch) / "kernel.log"
        env = env | {"IPYTHONDIR": scratch}  # without the user's own start-up files
        options = {"startup_timeout": 120, "shutdown_kernel": "immediate", "coalesce_streams": True}
        options |= {"kernel_name": "python3", "kernel_manager_class": Manager}
        client = NotebookClient(notebook, timeout=None, **options)
        client.reset_execution_trackers()
        with (
            log.open("wb") as file,
            client.setup_kernel(env=env, cwd=str(cwd), stdout=file, stderr=file),
        ):
            yield client, log


def clean_outputs(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return a copy without what differs from machine to machine: widget state, timings, versions.

    Outputs and counts stay; a widget leaves its text, since its view needs megabytes of state.
    """
    new = nbformat.from_dict(notebook)
    about = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        **{k: v for k, v in new.metadata.items() if k == "unet_course"},
    }
    new.metadata = nbformat.from_dict(about)
    for cell in new.cells:
        for name in LITTER & cell.metadata.keys():
            del cell.metadata[name]
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)
            output.pop("transient", None)
    new.nbformat, new.nbformat_minor = 4, 5
    return new


def write(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Write a notebook whole or not at all, after checking that it is a valid one."""
    nbformat.validate(notebook)
    storage.write_text(path, nbformat.writes(notebook).rstrip("\n") + "\n")


def write_run(run: Run, out: Path, lesson: Path) -> None:
    """Write an executed lesson as a notebook or as one page with its pictures, as the name ends."""
    cleaned = clean_outputs(run.notebook)
    if out.suffix != ".html":
        write(explorer_pictures.in_words(cleaned), out)
        return
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(template_name="classic")  # the one that carries alt texts over
    resources = {"metadata": {"name": lesson.stem}}
    shown = explorer_pictures.in_pictures(cleaned, lesson.stem)
    storage.write_text(out, exporter.from_notebook_node(shown, resources=resources)[0])


def make_sample(lesson: Path) -> None:
    """Make the sample patients that a lesson's code asks for, unless they lie in the cache."""
    from unet_course.data import brats
    from unet_course.synthetic import sample_data

    cells = read(lesson).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    if re.search(r"\blgg\b", code):
        sample_data.lgg_root()
    if re.search(r"\bbrats\b", code):
        fewer = re.search(r"synthetic=(\d+)", code)
        brats.sample_cases(int(fewer[1]) if fewer else 8)


def save(lesson: Path, on_cell=None) -> Run:
    """Execute a lesson on the sample and rewrite its file with clean outputs (maintainers).

    Records seconds and the machine's yardstick, by which `doctor` estimates other machines' time.

    Raises:
        PermissionError: real patients are pointed at; their pictures must never be saved.
        LessonError: a cell failed; the file stays as it was.
    """
    if os.environ.get(runtime.DATA_VARIABLE):
        what = f"{runtime.DATA_VARIABLE} points at real patients, who must not get into a saved notebook"
        raise PermissionError(f"{lesson.name} isn't saved: {what}. Unset it and save again.")
    make_sample(lesson)  # made now: its progress bar would stand in a saved output
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as nobody:
        # a user's remembered folder and progress have no place in a saved lesson either
        own = {runtime.USER_VARIABLE: nobody, runtime.SEED_VARIABLE: "0"}
        run = execute(lesson, on_cell=on_cell, environment=own)
    for output in (output for cell in run.notebook.cells for output in cell.get("outputs", [])):
        if re.search(r"Data: .* in ", said := str(output.get("text", ""))):
            raise PermissionError(f"{lesson.name} isn't saved: it read real patients ({said}).")
    with runtime.quiet():
        yardstick = round(runtime.seconds_per_step(), 3)
    run.notebook.metadata["unet_course"] = {"seconds": round(run.seconds), "yardstick": yardstick}
    write(clean_outputs(run.notebook), lesson)
    return run
