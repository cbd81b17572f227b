"""What Synapse's answers mean, read strictly: whatever is missing, or of another type, raises ValueError."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from harness.model import Instant, Presence, Used
from harness.ports import Tools
from harness.wire.call import Answer, Unknown
from harness.wire.dialogue import Told

T = TypeVar("T")
Json = Mapping[str, Any]

# How the leaver's own credential is refused: a token that was ended, a locked account, and a password that is not
# taken (any more). Everything else is unknown.
REFUSALS = frozenset(
    {(401, "M_UNKNOWN_TOKEN"), (401, "M_USER_LOCKED"), (403, "M_FORBIDDEN"), (403, "M_USER_DEACTIVATED")}
)


def unknown(reason: str, source: Answer | Told[Any]) -> Unknown:
    """Nothing can be concluded from this answer."""
    status = source.status if isinstance(source, Answer) else None
    return Unknown(reason, evidence=source.evidence, sent=source.sent, answered=source.answered, status=status)


def dictionary(answer: Answer) -> Json:
    """The body, which must be a JSON object. Raises `Unknown`."""
    body = answer.json()
    if not isinstance(body, Mapping):
        raise unknown("the answer is no JSON object", answer)
    return body


def reading(reader: Callable[[], T]) -> T:
    """What `reader` makes of an answer; where it raises ValueError the answer concludes nothing: `Unknown`."""
    try:
        return reader()
    except ValueError as error:
        raise Unknown(str(error)) from None


def code(body: Json) -> str:
    """Matrix's own name of an error (spec.matrix.org, "Standard error response")."""
    found = body.get("errcode")
    return found if isinstance(found, str) and found.startswith("M_") else "no errcode"


def text(body: Json, name: str) -> str:
    found = body.get(name)
    if not isinstance(found, str) or not found:
        raise ValueError(f"`{name}` is missing or null" if found is None else f"`{name}` is no text")
    return found


def truth(body: Json, name: str) -> bool:
    """A yes or a no, and nothing that could pass for one."""
    found = body.get(name)
    if isinstance(found, bool):
        return found
    if isinstance(found, str):
        raise ValueError(f"`{name}` is {found[:20]!r}, neither true nor false")
    raise ValueError(f"`{name}` is missing or null" if found is None else f"`{name}` is no truth value")


def mapping(body: Json, name: str) -> Json:
    found = body.get(name)
    if not isinstance(found, Mapping):
        raise ValueError(f"`{name}` is missing or null" if found is None else f"`{name}` is no object")
    return found


def same(body: Json, name: str, wanted: str) -> Json:
    if body.get(name) != wanted:
        raise ValueError(f"the answer's `{name}` is not the one that was asked for")
    return body


def items(body: Any, name: str, *ids: str) -> list[Json]:
    """A list of objects that each have these texts."""
    found = body.get(name) if isinstance(body, Mapping) else None
    if not isinstance(found, list):
        raise ValueError(f"the answer has no `{name}`" if found is None else f"`{name}` is no list")
    for item in found:
        if not isinstance(item, Mapping):
            raise ValueError(f"an item of `{name}` is null or no object")
        for key in ids:
            try:
                text(item, key)
            except ValueError as error:
                raise ValueError(f"an item of `{name}`: {error}") from None
    return found


def whole(body: Json, name: str, *ids: str) -> list[Json]:
    """The same where the answer also says how many there are."""
    found = items(body, name, *ids)
    _counted(body, len(found))
    return found


def words(body: Json, name: str) -> list[str]:
    """A list of texts, and how many there are."""
    found = body.get(name)
    if not isinstance(found, list):
        raise ValueError(f"the answer has no `{name}`" if found is None else f"`{name}` is no list")
    if not all(isinstance(each, str) and each for each in found):
        raise ValueError(f"an item of `{name}` is null or no text")
    _counted(body, len(found))
    return found


def _counted(body: Json, count: int) -> None:
    total = body.get("total")
    if isinstance(total, bool) or total != count:
        raise ValueError(f"{count} items came, but the total says {total}")


def event(body: Json, type: str) -> Json | None:
    """The state event of this type with an empty key, whose sender and content can be read; None: there is none."""
    found = [each for each in items(body, "state", "type") if each["type"] == type and each.get("state_key") == ""]
    if len(found) > 1:
        raise ValueError(f"the room has {len(found)} states of type {type}")
    for each in found:
        mapping(each, "content")
        text(each, "sender")
    return found[0] if found else None


def level(value: Any) -> int:
    """A power level; rooms before version 10 may write it as a text (spec.matrix.org, "Room Version 10")."""
    if isinstance(value, str) and value.strip().lstrip("-").isdigit():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("a power level is no number")
    return value


def judged(id: str, answer: Answer, body: Json) -> Used:
    """What the leaver was answered: the closed set of works and refused. Raises `Unknown` for what is in neither."""
    if answer.status == 200:
        if body.get("user_id") != id:
            raise unknown("the credential belongs to somebody else", answer)
        return Used(Presence.PRESENT, "works (200)", answer.sent, answer.answered, answer.evidence)
    said = (answer.status, code(body))
    if said[1] == "M_UNKNOWN_TOKEN" and body.get("soft_logout") is not False:
        raise unknown("the token came to its own end, which says nothing about who revoked it", answer)
    if said not in REFUSALS:
        raise unknown(f"an answer that neither works nor refuses ({said[0]}, {said[1]})", answer)
    return Used(Presence.ABSENT, f"refused ({said[0]}, {said[1]})", answer.sent, answer.answered, answer.evidence)


def tried(tools: Tools, ask: Callable[[], Used]) -> Used:
    """What a use was answered; unknown, with its reason, where no answer came that means something."""
    began: Instant = tools.clock.now()
    try:
        return ask()
    except Unknown as error:
        now = error.answered or tools.clock.now()
        return Used(Presence.UNKNOWN, tools.vault.scrub(error.reason), error.sent or began, now, error.evidence)


def distinct(told: Told[Sequence[Json]], id: str) -> Told[Sequence[Json]]:
    """Raises `Unknown` where an item came twice: the list moved while its pages were read."""
    if len({each[id] for each in told.value}) != len(told.value):
        raise unknown(f"the same `{id}` stands in the list twice", told)
    return told
