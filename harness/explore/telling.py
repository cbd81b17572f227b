"""A found story in words: a title, what happens to whom, and what then remains."""

from __future__ import annotations

from collections.abc import Sequence

from harness.explore.document import sets
from harness.explore.failures import Failure, names
from harness.explore.search import Found
from harness.explore.story import Piece, Step, Story

# kind -> what somebody who has it does
HOLDS = {
    "account": "has an account",
    "group": "is in the group {}",
    "role": "has the role {}",
    "license": "has a seat of {}",
    "mailbox": "has the mailbox {}",
    "delegation": "may {right} on the mailbox {}",
    "forwarding": "has the forwarding {}",
    "credential": "has the credential {}",
    "session": "is signed in as {}",
    "consent": "has given consent to {}",
    "ownership": "owns {}",
    "share": "has the share {}",
    "device": "has the device {}",
}
# event -> what it makes of a leaver, and how a sentence says that it happened
BEFORE = {
    "rename": ("renamed", "is renamed"),
    "move": ("moved", "moves"),
    "suspend": ("suspended", "is suspended"),
    "rejoin": ("rehired", "is taken back"),
    "terminate": ("", "is terminated"),
    "delete": ("", "is deleted"),
    "sync": ("", "is there when the sync runs"),
}
AFTER = {
    "sync": "the sync runs",
    "replay": "the leaving is sent again word for word",
    "rejoin": "the person is taken back",
    "rename": "a rename comes late",
    "move": "a move comes late",
}
# outcome -> in a title, and in a sentence
REMAINS = {
    "residual": ("outlives", "is still there after the deadline"),
    "late": ("leaves later than", "goes only after the deadline"),
    "resurrected": ("comes back after", "was gone and comes back"),
    "collateral": ("is lost by a bystander of", "is lost by somebody who stays"),
    "contradicted": ("is logged wrongly for", "is logged as the opposite of what happened"),
    "missing": ("is missing after", "is missing although it should be there"),
    "inconclusive": ("cannot be told of", "cannot be told"),
}


def title(found: Found) -> str:
    """`Ownership in code outlives a renamed contractor`."""
    failure = found.failure
    verb, _ = REMAINS[failure.outcome]
    return f"{_what(failure)} {verb} {_leaver(found.story)}"


def told(found: Found) -> str:
    """A few sentences: the story, what remains, and how small it is."""
    failure, story = found.failure, found.story
    joins = [f"joins through {story.join.via}"] if story.join is not None else []
    acts = [*joins, *map(_lived, story.before), _leaves(story)]
    parts = [f"{_who(story)} who {_listed([_holds(piece) for piece in story.access])} {', then '.join(acts)}."]
    if story.then:
        parts.append(f"Afterwards {_listed([_after(step) for step in story.then])}.")
    _, words = REMAINS[failure.outcome]
    which = ", ".join(names(found.tried.told, failure)[:3])
    named = f" ({which})" if which and which != failure.kind else ""
    parts.append(
        f"{_what(failure)}{named} {words}" + (", as the leaver sees it." if failure.vantage == "leaver" else ".")
    )
    if found.smallest:
        parts.append("With anything less than this, it does not happen.")
    return " ".join(parts)


def _what(failure: Failure) -> str:
    return f"{failure.kind.capitalize()} in {failure.system}" if failure.system else "What became of it"


def _leaver(story: Story) -> str:
    said = dict(story.attributes)
    marks = [BEFORE.get(step.event, ("",))[0] for step in story.before]
    words = [*dict.fromkeys(mark for mark in marks if mark), said.get("type", "leaver")]
    return f"{'an' if words[0][0] in 'aeiou' else 'a'} {' '.join(words)}"


def _who(story: Story) -> str:
    said = dict(story.attributes)
    word = said.pop("type", "person")
    text = f"{'An' if word[0] in 'aeiou' else 'A'} {word}"
    return text + (f" with {sets(tuple(said.items()))}" if said else "")


def _holds(piece: Piece) -> str:
    words = HOLDS.get(piece.kind, f"has the {piece.kind} {{}}").format(piece.name, right=piece.right or "act")
    if piece.right and piece.kind != "delegation":
        words += f" ({piece.right})"
    return f"{words} in {piece.system}{' (as its only member)' if piece.sole else ''}"


def _lived(step: Step) -> str:
    _, words = BEFORE.get(step.event, ("", f"meets `{step.event}`" if step.event else f"waits {step.wait}"))
    return words + (f" ({sets(step.set)})" if step.set else "")


def _leaves(story: Story) -> str:
    event = story.leave.event
    _, words = BEFORE.get(event, ("", f"leaves by `{event}`"))
    when = f", announced to take effect at {story.leave.effective}" if story.leave.effective else ""
    return f"{words} through {story.leave.via}{when}"


def _after(step: Step) -> str:
    if not step.event:
        return f"{step.wait} go by"
    return AFTER.get(step.event, f"`{step.event}` is sent")


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]
