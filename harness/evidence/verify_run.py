"""The checks of one sealed run: its files, ledgers, exchanges, results, and the signature over its manifest."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from harness.evidence import names
from harness.evidence.bundle import Files, Hostile, wrong_name
from harness.evidence.keys import Trusted, public_key
from harness.evidence.strict import document, exact, parse
from harness.evidence.verdicts import Line, State
from harness.evidence.verify_ledger import LONGEST, Walked, walk
from harness.model import Verdict

if TYPE_CHECKING:
    from securesystemslib.signer import Key

LARGE = 1 << 30
_SHOWN = 10  # lines of one kind, before the rest is only counted
_REPEATED = ("run", "verdict", "tool", "sealed", "ledgers", "register")
_SHAPE: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("schema", "run", "verdict", "sealed"), (str,)),
    **dict.fromkeys(("tool", "sweep"), (dict,)),
    **dict.fromkeys(("ledgers", "files"), (list,)),
    **dict.fromkeys(("signing_key", "register"), (dict, type(None))),
}


@dataclass(frozen=True, slots=True)
class Opened:
    """A run whose manifest could be read. `digest` is the manifest's."""

    manifest: dict[str, Any]
    digest: str

    @property
    def run(self) -> str:
        return str(self.manifest["run"])


class RunCheck:
    """The run in the folder `prefix` (empty: the bundle itself). `lines` grow with each check."""

    def __init__(self, files: Files, prefix: str) -> None:
        self.files = files
        self.prefix = prefix
        self.lines: list[Line] = []
        self.walked: dict[str, Walked] = {}

    def say(self, check: str, state: State, where: str, text: str) -> None:
        self.lines.append(Line(check, state, self.prefix + where, text))

    def manifest(self) -> Opened | None:
        try:
            data = self.files.read(self.prefix + names.MANIFEST, LARGE)
        except FileNotFoundError:
            self.say("files", State.INCOMPLETE, names.MANIFEST, "it is not there: the run was never sealed")
            return None
        try:
            made = document(data)
        except ValueError as error:
            self.say("files", State.TAMPERED, names.MANIFEST, str(error))
            return None
        if not _shaped(made):
            self.say("files", State.TAMPERED, names.MANIFEST, f"not a manifest ({names.MANIFEST_SCHEMA})")
            return None
        return Opened(made, sha256(data).hexdigest())

    def all(self, opened: Opened, trust: Sequence[Trusted] | None, anchored: bool) -> list[Line]:
        """Every check, each on its own: what one finds does not stop the next. `anchored`: a checkpoint kept outside
        was signed over this run's line."""
        sizes = self.files.sizes(self.prefix)
        found = {name.removeprefix(self.prefix): size for name, size in sizes.items()}
        checks: list[Callable[[], None]] = [
            lambda: self._files(opened.manifest, found),
            lambda: self._ledgers(opened.manifest, found),
            lambda: self._exchanges(opened.manifest, found),
            lambda: self._results(opened.manifest),
            lambda: self._sweep(opened.manifest),
            lambda: self._signature(opened, trust, anchored),
        ]
        for check in checks:
            try:
                check()
            except Hostile as hostile:
                self.lines.append(Line("files", State.TAMPERED, hostile.name, str(hostile)))
            except FileNotFoundError:
                pass  # the check of the files has named it
        return self.lines

    def _files(self, manifest: dict[str, Any], found: dict[str, int]) -> None:
        listed = {entry["path"]: entry for entry in manifest["files"]}
        own = {names.MANIFEST} | ({names.ENVELOPE} if manifest["signing_key"] is not None else set())
        more = sorted(found.keys() - listed.keys() - own)
        gone = sorted(listed.keys() - found.keys())
        same = sorted(listed.keys() & found.keys())
        wrong = [name for name in same if not self._same(name, listed[name], found[name])]
        self._each(State.TAMPERED, wrong, "its bytes are not those of the manifest")
        self._each(State.TAMPERED, more, "the manifest does not name it")
        self._each(State.INCOMPLETE, gone, "the manifest names it, and it is not there")
        if len(listed) != len(manifest["files"]) or own & listed.keys():
            self.say("files", State.TAMPERED, names.MANIFEST, "it names a file twice, or itself")
        elif not (more or gone or wrong):
            self.say("files", State.OK, "", f"{len(listed)} files, each as the manifest names it, and no other")

    def _same(self, name: str, entry: dict[str, Any], size: int) -> bool:
        # The size first: a file that has grown is not read at all.
        return bool(entry["size"] == size and entry["sha256"] == self.files.digest(self.prefix + name))

    def _each(self, state: State, where: Sequence[str], text: str) -> None:
        for name in where[:_SHOWN]:
            self.say("files", state, name, text)
        if len(where) > _SHOWN:
            self.say("files", state, "", f"and {len(where) - _SHOWN} more like this")

    def _ledgers(self, manifest: dict[str, Any], found: dict[str, int]) -> None:
        told = {entry["path"]: entry for entry in manifest["ledgers"]}
        for name in sorted(name for name in found if names.is_ledger(name) and name not in told):
            self.say("ledger", State.TAMPERED, name, "the manifest knows no such ledger")
        if not told:
            self.say("ledger", State.INCOMPLETE, "", "the run has no ledger: nothing was observed")
        for name in sorted(told):
            if name not in found:
                self.say("ledger", State.INCOMPLETE, name, "it is not there")
                continue
            made = walk(self.files.lines(self.prefix + name, LONGEST))
            self.walked[name] = made
            self._ledger(name, made, told[name], str(manifest["run"]))

    def _ledger(self, name: str, made: Walked, told: dict[str, Any], run: str) -> None:
        if made.wrong:
            self.say("ledger", State.TAMPERED, name, made.wrong)
        elif made.run != run:
            self.say("ledger", State.TAMPERED, name, "it is the ledger of another run")
        elif made.torn or not made.closed:
            # Sealed open: the process died. Sealed closed and open now: its end was cut off.
            state = State.TAMPERED if told["closed"] else State.INCOMPLETE
            self.say("ledger", state, name, f"it ends after {made.size} records without a `close`")
        else:
            self.say("ledger", State.OK, name, f"{made.size} records in one chain, from open to close")
        if (made.size, made.head, made.root) == (told["records"], told["head"], told["root"]):
            self.say("root", State.OK, name, f"Merkle root {made.root}")
        else:
            text = f"{told['records']} records were sealed, {made.size} are there, with another Merkle root"
            self.say("root", State.TAMPERED, name, text)

    def _exchanges(self, manifest: dict[str, Any], found: dict[str, int]) -> None:
        wrong = []
        for entry in manifest["files"]:
            path = str(entry["path"])
            if path.startswith(names.EXCHANGES) and path != f"{names.EXCHANGES}{entry['sha256']}.json":
                wrong.append(path)
        cited = {f"{names.EXCHANGES}{name}.json" for made in self.walked.values() for name in made.cited}
        gone = sorted(cited - found.keys())
        for name in wrong[:_SHOWN]:
            self.say("exchanges", State.TAMPERED, name, "it is not named by its content")
        for name in gone[:_SHOWN]:
            self.say("exchanges", State.INCOMPLETE, name, "the ledger cites it, and it is not there")
        if not wrong and not gone:
            self.say("exchanges", State.OK, "", f"{len(cited)} cited by the ledger, all there under their SHA-256")

    def _results(self, manifest: dict[str, Any]) -> None:
        paths = {entry["path"] for entry in manifest["files"]}
        where = names.SELFTEST if names.SELFTEST in paths and names.RESULTS not in paths else names.RESULTS
        try:
            made = parse(self.files.read(self.prefix + where, LARGE))
            run, cited = dict(made["run"]), set(_cited(made))
        except FileNotFoundError:
            self.say("results", State.INCOMPLETE, where, "it is not there")
            return
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self.say("results", State.TAMPERED, where, f"not the results of a run: {error}")
            return
        known = {line for walked in self.walked.values() for line in walked.hashes}
        closings = [walked.verdict for walked in self.walked.values()]
        state, text = State.TAMPERED, f"it cites {len(cited - known)} observations that no ledger holds"
        if (run.get("id"), run.get("verdict")) != (manifest["run"], manifest["verdict"]):
            text = "its run or verdict is not that of the manifest"
        elif all(walked.closed for walked in self.walked.values()) and _worst(closings) != run.get("verdict"):
            text = "its verdict is not the one that the ledger closed with"
        elif not cited - known:
            state = State.OK
            text = f"verdict {run.get('verdict')}; {len(cited)} cited observations, all in the ledger"
        self.say("results", state, where, text)

    def _sweep(self, manifest: dict[str, Any]) -> None:
        made = manifest["sweep"]
        if made.get("unswept"):
            text = f"nobody searched for the secrets of {', '.join(map(str, made['unswept']))}, which died"
            self.say("secrets", State.INCOMPLETE, names.MANIFEST, text)
        text = f"the harness says it searched for {made.get('secrets')} secrets; {made.get('short')} were too short"
        self.say("secrets", State.UNPROVEN, "", text)

    # --- the signature ------------------------------------------------------------------------------

    def _signature(self, opened: Opened, trust: Sequence[Trusted] | None, anchored: bool) -> None:
        named = opened.manifest["signing_key"]
        if named is None:
            self.say("signature", State.INCOMPLETE, names.MANIFEST, "unsigned: not evidence")
            return
        try:
            own = public_key(named)
            data = self.files.read(self.prefix + names.ENVELOPE, LARGE)
            keyid = _signed(data, opened, own)
        except FileNotFoundError:
            self.say("signature", State.INCOMPLETE, names.ENVELOPE, "the manifest names a key, and nothing is signed")
            return
        except ValueError as error:
            self.say("signature", State.TAMPERED, names.ENVELOPE, str(error))
            return
        sealed = str(opened.manifest["sealed"])
        if trust is None:
            text = f"good under key {keyid}, which only the bundle vouches for: pass --trust"
            self.say("signature", State.INCOMPLETE, names.ENVELOPE, text)
            return
        known = next((each for each in trust if each.key.keyid == keyid), None)
        if known is None:
            self.say("signature", State.TAMPERED, names.ENVELOPE, f"signed by key {keyid}, which is not trusted")
        elif why := _out_of_force(known, sealed[:10], anchored):
            self.say("signature", State.INCOMPLETE, names.ENVELOPE, f"signed by key {keyid}, {why}")
        else:
            self.say("signature", State.OK, names.ENVELOPE, f"by key {keyid}, sealed {sealed}")


def _signed(data: bytes, opened: Opened, key: Key) -> str:
    """The id of the key that signed a statement about this manifest. Raises ValueError with what is wrong."""
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import Error

    made = document(data)
    try:
        (signature,) = made["signatures"]
        if set(made) != {"payload", "payloadType", "signatures"} or set(signature) != {"keyid", "sig"}:
            raise ValueError("not an envelope of ours")
        for text in (made["payload"], signature["sig"]):
            if base64.b64encode(base64.b64decode(text, validate=True)).decode() != text:
                raise ValueError("base64 with loose ends")
        envelope = Envelope.from_dict({**made, "signatures": [dict(signature)]})
        envelope.verify([key], 1)
        statement = exact(envelope.payload)
    except (Error, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the signature is not by key {key.keyid[:16]}, or not over this ({error})") from None
    wanted = {
        "_type": names.STATEMENT,
        "subject": [{"name": names.MANIFEST, "digest": {"sha256": opened.digest}}],
        "predicateType": names.PREDICATE,
        "predicate": {name: opened.manifest[name] for name in _REPEATED},
    }
    if made["payloadType"] != names.PAYLOAD or statement != wanted:
        raise ValueError(f"what is signed is not this {names.MANIFEST}")
    return key.keyid


def _out_of_force(known: Trusted, day: str, anchored: bool) -> str:
    if known.valid_from and day < known.valid_from:
        return f"which is in force only from {known.valid_from}"
    if known.valid_until and day > known.valid_until:
        return f"which was in force only until {known.valid_until}"
    if known.revoked_at and (day >= known.revoked_at or not anchored):
        # A thief can write any date: only what an older checkpoint covers is surely from before.
        return f"which was revoked on {known.revoked_at}"
    return ""


def _shaped(made: dict[str, Any]) -> bool:
    if set(made) != set(_SHAPE) or not all(isinstance(made[name], types) for name, types in _SHAPE.items()):
        return False
    if made["schema"] != names.MANIFEST_SCHEMA:
        return False
    for entry in made["files"]:
        if not isinstance(entry, dict) or not isinstance(entry.get("path"), str) or wrong_name(entry["path"]):
            return False
        if set(entry) != {"path", "size", "sha256"}:
            return False
    fields = {"path", "records", "head", "root", "closed"}
    return all(isinstance(one, dict) and set(one) == fields and _ledger_name(one["path"]) for one in made["ledgers"])


def _ledger_name(name: Any) -> bool:
    return isinstance(name, str) and names.is_ledger(name) and not wrong_name(name)


def _cited(results: dict[str, Any]) -> Iterator[str]:
    """By findings, and by the probes of a self-test."""
    findings = [finding for case in results.get("cases", ()) for finding in case["findings"]]
    for finding in [*findings, *(results["bystanders"] if "cases" in results else results["probes"])]:
        yield from finding["observations"]


def _worst(words: Sequence[str]) -> str | None:
    ranks = {verdict.word: verdict for verdict in Verdict}
    known = [ranks[word] for word in words if word in ranks]
    return max(known).word if known and len(known) == len(words) else None
