"""Looks into the environment and the command line are told, and what is told there is what was there."""

from __future__ import annotations

import os
import sys
from os import environ

import pytest

from engine.runtime.read_settings import watched_settings


def test_every_look_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKED_AT", "1")
    monkeypatch.setattr(sys, "argv", ["barsweep", "scan"])
    told: list[tuple[str, object]] = []
    kind, arguments = type(os.environ), sys.argv
    looks = {
        ("environment", "LOOKED_AT"): [
            lambda: os.environ["LOOKED_AT"],
            lambda: os.getenv("LOOKED_AT"),
            lambda: environ.get("LOOKED_AT"),
            lambda: "LOOKED_AT" in os.environ,
        ],
        ("environment", "*"): [lambda: dict(os.environ), lambda: list(os.environ.items())],
        ("argv", None): [
            lambda: sys.argv[1:],
            lambda: list(sys.argv),
            lambda: sys.argv[0] in sys.argv,
            lambda: len(sys.argv),
        ],
    }
    with watched_settings(lambda *what: told.append(what)):
        for expected, some in looks.items():
            for look in some:
                told.clear()
                answer = look()
                assert expected in told and answer
    assert type(os.environ) is kind and sys.argv is arguments


def test_what_is_set_stays_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SET_MEANWHILE", raising=False)
    with watched_settings(lambda *_: None):
        os.environ["SET_MEANWHILE"] = "2"
    assert os.environ.pop("SET_MEANWHILE") == "2"
