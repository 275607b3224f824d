"""The lessons: they run, their outputs are what a run gives, and the rules for them are kept.

One test a lesson runs nbval in strict mode in a process of its own, and measures seconds and the
memory of the kernel with all that it starts; a JupyterLab server's is measured once and added. The
other tests read the files and take no time.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import lesson_files
import nbformat
import pytest
from lab_server import JupyterLab
from lesson_files import CHECK, LESSONS, ROOT, code_cells, tags
from nbformat.v4 import new_output

from unet_course import memory, runtime
from unet_course.commands import export_lesson, run_lesson, slides

SECONDS, GIGABYTES = 120, 2.0  # on two cores; Binder's kernel dies above, the server included
SLACK = 3  # a busy or slow test machine isn't the lesson's fault; the seconds are reported

# what keeps nbval from comparing a cell, as a tag or as a comment in the source
UNCOMPARED = {
    "nbval-ignore-output",
    "nbval-check-output",
    "nbval-raises-exception",
    "raises-exception",
    "nbval-skip",
}
COMMENTS = re.compile(r"#\s*(NBVAL_\w+|PYTEST_VALIDATE_\w+)")
ALLOWED_TAGS = {
    "code": {"nbval-ignore-output", "exercise", "open-task", "quiz", "hide-input"},
    "markdown": {"solution", "figures-from-elsewhere"},
}
A_THIRD = {"05", "06", "10", "11"}  # may leave a third of their cells uncompared, others a quarter
TRAINING = A_THIRD | {"12", "14", "15"}  # code tells what a network did there
UNREAD = "# Drawing only: this cell can be run unread."
every_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)


def outputs(cell) -> str:
    """All that a cell's saved outputs say, alt texts included."""
    parts = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        parts += [output.get("text", ""), data.get("text/plain", ""), data.get("text/html", "")]
        parts += [meta.get("alt", "") for meta in output.get("metadata", {}).values()]
    return "\n".join(parts)


# --- they run ---------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def server_gb(tmp_path_factory) -> float:
    """What a JupyterLab server holds that has a lesson open and its kernel running."""
    with JupyterLab(tmp_path_factory.mktemp("lab"), LESSONS[-1]) as server:
        held = server.memory_gb()
    assert 0.02 < held < 0.5
    return held


@every_lesson
def test_a_run_gives_the_saved_outputs(lesson, tmp_path, record_property, server_gb):
    """nbval, strict: every cell runs, and gives what is saved unless it is tagged.

    Each lesson has a cache of its own, so it runs alone: it finds the sample, as on a hub, and no
    network that another lesson trained. Those that were saved had found it.

    Behind the last cell the solutions of open tasks are run, as by a student who ran all first, and
    must be ✓.
    """
    run_lesson.make_sample(lesson)
    copy = lesson_files.with_open_tasks_solved(lesson, tmp_path)
    env = run_lesson.kernel_environment()
    env["UNET_COURSE_USER"] = str(tmp_path)
    env["UNET_COURSE_SHARED"] = str(runtime.cache_dir())
    env["UNET_COURSE_CACHE"] = str(tmp_path / "cache")
    env.pop("UNET_COURSE_DATA", None)
    command = [sys.executable, "-m", "pytest", "--nbval", "-p", "no:cacheprovider", "-q"]
    command += ["-c", os.devnull, "--rootdir", str(copy.parent), "--nbval-current-env"]
    command += ["--nbval-cell-timeout", str(SECONDS * SLACK), str(copy)]
    start = time.perf_counter()
    log = tmp_path / "nbval.log"
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, env=env, cwd=lesson.parent)
        try:
            # nbval's own process isn't there when a student runs the lesson, the server is
            with memory.MemoryWatch(process.pid, own=False) as watch:
                code = process.wait(timeout=SECONDS * SLACK * 2)
        finally:
            process.kill()
    seconds = time.perf_counter() - start
    record_property("seconds", round(seconds))
    peak_gb = watch.peak_gb + server_gb
    record_property("peak_gb", round(peak_gb, 2))
    print(f"{lesson.stem}: {seconds:.0f} s, {peak_gb:.2f} GB, {server_gb:.2f} of it the server's")
    assert code == 0, log.read_text(encoding="utf-8", errors="replace")[-6000:]
    assert peak_gb <= GIGABYTES
    assert seconds <= SECONDS * SLACK


def test_no_lesson_leaves_files_behind():
    """Runs after those above: whatever a lesson writes belongs into a temporary folder."""
    stray = [
        path.name
        for path in (ROOT / "notebooks").iterdir()
        if not run_lesson.NAME.fullmatch(path.name) and path.name != ".ipynb_checkpoints"
    ]
    assert stray == []


# --- the guards -------------------------------------------------------------------------------


def test_lessons_are_numbered_once():
    numbers = [path.name[:2] for path in LESSONS]
    assert LESSONS and len(set(numbers)) == len(numbers)


@every_lesson
def test_every_code_cell_was_executed_in_order(lesson):
    counts = [cell.execution_count for cell in code_cells(lesson)]
    assert counts == list(range(1, len(counts) + 1)), "save it with: unet-course run LESSON --save"
    empty = [c.id for c in lesson_files.read(lesson).cells if not c.source.strip()]
    assert empty == []


@every_lesson
def test_saved_outputs_are_clean(lesson):
    user = Path.home().name
    places = re.compile(
        r"(?:/home/|/Users/|/root/|/tmp/|/private/|/var/folders|[A-Z]:\\\\|site-packages|\.cache/)"
        + (rf"|\b{re.escape(user)}\b" if len(user) > 4 else "")
    )
    for cell in code_cells(lesson):
        for output in cell.outputs:
            assert output.output_type != "error", cell.id
            assert output.get("name") != "stderr", f"{cell.id}: {output.get('text', '')[:200]}"
            for kind in output.get("data", {}):
                assert "widget" not in kind, cell.id
        said = outputs(cell)
        assert not places.search(said), f"{cell.id}: {places.search(said)[0]}"
        assert not re.search(r"\w+Warning: ", said), cell.id
        assert "\x08" not in said and "\x1b" not in said, f"{cell.id}: terminal's control codes"


@every_lesson
def test_no_machines_metadata(lesson):
    notebook = lesson_files.read(lesson)
    assert set(notebook.metadata) <= {"kernelspec", "language_info", "unet_course"}
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata.language_info) == {"name"}
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"tags", "slideshow", "mystnb", "jupyter"}, cell.id
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)


@every_lesson
def test_slide_types_are_valid(lesson):
    cells = lesson_files.read(lesson).cells
    assert all(slides.slide_type(cell) in slides.TYPES for cell in cells)
    assert slides.slide_type(cells[0]) == "slide"


@every_lesson
def test_nbstripout_finds_nothing(lesson):
    command = [sys.executable, "-m", "nbstripout", "--verify", "--keep-output", "--keep-count"]
    command += ["--keep-id", "--extra-keys", "metadata.widgets cell.metadata.execution"]
    done = subprocess.run([*command, str(lesson)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_is_content():
    for check in (["check"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *check, "--no-cache", "notebooks"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 0, done.stdout + done.stderr


@every_lesson
def test_small_enough_to_clone_and_to_show(lesson):
    assert lesson.stat().st_size < 1.5e6


@every_lesson
def test_tags_are_known_and_few_cells_escape_comparison(lesson):
    for cell in lesson_files.read(lesson).cells:
        assert set(tags(cell)) <= ALLOWED_TAGS.get(cell.cell_type, set()), (cell.id, tags(cell))
        assert not COMMENTS.search(cell.source), f"{cell.id}: use a tag, not a comment"
    cells = code_cells(lesson)
    escaped = [cell.id for cell in cells if UNCOMPARED & set(tags(cell))]
    share = 1 / 3 if lesson.name[:2] in A_THIRD else 1 / 4
    assert len(escaped) <= len(cells) * share, escaped


@every_lesson
def test_cells_that_need_not_be_read_are_folded_and_marked_alike(lesson):
    """In JupyterLab and on the site; the Colab cell is one of them."""
    for index, cell in enumerate(code_cells(lesson)):
        folded = cell.metadata.get("jupyter", {}).get("source_hidden", False)
        marked = cell.source.startswith(UNREAD)
        assert folded == ("hide-input" in tags(cell)) == (marked or index == 0), cell.id


def test_code_cells_are_short():
    """A lesson's code is read: drawing goes to `showing/lesson_figures`."""
    lengths = {
        f"{lesson.name[:2]} {cell.id}": len(cell.source.splitlines())
        for lesson in LESSONS
        for cell in code_cells(lesson)
    }
    assert sum(length > 45 for length in lengths.values()) <= 3, lengths
    assert sum(length > 30 for length in lengths.values()) <= len(lengths) / 20


@every_lesson
def test_findings_are_sentences(lesson):
    """No row of `True`: `exercises.holds` says what was found."""
    for cell in code_cells(lesson):
        for line in outputs(cell).splitlines():
            assert not re.search(r": (True|False)$", line.strip()), f"{cell.id}: {line}"


@every_lesson
def test_prose_tells_no_result_of_a_trained_network(lesson):
    """On another processor it is another network: outputs that code words say what it did."""
    if lesson.name[:2] not in TRAINING:
        pytest.skip("no network is trained or judged here")
    for cell in lesson_files.read(lesson).cells:
        if cell.cell_type == "markdown" and "figures-from-elsewhere" not in tags(cell):
            named = re.search(r"\bSYN_[A-Z]{2}_\d+|\bBraTS20_Synthetic_\d+", cell.source)
            assert not named, f"{cell.id}: {named[0]}"


@every_lesson
def test_it_says_how_many_patients_it_needs(lesson):
    """So that it runs on a folder with fewer, or with patients without tumour: on the sample."""
    for cell in code_cells(lesson):
        if "course_patients(" in cell.source:
            assert "at_least=" in cell.source, cell.id


@every_lesson
def test_it_ends_with_a_way_on(lesson):
    last = lesson_files.read(lesson).cells[-1]
    assert last.cell_type == "markdown" and "Shut Down Kernel" in last.source
    if lesson != LESSONS[-1]:
        following = LESSONS[LESSONS.index(lesson) + 1].name
        assert f"]({following})" in last.source


@every_lesson
def test_links_to_other_lessons_lead_there(lesson):
    for cell in lesson_files.read(lesson).cells:
        if cell.cell_type == "markdown":
            for name in re.findall(r"\]\((\d\d_\w+\.ipynb)", cell.source):
                assert (lesson.parent / name).is_file(), (cell.id, name)


@every_lesson
def test_it_opens_with_its_number_and_the_colab_cell(lesson):
    first, code = lesson_files.read(lesson).cells[0], code_cells(lesson)[0]
    assert re.match(rf"# {lesson.name[:2]} \S", first.source)
    assert '"google.colab" in sys.modules' in code.source and "%pip install" in code.source


@every_lesson
def test_figures_say_what_they_show(lesson):
    for cell in code_cells(lesson):
        for output in cell.outputs:
            for kind in output.get("data", {}):
                if not kind.startswith("image/"):
                    continue
                alt = output.metadata.get(kind, {}).get("alt", "")
                assert len(alt.split()) >= 6, f"{cell.id}: alt text {alt!r}"


@every_lesson
def test_a_sentence_follows_each_figure(lesson):
    """JupyterLab doesn't show alt text, so a Markdown cell near the figure says it as well."""
    cells = lesson_files.read(lesson).cells
    for index, cell in enumerate(cells):
        if any("image/png" in output.get("data", {}) for output in cell.get("outputs", [])):
            after = cells[index + 1 : index + 3]
            assert any(c.cell_type == "markdown" for c in after), cell.id


@every_lesson
def test_ends_with_recap_quiz_and_references(lesson):
    if lesson.name.startswith("00"):
        pytest.skip("lesson 00 only opens the course")
    cells = [c.source for c in lesson_files.read(lesson).cells if c.cell_type == "markdown"]
    text = "\n".join(cells)
    quiz = next((cell for cell in cells if re.match(r"## .*quiz", cell, re.IGNORECASE)), None)
    assert quiz is not None
    after = text[text.index(quiz) :]
    assert after.count("<details><summary>Answer") >= 3
    assert re.search(r"^## References", text, re.MULTILINE)
    assert re.search(r"\b(19|20)\d\d\b", text[text.index("## References") :])


@every_lesson
def test_details_are_closed_blocks(lesson):
    for cell in lesson_files.read(lesson).cells:
        if cell.cell_type == "markdown":
            assert cell.source.count("<details>") == cell.source.count("</details>"), cell.id
            assert "<details open" not in cell.source, cell.id


# --- exercises --------------------------------------------------------------------------------


@every_lesson
def test_exercises_have_their_five_cells(lesson):
    cells = lesson_files.read(lesson).cells
    stubs = [exercise.index for exercise in lesson_files.exercises(lesson)]
    if not lesson.name.startswith("00"):
        assert len(stubs) >= 3
    for i in stubs:
        name = cells[i].id
        task, stub, check, hint, solution = cells[i - 1 : i + 4]
        assert task.source.startswith("### Exercise: "), name
        assert "..." in stub.source and stub.cell_type == "code", name
        found = CHECK.search(check.source)
        assert found and found[1] == name, name
        assert re.search(rf"^def {found[2]}\(", stub.source, re.MULTILINE), name
        assert outputs(check).startswith("○ not attempted yet"), name
        assert "nbval-ignore-output" not in tags(check) + tags(stub), name
        assert re.match(r"<details><summary>Hint</summary>\n\n.+\n\n</details>$", hint.source, re.S)
        assert re.match(
            r"<details><summary>Solution</summary>\n\n```python\n.+```.*\n\n</details>$",
            solution.source,
            re.S,
        ), name
        assert tags(solution) == ["solution"], name
    checks = [cell for cell in cells if cell.cell_type == "code" and CHECK.search(cell.source)]
    assert len(checks) == len(stubs), "a check without its exercise"


HINT = re.compile(r"<details><summary>Hint</summary>\n\n.+\n\n</details>", re.DOTALL)
ACCOUNT = re.compile(
    r"<details><summary>Solution</summary>\n\n.*```python\n.+```.*</details>", re.DOTALL
)


@every_lesson
def test_open_tasks_have_their_parts(lesson):
    """Task, cell, perhaps a cell that concludes, hint, and a solution with an account in prose."""
    cells = lesson_files.read(lesson).cells
    for task in lesson_files.open_tasks(lesson):
        place, end = task.index, task.concludes
        assert re.match("### Open task: .", cells[place - 1].source), task.name
        assert "exercise" in tags(cells[place]) and "..." in cells[place].source, task.name
        assert "exercises.predict(" in cells[place].source, task.name
        said = "\n".join(outputs(cell) for cell in cells[place : end + 1])
        assert "○ no prediction yet" in said and "○ not attempted yet" in said, task.name
        assert "nbval-ignore-output" not in tags(cells[place]) + tags(cells[end]), task.name
        hint, solution = cells[end + 1 : end + 3]
        assert HINT.fullmatch(hint.source), task.name
        assert ACCOUNT.fullmatch(solution.source) and tags(solution) == ["solution"], task.name
        prose = re.sub(r"(?s)```python.*?```|<[^>]+>", "", solution.source)
        assert len(prose.split()) >= 30, f"{task.name}: the solution tells what happened and why"
        assert "exercises.predict(" in task.solution, task.name
        own = "exercises.conclude(" in cells[place].source
        assert own == ("exercises.conclude(" in task.solution), task.name


@every_lesson
def test_a_quiz_that_counts_has_its_choices(lesson):
    """Three choices under each question, the folded answer begins with the right one's letter."""
    cells = lesson_files.read(lesson).cells
    for quiz in lesson_files.quizzes(lesson):
        assert cells[quiz.index].id == f"quiz-{lesson.name[:2]}" == f"quiz-{quiz.number}"
        assert tags(cells[quiz.index]) == ["exercise", "quiz"]
        assert outputs(cells[quiz.index]).count("○") == len(quiz.questions) >= 3
        text = cells[quiz.index - 1].source
        parts = re.split(r"(?m)^\*\*(\d+)\.\*\* ", text)[1:]
        assert [f"q{number}" for number in parts[::2]] == list(quiz.questions)
        for question, right in zip(parts[1::2], quiz.right().values(), strict=True):
            assert re.findall(r"(?m)^- \*\*([a-z])\.\*\* \S", question) == ["a", "b", "c"]
            assert re.search(rf"<summary>Answer</summary>\n\n\*\*{right}\.\*\* ", question), (
                question
            )


@every_lesson
def test_no_later_cell_needs_the_students_answer(lesson):
    cells = lesson_files.read(lesson).cells
    for exercise in lesson_files.exercises(lesson):
        for cell in cells[exercise.index + 2 :]:
            if cell.cell_type != "code":
                continue
            if re.search(rf"^def {exercise.function}\(", cell.source, re.MULTILINE):
                break  # the lesson has its own from here on
            used = re.search(rf"(?<![\w.]){exercise.function}\(", cell.source)
            assert not used, f"{cell.id} calls {exercise.function}"


@every_lesson
def test_the_handout_holds_no_solution(lesson):
    full, handout = lesson_files.read(lesson), export_lesson.handout(lesson)
    exercises, tasks = lesson_files.exercises(lesson), lesson_files.open_tasks(lesson)
    assert len(handout.cells) == len(full.cells) - len(exercises) - len(tasks)
    text = json.dumps(handout)
    assert "<summary>Solution" not in text
    assert ("<summary>Answer" in text) != bool(lesson_files.quizzes(lesson))
    for exercise in exercises:
        body = exercise.solution.strip().splitlines()[-1].strip()
        given = json.dumps(body)[1:-1]
        in_stub = body in exercise.stub
        assert in_stub or f"\n{given}" not in "\n".join(
            cell.source for cell in handout.cells if "exercise" in tags(cell)
        )
    assert text.count("<summary>Hint") == len(exercises) + len(tasks)


# --- numbers in prose -------------------------------------------------------------------------

NUMBER = re.compile(r"(?<![\w.,/#-])[−-]?\d[\d,]*(?:\.\d+)?(?: ?%)?(?![\w/]|\.\d)")
NEAR = 6  # cells before or after


def _prose(source: str) -> str:
    """Markdown without what isn't a claim: code, formulas, links, what is folded away, headings."""
    for pattern in (
        r"(?s:```.*?```)",
        r"(?s:<details>.*?</details>)",
        r"(?s:\$\$.*?\$\$)",
        r"\$[^$\n]+\$",
        r"`[^`]*`",
        r"\[[^\]]*\]\([^)]*\)",
        r"https?://\S+",
        r"“[^”]*”|\"[^\"\n]*\"",  # another's words
        r"^#+ .*$",
    ):
        source = re.sub(pattern, " ", source, flags=re.MULTILINE)
    return source


def _claims(source: str) -> list[str]:
    """The numbers with a decimal point or a per cent sign, which only a measurement gives."""
    found = [match.group().strip() for match in NUMBER.finditer(_prose(source))]
    return [number for number in found if "." in number or "%" in number]


def _value(number: str) -> tuple[float, int]:
    """The number and its decimals; a percentage as it stands."""
    plain = number.replace("−", "-").replace(",", "").rstrip("% ")
    return float(plain), len(plain.partition(".")[2])


def _is_printed(number: str, printed: list[str]) -> bool:
    """Whether a printed number, rounded as the prose rounds it, is the prose's number."""
    value, decimals = _value(number)
    half = 0.5 * 10**-decimals * 1.0001
    for candidate in printed:
        other, _ = _value(candidate)
        shares = [other]
        if number.endswith("%") and not candidate.endswith("%"):
            shares.append(other * 100)
        if candidate.endswith("%") and not number.endswith("%"):
            shares.append(other / 100)
        if any(abs(abs(share) - abs(value)) <= half for share in shares):
            return True
    return False


@every_lesson
def test_paragraphs_are_short(lesson):
    """At most 120 words each; folded hints and solutions, and the references, aren't counted."""
    long = {}
    for cell in lesson_files.read(lesson).cells:
        if cell.cell_type == "markdown" and not cell.source.startswith("## References"):
            text = re.sub(r"<details>.*?</details>", "", cell.source, flags=re.DOTALL)
            for paragraph in re.split(r"\n\s*\n|\n(?=- |\d+\. |\|)", text):
                if (words := len(paragraph.split())) > 120:
                    long[f"{cell.id}: {paragraph[:40]}…"] = words
    assert not long, "split them: a blank line at the right place is enough"


@every_lesson
def test_numbers_in_prose_are_printed_nearby(lesson):
    cells = lesson_files.read(lesson).cells
    missing = []
    for index, cell in enumerate(cells):
        if index == 0 or cell.cell_type != "markdown" or "figures-from-elsewhere" in tags(cell):
            continue
        if re.match(r"## (references|quiz)", cell.source, re.IGNORECASE):
            continue
        near = cells[max(index - NEAR, 0) : index + NEAR + 1]
        if re.match(r"## what to take away", cell.source, re.IGNORECASE):
            near = cells  # it sums the lesson up
        # a literal in a cell's source (a learning rate) is as good as a print of it; what only
        # an uncompared cell prints, a trained network's score, is another on another machine
        text = "\n".join(
            c.source + ("" if UNCOMPARED & set(tags(c)) else "\n" + outputs(c))
            for c in near
            if c.cell_type == "code"
        )
        printed = [m.group().strip() for m in re.finditer(r"[−-]?\d[\d,]*(?:\.\d+)?(?: ?%)?", text)]
        missing += [
            f"{cell.id}: {number}"
            for number in _claims(cell.source)
            if not _is_printed(number, printed)
        ]
    assert missing == [], (
        "print them in a cell nearby; a cell whose figures are another's, or made up as an "
        "example, takes the tag figures-from-elsewhere"
    )


def test_the_number_guard_sees_what_it_should():
    claims = _claims(
        "It gets 0.81 and −1.5, 12 %, 99.2% and 3 of 4; not `0.5`, $x = 0.7$, [0.9](a), 10.1038/s4"
    )
    assert claims == ["0.81", "−1.5", "12 %", "99.2%"]
    assert _is_printed("0.81", ["0.8149"]) and not _is_printed("0.81", ["0.82", "8.1"])
    assert _is_printed("12 %", ["0.119"]) and _is_printed("12 %", ["11.7 %"])
    assert not _is_printed("12 %", ["0.2", "1.2"])
    text = "# Title 0.1\n\nIt gets 0.2.\n\n```\n0.3\n```\n<details>\n0.4\n</details> and 0.6"
    assert _claims(text) == ["0.2", "0.6"]


# --- the guards themselves can fail -----------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "test"),
    [
        (lambda cells: cells[1].update(execution_count=None), "every_code_cell_was_executed"),
        (lambda cells: cells[1].metadata.update(tags=["nbval-ignore-ouput"]), "tags_are_known"),
        (
            lambda cells: [
                c.metadata.update(tags=["nbval-ignore-output"])
                for c in cells
                if c.cell_type == "code" and "exercise" not in tags(c)
            ],
            "tags_are_known",
        ),
        (
            lambda cells: cells[3].update(source=cells[3].source + "\n\nIt gets 0.123456."),
            "numbers",
        ),
        (
            lambda cells: cells[3].update(source=cells[3].source + " word" * 121),
            "paragraphs_are_short",
        ),
        (lambda cells: cells[-1].metadata.update(collapsed=True), "no_machines_metadata"),
        (
            lambda cells: cells[1].outputs.append(new_output("stream", text="/home/somebody/x")),
            "outputs_are_clean",
        ),
        (
            lambda cells: cells[1].outputs.append(
                new_output("stream", name="stderr", text="careful")
            ),
            "outputs_are_clean",
        ),
    ],
)
def test_a_damaged_lesson_is_caught(damage, test, tmp_path):
    whole = next((path for path in LESSONS if not path.name.startswith("00")), None)
    copy = tmp_path / whole.name
    shutil.copy(whole, copy)
    notebook = nbformat.read(copy, as_version=4)
    damage(notebook.cells)
    copy.write_text(nbformat.writes(notebook), encoding="utf-8")
    assert notebook.cells[3].cell_type == "markdown" and notebook.cells[1].cell_type == "code"
    (guard,) = [f for name, f in globals().items() if name.startswith("test_") and test in name]
    with pytest.raises(AssertionError):
        guard(copy)
