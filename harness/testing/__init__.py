"""What an adapter's author tests with: the contract suite, its faults, and a bench to build on."""

import pytest

pytest.register_assert_rewrite("harness.testing.contract", "harness.testing.laws", "harness.testing.spoken")
