"""What `archive check --fix` must never remove, and that each change is written down once, wherever a repair is killed."""

from __future__ import annotations

import datetime as dt
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.archive.archive import Archive
from engine.archive.disk import layout
from engine.archive.disk.bar_files import read_bars, write_bars
from engine.archive.ingest.import_options import ImportOptions
from engine.archive.ingest.importer import import_bars
from engine.archive.quality.check_bars import check_archive
from engine.archive.quality.repair import fix_archive, repair
from engine.archive.quality.repair_log import FIXES
from engine.schema import BAR_SCHEMA
from tests.archive.forked_imports import digests
from tests.cli.barsweep import Barsweep

ALL = list(BAR_SCHEMA)
DAY = dt.datetime(2018, 3, 1, tzinfo=dt.UTC)
DATES = [dt.date(2018, 3, 1), dt.date(2018, 3, 2)]


def pair(volume: float = 0.0) -> pl.DataFrame:
    """Two days of a currency pair's minutes, of which 946 stand still; one bar has a volume."""
    dice = random.Random(3)
    still = set(
        dice.sample([minute for minute in range(2880) if minute % 1440 not in (0, 700)], 946)
    )
    price, rows = 1.1, []
    for minute in range(2880):
        if minute not in still:
            price = round(price + dice.choice([-1, 1]) * 1e-5, 5)
        at = DAY + dt.timedelta(minutes=minute)
        rows.append(("EURUSD", at, *[price] * 4, volume if minute % 1440 == 700 else 0.0))
    return pl.DataFrame(rows, schema=BAR_SCHEMA, orient="row")


def market(tmp_path: Path, bars: pl.DataFrame) -> Archive:
    bars.write_parquet(tmp_path / "bars.parquet")
    import_bars(
        [tmp_path / "bars.parquet"],
        tmp_path / "archive",
        ImportOptions(label="open", exchange="24/7"),
    )
    return Archive.open(tmp_path / "archive")


def stored(archive: Archive) -> pl.DataFrame:
    return pl.concat([archive.read_session(date, ALL) for date in archive.sessions()])


def test_bars_of_a_source_without_volumes_are_no_fills(tmp_path: Path, barsweep: Barsweep) -> None:
    archive = market(tmp_path, pair())
    assert check_archive(archive) == []
    called = barsweep(
        "archive", "check", "--fix", "--remove-up-to", "100", "--archive", archive.path
    )
    assert (called.status, called.out) == (0, "clean: nothing found\n")
    assert stored(archive).equals(pair()) and not (archive.path / FIXES).exists()
    quality = barsweep(
        "archive", "quality", "--archive", archive.path, "--format", "json", "--quiet"
    )
    assert '"filled": 0' in quality.out


def test_more_than_a_small_share_is_removed_only_when_told(
    tmp_path: Path, barsweep: Barsweep
) -> None:
    """Here a few volumes are recorded, so the other bars may be fills, or may not."""
    archive = market(tmp_path, pair(volume=5.0))
    noted = {finding.where: finding.count for finding in check_archive(archive)}
    assert sum(noted.values()) == 946
    called = barsweep("archive", "check", "--fix", "--archive", archive.path)
    assert called.status == 0 and "repaired" not in called.out
    assert (
        "946 fills without volume stay: they are more than 5 % of their symbol's bars" in called.err
    )
    assert stored(archive).equals(pair(volume=5.0))
    called = barsweep(
        "archive", "check", "--fix", "--remove-up-to", "100", "--archive", archive.path
    )
    assert (
        called.status == 0
        and "fill without volume dropped\t946" in called.out
        and "stay" not in called.err
    )
    assert len(stored(archive)) == 2880 - 946


def test_few_fills_are_removed_beside_a_symbol_without_volumes(tmp_path: Path) -> None:
    """Each symbol is judged for itself."""
    pairs, stock = pair(), pair(volume=5.0).with_columns(symbol=pl.lit("STOCK"))
    row = pl.int_range(pl.len())
    stock = stock.with_columns(volume=pl.when(row % 97 == 5).then(0.0).otherwise(7.0))
    filled = stock.filter((pl.col("volume") == 0) & (pl.col("close") == pl.col("close").shift()))
    assert 0 < len(filled) < 30
    archive = market(tmp_path, pl.concat([pairs, stock]))
    assert fix_archive(archive) == {"fill without volume dropped": len(filled)}
    kept = stored(archive).sort("symbol", "timestamp")
    assert kept.equals(
        pl.concat([pairs, stock.join(filled, on=ALL, how="anti")]).sort("symbol", "timestamp")
    )


@given(
    st.lists(
        st.tuples(st.sampled_from("AB"), st.sampled_from([1.0, 1.1]), st.sampled_from([0.0, 3.0])),
        max_size=40,
    ),
    st.sampled_from([0.0, 5.0, 40.0, 100.0]),
)
@settings(max_examples=60, deadline=None)
def test_no_symbol_loses_more_than_it_may(
    rows: list[tuple[str, float, float]], most: float
) -> None:
    told = [
        (symbol, DAY + dt.timedelta(minutes=m), *[price] * 4, volume)
        for m, (symbol, price, volume) in enumerate(rows)
    ]
    bars = pl.DataFrame(told, schema=BAR_SCHEMA, orient="row").sort("symbol", "timestamp")
    fixed, _ = repair(bars, True, most)
    for symbol in "AB":
        own, left = (frame.filter(pl.col("symbol") == symbol) for frame in (bars, fixed))
        assert 100 * (len(own) - len(left)) <= most * len(own)
        assert len(own) == len(left) or (own["volume"] > 0).any()
        gone = own.join(left, on=["symbol", "timestamp"], how="anti")
        assert (gone["volume"] == 0).all()


# -- killed


class Killed(BaseException):
    pass


def kills(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, bool]]:
    """Before and after the first, second, third, ... file is put in place, or taken away."""
    for number in range(100):
        for after in (False, True):
            state = {"left": number}

            def struck(
                real: object,
                *arguments: object,
                state: dict[str, int] = state,
                after: bool = after,
                **named: object,
            ) -> None:
                last, state["left"] = state["left"] == 0, state["left"] - 1
                if not last or after:
                    real(*arguments, **named)  # type: ignore[operator]
                if last:
                    raise Killed

            with monkeypatch.context() as patched:
                replace, unlink = os.replace, Path.unlink
                patched.setattr(
                    "engine.archive.disk.atomic.os.replace",
                    lambda *a, struck=struck, real=replace: struck(real, *a),
                )
                patched.setattr(
                    "engine.archive.quality.repair_log.Path.unlink",
                    lambda self, missing_ok=False, struck=struck, real=unlink: (
                        struck(real, self, missing_ok=missing_ok)
                        if self.name == "begun.parquet"
                        else real(self, missing_ok=missing_ok)
                    ),
                )
                yield number, after
            if state["left"] >= 0:
                return


def test_each_change_is_written_down_once_wherever_a_repair_is_killed(
    demo: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at every write, and run again: the bars, the daily bars and the log are those of a repair that was not killed."""
    damaged = tmp_path / "damaged"
    for name in (
        "archive.json",
        "bars/interval=1d",
        *(f"bars/interval=1m/date=2017-11-0{day}" for day in (8, 9)),
    ):
        target = damaged / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (demo.path / name).is_dir() else shutil.copy)(demo.path / name, target)
    for day in (8, 9):
        path = layout.session_file(damaged, "1m", dt.date(2017, 11, day))
        bars, row = read_bars(path, ALL), pl.int_range(pl.len())
        high = pl.when(row == 9).then(pl.max_horizontal("open", "close") * 0.9995).otherwise("high")
        write_bars(path, pl.concat([bars.with_columns(high=high), bars.slice(20, 3)]).reverse())
    shutil.copytree(damaged, tmp_path / "whole")
    changes = fix_archive(Archive.open(tmp_path / "whole"))
    assert sum(changes.values()) == 10
    expected = told(tmp_path / "whole")
    killed = 0
    for _ in kills(monkeypatch):
        shutil.rmtree(tmp_path / "one", ignore_errors=True)
        shutil.copytree(damaged, tmp_path / "one")
        try:
            fix_archive(Archive.open(tmp_path / "one"))
        except Killed:
            killed += 1
            fix_archive(Archive.open(tmp_path / "one"))
        assert told(tmp_path / "one") == expected
    assert (
        killed == 2 * 2 * 5
    )  # of two sessions: what is begun, the daily bars, the bars, the log, and what was begun goes


def told(root: Path) -> tuple[dict[str, str], list[object]]:
    """The digests of an archive's files but those of its log, and the log without its times."""
    log = pl.read_parquet(root / FIXES / "**/*.parquet", hive_partitioning=False).drop("fixed_at")
    assert not list(root.rglob("begun.parquet"))
    files = {name: digest for name, digest in digests(root).items() if not name.startswith(FIXES)}
    return files, log.sort(pl.all()).rows()


def test_the_same_repair_of_a_file_imported_again_is_written_down_again(
    demo: Archive, tmp_path: Path
) -> None:
    """It was made twice."""
    shutil.copytree(demo.path, tmp_path / "copy")
    path = layout.session_file(tmp_path / "copy", "1m", dt.date(2017, 11, 8))
    bars = read_bars(path, ALL)
    for times in (1, 2):
        write_bars(path, pl.concat([bars, bars.head(1)]).sort("symbol", "timestamp"))
        assert fix_archive(Archive.open(tmp_path / "copy")) == {"copy dropped": 1}
        assert (
            len(
                pl.read_parquet(tmp_path / "copy" / FIXES / "**/*.parquet", hive_partitioning=False)
            )
            == times
        )
