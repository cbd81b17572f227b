"""Requests as fleet files write them, and lists of requests run in order, each using what an earlier one took."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from harness.config import Config
from harness.model import Instant, Secret
from harness.ports import Vault
from harness.wire.call import Answer, Call, Unknown
from harness.wire.context import RESERVED
from harness.wire.path import PathField, json_text
from harness.wire.template import Context, JsonField, JsonTemplate, Template, TemplateField, Unfilled, plain_text

METHODS = ("get", "post", "put", "patch", "delete")
Send = Callable[[Call], Answer]


def _free_names(take: dict[str, Any]) -> dict[str, Any]:
    for name in take:
        if not name.isidentifier() or name in RESERVED:
            raise ValueError(f"`{name}` cannot be the name of a variable: it is a word of the template language")
    return take


Take = Annotated[dict[str, PathField], AfterValidator(_free_names)]


class Envelope(Config):
    """`ok: {value: path, present: [true]}`: an answer whose success stands in its body."""

    value: PathField
    present: list[Any] = Field(min_length=1)

    def good(self, body: Any, context: Context) -> bool:
        return json_text(self.value.get(body, context)) in {json_text(value) for value in self.present}


class Request(Config):
    """One HTTP request: one of `get|post|put|patch|delete: PATH` and what belongs to it."""

    get: TemplateField | None = None
    post: TemplateField | None = None
    put: TemplateField | None = None
    patch: TemplateField | None = None
    delete: TemplateField | None = None
    params: dict[str, JsonField] = Field(default_factory=dict)
    headers: dict[str, TemplateField] = Field(default_factory=dict)
    body: JsonField | None = Field(default=None, alias="json")
    form: dict[str, JsonField] | None = None
    expect: list[int] = Field(default=[200, 201, 202, 204], min_length=1)
    absent_on: list[int] = Field(default_factory=list)
    take: Take = Field(default_factory=dict)
    ok: Envelope | None = None
    vantage: Literal["leaver"] | None = Field(default=None, alias="as")

    @model_validator(mode="after")
    def _shape(self) -> Request:
        given = [method for method in METHODS if getattr(self, method) is not None]
        if len(given) != 1 and self._needs_method():
            wrong = ", ".join(given) or "none"
            raise ValueError(f"exactly one of get, post, put, patch, delete is needed, got {wrong}")
        if self.body is not None and self.form is not None:
            raise ValueError("give either `json` or `form`")
        return self

    def _needs_method(self) -> bool:
        return True

    @property
    def method(self) -> str:
        return next(method for method in METHODS if getattr(self, method) is not None).upper()

    @property
    def url(self) -> Template:
        found: Template = getattr(self, self.method.lower())
        return found

    @property
    def reads(self) -> bool:
        return self.get is not None

    @property
    def names(self) -> frozenset[str]:
        """The variables that decide what is sent."""
        parts: list[Template | JsonTemplate] = [self.url, *self.headers.values()]
        parts += [*self.params.values(), *(self.form or {}).values(), *([self.body] if self.body else [])]
        return frozenset().union(*(part.names for part in parts))

    def call(self, context: Context, *, private: bool = False, also: frozenset[int] = frozenset()) -> Call:
        """The rendered request. `also`: further statuses that count as an answer. Raises `Unfilled`."""
        headers = {key: _header(value.render(context)) for key, value in self.headers.items()}
        body = self._payload(context, headers)
        return Call(
            method=self.method,
            url=self.url.path(context),
            accept=frozenset(self.expect) | frozenset(self.absent_on) | also,
            params=_pairs(self.params, context),
            headers=headers,
            body=body,
            own_auth=self.vantage == "leaver",
            private=private or self.vantage == "leaver",
            look=self.reads,
        )

    def _payload(self, context: Context, headers: dict[str, str]) -> bytes | None:
        typed = any(key.lower() == "content-type" for key in headers)
        if self.form is not None:
            if not typed:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
            return _form(_pairs(self.form, context))
        if self.body is None:
            return None
        if not typed:
            headers["Content-Type"] = "application/json"
        value = self.body.value(context)
        try:
            return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        except ValueError:  # NaN, or half a character that some answer held
            raise Unfilled("a value of the body cannot be written as JSON") from None


def _form(pairs: tuple[tuple[str, str], ...]) -> bytes:
    try:
        return urlencode(pairs).encode("ascii")
    except ValueError:
        raise Unfilled("a value of the form cannot be written as UTF-8") from None


def _header(text: str) -> str:
    if any(mark in text for mark in "\r\n\0"):
        raise Unfilled("a header value would hold a line break")
    return text


def _pairs(fields: Mapping[str, Any], context: Context) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[str, str]] = []
    for key, field_ in fields.items():
        value = field_.value(context)
        pairs += [(key, plain_text(part)) for part in (value if isinstance(value, list) else [value])]
    return tuple(pairs)


def _one_or_many(value: Any) -> str:
    return "many" if isinstance(value, list) else "one"


Many = Annotated[list[Request], Field(min_length=1)]
Requests = Annotated[Annotated[Request, Tag("one")] | Annotated[Many, Tag("many")], Discriminator(_one_or_many)]


def as_list(requests: Request | Sequence[Request] | None) -> tuple[Request, ...]:
    """A request or a list of requests, always as a tuple; None is empty."""
    if requests is None:
        return ()
    return (requests,) if isinstance(requests, Request) else tuple(requests)


class Failed(Exception):
    """A list of requests ended in an error. `vars` is all that was taken until then, secrets closed; `in_doubt`:
    something may have changed all the same; `status` of the answer that was not accepted, if there was one."""

    def __init__(self, reason: str, *, vars: Mapping[str, Any], in_doubt: bool, last: Unknown) -> None:
        super().__init__(reason)
        self.reason = reason
        self.vars = vars
        self.in_doubt = in_doubt
        self.status = last.status
        self.sent, self.answered, self.evidence = last.sent, last.answered, last.evidence


@dataclass(slots=True)
class Ran:
    """What a list of requests did: all that it took, and when its first was sent and its last answered."""

    vars: dict[str, Any] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)  # the names of those that the vault was told
    ended: bool = False  # an `absent_on` answer ended it as done
    sent: Instant = 0
    answered: Instant = 0
    evidence: tuple[str, ...] = ()


def run(
    requests: Request | Sequence[Request],
    context: Context,
    send: Send,
    vault: Vault,
    *,
    private: bool = False,
    leaver: bool = False,
) -> Ran:
    """Sends the requests in order. Variables stand at the top of the context and in `grant.*`. `private`: answers are
    never stored; `leaver`: all of them are sent as the leaver. Raises `Failed`."""
    ran = Ran()
    changed = False
    for request in as_list(requests):
        shown = f"{request.method} {request.url.shown}"
        sent = False
        try:
            here = {**context, **ran.vars, "grant": {**context.get("grant", {}), **ran.vars}}
            call = request.call(here, private=private)
            if leaver:
                call = replace(call, own_auth=True, private=True)
            shown = f"{call.method} {call.url}"
            answer = send(call)
            sent = True
            ran.sent, ran.answered = ran.sent or answer.sent, answer.answered
            ran.evidence += answer.evidence
            if answer.status in request.absent_on:
                ran.ended = True
                return ran
            changed = changed or not request.reads
            taken = take(request, answer, here, vault, leaver=leaver)
            ran.vars |= taken
            ran.secrets |= hidden(request, taken, leaver=leaver)
        except Unknown as error:
            doubt = changed or (error.in_doubt and not (sent or request.reads))
            kept = shielded(ran.vars, ran.secrets)
            raise Failed(f"{shown}: {error.reason}", vars=kept, in_doubt=doubt, last=error) from None
    return ran


def shielded(vars: Mapping[str, Any], secrets: Collection[str]) -> dict[str, Any]:
    """The same with every secret closed: for whatever may be kept, shown or written. A context opens them again."""
    return {name: Secret(plain_text(v)) if name in secrets else v for name, v in vars.items()}


def hidden(request: Request, taken: Mapping[str, Any], *, leaver: bool = False) -> set[str]:
    """The names among what a request took that are secret: `secret`, and what a leaver's answer gave but `id`."""
    leaver = leaver or request.vantage == "leaver"
    return {n for n, v in taken.items() if n == "secret" or (leaver and n != "id" and isinstance(v, str))}


def take(request: Request, answer: Answer, context: Context, vault: Vault, *, leaver: bool = False) -> dict[str, Any]:
    """Reads the envelope and the variables of one accepted answer. What a leaver's answer gives, and all that is
    called `secret`, is told to the vault first (`id` stays in clear). Raises `Unknown`."""
    needs_body = request.ok is not None or any(path.of_item for path in request.take.values())
    if not needs_body:
        return {name: path.get(None, context) for name, path in request.take.items()}
    body = answer.json()
    found = {name: path.get(body, context) for name, path in request.take.items()}
    for name in hidden(request, found, leaver=leaver):
        if found[name] is not None:
            vault.learn(plain_text(found[name]))
    reason = None
    if request.ok is not None and not request.ok.good(body, context):
        reason = f"the answer's `{request.ok.value.text}` does not say that it worked"
    for name, value in found.items():
        if value is None:
            reason = reason or f"the answer has no `{request.take[name].text}` to take as `{name}`"
    if reason is not None:
        raise Unknown(
            reason, evidence=answer.evidence, sent=answer.sent, answered=answer.answered, status=answer.status
        )
    return found
