"""Sessions: the single source of truth about symbols, and the phases that drive a run."""
