"""`type: http`: a system with a JSON API, described in the fleet file alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.adapter import SystemAdapter
from harness.model import (
    Account,
    Entitlement,
    Grant,
    Identity,
    Instant,
    Kind,
    ListState,
    Made,
    ObjectSpec,
    Presence,
    Secret,
    Subject,
    Trail,
    Used,
)
from harness.ports import Declaration, Person, Round, Tools, WriteFailed
from harness.systems.http_config import HttpConfig, ObjectConfig, judged
from harness.systems.http_identity import Acquaintance
from harness.systems.http_leaver import exercise
from harness.systems.http_locks import Locks
from harness.systems.http_round import HttpRound
from harness.systems.http_trail import trail
from harness.wire.auth import Auth
from harness.wire.call import Unknown
from harness.wire.context import context, id_text
from harness.wire.http import HttpWire
from harness.wire.listing import collect, select
from harness.wire.memo import Memo
from harness.wire.request import Failed, Ran, Requests, as_list, run, shielded
from harness.wire.template import Context


class HttpSystem:
    """Implements `System`, `Provisions`, `Exercises` and `Audits`; what the fleet file does not declare is refused
    with a sentence. Safe to use from many threads."""

    def __init__(
        self,
        name: str,
        config: HttpConfig,
        tools: Tools,
        *,
        timeout_s: float = 30.0,
        patience_s: float = 60.0,
        attempts: int = 4,
    ) -> None:
        self.name = name
        self._config = config
        self._tools = replace(tools, limits=config.limits.limits())
        how: dict[str, Any] = {"timeout_s": timeout_s, "patience_s": patience_s, "attempts": attempts}
        self._reader = HttpWire(config.url, config.reader_auth, self._tools, **how)
        self._writer = self._reader
        if config.independent:
            self._writer = HttpWire(config.url, config.writer_auth, self._tools, gate=self._reader.gate, **how)
        self._known = Acquaintance()
        self._locks = Locks()

    def declaration(self) -> Declaration:
        config, account = self._config, self._config.account
        return Declaration(
            type="http",
            url=config.url,
            reader=_who(config.reader_auth),
            independent=config.independent,
            owner=config.owner,
            kinds=config.declared(),
            without=config.without,
            not_listable=config.not_listable,
            login=judged(account.login)[0].touching if account.login is not None else None,
            floor=config.floor,
            creates=account.create is not None,
            audits=config.audit is not None,
            searches=account.search is not None,
        )

    def round(self) -> Round:
        return HttpRound(self.name, self._config, self._reader, self._tools, self._known)

    def close(self) -> None:
        """Closes every pooled connection."""
        self._reader.close()
        self._writer.close()

    # --- accounts -----------------------------------------------------------------------------

    def create(self, person: Person) -> Account:
        ran = self._write("account.create", self._config.account.create, context(person))
        return Account(self.name, self._id(ran), shielded(ran.vars, ran.secrets))

    def remove(self, person: Person) -> None:
        """Reads the account again first, and removes only what still is this identity's."""
        sight = HttpRound(self.name, self._config, self._reader, self._tools, self._known).account(person)
        if sight.presence is Presence.UNKNOWN:
            raise WriteFailed(f"not removed, because it could not be read: {sight.reason}")
        if sight.record:
            self._write("account.remove", self._config.account.remove, context(person))

    # --- access -------------------------------------------------------------------------------

    def grant(self, person: Person, entitlement: Entitlement, made: Made | None) -> Grant:
        kind = entitlement.kind
        config = self._config.kinds.get(kind)
        here = context(person, entitlement=entitlement, made=made)
        ran = self._write(f"{kind}.grant", config.grant if config else None, here, private=True)
        kept = {n: v for n, v in shielded(ran.vars, ran.secrets).items() if n != "secret"}
        secret = ran.vars.get("secret")
        return Grant(
            entitlement,
            id=id_text(kept["id"]) if "id" in kept else None,
            object_id=made.id if made is not None else None,
            vars=kept,
            secret=Secret(id_text(secret)) if secret is not None else None,
        )

    def revoke(self, person: Person, grant: Grant) -> None:
        kind = grant.entitlement.kind
        config = self._config.kinds.get(kind)
        self._write(f"{kind}.revoke", config.revoke if config else None, context(person, grant=grant))

    # --- objects ------------------------------------------------------------------------------

    def find_object(self, spec: ObjectSpec, owner: Person | None) -> Made | None:
        """None: certainly not there. Several of the name: WriteFailed, for it would be a guess."""
        config = self._objects(spec.kind)
        find = config.find if config else None
        if find is None:
            raise WriteFailed(f"{self.name} declares no `{spec.kind}.object.find`")
        here = _naming(spec, owner)
        try:
            sweep = collect(find, here, Memo(self._reader.send))
            found: dict[str, dict[str, Any]] = {}
            for item, _ in select(find, sweep, here):
                got = find.id.get(item.value, {**here, **item.vars})
                if got is None:
                    raise sweep.unknown(f"the id of an object (`{find.id.text}`) is missing or null")
                found[id_text(got)] = {**item.vars, "id": got}
        except Unknown as error:
            raise WriteFailed(self._tools.vault.scrub(f"could not look for {spec.name}: {error.reason}")) from None
        if len(found) > 1:
            raise WriteFailed(f"{len(found)} objects are called {spec.name}: which one is meant cannot be told")
        return next((Made(spec, key, created=False, vars=vars_) for key, vars_ in found.items()), None)

    def create_object(self, spec: ObjectSpec, owner: Person | None) -> Made:
        config = self._objects(spec.kind)
        ran = self._write(f"{spec.kind}.object.create", config.create if config else None, _naming(spec, owner))
        return Made(spec, self._id(ran), created=True, vars=shielded(ran.vars, ran.secrets))

    def remove_object(self, made: Made) -> None:
        config = self._objects(made.spec.kind)
        requests = config.remove if config else None
        self._write(f"{made.spec.kind}.object.remove", requests, context(None, made=made))

    # --- the leaver's vantage and the trail -------------------------------------------------------

    def use(self, person: Person, grant: Grant, channel: str) -> Used:
        config = self._config.kinds.get(grant.entitlement.kind)
        requests = config.channels.get(channel) if config else None
        if requests is None:
            return self._unasked(f"{grant.entitlement.kind} declares no `use` {channel}".rstrip())
        return exercise(requests, context(person, grant=grant), self._reader, self._tools)

    def login(self, person: Person) -> Used:
        login = self._config.account.login
        if login is None:
            return self._unasked("the system declares no `account.login`")
        self._tools.vault.learn(person.identity.password.reveal())
        return exercise(judged(login), context(person), self._reader, self._tools)

    def changes(self, person: Person, since: Instant) -> Trail:
        audit = self._config.audit
        if audit is None:
            return Trail(ListState.UNKNOWN, (), "the system declares no `audit`")
        return trail(audit, context(person), self._reader.send, since, self._tools.vault)

    def check(self) -> list[str]:
        """Reachability and the reader's credential: asks for an account that nobody has."""
        nobody = Identity(
            key="check",
            n=0,
            subject=Subject.LEAVER,
            username="zz-exitproof-check",
            email="zz-exitproof-check@example.invalid",
            password=Secret("zz-exitproof-check"),
            given_name="Nobody",
            family_name="Here",
            external_id="zz-exitproof-check",
        )
        found = self.round().find(Person(nobody, "check", 0))
        if found.state is not ListState.COMPLETE:
            return [f"{self.name}: {found.reason}"]
        return [f"{self.name}: account.find ignores its filter: it found somebody"] if found.accounts else []

    # --- how ----------------------------------------------------------------------------------

    def _objects(self, kind: Kind) -> ObjectConfig | None:
        config = self._config.kinds.get(kind)
        return config.object if config is not None else None

    def _write(self, what: str, requests: Requests | None, here: Context, *, private: bool = False) -> Ran:
        vault = self._tools.vault
        if requests is None:
            raise WriteFailed(f"{self.name} declares no `{what}`")
        try:
            with self._locks.held(what, as_list(requests), here):
                return run(requests, here, self._writer.send, vault, private=private)
        except Failed as error:
            reason = vault.scrub(f"{what}: {error.reason}")
            raise WriteFailed(reason, in_doubt=error.in_doubt, vars=error.vars) from None

    def _id(self, ran: Ran) -> str:
        if "id" not in ran.vars:
            raise WriteFailed("it ended before an `id` was taken", in_doubt=True)
        return id_text(ran.vars["id"])

    def _unasked(self, reason: str) -> Used:
        now = self._tools.clock.now()
        return Used(Presence.UNKNOWN, reason, now, now)


def _naming(spec: ObjectSpec, owner: Person | None) -> dict[str, Any]:
    return {**context(owner), "name": spec.name}


def _who(auth: Auth) -> str:
    """Whose credential reads, without showing it."""
    if auth.basic is not None:
        return auth.basic.username
    if auth.oauth2 is not None:
        return auth.oauth2.client_id
    named = {"header": auth.header, "query": auth.query}
    for word, given in named.items():
        if given is not None:
            return f"{word} {', '.join(sorted(given))}"
    if auth.mtls is not None:
        return "client certificate"
    return "bearer token" if auth.bearer is not None else "nobody"


ADAPTER = SystemAdapter("http", "any JSON API, described in the fleet file", HttpConfig, HttpSystem)
