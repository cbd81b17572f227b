"""The committed sample report is what this code makes, byte for byte."""

from __future__ import annotations

from pathlib import Path

from tests.report.sample import FOLDER, golden


def test_sample_report_has_not_drifted(tmp_path: Path) -> None:
    golden(tmp_path)
    fresh = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    committed = {path.relative_to(FOLDER): path.read_bytes() for path in FOLDER.rglob("*") if path.is_file()}
    assert set(fresh) == set(committed)
    stale = sorted(str(name) for name, data in fresh.items() if committed[name] != data)
    assert not stale, "run `python -m tests.report.sample` and review the difference"
