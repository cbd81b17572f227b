"""Events: sent once, watched to their end, and never sent twice where that is not declared harmless."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.engine.context import SetupFailed
from harness.engine.inventory import full_round
from harness.engine.journalled import of_event
from harness.engine.policy import means
from harness.model import (
    SECOND,
    Claim,
    Demand,
    Duration,
    Event,
    EventTraits,
    Instant,
    Leave,
    Phase,
    Presence,
    Progress,
    Receipt,
    Step,
)
from harness.ports import Person

if TYPE_CHECKING:
    from harness.engine.life import Life

DONE_PATIENCE: Duration = 3600 * SECOND


@dataclass(slots=True)
class Sent:
    """The leave event as it went out."""

    event: Event
    person: Person
    receipt: Receipt
    t0: Instant
    basis: str
    doubt: str = ""
    traits: EventTraits = field(default_factory=EventTraits)


@dataclass(slots=True)
class Mark:
    """A step that was taken: its checkpoint, when it was sent, and what it demands from then on."""

    label: str
    at: Instant
    demand: Demand | None


LEAVE = "leave"


class Steps:
    """`count`: how many events were named so far, which numbers the next one."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.marks: list[Mark] = []
        self.count = 0

    async def before(self, steps: Sequence[Step]) -> None:
        """An earlier life: each step is waited for, and must not fail."""
        for index, step in enumerate(steps, 1):
            via, label = step.via or self.life.case.leave.via, f"before {index}"
            self._change(step.set, label)
            if step.event is not None:
                receipt, _, doubt = await self._fire(self._event(step.event), via, label)
                if receipt.claim is Claim.ERROR or doubt:
                    raise SetupFailed(f"{step.event} through {via} failed: {doubt or receipt.detail}")
                await self._finished(self.last, via, step.wait)
            elif step.wait:
                await self.life.context.kernel.pause(step.wait)
            if step.demand is not None:
                self.life.want(step.demand.has)

    async def leave(self, leave: Leave) -> Sent:
        self._change(leave.set, LEAVE)
        now = self.life.context.now()
        effective = now + leave.effective if leave.effective is not None else None
        event = self._event(leave.event, leave.reason, effective)
        party = self.life.party
        assert party is not None  # noqa: S101  set up
        person = party.person()
        receipt, traits, doubt = await self._fire(event, leave.via, LEAVE, person)
        event, effective = self.last, self.last.effective
        t0, basis = (receipt.answered, "answered") if receipt.answered is not None else (receipt.sent, "sent")
        if effective is not None and effective > t0:
            t0, basis = effective, "effective"
        if receipt.claim is Claim.ERROR:
            self.life.notes.append(f"{leave.via} answered an error, and was not asked again: {receipt.detail}")
        if not (traits.has_done or traits.returns_within):
            self.life.notes.append(f"{leave.via} does not tell when {leave.event} is finished")
        return Sent(event, person, receipt, t0, basis, doubt, traits)

    async def outcome(self) -> None:
        """What the connector itself says became of the leave event, once the watch is over: noted, never believed."""
        sent = self.life.sent
        if sent is None or not sent.traits.has_done:
            return
        via, context = self.life.case.leave.via, self.life.context
        connector = context.fleet.connectors[via]
        progress, why = await context.kernel.call(
            context.lane(f"via:{via}"), lambda: connector.done(sent.event, sent.person)
        )
        if progress is not Progress.FINISHED:
            self.life.notes.append(f"{via} reports that {sent.event.name} is {progress}" + (f": {why}" if why else ""))

    async def then(self, index: int, step: Step) -> None:
        """One step after leaving, and the whole inventory again."""
        life = self.life
        via = step.via or life.case.leave.via
        label = f"step {index}: {step.label}"
        if all(mark.label != label for mark in self.marks):  # else it was begun by an earlier process
            if step.demand is not None and step.demand.has:  # what comes back must have been gone, from both vantages
                await life.context.kernel.pause(life.case.settle_of(life.case.within.default))
                await full_round(life, Phase.HOLD, f"before {label}", uses=True)
                life.owed.append(f"before {label}")
            at = life.context.now()
            if step.demand is not None:
                life.want(step.demand.has)
            self.marks.append(Mark(label, at, step.demand))
            life.mark()
        self._change(step.set, label)
        traits = EventTraits()
        if step.replay:
            assert life.sent is not None  # noqa: S101  left
            _, traits, _ = await self._fire(life.sent.event, life.case.leave.via, label, life.sent.person)
        elif step.event is not None:
            receipt, traits, doubt = await self._fire(self._event(step.event), via, label)
            if receipt.claim is Claim.ERROR or doubt:
                life.notes.append(f"{label} through {via}: {doubt or receipt.detail}")
                life.loose.append(f"{label} failed: {doubt or receipt.detail}")
        if step.event is not None:
            await self._finished(self.last, via, step.wait)
        elif step.wait:
            await life.context.kernel.pause(step.wait)
        await self._look(label, traits, step)
        life.owed.append(label)

    async def _look(self, label: str, traits: EventTraits, step: Step) -> None:
        """The whole inventory at once, and again for as long as access may take to return (or to be there)."""
        life = self.life
        settle = life.case.settle_of(life.case.within.default)
        began = life.context.now()
        span = settle if step.event or step.replay else 0
        if traits.returns_within is not None:
            span = max(span, traits.returns_within)
        elif step.event and not traits.has_done:
            life.notes.append(f"{label}: returned access was looked for during {span // 1000} ms")
        latest = began + span
        patience = began + (life.case.within.default if step.demand and step.demand.has else span)
        pause = max(settle // 2, SECOND // 10)
        while True:
            await full_round(life, Phase.STEP, label)
            now = life.context.now()
            if now >= latest and (now >= patience or self._there(step.demand)):
                return
            until = latest if now < latest else patience
            await life.context.kernel.sleep_until(min(until, now + pause))
            pause = min(pause * 3 // 2, 5 * SECOND)

    def _there(self, demand: Demand | None) -> bool:
        party = self.life.party
        assert party is not None  # noqa: S101  set up
        for wanted in demand.has if demand else ():
            mine = [t for t in party.tracks.values() if means(wanted, t)]
            if not any(t.complete and t.complete[-1].presence is Presence.PRESENT for t in mine):
                return False
        return True

    def _event(self, name: str, reason: str = "", effective: Instant | None = None) -> Event:
        self.count += 1
        life = self.life
        assert life.party is not None  # noqa: S101  set up
        number = f"{life.context.run_id}-{life.party.key}-{self.count}-{name}"
        self.last = Event(number, name, life.context.now(), reason, effective)
        return self.last

    def _change(self, wanted: Mapping[str, str], step: str) -> None:
        party, context = self.life.party, self.life.context
        assert party is not None  # noqa: S101  set up
        if wanted and (party.key, step) not in context.earlier.changed:
            values = {k: context.render(v, party.person()) for k, v in wanted.items()}
            context.journal.write({"op": "set", "identity": party.key, "step": step, "values": values})
            party.change(values)

    async def _fire(
        self, event: Event, via: str, step: str, person: Person | None = None
    ) -> tuple[Receipt, EventTraits, str]:
        """Sends once, even if an earlier process did; `last` is the event as it went out. In doubt: asks whether it
        arrived, and sends the same again only where that is harmless."""
        life = self.life
        context, party = life.context, life.party
        assert party is not None  # noqa: S101  set up
        connector = context.fleet.connectors[via]
        traits = connector.events().get(event.name, EventTraits())
        subject = person or party.person()
        before = context.earlier.fired(party.key, step, event.id)
        event = self.last = before.event if before is not None else event

        async def send() -> Receipt:
            return await context.change(
                "event",
                party,
                f"via:{via}",
                lambda: connector.fire(event, subject),
                **of_event(event, step),
            )

        life.log(f"{event.name} through {via}", before.at if before is not None else context.now())
        receipt = before.receipt if before is not None else await send()
        doubt = ""
        if receipt.in_doubt:
            again = traits.idempotent
            why = "it may be sent again"
            if not again and traits.has_sent:
                arrived, why = await context.kernel.call(
                    context.lane(f"via:{via}"), lambda: connector.arrived(event, subject)
                )
                if arrived is True:
                    again, doubt = False, ""
                elif arrived is False:
                    again = True
                else:
                    doubt = f"it is in doubt whether {event.name} arrived: {receipt.detail}; {why}"
            elif not again:
                doubt = f"it is in doubt whether {event.name} arrived: {receipt.detail}"
            if again:
                receipt = await send()
                if receipt.in_doubt:
                    doubt = f"it is in doubt whether {event.name} arrived, sent twice: {receipt.detail}"
        if receipt.vars:
            party.receipts[event.name] = {**party.receipts.get(event.name, {}), **receipt.vars}
        return receipt, traits, doubt

    async def _finished(self, event: Event, via: str, wait: Duration) -> None:
        """Until the connector says that it is done (where it can tell), then `wait`."""
        life = self.life
        context, party = life.context, life.party
        assert party is not None  # noqa: S101  set up
        connector = context.fleet.connectors[via]
        traits = connector.events().get(event.name, EventTraits())
        if traits.has_done:
            latest = context.now() + min(DONE_PATIENCE, max(life.case.within.default, 30 * SECOND))
            pause = SECOND // 10
            while True:
                person = party.person()
                progress, why = await context.kernel.call(
                    context.lane(f"via:{via}"),
                    lambda p=person: connector.done(event, p),  # type: ignore[misc]
                )
                if progress is Progress.FINISHED:
                    break
                if progress is Progress.FAILED or context.now() >= latest:
                    life.loose.append(f"{event.name} through {via} did not finish: {why or progress}")
                    break
                await context.kernel.pause(pause)
                pause = min(pause * 3 // 2, 5 * SECOND)
        elif not wait:
            wait = min(life.case.settle_of(life.case.within.default), 2 * SECOND)
        if wait:
            await context.kernel.pause(wait)
