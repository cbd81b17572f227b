"""Asks an OpenBao or HashiCorp Vault server: whole lists, records and look-ups, or `Unknown` with a reason."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from harness.model import NOTHING
from harness.wire.call import Answer, Call, Unknown
from harness.wire.dialogue import Told
from harness.wire.reasons import of_status

Send = Callable[[Call], Answer]
Data = Mapping[str, Any]

NAMESPACE = "X-Vault-Namespace"
TOKEN = "X-Vault-Token"  # noqa: S105  a header's name

_LIST = (("list", "true"),)  # the same as the verb LIST, which not every proxy lets through
_DEAD_TOKEN = (400, "invalid accessor")
_DEAD_SECRET_ID = (404, "failed to find accessor entry")
_DONE = frozenset((200, 201, 202, 204))


def at(*parts: str) -> str:
    """A path of these parts, each as it is or, below the last mount, quoted as one segment."""
    return "/" + "/".join(quote(part, safe="/") for part in parts)


def one(part: str) -> str:
    """One segment of a path, whatever it holds."""
    return quote(part, safe="")


class VaultApi:
    """`send` is a wire's. Every method raises `Unknown` for whatever is none of its declared answers."""

    def __init__(self, send: Send, namespace: str | None = None) -> None:
        self._send = send
        self.headers: Mapping[str, str] = {NAMESPACE: namespace} if namespace else NOTHING

    # --- looks ------------------------------------------------------------------------------------

    def keys(self, path: str, gone: str = "") -> Told[tuple[str, ...]]:
        """All keys of a list, which comes whole; none at all is 404 with an empty list of errors. `gone`: words of the
        400 that says that what the list is below has gone, which is no key either."""
        accept = {200, 404, 400} if gone else {200, 404}
        answer, data = self._asked(Call("GET", path, frozenset(accept), params=_LIST, headers=self.headers), gone)
        return _told(() if data is None else _keys(answer, data), answer)

    def infos(self, path: str) -> Told[Mapping[str, Data]]:
        """A list that tells of each key what it stands for."""
        answer, data = self._asked(Call("GET", path, frozenset((200, 404)), params=_LIST, headers=self.headers))
        if data is None:
            return _told({}, answer)
        keys, infos = _keys(answer, data), data.get("key_info")
        if not isinstance(infos, Mapping) or set(infos) != set(keys):
            raise unknown(answer, "the list's `key_info` is not about its `keys`")
        if not all(isinstance(info, Mapping) for info in infos.values()):
            raise unknown(answer, "an item of `key_info` is not a JSON object")
        return _told(infos, answer)

    def data(self, path: str, *, private: bool = False) -> Told[Data | None]:
        """One record's `data`; None: there is none, as 404 with an empty list of errors says."""
        call = Call("GET", path, frozenset((200, 404)), headers=self.headers, private=private)
        answer, data = self._asked(call)
        return _told(data, answer)

    def token(self, accessor: str) -> Told[Data | None]:
        """One token by its accessor; None: it has ended."""
        return self._looked_up("/auth/token/lookup-accessor", {"accessor": accessor}, _DEAD_TOKEN)

    def secret_id(self, role: str, accessor: str) -> Told[Data | None]:
        """One secret-id of a role, by the role's path; None: it has ended."""
        asked = {"secret_id_accessor": accessor}
        return self._looked_up(f"{role}/secret-id-accessor/lookup", asked, _DEAD_SECRET_ID)

    def _looked_up(self, path: str, body: Data, gone: tuple[int, str]) -> Told[Data | None]:
        """A POST that changes nothing. `gone`: status and words of the answer that says that it has ended."""
        call = Call(
            "POST", path, frozenset((200, gone[0])),
            headers={**self.headers, "Content-Type": "application/json"}, body=encode(body),
        )  # fmt: skip
        answer, data = self._asked(call, gone[1])
        return _told(data, answer)

    def _asked(self, call: Call, gone: str = "") -> tuple[Answer, Data | None]:
        answer = self._send(call)
        body = answer.json()
        if not isinstance(body, Mapping):
            raise unknown(answer, "the answer is not a JSON object")
        if answer.status != 200:
            if answer.status == 404 and body == {"errors": []}:
                return answer, None
            if gone and gone in complaint(body):
                return answer, None
            reason = of_status(call, answer.status, answer.headers, answer.url, throttled=False)
            raise unknown(answer, f"{reason}{_quoted(body)}")
        data = body.get("data")
        if not isinstance(data, Mapping):
            raise unknown(answer, "the answer has no `data`")
        return answer, data

    # --- changes ----------------------------------------------------------------------------------

    def change(self, method: str, path: str, body: Data | None = None, *, gone: bool = False) -> Answer:
        """One write. `gone`: that there is nothing any more is as good as done."""
        return self._send(
            Call(
                method=method,
                url=path,
                accept=_DONE | {404} if gone else _DONE,
                headers={**self.headers, "Content-Type": "application/json"},
                body=None if body is None else encode(body),
                private=True,  # what is made here may be a secret
                look=False,
            )
        )

    def made(self, path: str, body: Data) -> Data:
        """What a POST made, its `data`."""
        answer = self.change("POST", path, body)
        found = answer.json()
        data = found.get("data") if isinstance(found, Mapping) else None
        if not isinstance(data, Mapping):
            raise unknown(answer, "the answer to the change has no `data`", in_doubt=True)
        return data


def encode(body: Data) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def unknown(answer: Answer, reason: str, *, in_doubt: bool = False) -> Unknown:
    a = answer
    return Unknown(
        reason, evidence=a.evidence, sent=a.sent, answered=a.answered, in_doubt=in_doubt, status=a.status
    )  # fmt: skip


def _told(value: Any, answer: Answer) -> Told[Any]:
    return Told(value, answer.sent, answer.answered, answer.evidence)


def _keys(answer: Answer, data: Data) -> tuple[str, ...]:
    keys = data.get("keys")
    if not isinstance(keys, list):
        raise unknown(answer, "the list has no `keys`" if keys is None else "the list's `keys` are no list")
    if not keys:
        raise unknown(answer, "the list is empty, which this server says with 404")
    wrong = sum(not isinstance(key, str) or not key for key in keys)
    if wrong:
        raise unknown(answer, f"{wrong} of {len(keys)} keys of the list are no words")
    if len(set(keys)) != len(keys):
        raise unknown(answer, "the list names a key twice")
    return tuple(keys)


def complaint(body: Any) -> str:
    """What an answer that is no success says of itself."""
    if not isinstance(body, Mapping):
        return ""
    errors = body.get("errors")
    if isinstance(errors, list):
        return "; ".join(error for error in errors if isinstance(error, str))
    data = body.get("data")
    found = data.get("error") if isinstance(data, Mapping) else None
    return found if isinstance(found, str) else ""


def _quoted(body: Data) -> str:
    words = " ".join(complaint(body).replace("*", " ").split())
    return f": {words[:120]}" if words else ""
