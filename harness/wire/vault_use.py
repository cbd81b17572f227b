"""The leaver's vantage of an OpenBao or Vault server: signs in, looks itself up, and gives back what it was given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.model import Grant, Presence, Used
from harness.ports import Person, Tools
from harness.wire.call import Answer, Call, Unknown
from harness.wire.reasons import of_status
from harness.wire.vault_api import TOKEN, Send, VaultApi, complaint, encode, one, unknown

_NO_LOGIN = ("invalid username or password",)
_NO_ROLE = ("invalid role or secret id", "invalid secret id", "invalid role id")
_DENIED = ("permission denied",)

Refusal = Callable[[Answer], str]


class VaultLeaver:
    """`send` is the reader's wire. What is asked as the leaver never carries the reader's token; `locked` is the one
    look that tells a lock-out from a refusal."""

    def __init__(self, send: Send, api: VaultApi, locked: Callable[[str], bool], tools: Tools) -> None:
        self._send = send
        self._headers = api.headers
        self._locked = locked
        self._tools = tools

    def login(self, person: Person, mount: str) -> Used:
        """A wrong login is 400. The right password of a person who is locked out, or whose entity is disabled, is
        answered 403: the one passes by itself and says nothing about offboarding, the other is a refusal."""
        name, password = person.identity.username, person.identity.password.reveal()
        self._tools.vault.learn(password)

        def refused(answer: Answer) -> str:
            if answer.status == 403 and self._locked(name):
                raise unknown(answer, "locked out after wrong logins (403): that passes, whoever left")
            return _among(answer, {400: _NO_LOGIN, 403: _DENIED})

        return self._used("POST", f"/auth/{mount}/login/{one(name)}", refused, body={"password": password})

    def token(self, grant: Grant) -> Used:
        """Looks itself up. A token that has ended and one whose entity is disabled or gone are both 403."""
        token = "" if grant.secret is None else grant.secret.reveal()
        return self._used("GET", "/auth/token/lookup-self", lambda a: _among(a, {403: _DENIED}), token=token)

    def secret_id(self, grant: Grant, mount: str) -> Used:
        secret = "" if grant.secret is None else grant.secret.reveal()
        body = {"role_id": grant.vars.get("role_id", ""), "secret_id": secret}
        return self._used("POST", f"/auth/{mount}/login", lambda a: _among(a, {400: _NO_ROLE}), body=body)

    def unasked(self, reason: str) -> Used:
        now = self._tools.clock.now()
        return Used(Presence.UNKNOWN, reason, now, now)

    # --- how --------------------------------------------------------------------------------------

    def _used(
        self, method: str, path: str, refused: Refusal, *, body: Mapping[str, Any] | None = None, token: str = ""
    ) -> Used:
        """Only 200 works, and only what `refused` knows is a refusal. Whoever came without a token was given one."""
        try:
            answer = self._send(self._call(method, path, body, token))
            found = answer.json()
            if answer.status != 200:
                return Used(Presence.ABSENT, refused(answer), answer.sent, answer.answered, answer.evidence)
            given = token or _token(answer, found)
        except Unknown as error:
            now = error.answered or self._tools.clock.now()
            reason = self._tools.vault.scrub(f"{method} {path}: {error.reason}")
            return Used(Presence.UNKNOWN, reason, error.sent or now, now, error.evidence)
        reason, evidence = "works (200)", answer.evidence
        if not token:
            self._tools.vault.learn(given)
            try:
                evidence += self._send(self._call("POST", "/auth/token/revoke-self", None, given, 204)).evidence
            except Unknown as error:
                reason += f", but could not be signed out: {self._tools.vault.scrub(error.reason)}"
                evidence += error.evidence
        return Used(Presence.PRESENT, reason, answer.sent, answer.answered, evidence)

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None, token: str, *only: int) -> Call:
        headers = {**self._headers}
        if token:
            headers[TOKEN] = token
        if body is not None:
            headers["Content-Type"] = "application/json"
        return Call(
            method=method,
            url=path,
            accept=frozenset(only or (200, 400, 403)),
            headers=headers,
            body=None if body is None else encode(body),
            own_auth=True,
            private=True,
            look=method == "GET",
        )


def _among(answer: Answer, words: Mapping[int, tuple[str, ...]]) -> str:
    """The refusal, if its own words are among the declared ones; a firewall says 403 as well."""
    said = complaint(answer.json()).casefold()
    if any(known in said for known in words.get(answer.status, ())):
        return f"refused ({answer.status})"
    call = Call("GET", answer.url, frozenset(), own_auth=True)
    raise unknown(answer, of_status(call, answer.status, answer.headers, answer.url, throttled=False))


def _token(answer: Answer, found: Any) -> str:
    auth = found.get("auth") if isinstance(found, Mapping) else None
    token = auth.get("client_token") if isinstance(auth, Mapping) else None
    if not isinstance(token, str) or not token:
        raise unknown(answer, "the answer (200) holds no token: a further factor is asked for?")
    return token
