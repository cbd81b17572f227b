"""Security descriptors: read as they were written, refused when anything is missing, and their rights all named."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.wire import ad_rights
from harness.wire.ad_descriptor import ALLOWED, DENIED, INHERITED, Ace, Descriptor, dump, parse
from harness.wire.ad_values import Malformed

LEAVER, OTHER, OWNER = "S-1-5-21-1-2-3-1105", "S-1-5-21-1-2-3-1106", "S-1-5-21-1-2-3-512"
SEND_AS = ad_rights.IDS["send-as"]
GUIDS = st.sampled_from([SEND_AS, "00299570-246d-11d0-a768-00aa006e0529", "11111111-2222-3333-4444-555555555555"])


def ace(kind: int, flags: int, mask: int, sid: str, about: str, below: str, rest: bytes) -> Ace:
    """Only what such an entry can hold."""
    of_object, callback = kind in (5, 6, 11, 12), kind in (9, 10, 11, 12)
    return Ace(
        kind, flags, mask, sid, about if of_object else "", below if of_object else "", rest * 4 if callback else b""
    )


ACES = st.builds(
    ace, st.sampled_from(sorted(ALLOWED | DENIED)), st.integers(0, 0x1F), st.integers(0, 0xFFFFFFFF),
    st.sampled_from([LEAVER, OTHER, "S-1-1-0"]), GUIDS | st.just(""), GUIDS | st.just(""), st.binary(max_size=4),
)  # fmt: skip
DESCRIPTORS = st.builds(
    Descriptor, st.sampled_from([OWNER, None]), st.sampled_from([OWNER, None]),
    st.lists(ACES, max_size=6).map(tuple), st.just(0x8004),
)  # fmt: skip


@given(DESCRIPTORS)
def test_it_is_read_as_it_was_written(descriptor: Descriptor) -> None:
    assert parse(dump(descriptor)) == descriptor


@given(DESCRIPTORS, st.data())
def test_half_of_it_is_refused(descriptor: Descriptor, data: st.DataObject) -> None:
    """Never a shorter list: an entry that was cut away would be access that nobody sees."""
    raw = dump(descriptor)
    with pytest.raises(Malformed):
        parse(raw[: data.draw(st.integers(0, len(raw) - 1))])


@given(st.binary(max_size=200))
def test_noise_is_refused_or_read_but_never_breaks(noise: bytes) -> None:
    try:
        parse(noise)
    except Malformed:
        return


@given(DESCRIPTORS, st.integers(0, 400), st.integers(0, 255))
def test_a_byte_that_changed_breaks_nothing(descriptor: Descriptor, place: int, value: int) -> None:
    raw = bytearray(dump(descriptor))
    raw[place % len(raw)] = value
    try:
        parse(bytes(raw))
    except Malformed:
        return


def test_an_entry_of_an_unknown_type_is_refused() -> None:
    raw = bytearray(dump(Descriptor(OWNER, OWNER, (Ace(0, 0, 0x10, LEAVER),))))
    place = int.from_bytes(raw[16:20], "little") + 8
    raw[place] = 0x11
    with pytest.raises(Malformed, match="type 17"):
        parse(bytes(raw))


def test_no_dacl_is_not_an_empty_one() -> None:
    assert parse(dump(Descriptor(OWNER, None, None, 0x8000))).dacl is None
    assert parse(dump(Descriptor(OWNER, None, ()))).dacl == ()


def test_a_new_entry_stands_before_permissions_and_after_refusals() -> None:
    no, yes = Ace(1, 0, 1, OTHER), Ace(0, 0, 1, OTHER)
    passed = replace(yes, flags=INHERITED)
    mine = ad_rights.entry("send-as", LEAVER)
    for was in ((no, yes, passed), (no, passed), (no,), (passed,), ()):
        made = Descriptor(OWNER, OWNER, was).plus(mine)
        assert made.dacl is not None
        assert tuple(each for each in made.dacl if each is not mine) == was
        assert made.dacl.index(mine) == sum(each is no for each in was)
        assert made.plus(mine) == made
        assert made.without(mine).dacl == was


@pytest.mark.parametrize("right", ad_rights.GIVEN)
def test_a_right_that_is_given_is_seen_under_its_own_name(right: str) -> None:
    made = ad_rights.entry(right, LEAVER)
    assert right in ad_rights.words(made)
    assert ad_rights.gives(made, right, LEAVER)
    assert not ad_rights.gives(made, right, OTHER)
    assert not ad_rights.gives(replace(made, type=made.type + 1), right, LEAVER)  # a refusal
    assert not ad_rights.gives(replace(made, flags=INHERITED), right, LEAVER)


@given(ACES.filter(lambda each: each.mask))
def test_no_bit_goes_without_a_word(entry: Ace) -> None:
    assert list(ad_rights.words(entry))


def test_words() -> None:
    def told(mask: int, about: str = "") -> list[str]:
        return list(ad_rights.words(Ace(5 if about else 0, 0, mask, LEAVER, about)))

    assert told(0xF01FF) == ["full-control"]
    assert told(0x10000000) == ["full-control"]
    assert told(0x100, SEND_AS) == ["send-as"]
    assert told(0x100) == ["all-extended-rights"]
    assert told(0x100, "11111111-2222-3333-4444-555555555555") == [
        "extended-right:11111111-2222-3333-4444-555555555555"
    ]
    assert told(0x20, ad_rights.IDS["member"]) == ["write-member"]
    assert told(0x20094) == ["read"]
    assert told(0x20000) == ["read"]
    assert told(0x40020) == ["write", "write-dacl"]
    assert told(0x01000000) == ["0x1000000"]
