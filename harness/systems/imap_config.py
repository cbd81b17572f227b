"""What a fleet file says of a mail server that speaks IMAP, and of the programs on its host."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from harness.adapter import SystemConfig
from harness.config import Config, DurationField
from harness.model import SECOND, Kind, Touches
from harness.ports import KindTraits
from harness.wire.program import Run
from harness.wire.stream import Address

_PORTS = {"imap": 143, "imaps": 993, "sieve": 4190}


class AccountsConfig(Config):
    """Who has an account, and how one is made: IMAP has no word for it."""

    list: Run
    create: Run | None = None
    remove: Run | None = None


class RolesConfig(Config):
    """Who may act for others, and whose mailbox is opened to try it."""

    list: Run
    grant: Run | None = None
    revoke: Run | None = None
    opens: str = Field(min_length=1, description="the account that a holder of the role tries to open")


class StoreConfig(Config):
    """What the disk holds of each name, whether or not an account of that name is left."""

    list: Run


class ImapConfig(SystemConfig):
    type: Literal["imap"]
    url: str = Field(pattern=r"^imaps?://[^/]+/?$", examples=["imaps://mail.example.test"])
    sieve: str | None = Field(default=None, pattern=r"^sieve://[^/]+/?$", description="ManageSieve (RFC 5804)")
    starttls: bool = Field(default=False, description="TLS after STARTTLS, on `imap://` and `sieve://`")
    ca: str | None = Field(default=None, description="a file of certificates to trust besides the machine's own")
    accounts: AccountsConfig
    roles: RolesConfig | None = None
    store: StoreConfig | None = None
    keeper: str | None = Field(
        default=None, description="the account that shared mailboxes belong to, and new ones too"
    )
    others: str | None = Field(
        default=None, description="prefix of other people's mailboxes; left out: as the server's NAMESPACE says"
    )
    refusal: DurationField = Field(
        default=2 * SECOND, description="how long a refused sign-in takes to be answered (Dovecot's auth_failure_delay)"
    )
    script: str = Field(default="exitproof", min_length=1, description="the Sieve script that redirects are given in")

    @model_validator(mode="after")
    def _named(self) -> ImapConfig:
        if self.reader_auth.basic is None or self.writer_auth.basic is None:
            raise ValueError("IMAP signs in with a name and a password: give `auth: {basic: {username, password}}`")
        for address in (self.imap_address(), self.sieve_address()):
            if address is not None and not (address.tls or address.starttls or _loopback(address.host)):
                raise ValueError(f"{address.url()} would send passwords in clear: `imaps://`, or `starttls: true`")
        return self

    def declared(self) -> Mapping[Kind, KindTraits]:
        signs_in = {"": Touches.CHANGES}
        found = {
            Kind.MAILBOX: KindTraits(True, creates_objects=True, finds_objects=True),
            Kind.DELEGATION: KindTraits(
                True, signs_in, grantable=True, revocable=True, creates_objects=True, finds_objects=True
            ),
            Kind.SESSION: KindTraits(uses={"": Touches.NOTHING}, grantable=True, revocable=True),
        }
        if self.sieve is not None:
            found[Kind.FORWARDING] = KindTraits(True, grantable=True, revocable=True)
        if self.roles is not None:
            given, taken = self.roles.grant is not None, self.roles.revoke is not None
            found[Kind.ROLE] = KindTraits(True, signs_in, grantable=given, revocable=taken)
        return {kind: traits for kind, traits in found.items() if kind not in self.without}

    def able(self) -> frozenset[str]:
        return frozenset({"login"} | ({"create"} if self.accounts.create is not None else set()))

    def addresses(self) -> tuple[str, ...]:
        return (self.url,) if self.sieve is None else (self.url, self.sieve)

    def imap_address(self) -> Address:
        return self._address(self.url)

    def sieve_address(self) -> Address | None:
        return None if self.sieve is None else self._address(self.sieve)

    def _address(self, url: str) -> Address:
        parts = urlsplit(url)
        if not parts.hostname or parts.username is not None:
            raise ValueError(f"{parts.scheme}:// needs a host, and no name or password in the address")
        tls = parts.scheme == "imaps"
        context = ssl.create_default_context() if tls or self.starttls else None
        if context is not None and self.ca is not None:
            context.load_verify_locations(self.ca)
        port = parts.port or _PORTS[parts.scheme]
        return Address(parts.scheme, parts.hostname, port, tls, self.starttls and not tls, context)

    def runs(self) -> tuple[Run, ...]:
        """Every program that the file names."""
        found = [self.accounts.list, self.accounts.create, self.accounts.remove]
        if self.roles is not None:
            found += [self.roles.list, self.roles.grant, self.roles.revoke]
        if self.store is not None:
            found.append(self.store.list)
        return tuple(run for run in found if run is not None)


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
