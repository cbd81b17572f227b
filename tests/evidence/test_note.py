"""Merkle roots and signed notes against published vectors, and strictly read."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.signer import CryptoSigner, SSlibKey

from harness.evidence import verify_standalone
from harness.evidence.merkle import root
from harness.evidence.note import BadNote, Checkpoint, key_hash, read, sign, signed_by

# The leaves and roots that certificate-transparency implementations test RFC 6962 with.
LEAVES = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

# Verifier keys that the Go project publishes: name, key hash, type and public key.
VKEYS = (
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
)


def test_roots_of_rfc_6962() -> None:
    leaves = [bytes.fromhex(leaf) for leaf in LEAVES]
    assert [root(leaves[: n + 1]).hex() for n in range(8)] == list(ROOTS)
    assert root([]).hex() == EMPTY


@given(st.lists(st.binary(max_size=4), max_size=40))
def test_both_verifiers_grow_the_same_tree(leaves: list[bytes]) -> None:
    assert root(leaves) == verify_standalone.merkle(leaves)


@pytest.mark.parametrize("vkey", VKEYS)
def test_key_hashes_of_published_keys(vkey: str) -> None:
    name, short, code = vkey.split("+", 2)
    public = base64.b64decode(code)[1:].hex()
    key = SSlibKey("x", "ed25519", "ed25519", {"public": public})
    assert key_hash(name, key).hex() == short


KINDS: dict[str, Any] = {
    "ed25519": CryptoSigner.generate_ed25519,
    "ecdsa": CryptoSigner.generate_ecdsa,
    "rsa": CryptoSigner.generate_rsa,
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_survives_and_tells_its_key(kind: str) -> None:
    signer, other = KINDS[kind](), CryptoSigner.generate_ed25519()
    made = sign(Checkpoint("exitproof/runs/ab", 3, b"r" * 32), signer)
    assert made.text.startswith("exitproof/runs/ab\n3\ncnJy")
    back = read(made.text.encode())
    assert back == made
    assert signed_by(back, [other.public_key, signer.public_key]) == signer.public_key
    assert signed_by(back, [other.public_key]) is None
    lied = made.text.replace("\n3\n", "\n4\n").encode()
    with pytest.raises(BadNote, match="signature is wrong"):
        signed_by(read(lied), [signer.public_key])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n3\n", "\n03\n"),
        ("\n3\n", "\n-3\n"),
        ("\n3\n", "\n3 \n"),
        ("\n\n", "\n"),
        ("\n\n", "\nextension\n\n"),
        ("exitproof/", "exit proof/"),
        ("\u2014 ", "- "),
        ("\u2014 ", "\u2014  "),
        ("=\n\n", "\n\n"),
        ("cnJy", "cn y"),
    ],
)
def test_what_is_not_exactly_a_checkpoint_is_none(old: str, new: str) -> None:
    text = sign(Checkpoint("exitproof/runs/ab", 3, b"r" * 32), CryptoSigner.generate_ed25519()).text
    assert old in text
    changed = text.replace(old, new, 1).encode()
    with pytest.raises(BadNote):
        read(changed)
    with pytest.raises(ValueError):
        verify_standalone.read_checkpoint(changed)


@pytest.mark.parametrize("data", [b"", b"\xff", b"\n\n", b"a" * 70_000])
def test_nor_is_anything_else(data: bytes) -> None:
    with pytest.raises(BadNote):
        read(data)
