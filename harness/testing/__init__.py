"""Contract suites and fault injection for adapters, ours and third parties alike."""
