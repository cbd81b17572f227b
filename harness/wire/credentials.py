"""A wire's credential at work: headers, query, certificate, and OAuth 2 tokens fetched, kept and renewed."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any
from urllib.parse import quote_plus, urlencode

from harness.model import NOTHING, SECOND, Instant
from harness.ports import Tools
from harness.wire.auth import Auth, OAuth2
from harness.wire.call import Answer, Call, Unknown

_ANSWERS = frozenset((200, 400, 401))


class TokenRefused(Unknown):
    """No access token could be had, so the call itself was not sent."""


class Credentials:
    """What an `Auth` adds to each request. Tells the vault every secret of it, and every token it is given."""

    def __init__(self, auth: Auth | None, tools: Tools, fetch: Callable[[Call], Answer]) -> None:
        self._headers: Mapping[str, str] = NOTHING
        self.params: tuple[tuple[str, str], ...] = ()
        self.cert: tuple[str, str] | None = None
        self._tokens: Tokens | None = None
        learn = tools.vault.learn
        if auth is None:
            return
        if auth.bearer is not None:
            learn(auth.bearer.reveal())
            self._headers = {"Authorization": f"Bearer {auth.bearer.reveal()}"}
        elif auth.basic is not None:
            learn(auth.basic.password.reveal())
            self._headers = {"Authorization": basic(auth.basic.username, auth.basic.password.reveal())}
        elif auth.header is not None:
            self._headers = {name: secret.reveal() for name, secret in auth.header.items()}
            for value in self._headers.values():
                learn(value)
                learn(value.rpartition(" ")[2])  # `Authorization: SSWS …`
        elif auth.query is not None:
            self.params = tuple((name, secret.reveal()) for name, secret in auth.query.items())
            for _, value in self.params:
                learn(value)
        elif auth.mtls is not None:
            self.cert = (auth.mtls.cert, auth.mtls.key)
        elif auth.oauth2 is not None:
            learn(auth.oauth2.client_secret.reveal())
            self._tokens = Tokens(auth.oauth2, tools, fetch)

    @property
    def query_names(self) -> frozenset[str]:
        return frozenset(name for name, _ in self.params)

    def headers(self) -> Mapping[str, str]:
        """Raises TokenRefused when an access token is needed and cannot be had."""
        if self._tokens is None:
            return self._headers
        return {"Authorization": f"Bearer {self._tokens.current()}"}

    def renew(self) -> bool:
        """After a 401: whether another credential is worth a try (an OAuth 2 token may have been withdrawn)."""
        if self._tokens is None:
            return False
        self._tokens.forget()
        return True


def basic(username: str, password: str) -> str:
    """RFC 7617, in UTF-8."""
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()


class Tokens:
    """Client credentials (RFC 6749 §4.4): one token for all threads, fetched again shortly before it ends."""

    def __init__(self, config: OAuth2, tools: Tools, fetch: Callable[[Call], Answer]) -> None:
        self._config = config
        self._tools = tools
        self._fetch = fetch
        self._lock = Lock()
        self._token = ""
        self._until: Instant | None = None
        self._in_body = False

    def current(self) -> str:
        with self._lock:
            if not self._token or (self._until is not None and self._tools.clock.now() >= self._until):
                self._token = ""
                self._take(self._ask())
            return self._token

    def forget(self) -> None:
        with self._lock:
            self._token = ""

    def _ask(self) -> Answer:
        try:
            answer = self._fetch(self._call())
            if answer.status != 200 and not self._in_body:
                # RFC 6749 §2.3.1: Basic is what a server must take; some (Auth0's default) take only the body.
                self._in_body = True
                second = self._fetch(self._call())
                self._in_body = second.status == 200
                answer = second if self._in_body else answer
        except Unknown as unknown:
            raise self._refused(f"no access token: {unknown.reason}", unknown) from None
        return answer

    def _call(self) -> Call:
        config = self._config
        fields = {"grant_type": "client_credentials", "scope": config.scope, "audience": config.audience}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        secret = config.client_secret.reveal()
        if self._in_body:
            fields |= {"client_id": config.client_id, "client_secret": secret}
        else:
            headers["Authorization"] = basic(quote_plus(config.client_id), quote_plus(secret))
        body = urlencode({name: value for name, value in fields.items() if value}).encode()
        return Call("POST", config.token_url, _ANSWERS, headers=headers, body=body, own_auth=True, private=True)

    def _take(self, answer: Answer) -> None:
        if answer.status != 200:
            raise self._refused(f"the token endpoint refused the client's credentials ({answer.status})", answer)
        try:
            given = answer.json()
        except Unknown as unknown:
            raise self._refused(f"no access token: {unknown.reason}", answer) from None
        token = given.get("access_token") if isinstance(given, dict) else None
        if not isinstance(token, str) or not token:
            raise self._refused("the token endpoint's answer holds no access token", answer)
        self._tools.vault.learn(token)
        self._token = token
        life = given.get("expires_in")
        if isinstance(life, str) and life.isascii() and life.isdigit() and len(life) < 10:  # Entra v1 sends a string
            life = int(life)
        self._until = None
        if isinstance(life, int | float) and not isinstance(life, bool) and 0 < life < 10**9:
            self._until = answer.sent + round(life * SECOND) - round(min(60, life / 10) * SECOND)

    def _refused(self, reason: str, why: Any) -> TokenRefused:
        return TokenRefused(
            reason, evidence=why.evidence, sent=why.sent, answered=why.answered, status=why.status, in_doubt=False
        )
