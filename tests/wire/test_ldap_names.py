"""Names and filters: whatever a person is called, the name is theirs alone and the filter finds nobody else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.wire.ldap_names import (
    NotADn,
    below,
    dn_value,
    equals,
    filter_value,
    first,
    inside,
    parent,
    parsed,
    rdn,
    same,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
BASE = "ou=people,dc=example,dc=test"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("Anna O'Hara", "Anna O'Hara"),
        ("Hara, Anna", r"Hara\, Anna"),
        (" padded ", r"\ padded\ "),
        ("#1", r"\#1"),
        ("a#1", "a#1"),
        ('say "hi" + <b>;', r"say \"hi\" \+ \<b\>\;"),
        ("a\\b", r"a\\b"),
        ("a=b", r"a\=b"),
        ("nul\0", r"nul\00"),
    ],
)
def test_a_value_in_a_name(value: str, written: str) -> None:
    assert dn_value(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("O'Hara", "O'Hara"),
        ("*", r"\2a"),
        ("a)(uid=*", r"a\29\28uid=\2a"),
        ("a\\b", r"a\5cb"),
        ("Zoë", "Zoë"),
        (" padded ", r"\20padded\20"),
        ("nul\0", r"nul\00"),
        (b"\x00\xff", r"\00\ff"),
    ],
)
def test_a_value_in_a_filter(value: str | bytes, written: str) -> None:
    assert filter_value(value) == written
    assert equals("uid", value) == f"(uid={written})"


@given(TEXT, TEXT)
def test_a_name_that_was_written_is_read_as_it_was(value: str, other: str) -> None:
    dn = below(("uid", value), below(("ou", other), BASE))
    assert first(dn) == ("uid", value)
    assert parent(dn) == below(("ou", other), BASE)
    assert rdn(dn) == below(("uid", value), "").strip() or value.strip() != value
    assert inside(dn, BASE)
    assert inside(dn, parent(dn))
    assert len(parsed(dn)) == 5


@given(TEXT)
def test_what_is_written_in_a_filter_has_no_structure(value: str) -> None:
    assert not set("()*\0") & set(filter_value(value))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("uid=anna,ou=people,dc=example", "UID=Anna, OU=People , DC=Example"),
        (r"cn=Hara\, Anna,dc=example", r"cn=Hara\2C Anna,dc=example"),
        (r"cn=Hara\, Anna,dc=example", 'cn="Hara, Anna",dc=example'),
        ("cn=two  spaces,dc=example", "cn=two spaces,dc=example"),
        ("cn=a+uid=b,dc=example", "uid=b+cn=a,dc=example"),
        (r"cn=Zo\C3\AB,dc=example", "cn=Zoë,dc=example"),
    ],
)
def test_two_names_of_one_entry(one: str, other: str) -> None:
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("uid=anna,dc=example", "uid=anna,ou=people,dc=example"),
        ("uid=anna,dc=example", "cn=anna,dc=example"),
        (r"cn=a\+uid\=b,dc=example", "cn=a+uid=b,dc=example"),
        (r"cn=a\,dc\=example", "cn=a,dc=example"),
    ],
)
def test_two_names_of_two_entries(one: str, other: str) -> None:
    assert not same(one, other)


@pytest.mark.parametrize("text", ["anna", "uid=a,b", "=a,dc=example", "uid=a\\"])
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(NotADn):
        parsed(text)


def test_what_is_inside() -> None:
    assert inside("uid=a,OU=People,dc=example,dc=test", BASE)
    assert inside(BASE, BASE)
    assert inside("uid=a", "")
    assert not inside("uid=a,ou=people,dc=example,dc=testing", BASE)
    assert not inside("dc=example,dc=test", BASE)
