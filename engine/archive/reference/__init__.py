"""What is known of symbols beside their bars: corporate actions, tickers, universes."""
