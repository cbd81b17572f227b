"""System `imap`: a mail server by its own protocols (RFC 3501, RFC 4314, RFC 5804), seen as anybody and used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from harness.adapter import SystemAdapter
from harness.model import Account, Entitlement, Floor, Grant, Kind, Made, ObjectSpec, Touches, Used
from harness.ports import Declaration, Person, Tools, WriteFailed
from harness.systems import imap_host, imap_rights
from harness.systems.imap_config import ImapConfig
from harness.systems.imap_host import Holder
from harness.systems.imap_leaver import Leaver
from harness.systems.imap_look import Looks, own_name, plain
from harness.systems.imap_write import Writer, owned
from harness.wire.auth import Auth
from harness.wire.call import Unknown
from harness.wire.context import context
from harness.wire.dialogue import Dialogue, Heard
from harness.wire.imap import ImapWire, SignIn
from harness.wire.program import Programs, Run
from harness.wire.sieve import SieveWire
from harness.wire.survey import SurveyRound
from harness.wire.writing import account_of, written

_WITHOUT = {
    Kind.LICENSE: "IMAP knows none",
    Kind.CREDENTIAL: "the password belongs to the account; IMAP knows no other",
    Kind.CONSENT: "IMAP knows none",
    Kind.OWNERSHIP: "a mailbox belongs to the account that it lies in: kind mailbox",
    Kind.SHARE: "what others are let into is a right on a mailbox: kind delegation",
    Kind.DEVICE: "IMAP knows none",
}
_NOT_LISTABLE = {
    Kind.GROUP: "an ACL may name a group, and the protocol does not tell who is in it",
    Kind.SESSION: "the protocol lists no sessions; only their use is measured",
}


class Imap:
    """Implements `ports.System`, `ports.Provisions` and `ports.Exercises`."""

    def __init__(self, name: str, config: ImapConfig, looks: Looks, leaver: Leaver, writer: Writer) -> None:
        self.name = name
        self._config = config
        self._looks = looks
        self._leaver = leaver
        self._writer = writer
        self._paths: dict[tuple[Kind, str], str] = {}  # where an object was found or made, whoever owns it

    def declaration(self) -> Declaration:
        config = self._config
        kinds = config.declared()
        without = {kind: why for kind, why in _WITHOUT.items() if kind not in config.not_listable}
        if Kind.FORWARDING not in kinds:
            without[Kind.FORWARDING] = "no ManageSieve address in the fleet file (`sieve`)"
        if Kind.ROLE not in kinds:
            without[Kind.ROLE] = "no program that tells who may act for others (`roles`)"
        return Declaration(
            type="imap",
            url=config.url,
            reader=self._looks.reader.name,
            independent=config.independent,
            owner=config.owner,
            kinds=kinds,
            without=without | dict(config.without),
            not_listable=_NOT_LISTABLE | dict(config.not_listable),
            login=Touches.CHANGES,
            floor=Floor.DELETED,
            creates=config.accounts.create is not None,
            refuses_after=config.refusal,
            scopes=("sign in as anybody (SASL PLAIN, RFC 4616)", "rights `la` on every mailbox"),
        )

    def round(self) -> SurveyRound:
        return SurveyRound(self._looks)

    def close(self) -> None:
        """Ends every session that was kept open."""
        self._leaver.close_all()

    def check(self) -> list[str]:
        """The reader signs in, and says nothing."""
        try:
            self._looks.imap.visit("NOOP", self._looks.reader, lambda session: Heard(session.ok("NOOP").status))
        except Unknown as error:
            return [f"{self.name}: {error.reason}"]
        return []

    # --- Provisions ---------------------------------------------------------------------------

    def create(self, person: Person) -> Account:
        self._run(self._config.accounts.create, "accounts.create", person)
        name = own_name(person)
        return Account(self.name, name, {"id": name, "name": name})

    def remove(self, person: Person) -> None:
        """Only what is this identity's by the host's own word is removed."""
        account = account_of(person)
        with written():
            holder = self._accounts().get(account.id)
        if holder is not None and holder.person and holder.person != person.identity.external_id:
            raise WriteFailed("the id belongs to another identity now: not removed")
        self._run(self._config.accounts.remove, "accounts.remove", person)

    def grant(self, person: Person, entitlement: Entitlement, made: Made | None) -> Grant:
        me = account_of(person).id
        with written():
            match entitlement.kind:
                case Kind.DELEGATION:
                    return self._let_in(me, entitlement, made)
                case Kind.FORWARDING:
                    owner, to = self._route(person, me, entitlement, made)
                    self._writer.redirect(owner, to)
                    return Grant(entitlement, f"{owner}>{to}", object_id=owner, vars={"id": f"{owner}>{to}", "to": to})
                case Kind.SESSION:
                    return self._leaver.open(person, entitlement, made.id if made is not None else None)
        if entitlement.kind is not Kind.ROLE or self._config.roles is None:
            raise WriteFailed(f"IMAP gives no {entitlement.kind}")
        self._run(self._config.roles.grant, "roles.grant", person, entitlement)
        return Grant(entitlement, entitlement.name, vars={"id": entitlement.name})

    def revoke(self, person: Person, grant: Grant) -> None:
        me, entitlement, path = account_of(person).id, grant.entitlement, grant.object_id or ""
        if entitlement.kind is Kind.SESSION:
            self._leaver.close(grant.id)
            return
        if entitlement.kind is Kind.ROLE and self._config.roles is not None:
            self._run(self._config.roles.revoke, "roles.revoke", person, entitlement)
            return
        with written():
            if not owned(self._accounts(), path):
                return  # what an account leaves on the disk goes with the account, and the next look tells
            if entitlement.kind is Kind.DELEGATION:
                self._writer.change_rights(path, me, f"-{imap_rights.letters(entitlement.right)}")
            elif entitlement.kind is Kind.FORWARDING:
                self._writer.redirect_no_more(path, str(grant.vars["to"]))
            else:
                raise WriteFailed(f"IMAP takes no {entitlement.kind} back")

    def find_object(self, spec: ObjectSpec, owner: Person | None) -> Made | None:
        with written():
            path = self._path(spec, owner)
            there = owned(self._accounts(), path) and self._writer.there(path)
        return Made(spec, path, created=False, vars={"id": path}) if there else None

    def create_object(self, spec: ObjectSpec, owner: Person | None) -> Made:
        with written():
            path = self._path(spec, owner)
            self._writer.create(path)
        return Made(spec, path, created=True, vars={"id": path})

    def remove_object(self, made: Made) -> None:
        if not made.created:
            raise WriteFailed(f"the mailbox {made.spec.name!r} was found, not made: not removed")
        with written():
            if owned(self._accounts(), made.id):
                self._writer.delete(made.id)

    # --- Exercises ----------------------------------------------------------------------------

    def login(self, person: Person) -> Used:
        return self._leaver.login(person)

    def use(self, person: Person, grant: Grant, channel: str) -> Used:  # noqa: ARG002  each kind has one
        return self._leaver.use(person, grant)

    # --- words --------------------------------------------------------------------------------

    def _let_in(self, me: str, entitlement: Entitlement, made: Made | None) -> Grant:
        path = made.id if made is not None else entitlement.name
        if entitlement.right not in (None, *imap_rights.RIGHTS):
            raise WriteFailed(f"no right {entitlement.right!r}; there are {', '.join(imap_rights.RIGHTS)}")
        self._writer.change_rights(path, me, f"+{imap_rights.letters(entitlement.right)}")
        row = f"{path}#{entitlement.right or 'read'}"
        return Grant(entitlement, row, object_id=path, vars={"id": row})

    def _route(self, person: Person, me: str, entitlement: Entitlement, made: Made | None) -> tuple[str, str]:
        """Whose script sends mail on, and where to."""
        if entitlement.direction == "in":
            return imap_rights.split(made.id if made is not None else entitlement.name)[0], plain(person.identity.email)
        if entitlement.to is None:
            raise WriteFailed("a forwarding out of the house needs an address (`to`)")
        return me, entitlement.to

    def _path(self, spec: ObjectSpec, owner: Person | None) -> str:
        """`owner/mailbox`; a bare name lies with its owner in the story, or with the fleet's keeper."""
        key = (spec.kind, spec.name)
        if key not in self._paths:
            keeper = owner.account.id if owner is not None and owner.account is not None else self._config.keeper
            if "/" not in spec.name and keeper is None:
                raise WriteFailed(f"whose mailbox {spec.name!r} is: write `owner/name`, or give the system a `keeper`")
            self._paths[key] = spec.name if "/" in spec.name else imap_rights.path_of(str(keeper), spec.name)
        return self._paths[key]

    def _accounts(self) -> Mapping[str, Holder]:
        return imap_host.accounts(self._looks.programs.ask(self._config.accounts.list, "accounts.list"))

    def _run(self, run: Run | None, label: str, person: Person, entitlement: Entitlement | None = None) -> None:
        if run is None:
            raise WriteFailed(f"the fleet file names no program for {label}")
        with written():
            self._looks.programs.change(run, label, context(person, entitlement=entitlement))


def build(name: str, config: ImapConfig, tools: Tools, *, timeout_s: float = 30.0, attempts: int = 4) -> Imap:
    """The system; `timeout_s` and `attempts` are the wire's."""
    tools = replace(tools, limits=config.limits.limits())
    for run in config.runs():
        run.tell(tools.vault)
    reader, writer = (_signing_in(auth, tools) for auth in (config.reader_auth, config.writer_auth))
    talk = Dialogue(tools, attempts=attempts)
    imap = ImapWire(talk, config.imap_address(), timeout_s)
    address = config.sieve_address()
    sieve = None if address is None else SieveWire(talk, address, timeout_s)
    programs = Programs(Dialogue(tools, attempts=attempts, gate=talk.gate))
    looks = Looks(name, config, imap, sieve, programs, reader, frozenset(config.declared()))
    return Imap(name, config, looks, Leaver(config, imap, tools), Writer(imap, sieve, writer, config.script))


def _signing_in(auth: Auth, tools: Tools) -> SignIn:
    if auth.basic is None:
        raise ValueError("IMAP signs in with a name and a password")
    tools.vault.learn(auth.basic.password.reveal())
    return SignIn(auth.basic.username, auth.basic.password.reveal())


ADAPTER = SystemAdapter("imap", "a mail server: IMAP with ACLs, ManageSieve", ImapConfig, build)
