"""Signing keys, signers by URI, and trust files: private, tried before anything runs, and never believed by halves."""

from __future__ import annotations

import json
import stat
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import SIGNER_FOR_URI_SCHEME, CryptoSigner, Key, Signature, Signer

from harness.evidence import keys, names, verify_standalone
from harness.model import BadInput
from tests.evidence.attacks import KEY
from tests.evidence.bundles import Key as Pair
from tests.evidence.bundles import both, main, runs, standalone


def test_a_key_is_private_and_never_overwritten(tmp_path: Path) -> None:
    made = keys.generate(tmp_path / "key")
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert keys.open_signer(str(tmp_path / "key"), {}).public_key == made
    with pytest.raises(FileExistsError):
        keys.generate(tmp_path / "key")
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(BadInput, match="chmod 600"):
        keys.open_signer(str(tmp_path / "key"), {})


def test_a_key_with_a_passphrase(tmp_path: Path) -> None:
    made = keys.generate(tmp_path / "key", "open sesame")
    assert b"ENCRYPTED" in (tmp_path / "key").read_bytes()
    env = {keys.PASSPHRASE: "open sesame"}
    assert keys.open_signer(str(tmp_path / "key"), env).public_key == made
    for wrong in ({}, {keys.PASSPHRASE: "open barley"}):
        with pytest.raises(BadInput, match="cannot be opened") as bad:
            keys.open_signer(str(tmp_path / "key"), wrong)
        assert "barley" not in str(bad.value)


@pytest.mark.parametrize("data", [b"", b"-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n", None])
def test_what_is_no_key_is_said_before_anything_runs(tmp_path: Path, data: bytes | None) -> None:
    if data is not None:
        (tmp_path / "key").write_bytes(data)
        (tmp_path / "key").chmod(0o600)
    with pytest.raises(BadInput, match="signing key"):
        keys.open_signer(str(tmp_path / "key"), {})
    with pytest.raises(BadInput, match="no file that holds a signing key"):
        keys.open_signer(str(tmp_path), {})


class Kms(CryptoSigner):
    """A KMS at securesystemslib's own door: `kms-test:NAME`."""

    made: dict[str, CryptoSigner] = {}  # noqa: RUF012
    broken = False

    @classmethod
    def from_priv_key_uri(cls, priv_key_uri: str, public_key: Key, secrets_handler: Any = None) -> CryptoSigner:
        if cls.broken:
            raise ConnectionError("no route to the KMS")
        return cls.made[priv_key_uri.partition(":")[2]]


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> type[Kms]:
    monkeypatch.setitem(SIGNER_FOR_URI_SCHEME, "kms-test", Kms)
    monkeypatch.setattr(Kms, "made", {"ed": CryptoSigner.generate_ed25519(), "ec": CryptoSigner.generate_ecdsa()})
    return Kms


@pytest.mark.parametrize("name", ["ed", "ec"])
def test_a_kms_signs_by_its_uri(tmp_path: Path, kms: type[Kms], name: str) -> None:
    pem = tmp_path / "kms.pem"
    pem.write_bytes(_pem(kms.made[name]))
    signer = keys.open_signer(f"kms-test:{name}", {keys.PUBLIC: str(pem)})
    runs(tmp_path / "reports", signer, 2)
    pair = Pair(signer)
    assert both(tmp_path / "reports", pair)[0] == 0
    (tmp_path / "reports" / "run-1" / "report.html").write_text("")
    assert both(tmp_path / "reports", pair)[0] == 8
    assert keys.pem_public(pem) == signer.public_key


def test_a_kind_of_key_that_the_small_verifier_does_not_know(tmp_path: Path) -> None:
    pair = Pair(CryptoSigner.generate_rsa())
    runs(tmp_path, pair.signer, 1)
    assert main(tmp_path, pair)[0] == 0
    assert standalone(tmp_path, pair)[0] == 9, "it says that it cannot, and never that it is good"


def test_a_kms_that_cannot_sign_is_known_before_anything_runs(
    tmp_path: Path, kms: type[Kms], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadInput, match="needs its public key"):
        keys.open_signer("kms-test:ed", {})
    pem = tmp_path / "kms.pem"
    pem.write_bytes(_pem(kms.made["ec"]))
    with pytest.raises(BadInput, match="cannot sign"):
        keys.open_signer("kms-test:ed", {keys.PUBLIC: str(pem)})  # another key's public half
    monkeypatch.setattr(kms, "broken", True)
    with pytest.raises(BadInput, match="no route to the KMS"):
        keys.open_signer("kms-test:ec", {keys.PUBLIC: str(pem)})
    with pytest.raises(BadInput, match=r"pip install 'securesystemslib\[gcpkms\]'"):
        keys.open_signer("gcpkms:projects/p/k", {keys.PUBLIC: str(pem)})
    pem.write_bytes(b"-----BEGIN PUBLIC KEY-----\n")
    with pytest.raises(BadInput, match="not a public key"):
        keys.open_signer("kms-test:ed", {keys.PUBLIC: str(pem)})


def _pem(signer: CryptoSigner) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    made: bytes = signer._private_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return made


# --- trust files ----------------------------------------------------------------------------------


def trusting(**changes: Any) -> bytes:
    made = json.loads(KEY.trust_bytes)
    made["keys"][0] |= changes
    return json.dumps(made).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"schema": "exitproof-trust/1", "keys": []}',
        b'{"schema": "exitproof-trust/2", "keys": [1]}',
        trusting(keyid="0" * 64),
        trusting(public="00" * 32),
        trusting(keytype="ecdsa"),
        trusting(valid_from="yesterday"),
        trusting(valid_from="20260101"),
        trusting(more=1),
        KEY.trust_bytes.replace(b'"note"', b'"keyid"'),
    ],
)
def test_a_wrong_trust_file_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        keys.read_trust(data)
    with pytest.raises((ValueError, KeyError, AttributeError, TypeError)):
        verify_standalone.read_trust(data)


@pytest.mark.parametrize(
    ("changes", "ended"),
    [
        ({"valid_from": None}, 0),
        ({"valid_from": "2999-01-01"}, 9),
        ({"valid_from": None, "valid_until": "2020-01-01"}, 9),
        ({"revoked_at": "2020-01-01"}, 9),
        ({"revoked_at": "2999-01-01"}, 9),  # sealed before, says the operator: a thief would say so too
    ],
)
def test_a_key_is_in_force_for_its_days(tmp_path: Path, changes: dict[str, Any], ended: int) -> None:
    runs(tmp_path, KEY.signer, 1)
    pair = Dated(KEY.signer, changes)
    assert both(tmp_path, pair)[0] == ended
    if changes.get("revoked_at") == "2999-01-01":
        kept = (tmp_path / names.CHECKPOINT).read_bytes()
        assert both(tmp_path, pair, kept)[0] == 0, "a checkpoint kept outside shows that it was there before"


class Dated(Pair):
    def __init__(self, signer: Signer, changes: dict[str, Any]) -> None:
        super().__init__(signer)
        object.__setattr__(self, "changes", changes)

    @property
    def trust_bytes(self) -> bytes:
        changes: dict[str, Any] = object.__getattribute__(self, "changes")
        return trusting(**changes)


def test_the_id_is_the_hash_of_the_key() -> None:
    public = keys.public_fields(KEY.signer.public_key)
    assert keys.public_key(public).keyid == KEY.keyid
    assert (
        json.loads(keys.trust_file(KEY.signer.public_key, date(2026, 1, 2), "n"))["keys"][0]["valid_from"]
        == "2026-01-02"
    )
    assert isinstance(KEY.signer.sign(b"x"), Signature)
