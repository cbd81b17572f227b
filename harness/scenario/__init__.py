"""YAML to cases: strict, everything wrong said at once, with its place."""
