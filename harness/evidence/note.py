"""C2SP signed notes (c2sp.org/signed-note) that hold a checkpoint (c2sp.org/tlog-checkpoint): a few lines of text."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from securesystemslib.signer import Key, Signer

LARGEST = 64 * 1024
_DASH = "\u2014 "


class BadNote(ValueError):
    """Not a checkpoint: the message says why."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The register of runs at one moment: how many lines, and the Merkle root over them."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A checkpoint and who signed it: (key name, key hash, signature)."""

    checkpoint: Checkpoint
    signatures: tuple[tuple[str, bytes, bytes], ...]

    @property
    def text(self) -> str:
        lines = [f"{_DASH}{name} {base64.b64encode(short + raw).decode()}\n" for name, short, raw in self.signatures]
        return f"{self.checkpoint.text}\n{''.join(lines)}"


def sign(checkpoint: Checkpoint, signer: Signer) -> Note:
    """One signature under the origin's name. Raises whatever the signer raises."""
    signature = signer.sign(checkpoint.text.encode())
    short = key_hash(checkpoint.origin, signer.public_key)
    return Note(checkpoint, ((checkpoint.origin, short, bytes.fromhex(signature.signature)),))


def read(data: bytes) -> Note:
    """Strictly: what does not give the same bytes again is refused. Raises BadNote."""
    if len(data) > LARGEST:
        raise BadNote(f"longer than {LARGEST} bytes")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise BadNote("not UTF-8") from None
    body, blank, signed = text.rpartition("\n\n")
    lines = body.split("\n")
    if not blank or len(lines) != 3 or not re.fullmatch(r"[^\s+]{1,200}", lines[0]):
        raise BadNote("not three lines, an empty one and signatures")
    if not re.fullmatch(r"0|[1-9][0-9]{0,14}", lines[1]):
        raise BadNote("its second line is not a size")
    checkpoint = Checkpoint(lines[0], int(lines[1]), _decoded(lines[2]))
    note = Note(checkpoint, tuple(map(_signature, signed.removesuffix("\n").split("\n"))))
    if note.text.encode() != data:
        raise BadNote("not in the exact form of a signed note")
    return note


def _signature(line: str) -> tuple[str, bytes, bytes]:
    name, _, code = line.removeprefix(_DASH).partition(" ")
    raw = _decoded(code)
    return name, raw[:4], raw[4:]


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadNote("not base64 where base64 belongs") from None


def key_hash(name: str, key: Key) -> bytes:
    """The four bytes that, with the name, tell which key a signature line is by."""
    public = str(key.keyval["public"])
    if key.keytype == "ed25519":
        return sha256(name.encode() + b"\n\x01" + bytes.fromhex(public)).digest()[:4]
    if key.keytype == "ecdsa":  # of the SPKI in DER, as the specification has it for this type
        body = "".join(line for line in public.splitlines() if not line.startswith("-"))
        return sha256(base64.b64decode(body)).digest()[:4]
    kind = b"exitproof " + key.scheme.encode()  # 0xff: a type without a byte of its own
    return sha256(name.encode() + b"\n\xff" + kind + b"\n" + public.encode()).digest()[:4]


def signed_by(note: Note, keys: Iterable[Key]) -> Key | None:
    """The first of these keys that signed it; None: none did. Raises BadNote where a line that says it is by one of
    them is not."""
    from securesystemslib.exceptions import UnverifiedSignatureError
    from securesystemslib.signer import Signature

    for key in keys:
        short = key_hash(note.checkpoint.origin, key)
        for name, named, raw in note.signatures:
            if (name, named) != (note.checkpoint.origin, short):
                continue
            try:
                key.verify_signature(Signature(key.keyid, raw.hex()), note.checkpoint.text.encode())
            except UnverifiedSignatureError:
                raise BadNote("its signature is wrong") from None
            return key
    return None
