"""The other commands, and what holds for all of them."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import click
import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.cli.main import cli
from engine.cli.main import commands as built_in_commands
from engine.errors import RunError
from engine.indicators.catalogue import CATALOGUE
from engine.indicators.key import IndicatorKey
from engine.report.candle_charts import candle_page
from engine.scan.load_scanner import built_in_scanners
from engine.scan.symbol_series import indicator_series
from tests.cli.barsweep import Barsweep
from tests.data import PROJECT, real_data
from tests.running import EVERY_5_MINUTES, config, hits


def commands(
    group: click.Group = cli, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize(
    ("path", "command"), list(commands()), ids=lambda v: " ".join(v) if isinstance(v, tuple) else ""
)
def test_every_command_and_option_has_help_and_stands_in_the_docs(
    path: tuple[str, ...], command: click.Command
) -> None:
    assert command.help
    assert all(option.help for option in command.params if isinstance(option, click.Option))
    if not isinstance(command, click.Group):
        assert f"barsweep {' '.join(path)}" in (PROJECT / "docs" / "commands.md").read_text()


def test_help_is_quick_to_load() -> None:
    """Nothing heavy is imported for it; how long it takes is measured in bench/."""
    code = "import sys; import engine.cli.main; print([m for m in ('polars', 'numba', 'pandas', 'pyarrow', 'rich', 'numpy') if m in sys.modules])"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT
        ).stdout
        == "[]\n"
    )


def test_unknown_commands_and_options(barsweep: Barsweep) -> None:
    assert barsweep("rum").status == 2
    assert barsweep("run", "--speed", "fast").status == 2
    assert barsweep("--version").out.startswith("barsweep, version")
    assert all(name in barsweep("--help").out for name in built_in_commands())
    assert "into an archive; without a source, show those it has." in " ".join(
        barsweep("archive", "--help").out.split()
    )


def test_import_info_and_check(barsweep: Barsweep, tmp_path: Path) -> None:
    frame = pl.read_parquet(real_data("us_1min_2018.parquet")).filter(
        pl.col("symbol").is_in(["AAPL", "F"])
    )
    frame.write_parquet(tmp_path / "two.parquet")
    archive = tmp_path / "archive"
    called = barsweep(
        "archive",
        "import",
        tmp_path / "two.parquet",
        "--archive",
        archive,
        "--label",
        "open",
        "--format",
        "json",
    )
    assert called.status == 0 and json.loads(called.out)["rows_written"] == len(frame)
    called = barsweep("archive", "info", "--archive", archive)
    assert called.status == 0 and f"{len(frame):,}" in called.out
    info = json.loads(barsweep("archive", "info", "--archive", archive, "--format", "json").out)
    assert info["symbols"] == 2 and info["intervals"][0]["sessions"] == 44
    assert barsweep("archive", "check", "--archive", archive).status == 0
    (archive / "bars/interval=1m/date=2018-03-01/bars.parquet").write_bytes(b"")
    called = barsweep("archive", "check", "--archive", archive, "--format", "json")
    assert called.status == 1 and json.loads(called.out)[0]["kind"] == "unreadable file"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "is not declared"),
        (("--label", "open", "--exchange", "NYSEX"), "unknown exchange"),
        (("--label", "open", "--timezone", "America/NewYork"), "did you mean 'America/New_York'"),
        (("--label", "open", "--time-format", "%J"), "bars.csv: "),
        (("--label", "open", "--price-divisor", "0"), "a number above 0"),
        (("--layout", "massiv"), "did you mean 'massive'"),
        (("--label", "open", "--query", "select 1"), "no bar files"),
        (("--label", "open", "--column", "symbol"), "OURS=THEIRS"),
        (("--label", "open", "--interval", "1w"), "unknown interval"),
    ],
)
def test_a_wrong_import_is_refused(
    options: tuple[str, ...], message: str, barsweep: Barsweep, tmp_path: Path
) -> None:
    source = tmp_path / "bars.csv"
    source.write_text(
        "symbol,timestamp,open,high,low,close,volume\nA,2018-03-01T14:30:00Z,1,1,1,1,1\n"
    )
    called = barsweep("archive", "import", source, "--archive", tmp_path / "archive", *options)
    assert called.status == 2 and message in called.err and "Traceback" not in called.err


def test_import_append_diff_and_layouts(barsweep: Barsweep, tmp_path: Path) -> None:
    header = "ticker,volume,open,close,high,low,window_start,transactions"
    folder = tmp_path / "us_stocks_sip/minute_aggs_v1/2018/03"
    folder.mkdir(parents=True)
    (folder / "2018-03-01.csv").write_text(f"{header}\nF,1,10,10,10,10,1519914600000000000,1\n")
    one, two = tmp_path / "one", tmp_path / "two"
    called = barsweep("archive", "import", tmp_path / "us_stocks_sip", "--archive", one)
    assert called.status == 0 and "massive, timestamps label the bar's open" in called.out
    assert (
        barsweep(
            "archive", "import", tmp_path / "us_stocks_sip", "--archive", two, "--quiet"
        ).status
        == 0
    )
    assert barsweep("archive", "diff", one, two).out == "the same bars\n"
    (folder / "2018-03-02.csv").write_text(f"{header}\nF,1,10,10,10,10,1520001000000000000,1\n")
    called = barsweep("archive", "import", tmp_path / "us_stocks_sip", "--archive", two, "--append")
    assert (
        "1, 1 known and unchanged" in called.out
        and "1: 1 added, 0 replaced, 0 left as they were" in called.out
    )
    called = barsweep("archive", "diff", one, two)
    assert called.status == 1 and "F 2018-03-02 14:30 only in B" in called.out
    called = barsweep("archive", "diff", one, two, "--format", "json")
    assert called.status == 1 and [d["where"] for d in json.loads(called.out)] == [
        "1m 2018-03-02",
        "1d 2018-03-02",
    ]
    assert barsweep("archive", "diff", one, tmp_path / "none").status == 2
    listed = json.loads(barsweep("archive", "layouts", "--format", "json").out)
    assert {"layout": "massive", "label": "open"}.items() <= listed[0].items()
    assert "nautilus" in barsweep("archive", "layouts").out


def test_lean_bars_are_told_of_the_files_beside_them(barsweep: Barsweep, tmp_path: Path) -> None:
    path = tmp_path / "equity/usa/daily/f.zip"
    path.parent.mkdir(parents=True)
    (tmp_path / "equity/usa/factor_files").mkdir()
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("f.csv", "20180301 00:00,100000,100000,100000,100000,5\n")
    called = barsweep("archive", "import", path.parent, "--archive", tmp_path / "archive")
    assert (
        called.status == 0
        and f"--lean-factors {tmp_path / 'equity/usa/factor_files'}" in called.err
    )


def test_demo(barsweep: Barsweep, tmp_path: Path) -> None:
    arguments = (
        "archive",
        "demo",
        "--archive",
        tmp_path / "demo",
        "--symbols",
        "8",
        "--sessions",
        "2",
    )
    assert "made" in barsweep(*arguments).err
    assert "already there" in barsweep(*arguments).err
    assert barsweep(*arguments, "--seed", "8").status == 2
    assert Archive.open(tmp_path / "demo").symbols()[0] == "AAPL"


def test_config_check_and_schema(barsweep: Barsweep, tmp_path: Path) -> None:
    for path in sorted((PROJECT / "session_configs").glob("*.json")):
        assert barsweep("config", "check", path).out.startswith("ok: ")
    assert json.loads(barsweep("config", "schema").out)["title"] == "SessionConfig"
    wrong = barsweep(
        "config",
        "check",
        PROJECT / "session_configs/example.json",
        "--set",
        "session_data_config.scanners.0.config.min_gapp=1",
    )
    assert wrong.status == 2 and "did you mean 'min_gap'" in wrong.err


def test_indicators(barsweep: Barsweep) -> None:
    listed = barsweep("indicators", "list").out
    assert all(f"\t{name}\t" in listed for name in CATALOGUE)
    assert len(json.loads(barsweep("indicators", "list", "--format", "json").out)) == len(CATALOGUE)
    for name in CATALOGUE:
        assert "warm-up" in barsweep("indicators", "show", name).out
    assert "did you mean 'rsi'" in barsweep("indicators", "show", "rsii").err


def test_scanners(barsweep: Barsweep) -> None:
    listed = barsweep("scanners", "list").out
    assert (
        len(json.loads(barsweep("scanners", "list", "--format", "json").out))
        == len(built_in_scanners())
        >= 3
    )
    for module in built_in_scanners():
        assert module in listed
        shown = barsweep("scanners", "show", module)
        assert shown.status == 0 and "universe" in shown.out and "clause" in shown.out


def test_a_new_scanner_runs_and_passes_its_test(barsweep: Barsweep, tmp_path: Path) -> None:
    made = barsweep("scanners", "new", "my_scanner", "--folder", tmp_path)
    assert made.status == 0 and len(made.out.split()) == 3
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        "/dev/null",
        str(tmp_path),
    ]
    passed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert passed.returncode == 0, passed.stdout
    assert "already there" in barsweep("scanners", "new", "my_scanner", "--folder", tmp_path).err
    assert barsweep("scanners", "new", "My-Scanner", "--folder", tmp_path).status == 2


def test_an_indicator_is_drawn_over_a_symbol(
    barsweep: Barsweep, demo: Archive, tmp_path: Path
) -> None:
    page = tmp_path / "chart.html"
    called = barsweep(
        "indicators",
        "show",
        "macd_12_26_9_5m",
        "--archive",
        demo.path,
        "--symbol",
        "aapl",
        "--plot",
        page,
    )
    assert called.status == 0
    lines = [
        line for line in called.out.splitlines() if line.startswith(("close", "macd_12_26_9_5m."))
    ]
    assert len(lines) == 4 and all(" to " in line for line in lines)
    text = page.read_text()
    assert "<title>AAPL" in text and "macd_12_26_9_5m.signal" in text and 'src="http' not in text
    called = barsweep(
        "indicators",
        "show",
        "atr_5_1d",
        "--archive",
        demo.path,
        "--symbol",
        "AAPL",
        "--sessions",
        10,
    )
    assert called.status == 0 and "10 ticks" in called.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rsi", "--symbol", "AAPL"], "--archive"),
        (["rsi", "--archive", "{demo}", "--symbol", "NOPE"], "NOPE"),
        (["beta", "--archive", "{demo}", "--symbol", "AAPL"], "benchmark"),
        (["rsi_0", "--archive", "{demo}"], "period"),
        (["rsi", "--archive", "{demo}", "--symbol", "AAPL", "--date", "2001-01-01"], "2001-01-01"),
    ],
)
def test_what_cannot_be_drawn_is_said(
    arguments: list[str], message: str, barsweep: Barsweep, demo: Archive
) -> None:
    called = barsweep("indicators", "show", *[one.format(demo=demo.path) for one in arguments])
    assert called.status == 2 and message in called.err and "Traceback" not in called.err


def test_what_is_drawn_is_what_scans_see(demo: Archive) -> None:
    day = demo.sessions()[10]
    seen = indicator_series(
        demo, "AAPL", [IndicatorKey.parse("sma_20_5m"), IndicatorKey.parse("rvol_5_1m")], [day]
    )
    scanner = {"module": "tests.session.wide_scanner", "regular_session": EVERY_5_MINUTES}
    logged = hits(config([scanner], start=str(day), end=str(day), benchmark="MSFT"), demo).filter(
        pl.col("symbol") == "AAPL"
    )
    both = logged.join(seen, on="tick")
    assert len(both) == len(logged) > 5
    assert both["close"].equals(both["at_close"].alias("close"))
    # at every minute there are other times of day than at every five, so the mean may be summed in another order
    assert (both["rvol_5_1m"] - both["at_rvol_5_1m"]).abs().max() < 1e-12


def test_a_chart_says_what_it_needs(monkeypatch: pytest.MonkeyPatch, demo: Archive) -> None:
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(RunError, match="plotly"):
        candle_page("x", pl.DataFrame(), [])
