"""The documentation is a test subject: what it shows loads, what it lists is there, where it points to exists."""
