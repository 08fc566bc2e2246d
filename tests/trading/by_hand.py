"""Strategies that decide by themselves, for tests."""

from __future__ import annotations

import sys
from typing import ClassVar

from engine.strategies.base import Strategy, StrategyContext, StrategyParams


class Failing(Strategy):
    """Fails at the second bar of every session; `done` counts what it was asked."""

    def on_session(self, context: StrategyContext) -> None:
        self.bars = 0

    def on_bar(self, context: StrategyContext) -> None:
        self.bars += 1
        if self.bars == 2:
            raise ValueError("no idea")


class Leaving(Failing):
    """Ends the process, or so it thinks."""

    def on_bar(self, context: StrategyContext) -> None:
        sys.exit(0)


class Adding(Strategy):
    """Promotes a symbol of its own at 10:00, and buys it at once with what is warm by then."""

    def indicators(self) -> list[str]:
        return ["rsi_14_1m"]

    def on_bar(self, context: StrategyContext) -> None:
        if context.current_time.strftime("%H:%M") != "10:00":
            return
        assert "KO" not in context.symbols
        assert context.session_data.add_symbol("KO")
        assert "KO" in context.symbols
        assert context.value("KO", "rsi_14_1m") > 0
        bar = context.bar("KO")
        assert bar is not None
        assert context.value("KO", "close") == bar.close == context.bars("KO")["close"][-1]
        context.buy("KO", cash=5000, reason="added")


class Mistaken(Strategy):
    """Asks for what cannot be; what it was told is kept in `told`."""

    told: list[str] = []  # noqa: RUF012  read by a test

    def on_bar(self, context: StrategyContext) -> None:
        if self.told:
            return
        for mistake in (
            lambda: context.value("AAPL", "rsi_14_7m"),
            lambda: context.buy("AAPLE", 1),
            lambda: context.buy("AAPL"),
            lambda: context.buy("AAPL", 1, cash=2),
            lambda: context.buy("AAPL", 1, at_close=True, limit=3.0),
        ):
            try:
                mistake()
            except Exception as error:
                self.told.append(f"{type(error).__name__}: {error}")
        assert context.sell("AAPL", -5) is None
        self.told.append(context.refusal("AAPL"))


class Orders(Strategy):
    """Places, sees and cancels orders; sells at the close what it bought."""

    def on_bar(self, context: StrategyContext) -> None:
        minute = int(context.value("AAPL", "minute"))
        if minute == 1:
            far = context.buy("AAPL", 10, limit=1.0, reason="far")
            assert [(o.id, o.kind, o.side, o.limit, o.reason) for o in context.orders("AAPL")] == [
                (far, "limit", "buy", 1.0, "far")
            ]
            assert (context.reserved, context.buying_power) == (10.0, context.equity - 10.0)
            assert far is not None and context.cancel(far) and not context.cancel(far)
            assert (context.reserved, context.buying_power) == (0.0, context.equity)
            context.buy("AAPL", 10, reason="in")
        if minute == 3:
            (position,) = context.positions()
            assert (position.quantity, position.bars) == (10, 2)
            assert context.cash + 10 * context.value("AAPL", "close") == context.equity
            context.sell("AAPL", 10, at_close=True, reason="out")


class Watching(Strategy):
    """Writes down an indicator of AAPL that its config asks for, at every bar; or asks for it itself, `late` at 10:00."""

    class Params(StrategyParams):
        own: bool = False
        late: bool = False

    read: ClassVar[list[float]] = []

    def indicators(self) -> list[str]:
        return ["rvol_4_1m"] if self.params.own else []

    def on_bar(self, context: StrategyContext) -> None:
        if self.params.late and context.current_time.strftime("%H:%M") == "10:00":
            context.session_data.add_indicator("AAPL", "rvol", {"period": 4})
        if not self.params.late:
            self.read.append(context.value("AAPL", "rvol_4_1m"))
