"""Security descriptors asked for one SID: refusals give nothing, copies are told once, half of one is unknown."""

from __future__ import annotations

import pytest

from harness.systems.ad_sweep import Guarded, entries, mailboxes, owned
from harness.wire import ad_rights
from harness.wire.ad_descriptor import INHERITED, Ace, Descriptor, dump
from harness.wire.call import Unknown

LEAVER, OTHER = "S-1-5-21-1-2-3-1105", "S-1-5-21-1-2-3-1106"
FULL = ad_rights.FULL


def guarded(label: str, *aces: Ace, owner: str = OTHER, mailbox: tuple[Ace, ...] | None = None) -> Guarded:
    own = b"" if mailbox is None else dump(Descriptor(OTHER, OTHER, mailbox))
    return Guarded(f"guid-{label}", label, f"CN={label},DC=x", dump(Descriptor(owner, OTHER, aces)), own)


def told(*objects: Guarded, mail: bool = False) -> dict[str, str]:
    return {row.name: row.note for row in entries(objects, LEAVER, mail=mail)}


def test_only_what_is_allowed_to_this_sid() -> None:
    theirs = Ace(0, 0, FULL, OTHER)
    refused = Ace(1, 0, FULL, LEAVER)
    mine = ad_rights.entry("reset-password", LEAVER)
    assert list(told(guarded("a", theirs, refused), guarded("b", refused, mine, theirs))) == ["b#reset-password"]


def test_a_sid_that_begins_alike_is_another_one() -> None:
    assert told(guarded("a", Ace(0, 0, FULL, f"{LEAVER}0"), Ace(0, 0, FULL, f"{LEAVER}-7"))) == {}


def test_acting_in_mail_is_delegation_and_all_else_is_share() -> None:
    box = guarded("box", ad_rights.entry("send-as", LEAVER), ad_rights.entry("write-dacl", LEAVER))
    assert list(told(box, mail=True)) == ["box#send-as"]
    assert list(told(box)) == ["box#write-dacl"]


def test_a_copy_is_told_by_the_entry_that_it_comes_from() -> None:
    top = guarded("top", Ace(0, 2, FULL, LEAVER))
    copies = [guarded(f"below-{n}", Ace(0, 2 | INHERITED, FULL, LEAVER)) for n in range(3)]
    assert list(told(top, *copies)) == ["top#full-control"]


def test_a_copy_whose_origin_is_out_of_sight_is_told_all_the_same() -> None:
    """Never nothing: somebody does have the right."""
    copies = [guarded(f"below-{n}", Ace(0, 2 | INHERITED, FULL, LEAVER)) for n in range(3)]
    assert list(told(*copies)) == ["inherited#full-control"]
    assert "3 objects" in told(*copies)["inherited#full-control"]
    here = guarded("here", Ace(0, 0, FULL, LEAVER))  # passes nothing on: the copies come from elsewhere
    assert list(told(here, *copies)) == ["here#full-control", "inherited#full-control"]


def test_owners_and_mailboxes() -> None:
    mine = guarded("mine", owner=LEAVER)
    named = guarded("named", Ace(0, 0, FULL, LEAVER), mailbox=(Ace(0, 0, 1, OTHER),))
    open_ = guarded("open", mailbox=(Ace(0, 0, 1, LEAVER),))
    shut = guarded("shut", mailbox=(Ace(1, 0, 1, LEAVER),))
    assert [row.name for row in owned([mine, named, open_], LEAVER)] == ["mine#owner"]
    assert [row.name for row in mailboxes([mine, named, open_, shut], LEAVER)] == ["open#full-access"]


def test_a_descriptor_that_cannot_be_understood_is_unknown_not_empty() -> None:
    whole = guarded("a", ad_rights.entry("read", LEAVER))
    bent = bytearray(whole.raw)
    bent[0] = 9
    with pytest.raises(Unknown, match="CN=a,DC=x"):
        told(Guarded("guid-a", "a", "CN=a,DC=x", bytes(bent), b""))
