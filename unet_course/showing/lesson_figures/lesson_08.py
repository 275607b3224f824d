"""Drawings of lesson 08: 3-D kernels, two U-Nets, memory, patches, normalisation, targets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from unet_course.data.layouts import LABELS
from unet_course.showing.plotting import PALETTE
from unet_course.showing.volume_plotting import LABEL_COLOURS

BLUE, PURPLE, GREEN, GREY = (PALETTE[name] for name in ("blue", "purple", "green", "grey"))
BELOW, SKIP = "#cccccc", PALETTE["green"]  # the two parts of a joined block, as in lesson 04
WRONG = PALETTE["vermillion"]


def draw_tube_and_ball(volume: np.ndarray, response: np.ndarray) -> Figure:
    """Draw the middle slice, the volume cut along z, and the middle slice after the kernel.

    Args:
        volume: (x, y, z).
        response: the same shape; it is shown on a grey scale of its own.
    """
    x, z = volume.shape[0] // 2, volume.shape[2] // 2
    panels = {
        "the middle slice": (volume[:, :, z], "x"),
        "the same volume, cut along z": (volume[x].T, "z"),
        "the middle slice, after the kernel": (response[:, :, z], "x"),
    }
    fig = Figure(figsize=(9.5, 2.5), layout="constrained")
    for ax, (title, (picture, down)) in zip(fig.subplots(1, 3), panels.items(), strict=True):
        ax.imshow(picture, cmap="gray", vmin=0)
        ax.set_title(title, fontsize=10)
        ax.set(xticks=[], yticks=[], xlabel="y, in voxels", ylabel=f"{down}, in voxels")
    return fig


def draw_kernel_places() -> Figure:
    """Draw a kernel of 3 × 3 × 3 at three of its 27 places in a block of 5 × 5 × 5, and the sums."""
    colours = (PALETTE["orange"], PALETTE["sky"], GREEN)
    corners = ((0, 0, 0), (1, 0, 0), (2, 2, 2))
    titles = ("the first place", "one step along x", "the last of 27 places")
    fig = Figure(figsize=(10, 2.9))
    axes = fig.subplots(1, 4, subplot_kw={"projection": "3d"})
    for ax, corner, colour, title in zip(axes, corners, colours, titles, strict=False):
        _draw_cubes(ax, 5, [(corner, 3, colour)], title)
    marks = [(corner, 1, colour) for corner, colour in zip(corners, colours, strict=True)]
    _draw_cubes(axes[3], 3, marks, "the sums: 3 × 3 × 3")
    fig.subplots_adjust(0, 0, 1, 0.9, 0, 0)
    return fig


def _draw_cubes(ax, side: int, marks: Sequence, title: str) -> None:
    """Draw a block of voxels as an empty grid, and cubes in it: (corner, width, colour) each."""
    for a, b in product(range(side + 1), repeat=2):  # the grid's lines, fainter inside
        line = {"color": "black", "lw": 0.7, "alpha": 0.6 if {a, b} <= {0, side} else 0.1}
        ax.plot([a, a], [b, b], [0, side], **line)
        ax.plot([a, a], [0, side], [b, b], **line)
        ax.plot([0, side], [a, a], [b, b], **line)
    for (i, j, k), wide, colour in marks:
        solid = np.zeros((side,) * 3, bool)
        solid[i : i + wide, j : j + wide, k : k + wide] = True
        ax.voxels(solid, facecolors=colour + "b0", edgecolors="#00000060", shade=False)
    ax.set(xlim=(0, 5), ylim=(0, 5), zlim=(0, 5))
    ax.set_title(title, fontsize=10)
    ax.set_box_aspect((1, 1, 1), zoom=1.02)
    ax.set_axis_off()
    ax.view_init(22, -55)


# --- the two U-Nets -----------------------------------------------------------------------------


def draw_u_nets(networks: Mapping[str, tuple[object, int]]) -> Figure:
    """Draw 3-D U-Nets from their layers, one below the other: a cuboid for each feature map.

    Args:
        networks: by title, a Keras model and the axis of its channels. Pooling must be
            `MaxPooling3D`, enlarging `UpSampling3D`, joining `Concatenate`.
    """
    fig = Figure(figsize=(10, 6.6))
    axes = fig.subplots(len(networks), 1, height_ratios=(1, 1.75)[: len(networks)], squeeze=False)
    for ax, (title, (model, axis)) in zip(axes[:, 0], networks.items(), strict=True):
        _draw_u(ax, model, axis)
        ax.set_title(title, fontsize=11, loc="left")
    handles = [
        Patch(fc=BELOW, ec="black", label="made at this level, or enlarged from below"),
        Patch(fc=SKIP, ec="black", label="copied by a skip connection"),
    ]
    fig.legend(handles=handles, loc="lower center", ncols=2, fontsize=9, frameon=False)
    fig.subplots_adjust(0, 0.06, 1, 0.95, 0, 0.12)
    return fig


def _draw_u(ax, model, axis: int) -> None:
    place, level, kept, step, last, below = 0.0, 0, {}, None, None, 0
    for layer in model.layers:
        kind, shape = type(layer).__name__, layer.output.shape
        if kind == "MaxPooling3D":
            kept[level], step, level = last, "down", level + 1
        elif kind == "UpSampling3D":
            step, level, below = "up", level - 1, shape[axis]
        shown = kind in ("InputLayer", "Activation", "Concatenate") or layer is model.layers[-1]
        if not shown:
            continue
        box = {
            "wide": 0.14 + 0.045 * math.sqrt(shape[axis]),
            "high": 1.2 * 0.74**level,
            "deep": 0.26 * 0.74**level,
        }
        place += 0.62
        box |= {"x": place, "y": -2.3 * level - box["high"] / 2}
        _draw_cuboid(ax, box, below / shape[axis] if kind == "Concatenate" else 1)
        middle = box["x"] + box["wide"] / 2
        ax.text(middle, box["y"] - 0.1, shape[axis], ha="center", va="top", fontsize=9)
        if kind == "InputLayer" or step == "down":
            sides = [n for i, n in enumerate(shape) if i not in (0, axis % len(shape))]
            text = " × ".join(map(str, sides))
            at = (box["x"] - 0.2, box["y"] + box["high"] / 2)
            ax.text(*at, text, ha="right", va="center", fontsize=9, weight="bold")
        if kind == "Concatenate":
            _draw_skip(ax, kept[level], box)
        if step:
            _draw_step(ax, last, box, step)
        last, step, place = box, None, place + box["wide"]
    ax.set_aspect("equal")
    ax.axis("off")


def _draw_cuboid(ax, box: dict, share: float) -> None:
    """Draw a cuboid; the first `share` of its width comes from below, the rest from the left."""
    x, y, wide, high, deep = (box[name] for name in ("x", "y", "wide", "high", "deep"))
    parts = [(0, share, BELOW), (share, 1, SKIP)] if share < 1 else [(0, 1, BELOW)]
    for left, right, colour in parts:
        a, b = x + left * wide, x + right * wide
        ax.fill([a, b, b, a], [y, y, y + high, y + high], fc=colour, ec="black", lw=0.7)
        top = y + high
        ax.fill(
            [a, a + deep, b + deep, b],
            [top, top + deep, top + deep, top],
            fc=colour,
            ec="black",
            lw=0.7,
            alpha=0.75,
        )
    edge = x + wide
    ax.fill(
        [edge, edge + deep, edge + deep, edge],
        [y, y + deep, y + high + deep, y + high],
        fc=parts[-1][2],
        ec="black",
        lw=0.7,
        alpha=0.55,
    )


def _draw_skip(ax, source: dict, target: dict) -> None:
    """Draw the arrow of a skip connection: up from the one block, across, down to the other."""
    start = source["x"] + source["wide"] / 2 + source["deep"]
    end = target["x"] + target["wide"] + target["deep"] / 2
    low = source["y"] + source["high"] + source["deep"]
    line = low + 0.42
    ax.plot([start, start, end], [low, line, line], color=SKIP, lw=1.6)
    arrow = {"arrowstyle": "-|>", "color": SKIP, "lw": 1.6, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", (end, low), (end, line), arrowprops=arrow)


def _draw_step(ax, source: dict, target: dict, step: str) -> None:
    """Draw the arrow of a pooling (down) or of an enlarging (up), clear of the channels' counts."""
    middle = target["x"] + target["wide"] / 2
    if step == "down":
        start = (source["x"] + source["wide"] + 0.34, source["y"] - 0.12)
        end = (middle + target["deep"] / 2, target["y"] + target["high"] + target["deep"] + 0.05)
    else:
        top = source["y"] + source["high"] + source["deep"]
        start = (source["x"] + source["wide"] / 2 + source["deep"], top + 0.05)
        end = (target["x"] - 0.12, target["y"] - 0.1)
    arrow = {"arrowstyle": "-|>", "color": "black", "lw": 1.3, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", end, start, arrowprops=arrow)


# --- numbers ------------------------------------------------------------------------------------


def draw_losses(curves: Mapping[float, Sequence[float]]) -> Figure:
    """Draw a loss over steps, a line for each learning rate."""
    fig = Figure(figsize=(6.5, 2.8), layout="constrained")
    ax = fig.subplots()
    for (rate, values), colour in zip(curves.items(), (BLUE, PURPLE), strict=True):
        name = f"{rate:.5f}".rstrip("0")
        ax.plot(range(1, len(values) + 1), values, color=colour, lw=2, label=f"rate {name}")
    ax.set(xlabel="step", ylabel="binary cross-entropy", ylim=(0, None))
    ax.legend(frameon=False)
    return fig


def draw_shares(activations: Sequence[float], parameters: Sequence[float]) -> Figure:
    """Draw which share of a network's activations and of its parameters each level has."""
    fig = Figure(figsize=(7.5, 2.8), layout="constrained")
    ax = fig.subplots()
    places = np.arange(len(activations))
    ax.barh(places - 0.2, activations, 0.38, color=BLUE, label="activations")
    ax.barh(places + 0.2, parameters, 0.38, color=PURPLE, label="parameters")
    ax.set_yticks(places, [f"level {i}" for i in places])
    ax.invert_yaxis()
    ax.xaxis.set_major_formatter("{x:.0%}")
    ax.set(xlim=(0, 1), xlabel="share of the whole network's")
    ax.legend(frameon=False)
    return fig


def draw_memory(
    here: Mapping[str, tuple[float, float]],
    full: tuple[float, float],
    limits: Mapping[str, float],
) -> Figure:
    """Draw the memory of a training step, by arithmetic and measured, small cubes and full volume.

    Args:
        here: by the cube's name, GB by arithmetic and measured, both on top of the smallest step.
        full: the same for the full volume, on top of TensorFlow alone.
        limits: by name, GB to draw as lines next to the full volume.
    """
    fig = Figure(figsize=(9.5, 3.1), layout="constrained")
    left, right = fig.subplots(1, 2, width_ratios=(1.6, 1))
    _draw_pairs(left, list(here.values()))
    left.set_xticks(range(len(here)), list(here))
    left.set(ylabel="GB above a step on 16³", xlabel="voxels of the cube, measured on this page")
    left.legend(frameon=False, loc="upper left")
    _draw_pairs(right, [full])
    right.set_xticks([0], ["144 × 224 × 224"])
    right.set(
        ylabel="GB above TensorFlow alone", xlabel="full volume, another machine", xlim=(-2.3, 0.7)
    )
    for name, gb in limits.items():
        right.axhline(gb, color=GREY, lw=1, ls=":")
        right.text(-2.25, gb + 0.15, name, fontsize=9, color="#555555")
    return fig


def _draw_pairs(ax, pairs: Sequence[tuple[float, float]]) -> None:
    places = np.arange(len(pairs))
    ax.bar(places - 0.2, [a for a, _ in pairs], 0.38, color=BLUE, label="by arithmetic")
    ax.bar(places + 0.2, [b for _, b in pairs], 0.38, color=GREEN, label="measured")


def draw_patches(
    outlines: Mapping[str, Sequence[int]], memory: Mapping[str, float], whole_gb: float
) -> Figure:
    """Draw the outlines of blocks of voxels, all with one centre, and the memory of a step on each.

    Args:
        outlines: by name, the sides (x, y, z) in voxels; the largest first.
        memory: by name, GB of a training step.
        whole_gb: GB of a step on the whole crop, drawn as a line.
    """
    fig = Figure(figsize=(10, 3.6), layout="constrained")
    above, front, bars = fig.subplots(1, 3)
    colours = (GREY, "black", PURPLE, BLUE, GREEN)
    for ax, (across, up), title in (
        (above, (0, 1), "seen from above"),
        (front, (0, 2), "seen from the front"),
    ):
        for (name, sides), colour in zip(outlines.items(), colours, strict=False):
            corner = (-sides[across] / 2, -sides[up] / 2)
            box = Rectangle(corner, sides[across], sides[up], fill=False, ec=colour, lw=2)
            box.set_label(name)
            ax.add_patch(box)
        ax.set(xlim=(-125, 125), ylim=(-125, 125), aspect="equal")
        ax.set_title(title, fontsize=10)
        ax.axis("off")
    handles, names = front.get_legend_handles_labels()
    fig.legend(
        handles, names, loc="upper left", bbox_to_anchor=(0, 0), ncols=5, fontsize=9, frameon=False
    )
    bars.barh(list(memory), list(memory.values()), color=BLUE)
    bars.axvline(whole_gb, color="black", lw=1.2)
    bars.text(whole_gb - 0.2, len(memory) - 1, "004's crop", ha="right", va="center", fontsize=9)
    bars.set_xlabel("GB of a step, network of 004")
    return fig


def draw_partners(seen: Mapping[str, Mapping[str, np.ndarray]]) -> Figure:
    """Draw one patient's profile along x, a panel for each normalisation, a line for each partner.

    Args:
        seen: by normalisation and then by partner, (x, y, z, 1) normalised values.
    """
    fig = Figure(figsize=(8.5, 2.9), layout="constrained")
    axes = fig.subplots(1, len(seen), sharey=True)
    for ax, (kind, profiles) in zip(axes, seen.items(), strict=True):
        styles = zip((BLUE, GREEN, PURPLE), ("-", "--", ":"), strict=True)
        for (name, values), (colour, line) in zip(profiles.items(), styles, strict=True):
            y, z = values.shape[1] // 2, values.shape[2] // 2
            ax.plot(values[:, y, z, 0], line, color=colour, lw=2.4, label=name)
        ax.set_title(f"{kind} normalisation", fontsize=10)
        ax.set_xlabel("voxel along x")
    axes[0].legend(frameon=False, fontsize=9)
    axes[0].set_ylabel("normalised value")
    return fig


# --- targets ------------------------------------------------------------------------------------


def draw_targets(labels: np.ndarray, one_hot: np.ndarray, regions: np.ndarray) -> Figure:
    """Draw a slice's labels, its four one-hot channels and its three regions.

    Args:
        labels: (x, y), of 0, 1, 2, 4.
        one_hot: (x, y, 4).
        regions: (x, y, 3): WT, TC, ET.
    """
    fig = Figure(figsize=(10, 4.3), layout="constrained")
    axes = fig.subplots(2, 5)
    for ax in axes.flat:
        ax.axis("off")
    colours = ListedColormap(["black", *LABEL_COLOURS.values()])
    axes[0, 0].imshow(np.searchsorted((0, 1, 2, 4), labels), cmap=colours, vmin=0, vmax=3)
    axes[0, 0].set_title("labels", fontsize=10)
    rows = (
        (axes[0, 1:], one_hot, ["0: background"] + [f"{n}" for n in LABEL_COLOURS]),
        (axes[1, 1:4], regions, ["WT: 1, 2 or 4", "TC: 1 or 4", "ET: 4"]),
    )
    for places, channels, names in rows:
        for ax, channel, name in zip(places, np.moveaxis(channels, -1, 0), names, strict=True):
            ax.imshow(channel, cmap="gray", vmin=0, vmax=1)
            ax.set_title(name, fontsize=10)
    for ax, name in ((axes[0, 1], "four channels\nfor a softmax"), (axes[1, 1], "three sigmoids")):
        ax.text(-0.05, 0.5, name, rotation=90, ha="right", va="center", transform=ax.transAxes)
    handles = [
        Patch(color=colour, label=f"{n}: {LABELS[n]}") for n, colour in LABEL_COLOURS.items()
    ]
    fig.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
        ncols=3,
        fontsize=9,
        frameon=False,
    )
    return fig


def draw_heads(
    probabilities: Mapping[str, tuple[np.ndarray, np.ndarray, Sequence[str]]], kinds: Sequence[str]
) -> Figure:
    """Draw tables of probabilities; what is over 0.2 from its target gets a frame.

    Args:
        probabilities: by title: (kinds, channels) probabilities, the target, the channels' names.
        kinds: names of the rows.
    """
    fig = Figure(figsize=(10, 2.9), layout="constrained")
    axes = fig.subplots(1, len(probabilities))
    for ax, (title, (values, target, names)) in zip(axes, probabilities.items(), strict=True):
        ax.imshow(values, cmap="gray", vmin=0, vmax=1, aspect="auto")
        for (row, column), value in np.ndenumerate(values):
            ink = "black" if value > 0.45 else "white"
            ax.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=9, color=ink)
            if abs(value - target[row, column]) >= 0.2:
                corner = (column - 0.46, row - 0.46)
                ax.add_patch(Rectangle(corner, 0.92, 0.92, fill=False, ec=WRONG, lw=2))
        ax.set_xticks(range(len(names)), names)
        ax.set_yticks(range(len(kinds)), kinds if ax is axes[0] else [""] * len(kinds))
        ax.tick_params(length=0)
        ax.set_title(title, fontsize=10)
    return fig
