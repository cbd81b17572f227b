"""From nobody to somebody with access: preflight, join or create, objects, grants."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from harness.engine.context import Context, SetupFailed
from harness.engine.journalled import of_adoption, of_entitlement, of_event, of_object
from harness.engine.party import Party, Track
from harness.model import (
    SECOND,
    Case,
    Claim,
    Duration,
    Entitlement,
    Event,
    Grant,
    Kind,
    ListState,
    Made,
    ObjectSpec,
    Subject,
    Touches,
    Vantage,
)
from harness.ports import Provisions, WriteFailed

PATIENCE: Duration = 30 * SECOND  # for what was just made to be seen


def systems_of(context: Context, case: Case) -> list[str]:
    """Every system of the fleet, unless the case narrows it."""
    return [name for name in context.fleet.systems if case.systems is None or name in case.systems]


def accessed(access: Iterable[Entitlement], fleet_order: Iterable[str]) -> list[str]:
    wanted = {e.system for e in access}
    return [name for name in fleet_order if name in wanted]


async def preflight(context: Context, party: Party, systems: Sequence[str]) -> None:
    """Nobody of this name may exist anywhere; a system that cannot be asked refuses as well."""

    async def one(name: str) -> str:
        found = await context.desks[name].find(party)
        if found.state is not ListState.COMPLETE:
            return f"{name}: could not make sure that nobody of this name exists: {found.reason}"
        if found.accounts:
            return f"{name}: somebody named {party.identity.username} is already there"
        return ""

    refusals = [r for r in await context.kernel.gather([one(name) for name in systems]) if r]
    if refusals:
        raise SetupFailed("; ".join(refusals))


async def join(context: Context, party: Party, case: Case, systems: Sequence[str]) -> None:
    """The connector makes the accounts; `find` is polled until exactly one is there in each system."""
    assert case.join is not None  # noqa: S101  the caller's choice
    connector = context.fleet.connectors[case.join.via]
    event = Event(f"{context.run_id}-{party.key}-join", case.join.event, context.now())
    party.joined, party.via, party.exit = True, case.join.via, case.leave.event  # from now on it may exist
    receipt = await context.change(
        "event",
        party,
        f"via:{case.join.via}",
        lambda: connector.fire(event, party.person()),
        **of_event(event, "join"),
        joins=True,
        exit=case.leave.event,
    )
    party.receipts[event.name] = dict(receipt.vars)
    if receipt.claim is Claim.ERROR:
        raise SetupFailed(f"join through {case.join.via} was refused: {receipt.detail}")
    deadline = context.now() + case.join.within

    async def appear(name: str) -> str:
        step, why = SECOND // 10, ""
        while True:
            found = await context.desks[name].find(party)
            if found.state is ListState.COMPLETE and len(found.accounts) == 1:
                party.adopt(replace(found.accounts[0], adopted=True))
                context.journal.write(of_adoption(party, found.accounts[0]))
                return ""
            if len(found.accounts) > 1:
                return f"{name}: join made {len(found.accounts)} accounts"
            why = found.reason
            if context.now() >= deadline:
                return f"{name}: no account within the time that join has" + (f" ({why})" if why else "")
            await context.kernel.sleep_until(min(deadline, context.now() + step))
            step = min(step * 3 // 2, 5 * SECOND)

    failures = [f for f in await context.kernel.gather([appear(n) for n in systems]) if f]
    if failures:
        raise SetupFailed("; ".join(failures))


async def create(context: Context, party: Party, systems: Sequence[str]) -> None:
    """Without a join the harness makes the accounts itself, in the order of the fleet file."""
    for name in systems:
        system = context.provisions(name)
        if system is None or not context.declared(name).creates:
            raise SetupFailed(f"{name}: the harness cannot create accounts here; let a connector `join` them")
        await context.kernel.whole(_create(context, party, name, system))


async def _create(context: Context, party: Party, name: str, system: Provisions) -> None:
    try:
        party.adopt(await context.change("create", party, name, lambda: system.create(party.person(name))))
    except WriteFailed as failed:
        await _salvage(context, party, name)
        raise SetupFailed(f"{name}: the account could not be made: {failed.reason}") from None


async def _salvage(context: Context, party: Party, name: str) -> None:
    """A create in doubt may have made the account: it must be known to cleanup."""
    found = await context.desks[name].find(party)
    for account in found.accounts:
        if party.adopt(account):
            context.journal.write(of_adoption(party, account))


class Objects:
    """Found, or created once per run; only what was created is removed at the end."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.made: dict[tuple[str, Kind, str], Made] = {}

    async def ensure(self, spec: ObjectSpec, owner: Party | None, *, may_create: bool) -> Made:
        key = (spec.system, spec.kind, spec.name)
        async with self.alone(key):
            if key not in self.made:
                await self.context.kernel.whole(self._keep(key, spec, owner, may_create=may_create))
            return self.made[key]

    @asynccontextmanager
    async def alone(self, key: tuple[str, Kind, str]) -> AsyncIterator[None]:
        """Nobody else looks for this object, or makes it, meanwhile."""
        lock = self.context.lock("object", *map(str, key))
        await lock.acquire()
        try:
            yield
        finally:
            lock.release()

    async def _keep(
        self, key: tuple[str, Kind, str], spec: ObjectSpec, owner: Party | None, *, may_create: bool
    ) -> None:
        self.made[key] = await self._ensure(spec, owner, may_create=may_create)

    async def _ensure(self, spec: ObjectSpec, owner: Party | None, *, may_create: bool) -> Made:
        system = self.context.provisions(spec.system)
        if system is None:
            raise SetupFailed(f"{spec.system}: the harness cannot find objects here")
        person = owner.person(spec.system) if owner else None
        kernel, lane = self.context.kernel, self.context.lane(spec.system)
        try:
            found = await kernel.call(lane, lambda: system.find_object(spec, person))
            if found is not None:
                return found
            if not may_create:
                raise SetupFailed(f"{spec.system}: there is no {spec.kind} named {spec.name}")
            return await self.context.change(
                "create-object", owner, spec.system, lambda: system.create_object(spec, person), **of_object(spec)
            )
        except WriteFailed as failed:
            raise SetupFailed(f"{spec.system}: {spec.kind} {spec.name}: {failed.reason}") from None


async def grant(
    context: Context, party: Party, declared: Sequence[ObjectSpec], access: Sequence[Entitlement], objects: Objects
) -> None:
    """Gives what the connector does not; `declared` objects may be made for it. Every grant is followed afterwards."""
    for wanted in access:
        if wanted.kind is Kind.ACCOUNT:
            continue
        account = party.current(wanted.system)
        if account is None:
            raise SetupFailed(f"{wanted.system}: no account to give {wanted.kind} {wanted.label} to")
        if wanted.by is not None:
            given = Grant(wanted)
            party.grants.setdefault(wanted.system, []).append(given)
        else:
            given = await context.kernel.whole(_give(context, party, declared, wanted, objects))
        follow(context, party, given, account.id)


def follow(context: Context, party: Party, given: Grant, account_id: str) -> None:
    wanted = given.entitlement
    traits = context.declared(wanted.system).kinds.get(wanted.kind)
    if traits is None:
        raise SetupFailed(f"{wanted.system}: {wanted.kind} is not declared")
    made = Track(wanted.system, wanted.kind, wanted.label, given.id, account_id, entitlement=wanted, grant=given)
    if traits.listed:
        party.track(made)
    for channel, touches in traits.uses.items():
        if given.channels is not None and channel not in given.channels:
            continue  # not every credential of a kind can be tried: an SSH key cannot where an access key can
        consumes = touches is Touches.CONSUMES
        party.track(replace(made, vantage=Vantage.LEAVER, channel=channel, consumes=consumes))


async def _give(
    context: Context, party: Party, declared: Sequence[ObjectSpec], wanted: Entitlement, objects: Objects
) -> Grant:
    system = context.provisions(wanted.system)
    traits = context.declared(wanted.system).kinds.get(wanted.kind)
    if traits is None or not traits.grantable or system is None:
        raise SetupFailed(f"{wanted.system}: the harness cannot give {wanted.kind}; mark it `by: join`")
    made = None
    mine = next((o for o in declared if o.system == wanted.system and o.name == wanted.name), None)
    if mine is not None:  # of its own kind: a delegation hangs on a mailbox
        made = await objects.ensure(mine, None, may_create=True)
    elif traits.finds_objects:
        spec = ObjectSpec(wanted.name, wanted.system, wanted.kind)
        may_create = wanted.sole or "-control-" in wanted.name or traits.creates_missing
        made = await objects.ensure(spec, None, may_create=may_create)
    try:
        given = await context.change(
            "grant",
            party,
            wanted.system,
            lambda: system.grant(party.person(wanted.system), wanted, made),
            **of_entitlement(wanted),
        )
    except WriteFailed as failed:
        # It may have been given all the same: cleanup must know.
        party.grants.setdefault(wanted.system, []).append(Grant(wanted, vars=failed.vars))
        raise SetupFailed(
            f"{wanted.system}: {wanted.kind} {wanted.label} could not be given: {failed.reason}"
        ) from None
    party.grants.setdefault(wanted.system, []).append(given)
    return given


def bystander_access(access: Sequence[Entitlement], n: int) -> tuple[Entitlement, ...]:
    """The same, except that a sole member's group is another one for each."""
    return tuple(
        replace(e, name=f"{e.name}-control-{n}", on=f"{e.on}-control-{n}" if e.on else None) if e.sole else e
        for e in access
    )


def owner_of(spec: ObjectSpec, party: Party, pool: Sequence[Party]) -> Party | None:
    """The custodian is the pool's first bystander, the manager its second."""
    if spec.owner is None:
        return None
    if spec.owner is Subject.LEAVER:
        return party
    index = 0 if spec.owner is Subject.CUSTODIAN else 1
    return pool[index] if len(pool) > index else None
