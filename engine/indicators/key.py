"""Indicator keys: name, parameters and interval in one word, the name of the column in every frame.

    sma_20_1d    rsi_14_5m    volume_sma_10_1d    macd_12_26_9_1m.signal
                 bollinger_bands_20_2.5_5m.upper

Parameters that are left out at the end take their defaults, and a key without an interval means 1m.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.clock.interval import Interval
from engine.errors import ConfigError, IndicatorError, did_you_mean
from engine.indicators.catalogue import CATALOGUE
from engine.indicators.indicator import Indicator, Param

DEFAULT_INTERVAL = "1m"


@dataclass(frozen=True)
class IndicatorKey:
    """An indicator of the catalogue with its parameters, at an interval."""

    kind: str
    params: tuple[int | float, ...]
    interval: Interval

    @property
    def indicator(self) -> Indicator:
        """The catalogue's row."""
        return CATALOGUE[self.kind]

    @property
    def name(self) -> str:
        """The key as one word."""
        return "_".join([self.kind, *(_text(value) for value in self.params), self.interval.name])

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its columns, one an output."""
        outputs = self.indicator.outputs
        return (
            (self.name,)
            if len(outputs) == 1
            else tuple(f"{self.name}.{output}" for output in outputs)
        )

    @classmethod
    def make(
        cls, name: str, params: Mapping[str, Any] | None = None, interval: str = DEFAULT_INTERVAL
    ) -> IndicatorKey:
        """The key of a named indicator; missing `params` take defaults. Raises IndicatorError."""
        indicator = _find(name)
        given = dict(params or {})
        values = tuple(
            _value(indicator, param, given.pop(param.name, param.default))
            for param in indicator.params
        )
        for unknown in given:
            names = [param.name for param in indicator.params]
            raise IndicatorError(
                f"unknown parameter {unknown!r}",
                where=f"indicator {name}",
                expected=f"one of {', '.join(names)}" if names else "no parameters",
                fix=did_you_mean(unknown, names),
            )
        return cls(indicator.name, values, _interval(indicator, interval))

    @classmethod
    def parse(cls, text: str) -> IndicatorKey:
        """The key written as one word. Raises IndicatorError."""
        return parse_column(text)[0]


def parse_column(text: str) -> tuple[IndicatorKey, str]:
    """A column's key, and the column's full name: `macd.signal` -> (macd_12_26_9_1m,
    "macd_12_26_9_1m.signal").

    The dot before an output follows the last token that is no number's. A key of several outputs
    without one named is returned as its own name, which is no column.
    """
    word, output = _split_output(text)
    name = next(
        (
            n
            for n in sorted(CATALOGUE, key=len, reverse=True)
            if word == n or word.startswith(f"{n}_")
        ),
        None,
    )
    if name is None:
        raise IndicatorError(
            f"no indicator in the key {text!r}",
            expected="name_params_interval such as sma_20_1d",
            fix=did_you_mean(word.rstrip("0123456789_.mhd"), CATALOGUE)
            or "see `barsweep indicators list`",
        )
    tokens = [token for token in word[len(name) :].split("_") if token]
    interval = tokens.pop() if tokens and tokens[-1][-1] in "mhd" else DEFAULT_INTERVAL
    indicator = CATALOGUE[name]
    if len(tokens) > len(indicator.params):
        names = ", ".join(param.name for param in indicator.params)
        raise IndicatorError(
            f"{len(tokens)} parameters in the key {text!r}",
            where=f"indicator {name}",
            expected=f"at most {len(indicator.params)}: {names}",
        )
    given = {
        param.name: _number(token, text)
        for param, token in zip(indicator.params, tokens, strict=False)
    }
    key = IndicatorKey.make(name, given, interval)
    return key, f"{key.name}.{_output(key, output)}" if output else key.name


def _split_output(text: str) -> tuple[str, str]:
    word, dot, output = text.rpartition(".")
    return (word, output) if dot and output[:1].isalpha() else (text, "")


def _output(key: IndicatorKey, output: str) -> str:
    outputs = key.indicator.outputs
    if len(outputs) == 1 or output not in outputs:
        raise IndicatorError(
            f"no output {output!r}",
            where=f"indicator {key.name}",
            expected=f"one of {', '.join(outputs)}"
            if len(outputs) > 1
            else "none: it has a single one",
            fix=did_you_mean(output, outputs),
        )
    return output


def _find(name: str) -> Indicator:
    if name not in CATALOGUE:
        raise IndicatorError(
            f"unknown indicator {name!r}",
            expected="a name of the catalogue",
            fix=did_you_mean(str(name), CATALOGUE) or "see `barsweep indicators list`",
        )
    return CATALOGUE[name]


def _value(indicator: Indicator, param: Param, value: Any) -> int | float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    whole = (
        number and (param.kind is float or value == int(value))
        if number and abs(value) < 1e18
        else False
    )
    if not whole or not param.minimum <= value <= param.maximum:
        kind = "a whole number" if param.kind is int else "a number"
        raise IndicatorError(
            f"{param.name} = {value!r}",
            where=f"indicator {indicator.name}",
            expected=f"{kind} from {_text(param.minimum)} to {_text(param.maximum)}",
        )
    return int(value) if param.kind is int else float(value)


def _number(token: str, text: str) -> float:
    try:
        return float(token)
    except ValueError:
        raise IndicatorError(f"{token!r} in the key {text!r}", expected="a number") from None


def _interval(indicator: Indicator, text: str) -> Interval:
    try:
        return Interval.parse(text)
    except ConfigError as error:
        raise IndicatorError(
            error.what, where=f"indicator {indicator.name}", expected=error.expected
        ) from None


def _text(value: int | float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
