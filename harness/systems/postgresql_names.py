"""Names: what an identity's role is called, how objects are told apart, and what this run stamps on what it makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.ports import Person
from harness.wire.context import context
from harness.wire.template import Template


def role_name(username: Template, person: Person) -> str:
    """The name of the identity's role now."""
    return username.render(context(person))


def known_names(username: Template, person: Person) -> frozenset[str]:
    """Every name that this identity's role may have had."""
    accounts = [account for account in (person.account, *person.former) if account is not None]
    names = {str(account.vars["name"]) for account in accounts if account.vars.get("name")}
    return frozenset({role_name(username, person), *person.identifiers.values(), *names})


def mark(person: Person) -> str:
    """Stands in the comment of a role that was made for this identity, whatever it is called later."""
    return f"exitproof:{person.identity.external_id}"


def labelled(owner: str, label: str) -> str:
    """What is made for one role alone is called after it, so that no two of a run are one. The server cuts names after
    63 bytes."""
    return f"{owner}: {label}".encode()[:63].decode(errors="ignore")


def group_mark(run_id: str) -> str:
    """Stands in the comment of a group that a run made."""
    return f"exitproof-group:{run_id}"


def thing(each: Mapping[str, Any]) -> str:
    """An object by the server's own ids: database, catalog, oid, column."""
    return f"{each['database']}.{each['class']}.{each['oid']}.{each['sub']}"
