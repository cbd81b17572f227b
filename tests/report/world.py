"""Makes findings the way an engine would: looks at a steady pace, with a redacted exchange behind each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from harness.model import SECOND, Finding, Instant, Kind, Observation, Outcome, Phase, Presence, Subject, Vantage

MINUTE = 60 * SECOND


@dataclass
class World:
    """The exchanges by their sha256, as a report reads them."""

    exchanges: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    count: int = 0

    def exchange(self, system: str, kind: Kind, sent: Instant, presence: Presence, who: str, reason: str) -> str:
        status = 503 if presence is Presence.UNKNOWN else 200
        rows = [{"id": "c-7", "user": "bystander-1"}]
        if presence is Presence.PRESENT:
            rows.append({"id": "g-12", "user": who})
        body: Any = {"items": rows, "total": len(rows)} if status == 200 else "upstream unavailable"
        found = {
            "method": "GET",
            "url": f"http://127.0.0.1:9001/{system}/{kind}s?limit=50",
            "request": {"headers": {"accept": "application/json", "authorization": "[redacted]"}, "body": None},
            "status": status,
            "response": {
                "headers": {"content-type": "application/json", "x-request-id": f"r-{self.count}"},
                "body": body,
            },
            "sent": sent,
            "answered": sent + 40_000,
            "error": reason if status != 200 else None,
            "redactions": {"header": 1},
        }
        self.count += 1
        sha = hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
        self.exchanges[sha] = found
        return sha

    def looks(
        self, t0: Instant, story: Iterable[tuple[float, str]], system: str, kind: Kind, who: str, reason: str = ""
    ) -> tuple[Observation, ...]:
        """`story`: seconds after T0 and P, A or U; before T0 is the baseline, beyond 900 s the hold."""
        made = []
        for number, (seconds, letter) in enumerate(story):
            presence = {"P": Presence.PRESENT, "A": Presence.ABSENT, "U": Presence.UNKNOWN}[letter]
            sent = t0 + round(seconds * SECOND)
            phase = Phase.BASELINE if seconds < 0 else Phase.WATCH if seconds < 900 else Phase.HOLD
            why = reason if presence is Presence.UNKNOWN else ""
            sha = self.exchange(system, kind, sent, presence, who, why)
            made.append(
                Observation(
                    presence, phase, number, sent, sent + 40_000, why,
                    checkpoint="hold 10m" if phase is Phase.HOLD else "",
                    control="" if presence is Presence.UNKNOWN else "bystander-1",
                    evidence=(sha,),
                    id=hashlib.sha256(f"{sha}{who}".encode()).hexdigest(),
                )
            )  # fmt: skip
        return tuple(made)

    def finding(
        self,
        t0: Instant,
        place: str,
        outcome: Outcome,
        story: str,
        reason: str,
        who: str,
        *,
        leaver: bool = False,
        within: Instant = 15 * MINUTE,
        unknown: str = "",
        **more: Any,
    ) -> Finding:
        """`place` is system/kind/name, `story` `-5P 2P 40A`."""
        system, kind_word, name = place.split("/", 2)
        kind = Kind(kind_word)
        steps = [(float(step[:-1]), step[-1]) for step in story.split()]
        looks = self.looks(t0, steps, system, kind, who, unknown)
        present = [look.sent for look in looks if look.presence is Presence.PRESENT]
        absent = [look for look in looks if look.presence is Presence.ABSENT]
        made = Finding(
            subject=Subject.LEAVER,
            system=system,
            kind=kind,
            name=name,
            grant_id="id-" + hashlib.sha256((place + who).encode()).hexdigest()[:6],
            vantage=Vantage.LEAVER if leaver else Vantage.ADMIN,
            outcome=outcome,
            reason=reason,
            deadline=t0 + within,
            last_present=max(present, default=None),
            first_absent=absent[0].answered if absent else None,
            observations=looks,
            identity=who,
        )
        return replace(made, **more)
