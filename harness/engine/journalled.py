"""What the journal keeps of people and of what was made for them, and how all of it is read back after a crash.

Of what a grant, a login or a use answered with only the ids are kept in clear; secrets never are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.engine.party import Party
from harness.model import Account, Entitlement, Grant, Identity, Kind, Made, ObjectSpec, Receipt, Secret, Subject

_NAMED = ("username", "email", "given_name", "family_name", "external_id")
_SENT = frozenset(("sent", "answered", "in doubt"))


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


def of_result(result: Any) -> dict[str, Any]:
    """What a change answered with."""
    match result:
        case Account():
            return {"id": result.id, "vars": _plain(result.vars)}
        case Grant():
            return {"id": result.id, "object_id": result.object_id}
        case Made():
            return {"id": result.id, "vars": _plain(result.vars)}
        case Receipt():
            return {"id": None, "claim": str(result.claim), "vars": _plain(result.vars)}
    return {"id": None}


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
    objects whose making was asked for and never answered."""

    parties: dict[str, Party] = field(default_factory=dict)
    objects: dict[tuple[str, Kind, str], Made] = field(default_factory=dict)
    cleaned: set[str] = field(default_factory=set)
    doubtful: set[tuple[str, Kind, str]] = field(default_factory=set)


def restore(records: Iterable[Mapping[str, Any]], run_id: str, run_n: int) -> Restored:
    """Pure. A record that was never answered counts as if it had happened: cleanup looks before it believes."""
    found = Restored()
    asked: dict[tuple[Any, ...], Grant] = {}  # grants under way
    for record in records:
        op, state, key = record.get("op"), record.get("state"), str(record.get("identity", ""))
        if op == "identity":
            found.parties[key] = Party(_identity(record), run_id, run_n, str(record.get("case", "")))
        elif op in ("create-object", "remove-object"):
            _object(found, record, made=op == "create-object")
        elif (party := found.parties.get(key)) is None:
            continue
        elif op == "set":
            party.change(record["values"])
        elif op == "create":
            _account(party, record)
        elif op == "adopt":
            party.adopt(Account(record["place"], record["id"], record.get("vars", {}), adopted=True))
        elif op == "grant":
            _grant(party, record, asked)
        elif op == "event":
            _event(party, record)
        elif op == "retire":
            party.left |= state in _SENT
        elif op == "cleaned" and not record["leftovers"]:
            found.cleaned.add(key)
    return found


def _identity(record: Mapping[str, Any]) -> Identity:
    return Identity(
        key=record["identity"],
        n=record["n"],
        subject=Subject(record["subject"]),
        password=Secret(""),
        attributes=record["attributes"],
        **{name: record[name] for name in _NAMED},
    )


def _account(party: Party, record: Mapping[str, Any]) -> None:
    system, state = record["place"], record["state"]
    if state == "answered":
        party.adopt(Account(system, record["id"], record["vars"]))
        party.doubtful.discard(system)
    elif state in ("sent", "in doubt"):
        party.doubtful.add(system)
    elif state == "failed":  # it certainly did not happen
        party.doubtful.discard(system)


def _grant(party: Party, record: Mapping[str, Any], asked: dict[tuple[Any, ...], Grant]) -> None:
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
        held.append(Grant(wanted, record["id"], record["object_id"], known))


def _event(party: Party, record: Mapping[str, Any]) -> None:
    via = str(record["place"]).removeprefix("via:")
    if record.get("joins") and record["state"] in _SENT:
        party.joined, party.via, party.exit = True, via, record.get("exit", "")
    if record["state"] == "answered" and record.get("vars"):
        party.receipts[record["event"]] = {**party.receipts.get(record["event"], {}), **record["vars"]}


def _object(found: Restored, record: Mapping[str, Any], *, made: bool) -> None:
    kind, state = Kind(record["kind"]), record["state"]
    key = (record["place"], kind, record["object"])
    if made and state == "answered":
        spec = ObjectSpec(record["object"], record["place"], kind)
        found.objects[key] = Made(spec, record["id"], created=True, vars=record["vars"])
        found.doubtful.discard(key)
    elif made and state in ("sent", "in doubt"):
        found.doubtful.add(key)
    elif made and state == "failed":
        found.doubtful.discard(key)
