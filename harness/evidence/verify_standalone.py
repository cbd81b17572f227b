"""Verifies sealed runs of exitproof in one file: the standard library and `cryptography`, nothing of exitproof.

    python verify_standalone.py DIR|ZIP [--trust FILE] [--checkpoint FILE]

It is meant to be read before it is believed. The order of the code is the order of the argument: how bytes are read
(1), what a key is (2), what one run proves (3), what the register of runs proves (4). It checks what `exitproof verify`
checks and ends alike: 0 good, 8 tampered, 9 incomplete.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import re
import stat
import sys
import zipfile
import zlib
from datetime import date
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

LIMIT = 4 << 30  # bytes of one file, and of all files of a ZIP
ZEROS = "0" * 64  # what the first line of a chain is chained to
MANIFEST, ENVELOPE, RUNS, CHECKPOINT = "manifest.json", "manifest.dsse.json", "runs.jsonl", "checkpoint"
SIGNED = ("run", "verdict", "tool", "sealed", "ledgers", "register")  # what the statement repeats of the manifest
Trust = dict[str, dict[str, Any]]
SHAPE: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("schema", "run", "verdict", "sealed"), str),
    **dict.fromkeys(("tool", "sweep"), dict),
    **dict.fromkeys(("ledgers", "files"), list),
    **dict.fromkeys(("signing_key", "register"), (dict, type(None))),
}
LEDGER = r"ledger(-[^/]*)?\.jsonl"
FILE_KEYS, LEDGER_KEYS = {"path", "size", "sha256"}, {"path", "records", "head", "root", "closed"}
KEY_KEYS = {"keyid", "keytype", "scheme", "public", "valid_from", "valid_until", "revoked_at", "note"}
OK, TAMPERED, INCOMPLETE = "ok", "TAMPERED", "INCOMPLETE"
lines: list[tuple[str, str, str, str]] = []  # state, check, where, text


class Bad(Exception):
    """Something that no bundle of exitproof has: where, and what."""


class Unknown(Exception):
    """Could not be checked by this file."""


def say(state: str, check: str, where: str, text: str) -> None:
    lines.append((state, check, where, text))


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# --- 1. reading: names that lead nowhere else, bytes that mean one thing --------------------------


def safe(name: str) -> str:
    parts = name.split("/")
    odd = name.startswith("/") or re.match("[A-Za-z]:", name) or "\\" in name or not name.isprintable()
    if odd or any(part in ("", ".", "..") for part in parts) or len(name) > 1000:
        raise Bad(name, "not a name that is followed")
    return name


class Folder:
    def __init__(self, path: Path) -> None:
        self.path = path

    def sizes(self, below: str = "") -> dict[str, int]:
        found: dict[str, int] = {}
        waiting = [below.rstrip("/")]
        while waiting:
            prefix = waiting.pop()
            with os.scandir(self.path / prefix) as listed:
                entries = list(listed)
            for entry in entries:
                name = safe(f"{prefix}/{entry.name}" if prefix else entry.name)
                mode = entry.stat(follow_symlinks=False).st_mode
                if stat.S_ISDIR(mode):
                    waiting.append(name)
                elif stat.S_ISREG(mode):
                    found[name] = entry.stat(follow_symlinks=False).st_size
                else:
                    raise Bad(name, "a link, or no plain file")
        return found

    def folders(self) -> set[str]:
        with os.scandir(self.path) as listed:
            return {entry.name for entry in listed if entry.is_dir(follow_symlinks=False)}

    def read(self, name: str) -> bytes | None:
        try:
            file = os.open(self.path / safe(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Bad(name, f"{error.strerror}") from None
        with os.fdopen(file, "rb") as opened:
            if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                raise Bad(name, "no plain file")
            return within(opened.read(LIMIT + 1), name)


class Zip:
    """Read in place. A single folder around everything is left out of the names."""

    def __init__(self, path: Path) -> None:
        self.archive = zipfile.ZipFile(path)
        self.members: dict[str, zipfile.ZipInfo] = {}
        folded, total = set(), 0
        for info in self.archive.infolist():
            name, kind = safe(info.orig_filename.removesuffix("/")), stat.S_IFMT(info.external_attr >> 16)
            if name.casefold() in folded or kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise Bad(name, "twice, or no plain file")
            folded.add(name.casefold())
            if info.is_dir():
                continue
            total += info.file_size
            bomb = info.file_size > max(1 << 20, info.compress_size * 2000) or total > LIMIT
            if kind == stat.S_IFDIR or bomb or info.flag_bits & 1 or info.compress_type not in (0, 8):
                raise Bad(name, "unpacks to far more than it is, or not at all")
            self.members[name] = info
        if len({name.partition("/")[0] for name in self.members}) == 1 and all("/" in name for name in self.members):
            self.members = {name.partition("/")[2]: info for name, info in self.members.items()}

    def sizes(self, below: str = "") -> dict[str, int]:
        return {name: info.file_size for name, info in self.members.items() if name.startswith(below)}

    def folders(self) -> set[str]:
        return {name.partition("/")[0] for name in self.members if "/" in name}

    def read(self, name: str) -> bytes | None:
        if name not in self.members:
            return None
        try:
            with self.archive.open(self.members[name]) as opened:
                return within(opened.read(LIMIT + 1), name)
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError) as error:
            raise Bad(name, f"{error}") from None


Files = Folder | Zip


def within(data: bytes, name: str) -> bytes:
    if len(data) > LIMIT:
        raise Bad(name, "too large")
    return data


def parse(data: bytes, whole: bool = False) -> Any:
    """JSON without twin keys, in which two readers could see two things."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a key stands there twice")
        return dict(pairs)

    def refuse(word: str) -> Any:
        raise ValueError(f"{word} has no place here")

    try:
        return json.loads(
            data.decode(), object_pairs_hook=once, parse_constant=refuse, parse_float=refuse if whole else None
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None


def canonical(value: Any) -> str:
    """RFC 8785: keys by UTF-16 unit, no blanks. All numbers of ours are whole: how fractions are printed is moot."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(key)}:{canonical(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, int) and abs(value) >= 2**53:
        raise ValueError("a whole number that others would round")
    return json.dumps(value, ensure_ascii=False)


def exact(line: bytes) -> dict[str, Any]:
    """One object, in its RFC 8785 bytes."""
    made = parse(line, whole=True)
    if not isinstance(made, dict) or canonical(made).encode() != line:
        raise ValueError("not one object in RFC 8785 form")
    found: dict[str, Any] = made
    return found


def document(data: bytes) -> dict[str, Any]:
    if not data.endswith(b"\n"):
        raise ValueError("its last line is cut off")
    return exact(data[:-1])


def merkle(leaves: list[bytes]) -> bytes:
    """RFC 6962 §2.1."""
    level = [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]
    if not level:
        return hashlib.sha256().digest()
    while len(level) > 1:  # pairs from the left; an odd one out moves up, which is the same tree
        pairs = [hashlib.sha256(b"\1" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0]


def unbase64(text: str) -> bytes:
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError("base64 with loose ends")
    return data


# --- 2. keys: an id is the hash of the key, so whoever compares ids compares keys -----------------


def open_key(entry: dict[str, Any]) -> Any:
    keyid, keytype, scheme, public = (str(entry.get(name)) for name in ("keyid", "keytype", "scheme", "public"))
    own = f'{{"keytype":"{keytype}","keyval":{{"public":"{public}"}},"scheme":"{scheme}"}}'
    if sha(own.encode()) != keyid:
        raise ValueError("a key's id is not that of the key")
    if keytype == "ed25519":
        return ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
    return serialization.load_pem_public_key(public.encode())


def verify_signature(entry: dict[str, Any], signature: bytes, data: bytes) -> None:
    """Raises InvalidSignature, or Unknown for a kind of key that is not known here."""
    key, scheme = open_key(entry), entry["scheme"]
    kinds = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512(), "521": hashes.SHA512()}
    digest = kinds.get(scheme[-3:])
    if scheme == "ed25519":
        key.verify(signature, data)
    elif isinstance(key, ec.EllipticCurvePublicKey) and scheme == f"ecdsa-sha2-nistp{key.curve.key_size}" and digest:
        key.verify(signature, data, ec.ECDSA(digest))
    else:
        raise Unknown(f"keys of the kind {scheme} are for `exitproof verify`")


def read_trust(data: bytes) -> Trust:
    made = parse(data)
    if made.get("schema") != "exitproof-trust/1" or not made.get("keys"):
        raise ValueError("not a trust file")
    for entry in made["keys"]:
        open_key(entry)
        for day in ("valid_from", "valid_until", "revoked_at"):
            if set(entry) != KEY_KEYS or (entry[day] and date.fromisoformat(entry[day]).isoformat() != entry[day]):
                raise ValueError("a trusted key with odd days")
    found = {entry["keyid"]: entry for entry in made["keys"]}
    if len(found) != len(made["keys"]):
        raise ValueError("a key twice")
    return found


# --- 3. one run -----------------------------------------------------------------------------------


def check_run(files: Files, at: str, trust: Trust | None, runs: Register | None) -> None:
    """`at` is the folder of the run within the bundle, with its slash; empty for a bundle that is one run."""
    data = files.read(at + MANIFEST)
    if data is None:
        return say(INCOMPLETE, "files", at + MANIFEST, "not there: the run was never sealed")
    try:
        manifest = document(data)
        if not shaped(manifest):
            raise ValueError("not a manifest")
    except ValueError as error:
        return say(TAMPERED, "files", at + MANIFEST, str(error))
    there = {name.removeprefix(at): size for name, size in files.sizes(at).items()}
    check_files(files, at, manifest, there)
    known, cited = check_ledgers(files, at, manifest, there)
    check_exchanges(at, manifest, there, cited)
    check_results(files, at, manifest, known)
    if manifest["sweep"].get("unswept"):
        say(INCOMPLETE, "secrets", at + MANIFEST, "processes died with secrets that nobody searched for")
    check_signature(files, at, manifest, sha(data), trust, runs)
    if runs is not None:
        check_place(at, manifest, sha(data), runs)
    return None


def shaped(made: dict[str, Any]) -> bool:
    fits = set(made) == set(SHAPE) and all(isinstance(made[name], kinds) for name, kinds in SHAPE.items())
    if not fits or made["schema"] != "exitproof-manifest/1":
        return False
    for keys, entries in ((FILE_KEYS, made["files"]), (LEDGER_KEYS, made["ledgers"])):
        for entry in entries:
            if not isinstance(entry, dict) or set(entry) != keys or not isinstance(entry["path"], str):
                return False
    try:
        ledgers = all(re.fullmatch(LEDGER, safe(entry["path"])) for entry in made["ledgers"])
        return ledgers and all(safe(entry["path"]) for entry in made["files"])
    except Bad:
        return False


def check_files(files: Files, at: str, manifest: dict[str, Any], there: dict[str, int]) -> None:
    """Every file is as the manifest names it, and nothing else is there."""
    listed = {entry["path"]: entry for entry in manifest["files"]}
    own = {MANIFEST} | ({ENVELOPE} if manifest["signing_key"] is not None else set())
    bad = 0
    for name in sorted(there.keys() | listed.keys()):
        entry = listed.get(name)
        if entry is None:
            if name in own:
                continue
            say(TAMPERED, "files", at + name, "the manifest does not name it")
        elif name not in there:
            say(INCOMPLETE, "files", at + name, "the manifest names it, and it is not there")
        elif entry["size"] != there[name] or entry["sha256"] != sha(files.read(at + name) or b""):
            say(TAMPERED, "files", at + name, "its bytes are not those of the manifest")
        else:
            continue
        bad += 1
    if len(listed) != len(manifest["files"]) or own & listed.keys():
        say(TAMPERED, "files", at + MANIFEST, "it names a file twice, or itself")
    elif not bad:
        say(OK, "files", at, f"{len(listed)} files, each as the manifest names it, and no other")


def check_ledgers(
    files: Files, at: str, manifest: dict[str, Any], there: dict[str, int]
) -> tuple[dict[str, Any], set[str]]:
    """Each ledger is one chain from open to close, with the Merkle root of the manifest. Answers the hashes of all
    lines with the verdict that each ledger closed with (None: it did not), and the exchanges that lines cite."""
    known: dict[str, Any] = {"lines": set(), "verdicts": []}
    cited: set[str] = set()
    told = {entry["path"]: entry for entry in manifest["ledgers"]}
    for name in sorted(there.keys() - told.keys()):
        if re.fullmatch(LEDGER, name):
            say(TAMPERED, "ledger", at + name, "the manifest knows no such ledger")
    if not told:
        say(INCOMPLETE, "ledger", at, "the run has no ledger: nothing was observed")
    for name, entry in sorted(told.items()):
        data = files.read(at + name)
        if data is None:
            say(INCOMPLETE, "ledger", at + name, "not there")
            continue
        *records, torn = data.split(b"\n")
        wrong, run, closed, prev = "", None, None, ZEROS
        for number_, line in enumerate(records):
            try:
                record = exact(line)
                kind = record.get("type")
                if (record.get("v"), record.get("seq"), record.get("prev")) != (1, number_, prev):
                    raise ValueError("the chain breaks here")
                if closed is not None or (kind == "open") != (number_ == 0):
                    raise ValueError("it stands outside of open and close")
                run = record.get("run") if number_ == 0 else run
                if kind == "close":
                    closed = str(record.get("verdict"))
                    if (record.get("records"), record.get("run")) != (number_, run):
                        raise ValueError("it closes another ledger")
                evidence = record.get("evidence")
                cited |= {one for one in evidence if isinstance(one, str)} if isinstance(evidence, list) else set()
            except ValueError as error:
                wrong = wrong or f"record {number_}: {error}"
            prev = sha(line)
            known["lines"].add(prev)
        known["verdicts"].append(closed)
        if wrong or run != manifest["run"]:
            say(TAMPERED, "ledger", at + name, wrong or "the ledger of another run")
        elif torn or closed is None:  # sealed closed and open now: its end was cut off
            say(TAMPERED if entry["closed"] else INCOMPLETE, "ledger", at + name, "it ends without a close")
        else:
            say(OK, "ledger", at + name, f"{len(records)} records in one chain, from open to close")
        root = merkle(records).hex()
        same = (len(records), prev, root) == (entry["records"], entry["head"], entry["root"])
        say(OK if same else TAMPERED, "root", at + name, f"Merkle root {root}" if same else "not what was sealed")
    return known, cited


def check_exchanges(at: str, manifest: dict[str, Any], there: dict[str, int], cited: set[str]) -> None:
    bad = 0
    for entry in manifest["files"]:
        if entry["path"].startswith("exchanges/") and entry["path"] != f"exchanges/{entry['sha256']}.json":
            say(TAMPERED, "exchanges", at + entry["path"], "it is not named by its content")
            bad += 1
    for name in sorted(f"exchanges/{one}.json" for one in cited):
        if name not in there:
            say(INCOMPLETE, "exchanges", at + name, "the ledger cites it, and it is not there")
            bad += 1
    if not bad:
        say(OK, "exchanges", at, f"{len(cited)} cited by the ledger, all there under their SHA-256")


def check_results(files: Files, at: str, manifest: dict[str, Any], known: dict[str, Any]) -> None:
    where = f"{at}results.json"
    if (data := files.read(where)) is None and (data := files.read(f"{at}selftest.json")) is not None:
        where = f"{at}selftest.json"  # probes in the place of findings
    if data is None:
        return say(INCOMPLETE, "results", where, "not there")
    try:
        made = parse(data)
        run = dict(made["run"])
        findings = [finding for case in made.get("cases", ()) for finding in case["findings"]]
        findings += made["bystanders"] if "cases" in made else made["probes"]
        cited = {one for finding in findings for one in finding["observations"]}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return say(TAMPERED, "results", where, f"not the results of a run: {error}")
    ranks = ["pass", "inconclusive", "fail"]
    closings = known["verdicts"]
    worst = max((ranks.index(one) if one in ranks else 9 for one in closings), default=9)
    if (run.get("id"), run.get("verdict")) != (manifest["run"], manifest["verdict"]):
        say(TAMPERED, "results", where, "its run or verdict is not that of the manifest")
    elif None not in closings and (worst == 9 or ranks[worst] != run.get("verdict")):
        say(TAMPERED, "results", where, "its verdict is not the one that the ledger closed with")
    elif cited - known["lines"]:
        say(TAMPERED, "results", where, "it cites observations that no ledger holds")
    else:
        say(OK, "results", where, f"verdict {run.get('verdict')}; {len(cited)} cited observations, all in the ledger")
    return None


def check_signature(
    files: Files, at: str, manifest: dict[str, Any], digest: str, trust: Trust | None, runs: Register | None
) -> None:
    """DSSE: what is signed is the length-prefixed pair of type and in-toto statement, whose subject is the manifest."""
    own, where = manifest["signing_key"], at + ENVELOPE
    if own is None:
        return say(INCOMPLETE, "signature", at + MANIFEST, "unsigned: not evidence")
    data = files.read(where)
    if data is None:
        return say(INCOMPLETE, "signature", where, "the manifest names a key, and nothing is signed")
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": MANIFEST, "digest": {"sha256": digest}}],
        "predicateType": "urn:exitproof:run:1",
        "predicate": {name: manifest[name] for name in SIGNED},
    }
    kind = "application/vnd.in-toto+json"
    try:
        envelope = document(data)
        (signature,) = envelope["signatures"]
        body = unbase64(envelope["payload"])
        fields = (set(envelope), set(signature), envelope["payloadType"], signature["keyid"])
        if fields != ({"payload", "payloadType", "signatures"}, {"keyid", "sig"}, kind, own["keyid"]):
            raise ValueError("not an envelope of ours")
        pae = b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(body), body)
        verify_signature(own, unbase64(signature["sig"]), pae)
        if body != canonical(statement).encode():
            raise ValueError("what is signed is not this manifest.json")
    except Unknown as unknown:
        return say(INCOMPLETE, "signature", where, str(unknown))
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, KeyError, TypeError, AttributeError) as error:
        return say(TAMPERED, "signature", where, f"wrong: {error}")
    keyid, day = own["keyid"], manifest["sealed"][:10]
    if trust is None:
        return say(INCOMPLETE, "signature", where, f"good under key {keyid}, which only the bundle vouches for")
    entry = trust.get(keyid)
    if entry is None:
        return say(TAMPERED, "signature", where, f"signed by key {keyid}, which is not trusted")
    early = entry["valid_from"] and day < entry["valid_from"]
    late = entry["valid_until"] and day > entry["valid_until"]
    place = (manifest["register"] or {}).get("index")
    old = runs is not None and isinstance(place, int) and place < runs.anchored  # before an outside checkpoint
    revoked = entry["revoked_at"] and (day >= entry["revoked_at"] or not old)
    if early or late or revoked:
        return say(INCOMPLETE, "signature", where, f"signed by key {keyid}, which was not in force or is revoked")
    return say(OK, "signature", where, f"by key {keyid}, sealed {manifest['sealed']}")


# --- 4. the register of runs: nothing was left out, nothing was put in between --------------------


class Register:
    """`anchored`: how many lines a checkpoint from outside was signed over."""

    def __init__(self, files: Files, up: str, trust: Trust | None, anchor: bytes | None) -> None:
        self.up, self.anchored = up, 0
        self.lines: list[bytes] = []
        self.records: list[dict[str, Any]] = []
        try:
            self.read(files.read(RUNS) or b"")
        except ValueError as error:
            self.lines, self.records = [], []
            return say(TAMPERED, "register", up + RUNS, str(error))
        data = files.read(CHECKPOINT)
        if data is None:
            if any(record.get("key") for record in self.records):
                say(INCOMPLETE, "checkpoint", up + CHECKPOINT, "not there: nobody signed the register")
        else:
            self.compare("checkpoint", up + CHECKPOINT, data, trust)
        if anchor is not None:
            self.compare("anchor", "--checkpoint", anchor, trust)
        return None

    def read(self, data: bytes) -> None:
        *lines, torn = data.split(b"\n")
        prev = ZEROS
        for index, line in enumerate(lines):
            record = exact(line)
            if (record.get("v"), record.get("index"), record.get("prev")) != (1, index, prev):
                raise ValueError(f"line {index + 1}: the chain breaks here")
            if (record.get("type") == "register") != (index == 0):
                raise ValueError(f"line {index + 1}: a register begins once")
            self.lines.append(line)
            self.records.append(record)
            prev = sha(line)
        if torn or not lines or not isinstance(self.records[0].get("origin"), str):
            raise ValueError("it is cut off, or has no origin")

    def compare(self, check: str, where: str, data: bytes, trust: Trust | None) -> None:
        """Holds the register against a C2SP checkpoint, its own or one from outside."""
        try:
            origin, count, root, signatures, text = read_checkpoint(data)
            if origin != self.records[0]["origin"] or count > len(self.lines):
                return say(TAMPERED, check, self.up + RUNS, "another register, or lines are gone")
            if merkle(self.lines[:count]) != root:
                return say(TAMPERED, check, self.up + RUNS, f"its first {count} lines are not those that were signed")
            if trust is None and check == "checkpoint":
                return say(INCOMPLETE, check, where, "whose it is, nobody can tell without --trust")
            signers = [one for one in (trust or {}).values() if (origin, key_hash(origin, one)) in signatures]
            if trust is not None and not signers:
                return say(TAMPERED, check, where, "no trusted key signed it")
            for entry in signers[:1]:
                verify_signature(entry, signatures[origin, key_hash(origin, entry)], text)
        except Unknown as unknown:
            return say(INCOMPLETE, check, where, str(unknown))
        except (ValueError, InvalidSignature) as error:
            return say(TAMPERED, check, where, f"wrong: {error}")
        if check == "anchor":
            self.anchored, where = count, self.up + RUNS
        return say(OK, check, where, f"{count} of {len(self.lines)} lines are those that were signed")


def read_checkpoint(data: bytes) -> tuple[str, int, bytes, dict[tuple[str, bytes], bytes], bytes]:
    """Origin, size and root, an empty line, signatures; what does not give the same bytes again is refused."""
    body, _, signed = data.decode().rpartition("\n\n")
    origin, size, root = body.split("\n")
    if not re.fullmatch(r"[^\s+]{1,200}", origin) or not re.fullmatch("0|[1-9][0-9]{0,14}", size):
        raise ValueError("not a checkpoint")
    signatures = {}
    for line in signed.removesuffix("\n").split("\n"):
        name, code = line.removeprefix("\u2014 ").split(" ")
        signatures[name, unbase64(code)[:4]] = unbase64(code)[4:]
    again = "".join(f"\u2014 {n} {base64.b64encode(k + v).decode()}\n" for (n, k), v in signatures.items())
    if f"{body}\n\n{again}".encode() != data:
        raise ValueError("not in the exact form of a checkpoint")
    return origin, int(size), unbase64(root), signatures, f"{body}\n".encode()


def key_hash(origin: str, entry: dict[str, Any]) -> bytes:
    key, name = open_key(entry), origin.encode()
    if entry["keytype"] == "ed25519":
        return hashlib.sha256(name + b"\n\x01" + bytes.fromhex(entry["public"])).digest()[:4]
    if entry["keytype"] == "ecdsa":
        spki = serialization.PublicFormat.SubjectPublicKeyInfo
        return hashlib.sha256(key.public_bytes(serialization.Encoding.DER, spki)).digest()[:4]
    kind = f"exitproof {entry['scheme']}\n{entry['public']}".encode()
    return hashlib.sha256(name + b"\n\xff" + kind).digest()[:4]


def check_place(at: str, manifest: dict[str, Any], digest: str, runs: Register) -> None:
    """The register says "sealed" of the run once, with this manifest; the manifest names this very line."""
    where, place = runs.up + RUNS, manifest["register"]
    origin = runs.records[0]["origin"] if runs.records else None
    if at and {f"{one.get('folder')}/" for one in runs.records if one.get("run") == manifest["run"]} != {at}:
        return say(TAMPERED, "register", at + MANIFEST, "it does not lie in the folder of this run")
    if not at and place is not None and place.get("origin") != origin:
        return say(INCOMPLETE, "register", where, "another register than that of the run")
    mine = [one for one in runs.records if one.get("type") == "sealed" and one.get("run") == manifest["run"]]
    if not mine and place is None:
        return say(INCOMPLETE, "register", where, "the run stands in no register")
    if len(mine) != 1 or place is None:
        return say(TAMPERED, "register", where, f"the register and {at}{MANIFEST} disagree")
    record, key = mine[0], manifest["signing_key"] or {}
    wanted = {"origin": origin, "index": record["index"], "prev": record["prev"]}
    told = (record.get("manifest"), record.get("key"), record.get("verdict"), record.get("at"))
    if place != wanted or told != (digest, key.get("keyid"), manifest["verdict"], manifest["sealed"]):
        return say(TAMPERED, "register", where, f"not this {at}{MANIFEST} was sealed as this run")
    return say(OK, "register", where, f"run {manifest['run']} is line {record['index']} of {len(runs.lines)}")


def check_folder(files: Files, trust: Trust | None, anchor: bytes | None) -> None:
    """A folder of runs: each one that began is sealed and there."""
    runs = Register(files, "", trust, anchor)
    begun, sealed = (
        {str(one.get("run")): str(one.get("folder")) for one in runs.records if one.get("type") == kind}
        for kind in ("begun", "sealed")
    )
    for run, folder in {**begun, **sealed}.items():
        try:
            if "/" in safe(folder):
                raise Bad(folder, "not a folder's name")
        except Bad as bad:
            say(TAMPERED, "register", RUNS, bad.args[-1])
            continue
        if run not in sealed:
            say(INCOMPLETE, "register", folder, f"run {run} began and was never sealed")
        elif folder not in files.folders():
            say(INCOMPLETE, "register", folder, f"run {run} was sealed, its folder is not there")
        else:
            guarded(files, f"{folder}/", trust, runs)


def guarded(files: Files, at: str, trust: Trust | None, runs: Register | None) -> None:
    try:
        check_run(files, at, trust, runs)
    except Bad as bad:
        say(TAMPERED, "files", bad.args[0], bad.args[1])


def verify(path: Path, trust: Trust | None, anchor: bytes | None) -> list[tuple[str, str, str, str]]:
    lines.clear()
    try:
        files: Files = Folder(path) if path.is_dir() else Zip(path)
        if files.read(RUNS) is not None and files.read(MANIFEST) is None:
            check_folder(files, trust, anchor)
        else:
            beside = Folder(path.resolve().parent) if path.is_dir() else None
            runs = Register(beside, "../", trust, anchor) if beside and beside.read(RUNS) is not None else None
            if runs is None and anchor is not None:
                say(INCOMPLETE, "anchor", "--checkpoint", "no register of runs is here to hold it against")
            check_run(files, "", trust, runs)
    except Bad as bad:
        say(TAMPERED, "files", bad.args[0], bad.args[1])
    except (zipfile.BadZipFile, NotImplementedError) as error:
        say(TAMPERED, "files", "", f"not a ZIP: {error}")
    return list(lines)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("bundle", type=Path, metavar="DIR|ZIP")
    parser.add_argument("--trust", type=Path)
    parser.add_argument("--checkpoint", type=Path)
    given = parser.parse_args()
    trust = read_trust(given.trust.read_bytes()) if given.trust else None
    anchor = given.checkpoint.read_bytes() if given.checkpoint else None
    for state, check, where, text in verify(given.bundle, trust, anchor):
        sys.stdout.write(f"{state:<10}  {check:<10}  {ascii(f'{where}: {text}')[1:-1]}\n")
    states = {line[0] for line in lines}
    ended = 8 if TAMPERED in states else 9 if INCOMPLETE in states else 0
    sys.stdout.write({0: "good", 8: "TAMPERED", 9: "INCOMPLETE"}[ended] + "\n")
    sys.stdout.write(UNPROVEN)
    return ended


UNPROVEN = """
Not proven by any of this: when it was sealed (the operator's word), who used the key, that it happened at all (the
holder of the key can make up a drill: compare with the systems' own audit logs), that the newest runs are all there
(keep a checkpoint elsewhere), that report.html says what the ledger says, and that every real leaver was offboarded.
"""

if __name__ == "__main__":
    sys.exit(main())
