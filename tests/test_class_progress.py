"""A class's progress through the command: the tables, the CSV, and what lies about besides."""

import csv
import json
import os
import random

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from unet_course import exercises
from unet_course.commands import cli, run_lesson


@pytest.fixture
def room(tmp_path, monkeypatch):
    """A course of two lessons with three exercises, and an empty folder ``class``."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notebooks").mkdir()
    for name, stubs in (("01_a", ["dice-by-hand", "one-hot-labels"]), ("02_b", ["tumour-shares"])):
        cells = [new_markdown_cell("# T")]
        cells += [new_code_cell("...", id=i, metadata={"tags": ["exercise"]}) for i in stubs]
        run_lesson.write(new_notebook(cells=cells), tmp_path / "notebooks" / f"{name}.ipynb")
    (tmp_path / "class").mkdir()
    return tmp_path / "class"


def put(path, **progress):
    path.parent.mkdir(parents=True, exist_ok=True)
    known = {k.replace("_", "-"): {"done": v > 0, "tries": abs(v)} for k, v in progress.items()}
    path.write_text(json.dumps(known), encoding="utf-8")


def test_the_table_and_the_csv(room, capsys):
    put(room / "anna" / "progress.json", dice_by_hand=2, one_hot_labels=-3, tumour_shares=1)
    put(room / "bo" / ".local" / "share" / "unet-course" / "progress.json", dice_by_hand=1)
    put(room / "Zoë Müller.json", dice_by_hand=-1)
    out = room.parent / "class.csv"
    assert cli.main(["progress", str(room), "--csv", str(out)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Solved, by lesson (3 students):",
        "student      01   02  all",
        "Zoë Müller  0/2  0/1  0/3",
        "anna        1/2  1/1  2/3",
        "bo          1/2  0/1  1/3",
        "",
        "By exercise, open task and question, how many students solved and tried it:",
        "exercise           solved  tried",
        "01 dice-by-hand         2      3",
        "01 one-hot-labels       0      1",
        "02 tumour-shares        1      1",
        "",
        f"Written: {out}",
    ]
    with out.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[1] == {
        "student": "anna",
        "solved": "2",
        "tries": "6",
        "01 dice-by-hand": "1",
        "01 one-hot-labels": "0",
        "02 tumour-shares": "1",
    }
    assert list(rows[2].values()) == ["bo", "1", "1", "1", "", ""]


def test_open_tasks_and_questions_count(room, capsys):
    cells = [
        new_code_cell("...", id="too-small", metadata={"tags": ["exercise", "open-task"]}),
        new_code_cell(
            'exercises.quiz("03", q1=..., q2=...)\nq9 = 1',
            id="quiz-03",
            metadata={"tags": ["exercise", "quiz"]},
        ),
        new_code_cell("1", id="odd", metadata={"tags": ["exercise", "quiz"]}),
    ]
    run_lesson.write(new_notebook(cells=cells), room.parent / "notebooks" / "03_c.ipynb")
    known = {"too-small": {"done": False, "tries": 0, "prediction": "44"}}
    known["03-q1"] = {"done": True, "tries": 2}
    (room / "anna").mkdir()
    (room / "anna" / "progress.json").write_text(json.dumps(known), encoding="utf-8")
    assert cli.main(["progress", str(room)]) == 0
    said = capsys.readouterr().out
    assert "anna     1/3" in said and "Not counted" not in said
    assert (
        "03 too-small       0      1\n03 03-q1           1      1\n03 03-q2           0      0"
        in said
    )


def test_it_reads_what_the_checks_write(room, monkeypatch, capsys):
    monkeypatch.setenv("UNET_COURSE_USER", str(room / "anna"))
    exercises.check("one-hot-labels", lambda labels, classes: None)
    capsys.readouterr()
    assert cli.main(["progress", str(room)]) == 0
    said = capsys.readouterr().out
    assert "anna     0/2\n" in said and "one-hot-labels       0      1" in said
    assert "Not counted" not in said, "the lock beside the file is the course's own"


def test_what_is_not_a_progress_file_is_named_and_passed_over(room, capsys):
    put(room / "anna" / "progress.json", dice_by_hand=1)
    (room / "bo").mkdir()
    (room / "cut").mkdir()
    (room / "cut" / "progress.json").write_text('{"dice-by-hand": {"done": tr', encoding="utf-8")
    (room / "bytes.json").write_bytes(b"\xff\xfe\x00")
    (room / "list.json").write_text("[1, 2]", encoding="utf-8")
    (room / "other.json").write_text('{"name": "course", "version": 3}', encoding="utf-8")
    (room / "deep.json").write_text("[" * 100_000, encoding="utf-8")
    (room / "large.json").write_text(" " * 1_000_001, encoding="utf-8")
    (room / "notes.txt").write_text("hello", encoding="utf-8")
    put(room / "nothing.json")
    put(room / "knitting.json", knitting=1)
    put(room / "other course" / "progress.json", dice_by_hand=1, knitting=1)
    assert cli.main(["progress", str(room)]) == 0
    table, passed = capsys.readouterr().out.split("Not counted:\n")
    assert "(2 students)" in table and "dice-by-hand         2      2" in table
    assert sorted(passed.splitlines()) == sorted(
        f"  {room / name}: {why}"
        for name, why in {
            "bo": "no progress.json in it",
            "cut/progress.json": "can't be read (it isn't JSON, or only part of it)",
            "bytes.json": "can't be read (it isn't JSON, or only part of it)",
            "list.json": "not a progress file",
            "other.json": "not a progress file",
            "deep.json": "can't be read (it isn't JSON, or only part of it)",
            "large.json": "not a progress file (too large)",
            "notes.txt": "not a progress file",
            "nothing.json": "empty: no exercise in it, and the course writes no such file",
            "knitting.json": "not this course's exercises: knitting",
            "other course/progress.json": "not this course's exercises: knitting",
        }.items()
    )


def test_names_of_several_groups(room, capsys):
    """The same first name twice is two students; a folder given twice is counted once."""
    put(room / "monday" / "anna" / "progress.json", dice_by_hand=1)
    put(room / "friday" / "anna" / "progress.json", dice_by_hand=-1)
    both = [str(room / "monday"), str(room / "friday"), str(room / "monday")]
    assert cli.main(["progress", *both]) == 0
    said = capsys.readouterr().out
    assert "(2 students)" in said and "monday/anna  1/2" in said and "friday/anna  0/2" in said
    assert cli.main(["progress", str(room)]) == 0
    assert "monday/anna  1/2" in capsys.readouterr().out


def test_a_browsers_second_copy_is_nobody(room, capsys):
    put(room / "anna" / "progress.json", dice_by_hand=1)
    put(room / "anna" / "progress (1).json", dice_by_hand=1)
    put(room / "bo" / "progress(2).json", dice_by_hand=1)
    put(room / "progress (3).json", dice_by_hand=1)
    put(room / "cem.json", dice_by_hand=1)
    put(room / "cem (1).json", dice_by_hand=1)
    put(room / "dora (4).json", dice_by_hand=1)  # who knows: somebody's name
    assert cli.main(["progress", str(room)]) == 0
    table, passed = capsys.readouterr().out.split("Not counted:\n")
    assert "(3 students)" in table and "dora (4)" in table and "cem (1)" not in table
    assert sorted(passed.splitlines()) == sorted(
        f"  {room / name}: {why}"
        for name, why in {
            "anna/progress (1).json": "a browser's second progress.json: remove it or give it a name",
            "bo/progress(2).json": "a browser's second progress.json: remove it or give it a name",
            "progress (3).json": "a browser's second progress.json: remove it or give it a name",
            "cem (1).json": "a browser's second cem.json: remove it or give it a name",
        }.items()
    )


def test_only_what_was_taught_is_shown(room, capsys):
    put(room / "anna" / "progress.json", dice_by_hand=1)
    assert cli.main(["progress", str(room)]) == 0
    said = capsys.readouterr().out
    assert "anna     1/2\n" in said and "one-hot-labels" in said and "tumour-shares" not in said
    assert "Begun by nobody (--all shows them): 02\n" in said
    assert cli.main(["progress", str(room), "--all"]) == 0
    said = capsys.readouterr().out
    assert "anna     1/2  0/1  1/3" in said and "tumour-shares        0      0" in said
    out = room.parent / "two.csv"
    assert cli.main(["progress", str(room), "--lesson", "2", "--csv", str(out)]) == 0
    said = capsys.readouterr().out
    assert "anna     0/1\n" in said and "dice-by-hand" not in said and "Begun by" not in said
    assert (
        out.read_text(encoding="utf-8-sig") == "student,solved,tries,02 tumour-shares\nanna,0,0,\n"
    )
    assert cli.main(["progress", str(room), "--lesson", "1", "--lesson", "02"]) == 0
    assert "anna     1/2  0/1  1/3" in capsys.readouterr().out


def test_an_empty_class(room, capsys):
    assert cli.main(["progress", str(room), "--csv", "none.csv"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("No progress file found: each student's progress.json")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without named pipes")
def test_a_hostile_home_stops_nothing_and_reaches_no_terminal(room, capsys):
    put(room / "anna" / "progress.json", dice_by_hand=1)
    put(room / "=1+1" / "progress.json", dice_by_hand=1)
    put(room / "bo\x1b[2J\n" / "progress.json", dice_by_hand=1, **{"\x1b]0;x\x07": 1})
    for name in ("pipe", "zero", "loop", "folder", "many"):
        (room / name).mkdir()
    os.mkfifo(room / "pipe" / "progress.json")
    (room / "zero" / "progress.json").symlink_to("/dev/zero")
    (room / "loop" / "progress.json").symlink_to("progress.json")
    (room / "folder" / "progress.json").mkdir()
    tries = '{"dice-by-hand": {"done": true, "tries": ' + "9" * 4000 + "}}"
    (room / "many" / "progress.json").write_text(tries, encoding="utf-8")
    os.makedirs(os.fsencode(room) + b"/\xff")
    (room / os.fsdecode(b"\xff") / "progress.json").write_bytes(b"\xef\xbb\xbf{}")
    out = room.parent / "class.csv"
    assert cli.main(["progress", str(room), "--csv", str(out)]) == 0
    said = capsys.readouterr()
    assert "(3 students)" in said.out and "\x1b" not in said.out and "\x07" not in said.out
    assert said.out.count("a pipe or a device") == 2
    assert [line.split(",")[0] for line in out.read_text("utf-8-sig").splitlines()[1:]] == [
        "'=1+1",
        "anna",
        "bo[2J",
    ]


def test_a_home_that_may_not_be_looked_into_is_named(room, capsys, monkeypatch):
    put(room / "anna" / "progress.json", dice_by_hand=1)
    (room / "cem").mkdir()
    scandir = os.scandir

    def refuse(path):
        if os.path.basename(path) == "cem":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert cli.main(["progress", str(room)]) == 0
    said = capsys.readouterr().out
    assert "anna     1/2" in said
    assert said.count("cem: ") == said.count("can't be looked into (Permission denied)") == 1


def test_a_file_in_an_editors_utf_16_is_counted(room, capsys):
    put(room / "anna" / "progress.json", dice_by_hand=1)
    file = room / "anna" / "progress.json"
    file.write_bytes(file.read_text(encoding="utf-8").encode("utf-16"))
    assert cli.main(["progress", str(room)]) == 0
    assert "anna     1/2" in capsys.readouterr().out


def test_names_too_long_or_without_a_letter_have_a_row_each(room, capsys):
    for name in ("x" * 200, "x" * 201, "\u202e", "\u200b\u200b", "@SUM(1)", "+1", "-1", "=\t1"):
        put(room / name / "progress.json", dice_by_hand=1)
    out = room.parent / "class.csv"
    assert cli.main(["progress", str(room), "--csv", str(out)]) == 0
    said = capsys.readouterr().out
    assert "(8 students)" in said and max(map(len, said.splitlines())) < 110
    with out.open(encoding="utf-8-sig", newline="") as file:
        names = [row["student"] for row in csv.DictReader(file)]
    assert len(set(names)) == 8 and not any(name[0] in "=+-@\t" for name in names)


@pytest.mark.parametrize("seed", range(30))
def test_a_mutated_file_is_counted_or_named_and_hides_nobody(room, capsys, seed):
    rng = random.Random(seed)
    put(room / "anna" / "progress.json", dice_by_hand=2)
    put(room / "eve" / "progress.json", dice_by_hand=2, one_hot_labels=-3, tumour_shares=1)
    file = room / "eve" / "progress.json"
    data = bytearray(file.read_bytes())
    for _ in range(rng.randint(1, 4)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    file.write_bytes(data[: rng.randrange(len(data))] if seed % 3 == 0 else data)
    assert cli.main(["progress", str(room), "--csv", str(room.parent / "c.csv")]) == 0
    said = capsys.readouterr()
    assert "anna     1/2" in said.out and said.err == ""
    assert "\neve " in said.out or f"{file}: " in said.out
    assert not any(ord(c) < 32 and c != "\n" for c in said.out)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["class", "nope"], "nope: no such folder. Correct DIR."),
        (["notebooks/01_a.ipynb"], "a file, not a folder"),
        (["class", "--lesson", "9"], "there is no lesson '9'"),
        (["class", "--csv", "x.txt"], "--csv takes a name that ends in .csv"),
        (["class", "--csv", "nope/x.csv"], "no such folder; make it first"),
    ],
)
def test_a_wrong_argument_is_one_message(room, capsys, arguments, words):
    before = sorted(room.parent.rglob("*"))
    assert cli.main(["progress", *arguments]) == 1
    err = capsys.readouterr().err
    assert err.startswith("unet-course: ") and words in err and "Traceback" not in err
    assert sorted(room.parent.rglob("*")) == before
