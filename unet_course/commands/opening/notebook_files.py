"""Notebooks as they come from other people's editors and disks: read, mended, or rescued in part."""

from __future__ import annotations

import codecs
import json
import warnings
from pathlib import Path

import nbformat
import nbformat.reader

LARGEST = 100_000_000  # bytes; with its outputs a lesson has about one million
MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def read_text(path: Path) -> str:
    """Return a text file's content, whichever Unicode encoding an editor has saved it in.

    Raises:
        OSError: the file can't be read.
        ValueError: it is no text, or larger than `LARGEST`.
    """
    if not path.is_file():
        raise ValueError("no regular file")
    if path.stat().st_size > LARGEST:
        raise ValueError(f"larger than {LARGEST / 1e6:.0f} MB")
    data = path.read_bytes()
    return data.decode(next((MARKS[mark] for mark in MARKS if data.startswith(mark)), "utf-8"))


def parse(text: str) -> nbformat.NotebookNode:
    """Return the notebook of any format that a text holds, in format 4; each cell has an id.

    Raises:
        ValueError: it isn't one, or a part has another type than all that read notebooks expect.
    """
    try:
        content = json.loads(text)
        if not isinstance(content, dict) or not isinstance(content.get("nbformat"), int):
            raise ValueError("it has no nbformat")
        if not isinstance(content.get("metadata"), dict):
            content["metadata"] = {}
        cells, known = content.get("cells", []), {None}
        if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
            raise ValueError("its cells aren't a list of cells")
        for number, cell in enumerate(cells):
            cell.setdefault("metadata", {})
            if cell.get("id") in known:  # none in older files, another cell's if copied by hand
                cell["id"] = f"cell-{number}"
            known.add(cell["id"])
        whole = json.dumps(content, ensure_ascii=False)
        # half of a pair of UTF-16 can't be written again
        whole = whole.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        with warnings.catch_warnings(action="ignore"):  # about ids, which are mended
            notebook = nbformat.convert(nbformat.reader.reads(whole), 4)
        for number, cell in enumerate(notebook.cells):
            if cell.cell_type == "code":
                cell.setdefault("outputs", [])
                cell.setdefault("execution_count", None)
            lists = cell.metadata.get("tags", []), cell.get("outputs", [])
            if not isinstance(cell.source, str) or not all(isinstance(one, list) for one in lists):
                raise ValueError(f"cell {number}")
            about = [
                cell,
                *cell.get("outputs", []),
            ]  # extensions' own notes, which no schema checks
            for notes in (one.get("metadata", {}) for one in about):
                for name in [n for n in notes if n == "slideshow" or "/" in n]:
                    if not isinstance(notes[name], dict):
                        del notes[name]
            cell.setdefault("id", f"cell-{number}")
        notebook.nbformat_minor = max(5, notebook.nbformat_minor)
    except (Exception, RecursionError) as error:  # nbformat's own errors have no class in common
        raise ValueError(str(error).strip().partition("\n")[0][:100]) from error
    return notebook


def rescue(text: str) -> nbformat.NotebookNode | None:
    """Return a notebook of the cells that stand before the place where a text is cut or damaged."""
    cells, place = [], text.find('"cells"')
    place = text.find("[", place) + 1 if place >= 0 else 0
    decoder = json.JSONDecoder()
    while place:
        rest = len(text) - len(text[place:].lstrip(" \r\n\t,"))
        try:
            cell, place = decoder.raw_decode(text, rest)
            cells.append(cell)
        except (ValueError, RecursionError):
            break
    whole = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
    try:
        return parse(json.dumps(whole)) if cells else None
    except ValueError:
        return None
