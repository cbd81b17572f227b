"""There is one spelling of everything that is signed or chained: another one of the same meaning is refused too."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from harness.evidence import names
from harness.evidence.canonical import canonical
from harness.evidence.ledger import FIRST
from harness.evidence.verify_ledger import walk
from tests.evidence.attacks import KEY, remanifest, resign
from tests.evidence.bundles import both, runs

B64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def respelt(text: str) -> list[str]:
    """The same bytes in base64, for a decoder that does not look closely: loose bits, blanks, missing padding."""
    core = text.rstrip("=")
    loose = {2: 16, 1: 4, 0: 1}[len(text) - len(core)]
    last = B64.index(core[-1])
    others = [B64[last // loose * loose + n] for n in range(loose) if last // loose * loose + n != last]
    made = [core[:-1] + other + text[len(core) :] for other in others]
    return [*made, text + "\n", f"{text[:8]} {text[8:]}", text + "=", f"{text[:4]}!{text[4:]}"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return runs(tmp_path_factory.mktemp("exact"), KEY.signer, 1)[0]


def refused(path: Path, data: bytes) -> None:
    good = path.read_bytes()
    assert data != good
    path.write_bytes(data)
    try:
        assert both(path.parent if path.parent.name == "run-1" else path.parent / "run-1", KEY)[0] == 8
    finally:
        path.write_bytes(good)


def test_signature_and_payload_in_another_base64(run: Path) -> None:
    made = json.loads((run / names.ENVELOPE).read_bytes())
    for text in respelt(made["signatures"][0]["sig"]):
        changed = {**made, "signatures": [{**made["signatures"][0], "sig": text}]}
        refused(run / names.ENVELOPE, canonical(changed) + b"\n")
    for text in respelt(made["payload"]):
        refused(run / names.ENVELOPE, canonical({**made, "payload": text}) + b"\n")


def test_an_envelope_with_more_in_it(run: Path) -> None:
    made = json.loads((run / names.ENVELOPE).read_bytes())
    (signature,) = made["signatures"]
    for changed in (
        {**made, "note": "also true"},
        {**made, "signatures": [{**signature, "cert": ""}]},
        {**made, "signatures": [signature, signature]},
        {**made, "signatures": []},
        {**made, "signatures": [{**signature, "keyid": ""}]},
        {**made, "payloadType": "application/json"},
    ):
        refused(run / names.ENVELOPE, canonical(changed) + b"\n")


@pytest.mark.parametrize("name", [names.ENVELOPE, names.MANIFEST, f"../{names.RUNS}", "ledger.jsonl"])
def test_the_same_json_with_blanks(run: Path, name: str) -> None:
    data = (run / name).read_bytes()
    for changed in (
        data.replace(b'":', b'": ', 1),
        data + b"\n",
        data[:-1],
        b" " + data,
        data.replace(b"\n", b"\r\n", 1),
    ):
        refused((run / name).resolve(), changed)


def test_a_checkpoint_in_another_spelling(run: Path) -> None:
    path = run.parent / names.CHECKPOINT
    text = path.read_text()
    root, signature = text.split("\n")[2], text.rstrip("\n").rpartition(" ")[2]
    for old in (root, signature):
        for new in respelt(old):
            refused(path, text.replace(old, new).encode())


# --- ledgers that an honest harness would not write ------------------------------------------------


def chained(records: Sequence[dict[str, Any]]) -> bytes:
    prev, lines = FIRST, []
    for number, record in enumerate(records):
        line = canonical({**{"v": 1, "seq": number, "prev": prev}, **record})
        lines.append(line + b"\n")
        prev = sha256(line).hexdigest()
    return b"".join(lines)


OPEN: dict[str, Any] = {"type": "open", "run": "id-1"}
SEEN: dict[str, Any] = {"type": "observation", "evidence": []}


def close(records: int, run: str = "id-1") -> dict[str, Any]:
    return {"type": "close", "run": run, "verdict": "pass", "records": records}


ODD: dict[str, tuple[Sequence[dict[str, Any]], str]] = {
    "no open": ((SEEN, close(1)), "opens once"),
    "opened twice": ((OPEN, OPEN, close(2)), "opens once"),
    "closed twice": ((OPEN, close(1), close(2)), "after the end"),
    "something after the end": ((OPEN, close(1), SEEN), "after the end"),
    "a close that counts wrongly": ((OPEN, SEEN, close(1)), "closes another ledger"),
    "a close of another run": ((OPEN, close(1, "id-2")), "closes another ledger"),
    "a number left out": ((OPEN, {**SEEN, "seq": 2}, close(2)), "the chain breaks"),
    "another version": ((OPEN, {**SEEN, "v": 2}, close(2)), "the chain breaks"),
    "a link to nothing": ((OPEN, {**SEEN, "prev": FIRST}, close(2)), "the chain breaks"),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_ledger_is_refused_whoever_signed_it(tmp_path: Path, name: str) -> None:
    records, why = ODD[name]
    (folder,) = runs(tmp_path, KEY.signer, 1)
    data = chained(records)
    assert why in walk(data.splitlines(keepends=True)).wrong
    (folder / "ledger.jsonl").write_bytes(data)
    remanifest(folder)
    resign(folder, KEY.signer)
    told, seen = both(folder, KEY)
    assert told == 8
    assert ("TAMPERED", "ledger", "ledger.jsonl") in seen
    assert ("ok", "signature", "manifest.dsse.json") in seen


def test_a_good_one_is_not() -> None:
    made = walk(chained((OPEN, SEEN, close(2))).splitlines(keepends=True))
    assert (made.wrong, made.closed, made.size, made.run, made.verdict) == ("", True, 3, "id-1", "pass")


@pytest.mark.parametrize("number", [b"1.0", b"1e3", b"1E3", b"-0", b"01", b"9007199254740993", b"NaN", b"0.5"])
def test_a_number_in_another_spelling(number: bytes) -> None:
    from harness.evidence import strict, verify_standalone

    line = b'{"n":' + number + b"}"
    readers: list[Callable[[bytes], Any]] = [strict.exact, verify_standalone.exact]
    for reader in readers:
        with pytest.raises(ValueError):
            reader(line)
        assert reader(b'{"n":7,"\xc3\xa9":"\xf0\x9f\x98\x80"}') == {"n": 7, "\u00e9": "\U0001f600"}
