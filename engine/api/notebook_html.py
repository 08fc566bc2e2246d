"""How results look in a notebook: tables of escaped text, cut where they are long."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import polars as pl

ROWS, COLUMNS, LETTERS = 50, 40, 200  # of a table; of a cell
MOST = 180_000  # letters of a page's part; a notebook keeps each in its file


def facts_html(facts: Mapping[str, Any], *frames: tuple[str, pl.DataFrame]) -> str:
    """Names and values, then frames with their titles; less of the frames where it would be long."""
    cells = ((_text(name), _cell(value)) for name, value in facts.items())
    rows = "".join(
        f"<tr><th style='text-align:left'>{name}</th><td>{value}</td></tr>" for name, value in cells
    )
    parts, left = [f"<table>{rows}</table>"], MOST - len(rows)
    for title, frame in frames:
        if frame.width:
            part = _fitting(title, frame, left)
            parts.append(part)
            left -= len(part)
    return "".join(parts)


def _fitting(title: str, frame: pl.DataFrame, left: int) -> str:
    """A frame's table with as many rows as there is room for."""
    for rows in (ROWS, 10, 3, 0):
        text = _table(title, frame, rows)
        if len(text) <= left:
            return text
    return ""


def _table(title: str, frame: pl.DataFrame, most: int) -> str:
    names = frame.columns[:COLUMNS]
    heads = "".join(f"<th>{_text(name)}</th>" for name in names)
    rows = "".join(
        f"<tr>{''.join(f'<td>{_cell(value)}</td>' for value in row)}</tr>"
        for row in frame.select(names).head(most).iter_rows()
    )
    shown = min(most, frame.height)
    more = f"{frame.height:,} rows" + (f", {shown} of them shown" if shown < frame.height else "")
    more += f"; {len(names)} of {frame.width} columns" if len(names) < frame.width else ""
    return f"<p><b>{_text(title)}</b>, {more}</p><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.6g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else _text(value)


def _text(value: Any) -> str:
    text = str(value)
    return html.escape(text if len(text) <= LETTERS else f"{text[:LETTERS]}...")
