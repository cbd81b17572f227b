"""The probes of one system and what is planted for each: the same for a subject and for a control beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.engine.context import Context, SetupFailed
from harness.engine.exercise import LOGIN, follow_login
from harness.engine.guard import allows
from harness.engine.party import Party, Track
from harness.engine.planting import Seed
from harness.engine.setup import Objects, grant
from harness.model import Duration, Entitlement, Kind, Made, ObjectSpec, Presence, Subject, Vantage
from harness.ports import System
from harness.qualification import Demand, Probe, Trial


@dataclass(slots=True)
class Bench:
    """What the tests of all systems share. `broken`: for each way to break a reader, the systems broken like that (or
    why one could not be). `patience`: for what was planted or taken away to be seen."""

    context: Context
    subject: Party
    control: Party
    objects: Objects
    declared: Sequence[ObjectSpec]
    broken: Mapping[Demand, Mapping[str, System | str]]
    patience: Duration


@dataclass(slots=True)
class Row:
    """One probe in the making."""

    probe: Probe
    track: Track | None = None
    made: Made | None = None  # the object that was planted, where that is what is looked for
    trials: list[Trial] = field(default_factory=list)

    def add(self, demand: Demand, seen: Presence | None, reason: str = "", record: str = "") -> None:
        self.trials.append(Trial(demand, seen, reason, record))

    @property
    def seen(self) -> bool:
        return any(trial.demand is Demand.PLANTED and trial.met for trial in self.trials)


class Plot:
    """The rows of one system, as far as they could be planted."""

    def __init__(self, bench: Bench, name: str, seeds: Sequence[Seed]) -> None:
        self.bench, self.name, self.seeds = bench, name, seeds
        self.declared = bench.context.declared(name)
        self.rows: list[Row] = []

    async def plant(self) -> None:
        bench = self.bench
        for party in (bench.control, bench.subject):
            follow_login(bench.context, party, self.name)
        self._rows(None, "account", bench.subject.of(self.name, Vantage.LEAVER))
        for seed in self.seeds:
            if seed.why:
                self.unplanted(seed, seed.why)
            elif seed.owned:
                await self._own(seed)
            else:
                await self._give(seed)

    async def _give(self, seed: Seed) -> None:
        """The first of its entitlements that both can be given."""
        why = ""
        for wanted in seed.wanted:
            declared = (*self.bench.declared, *self._may_make(seed, wanted))
            before = len(self.bench.subject.tracks)
            try:
                for party in (self.bench.control, self.bench.subject):
                    await grant(self.bench.context, party, declared, [wanted], self.bench.objects)
            except SetupFailed as failed:
                why = why or str(failed)
                continue
            self._rows(seed, wanted.label, list(self.bench.subject.tracks.values())[before:])
            return
        self.unplanted(seed, why)

    def _may_make(self, seed: Seed, wanted: Entitlement) -> Iterator[ObjectSpec]:
        if self.declared.kinds[seed.kind].creates_objects and self.declared.kinds[seed.kind].finds_objects:
            yield ObjectSpec(wanted.name, self.name, seed.kind)

    async def _own(self, seed: Seed) -> None:
        """An object of one's own each."""
        bench, mine = self.bench, ObjectSpec(seed.owned, self.name, seed.kind, Subject.LEAVER)
        other = replace(mine, name=f"{seed.owned}-control-1")
        if not all(
            allows(self.bench.context.fleet.guard, Entitlement(self.name, s.kind, s.name)) for s in (mine, other)
        ):
            self.unplanted(seed, f"guard.may_grant does not allow {other.name}")
            return
        try:
            await bench.objects.ensure(other, bench.control, may_create=True)
            made = await bench.objects.ensure(mine, bench.subject, may_create=True)
        except SetupFailed as failed:
            self.unplanted(seed, str(failed))
            return
        if not made.created:
            self.unplanted(seed, f"{seed.kind} {seed.owned} was there already")
            return
        account = bench.subject.current(self.name)
        assert account is not None  # noqa: S101  made before
        wanted = Entitlement(self.name, seed.kind, seed.owned)
        track = Track(self.name, seed.kind, seed.owned, made.id, account.id, entitlement=wanted)
        self._rows(seed, seed.owned, [bench.subject.track(track)], made)

    def _rows(
        self, seed: Seed | None, label: str, tracks: Iterator[Track] | list[Track], made: Made | None = None
    ) -> None:
        """The probes of what was planted; the account's own track is the first look's to make."""
        mine = {(t.vantage, t.channel): t for t in tracks}
        for probe in self._declared_probes(seed):
            track = mine.get((probe.vantage, probe.channel))
            row = Row(replace(probe, name=label), track, made)
            if track is None and (seed is not None or probe.vantage is Vantage.LEAVER):
                row.add(Demand.PLANTED, None, "what was planted cannot be tried like this")
            self.rows.append(row)

    def unplanted(self, seed: Seed | None, why: str, *, blind: bool = False) -> None:
        for probe in self._declared_probes(seed):
            row = Row(probe)
            seen = Presence.UNKNOWN if blind and probe.vantage is Vantage.ADMIN else None
            row.add(Demand.PLANTED, seen, why)
            self.rows.append(row)

    def _declared_probes(self, seed: Seed | None) -> Iterator[Probe]:
        if seed is None:
            yield Probe(self.name, Kind.ACCOUNT, Vantage.ADMIN)
            if self.declared.login is not None:
                yield Probe(self.name, Kind.ACCOUNT, Vantage.LEAVER, LOGIN)
            return
        traits = self.declared.kinds[seed.kind]
        if traits.listed:
            yield Probe(self.name, seed.kind, Vantage.ADMIN, scope=traits.scope)
        for channel in traits.uses:
            yield Probe(self.name, seed.kind, Vantage.LEAVER, channel)

    @property
    def account_id(self) -> str:
        account = self.bench.subject.current(self.name)
        return account.id if account is not None else ""

    @property
    def admin(self) -> list[Row]:
        """Those that a reader looks at, and that have something planted."""
        mine = [row for row in self.rows if row.probe.vantage is Vantage.ADMIN]
        return [row for row in mine if row.track is not None or (row.probe.kind is Kind.ACCOUNT and not row.trials)]

    @property
    def leaver(self) -> list[Row]:
        return [row for row in self.rows if row.probe.vantage is Vantage.LEAVER and row.track is not None]
