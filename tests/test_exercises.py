"""The self-checks' mechanism; the lessons' own exercises are in tests/exercises."""

import errno
import functools
import json
import os
import random
import subprocess
import sys
import threading

import lesson_files
import numpy as np
import pytest

from unet_course import exercises
from unet_course.exercises import solved, verdict
from unet_course.exercises.verdict import Wrong, close, dtype, equal, shape

# --- the mechanism --------------------------------------------------------------------------------


def half(answer):
    got = answer(np.array([2.0, 4.0]))
    close(got, [1, 2], "the array [2, 4]", mistakes=[([4, 8], "divide, don't multiply")])
    return "halving is the step of every pooling layer"


@pytest.fixture(autouse=True)
def one_check(monkeypatch, user):
    monkeypatch.setattr(exercises, "checks", lambda: {"half": half, "strange": strange})


def strange(answer):
    raise RuntimeError("the author slipped")


def as_cell(source: str):
    names = {"np": np}
    lesson_files.run_as_cell(source, names, f"<cell {hash(source)}>")
    return names["f"]


def say(capsys, source_or_answer, name="half") -> str:
    answer = as_cell(source_or_answer) if isinstance(source_or_answer, str) else source_or_answer
    assert exercises.check(name, answer) is None
    return capsys.readouterr().out


@pytest.mark.parametrize(
    "source",
    [
        "def f(x):\n    return ...",
        "def f(x):\n    ...",
        "def f(x): ...",
        "def f(x):\n    y = ...\n    return y",
        "def f(x):\n    y = x\n    ...\n    return y",
        "def f(x):\n    ...\n    y = ...\n    return x / 2",
        "def f(x):\n    '''Halve it.'''\n    ...",
        "def f(x):\n    return np.sum(...)",
        "def f(x):\n    def g():\n        ...\n    return x / 2",
        "def f(x):\n    '''Halve it.'''\n    return x / ...",
        "f = lambda x: ...",
        "import functools\n@functools.cache\ndef f(x):\n    return ...",
        "class K:\n    def g(self, x):\n        return ...\nf = K().g",
        "class f:\n    def __init__(self, x):\n        ...",
    ],
)
def test_dots_left_mean_not_attempted(capsys, source):
    assert say(capsys, source).startswith("○ not attempted yet")


@pytest.mark.parametrize(
    "source",
    [
        "def f(x):\n    return x[...] / 2",
        "def f(x):\n    return x[..., None][..., 0] / 2  # ... is an index here",
        "def f(x: tuple[float, ...]):\n    return x / 2",
        "def f(x):\n    '''Halve ... it.'''\n    return x / 2",
        "f, g = lambda x: x / 2, lambda x: ...",
        "g, f = lambda x: ..., lambda x: x / 2",
        "def f(x):\n    return ...\ndef f(x):\n    return x / 2",
        "def f(x):\n    ...\n    return x / 2",
        "def f(x):\n    '''Halve it.'''\n    y = x / 2\n    ...\n    return y",
        "exec('def g(x): return x / 2')\nf = g",  # no source to be had
        "import functools\ndef g(x, by):\n    return x / by\nf = functools.partial(g, by=2)",
        "f = np.vectorize(lambda x: x / 2)",
    ],
)
def test_dots_elsewhere_do_not_count(capsys, source):
    assert say(capsys, source).startswith("✓ half: halving is")


def test_the_line_of_the_dots_is_named(capsys):
    assert "(a ... is left in line 3)" in say(capsys, "def f(x):\n    y = x\n    return ...")
    assert "in lines 2, 3)" in say(capsys, "def f(x):\n    y = ...\n    return ...")


def test_an_own_exception_is_told_with_its_line(capsys):
    said = say(capsys, "# halve\ndef f(x):\n    n = 0\n    return [1, 2][x.size + n]\n")
    assert said.startswith("✗ half: your function raised IndexError: list index out of range")
    assert "in line 4: return [1, 2][x.size + n]" in said
    assert "called with [2., 4.]" in said


def test_an_exception_inside_numpy_is_laid_at_the_students_line(capsys):
    said = say(capsys, "def f(x):\n    return np.concatenate([x, [[1]]])")
    assert "in line 2: return np.concatenate" in said


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def f(x):\n    x / 2", "returned None"),
        ("def f(x):\n    x / 2", "`return`"),
        ("def f(x):\n    return x * 2", "divide, don't multiply"),
        ("def f(x):\n    return 1", "shape (), expected (2,)"),
        ("def f(x):\n    return 'abc'", "'abc'"),
        ("def f(x):\n    return [[1], [1, 2]]", "no array"),
        ("def f():\n    return 1", "Keep the stub's first line"),
        ("def f(x):\n    exit()", "called exit()"),
        ("def f(x):\n    return f(x)", "RecursionError"),
        ("def f(x):\n    return x / 0", "divide by zero"),
        ("def f(x):\n    return x * float('nan')", "[nan, nan]"),
        ("def f(x):\n    raise BaseException('odd')", "BaseException: odd"),
        ("def f(x):\n    print('looking', x)\n    return 3 * x", "looking [2. 4.]"),
    ],
)
def test_what_went_wrong_is_said(capsys, source, words):
    said = say(capsys, source)
    assert said.startswith("✗ half: ") and words in said


def test_much_printing_does_not_swamp(capsys):
    said = say(capsys, "def f(x):\n    for i in range(999):\n        print(i)\n    return x")
    assert "and 994 lines more" in said and len(said.splitlines()) < 12
    quiet = say(capsys, "def f(x):\n    print('debug')\n    return x / 2")
    assert quiet == "✓ half: halving is the step of every pooling layer\n"


@pytest.mark.parametrize("given", [3, None, "half", np.zeros(3), [1]])
def test_what_is_no_function_is_told(capsys, given):
    said = say(capsys, given) if not isinstance(given, str) else None
    if said is not None:
        assert said.startswith("✗ half: the check takes your function")


def test_an_ellipsis_itself_is_a_blank(capsys):
    assert say(capsys, ...) == "○ not attempted yet\n"


def test_an_unknown_name_is_told(capsys):
    assert "did you mean 'half'?" in say(capsys, lambda x: x, "hlaf")
    assert say(capsys, lambda x: x, "dice").startswith("✗ there is no exercise called 'dice'")
    assert say(capsys, lambda x: x, None).startswith("✗ there is no exercise")


def test_a_broken_check_is_not_laid_at_the_student(capsys):
    said = say(capsys, lambda x: x, "strange")
    assert "the check itself failed" in said and "not yours" in said


def test_stop_passes_through():
    def f(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        exercises.check("half", f)


def test_inputs_are_copies_and_must_not_change(monkeypatch):
    seen = {}

    def keep(answer):
        array, nested = np.ones(3), {"a": [np.ones(2)]}
        answer(array, nested)
        seen.update(array=array, nested=nested["a"][0])
        return "kept"

    monkeypatch.setattr(exercises, "checks", lambda: {"keep": keep})

    def f(array, nested):
        array[:] = 9
        nested["a"][0][:] = 9
        return 1

    assert "changed its argument `array`" in str(exercises.judge("keep", f))
    assert seen["array"].tolist() == [1, 1, 1] and seen["nested"].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("x[0] = 9", "`x`"),
        ("x[2] = 9", "`x`"),
        ("y.append(1)", "`y`"),
        ("y[1][0] = 9", "`y`"),
        ("z['k'][:] = 9", "`z`"),
        ("z.clear()", "`z`"),
        ("z[0] = z.pop('k')", "`z`"),
        ("x[1] *= 1; y[0] = 1.0; z['k'] = z['k'].copy()", ""),  # equal is unchanged
    ],
)
def test_a_right_answer_that_changes_its_arguments_is_wrong(monkeypatch, change, name):
    def keep(answer):
        close(answer(np.array([1.0, np.nan, 3.0]), [1, np.ones(2)], z={"k": np.ones(2)}), 1)
        return "kept"

    monkeypatch.setattr(exercises, "checks", lambda: {"keep": keep})
    said = str(exercises.judge("keep", as_cell(f"def f(x, y, z):\n    {change}\n    return 1")))
    assert f"argument {name}" in said if name else said == "✓ keep: kept"


def test_an_expected_exception_is_no_fault(monkeypatch):
    def refuses(answer):
        try:
            answer(-1)
        except ValueError:
            return "it refuses"
        raise Wrong("it takes −1")

    monkeypatch.setattr(exercises, "checks", lambda: {"refuses": refuses})

    def good(x):
        raise ValueError("no")

    assert exercises.judge("refuses", good).mark == "✓"
    assert "it takes −1" in str(exercises.judge("refuses", lambda x: x))


def test_in_ipython_too():
    """Source and line numbers come from a real cell, run by a real IPython."""
    code = """
from IPython.core.interactiveshell import InteractiveShell
from unet_course import exercises
from unet_course.exercises.verdict import close
import numpy as np
def half(answer):
    close(answer(np.array([2.0])), [1.0])
    return "fine"
exercises.checks = lambda: {"half": half}
shell = InteractiveShell.instance()
shell.user_ns["exercises"] = exercises
for cell in ("def f(x):\\n    return ...", "%time\\ndef f(x):\\n    return x / 2",
             "def f(x):\\n    y = x\\n    return y.nope"):
    shell.run_cell(cell)
    shell.run_cell('exercises.check("half", f)')
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line[:1] in "○✓✗"]
    assert lines[0] == "○ not attempted yet (a ... is left in line 2)", done.stderr
    assert lines[1] == "✓ half: fine"
    assert lines[2].endswith("in line 3: return y.nope")


# --- comparisons ----------------------------------------------------------------------------------


def wrong(function, *args, **named) -> str:
    with pytest.raises(Wrong) as caught:
        function(*args, **named)
    return caught.value.message


def test_close_names_the_first_difference():
    got, expected = np.zeros((4, 5)), np.zeros((4, 5))
    got[2, 3] = 0.5
    assert wrong(close, got, expected, "zeros") == (
        "for zeros at index [2, 3] you gave 0.5, expected 0 (1 of 20 values differ)"
    )


def test_comparisons_accept_what_is_right():
    close(0.66667, 2 / 3)
    close([1, 2], np.array([1.0, 2.0]))
    close(np.float32(0.1), 0.1)
    close(float("nan"), float("nan"))
    equal(True, 1)
    equal("abc", "abc")
    equal((1, 2), [1, 2])
    shape(np.zeros((2, 3)), (2, 3))
    dtype(np.zeros(2, np.uint8), np.uint8)


def test_comparisons_refuse_what_is_wrong():
    assert "expected 3" in wrong(equal, 2, 3)
    assert "you gave 'abd', expected 'abc'" in wrong(equal, "abd", "abc")
    assert "shape (3,), expected (2,)" in wrong(close, [1, 2, 3], [1, 2])
    assert "expected one number, 1" in wrong(close, [1.0], 1.0)
    assert "you gave None" in wrong(close, None, 1.0)
    assert "shape (2,), expected (3,)" in wrong(shape, [1, 2], (3,))
    assert "float64, expected uint8" in wrong(dtype, np.zeros(2), np.uint8)
    wrong(equal, 0.1 + 0.2, 0.3)
    wrong(equal, "1", 1)


def test_a_mistakes_hint_wins_over_the_general_one():
    with pytest.raises(Wrong) as caught:
        close(0.5, 0.9, mistakes=[(0.4, "other"), (0.5, "this")], hint="general")
    assert caught.value.hint == "this"
    with pytest.raises(Wrong) as caught:
        close(0.6, 0.9, mistakes=[(0.4, "other")], hint="general")
    assert caught.value.hint == "general"


def test_large_values_are_described_in_a_line():
    assert verdict.describe(np.zeros((9, 9))) == "an array of shape (9, 9), float64"
    assert len(verdict.describe("x" * 999)) <= 100
    assert verdict.describe(1 / 3) == "0.3333"


# --- progress -------------------------------------------------------------------------------------


def test_progress_is_kept_and_never_lost(user):
    exercises.check("half", lambda x: x)
    assert solved.read() == {"half": {"done": False, "tries": 1}}
    exercises.check("half", as_cell("def f(x):\n    return x / 2"))
    exercises.check("half", as_cell("def f(x):\n    return x"))
    exercises.check("half", as_cell("def f(x):\n    return ..."))
    assert solved.read() == {"half": {"done": True, "tries": 3}}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"half": 3}', '{"half": {}}', "\x00"])
def test_a_damaged_progress_file_is_kept_under_another_name(user, text):
    (user / "progress.json").write_text(text, encoding="utf-8")
    said = solved.record("half", True)
    assert "was damaged" in said and "progress.damaged-1.json" in said
    assert (user / "progress.damaged-1.json").read_text("utf-8") == text
    assert json.loads((user / "progress.json").read_text("utf-8"))["half"]["done"] is True
    assert solved.record("half", True) is None  # told once


TWELVE = {f"e{i}": {"done": True, "tries": 2} for i in range(12)}


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        (lambda text: "\ufeff" + text, 12),  # an editor on Windows
        (lambda text: text.replace('"tries": 2', '"tries": null', 1), 11),
        (lambda text: text[:-3], 11),
        (lambda text: text[: len(text) // 2], 5),
        (lambda text: "<<<<<<< HEAD\n" + text, 12),
    ],
)
def test_what_can_be_read_of_a_damaged_progress_file_is_kept(user, change, kept):
    (user / "progress.json").write_text(change(json.dumps(TWELVE)), encoding="utf-8")
    said = solved.record("new", True)
    assert len(solved.read()) >= kept + 1
    assert (said is None) == (kept == 12 and not (user / "progress.damaged-1.json").exists())


def test_300_damaged_progress_files_lose_nothing_that_can_be_read(user):
    """Seeded mutations: what a changed byte doesn't touch is kept, or a copy of the file is."""
    rng, good = random.Random(0), json.dumps(TWELVE, indent=1).encode()
    for _ in range(300):
        for path in user.glob("progress*.json"):
            path.unlink()
        data = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        (user / "progress.json").write_bytes(data)
        said = solved.record("new", True)
        names = set(solved.read()) - {"new"}
        assert said or len(names) == 12  # nothing goes without a word
        if said:
            assert (user / "progress.damaged-1.json").read_bytes() == bytes(data)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_named_pipe_in_the_files_place_is_not_waited_for(user):
    os.mkfifo(user / "progress.json")
    assert solved.read() == {}
    assert "damaged" in solved.record("half", True)


def test_a_file_system_without_locks_keeps_progress(user, monkeypatch):
    def refuse(self):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(solved.FileLock, "acquire", refuse)
    assert solved.record("half", True) is None
    assert solved.read()["half"]["done"] is True


def test_two_notebooks_write_progress(user):
    def many(name):
        for _ in range(20):
            assert solved.record(name, True) is None

    threads = [threading.Thread(target=functools.partial(many, name)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: entry["tries"] for name, entry in solved.read().items()} == dict.fromkeys(
        "abc", 20
    )


def test_a_folder_that_cannot_be_written_is_told_not_raised(monkeypatch, capsys, tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    monkeypatch.setenv("UNET_COURSE_USER", str(tmp_path / "file"))
    said = say(capsys, "def f(x):\n    return x / 2")
    assert said.startswith("✓") and "Progress wasn't saved" in said
