"""What an account was and is called in a directory, and how entries that name it write that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

from harness.model import Account
from harness.systems.ldap_config import LdapConfig
from harness.wire.ldap_entry import Entry
from harness.wire.ldap_names import first, same


@dataclass(slots=True)
class Names:
    """Every name that an account has had here: what is left behind still calls it by an old one."""

    _lock: Lock = field(default_factory=Lock)
    _dns: dict[str, list[str]] = field(default_factory=dict)
    _users: dict[str, list[str]] = field(default_factory=dict)

    def learn(self, id: str, dn: str | None, users: Sequence[str]) -> None:
        with self._lock:
            dns = self._dns.setdefault(id, [])
            if dn is not None and not any(same(dn, known) for known in dns):
                dns.append(dn)
            known = self._users.setdefault(id, [])
            known += [user for user in users if user not in known]

    def of(self, account: Account) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Its distinguished names, oldest first, and its user names."""
        dn, user = account.vars.get("dn"), account.vars.get("name")
        self.learn(account.id, dn if isinstance(dn, str) else None, [user] if isinstance(user, str) else [])
        with self._lock:
            return tuple(self._dns[account.id]), tuple(self._users[account.id])


def cn(entry: Entry) -> str:
    """What an entry is called: its `cn`, or the first part of its name."""
    found = entry.texts("cn")
    return found[0] if found else first(entry.dn)[1]


def written_otherwise(group: Entry, users: Sequence[str], config: LdapConfig) -> str:
    """A note where a membership is written in another case than the user name."""
    for attribute, value in config.members.items():
        written = group.texts(attribute) if value == "name" else ()
        if not set(written) & set(users):
            for each in written:
                if each.casefold() in lower(users):
                    return f"{attribute} writes the name in another case: {each}"
    return ""


def by_dn(group: Entry, users: Sequence[str], config: LdapConfig) -> bool:
    """Whether a group that was found names the entry, and not only its user name."""
    names = {each for attribute, value in config.members.items() if value == "name" for each in group.texts(attribute)}
    return not lower(tuple(names)) & lower(users)


def holds(entry: Entry, attribute: str, value: str) -> bool:
    return value.casefold() in lower(entry.texts(attribute))


def lower(values: Sequence[str]) -> set[str]:
    return {value.casefold() for value in values}
