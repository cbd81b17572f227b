"""Every run below a folder in one SQLite file: a results.json is read when it is new or changed, and no other time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields
from pathlib import Path

from harness.model import BadInput, Coverage, Instant, Outcome, Verdict, iso
from harness.report.drills import Drilled, Judged, read

NAME = ".history.sqlite"
VERSION = 2  # of the tables: an index of another version is made anew

_TABLES = f"""
PRAGMA user_version = {VERSION};
CREATE TABLE run (file TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, id TEXT, started TEXT, fleet TEXT,
    environment TEXT, verdict TEXT);
CREATE TABLE finding (file TEXT REFERENCES run(file) ON DELETE CASCADE, fingerprint TEXT, "case" TEXT, subject TEXT,
    system TEXT, kind TEXT, name TEXT, vantage TEXT, channel TEXT, outcome TEXT, reason TEXT,
    lower INTEGER, upper INTEGER);
CREATE TABLE cell (file TEXT REFERENCES run(file) ON DELETE CASCADE, system TEXT, kind TEXT, vantage TEXT, status TEXT);
CREATE TABLE exception (file TEXT REFERENCES run(file) ON DELETE CASCADE, covers TEXT, until TEXT);
CREATE INDEX finding_file ON finding(file);
CREATE INDEX cell_file ON cell(file);
"""
_FINDING = tuple(field.name for field in fields(Judged))


def runs(reports: Path, fleet: str | None = None) -> list[Drilled]:
    """Every run directly below a folder, of one fleet if it is named, the oldest first. Folders without results of this
    version are left out. The index lies beside them; where that cannot be written it is made in memory."""
    with closing(_open(reports)) as base:
        _update(base, reports)
        return sorted(_stored(base, fleet), key=lambda run: (run.started, run.id))


def before(reports: Path, fleet: str, environment: str, started: Instant) -> list[Drilled]:
    """Those of the same fleet and environment that began before this instant."""
    found = runs(reports, fleet) if reports.is_dir() else []
    return [run for run in found if run.environment == environment and run.started < iso(started)]


def _open(reports: Path) -> sqlite3.Connection:
    try:
        base = sqlite3.connect(reports / NAME)
        if base.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            base.close()
            (reports / NAME).unlink(missing_ok=True)
            base = sqlite3.connect(reports / NAME)
            base.executescript(_TABLES)
    except (sqlite3.Error, OSError):
        base = sqlite3.connect(":memory:")
        base.executescript(_TABLES)
    base.execute("PRAGMA foreign_keys = ON")
    return base


def _update(base: sqlite3.Connection, reports: Path) -> None:
    known = {file: (size, mtime) for file, size, mtime in base.execute("SELECT file, size, mtime_ns FROM run")}
    there: set[str] = set()
    for path in sorted(reports.glob("*/results.json")):
        file, told = path.parent.name, path.stat()
        there.add(file)
        if known.get(file) == (told.st_size, told.st_mtime_ns):
            continue
        try:
            run = read(path)
        except BadInput:
            there.discard(file)
            continue
        _store(base, file, (told.st_size, told.st_mtime_ns), run)
    for gone in known.keys() - there:
        base.execute("DELETE FROM run WHERE file = ?", (gone,))
    base.commit()


def _store(base: sqlite3.Connection, file: str, mark: tuple[int, int], run: Drilled) -> None:
    base.execute("DELETE FROM run WHERE file = ?", (file,))
    row = (file, *mark, run.id, run.started, run.fleet, run.environment, run.verdict.word)
    base.execute(f"INSERT INTO run VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608  marks only
    marks = ", ".join("?" * (len(_FINDING) + 1))
    base.executemany(
        f"INSERT INTO finding VALUES ({marks})",  # noqa: S608  marks only
        ((file, *(_sql(getattr(one, name)) for name in _FINDING)) for one in run.findings.values()),
    )
    cells = ((file, *place, str(status)) for place, status in run.cells.items())
    base.executemany("INSERT INTO cell VALUES (?, ?, ?, ?, ?)", cells)
    base.executemany("INSERT INTO exception VALUES (?, ?, ?)", ((file, *one) for one in run.exceptions.items()))


def _sql(value: object) -> object:
    return str(value) if isinstance(value, Outcome) else value


def _stored(base: sqlite3.Connection, fleet: str | None) -> Iterator[Drilled]:
    rows = base.execute("SELECT file, id, started, fleet, environment, verdict FROM run").fetchall()
    columns = ", ".join(f'"{name}"' for name in _FINDING)
    for file, id_, started, name, environment, verdict in rows:
        if fleet is not None and name != fleet:
            continue
        found = {}
        for values in base.execute(f"SELECT {columns} FROM finding WHERE file = ?", (file,)):  # noqa: S608  our columns
            told = dict(zip(_FINDING, values, strict=True))
            found[told["fingerprint"]] = Judged(**{**told, "outcome": Outcome(told["outcome"])})
        cells = base.execute("SELECT system, kind, vantage, status FROM cell WHERE file = ?", (file,))
        kept = base.execute("SELECT covers, until FROM exception WHERE file = ?", (file,))
        yield Drilled(
            id_, started, name, environment, Verdict[verdict.upper()], found,
            {(system, kind, vantage): Coverage(status) for system, kind, vantage, status in cells},
            dict(kept.fetchall()),
        )  # fmt: skip
