"""A file named on pytest's command line is a scenario only if it is YAML: the plugin leaves other tests alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_a_python_file_is_no_scenario(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text("def test_own(): pass\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_own.py"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 passed" in ran.stdout
