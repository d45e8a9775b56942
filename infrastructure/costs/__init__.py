"""What a month has cost, for people: `make costs MONTH=2026-11` (docs/operations.md)."""
