"""Drawings of lesson 00: a tumour in a whole brain, as it is and as a network finds it."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from unet_course.showing import volume_plotting
from unet_course.showing.lesson_figures import surface_view
from unet_course.showing.volume_plotting import LABEL_COLOURS

NAMES = {2: "swelling", 1: "core"}
VIEWS = {"left": "from the left", "above": "from above"}


def refine(mask: np.ndarray) -> np.ndarray:
    """Return a mask on a grid twice as fine, smoothed, so that its edge shows no steps."""
    soft = ndimage.gaussian_filter(np.asarray(mask, np.float32), 1)
    return ndimage.zoom(soft, 2, order=1) > 0.5


def truth_and_prediction_in_3d(
    flair: np.ndarray,
    brain: np.ndarray,
    truth: np.ndarray,
    prediction: np.ndarray,
    orientation: str = "LPS",
):
    """Return a figure of two rows, truth and prediction: a slice, and two views of the brain.

    Args:
        flair: (x, y, z), z-scored; the background is exactly 0.
        brain: (x, y, z) mask.
        truth: (x, y, z) of 0, 1, 2, 4. The core's labels, 1 and 4, share a colour.
        prediction: the same.
        orientation: of the arrays' axes, as `nibabel.aff2axcodes` gives it.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    index = volume_plotting.fullest(truth > 0, "axial", orientation)
    slice_ = volume_plotting.cut(volume_plotting.grey(flair), "axial", index, orientation)
    fig = Figure(figsize=(8.6, 6), layout="constrained")
    rows = {"truth": truth, "prediction": prediction}
    fine_brain = refine(brain)
    for axes, (name, labels) in zip(fig.subplots(2, 3), rows.items(), strict=True):
        labels = np.where(labels == 4, 1, labels)
        flat = volume_plotting.cut(labels, "axial", index, orientation)
        volume_plotting.show_cut(axes[0], volume_plotting.tint(slice_, flat, strength=0.7))
        axes[0].set_title(f"{name}: a slice", fontsize=10)
        fine = np.where(refine(labels == 1), 1, np.where(refine(labels > 0), 2, 0))
        for ax, (view, words) in zip(axes[1:], VIEWS.items(), strict=True):
            picture = surface_view.tumour_view(fine_brain, fine, view, orientation)
            ax.imshow(picture, interpolation="bilinear")
            ax.set_title(f"{name}: {words}", fontsize=10)
            ax.set_axis_off()
        for ax in axes:
            ax.set_anchor("N")  # titles on one line
        axes[0].legend(
            handles=[Patch(color=LABEL_COLOURS[label], label=NAMES[label]) for label in NAMES],
            loc="lower left",
            fontsize=9,
            handlelength=1,
            framealpha=0.9,
        )
    return fig
