"""A run as a person starts it: planned, put together, shared out, shown, and told."""
