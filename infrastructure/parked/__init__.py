"""What could not be processed, to list, look at and replay: `make parked`, `make replay`."""
