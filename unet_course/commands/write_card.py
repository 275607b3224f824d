"""`unet-course card`: a network's model card, from its file, scores by patient and fingerprints."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from unet_course import storage
from unet_course.commands.export_model import load_network
from unet_course.commands.output_files import check_output_path, writing
from unet_course.judging.model_card import make_card

LARGEST = 2**24  # bytes of a file of scores
TOO_LITTLE = (
    "{file}: no scores by patient in it; give JSON {{patient: {{metric: number}}}} or a CSV"
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
    text = make_card(network, model, table, *sets)
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
