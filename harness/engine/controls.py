"""The fleet's own control accounts: found once, read in every round, never changed."""

from __future__ import annotations

from collections.abc import Mapping

from harness.engine.context import Context, SetupFailed
from harness.engine.party import Party
from harness.model import Identity, ListState, Phase, Secret, Subject


async def find_controls(context: Context) -> None:
    """Gives every desk whose system names a `control` that account as a witness. Raises `SetupFailed`."""
    for name in context.fleet.systems:
        await find_control(context, name)


async def find_control(context: Context, name: str) -> None:
    """The same for one system. Raises `SetupFailed`."""
    control = context.entry(name).control
    if control is None:
        return
    party = Party(_identity(control), context.run_id, context.run_n)
    desk = context.desks[name]
    found = await desk.find(party)
    if found.state is not ListState.COMPLETE or len(found.accounts) != 1:
        why = found.reason or f"{len(found.accounts)} accounts of that name"
        raise SetupFailed(f"{name}: the control account could not be found: {why}")
    party.adopt(found.accounts[0])
    reading = await desk.read(party, [])
    context.observer.apply(party, name, reading, Phase.BASELINE)
    desk.control = party


def _identity(values: Mapping[str, str]) -> Identity:
    own = {"username", "email", "given_name", "family_name", "external_id"}
    return Identity(
        key="control",
        n=0,
        subject=Subject.CONTROL,
        username=values.get("username", ""),
        email=values.get("email", ""),
        password=Secret(""),
        given_name=values.get("given_name", ""),
        family_name=values.get("family_name", ""),
        external_id=values.get("external_id", ""),
        attributes={k: v for k, v in values.items() if k not in own},
    )
