"""Look-ahead audits: sessions replayed over archives with another future, then compared."""
