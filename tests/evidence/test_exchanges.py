"""Content-addressed exchanges: on disk or in memory, swept of what slipped through."""

from __future__ import annotations

import json
import threading
from hashlib import sha256
from pathlib import Path

import pytest

from harness.evidence.exchanges import Exchanges
from harness.evidence.vault import Vault

SECRET = "Hunter2-is-Hunter2-twice"


@pytest.fixture(params=["disk", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Exchanges:
    vault = Vault()
    vault.learn(SECRET)
    return Exchanges(tmp_path / "exchanges" if request.param == "disk" else None, vault)


def test_an_exchange_is_named_by_its_content(store: Exchanges) -> None:
    name = store({"url": "http://h/ü", "attempts": 1, "body": None})
    assert name == sha256(store.read(name)).hexdigest()
    assert store.read(name) == '{"attempts":1,"body":null,"url":"http://h/ü"}'.encode()
    assert store({"body": None, "attempts": 1, "url": "http://h/ü"}) == name
    assert len(store) == 1
    assert name in store
    assert list(store) == [name]
    with pytest.raises(KeyError):
        store.get("0" * 64)


def test_a_secret_that_slipped_through_is_swept_and_counted(store: Exchanges) -> None:
    name = store({"body": json.dumps({"note": f"it is {SECRET}"}), SECRET: 1})
    assert store.swept == 2
    assert SECRET not in store.read(name).decode()
    assert store.get(name)["body"] == '{"note": "it is [redacted]"}'
    assert name == sha256(store.read(name)).hexdigest()


def test_a_secret_made_of_json_syntax_keeps_nothing() -> None:
    vault = Vault()
    vault.learn('"url":"')
    store = Exchanges(None, vault)
    name = store({"url": "x", "status": 200})
    assert store.get(name) == {"error": "removed: a known secret could not be cut out", "status": 200}


def test_the_folder_holds_nothing_else(tmp_path: Path) -> None:
    store = Exchanges(tmp_path / "a" / "exchanges", Vault())
    names = {store({"n": n}) for n in range(3)}
    assert {path.name for path in (tmp_path / "a" / "exchanges").iterdir()} == {f"{name}.json" for name in names}


def test_many_threads(store: Exchanges) -> None:
    def work() -> None:
        for n in range(50):
            store({"n": n})

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store) == 50
    assert {store.get(name)["n"] for name in store} == set(range(50))
