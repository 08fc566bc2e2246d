"""What is told of a plug-in is of its own code, and only of what the audit cannot lead elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.archive.archive import Archive
from engine.audit.paths import led, paths_in
from engine.audit.reads import KNOWN
from scanners.base import ScanContext
from tests.audit import zoo
from tests.audit.test_zoo import audit_of, told
from tests.data import PROJECT


class HonestReader(zoo.Foresees):
    """Imports, keeps time, looks up a universe and its own package's data, and reads bars of the archive that it is given."""

    def setup(self, context: ScanContext) -> bool:
        import json
        from zoneinfo import ZoneInfo

        import tests.audit.short_warm_up

        self.universe = self.load_universe(self.config["universe"])
        self.zone = ZoneInfo("America/New_York"), json, tests.audit.short_warm_up
        return super().setup(context)

    def closes(self) -> dict[str, float]:
        day = Archive.open(self.config["archive"]).read_daily(["close"], None, self.date)
        return dict(day.group_by("symbol").last().select("symbol", "close").iter_rows())


def test_honest_reading_is_not_told(demo: Archive, tmp_path: Path) -> None:
    (tmp_path / "some.txt").write_text("AAPL\nMSFT\n")
    audit = audit_of(
        HonestReader, demo, archive=str(demo.path), universe=str(tmp_path / "some.txt")
    )
    assert (audit.differences, told(audit)) == ([], [])


def lead(path: str, varies: bool) -> str | None:
    return {"/a": "/X", "/a/b c": "/Y", "data/us": "/Z"}.get(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/a", "/X"),
        ("/a/*/x.parquet", "/X/*/x.parquet"),
        ("/a/{date}.csv", "/X/{date}.csv"),
        ("data/us/**", "/Z/**"),
        ("file:///a", "file:///X"),
        ("file:/a", "file:///X"),
        ("FILE://localhost/a/b%20c", "file:///Y"),
        ("/a/b c", "/Y"),
        (
            "SELECT * FROM '/a/*.parquet' JOIN \"data/us\"",
            "SELECT * FROM '/X/*.parquet' JOIN \"/Z\"",
        ),
        ("read_parquet(['/a', '/b'])", "read_parquet(['/X', '/b'])"),
        ("/a, data/us", "/X, /Z"),
        ("close / open > 1", "close / open > 1"),
        ("close*open/2", "close*open/2"),
        ("/", "/"),
        (".", "."),
        ("*", "*"),
        ("AAPL", "AAPL"),
        ("http://a/b", "http://a/b"),
        ("'", "'"),
        ("", ""),
    ],
)
def test_paths_in_texts(text: str, expected: str) -> None:
    assert led(text, lead) == expected


def test_paths_that_sql_names() -> None:
    assert {"/a", "b/c.parquet"} <= set(
        paths_in("SELECT * FROM '/a/*.parquet' x JOIN read_csv('b/c.parquet') USING (d)")
    )


def test_the_files_that_are_known_are_there() -> None:
    assert [one for one in KNOWN if not list((PROJECT / "engine").rglob(f"*{one}"))] == []
