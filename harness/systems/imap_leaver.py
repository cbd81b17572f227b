"""The leaver's vantage on a mail server: new sign-ins, and sessions that were opened before and stay open."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.model import Entitlement, Grant, Kind, Presence, Used
from harness.ports import Person, Tools
from harness.systems import imap_rights
from harness.systems.imap_config import ImapConfig
from harness.wire.call import Unknown
from harness.wire.dialogue import Broken, Heard, Told
from harness.wire.imap import ImapWire, Said, Session, SignIn
from harness.wire.imap_syntax import Atom, Malformed, Status, acl, myrights, prefixes
from harness.wire.writing import account_of

# RFC 5530 §3, RFC 4314 §4: what a server says of a mailbox that this account may not use. It need not admit that the
# mailbox exists.
KEPT_OUT = frozenset(("NOPERM", "NONEXISTENT"))
Answer = tuple[Presence, str]


@dataclass(slots=True)
class Open:
    """A session that is kept under its grant's id; one question at a time."""

    session: Session
    who: SignIn
    lock: threading.Lock = field(default_factory=threading.Lock)
    closed: bool = False


class Leaver:
    def __init__(self, config: ImapConfig, wire: ImapWire, tools: Tools) -> None:
        self._config = config
        self._wire = wire
        self._tools = tools
        self._guard = threading.Lock()
        self._open: dict[str, Open] = {}
        self._count = 0

    def login(self, person: Person) -> Used:
        who = credential(person)
        return self._used(lambda: self._wire.visit("LOGIN", who, _in, look=False, refused=_refused))

    def use(self, person: Person, grant: Grant) -> Used:
        match grant.entitlement.kind:
            case Kind.DELEGATION:
                return self._delegation(person, grant)
            case Kind.ROLE:
                opens = self._config.roles.opens if self._config.roles is not None else ""
                who = credential(person, acting=opens)
                return self._used(lambda: self._wire.visit("LOGIN", who, _in, look=False, refused=_refused))
            case Kind.SESSION:
                return self._session(grant)
        return Used(Presence.UNKNOWN, f"{grant.entitlement.kind} has no use here")

    # --- open sessions --------------------------------------------------------------------------

    def open(self, person: Person, entitlement: Entitlement, path: str | None) -> Grant:
        """Signs in as the leaver and keeps the session. With a mailbox, it is what the session reads, or administers.
        Raises `Unknown`."""
        who = credential(person)
        box: list[str] = []

        def begin(session: Session) -> Heard[None]:
            box.append("INBOX" if path is None else self._seen_as(session, path))
            asked = session.ask("GETACL", box[0]) if _administers(entitlement) else session.read(box[0])
            if asked.status.word != "OK":
                raise Broken(f"{box[0]} could not be opened: {asked.status.shown}", in_doubt=False)
            return Heard(None, {"mailbox": box[0]})

        told = self._wire.keep(who, begin)
        with self._guard:
            self._count += 1
            key = f"{who.name}/{self._count}"
            self._open[key] = Open(told.value, who)
        return Grant(entitlement, key, vars={"id": key, "mailbox": box[-1]})

    def close(self, key: str | None) -> None:
        """One that is closed already, or of an earlier run, needs nothing."""
        kept = self._open.get(key or "")
        if kept is not None and not kept.closed:
            with kept.lock:
                kept.closed = True
                kept.session.leave()

    def close_all(self) -> None:
        for key in tuple(self._open):
            self.close(key)

    def _session(self, grant: Grant) -> Used:
        kept = self._open.get(grant.id or "")
        if kept is None:
            return Used(Presence.UNKNOWN, "the session was opened by another process")
        box, administers = str(grant.vars.get("mailbox", "INBOX")), _administers(grant.entitlement)

        def work(session: Session) -> Heard[Answer]:
            if administers:
                said = session.ask("GETACL", box)  # RFC 4314 §3.3: only who may change it is told
                if said.status.word == "OK":
                    acl(said.only("ACL"), box)
                return _judged(said, "still administers the mailbox")
            said = session.ask("UID FETCH", Atom("*"), Atom("(BODY.PEEK[HEADER])"))
            return _judged(said, f"still reads the mailbox ({len(said.of('FETCH'))} message read)")

        def ended(bye: str) -> Heard[Answer]:
            return Heard((Presence.ABSENT, bye), bye)

        with kept.lock:
            if kept.closed:
                return Used(Presence.ABSENT, "the session was closed")
            verb = "GETACL" if administers else "FETCH"
            return self._used(lambda: self._wire.on(kept.session, verb, kept.who, work, ended))

    # --- other people's mailboxes ---------------------------------------------------------------

    def _delegation(self, person: Person, grant: Grant) -> Used:
        path, right = grant.object_id or grant.entitlement.name, grant.entitlement.right

        def work(session: Session) -> Heard[Answer]:
            name = self._seen_as(session, path)
            said = session.ask("MYRIGHTS", name)
            if said.status.word != "OK":
                return _judged(said, "")
            given = myrights(said.only("MYRIGHTS"), name)
            held = "".join(letter for letter in imap_rights.letters(right) if letter in given)
            if not held:
                return Heard((Presence.ABSENT, f"signs in, and has no right to {right} there"), said.status.shown)
            return Heard((Presence.PRESENT, f"works ({held})"), said.status.shown)

        who = credential(person)
        return self._used(
            lambda: self._wire.visit("MYRIGHTS", who, work, {"mailbox": path}, look=False, refused=_refused)
        )

    def _seen_as(self, session: Session, path: str) -> str:
        """How somebody else's mailbox is called for this account. Raises `Broken` or `Malformed`."""
        owner, box = imap_rights.split(path)
        told = session.ok("NAMESPACE").of("NAMESPACE")
        others = [pair for each in told for pair in prefixes(each)[1]]
        if not others:
            raise Malformed("the server has no namespace for other people's mailboxes")
        prefix, delimiter = others[0]
        return f"{self._config.others or prefix}{owner}{delimiter or '/'}{box}"

    def _used(self, ask: Callable[[], Told[Answer]]) -> Used:
        try:
            told = ask()
        except Unknown as why:
            now = why.answered or self._tools.clock.now()
            return Used(Presence.UNKNOWN, why.reason, why.sent or now, now, why.evidence)
        presence, reason = told.value
        return Used(presence, reason, told.sent, told.answered, told.evidence)


def credential(person: Person, acting: str = "") -> SignIn:
    """The identity's own name, as its account is called, and its own password."""
    return SignIn(account_of(person).id, person.identity.password.reveal(), acting)


def _administers(entitlement: Entitlement) -> bool:
    return entitlement.right == "administer"


def _in(_: Session) -> Heard[Answer]:
    return Heard((Presence.PRESENT, "works (signed in)"), "signed in")


def _refused(said: Status) -> Heard[Answer]:
    return Heard((Presence.ABSENT, f"refused ({said.code})"), said.shown)


def _judged(said: Said, works: str) -> Heard[Answer]:
    """`OK`, or one of the answers that keep somebody out; any other `NO` says nothing."""
    if said.status.word == "OK":
        return Heard((Presence.PRESENT, works), said.status.shown)
    if said.status.code in KEPT_OUT:
        return Heard((Presence.ABSENT, f"refused ({said.status.code})"), said.status.shown)
    raise Broken(f"neither use nor refusal: {said.status.shown}")
