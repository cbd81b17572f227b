"""Whole drills in virtual time: each outcome of the contract comes out of the engine as it should."""

from __future__ import annotations

from datetime import date

from harness.model import (
    SECOND,
    Claim,
    Event,
    Keep,
    Kind,
    ObjectSpec,
    Outcome,
    Phase,
    Step,
    Subject,
    Touches,
    Vantage,
    Verdict,
)
from harness.ports import Person
from tests.engine.memory import MemoryConnector, MemorySystem, User, terminate
from tests.engine.read import find, only, outcomes
from tests.engine.world import World, entitlement, make_case


def test_a_correct_connector_passes_with_everything_revoked_and_nothing_left() -> None:
    world = World()
    run = world.run(make_case())
    result = only(run)
    assert result.verdict is Verdict.PASS, [(f.name, f.outcome, f.reason) for f in result.findings]
    assert set(outcomes(result).values()) == {"revoked"}
    assert {("crm", "account/account", "leaver"), ("crm", "credential/api", "leaver")} <= set(outcomes(result))
    assert run.verdict is Verdict.PASS
    assert run.cleanup.complete
    assert result.cleanup.complete
    assert all(not s.users for s in world.systems.values())
    assert {b.outcome for b in run.bystanders} == {Outcome.INTACT}


def test_the_interval_encloses_the_true_instant() -> None:
    world = World(delay=7 * SECOND)
    result = only(world.run(make_case()))
    finding = find(result, Kind.LICENSE)
    assert result.t0 is not None
    assert finding.last_present is not None
    assert finding.first_absent is not None
    truth = result.t0 + 7 * SECOND
    assert finding.last_present <= truth <= finding.first_absent
    assert finding.first_absent - finding.last_present < 2 * SECOND


def leave_license(connector: MemoryConnector, event: Event, person: Person) -> None:
    user = connector.systems["crm"].users[person.accounts["crm"].id]
    user.active = False
    for kind in (Kind.CREDENTIAL, Kind.GROUP):
        user.rows.pop(kind, None)


def test_a_licence_that_stays_is_residual() -> None:
    world = World()
    world.connector.acts["terminate"] = [leave_license]
    run = world.run(make_case())
    result = only(run)
    assert outcomes(result)[("crm", "license/sales-pro", "admin")] == "residual"
    assert result.verdict is Verdict.FAIL
    assert result.claimed is Claim.SUCCESS
    assert all(not s.users for s in world.systems.values()), "cleanup takes what offboarding left"


def test_a_connector_that_answers_an_error_although_it_worked_passes_with_a_note() -> None:
    world = World()
    world.connector.claim = Claim.ERROR
    result = only(world.run(make_case()))
    assert result.verdict is Verdict.PASS
    assert result.claimed is Claim.ERROR
    assert any("error" in note for note in result.notes)


def test_gone_after_the_deadline_is_late() -> None:
    world = World(delay=70 * SECOND)
    result = only(world.run(make_case(hold=(30 * SECOND,))))
    assert outcomes(result)[("crm", "license/sales-pro", "admin")] == "late"


def test_a_token_that_still_works_is_residual_from_the_leavers_vantage() -> None:
    world = World()
    world.systems["crm"].token_survives = True
    result = only(world.run(make_case()))
    assert outcomes(result)[("crm", "credential/api", "leaver")] == "residual"
    assert outcomes(result)[("crm", "credential/api", "admin")] == "revoked"


def test_a_use_that_consumes_is_asked_once_at_the_end_with_a_sibling_as_its_baseline() -> None:
    for survives, outcome in ((False, "revoked"), (True, "residual")):
        world = World()
        crm = world.systems["crm"]
        crm.touches = Touches.CONSUMES
        world.connector.acts["terminate"] = [terminate] if not survives else []
        result = only(world.run(make_case(access=(entitlement("crm", "credential", "one-time"),))))
        finding = find(result, Kind.CREDENTIAL, Vantage.LEAVER)
        assert finding.outcome == outcome, finding.reason
        asked = [o for o in finding.observations if o.phase is not Phase.BASELINE]
        assert len(asked) == 1
        assert all(not s.users for s in world.systems.values())


def test_a_sign_in_is_not_asked_before_every_quiet_look_has_settled() -> None:
    world = World(delay=5 * SECOND)
    result = only(world.run(make_case()))
    login = find(result, Kind.ACCOUNT, Vantage.LEAVER)
    quiet = [f for f in result.findings if f.vantage is Vantage.ADMIN]
    closing = next(o for o in login.observations if o.phase is Phase.CLOSING)
    assert all(f.first_absent is not None and f.first_absent <= closing.sent for f in quiet)
    assert login.deadline is not None
    assert closing.sent <= login.deadline


def test_an_account_that_appears_where_there_was_none_is_residual() -> None:
    def strays(connector: MemoryConnector, event: Event, person: Person) -> None:
        terminate(connector, event, person)
        mail = connector.systems["mail"]
        mail.count += 1
        mail.users["stray"] = User("stray", person.identity.username, "")

    world = World()
    world.connector.acts["terminate"] = [strays]
    result = only(world.run(make_case()))
    assert outcomes(result)[("mail", "account/account", "admin")] == "residual"
    assert not world.systems["mail"].users, "cleanup takes it"


def test_an_exception_in_force_keeps_and_an_idle_one_is_inconclusive() -> None:
    keep = Keep("crm", Kind.LICENSE, "sales-*", "retention", "crm@example.test", date(2027, 1, 1))
    world = World()
    world.connector.acts["terminate"] = [leave_license]
    result = only(world.run(make_case(keep=(keep,))))
    assert outcomes(result)[("crm", "license/sales-pro", "admin")] == "kept"
    assert result.verdict is Verdict.PASS

    idle = Keep("crm", Kind.LICENSE, "other-*", "retention", "crm@example.test", date(2027, 1, 1))
    result = only(World().run(make_case(keep=(idle,))))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "other-*" in str(result.reason)


def test_a_kept_credential_is_looked_at_from_both_vantages() -> None:
    keep = Keep("crm", Kind.CREDENTIAL, "*", "service hand-over", "crm@example.test", date(2027, 1, 1))
    world = World()
    world.systems["crm"].token_survives = True
    world.connector.acts["terminate"] = [lambda c, e, p: c.systems["crm"].users[p.accounts["crm"].id].rows.clear()]
    result = only(world.run(make_case(access=(entitlement("crm", "credential", "api"),), keep=(keep,))))
    assert outcomes(result)[("crm", "credential/api", "leaver")] == "kept"
    assert "exception no longer needed" in find(result, Kind.CREDENTIAL).notes


def test_a_bystander_that_loses_access_is_collateral() -> None:
    def too_much(connector: MemoryConnector, event: Event, person: Person) -> None:
        terminate(connector, event, person)
        others = [u for u in connector.systems["crm"].users.values() if u.active]
        others[0].rows.pop(Kind.LICENSE, None)

    world = World()
    world.connector.acts["terminate"] = [too_much]
    run = world.run(make_case())
    assert only(run).verdict is Verdict.FAIL
    assert Outcome.COLLATERAL in {b.outcome for b in run.bystanders}
    assert Outcome.COLLATERAL in {f.outcome for f in only(run).findings}


def test_a_reader_that_goes_blind_between_baseline_and_event_is_inconclusive() -> None:
    for fault in ("blind", "empty"):
        world = World()

        def lose(connector: MemoryConnector, event: Event, person: Person, fault: str = fault) -> None:
            setattr(connector.systems["crm"], fault, "the reader may not look (403)" if fault == "blind" else True)

        world.connector.acts["terminate"] = [terminate, lose]
        result = only(world.run(make_case()))
        assert result.verdict is Verdict.INCONCLUSIVE, (fault, outcomes(result))
        assert {f.outcome for f in result.findings if f.vantage is Vantage.ADMIN} == {Outcome.INCONCLUSIVE}


def test_access_that_was_never_seen_is_not_revoked() -> None:
    world = World()
    crm = world.systems["crm"]
    crm.kinds = (Kind.GROUP, Kind.CREDENTIAL, Kind.LICENSE)
    original = MemorySystem.grant

    def forgets(person: Person, wanted: object, made: object) -> object:
        made_ = original(crm, person, wanted, made)  # type: ignore[arg-type]
        if made_.entitlement.kind is Kind.LICENSE:
            crm.revoke(person, made_)
        return made_

    crm.grant = forgets  # type: ignore[method-assign,assignment]
    result = only(world.run(make_case()))
    assert outcomes(result)[("crm", "license/sales-pro", "admin")] == "inconclusive"


def test_access_hangs_on_a_declared_object_of_another_kind() -> None:
    """A delegation is given on a mailbox: found or created once, handed to every grant, removed only if created."""
    inbox = ObjectSpec("inbox", "mail", Kind.MAILBOX, Subject.CUSTODIAN)
    access = (entitlement("mail", "delegation", "inbox", on="inbox", right="read"),)
    for there in (False, True):
        world = World()
        mail = world.systems["mail"]
        mail.kinds = (Kind.DELEGATION, Kind.CREDENTIAL)
        if there:
            mail.objects["inbox"] = "o-inbox"
        run = world.run(make_case(access=access, objects=(inbox,)))
        assert only(run).verdict is Verdict.PASS, [(f.name, f.reason) for f in only(run).findings]
        assert len(mail.hung_on) == 3
        assert all(made is not None and made.id == "o-inbox" for made in mail.hung_on)
        assert ("inbox" in mail.objects) is there


def test_a_fault_of_the_harness_itself_never_passes_and_keeps_what_was_measured() -> None:
    world = World()
    world.connector.acts["terminate"] = [leave_license]
    world.connector.acts["sync"] = []
    arrived = MemoryConnector.fire

    def fire(event: Event, person: Person) -> object:
        if event.name == "sync":
            raise ZeroDivisionError("planted")
        return arrived(world.connector, event, person)

    world.connector.fire = fire  # type: ignore[method-assign,assignment]
    result = only(world.run(make_case(then=(Step("sync"),))))
    assert result.verdict is Verdict.FAIL
    assert "ZeroDivisionError" in str(result.reason)
    assert outcomes(result)[("crm", "license/sales-pro", "admin")] == "residual"


def test_set_up_that_fails_offboards_nobody() -> None:
    world = World()
    world.systems["mail"].blind = "the reader may not look (403)"
    result = only(world.run(make_case()))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert world.connector.fired == []
    assert "403" in str(result.reason)


def test_what_cannot_be_deleted_is_a_leftover() -> None:
    world = World()
    world.systems["crm"].undeletable = True
    result = only(world.run(make_case()))
    assert not result.cleanup.complete
    assert "refuses to delete" in result.cleanup.leftovers[0]
