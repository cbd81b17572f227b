"""Files as people write them: strict YAML to plain data, and what is wrong with it, line by line."""

from harness.source.reading import DataPath
from harness.source.text import MAX_BYTES, Source, parse, read

__all__ = ["MAX_BYTES", "DataPath", "Source", "parse", "read"]
