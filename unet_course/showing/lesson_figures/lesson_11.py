"""Drawings of lesson 11: seams, lesion-wise scores, slices 70 to 74, a tumour in 3-D, 2-D against 3-D."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from unet_course.data.layouts import REGIONS
from unet_course.judging.mask_checks import bounding_box
from unet_course.showing import volume_plotting
from unet_course.showing.lesson_figures import surface_view
from unet_course.showing.plotting import PALETTE
from unet_course.showing.volume_plotting import REGION_COLOURS, cut, show_cut, tint

WHITE_FROM = 0.02  # the probability that is drawn white where seams are shown
RULE_MARKS = {"Dice": "o", "2023": "v", "2024": "^"}


def seam_strength(probability: np.ndarray, edges: Sequence[Sequence[int]]) -> float:
    """How much larger the step between neighbouring voxels is at windows' edges than nearby.

    The mean step where a window begins or ends, over the mean step two voxels before and behind it,
    each where anything is in doubt at all (a step above 0.0001). Without seams it is 1 or less. Two
    voxels, since a network that works on blocks of 2 × 2 × 2 has steps of its own.

    Args:
        probability: (x, y, z).
        edges: for each axis, the indices before which a window begins or ends.
    """
    across, nearby = [], []
    for axis, ends in enumerate(edges):
        step = np.abs(np.diff(probability, axis=axis))
        doubt = step > 1e-4
        near = {end + shift for end in ends for shift in (-2, 2)} - set(ends)
        for steps, places in ((across, ends), (nearby, near)):
            at = np.isin(np.arange(1, step.shape[axis] + 1), list(places))
            steps.append(step.compress(at, axis)[doubt.compress(at, axis)])
    return float(np.concatenate(across).mean() / np.concatenate(nearby).mean())


def probability_maps(
    flair: np.ndarray,
    regions: np.ndarray,
    maps: Mapping[str, tuple[np.ndarray, Sequence[Sequence[int]]]],
    index: int,
    orientation: str = "LPS",
) -> Figure:
    """An axial slice with the truth's outlines, and the same slice of several probability maps.

    Orange marks outside a map point at the rows and columns where windows begin or end. Faint
    probabilities are stretched: the scale goes by the square root and is white from 2 % on.

    Args:
        flair: (x, y, z) `uint8`.
        regions: (x, y, z, 3).
        maps: by title, a probability (x, y, z) and the windows' edges along each axis.
        index: of the slice, along the array's own axis.
        orientation: of the array's axes.
    """
    fig = Figure(figsize=(10, 7), layout="constrained")
    axes = fig.subplots(2, 3)
    picture = volume_plotting.outline(
        cut(flair, "axial", index, orientation), cut(regions, "axial", index, orientation), scale=6
    )
    show_cut(axes[0, 0], picture, "FLAIR with the truth's regions")
    norm = PowerNorm(0.5, 0, 100 * WHITE_FROM)
    panels = [*axes[0, 1:], *axes[1, 1:]]
    for ax, (title, (probability, edges)) in zip(panels, maps.items(), strict=True):
        shown = cut(probability, "axial", index, orientation)
        drawn = ax.imshow(100 * shown, cmap="gray", norm=norm, interpolation="nearest")
        _mark_edges(ax, probability.shape, edges, index, orientation)
        ax.set_title(title, fontsize=10)
    axes[1, 0].set_axis_off()
    bar = fig.colorbar(drawn, ax=axes[1, 0], location="top", extend="max", shrink=0.9)
    bar.set_label("probability of WT, %")
    bar.set_ticks([0, 0.1, 0.5, 1, 2])
    axes[1, 0].text(
        0.5, 0.55, "orange marks:\na window begins or ends", ha="center", fontsize=10,
        color="#a06c00", transform=axes[1, 0].transAxes,
    )  # fmt: skip
    return fig


def _mark_edges(ax, shape, edges, index, orientation) -> None:
    for coordinate, ends in zip(np.indices(shape), edges, strict=True):
        plane = cut(coordinate, "axial", index, orientation)
        for along, line in (("x", plane[0]), ("y", plane[:, 0])):
            if line[0] == line[-1]:  # this axis of the array leads elsewhere
                continue
            at = np.flatnonzero(np.isin(np.maximum(line[1:], line[:-1]), ends)) + 0.5
            style = {"color": PALETTE["orange"], "ms": 7, "clip_on": False, "ls": "none"}
            if along == "x":
                ax.plot(at, np.full(len(at), plane.shape[0] + 1.0), "^", **style)
            else:
                ax.plot(np.full(len(at), -2.0), at, ">", **style)
    ax.set_xlim(-0.5, plane.shape[1] - 0.5)
    ax.set_ylim(plane.shape[0] - 0.5, -0.5)
    ax.set_axis_off()


def lesion_scores(scores: pd.DataFrame) -> Figure:
    """Dice and the two lesion-wise scores, a line for each case and region.

    Args:
        scores: index (case, region); columns "Dice", "2023" and "2024".
    """
    fig = Figure(figsize=(7.5, 0.9 + 0.33 * len(scores)), layout="constrained")
    ax = fig.subplots()
    rows = np.arange(len(scores))
    for column, marker in RULE_MARKS.items():
        label = column if column == "Dice" else f"lesion-wise, rule of {column}"
        colours = [REGION_COLOURS[region] for _, region in scores.index]
        area = 190 if marker == "o" else 70  # a circle shows behind both triangles
        ax.scatter(
            scores[column], rows, marker=marker, s=area, c=colours, edgecolors="black", zorder=3
        )
        ax.plot([], [], marker, color="white", mec="black", ms=8, label=label)
    for row, (low, high) in enumerate(zip(scores.min(axis=1), scores.max(axis=1), strict=True)):
        ax.plot([low, high], [row, row], color=PALETTE["grey"], lw=1)
    ax.set_yticks(rows, [f"case {case[-3:]}, {region}" for case, region in scores.index])
    ax.set(xlim=(-0.04, 1.04), xlabel="score", ylim=(len(rows) - 0.4, -0.6))
    ax.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    ax.grid(axis="x", alpha=0.3)
    return fig


def scores_by_pieces(dice: Sequence[float], hd95: Sequence[float]) -> Figure:
    """Dice and HD95 of a prediction's k largest pieces, from the largest alone to all of them.

    Args:
        dice, hd95: for k = 0, 1, … pieces, as `pieces.find_pieces` has them; 0 isn't drawn.
    """
    fig = Figure(figsize=(8, 2.7), layout="constrained")
    kept = np.arange(1, len(dice))
    panels = {"Dice": (dice, PALETTE["blue"]), "HD95, mm": (hd95, PALETTE["vermillion"])}
    for ax, (name, (values, colour)) in zip(fig.subplots(1, 2), panels.items(), strict=True):
        ax.plot(kept, values[1:], marker="o", ms=4, color=colour)
        ax.set(xlabel="pieces kept, the largest ones", ylabel=name)
        ax.set_ylim(*((-0.03, 1.03) if name == "Dice" else (0, 1.1 * max([*values[1:], 1]))))
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.grid(alpha=0.3)
    return fig


def tutorial_slices(
    background: np.ndarray,
    truth: np.ndarray,
    prediction: np.ndarray,
    flair: np.ndarray,
    slices: Sequence[int],
    orientation: str = "LPS",
) -> Figure:
    """Left, slices as tutorial 004 draws them: the background's channel; right, the labels upright.

    Args:
        background: (x, y, z), the predicted background, rounded: 0 or 1.
        truth, prediction: (x, y, z) labels.
        flair: (x, y, z) `uint8`; the pictures are cropped to what isn't 0 in it.
        slices: indices along the axial axis.
        orientation: of the array's axes.
    """
    head = np.argwhere((flair[..., list(slices)] > 0).any(axis=-1))
    box = tuple(
        slice(max(low - 4, 0), high + 5) for low, high in zip(head.min(0), head.max(0), strict=True)
    )
    background, truth, prediction, flair = (v[box] for v in (background, truth, prediction, flair))
    fig = Figure(figsize=(10, 1.9 * len(slices)), layout="constrained")
    axes = fig.subplots(len(slices), 6, squeeze=False)
    for row, k in zip(axes, slices, strict=True):
        row[0].imshow(background[:, :, k], cmap="bone", vmin=0, vmax=1)
        row[1].imshow(truth[:, :, k] == 0, cmap="bone", vmin=0, vmax=1)
        row[2].imshow(flair[:, :, k], cmap="bone")
        brain = cut(flair, "axial", k, orientation)
        for ax, labels in ((row[3], prediction), (row[4], truth)):
            ax.imshow(tint(brain // 2, cut(labels, "axial", k, orientation), strength=0.85))
        row[5].imshow(brain, cmap="gray")
        row[0].set_ylabel(f"slice {k}")
        for ax in row:
            ax.set(xticks=[], yticks=[])
            ax.set_anchor("N")  # titles at one height
    titles = ("prediction", "truth", "brain")
    for ax, title in zip(axes[0], [f"tutorial: {t}" for t in titles] + list(titles), strict=True):
        ax.set_title(title, fontsize=10)
    volume_plotting.colour_legend(fig)
    return fig


def tumour_from_three_sides(
    brain: np.ndarray, labels: Mapping[str, np.ndarray], orientation: str = "LPS"
) -> Figure:
    """A brain as if of glass with WT and TC in it, from the front, the left and above.

    Args:
        brain: (x, y, z) mask.
        labels: by name, (x, y, z) of 0, 1, 2, 4; a row for each.
        orientation: of the arrays' axes.
    """
    box = bounding_box(brain)
    side = max(part.stop - part.start for part in box) + 2

    def cube(volume):
        """The brain's box in the middle of a cube, so that all views are drawn at one scale."""
        small = volume[box]
        ends = [((side - n) // 2, side - n - (side - n) // 2) for n in small.shape]
        return np.pad(small, ends)

    brain = cube(brain)
    fig = Figure(figsize=(8.5, 3.1 * len(labels)), layout="constrained")
    axes = fig.subplots(len(labels), len(surface_view.VIEWS), squeeze=False)
    for row, (name, volume) in zip(axes, labels.items(), strict=True):
        for ax, view in zip(row, surface_view.VIEWS, strict=True):
            picture = surface_view.tumour_view(brain, cube(volume), view, orientation)
            ax.imshow(picture, interpolation="bilinear")
            ax.set_title(f"{name}, from {'the ' if view != 'above' else ''}{view}", fontsize=10)
            ax.set_axis_off()
    return fig


def duel(runs: pd.DataFrame) -> Figure:
    """Dice of WT, TC and ET of each case: 2-D and 3-D runs, their means joined by a line.

    Args:
        runs: columns "case", "axes" (2 or 3) and each region; a line for each run of each case.
    """
    fig = Figure(figsize=(10, 3.2), layout="constrained")
    axes = fig.subplots(1, len(REGIONS), sharey=True)
    cases = sorted(runs["case"].unique())
    styles = {2: ("blue", "o", -0.15), 3: ("vermillion", "s", 0.15)}
    for ax, region in zip(axes, REGIONS, strict=True):
        for place, case in enumerate(cases):
            own = runs[runs["case"] == case]
            means = [own.loc[own["axes"] == rank, region].mean() for rank in styles]
            ax.plot([place - 0.15, place + 0.15], means, color=PALETTE["grey"], lw=1.5, zorder=1)
            for rank, (colour, marker, shift) in styles.items():
                values = own.loc[own["axes"] == rank, region]
                where = np.full(len(values), place + shift)
                label = f"{rank}-D" if place == 0 else None
                ax.plot(where, values, marker, color=PALETTE[colour], ms=6, alpha=0.8, label=label)
        ax.set_title(region, fontsize=11)
        ax.set_xticks(range(len(cases)), cases)
        ax.set(ylim=(-0.04, 1.04), xlabel="case")
    axes[0].set_ylabel("Dice")
    axes[0].legend(frameon=False, fontsize=9, loc="lower left")
    return fig
