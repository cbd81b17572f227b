"""Signing keys: made, opened for signing (a file, or a KMS by its URI), and the trust file that names public ones."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.evidence.names import TRUST_SCHEMA
from harness.evidence.strict import parse
from harness.model import BadInput, Problem

if TYPE_CHECKING:
    from securesystemslib.signer import Key, Signer, SSlibKey

VARIABLE = "EXITPROOF_SIGNING_KEY"
PASSPHRASE = "EXITPROOF_SIGNING_PASSPHRASE"  # noqa: S105  the variable's name
PUBLIC = "EXITPROOF_SIGNING_PUBLIC_KEY"
_FIELDS = ("keyid", "keytype", "scheme", "public", "valid_from", "valid_until", "revoked_at", "note")


@dataclass(frozen=True, slots=True)
class Trusted:
    """A public key that a reader of evidence trusts. Days are inclusive, in UTC."""

    key: Key
    valid_from: str | None = None
    valid_until: str | None = None
    revoked_at: str | None = None
    note: str = ""


def public_fields(key: Key) -> dict[str, str]:
    return {"keyid": key.keyid, "keytype": key.keytype, "scheme": key.scheme, "public": str(key.keyval["public"])}


def public_key(fields: Mapping[str, Any]) -> SSlibKey:
    """The key of four fields. Raises ValueError, above all where the id is not the key's own: whoever compared ids
    over the telephone has compared keys."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.exceptions import Error
    from securesystemslib.signer import SSlibKey

    keyid, keytype, scheme, public = (fields.get(name) for name in _FIELDS[:4])
    if not all(isinstance(each, str) for each in (keyid, keytype, scheme, public)):
        raise ValueError("a key is keyid, keytype, scheme and public")
    try:
        made = SSlibKey(str(keyid), str(keytype), str(scheme), {"public": str(public)})
        if keytype == "ed25519":
            opened: Any = Ed25519PublicKey.from_public_bytes(bytes.fromhex(str(public)))
        else:
            opened = load_pem_public_key(str(public).encode())
        own = SSlibKey.from_crypto(opened, scheme=str(scheme))
    except (ValueError, Error, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError(f"not a public key: {error}") from None
    if (own.keyid, own.keytype, own.keyval) != (keyid, keytype, made.keyval):
        raise ValueError(f"the id {str(keyid)[:16]} is not that of the key, {own.keyid[:16]}")
    return made


# --- trust files --------------------------------------------------------------------------------


def trust_file(key: Key, today: date, note: str = "") -> bytes:
    """A trust file of one key, valid from today on."""
    entry = {
        **public_fields(key),
        "valid_from": today.isoformat(),
        "valid_until": None,
        "revoked_at": None,
        "note": note,
    }
    return (json.dumps({"schema": TRUST_SCHEMA, "keys": [entry]}, indent=2) + "\n").encode()


def read_trust(data: bytes) -> tuple[Trusted, ...]:
    """Raises ValueError with what is wrong."""
    made = parse(data)
    if not isinstance(made, dict) or made.get("schema") != TRUST_SCHEMA or not isinstance(made.get("keys"), list):
        raise ValueError(f"not a trust file ({TRUST_SCHEMA})")
    found: dict[str, Trusted] = {}
    for entry in made["keys"]:
        if not isinstance(entry, dict) or set(entry) != set(_FIELDS):
            raise ValueError(f"a trusted key has exactly {', '.join(_FIELDS)}")
        key = public_key(entry)
        if key.keyid in found:
            raise ValueError(f"key {key.keyid[:16]} is named twice")
        since, until, revoked = (_day(entry[name]) for name in ("valid_from", "valid_until", "revoked_at"))
        found[key.keyid] = Trusted(key, since, until, revoked, str(entry["note"]))
    if not found:
        raise ValueError("it names no key")
    return tuple(found.values())


def _day(text: Any) -> str | None:
    if text is None:
        return None
    try:
        if date.fromisoformat(text).isoformat() == text:
            return str(text)
    except (TypeError, ValueError):
        pass
    raise ValueError(f"not a day like 2026-11-25: {text!r}")


# --- making and opening -------------------------------------------------------------------------


def generate(path: Path, passphrase: str = "") -> Key:
    """A new Ed25519 key as PKCS#8, mode 0600, encrypted where there is a passphrase. Never over another file:
    raises FileExistsError."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        KeySerializationEncryption,
        NoEncryption,
        PrivateFormat,
    )
    from securesystemslib.signer import CryptoSigner

    made = Ed25519PrivateKey.generate()
    how: KeySerializationEncryption = NoEncryption()
    if passphrase:
        how = BestAvailableEncryption(passphrase.encode())
    pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(opened, "wb") as file:
        file.write(pem)
    return CryptoSigner(made).public_key


def pem_public(path: Path) -> Key:
    """A public key that a KMS gave away as PEM. Raises BadInput."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.signer import SSlibKey

    try:
        return SSlibKey.from_crypto(load_pem_public_key(path.read_bytes()))
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _bad(str(path), f"not a public key in PEM: {error}") from None


def open_signer(ref: str, env: Mapping[str, str]) -> Signer:
    """A file made by `exitproof keygen`, or a URI of securesystemslib (`awskms:…`, `gcpkms:…`, `azurekms:…`, `hv:…`,
    `hsm:…`), whose public key is in the PEM file that EXITPROOF_SIGNING_PUBLIC_KEY names. It has signed once when
    this returns. Raises BadInput."""
    from securesystemslib.exceptions import Error
    from securesystemslib.signer import SIGNER_FOR_URI_SCHEME, Signer

    scheme = ref.partition(":")[0]
    if scheme not in SIGNER_FOR_URI_SCHEME or Path(ref).exists():
        return _from_file(Path(ref), env.get(PASSPHRASE, ""))
    if not env.get(PUBLIC):
        raise _bad(PUBLIC, "a signer by URI needs its public key: name a PEM file", ref)
    key = pem_public(Path(env[PUBLIC]))
    try:
        signer = Signer.from_priv_key_uri(ref, key)
        proof = signer.sign(b"exitproof: can this key sign?")
        key.verify_signature(proof, b"exitproof: can this key sign?")
    except Error as error:
        raise _bad(ref, f"the signer cannot sign: {error}" + _extra(scheme, error)) from None
    except Exception as error:  # noqa: BLE001  a KMS's client raises what it likes (see Signer); nothing ran yet
        raise _bad(ref, f"the signer cannot sign: {type(error).__name__}: {error}") from None
    return signer


_EXTRAS = {"awskms": "awskms", "gcpkms": "gcpkms", "azurekms": "azurekms", "hv": "vault", "hsm": "hsm"}


def _extra(scheme: str, error: Exception) -> str:
    if type(error).__name__ != "UnsupportedLibraryError" or scheme not in _EXTRAS:
        return ""
    return f"; pip install 'securesystemslib[{_EXTRAS[scheme]}]'"


def _from_file(path: Path, passphrase: str) -> Signer:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from securesystemslib.signer import CryptoSigner

    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise _bad(str(path), "no file that holds a signing key")
        if mode & 0o077:
            raise _bad(str(path), f"others may read this signing key: chmod 600 {path}", f"{mode & 0o777:03o}")
        key = load_pem_private_key(path.read_bytes(), passphrase.encode() or None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        # The library's words name neither the key nor the passphrase.
        raise _bad(str(path), f"cannot be opened as a signing key: {error}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise _bad(str(path), "not an Ed25519 key; `exitproof keygen` makes one")
    return CryptoSigner(key)


def today() -> date:
    return datetime.now(UTC).date()


def _bad(file: str, message: str, value: str = "") -> BadInput:
    return BadInput([Problem(file, 1, 1, message, value)])
