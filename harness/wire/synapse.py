"""The Synapse admin API and the Matrix client API with one credential: reads answer `Told`, all else is `Unknown`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import quote

from harness.model import SECOND, Duration, Secret, Used
from harness.ports import Tools
from harness.wire import synapse_answers as read
from harness.wire.call import Answer, Call, Unknown
from harness.wire.dialogue import Told
from harness.wire.paging import PageSpec, pages
from harness.wire.synapse_answers import Json

T = TypeVar("T")
ADMIN, CLIENT = "/_synapse/admin", "/_matrix/client/v3"
HELPING: Duration = 3600 * SECOND  # how long a token may live that acts for a moment; it is signed out at once
_OK = frozenset((200,))
_SAID = frozenset((200, 201, 400, 403, 404, 409))  # answers to a change that say in JSON what they mean


class Api:
    """Safe to use from many threads."""

    def __init__(self, send: Callable[[Call], Answer], tools: Tools, page_size: int = 100) -> None:
        self._send = send
        self._clock = tools.clock
        self._learn = tools.vault.learn
        self._size = str(page_size)

    # --- reading ------------------------------------------------------------------------------

    def whoami(self) -> Told[str]:
        return self._get(f"{CLIENT}/account/whoami", lambda body: read.text(body, "user_id"))

    def user(self, id: str) -> Told[Json | None]:
        """The record by user id; None: there is none."""
        return self._maybe(f"{ADMIN}/v2/users/{at(id)}", lambda body: read.same(body, "name", id))

    def users(self, term: str) -> Told[Sequence[Json]]:
        """Whoever has this in the name or the display name: deactivated ones too (v3 of the list hides none by itself,
        v2 does), and locked ones."""
        found = self._pages(f"{ADMIN}/v3/users", "users", "name", ("name", term), ("locked", "true"))
        like = re.compile(re.escape(term).replace("_", ".").replace("%", ".*"), re.IGNORECASE)  # as SQL's LIKE does
        for each in found.value:
            if not any(isinstance(each.get(key), str) and like.search(each[key]) for key in ("name", "displayname")):
                raise read.unknown("the filter was ignored: somebody came who has another name", found)
        return found

    def media(self, id: str) -> Told[Sequence[Json]]:
        return self._pages(f"{ADMIN}/v1/users/{at(id)}/media", "media", "media_id")

    def devices(self, id: str) -> Told[Sequence[Json]]:
        path = f"{ADMIN}/v2/users/{at(id)}/devices"
        return self._get(path, lambda body: read.whole(body, "devices", "device_id"))

    def pushers(self, id: str) -> Told[Sequence[Json]]:
        path = f"{ADMIN}/v1/users/{at(id)}/pushers"
        return self._get(path, lambda body: read.whole(body, "pushers", "app_id", "pushkey", "kind"))

    def joined(self, id: str) -> Told[Sequence[str]]:
        path = f"{ADMIN}/v1/users/{at(id)}/joined_rooms"
        return self._get(path, lambda body: read.words(body, "joined_rooms"))

    def memberships(self, id: str) -> Told[Sequence[str]]:
        """Every room that the user is or was in, was invited to, or was thrown out of."""
        path = f"{ADMIN}/v1/users/{at(id)}/memberships"
        return self._get(path, lambda body: tuple(read.mapping(body, "memberships")))

    def rooms(self) -> Told[Sequence[Json]]:
        return self._pages(f"{ADMIN}/v1/rooms", "rooms", "room_id", mark="next_batch", total="total_rooms")

    def room(self, id: str) -> Told[Json | None]:
        """A room's name, version and the like; None: the server has no such room (any more)."""
        return self._maybe(f"{ADMIN}/v1/rooms/{at(id)}", lambda body: read.same(body, "room_id", id))

    def members(self, room: str) -> Told[Sequence[str] | None]:
        """Who is in a room now; None: the room is gone."""
        return self._maybe(f"{ADMIN}/v1/rooms/{at(room)}/members", lambda body: read.words(body, "members"))

    def state(self, room: str, type: str) -> Told[Json | None]:
        """The state event of this type; None: the room has none, or is gone."""
        path = f"{ADMIN}/v1/rooms/{at(room)}/state"
        return self._maybe(path, lambda body: read.event(body, type), ("type", type))

    def alias(self, alias: str) -> Told[str | None]:
        """The room that an address leads to; None: to none."""
        path = f"{CLIENT}/directory/room/{at(alias)}"
        return self._maybe(path, lambda body: read.text(body, "room_id"))

    # --- changing -----------------------------------------------------------------------------

    def change(
        self,
        method: str,
        path: str,
        body: Json | bytes | None = None,
        *,
        gone: bool = False,
        token: str | None = None,
        private: bool = False,
    ) -> Json:
        """One change, with the admin's own credential or with `token`. `gone`: not found is as good as done. Raises
        `Unknown` with Synapse's own sentence."""
        file = isinstance(body, bytes)
        headers = {"Content-Type": "text/plain" if file else "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        sent = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        own = token is not None
        answer = self._send(Call(method, path, _SAID, (), headers, sent, own_auth=own, private=private, look=False))
        said = read.dictionary(answer)
        if answer.status in (200, 201):
            return said
        if gone and answer.status == 404 and read.code(said) == "M_NOT_FOUND":
            return {}
        raise read.unknown(f"refused ({answer.status}, {read.code(said)}): {said.get('error') or 'no reason'}", answer)

    def mint(self, id: str, lasts: Duration) -> str:
        """A token with which the admin acts as this user ("Login as a user"). It is the admin's, stands in no list,
        and nothing that is done to the user ends it but a lock; it ends by itself after `lasts`."""
        until = (self._clock.now() + lasts) // 1000
        return self._token(
            self.change("POST", f"{ADMIN}/v1/users/{at(id)}/login", {"valid_until_ms": until}, private=True)
        )

    def sign_out(self, token: str) -> None:
        """Ends this token; one that is dead already is as good."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        accept = frozenset((200, 401))
        answer = self._send(Call("POST", f"{CLIENT}/logout", accept, (), headers, b"{}", own_auth=True, look=False))
        said = read.dictionary(answer)
        if answer.status == 401 and read.code(said) != "M_UNKNOWN_TOKEN":
            raise read.unknown(f"the token could not be signed out (401, {read.code(said)})", answer)

    @contextmanager
    def acting(self, id: str) -> Iterator[str]:
        """A token of this user for as long as the block lasts."""
        token = self.mint(id, HELPING)
        try:
            yield token
        finally:
            self.sign_out(token)

    # --- as the leaver ------------------------------------------------------------------------

    def own(self, id: str, token: Secret) -> Used:
        """Whose the token is, asked with it: the quietest thing that can be done with a token."""
        headers = {"Authorization": f"Bearer {token.reveal()}"}
        accept = frozenset((200, 401))
        answer = self._send(
            Call("GET", f"{CLIENT}/account/whoami", accept, headers=headers, own_auth=True, private=True)
        )
        return read.judged(id, answer, read.dictionary(answer))

    def sign_in(self, id: str, password: Secret, name: str) -> tuple[str, str]:
        """A new session: its device id, and its token. Raises `Unknown` where there is none."""
        answer = self._login(id, password, name)
        said = read.dictionary(answer)
        if answer.status != 200:
            raise read.unknown(f"the sign-in was refused ({answer.status}, {read.code(said)})", answer)
        token, device = self._token(said), said.get("device_id")
        if not isinstance(device, str) or not device:
            raise Unknown("the sign-in has no `device_id`", in_doubt=True)
        return device, token

    def login(self, id: str, password: Secret) -> Used:
        """A sign-in that is judged, and signed out if it worked."""
        answer = self._login(id, password, "exitproof")
        said = read.dictionary(answer)
        used = read.judged(id, answer, said)
        if answer.status != 200:
            return used
        try:
            self.sign_out(self._token(said))
        except Unknown as error:
            return replace(used, reason=f"{used.reason}, but could not be signed out: {error.reason}")
        return used

    def _login(self, id: str, password: Secret, name: str) -> Answer:
        who = {"type": "m.id.user", "user": id}
        body = {"type": "m.login.password", "identifier": who, "password": password.reveal()}
        sent = json.dumps({**body, "initial_device_display_name": name}).encode()
        headers = {"Content-Type": "application/json"}
        accept = frozenset((200, 401, 403))
        return self._send(
            Call("POST", f"{CLIENT}/login", accept, (), headers, sent, own_auth=True, private=True, look=False)
        )

    def _token(self, said: Json) -> str:
        token = said.get("access_token")
        if not isinstance(token, str) or not token:
            raise Unknown("the answer has no `access_token`", in_doubt=True)
        self._learn(token)
        return token

    # --- answers ------------------------------------------------------------------------------

    def _get(self, path: str, reader: Callable[[Json], T], *params: tuple[str, str]) -> Told[T]:
        answer = self._send(Call("GET", path, _OK, params))
        return _told(answer, reader)

    def _maybe(self, path: str, reader: Callable[[Json], T | None], *params: tuple[str, str]) -> Told[T | None]:
        """None where Synapse itself says that there is no such thing; a server admin is refused nothing, so its 404 is
        not a wrong credential's."""
        answer = self._send(Call("GET", path, _OK | {404}, params))
        if answer.status == 200:
            return _told(answer, reader)
        if read.code(read.dictionary(answer)) != "M_NOT_FOUND":
            raise read.unknown("not found (404), but it is not Synapse that says so", answer)
        return Told(None, answer.sent, answer.answered, answer.evidence)

    def _pages(
        self, path: str, field: str, id: str, *params: tuple[str, str], mark: str = "next_token", total: str = "total"
    ) -> Told[Sequence[Json]]:
        def total_of(body: Any) -> Any:
            return body.get(total)

        call = Call("GET", path, _OK, (*params, ("limit", self._size)))
        spec = PageSpec(cursor=mark, param="from")
        got = pages(self._send, call, spec, lambda body: read.items(body, field, id), total_of)
        return read.distinct(Told(got.items, got.sent, got.answered, got.evidence), id)


def at(word: str) -> str:
    """A user, a room or an address as part of a path."""
    return quote(word, safe="")


def _told(answer: Answer, reader: Callable[[Json], T]) -> Told[T]:
    body: Mapping[str, Any] = read.dictionary(answer)
    try:
        value = reader(body)
    except ValueError as error:
        raise read.unknown(str(error), answer) from None
    return Told(value, answer.sent, answer.answered, answer.evidence)
