"""From a finished run to documents that three readers can use."""
