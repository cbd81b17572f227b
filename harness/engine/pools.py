"""Bystanders belong to the run: two for every set of equal access, shared by its cases, and two with bare accounts
for the systems that no access reaches. They are the controls that prove a reader can see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from harness.engine.baseline import baseline
from harness.engine.checkpoints import of_party
from harness.engine.context import Context, SetupFailed
from harness.engine.exercise import exercise, follow_login, mark_own
from harness.engine.guard import POOL_SIZE, pool_key
from harness.engine.party import Party
from harness.engine.setup import Objects, accessed, bystander_access, create, grant, join, preflight
from harness.engine.tasks import Lock
from harness.model import Case, Entitlement, Kind, Phase, Subject, Vantage
from harness.ports import WriteFailed


@dataclass(slots=True)
class Pool:
    parties: list[Party]
    cases: list[str] = field(default_factory=list)


class Pools:
    def __init__(self, context: Context, objects: Objects, on_ready: Callable[[Party, Pool], None]) -> None:
        self.context = context
        self.objects = objects
        self.on_ready = on_ready
        self.parties: list[Party] = []  # everyone ever begun: cleanup needs them
        self._pools: dict[object, Pool] = {}
        self._failed: dict[object, str] = {}

    async def lease(self, case: Case, systems: Sequence[str]) -> list[Party]:
        """The bystanders of a case, made on first need. Raises `SetupFailed` when they cannot be."""
        pool = await self._pool(pool_key(case), case, case.access, systems)
        pool.cases.append(case.id)
        reached = {name for name in systems if pool.parties[0].current(name)}
        parties = list(pool.parties)
        for name in systems:
            if name not in reached and self.context.desks[name].control is None:
                bare = (Entitlement(name, Kind.ACCOUNT, "account"),)
                if self.context.declared(name).creates:
                    other = await self._pool(("bare", name), None, bare, [name])
                    other.cases.append(case.id)
                    parties += other.parties
        return parties

    def restore(self, key: object, parties: list[Party]) -> None:
        """One that an earlier process made ready."""
        self._pools[key] = Pool(parties)
        self.parties += parties
        for party in parties:
            self.on_ready(party, self._pools[key])

    def of(self, party: Party) -> Pool:
        return next(p for p in self._pools.values() if party in p.parties)

    async def _pool(
        self, key: object, case: Case | None, access: Sequence[Entitlement], systems: Sequence[str]
    ) -> Pool:
        lock: Lock = self.context.lock("pool", repr(key))
        await lock.acquire()
        try:
            if key in self._failed:
                raise SetupFailed(self._failed[key])
            if key not in self._pools:
                try:
                    self._pools[key] = Pool(await self._make(case, access, systems))
                except (SetupFailed, WriteFailed) as failed:  # once: each try would make more people
                    self._failed[key] = f"the bystanders could not be made: {failed}"
                    raise SetupFailed(self._failed[key]) from None
                pool = self._pools[key]
                of = {"case": case.id} if case is not None else {"bare": systems[0]}
                people = [{"identity": party.key, **of_party(party)} for party in pool.parties]
                self.context.journal.write({"op": "pool", **of, "people": people})
                for party in pool.parties:
                    self.on_ready(party, pool)
            return self._pools[key]
        finally:
            lock.release()

    async def _make(self, case: Case | None, access: Sequence[Entitlement], systems: Sequence[str]) -> list[Party]:
        context = self.context
        subjects = [Subject.BYSTANDER] * POOL_SIZE
        attributes = case.attributes if case else {}
        made = [context.newcomer(subject, _unnamed(attributes)) for subject in subjects]
        self.parties += made
        order = list(context.fleet.systems)

        async def make(n: int, party: Party) -> None:
            mine = bystander_access(access, n)
            await preflight(context, party, systems)
            reached = accessed(mine, order)
            if case is not None and case.join is not None:
                await join(context, party, case, reached)
            else:
                await create(context, party, reached)

        await context.kernel.gather([make(n, p) for n, p in enumerate(made, 1)])
        if case is not None:
            for spec in case.objects:
                if spec.owner is not Subject.LEAVER:
                    owner = {Subject.CUSTODIAN: made[0], Subject.MANAGER: made[-1]}.get(spec.owner or Subject.CONTROL)
                    await self.objects.ensure(spec, owner, may_create=True)

        async def equip(n: int, party: Party) -> None:
            if case is not None:
                await grant(context, party, case.objects, bystander_access(access, n), self.objects)
            others = [p for p in made if p is not party]
            await baseline(context, party, systems, others)
            for name in systems:
                follow_login(context, party, name)

        await context.kernel.gather([equip(n, p) for n, p in enumerate(made, 1)])
        for party in made:
            others = [p for p in made if p is not party]
            for name in systems:
                uses = [t for t in party.of(name, Vantage.LEAVER) if not t.consumes]
                if await exercise(context, party, others, uses, Phase.BASELINE):
                    await mark_own(context, party, name)
        return made


def _unnamed(attributes: object) -> dict[str, str]:
    """A bystander shares the leaver's place in the organisation, not the name."""
    names = {"given_name", "family_name", "username", "email", "external_id"}
    return {k: v for k, v in dict(attributes).items() if k not in names}  # type: ignore[call-overload]
