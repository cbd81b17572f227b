"""exitproof: measures whether access really ended everywhere after offboarding."""

__version__ = "0.1.0"
