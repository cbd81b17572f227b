"""The encrypted vault: opened by its key alone, never in clear, whole after a crash, gone when destroyed."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from harness.evidence.strongbox import Strongbox, place

HONEY = "hunter2-honey-käse"


def test_what_was_put_is_there_for_the_next_process_and_in_clear_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "state" / "run.vault"
    first = Strongbox(path, "a long passphrase")
    name = first.put({"secret": HONEY, "vars": [1, None, {"a": True}]})
    first.close()
    again = Strongbox(path, "a long passphrase")
    assert again.get(name) == {"secret": HONEY, "vars": [1, None, {"a": True}]}
    assert again.get("0000000000000000") is None
    assert HONEY.encode() not in path.read_bytes()
    assert b"long passphrase" not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    Strongbox(tmp_path / "run.vault", "mine").put({"secret": HONEY})
    with pytest.raises(ValueError, match="another key"):
        Strongbox(tmp_path / "run.vault", "yours")


def test_two_of_the_same_are_not_told_apart(tmp_path: Path) -> None:
    box = Strongbox(tmp_path / "run.vault", "key")
    names = [box.put({"secret": HONEY}) for _ in range(2)]
    lines = (tmp_path / "run.vault").read_text().splitlines()
    first, second = (next(line for line in lines if line.startswith(name)).split()[1] for name in names)
    assert first != second


def test_an_entry_cut_off_by_a_crash_is_none_and_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "run.vault"
    box = Strongbox(path, "key")
    name, torn = box.put({"n": 1}), box.put({"n": 2})
    box.close()
    path.write_bytes(path.read_bytes()[:-9])
    again = Strongbox(path, "key")
    assert again.get(torn) is None
    later = again.put({"n": 3})
    again.close()
    last = Strongbox(path, "key")
    assert [last.get(each) for each in (name, torn, later)] == [{"n": 1}, None, {"n": 3}]


def test_entries_cannot_be_exchanged(tmp_path: Path) -> None:
    path = tmp_path / "run.vault"
    box = Strongbox(path, "key")
    one, two = box.put({"n": 1}), box.put({"n": 2})
    box.close()
    head, first, second, _ = path.read_text().split("\n")
    swapped = [f"{one} {second.split()[1]}", f"{two} {first.split()[1]}"]
    path.write_text("\n".join([head, *swapped, ""]))
    again = Strongbox(path, "key")
    assert [again.get(one), again.get(two)] == [None, None]


def test_destroyed_is_gone(tmp_path: Path) -> None:
    box = Strongbox(tmp_path / "run.vault", "key")
    box.put({"secret": HONEY})
    box.destroy()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "{}", "no json", '{"v": 2, "salt": "", "check": ""}'])
def test_what_is_no_vault_is_not_written_to(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.vault").write_text(text)
    with pytest.raises(ValueError, match="not an encrypted vault"):
        Strongbox(tmp_path / "run.vault", "key")
    assert (tmp_path / "run.vault").read_text() == text


def test_it_lies_outside_the_run(tmp_path: Path) -> None:
    assert place("r1", {"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "exitproof" / "r1.vault"
    assert place("r1", {}) == Path.home() / ".local" / "state" / "exitproof" / "r1.vault"
