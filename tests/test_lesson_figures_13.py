"""Lesson 13's drawings: each draws what it is given. And its STAPLE is SimpleITK's."""

import ast
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from lesson_files import LESSONS, code_cells

from unet_course.showing.lesson_figures import lesson_13


def drawn(fig):
    fig.canvas.draw()
    return fig.axes


def test_cuts_keep_their_proportions():
    cut = np.arange(12.0).reshape(3, 4)
    axes = drawn(lesson_13.cuts({"thick": (cut, 5), "square": (cut, 1), "empty": (0 * cut, 1)}))
    assert [ax.get_title() for ax in axes] == ["thick", "square", "empty"]
    assert axes[0].get_aspect() == 5 and axes[1].get_aspect() == 1


def test_outlines_zoom_to_the_tumour():
    image, wide, tight = (np.zeros((64, 64), np.uint8) for _ in range(3))
    wide[20:31, 40:51], tight[22:29, 42:49] = 1, 1
    (ax,) = drawn(lesson_13.outlines([image], [{"wide": wide, "tight": tight}], ["a"], rim=5))
    assert ax.get_xlim() == (35, 55) and ax.get_ylim() == (35, 15)


def test_agreement_and_ceiling_have_a_dot_for_each_patient():
    table = pd.DataFrame({"pixels": [10, 1000], "Dice": [0.7, 0.9], "surface Dice": [0.8, 0.75]})
    left, right = drawn(lesson_13.agreement_by_size(table))
    assert list(left.lines[0].get_ydata()) == [0.7, 0.9]
    assert list(right.lines[0].get_ydata()) == [0.8, 0.75]
    hands, network = pd.Series({"a": 0.8, "b": 0.9}), pd.Series({"b": 0.5, "a": 0.7})
    (ax,) = drawn(lesson_13.ceiling(hands, network))
    assert list(ax.lines[1].get_ydata()) == [0.7, 0.5]


def test_transfer_has_a_dot_for_each_run_and_a_line_through_the_means():
    runs = pd.DataFrame(
        {
            "start": ["synthetic"] * 3 + ["random"] * 2,
            "trained_on": [0, 4, 4, 4, 4],
            "dice": [0.5, 0.6, 0.8, 0.1, 0.3],
        }
    )
    (ax,) = drawn(lesson_13.transfer(runs))
    assert list(ax.lines[0].get_ydata()) == pytest.approx([0.5, 0.7])
    assert list(ax.lines[3].get_ydata()) == [0.1, 0.3]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0", "4"]


def test_hospitals_join_each_patients_two_scores():
    table = pd.DataFrame({"hospital": ["X", "Y", "Y"], "without": [0.4, 0.5, 0.6], "with": 0.7})
    (ax,) = drawn(lesson_13.hospitals(table))
    assert list(ax.lines[0].get_ydata()) == [0.4, 0.7]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["X (1)", "Y (2)"]


def test_power_has_a_line_for_each_difference():
    curves = pd.DataFrame({0.02: [0.1, 0.6], 0.05: [0.5, 1.0]}, index=[10, 100])
    (ax,) = drawn(lesson_13.power(curves))
    assert list(ax.lines[1].get_ydata()) == [0.5, 1.0]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["0.02", "0.05"]


def test_profile_is_the_middle_cut_with_the_top_of_the_head_up():
    volume = np.zeros((4, 20, 10), np.uint8)
    volume[0, :, 3:7], volume[3, 8:12, 3:7] = 200, 90  # the neck is wider than the top here
    left, right = drawn(lesson_13.profile(volume, spacing=2))
    assert left.images[0].get_array()[0].max() == 90 and left.images[0].get_array()[3].max() == 200
    assert right.images[0].get_array()[3].all()


def raters_and_staple():
    """Three outlines of one tumour, and the lesson's function."""
    (lesson,) = [path for path in LESSONS if path.name.startswith("13")]
    names = {"np": np}
    for cell in code_cells(lesson):
        if cell.id == "staple":
            (function,) = [n for n in ast.parse(cell.source).body if isinstance(n, ast.FunctionDef)]
            exec(compile(ast.unparse(function), "<staple>", "exec"), names)
    rng = np.random.default_rng(13)
    truth = np.hypot(*np.mgrid[-8:9, -8:9]) < 5
    return [truth ^ (rng.random(truth.shape) < share) for share in (0.02, 0.08, 0.2)], names[
        "staple"
    ]


def test_the_lessons_staple_is_simpleitks():
    """What SimpleITK 2.5.7's STAPLEImageFilter gave for these three outlines."""
    masks, staple = raters_and_staple()
    probability, sensitivity, specificity = staple(masks)
    np.testing.assert_allclose(sensitivity, SENSITIVITY, atol=2e-4)
    np.testing.assert_allclose(specificity, SPECIFICITY, atol=2e-4)
    assert int((probability >= 0.5).sum()) == MARKED


@pytest.mark.skipif(not find_spec("SimpleITK"), reason="needs `uv run --group staple`")
def test_simpleitk_itself_agrees_with_the_lessons_staple():
    import SimpleITK

    masks, staple = raters_and_staple()
    images = [SimpleITK.GetImageFromArray(mask.astype(np.uint8)) for mask in masks]
    theirs = SimpleITK.GetArrayFromImage(SimpleITK.STAPLE(images))
    np.testing.assert_allclose(staple(masks)[0], theirs, atol=1e-5)


SENSITIVITY, SPECIFICITY = [0.92393, 0.87207, 0.71527], [1.0, 0.91051, 0.83486]
MARKED = 77
