"""Text from data as output: whatever it holds, it stays on its line, in its cell, in its folder."""

from __future__ import annotations

import csv
import io
import unicodedata

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.text import FORMULA, as_sheet, file_name, lines, one_line, sheet_cell, shortened

ANY = st.text(st.characters(codec=None), max_size=40)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("AAPL", "AAPL"),
        ("BRK.B", "BRK.B"),
        ("A[/X]", "A[/X]"),
        ("a\nb", "a\\nb"),
        ("a\tb\r", "a\\tb\\r"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("nul\x00", "nul\\x00"),
        ("\x9bc1", "\\x9bc1"),
        ("a\u2028b", "a\\u2028b"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\ufeffA", "\\ufeffA"),
        ("株式 ÄÖÜ 🚀", "株式 ÄÖÜ 🚀"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("\ud800", "\\ud800"),
        ("back\\slash", "back\\slash"),
    ],
)
def test_what_cannot_be_seen_is_written(text: str, shown: str) -> None:
    assert one_line(text) == shown


@given(ANY)
def test_a_line_is_one_line_of_what_can_be_seen(text: str) -> None:
    shown = one_line(text)
    assert len(shown.splitlines()) <= 1 and not {"Cc", "Cs", "Zl", "Zp"} & {
        unicodedata.category(c) for c in shown
    }
    assert one_line(shown) == shown
    assert shown.encode() is not None  # which half characters would not let it
    assert lines(text).split("\n") == [one_line(line) for line in text.split("\n")]
    assert len(shortened(text, 12)) <= 12


@pytest.mark.parametrize(
    "text",
    [
        "=CMD|' /C calc'!A0",
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        " =1",
        "\t=1",
        "\n=1",
        "\r@x",
        "\uff1d1",
        "-",
        "=",
    ],
)
def test_a_formula_is_text(text: str) -> None:
    assert sheet_cell(text) == "'" + one_line(text)


@given(
    st.lists(
        st.tuples(
            ANY.filter(lambda text: max(text, default="") < "\ud7ff"), st.floats(allow_nan=False)
        ),
        max_size=8,
    )
)
def test_a_sheet_has_a_row_a_row_and_no_formula(rows: list[tuple[str, float]]) -> None:
    table = pl.DataFrame(rows, schema={"=name": pl.String, "value": pl.Float64}, orient="row")
    text = as_sheet(table.lazy()).collect().write_csv()
    assert len(text.splitlines()) == len(rows) + 1
    read = list(csv.reader(io.StringIO(text)))
    assert read[0] == ["'=name", "value"]
    assert [(cell, float(value)) for cell, value in read[1:]] == [
        (sheet_cell(cell), value) for cell, value in rows
    ]
    assert not any(FORMULA.match(cell) for cell, _ in read[1:])


@given(ANY, ANY)
def test_names_of_files_are_of_their_folder_and_apart(one: str, other: str) -> None:
    for name in (file_name(one), file_name(one, unique=True)):
        assert (
            not set('/\\\0\n:*?"<>|') & set(name)
            and not name.startswith((".", "-"))
            and len(name.encode()) < 150
        )
    assert one == other or file_name(one, unique=True) != file_name(other, unique=True)


def test_names_of_files_stay_what_they_are_where_they_can() -> None:
    assert file_name("BRK.B", unique=True) == "BRK.B" and file_name("株式", unique=True) == "株式"
    assert file_name("Ünïcödé 研究/🚀") == "Ünïcödé-研究"
