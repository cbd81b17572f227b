"""System `aws-iam`: the IAM users of one AWS account, by UserId, with everything that hangs on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from pydantic import Field

from harness.adapter import SystemAdapter, SystemConfig
from harness.model import Account, Entitlement, Floor, Grant, Kind, Made, ObjectSpec, Presence, Touches, Used
from harness.ports import Declaration, KindTraits, Person, Tools, WriteFailed
from harness.systems.aws_iam_look import INLINE, PASSWORD, IamSurvey, account
from harness.systems.aws_iam_write import Writer
from harness.wire.aws import Aws
from harness.wire.aws_clients import Keys, keys_of
from harness.wire.aws_leaver import caller_is, reachable
from harness.wire.survey import SurveyRound
from harness.wire.writing import account_of, written

Sorts = Literal["access-key", "console-password", "ssh-public-key", "signing-certificate", "service-specific"]
ALL_SORTS: list[Sorts] = ["access-key", "console-password", "ssh-public-key", "signing-certificate", "service-specific"]
RUN_TAG = "exitproof:run"
WITHOUT = {
    Kind.LICENSE: "IAM has none",
    Kind.MAILBOX: "IAM has none",
    Kind.DELEGATION: "IAM users delegate nothing to each other",
    Kind.FORWARDING: "IAM has none",
    Kind.CONSENT: "IAM users grant none",
    Kind.OWNERSHIP: "what a user makes belongs to the AWS account",
}
NOT_LISTABLE = {
    Kind.SESSION: "AWS lists no sessions; temporary credentials outlive the key that they were made with",
    Kind.SHARE: "policies of resources, and trust policies of roles, that name the user are not read",
}


class AwsIamConfig(SystemConfig):
    type: Literal["aws-iam"]
    url: str | None = Field(default=None, description="an endpoint for every service, instead of AWS's own")
    region: str = "us-east-1"
    credentials: list[Sorts] = Field(default=ALL_SORTS, min_length=1, description="the sorts of credentials that count")
    groups: Literal["both", "user"] = Field(default="both", description="the sides that memberships are read from")
    search: bool = Field(default=False, description="ask in each look for other users with this person's tag")
    tag: str = Field(default="exitproof:person", description="the tag that holds a person's external_id")
    path: str = "/"
    console_password: bool = Field(default=True, description="a new user gets a password for the console")
    end_of_list: Literal["marked", "silent"] = Field(default="marked", description="silent: an emulator's way")
    page_size: int = Field(default=100, ge=1, le=1000)

    def declared(self) -> Mapping[Kind, KindTraits]:
        plain = KindTraits(True, grantable=True, revocable=True)
        uses = {"": Touches.CHANGES} if "access-key" in self.credentials else {}  # IAM notes when a key was last used
        return {
            Kind.GROUP: replace(plain, finds_objects=True, creates_objects=True),
            Kind.ROLE: plain,
            Kind.CREDENTIAL: replace(plain, uses=uses),
            Kind.DEVICE: plain,
        }

    def able(self) -> frozenset[str]:
        return frozenset({"create", "search"} if self.search else {"create"})

    def addresses(self) -> tuple[str, ...]:
        return (self.url or "https://iam.amazonaws.com",)


class AwsIam:
    """Implements `ports.System`, `ports.Provisions` and `ports.Exercises`."""

    def __init__(self, name: str, config: AwsIamConfig, reader: Aws, writer: Aws) -> None:
        self.name = name
        self._config = config
        self._reader, self._writer_aws = reader, writer
        sorts = tuple(config.credentials)
        self._survey = IamSurvey(name, reader, sorts, config.groups == "both", config.tag)
        self._writer = Writer(writer, sorts)

    def declaration(self) -> Declaration:
        config = self._config
        return Declaration(
            type="aws-iam",
            url=config.addresses()[0],
            reader=f"access key {keys_of(config.reader_auth, 'reader').id}",
            independent=config.independent,
            owner=config.owner,
            kinds=config.declared(),
            without=WITHOUT | config.without,
            not_listable=NOT_LISTABLE | config.not_listable,
            floor=Floor.DELETED,
            searches=config.search,
            scopes=scopes(config),
        )

    def round(self) -> SurveyRound:
        return SurveyRound(self._survey, self._survey.search if self._config.search else None)

    def close(self) -> None:
        """Closes every pooled connection."""
        self._reader.close()
        self._writer_aws.close()

    def check(self) -> list[str]:
        """One cheap authorised read: the first page of the sweep."""
        reason = reachable(self._reader, "iam", "GetAccountAuthorizationDetails", Filter=["User"], MaxItems=1)
        return [f"{self.name}: {reason}"] if reason else []

    # --- Provisions ---------------------------------------------------------------------------

    def create(self, person: Person) -> Account:
        config, who = self._config, person.identity
        tags = {config.tag: who.external_id, RUN_TAG: person.run_id}
        with written():
            made = self._writer.create_user(who.username, config.path, tags)
        if config.console_password:
            with written(account(self.name, made).vars):
                self._writer.set_password(who.username, who.password)
        return account(self.name, made)

    def remove(self, person: Person) -> None:
        """By the UserId: IAM never gives one out again, so only what this run made can be meant."""
        with written():
            name = self._writer.name_of(account_of(person))
            if name is not None:
                self._writer.delete_user(name)

    def grant(self, person: Person, entitlement: Entitlement, made: Made | None) -> Grant:
        with written():
            user = self._writer.name_of(account_of(person))
            if user is None:
                raise WriteFailed("the user is gone")
            if entitlement.kind is Kind.GROUP:
                return self._enter(user, entitlement, made)
            if entitlement.kind is Kind.ROLE:
                return self._attach(user, entitlement)
            if entitlement.kind is Kind.CREDENTIAL:
                return self._equip(person, user, entitlement)
            if entitlement.kind is Kind.DEVICE:
                return self._assign(user, entitlement)
        raise WriteFailed(f"IAM has no {entitlement.kind}")

    def revoke(self, person: Person, grant: Grant) -> None:
        kind, name = grant.entitlement.kind, grant.entitlement.name
        held = str(grant.id or grant.vars.get("id") or "")
        with written():
            user = self._writer.name_of(account_of(person))
            if kind is Kind.DEVICE and held:
                self._writer.remove_device(user, held)
            elif user is not None and kind is Kind.GROUP:
                self._writer.leave(str(grant.vars.get("group") or name), user)
            elif user is None or not held:
                return  # whatever came of a grant that failed goes with the user
            elif kind is Kind.CREDENTIAL:
                self._writer.remove_credential(sort_of(name), user, held)
            elif held.startswith(INLINE):
                self._writer.drop_inline(user, held.removeprefix(INLINE))
            else:
                self._writer.detach(user, held)

    def find_object(self, spec: ObjectSpec, owner: Person | None) -> Made | None:  # noqa: ARG002
        with written():
            found = self._writer.group(_only_group(spec))
        return None if found is None else Made(spec, found, created=False, vars={"id": found})

    def create_object(self, spec: ObjectSpec, owner: Person | None) -> Made:  # noqa: ARG002
        with written():
            made = self._writer.create_group(_only_group(spec), self._config.path)
        return Made(spec, made, created=True, vars={"id": made})

    def remove_object(self, made: Made) -> None:
        if not made.created:
            raise WriteFailed(f"the group {made.spec.name!r} was found, not made: not removed")
        with written():
            if self._writer.group(made.spec.name) == made.id:
                self._writer.delete_group(made.spec.name)

    # --- Exercises ----------------------------------------------------------------------------

    def use(self, person: Person, grant: Grant, channel: str) -> Used:  # noqa: ARG002
        """Whom AWS takes the signer for: whoever has a key that works may ask, whatever is denied to them."""
        if grant.secret is None or grant.id is None:
            return Used(Presence.UNKNOWN, "the harness does not hold this key")
        return caller_is(self._reader, Keys(grant.id, grant.secret), account_of(person).id)

    def login(self, person: Person) -> Used:  # noqa: ARG002
        return Used(Presence.UNKNOWN, "the console has no API to sign in by")

    # --- what is given --------------------------------------------------------------------------

    def _enter(self, user: str, entitlement: Entitlement, made: Made | None) -> Grant:
        group = made.id if made is not None else self._writer.group(entitlement.name)
        if group is None:
            raise WriteFailed(f"there is no group {entitlement.name!r}")
        self._writer.enter(entitlement.name, user)
        return Grant(entitlement, group, object_id=group, vars={"id": group, "group": entitlement.name})

    def _attach(self, user: str, entitlement: Entitlement) -> Grant:
        if entitlement.name.startswith(INLINE):
            self._writer.put_inline(user, entitlement.name.removeprefix(INLINE))
            return Grant(entitlement, entitlement.name, vars={"id": entitlement.name})
        arn = self._writer.policy(entitlement.name)
        if arn is None:
            raise WriteFailed(f"there is no policy {entitlement.name!r}")
        self._writer.attach(user, arn)
        return Grant(entitlement, arn, vars={"id": arn})

    def _equip(self, person: Person, user: str, entitlement: Entitlement) -> Grant:
        """Only an access key can be tried; the other sorts are looked at from the admin's vantage alone."""
        sort = sort_of(entitlement.name)
        if sort == "access-key":
            made, secret = self._writer.access_key(user)
            return Grant(entitlement, made, vars={"id": made}, secret=secret)
        if sort == PASSWORD:
            self._writer.set_password(user, person.identity.password)
            made = PASSWORD
        elif sort == "ssh-public-key":
            made = self._writer.ssh_key(user)
        elif sort == "service-specific":
            service = entitlement.name.partition(":")[2].partition("/")[0] or "codecommit.amazonaws.com"
            made = self._writer.service_specific(user, service)
        else:
            raise WriteFailed(f"the harness makes no {sort}")
        return Grant(entitlement, made, vars={"id": made}, channels=frozenset())

    def _assign(self, user: str, entitlement: Entitlement) -> Grant:
        serial, seed = self._writer.create_device(f"{user}-{entitlement.name}")
        with written({"id": serial}):
            self._writer.assign_device(user, serial, seed)
        return Grant(entitlement, serial, vars={"id": serial})


def sort_of(name: str) -> str:
    """`access-key`, `access-key/2`, `service-specific:codecommit.amazonaws.com`: what stands before the first mark."""
    return name.partition("/")[0].partition(":")[0]


def scopes(config: AwsIamConfig) -> tuple[str, ...]:
    """The actions that the reader needs, and no others."""
    needed = ["GetAccountAuthorizationDetails", "ListGroups", "ListMFADevices", "ListVirtualMFADevices"]
    needed += ["GetGroup"] if config.groups == "both" else []
    operations = {
        "access-key": "ListAccessKeys", "console-password": "GetLoginProfile", "ssh-public-key": "ListSSHPublicKeys",
        "signing-certificate": "ListSigningCertificates", "service-specific": "ListServiceSpecificCredentials",
    }  # fmt: skip
    needed += [operations[sort] for sort in config.credentials]
    return tuple(f"iam:{operation}" for operation in needed)


def _only_group(spec: ObjectSpec) -> str:
    if spec.kind is not Kind.GROUP:
        raise WriteFailed(f"IAM has groups as objects, no {spec.kind}")
    return spec.name


def build(name: str, config: AwsIamConfig, tools: Tools, *, timeout_s: float = 30.0, attempts: int = 4) -> AwsIam:
    """The system with its own connections. Raises `ImportError` without botocore, `ValueError` without access keys."""
    tools = replace(tools, limits=config.limits.limits())
    reader = Aws(
        tools, keys_of(config.reader_auth, "reader"), region=config.region, url=config.url, timeout_s=timeout_s,
        attempts=attempts, page_size=config.page_size, marked=config.end_of_list == "marked",
    )  # fmt: skip
    return AwsIam(name, config, reader, reader.signed_by(keys_of(config.writer_auth, "writer")))


ADAPTER = SystemAdapter("aws-iam", "the IAM users of an AWS account", AwsIamConfig, build)
