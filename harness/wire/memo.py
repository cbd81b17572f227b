"""One round's requests and the lists read from them: those that render alike are sent once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.wire.call import Answer, Call, Unknown
from harness.wire.once import Once
from harness.wire.paging import Pages, pages
from harness.wire.reasons import of_status
from harness.wire.selection import Asked
from harness.wire.template import Context


@dataclass(frozen=True, slots=True)
class Reply:
    """All pages of one rendered request. `status` is the first page's; `omitted`: the field was left out, which
    `empty: omitted` allows."""

    status: int
    read: Pages
    omitted: bool


class Memo(Once):
    """What one round has asked over HTTP: requests that render alike are sent once, also while under way."""

    def __init__(self, send: Callable[[Call], Answer]) -> None:
        super().__init__()
        self._send = send

    def send(self, call: Call) -> Answer:
        """The answer to this call, whoever asked first; each caller accepts its own statuses. Raises `Unknown`."""
        try:
            answer: Answer = self.once(call.key(), lambda: self._send(call))
        except Unknown as error:
            if error.status not in call.accept:
                raise
            again: Answer = self.once((call.key(), call.accept), lambda: self._send(call))
            return again
        if answer.status in call.accept:
            return answer
        reason = of_status(call, answer.status, answer.headers, answer.url, throttled=False)
        raise Unknown(
            reason, evidence=answer.evidence, sent=answer.sent, answered=answer.answered, status=answer.status
        )

    def ask(self, asked: Asked, call: Call, context: Context, *, empty: bool, gone: frozenset[int]) -> Reply:
        """A list read to its end. `gone`: the statuses that mean no items. Raises `Unknown`."""
        key = (call.key(), call.accept, gone, empty, asked.items, asked.page, asked.total, asked.mark)
        reply: Reply = self.once(key, lambda: self._read(asked, call, context, empty, gone))
        return reply

    def _read(self, asked: Asked, call: Call, context: Context, empty: bool, gone: frozenset[int]) -> Reply:
        statuses: list[int] = []
        omitted: list[bool] = []

        def send(one: Call) -> Answer:
            answer = self.send(one)
            statuses.append(answer.status)
            return answer

        def items(body: Any) -> list[Any]:
            if asked.ok is not None and not asked.ok.good(body, context):
                raise Unknown(f"the answer's `{asked.ok.value.text}` does not say that it worked")
            found = items_of(asked, body, context, empty)
            omitted.append(found is None)
            return found or []

        total, mark = asked.total, asked.mark
        read = pages(
            send,
            call,
            asked.page,
            items,
            None if total is None else lambda body: total.get(body, context),
            absent_on=gone,
            mark_of=None if mark is None else lambda body: mark.get(body, context),
        )
        return Reply(statuses[0], read, bool(omitted) and all(omitted))


def items_of(asked: Asked, body: Any, context: Context, empty: bool) -> list[Any] | None:
    """The items of one body; None where the field was left out and `empty: omitted` allows that. Raises `Unknown`."""
    found = asked.items.get(body, context)
    if isinstance(found, list):
        if any(item is None for item in found):
            raise Unknown(f"an item of `{asked.items.text}` is missing or null")
        return found
    if found is not None:
        raise Unknown(f"`{asked.items.text}` is no array but {type_word(found)}")
    if empty and asked.items.left_out(body):
        return None
    raise Unknown(f"the answer has no `{asked.items.text}`")


def type_word(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    return {dict: "an object", str: "a string", int: "a number", float: "a number"}.get(type(value), "something else")
