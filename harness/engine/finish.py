"""From the tracks of a case to questions for the judge, and from findings to the result of the case."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.engine.bystanders import collateral
from harness.engine.exercise import LOGIN
from harness.engine.party import Party, Track
from harness.engine.policy import keep_for, matches, means
from harness.engine.prints import fingerprint
from harness.engine.steps import Mark
from harness.engine.telling import Teller
from harness.engine.trail import Cited, cite
from harness.judge import Expects, Question, judge
from harness.model import (
    CaseResult,
    Claim,
    Cleanup,
    Entitlement,
    Finding,
    Instant,
    Kind,
    Observation,
    Outcome,
    Phase,
    Presence,
    Subject,
    Vantage,
    Verdict,
    iso,
    join,
)

if TYPE_CHECKING:
    from harness.engine.life import Life


def result(life: Life, cleanup: Cleanup) -> CaseResult:
    teller = Teller(life.context.vault)
    findings = [teller.finding(f) for f in _findings(life)]
    if life.party is not None:
        findings = [replace(f, fingerprint=fingerprint(life.case.id, f, life.party)) for f in findings]
    loose = list(life.loose)
    if not life.failure:
        loose += _idle_exceptions(life)
    verdicts = [f.verdict for f in findings] + ([Verdict.INCONCLUSIVE] if loose or life.failure else [])
    reason = life.failure or "; ".join(loose) or None
    sent = life.sent
    told = CaseResult(
        case=life.case,
        verdict=join(verdicts),
        reason=reason,
        claimed=sent.receipt.claim if sent else Claim.NONE,
        claim_detail=sent.receipt.detail if sent else "",
        t0=sent.t0 if sent else None,
        t0_basis=sent.basis if sent else "",
        started=life.started,
        finished=life.context.now(),
        findings=tuple(findings),
        cleanup=cleanup,
        identity=life.party.identity if life.party else None,
        notes=tuple(life.notes),
        events=tuple(life.events),
    )
    return teller.case(told)


def _findings(life: Life) -> list[Finding]:
    party = life.party
    if party is None or not party.tracks:
        return [_unjudged(life, wanted) for wanted in life.case.access]
    findings: list[Finding] = []
    for track in party.tracks.values():
        if track.void:
            findings += _void(life, track)
        elif track.vantage is Vantage.LEAVER and track.channel == LOGIN and track.baseline is not Presence.PRESENT:
            continue  # no baseline for a sign-in: not exercised
        else:
            findings += _track(life, track)
    uses: dict[_Held, list[Finding]] = {}
    for each in findings:
        if each.vantage is Vantage.LEAVER:
            uses.setdefault((each.system, each.kind, each.grant_id), []).append(each)
    findings = [_refused_in_use(f, uses.get((f.system, f.kind, f.grant_id), ())) for f in findings]
    findings += _demanded_accounts(life, party)
    if not life.failure:
        findings += collateral(life)
    return findings


_Held = tuple[str, Kind, str | None]


def _refused_in_use(finding: Finding, uses: Sequence[Finding]) -> Finding:
    """A record that is still listed counts, whether or not its use was refused; the reader is told which."""
    if finding.outcome is not Outcome.RESIDUAL or finding.vantage is not Vantage.ADMIN:
        return finding
    if uses and all(o.outcome in (Outcome.REVOKED, Outcome.LATE) for o in uses):
        return replace(finding, notes=(*finding.notes, "use refused"))
    return finding


def _unjudged(life: Life, wanted: Entitlement) -> Finding:
    return Finding(
        Subject.LEAVER,
        wanted.system,
        wanted.kind,
        wanted.label,
        None,
        Vantage.ADMIN,
        Outcome.INCONCLUSIVE,
        life.failure or "nothing was observed",
    )


def _question(life: Life, track: Track) -> Question:
    sent = life.sent
    within = life.case.within.of(track.system, track.kind)
    keep, notes = keep_for(life.case, track, life.party, life.context.now())
    more = ["matched by name: the system has no id of its own"] if track.by_name else []
    if track.with_account:
        more.append("gone with the account: its list is no longer there to be read")
    end = sent.t0 + within if sent else 0
    more += [f"nobody looked from {iso(a)} to {iso(b)}: its deadline lies there" for a, b in life.gaps if a <= end <= b]
    cited = _cited(life, track)
    more += [cited.note] if cited.note else []
    if life.case.trail and track.vantage is Vantage.ADMIN and track.system not in life.trails:
        more.append("the system keeps no trail that could be asked")
    owed = [o for o in life.owed if track.vantage is Vantage.ADMIN or not o.startswith("step ")]
    if track.appeared and track.observations:  # nobody can have looked for what was not known yet
        first = min(_index(life, o.checkpoint) for o in track.observations)
        owed = [o for o in owed if _index(life, o) >= first]
    if track.channel == LOGIN:  # refused only so often: owed at the end, and wherever else it was asked
        asked = {o.checkpoint for o in track.observations}
        owed = [o for o in owed if o in asked or o == owed[-1]]
    return Question(
        subject=Subject.LEAVER,
        system=track.system,
        kind=track.kind,
        name=track.name,
        grant_id=track.grant_id,
        vantage=track.vantage,
        channel=track.channel,
        identity=life.party.key if life.party else "",
        deadline=end if sent else None,
        settle=life.case.settle_of(within),
        looks=1 if track.consumes else 2,
        owed=tuple(owed[-1:] if track.consumes else owed),
        appeared=track.appeared or track.taken,
        signed_in=track.signed_in,
        keep=keep,
        doubt=life.failure or (sent.doubt if sent else "the event was never sent"),
        trail=cited.result,
        unaccounted=cited.lacks if life.case.trail else "",
        untold=cited.unread if life.case.trail else "",
        notes=(*notes, *more),
    )


def _cited(life: Life, track: Track) -> Cited:
    """What the system's own trail says, from the admin's vantage; a bystander's is nobody's business here."""
    if track.vantage is Vantage.LEAVER or track.void or life.sent is None or track.system not in life.trails:
        return Cited()
    others = [t for t in _tracks(life) if t.system == track.system and t is not track]
    actor = life.context.fleet.actors.get(life.case.leave.via, "")
    own = life.party.identity.username if life.party else ""
    return cite(track, others, life.trails[track.system], actor, own)


def _track(life: Life, track: Track) -> list[Finding]:
    """One finding, or two where a later step demands the access back: gone until then, and there from then on."""
    question = _question(life, track)
    if track.taken and not any(o.presence is Presence.PRESENT for o in track.complete):
        return []
    sent = life.sent.receipt.sent if life.sent else 0
    asked = any(means(e, track) for e in life.case.demand.has)
    if track.kind is not Kind.ACCOUNT and asked and not _held_elsewhere(life, track, sent):
        return [judge(replace(question, expects=Expects.HAS), track.observations)]
    marks = life.steps.marks if life.steps else []
    mark = next((m for m in marks if m.demand and any(means(e, track) for e in m.demand.has)), None)
    if track.kind is Kind.ACCOUNT and asked:
        return []
    if mark is not None and not (track.kind is not Kind.ACCOUNT and _held_elsewhere(life, track, mark.at)):
        before, after = _split(track, mark)
        found = []
        if not track.wanted and not track.appeared:
            early = tuple(o for o in question.owed if _index(life, o) < _index(life, mark.label))
            found.append(judge(replace(question, owed=early), before))
        if track.kind is not Kind.ACCOUNT:
            late = tuple(o for o in question.owed if _index(life, o) >= _index(life, mark.label))
            found.append(judge(replace(question, owed=late, expects=Expects.HAS), after))
        return found
    if track.wanted:
        return []
    if _excused(life, track, marks):
        return []
    return [judge(question, track.observations)]


def _held_elsewhere(life: Life, track: Track, since: Instant) -> bool:
    """Another account of the same person holds what is demanded, and holds it longer: the demand is met or missed
    there. Whoever comes back under a new id has the access on that one, and the old account must not have it."""
    mine = _last_present(track, since)
    return any(
        _last_present(other, since) > mine
        for other in _tracks(life)
        if (other.system, other.kind, other.name) == (track.system, track.kind, track.name)
        and other.account_id != track.account_id
        and other.vantage is track.vantage
    )


def _index(life: Life, label: str) -> int:
    return life.owed.index(label) if label in life.owed else len(life.owed)


def _split(track: Track, mark: Mark) -> tuple[list[Observation], list[Observation]]:
    before = [o for o in track.observations if o.phase is Phase.BASELINE or o.sent < mark.at]
    after = [o for o in track.observations if o.phase is not Phase.BASELINE and o.sent >= mark.at]
    return before, after


def _excused(life: Life, track: Track, marks: Sequence[Mark]) -> bool:
    """`gone: old`: what is new by id and by name may be there."""
    party = life.party
    if not track.appeared or party is None:
        return False
    since: list[Instant] = [m.at for m in marks if m.demand and m.demand.gone == "old"]
    if life.case.demand.gone == "old" and life.sent:
        since.append(life.sent.receipt.sent)
    first = track.observations[0].sent if track.observations else 0
    if not any(first >= at for at in since):
        return False
    old = [t for t in party.tracks.values() if not t.appeared and not t.wanted and t is not track]
    return not any(t.system == track.system and t.kind is track.kind and t.name == track.name for t in old)


def _demanded_accounts(life: Life, party: Party) -> list[Finding]:
    """An account that is demanded may be the old one or a new one: any that can be used will do."""
    demands: list[tuple[Entitlement, Instant, str]] = []
    if life.sent is not None:
        demands += [(e, life.sent.receipt.sent, "") for e in life.case.demand.has if e.kind is Kind.ACCOUNT]
    for mark in life.steps.marks if life.steps else []:
        if mark.demand:
            demands += [(e, mark.at, mark.label) for e in mark.demand.has if e.kind is Kind.ACCOUNT]
    findings = []
    for wanted, since, label in demands:
        tracks = [t for t in party.tracks.values() if means(wanted, t) and t.vantage is Vantage.ADMIN]
        best = max(tracks, key=lambda t: (_last_present(t, since), not t.void), default=None)
        if best is None:
            findings.append(_unjudged(life, wanted))
            continue
        owed = tuple(o for o in life.owed if not label or _index(life, o) >= _index(life, label))
        later = [o for o in best.observations if o.phase is not Phase.BASELINE and o.sent >= since]
        question = replace(_question(life, best), expects=Expects.HAS, owed=owed, name="account")
        findings.append(judge(question, later))
    return findings


def _last_present(track: Track, since: Instant) -> Instant:
    return max((o.sent for o in track.complete if o.presence is Presence.PRESENT and o.sent >= since), default=-1)


def _void(life: Life, track: Track) -> list[Finding]:
    """No account in this system: nothing to say if every due look found none; else what could not be seen."""
    if life.failure or any(t.kind is Kind.ACCOUNT and not t.void and t.system == track.system for t in _tracks(life)):
        return []
    seen = {o.checkpoint for o in track.complete}
    if life.owed and all(label in seen for label in life.owed):
        return []
    question = replace(_question(life, track), appeared=False, owed=tuple(life.owed))
    finding = judge(question, track.observations)
    reason = next((o.reason for o in reversed(track.observations) if o.presence is Presence.UNKNOWN), finding.reason)
    return [
        replace(
            finding, outcome=Outcome.INCONCLUSIVE, reason=f"whether an account appeared could not be seen: {reason}"
        )
    ]


def _tracks(life: Life) -> Iterable[Track]:
    return list(life.party.tracks.values()) if life.party else []


def _idle_exceptions(life: Life) -> list[str]:
    """An exception of the scenario that matched nothing, ever, is a mistake somebody must see. (Whether a fleet-wide
    one did, the whole run decides.)"""
    return [
        f"the exception {keep.label} ({keep.where or life.case.source}) matched nothing"
        for keep in life.case.keep
        if not keep.scenario and not any(matches(keep, life.case, t, life.party) for t in _tracks(life))
    ]
