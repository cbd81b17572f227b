"""The admin's vantage on a mail server: every mailbox of every account swept once a round, for all identities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.model import Account, Kind, Presence, Row
from harness.ports import Person
from harness.systems import imap_host, imap_rights
from harness.systems.imap_config import ImapConfig
from harness.systems.imap_host import Holder, Kept, Script
from harness.wire.call import Unknown
from harness.wire.dialogue import Heard, Told
from harness.wire.imap import ImapWire, Session, SignIn
from harness.wire.imap_syntax import Atom, acl, listed, prefixes
from harness.wire.program import Programs, Run
from harness.wire.sieve import Scripts, SieveWire
from harness.wire.sieve_script import NotUnderstood, Outlets, outlets
from harness.wire.survey import Asking, Reader, Record, Rows

Boxes = Mapping[str, Mapping[str, str]]  # mailbox -> whom its ACL names -> rights


@dataclass(slots=True)
class Looks:
    """Implements `survey.Survey`. `reader` signs in as itself, and as anybody."""

    name: str
    config: ImapConfig
    imap: ImapWire
    sieve: SieveWire | None
    programs: Programs
    reader: SignIn
    kinds: frozenset[Kind] = field(default_factory=frozenset)

    def find(self, asking: Asking, person: Person) -> Sequence[Account]:
        name = own_name(person)
        there = self._accounts(asking)
        return [Account(self.name, name, {"id": name, "name": name})] if name in there else []

    def record(self, asking: Asking, person: Person) -> Record:
        """Locked is absent, noted; what the disk still holds of a name whose account is gone is a record too."""
        assert person.account is not None  # noqa: S101  a look has one
        name = person.account.id
        holder = self._accounts(asking).get(name)
        if holder is None:
            kept = name in self._store(asking)
            reason = "there is no such account, and what it had is still on the disk" if kept else ""
            return Record(Presence.ABSENT, record=kept, reason=reason, by_name=True, data="gone")
        if holder.person and holder.person != person.identity.external_id:
            return Record(Presence.UNKNOWN, reason="the id belongs to another identity now", mistaken=True)
        if not holder.active:
            return Record(Presence.ABSENT, reason="record remains: the account is locked", by_name=True, data="locked")
        return Record(Presence.PRESENT, by_name=True, data="active")

    def readers(self) -> Mapping[Kind, Reader]:
        found: dict[Kind, Reader] = {
            Kind.MAILBOX: self._mailboxes,
            Kind.DELEGATION: self._delegations,
            Kind.FORWARDING: self._forwardings,
            Kind.ROLE: self._roles,
        }
        return {kind: read for kind, read in found.items() if kind in self.kinds}

    # --- kinds ----------------------------------------------------------------------------------

    def _mailboxes(self, asking: Asking, person: Person, seen: Record) -> Rows:
        """The account's own, as long as the server lets anybody act as it; then what the disk holds."""
        name, state = _whose(person), seen.known()
        boxes: Sequence[str] = (
            tuple(self._boxes(asking, name)) if state != "gone" else self._left(asking, name).mailboxes
        )
        return Rows(tuple(Row(imap_rights.path_of(name, box), box, by_name=True) for box in boxes))

    def _delegations(self, asking: Asking, person: Person, seen: Record) -> Rows:
        name = _whose(person)
        seen.known()
        found: list[Row] = []
        for owner in self._owners(asking, name):
            for box, entries in self._boxes(asking, owner).items():
                found += imap_rights.rows(imap_rights.path_of(owner, box), entries, name)
        return Rows(tuple(found))

    def _forwardings(self, asking: Asking, person: Person, seen: Record) -> Rows:
        """Out: the account's own script. In: anybody's that sends mail on to one of the identity's addresses."""
        name = _whose(person)
        state = seen.known()
        own = self._left(asking, name).scripts if state == "gone" else self._scripts(asking, name)
        note = "nothing is delivered to an account that is gone, but its script stays" if state == "gone" else ""
        found = [
            Row(f"{name}>{each}", each, presence, said or note, by_name=True) for each, presence, said in sent(own)
        ]
        mine = addresses(person)
        for owner in self._owners(asking, name):
            for each, presence, said in sent(self._scripts(asking, owner), owner):
                if plain(each) in mine:
                    found.append(Row(f"{owner}>{plain(each)}", owner, presence, said, by_name=True))
        return Rows(tuple(found))

    def _roles(self, asking: Asking, person: Person, seen: Record) -> Rows:
        name = _whose(person)
        seen.known()
        roles = self.config.roles
        assert roles is not None  # noqa: S101  the kind is declared by it
        held = imap_host.roles(self._printed(asking, roles.list))
        return Rows(tuple(Row(role, role, by_name=True) for holder, role in held if holder == name))

    # --- what is asked once a round -------------------------------------------------------------

    def _accounts(self, asking: Asking) -> Mapping[str, Holder]:
        """A program's word counts only in a round in which the server itself let the reader in."""
        asking("reader", lambda: self.imap.visit("NOOP", self.reader, lambda session: Heard(session.ok("NOOP").status)))
        return imap_host.accounts(self._printed(asking, self.config.accounts.list))

    def _store(self, asking: Asking, fresh: str = "") -> Mapping[str, Kept]:
        run = self.config.store
        return {} if run is None else imap_host.store(self._printed(asking, run.list, fresh))

    def _printed(self, asking: Asking, run: Run, fresh: str = "") -> Told[Any]:
        """What a program prints, run once a round: one program may tell all that there is to tell. `fresh`: run again,
        for the sake of this owner."""
        words = tuple(part.text for part in run.argv)
        return asking(("program", words, fresh), lambda: _whole(self.programs.ask(run, run.argv[-1].text)))

    def _left(self, asking: Asking, name: str) -> Kept:
        """What is on the disk of an account that the server knows no more."""
        if self.config.store is None:
            raise Unknown(
                "the account is gone, and the server lets nobody in as it: what it left cannot be seen by IMAP"
            )
        return self._store(asking).get(name, Kept((), ()))

    def _owners(self, asking: Asking, name: str) -> list[str]:
        """All others. One who went since they were listed is asked for again, and then left out."""
        return [owner for owner in self._accounts(asking) if owner != name and self._there(asking, owner)]

    def _there(self, asking: Asking, owner: str) -> bool:
        try:
            self._boxes(asking, owner)
        except Unknown:
            again = self._printed(asking, self.config.accounts.list, owner)
            if owner in imap_host.accounts(again):
                raise
            return False
        return True

    def _boxes(self, asking: Asking, owner: str) -> Boxes:
        """The owner's mailboxes with their ACLs. The disk, where the fleet shows it, must not hold more: what the
        reader has no `l` right on is simply not listed. Nor less: it is believed of those whom the server forgot."""
        boxes = asking(("boxes", owner), lambda: self.imap.visit("GETACL", self._as(owner), swept))
        for fresh in (False, True):  # what was made or removed in between is no contradiction
            kept = frozenset(self._kept(asking, owner, fresh).mailboxes)
            hidden, untold = sorted(kept - set(boxes)), sorted(set(boxes) - kept - {"INBOX"})
            if self.config.store is None or not (hidden or untold):
                return boxes
        path = imap_rights.path_of(owner, (hidden or untold)[0])
        if hidden:
            raise Unknown(f"the reader does not see {path}, which is on the disk")
        raise Unknown(f"the store does not tell {path}, which the server shows")

    def _scripts(self, asking: Asking, owner: str) -> Sequence[Script]:
        wire = self.sieve
        assert wire is not None  # noqa: S101  the kind is declared by it
        found = asking(("scripts", owner), lambda: wire.visit("GETSCRIPT", self._as(owner), collected))
        for fresh in (False, True):
            kept = {each.name for each in self._kept(asking, owner, fresh).scripts}
            differs = sorted({each.name for each in found} ^ kept)
            if self.config.store is None or not differs:
                return found
        raise Unknown(f"the server and the store disagree about the script {differs[0]} of {owner}")

    def _kept(self, asking: Asking, owner: str, fresh: bool) -> Kept:
        return self._store(asking, owner if fresh else "").get(owner, Kept((), ()))

    def _as(self, owner: str) -> SignIn:
        return SignIn(self.reader.name, self.reader.password, owner)


def _whole(told: Told[Any]) -> Told[Told[Any]]:
    """The answer with its evidence, for whoever finds it wanting."""
    return Told(told, told.sent, told.answered, told.evidence)


def swept(session: Session) -> Heard[Boxes]:
    """Every mailbox of the account's own, and the ACL of each. Raises `Broken`, or `Malformed`."""
    told = session.ok("NAMESPACE").of("NAMESPACE")
    foreign = tuple(prefix for each in told for prefix, _ in prefixes(each)[1])
    found: dict[str, Mapping[str, str]] = {}
    for words in session.ok("LIST", Atom('""'), Atom('"*"')).of("LIST"):
        box = listed(words)
        theirs = any(f"{box.name}{box.delimiter}".startswith(prefix) for prefix in foreign if prefix)
        if box.selectable and not theirs:
            found[box.name] = {}
    for name in found:
        found[name] = acl(session.ok("GETACL", name).only("ACL"), name)
    return Heard(found, found)


def collected(scripts: Scripts) -> Heard[Sequence[Script]]:
    """Every script of the account with its text. Raises `Broken`."""
    found = [Script(name, active, scripts.text(name)) for name, active in scripts.all().items()]
    return Heard(found, [{"name": each.name, "active": each.active, "text": each.text} for each in found])


def sent(scripts: Sequence[Script], owner: str = "") -> list[tuple[str, Presence, str]]:
    """Where they send mail on to: present if a script that runs does it, absent if only one that does not. A running
    script that is not understood raises `Unknown`; one that does not run sends nothing, whatever it says."""
    whose = f" of {owner}" if owner else ""
    by_name = {each.name: each for each in scripts}
    running = [each.name for each in scripts if each.active]
    found: dict[str, tuple[Presence, str]] = {}
    for name in running:  # grows by what is included
        script = by_name.get(name)
        if script is None:
            raise Unknown(f"the script {name}{whose} is included and is not there")
        told = _understood(script, whose)
        found |= dict.fromkeys(told.addresses, (Presence.PRESENT, ""))
        running += sorted(told.includes - set(running))
    for script in scripts:
        if script.name not in running:
            for address in _idle(script):
                found.setdefault(address, (Presence.ABSENT, f"only in the script {script.name}, which is not active"))
    return [(address, presence, note) for address, (presence, note) in sorted(found.items())]


def _understood(script: Script, whose: str) -> Outlets:
    try:
        return outlets(script.text)
    except NotUnderstood as why:
        raise Unknown(f"the active script {script.name}{whose} is not understood: {why}") from None


def _idle(script: Script) -> frozenset[str]:
    try:
        return outlets(script.text).addresses
    except NotUnderstood:
        return frozenset()


def own_name(person: Person) -> str:
    """Servers fold capitals (Dovecot and Cyrus by default): the account of O'Leary is o'leary."""
    return person.identity.username.lower()


def addresses(person: Person) -> frozenset[str]:
    """Every address that mail for this identity goes to."""
    who = person.identity
    domain = who.email.rpartition("@")[2]
    known = [who.email, who.was.get("email", ""), f"{_whose(person)}@{domain}"]
    return frozenset(plain(each) for each in known if each)


def plain(address: str) -> str:
    """Without capitals and without a detail (RFC 5233: ada+lists@example.test)."""
    local, _, domain = address.strip("<> ").lower().rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"


def _whose(person: Person) -> str:
    assert person.account is not None  # noqa: S101  a look has one
    return person.account.id
