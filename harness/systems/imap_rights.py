"""Rights on a mailbox (RFC 4314) as the words that a scenario gives them by, and whom an ACL entry is about. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.model import Row

# Each letter in one word only, so that taking one right away leaves the others whole. `c` and `d` are RFC 2086's and
# stand for letters that are there besides (RFC 4314 §2.1.1).
RIGHTS: Mapping[str, str] = {
    "read": "lr",
    "flag": "sw",
    "insert": "ip",
    "delete": "te",
    "folders": "kx",
    "administer": "a",
}
_VIRTUAL = frozenset("cd")
_GLOBAL = "#"  # Dovecot marks what stands in its own file for all mailboxes


def letters(right: str | None) -> str:
    """Raises KeyError for a word that is none of `RIGHTS`."""
    return RIGHTS[right or "read"]


def path_of(owner: str, mailbox: str) -> str:
    """How a mailbox is called here, whoever asks: `boss/INBOX`."""
    return f"{owner}/{mailbox}"


def split(path: str) -> tuple[str, str]:
    """Owner and mailbox."""
    owner, _, mailbox = path.partition("/")
    return owner, mailbox


def rows(path: str, acl: Mapping[str, str], name: str) -> Iterator[Row]:
    """What the entries of one mailbox give to this name: one row for each word of which a letter is left. An entry
    in other capitals counts as well, and says so; `-name` takes rights away and gives none."""
    for identifier, rights in acl.items():
        bare = identifier.removeprefix(_GLOBAL)
        if bare.casefold() != name.casefold():
            continue
        written = f"written {identifier}" if identifier != name else ""
        held = set(rights) - _VIRTUAL
        words = {word: "".join(c for c in chosen if c in held) for word, chosen in RIGHTS.items()}
        rest = held - set("".join(RIGHTS.values()))
        words |= {letter: letter for letter in sorted(rest)}
        for word, left in words.items():
            if left:
                partly = f"only {left} is left" if left != RIGHTS.get(word, left) else ""
                note = "; ".join(each for each in (partly, written) if each)
                yield Row(f"{path}#{word}", f"{path}#{word}", note=note, by_name=True)
