"""The files that ``run`` and ``export`` write: their names checked first, each whole or not at all.

The command imports this for its table, so what takes seconds to import is imported where it is used.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unet_course.commands import run_lesson

# the forms a lesson is exported to, and the endings that each takes
FORMS = {
    "handout": (".ipynb",),
    "solutions": (".ipynb", ".html"),
    "slides": (".html",),
    "nbgrader": (".ipynb",),
}
ALL = "all"  # in a lesson's place: every one of them


def check_output_path(path: Path, endings: tuple[str, ...], lesson: Path | None = None) -> None:
    """Refuse an output file before minutes are spent on making it.

    Raises:
        ValueError, OSError: its ending is another, its folder isn't there, it is a folder, or it
            is the lesson itself.
    """
    if path.suffix not in endings:
        option = "--out" if lesson else "--csv"
        raise ValueError(f"{path}: {option} takes a name that ends in {' or '.join(endings)}")
    if not path.resolve().parent.is_dir():
        raise FileNotFoundError(f"{path.resolve().parent}: no such folder; make it first")
    if path.is_dir():
        raise IsADirectoryError(f"{path}: is a folder; name a file")
    if lesson and path.resolve() == lesson.resolve():
        raise ValueError(f"{path}: is the lesson itself; name another file")


def write_run(run: run_lesson.Run, out: Path, lesson: Path) -> None:
    """Write an executed lesson as a notebook or as a page, as the name's ending says."""
    from unet_course import runtime
    from unet_course.commands import run_lesson

    if out.suffix == ".html":
        runtime.write_text(out, run_lesson.to_html(run.notebook, lesson.stem))
    else:
        run_lesson.write(run_lesson.clean_outputs(run.notebook), out)


def report_error(error: run_lesson.LessonError) -> int:
    """Say which cell failed and how; return the exit status."""
    source = "\n".join(f"    {line}" for line in error.source.splitlines())
    print(
        f"{error.lesson}: code cell {error.number} failed\n{source}\n{error.error}",
        file=sys.stderr,
    )
    return 1


# --- export --------------------------------------------------------------------------------------


def export(lesson: str, form: str, out: Path) -> int:
    """Write a lesson, or with ``"all"`` every lesson, in another form; return the exit status."""
    from unet_course.commands import run_lesson

    if lesson == ALL:
        return _export_all(form, out)
    path = run_lesson.find(lesson)
    check_output_path(out, FORMS[form], path)
    try:
        _write(path, form, out)
    except run_lesson.LessonError as error:
        return report_error(error)
    print(out)
    return 0


def _export_all(form: str, folder: Path) -> int:
    """Write every lesson into a folder; what can't be written is told and stops no other."""
    from unet_course.commands import run_lesson

    if folder.suffix in FORMS[form] and not folder.is_dir():
        raise ValueError(f"{folder}: all lessons go into a folder; name one with --out")
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder}: is a file; name a folder for all lessons")
    if not folder.resolve().parent.is_dir():
        raise FileNotFoundError(f"{folder.resolve().parent}: no such folder; make it first")
    every = run_lesson.list_lessons()
    folder.mkdir(exist_ok=True)
    missing = []
    for count, lesson in enumerate(every, start=1):
        # a hyphen, so that the file isn't taken for the lesson when it lies beside it
        out = folder / f"{lesson.stem}-{form}{FORMS[form][0]}"
        try:
            _write(lesson, form, out)
        except run_lesson.LessonError as error:
            report_error(error)
        except ValueError as error:
            print(f"unet-course: {error}", file=sys.stderr)
        else:
            print(f"{count}/{len(every)} {out}", flush=True)
            continue
        missing.append(lesson.stem)
    if missing:
        print(
            f"unet-course: {folder}: {len(missing)} of {len(every)} lessons not written, for the "
            f"reasons above: {', '.join(missing)}",
            file=sys.stderr,
        )
    return int(bool(missing))


def _write(lesson: Path, form: str, out: Path) -> None:
    from unet_course import runtime
    from unet_course.commands import export_lesson, run_lesson

    if form == "slides":
        from unet_course.commands import slides

        runtime.write_text(out, slides.to_slides(lesson))
    elif form == "solutions":
        write_run(_solved(lesson), out, lesson)
    else:
        make = {"handout": export_lesson.handout, "nbgrader": export_lesson.nbgrader}[form]
        run_lesson.write(make(lesson), out)


def _solved(lesson: Path) -> run_lesson.Run:
    from unet_course import runtime
    from unet_course.commands import export_lesson, run_lesson
    from unet_course.commands.terminal import CellProgress

    export_lesson.with_solutions(lesson)  # what is missing is told before minutes are spent
    if not runtime.data_folder():
        run_lesson.make_sample(lesson)
    show = CellProgress(lesson.stem, texts=False)
    try:
        return export_lesson.solutions(lesson, on_cell=show)
    finally:
        show.close()
