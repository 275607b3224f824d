"""The drawings of lesson 01."""

import numpy as np
import pytest
from scipy import ndimage

from unet_course.showing.lesson_figures import lesson_01, street_scene


@pytest.fixture(scope="module")
def scene():
    return street_scene.draw_street()


def test_four_questions(scene):
    boxes = ndimage.find_objects(scene.instances)
    fig = lesson_01.four_questions(scene.image, scene.labels, scene.instances, boxes)
    assert len(fig.axes) == 4 and len(fig.axes[1].patches) == 3
    fig.canvas.draw()


def test_masks_shrink_as_the_threshold_rises(scene):
    probability = (scene.labels == street_scene.PEDESTRIAN) * 0.6
    fig = lesson_01.threshold_masks(probability, (0.5, 0.7))
    low, high = (np.asarray(fig.axes[i].images[0].get_array()) for i in (1, 2))
    assert low.sum() == 1029 and high.sum() == 0
    fig.canvas.draw()


def test_class_maps_and_the_largest(scene):
    one_hot = (scene.labels[..., None] == np.arange(4)).astype(float)
    fig = lesson_01.class_maps(one_hot, street_scene.CLASSES, cross=(62, 106))
    largest = np.asarray(fig.axes[4].images[0].get_array())
    assert len(np.unique(largest.reshape(-1, 3), axis=0)) == 4
    assert fig.axes[4].lines[0].get_xydata().tolist() == [[106, 62]]
    fig.canvas.draw()


def test_pictures_in_a_row_and_predictions_on_a_slice():
    picture, mask = np.random.default_rng(0).random((2, 16, 16))
    fig = lesson_01.picture_row({"a": picture, "b": np.stack([picture] * 3, -1)})
    assert [ax.get_title() for ax in fig.axes] == ["a", "b"]
    mask = mask > 0.5
    fig = lesson_01.predictions_on_a_slice(picture, mask, {"none": 0 * mask, "all": mask})
    assert [ax.get_title() for ax in fig.axes] == ["none", "all"]
    fig.canvas.draw()


def test_curves_and_steps():
    fig = lesson_01.scores_by_shift(np.arange(3), [1, 0.5, 0], [1, 0.33, 0])
    assert [line.get_label() for line in fig.axes[0].lines] == ["Dice", "IoU"]
    weights, biases = np.array([0.0, 0.5, 0.8]), np.array([0.0, -0.2, -0.3])
    losses = (weights - 1) ** 2 + 0.1
    fig = lesson_01.way_down(weights, biases, losses, lambda w, b: (w - 1) ** 2 + b**2 + 0.1)
    assert len(fig.axes) == 3  # two diagrams and a colour bar
    fig.canvas.draw()
    greys, y = np.array([10, 20, 200, 210]), np.array([0, 0, 1, 1])
    fig = lesson_01.brightness_and_probability(greys, y, np.linspace(0, 1, 256), 128)
    (legend,) = [ax.get_legend() for ax in fig.axes if ax.get_legend()]
    assert len(legend.get_texts()) == 4
    fig.canvas.draw()
