"""Gives and takes access on a mail server: ACL letters, redirects, mailboxes; each owner's one change at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from harness.ports import WriteFailed
from harness.systems import imap_rights
from harness.systems.imap_host import Holder
from harness.wire.dialogue import Broken, Heard
from harness.wire.imap import ImapWire, Session, SignIn
from harness.wire.imap_syntax import acl, listed
from harness.wire.sieve import Scripts, SieveWire
from harness.wire.sieve_script import NotUnderstood, outlets, redirecting


class Writer:
    """Acts as the owner of what it changes. Everything raises `Unknown`."""

    def __init__(self, imap: ImapWire, sieve: SieveWire | None, writer: SignIn, script: str) -> None:
        self._imap = imap
        self._sieve = sieve
        self._writer = writer
        self._script = script
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

    # --- mailboxes ------------------------------------------------------------------------------

    def there(self, path: str) -> bool:
        owner, box = imap_rights.split(path)

        def work(session: Session) -> Heard[bool]:
            names = [listed(words).name for words in session.ok("LIST", "", box).of("LIST")]
            return Heard(box in names, names)

        return self._imap.visit("LIST", self._as(owner), work, {"mailbox": box}).value

    def create(self, path: str) -> None:
        self._one(path, "CREATE")

    def delete(self, path: str) -> None:
        """One that is not there is as good as deleted."""
        self._one(path, "DELETE", gone=True)

    def change_rights(self, path: str, name: str, change: str) -> None:
        """`+lr` or `-lr` for a name (RFC 4314 §3.1); what is gone has no rights to take away. An entry without any
        letter left is deleted: Dovecot would go on listing it."""
        taking = change.startswith("-")
        self._one(
            path, "SETACL", name, change, gone=taking, then=(lambda s, box: _tidy(s, box, name)) if taking else None
        )

    def _one(
        self,
        path: str,
        verb: str,
        *more: str,
        gone: bool = False,
        then: Callable[[Session, str], None] | None = None,
    ) -> None:
        owner, box = imap_rights.split(path)

        def work(session: Session) -> Heard[None]:
            said = session.ask(verb, box, *more)
            if said.status.word != "OK" and not (gone and said.status.code == "NONEXISTENT"):
                raise Broken(f"{verb} {path} was answered {said.status.shown}", in_doubt=False)
            if then is not None and said.status.word == "OK":
                then(session, box)
            return Heard(None, said.status.shown)

        with self._alone(owner):
            self._imap.visit(verb, self._as(owner), work, {"words": [box, *more]}, look=False)

    # --- redirects ------------------------------------------------------------------------------

    def redirect(self, owner: str, to: str) -> None:
        """One more address in the script that is ours. Another script that runs is somebody's and stays as it is."""

        def work(scripts: Scripts) -> Heard[None]:
            there = scripts.all()
            other = [name for name, active in there.items() if active and name != self._script]
            if other:
                raise Broken(f"{owner} has an active script already ({other[0]}): not replaced", in_doubt=False)
            now = self._addresses(scripts, there)
            scripts.put(self._script, redirecting(sorted({*now, to})))
            scripts.activate(self._script)
            return Heard(None, {"to": to})

        self._write(owner, work, to)

    def redirect_no_more(self, owner: str, to: str) -> None:
        """The address out of the script that is ours, and the script with the last of them."""

        def work(scripts: Scripts) -> Heard[None]:
            there = scripts.all()
            now = self._addresses(scripts, there)
            rest = [each for each in now if each.lower() != to.lower()]
            if rest:
                scripts.put(self._script, redirecting(sorted(rest)))
            elif self._script in there:
                if there[self._script]:
                    scripts.activate("")
                scripts.delete(self._script)
            return Heard(None, {"left": len(rest)})

        self._write(owner, work, to)

    def _addresses(self, scripts: Scripts, there: Mapping[str, bool]) -> Sequence[str]:
        if self._script not in there:
            return ()
        try:
            return sorted(outlets(scripts.text(self._script)).addresses)
        except NotUnderstood as why:
            raise Broken(f"the script {self._script} is not understood: {why}", in_doubt=False) from None

    def _write(self, owner: str, work: Callable[[Scripts], Heard[None]], to: str) -> None:
        if self._sieve is None:
            raise WriteFailed("the fleet file names no ManageSieve address (`sieve`)")
        with self._alone(owner):
            self._sieve.visit("PUTSCRIPT", self._as(owner), work, {"to": to}, look=False)

    # --- who ------------------------------------------------------------------------------------

    def _as(self, owner: str) -> SignIn:
        return SignIn(self._writer.name, self._writer.password, owner)

    @contextmanager
    def _alone(self, owner: str) -> Iterator[None]:
        """A script is read and written back: one change at a time for each owner."""
        with self._guard:
            lock = self._locks.setdefault(owner, threading.Lock())
        with lock:
            yield


def _tidy(session: Session, box: str, name: str) -> None:
    if acl(session.ok("GETACL", box).only("ACL"), box).get(name) == "":
        session.ok("DELETEACL", box, name)


def owned(accounts: Mapping[str, Holder], path: str) -> bool:
    """Whether somebody is left whom the mailbox belongs to: nobody can act as an account that is gone."""
    return imap_rights.split(path)[0] in accounts
