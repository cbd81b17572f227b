"""YAML to a fleet of adapters: secrets resolved, limits, guard."""
