"""What was seen, redacted before it is kept, chained so that a change shows."""
