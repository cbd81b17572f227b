"""The system `imap` apart from any server: what its fleet block may say, what a host may print, what an ACL gives."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from harness.config import Ref
from harness.model import Kind, Touches
from harness.systems import imap_host, imap_rights
from harness.systems.imap import ADAPTER, build
from harness.systems.imap_config import ImapConfig
from harness.testing.bench import Bench
from harness.wire.call import Unknown
from harness.wire.dialogue import Told

LIST = {"argv": ["/opt/mailhost"]}


def auth(name: str) -> dict[str, Any]:
    return {"auth": {"basic": {"username": name, "password": Ref(f"planted-{name}", "${env:X}")}}}


def block(**more: Any) -> dict[str, Any]:
    given = {"type": "imap", "url": "imap://127.0.0.1:1143", "reader": auth("r"), "writer": auth("w")}
    return {**given, "accounts": {"list": LIST}, **more}


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"url": "imap://mail.example.test"}, "in clear"),
        ({"sieve": "sieve://mail.example.test"}, "in clear"),
        ({"url": "http://127.0.0.1"}, "pattern"),
        ({"url": "imap://me@127.0.0.1"}, "no name or password"),
        ({"accounts": None}, "accounts"),
        ({"roles": {"list": LIST}}, "opens"),
        ({"reader": {"auth": {"bearer": Ref("x", "${env:X}")}}}, "a name and a password"),
        ({"passwords": "yes"}, "Extra inputs"),
    ],
)
def test_what_a_block_may_not_say(more: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        ImapConfig.model_validate(block(**more))


def test_only_this_machine_is_spoken_to_in_clear() -> None:
    for url in ("imap://127.0.0.1:1143", "imap://localhost", "imap://[::1]", "imaps://mail.example.test"):
        ImapConfig.model_validate(block(url=url))
    ImapConfig.model_validate(block(url="imap://mail.example.test", sieve="sieve://mail.example.test", starttls=True))


def test_it_declares_what_its_block_can_do() -> None:
    bare = ImapConfig.model_validate(block())
    assert set(bare.declared()) == {Kind.MAILBOX, Kind.DELEGATION, Kind.SESSION}
    assert bare.able() == {"login"}
    whole = ImapConfig.model_validate(
        block(
            sieve="sieve://127.0.0.1",
            accounts={"list": LIST, "create": LIST},
            roles={"list": LIST, "opens": "boss"},
            delivery={"lmtp": "lmtp://127.0.0.1:24", "outside": LIST},
        )
    )
    assert set(whole.declared()) == {*bare.declared(), Kind.FORWARDING, Kind.ROLE}
    assert whole.declared()[Kind.FORWARDING].uses == {"": Touches.CHANGES}
    assert not whole.declared()[Kind.ROLE].grantable
    assert "create" in whole.able()
    assert len(whole.addresses()) == 3


def test_every_kind_is_accounted_for() -> None:
    made = build("mail", ImapConfig.model_validate(block()), Bench().tools).declaration()
    told = {*made.kinds, *made.without, *made.not_listable, Kind.ACCOUNT}
    assert told == set(Kind)
    assert made.independent
    assert Kind.SESSION in made.not_listable
    assert ADAPTER.name == "imap"


# --- what a host prints -----------------------------------------------------------------------------


def printed(value: Any) -> Told[Any]:
    return Told(value, 1, 2, ("sha256:x",))


GOOD = {"name": "ada", "active": True}


@pytest.mark.parametrize(
    "value",
    [
        None, [], {}, {"accounts": None}, {"accounts": {}}, {"accounts": ["ada"]}, {"accounts": [{"active": True}]},
        {"accounts": [{"name": "", "active": True}]}, {"accounts": [{"name": "ada"}]},
        {"accounts": [{"name": "ada", "active": "true"}]}, {"accounts": [{"name": "ada", "active": None}]},
        {"accounts": [GOOD, GOOD]}, {"accounts": [{**GOOD, "person": 7}]},
    ],
)  # fmt: skip
def test_accounts_that_are_not_told_whole_are_unknown(value: Any) -> None:
    with pytest.raises(Unknown) as told:
        imap_host.accounts(printed(value))
    assert told.value.evidence == ("sha256:x",)


def test_accounts() -> None:
    found = imap_host.accounts(printed({"accounts": [GOOD, {"name": "bob", "active": False, "person": "ext-7"}]}))
    assert [(each.name, each.active, each.person) for each in found.values()] == [
        ("ada", True, ""),
        ("bob", False, "ext-7"),
    ]
    assert imap_host.accounts(printed({"accounts": []})) == {}


@pytest.mark.parametrize(
    "item",
    [
        {"name": "ada"},
        {"name": "ada", "mailboxes": "INBOX", "scripts": []},
        {"name": "ada", "mailboxes": [], "scripts": None},
        {"name": "ada", "mailboxes": [None], "scripts": []},
        {"name": "ada", "mailboxes": [], "scripts": [{"name": "x"}]},
        {"name": "ada", "mailboxes": [], "scripts": [{"name": "x", "active": 1, "text": ""}]},
        {"name": "ada", "mailboxes": [], "scripts": [{"name": "x", "active": True, "text": None}]},
    ],
)
def test_a_store_that_is_not_told_whole_is_unknown(item: Any) -> None:
    with pytest.raises(Unknown):
        imap_host.store(printed({"store": [item]}))


def test_roles_and_what_went_outside() -> None:
    assert imap_host.roles(printed({"roles": [{"holder": "ada", "name": "master"}]})) == (("ada", "master"),)
    assert imap_host.outside(printed({"outside": [{"to": "A@b.c", "subject": "x"}]})) == {("a@b.c", "x")}
    for value in ({"roles": [{"holder": "ada"}]}, {"roles": None}):
        with pytest.raises(Unknown):
            imap_host.roles(printed(value))


# --- rights -----------------------------------------------------------------------------------------


def test_each_letter_is_in_one_word_only() -> None:
    letters = "".join(imap_rights.RIGHTS.values())
    assert len(letters) == len(set(letters))
    assert set(letters) == set("lrswipkxtea")  # RFC 4314 §2.1, without the virtual ones


def held(acl: dict[str, str], name: str = "ada") -> dict[str, str]:
    return {row.name.partition("#")[2]: row.note for row in imap_rights.rows("boss/INBOX", acl, name)}


def test_what_an_acl_gives_to_a_name() -> None:
    assert held({"ada": "lr", "bob": "lrswipkxteacd"}) == {"read": ""}
    assert held({"ada": "lracd"}) == {"read": "", "administer": ""}
    assert held({"ada": "l"}) == {"read": "only l is left"}
    assert held({"ada": ""}) == held({}) == held({"-ada": "lr"}) == held({"$ada": "lr"}) == held({"adam": "lr"}) == {}
    assert held({"#ada": "lr"}) == {"read": "written #ada"}
    assert held({"ADA": "lr"}) == {"read": "written ADA"}
    assert held({"ada": "q7"}) == {"q": "", "7": ""}  # a server's own letters are rights too
