"""What can be wrong with an answer of AWS, planted truthfully at the transport: in its own forms, XML and JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from tests.contract.aws_front import LISTS, Fault, Reply


def error(code: str, status: int) -> Fault:
    """AWS's own error, in the form of the protocol that was asked in."""

    def made(_: str, reply: Reply) -> Reply:
        if _is_json(reply):
            return Reply(status, reply.kind, json.dumps({"__type": code, "message": "no"}).encode())
        body = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"
        )
        return Reply(status, "text/xml", body.encode())

    return made


def instead(status: int, kind: str, body: bytes) -> Fault:
    return lambda _, reply: Reply(status, kind, body)


def cut(_: str, reply: Reply) -> Reply:
    return Reply(reply.status, reply.kind, reply.body[: len(reply.body) // 2])


def without_list(operation: str, reply: Reply) -> Reply:
    return _without(reply, LISTS[operation][0])


def without_id(operation: str, reply: Reply) -> Reply:
    return _without(reply, LISTS[operation][1])


def without_end(_: str, reply: Reply) -> Reply:
    return _without(reply, "IsTruncated")


def without_marker(_: str, reply: Reply) -> Reply:
    """There is more, and no way to ask for it."""
    body = _without(reply, "Marker").body
    return Reply(reply.status, reply.kind, re.sub(rb"(IsTruncated>)false", rb"\1true", body))


def loops(_: str, reply: Reply) -> Reply:
    """Every page says that there is another one, under the same marker."""
    if _is_json(reply):
        return Reply(reply.status, reply.kind, json.dumps({**json.loads(reply.body), "NextToken": "1"}).encode())
    prefix = re.search(rb"<(\w+:)?IsTruncated", reply.body)
    name = (prefix[1] or b"") if prefix else b""
    body = re.sub(rb"(IsTruncated>)false", rb"\1true", _without(reply, "Marker").body)
    end = re.search(rb"</(?:\w+:)?IsTruncated>", body)
    assert end is not None
    marker = b"<" + name + b"Marker>0</" + name + b"Marker>"
    return Reply(reply.status, reply.kind, body[: end.end()] + marker + body[end.end() :])


def wrong_type(operation: str, reply: Reply) -> Reply:
    """A text where the list should be."""
    name = LISTS[operation][0]
    if _is_json(reply):
        return Reply(reply.status, reply.kind, json.dumps({**json.loads(reply.body), name: "none"}).encode())
    body = re.sub(rf"<((?:\w+:)?{name})\b[^>]*>.*</\1>".encode(), rb"<\1>none</\1>", reply.body, flags=re.DOTALL)
    return Reply(reply.status, reply.kind, body)


def _is_json(reply: Reply) -> bool:
    return reply.body.startswith(b"{")  # moto does not say so in the content type


def _without(reply: Reply, name: str) -> Reply:
    """The same without every field of this name."""
    if _is_json(reply):
        return Reply(reply.status, reply.kind, json.dumps(_dropped(json.loads(reply.body), name)).encode())
    field = rf"<((?:\w+:)?{name})\b[^>]*?(?:/>|>.*?</\1>)".encode()
    return Reply(reply.status, reply.kind, re.sub(field, b"", reply.body, flags=re.DOTALL))


def _dropped(value: object, name: str) -> object:
    if isinstance(value, dict):
        return {key: _dropped(item, name) for key, item in value.items() if key != name}
    return [_dropped(item, name) for item in value] if isinstance(value, list) else value


LOGIN_PAGE = b"<!doctype html><html><head><title>Sign in</title></head><body><p>Please sign in</body></html>"
ANSWERS: Mapping[str, Fault] = {
    "access-denied": error("AccessDenied", 403),
    "throttled": error("ThrottlingException", 400),
    "login-page": instead(200, "text/html", LOGIN_PAGE),
    "truncated": cut,
}
IN_LISTS: Mapping[str, Fault] = {
    "list-lost": without_list,
    "wrong-type": wrong_type,
    "loop": loops,
    "id-lost": without_id,
}
MARKED: Mapping[str, Fault] = {"end-lost": without_end, "marker-lost": without_marker}  # IAM says where a list ends
OF_LISTS = frozenset((*IN_LISTS, *MARKED))
