"""Text files as people have them: read right, or one message that names the line, the text and the option that reads it."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.archive.archive import Archive
from engine.archive.ingest.import_options import ImportOptions
from engine.archive.ingest.importer import import_bars
from engine.archive.ingest.recognise import InPlaceOptions, init_in_place
from engine.archive.reference.corporate_actions import read_actions
from engine.archive.vendor_files import text_blocks
from engine.archive.vendor_files import text_pieces as text_module
from engine.archive.vendor_files.source_columns import FILE_NAME
from engine.archive.vendor_files.source_options import SourceOptions
from engine.archive.vendor_files.text_blocks import TextOptions
from engine.archive.vendor_files.text_pieces import text_pieces
from engine.archive.vendor_files.unread import as_number, option_of, time_forms
from engine.errors import ArchiveError, BarImportError, BarsweepError
from engine.schema import BAR_SCHEMA
from tests.cli.barsweep import Barsweep
from tests.data import PROJECT

ALL = list(BAR_SCHEMA)
HEAD = "symbol,timestamp,open,high,low,close,volume"
ROWS = [f"AAA,2018-03-13T13:3{minute}:00Z,10.5,11,10,10.75,100" for minute in range(5)]


def written(folder: Path, content: str | bytes, name: str = "bars.csv") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def imported(
    tmp_path: Path,
    content: str | bytes,
    name: str = "bars.csv",
    zone: str | None = None,
    **text: object,
) -> pl.DataFrame:
    """The bars of an import of one file of minutes."""
    reading = SourceOptions(timezone=zone, text=TextOptions(**text))  # type: ignore[arg-type]
    import_bars(
        [written(tmp_path / "source", content, name)],
        tmp_path / "archive",
        ImportOptions(label="open", reading=reading),
    )
    archive = Archive.open(tmp_path / "archive")
    return pl.concat([archive.read_session(date, ALL) for date in archive.sessions()])


def in_place(
    tmp_path: Path,
    content: str | bytes,
    ending: str = "csv",
    zone: str | None = None,
    **text: object,
) -> pl.DataFrame:
    """The bars of the same file where it is read in place."""
    folder = tmp_path / "in place"
    written(folder, content, f"2018-03-13.{ending}")
    archive = init_in_place(
        folder, folder, InPlaceOptions("open", timezone=zone, text=TextOptions(**text))
    )  # type: ignore[arg-type]
    return Archive.open(folder).read_session(archive.sessions()[0], ALL)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    return imported(tmp_path_factory.mktemp("plain"), "\n".join([HEAD, *ROWS]))


def lines(*rows: str, head: str = HEAD) -> str:
    return "\n".join([head, *rows]) + "\n"


# content, options of a text -> the bars of `plain`
READABLE = {
    "excel's first line": ("sep=,\n" + lines(*ROWS), {}),
    "excel's first line, semicolons": (
        "sep=;\r\n" + lines(*ROWS).replace(",", ";").replace("\n", "\r\n"),
        {},
    ),
    "blank lines before and after": ("\n\n" + lines(*ROWS) + "\n\n", {}),
    "a byte order mark": ("\ufeff" + lines(*ROWS), {}),
    "UTF-16, as Excel's Unicode text": (lines(*ROWS).replace(",", "\t").encode("utf-16"), {}),
    "returns alone": (lines(*ROWS).replace("\n", "\r"), {}),
    "blanks after commas": (lines(*ROWS).replace(",", ", "), {}),
    "lines before the header": ("Data of ACME\nSymbol: AAA\n\n" + lines(*ROWS), {"skip_lines": 3}),
    "a title of one column more": ("# a,b,c,d,e,f,g,h\n" + lines(*ROWS), {"skip_lines": 1}),
    "no header": ("\n".join(ROWS), {"names": tuple(HEAD.split(","))}),
    "no header, lines before": (
        "note\n" + "\n".join(ROWS),
        {"names": tuple(HEAD.split(",")), "skip_lines": 1},
    ),
    "latin-1": (
        lines(*ROWS, head=HEAD + ",näme").replace(",100\n", ",100,é\n").encode("latin-1"),
        {"encoding": "latin-1"},
    ),
    "thousands and currencies": (
        lines(*(row.replace(",100", ',"1,00"').replace("10.5,", "$10.5,") for row in ROWS)),
        {"strip": "$,"},
    ),
    "decimal commas": (lines(*ROWS).replace(",", ";").replace(".", ","), {"decimal_comma": True}),
    "notes of many words before the header": (
        "# made by somebody on some day of some year\n# in New York, or so\n" + lines(*ROWS),
        {"skip_lines": 2},
    ),
    "blanks between columns": (lines(*ROWS).replace(",", " "), {}),
    "quoted": (lines(*(",".join(f'"{cell}"' for cell in row.split(",")) for row in ROWS)), {}),
}


@pytest.mark.parametrize("name", READABLE)
def test_what_is_written_otherwise_gives_the_same_bars(
    name: str, plain: pl.DataFrame, tmp_path: Path
) -> None:
    content, options = READABLE[name]
    assert imported(tmp_path, content, **options).equals(plain)  # type: ignore[arg-type]
    assert in_place(tmp_path, content, **options).equals(plain)  # type: ignore[arg-type]


def with_number(column: int, number: str) -> str:
    rows = [row.split(",") for row in ROWS]
    rows[2][column] = f'"{number}"' if "," in number else number
    return lines(*map(",".join, rows))


# content -> what the message says of it
REFUSED = {
    "thousands": (with_number(2, "1,234.50"), ["open is '1,234.50' in row 3", "--strip ','"]),
    "a currency": (with_number(5, "$12"), ["close is '$12' in row 3", "--strip '$'"]),
    "both": (with_number(4, "$1,234.50"), ["low is '$1,234.50' in row 3", "--strip '$,'"]),
    "a decimal comma": (with_number(3, "12,5"), ["high is '12,5' in row 3", "--decimal-comma"]),
    "a comma that may be either": (
        with_number(6, "1,234"),
        ["volume is '1,234' in row 3", "--strip ','", "1234", "--decimal-comma", "1.234"],
    ),
    "no number at all": (
        lines(*(row.replace("10.75", "1x") for row in ROWS)),
        ["close is '1x' in row 1", "--column close=NAME"],
    ),
    "no header": (
        "\n".join(ROWS),
        ["no header: line 1 is 'AAA,2018-03-13T13:30:00Z,10.5,", "--header symbol,timestamp"],
    ),
    "a preamble": (
        "Data of ACME\nSymbol: AAA\n" + lines(*ROWS),
        ["line 1 is no header: 'Data of ACME'", "--skip-lines 2", HEAD],
    ),
    "a comment before few rows": (
        "# one\n# two\n# three\n" + lines(ROWS[0]),
        ["line 1 is no header: '# one'", "--skip-lines 3", HEAD],
    ),
    "no header, blanks": (
        "EURUSD 20231115 093000 1.1 1.1 1.1 1.1 0\n" * 3,
        ["no header: line 1 is 'EURUSD 20231115", "--header"],
    ),
    "a volume in millions": (
        lines(*ROWS).replace(",100\n", ",31.5M\n"),
        ["volume is '31.5M' in row 1", "a number"],
    ),
    "latin-1": (
        lines(*ROWS, head=HEAD + ",name").replace(",100\n", ",100,\xe9\n").encode("latin-1"),
        ["line 2 is no utf-8 text (byte 0xe9)", "--encoding", "latin-1"],
    ),
    "a thousand comma without quotes": (
        lines(*ROWS).replace("10.75", "1,234.5"),
        ["line 2 has 8 fields", "expected 7", "quote"],
    ),
    "a time of no known form": (
        lines(*ROWS).replace("2018-03-13T13:3", "week 11 of 2018, "[:15] + "-"),
        ["in row 1 cannot be read as a time", "--time-format"],
    ),
    "an empty file": ("", ["no rows"]),
    "a header of a header": (("x," * 6 + "x\n") * 3, ["no column for open"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_told_once_and_right(name: str, tmp_path: Path) -> None:
    """By the line or the row, the text and the option; nothing is written."""
    content, told = REFUSED[name]
    for read in (imported, in_place):
        with pytest.raises(BarsweepError) as refused:
            read(tmp_path, content)  # type: ignore[arg-type]
        message = str(refused.value)
        assert all(part in message for part in told), message
        assert "bars.csv" in message or "2018-03-13.csv" in message
        assert (
            len(message.splitlines()) == 1
            and "fetch the file again" not in message
            and "so few" not in message
        )
    assert not (tmp_path / "archive/archive.json").exists()


def test_following_the_advice_for_a_list_without_header_loses_no_bar(
    barsweep: Barsweep, tmp_path: Path, plain: pl.DataFrame
) -> None:
    source = written(tmp_path / "source", "\n".join(ROWS))
    command = (
        "archive",
        "import",
        source,
        "--archive",
        tmp_path / "archive",
        "--label",
        "open",
        "--quiet",
    )
    first = barsweep(*command, "--column", "open=10.5")
    assert first.status == 2 and "no header" in first.err and "--header" in first.err
    done = barsweep(*command, "--header", HEAD)
    assert done.status == 0, done.err
    archive = Archive.open(tmp_path / "archive")
    assert archive.read_session(archive.sessions()[0], ALL).equals(plain)
    written(tmp_path / "source", lines(*ROWS))
    again = barsweep(*command, "--header", HEAD)
    assert (
        again.status == 2 and "line 1 is no row" in again.err and "leave --header out" in again.err
    )


TIMES = (
    "20180313 09:30:00 US/Eastern",
    "20180313 09:30",
    "03/13/2018 09:30",
    "13-Mar-2018 09:30",
    "13-Mar-2018 09:30:00 AM",
)


@pytest.mark.parametrize("first", TIMES)
def test_times_as_text_are_read_or_told_with_their_form(first: str, tmp_path: Path) -> None:
    """Without --time-format they are read right, or refused by row, text and form; with the form that is told they are read right."""
    rows = [
        f"AAA,{first.replace('09:30', f'09:3{minute}')},10.5,11,10,10.75,100" for minute in range(5)
    ]
    forms = [form for form in time_forms(first) if not form.startswith("%d/")]
    wanted = dt.datetime(2018, 3, 13, 13, 30, tzinfo=dt.UTC)
    try:
        assert imported(tmp_path, lines(*rows), zone="America/New_York")["timestamp"][0] == wanted
    except BarImportError as error:
        assert (
            f"{first!r} in row 1" in str(error)
            and "--time-format" in str(error)
            and forms[0] in str(error)
        )
    (form,) = forms
    reading = SourceOptions(timezone="America/New_York", time_format=form)
    source = written(tmp_path / "source", lines(*rows))
    import_bars(
        [source], tmp_path / "other", ImportOptions(label="open", interval="1m", reading=reading)
    )
    archive = Archive.open(tmp_path / "other")
    assert archive.read_session(dt.date(2018, 3, 13), ALL)["timestamp"][0] == wanted


def test_a_few_rows_without_a_value_are_put_aside_and_not_the_file(tmp_path: Path) -> None:
    """Text without a digit is a missing value, and so is what nobody writes; the rest of the file is read."""
    content = lines(
        *ROWS,
        *(
            f"AAA,2018-03-13T14:0{n}:00Z,{word},11,10,10.75,100"
            for n, word in enumerate(("N/A", "-", "null", "1.5x"))
        ),
        "Total,,,,,,500",
    )
    assert len(imported(tmp_path, content)) == 5


@pytest.mark.parametrize(
    "content",
    [
        lines(*ROWS).replace(",100\n", "\n").replace(",volume", ""),
        lines(*ROWS).replace(",100\n", ",\n"),
        lines(*ROWS).replace(",100\n", ", \n"),
    ],
)
def test_a_source_without_volumes(
    content: str, plain: pl.DataFrame, barsweep: Barsweep, tmp_path: Path
) -> None:
    """Is told of, and read where that is declared, imported and in place."""
    source = written(tmp_path / "source", content, "2018-03-13.csv")
    imports = (
        "archive",
        "import",
        source,
        "--archive",
        tmp_path / "archive",
        "--label",
        "open",
        "--quiet",
    )
    in_place = (
        "archive",
        "init",
        tmp_path / "source",
        "--archive",
        tmp_path / "in place",
        "--label",
        "open",
        "--quiet",
    )
    for command in (imports, in_place):
        refused = barsweep(*command)
        assert refused.status == 2 and (
            "--no-volume" in refused.err or "5 missing volume" in refused.err
        ), refused.err
        done = barsweep(*command, "--no-volume")
        assert done.status == 0, done.err
        found = Archive.open(command[command.index("--archive") + 1]).read_session(
            dt.date(2018, 3, 13), ALL
        )  # type: ignore[arg-type]
        assert found.equals(plain.with_columns(volume=pl.lit(0.0)))


def test_ticks_are_told_of(tmp_path: Path) -> None:
    rows = [
        f"AAA,2018-03-13T13:30:{second:02d}.{second}00Z,10,10,10,10,1" for second in range(1, 9)
    ]
    with pytest.raises(BarImportError) as refused:
        imported(tmp_path, lines(*rows))
    assert "0m" not in str(refused.value) and (
        "second" in str(refused.value) or "minute" in str(refused.value)
    )


# -- the hour that a clock tells twice


def fall_back(both: bool) -> tuple[str, list[dt.datetime]]:
    """The minutes of the night of 2018-11-04 in New York from 00:30 to 02:29, on the wall clock, and what they are in UTC."""
    start = dt.datetime(2018, 11, 4, 4, 30, tzinfo=dt.UTC)
    moments = [start + dt.timedelta(minutes=minute) for minute in range(180)]
    if not both:  # the source has the hour once, as it was first
        moments = [moment for moment in moments if not dt.time(6) <= moment.time() < dt.time(7)]
    rows = []
    for moment in moments:
        hours = 4 if moment < dt.datetime(2018, 11, 4, 6, tzinfo=dt.UTC) else 5
        wall = (moment - dt.timedelta(hours=hours)).replace(tzinfo=None)
        rows.append(f"BTC,{wall},10,10,10,10,{moment.minute + 1}")
    return lines(*rows), moments


@pytest.mark.parametrize(("repeated", "both"), [("order", True), ("earlier", False)])
def test_the_hour_that_a_clock_tells_twice(repeated: str, both: bool, tmp_path: Path) -> None:
    content, moments = fall_back(both)
    source = written(tmp_path / "source", content)
    with pytest.raises(BarImportError) as refused:
        import_bars(
            [source],
            tmp_path / "archive",
            ImportOptions(
                label="open", exchange="24/7", reading=SourceOptions(timezone="America/New_York")
            ),
        )
    assert (
        "2018-11-04 01:00:00 in row 31 is a time that the clock of America/New_York tells twice"
        in str(refused.value)
    )
    assert "--repeated-hour" in str(refused.value)
    reading = SourceOptions(timezone="America/New_York", repeated_hour=repeated)
    import_bars(
        [source],
        tmp_path / "archive",
        ImportOptions(label="open", exchange="24/7", reading=reading),
    )
    archive = Archive.open(tmp_path / "archive")
    assert archive.read_session(dt.date(2018, 11, 4), ALL)["timestamp"].to_list() == moments


def test_an_hour_that_a_clock_skips_is_of_another_zone(tmp_path: Path) -> None:
    rows = [f"BTC,2018-03-11 02:{minute}:00,10,10,10,10,1" for minute in range(10, 20)]
    with pytest.raises(
        BarImportError,
        match=r"2018-03-11 02:10:00 in row 1 is a time that the clock of America/New_York skips.*--timezone",
    ):
        imported(tmp_path, lines(*rows), zone="America/New_York")


# -- packed


def packed(**texts: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in texts.items():
            file.writestr(name, text)
    return content.getvalue()


def test_a_zip_of_a_plain_csv_is_read(tmp_path: Path, plain: pl.DataFrame) -> None:
    content = packed(**{"__MACOSX/._bars.csv": "rubbish", "bars.csv": lines(*ROWS)})
    assert imported(tmp_path, content, "bars.zip").equals(plain)
    assert in_place(tmp_path, content, "zip").equals(plain)


def test_every_file_of_a_zip_is_read(tmp_path: Path, barsweep: Barsweep) -> None:
    """And tells its symbol, with columns in an order of its own."""
    head = HEAD.removeprefix("symbol,")
    own = [row.removeprefix("AAA,") for row in ROWS]
    other = lines(
        *(",".join(reversed(row.split(","))) for row in own),
        head=",".join(reversed(head.split(","))),
    )
    source = written(
        tmp_path / "source",
        packed(**{"BRK.A.csv": lines(*own, head=head), "x/BRK.B.csv": other}),
        "all.zip",
    )
    done = barsweep(
        "archive",
        "import",
        source,
        "--archive",
        tmp_path / "archive",
        "--label",
        "open",
        "--symbol-from-filename",
        "--quiet",
    )
    assert done.status == 0, done.err
    archive = Archive.open(tmp_path / "archive")
    bars = archive.read_session(archive.sessions()[0], ALL)
    assert archive.symbols() == ["BRK.A", "BRK.B"]
    assert (
        bars.filter(symbol="BRK.A")
        .drop("symbol")
        .equals(bars.filter(symbol="BRK.B").drop("symbol"))
        and len(bars) == 10
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (packed(**{"bars.parquet": "x"}), "holds no .csv or .txt, but bars.parquet"),
        (packed(), "holds no .csv or .txt, but nothing"),
        (b"PK no zip", "cannot be read (9 bytes)"),
        (packed(**{"a.csv": "\n".join(ROWS)}), "no header"),
    ],
)
def test_a_zip_that_holds_no_bars(content: bytes, told: str, tmp_path: Path) -> None:
    with pytest.raises(BarImportError) as refused:
        imported(tmp_path, content, "bars.zip")
    assert told in str(refused.value)


def test_a_zip_of_another_name_than_its_file_tells_no_symbol(tmp_path: Path) -> None:
    content = packed(
        **{
            "table.csv": lines(
                *(row.removeprefix("AAA,") for row in ROWS), head=HEAD.removeprefix("symbol,")
            )
        }
    )
    source = written(tmp_path / "source", content, "AAA.zip")
    options = ImportOptions(label="open", reading=SourceOptions(symbol_pattern=FILE_NAME))
    with pytest.raises(
        BarImportError, match=r"AAA\.zip: holds table\.csv: which of the two names is the symbol"
    ):
        import_bars([source], tmp_path / "archive", options)


READ = """
import sys
from pathlib import Path
from engine.archive.vendor_files.text_pieces import text_pieces
from engine.runtime.peak_memory import peak_memory_mb
rows = sum(len(piece) for _, piece in text_pieces(Path(sys.argv[1])))
print(rows, int(peak_memory_mb()))
"""


@pytest.mark.parametrize("ending", ["zip", "csv.gz"])
def test_a_small_file_that_holds_much_is_read_in_little_memory(ending: str, tmp_path: Path) -> None:
    """300 MB in a few: a piece at a time."""
    block, times = (ROWS[0] + "\n") * 20_000, 300
    path = tmp_path / f"bars.{ending}"
    if ending == "zip":
        with (
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file,
            file.open("bars.csv", "w", force_zip64=True) as stream,
        ):
            stream.write((HEAD + "\n").encode())
            for _ in range(times):
                stream.write(block.encode())
    else:
        with gzip.open(path, "wt", compresslevel=1) as stream:
            stream.write(HEAD + "\n")
            for _ in range(times):
                stream.write(block)
    assert path.stat().st_size < 10 << 20
    environment = {"PYTHONPATH": str(PROJECT), "POLARS_MAX_THREADS": "2", "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)],
        check=True,
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env=environment,
    )
    rows, megabytes = map(int, done.stdout.split())
    assert rows == 20_000 * times and megabytes < 420


# -- properties


@given(st.integers(20, 200), st.integers(0, 1000), st.booleans())
@settings(max_examples=40, deadline=None)
def test_pieces_of_any_size_are_the_whole(size: int, seed: int, quoted: bool) -> None:
    """Lines are never cut, nor are quotes that hold a line's end."""
    dice = random.Random(seed)
    rows = [
        (str(number), dice.choice(["x", "a\nb" if quoted else "ab", "", 'say ""so""']))
        for number in range(dice.randrange(1, 60))
    ]
    content = "number,word\n" + "".join(f'{number},"{word}"\n' for number, word in rows)
    usual = text_blocks.CHUNK
    try:
        text_blocks.CHUNK = max(size, 30)
        stream = io.BytesIO(content.encode())
        found = pl.concat(list(text_module._pieces(stream, (), TextOptions(), "here")))
    finally:
        text_blocks.CHUNK = usual
    assert found["number"].to_list() == [number for number, _ in rows]
    assert [word or "" for word in found["word"]] == [word.replace('""', '"') for _, word in rows]


@given(
    st.decimals(-99_999_999, 99_999_999, places=2, allow_nan=False),
    st.sampled_from(["us", "de", "fr", "ch"]),
    st.sampled_from(["", "$", "€"]),
)
@settings(max_examples=150, deadline=None)
def test_the_option_that_is_told_reads_the_number(
    number: object, country: str, currency: str
) -> None:
    """Whatever the thousands are set apart with."""
    plain = f"{number:,.2f}"
    marks = {"us": (",", "."), "de": (".", ","), "fr": ("\u202f", ","), "ch": ("'", ".")}[country]
    written = currency + plain.replace(",", "T").replace(".", marks[1]).replace("T", marks[0])
    direct = pl.select(as_number(pl.lit(written), TextOptions())).item()
    if direct is not None:
        assert direct == float(number)  # type: ignore[arg-type]
        return
    told = option_of(written)
    if written.startswith((f"{currency}-",)) and currency:
        written = "-" + currency + written.removeprefix(f"{currency}-")
        told = option_of(written)
    assert told is not None and " if that is " not in told
    strip = (
        told.partition("--strip ")[2][1:].split(told.partition("--strip ")[2][0])[0]
        if "--strip" in told
        else ""
    )
    options = TextOptions(strip=strip, decimal_comma="--decimal-comma" in told)
    assert pl.select(as_number(pl.lit(written), options)).item() == float(number)  # type: ignore[arg-type]


def test_text_pieces_of_some_columns(tmp_path: Path) -> None:
    path = written(tmp_path, lines(*ROWS))
    found = pl.concat([piece for _, piece in text_pieces(path, wanted=["close", "symbol"])])
    assert found.columns == ["close", "symbol"] and len(found) == 5


# -- tables: corporate actions, tickers

TABLE = "symbol,ex_date,cash_dividend\nBRK.A,2018-03-13,0.5\nBRK.B,2018-03-14,0.25\n"


@pytest.mark.parametrize(
    "content",
    [
        TABLE,
        "sep=,\n" + TABLE,
        "\ufeff" + TABLE,
        TABLE.replace(",", ";"),
        TABLE.replace(",", "\t").encode("utf-16"),
        "\n" + TABLE,
    ],
)
def test_tables_as_spreadsheets_write_them(content: str | bytes, tmp_path: Path) -> None:
    assert read_actions(written(tmp_path, content)).equals(
        read_actions(written(tmp_path, TABLE, "plain.csv"))
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("Dividends of 2018\nby somebody\n" + TABLE, "line 1 is no header: 'Dividends of 2018'"),
        (TABLE.partition("\n")[2] + "X,2018-03-15,1\n", "no column symbol"),
        ("BRK.A,20180313,0.5\nBRK.B,20180314,0.25\n", "no header: line 1 is 'BRK.A,20180313,0.5'"),
        (TABLE.replace("BRK.A", "é").encode("latin-1"), "line 2 is no utf-8 text"),
        (TABLE.replace("0.5", "$0.50"), "'$0.50' in row 1"),
        ("", "no rows"),
    ],
)
def test_tables_that_cannot_be_read(content: str | bytes, told: str, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError) as refused:
        read_actions(written(tmp_path, content, "table.csv"))
    assert (
        told in str(refused.value)
        and "table.csv" in str(refused.value)
        and "--skip-lines" not in str(refused.value)
    )
