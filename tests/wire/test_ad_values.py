"""Active Directory's values: what is written is read again, what is cut off is refused, and known ones read right."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model import iso
from harness.wire import ad_values
from harness.wire.ad_values import Malformed

SIDS = st.builds(
    lambda authority, parts: "-".join(["S-1", str(authority), *map(str, parts)]),
    st.integers(0, (1 << 32) - 1),
    st.lists(st.integers(0, (1 << 32) - 1), max_size=15),
)


@given(SIDS)
def test_a_sid_is_read_as_it_was_written(sid: str) -> None:
    assert ad_values.sid(ad_values.sid_bytes(sid)) == sid


@given(SIDS, st.data())
def test_a_sid_that_is_cut_off_is_refused(sid: str, data: st.DataObject) -> None:
    raw = ad_values.sid_bytes(sid)
    with pytest.raises(Malformed):
        ad_values.sid(raw[: data.draw(st.integers(0, len(raw) - 1))])
    with pytest.raises(Malformed):
        ad_values.sid(raw + b"\0")


def test_the_well_known_sid_of_administrators() -> None:
    raw = bytes.fromhex("01020000000000052000000020020000")
    assert ad_values.sid(raw) == "S-1-5-32-544"
    assert ad_values.rid("S-1-5-32-544") == ("S-1-5-32", 544)


def test_an_authority_of_more_than_32_bits_is_hexadecimal() -> None:
    text = "S-1-0x100000000000-7"
    assert ad_values.sid(ad_values.sid_bytes(text)) == text


@pytest.mark.parametrize("text", ["", "S-1", "S-2-5-32", "S-1-x", "S-1-5-4294967296", "S-1-5--1", "S-1" + "-1" * 17])
def test_what_is_no_sid_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        ad_values.sid_bytes(text)


@given(st.uuids())
def test_a_guid_is_read_as_it_was_written(guid: UUID) -> None:
    assert ad_values.guid(ad_values.guid_bytes(str(guid))) == str(guid)


def test_the_first_fields_of_a_guid_are_little_endian() -> None:
    raw = bytes.fromhex("54 1a 72 ab 2f 1e d0 11 98 19 00 aa 00 40 52 9b")
    assert ad_values.guid(raw) == "ab721a54-1e2f-11d0-9819-00aa0040529b"
    with pytest.raises(Malformed):
        ad_values.guid(raw[:-1])


def test_instants() -> None:
    ends = ad_values.instant(134_090_208_000_000_000)
    assert ends is not None
    assert iso(ends) == "2025-12-01T00:00:00.000Z"
    assert [ad_values.instant(never) for never in ad_values.NEVER] == [None, None]
    assert ad_values.generalized("20251201000000.0Z") == ends
    assert ad_values.generalized("20251201000000Z") == ends


@pytest.mark.parametrize("text", ["", "20251301000000.0Z", "20251201000000.0+0100", "2025-12-01", "x20251201000000Z"])
def test_a_time_that_cannot_be_read_is_none(text: str) -> None:
    assert ad_values.generalized(text) is None


def test_the_code_of_a_refusal() -> None:
    message = "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 533, v1db1"
    assert ad_values.refusal(message) == "533"
    assert ad_values.refusal("Invalid credentials") == ""
