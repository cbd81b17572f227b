"""The rights in a security descriptor's entries, in the words that scenarios and reports use. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from harness.wire.ad_descriptor import Ace

# Control access rights, validated writes and properties by their published GUIDs (MS-ADTS §5.1.3.2.1; MS-ADSC).
KNOWN = {
    "ab721a54-1e2f-11d0-9819-00aa0040529b": "send-as",
    "ab721a56-1e2f-11d0-9819-00aa0040529b": "receive-as",
    "00299570-246d-11d0-a768-00aa006e0529": "reset-password",
    "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2": "replicate-changes",
    "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2": "replicate-all-changes",
    "89e95b76-444d-4c62-991a-0facbeda640c": "replicate-filtered-changes",
    "0e10c968-78fb-11d2-90d4-00c04f79dc55": "enroll-certificate",
    "a05b8cc2-17bc-4802-a710-e7c15ab866a2": "autoenroll-certificate",
    "bf9679c0-0de6-11d0-a285-00aa003049e2": "member",
    "f3a64788-5306-11d1-a9c5-0000f80367c1": "servicePrincipalName",
    "5b47d60f-6090-40b2-9f37-2a4de88f3063": "msDS-KeyCredentialLink",
}
IDS = {name: guid for guid, name in KNOWN.items()}
MAIL = frozenset(("send-as", "receive-as"))

CREATE, DELETE_CHILD, SELF, READ_PROPERTY, WRITE_PROPERTY = 0x1, 0x2, 0x8, 0x10, 0x20
DELETE_TREE, CONTROL, DELETE, WRITE_DACL, WRITE_OWNER = 0x40, 0x100, 0x10000, 0x40000, 0x80000
FULL, GENERIC_ALL, GENERIC_WRITE = 0xF01FF, 0x10000000, 0x40000000
_SEEING = 0x4 | 0x80 | 0x20000 | 0x20000000 | 0x80000000  # list, see, read the permissions, generic execute and read
_WORDS = (
    (CREATE, "create"),
    (DELETE_CHILD, "delete-child"),
    (SELF, "validated-write"),
    (WRITE_PROPERTY, "write"),
    (DELETE_TREE, "delete-tree"),
    (DELETE, "delete"),
    (WRITE_DACL, "write-dacl"),
    (WRITE_OWNER, "write-owner"),
    (GENERIC_WRITE, "write"),
    (READ_PROPERTY, "read"),
)
_NARROWED = CREATE | DELETE_CHILD | SELF | READ_PROPERTY | WRITE_PROPERTY | CONTROL  # what a GUID can narrow

# What scenarios may give, as the mask and the GUID of an entry.
GIVEN = {
    "full-control": (FULL, ""),
    "write": (WRITE_PROPERTY, ""),
    "write-member": (WRITE_PROPERTY, IDS["member"]),
    "write-dacl": (WRITE_DACL, ""),
    "write-owner": (WRITE_OWNER, ""),
    "create": (CREATE, ""),
    "delete": (DELETE, ""),
    "read": (READ_PROPERTY | 0x4 | 0x20000, ""),
    "all-extended-rights": (CONTROL, ""),
    **{KNOWN[each]: (CONTROL, each) for each in KNOWN if KNOWN[each] not in ("member", "servicePrincipalName",
                                                                           "msDS-KeyCredentialLink")},
}  # fmt: skip


def words(ace: Ace) -> Iterator[str]:
    """The rights that an entry gives: each is a name of its own in the report. Nothing is left out: what has no word
    is shown as its bits."""
    mask, about = ace.mask, ace.about
    if mask & GENERIC_ALL or (mask & FULL == FULL and not about):
        yield "full-control"
        return
    if mask & CONTROL:
        yield KNOWN.get(about, f"extended-right:{about}") if about else "all-extended-rights"
    what = f"-{KNOWN.get(about, about)}" if about else ""
    said = set()
    for bit, word in _WORDS:
        if mask & bit and word not in said:
            said.add(word)
            yield word + (what if bit & _NARROWED else "")
    rest = mask & ~(CONTROL | _SEEING | sum({bit for bit, _ in _WORDS}))
    if mask & _SEEING and not said and not mask & CONTROL:
        yield "read"
    if rest:
        yield f"0x{rest:x}"


def entry(right: str, sid: str) -> Ace:
    """The entry that gives this right. Raises KeyError for a word that is none of `GIVEN`."""
    mask, about = GIVEN[right]
    return Ace(5 if about else 0, 0, mask, sid, about)


def gives(ace: Ace, right: str, sid: str) -> bool:
    """Whether this explicit entry is one that gives the right, so that taking it back removes it."""
    return ace.sid == sid and ace.allows and not ace.inherited and right in words(ace)
