"""What the journal keeps of people and of what was made for them, and how all of it is read back after a crash.

Of what a grant, a login or a use answered with only the ids are kept in clear; secrets never are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.engine.party import Party, Track
from harness.evidence.plain import plain
from harness.model import (
    Account,
    Entitlement,
    Event,
    Grant,
    Identity,
    Instant,
    Kind,
    Made,
    ObjectSpec,
    Phase,
    Receipt,
    Secret,
    Subject,
)
from harness.ports import Strongbox

_NAMED = ("username", "email", "given_name", "family_name", "external_id")
_SENT = frozenset(("sent", "answered", "in doubt"))
PASSWORD = "password"  # noqa: S105  the name of an entry
_SECRET = "\0secret"  # noqa: S105  no variable of an adapter is called so


# --- written ------------------------------------------------------------------------------------


def of_identity(party: Party) -> dict[str, Any]:
    """Everything about a person but the password."""
    who = party.identity
    told = {name: getattr(who, name) for name in _NAMED}
    attributes = dict(who.attributes)
    return {"op": "identity", "identity": who.key, "n": who.n, "subject": str(who.subject), **told} | {
        "attributes": attributes,
        "case": party.case,
    }


def of_entitlement(wanted: Entitlement) -> dict[str, Any]:
    """What a grant was asked for, so that one in doubt can be taken back."""
    given = {"on": wanted.on, "right": wanted.right, "to": wanted.to}
    told = {key: value for key, value in given.items() if value is not None}
    return {"kind": str(wanted.kind), "entitlement": {"name": wanted.name, "direction": wanted.direction, **told}}


def of_adoption(party: Party, account: Account) -> dict[str, Any]:
    """An account that was found under the identity's own name: counted as made by this run."""
    return {"op": "adopt", "identity": party.key, "place": account.system, "id": account.id} | {
        "vars": _plain(account.vars)
    }


def of_object(spec: ObjectSpec) -> dict[str, Any]:
    return {"kind": str(spec.kind), "object": spec.name}


def of_event(event: Event, step: str) -> dict[str, Any]:
    """All that the same event needs to be sent again, byte for byte. `step` tells a replay from the first time."""
    return {"event": event.name, "event_id": event.id, "step": step, "asked": plain(event)}


def of_use(party: Party, track: Track, phase: Phase, checkpoint: str, now: Instant) -> dict[str, Any]:
    """A use that leaves traces, before it is sent: whoever cannot know its answer must know that it was asked."""
    asked = {"phase": str(phase), "checkpoint": checkpoint, "state": "sent", "at": now}
    return {"op": "use", "identity": party.key, "place": track.system, "track": track.number, **asked}


def of_own(party: Party, system: str, rows: Iterable[tuple[str, Kind, str]]) -> dict[str, Any]:
    """What a sign-in of the harness's own has left in lists: nobody else's, and left out of every look."""
    told = [[str(kind), row] for _, kind, row in sorted(rows)]
    return {"op": "own", "identity": party.key, "place": system, "rows": told}


def of_result(result: Any) -> dict[str, Any]:
    """What a change answered with."""
    match result:
        case Account():
            return {"id": result.id, "vars": _plain(result.vars)}
        case Grant():
            return {"id": result.id, "object_id": result.object_id, "secret": result.secret is not None}
        case Made():
            return {"id": result.id, "vars": _plain(result.vars)}
        case Receipt():
            when = {"sent_at": result.sent, "answered_at": result.answered, "in_doubt": result.in_doubt}
            told = {"claim": str(result.claim), "detail": result.detail, "evidence": list(result.evidence), **when}
            return {"id": None, "vars": _plain(result.vars), **told}
    return {"id": None}


def hidden_of(result: Any) -> dict[str, Any]:
    """What of an answer may not stand in the journal, for the encrypted vault: empty where there is nothing."""
    if isinstance(result, Grant):
        values = dict(result.vars) | ({_SECRET: result.secret} if result.secret is not None else {})
        values.pop("id", None)
    else:
        vars_: Mapping[str, Any] = getattr(result, "vars", None) or {}
        values = {key: value for key, value in vars_.items() if isinstance(value, Secret)}
    return {key: [isinstance(v, Secret), v.reveal() if isinstance(v, Secret) else v] for key, v in values.items()}


def shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same out of the vault."""
    return {key: Secret(value) if secret else value for key, (secret, value) in values.items()}


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON without secrets: an id that is no text keeps its type."""
    return {key: value for key, value in values.items() if not isinstance(value, Secret) and _json(value)}


def _json(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _json(each) for key, each in value.items())
    if isinstance(value, list | tuple):
        return all(map(_json, value))
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) < 2**53  # RFC 8785 §3.2.2.3
    return value is None or isinstance(value, str | bool)


# --- read back ----------------------------------------------------------------------------------


@dataclass(slots=True)
class Restored:
    """What a journal says that a run had made. `cleaned`: identities that a look has found gone already. `doubtful`:
    objects whose making was asked for and never answered. `box`: where the secrets are;
    `learn` is told each."""

    box: Strongbox | None = None
    learn: Callable[[str], object] = str
    parties: dict[str, Party] = field(default_factory=dict)
    objects: dict[tuple[str, Kind, str], Made] = field(default_factory=dict)
    cleaned: set[str] = field(default_factory=set)
    doubtful: set[tuple[str, Kind, str]] = field(default_factory=set)
    bare: set[tuple[str, str | None]] = field(default_factory=set)  # identity and id of grants without a secret


def restore(
    records: Iterable[Mapping[str, Any]],
    run_id: str,
    run_n: int,
    box: Strongbox | None = None,
    learn: Callable[[str], object] = str,
) -> Restored:
    """A record that was never answered counts as if it had happened: cleanup looks before it believes. Secrets come
    from `box`; without it they ended with the process that knew them."""
    found = Restored(box, learn)
    asked: dict[tuple[Any, ...], Grant] = {}  # grants under way
    for record in records:
        op, state, key = record.get("op"), record.get("state"), str(record.get("identity", ""))
        if op == "identity":
            found.parties[key] = Party(_identity(record, found), run_id, run_n, str(record.get("case", "")))
        elif op in ("create-object", "remove-object"):
            _object(found, record, made=op == "create-object")
        elif op == "object-gone":  # a look said so
            found.objects.pop((record["place"], Kind(record["kind"]), record["object"]), None)
        elif (party := found.parties.get(key)) is None:
            continue
        elif op == "set":
            party.change(record["values"])
        elif op == "create":
            _account(party, record, found)
        elif op == "adopt":
            party.adopt(Account(record["place"], record["id"], _all(record, found), adopted=True))
        elif op == "grant":
            _grant(party, record, asked, found)
        elif op == "event":
            _event(party, record, found)
        elif op == "own":
            party.own |= {(record["place"], Kind(kind), row) for kind, row in record["rows"]}
        elif op == "retire":
            party.left = party.retired = party.retired or state in _SENT
        elif op == "cleaned" and not record["leftovers"]:
            found.cleaned.add(key)
    return found


def _hidden(record: Mapping[str, Any], found: Restored) -> dict[str, Any]:
    kept = found.box.get(record["kept"]) if found.box is not None and "kept" in record else None
    values = shown(kept) if kept is not None else {}
    for value in values.values():
        if isinstance(value, Secret):
            found.learn(value.reveal())
    return values


def _all(record: Mapping[str, Any], found: Restored) -> dict[str, Any]:
    return {**record.get("vars", {}), **_hidden(record, found)}


def _identity(record: Mapping[str, Any], found: Restored) -> Identity:
    return Identity(
        key=record["identity"],
        n=record["n"],
        subject=Subject(record["subject"]),
        password=_hidden(record, found).get(PASSWORD, Secret("")),
        attributes=record["attributes"],
        **{name: record[name] for name in _NAMED},
    )


def _account(party: Party, record: Mapping[str, Any], found: Restored) -> None:
    system, state = record["place"], record["state"]
    if state == "answered":
        party.adopt(Account(system, record["id"], _all(record, found)))
        party.doubtful.discard(system)
    elif state in ("sent", "in doubt"):
        party.doubtful.add(system)
    elif state == "failed":  # it certainly did not happen
        party.doubtful.discard(system)


def _grant(party: Party, record: Mapping[str, Any], asked: dict[tuple[Any, ...], Grant], found: Restored) -> None:
    system, state = record["place"], record["state"]
    wanted = Entitlement(system, Kind(record["kind"]), **record["entitlement"])
    held = party.grants.setdefault(system, [])
    key = (party.key, wanted)
    if state == "sent":
        asked[key] = Grant(wanted)
        held.append(asked[key])
    elif state == "answered":
        if (unanswered := asked.pop(key, None)) in held:
            held.remove(unanswered)
        known = {"id": record["id"]} if record["id"] is not None else {}
        if not record.get("secret"):
            found.bare.add((party.key, record["id"]))
        hidden = _hidden(record, found)
        secret = hidden.pop(_SECRET, None)
        held.append(Grant(wanted, record["id"], record["object_id"], known | hidden, secret))


def _event(party: Party, record: Mapping[str, Any], found: Restored) -> None:
    via = str(record["place"]).removeprefix("via:")
    if record.get("joins") and record["state"] in _SENT:
        party.joined, party.via, party.exit = True, via, record.get("exit", "")
    if record["state"] == "answered" and (taken := _all(record, found)):
        party.receipts[record["event"]] = {**party.receipts.get(record["event"], {}), **taken}


def _object(found: Restored, record: Mapping[str, Any], *, made: bool) -> None:
    kind, state = Kind(record["kind"]), record["state"]
    key = (record["place"], kind, record["object"])
    if made and state == "answered":
        spec = ObjectSpec(record["object"], record["place"], kind)
        found.objects[key] = Made(spec, record["id"], created=True, vars=_all(record, found))
        found.doubtful.discard(key)
    elif made and state in ("sent", "in doubt"):
        found.doubtful.add(key)
    elif made and state == "failed":
        found.doubtful.discard(key)
