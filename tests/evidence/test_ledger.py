"""The chain: canonical lines, each bound to the one before it, from open to close."""

from __future__ import annotations

import json
import threading
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from harness.evidence.canonical import canonical
from harness.evidence.ledger import FIRST, Ledger
from harness.evidence.vault import Vault

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=15,
)


@given(values)
def test_the_quick_way_gives_the_bytes_of_rfc_8785(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [1.0, -0.0, 1e21, {"\U0001f600": 1, "\uffff": 2}, '\x00\x1f\x7f\u2028"\\/'])
def test_where_the_c_encoder_differs(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    ("hostile", "stored"),
    [(2**53, '"9007199254740992"'), ("\ud800", '"\\\\ud800"'), (float("nan"), '"nan"'), (float("inf"), '"inf"')],
)
def test_what_rfc_8785_cannot_hold_is_stored_as_text(hostile: Any, stored: str) -> None:
    assert canonical({"a": [hostile]}).decode() == f'{{"a":[{stored}]}}'


def test_anything_else_has_no_place() -> None:
    with pytest.raises(TypeError, match="object has no place in a record"):
        canonical({"a": object()})


def test_words_of_enums_and_tuples_are_plain() -> None:
    class Word(StrEnum):
        A = "a"

    assert canonical({"w": Word.A, "t": (1, True, None)}) == b'{"t":[1,true,null],"w":"a"}'


def chain(lines: list[bytes]) -> list[dict[str, Any]]:
    records = [json.loads(line) for line in lines]
    prev = FIRST
    for seq, (line, record) in enumerate(zip(lines, records, strict=True)):
        assert canonical(record) == line
        assert (record["v"], record["seq"], record["prev"]) == (1, seq, prev)
        prev = sha256(line).hexdigest()
    return records


def test_a_ledger_on_disk(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "r" / "ledger.jsonl", {"run": "r-1"})
    name = ledger.append({"type": "observation", "presence": "absent", "at": 1})
    last = ledger.close({"verdict": "pass"})
    lines = (tmp_path / "r" / "ledger.jsonl").read_bytes().splitlines()
    records = chain(lines)
    assert [record["type"] for record in records] == ["open", "observation", "close"]
    assert records[2]["records"] == 2
    assert name == sha256(lines[1]).hexdigest()
    assert last == sha256(lines[2]).hexdigest()
    with pytest.raises(ValueError, match="closed"):
        ledger.append({"type": "late"})


def test_each_record_is_in_the_file_at_once(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl", {})
    ledger.append({"type": "observation"})
    assert len((tmp_path / "ledger.jsonl").read_bytes().splitlines()) == 2
    ledger.close({})


def test_another_runs_ledger_is_not_written_over(tmp_path: Path) -> None:
    Ledger(tmp_path / "ledger.jsonl", {}).close({})
    with pytest.raises(FileExistsError):
        Ledger(tmp_path / "ledger.jsonl", {})


@pytest.mark.parametrize("record", [{}, {"type": ""}, {"type": "x", "seq": 1}, {"type": "x", "prev": ""}])
def test_the_chain_belongs_to_the_ledger(record: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="needs a type"):
        Ledger(None, {}).append(record)


def test_secrets_are_cut_out_before_the_hash() -> None:
    vault = Vault()
    vault.learn("Hunter2-is-Hunter2")
    ledger = Ledger(None, {}, vault)
    ledger.append({"type": "note", "deep": [{"reason": 'said "Hunter2-is-Hunter2"'}]})
    assert json.loads(ledger.lines()[1])["deep"] == [{"reason": 'said "[redacted]"'}]


def test_many_threads_make_one_chain() -> None:
    ledger = Ledger(None, {})
    threads = [
        threading.Thread(target=lambda: [ledger.append({"type": "o", "n": n}) for n in range(100)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger.close({})
    assert len(chain(list(ledger.lines()))) == 402
