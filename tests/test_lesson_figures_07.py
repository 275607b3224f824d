"""Lesson 07's drawings: each draws what it is given."""

import numpy as np
import pytest

from unet_course.data import brats
from unet_course.showing.lesson_figures import lesson_07


def drawn(fig):
    fig.canvas.draw()
    return fig.axes


@pytest.fixture
def volume():
    rng = np.random.default_rng(7)
    images = np.zeros((24, 22, 16, 4), np.int16)
    images[4:20, 4:18, 2:14] = rng.integers(50, 200, (16, 14, 12, 4))
    labels = np.zeros(images.shape[:3], np.uint8)
    labels[8:16, 8:14, 5:11] = 2
    labels[10:14, 9:13, 6:10] = 1
    labels[11:13, 10:12, 7:9] = 4
    return images, labels


def test_cuts_in_a_row_show_labels_only_where_they_are_given(volume):
    images, labels = volume
    panels = [("plain", images[:, :, 8, 3], None), ("marked", images[:, :, 8, 3], labels[:, :, 8])]
    plain, marked = drawn(lesson_07.cuts_in_a_row(panels, (0, 200), names={1: "core"}))
    assert plain.get_title() == "plain" and marked.get_title() == "marked"
    assert not np.array_equal(plain.images[0].get_array(), marked.images[0].get_array())


def test_modalities_draws_all_four_and_the_labels(volume):
    axes = drawn(lesson_07.modalities(*volume, 8, "LPS"))
    assert [ax.get_title() for ax in axes] == ["T1", "T1ce", "T2", "FLAIR", "labels on FLAIR"]


def test_nested_regions_outlines_all_three(volume):
    images, labels = volume
    picture = images[:, :, 8, 3].astype(np.uint8)
    regions = brats.regions(labels[:, :, 8])
    fig = lesson_07.nested_regions(picture, labels[:, :, 8], regions)
    axes = drawn(fig)
    assert len(axes) == 5 and len(axes[4].collections) == 3
    texts = [text.get_text() for text in fig.legends[0].get_texts()]
    for text, label, region in zip(texts, ("1,", "2,", "4,"), ("TC", "WT", "ET"), strict=True):
        assert label in text and text.endswith(f"other panels: {region}")


def test_a_box_is_drawn_where_it_is(volume):
    images, _ = volume
    box = slice(4, 20), slice(4, 18), slice(2, 14)
    whole = slice(0, 24), slice(0, 22), slice(0, 16)
    coronal, _ = drawn(lesson_07.crop_boxes(images[..., 0], {"whole": whole, "brain": box}, "LPS"))
    sizes = [(patch.get_width(), patch.get_height()) for patch in coronal.patches]
    assert sizes == [(24, 16), (16, 12)]


def test_box_around_adds_a_rim_inside_the_picture():
    mask = np.zeros((10, 10), bool)
    mask[1, 4:6] = True
    assert lesson_07.box_around(mask, 2) == (slice(0, 4), slice(2, 8))


def test_brightness_has_a_line_for_each_case():
    rng = np.random.default_rng(0)
    values = {name: {"as stored": rng.random(50), "z-score": rng.random(50)} for name in "abcdefgh"}
    bins = {"as stored": np.linspace(0, 1, 5), "z-score": np.linspace(0, 1, 5)}
    axes = drawn(lesson_07.brightness(values, bins))
    assert [len(ax.lines) for ax in axes] == [8, 8]
    assert sum(axes[0].lines[0].get_ydata()) == pytest.approx(100)


def test_filtered_scans_draws_each_step_twice(volume):
    picture = volume[0][:, :, 8, 0].astype(float)
    zooms = (slice(None), slice(None)), (slice(4, 12), slice(4, 12))
    axes = drawn(lesson_07.filtered_scans({"a": picture, "b": picture / 2}, picture, (0, 9), zooms))
    assert len(axes) == 6 and axes[2].get_title() == "what was taken away"
