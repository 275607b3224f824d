"""Drawings of lesson 07: cuts with labels, nested regions, crops, histograms, filtered scans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import patheffects
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from unet_course.data.layouts import LABELS, MODALITIES, REGIONS
from unet_course.showing import volume_plotting
from unet_course.showing.plotting import CYCLE, PALETTE
from unet_course.showing.volume_plotting import LABEL_COLOURS, REGION_COLOURS


def three_planes(
    image: np.ndarray,
    labels: np.ndarray | None = None,
    at: Sequence[int] | None = None,
    *,
    orientation: str = "LPS",
    spacing: Sequence[float] = (1, 1, 1),
):
    """Return a figure of the three slices through one voxel, with a cross-hair at the voxel.

    Args:
        image: (x, y, z); `uint8` is shown unchanged, other types as `volume_plotting.grey` stretches them.
        labels: (x, y, z), overlaid in colour.
        at: the voxel; None: the slices with most of the labels, or the middle without labels.
        orientation, spacing: the directions of the array's axes, and mm along them.
    """
    image = np.asarray(image) if image.dtype == np.uint8 else volume_plotting.grey(image)
    if at is None:
        at = volume_plotting.fullest_voxel(
            np.zeros(image.shape) if labels is None else labels > 0, orientation
        )
    fig = Figure(figsize=(10, 3.6), layout="constrained")
    for ax, plane in zip(fig.subplots(1, 3), volume_plotting.PLANES, strict=True):
        found = volume_plotting.plane_through(image, plane, at, orientation, spacing)
        picture, index, (row, column), aspect = found
        if labels is not None:
            picture = volume_plotting.tint(
                picture, volume_plotting.cut(labels, plane, index, orientation)
            )
        axis = "xyz"[volume_plotting.normal_axis(plane, orientation)]
        volume_plotting.show_cut(ax, picture, f"{plane}, {axis} = {index}", aspect)
        style = {"color": PALETTE["green"], "linewidth": 0.8, "alpha": 0.9}
        ax.axhline(row, **style)
        ax.axvline(column, **style)
    return fig


def cuts_in_a_row(
    panels: Sequence[tuple[str, np.ndarray, np.ndarray | None]],
    limits: tuple[float, float],
    colours: Mapping[int, str] = LABEL_COLOURS,
    names: Mapping[int, str] | None = None,
) -> Figure:
    """Flat cuts next to each other, all in the same grey scale, with labels over some of them.

    Args:
        panels: title, picture (rows, columns), labels of the same size or None.
        limits: the values that become black and white.
        colours: by label.
        names: by label, for a legend; None: no legend.
    """
    fig = Figure(figsize=(10, 2.9), layout="constrained")
    for ax, (title, picture, labels) in zip(fig.subplots(1, len(panels)), panels, strict=True):
        shown = volume_plotting.grey(picture, limits=limits)
        if labels is not None:
            shown = volume_plotting.tint(shown, labels, colours, strength=0.7)
        volume_plotting.show_cut(ax, shown, title)
    if names:
        fig.legend(
            handles=[Patch(color=colours[label], label=name) for label, name in names.items()],
            loc="outside lower center",
            ncols=len(names),
            fontsize=9,
            frameon=False,
        )
    return fig


def modalities(images: np.ndarray, labels: np.ndarray, index: int, orientation: str) -> Figure:
    """One axial cut in all modalities, and with its labels on the last of them.

    Args:
        images: (x, y, z, modalities).
        labels: (x, y, z).
        index: of the cut.
        orientation: where the arrays' axes lead.
    """
    fig = Figure(figsize=(10, 2.4), layout="constrained")
    axes = fig.subplots(1, images.shape[-1] + 1)
    brain = volume_plotting.cut((images != 0).any(axis=-1), "axial", index, orientation)
    zoom = box_around(brain, 6)
    for channel, name in enumerate(MODALITIES):
        picture = volume_plotting.grey(images[..., channel])
        picture = volume_plotting.cut(picture, "axial", index, orientation)[zoom]
        volume_plotting.show_cut(axes[channel], picture, name)
    marks = volume_plotting.cut(labels, "axial", index, orientation)[zoom]
    volume_plotting.show_cut(axes[-1], volume_plotting.tint(picture, marks), f"labels on {name}")
    volume_plotting.colour_legend(fig)
    return fig


def box_around(mask: np.ndarray, rim: int) -> tuple[slice, slice]:
    """The rows and columns of a flat mask that hold anything, and a rim around them."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return tuple(
        slice(max(int(places[0]) - rim, 0), int(places[-1]) + rim + 1) for places in (rows, columns)
    )


def nested_regions(picture: np.ndarray, labels: np.ndarray, regions: np.ndarray) -> Figure:
    """The labels of a cut, each region filled, and the three regions' outlines in one picture.

    Args:
        picture: (rows, columns), `uint8`.
        labels: (rows, columns).
        regions: (rows, columns, 3), in the order of `layouts.REGIONS`.
    """
    fig = Figure(figsize=(10, 2.4), layout="constrained")
    axes = fig.subplots(1, 5)
    volume_plotting.show_cut(axes[0], volume_plotting.tint(picture, labels, strength=0.8), "labels")
    for i, name in enumerate(REGIONS):
        filled = volume_plotting.tint(
            picture, regions[..., i], {1: REGION_COLOURS[name]}, strength=0.8
        )
        volume_plotting.show_cut(axes[i + 1], filled, name)
    volume_plotting.show_cut(axes[4], picture, "all three, nested")
    for i, name in enumerate(REGIONS):
        lines = axes[4].contour(
            regions[..., i], [0.5], colors=[REGION_COLOURS[name]], linewidths=1.8
        )
        lines.set_path_effects([patheffects.withStroke(linewidth=3, foreground="black")])
    region_of = {colour: name for name, colour in REGION_COLOURS.items()}
    volume_plotting.legend_below(
        fig,
        [
            Patch(
                color=colour,
                label=f"first panel: {label}, {LABELS[label]}\nother panels: {region_of[colour]}",
            )
            for label, colour in LABEL_COLOURS.items()
        ],
    )
    return fig


def crop_boxes(
    image: np.ndarray, boxes: Mapping[str, tuple[slice, slice, slice]], orientation: str
) -> Figure:
    """A coronal and a sagittal cut through the middle, with boxes drawn as frames.

    Args:
        image: (x, y, z).
        boxes: by name, a slice an axis.
        orientation: where the array's axes lead.
    """
    fig = Figure(figsize=(9, 3.4), layout="constrained")
    axes = fig.subplots(1, 2)
    shown = volume_plotting.grey(image)
    for ax, plane in zip(axes, ("coronal", "sagittal"), strict=True):
        index = image.shape[volume_plotting.normal_axis(plane, orientation)] // 2
        volume_plotting.show_cut(ax, volume_plotting.cut(shown, plane, index, orientation), plane)
        for (name, box), colour in zip(boxes.items(), ("vermillion", "sky"), strict=True):
            inside = np.zeros(image.shape, bool)
            inside[box] = True
            rows, columns = box_around(
                volume_plotting.cut(inside, plane, index, orientation), rim=0
            )
            ax.add_patch(
                Rectangle(
                    (columns.start - 0.5, rows.start - 0.5),
                    columns.stop - columns.start,
                    rows.stop - rows.start,
                    fill=False,
                    color=PALETTE[colour],
                    lw=2,
                    label=name,
                )
            )
    fig.legend(
        *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False
    )
    return fig


def brightness(
    values: Mapping[str, Mapping[str, np.ndarray]], bins: Mapping[str, np.ndarray]
) -> Figure:
    """Histograms of the brain's grey values, a panel for each scale and a line for each case.

    Args:
        values: by the case's name, by scale: the values in its brain.
        bins: by scale, the edges of the bins.
    """
    fig = Figure(figsize=(10, 3.3), layout="constrained")
    axes = fig.subplots(1, len(bins))
    for ax, (scale, edges) in zip(axes, bins.items(), strict=True):
        middles = (edges[1:] + edges[:-1]) / 2
        for number, (case, scales) in enumerate(values.items()):
            counts, _ = np.histogram(scales[scale], edges)
            ax.plot(
                middles,
                100 * counts / len(scales[scale]),
                color=CYCLE[number % len(CYCLE)],
                ls="-" if number < len(CYCLE) else "--",
                lw=1.2,
                label=case,
            )
        ax.set_title(scale, fontsize=10)
        ax.set_xlabel("FLAIR, " + ("as in the file" if scale == "as stored" else "no unit"))
    axes[0].set_ylabel("% of the brain's voxels")
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=9, frameon=False)
    return fig


def filtered_scans(
    images: Mapping[str, np.ndarray],
    taken_away: np.ndarray,
    limits: tuple[float, float],
    zooms: Sequence[tuple[slice, slice]],
) -> Figure:
    """A cut after each step, whole and enlarged, and what the steps together took away.

    Args:
        images: by step, (rows, columns).
        taken_away: (rows, columns), the first minus the last.
        limits: the values that become black and white.
        zooms: the rows and columns of the upper and of the lower pictures.
    """
    fig = Figure(figsize=(10, 4.9), layout="constrained")
    axes = fig.subplots(2, len(images) + 1, height_ratios=[1.25, 1])
    pictures = {name: volume_plotting.grey(image, limits=limits) for name, image in images.items()}
    reach = np.percentile(np.abs(taken_away), 99)
    grey = 127.5 + 127.5 * np.clip(taken_away / reach, -1, 1)
    pictures["what was taken away"] = grey.astype(np.uint8)
    for column, (name, picture) in enumerate(pictures.items()):
        for row, zoom in enumerate(zooms):
            title = name if row == 0 else ""
            volume_plotting.show_cut(axes[row, column], picture[zoom], title)
    return fig
