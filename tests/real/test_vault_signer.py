"""A run signed by a key that never leaves a real OpenBao: transit engine, signer by URI, verified offline."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fixtures.fleet.openbao import OpenBao
from harness.evidence.keys import PUBLIC, open_signer
from harness.model import BadInput
from tests.evidence.bundles import Key, both, edit, runs

pytestmark = pytest.mark.real


def ask(bao: OpenBao, method: str, path: str, body: object = None) -> requests.Response:
    headers = {"X-Vault-Token": bao.token}
    answer = requests.request(method, f"{bao.url}/{path}", json=body, headers=headers, timeout=10)
    assert answer.ok, answer.text
    return answer


def transit_key(bao: OpenBao, name: str, pem: Path) -> None:
    """A key inside the server; its public half in a PEM file."""
    ask(bao, "POST", f"transit/keys/{name}", {"type": "ed25519"})
    raw = base64.b64decode(ask(bao, "GET", f"transit/keys/{name}").json()["data"]["keys"]["1"]["public_key"])
    key = Ed25519PublicKey.from_public_bytes(raw)
    pem.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


@pytest.fixture(scope="module")
def transit(openbao: OpenBao) -> OpenBao:
    ask(openbao, "POST", "sys/mounts/transit", {"type": "transit"})
    return openbao


@pytest.fixture(autouse=True)
def reached(openbao: OpenBao, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where hvac looks for the server."""
    monkeypatch.setenv("VAULT_ADDR", openbao.url.removesuffix("/v1"))
    monkeypatch.setenv("VAULT_TOKEN", openbao.token)


def test_a_key_in_openbao_signs_runs_and_the_register(transit: OpenBao, tmp_path: Path) -> None:
    pem = tmp_path / "drill.pem"
    transit_key(transit, "drill", pem)
    signer = open_signer("hv:drill/1", {PUBLIC: str(pem)})
    runs(tmp_path / "reports", signer, 2)
    pair = Key(signer)
    assert both(tmp_path / "reports", pair)[0] == 0
    edit(tmp_path / "reports" / "run-2" / "ledger.jsonl", '"grant":"g-1"', '"grant":"g-2"')
    assert both(tmp_path / "reports", pair)[0] == 8


def test_what_is_wrong_with_it_is_known_before_anything_runs(
    transit: OpenBao, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    transit_key(transit, "one", tmp_path / "one.pem")
    transit_key(transit, "other", tmp_path / "other.pem")
    with pytest.raises(BadInput, match="cannot sign"):
        open_signer("hv:one/1", {PUBLIC: str(tmp_path / "other.pem")})
    with pytest.raises(BadInput, match="cannot sign"):
        open_signer("hv:nobody/1", {PUBLIC: str(tmp_path / "one.pem")})
    monkeypatch.setenv("VAULT_TOKEN", "no such token")
    with pytest.raises(BadInput, match="cannot sign") as bad:
        open_signer("hv:one/1", {PUBLIC: str(tmp_path / "one.pem")})
    assert "no such token" not in str(bad.value)
