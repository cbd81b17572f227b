"""The life of a case: a state machine on a clock, and everything that happens around it."""
