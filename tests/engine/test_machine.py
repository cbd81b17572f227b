"""The engine as a state machine: whatever dies, fails or is blind at any call, in any order, the laws hold."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from harness.model import (
    NOTHING,
    SECOND,
    Account,
    Case,
    Claim,
    Entitlement,
    Event,
    Finding,
    Grant,
    Kind,
    Made,
    Outcome,
    Receipt,
    RunResult,
    Step,
    Subject,
    Verdict,
)
from harness.ports import Person, WriteFailed
from tests.engine.interrupted import Ended, Remote
from tests.engine.memory import Act, MemoryConnector, MemorySystem
from tests.engine.world import entitlement, make_case

KINDS = (Kind.ACCOUNT, Kind.GROUP, Kind.LICENSE, Kind.CREDENTIAL)
Place = tuple[str, Kind]


@dataclass
class Shaky(MemorySystem):
    """Some writes are refused, of some nobody hears the answer, and for some looks it is blind; by their number."""

    refused: frozenset[int] = frozenset()
    unheard: frozenset[int] = frozenset()
    dark: range = range(0)
    writes: int = 0

    def create(self, person: Person) -> Account:
        made = super().create(person)
        self._answer(lambda: self.users.pop(made.id))
        return made

    def grant(self, person: Person, entitlement: Entitlement, made: Made | None) -> Grant:
        given = super().grant(person, entitlement, made)
        user = self.user(person)
        assert user is not None
        self._answer(lambda: user.rows[entitlement.kind].pop(given.id or ""))
        return given

    def _answer(self, undo: object) -> None:
        self.writes += 1
        if self.writes in self.refused and callable(undo):
            undo()
            raise WriteFailed("503")
        if self.writes in self.unheard:
            raise WriteFailed("no answer", in_doubt=True)

    def darken(self, _system: MemorySystem) -> None:
        self.blind = "503 from the list" if self.looks in self.dark else ""


@dataclass
class Mumbling(Remote):
    """Of some events nobody hears the answer; of these some never arrived. By their number."""

    lost: frozenset[int] = frozenset()
    unheard: frozenset[int] = frozenset()

    def fire(self, event: Event, person: Person) -> Receipt:
        number = len(self.fired) + 1
        if number in self.lost:
            sent = self.clock.now()
            self.fired.append(f"{event.id} (lost)")
            return Receipt(Claim.NONE, sent, None, NOTHING, "no answer", True)
        receipt = super().fire(event, person)
        if number in self.unheard:
            return replace(receipt, claim=Claim.NONE, answered=None, in_doubt=True)
        return receipt

    def arrived(self, event: Event, person: Person) -> tuple[bool | None, str]:
        return (event.id in self.fired, "it says so") if self.asks else (None, "cannot tell")


@dataclass
class Forgetful:
    """Ends all of a leaver's access but what is in `places`."""

    places: frozenset[Place] = frozenset()
    reached: list[str] = field(default_factory=list)

    def __call__(self, connector: MemoryConnector, _event: Event, person: Person) -> None:
        self.reached.append(person.identity.username)
        for name, account in person.accounts.items():
            if user := connector.systems[name].users.get(account.id):
                user.active = user.active and (name, Kind.ACCOUNT) in self.places
                for kind in [kind for kind in user.rows if (name, kind) not in self.places]:
                    user.rows.pop(kind)


numbers = st.one_of(st.just(frozenset[int]()), st.frozensets(st.integers(1, 25), max_size=3))
moments = st.one_of(st.integers(0, 160), st.just(10**6))
answers = st.sampled_from((frozenset[int](), frozenset({1}), frozenset({2}), frozenset({1, 2})))  # the 1st is the leave
nights = st.tuples(st.integers(1, 60), st.integers(0, 200)).map(lambda night: range(night[0], sum(night)))
Faults = tuple[str, frozenset[int], frozenset[int], range]


class Offboarding(RuleBasedStateMachine):
    """One run over two systems; each rule is a process of it, which may die at any record of the journal."""

    @initialize(
        forgotten=st.frozensets(st.tuples(st.sampled_from(("crm", "mail")), st.sampled_from(KINDS)), max_size=2),
        asked=st.sampled_from(({"idempotent": True}, {"asks": True}, {})),
        again=st.booleans(),
        key=st.booleans(),
        faults=st.one_of(st.just(None), st.tuples(st.sampled_from(("crm", "mail")), numbers, numbers, nights)),
        lost=answers,
        unheard=answers,
    )
    def begin(
        self,
        forgotten: frozenset[Place],
        asked: dict[str, bool],
        again: bool,
        key: bool,
        faults: Faults | None,
        lost: frozenset[int],
        unheard: frozenset[int],
    ) -> None:
        self.connector = Forgetful(forgotten)
        self.world = Ended("crm", "mail", key=key)
        kernel, systems = self.world.kernel, self.world.systems
        acts: dict[str, list[Act]] = {"terminate": [self.connector], "sync": []}
        self.world.connector = Mumbling(
            "hr",
            kernel,
            kernel,
            systems,
            acts=acts,
            lost=lost,
            unheard=unheard,
            **asked,  # type: ignore[arg-type]
        )
        for name in self.world.systems:
            self.world.systems[name] = self._shaky(name, faults)
        self.faulty = bool(lost or unheard) or (faults is not None and any(faults[1:]))
        self.safe = bool(asked)
        access = [entitlement(s, k, k) for s in ("crm", "mail") for k in ("group", "license", "credential")]
        then = (Step(event="sync"),) if again else ()
        self.cases: tuple[Case, ...] = (make_case("one", access=access, then=then, hold=(20 * SECOND,)),)
        self.run: RunResult | None = None
        self.begun = False

    def _shaky(self, name: str, faults: Faults | None) -> Shaky:
        refused, unheard, dark = faults[1:] if faults and faults[0] == name else (frozenset(), frozenset(), range(0))
        made = Shaky(name, self.world.kernel, refused=refused, unheard=unheard, dark=dark)
        made.on_look = made.darken
        return made

    @precondition(lambda self: not self.begun)
    @rule(at=moments, kept=st.booleans())
    def a_process_that_dies(self, at: int, kept: bool) -> None:
        self.begun = True
        self.run = self.world.live(self.cases, at, kept=kept)

    @precondition(lambda self: self.begun and self.run is None)
    @rule(more=moments, kept=st.booleans(), after=st.integers(0, 90))
    def another_that_goes_on(self, more: int, kept: bool, after: int) -> None:
        at = len(self.world.journal.records) + more
        self.run = self.world.again(self.cases, after * SECOND, at, kept=kept)

    @precondition(lambda self: self.run is not None)
    @rule()
    def it_is_over(self) -> None:
        """Nothing more can happen."""

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        if self.run is None:
            self.run = self.world.again(self.cases) if self.begun else self.world.live(self.cases)
        assert self.run is not None
        self._no_event_twice()
        self._nothing_greener_than_the_truth(self.run)
        self._nobody_else_is_hurt(self.run)
        self._what_is_left_is_told(self.run)
        if not self.world.died and not self.faulty:
            self._undisturbed(self.run)

    def _no_event_twice(self) -> None:
        sent = [event for event in self.world.connector.fired if not event.endswith("(lost)")]
        assert self.safe or len(sent) == len(set(sent)), sent
        assert len(self.connector.reached) == len(set(self.connector.reached)), self.connector.reached

    def _nothing_greener_than_the_truth(self, run: RunResult) -> None:
        for finding in self._leavers(run):
            if not self.connector.reached or self._remains(finding):
                assert finding.verdict is not Verdict.PASS, finding
            else:
                assert finding.verdict is not Verdict.FAIL, finding

    def _nobody_else_is_hurt(self, run: RunResult) -> None:
        for finding in run.bystanders:
            assert finding.outcome in (Outcome.INTACT, Outcome.INCONCLUSIVE), finding

    def _what_is_left_is_told(self, run: RunResult) -> None:
        complete = run.cleanup.complete and all(result.cleanup.complete for result in run.cases)
        assert not (self.world.left() and complete), self.world.left()

    def _undisturbed(self, run: RunResult) -> None:
        """Then nothing may be left open, or every law above would hold by saying nothing."""
        for finding in self._leavers(run):
            expected = Outcome.RESIDUAL if self._remains(finding) else Outcome.REVOKED
            assert finding.outcome is expected, finding
        assert not self.world.left()

    def _remains(self, finding: Finding) -> bool:
        """Whether it can still be had: a credential is refused where the account is off, whatever the record says."""
        places = self.connector.places
        if finding.kind is Kind.CREDENTIAL and finding.vantage == "leaver":
            return (finding.system, Kind.CREDENTIAL) in places and (finding.system, Kind.ACCOUNT) in places
        return (finding.system, finding.kind) in places

    def _leavers(self, run: RunResult) -> list[Finding]:
        return [f for result in run.cases for f in result.findings if f.subject is Subject.LEAVER]


TestOffboarding = Offboarding.TestCase
TestOffboarding.settings = settings(
    max_examples=100,
    phases=[Phase.explicit, Phase.generate],
    stateful_step_count=5,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
