"""One round of looks at a system of `type: http`: the account by its immutable id, then its whole inventory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from harness.model import (
    Account,
    AccountSight,
    Found,
    Kind,
    Listing,
    ListState,
    Look,
    Presence,
)
from harness.ports import Person, Tools
from harness.systems.http_config import HttpConfig
from harness.systems.http_identity import Acquaintance
from harness.wire.call import Answer, Unknown
from harness.wire.context import context, id_text
from harness.wire.http import HttpWire
from harness.wire.listing import Sweep, collect, from_record, named, row, select
from harness.wire.memo import Memo
from harness.wire.selection import ListSpec, Selection
from harness.wire.template import Context


class _Record:
    """The account as this look read it: what `from: account` reads, and whose it is."""

    __slots__ = ("answer", "body", "mistaken", "sight")

    def __init__(self, sight: AccountSight, body: Any = None, answer: Answer | None = None) -> None:
        self.sight = sight
        self.body = body
        self.answer = answer  # None: there is no record that could be read
        self.mistaken = False  # the id belongs to another identity now


class HttpRound:
    """Requests that render alike are sent once in it; safe to call from several threads."""

    def __init__(self, name: str, config: HttpConfig, wire: HttpWire, tools: Tools, known: Acquaintance) -> None:
        self._name = name
        self._config = config
        self._memo = Memo(wire.send)
        self._clock = tools.clock
        self._vault = tools.vault
        self._known = known

    def find(self, person: Person) -> Found:
        spec, here = self._config.account.find, context(person)
        try:
            sweep = self._sweep("find", spec, here)
            accounts: dict[str, Account] = {}
            for item, _ in select(spec, sweep, here):
                got = spec.id.get(item.value, {**here, **item.vars})
                if got is None or isinstance(got, bool | dict | list) or got == "":
                    raise sweep.unknown(f"an account's id (`{spec.id.text}`) is missing or null")
                accounts[id_text(got)] = Account(self._name, id_text(got), {**item.vars, "id": got})
        except Unknown as error:
            sent, answered = self._span(error)
            reason = self._vault.scrub(error.reason)
            return Found(ListState.UNKNOWN, (), reason, sent, answered, error.evidence)
        made = tuple(accounts.values())
        return Found(ListState.COMPLETE, made, "", sweep.sent, sweep.answered, tuple(sweep.evidence))

    def look(self, person: Person) -> Look:
        if person.account is None:
            raise ValueError("a look needs the account's id")
        here = context(person)
        record = self._account(person, person.account, here)
        sight, strangers = self._search(person, record.sight, here)
        record.sight = sight
        listings = [
            self._listing(kind, config.listing, person, record, here)
            for kind, config in self._config.kinds.items()
            if config.listing is not None
        ]
        return Look(sight, tuple(listings), strangers)

    def account(self, person: Person) -> AccountSight:
        """The account alone, as cleanup reads it before it removes anything."""
        if person.account is None:
            raise ValueError("reading an account needs its id")
        return self._account(person, person.account, context(person)).sight

    # --- the account --------------------------------------------------------------------------

    def _account(self, person: Person, account: Account, here: Context) -> _Record:
        read = self._config.account.read
        try:
            call = read.call(here)
        except Unknown as error:
            return _Record(self._unseen(error))
        try:
            answer = self._memo.send(call)
            if answer.status in read.absent_on:
                reason = f"the account is gone: {call.method} {call.url} answered {answer.status}"
                return _Record(self._seen(Presence.ABSENT, False, reason, answer))
            body = answer.json()
            if read.ok is not None and not read.ok.good(body, here):
                raise _of(answer, f"the answer's `{read.ok.value.text}` does not say that it worked")
            if not body or not isinstance(body, dict if read.value is None else dict | list):
                raise _of(answer, "the answer is no record")
            identified = self._known.check(person, account, body, read.match, here)
            if identified.mistaken:
                reason = f"the id belongs to another identity: {identified.mistaken}"
                made = _Record(replace(self._seen(Presence.UNKNOWN, True, reason, answer), mistaken=True))
                made.mistaken = True
                return made
            presence, why = read.presence(body, here)
        except Unknown as error:
            return _Record(self._unseen(named(error, call)))
        if presence is Presence.ABSENT:
            why = f"record remains, not usable ({read.value.text if read.value else ''})"
        sight = self._seen(presence, True, why, answer, by_name=identified.by_name)
        return _Record(sight, body, answer)

    def _search(self, person: Person, sight: AccountSight, here: Context) -> tuple[AccountSight, tuple[str, ...]]:
        """Accounts of this identity that nobody journalled. A search that failed makes an absence unknown."""
        spec = self._config.account.search
        if spec is None:
            return sight, ()
        known = {account.id for account in (person.account, *person.former) if account is not None}
        try:
            sweep = self._sweep("search", spec, here)
            rows = [row(spec, sweep, item, note, here) for item, note in select(spec, sweep, here)]
        except Unknown as error:
            if sight.presence is not Presence.ABSENT:
                return sight, ()
            reason = self._vault.scrub(f"`account.search` could not look for others: {error.reason}")
            evidence = sight.evidence + error.evidence
            return AccountSight(Presence.UNKNOWN, sight.record, reason, sight.sent, sight.answered, evidence), ()
        usable = (one.id for one in rows if one.presence is not Presence.ABSENT)
        return sight, tuple(dict.fromkeys(found for found in usable if found not in known))

    # --- the inventory ------------------------------------------------------------------------

    def _listing(self, kind: Kind, spec: ListSpec, person: Person, record: _Record, here: Context) -> Listing:
        sight = record.sight
        if record.mistaken:
            return Listing(kind, ListState.UNKNOWN, (), sight.reason, sight.sent, sight.answered, sight.evidence)
        try:
            if spec.source is None:
                sweep = self._sweep(kind, spec, here)
            elif record.answer is not None:
                sweep = from_record(spec, record.body, record.answer, here)
            else:
                return self._without_record(kind, spec, sight)
            ids = () if spec.where is None else tuple(_ids(person, kind))
            rows = tuple(row(spec, sweep, item, note, here) for item, note in select(spec, sweep, here, ids))
        except Unknown as error:
            sent, answered = self._span(error)
            reason = self._vault.scrub(error.reason)
            return Listing(kind, ListState.UNKNOWN, (), reason, sent, answered, error.evidence)
        state, reason = ListState.COMPLETE, ""
        if sweep.not_found:
            state, reason = _gone(sight)
        elif sweep.omitted:
            state, reason = ListState.OMITTED, f"`{spec.items.text}` is left out"
        rows = tuple(dict.fromkeys(rows))
        evidence = tuple(sweep.evidence)
        vanished = self._known.vanished(person, kind, rows, sweep.vanished)
        return Listing(kind, state, rows, reason, sweep.sent, sweep.answered, evidence, vanished)

    def _without_record(self, kind: Kind, spec: ListSpec, sight: AccountSight) -> Listing:
        """A list that stands in the account's record, when there is none."""
        state, reason = ListState.UNKNOWN, f"the account's record could not be read: {sight.reason}"
        if sight.presence is Presence.ABSENT and not sight.record:
            state, reason = _gone(sight)
            if spec.gone_with is None:
                state, reason = ListState.UNKNOWN, "the record it stands in is gone, and it is not `gone_with: account`"
        return Listing(kind, state, (), reason, sight.sent, sight.answered, sight.evidence)

    def _sweep(self, what: str, spec: Selection, here: Context) -> Sweep:
        if isinstance(spec, ListSpec) and spec.shared:
            alike = {"run": here["run"]}
            sweep: Sweep = self._memo.once(("sweep", what), lambda: collect(spec, alike, self._memo))
            return sweep
        return collect(spec, here, self._memo)

    # --- when ---------------------------------------------------------------------------------

    def _span(self, error: Unknown) -> tuple[int, int]:
        """When it was asked; what was never sent was so just now."""
        now = error.answered or self._clock.now()
        return error.sent or now, now

    def _unseen(self, error: Unknown) -> AccountSight:
        sent, answered = self._span(error)
        return AccountSight(Presence.UNKNOWN, True, self._vault.scrub(error.reason), sent, answered, error.evidence)

    def _seen(
        self, presence: Presence, record: bool, reason: str, answer: Answer, *, by_name: bool = False
    ) -> AccountSight:
        reason = self._vault.scrub(reason) if reason else ""
        return AccountSight(presence, record, reason, answer.sent, answer.answered, answer.evidence, by_name)


def _gone(sight: AccountSight) -> tuple[ListState, str]:
    if sight.presence is Presence.ABSENT:
        return ListState.GONE_WITH_ACCOUNT, "not found (404), as is the account"
    return ListState.UNKNOWN, "not found (404), although the account was not seen absent"


def _ids(person: Person, kind: Kind) -> Iterator[str]:
    for grant in person.grants:
        if grant.entitlement.kind is kind and grant.id is not None:
            yield grant.id


def _of(answer: Answer, reason: str) -> Unknown:
    return Unknown(reason, evidence=answer.evidence, sent=answer.sent, answered=answer.answered, status=answer.status)
