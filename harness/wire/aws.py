"""AWS over botocore with the wire's promise: one operation, or one list read to its own end mark, or `Unknown`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.model import NOTHING, Duration, Instant, Secret
from harness.ports import Tools
from harness.wire.aws_clients import EXTRA, Clients, Keys
from harness.wire.aws_errors import Gone, explain
from harness.wire.aws_strict import Misformed
from harness.wire.call import Unknown
from harness.wire.dialogue import Asked, Broken, Dialogue, Heard, Told
from harness.wire.extra import need
from harness.wire.limits import Gate

_MOST_PAGES = 10_000
# Seeds of virtual MFA devices: some servers tell them in lists too, where AWS tells them once, to whoever made one.
_NEVER_SHOWN = frozenset(("Base32StringSeed", "QRCodePNG", "ResponseMetadata"))
_UNREADABLE = (TypeError, ValueError, KeyError, AttributeError, IndexError)  # how botocore fails on a wrong shape


class Aws:
    """Signs with one access key. `url` None: AWS's own endpoints; a URL serves every service (an emulator, a VPC
    endpoint). `marked`: a list of IAM must say `IsTruncated`, as AWS does; False takes its silence for the end.

    botocore's own retries are off: the dialogue owns them, so that each try is evidence. No file and no profile of the
    machine is read: what is signed is the key of the fleet file and nothing else.
    """

    def __init__(
        self,
        tools: Tools,
        keys: Keys,
        *,
        region: str,
        url: str | None = None,
        timeout_s: float = 30.0,
        attempts: int = 4,
        page_size: int = 100,
        marked: bool = True,
        gate: Gate | None = None,
    ) -> None:
        tools.vault.learn(keys.secret.reveal())
        self._tools, self._keys = tools, keys
        self._how: dict[str, Any] = {
            "region": region, "url": url, "timeout_s": timeout_s, "attempts": attempts, "page_size": page_size,
            "marked": marked,
        }  # fmt: skip
        self._errors = need("botocore.exceptions", EXTRA)
        self._parsers = need("botocore.parsers", EXTRA)
        self._spelled: Callable[[str], str] = need("botocore", EXTRA).xform_name
        self._clients = Clients(keys, region, url, timeout_s, max(4, tools.limits.concurrency))
        self._dialogue = Dialogue(tools, attempts=attempts, gate=gate)
        self._page_size, self._marked = page_size, marked

    @property
    def gate(self) -> Gate:
        return self._dialogue.gate

    def now(self) -> Instant:
        """The clock of everything that is asked."""
        return self._tools.clock.now()

    def pause(self, span: Duration) -> None:
        """Waits for what the other side has taken on and does later."""
        self._tools.clock.sleep(span)

    def learn(self, secret: str) -> Secret:
        """A secret that an answer told: nothing that is written may hold it."""
        self._tools.vault.learn(secret)
        return Secret(secret)

    def signed_by(self, keys: Keys) -> Aws:
        """The same addresses and limits with somebody else's key: the leaver's."""
        return Aws(self._tools, keys, gate=self.gate, **self._how)

    def close(self) -> None:
        self._clients.close()

    def ask(
        self,
        service: str,
        operation: str,
        params: Mapping[str, Any] = NOTHING,
        *,
        unseen: Mapping[str, Any] = NOTHING,
        gone: Gone | None = None,
        look: bool = True,
        private: bool = False,
    ) -> Told[Mapping[str, Any] | None]:
        """One operation's answer; None where AWS answered with the code that `gone` declares. `unseen` are parameters
        that evidence must not show. Raises `Unknown`."""
        client = self._clients.of(service)
        asked = Asked(f"{service}:{operation}", client.meta.endpoint_url, dict(params), look=look, private=private)

        def attempt() -> Heard[Mapping[str, Any] | None]:
            errors = self._errors
            try:
                answer = getattr(client, self._spelled(operation))(**params, **unseen)
            except errors.ClientError as error:
                if gone is not None and gone.fits(error.response):
                    return Heard(None, {"Error": error.response.get("Error")}, _status(error.response))
                raise explain(f"{service}:{operation}", error.response) from None
            except errors.ParamValidationError as error:
                raise Broken(f"{operation} was not sent: {_short(error)}", in_doubt=False) from None
            except Misformed as error:
                why = f"the answer to {operation} ({error.status}) is not in the form of this API: {error.reason}"
                raise Broken(why, again=error.status >= 500, code=error.status) from None
            except self._parsers.ResponseParserError:
                raise Broken(f"the answer to {operation} could not be read") from None
            except (errors.EndpointConnectionError, errors.ConnectTimeoutError) as error:
                raise Broken(f"no connection: {_short(error)}", again=True, in_doubt=False) from None
            except errors.BotoCoreError as error:
                raise Broken(f"no answer: {_short(error)}", again=True) from None
            except _UNREADABLE as error:
                why = (
                    f"the answer to {operation} could not be read: a value has the wrong type ({type(error).__name__})"
                )
                raise Broken(why) from None
            return Heard(answer, _shown(answer), _status(answer))

        return self._dialogue.ask(asked, attempt)

    def all(
        self,
        service: str,
        operation: str,
        items: str,
        ids: Sequence[str],
        params: Mapping[str, Any] = NOTHING,
        *,
        gone: Gone | None = None,
        check: Callable[[Mapping[str, Any]], str] | None = None,
        marked: bool | None = None,
    ) -> Told[tuple[Any, ...] | None]:
        """Every item of a list over all its pages. `ids` are the fields that tell two items apart, none where the items
        are texts; `check` answers with what is wrong with a page; `marked` False: this list need not tell its end.
        Raises `Unknown` for anything less than the whole: a page without its list, an item without its id or twice, an
        end that is not told, a marker that came before."""
        limit, back, forth = _PAGING[service]
        marked = self._marked if marked is None else marked and self._marked
        found: dict[tuple[str, ...], Any] = {}
        markers: set[str] = set()
        evidence: tuple[str, ...] = ()
        sent = answered = 0
        marker = ""
        for number in range(_MOST_PAGES):
            told = self._page(
                service,
                operation,
                {**params, limit: self._page_size, **({back: marker} if marker else {})},
                gone,
                evidence,
            )
            evidence, sent, answered = evidence + told.evidence, sent or told.sent, told.answered

            def fail(reason: str, at: tuple[Any, ...] = (evidence, sent, answered)) -> Unknown:
                return Unknown(f"{operation}: {reason}", evidence=at[0], sent=at[1], answered=at[2])

            if told.value is None:
                if number:
                    raise fail("it was there for one page and gone for the next")
                return Told(None, sent, answered, evidence)
            wrong = check(told.value) if check is not None else ""
            if wrong:
                raise fail(wrong)
            rows = told.value.get(items)
            if not isinstance(rows, list):
                raise fail(f"the answer has no list `{items}`")
            for row in rows:
                key = _key(row, ids)
                if key is None:
                    raise fail(f"an item of `{items}` has no {' or '.join(ids) or 'text'}")
                if key in found:
                    raise fail(f"an item came twice: the pages of `{items}` overlap or loop")
                found[key] = row
            marker = _next(told.value, forth, marked, fail)
            if not marker:
                return Told(tuple(found.values()), sent, answered, evidence)
            if marker in markers:
                raise fail(f"the same `{forth}` came twice: the pages loop")
            markers.add(marker)
        raise Unknown(f"{operation}: the list has too many pages", evidence=evidence, sent=sent, answered=answered)

    def _page(
        self, service: str, operation: str, params: Mapping[str, Any], gone: Gone | None, before: tuple[str, ...]
    ) -> Told[Mapping[str, Any] | None]:
        try:
            return self.ask(service, operation, params, gone=gone)
        except Unknown as unknown:
            unknown.evidence = before + unknown.evidence  # the pages that did come are evidence too
            raise


# service -> how many a page may hold, the marker as it is sent, the marker as it is told
_PAGING = {
    "iam": ("MaxItems", "Marker", "Marker"),
    "identitystore": ("MaxResults", "NextToken", "NextToken"),
    "sso-admin": ("MaxResults", "NextToken", "NextToken"),
}


def _next(page: Mapping[str, Any], forth: str, marked: bool, fail: Callable[[str], Unknown]) -> str:
    """The marker of the next page; "" at the end that the vendor tells."""
    marker = page.get(forth)
    if marker is not None and (not isinstance(marker, str) or not marker):
        raise fail(f"`{forth}` is no text")
    if forth == "Marker":
        more = page.get("IsTruncated")
        if more is None and marked:
            raise fail("the answer does not say `IsTruncated`: whether there is more is not known")
        if more is not None and bool(more) != (marker is not None):
            raise fail(f"`IsTruncated` is {str(bool(more)).lower()}, and a `Marker` is {'' if marker else 'not '}there")
    return marker or ""


def _status(answer: Mapping[str, Any]) -> int:
    return int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _shown(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _shown(item) for key, item in value.items() if key not in _NEVER_SHOWN}
    return [_shown(item) for item in value] if isinstance(value, list) else value


def _key(row: Any, ids: Sequence[str]) -> tuple[str, ...] | None:
    if ids and not isinstance(row, Mapping):
        return None
    found = [row.get(name) for name in ids] if ids else [row]
    parts = tuple(part for part in found if isinstance(part, str) and part)
    return parts if len(parts) == len(found) else None


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
