"""Service tickets as somebody else: got with the password, kept in memory, used to sign in to a directory.

MIT Kerberos and OpenLDAP's client do it, as programs, because what is asked is whether *they* still let the leaver in.
"""

from __future__ import annotations

import base64
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.model import SECOND, Secret
from harness.ports import Tools
from harness.wire import ldap_codes
from harness.wire.dialogue import Asked, Broken, Dialogue, Heard, Told
from harness.wire.limits import Gate
from harness.wire.process import Ended, Program, execute

PROGRAMS = ("kinit", "kvno", "ldapsearch")
PACKAGES = "Debian: krb5-user ldap-utils libsasl2-modules-gssapi-mit"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Login:
    works: bool
    message: str = ""


class Tickets:
    """`config`: the krb5.conf that names the key distribution centre; without one the machine's own counts.
    Raises `ValueError` where a program is missing."""

    def __init__(
        self,
        url: str,
        service: str,
        tools: Tools,
        *,
        config: str | None = None,
        timeout_s: float = 30.0,
        gate: Gate | None = None,
    ) -> None:
        found = {name: shutil.which(name) for name in PROGRAMS}
        missing = [name for name, path in found.items() if path is None]
        if missing:
            raise ValueError(f"{', '.join(missing)} not installed, which signing in with a ticket needs ({PACKAGES})")
        if config is not None and not Path(config).is_file():
            raise ValueError(f"there is no krb5.conf at {config}")
        self._programs = {name: str(path) for name, path in found.items()}
        self._url = url
        self._service = service
        self._config = config
        self._timeout = int(timeout_s * SECOND)
        self._dialogue = Dialogue(tools, attempts=1, gate=gate)

    def obtain(self, principal: str, password: Secret) -> Told[Secret]:
        """The credential cache with one ticket for the service, as text."""

        def attempt() -> Heard[Secret]:
            with self._cache() as cache:
                self._run(cache, "kinit", principal, stdin=f"{password.reveal()}\n".encode())
                self._run(cache, "kvno", "-q", self._service)
                return Heard(Secret(base64.b64encode(cache.read_bytes()).decode()), {"ticket": self._service})

        asked = Asked("TICKET", self._url, {"principal": principal, "service": self._service}, look=False, private=True)
        return self._dialogue.ask(asked, attempt)

    def sign_in(self, ticket: Secret) -> Told[Login]:
        """A new sign-in with the ticket alone. Only invalidCredentials is a refusal; a ticket that has run out, or a
        server that does not know the mechanism, tells nothing."""

        def attempt() -> Heard[Login]:
            with self._cache(base64.b64decode(ticket.reveal())) as cache:
                ended = self._ldapsearch(cache)
            if ended.code not in (0, ldap_codes.INVALID_CREDENTIALS):
                raise Broken(f"signing in with the ticket: {_said(ended)}", code=ended.code)
            works = ended.code == 0
            return Heard(Login(works, "" if works else _said(ended)), {"result": ended.code}, ended.code)

        return self._dialogue.ask(Asked("BIND", self._url, {"method": "GSSAPI"}, private=True), attempt)

    def _ldapsearch(self, cache: Path) -> Ended:
        argv = ("-N", "-Q", "-Y", "GSSAPI", "-LLL", "-H", self._url, "-s", "base", "-b", "", "defaultNamingContext")
        return self._ended(cache, "ldapsearch", argv)

    def _run(self, cache: Path, program: str, *arguments: str, stdin: bytes | None = None) -> None:
        ended = self._ended(cache, program, arguments, stdin)
        if ended.code != 0:
            raise Broken(f"{program}: {_said(ended)}", code=ended.code)

    def _ended(self, cache: Path, program: str, arguments: tuple[str, ...], stdin: bytes | None = None) -> Ended:
        # Nothing of this machine's own: neither somebody's tickets nor their directory's settings.
        env = {"PATH": os.environ.get("PATH", _PATH), "LC_ALL": "C", "LDAPNOINIT": "1", "KRB5CCNAME": f"FILE:{cache}"}
        if self._config is not None:
            env["KRB5_CONFIG"] = self._config
        argv = (self._programs[program], *arguments)
        return execute(Program(argv, env, cwd=str(cache.parent), stdin=stdin, timeout=self._timeout))

    @contextmanager
    def _cache(self, data: bytes = b"") -> Iterator[Path]:
        """A file that nobody else may read, and that is gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="exitproof-") as folder:
            cache = Path(folder) / "tickets"
            cache.touch(mode=0o600)
            if data:
                cache.write_bytes(data)
            yield cache


def _said(ended: Ended) -> str:
    if ended.code is None:
        return ended.failed or "no answer in time"
    lines = ended.stderr.decode(errors="replace").strip().splitlines()
    words = [line.strip() for line in lines if line.strip()]
    return "; ".join(words[-2:])[:300] or f"it ended with {ended.code} and without a word"
