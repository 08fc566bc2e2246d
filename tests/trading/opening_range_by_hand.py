"""The opening range breakout decided bar by bar: the twin of engine.strategies.opening_range_breakout."""

from __future__ import annotations

from engine.strategies.base import Strategy, StrategyContext, StrategyParams


class OpeningRangeByHand(Strategy):
    class Params(StrategyParams):
        stop_atr: float = 0.1
        target_r: float | None = None

    def indicators(self) -> list[str]:
        return ["opening_range_5_1m", "atr_14_1d"]

    def on_bar(self, context: StrategyContext) -> None:
        opened = context.time_manager.session_open
        if (context.current_time - opened).total_seconds() != 300:
            return
        ranked = sorted(context.symbols, key=lambda symbol: (context.rank(symbol), symbol))
        for symbol in ranked:
            close, first = context.value(symbol, "close"), context.value(symbol, "session_open")
            side = (close > first) - (close < first)
            if not side:
                continue
            entry = context.value(symbol, f"opening_range_5_1m.{'high' if side > 0 else 'low'}")
            risk = context.value(symbol, "atr_14_1d") * self.params.stop_atr
            target = (
                None if self.params.target_r is None else entry + side * risk * self.params.target_r
            )
            context.order(
                symbol,
                side,
                **{self.params.size_unit: self.params.size},
                stop=entry,
                stop_loss=entry - side * risk,
                take_profit=target,
                reason=f"range_closed_{'up' if side > 0 else 'down'}",
            )
