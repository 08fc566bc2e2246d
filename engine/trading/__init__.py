"""The strategies' base classes, the broker, and the trading desk that runs both."""
