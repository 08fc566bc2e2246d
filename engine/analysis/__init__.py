"""Figures of what a scan or a run found: forward returns, evaluation, explanation, metrics."""
