"""The command `unet-course`: open the course, fetch data, run a lesson, hand it out.

Only arguments and printing are here; each command's work is in the module that it names. Results
go to standard output, progress and errors to standard error; an error is one message, not a
traceback, and exit status 1.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import math
import sys
from pathlib import Path

import unet_course
from unet_course.commands import output_files
from unet_course.commands.terminal import CellProgress, clean, how_to_install, never_fail_to_print


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    never_fail_to_print()
    options = _parser().parse_args(arguments)
    try:
        return options.command(options)
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader (head, less) has seen enough
        sys.stderr.close()
        return 0
    except ModuleNotFoundError as error:
        how = "" if "install" in str(error) else f". Install it: {how_to_install('unet-course')}"
        print(f"unet-course: {error}{how}", file=sys.stderr)
        return 1
    except (OSError, LookupError, ValueError, RuntimeError) as error:  # a user can cause and mend
        told = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
        if isinstance(error, OSError) and error.filename and error.strerror:
            told = f"{error.filename}: {error.strerror}"
        print(f"unet-course: {clean(told)}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    about = "Open the course in JupyterLab (no command), or run one of its commands."
    parser = argparse.ArgumentParser(prog="unet-course", description=about)
    parser.add_argument("--version", action="version", version=unet_course.__version__)
    parser.set_defaults(command=_open)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def verb(name: str, command, help: str, example: str, of=commands) -> argparse.ArgumentParser:
        new = of.add_parser(name, help=help, description=help, epilog=f"example: {example}")
        new.set_defaults(command=command)
        return new

    def option(of: argparse.ArgumentParser, name: str, metavar: str, help: str, **more) -> None:
        of.add_argument(name, metavar=metavar, help=help, **{"type": Path, **more})

    def flag(of: argparse.ArgumentParser, name: str, help: str) -> None:
        of.add_argument(name, action="store_true", help=help)

    flag(parser, "--no-browser", "print the address, open nothing")
    option(parser, "--port", "PORT", "JupyterLab's port (8888, or the next free one)", type=_port)
    flag(parser, "--originals", "the lessons themselves, not your copies")

    help = "what this machine has and what runs here"
    doctor = verb("doctor", _doctor, help, "unet-course doctor")
    flag(doctor, "--json", "the same for programs")

    data = commands.add_parser("data", help="make, fetch or check a data set")
    sets = data.add_subparsers(title="data sets", metavar="SET", required=True)
    example = "unet-course data sample --root data --patients 4"
    sample = verb("sample", _sample, "make the synthetic patients", example, sets)
    option(sample, "--root", "DIR", "folder for them (the course's cache)")
    option(sample, "--patients", "N", "how many in 2-D (24)", type=int, default=24)
    option(sample, "--cases", "N", "how many in 3-D (8)", type=int, default=8)
    option(sample, "--seed", "N", "another seed, other patients (0)", type=int, default=0)
    lgg = "fetch the real LGG patients from Kaggle"
    brats = "fetch BraTS 2020 from Kaggle (47 GB of disk), or cases of the Decathlon (10 MB each)"
    for name, help in (("lgg", lgg), ("brats", brats)):
        fetch = verb(name, _fetch, help, f"unet-course data {name} --root data", sets)
        fetch.set_defaults(set=name)
        option(fetch, "--root", "DIR", "folder for them (the course's cache)")
        option(fetch, "--archive", "FILE", "a ZIP that you downloaded by hand")
        flag(fetch, "--accept-licence", "you accept its licence")
    help = "decathlon: N cases of the Medical Segmentation Decathlon, without an account (kaggle)"
    fetch.add_argument("--source", choices=("kaggle", "decathlon"), default="kaggle", help=help)
    option(fetch, "--cases", "N", "how many of the Decathlon's cases, 10 MB each (20)", type=int)
    help = "read every file of a folder, name each fault"
    check = verb("check", _check, help, "unet-course data check data", sets)
    option(check, "folder", "DIR", "the folder")
    flag(check, "--json", "the same for programs")

    help = "execute a lesson without a browser; --out keeps the page"
    run = verb("run", _run, help, "unet-course run 05 --data data --out 05.html")
    lesson = "05, 5 or train_2d; or a notebook's path, such as my_lessons/05_train_2d.ipynb"
    option(run, "lesson", "LESSON", lesson, type=str)
    option(run, "--data", "DIR", "use the real patients in DIR")
    option(run, "--out", "FILE", "write the executed lesson, .html or .ipynb")
    flag(run, "--save", "rewrite the lesson with its outputs (maintainers)")

    example = "unet-course export 05 --to handout --out 05_handout.ipynb"
    export = verb("export", _export, "write a lesson, or all, in another form", example)
    option(export, "lesson", "LESSON", f"{lesson}; or all", type=str)
    help = """handout: the lesson without solutions; solutions: every exercise filled in, executed;
        slides: one page with reveal.js, S opens the speaker's view; nbgrader: the source version that
        nbgrader generate_assignment takes"""
    export.add_argument("--to", required=True, choices=output_files.FORMS, help=help)
    endings = "; ".join(f"{form}: {' or '.join(ends)}" for form, ends in output_files.FORMS.items())
    help = f"what to write ({endings}); for all lessons a folder"
    option(export, "--out", "FILE", help, required=True)

    help = "a folder's sizes and spacings, and the network and patches that follow from them"
    example = "unet-course plan data --memory 2 --out plan.json"
    plan = verb("plan", _plan, help, example)
    option(plan, "folder", "DIR", "the folder of patients")
    option(plan, "--memory", "GB", "for one training step (2)", type=_gigabytes, default=2.0)
    option(plan, "--out", "FILE", "write the plan as JSON")
    option(plan, "--fingerprint", "FILE", "write the fingerprint as JSON")

    help = "write a trained network as ONNX, which runs without Keras"
    example = "unet-course export-model my_network.keras --out my_network.onnx"
    model = verb("export-model", _export_model, help, example)
    option(model, "network", "FILE", "the network, a file that model.save('NAME.keras') wrote")
    option(model, "--out", "FILE", "what to write; ends in .onnx", required=True)
    help = "how weights are stored: float16 halves the file, int8 quarters it (float32)"
    model.add_argument(
        "--weights", choices=("float32", "float16", "int8"), default="float32", help=help
    )

    help = "a model card of what was measured; what no file says is marked as unknown"
    example = "unet-course card network.keras --scores scores.json --trained-on data --out card.md"
    card = verb("card", _card, help, example)
    option(card, "network", "FILE", "the network, a file that model.save('NAME.keras') wrote")
    help = "scores by patient, .json (as benchmarks' --json) or .csv (a row a patient)"
    option(card, "--scores", "FILE", help)
    what = "a folder that `data check` passes, or the file of `plan --fingerprint`"
    option(card, "--trained-on", "PATH", f"what it was trained on: {what}")
    option(card, "--judged-on", "PATH", f"whose scores they are: {what}")
    option(card, "--out", "FILE", "what to write; ends in .md", required=True)

    help = "who in a class has solved what: exercises, open tasks, quizzes"
    progress = verb("progress", _progress, help, "unet-course progress class --csv class.csv")
    help = "searched for students' progress.json; a file NAME.json in it is NAME's"
    option(progress, "folders", "DIR", help, nargs="+")
    option(
        progress,
        "--csv",
        "FILE",
        "write a row a student, a column an exercise, open task or question",
    )
    help = "only this one; may be given again"
    option(progress, "--lesson", "LESSON", help, type=str, action="append")
    flag(progress, "--all", "also the lessons that nobody has begun")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} isn't a port: a number from 1 to 65535")
    return int(text)


def _gigabytes(text: str) -> float:
    try:
        if 0 < float(text) < math.inf:
            return float(text)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} isn't a size: a number above 0, in GB")


def _open(options) -> int:
    from unet_course.commands import open_jupyterlab

    if importlib.util.find_spec("jupyterlab") is None:
        how = how_to_install("unet-course[lab]")
        raise ModuleNotFoundError(f"JupyterLab isn't installed. To install it: {how}")
    folder, told = open_jupyterlab.student_folder(options.originals)
    print("\n".join([*told, f"Lessons: {folder}", "Ctrl-C here ends JupyterLab."]), flush=True)
    open_jupyterlab.start(folder, browser=not options.no_browser, port=options.port)
    return 0


def _doctor(options) -> int:
    from unet_course.commands import doctor

    found = doctor.examine()
    print(json.dumps(found, indent=1) if options.json else doctor.text(found))
    return int(not found["ready"])


def _sample(options) -> int:
    from unet_course.synthetic import sample_data

    if options.root is None:
        sample_data.drop_damaged_samples()
        print(sample_data.lgg_root(seed=options.seed, patients=options.patients))
        print(sample_data.brats_root(seed=options.seed, cases=options.cases))
    else:
        print(sample_data.make_lgg(options.root, options.patients, options.seed))
        print(sample_data.make_brats(options.root, options.cases, options.seed))
    return 0


def _fetch(options) -> int:
    from unet_course.commands.fetch import decathlon
    from unet_course.commands.fetch.download import fetch_brats, fetch_lgg

    if getattr(options, "source", None) == "decathlon":
        if options.archive:
            raise ValueError(
                "--archive is for Kaggle's ZIP; the Decathlon's folder is used unpacked"
            )
        cases = 20 if options.cases is None else options.cases
        folder = decathlon.fetch_decathlon(options.root, cases, options.accept_licence)
    elif getattr(options, "cases", None):
        raise ValueError("--cases: Kaggle's set is fetched whole; add --source decathlon")
    else:
        fetch = {"lgg": fetch_lgg, "brats": fetch_brats}[options.set]
        folder = fetch(options.root, options.archive, options.accept_licence)
    print(f"Use them: unet-course run LESSON --data {folder}")
    print(f"in a notebook: runtime.use_data({str(folder)!r})")
    return 0


def _check(options) -> int:
    from unet_course.commands.check import check_folder

    reports = check_folder(options.folder)
    sound = not any(report.problems for report in reports)
    if not options.json:
        print("\n\n".join(report.table() for report in reports))
    elif len(reports) == 1:
        print(json.dumps(reports[0].json(), indent=1))
    else:  # LGG and BraTS in one folder
        found = {"folder": str(options.folder), "sound": sound}
        print(json.dumps({**found, "reports": [r.json() for r in reports]}, indent=1))
    return 0 if sound else 1


def _run(options) -> int:
    from unet_course import runtime
    from unet_course.commands import run_lesson

    lesson = run_lesson.find(options.lesson)
    if options.save and (options.data or options.out):
        which = "--data" if options.data else "--out"
        raise ValueError(f"--save and {which} don't go together: a lesson is saved on the sample")
    if options.save and runtime.PACKAGE in lesson.parents:
        raise LookupError(
            "--save: an installed lesson stays as it is; save one in a clone's folder"
        )
    if options.data:
        runtime.existing_folder(options.data, "Correct --data.")
    if options.out:
        output_files.check_output_path(options.out, (".html", ".ipynb"), lesson)
    # made before the lesson starts, so that the sample's progress bar isn't in its outputs
    if options.save or not (options.data or runtime.data_folder()):
        run_lesson.make_sample(lesson)
    texts = not (options.out or options.save)
    with contextlib.closing(CellProgress(lesson.stem, texts)) as show:
        if options.save:
            run = run_lesson.save(lesson, on_cell=show)
        else:
            run = run_lesson.execute(lesson, options.data, on_cell=show)
    done = f"{lesson.stem} ran in {run.seconds:.0f} s, {run.peak_gb:.1f} GB at the peak."
    if options.save:
        done += f" Saved: {lesson}"
    elif options.out:
        with output_files.writing(options.out):
            run_lesson.write_run(run, options.out, lesson)
        done += f" Written: {options.out}"
    print(done)
    return 0


def _export(options) -> int:
    from unet_course.commands.export_lesson import export

    return export(options.lesson, options.to, options.out)


def _plan(options) -> int:
    from unet_course.commands.plan_network import plan_folder

    print(plan_folder(options.folder, options.memory, options.out, options.fingerprint))
    return 0


def _export_model(options) -> int:
    from unet_course.commands.export_model import export_model

    print(export_model(options.network, options.out, options.weights))
    return 0


def _card(options) -> int:
    from unet_course.commands.write_card import write_card

    sets = (options.scores, options.trained_on, options.judged_on)
    print(write_card(options.network, options.out, *sets))
    print(f"\nWritten: {options.out}")
    return 0


def _progress(options) -> int:
    from unet_course import storage
    from unet_course.commands import class_progress

    if options.csv:
        output_files.check_output_path(options.csv, (".csv",))
    found = class_progress.collect(options.folders, options.lesson)
    print(found.text(untouched=options.all or bool(options.lesson)))
    if options.csv:
        with output_files.writing(options.csv):  # by its first mark Excel knows UTF-8
            storage.write_text(options.csv, "\ufeff" + found.csv())
        print(f"\nWritten: {options.csv}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
