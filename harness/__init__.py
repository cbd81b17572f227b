"""exitproof: measures whether access really ended everywhere after offboarding.

PYTEST_DONT_REWRITE: `exitproof run` calls pytest in its own process, where this package is imported already.
"""

__version__ = "0.1.0"
