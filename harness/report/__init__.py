"""From a finished run to documents that three readers can use."""

from harness.report.about import About, Exchanges, Input, SystemInfo
from harness.report.document import document
from harness.report.schema import schema
from harness.report.selftest import selftest_page
from harness.report.write import write

__all__ = ["About", "Exchanges", "Input", "SystemInfo", "document", "schema", "selftest_page", "write"]
