"""What triggers offboarding: one file each; a connector acts and never witnesses its own work."""
