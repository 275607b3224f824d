"""Explorers: what a lesson lets the reader change, one file each; the picture follows.

A lesson writes `from unet_course.showing import explorers` and ends a cell with `explorers.NAME(…)`.
Each returns a box with one picture, its controls, and as its last child a label that says in words
what the picture shows: ipywidgets' pictures have no alternative text. A saved page can't run them;
the site shows pictures that `tools/site_sliders.py` took of them.
"""

from __future__ import annotations

from unet_course.showing.explorers.augmentation import augmentation
from unet_course.showing.explorers.clean_up import clean_up
from unet_course.showing.explorers.copier import copier
from unet_course.showing.explorers.epochs import epochs
from unet_course.showing.explorers.one_pixel import one_pixel
from unet_course.showing.explorers.paint import paint
from unet_course.showing.explorers.planes import planes
from unet_course.showing.explorers.receptive_field import receptive_field
from unet_course.showing.explorers.threshold import threshold

__all__ = [
    "augmentation",
    "clean_up",
    "copier",
    "epochs",
    "one_pixel",
    "paint",
    "planes",
    "receptive_field",
    "threshold",
]
