"""`unet-course card`: a model card in Markdown, of what was measured; the rest is said to be unknown.

The sections follow Mitchell et al. ("Model cards for model reporting", 2019); what is asked under
*Unknown* are points of the checklist CLAIM (Tejani et al., 2024). No patient's name gets into a card.
"""

from __future__ import annotations

import hashlib
import json
import math
import zipfile
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from unet_course import storage
from unet_course.commands.export_model import load_network, shape_text
from unet_course.commands.output_files import check_output_path, writing
from unet_course.data.layouts import plain
from unet_course.judging import confidence

LARGEST = 2**24  # bytes of a file of scores
UNKNOWN = "**unknown**"
FEW = 20  # patients; below, the interval of a mean is much too narrow
TOO_LITTLE = (
    "{file}: no scores by patient in it; give JSON {{patient: {{metric: number}}}} or a CSV"
)
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


def write_card(
    network: Path,
    out: Path,
    scores: Path | None = None,
    trained_on: Path | None = None,
    judged_on: Path | None = None,
) -> str:
    """Write the card of a network's file, and return it.

    Args:
        network: a `.keras` file.
        out: what to write; ends in `.md`.
        scores: of each patient, JSON or CSV (`read_scores`).
        trained_on: a folder of patients, or a fingerprint that `unet-course plan` wrote.
        judged_on: the same of the patients with the scores.

    Raises:
        OSError: a file is missing or can't be written.
        ValueError: a file isn't what it should be; the message names it and the cure.
    """
    check_output_path(out, (".md",))
    table = read_scores(scores) if scores else None
    model = load_network(network)
    sets = [fingerprint_of(path) if path else None for path in (trained_on, judged_on)]
    text = "\n\n".join(
        [f"# Model card: {plain(network.stem)}", *_parts(network, model, table, *sets)]
    )
    with writing(out):
        storage.write_text(out, text + "\n")
    return text


def read_scores(file: Path) -> pd.DataFrame:
    """Read scores by patient: a row a patient, a column a metric, NaN where it isn't defined.

    JSON is `{patient: {metric: number}}`, alone or under `"patients"` as the benchmarks' `--json`
    writes it; CSV has a patient's name in its first column and a metric in every other.

    Raises:
        OSError: the file can't be read.
        ValueError: there are no scores by patient in it, or a score is no number.
    """
    if file.stat().st_size > LARGEST:
        raise ValueError(f"{file}: has more than {LARGEST:,} bytes; name a file of scores")
    try:
        text = file.read_text(encoding="utf-8-sig")
        if file.suffix == ".json":
            found = json.loads(text)
            rows = found.get("patients", found)
            flat = {k: v if isinstance(v, dict) else {"score": v} for k, v in rows.items()}
            table = pd.DataFrame.from_dict(flat, orient="index")
        else:
            separator = ";" if ";" in text.partition("\n")[0] else ","
            table = pd.read_csv(StringIO(text), sep=separator, index_col=0)
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise ValueError(f"{TOO_LITTLE.format(file=file)} ({type(error).__name__})") from error
    if table.empty:
        raise ValueError(TOO_LITTLE.format(file=file))
    if twice := sorted(set(table.index[table.index.duplicated()].astype(str))):
        raise ValueError(
            f"{file}: a patient comes twice: {', '.join(twice[:3])}; keep one row each"
        )
    try:
        table = table.astype(float)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{file}: a score is no number ({error}); keep columns of numbers"
        ) from error
    if np.isinf(table).any(axis=None):
        raise ValueError(f"{file}: a score is infinite; leave it empty where it isn't defined")
    return table


def fingerprint_of(path: Path) -> dict:
    """Return the fingerprint of a folder, or read one from a file. Raises OSError, ValueError."""
    from unet_course.data import fingerprint

    if not path.is_dir():
        return fingerprint.read(path)
    found = fingerprint.of_folder(path)
    if len(found) > 1:
        raise ValueError(f"{path} holds slices and volumes: name the folder of one of them")
    return found[0]


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
