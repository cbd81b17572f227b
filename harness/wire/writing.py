"""What adapters have in common: whose account it is, how a failed change or check is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from harness.model import NOTHING, Account
from harness.ports import Person, WriteFailed
from harness.wire.call import Unknown


def account_of(person: Person) -> Account:
    """The account that a change is about. Raises `WriteFailed` where there is none."""
    if person.account is None:
        raise WriteFailed("the identity has no account here")
    return person.account


@contextmanager
def written(made: Mapping[str, Any] = NOTHING) -> Iterator[None]:
    """What could not be written is `WriteFailed`, in doubt as the wire says. `made`: what an earlier change of the same
    grant made, which cleanup needs to know."""
    try:
        yield
    except Unknown as error:
        raise WriteFailed(error.reason, in_doubt=error.in_doubt, vars=made) from None


def complaints(name: str, ask: Callable[[], object]) -> list[str]:
    """For `check()`: empty, or the one line that says why a system could not be asked."""
    try:
        ask()
    except Unknown as error:
        return [f"{name}: {error.reason}"]
    return []
