"""The names that templates may use, filled for one person: the same for systems and connectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.model import Account, Entitlement, Event, Grant, Identity, Made, Secret, iso
from harness.ports import Person

WORDS = "identity run event receipts accounts account name on right to direction object grant item"
RESERVED = frozenset(WORDS.split())


def context(
    person: Person | None,
    *,
    event: Event | None = None,
    entitlement: Entitlement | None = None,
    made: Made | None = None,
    grant: Grant | None = None,
) -> dict[str, Any]:
    """What a template of this moment may ask for. What is not known yet is left out, so that asking for it is an
    error. It holds secrets in clear (`identity.password`, `secret`): never log it, never store it."""
    found: dict[str, Any] = {}
    if person is not None:
        found["identity"] = _identity(person.identity)
        found["run"] = {"id": person.run_id, "n": person.run_n}
        found["receipts"] = {event: _open(vars_) for event, vars_ in person.receipts.items()}
        found["accounts"] = {system: _account(account) for system, account in person.accounts.items()}
        if person.account is not None:
            found["account"] = _account(person.account)
    if event is not None:
        found["event"] = _event(event)
    if grant is not None:
        entitlement = entitlement or grant.entitlement
        found["grant"] = _open(grant.vars)
        if grant.id is not None:
            found["grant"]["id"] = grant.vars.get("id", grant.id)
        if grant.object_id is not None:
            found["object"] = {"id": grant.object_id}
        if grant.secret is not None:
            found["secret"] = grant.secret.reveal()
    if entitlement is not None:
        found |= _entitlement(entitlement)
    if made is not None:
        found["object"] = {**_open(made.vars), "id": made.vars.get("id", made.id)}
        found.setdefault("name", made.spec.name)
    return found


def _identity(identity: Identity) -> dict[str, Any]:
    return {
        **identity.attributes,
        "username": identity.username,
        "email": identity.email,
        "password": identity.password.reveal(),
        "given_name": identity.given_name,
        "family_name": identity.family_name,
        "external_id": identity.external_id,
        "was": identity.was,
    }


def _account(account: Account) -> Mapping[str, Any]:
    # `id` keeps the type that the system gave it: 42 is not "42" when values are compared.
    kept = account.vars.get("id")
    return {**_open(account.vars), "id": kept if kept is not None and id_text(kept) == account.id else account.id}


def _open(vars_: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.reveal() if isinstance(value, Secret) else value for name, value in vars_.items()}


def id_text(value: Any) -> str:
    """An id as the model keeps it: a string as it is, a number in digits."""
    return value if isinstance(value, str) else str(value)


def _event(event: Event) -> dict[str, Any]:
    effective = event.time if event.effective is None else event.effective
    return {
        "id": event.id,
        "name": event.name,
        "time": iso(event.time),
        "reason": event.reason,
        "effective": iso(effective),
    }


def _entitlement(entitlement: Entitlement) -> dict[str, Any]:
    given = {"name": entitlement.name, "direction": entitlement.direction}
    given |= {key: value for key in ("on", "right", "to") if (value := getattr(entitlement, key)) is not None}
    return given
