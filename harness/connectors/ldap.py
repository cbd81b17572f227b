"""Connector `ldap`: offboards in a directory as an administrator does: locks, moves, deletes, empties groups."""

from __future__ import annotations

from collections.abc import Mapping

from harness.adapter import ConnectorAdapter
from harness.connectors.ldap_config import LdapConnectorConfig
from harness.connectors.ldap_turn import Stop, Turn
from harness.model import Claim, Event, EventTraits, Progress, Receipt
from harness.ports import Person, Tools
from harness.wire.auth import Auth
from harness.wire.call import Unknown
from harness.wire.ldap import LdapWire


class LdapConnector:
    """Implements `ports.Connector`."""

    def __init__(self, name: str, config: LdapConnectorConfig, wire: LdapWire, tools: Tools) -> None:
        self.name = name
        self.owner = config.owner
        self._config = config
        self._events = config.all_events()
        self._wire = wire
        self._tools = tools
        # By event id, once all were answered: a replay is the same changes, and looks nothing up.
        self._written: dict[str, Turn] = {}

    def events(self) -> Mapping[str, EventTraits]:
        return {
            name: EventTraits(event.idempotent, returns_within=event.returns_within)
            for name, event in self._events.items()
        }

    def fire(self, event: Event, person: Person) -> Receipt:
        began = self._tools.clock.now()
        turn = Turn(self._config, self._wire)
        before = self._written.get(event.id)
        try:
            if before is not None:
                turn.vars = before.vars
                for write in before.writes:
                    turn.again(write)
            else:
                turn.play(self._events[event.name], event, person)
        except Stop as stop:
            return turn.receipt(Claim.ERROR, began, self._tools.clock.now(), str(stop))
        except Unknown as error:
            detail = self._tools.vault.scrub(f"{turn.asked}: {error.reason}" if turn.asked else error.reason)
            if error.status is not None or not turn.writing:
                return turn.receipt(Claim.ERROR, began, error.answered or self._tools.clock.now(), detail)
            return turn.receipt(Claim.NONE, began, None, detail, error.in_doubt or len(turn.writes) > 1)
        self._written.setdefault(event.id, turn)
        if not turn.writes:
            return turn.receipt(Claim.SUCCESS, began, self._tools.clock.now(), "there was nothing to change")
        return turn.receipt(Claim.SUCCESS, began, turn.answered)

    def done(self, event: Event, person: Person) -> tuple[Progress, str]:  # noqa: ARG002
        return Progress.UNKNOWN, "a directory answers at once: there is nothing to wait for"

    def arrived(self, event: Event, person: Person) -> tuple[bool | None, str]:  # noqa: ARG002
        return None, "a directory keeps no list of what it was sent"

    def check(self) -> list[str]:
        """The base, read as the connector."""
        try:
            seen = self._wire.read(self._config.base, ("1.1",)).value
        except Unknown as error:
            return [f"{self.name}: {error.reason}"]
        return [] if seen is not None else [f"{self.name}: {self._config.base} is not there, or may not be seen"]

    def close(self) -> None:
        self._wire.close()


def build(
    name: str, config: LdapConnectorConfig, tools: Tools, *, timeout_s: float = 30.0, attempts: int = 3
) -> LdapConnector:
    auth = config.auth or Auth(none=True)
    return LdapConnector(
        name, config, LdapWire(config.address(), auth, tools, timeout_s=timeout_s, attempts=attempts), tools
    )


ADAPTER = ConnectorAdapter("ldap", "locks, moves, deletes in a directory", LdapConnectorConfig, build)
