"""Whatever can be made up is a scenario file that loads, and reads as a person would have written it."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from harness import scenario
from harness.explore.document import document, flow, needs, scalar
from harness.explore.failures import Failure, Tried
from harness.explore.search import Found
from harness.explore.story import Joining, Leaving, Piece, Step, Story, Thing
from harness.explore.strategies import stories
from harness.explore.telling import title, told
from harness.explore.writing import slug, text, write
from harness.session.attempts import Attempts
from harness.source import parse
from tests.explore.worlds import OWNERSHIP, nobody, shape, words

LEAVE = Leaving("hr-feed", "terminate")
BUSY = Story(
    Leaving("hr-feed", "delete", "removed", "+5s"),
    (
        Piece("directory"),
        Piece("directory", "group", "O'Neill & Sons", sole=True),
        Piece("mail", "delegation", "press-inbox", "read", on=Thing("mail", "mailbox", "custodian")),
        Piece("mail", "delegation", "press-inbox", "send-as", on=Thing("mail", "mailbox", "custodian")),
        Piece("code", "share", "handbook", "write"),
    ),
    (("family_name", "Null"), ("type", "contractor")),
    Joining("hr-feed", within="5m"),
    (Step("rename", set=(("family_name", "Ní Dhomhnaill"),)), Step("suspend"), Step("rejoin")),
    (Step("sync"), Step(wait="5m"), Step("rejoin", expect="{has: {directory: [account]}, gone: old}")),
)
WRITTEN = """\
# exitproof explore --seed 7, on fleet staging
title: Share in code outlives a renamed suspended rehired contractor
story: >-
  A contractor with family name Null who has an account in directory, is in the group O'Neill & Sons in directory
  (as its only member), may read on the mailbox press-inbox in mail, may send-as on the mailbox press-inbox in
  mail and has the share handbook (write) in code joins through hr-feed, then is renamed (family name Ní
  Dhomhnaill), then is suspended, then is taken back, then is deleted through hr-feed, announced to take effect at
  +5s. Afterwards the sync runs, 5m go by and the person is taken back. Share in code (handbook#write) is still
  there after the deadline. With anything less than this, it does not happen.
tags: [found]
needs:
  - hr-feed.join
  - hr-feed.rename
  - hr-feed.suspend
  - hr-feed.rejoin
  - hr-feed.delete
  - hr-feed.sync
  - directory
  - directory.group.grant
  - mail.delegation.grant
  - mail.mailbox.object
  - code.share.grant
identity: {family_name: 'Null', type: contractor}
objects:
  press-inbox: {system: mail, kind: mailbox, owner: custodian}
access:
  directory: [account, {group: {name: 'O''Neill & Sons', sole: true}}]
  mail: [{delegation: {on: press-inbox, rights: [read, send-as]}}]
  code: [{share: {name: handbook, right: write}}]
join: {via: hr-feed, within: 5m}
before: [{event: rename, set: {family_name: Ní Dhomhnaill}}, suspend, rejoin]
leave: {via: hr-feed, event: delete, effective: +5s}
then: [sync, {wait: 5m}, {event: rejoin, expect: {has: {directory: [account]}, gone: old}}]
expect: {account: removed, hold: 10m}
"""


def found(story: Story, failure: Failure = OWNERSHIP, name: str = "payday", *, smallest: bool = True) -> Found:
    return Found(failure, story, Tried(frozenset({failure}), told=((failure, name, "why"),)), 47, 69, smallest)


@settings(max_examples=200, deadline=None)
@given(stories(words()))
def test_every_story_loads_and_can_be_read(story: Story) -> None:
    whole = text(found(story), "sandbox", 1)
    model = scenario.parse(parse("found.yaml", whole.encode()))
    assert model.needs == needs(story)
    assert len(model.before) == len(story.before)
    assert max(map(len, whole.splitlines())) <= 120
    with Attempts(shape(), nobody) as attempts:
        assert attempts.loads(story)


@given(st.text(min_size=1))
def test_text_stays_the_text_that_it_is(words: str) -> None:
    lone = any("\ud800" <= letter <= "\udfff" for letter in words)
    if not lone and "\ufeff" not in words:
        assert parse("x.yaml", f"a: {scalar(words)}\nb: {flow([words])}\n".encode()).data == {"a": words, "b": [words]}


def test_a_whole_file() -> None:
    """A person's work would look no different."""
    share = Failure("code", "share", "admin", "residual")
    assert text(found(BUSY, share, "handbook#write"), "staging", 7) == WRITTEN
    assert len(WRITTEN.splitlines()) <= 40


def test_what_is_not_needed_is_not_written() -> None:
    lines = document(Story(LEAVE, (Piece("crm"),)), "T").splitlines()
    assert lines == [
        "title: T",
        "needs: [hr-feed.terminate, crm]",
        "access:",
        "  crm: [account]",
        "leave: {via: hr-feed, event: terminate}",
        "expect: {hold: 10m}",
    ]


def test_titles_and_sentences() -> None:
    renamed = Story(LEAVE, (Piece("code", "ownership", "payday"),), before=(Step("rename"),))
    assert title(found(renamed)) == "Ownership in code outlives a renamed leaver"
    assert told(found(renamed)) == (
        "A person who owns payday in code is renamed, then is terminated through hr-feed. "
        "Ownership in code (payday) is still there after the deadline. With anything less than this, it does not "
        "happen."
    )
    assert "With anything less" not in told(found(renamed, smallest=False))
    back = Failure("mail", "account", "leaver", "resurrected")
    again = Story(LEAVE, (Piece("mail"),), then=(Step("replay"), Step("odd")))
    assert title(found(again, back)) == "Account in mail comes back after a leaver"
    assert told(found(again, back, "account", smallest=False)) == (
        "A person who has an account in mail is terminated through hr-feed. Afterwards the leaving is sent again word "
        "for word and `odd` is sent. Account in mail was gone and comes back, as the leaver sees it."
    )


def test_a_file_is_never_written_over(tmp_path: Path) -> None:
    story = Story(LEAVE, (Piece("code", "ownership", "payday"),))
    name = "ownership-in-code-outlives-a-leaver"
    (tmp_path / f"{name}.yaml").write_text("mine")
    paths = [write(found(story), tmp_path, "sandbox", 1) for _ in range(2)]
    assert [path.name for path in paths] == [f"{name}-2.yaml", f"{name}-3.yaml"]
    assert (tmp_path / f"{name}.yaml").read_text() == "mine"
    assert slug("Rôle in crm: ../../etc, 100%") == "role-in-crm-etc-100"
