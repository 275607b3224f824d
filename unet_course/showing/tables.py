"""Tables in a lesson's page: numbers rounded, the worst value of a column marked."""

from __future__ import annotations

import html
import numbers
from collections.abc import Mapping

import pandas as pd


def show(
    frame: pd.DataFrame,
    *,
    digits: int | Mapping[str, int] = 2,
    worst: Mapping[str, str] | None = None,
    caption: str = "",
) -> None:
    """Display a table, as HTML in a page and as plain text elsewhere.

    Args:
        frame: the index becomes the first column; a missing value is shown as "–".
        digits: decimals of numbers that aren't whole, for all columns or by column.
        worst: `{column: "lowest" or "highest"}`: this value is set in bold and followed by a ▼
            or ▲, so that it stands out without colour too.
        caption: a line above the table.

    Raises:
        ValueError: a column of `worst` that the table doesn't have, or another word.
    """
    from IPython.display import display

    worst = dict(worst or {})
    for column, which in worst.items():
        if column not in frame.columns or which not in ("lowest", "highest"):
            raise ValueError(
                f"worst takes a column and 'lowest' or 'highest', got {column!r}: {which!r}"
            )
    text = pd.DataFrame(index=frame.index)
    for column in frame.columns:
        decimals = digits if isinstance(digits, int) else digits.get(column, 2)
        text[column] = [_text(value, decimals) for value in frame[column]]
    marked = text.map(html.escape)
    for column, which in worst.items():
        values = pd.to_numeric(frame[column], errors="coerce")
        if values.nunique() > 1:
            extreme, sign = (values.min(), "▼") if which == "lowest" else (values.max(), "▲")
            here = (values == extreme).to_numpy()
            text.loc[here, column] += f" {sign}"
            marked.loc[here, column] = "<b>" + marked.loc[here, column] + f" {sign}</b>"
    marked.index = marked.index.map(lambda name: html.escape(str(name)))
    page = marked.to_html(escape=False, border=0)
    if caption:
        page = page.replace(">\n", f">\n  <caption>{html.escape(caption)}</caption>\n", 1)
    plain = (f"{caption}\n" if caption else "") + text.to_string()
    display({"text/html": page, "text/plain": plain}, raw=True)


def _text(value: object, decimals: int) -> str:
    if pd.isna(value):
        return "–"
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return str(value)
    return f"{value:,}" if isinstance(value, numbers.Integral) else f"{value:,.{decimals}f}"
