"""Could the stories have seen it: every one of them against every planted defect, and against the correct connector."""

from harness.examine.model import Cell, Examination, Row, Sighting, Trial, schema
from harness.examine.work import examine

__all__ = ["Cell", "Examination", "Row", "Sighting", "Trial", "examine", "schema"]
