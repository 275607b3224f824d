"""The explorer of three planes: its words, its marks, and the voxel under mouse, keys and sliders."""

import numpy as np
import pytest
from explorer import control, inside, move, shown, words

from unet_course.judging import metrics
from unet_course.showing import explorers, volume_plotting
from unet_course.showing.plotting import PREDICTION, TRUTH, rgb
from unet_course.showing.volume_plotting import PLANES, REGION_COLOURS
from unet_course.showing.widget_parts import GAP

AFFINE = np.array([[-2.0, 0, 0, 10], [0, -2, 0, 239], [0, 0, 3, 1], [0, 0, 0, 1]])
CODE = """
import numpy as np
from unet_course.showing import explorers
x, y, z = np.mgrid[:60, :70, :50]
brain = (x - 30) ** 2 + (0.8 * (y - 35)) ** 2 + (1.2 * (z - 25)) ** 2 < 26**2
images = np.where(brain, 100 + x + 2 * y + 3 * z, 0).astype(np.int16)
far = np.sqrt((x - 20) ** 2 + (y - 30) ** 2 + (z - 30) ** 2)
labels = np.select([far < 4, far < 7, far < 11], [1, 4, 2], 0).astype(np.uint8)
probability = np.stack([np.clip(1.5 - far / r, 0, 1) for r in (11, 7, 7)], axis=-1)
explorers.planes(images, labels, probability)
"""


def volume(shape=(40, 50, 30)):
    """A brain with a rim of air, a tumour of all labels off the middle, and a network's idea of it."""
    rng = np.random.default_rng(0)
    images = np.zeros((*shape, 4), np.int16)
    images[3:-3, 4:-4, 2:-2] = rng.integers(50, 200, (shape[0] - 6, shape[1] - 8, shape[2] - 4, 4))
    labels = np.zeros(shape, np.uint8)
    labels[10:24, 14:30, 8:20] = 2
    labels[12:20, 16:26, 10:18] = 4
    labels[12:16, 16:26, 10:18] = 1  # at the core's side, so that TC's outline isn't all ET's
    probability = np.clip(
        0.5 * (labels > 0)[..., None] + 0.4 * rng.random((*shape, 3)).astype(np.float32), 0, 1
    )
    return images, labels, probability


def colour_is_there(picture, colour) -> bool:
    return bool((picture == rgb(colour)).all(-1).any())


def test_it_says_what_is_at_the_voxel_and_where_that_is():
    images, labels, _ = volume()
    explorer = explorers.planes(images, labels, at=(15, 20, 13), affine=AFFINE)
    assert words(explorer) == (
        "FLAIR at x, y, z = 15, 20, 13 (-20, 199, 40 mm to the right, the front, up); "
        "label 1 (necrotic and non-enhancing core)"
    )
    assert "15, 20, 2 " in move(explorer, "z", 2) and "background" in words(explorer)
    assert words(explorer) == move(explorer, "Scan", "T1").replace("T1", "FLAIR")


def test_it_begins_in_the_tumour_and_its_sliders_keep_to_the_brain():
    images, labels, probability = volume()
    explorer = explorers.planes(images, labels)
    at = volume_plotting.fullest_voxel(labels > 0)
    assert [control(explorer, name).value for name in "xyz"] == at
    low, high = control(explorer, "y").min, control(explorer, "y").max
    assert (low, high) == (0, 49)  # 4 voxels of air before and behind
    assert labels[
        tuple(c.value for c in inside(explorers.planes(images, None, probability), "IntSlider"))
    ]
    assert words(explorers.planes(images)).startswith("FLAIR at x, y, z = 20, 25, 15")
    assert len(inside(explorer, "FloatSlider")) == 0  # no threshold without a probability


def test_what_is_marked_is_chosen_in_a_menu():
    images, labels, probability = volume()
    explorer = explorers.planes(images, labels, probability, at=(15, 20, 13))
    move(explorer, "Threshold", 0.75)  # else the two outlines lie on each other
    assert colour_is_there(shown(explorer), PREDICTION) and colour_is_there(shown(explorer), TRUTH)
    menu = control(explorer, "Marked")
    assert menu.options == ("WT", "TC", "ET", "outlines of regions", "labels", "nothing")
    menu.value = "outlines of regions"
    for colour in REGION_COLOURS.values():
        assert colour_is_there(shown(explorer), colour)
    menu.value = "nothing"
    assert not any(colour_is_there(shown(explorer), c) for c in (*REGION_COLOURS.values(), TRUTH))
    alone = control(explorers.planes(images), "Marked")
    assert alone.options == ("nothing",)


@pytest.mark.parametrize("region", [0, 1, 2])
def test_dice_follows_the_threshold_as_metrics_has_it(region):
    images, labels, probability = volume()
    explorer = explorers.planes(images, labels, probability)
    control(explorer, "Marked").value = name = ("WT", "TC", "ET")[region]
    truth = np.isin(labels, {"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)}[name])
    for threshold in (0.29, 0.57, 0.7):
        said = move(explorer, "Threshold", threshold)
        dice = metrics.dice(truth, probability[..., region] >= np.float32(threshold))
        assert said.endswith(f"the volume's Dice at {threshold:.2f}: {dice:.3f}")


@pytest.mark.parametrize("orientation", ["LPS", "RAS", "SLA"])
def test_the_mouse_goes_where_it_points(orientation):
    """A voxel's place in each plane, pressed: the cross is there, and the voxel stays."""
    images, labels, _ = volume()
    explorer = explorers.planes(images, labels, at=(12, 20, 9), orientation=orientation)
    (picture,) = inside(explorer, "PointedPicture")
    height, width = shown(explorer).shape[:2]
    sizes = [volume_plotting.cut(images[..., 0], plane, 0, orientation).shape for plane in PLANES]
    scale = round(height / max(rows for rows, _ in sizes))
    assert width == scale * sum(columns for _, columns in sizes) + 2 * GAP
    left = 0
    for number, (plane, (_, columns)) in enumerate(zip(PLANES, sizes, strict=True), start=1):
        _, _, (row, column), _ = volume_plotting.plane_through(
            images[..., 0], plane, (12, 20, 9), orientation
        )
        place = [(left + (column + 0.5) * scale) / width, (row + 0.5) * scale / height]
        for shift, changes in ((0, 0), (3, 1)):  # in pixels of the slice
            picture.pointed = [place[0] + shift * scale / width, place[1], 2 * number + changes]
            at = [control(explorer, name).value for name in "xyz"]
            assert sum(a != b for a, b in zip(at, (12, 20, 9), strict=True)) == changes, plane
            assert max(abs(a - b) for a, b in zip(at, (12, 20, 9), strict=True)) == 3 * changes
        picture.pointed = [*place, 100 + number]
        left += columns * scale + GAP
    assert picture.answered == 9
    assert words(explorer) == picture.words  # the picture's alternative text


def test_keys_move_in_the_plane_that_was_clicked():
    images, labels, _ = volume()
    explorer = explorers.planes(images, labels, at=(12, 20, 9))
    (picture,) = inside(explorer, "PointedPicture")

    def press(key):
        picture.pressed = [key, picture.answered]
        return [control(explorer, name).value for name in "xyz"]

    assert press("ArrowRight") == [13, 20, 9]  # LPS, axial: to the patient's left, x grows
    assert press("ArrowDown") == [13, 21, 9]
    assert press("PageUp") == [13, 21, 10]
    width = shown(explorer).shape[1]
    picture.pointed = [1 - 5 / width, 0.5, 99]  # the sagittal plane
    y, z = (control(explorer, name).value for name in "yz")
    assert press("ArrowUp") == [13, y, z + 1] and press("PageDown") == [12, y, z + 1]
    for _ in range(60):
        press("ArrowLeft")
    assert control(explorer, "y").value == 0, "it stops at the rim"


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (ValueError, lambda i, m, p: explorers.planes(i[0, 0])),
        (ValueError, lambda i, m, p: explorers.planes(i, m[1:])),
        (ValueError, lambda i, m, p: explorers.planes(i, m, p[..., 0])),
        (ValueError, lambda i, m, p: explorers.planes(i, m, p + 1)),
        (ValueError, lambda i, m, p: explorers.planes(i, names=("T1",))),
        (IndexError, lambda i, m, p: explorers.planes(i, m, at=(1, 2, 30))),
        (IndexError, lambda i, m, p: explorers.planes(i, m, at=(1, 2))),
    ],
)
def test_what_does_not_fit_is_refused(error, call):
    with pytest.raises(error):
        call(*volume())


def test_a_volume_without_brain_is_shown():
    assert "0, background" not in words(explorers.planes(np.zeros((9, 8, 7))))


def test_it_moves_in_a_browser(in_browser):
    explorer = in_browser(CODE)
    explorer.picture.wait_for(timeout=60_000)
    explorer.press("ArrowRight")
    explorer.press("ArrowRight", handle=3)
    box = explorer.picture.bounding_box()
    mouse = explorer.page.mouse
    with explorer.changes():
        mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.4 * box["height"])
        mouse.down()
    clicked = explorer.words
    with explorer.changes():  # dragged
        mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.5 * box["height"], steps=8)
    mouse.up()
    dragged = explorer.words
    assert dragged != clicked
    with explorer.changes():
        explorer.picture.press("ArrowUp")
    assert explorer.picture.get_attribute("alt") == explorer.words != dragged
    explorer.screenshot("planes")
