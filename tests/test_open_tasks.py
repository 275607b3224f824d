"""Open tasks and quizzes: the verdicts, what is recorded, and how an autograder sees them."""

import json

import numpy as np
import pytest

from unet_course import exercises
from unet_course.commands import doctor
from unet_course.exercises import open_tasks, solved
from unet_course.exercises.choices import Question, judge_choice
from unet_course.exercises.verdict import Wrong, close

QUIZ = {
    "q1": Question(
        "b", {"a": "That is the IoU.", "b": "Twice the overlap.", "c": "That is recall."}
    ),
    "q2": Question("a", {"a": "Yes: it is.", "b": "No: it isn't.", "c": "Nor is this."}),
}


def deeper(evidence):
    """A check as a lesson has it: what the student measured, and what was predicted."""
    close(evidence["field"], 44, "depth 3", mistakes=[(18, "that is depth 2")])
    if "neighbours" not in evidence["why"]:
        raise Wrong("the reason isn't told", "What does a pixel see?")
    true = "came true" if evidence["prediction"] == 44 else "didn't come true"
    return f"a deeper network sees more. Your prediction {true}."


@pytest.fixture(autouse=True)
def course(monkeypatch, user):
    """One open task, one exercise, one quiz; nothing predicted."""
    monkeypatch.setattr(exercises, "checks", lambda: {"deeper": deeper, "half": deeper})
    monkeypatch.setattr(exercises, "tasks", lambda: {"deeper"})
    monkeypatch.setattr(exercises, "quizzes", lambda: {"03": QUIZ})
    monkeypatch.setattr(open_tasks, "predicted", {})
    monkeypatch.setattr(open_tasks, "concluded", {})
    monkeypatch.setattr(exercises, "_choices", {})
    return user


def predict(capsys, value, name="deeper"):
    assert exercises.predict(name, value) is None
    return capsys.readouterr().out


def conclude(capsys, name="deeper", **evidence):
    assert exercises.conclude(name, **evidence) is None
    return capsys.readouterr().out


GOOD = {"field": 44, "why": "more neighbours"}

# --- open tasks -----------------------------------------------------------------------------------


def test_a_fresh_page_is_blank_and_records_nothing(capsys, user):
    assert predict(capsys, ...) == "○ no prediction yet\n"
    assert predict(capsys, {"A": ..., "B": 1}) == "○ no prediction yet\n"
    said = conclude(capsys, field=..., why="because")
    assert said == "○ not attempted yet (a ... is left in field)\n"
    said = conclude(capsys, field={"A": [1, ...]}, why=...)
    assert said == "○ not attempted yet (a ... is left in field, why)\n"
    assert solved.read() == {} and list(user.iterdir()) == []


def test_predict_run_conclude(capsys):
    assert predict(capsys, 44) == "Your prediction: 44. It is recorded.\n"
    said = conclude(capsys, **GOOD)
    assert said == "✓ deeper: a deeper network sees more. Your prediction came true.\n"
    assert solved.read()["deeper"] == {"done": True, "tries": 1, "prediction": "44"}


def test_a_prediction_that_is_not_offered_is_not_recorded(capsys, monkeypatch):
    monkeypatch.setattr(exercises, "predictions", lambda: {"deeper": (44, 92)})
    assert predict(capsys, 45) == "○ no prediction yet: choose one of 44, 92; you gave 45\n"
    assert solved.read() == {}
    assert predict(capsys, "92") == "Your prediction: '92'. It is recorded.\n"


def test_a_conclusion_needs_a_prediction(capsys):
    said = conclude(capsys, **GOOD)
    assert said.startswith("✗ deeper: predict first\n  Hint: ")
    assert "can't be wrong" in said


def test_the_first_prediction_counts_and_a_change_of_mind_is_kept(capsys, monkeypatch):
    predict(capsys, 18)
    assert predict(capsys, 18) == "Your prediction: 18. It is recorded.\n"
    said = predict(capsys, 44)
    assert said.startswith("Your first prediction was 18, and it is the one that counts.")
    assert "change of mind is recorded, too: 44." in said
    monkeypatch.setattr(open_tasks, "predicted", {})  # the next day
    assert predict(capsys, 44).startswith("Your first prediction was 18")
    assert "didn't come true" in conclude(capsys, **GOOD)
    entry = solved.read()["deeper"]
    assert (entry["prediction"], entry["changed_to"]) == ("18", "44")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (np.float32(0.5), 0.5),
        (np.array([1, 2]), [1, 2]),
        (("A", "B"), ["A", "B"]),
        ({"A": "shifted", "B": {"n": 1}}, {"A": "shifted", "B": {"n": 1}}),
        ({2, 1}, [1, 2]),
        ("braces { and } and \"quotes\" \\ ½", "braces { and } and \"quotes\" \\ ½"),
        (True, True),
        (0, 0),
        (np.zeros(500), "an array of shape (500,), float64"),
        (print, "<built-in function print>"),
        ("x" * 9999, "'" + "x" * 96 + "…"),
    ],
)  # fmt: skip
def test_any_prediction_can_be_kept(capsys, given, kept):
    assert predict(capsys, given).startswith("Your prediction: ")
    assert predict(capsys, given).endswith("It is recorded.\n"), "the same is no change of mind"
    assert solved.read_prediction("deeper") == kept


def test_a_circle_is_no_prediction_but_no_error(capsys):
    circle = {1: 2}
    circle["self"] = [1]
    assert "recorded" in predict(capsys, circle)


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        ({"field": 18, "why": "neighbours"}, "Hint: that is depth 2"),
        ({"field": 44, "why": "magic"}, "What does a pixel see?"),
        ({"field": 44}, "the check also needs `why=`"),
        ({"field": 44, "why": 3}, "can't use what it was given (TypeError"),
        ({"field": "a", "why": "b"}, "expected"),
        ({"field": None, "why": "b"}, "you gave None"),
    ],
)
def test_what_is_wrong_is_said(capsys, evidence, words):
    predict(capsys, 44)
    said = conclude(capsys, **evidence)
    assert said.startswith("✗ deeper: ") and words in said
    assert solved.read()["deeper"]["done"] is False and solved.read()["deeper"]["tries"] == 1


def test_what_the_check_prints_and_warns_of_is_kept_back(capsys, monkeypatch):
    def loud(evidence):
        print("inside")
        np.float64(1) / 0
        raise Wrong("no")

    monkeypatch.setattr(exercises, "checks", lambda: {"deeper": loud})
    predict(capsys, 1)
    said = conclude(capsys, field=1)
    assert said.startswith("✗ deeper: no\n") and "divide by zero" in said and "inside" in said


def test_stop_passes_through(capsys, monkeypatch):
    def stopped(evidence):
        raise KeyboardInterrupt

    monkeypatch.setattr(exercises, "checks", lambda: {"deeper": stopped})
    predict(capsys, 1)
    with pytest.raises(KeyboardInterrupt):
        exercises.conclude("deeper", field=1)


def test_unknown_names_are_told(capsys):
    for said in (predict(capsys, 1, name="deepr"), conclude(capsys, name="deepr", field=1)):
        assert said.startswith("✗ there is no open task called 'deepr'; did you mean 'deeper'?")
    assert "half is an exercise" in conclude(capsys, name="half", field=1)
    exercises.check("deeper", lambda x: x)
    assert "deeper is an open task" in capsys.readouterr().out
    assert solved.read() == {}


def test_without_a_folder_a_prediction_counts_for_the_session(capsys, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    monkeypatch.setenv("UNET_COURSE_USER", str(tmp_path / "file"))
    said = predict(capsys, 44)
    assert "It counts until this notebook's kernel stops." in said and "recorded" not in said
    assert "first prediction was 44" in predict(capsys, 18)
    assert conclude(capsys, **GOOD).startswith("✓")


def test_a_damaged_file_keeps_its_predictions(user, capsys):
    predict(capsys, {"A": "a { brace"})
    solved.record("half", True)
    text = (user / solved.FILE).read_text(encoding="utf-8")
    (user / solved.FILE).write_text("<<<<<<<\n" + text, encoding="utf-8")
    assert "damaged" in solved.record("other", True)
    assert solved.read_prediction("deeper") == {"A": "a { brace"}
    assert solved.read()["half"]["done"]
    entry = {"done": True, "tries": 1, "prediction": "[" * 99_999}
    (user / solved.FILE).write_text(json.dumps({"deeper": entry}), encoding="utf-8")
    assert solved.read()["deeper"] == {"done": True, "tries": 1}


# --- quizzes --------------------------------------------------------------------------------------


def test_a_quiz_answers_each_question(capsys):
    exercises.quiz("03", q1=..., q2=...)
    assert capsys.readouterr().out == "○ q1: not answered yet\n○ q2: not answered yet\n"
    assert solved.read() == {}
    exercises.quiz(3, q1="A ", q2="a")
    assert capsys.readouterr().out == "✗ q1 (a): That is the IoU.\n✓ q2 (a): Yes: it is.\n"
    exercises.quiz("03", q1="b")
    assert "✓ q1 (b)" in capsys.readouterr().out
    assert solved.read() == {
        "03-q1": {"done": True, "tries": 2},
        "03-q2": {"done": True, "tries": 1},
    }


def test_odd_choices_are_told_and_count_nothing(capsys):
    exercises.quiz("03", q1="d", q2=["a"], q9="a")
    said = capsys.readouterr().out.splitlines()
    assert said[0] == '✗ q1: choose one of "a", "b" or "c"; you gave \'d\''
    assert "you gave ['a']" in said[1] and "no question q9; the quiz has q1 or q2" in said[2]
    exercises.quiz("9", q1="a")
    assert capsys.readouterr().out.startswith("✗ lesson '9' has no quiz")
    assert solved.read() == {}


def test_a_question_needs_a_right_choice_and_a_wrong_one():
    for right, why in (("d", {"a": "x", "b": "y"}), ("a", {"a": "x"})):
        with pytest.raises(ValueError, match="others are needed"):
            Question(right, why)
    assert judge_choice(QUIZ, "q1", "c").mark == "✗"


# --- the autograder, the doctor -------------------------------------------------------------------


def test_grade_goes_by_what_this_session_concluded(capsys, user):
    with pytest.raises(AssertionError, match="conclude wasn't run"):
        exercises.grade("deeper")
    solved.record_prediction("deeper", 18)  # another student's, who was graded before
    exercises.conclude("deeper", **GOOD)
    with pytest.raises(AssertionError, match="predict first"):
        exercises.grade("deeper")
    exercises.predict("deeper", 44)
    exercises.grade("deeper")
    exercises.conclude("deeper", field=18, why="neighbours")
    with pytest.raises(AssertionError, match="you gave 18"):
        exercises.grade("deeper")


def test_grade_takes_a_question_of_a_quiz(capsys):
    with pytest.raises(AssertionError, match="○ q1"):
        exercises.grade("03-q1")
    exercises.quiz("03", q1="b", q2="c")
    exercises.grade("03-q1")
    with pytest.raises(AssertionError, match="Nor is this"):
        exercises.grade("03-q2")


def test_the_doctor_counts_the_three_kinds(capsys, monkeypatch):
    monkeypatch.setattr(exercises, "questions", lambda: ["03-q1", "03-q2"])
    exercises.predict("deeper", 1)
    exercises.quiz("03", q1="b", q2="b")
    tried = solved.read()
    assert doctor._counted(["03-q1", "03-q2"], tried) == {
        "all": 2,
        "done": ["03-q1"],
        "tried": ["03-q2"],
    }
    assert doctor._counted(["deeper"], tried)["tried"] == ["deeper"]
