"""The journal: durable before `write` returns, whole after a crash, one fsync for many threads."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from harness.evidence.journal import Journal, MemoryJournal, records
from harness.evidence.vault import Vault


def test_records_come_back_in_order(tmp_path: Path) -> None:
    with Journal(tmp_path / "run" / "journal.jsonl") as journal:
        journal.write({"type": "about to send", "at": 1})
        journal.write({"type": "sent", "name": "Ünïcode\n"})
    assert list(records(tmp_path / "run" / "journal.jsonl")) == [
        {"type": "about to send", "at": 1},
        {"type": "sent", "name": "Ünïcode\n"},
    ]


def test_a_record_is_synced_before_write_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    at_sync: list[bytes] = []
    monkeypatch.setattr(os, "fsync", lambda _: at_sync.append(path.read_bytes()))
    journal.write({"n": 1})
    journal.write({"n": 2})
    assert at_sync == [b'{"n":1}\n', b'{"n":1}\n{"n":2}\n']
    journal.close()


def test_after_a_crash_in_the_middle_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"n":1}\n{"n":2,"half')
    assert list(records(path)) == [{"n": 1}]
    with Journal(path) as journal:
        journal.write({"n": 3})
    assert list(records(path)) == [{"n": 1}, {"n": 3}]


def test_a_disk_that_fails_is_not_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "journal.jsonl")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        journal.write({"n": 1})
    journal.close()


def test_no_secret_reaches_the_journal(tmp_path: Path) -> None:
    vault = Vault()
    vault.learn("Hunter2-is-Hunter2")
    with Journal(tmp_path / "journal.jsonl", vault) as journal:
        journal.write({"taken": "Hunter2-is-Hunter2"})
    assert list(records(tmp_path / "journal.jsonl")) == [{"taken": "[redacted]"}]


def test_many_threads_share_syncs_and_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:

        def work(number: int) -> None:
            for n in range(20):
                journal.write({"t": number, "n": n})

        threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = list(records(path))
    assert len(found) == 100
    for thread_number in range(5):
        assert [r["n"] for r in found if r["t"] == thread_number] == list(range(20))


def test_memory() -> None:
    journal = MemoryJournal()
    journal.write({"n": 1})
    assert journal.records == [{"n": 1}]
