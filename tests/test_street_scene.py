"""The street scene is the same for everybody, and as lesson 01 describes it."""

import numpy as np
import pytest
from scipy import ndimage

from unet_course.showing.lesson_figures import street_scene


def test_the_parts_agree():
    image, labels, instances = street_scene.draw_street()
    assert image.shape == (*labels.shape, 3) and image.dtype == np.uint8
    assert labels.shape == instances.shape and labels.dtype == instances.dtype == np.uint8
    assert np.array_equal(np.unique(labels), range(len(street_scene.CLASSES)))
    assert np.array_equal(instances > 0, labels == street_scene.PEDESTRIAN)


def test_three_pedestrians_in_two_blobs():
    people = street_scene.draw_street().instances
    assert people.max() == 3
    assert all(ndimage.label(people == number)[1] == 1 for number in (1, 3))
    assert ndimage.label(people > 0)[1] == 2


def test_the_seed_changes_the_grain_and_nothing_else():
    one, same, other = (
        street_scene.draw_street(1),
        street_scene.draw_street(1),
        street_scene.draw_street(2),
    )
    assert np.array_equal(one.image, same.image)
    assert not np.array_equal(one.image, other.image)
    assert np.array_equal(one.labels, other.labels)


def test_the_made_up_scores_are_mostly_right_and_wrong_at_the_door():
    labels = street_scene.draw_street().labels
    scores = street_scene.make_up_scores(labels)
    assert scores.shape == (*labels.shape, len(street_scene.CLASSES))
    assert 0.98 < (scores.argmax(-1) == labels).mean() < 1
    assert labels[street_scene.DOOR] == street_scene.BACKGROUND
    assert scores[street_scene.DOOR].argmax() == street_scene.PEDESTRIAN
    assert np.array_equal(scores, street_scene.make_up_scores(labels))


def test_made_up_scores_need_labels_of_the_scene():
    with pytest.raises(ValueError, match=r"\(120, 160\)"):
        street_scene.make_up_scores(np.zeros((10, 10), np.uint8))
