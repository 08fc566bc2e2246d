"""Session configs: what is right loads, what is wrong is told all at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.config.load import config_schema, load_config, resolve_path
from engine.errors import ConfigError
from tests.data import PROJECT

CONFIGS = sorted((PROJECT / "session_configs").glob("*.json"))
MINIMAL: dict[str, Any] = {"mode": "backtest", "session_data_config": {}}
SCANNER = {"module": "scanners.gap_scanner", "pre_session": True}


def write(tmp_path: Path, content: Any) -> Path:
    path = tmp_path / "config.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.name)
def test_every_config_of_the_project_loads(path: Path) -> None:
    assert load_config(path).config.mode == "backtest"


def test_mode_and_session_data_config_are_enough(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, MINIMAL)).config
    assert config.session_data_config.streams is None and config.account.starting_cash == 100_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mode": "backtst"}, "did you mean 'backtest'"),
        ({"sesion_name": "x"}, "unknown key 'sesion_name', did you mean 'session_name'"),
        (
            {"session_data_config": {"scaners": []}},
            "unknown key 'session_data_config.scaners', did you mean 'scanners'",
        ),
        (
            {"session_data_config": {"scanners": [SCANNER | {"enabld": True}]}},
            r"scanners\.0\.enabld', did you mean 'enabled'",
        ),
        ({"session_data_config": {"scanners": [{"module": "x"}]}}, "never scans"),
        (
            {"session_data_config": {"scanners": [SCANNER, SCANNER]}},
            "two scanners are named scanners.gap_scanner",
        ),
        ({"session_data_config": {"symbols": ["aapl", "AAPL"]}}, "named twice: AAPL"),
        ({"session_data_config": {"streams": ["5x"]}}, "unknown interval '5x'"),
        (
            {
                "session_data_config": {
                    "scanners": [
                        SCANNER
                        | {"regular_session": [{"start": "9", "end": "10:00", "interval": "5m"}]}
                    ]
                }
            },
            r"regular_session\.0\.start = '9'",
        ),
        (
            {
                "session_data_config": {
                    "scanners": [
                        SCANNER
                        | {
                            "regular_session": [
                                {"start": "09:35+05:00", "end": "10:00", "interval": "5m"}
                            ]
                        }
                    ]
                }
            },
            "exchange-local",
        ),
        (
            {
                "session_data_config": {
                    "scanners": [
                        SCANNER
                        | {
                            "regular_session": [
                                {"start": "11:00", "end": "10:00", "interval": "5m"}
                            ]
                        }
                    ]
                }
            },
            "ends before it starts",
        ),
        (
            {"backtest_config": {"start_date": "2018-03-02", "end_date": "2018-03-01"}},
            "is after end_date",
        ),
        ({"backtest_config": {"start_date": "2018-02-30"}}, "start_date"),
        ({"account": {"starting_cash": -5}}, "greater than 0"),
        ({"costs": {"slippage_bps": "much"}}, "slippage_bps"),
    ],
)
def test_a_wrong_config_says_which_key_what_value_and_the_nearest(
    change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(write(tmp_path, MINIMAL | change))


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as told:
        load_config(
            write(tmp_path, {"mode": "live", "acount": {}, "session_data_config": {"symbols": 5}})
        )
    assert all(
        word in str(told.value) for word in ("mode", "acount", "session_data_config.symbols")
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"mode": }', "line 1, column 10"),
        ("[]", "a JSON object"),
        ("\x00", "not JSON"),
        ("[" * 100_000, "without end"),
        ("1" * 5000, "cannot be read"),
    ],
)
def test_what_is_not_json(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(write(tmp_path, text))


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_config(tmp_path / "none.json")


def test_keys_can_be_set_from_outside(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL | {"session_data_config": {"scanners": [SCANNER]}})
    loaded = load_config(
        path,
        [
            "session_data_config.scanners.0.config.min_gap=0.05",
            "start=2018-03-01",
            "session_name=mine",
        ],
    )
    assert loaded.config.session_data_config.scanners[0].config == {"min_gap": 0.05}
    assert (
        str(loaded.config.backtest_config.start_date) == "2018-03-01"
        and loaded.config.session_name == "mine"
    )
    for wrong in ("nonsense", "session_data_config.scanners.9.name=x", "mode.x=1"):
        with pytest.raises(ConfigError, match="--set"):
            load_config(path, [wrong])


def test_the_digest_is_of_the_contents(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    one, two = (
        write(tmp_path, MINIMAL),
        write(tmp_path / "elsewhere", json.dumps(MINIMAL, indent=8)),
    )
    assert (
        load_config(one).digest
        == load_config(two).digest
        != load_config(one, ["session_name=x"]).digest
    )


def test_paths_are_looked_up_beside_the_config_then_here_then_in_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, project = tmp_path / "here", tmp_path / "project"
    beside = project / "configs"
    for folder in (here, beside):
        folder.mkdir(parents=True)
    (project / "pyproject.toml").touch()
    monkeypatch.chdir(here)
    config = beside / "c.json"
    for place in (project, here, beside):
        (place / "list.txt").touch()
        assert resolve_path("list.txt", config) == place / "list.txt"
    with pytest.raises(
        ConfigError, match=r"looked for .*configs/none\.txt, .*here/none\.txt, .*project/none\.txt"
    ):
        resolve_path("none.txt", config)


@pytest.mark.parametrize("name", ["~nobody-is-called-so/list.txt", "x" * 300, "a\0b", "\ud800"])
def test_names_that_no_file_can_have(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file or folder"):
        resolve_path(name, tmp_path / "config.json")


def test_the_schema_describes_every_key() -> None:
    schema = config_schema()
    for model in [schema, *schema["$defs"].values()]:
        for name, field in model["properties"].items():
            assert field.get("description"), name
