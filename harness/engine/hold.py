"""The last looks of a case: the checkpoints of `hold`, never before the deadline of what is still there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.engine.context import Waiting
from harness.engine.inventory import full_round
from harness.engine.party import Track
from harness.model import SECOND, Case, Duration, Instant, Phase, Presence, human

if TYPE_CHECKING:
    from harness.engine.life import Life


FAR: Duration = 300 * SECOND  # what is not due for so long is worth another process


class Hold:
    def __init__(self, life: Life) -> None:
        self.life = life

    async def run(self) -> None:
        """The last looks: at each checkpoint, or once more after `settle`. Never before the deadline of what is
        still there."""
        life, kernel = self.life, self.life.context.kernel
        if life.holding_since is None:
            life.holding_since = life.context.now()
            life.mark()
        began = life.holding_since
        default = self.life.case.settle_of(self.life.case.within.default)
        checkpoints = [(span, f"hold {human(span)}") for span in self.life.case.hold] or [(default, "the end")]
        for span, label in checkpoints[life.held :]:
            due = began + span
            last = life.held == len(checkpoints) - 1
            if last:
                due = max(due, self._still_there(), self._may_return())
            if life.may_leave and due - kernel.now() > FAR:
                raise Waiting(due)
            await kernel.sleep_until(due)
            await full_round(life, Phase.HOLD, label, uses=True, last=last)
            life.owed.append(label)
            life.held += 1
            life.mark()
        for _ in range(2):
            if not (loose := self._unconfirmed()):
                return
            await kernel.sleep_until(loose)
            await full_round(self.life, Phase.HOLD, checkpoints[-1][1], uses=True, last=True)

    def _may_return(self) -> Instant:
        """Until when the connector says that access may come back after the leave event."""
        sent = self.life.sent
        if sent is None or sent.traits.returns_within is None:
            return 0
        return (sent.receipt.answered or sent.receipt.sent) + sent.traits.returns_within

    def _still_there(self) -> Instant:
        """The latest deadline among what is still there and has not been looked at past it."""
        assert self.life.party is not None  # noqa: S101  set up
        assert self.life.sent is not None  # noqa: S101  left
        latest = 0
        for track in self.life.party.tracks.values():
            complete = track.complete
            end = self.life.sent.t0 + self.life.case.within.of(track.system, track.kind)
            present = bool(complete) and complete[-1].presence is Presence.PRESENT
            if present and self.life.awaited(track) == "gone" and complete[-1].sent < end:
                latest = max(latest, end)
        return latest

    def _unconfirmed(self) -> Instant:
        """When the last absence that a single look saw will have settled; 0 when none is left."""
        assert self.life.party is not None  # noqa: S101  set up
        due = 0
        for track in self.life.party.tracks.values():
            if track.void or track.consumes or track.appeared or self.life.awaited(track) != "gone":
                continue
            loose = unsettled_since(self.life.case, track)
            if loose is not None:
                settle = self.life.case.settle_of(self.life.case.within.of(track.system, track.kind))
                due = max(due, loose + settle)
        return due


def unsettled_since(case: Case, track: Track) -> Instant | None:
    """When the newest absence was first seen, if it is not confirmed yet."""
    settle = case.settle_of(case.within.of(track.system, track.kind))
    history = track.history(settle)
    if history.first_absent is None or history.settled(settle, 2) or history.came_back:
        return None
    return history.first_absent.sent
