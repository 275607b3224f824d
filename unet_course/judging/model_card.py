"""A model card in Markdown, of what was measured; the rest is said to be unknown.

The sections follow Mitchell et al. ("Model cards for model reporting", 2019); what is asked under
*Unknown* are points of the checklist CLAIM (Tejani et al., 2024). No patient's name gets into a card.
"""

from __future__ import annotations

import hashlib
import json
import math
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from unet_course.data.layouts import plain
from unet_course.judging import confidence

if TYPE_CHECKING:
    import keras
    import pandas as pd

UNKNOWN = "**unknown**"
FEW = 20  # patients; below, the interval of a mean is much too narrow
ASKED = (
    "Age and sex of the patients, and which were left out and why",
    "Hospitals, scanners, field strengths and sequences, and how others would do",
    "Who drew the masks, by which protocol, and how far two experts agree",
    "That no patient or scan stands on both sides (`splits.assert_no_leak`, `data check`)",
    "On which patients threshold, clean-up and the best epoch were chosen",
    "Scores on another hospital's patients",
    "Scores by tumour size, scanner, age and sex",
    "Licences of the data, and what they allow for weights that were trained on them",
    "Who answers for it, and how a failure is reported",
)


def make_card(
    file: Path,
    model: keras.Model,
    scores: pd.DataFrame | None = None,
    trained_on: dict | None = None,
    judged_on: dict | None = None,
) -> str:
    """Return the card of a network, as Markdown.

    Args:
        file: the `.keras` file that the network was loaded from.
        model: the network.
        scores: a row a patient, a column a metric, NaN where it isn't defined.
        trained_on: the fingerprint of the patients it was trained on (`data.fingerprint`).
        judged_on: the same of the patients with the scores.
    """
    parts = _parts(file, model, scores, trained_on, judged_on)
    return "\n\n".join([f"# Model card: {plain(file.stem)}", *parts])


def shape_text(sides: tuple) -> str:
    """Return a shape as text, such as `any × 128 × 128 × 3`."""
    return " × ".join("any" if side is None else str(side) for side in sides)


def _parts(network: Path, model, table, trained: dict | None, judged: dict | None) -> list[str]:
    return [
        "*Written by `unet-course card` from files. What they don't say is marked as unknown, and is for "
        "those who publish the network to add.*",
        f"## The network\n\n{_network(network, model)}",
        "## What it is for\n\nTo learn from. **Not for clinical use**: nothing here shows that it is safe for "
        f"a patient. Any other use: {UNKNOWN}.",
        f"## Trained on\n\n{_set(trained)}",
        f"## Judged on\n\n{_set(judged)}\n\n{_scores(table)}",
        f"## Limits\n\n{_limits(table, trained, judged)}",
        "## Unknown\n\n" + "\n".join(f"- {what}: {UNKNOWN}" for what in ASKED),
    ]


def _network(file: Path, model) -> str:
    with zipfile.ZipFile(file) as archive:
        saved = json.loads(archive.read("metadata.json"))
    facts = {
        "file": f"{plain(file.name)}, {file.stat().st_size / 1e6:.1f} MB, SHA-256 "
        f"`{hashlib.sha256(file.read_bytes()).hexdigest()}`",
        "saved": f"with Keras {saved.get('keras_version', UNKNOWN)}",
        "input": f"{shape_text(model.input_shape)}, channels last",
        "output": f"{shape_text(model.output_shape)}",
        "parameters": f"{model.count_params():,}",
    }
    return "\n".join(f"- {name}: {value}" for name, value in facts.items())


def _set(found: dict | None) -> str:
    if found is None:
        return f"- which patients, how many, with which sequences: {UNKNOWN}"
    lines = [f"- {found['set']}: {found['cases']} scans of {found['patients']} patients"]
    lines.append(f"- channels: {', '.join(found['channels'])}")
    sides = " × ".join(f"{side:g}" for side in found["shape"]["median"])
    lines.append(
        f"- size: median {sides}"
        + (" voxels, cropped to the brain" if found["axes"] == 3 else " pixels")
    )
    spacing = found["spacing"]
    told = " × ".join(f"{side:g}" for side in spacing["median"]) + " mm" if spacing else UNKNOWN
    lines.append(f"- spacing: {told}")
    for name, numbers in found["classes"].items():
        share = (
            "no masks" if numbers["share"] is None else f"{numbers['share']:.2%} of a scan (median)"
        )
        lines.append(f"- {name}: {share}, missing in {numbers['missing']}")
    return "\n".join(lines)


def _scores(table: pd.DataFrame | None) -> str:
    if table is None:
        return f"Scores: {UNKNOWN}."
    lines = ["| metric | patients | mean | 95 % interval | median | lowest | highest |"]
    lines.append("|---|---|---|---|---|---|---|")
    for name, column in table.items():
        values = column.dropna()
        if values.empty:
            lines.append(f"| {plain(name)} | 0 | – | – | – | – | – |")
            continue
        between = "–"
        if len(values) > 1:
            between = " to ".join(f"{side:.3f}" for side in confidence.interval(values))
        numbers = (values.mean(), values.median(), values.min(), values.max())
        mean, *others = (f"{value:.3f}" for value in numbers)
        head = f"| {plain(name)} | {len(values)} | {mean} | {between} | "
        lines.append(head + " | ".join(others) + " |")
    return "\n".join([*lines, "", "Intervals: bootstrap over patients (Efron, 1979). They cover which patients were "
                      "drawn, not another training run or another hospital."])  # fmt: skip


def _limits(table, trained: dict | None, judged: dict | None) -> str:
    lines = ["- It can only be expected to work on scans like those that it was trained on."]
    if table is not None:
        if len(table) < FEW:
            lines.append(f"- {len(table)} patients are few: their intervals are too narrow.")
        for name, column in table.items():
            if missing := int(column.isna().sum()):
                lines.append(
                    f"- {plain(name)} isn't defined in {missing} of {len(table)} patients."
                )
    if trained and judged and trained["channels"] != judged["channels"]:
        lines.append(
            f"- Trained on {', '.join(trained['channels'])}, judged on {', '.join(judged['channels'])}."
        )
    for name in trained["classes"] if trained else ():
        missing, cases = trained["classes"][name]["missing"], trained["cases"]
        if cases and math.isclose(missing, cases):
            lines.append(f"- {name} was in none of the training scans: it can't have learnt it.")
    return "\n".join(lines)
