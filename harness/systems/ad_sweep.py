"""Every object's security descriptor, read once in a round, asked for the SID of each identity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.model import Row
from harness.wire import ad_rights, ad_values
from harness.wire.ad import DACL, DESCRIPTOR, GROUP, ID, MAILBOX_DESCRIPTOR, OWNER, Domain, parsed, thing
from harness.wire.ad_descriptor import INHERITABLE
from harness.wire.call import Unknown
from harness.wire.dialogue import Told
from harness.wire.ldap_entry import sd_flags

ACES = "the security descriptors"
_ATTRIBUTES = (*ID, DESCRIPTOR, MAILBOX_DESCRIPTOR)


@dataclass(frozen=True, slots=True)
class Guarded:
    """One object, and the bytes that say who may do what with it."""

    guid: str
    label: str
    dn: str
    raw: bytes
    mailbox: bytes


def sweep(domain: Domain, context: str) -> Told[tuple[Guarded, ...]]:
    """All objects of one partition. Raises `Unknown` where a single descriptor could not be read: the entry that is
    looked for may be in that one."""
    told = domain.search("(objectClass=*)", _ATTRIBUTES, context, sd_flags(OWNER | GROUP | DACL))
    found = []
    blind = []
    for entry in told.value:
        one = thing(entry)
        raw = entry.raw(DESCRIPTOR)
        if len(raw) != 1 or not raw[0]:
            blind.append(one.dn)
            continue
        found.append(Guarded(one.guid, one.label, one.dn, raw[0], (entry.raw(MAILBOX_DESCRIPTOR) or (b"",))[0]))
    if blind:
        reason = f"the reader may not read the security descriptors of {len(blind)} objects, {blind[0]} among them"
        raise Unknown(reason, evidence=told.evidence, sent=told.sent, answered=told.answered)
    if not found:
        raise Unknown(f"{context} shows no object at all", evidence=told.evidence, sent=told.sent)
    return Told(tuple(found), told.sent, told.answered, told.evidence)


def entries(objects: Iterable[Guarded], sid: str, *, mail: bool) -> Iterator[Row]:
    """What the entries for this SID give: `mail`: to act in somebody's mail, otherwise all else. A refusal gives
    nothing. Inherited copies are told by the entry that they come from; where that is out of sight, once for all."""
    needle = ad_values.sid_bytes(sid)
    passed_on: set[str] = set()
    copies: dict[str, list[str]] = {}
    for each in objects:
        if needle not in each.raw:
            continue
        for ace in parsed(each.raw, each.dn).dacl or ():
            if ace.sid != sid or not ace.allows:
                continue
            for right in ad_rights.words(ace):
                if (right in ad_rights.MAIL) is not mail:
                    continue
                if ace.inherited:
                    copies.setdefault(right, []).append(each.label)
                    continue
                if ace.flags & INHERITABLE:
                    passed_on.add(right)
                yield _row(each, right, f"an entry in its permissions names {sid}")
    for right, places in copies.items():
        if right not in passed_on:
            note = f"inherited by {len(places)} objects ({places[0]} …) from one that this reader does not see"
            yield Row(f"inherited#{right}", f"inherited#{right}", note=note, views=(ACES,))


def mailboxes(objects: Iterable[Guarded], sid: str) -> Iterator[Row]:
    """Mailboxes whose own descriptor, kept by Exchange in an attribute, lets this SID in."""
    needle = ad_values.sid_bytes(sid)
    for each in objects:
        if needle not in each.mailbox:
            continue
        for ace in parsed(each.mailbox, f"the mailbox {each.dn}").dacl or ():
            if ace.sid == sid and ace.allows:
                yield _row(each, "full-access", f"the mailbox's own descriptor names {sid}")
                break


def owned(objects: Iterable[Guarded], sid: str) -> Iterator[Row]:
    needle = ad_values.sid_bytes(sid)
    for each in objects:
        if needle in each.raw and parsed(each.raw, each.dn).owner == sid:
            yield _row(each, "owner", "owners may always change the permissions")


def _row(each: Guarded, right: str, note: str) -> Row:
    name = f"{each.label}#{right}"
    return Row(f"{each.guid}#{right}", name, note=note, views=(ACES,))
