"""Entries as evidence keeps them: values as they are, secrets never, bulky ones by their digest; and their names."""

from __future__ import annotations

from hashlib import sha256

from harness.wire.ldap_entry import Entry, addressed, shown


def test_bulky_values_are_told_by_size_and_digest_and_secrets_not_at_all() -> None:
    data = b"\x01\x00\x04\x80" * 100
    values = {
        "ntsecuritydescriptor": (data,),
        "member;range=0-1": (b"a", b"b"),
        "unicodepwd": (b"x",),
        "cn": (b"anna",),
    }
    told = shown(Entry("CN=anna", values), frozenset({"ntsecuritydescriptor", "member", "unicodepwd"}))["attributes"]
    assert told["cn"] == [b"anna"]
    assert told["unicodepwd"] == ["***"]
    assert told["ntsecuritydescriptor"] == [f"400 bytes, sha256 {sha256(data).hexdigest()}"]
    assert len(told["member;range=0-1"]) == 2
    assert "anna" in str(told)


def test_an_entry_is_asked_for_again_by_a_name_that_a_server_takes() -> None:
    assert addressed("CN=anna,DC=x") == "CN=anna,DC=x"
    assert addressed("<GUID=11>;<SID=S-1-5>;CN=anna,DC=x") == "<GUID=11>"
    assert addressed("CN=a>;b,DC=x") == "CN=a>;b,DC=x"
